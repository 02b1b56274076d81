//! The user's one line (rule T8): one leg at the ear, and the calls attached to it.
//!
//! One call is active, any number are held, at most one waits. The leg at the ear keeps its identifier whichever call it
//! serves, so nothing rings a second time when the user turns from one call to the other. A conference stands on the line
//! as one of its calls.

use crate::call::{Call, Phase};
use crate::context::Context;
use crate::setup::Far;
use crate::{Effect, LegId, Switch, TimerKind, Tone, cause};
use ponte_protocol::{CallId, CauseReason, EndedBy, LegRole, Refusal, UserId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The call that has the ear, or rings for it. The user may hold it while it has the ear.
    pub(crate) active: CallId,
    /// The latest last.
    pub(crate) held: Vec<CallId>,
    pub(crate) waiting: Option<CallId>,
}

impl Line {
    pub(crate) fn of(active: CallId) -> Self {
        Self {
            active,
            held: Vec::new(),
            waiting: None,
        }
    }
}

impl Switch {
    pub(crate) fn line(&self, user: &UserId) -> Option<Line> {
        self.users.get(user)?.line.clone()
    }

    pub(crate) fn set_line(&mut self, user: &UserId, line: Option<Line>) {
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
        let Some(line) = &user.line else { return false };
        let one = self
            .calls
            .get(&line.active)
            .is_some_and(|call| call.ties.room.is_none());
        wanted && one && self.ear_is_free(line) && line.held.is_empty() && line.waiting.is_none()
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
        self.cx.timers.set(call.clock(), TimerKind::Waiting, until);
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
        self.cx.timers.set(call.clock(), TimerKind::Beep, again);
        if let Some(leg) = self.ear_of(&call.setup.user.clone()) {
            self.cx.push(Effect::Beep { leg });
        }
    }

    pub(crate) fn ear_of(&self, user: &UserId) -> Option<LegId> {
        let line = self.line(user)?;
        self.calls.get(&line.active)?.ear()
    }

    /// Whether the ear can go to another call now: its call is up, or held at the ear.
    pub(crate) fn ear_is_free(&self, line: &Line) -> bool {
        self.calls.get(&line.active).is_some_and(|call| {
            matches!(call.phase, Phase::Connected { .. } | Phase::Held { .. })
                && call.ear().is_some()
                && !matches!(call.setup.far, Far::Emergency(_))
        }) || self
            .calls
            .get(&line.active)
            .is_some_and(|call| self.stands_idle(&call.setup.user))
    }

    /// The call by which a call stands on the line: for a member of a conference the one that stands for all of it.
    pub(crate) fn on_line(&self, line: &Line, id: CallId) -> Option<CallId> {
        let room = self.calls.get(&id)?.ties.room;
        let same = |other: &CallId| {
            *other == id
                || room.is_some() && self.calls.get(other).is_some_and(|other| other.ties.room == room)
        };
        std::iter::once(&line.active)
            .chain(&line.held)
            .copied()
            .find(same)
    }

    /// **Accept** of a call that waits or is held: the active call is held, the ear goes to this one.
    pub(crate) fn turn_to(&mut self, user: &UserId, to: CallId) -> Result<(), Refusal> {
        let line = self.line(user).ok_or(Refusal::WrongState)?;
        let to = if line.waiting == Some(to) {
            to
        } else {
            self.on_line(&line, to).ok_or(Refusal::WrongState)?
        };
        if to == line.active {
            return self.take_up_again(to);
        }
        if !self.ear_is_free(&line) {
            return self.give_up_for(user, line, to);
        }
        self.switch_to(user, to);
        Ok(())
    }

    /// The active call is held, the ear goes to `to`, whether it stood on the line or not.
    pub(crate) fn switch_to(&mut self, user: &UserId, to: CallId) {
        let Some(mut line) = self.line(user) else { return };
        let from = line.active;
        self.put_aside(from);
        self.move_ear(from, to);
        line.held.retain(|held| *held != to);
        if self.calls.get(&from).is_none_or(|call| !call.stands()) {
            line.held.push(from);
        }
        line.waiting = line.waiting.filter(|waiting| *waiting != to);
        line.active = to;
        self.set_line(user, Some(line));
        self.take_up(to);
        self.tidy_line(user);
        self.settle_one(from);
    }

    /// The ear leaves a call: its party is held; a conference goes on without its host.
    pub(crate) fn put_aside(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.release_ear(&mut self.cx);
        if call.stands() {
            return;
        }
        if let Some(id) = call.ties.room
            && let Some(room) = self.rooms.get_mut(&id)
        {
            room.host_in = false;
            self.mix(id);
            return;
        }
        if !matches!(call.phase, Phase::Held { .. }) {
            call.set_phase(Phase::Held { since: self.cx.now });
            call.hold_far(&mut self.cx, Some(Tone::Hold));
        }
    }

