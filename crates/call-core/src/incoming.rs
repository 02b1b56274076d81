//! Calls that come in: to whom they are, and where that user is (rules T6, T9 and T16).

use crate::call::{Call, Phase};
use crate::forward::Forwarded;
use crate::leg::{Leg, Way};
use crate::line::Line;
use crate::setup::{Far, Near, Setup};
use crate::{CallSource, Caller, Dialled, Effect, LegId, Switch, Tone, cause, restriction};
use ponte_protocol::{
    AccountCode, CallId, Cause, CauseReason, Destination, DialString, Direction, EndedBy, Extension, LegRole,
    Mode, UserId,
};

/// How a call comes to a user.
pub(crate) struct Entry {
    pub(crate) way: Way,
    pub(crate) caller: Caller,
    pub(crate) dialled: DialString,
    /// The caller's leg, where another call has served it before.
    pub(crate) first: Option<Leg>,
    /// The caller has been answered before.
    pub(crate) recalled: bool,
    /// Who has forwarded the call.
    pub(crate) by: Vec<UserId>,
    /// How often it was forwarded before it came to the site.
    pub(crate) before: usize,
}

impl Entry {
    /// A call that nobody has forwarded.
    fn new(way: Way, caller: Caller, dialled: DialString) -> Self {
        Self {
            way,
            caller,
            dialled,
            first: None,
            recalled: false,
            by: Vec::new(),
            before: 0,
        }
    }
}

impl Switch {
    /// An INVITE that begins a dialog.
    pub(crate) fn incoming_call(
        &mut self,
        leg: LegId,
        source: CallSource,
        caller: Caller,
        (typed, dialled, account_code): (DialString, Dialled, Option<AccountCode>),
        forwarded: u32,
    ) {
        if leg.index != 0 || self.knows_leg(leg) {
            return;
        }
        match source {
            CallSource::Trunk { trunk } => match dialled {
                Dialled::Own {
                    extension: Some(extension),
                } => match self.user_of(&extension) {
                    Some(user) => {
                        self.cx.trunks.take(&trunk);
                        let entry = Entry {
                            before: usize::try_from(forwarded).unwrap_or(usize::MAX),
                            ..Entry::new(Way::Trunk(trunk), caller, typed)
                        };
                        self.serve_entry(leg.call, &user, entry);
                        self.settle(leg.call);
                    }
                    None => self.refuse(leg, cause::local(CauseReason::NoSuchNumber)),
                },
                // Nobody outside dials through.
                _ => self.refuse(leg, cause::local(CauseReason::NoSuchNumber)),
            },
            CallSource::Device { device } => self.desk_dials(leg, &device, typed, dialled, account_code),
        }
    }

    /// Whether something has the identifier of a leg that comes in already.
    pub(crate) fn knows_leg(&self, leg: LegId) -> bool {
        self.calls.contains_key(&leg.call)
            || self.services.contains_key(&leg.call)
            || self.visits.contains_key(&leg)
            || self.cx.served_by(leg) != leg.call
    }

    /// Refuses a leg that is no call of anybody.
    pub(crate) fn refuse(&mut self, leg: LegId, cause: Cause) {
        self.refuse_with(leg, cause::told_to_caller(cause), cause);
    }

    pub(crate) fn refuse_with(&mut self, leg: LegId, status: u16, cause: Cause) {
        self.cx.push(Effect::RejectLeg { leg, status, cause });
    }

    /// The user who has the extension.
    pub(crate) fn user_of(&self, extension: &Extension) -> Option<UserId> {
        self.users
            .iter()
            .find(|(_, user)| !user.removed && user.config.profile.extension == *extension)
            .map(|(id, _)| id.clone())
    }

    /// A call to this user begins, and voicemail takes it at once.
    pub(crate) fn serve_by_voicemail(
        &mut self,
        id: CallId,
        called: &UserId,
        way: Way,
        caller: Caller,
        dialled: DialString,
    ) {
        self.begin(id, called, way, caller, dialled);
        self.divert(id, CauseReason::Voicemail);
        self.settle_one(id);
    }

    /// A call to this user begins: the user's telephone rings, or it waits, or voicemail takes it.
    pub(crate) fn serve(
        &mut self,
        id: CallId,
        called: &UserId,
        way: Way,
        caller: Caller,
        dialled: DialString,
    ) {
        self.serve_entry(id, called, Entry::new(way, caller, dialled));
    }

    pub(crate) fn serve_entry(&mut self, id: CallId, called: &UserId, entry: Entry) {
        let Some(user) = self.users.get(called) else {
            return;
        };
        let number = entry.caller.number.as_ref();
        let excepted = number.is_some_and(|number| user.config.exceptions.contains(number));
        let not_disturbed = user.config.do_not_disturb && !excepted;
        let free = user.line.is_none();
        self.begin_entry(id, called, entry);
        if not_disturbed {
            self.divert(id, CauseReason::DoNotDisturb);
        } else if !self.forward_always(id) {
            if free {
                self.ring_user(id);
            } else if self.offer_to_standing(called, id) {
                // It waits for the tone in the ear, or for the user's telephone.
            } else if self.may_wait(called) {
                self.offer_waiting(called, id);
            } else {
                self.divert(id, CauseReason::Busy);
            }
        }
        self.settle_one(id);
    }

