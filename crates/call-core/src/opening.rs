//! A call opens a leg: where to, and who the telephone there is told is calling (rule T16).

use crate::call::Call;
use crate::context::Context;
use crate::join::Crossing;
use crate::leg::{Leg, Party, Way};
use crate::setup::{Far, Near};
use crate::{Caller, CallerNumber, Effect, LegId, LegTarget, TimerKind};
use ponte_protocol::LegRole;

impl Call {
    /// Opens a leg of the role where no attempt at the same number has been. `false`: there is no such way.
    pub(crate) fn open_leg(&mut self, cx: &mut Context, role: LegRole) -> bool {
        match (role, &self.setup.near, &self.setup.far) {
            (LegRole::User, Near::Number(number), _) => {
                let number = number.clone();
                self.open_on_trunk(cx, role, |trunk| LegTarget::Trunk { trunk, number })
            }
            (LegRole::Far, _, Far::Number(number)) => {
                let number = number.clone();
                self.open_on_trunk(cx, role, |trunk| LegTarget::Trunk { trunk, number })
            }
            (LegRole::Far, _, Far::Emergency(number)) => {
                let number = number.clone();
                self.open_on_trunk(cx, role, |trunk| LegTarget::Emergency { trunk, number })
            }
            (LegRole::User, Near::Device { device, .. }, _) => {
                let device = device.clone();
                self.is_first_user_leg()
                    && self.open_here(
                        cx,
                        LegTarget::Device {
                            device: device.clone(),
                        },
                        Way::Device(device),
                    )
            }
            (LegRole::User, Near::Browser { .. }, _) => {
                self.is_first_user_leg() && self.open_here(cx, LegTarget::Browser, Way::Browser)
            }
            (LegRole::Far, _, Far::User { .. }) => self.open_half(cx),
            (LegRole::User, Near::None, _)
            | (LegRole::Far, _, Far::Caller(_) | Far::Nobody | Far::Mailbox) => false,
        }
    }

    fn open_on_trunk(
        &mut self,
        cx: &mut Context,
        role: LegRole,
        target: impl FnOnce(crate::TrunkId) -> LegTarget,
    ) -> bool {
        let Some(trunk) = self.next_trunk(cx, role) else {
            return false;
        };
        let Some(id) = self.new_leg_id() else {
            return false;
        };
        cx.trunks.take(&trunk);
        let caller = self.shown_caller(cx, role, &trunk);
        let forwarded = self.setup.forwarded.away.filter(|_| role == LegRole::User);
        self.start_leg_timers(cx, id, role);
        cx.push(Effect::OpenLeg {
            leg: id,
            user: self.setup.user.clone(),
            role,
            target: target(trunk.clone()),
            caller,
            forwarded,
        });
        let party = self.party(role);
        let mut leg = Leg::new(id, role, party, Way::Trunk(trunk), cx.now);
        leg.third = forwarded.is_some();
        self.add_leg(leg);
        true
    }

    /// The trunk that no attempt of the role has been made on, if one can carry it.
    pub(crate) fn next_trunk(&self, cx: &Context, role: LegRole) -> Option<crate::TrunkId> {
        let attempts = &self.legs[self.attempts_from(role)..];
        let tried = |id: &crate::TrunkId| {
            attempts
                .iter()
                .any(|leg| leg.role == role && matches!(&leg.way, Way::Trunk(trunk) if trunk == id))
        };
        let emergency = matches!(self.setup.far, Far::Emergency(_));
        match cx.trunks.pick(tried) {
            None if emergency => cx.trunks.pick_any(tried),
            picked => picked,
        }
    }

    /// Whether the call has called no telephone of the user yet.
    fn is_first_user_leg(&self) -> bool {
        let id = self.id();
        let mut attempts = self.legs[self.user_from..]
            .iter()
            .filter(|leg| leg.role == LegRole::User);
        attempts.all(|leg| leg.id.call != id)
    }

    /// Opens the user's leg to where no trunk leads.
    fn open_here(&mut self, cx: &mut Context, target: LegTarget, way: Way) -> bool {
        let Some(id) = self.new_leg_id() else {
            return false;
        };
        let party = self.party(LegRole::User);
        self.open_user_leg(cx, id, target, way, party);
        true
    }

    pub(crate) fn open_user_leg(
        &mut self,
        cx: &mut Context,
        id: LegId,
        target: LegTarget,
        way: Way,
        party: Party,
    ) {
        self.start_leg_timers(cx, id, LegRole::User);
        cx.push(Effect::OpenLeg {
            leg: id,
            user: self.setup.user.clone(),
            role: LegRole::User,
            target,
            caller: self.caller(),
            forwarded: None,
        });
        self.add_leg(Leg::new(id, LegRole::User, party, way, cx.now));
    }

    /// The other user's call, which the switch makes next.
    fn open_half(&mut self, cx: &mut Context) -> bool {
        let attempts = &self.legs[self.far_from..];
        if attempts.iter().any(|leg| leg.role == LegRole::Far) {
            return false;
        }
        let Some(id) = self.new_leg_id() else {
            return false;
        };
        let other = crate::join::half_of(id);
        cx.timers
            .set(id, TimerKind::FarNoAnswer, cx.now.plus(cx.timeouts.far_no_answer));
        cx.crossings.push_back(Crossing::Open {
            from: self.id(),
            half: other,
        });
        let party = self.party(LegRole::Far);
        self.add_leg(Leg::new(id, LegRole::Far, party, Way::Half(other), cx.now));
        true
    }

    fn party(&self, role: LegRole) -> Party {
        match role {
            LegRole::User => self.setup.near_party(),
            LegRole::Far => self.setup.far_party(),
        }
    }

    fn start_leg_timers(&self, cx: &mut Context, leg: LegId, role: LegRole) {
        let silent = cx.now.plus(cx.timeouts.trunk_response);
        cx.timers.set(leg, TimerKind::TrunkResponse, silent);
        self.restart_no_answer(cx, leg, role);
    }

    /// How long the telephone may ring; while a caller waits for the user, the caller's patience counts instead.
    pub(crate) fn restart_no_answer(&self, cx: &mut Context, leg: LegId, role: LegRole) {
        let (kind, patience) = match role {
            LegRole::User if self.serves_caller() && !self.is_beside(leg) => return,
            LegRole::User => (TimerKind::UserNoAnswer, self.setup.user_no_answer_ms),
            LegRole::Far => (TimerKind::FarNoAnswer, cx.timeouts.far_no_answer),
        };
        cx.timers.set(leg, kind, cx.now.plus(patience));
    }

    /// Who is calling: the far party of an incoming call, else the company.
    pub(crate) fn caller(&self) -> Caller {
        match &self.setup.far {
            Far::Caller(caller) => caller.clone(),
            _ => self.company(),
        }
    }

    fn company(&self) -> Caller {
        self.setup.caller_id.clone().map(Caller::from).unwrap_or_default()
    }

    /// Who a telephone behind a trunk is told is calling (rule T16).
    pub(crate) fn shown_caller(&self, cx: &Context, role: LegRole, trunk: &crate::TrunkId) -> Caller {
        let company = self.company();
        match (&self.setup.far, role) {
            (Far::Caller(caller), LegRole::User) => match caller.number {
                // An extension is no number that the network knows.
                Some(CallerNumber::Extension(_)) => Caller {
                    name: caller.name.clone(),
                    ..company
                },
                _ if cx.trunks.passes_caller_id(trunk) => caller.clone(),
                _ => company,
            },
            _ => company,
        }
    }
}
