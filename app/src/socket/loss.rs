//! Notices that a link loses packets.
//!
//! TCP hides loss as delay: what was lost comes a retransmission time-out later, 200 ms at the least as TCP is built
//! today. So a ping that takes so much longer than the quickest one tells of loss; which of the two ways it was, does not
//! matter.

use ponte_protocol::UnixMillis;

/// A ping that takes so much longer than the quickest is late, in milliseconds.
const LATE_MS: u64 = 150;
/// A link loses for so long after a late ping, in milliseconds.
const REMEMBERED_MS: u64 = 300_000;
/// Pings of a link that came up, one after another, until it is known.
const SOUNDINGS: u32 = 8;

/// What the pings since a link came up tell of its way to the edge, over both its sockets. Another link may be another way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loss {
    quickest_ms: Option<u64>,
    /// The slowest of those remembered, and when it was known.
    slowest: Option<(u64, UnixMillis)>,
    answers: u32,
}

impl Loss {
    /// A ping was answered at `now`, after so many milliseconds.
    pub fn answered(&mut self, took_ms: u64, now: UnixMillis) {
        self.quickest_ms = Some(self.quickest_ms.map_or(took_ms, |best| best.min(took_ms)));
        self.answers = self.answers.saturating_add(1);
        let slowest = self
            .slowest
            .filter(|&(ms, at)| ms >= took_ms && now.since(at) < REMEMBERED_MS && !self.is_late(took_ms));
        self.slowest = slowest.or(Some((took_ms, now)));
    }

    /// Whether a ping should be sent soon, because little is known yet.
    pub fn wants_sounding(&self) -> bool {
        self.answers < SOUNDINGS
    }

    /// Whether what is sent should go a second way too.
    pub fn loses(&self, now: UnixMillis) -> bool {
        self.slowest
            .is_some_and(|(ms, at)| self.is_late(ms) && now.since(at) < REMEMBERED_MS)
    }

    fn is_late(&self, took_ms: u64) -> bool {
        self.quickest_ms
            .is_some_and(|best| took_ms >= best.saturating_add(LATE_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(answers: &[(u64, u64)]) -> Loss {
        let mut loss = Loss::default();
        for &(took_ms, at) in answers {
            loss.answered(took_ms, UnixMillis(at));
        }
        loss
    }

    #[test]
    fn t12_a_ping_that_waited_for_a_retransmission_tells_of_loss() {
        assert!(!loss(&[(20, 0), (35, 100), (90, 200)]).loses(UnixMillis(300)));
        assert!(loss(&[(20, 0), (221, 300)]).loses(UnixMillis(300)));
    }

    #[test]
    fn a_long_way_is_not_a_bad_one() {
        assert!(!loss(&[(640, 0), (655, 700), (601, 1_400)]).loses(UnixMillis(1_500)));
    }

    #[test]
    fn the_first_ping_may_have_been_the_late_one() {
        assert!(loss(&[(230, 0), (20, 300)]).loses(UnixMillis(300)));
    }

    #[test]
    fn it_is_forgotten_five_minutes_after_the_last_late_ping() {
        let known = loss(&[(20, 0), (700, 1_000), (240, 100_000), (21, 200_000)]);
        assert!(known.loses(UnixMillis(399_999)));
        assert!(!known.loses(UnixMillis(400_000)));
    }

    #[test]
    fn a_link_is_sounded_until_it_is_known() {
        let mut loss = Loss::default();
        let mut pings = 0;
        while loss.wants_sounding() {
            loss.answered(20, UnixMillis(pings));
            pings += 1;
        }
        assert_eq!(pings, 8);
    }
}
