//! Rule T2: a call that speaks a code to whoever answers the number, to prove that it is the user's.

use crate::call::{Call, Phase};
use crate::commands::Done;
use crate::context::Context;
use crate::setup::{Far, Near, Setup};
use crate::{Announcement, Dialled, LegId, PlaybackToken, Secret, Switch, TimerKind, cause, dial};
use ponte_protocol::{CallId, CauseReason, DialString, Direction, EndedBy, Refusal, UserId};

/// How often the code is spoken.
const TIMES: u8 = 3;
/// How long one time may take, in milliseconds, should its end not be told.
const SPOKEN_MS: u64 = 30_000;

impl Switch {
    pub(crate) fn verify(
        &mut self,
        id: &UserId,
        new: CallId,
        dialled: &Dialled,
        code: Secret<Vec<u8>>,
    ) -> Result<Done, Refusal> {
        let now = self.cx.now;
        let known = self.known_user(id)?;
        if !known.config.profile.telecommuter_allowed {
            return Err(Refusal::NotPermitted);
        }
        let number = dial::check_destination(known, dialled)?;
        let mut others = known.calls.iter().filter_map(|call| self.calls.get(call));
        let one_is_up = others.any(|call| call.setup.code.is_some());
        let typed: DialString = number.as_str().parse().map_err(|_| Refusal::InvalidNumber)?;
        let user = self.users.get_mut(id).ok_or(Refusal::UnknownUser)?;
        if one_is_up || !user.may_verify(now) {
            return Err(Refusal::CapReached);
        }
        self.check_caps(id)?;
        let user = self.users.get_mut(id).ok_or(Refusal::UnknownUser)?;
        if !self.store_writable {
            return Err(Refusal::StoreUnavailable);
        }
        if !self.cx.trunks.any_up() {
            return Err(Refusal::NoTrunk);
        }
        if self.cx.trunks.capacity() == 0 {
            return Err(Refusal::CapReached);
        }
        if self.calls.contains_key(&new) {
            return Err(Refusal::DuplicateId);
        }
        user.count_verification(now);
        user.count_dial(now);
        user.calls.push(new);
        let setup = Setup {
            id: new,
            user: id.clone(),
            direction: Direction::Outgoing,
            dialled: typed,
            near: Near::Number(number),
            far: Far::Nobody,
            caller_id: Some(user.config.profile.caller_id.clone()),
            confirm: false,
            user_no_answer_ms: user.config.user_no_answer_ms,
            voicemail: false,
            forwarded: crate::forward::Forwarded::default(),
            code: Some(code),
        };
        let mut call = Call::new(&self.cx, setup, Phase::CallingUser);
        call.call_user(&mut self.cx);
        self.calls.insert(new, call);
        Ok(Done::Unseen(new))
    }

    /// The code came back: nobody need hear the rest of it.
    pub(crate) fn end_verification(&mut self, user: &UserId) {
        let calls = self.users.get(user).map_or(&[][..], |user| &user.calls[..]);
        let speaking = calls.iter().copied().find(|id| {
            let call = self.calls.get(id);
            call.is_some_and(|call| matches!(call.phase, Phase::Speaking { .. }))
        });
        let Some(id) = speaking else { return };
        if let Some(call) = self.calls.get_mut(&id) {
            call.end(
                &mut self.cx,
                cause::local(CauseReason::NormalClearing),
                EndedBy::System,
            );
        }
        self.settle(id);
    }
}

impl Call {
    /// Somebody answered: the code is spoken, again and again.
    pub(crate) fn speak_code(&mut self, cx: &mut Context) {
        self.connected_at.get_or_insert(cx.now);
        self.say_code(cx, TIMES);
    }

    fn say_code(&mut self, cx: &mut Context, left: u8) {
        let mut words = vec![Announcement::VerificationCode];
        if let Some(code) = &self.setup.code {
            words.extend(code.0.iter().copied().map(Secret).map(Announcement::Digit));
        }
        let token = self.announce(cx, None, words);
        if let Some(leg) = self.active_user_leg() {
            let late = cx.now.plus(SPOKEN_MS);
            cx.timers.set(leg, TimerKind::SpeakAgain, late);
        }
        self.phase = Phase::Speaking {
            token,
            left: left.saturating_sub(1),
        };
    }

    /// The code was spoken once: a pause, and again.
    pub(crate) fn code_spoken(&mut self, cx: &mut Context, leg: LegId, spoken: PlaybackToken) {
        if let Phase::Speaking { token, left } = self.phase
            && token == Some(spoken)
        {
            self.phase = Phase::Speaking { token: None, left };
            self.playback_over();
            if left == 0 {
                self.speak_again(cx);
            } else {
                let again = cx.now.plus(cx.timeouts.confirm_repeat);
                cx.timers.set(leg, TimerKind::SpeakAgain, again);
            }
        }
    }

    pub(crate) fn speak_again(&mut self, cx: &mut Context) {
        let Phase::Speaking { left, .. } = self.phase else {
            return;
        };
        if left == 0 {
            self.end(cx, cause::local(CauseReason::NormalClearing), EndedBy::System);
        } else {
            self.say_code(cx, left);
        }
    }
}