    /// The call of a user who is called; its first leg is the caller's. What becomes of it is decided next.
    pub(crate) fn begin(
        &mut self,
        id: CallId,
        called: &UserId,
        way: Way,
        caller: Caller,
        dialled: DialString,
    ) {
        self.begin_entry(id, called, Entry::new(way, caller, dialled));
    }

    fn begin_entry(&mut self, id: CallId, called: &UserId, entry: Entry) {
        let Entry {
            way,
            caller,
            dialled,
            first,
            recalled,
            by,
            before,
        } = entry;
        let Some(user) = self.users.get_mut(called) else {
            return;
        };
        let config = &user.config;
        let setup = Setup {
            id,
            user: called.clone(),
            direction: Direction::Incoming,
            dialled,
            near: Near::None,
            far: Far::Caller(caller),
            caller_id: Some(config.profile.caller_id.clone()),
            confirm: false,
            user_no_answer_ms: config.user_no_answer_ms,
            // A colleague's telephone that has had its answer is given to no voicemail any more.
            voicemail: config.profile.voicemail_allowed
                && config.settings.voicemail
                && self.store_writable
                && !(recalled && matches!(way, Way::Half(_))),
            forwarded: Forwarded {
                targets: config.forwarding.clone(),
                by,
                before,
                ..Forwarded::default()
            },
            code: None,
        };
        user.calls.push(id);
        let until = self.cx.now;
        let mut call = Call::new(&self.cx, setup, Phase::Ringing { until });
        if let Some(leg) = call.new_leg_id() {
            let party = call.setup.far_party();
            let leg = match (first, way) {
                (Some(first), _) => first,
                (None, way @ Way::Half(_)) => Leg::new(leg, LegRole::Far, party, way, self.cx.now),
                (None, way) => Leg::came_in(leg, LegRole::Far, party, way, self.cx.now),
            };
            call.add_leg(leg);
        }
        call.ties.recalled = recalled;
        if recalled {
            if let Some(far) = call.latest(LegRole::Far) {
                call.legs[far].answer(self.cx.now);
            }
            call.hold_far(&mut self.cx, Some(Tone::Ringback));
        }
        self.calls.insert(id, call);
    }

    fn divert(&mut self, id: CallId, reason: CauseReason) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.divert(&mut self.cx, cause::local(reason), EndedBy::System);
        }
    }

    /// Rings the user's telephone for a caller; the line is free.
    pub(crate) fn ring_user(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let called = call.setup.user.clone();
        match self.whereabouts(&called) {
            Ok((near, confirm)) => {
                let now = self.cx.now;
                if let Some(user) = self.users.get_mut(&called) {
                    user.line = Some(Line::of(id));
                    if let (Near::Number(number), true) = (&near, confirm) {
                        user.count_attempt(number, now);
                    }
                    let no_answer_ms = user.config.settings.no_answer_ms;
                    if let Some(call) = self.calls.get_mut(&id) {
                        call.setup.near = near;
                        call.setup.confirm = confirm;
                        call.ring(&mut self.cx, no_answer_ms);
                    }
                }
            }
            Err(reason) => self.divert(id, reason),
        }
    }

    /// The telephone at which the user is reached now, and whether a person there must confirm (rule T14).
    pub(crate) fn whereabouts(&self, user: &UserId) -> Result<(Near, bool), CauseReason> {
        let known = self.known_user(user).map_err(|_| CauseReason::LoggedOff)?;
        match &known.mode {
            Mode::Telecommuting {
                destination: Destination::Number { number, confirm, .. },
                ..
            } => {
                // Rights may have changed since the number was entered.
                restriction::check(&known.config.restrictions, number, known.destination_class)
                    .map_err(|_| CauseReason::LoggedOff)?;
                if *confirm && !known.may_attempt(number, self.cx.now) {
                    return Err(CauseReason::NotConfirmed);
                }
                Ok((Near::Number(number.clone()), *confirm))
            }
            // A person has to press **Accept** there: nobody else could answer (rule T14).
            Mode::Telecommuting {
                destination: Destination::Browser,
                ..
            } if known.config.profile.browser_allowed => {
                let extension = known.config.profile.extension.clone();
                Ok((Near::Browser { extension }, false))
            }
            Mode::Telecommuting { .. } => Err(CauseReason::LoggedOff),
            Mode::Office | Mode::Unknown => {
                let device = self
                    .devices
                    .of(user)
                    .filter(|device| device.registered)
                    .ok_or(CauseReason::LoggedOff)?;
                let near = Near::Device {
                    device: device.config.id.clone(),
                    extension: known.config.profile.extension.clone(),
                };
                Ok((near, false))
            }
        }
    }
}
