//! A caller who waits for the user: ringing until a person has really answered, then exactly one of answer, voicemail
//! and refusal (rules T6 and T9).

use crate::call::{Call, Phase};
use crate::context::Context;
use crate::join::{Crossing, Tell};
use crate::leg::Way;
use crate::{Announcement, TimerKind, cause};
use ponte_protocol::{Cause, CauseReason, EndedBy, LegRole};

/// How long the last words may take, in milliseconds, should their end not be told.
const FAREWELL_MS: u64 = 10_000;

impl Call {
    /// Rings the user's telephone, and the caller hears it.
    pub(crate) fn ring(&mut self, cx: &mut Context, no_answer_ms: u64) {
        let until = cx.now.plus(no_answer_ms);
        self.stop_waiting(cx);
        cx.timers.set(self.clock(), TimerKind::Caller, until);
        self.set_phase(Phase::Ringing { until });
        self.ring_back(cx, LegRole::Far);
        // Who was called before, and has let the call go, is called anew.
        self.user_from = self.legs.len();
        self.call_user(cx);
    }

    /// A person is at the user's telephone: the caller is answered.
    pub(crate) fn take_caller(&mut self, cx: &mut Context) {
        self.ties.fetched = false;
        self.stop_waiting(cx);
        self.close_rivals(cx);
        self.stop_playing(cx);
        match self.active_far().map(|far| far.way.clone()) {
            Some(Way::Half(other)) if self.ties.recalled => {
                cx.crossings.push_back(Crossing::Tell {
                    from: self.id(),
                    to: other,
                    tell: Tell::Resumed,
                });
            }
            Some(Way::Half(other)) => {
                if let Some(place) = self.latest(LegRole::Far) {
                    self.legs[place].answer(cx.now);
                }
                cx.crossings.push_back(Crossing::Tell {
                    from: self.id(),
                    to: other,
                    tell: Tell::Answered,
                });
            }
            Some(Way::Trunk(_) | Way::Device(_) | Way::Browser) => {
                self.answer(cx, LegRole::Far);
                self.hold_far(cx, None);
                self.bridge(cx);
            }
            None => {}
        }
        self.connected(cx);
    }

    /// The user does not take the call: voicemail does, where the user has it, else the caller is told why.
    pub(crate) fn divert(&mut self, cx: &mut Context, cause: Cause, by: EndedBy) {
        if matches!(self.phase, Phase::Ending { .. } | Phase::Voicemail(_)) {
            return;
        }
        if let Some((cause, by)) = self.give_up_rescue(cause, by) {
            self.end(cx, cause, by);
            return;
        }
        if std::mem::take(&mut self.ties.fetched) {
            // Whom nobody was there to fetch is to be fetched still.
            if let Some(user) = self.active_user_leg() {
                self.close_leg(cx, user, cause);
            }
            self.ties.detached = true;
            cx.crossings.push_back(Crossing::ParkAgain {
                call: self.id(),
                cause,
                by,
            });
            return;
        }
        if self.forward(cx, cause, by) {
            return;
        }
        self.stop_waiting(cx);
        if self.setup.voicemail && self.active_far().is_some() {
            if let Some(user) = self.active_user_leg() {
                self.close_leg(cx, user, cause);
            }
            self.take_message(cx);
        } else {
            if let Some(user) = self.active_user_leg() {
                self.close_leg(cx, user, cause);
            }
            self.end(cx, cause, by);
        }
    }

    /// The caller has waited long enough.
    pub(crate) fn caller_waited(&mut self, cx: &mut Context) {
        let cause = match self.phase {
            Phase::Confirming { .. } => cause::local(CauseReason::NotConfirmed),
            Phase::Ringing { .. } => {
                let rang = self
                    .latest(LegRole::User)
                    .is_some_and(|place| self.legs[place].ringing_at.is_some());
                cause::no_answer(rang)
            }
            Phase::Waiting { .. } => cause::local(CauseReason::Busy),
            _ => return,
        };
        self.divert(cx, cause, EndedBy::System);
    }

    /// The caller has gone, or the caller's network.
    pub(crate) fn caller_gone(&mut self, cx: &mut Context, cause: Cause, by: EndedBy) {
        if matches!(self.phase, Phase::Confirming { .. }) && !self.ear_wanted {
            // Somebody may be about to press the key.
            self.stop_waiting(cx);
            self.farewell = self.announce(cx, None, vec![Announcement::TooLate]);
            if let Some(leg) = self.active_user_leg() {
                cx.timers.set(leg, TimerKind::Farewell, cx.now.plus(FAREWELL_MS));
            }
        }
        self.end(cx, cause, by);
    }

    /// The last words are spoken.
    pub(crate) fn farewell_over(&mut self, cx: &mut Context) {
        self.farewell = None;
        if let Some(leg) = self.active_user_leg() {
            self.close_leg(cx, leg, cause::local(CauseReason::NormalClearing));
        }
    }

    /// Whether the caller is neither answered nor sent away.
    pub(crate) fn caller_waits(&self) -> bool {
        self.serves_caller()
            && matches!(
                self.phase,
                Phase::Ringing { .. } | Phase::Waiting { .. } | Phase::Confirming { .. }
            )
    }

    /// Stops the timers of the whole call.
    pub(crate) fn stop_waiting(&self, cx: &mut Context) {
        let first = self.clock();
        for kind in [
            TimerKind::Caller,
            TimerKind::Waiting,
            TimerKind::Beep,
            TimerKind::Message,
            TimerKind::Park,
            TimerKind::Recall,
            TimerKind::Stay,
        ] {
            cx.timers.cancel(first, kind);
        }
        if let Some(leg) = self.active_user_leg() {
            cx.timers.cancel(leg, TimerKind::ConfirmRepeat);
        }
    }
}
