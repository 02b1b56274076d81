//! A desk telephone dials: the checks of a `Dial`, told by SIP status (rules T3, T4, T16 and T17).

use crate::call::{Call, Phase};
use crate::leg::{Leg, Party, Way};
use crate::line::Line;
use crate::setup::{Far, Near, Setup};
use crate::{Announcement, Dialled, FeatureCode, LegId, Switch, cause};
use ponte_protocol::{
    AccountCode, BookedCode, Cause, CauseReason, DeviceId, DialString, Direction, Extension, LegRole,
    Refusal, UserId,
};

/// What a user's desk telephone has dialled.
#[derive(Clone, Debug)]
pub(crate) struct DeskDial {
    pub(crate) leg: LegId,
    pub(crate) device: DeviceId,
    pub(crate) user: UserId,
    pub(crate) typed: DialString,
    pub(crate) dialled: Dialled,
    pub(crate) account_code: Option<AccountCode>,
    /// Whether the telephone was answered before, to talk to the switch itself.
    pub(crate) answered: bool,
}

impl Switch {
    pub(crate) fn desk_dials(
        &mut self,
        leg: LegId,
        device: &DeviceId,
        typed: DialString,
        dialled: Dialled,
        account_code: Option<AccountCode>,
    ) {
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
                let dial = DeskDial {
                    leg,
                    device: device.clone(),
                    user,
                    typed,
                    dialled,
                    account_code,
                    answered: false,
                };
                match self.check_desk(&dial) {
                    Ok((far, booked)) => self.desk_calls(dial, far, booked),
                    Err(Refusal::AccountCodeRequired) => {
                        self.ask_account_code(dial, vec![Announcement::EnterAccountCode]);
                    }
                    Err(Refusal::UnknownAccountCode | Refusal::InactiveAccountCode) => {
                        let words = vec![Announcement::Wrong, Announcement::EnterAccountCode];
                        self.ask_account_code(dial, words);
                    }
                    Err(refusal) => {
                        let (status, cause) = told_to_desk(&refusal, &dial.dialled);
                        self.refuse_with(leg, status, cause);
                    }
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
    pub(crate) fn may_consult(&self, user: &UserId, device: &DeviceId) -> bool {
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

    /// Calls whom the telephone has dialled, once everything was checked: on the user's line, or beside a call there that
    /// the telephone holds.
    pub(crate) fn desk_calls(&mut self, dial: DeskDial, far: Far, booked: Option<BookedCode>) {
        let consults = self.may_consult(&dial.user, &dial.device);
        let now = self.cx.now;
        if let Some(user) = self.users.get_mut(&dial.user) {
            user.count_dial(now);
            if !consults {
                user.line = Some(Line::of(dial.leg.call));
            }
        }
        self.start_from_desk(dial, far, booked);
    }

    /// Whom the user reaches with what was dialled: rights, caps and trunks, without a look at the line.
    pub(crate) fn check_dialled(&mut self, id: &UserId, dialled: &Dialled) -> Result<Far, Refusal> {
        let far = self.far_of(id, dialled)?;
        self.check_caps(id)?;
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

    /// What a `Dial` would check.
    pub(crate) fn check_desk(&mut self, dial: &DeskDial) -> Result<(Far, Option<BookedCode>), Refusal> {
        let consults = self.may_consult(&dial.user, &dial.device);
        if self.known_user(&dial.user)?.line.is_some() && !consults {
            return Err(Refusal::LineBusy);
        }
        let far = self.check_dialled(&dial.user, &dial.dialled)?;
        let booked = self.book(&dial.user, &far, dial.account_code.as_ref(), None)?;
        Ok((far, booked))
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
        let dial = DeskDial {
            leg,
            device: device.clone(),
            user,
            typed,
            dialled: Dialled::Emergency,
            account_code: None,
            answered: false,
        };
        self.start_from_desk(dial, far, None);
    }

    fn start_from_desk(&mut self, dial: DeskDial, far: Far, booked: Option<BookedCode>) {
        let DeskDial {
            leg,
            device,
            user: id,
            typed: dialled,
            answered,
            ..
        } = dial;
        let id = &id;
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
        call.account_code = booked;
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

/// What a refusal is called in SIP.
fn told_to_desk(refusal: &Refusal, dialled: &Dialled) -> (u16, Cause) {
    let (status, reason) = match refusal {
        Refusal::InvalidNumber if *dialled == Dialled::Invalid => (484, CauseReason::NoSuchNumber),
        Refusal::InvalidNumber => (404, CauseReason::NoSuchNumber),
        Refusal::LineBusy | Refusal::OwnNumber => (486, CauseReason::Busy),
        Refusal::NoTrunk | Refusal::StoreUnavailable => (503, CauseReason::Congestion),
        _ => (403, CauseReason::Forbidden),
    };
    (status, cause::local(reason))
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
