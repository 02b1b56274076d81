//! Hold, retrieve, swap, and a second call on the same user leg (rule T8).

use crate::call::{Call, Phase};
use crate::commands::Done;
use crate::context::Context;
use crate::leg::Leg;
use crate::line::Line;
use crate::setup::{Far, Setup};
use crate::{LegId, PeerHold, Switch, Tone};
use ponte_protocol::{BookedCode, CallId, DialString, Direction, EndedBy, LegRole, Refusal, UserId};

/// Calls that a line can hold beside the active one.
const HELD_MAX: usize = 15;

impl Switch {
    /// The user holds the call at the ear, and hears that the line is up.
    pub(crate) fn hold(&mut self, user: &UserId, id: CallId) -> Result<Done, Refusal> {
        let line = self.line(user).ok_or(Refusal::WrongState)?;
        let standing = self.on_line(&line, id).ok_or(Refusal::WrongState)?;
        let call = self.calls.get_mut(&standing).ok_or(Refusal::UnknownCall)?;
        let up =
            matches!(call.phase, Phase::Connected { .. }) && !matches!(call.setup.far, Far::Emergency(_));
        if standing != line.active || !up || call.ear().is_none() {
            return match call.phase {
                Phase::Held { .. } => Ok(Done::Call(id)),
                _ => Err(Refusal::WrongState),
            };
        }
        self.put_aside(standing);
        if let Some(call) = self.calls.get_mut(&standing) {
            call.play_tone(&mut self.cx, Tone::Progress);
            call.touch();
        }
        Ok(Done::Call(standing))
    }

    pub(crate) fn retrieve(&mut self, user: &UserId, id: CallId) -> Result<Done, Refusal> {
        self.turn_to(user, id)?;
        Ok(Done::Call(id))
    }

    /// The call at the ear is held, and is taken up again.
    pub(crate) fn take_up_again(&mut self, id: CallId) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&id).ok_or(Refusal::UnknownCall)?;
        let held = matches!(call.phase, Phase::Held { .. });
        let connected = matches!(call.phase, Phase::Connected { .. });
        if call.ear().is_none() || !held && !connected {
            return Err(Refusal::WrongState);
        }
        if connected && call.ties.room.is_some() {
            call.stop_playing(&mut self.cx);
        }
        self.take_up(id);
        self.settle_one(id);
        Ok(())
    }

    /// The call at the ear is being set up: it is given up, and the ear goes to `to`.
    pub(crate) fn give_up_for(&mut self, user: &UserId, mut line: Line, to: CallId) -> Result<(), Refusal> {
        let active = self.calls.get(&line.active).ok_or(Refusal::WrongState)?;
        let set_up = matches!(active.phase, Phase::CallingFar | Phase::FarFailed(_));
        let emergency = matches!(active.setup.far, Far::Emergency(_));
        if !set_up || emergency || active.ear().is_none() || line.waiting == Some(to) {
            return Err(Refusal::WrongState);
        }
        line.held.retain(|held| *held != to);
        line.held.push(to);
        let from = line.active;
        self.set_line(user, Some(line));
        self.tidy_line(user);
        if let Some(call) = self.calls.get_mut(&from) {
            call.hang_up(&mut self.cx, EndedBy::Portal);
        }
        self.settle_one(from);
        Ok(())
    }

    /// Whether the user may place another call at the ear that is up, and if so the call that has it.
    pub(crate) fn second_line(&self, line: &Line) -> Option<CallId> {
        (self.ear_is_free(line) && line.held.len() < HELD_MAX).then_some(line.active)
    }

    /// Another call on the ear that is up: the one before is held. Everything was checked.
    pub(crate) fn dial_second(
        &mut self,
        user: &UserId,
        new: CallId,
        typed: DialString,
        far: Far,
        booked: Option<BookedCode>,
    ) {
        let Some(mut line) = self.line(user) else { return };
        let from = line.active;
        let Some((before, known)) = self.calls.get(&from).zip(self.users.get_mut(user)) else {
            return;
        };
        let setup = Setup {
            id: new,
            user: user.clone(),
            direction: Direction::Outgoing,
            dialled: typed,
            near: before.setup.near.clone(),
            far,
            caller_id: Some(known.config.profile.caller_id.clone()),
            confirm: false,
            user_no_answer_ms: known.config.user_no_answer_ms,
            voicemail: false,
            forwarded: crate::forward::Forwarded::default(),
            code: None,
        };
        known.calls.push(new);
        let mut call = Call::new(&self.cx, setup, Phase::CallingFar);
        call.account_code = booked;
        self.calls.insert(new, call);
        self.put_aside(from);
        self.move_ear(from, new);
        if self.calls.get(&from).is_none_or(|call| !call.stands()) {
            line.held.push(from);
        }
        line.active = new;
        self.set_line(user, Some(line));
        self.tidy_line(user);
        if let Some(call) = self.calls.get_mut(&new) {
            call.call_far(&mut self.cx);
        }
        self.settle_one(from);
    }

    /// A telephone holds or retrieves by an offer of its own.
    pub(crate) fn leg_held(&mut self, leg: LegId, hold: PeerHold) {
        let Some((cx, call, place)) = self.active(leg) else {
            return;
        };
        if call.legs[place].beside {
            return;
        }
        let id = call.id();
        let held = hold != PeerHold::No;
        call.legs[place].hold = hold;
        if call.legs[place].role == LegRole::Far || call.legs[place].third {
            call.touch();
            call.hear_holds(cx);
            self.settle(id);
            return;
        }
        let user = call.setup.user.clone();
        let before = std::mem::replace(&mut call.ties.held_by_ear, held);
        let beside = call.ties.beside_line && !matches!(call.setup.far, Far::Emergency(_));
        let up = matches!(call.phase, Phase::Connected { .. });
        // What cannot be held goes on as it was.
        let at_ear = self.line(&user).is_some_and(|line| line.active == id);
        let _ = match (before, held) {
            (false, true) if at_ear => self.hold(&user, id).map(|_| ()),
            (true, false) if at_ear => self.take_up_again(id),
            (false, true) if beside && up => {
                self.put_aside(id);
                if let Some(call) = self.calls.get_mut(&id) {
                    call.play_tone(&mut self.cx, Tone::Progress);
                }
                Ok(())
            }
            (true, false) if beside => {
                self.take_up(id);
                Ok(())
            }
            _ => Ok(()),
        };
        self.settle(id);
    }
}

impl Call {
    /// Whoever speaks to a telephone that holds and sends nothing hears a tone in its place; what another sends is to be
    /// heard.
    pub(crate) fn hear_holds(&mut self, cx: &mut Context) {
        let up = matches!(self.phase, Phase::Connected { .. }) && self.bridged && self.ties.room.is_none();
        if !up {
            return;
        }
        let silent = |leg: Option<&Leg>| leg.is_some_and(|leg| leg.hold == PeerHold::Inactive);
        if silent(self.active_far()) {
            self.play_tone(cx, Tone::Hold);
        } else if self.tone() == Some(Tone::Hold) {
            self.stop_playing(cx);
        }
        let third = self.latest(LegRole::User).map(|place| &self.legs[place]);
        let tone = silent(third.filter(|leg| leg.third)).then_some(Tone::Hold);
        self.hold_far(cx, tone);
    }
}
