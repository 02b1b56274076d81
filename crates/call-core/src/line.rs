//! The user's one line (rule T8): one leg at the ear, and the calls attached to it.
//!
//! One call is active; at most one other is held, or waits. The leg at the ear keeps its identifier whichever call it
//! serves, so nothing rings a second time when the user turns from one call to the other.

use crate::call::{Call, Far, Phase};
use crate::context::Context;
use crate::{Effect, LegId, Switch, TimerKind, cause};
use ponte_protocol::{CallId, CauseReason, EndedBy, LegRole, Refusal, UserId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The call that has the ear, or rings for it.
    pub(crate) active: CallId,
    pub(crate) held: Option<CallId>,
    pub(crate) waiting: Option<CallId>,
}

impl Line {
    pub(crate) fn of(active: CallId) -> Self {
        Self {
            active,
            held: None,
            waiting: None,
        }
    }
}

impl Switch {
    pub(crate) fn line(&self, user: &UserId) -> Option<Line> {
        self.users.get(user)?.line
    }

    fn set_line(&mut self, user: &UserId, line: Option<Line>) {
        if let Some(user) = self.users.get_mut(user) {
            user.line = line;
        }
    }

    /// Whether a second call may be offered to the user now.
    pub(crate) fn may_wait(&self, user: &UserId) -> bool {
        let Some(user) = self.users.get(user) else {
            return false;
        };
        let wanted = user.config.profile.call_waiting_allowed && user.config.settings.call_waiting;
        let Some(line) = user.line else { return false };
        let connected = self.calls.get(&line.active).is_some_and(|call| {
            matches!(call.phase, Phase::Connected { .. })
                && call.answered_user_leg().is_some()
                && !matches!(call.setup.far, Far::Emergency(_))
        });
        wanted && connected && line.held.is_none() && line.waiting.is_none()
    }

    /// Offers a second call: beeps in the ear, ringing for the caller.
    pub(crate) fn offer_waiting(&mut self, user: &UserId, id: CallId) {
        let Some(line) = self.line(user) else { return };
        self.set_line(
            user,
            Some(Line {
                waiting: Some(id),
                ..line
            }),
        );
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let until = self.cx.now.plus(self.cx.timeouts.waiting);
        self.cx.timers.set(call.first_leg(), TimerKind::Waiting, until);
        call.set_phase(Phase::Waiting { until });
        call.ring_back(&mut self.cx, LegRole::Far);
        self.beep(id);
        self.tidy_line(user);
    }

    /// The beep that tells of a waiting call, and the next one.
    pub(crate) fn beep(&mut self, waiting: CallId) {
        let Some(call) = self.calls.get(&waiting) else {
            return;
        };
        if !matches!(call.phase, Phase::Waiting { .. }) {
            return;
        }
        let again = self.cx.now.plus(self.cx.timeouts.beep.max(1));
        self.cx.timers.set(call.first_leg(), TimerKind::Beep, again);
        if let Some(leg) = self.ear_of(&call.setup.user.clone()) {
            self.cx.push(Effect::Beep { leg });
        }
    }

    pub(crate) fn ear_of(&self, user: &UserId) -> Option<LegId> {
        let line = self.line(user)?;
        self.calls.get(&line.active)?.answered_user_leg()
    }

    /// **Accept** of a call that waits or is held: the active call is held, the ear goes to this one.
    pub(crate) fn turn_to(&mut self, user: &UserId, to: CallId) -> Result<(), Refusal> {
        let line = self.line(user).ok_or(Refusal::WrongState)?;
        let active = self.calls.get(&line.active).ok_or(Refusal::WrongState)?;
        let attached = line.waiting == Some(to) || line.held == Some(to);
        let ready = matches!(active.phase, Phase::Connected { .. }) && active.answered_user_leg().is_some();
        if !attached || !ready {
            return Err(Refusal::WrongState);
        }
        let from = line.active;
        self.hold(from);
        self.move_ear(from, to);
        self.set_line(
            user,
            Some(Line {
                held: Some(from),
                ..Line::of(to)
            }),
        );
        self.take_up(to);
        self.tidy_line(user);
        self.settle_one(from);
        Ok(())
    }

    fn hold(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.release_ear(&mut self.cx);
        call.set_phase(Phase::Held { since: self.cx.now });
        call.hold_far(&mut self.cx, true);
    }

    /// A call that has just got the ear: the held party is back, the waiting one is answered.
    fn take_up(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let cx = &mut self.cx;
        match call.phase {
            Phase::Held { .. } => {
                call.connected(cx);
                call.hold_far(cx, false);
                call.bridge(cx);
            }
            Phase::Waiting { .. } => call.take_caller(cx),
            _ => {}
        }
    }

