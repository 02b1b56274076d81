//! A desk telephone dials: the checks of a `Dial`, told by SIP status (rules T3, T4, T16 and T17).

use crate::call::{Call, Far, Near, Phase, Setup};
use crate::leg::{Leg, Party, Way};
use crate::line::Line;
use crate::{Dialled, FeatureCode, LegId, Switch, cause};
use ponte_protocol::{
    Cause, CauseReason, DeviceId, DialString, Direction, Extension, LegRole, Refusal, UserId,
};

impl Switch {
    pub(crate) fn desk_dials(&mut self, leg: LegId, device: &DeviceId, typed: DialString, dialled: Dialled) {
        let Some(known) = self.devices.get(device) else {
            self.refuse(leg, cause::local(CauseReason::Forbidden));
            return;
        };
        let logged_on = known.user.clone();
        match (dialled, logged_on) {
            (Dialled::Emergency, logged_on) => {
                let owner = known.config.owner.clone();
                self.dial_emergency(leg, device, logged_on.or(owner), typed);
            }
            (Dialled::FeatureCode(Some(FeatureCode::LogOn)), _) => self.ask_who(leg, device),
            (Dialled::FeatureCode(Some(FeatureCode::LogOff)), _) => self.log_off_by_code(leg, device),
            (Dialled::FeatureCode(Some(FeatureCode::Leave)), _) => self.leave_by_code(leg, device),
            (_, None) => self.refuse_logged_off(leg, device),
            (dialled, Some(user)) if self.is_own_box(&user, &dialled) => {
                self.visit_from_desk(leg, device, &user);
            }
            (dialled, Some(user)) => {
                let consults = self.may_consult(&user, device);
                match self.check_desk(&user, &dialled, consults) {
                    Ok(far) if consults => {
                        if let Some(user) = self.users.get_mut(&user) {
                            user.count_dial(self.cx.now);
                        }
                        self.start_from_desk(leg, device, &user, typed, far, false);
                    }
                    Ok(far) => self.desk_calls(leg, device, &user, typed, far, false),
                    Err((status, cause)) => self.refuse_with(leg, status, cause),
                }
            }
        }
    }

    /// The feature code of voicemail, or the user's own extension where callers reach voicemail there.
    fn is_own_box(&self, user: &UserId, dialled: &Dialled) -> bool {
        match dialled {
            Dialled::FeatureCode(Some(FeatureCode::Voicemail)) => true,
            Dialled::Own {
                extension: Some(extension),
            } => self.known_user(user).is_ok_and(|user| {
                let profile = &user.config.profile;
                profile.extension == *extension && profile.voicemail_allowed && user.config.settings.voicemail
            }),
            _ => false,
        }
    }

    /// Whether a telephone may make a second call: it has put the one on the user's line on hold by its own key, as for a
    /// transfer after asking. One beside the line is enough for that.
    fn may_consult(&self, user: &UserId, device: &DeviceId) -> bool {
        let here = |call: &Call| {
            call.latest(LegRole::User)
                .map(|place| &call.legs[place])
                .is_some_and(|leg| leg.is_active() && leg.way == Way::Device(device.clone()))
        };
        let Some(known) = self.users.get(user) else {
            return false;
        };
        let held = known
            .line
            .as_ref()
            .and_then(|line| self.calls.get(&line.active))
            .is_some_and(|call| {
                matches!(call.phase, Phase::Held { .. })
                    && call.ties.held_by_ear
                    && call.ties.room.is_none()
                    && here(call)
            });
        let mut others = known.calls.iter().filter_map(|id| self.calls.get(id));
        held && !others.any(|call| call.ties.beside_line && here(call))
    }

    /// Takes the user's line for a number that may be dialled.
    pub(crate) fn desk_calls(
        &mut self,
        leg: LegId,
        device: &DeviceId,
        user: &UserId,
        typed: DialString,
        far: Far,
        answered: bool,
    ) {
        let now = self.cx.now;
        if let Some(user) = self.users.get_mut(user) {
            user.count_dial(now);
            user.line = Some(Line::of(leg.call));
        }
        self.start_from_desk(leg, device, user, typed, far, answered);
    }

    /// Whom the user reaches with what was dialled: rights, caps and trunks, without a look at the line.
    pub(crate) fn check_dialled(&mut self, id: &UserId, dialled: &Dialled) -> Result<Far, Refusal> {
        let far = self.far_of(id, dialled)?;
        let now = self.cx.now;
        let user = self.users.get_mut(id).ok_or(Refusal::UnknownUser)?;
        user.check_caps(now)?;
        if !self.store_writable {
            return Err(Refusal::StoreUnavailable);
        }
        if matches!(far, Far::Number(_)) {
            if !self.cx.trunks.any_up() {
                return Err(Refusal::NoTrunk);
            }
            if self.cx.trunks.capacity() == 0 {
                return Err(Refusal::StoreUnavailable);
            }
        }
        Ok(far)
    }