    /// A call that has just got the ear: the held party is back, the waiting one is answered.
    pub(crate) fn take_up(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let cx = &mut self.cx;
        match call.phase {
            Phase::Held { .. } => {
                call.ties.held_by_ear = false;
                call.connected(cx);
                call.hold_far(cx, None);
                call.stop_playing(cx);
                call.bridge(cx);
                call.hear_holds(cx);
            }
            Phase::Waiting { .. } => call.take_caller(cx),
            _ => {}
        }
        if let Some(room) = call.ties.room
            && let Some(room) = self.rooms.get_mut(&room)
        {
            room.host_in = true;
        }
    }

    /// The leg at the ear serves another call of the same user.
    pub(crate) fn move_ear(&mut self, from: CallId, to: CallId) {
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
                known.come_again(&ear);
                known.relays_keys = ear.relays_keys;
                known.muted = ear.muted;
                // The latest of its role is the one that is in use.
                let known = call.legs.remove(place);
                call.legs.push(known);
            }
            None => call.legs.push(ear.taken_over(now)),
        }
        call.touch();
        self.cx.move_leg(ear.id, to);
    }

    /// An active call is over while its ear goes on: to the rest of its conference, else to the call that was held last,
    /// else the waiting one is offered.
    pub(crate) fn hand_on_ear(&mut self, user: &UserId, from: CallId) {
        let Some(mut line) = self.line(user).filter(|line| line.active == from) else {
            return;
        };
        let Some((next, was_waiting)) = self.next_for_ear(&mut line, from) else {
            return;
        };
        if let Some(call) = self.calls.get_mut(&from) {
            call.release_ear(&mut self.cx);
        }
        self.move_ear(from, next);
        line.active = next;
        self.set_line(user, Some(line));
        if self.calls.get(&next).is_some_and(Call::stands) {
            if let Some(leg) = self.ear_of(user) {
                self.cx.push(Effect::Beep { leg });
            }
            self.stand_by(next);
        } else if !was_waiting {
            self.take_up(next);
        } else if let Some(call) = self.calls.get_mut(&next) {
            call.offer(&mut self.cx);
        }
        self.settle_one(next);
    }

    /// The call that the ear goes to after `from`, taken off the line's others, and whether it is one that waits.
    fn next_for_ear(&self, line: &mut Line, from: CallId) -> Option<(CallId, bool)> {
        let room = self.calls.get(&from)?.ties.room;
        let member = room.and_then(|room| self.rooms.get(&room)).and_then(|room| {
            let mut members = room.members.iter().copied();
            members.find(|&member| member != from && self.is_up(member))
        });
        if let Some(member) = member {
            return Some((member, false));
        }
        while let Some(held) = line.held.pop() {
            if self.is_up(held) {
                return Some((held, false));
            }
        }
        if let Some(standing) = self.lender_of(from) {
            return Some((standing, false));
        }
        let waiting = line.waiting.take()?;
        Some((waiting, true))
    }

    /// A call that the user's desk telephone has made beside the line, if one is up.
    fn beside_line(&self, user: &UserId) -> Option<CallId> {
        let calls = &self.users.get(user)?.calls;
        let mut up = calls.iter().copied().filter(|&id| self.is_up(id));
        up.find(|id| {
            let beside = |call: &Call| call.ties.beside_line && call.ear().is_some();
            self.calls.get(id).is_some_and(beside)
        })
    }

    fn is_up(&self, id: CallId) -> bool {
        self.calls
            .get(&id)
            .is_some_and(|call| !matches!(call.phase, Phase::Ending { .. }))
    }

    /// A call leaves the line and goes on; the ear goes to another call, or is closed.
    pub(crate) fn leave_line(&mut self, user: &UserId, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.ties.detached = true;
        call.ties.held_by_ear = false;
        call.ear_wanted = false;
        call.touch();
        if std::mem::take(&mut call.ties.beside_line) {
            call.release_ear(&mut self.cx);
            if let Some(ear) = call.ear() {
                call.close_leg(&mut self.cx, ear, cause::local(CauseReason::NormalClearing));
            }
            return;
        }
        let Some(mut line) = self.line(user) else { return };
        if line.active != id {
            line.held.retain(|held| *held != id);
            self.set_line(user, Some(line));
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.release_ear(&mut self.cx);
        let ear = call.ear();
        let others = !line.held.is_empty() || line.waiting.is_some() || self.lender_of(id).is_some();
        // While the call moves, the telephone may have been hung up.
        if others && ear.is_some() {
            self.hand_on_ear(user, id);
        }
        // What the ear was to this call is over, wherever it is.
        if let Some(call) = self.calls.get_mut(&id) {
            let gone = cause::local(CauseReason::NormalClearing);
            if let Some(place) = call.latest(LegRole::User)
                && call.legs[place].away
            {
                call.legs[place].finish(gone, self.cx.now);
            } else if let Some(ear) = ear {
                call.close_leg(&mut self.cx, ear, gone);
            }
        }
    }

    /// Brings the line up to date with its calls.
    pub(crate) fn tidy_line(&mut self, user: &UserId) {
        let Some(mut line) = self.line(user) else { return };
        let phase = |switch: &Self, id: CallId| switch.calls.get(&id).map(|call| call.phase);
        line.held.retain(|&id| {
            let room = self.calls.get(&id).is_some_and(|call| call.ties.room.is_some());
            matches!(phase(self, id), Some(Phase::Held { .. })) || room && self.is_up(id)
        });
        // Who hung up instead of taking a caller who had waited has the caller wait again.
        let waits_again = matches!(phase(self, line.active), Some(Phase::Waiting { .. }))
            && !self.calls.get(&line.active).is_some_and(Call::holds_line);
        line.waiting = line
            .waiting
            .filter(|&id| matches!(phase(self, id), Some(Phase::Waiting { .. })))
            .or(waits_again.then_some(line.active));
        let active = self.calls.get(&line.active);
        let deaf = active.is_none_or(|call| {
            matches!(call.phase, Phase::Ending { .. }) && call.active_user_leg().is_none()
        });
        let free = active.is_none_or(|call| !call.holds_line());
        let why = active.and_then(|call| match call.phase {
            Phase::Ending { cause, by, .. } => Some((cause, by)),
            _ => None,
        });
        if (deaf || free)
            && let Some(beside) = self.beside_line(user)
        {
            if let Some(call) = self.calls.get_mut(&beside) {
                call.ties.beside_line = false;
            }
            line.active = beside;
            self.set_line(user, Some(line));
            return self.tidy_line(user);
        }
        let lost = active.and_then(|call| call.ties.ear_lost);
        if deaf
            && let (Some(cause), Some(&held)) = (lost, line.held.last())
            && self
                .calls
                .get_mut(&held)
                .is_some_and(|call| call.rescue_held(&mut self.cx, cause))
        {
            // The telephone is gone, not the user: who is held waits, as whom the user spoke to would.
            line.held.pop();
            line.active = held;
            self.set_line(user, Some(line));
            self.settle_one(held);
            return;
        }
        if deaf && !line.held.is_empty() {
            // The user's telephone has hung up: nobody is left for those who were held.
            let held = std::mem::take(&mut line.held);
            self.set_line(user, Some(line.clone()));
            let (cause, by) = why.unwrap_or((cause::local(CauseReason::NormalClearing), EndedBy::UserLeg));
            for held in held {
                self.end_with_room(held, cause, by);
            }
            // Their ends may have moved the line on.
            return self.tidy_line(user);
        }
        if free {
            let waiting = line.waiting;
            if !line.held.is_empty() {
                // The telephone is gone and its call went on to voicemail: the user is called for those who wait.
                self.set_line(user, None);
                for held in line.held.into_iter().rev() {
                    self.come_back(held, cause::local(CauseReason::Unavailable));
                    self.settle_one(held);
                }
                if let Some(line) = self.users.get_mut(user).and_then(|user| user.line.as_mut()) {
                    line.waiting = waiting;
                    return self.tidy_line(user);
                }
            }
            self.set_line(user, waiting.map(Line::of));
            self.leave_after_call(user);
            if let Some(waiting) = waiting {
                self.ring_user(waiting);
                self.settle_one(waiting);
            }
            return;
        }
        let wanted = !line.held.is_empty() || line.waiting.is_some();
        let active = line.active;
        self.set_line(user, Some(line));
        let room = self.calls.get(&active).and_then(|call| call.ties.room);
        let others = room
            .and_then(|room| self.rooms.get(&room))
            .is_some_and(|room| room.members.len() > 1);
        let others = others || self.lender_of(active).is_some();
        if let Some(call) = self.calls.get_mut(&active)
            && !call.ties.detached
        {
            call.ear_wanted = wanted || others;
        }
    }
}

impl Call {
    /// The ear hears nothing of this call any more.
    pub(crate) fn release_ear(&mut self, cx: &mut Context) {
        self.stop_playing(cx);
        self.unbridge(cx);
    }

    /// A call that waited, on an ear that has become free: the user takes it by key or in the portal.
    fn offer(&mut self, cx: &mut Context) {
        let first = self.clock();
        cx.timers.cancel(first, TimerKind::Waiting);
        cx.timers.cancel(first, TimerKind::Beep);
        let until = cx.now.plus(cx.timeouts.confirm);
        cx.timers.set(first, TimerKind::Caller, until);
        self.ask_to_confirm(cx, until);
    }
}
