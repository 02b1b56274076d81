//! One clock and one order for everything the simulator sees on the wire.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// When something happened.
///
/// Marks compare by [`Mark::order`], which the simulator counts in the order in which messages passed its sockets, so a
/// test may say "this INVITE came after that ACK" even where both fell into the same microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// Place in the order of all marks of one simulator, from 1.
    pub order: u64,
    /// Milliseconds since the simulator started.
    pub ms: u64,
    /// Microseconds since the simulator started.
    pub us: u64,
}

/// Gives out [`Mark`]s.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    order: AtomicU64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            order: AtomicU64::new(0),
        }
    }

    pub(crate) fn mark(&self) -> Mark {
        let order = self.order.fetch_add(1, Ordering::SeqCst) + 1;
        let us = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        Mark {
            order,
            ms: us / 1000,
            us,
        }
    }

    /// Milliseconds since the start, without taking a place in the order.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_keep_their_order() {
        let clock = Clock::start();
        let first = clock.mark();
        let second = clock.mark();
        assert!(first < second);
        assert_eq!(second.order, first.order + 1);
        assert!(second.us >= first.us);
        assert_eq!(second.ms, second.us / 1000);
    }
}
