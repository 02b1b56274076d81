//! A desk telephone takes a call over with a leg of its own: INVITE with Replaces (RFC 3891, ADR 41).
//!
//! ```text
//!   rings for a colleague     the call goes to the user, as with PickUp; the colleague's telephone is called no longer
//!   rings for the user        it is answered here; the user's other telephones are called no longer
//!   is up at the user's ear   it moves here, as with Move; the telephone before is let go a moment later
//!   anything else             the INVITE is refused, and the call goes on
//! ```
//!
//! Nobody is called by it, so that no confirmation, no cap and no trunk comes in: who pressed the key is at the telephone.

use crate::call::{Call, Phase};
use crate::leg::{Leg, Party, Way};
use crate::line::Line;
use crate::moving::Moving;
use crate::setup::Near;
use crate::{Effect, LegId, Replaced, Switch, Takeable, cause};
use ponte_protocol::{CallId, CauseReason, DeviceId, EndedBy, Extension, LegRole, Refusal, UserId};

/// Why the INVITE is refused: the SIP status, and what it says.
type Refused = (u16, CauseReason);

/// No such dialog, or it is over.
const GONE: Refused = (481, CauseReason::NormalClearing);
const FORBIDDEN: Refused = (403, CauseReason::Forbidden);
/// The user's line is taken, or only an early dialog was wanted.
const BUSY: Refused = (486, CauseReason::Busy);
/// The call cannot be taken as it stands.
const DECLINED: Refused = (603, CauseReason::Declined);

/// The telephone that takes a call, and the leg that it has opened.
struct Taker {
    leg: LegId,
    user: UserId,
    device: DeviceId,
    extension: Extension,
}

impl Taker {
    fn near(&self) -> Near {
        Near::Device {
            device: self.device.clone(),
            extension: self.extension.clone(),
        }
    }
}

impl Switch {
    /// Who could take a call over by Replaces now; `None`: nobody.
    pub fn takeable(&self, id: CallId) -> Option<Takeable> {
        let call = self.calls.get(&id)?;
        if self.rings(id) {
            return Some(Takeable::ByColleagues);
        }
        let waits = call.caller_waits();
        (waits || self.movable(&call.setup.user, id).is_ok()).then_some(Takeable::ByUser)
    }

    /// See [`crate::Event::TakesOver`].
    pub(crate) fn takes_over(&mut self, leg: LegId, device: &DeviceId, of: Replaced, early_only: bool) {
        if leg.index != 0 || self.knows_leg(leg) {
            return;
        }
        let Some(known) = self.devices.get(device) else {
            self.refuse(leg, cause::local(CauseReason::Forbidden));
            return;
        };
        // Rule T3, for who telecommutes is logged on nowhere.
        let Some(user) = known.user.clone() else {
            self.refuse_logged_off(leg, device);
            return;
        };
        let taken = match self.known_user(&user) {
            Ok(known) => {
                let taker = Taker {
                    leg,
                    device: device.clone(),
                    extension: known.config.profile.extension.clone(),
                    user,
                };
                self.take(&taker, of, early_only)
            }
            Err(_) => Err(FORBIDDEN),
        };
        match taken {
            Ok(id) => self.settle(id),
            Err((status, reason)) => self.refuse_with(leg, status, cause::local(reason)),
        }
    }

    fn take(&mut self, taker: &Taker, of: Replaced, early_only: bool) -> Result<CallId, Refused> {
        let id = match of {
            Replaced::Call(id) => id,
            Replaced::Leg(leg) => self.call_of(leg).ok_or(GONE)?,
        };
        let call = self
            .calls
            .get(&id)
            .filter(|call| !matches!(call.phase, Phase::Ending { .. }))
            .ok_or(GONE)?;
        let waits = call.caller_waits();
        if let Replaced::Leg(leg) = of {
            let mut legs = call.legs.iter();
            // The other party's telephone is not to be replaced, nor that of a party who was put through.
            let users = |known: &Leg| known.id == leg && known.role == LegRole::User && !known.third;
            if !legs.any(users) {
                return Err(FORBIDDEN);
            }
            if !waits && call.ear() != Some(leg) {
                return Err(DECLINED);
            }
        }
        let own = call.setup.user == taker.user;
        let may_pick_up = self
            .known_user(&taker.user)
            .is_ok_and(|user| user.config.profile.pick_up_allowed);
        if !own && !may_pick_up {
            return Err(FORBIDDEN);
        }
        if early_only && !waits {
            return Err(BUSY);
        }
        match (own, waits) {
            (true, true) => self.answer_here(taker, id),
            (true, false) => self.move_here(taker, id),
            (false, _) if self.rings(id) => self.pick_up_here(taker, id),
            (false, _) => Err(FORBIDDEN),
        }
    }