    /// What a `Dial` would check, and what its refusal is called in SIP.
    fn check_desk(&mut self, id: &UserId, dialled: &Dialled, consults: bool) -> Result<Far, (u16, Cause)> {
        let check = |switch: &mut Self| -> Result<Far, Refusal> {
            if switch.known_user(id)?.line.is_some() && !consults {
                return Err(Refusal::LineBusy);
            }
            switch.check_dialled(id, dialled)
        };
        check(self).map_err(|refusal| {
            let (status, reason) = match refusal {
                Refusal::InvalidNumber if *dialled == Dialled::Invalid => (484, CauseReason::NoSuchNumber),
                Refusal::InvalidNumber => (404, CauseReason::NoSuchNumber),
                Refusal::LineBusy | Refusal::OwnNumber => (486, CauseReason::Busy),
                Refusal::NoTrunk | Refusal::StoreUnavailable => (503, CauseReason::Congestion),
                _ => (403, CauseReason::Forbidden),
            };
            (status, cause::local(reason))
        })
    }

    /// Rule T17: whatever state the user is in, and whatever the user may dial.
    fn dial_emergency(&mut self, leg: LegId, device: &DeviceId, user: Option<UserId>, typed: DialString) {
        // A telephone that belongs to nobody is on record under its own name, which is nobody's.
        let user = user.or_else(|| record_name(device));
        let Some(user) = user else {
            self.refuse(leg, cause::local(CauseReason::InternalError));
            return;
        };
        let far = Far::Emergency(typed.clone());
        let at_this_telephone = self.logged_on(device) == Some(&user);
        if at_this_telephone
            && let Some(user) = self.users.get_mut(&user)
            && user.line.is_none()
        {
            user.line = Some(Line::of(leg.call));
        }
        self.start_from_desk(leg, device, &user, typed, far, false);
    }

    /// A telephone on the user's line calls; `answered`: it was answered to talk to the switch itself before.
    pub(crate) fn start_from_desk(
        &mut self,
        leg: LegId,
        device: &DeviceId,
        id: &UserId,
        dialled: DialString,
        far: Far,
        answered: bool,
    ) {
        let user = self.users.get(id);
        // Any user's number is the company's.
        let shown = user.or_else(|| self.users.values().next());
        let caller_id = shown.map(|user| user.config.profile.caller_id.clone());
        let extension: Option<Extension> = user.map(|user| user.config.profile.extension.clone());
        let number = extension.as_ref().map_or("", Extension::as_str).to_owned();
        let setup = Setup {
            id: leg.call,
            user: id.clone(),
            direction: Direction::Outgoing,
            dialled,
            near: match extension {
                Some(extension) => Near::Device {
                    device: device.clone(),
                    extension,
                },
                None => Near::None,
            },
            far,
            caller_id,
            confirm: false,
            user_no_answer_ms: user.map_or(0, |user| user.config.user_no_answer_ms),
            voicemail: false,
            forwarded: crate::forward::Forwarded::default(),
            code: None,
        };
        if let Some(user) = self.users.get_mut(id) {
            user.calls.push(leg.call);
        }
        let mut call = Call::new(&self.cx, setup, Phase::CallingFar);
        call.ties.beside_line = self.line(id).is_some_and(|line| line.active != leg.call);
        if let Some(first) = call.new_leg_id() {
            let party = Party { number, name: None };
            let way = Way::Device(device.clone());
            let mut ear = Leg::came_in(first, LegRole::User, party, way, self.cx.now);
            if answered {
                ear.answer(self.cx.now);
            }
            call.add_leg(ear);
        }
        call.call_far(&mut self.cx);
        self.calls.insert(leg.call, call);
        self.settle(leg.call);
    }
}

/// How the names end under which calls of telephones that belong to nobody are on record; no user may have such a name.
pub const NOBODYS: &str = "@telephone";
/// The most characters of a name.
const NAME_MAX: usize = 64;

/// Under which name the calls of a telephone that belongs to nobody are on record.
fn record_name(device: &DeviceId) -> Option<UserId> {
    let name: String = device.as_str().chars().take(NAME_MAX - NOBODYS.len()).collect();
    format!("{name}{NOBODYS}").parse().ok()
}
