//! How long to wait before the next attempt.

/// The first wait is up to this, in milliseconds.
const FIRST_MS: u64 = 250;
/// With a call up, the first wait is up to this, in milliseconds: the call may need another path, which is agreed on over the
/// link.
const FIRST_IN_CALL_MS: u64 = 50;
/// While somebody waits for the link, no wait is longer, in milliseconds: two seconds are left of the three of rule T13
/// for a slow telephone to fetch its ticket, connect and be greeted.
const MOST_MS: u64 = 1_000;
/// Attempts after which the edge counts as away for long: about a minute.
const PATIENT_AFTER: u32 = 80;
/// No wait is longer then, in milliseconds.
const MOST_PATIENT_MS: u64 = 15_000;

/// Exponential waits with jitter, so that thousands of portals do not return at the same instant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next wait in milliseconds: half of the step for certain, the other half by `random`, 0 to below 1. With a
    /// call up, patience does not come.
    pub fn next(&mut self, random: f64, in_call: bool) -> u64 {
        let most = if in_call || self.attempts < PATIENT_AFTER {
            MOST_MS
        } else {
            MOST_PATIENT_MS
        };
        let step = match self.attempts {
            0 if in_call => FIRST_IN_CALL_MS,
            attempts => FIRST_MS.saturating_mul(1 << attempts.min(10)).min(most),
        };
        self.attempts = self.attempts.saturating_add(1);
        step / 2 + (step as f64 / 2.0 * random.clamp(0.0, 1.0)) as u64
    }

    /// A link was up: the next loss starts anew.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(backoff: &mut Backoff, attempts: usize, in_call: bool) -> Vec<u64> {
        (0..attempts).map(|_| backoff.next(1.0, in_call)).collect()
    }

    #[test]
    fn t13_waits_double_up_to_a_second_for_a_minute() {
        let mut backoff = Backoff::default();
        assert_eq!(longest(&mut backoff, 5, false), [250, 500, 1_000, 1_000, 1_000]);
        assert_eq!(longest(&mut backoff, 75, false).iter().max(), Some(&1_000));
        assert_eq!(longest(&mut backoff, 2, false), [15_000, 15_000]);
        backoff.reset();
        assert_eq!(backoff.next(0.0, false), 125);
    }

    #[test]
    fn t13_a_call_waits_no_longer_however_long_the_edge_is_away() {
        let mut backoff = Backoff::default();
        assert_eq!(longest(&mut backoff, 500, true).iter().max(), Some(&1_000));
        backoff.reset();
        assert_eq!(longest(&mut backoff, 3, true), [50, 500, 1_000]);
    }

    #[test]
    fn any_number_of_attempts_and_any_chance_stay_in_bounds() {
        let mut backoff = Backoff { attempts: u32::MAX };
        for random in [f64::NAN, -1.0, 0.5, 7.0] {
            let wait = backoff.next(random, false);
            assert!((7_500..=15_000).contains(&wait), "{wait}");
        }
    }
}
