//! How long a packet waits for one before it.
//!
//! To wait for what is lost makes the telephone at the other end wait too, and not to wait for what was overtaken loses it. So
//! the time is what overtaken packets needed lately: it grows when one comes too late, and shrinks while none does.

use std::time::{Duration, Instant};

/// At first.
const START: Duration = Duration::from_millis(40);
/// Where nothing is ever overtaken.
const LEAST: Duration = Duration::from_millis(10);
/// Longer than this, a telephone's own buffer is not likely to bridge.
const MOST: Duration = Duration::from_millis(120);
/// More than was needed.
const SPARE: Duration = Duration::from_millis(10);
/// After so long without need it shrinks.
const WINDOW: Duration = Duration::from_secs(4);
/// Packets that were given up and may still come.
const REMEMBERED: usize = 8;

#[derive(Debug)]
pub(super) struct Patience {
    length: Duration,
    /// The longest wait of this window that was worth it.
    needed: Duration,
    window_since: Option<Instant>,
    /// Sequence numbers that were given up, and when their successors had come.
    given_up: [Option<(u64, Instant)>; REMEMBERED],
    place: usize,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self {
            length: START,
            needed: Duration::ZERO,
            window_since: None,
            given_up: [None; REMEMBERED],
            place: 0,
        }
    }

    /// How long a packet may wait at `now`.
    pub(super) fn length(&mut self, now: Instant) -> Duration {
        let since = *self.window_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= WINDOW {
            let enough = (self.needed + SPARE).clamp(LEAST, MOST);
            // By half of what is too much: one quiet window proves little.
            self.length -= self.length.saturating_sub(enough) / 2;
            self.needed = Duration::ZERO;
            self.window_since = Some(now);
        }
        self.length
    }

    /// A packet came that another, which came this long ago, had overtaken.
    pub(super) fn rewarded(&mut self, waited: Duration) {
        self.needed = self.needed.max(waited);
    }

    /// `sequence` is not waited for any longer; the packet after it had come at `successor`.
    pub(super) fn given_up(&mut self, sequence: u64, successor: Instant) {
        self.given_up[self.place % REMEMBERED] = Some((sequence, successor));
        self.place = self.place.wrapping_add(1);
    }

    /// A packet came whose turn was over.
    pub(super) fn too_late(&mut self, sequence: u64, now: Instant) {
        let known =
            |entry: &&mut Option<(u64, Instant)>| entry.is_some_and(|(given_up, _)| given_up == sequence);
        let Some((_, successor)) = self.given_up.iter_mut().find(known).and_then(Option::take) else {
            return;
        };
        let needed = now.saturating_duration_since(successor);
        if needed <= MOST {
            self.rewarded(needed);
            self.length = self.length.max((needed + SPARE).min(MOST));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_with_what_is_overtaken_and_shrinks_without() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut patience = Patience::new();
        assert_eq!(patience.length(at(0)), START);
        patience.given_up(7, at(100));
        patience.too_late(7, at(170));
        assert_eq!(patience.length(at(171)), Duration::from_millis(80));
        // A second copy tells nothing, nor does what comes far too late.
        patience.too_late(7, at(200));
        patience.given_up(8, at(210));
        patience.too_late(8, at(900));
        assert_eq!(patience.length(at(901)), Duration::from_millis(80));
        for second in 1..60 {
            patience.length(at(1000 * second));
        }
        assert!(patience.length(at(60_000)) < LEAST + Duration::from_millis(2));
    }

    #[test]
    fn it_stays_while_it_is_needed() {
        let start = Instant::now();
        let mut patience = Patience::new();
        for second in 0..60 {
            patience.rewarded(Duration::from_millis(35));
            patience.length(start + Duration::from_secs(second));
        }
        assert_eq!(patience.length(start + Duration::from_mins(1)), START);
    }
}
