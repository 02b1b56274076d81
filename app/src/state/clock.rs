//! The server's clock, estimated: durations are shown by it, not by a clock that may be hours off.

use ponte_protocol::UnixMillis;

/// A measurement this old, in milliseconds, gives way to any newer one.
const STALE_AFTER_MS: u64 = 60_000;

/// How far the server's clock is ahead of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds to add to the local clock.
    offset: i64,
    best: Option<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    round_trip: u64,
    taken_at: UnixMillis,
}

impl Clock {
    /// The server's time at the local time `now`.
    pub fn server(&self, now: UnixMillis) -> UnixMillis {
        UnixMillis(now.0.saturating_add_signed(self.offset))
    }

    /// A server time that came by itself: good to about its time on the way, so only used until a pong is better.
    pub fn hear(&mut self, server: UnixMillis, now: UnixMillis) {
        if self
            .best
            .is_none_or(|best| now.since(best.taken_at) > STALE_AFTER_MS)
        {
            self.offset = server.0.cast_signed().saturating_sub(now.0.cast_signed());
        }
    }

    /// The answer to a ping sent at `sent`: the server's time lies in the middle of the round trip. The shortest round
    /// trip of the last minute counts.
    pub fn pong(&mut self, server: UnixMillis, sent: UnixMillis, now: UnixMillis) {
        let round_trip = now.since(sent);
        let better = self
            .best
            .is_none_or(|best| round_trip <= best.round_trip || now.since(best.taken_at) > STALE_AFTER_MS);
        if better {
            let there = server.plus(round_trip / 2);
            self.offset = there.0.cast_signed().saturating_sub(now.0.cast_signed());
            self.best = Some(Sample {
                round_trip,
                taken_at: now,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_hours_off_does_not_matter() {
        let mut clock = Clock::default();
        clock.hear(UnixMillis(10_000_000), UnixMillis(2_800_000));
        assert_eq!(clock.server(UnixMillis(2_801_000)), UnixMillis(10_001_000));
    }

    #[test]
    fn the_shortest_round_trip_counts_until_it_is_old() {
        let mut clock = Clock::default();
        clock.pong(UnixMillis(5_050), UnixMillis(0), UnixMillis(100));
        assert_eq!(clock.server(UnixMillis(100)), UnixMillis(5_100));
        clock.pong(UnixMillis(9_000), UnixMillis(1_000), UnixMillis(3_000));
        assert_eq!(clock.server(UnixMillis(3_000)), UnixMillis(8_000));
        clock.hear(UnixMillis(1), UnixMillis(4_000));
        assert_eq!(clock.server(UnixMillis(4_000)), UnixMillis(9_000));
        clock.pong(UnixMillis(90_000), UnixMillis(70_000), UnixMillis(71_000));
        assert_eq!(clock.server(UnixMillis(71_000)), UnixMillis(90_500));
    }

    #[test]
    fn no_clock_overflows() {
        let mut clock = Clock::default();
        clock.hear(UnixMillis(u64::MAX), UnixMillis(0));
        clock.pong(UnixMillis(u64::MAX), UnixMillis(u64::MAX), UnixMillis(0));
        let _ = clock.server(UnixMillis(u64::MAX));
    }
}