    /// A colleague's call that rings goes to the user, whose telephone has answered it.
    fn pick_up_here(&mut self, taker: &Taker, id: CallId) -> Result<CallId, Refused> {
        let Taker { leg, user, .. } = taker;
        let beside_line = self.line(user).is_some();
        if beside_line && !self.may_consult(user, &taker.device) {
            return Err(BUSY);
        }
        if self.calls_of_half(id, user) {
            return Err(DECLINED);
        }
        self.take_over(user, id, leg.call, Some(taker.near()));
        self.depart(id, CauseReason::AnsweredElsewhere, EndedBy::System);
        if !beside_line && let Some(known) = self.users.get_mut(user) {
            known.line = Some(Line::of(leg.call));
        }
        if let Some(call) = self.calls.get_mut(&leg.call) {
            call.ties.detached = false;
            call.ties.beside_line = beside_line;
            call.answer(&mut self.cx, LegRole::User);
            call.take_caller(&mut self.cx);
        }
        Ok(leg.call)
    }

    /// The user's own call that rings, or waits, is answered at this telephone.
    fn answer_here(&mut self, taker: &Taker, id: CallId) -> Result<CallId, Refused> {
        let line = self.line(&taker.user).ok_or(DECLINED)?;
        let beside_line = line.active != id;
        if beside_line && (line.waiting != Some(id) || !self.may_consult(&taker.user, &taker.device)) {
            return Err(BUSY);
        }
        let now = self.cx.now;
        let call = self.calls.get_mut(&id).ok_or(GONE)?;
        if !call.may_add_leg() {
            return Err(DECLINED);
        }
        call.stop_playing(&mut self.cx);
        let others: Vec<LegId> = call
            .legs
            .iter()
            .filter(|leg| leg.role == LegRole::User && leg.is_active())
            .map(|leg| leg.id)
            .collect();
        for other in others {
            call.close_leg(&mut self.cx, other, cause::local(CauseReason::AnsweredElsewhere));
        }
        call.setup.near = taker.near();
        call.setup.confirm = false;
        call.ties.beside_line = beside_line;
        call.user_from = call.legs.len();
        call.add_leg(taker.leg_at(now));
        self.cx.move_leg(taker.leg, id);
        call.answer(&mut self.cx, LegRole::User);
        call.take_caller(&mut self.cx);
        Ok(id)
    }

    /// The call at the user's ear goes on at this telephone.
    fn move_here(&mut self, taker: &Taker, id: CallId) -> Result<CallId, Refused> {
        let now = self.cx.now;
        let at_ear = match self.movable(&taker.user, id) {
            Ok(at_ear) => at_ear,
            Err(Refusal::UnknownCall) => return Err(GONE),
            Err(_) => return Err(DECLINED),
        };
        let standing = self.users.get(&taker.user).map(|user| user.standing.call);
        let call = self.calls.get_mut(&at_ear).ok_or(GONE)?;
        let from = call.ear().ok_or(DECLINED)?;
        // The leg that stays up is where the user is, and no call's own.
        if standing.flatten().is_some() || !call.may_add_leg() {
            return Err(DECLINED);
        }
        let mut leg = taker.leg_at(now);
        leg.beside = true;
        leg.answer(now);
        call.add_leg(leg);
        self.cx.move_leg(taker.leg, at_ear);
        // Who takes a held call wants to talk; a host who has left a conference comes back to it in its own way.
        let held = matches!(call.phase, Phase::Held { .. }) && call.ties.room.is_none();
        call.moving = Some(Moving::arrived(taker.near(), from, taker.leg, held));
        self.cx.push(Effect::AnswerLeg { leg: taker.leg });
        self.newcomer_answered(at_ear);
        Ok(at_ear)
    }

    /// Whether the caller of a call is this user, whose own half it is.
    pub(crate) fn calls_of_half(&self, id: CallId, user: &UserId) -> bool {
        let half = self.calls.get(&id).and_then(Call::other_half);
        half.is_some_and(|half| self.calls.get(&half).is_none_or(|half| half.setup.user == *user))
    }
}

impl Taker {
    fn leg_at(&self, now: ponte_protocol::UnixMillis) -> Leg {
        let party = Party {
            number: self.extension.as_str().to_owned(),
            name: None,
        };
        let way = Way::Device(self.device.clone());
        Leg::came_in(self.leg, LegRole::User, party, way, now)
    }
}
