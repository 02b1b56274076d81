//! The delay between attempts to sign in: it grows with every failure, has a limit, and locks nobody out for good.
//!
//! An attempt is charged when it begins, so that a thousand attempts at once count like a thousand in a row; success
//! gives the charge back.

use ponte_protocol::UnixMillis;
use serde::{Deserialize, Serialize};

/// How a delay grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Failures without any delay.
    pub free: u32,
    /// The delay after the first failure that is not free, in milliseconds; it doubles with each one.
    pub first_ms: u64,
    /// The longest delay, in milliseconds.
    pub longest_ms: u64,
    /// After this long without an attempt all failures are forgotten, in milliseconds.
    pub forget_ms: u64,
}

/// For one account. Its limit is short, because whoever knows a name can cause it.
pub const ACCOUNT: Policy = Policy {
    free: 4,
    first_ms: 1000,
    longest_ms: 30_000,
    forget_ms: 3_600_000,
};
/// For one network, behind which many people may sit.
pub const NETWORK: Policy = Policy {
    free: 20,
    first_ms: 1000,
    longest_ms: 60_000,
    forget_ms: 3_600_000,
};

/// What is kept of an account's or a network's failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    pub count: u32,
    /// The last attempt that was let through.
    pub last: UnixMillis,
}

impl Policy {
    /// Milliseconds that must lie between the last attempt and the next one.
    pub fn delay_ms(&self, failures: u32) -> u64 {
        match failures.checked_sub(self.free) {
            None | Some(0) => 0,
            Some(over) => {
                let doubled = 1_u64.checked_shl(over.saturating_sub(1)).unwrap_or(u64::MAX);
                self.first_ms.saturating_mul(doubled).min(self.longest_ms)
            }
        }
    }

    /// Milliseconds until the next attempt may be made; 0 for now.
    pub fn wait_ms(&self, failures: Failures, now: UnixMillis) -> u64 {
        if self.is_forgotten(failures, now) {
            return 0;
        }
        // A clock that went back must not lengthen the wait.
        let passed = now.since(failures.last);
        self.delay_ms(failures.count).saturating_sub(passed)
    }

    /// The failures with one attempt more.
    #[must_use]
    pub fn charge(&self, failures: Failures, now: UnixMillis) -> Failures {
        let count = if self.is_forgotten(failures, now) {
            0
        } else {
            failures.count
        };
        Failures {
            count: count.saturating_add(1),
            last: now,
        }
    }

    /// The failures after an attempt succeeded: its charge given back.
    #[must_use]
    pub fn refund(failures: Failures) -> Failures {
        Failures {
            count: failures.count.saturating_sub(1),
            ..failures
        }
    }

    /// Whether nothing need be kept.
    pub fn is_forgotten(&self, failures: Failures, now: UnixMillis) -> bool {
        failures.count == 0 || now.since(failures.last) >= self.forget_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(policy: Policy, attempts: u32) -> Failures {
        (0..attempts).fold(Failures::default(), |failures, n| {
            policy.charge(failures, UnixMillis(1_000_000 + u64::from(n)))
        })
    }

    #[test]
    fn the_delay_doubles_up_to_its_limit_and_stays_there() {
        let delays: Vec<u64> = (0..12).map(|failures| ACCOUNT.delay_ms(failures)).collect();
        assert_eq!(
            delays,
            [0, 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
        );
        assert_eq!(ACCOUNT.delay_ms(u32::MAX), 30_000);
        assert_eq!(NETWORK.delay_ms(u32::MAX), 60_000);
    }

    #[test]
    fn attempts_at_once_are_charged_like_attempts_in_a_row() {
        let failures = after(ACCOUNT, 5);
        assert_eq!(ACCOUNT.wait_ms(failures, failures.last), 1000);
        assert_eq!(ACCOUNT.wait_ms(failures, failures.last.plus(999)), 1);
        assert_eq!(ACCOUNT.wait_ms(failures, failures.last.plus(1000)), 0);
    }

    #[test]
    fn nobody_is_locked_out_for_good() {
        let failures = after(ACCOUNT, 10_000);
        assert_eq!(ACCOUNT.wait_ms(failures, failures.last.plus(30_000)), 0);
        let later = failures.last.plus(ACCOUNT.forget_ms);
        assert_eq!(ACCOUNT.charge(failures, later).count, 1);
    }

    #[test]
    fn success_gives_the_charge_back() {
        let failures = Policy::refund(after(NETWORK, 3));
        assert_eq!(failures.count, 2);
        assert_eq!(Policy::refund(Failures::default()).count, 0);
    }

    #[test]
    fn a_clock_that_goes_back_waits_no_longer_than_the_delay() {
        let failures = after(ACCOUNT, 6);
        assert_eq!(ACCOUNT.wait_ms(failures, UnixMillis(0)), 2000);
    }
}