    /// The leg at the ear serves another call of the same user.
    fn move_ear(&mut self, from: CallId, to: CallId) {
        let now = self.cx.now;
        let Some(donor) = self.calls.get_mut(&from) else {
            return;
        };
        let Some(place) = donor.latest(LegRole::User) else {
            return;
        };
        let ear = donor.legs[place].clone();
        self.cx.timers.cancel_leg(ear.id);
        if matches!(donor.phase, Phase::Ending { .. }) {
            donor.legs[place].finish(cause::local(CauseReason::NormalClearing), now);
        } else {
            donor.legs[place].away = true;
        }
        donor.touch();
        let Some(call) = self.calls.get_mut(&to) else {
            return;
        };
        match call.place_of(ear.id) {
            Some(place) => {
                let known = &mut call.legs[place];
                known.away = false;
                known.no_audio = ear.no_audio;
                known.relays_keys = ear.relays_keys;
                // The latest of its role is the one that is in use.
                let known = call.legs.remove(place);
                call.legs.push(known);
            }
            None => call.legs.push(ear.taken_over(now)),
        }
        call.touch();
        self.cx.move_leg(ear.id, to);
    }

    /// An active call is over while its ear goes on: to the held party, else the waiting one is offered.
    pub(crate) fn hand_on_ear(&mut self, user: &UserId, from: CallId) {
        let Some(line) = self.line(user).filter(|line| line.active == from) else {
            return;
        };
        let Some(next) = line.held.or(line.waiting) else {
            return;
        };
        if let Some(call) = self.calls.get_mut(&from) {
            call.release_ear(&mut self.cx);
        }
        self.move_ear(from, next);
        self.set_line(user, Some(Line::of(next)));
        if line.held.is_some() {
            self.take_up(next);
        } else if let Some(call) = self.calls.get_mut(&next) {
            call.offer(&mut self.cx);
        }
        self.settle_one(next);
    }

    /// Brings the line up to date with its calls.
    pub(crate) fn tidy_line(&mut self, user: &UserId) {
        let Some(mut line) = self.line(user) else { return };
        let phase = |switch: &Self, id: CallId| switch.calls.get(&id).map(|call| call.phase);
        line.held = line
            .held
            .filter(|&id| matches!(phase(self, id), Some(Phase::Held { .. })));
        line.waiting = line
            .waiting
            .filter(|&id| matches!(phase(self, id), Some(Phase::Waiting { .. })));
        let active = self.calls.get(&line.active);
        let deaf = active.is_none_or(|call| {
            matches!(call.phase, Phase::Ending { .. }) && call.active_user_leg().is_none()
        });
        let free = active.is_none_or(|call| !call.holds_line());
        let why = active.and_then(|call| match call.phase {
            Phase::Ending { cause, by, .. } => Some((cause, by)),
            _ => None,
        });
        if deaf && let Some(held) = line.held.take() {
            // The user's telephone has hung up: nobody is left for those who were held.
            self.set_line(user, Some(line));
            let (cause, by) = why.unwrap_or((cause::local(CauseReason::NormalClearing), EndedBy::UserLeg));
            if let Some(call) = self.calls.get_mut(&held) {
                call.end(&mut self.cx, cause, by);
            }
            self.settle_one(held);
        }
        if free {
            self.set_line(user, line.waiting.map(Line::of));
            self.leave_after_call(user);
            if let Some(waiting) = line.waiting {
                self.ring_user(waiting);
                self.settle_one(waiting);
            }
            return;
        }
        self.set_line(user, Some(line));
        let wanted = line.held.is_some() || line.waiting.is_some();
        if let Some(call) = self.calls.get_mut(&line.active) {
            call.ear_wanted = wanted;
        }
    }
}

impl Call {
    /// The ear hears nothing of this call any more.
    fn release_ear(&mut self, cx: &mut Context) {
        self.stop_playing(cx);
        self.unbridge(cx);
    }

    /// A call that waited, on an ear that has become free: the user takes it by key or in the portal.
    fn offer(&mut self, cx: &mut Context) {
        let first = self.first_leg();
        cx.timers.cancel(first, TimerKind::Waiting);
        cx.timers.cancel(first, TimerKind::Beep);
        let until = cx.now.plus(cx.timeouts.confirm);
        cx.timers.set(first, TimerKind::Caller, until);
        self.ask_to_confirm(cx, until);
    }
}
