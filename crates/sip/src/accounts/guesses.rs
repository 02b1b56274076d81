//! Wrong answers, counted for each source address and account.
//!
//! A guesser is met with silence; the true telephone, at another address, never notices.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use crate::types::Timestamp;

/// Wrong answers older than this are forgiven.
const WINDOW: Duration = Duration::from_mins(1);
/// Pairs of source and account remembered; the oldest is forgotten for a new one.
const MAX_SOURCES: usize = 10_000;

type Key = (IpAddr, Option<Arc<str>>);

/// See the module's documentation.
pub(super) struct Guesses {
    allowed: usize,
    wrong: HashMap<Key, VecDeque<Timestamp>>,
    /// In the order of their first wrong answer since they were forgotten.
    order: VecDeque<Key>,
}

impl Guesses {
    pub(super) fn new(allowed: usize) -> Self {
        Self {
            allowed: allowed.max(1),
            wrong: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Whether no more answers of this source for this account are looked at. `None`: no such account.
    pub(super) fn is_exhausted(&self, now: Timestamp, source: IpAddr, account: Option<&Arc<str>>) -> bool {
        self.wrong.get(&key(source, account)).is_some_and(|times| {
            times.len() >= self.allowed && times.front().is_some_and(|first| now.since(*first) < WINDOW)
        })
    }

    pub(super) fn wrong(&mut self, now: Timestamp, source: IpAddr, account: Option<&Arc<str>>) {
        let key = key(source, account);
        if !self.wrong.contains_key(&key) {
            self.make_room(now);
            self.order.push_back(key.clone());
        }
        let times = self.wrong.entry(key).or_default();
        times.push_back(now);
        if times.len() > self.allowed {
            times.pop_front();
        }
    }

    fn make_room(&mut self, now: Timestamp) {
        while let Some(oldest) = self.order.front() {
            let last = self.wrong.get(oldest).and_then(VecDeque::back);
            let forgiven = last.is_none_or(|last| now.since(*last) >= WINDOW);
            if !forgiven && self.order.len() < MAX_SOURCES {
                return;
            }
            self.wrong.remove(oldest);
            self.order.pop_front();
        }
    }
}

/// A host with IPv6 commands a whole /64.
fn key(source: IpAddr, account: Option<&Arc<str>>) -> Key {
    let source = match source.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    };
    (source, account.cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(Duration::from_secs(seconds))
    }

    #[test]
    fn only_the_guesser_is_silenced_and_only_for_a_minute() {
        let mut guesses = Guesses::new(3);
        let (guesser, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let account: Arc<str> = "desk-201".into();
        for second in 0..3 {
            assert!(!guesses.is_exhausted(at(second), guesser, Some(&account)));
            guesses.wrong(at(second), guesser, Some(&account));
        }
        assert!(guesses.is_exhausted(at(3), guesser, Some(&account)));
        assert!(!guesses.is_exhausted(at(3), other, Some(&account)));
        assert!(!guesses.is_exhausted(at(3), guesser, None));
        assert!(guesses.is_exhausted(at(59), guesser, Some(&account)));
        assert!(!guesses.is_exhausted(at(60), guesser, Some(&account)));
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_source() {
        let mut guesses = Guesses::new(1);
        guesses.wrong(at(0), "2001:db8::1".parse().unwrap(), None);
        assert!(guesses.is_exhausted(at(0), "2001:db8::2".parse().unwrap(), None));
        assert!(!guesses.is_exhausted(at(0), "2001:db8:0:1::1".parse().unwrap(), None));
    }

    #[test]
    fn memory_is_bounded() {
        let mut guesses = Guesses::new(1);
        for number in 0..(MAX_SOURCES as u32 + 500) {
            guesses.wrong(at(1), IpAddr::V4(number.into()), None);
        }
        assert_eq!(guesses.wrong.len(), MAX_SOURCES);
        assert_eq!(guesses.order.len(), MAX_SOURCES);
        guesses.wrong(at(100), IpAddr::V4(1.into()), None);
        assert_eq!((guesses.wrong.len(), guesses.order.len()), (1, 1));
    }
}
