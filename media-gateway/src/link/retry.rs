//! How long to wait before the next try to reach the edge.
//!
//! A site has one gateway, so short waits cost the edge little, and everything a portal shows waits for them: with the
//! time to connect, the true state is back within three seconds of the edge, however long it was away (rule T13).

use std::time::Duration;

/// The first wait, at most: what the edge's host does within it, a new process on the same machine does too.
const FIRST: Duration = Duration::from_millis(100);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(1);
/// Between tries after the edge refused the key: the fault is an administrator's to mend.
const REFUSED: Duration = Duration::from_secs(30);
/// How often the same fault is told.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// What a try failed of, as far as the wait is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The edge, or the way to it, is not there.
    Away,
    /// The edge and the gateway do not know each other.
    Refused,
}

/// The waits between tries: they double up to a second, and jitter keeps gateways of many sites from returning at the
/// same instant.
#[derive(Debug, Default)]
pub struct Retry {
    tries: u32,
    told: Option<(String, Duration)>,
    waited: Duration,
}

impl Retry {
    /// The link was up: the next loss starts anew.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// The next wait: half of the step for certain, the other half by `random`, 0 to 1.
    pub fn next(&mut self, failure: Failure, random: f64) -> Duration {
        let step = match failure {
            Failure::Away => FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST),
            Failure::Refused => REFUSED,
        };
        self.tries = self.tries.saturating_add(1);
        let wait = step.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0));
        self.waited = self.waited.saturating_add(wait);
        wait
    }

    /// Whether a fault is to be told: once, and again after a minute of it or when another takes its place.
    pub fn is_news(&mut self, fault: &str) -> bool {
        let known = self
            .told
            .as_ref()
            .is_some_and(|(told, at)| told == fault && self.waited.saturating_sub(*at) < TOLD_EVERY);
        if !known {
            self.told = Some((fault.to_owned(), self.waited));
        }
        !known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(retry: &mut Retry, tries: usize) -> Vec<u128> {
        (0..tries)
            .map(|_| retry.next(Failure::Away, 1.0).as_millis())
            .collect()
    }

    #[test]
    fn t13_waits_double_up_to_a_second_however_long_the_edge_is_away() {
        let mut retry = Retry::default();
        assert_eq!(longest(&mut retry, 6), [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(longest(&mut retry, 100_000).into_iter().max(), Some(1000));
        retry.reset();
        assert_eq!(retry.next(Failure::Away, 0.0), Duration::from_millis(50));
    }

    #[test]
    fn a_refused_key_is_not_tried_again_every_second() {
        let wait = Retry::default().next(Failure::Refused, 0.5);
        assert!((15..=30).contains(&wait.as_secs()), "{wait:?}");
    }

    #[test]
    fn a_fault_that_lasts_is_told_once_a_minute() {
        let mut retry = Retry::default();
        let mut told = 0;
        let mut waited = Duration::ZERO;
        while waited < Duration::from_mins(10) {
            waited += retry.next(Failure::Away, 1.0);
            told += u32::from(retry.is_news("connection refused"));
        }
        assert!((9..=11).contains(&told), "{told} in ten minutes");
        assert!(retry.is_news("another"));
        assert!(!retry.is_news("another"));
    }
}
