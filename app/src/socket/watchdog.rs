//! Notices that a link is dead although nobody said so.

use ponte_protocol::UnixMillis;

/// A ping goes out after this long without a frame, in milliseconds.
const IDLE_MS: u64 = 15_000;
/// With a call up, in milliseconds.
const IDLE_IN_CALL_MS: u64 = 5_000;
/// The link is dead when a ping is not answered within this, in milliseconds.
const ANSWER_MS: u64 = 3_000;
/// A look later than this after the last one, in milliseconds, means that the page slept: nothing could be heard.
const SLEPT_MS: u64 = 2_500;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// Send a ping with this number.
    Ping(u64),
    /// Give the link up.
    Dead,
}

#[derive(Clone, Copy, Debug)]
struct Ping {
    n: u64,
    sent_at: UnixMillis,
    /// The answer is awaited from here; later than `sent_at` where the page slept.
    awaited_from: UnixMillis,
}

/// Watches one link. It is to be looked at every second.
#[derive(Clone, Copy, Debug)]
pub struct Watchdog {
    next: u64,
    heard_at: UnixMillis,
    looked_at: UnixMillis,
    ping: Option<Ping>,
}

impl Watchdog {
    /// A link that came up at `now`.
    pub fn new(now: UnixMillis) -> Self {
        Self {
            next: 1,
            heard_at: now,
            looked_at: now,
            ping: None,
        }
    }

    /// The link is used now, or the page woke up: whether it lives is asked at once. The number for the ping, unless one
    /// is on its way.
    pub fn probe(&mut self, now: UnixMillis) -> Option<u64> {
        if self.ping.is_some() {
            return None;
        }
        let n = self.next;
        self.next += 1;
        self.ping = Some(Ping {
            n,
            sent_at: now,
            awaited_from: now,
        });
        Some(n)
    }

    /// A frame came.
    pub fn hear(&mut self, now: UnixMillis) {
        self.heard_at = now;
    }

    /// A pong came: when its ping was sent, if it was the one awaited.
    pub fn pong(&mut self, n: u64) -> Option<UnixMillis> {
        let ping = self.ping.filter(|ping| ping.n == n)?;
        self.ping = None;
        Some(ping.sent_at)
    }

    /// The regular look.
    pub fn look(&mut self, now: UnixMillis, in_call: bool) -> Verdict {
        let slept = now.since(self.looked_at) > SLEPT_MS;
        self.looked_at = now;
        if let Some(ping) = &mut self.ping {
            if slept {
                ping.awaited_from = now;
            }
            let dead = now.since(ping.awaited_from.max(self.heard_at)) >= ANSWER_MS;
            return if dead { Verdict::Dead } else { Verdict::Fine };
        }
        let idle = if in_call { IDLE_IN_CALL_MS } else { IDLE_MS };
        if slept || now.since(self.heard_at) >= idle {
            return self.probe(now).map_or(Verdict::Fine, Verdict::Ping);
        }
        Verdict::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(dog: &mut Watchdog, seconds: std::ops::RangeInclusive<u64>) -> Vec<(u64, Verdict)> {
        seconds
            .map(|second| (second, dog.look(UnixMillis(second * 1_000), false)))
            .filter(|(_, verdict)| *verdict != Verdict::Fine)
            .collect()
    }

    #[test]
    fn t13_a_used_link_that_died_is_noticed_within_three_seconds() {
        let mut dog = Watchdog::new(UnixMillis(0));
        assert_eq!(dog.probe(UnixMillis(0)), Some(1));
        assert_eq!(dog.probe(UnixMillis(10)), None);
        assert_eq!(look(&mut dog, 1..=3), [(3, Verdict::Dead)]);
    }

    #[test]
    fn an_idle_link_is_asked_now_and_then_and_lives_by_its_answers() {
        let mut dog = Watchdog::new(UnixMillis(0));
        assert_eq!(look(&mut dog, 1..=15), [(15, Verdict::Ping(1))]);
        dog.hear(UnixMillis(15_050));
        assert_eq!(dog.pong(7), None);
        assert_eq!(dog.pong(1), Some(UnixMillis(15_000)));
        assert_eq!(look(&mut dog, 16..=30), []);
        assert_eq!(look(&mut dog, 31..=31), [(31, Verdict::Ping(2))]);
    }

    #[test]
    fn a_page_that_slept_asks_before_it_despairs() {
        let mut dog = Watchdog::new(UnixMillis(0));
        assert_eq!(dog.look(UnixMillis(1_000), false), Verdict::Fine);
        assert_eq!(dog.look(UnixMillis(60_000), false), Verdict::Ping(1));
        assert_eq!(dog.look(UnixMillis(120_000), false), Verdict::Fine);
        assert_eq!(dog.look(UnixMillis(121_000), false), Verdict::Fine);
        assert_eq!(dog.look(UnixMillis(123_000), false), Verdict::Dead);
    }

    #[test]
    fn other_frames_show_life_too() {
        let mut dog = Watchdog::new(UnixMillis(0));
        dog.probe(UnixMillis(0));
        dog.hear(UnixMillis(2_000));
        assert_eq!(look(&mut dog, 1..=4), []);
    }

    #[test]
    fn a_call_is_watched_more_closely() {
        let mut dog = Watchdog::new(UnixMillis(0));
        let verdicts: Vec<_> = (1..=5).map(|s| dog.look(UnixMillis(s * 1_000), true)).collect();
        assert_eq!(verdicts[4], Verdict::Ping(1));
    }
}
