//! The timer queue: exact, ordered, and with removal, so that no dead entry stays behind.

use std::collections::BTreeMap;

use crate::types::Timestamp;

/// A timer that was set; hold it to be able to clear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerId {
    at: Timestamp,
    sequence: u64,
}

/// Timers in the order they fire; those of one instant in the order they were set.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    queue: BTreeMap<TimerId, K>,
    sequence: u64,
}

impl<K> Timers<K> {
    pub(crate) const fn new() -> Self {
        Self {
            queue: BTreeMap::new(),
            sequence: 0,
        }
    }

    pub(crate) fn set(&mut self, at: Timestamp, key: K) -> TimerId {
        self.sequence += 1;
        let id = TimerId {
            at,
            sequence: self.sequence,
        };
        self.queue.insert(id, key);
        id
    }

    /// Takes the timer out of `slot`, and out of the queue if it is still there.
    pub(crate) fn clear(&mut self, slot: &mut Option<TimerId>) {
        if let Some(id) = slot.take() {
            self.queue.remove(&id);
        }
    }

    /// Sets the timer of `slot` anew.
    pub(crate) fn reset(&mut self, slot: &mut Option<TimerId>, at: Timestamp, key: K) {
        self.clear(slot);
        *slot = Some(self.set(at, key));
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|(id, _)| id.at)
    }

    /// Takes the first timer that is due.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<K> {
        let entry = self.queue.first_entry()?;
        (entry.key().at <= now).then(|| entry.remove())
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn fires_in_order_and_forgets_what_was_cleared() {
        let at = |ms| Timestamp(Duration::from_millis(ms));
        let mut timers = Timers::new();
        let mut slot = Some(timers.set(at(10), 'a'));
        timers.set(at(5), 'b');
        timers.set(at(5), 'c');
        assert_eq!(timers.next(), Some(at(5)));
        assert_eq!(timers.pop(at(4)), None);
        assert_eq!(
            (timers.pop(at(5)), timers.pop(at(5)), timers.pop(at(5))),
            (Some('b'), Some('c'), None)
        );
        timers.reset(&mut slot, at(20), 'd');
        assert_eq!((timers.len(), timers.next()), (1, Some(at(20))));
        timers.clear(&mut slot);
        assert_eq!((timers.len(), timers.next()), (0, None));
    }
}
