//! The user's leg up to the moment when a person is known to be there (rules T4 and T14).

use crate::call::{Call, Phase};
use crate::context::Context;
use crate::{Announcement, LegId, PlaybackToken, TimerKind, Tone, cause};
use ponte_protocol::{CauseReason, EndedBy, LegRole, LegState, Refusal};

/// The key that says "it is me".
const CONFIRM_KEY: char = '1';

impl Call {
    /// Opens the user's leg; without a trunk the call ends.
    pub(crate) fn call_user(&mut self, cx: &mut Context) {
        if !self.open_leg(cx, LegRole::User) {
            let failure = self.nothing_left(cx, LegRole::User);
            self.end(cx, failure, EndedBy::System);
        }
    }

    /// The user's telephone was answered, by a person or by its voicemail.
    pub(crate) fn user_answered(&mut self, cx: &mut Context) {
        if self.phase != Phase::CallingUser {
            return;
        }
        let Some(leg) = self.active_user_leg() else {
            return;
        };
        if !self.setup.confirm {
            self.call_far(cx);
            return;
        }
        let until = cx.now.plus(cx.timeouts.confirm);
        cx.timers.set(leg, TimerKind::Confirm, until);
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
            Phase::CallingFar | Phase::Connected { .. } | Phase::FarFailed(_) => Ok(()),
            Phase::CallingUser | Phase::Ending { .. } => Err(Refusal::WrongState),
        }
    }

    /// A key pressed on the user's telephone.
    pub(crate) fn user_pressed(&mut self, cx: &mut Context, digit: char) {
        if digit == CONFIRM_KEY && matches!(self.phase, Phase::Confirming { .. }) {
            self.confirmed(cx);
        }
    }

    fn confirmed(&mut self, cx: &mut Context) {
        if let Some(leg) = self.active_user_leg() {
            cx.timers.cancel(leg, TimerKind::Confirm);
            cx.timers.cancel(leg, TimerKind::ConfirmRepeat);
        }
        self.call_far(cx);
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
        self.end(cx, refused, EndedBy::System);
    }

    /// The person is there: now, and never before, the far telephone is called.
    fn call_far(&mut self, cx: &mut Context) {
        debug_assert!(
            self.latest(LegRole::User)
                .is_some_and(|place| self.legs[place].state == LegState::Confirmed)
        );
        self.set_phase(Phase::CallingFar);
        self.far_from = self.legs.len();
        self.play_tone(cx, Tone::Progress);
        self.try_far(cx);
    }

    /// Another number on the user leg of a call whose far leg failed (rule T5).
    pub(crate) fn dial_again(
        &mut self,
        cx: &mut Context,
        dialled: ponte_protocol::DialString,
        number: ponte_protocol::E164,
    ) {
        if let Some(leg) = self.active_user_leg() {
            cx.timers.cancel(leg, TimerKind::Redial);
        }
        self.setup.dialled = dialled;
        self.setup.far_number = number;
        self.call_far(cx);
    }
}
