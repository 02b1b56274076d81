//! A call takes over the far side of another: what transfer, fetch and pick-up are made of (ADR 15).
//!
//! ```text
//!   before                              after
//!   A ── far: SIP leg   T ── far: X     X takes the leg;  A and T end
//!   A ── far: SIP leg   T ── far: SIP   A keeps both, T's in the place of the user's telephone;  T ends
//!   A ── far: Y         T ── far: X     X and Y are each other's other half;  A and T end
//! ```

use crate::call::{Call, Phase};
use crate::leg::{Leg, Party, Way};
use crate::setup::Far;
use crate::{Caller, CallerNumber, LegId, Switch, Tone, cause};
use ponte_protocol::{CallId, CauseReason, EndedBy, LegRole, UserId};

/// Who is at the far side of a call.
pub(crate) fn party_of(call: &Call) -> Caller {
    match &call.setup.far {
        Far::Caller(caller) => caller.clone(),
        Far::Number(number) => Caller {
            number: Some(CallerNumber::E164(number.clone())),
            name: None,
        },
        Far::User { extension, name, .. } => Caller {
            number: Some(CallerNumber::Extension(extension.clone())),
            name: Some(name.clone()),
        },
        Far::Emergency(_) | Far::Mailbox | Far::Nobody => Caller::default(),
    }
}

impl Switch {
    /// The call that a leg serves, while it is up; `None` for a leg that is over, and one that was never opened.
    pub fn call_of(&self, leg: LegId) -> Option<CallId> {
        let id = self.cx.served_by(leg);
        let call = self.calls.get(&id)?;
        let place = call.place_of(leg)?;
        (!call.legs[place].has_ended()).then_some(id)
    }

    fn user_as_caller(&self, user: &UserId) -> Caller {
        let profile = self.users.get(user).map(|user| &user.config.profile);
        profile.map_or_else(Caller::default, |profile| Caller {
            number: Some(CallerNumber::Extension(profile.extension.clone())),
            name: Some(profile.display_name.clone()),
        })
    }

    /// Whether the far side of a call is a person who can be given to somebody else.
    pub(crate) fn may_give(&self, id: CallId) -> bool {
        self.calls.get(&id).is_some_and(|call| {
            matches!(call.phase, Phase::Connected { .. } | Phase::Held { .. })
                && !matches!(call.setup.far, Far::Emergency(_) | Far::Mailbox | Far::Nobody)
                && !call.ties.detached
                // Whom it was forwarded to has it: it is not the user's to give.
                && call.setup.forwarded.away.is_none()
                && call.ties.room.is_none()
                && call.ties.put_to.is_none()
                && call.active_far().is_some_and(Leg::is_answered)
                && call.other_half().is_none_or(|other| self.is_there(other))
        })
    }

    /// A half to which something can still be given.
    fn is_there(&self, id: CallId) -> bool {
        self.calls
            .get(&id)
            .is_some_and(|call| !matches!(call.phase, Phase::Ending { .. }))
    }

    /// Puts the far sides of two calls of one user through to each other; neither is on the line any more. Both end but
    /// for the one that keeps two parties who are nobody's.
    pub(crate) fn put_through(&mut self, a: CallId, t: CallId) {
        for id in [a, t] {
            if let Some(call) = self.calls.get_mut(&id) {
                call.release_ear(&mut self.cx);
                call.quiet_far(&mut self.cx);
            }
        }
        let far = |id: CallId| {
            self.calls
                .get(&id)
                .and_then(Call::active_far)
                .map(|far| far.way.clone())
        };
        let (Some(far_a), Some(far_t)) = (far(a), far(t)) else {
            for id in [a, t] {
                self.depart(id, CauseReason::NormalClearing, EndedBy::System);
            }
            return;
        };
        match (far_a, far_t) {
            (Way::Half(x), Way::Half(y)) => {
                self.link(x, y);
                self.link(y, x);
                self.depart_both(a, t);
                self.join_media(x, y);
                for id in [x, y] {
                    self.rejoin(id);
                    self.settle_one(id);
                }
            }
            (Way::Half(x), _) => {
                self.take_leg(t, x, LegRole::Far);
                self.depart_both(a, t);
                self.rejoin(x);
                self.settle_one(x);
            }
            (_, Way::Half(y)) => {
                self.take_leg(a, y, LegRole::Far);
                self.depart_both(a, t);
                self.rejoin(y);
                self.settle_one(y);
            }
            _ => {
                self.take_leg(t, a, LegRole::User);
                self.depart(t, CauseReason::Transferred, EndedBy::Portal);
                if let Some(call) = self.calls.get_mut(&a) {
                    call.connected(&self.cx);
                    call.bridge(&mut self.cx);
                    call.hear_holds(&mut self.cx);
                }
                self.settle_one(a);
            }
        }
    }

