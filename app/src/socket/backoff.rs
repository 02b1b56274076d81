//! How long to wait before the next attempt.

/// The first wait is up to this, in milliseconds.
const FIRST_MS: u64 = 500;
/// No wait is longer, in milliseconds.
const MOST_MS: u64 = 15_000;

/// Exponential waits with jitter, so that thousands of portals do not return at the same instant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next wait in milliseconds: half of the step for certain, the other half by `random`, 0 to below 1.
    pub fn next(&mut self, random: f64) -> u64 {
        let step = FIRST_MS.saturating_mul(1 << self.attempts.min(10)).min(MOST_MS);
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

    #[test]
    fn waits_double_up_to_a_bound() {
        let mut backoff = Backoff::default();
        let longest: Vec<u64> = (0..8).map(|_| backoff.next(1.0)).collect();
        assert_eq!(longest, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
        backoff.reset();
        assert_eq!(backoff.next(0.0), 250);
    }

    #[test]
    fn any_number_of_attempts_and_any_chance_stay_in_bounds() {
        let mut backoff = Backoff { attempts: u32::MAX };
        for random in [f64::NAN, -1.0, 0.5, 7.0] {
            let wait = backoff.next(random);
            assert!((7_500..=15_000).contains(&wait), "{wait}");
        }
    }
}
