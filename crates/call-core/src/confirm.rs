//! The user's leg up to the moment when a person is known to be there (rules T4 and T14).

use crate::call::{Call, Phase};
use crate::context::Context;
use crate::join::Crossing;
use crate::leg::Way;
use crate::setup::Far;
use crate::{Announcement, LegId, PlaybackToken, TimerKind, Tone, cause};
use ponte_protocol::{Cause, CauseReason, EndedBy, LegRole, LegState, Refusal, UnixMillis};

/// The key that says "it is me".
const CONFIRM_KEY: char = '1';
/// The key that sends a caller away.
const REJECT_KEY: char = '2';

impl Call {
    /// Opens the user's leg; without a trunk the call ends.
    pub(crate) fn call_user(&mut self, cx: &mut Context) {
        if !self.open_leg(cx, LegRole::User) {
            let failure = self.nothing_left(cx, LegRole::User);
            self.user_failed(cx, failure, EndedBy::System);
        }
    }

    /// The user's telephone was not reached: the end of a call back; a caller who waits is given to voicemail or refused.
    pub(crate) fn user_failed(&mut self, cx: &mut Context, cause: Cause, by: EndedBy) {
        if self.stands() {
            self.stand_failed(cx, cause, by);
        } else if self.rescue_goes_on(cx) {
            // Another telephone of the user rings, or is about to.
        } else if self.serves_caller() {
            self.divert(cx, cause, by);
        } else {
            self.end(cx, cause, by);
        }
    }

    /// The user's telephone was answered, by a person or by its voicemail.
    pub(crate) fn user_answered(&mut self, cx: &mut Context) {
        let until = match self.phase {
            Phase::CallingUser if self.setup.code.is_some() => return self.speak_code(cx),
            Phase::CallingUser => cx.now.plus(cx.timeouts.confirm),
            // Ringing and confirming have one time together (rule T9).
            Phase::Ringing { until } => until,
            Phase::Confirming { until, .. } if self.rescue.is_some() => until,
            _ => return,
        };
        let Some(leg) = self.active_user_leg() else {
            return;
        };
        // In a browser a person has answered, whatever rings beside it.
        let browser = self
            .place_of(leg)
            .is_some_and(|place| self.legs[place].way == Way::Browser);
        if !self.setup.confirm || browser {
            self.person_is_there(cx);
            return;
        }
        if !self.serves_caller() {
            cx.timers.set(leg, TimerKind::Confirm, until);
        }
        self.ask_to_confirm(cx, until);
    }

    pub(crate) fn ask_to_confirm(&mut self, cx: &mut Context, until: UnixMillis) {
        let prompt = self.announce(cx, None, vec![Announcement::ConfirmPressOne]);
        self.set_phase(Phase::Confirming { until, prompt });
    }

    /// **Accept** in a portal. Once more does no harm.
    pub(crate) fn accept(&mut self, cx: &mut Context) -> Result<(), Refusal> {
        match self.phase {
            Phase::Confirming { .. } => {
                self.confirmed(cx);
                Ok(())
            }
            Phase::CallingFar
            | Phase::Connected { .. }
            | Phase::Mailbox { .. }
            | Phase::FarFailed(_)
            | Phase::Standing { .. } => Ok(()),
            Phase::CallingUser
            | Phase::Ringing { .. }
            | Phase::Waiting { .. }
            | Phase::Held { .. }
            | Phase::Transferring { .. }
            | Phase::Parked { .. }
            | Phase::Voicemail(_)
            | Phase::Speaking { .. }
            | Phase::Recalling { .. }
            | Phase::Ending { .. } => Err(Refusal::WrongState),
        }
    }

    /// A key pressed on the user's telephone.
    pub(crate) fn user_pressed(&mut self, cx: &mut Context, digit: char) {
        if !matches!(self.phase, Phase::Confirming { .. }) {
            return;
        }
        if digit == CONFIRM_KEY {
            self.confirmed(cx);
        } else if digit == REJECT_KEY && self.serves_caller() {
            self.divert(cx, cause::local(CauseReason::Rejected), EndedBy::UserLeg);
        }
    }

    fn confirmed(&mut self, cx: &mut Context) {
        self.just_confirmed = true;
        if let Some(leg) = self.active_user_leg() {
            cx.timers.cancel(leg, TimerKind::Confirm);
            cx.timers.cancel(leg, TimerKind::ConfirmRepeat);
        }
        self.person_is_there(cx);
    }

    fn person_is_there(&mut self, cx: &mut Context) {
        if self.stands() {
            self.stand_up(cx);
        } else if self.serves_caller() {
            self.take_caller(cx);
        } else {
            self.call_far(cx);
        }
    }

    /// The prompt was spoken: after a pause it is spoken again.
    pub(crate) fn prompt_finished(&mut self, cx: &mut Context, leg: LegId, token: PlaybackToken) {
        if let Phase::Confirming { prompt, .. } = &mut self.phase
            && *prompt == Some(token)
        {
            *prompt = None;
            let again = cx.now.plus(cx.timeouts.confirm_repeat);
            cx.timers.set(leg, TimerKind::ConfirmRepeat, again);
            self.playback_over();
        }
    }

    pub(crate) fn repeat_prompt(&mut self, cx: &mut Context) {
        if let Phase::Confirming { until, .. } = self.phase {
            let prompt = self.announce(cx, None, vec![Announcement::ConfirmPressOne]);
            // Nothing that a portal shows has changed.
            self.phase = Phase::Confirming { until, prompt };
        }
    }

    /// Nobody confirmed: most often a voicemail answered.
    pub(crate) fn confirm_timed_out(&mut self, cx: &mut Context, leg: LegId) {
        let refused = cause::local(CauseReason::NotConfirmed);
        self.close_leg(cx, leg, refused);
        self.user_failed(cx, refused, EndedBy::System);
    }

    /// The person is there: now, and never before, the far telephone is called.
    pub(crate) fn call_far(&mut self, cx: &mut Context) {
        debug_assert!(
            self.latest(LegRole::User).is_some_and(|place| {
                let user = &self.legs[place];
                user.state == LegState::Confirmed || user.incoming
            }),
            "a far leg before the user leg"
        );
        self.set_phase(Phase::CallingFar);
        self.far_from = self.legs.len();
        self.play_tone(cx, Tone::Progress);
        if matches!(self.setup.far, Far::Mailbox) {
            cx.crossings.push_back(Crossing::EnterMailbox { call: self.id() });
            return;
        }
        self.try_far(cx);
    }

    /// Another number on the user leg of a call whose far leg failed (rule T5).
    pub(crate) fn dial_again(&mut self, cx: &mut Context, dialled: ponte_protocol::DialString, far: Far) {
        if let Some(leg) = self.active_user_leg() {
            cx.timers.cancel(leg, TimerKind::Redial);
        }
        self.setup.dialled = dialled;
        self.setup.far = far;
        self.call_far(cx);
    }
}