    fn depart_both(&mut self, a: CallId, t: CallId) {
        self.depart(a, CauseReason::Transferred, EndedBy::Portal);
        self.depart(t, CauseReason::Transferred, EndedBy::Portal);
    }

    /// A call ends because its far side has gone to another; that side itself hears nothing of it.
    pub(crate) fn depart(&mut self, id: CallId, why: CauseReason, by: EndedBy) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let why = cause::local(why);
        if let Some(place) = call.latest(LegRole::Far)
            && !call.legs[place].is_sip()
            && !call.legs[place].has_ended()
        {
            call.legs[place].finish(why, self.cx.now);
        }
        call.end(&mut self.cx, why, by);
        self.settle_one(id);
    }

    /// The far leg of `from` serves `to` from here on.
    pub(crate) fn take_leg(&mut self, from: CallId, to: CallId, role: LegRole) {
        let now = self.cx.now;
        let moved = cause::local(CauseReason::Transferred);
        let Some(donor) = self.calls.get_mut(&from) else {
            return;
        };
        let Some(place) = donor.latest(LegRole::Far) else {
            return;
        };
        let leg = donor.legs[place].clone();
        donor.legs[place].finish(moved, now);
        donor.bridged = false;
        donor.touch();
        self.cx.timers.cancel_leg(leg.id);
        let party = self.calls.get(&from).map(party_of);
        let Some(call) = self.calls.get_mut(&to) else {
            return;
        };
        if let Some(place) = call.latest(role)
            && !call.legs[place].has_ended()
            && !call.legs[place].is_sip()
        {
            let half = call.legs[place].id;
            self.cx.timers.cancel_leg(half);
            call.legs[place].finish(moved, now);
        }
        if let (LegRole::Far, Some(party)) = (role, party) {
            call.setup.far = Far::Caller(party);
            call.far_from = call.legs.len();
        }
        call.bridged = false;
        call.add_leg(leg.moved(role, now));
        self.cx.move_leg(leg.id, to);
    }

    /// The far side of `to` is the half `other` from here on.
    pub(crate) fn link(&mut self, to: CallId, other: CallId) {
        let now = self.cx.now;
        let Some(partner) = self.calls.get(&other).map(|call| call.setup.user.clone()) else {
            return;
        };
        let caller = self.user_as_caller(&partner);
        let Some(call) = self.calls.get_mut(&to) else {
            return;
        };
        let answered = call
            .latest(LegRole::Far)
            .is_some_and(|place| call.legs[place].is_answered());
        if let Some(place) = call.latest(LegRole::Far) {
            let half = call.legs[place].id;
            self.cx.timers.cancel_leg(half);
            call.legs[place].finish(cause::local(CauseReason::Transferred), now);
        }
        let Some(id) = call.new_leg_id() else { return };
        let party = Party {
            number: caller
                .number
                .as_ref()
                .map_or_else(String::new, |number| number.as_str().to_owned()),
            name: caller.name.clone(),
        };
        call.setup.far = Far::Caller(caller);
        call.far_from = call.legs.len();
        let mut leg = Leg::new(id, LegRole::Far, party, Way::Half(other), now);
        if answered {
            leg.answer(now);
        }
        call.bridged = false;
        call.add_leg(leg);
    }

    /// A call whose far side is another now does with it what it did with the one before.
    pub(crate) fn rejoin(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match call.phase {
            Phase::Connected { .. } => match call.other_half() {
                Some(other) => self.join_media(id, other),
                None if call.ties.room.is_none() => {
                    call.bridge(&mut self.cx);
                    call.hear_holds(&mut self.cx);
                }
                None => {}
            },
            Phase::Held { .. } | Phase::Parked { .. } => call.hold_far(&mut self.cx, Some(Tone::Hold)),
            Phase::Transferring { .. } | Phase::Ringing { .. } | Phase::Waiting { .. }
                if call.active_far().is_some_and(Leg::is_answered) =>
            {
                call.hold_far(&mut self.cx, Some(Tone::Ringback));
            }
            _ => {}
        }
    }
}
