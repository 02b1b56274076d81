//! How much of everything the edge takes.

use ponte_protocol::UnixMillis;

/// The largest JSON body of a request, in bytes.
pub const BODY_MAX: usize = 4096;
/// Frames a second that a portal's socket may send, and how many at once.
pub const FRAMES: Rate = Rate {
    per_second: 20,
    burst: 40,
};
/// New dial commands a second that a user may send over all portals, and how many at once.
pub const DIALS: Rate = Rate {
    per_second: 2,
    burst: 2,
};
/// Frames about calls in the browser that a portal's socket may have relayed a second, and how many at once.
pub const RTC: Rate = Rate {
    per_second: 2,
    burst: 10,
};
/// Refused frames in a row of a minute after which a portal's socket is closed with
/// [`CLOSE_TOO_FAST`](ponte_protocol::frames::CLOSE_TOO_FAST).
pub const STRIKES_MAX: u32 = 120;
/// Open sockets a user may have.
pub const SOCKETS_PER_USER: usize = 16;
/// Tickets a session may hold unused.
pub const TICKETS_PER_SESSION: u32 = 10;
/// Tokens to dial with that a user may have.
pub const DIAL_TOKENS_PER_USER: u32 = 10;
/// Browsers of a user that are told of calls while no portal is open; the oldest subscription gives way.
pub const PUSH_SUBSCRIPTIONS_PER_USER: u32 = 10;
/// Messages in a row that a push service fails to take, after which its subscription is dropped.
pub const PUSH_FAILURES_MAX: u32 = 10;
/// Subscriptions that a user's browsers may make or renew a second, and how many at once.
pub const PUSH_CHANGES: Rate = Rate {
    per_second: 1,
    burst: 20,
};
/// Sessions a user may have; the oldest end first.
pub const SESSIONS_PER_USER: u32 = 20;
/// How long a ticket is good, in milliseconds.
pub const TICKET_LIFETIME_MS: u64 = 30_000;
/// Links that may be in their handshake at once: in all, and from one network.
pub const HANDSHAKES_MAX: usize = 64;
/// Links from one network that may be in their handshake at once.
pub const HANDSHAKES_PER_NETWORK: usize = 8;
/// How long a socket may take for its handshake or its `hello`, in milliseconds.
pub const HANDSHAKE_MS: u64 = 10_000;
/// Queries of one user that may wait for the gateway at once.
pub const QUERIES_PER_USER: usize = 8;
/// Commands of one user that may wait for the gateway at once.
pub const WAITING_PER_USER: u32 = 32;

/// A rate with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many a second in the long run; at least 1.
    pub per_second: u32,
    /// How many at once; at least 1.
    pub burst: u32,
}

/// A bucket that fills at its rate and gives one token for each take. It counts in thousandths, so that nothing is lost
/// to rounding.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    rate: Rate,
    thousandths: u64,
    at: UnixMillis,
}

impl TokenBucket {
    /// A full bucket.
    pub fn full(rate: Rate, now: UnixMillis) -> Self {
        Self {
            rate,
            thousandths: u64::from(rate.burst).saturating_mul(1000),
            at: now,
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// Milliseconds until there is one, 1 or more.
    pub fn take(&mut self, now: UnixMillis) -> Result<(), u64> {
        let per_second = u64::from(self.rate.per_second.max(1));
        let gained = now.since(self.at).saturating_mul(per_second);
        let most = u64::from(self.rate.burst).saturating_mul(1000);
        self.thousandths = self.thousandths.saturating_add(gained).min(most);
        self.at = self.at.max(now);
        match self.thousandths.checked_sub(1000) {
            Some(rest) => {
                self.thousandths = rest;
                Ok(())
            }
            None => Err(1000_u64
                .saturating_sub(self.thousandths)
                .div_ceil(per_second)
                .max(1)),
        }
    }
}

/// Counts what a socket does wrong; a minute of good conduct clears it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Strikes {
    count: u32,
    since: UnixMillis,
}

impl Strikes {
    /// Counts one; `true` when it was one too many.
    pub fn add(&mut self, now: UnixMillis) -> bool {
        if now.since(self.since) > 60_000 {
            *self = Self { count: 0, since: now };
        }
        self.count = self.count.saturating_add(1);
        self.count > STRIKES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bucket_gives_its_burst_then_its_rate() {
        let mut bucket = TokenBucket::full(FRAMES, UnixMillis(1000));
        for _ in 0..40 {
            assert_eq!(bucket.take(UnixMillis(1000)), Ok(()));
        }
        assert_eq!(bucket.take(UnixMillis(1000)), Err(50));
        assert_eq!(bucket.take(UnixMillis(1049)), Err(1));
        assert_eq!(bucket.take(UnixMillis(1050)), Ok(()));
        assert_eq!(bucket.take(UnixMillis(1050)), Err(50));
    }

    proptest! {
        #[test]
        fn no_order_of_times_gives_more_than_burst_and_rate(steps in prop::collection::vec(0_u64..500, 1..200)) {
            let start = UnixMillis(10_000);
            let mut bucket = TokenBucket::full(DIALS, start);
            let mut now = start;
            let mut taken = 0_u64;
            for step in steps {
                now = now.plus(step);
                taken += u64::from(bucket.take(now).is_ok());
            }
            prop_assert!(taken <= 2 + now.since(start) * 2 / 1000);
        }

        #[test]
        fn what_it_says_to_wait_is_enough(takes in 1_usize..100) {
            let mut now = UnixMillis(5);
            let mut bucket = TokenBucket::full(FRAMES, now);
            for _ in 0..takes {
                if let Err(wait) = bucket.take(now) {
                    now = now.plus(wait);
                    prop_assert_eq!(bucket.take(now), Ok(()));
                }
            }
        }
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_and_breaks_nothing() {
        let mut bucket = TokenBucket::full(DIALS, UnixMillis(u64::MAX));
        assert_eq!(bucket.take(UnixMillis(0)), Ok(()));
        assert_eq!(bucket.take(UnixMillis(0)), Ok(()));
        assert!(bucket.take(UnixMillis(0)).is_err());
    }

    #[test]
    fn strikes_are_forgotten_after_a_minute() {
        let mut strikes = Strikes::default();
        for _ in 0..STRIKES_MAX {
            assert!(!strikes.add(UnixMillis(100_000)));
        }
        assert!(strikes.add(UnixMillis(100_000)));
        assert!(!strikes.add(UnixMillis(160_001)));
    }
}
