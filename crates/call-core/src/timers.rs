//! Everything the switch waits for, ordered by time.

use crate::LegId;
use ponte_protocol::{CallId, UnixMillis};
use std::collections::{BTreeMap, BTreeSet};

/// Why the switch wants to be woken. Each belongs to a leg and goes away with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// INVITE sent, nothing heard, or nothing but 100: the next trunk is to be tried ([`crate::Timeouts::trunk_response`],
    /// [`crate::Timeouts::trunk_progress`]).
    TrunkResponse,
    /// The user's telephone is called ([`crate::UserConfig::user_no_answer_ms`]).
    UserNoAnswer,
    /// The far telephone is called ([`crate::Timeouts::far_no_answer`]).
    FarNoAnswer,
    /// The user's telephone was answered, nobody has confirmed yet ([`crate::Timeouts::confirm`]).
    Confirm,
    /// The prompt for the key 1 pauses ([`crate::Timeouts::confirm_repeat`]).
    ConfirmRepeat,
    /// The far leg failed, another number may be dialled ([`crate::Timeouts::redial`]).
    Redial,
    /// A caller waits for the user to answer and confirm ([`ponte_protocol::CallSettings::no_answer_ms`]).
    Caller,
    /// A second call is offered ([`crate::Timeouts::waiting`]).
    Waiting,
    /// The next beep for it ([`crate::Timeouts::beep`]).
    Beep,
    /// A parked call comes back to who parked it ([`crate::Timeouts::park`]).
    Park,
    /// The greeting and the message of voicemail ([`crate::Timeouts::message`]).
    Message,
    /// The last words before a leg is closed.
    Farewell,
    /// The next key ([`crate::Timeouts::digits`]).
    Digits,
    /// A telephone that the user has left for another is let go ([`crate::Timeouts::overlap`]).
    Overlap,
    /// A verification code is spoken again.
    SpeakAgain,
    /// Telecommuter mode ends by itself.
    Leave,
    /// The user is called again: a leg was lost, or the one that stays up dropped.
    Recall,
    /// The leg that stays up has been up for as long as it may ([`crate::Timeouts::stay`]).
    Stay,
    /// The other party is told that the call is recorded; without an end to that nothing is recorded.
    Told,
    /// The leg was told to close and has not said that it ended ([`crate::Timeouts::close`]).
    Close,
}

/// The timers of all legs; setting, cancelling and finding the next take logarithmic time.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeSet<(UnixMillis, LegId, TimerKind)>,
    deadlines: BTreeMap<(LegId, TimerKind), UnixMillis>,
}

impl Timers {
    /// Starts the timer, or starts it anew.
    pub(crate) fn set(&mut self, leg: LegId, kind: TimerKind, at: UnixMillis) {
        if let Some(before) = self.deadlines.insert((leg, kind), at) {
            self.queue.remove(&(before, leg, kind));
        }
        self.queue.insert((at, leg, kind));
    }

    pub(crate) fn cancel(&mut self, leg: LegId, kind: TimerKind) {
        if let Some(at) = self.deadlines.remove(&(leg, kind)) {
            self.queue.remove(&(at, leg, kind));
        }
    }

    /// Stops every timer of a leg.
    pub(crate) fn cancel_leg(&mut self, leg: LegId) {
        while let Some((&(_, kind), _)) = self
            .deadlines
            .range((leg, TimerKind::TrunkResponse)..=(leg, TimerKind::Close))
            .next()
        {
            self.cancel(leg, kind);
        }
    }

    /// Whether any leg of the call waits for something.
    pub(crate) fn any_of(&self, call: CallId) -> bool {
        let first = LegId { call, index: 0 };
        let last = LegId {
            call,
            index: u16::MAX,
        };
        self.deadlines
            .range((first, TimerKind::TrunkResponse)..=(last, TimerKind::Close))
            .next()
            .is_some()
    }

    pub(crate) fn next(&self) -> Option<(UnixMillis, TimerKind)> {
        self.queue.first().map(|&(at, _, kind)| (at, kind))
    }

    /// Takes the first timer that is due, if one is.
    pub(crate) fn pop_due(&mut self, now: UnixMillis) -> Option<(LegId, TimerKind)> {
        let &(at, leg, kind) = self.queue.first()?;
        if at > now {
            return None;
        }
        self.cancel(leg, kind);
        Some((leg, kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(call: u128, index: u16) -> LegId {
        LegId {
            call: CallId(uuid::Uuid::from_u128(call)),
            index,
        }
    }

    #[test]
    fn timers_come_in_the_order_of_time() {
        let mut timers = Timers::default();
        timers.set(leg(1, 0), TimerKind::Confirm, UnixMillis(30));
        timers.set(leg(2, 0), TimerKind::Close, UnixMillis(10));
        timers.set(leg(1, 1), TimerKind::Redial, UnixMillis(20));
        assert_eq!(timers.next(), Some((UnixMillis(10), TimerKind::Close)));
        assert_eq!(timers.pop_due(UnixMillis(5)), None);
        assert_eq!(
            timers.pop_due(UnixMillis(25)),
            Some((leg(2, 0), TimerKind::Close))
        );
        assert_eq!(
            timers.pop_due(UnixMillis(25)),
            Some((leg(1, 1), TimerKind::Redial))
        );
        assert_eq!(timers.pop_due(UnixMillis(25)), None);
    }

    #[test]
    fn a_timer_set_again_fires_once_at_the_later_time() {
        let mut timers = Timers::default();
        timers.set(leg(1, 0), TimerKind::Redial, UnixMillis(10));
        timers.set(leg(1, 0), TimerKind::Redial, UnixMillis(40));
        assert_eq!(timers.pop_due(UnixMillis(39)), None);
        assert!(timers.pop_due(UnixMillis(40)).is_some());
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn the_timers_of_a_leg_go_with_it_and_those_of_its_neighbour_stay() {
        let mut timers = Timers::default();
        timers.set(leg(1, 0), TimerKind::TrunkResponse, UnixMillis(10));
        timers.set(leg(1, 0), TimerKind::Close, UnixMillis(10));
        timers.set(leg(1, 1), TimerKind::Close, UnixMillis(20));
        timers.cancel_leg(leg(1, 0));
        assert_eq!(timers.next(), Some((UnixMillis(20), TimerKind::Close)));
        assert!(timers.any_of(leg(1, 0).call));
        timers.cancel_leg(leg(1, 1));
        assert!(!timers.any_of(leg(1, 0).call));
    }
}
