//! The switch: where events, time and effects meet.

use crate::account::AccountCodes;
use crate::call::{CLOCK, Call, Phase};
use crate::conference::Room;
use crate::context::Context;
use crate::devices::Devices;
use crate::mailbox::Visit;
use crate::service::Service;
use crate::setup::Near;
use crate::user::User;
use crate::{
    Dialled, Effect, Event, LegEnd, LegId, NumberClass, PlaybackToken, Timeouts, TimerKind, UserConfig, dial,
};
use ponte_protocol::{CallId, CallView, EndedBy, EventBody, LegRole, Mode, Refusal, UnixMillis, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// Call control. See the crate's documentation for how a host drives it.
///
/// After each [`Self::handle_event`] and [`Self::handle_timeout`] the host drains [`Self::poll_effect`], then waits for
/// the next event until the time that [`Self::poll_timeout`] names. The same events at the same times give the same
/// effects. Time that runs backwards counts as standing still.
#[derive(Debug)]
pub struct Switch {
    pub(crate) cx: Context,
    pub(crate) users: BTreeMap<UserId, User>,
    pub(crate) calls: BTreeMap<CallId, Call>,
    pub(crate) devices: Devices,
    /// Telephones that talk to the switch itself.
    pub(crate) services: BTreeMap<CallId, Service>,
    /// Legs that are in a voicemail box.
    pub(crate) visits: BTreeMap<LegId, Visit>,
    /// Conferences, by the call that each began with.
    pub(crate) rooms: BTreeMap<CallId, Room>,
    /// Parking places that are taken.
    pub(crate) parking: BTreeMap<u16, CallId>,
    pub(crate) account_codes: AccountCodes,
    pub(crate) store_writable: bool,
    /// When telecommuter modes end by themselves.
    pub(crate) leaves: BTreeSet<(UnixMillis, UserId)>,
}

impl Switch {
    /// A switch without users and trunks.
    pub fn new(timeouts: Timeouts) -> Self {
        Self {
            cx: Context::new(timeouts),
            users: BTreeMap::new(),
            calls: BTreeMap::new(),
            devices: Devices::default(),
            services: BTreeMap::new(),
            visits: BTreeMap::new(),
            rooms: BTreeMap::new(),
            parking: BTreeMap::new(),
            account_codes: AccountCodes::new(),
            store_writable: true,
            leaves: BTreeSet::new(),
        }
    }

    /// Takes in what happened at `now`.
    pub fn handle_event(&mut self, now: UnixMillis, event: Event) {
        self.cx.now = self.cx.now.max(now);
        match event {
            Event::UserConfigured { config } => self.configure_user(*config),
            Event::UserRemoved { user } => self.remove_user(&user),
            Event::ModeRestored { user, mode } => {
                if matches!(mode, Mode::Telecommuting { .. }) {
                    self.forget_logon(&user);
                }
                if let Some(known) = self.users.get_mut(&user) {
                    known.mode = mode;
                    known.destination_class = NumberClass::Other;
                }
                self.schedule_leave(&user);
            }
            Event::UsageRestored { user, dials, talks } => {
                if let Some(user) = self.users.get_mut(&user) {
                    user.restore_usage(dials, talks);
                }
            }
            Event::AttemptsRestored {
                user,
                confirmed,
                attempts,
            } => {
                if let Some(user) = self.users.get_mut(&user) {
                    user.restore_attempts(confirmed, attempts);
                }
            }
            Event::DeviceConfigured { config } => self.configure_device(*config),
            Event::DeviceRemoved { device } => self.remove_device(&device),
            Event::DeviceRegistered { device, registered } => self.device_registered(&device, registered),
            Event::LogonRestored { device, user } => self.restore_logon(&device, user),
            Event::IncomingCall {
                leg,
                source,
                caller,
                typed,
                dialled,
                account_code,
                forwarded,
            } => {
                let dialled = (typed, dialled, account_code);
                self.incoming_call(leg, source, caller, dialled, forwarded);
            }
            Event::TakesOver {
                leg,
                device,
                of,
                early_only,
            } => self.takes_over(leg, &device, of, early_only),
            Event::RecordingFull { leg } => self.recording_full(leg),
            Event::NoRoom { leg, kept } => self.no_room(leg, kept),
            Event::NumberVerified { user } => self.end_verification(&user),
            Event::PinChecked { leg, ask, valid } => {
                if !self.visit_pin_checked(leg, ask, valid) {
                    self.pin_checked(leg, ask, valid);
                }
            }
            Event::MessagesListed { leg, ask, messages } => self.messages_listed(leg, ask, messages),
            Event::DraftStored { leg, stored } => self.draft_stored(leg, stored),
            Event::PortalsChanged { user, portals } => self.portals_changed(&user, portals),
            Event::NumberRead { leg, ask, dialled } => self.number_read(leg, ask, &dialled),
            Event::AccountCodesConfigured { codes } => self.configure_account_codes(codes),
            Event::TimeoutsConfigured { timeouts } => self.cx.timeouts = timeouts,
            Event::TrunksConfigured { trunks } => self.cx.trunks.configure(trunks),
            Event::TrunkState { trunk, up } => self.cx.trunks.set_up(&trunk, up),
            Event::StoreState { writable } => self.store_writable = writable,
            Event::Command { user, id, command } => self.command(&user, id, command),
            Event::LegProgress {
                leg,
                status,
                early_media,
            } => self.leg_progress(leg, status, early_media),
            Event::LegAnswered { leg } => self.leg_answered(leg),
            Event::LegEnded { leg, end } => self.leg_ended(leg, end),
            Event::LegHeld { leg, hold } => self.leg_held(leg, hold),
            Event::Referred { leg, call, to } => self.referred(leg, call, to),
            Event::ReferredTo { leg, with } => self.referred_to(leg, with),
            Event::Dtmf { leg, digit } if self.talks_to_us(leg) => {
                self.service_key(leg, digit.0);
            }
            Event::Dtmf { leg, digit } if self.visit_takes_key(leg, digit.0) => {}
            Event::Dtmf { leg, digit } if self.key_beside(leg, digit.0) => {}
            Event::Dtmf { leg, digit } => self.key_pressed(leg, digit.0),
            Event::PlaybackFinished { leg, token } => self.playback_finished(leg, token),
            Event::AudioMissing { leg, since_ms } => {
                self.with_answered(leg, |call, cx, _| call.audio_missing(cx, leg, since_ms));
            }
            Event::AudioResumed { leg } => {
                self.with_answered(leg, |call, _, _| call.set_no_audio(leg, false));
            }
        }
        debug_assert!(self.cx.crossings.is_empty(), "a call was not settled");
    }

    /// Carries out what has become due at `now`.
    pub fn handle_timeout(&mut self, now: UnixMillis) {
        self.cx.now = self.cx.now.max(now);
        while let Some((leg, kind)) = self.cx.timers.pop_due(self.cx.now) {
            self.timer_fired(leg, kind);
        }
        self.leave_due();
    }

    /// The next thing to be done; in this order.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.cx.pop()
    }

    /// When [`Self::handle_timeout`] wants to be called at the latest, and why.
    pub fn poll_timeout(&self) -> Option<(UnixMillis, TimerKind)> {
        let leave = self.next_leave().map(|at| (at, TimerKind::Leave));
        [self.cx.timers.next(), leave].into_iter().flatten().min()
    }

    /// Whether the user may be called back on this number (rule T2); also to be asked before one is saved.
    ///
    /// # Errors
    /// [`Refusal::UnknownUser`], [`Refusal::EmergencyNumber`], [`Refusal::OwnNumber`], [`Refusal::InvalidNumber`],
    /// [`Refusal::Restricted`].
    pub fn check_destination(&self, user: &UserId, dialled: &Dialled) -> Result<(), Refusal> {
        dial::check_destination(self.known_user(user)?, dialled).map(|_| ())
    }

    /// Whether the user's calls may be forwarded there; also to be asked before that is saved.
    ///
    /// # Errors
    /// As [`Self::check_destination`]; an extension of a colleague is allowed.
    pub fn check_forwarding(&self, user: &UserId, dialled: &Dialled) -> Result<(), Refusal> {
        crate::forward::check(self.known_user(user)?, dialled)
    }

    /// How the user works now; `None` for a user who is not known.
    pub fn mode(&self, user: &UserId) -> Option<&Mode> {
        self.known_user(user).ok().map(|user| &user.mode)
    }

    /// The user's calls that are not over, oldest first.
    pub fn calls(&self, user: &UserId) -> Vec<CallView> {
        let calls = self.users.get(user).map_or(&[][..], |user| &user.calls[..]);
        calls
            .iter()
            .filter_map(|id| self.calls.get(id))
            .filter(|call| call.is_shown())
            .map(Call::view)
            .collect()
    }

    /// The leg that came in and for which this one is opened: its caller's. `None` where nobody has called in.
    pub fn caller_of(&self, leg: LegId) -> Option<LegId> {
        let call = self.calls.get(&self.cx.served_by(leg))?;
        let role = call.legs[call.place_of(leg)?].role;
        let came_in = |call: &Call, role: LegRole| {
            let mut legs = call.legs.iter().rev();
            legs.find(|leg| leg.role == role && leg.incoming)
                .map(|leg| leg.id)
        };
        match (role, call.other_half()) {
            (LegRole::Far, _) => came_in(call, LegRole::User),
            (LegRole::User, None) => came_in(call, LegRole::Far),
            (LegRole::User, Some(other)) => came_in(self.calls.get(&other)?, LegRole::User),
        }
    }

    /// Calls that are not over, of all users; a call between two users counts twice.
    pub fn call_count(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn known_user(&self, id: &UserId) -> Result<&User, Refusal> {
        self.users
            .get(id)
            .filter(|user| !user.removed)
            .ok_or(Refusal::UnknownUser)
    }

    fn configure_user(&mut self, config: UserConfig) {
        let id = config.profile.user.clone();
        let Some(user) = self.users.get_mut(&id) else {
            self.users.insert(id, User::new(config));
            return;
        };
        let returns = std::mem::take(&mut user.removed);
        if returns {
            user.mode = Mode::Office;
        }
        let changed = user.config.profile != config.profile;
        user.config = config;
        if changed {
            let profile = user.config.profile.clone();
            let allowed = profile.telecommuter_allowed;
            let records = profile.recording_allowed;
            self.cx.push(Effect::Notify {
                user: id.clone(),
                body: EventBody::ProfileChanged { profile },
            });
            if !allowed {
                // Rule T1: a right that is taken away ends the mode that stood on it.
                self.set_mode(&id, Mode::Office, NumberClass::Other);
            }
            if !records {
                self.stop_records(&id);
            }
        }
        self.check_standing(&id);
    }

    fn remove_user(&mut self, id: &UserId) {
        let Some(user) = self.users.get_mut(id) else {
            return;
        };
        user.removed = true;
        self.leaves.retain(|(_, leaver)| leaver != id);
        let calls = user.calls.clone();
        if calls.is_empty() {
            self.users.remove(id);
        }
        self.log_off(id);
        for call in &calls {
            if let Some(known) = self.calls.get_mut(call) {
                known.ear_wanted = false;
                known.setup.voicemail = false;
            }
        }
        for call in calls {
            if let Some(known) = self.calls.get_mut(&call) {
                known.hang_up(&mut self.cx, EndedBy::System);
            }
            self.settle(call);
        }
    }

    /// The call that an active leg serves, and the leg's place in it.
    pub(crate) fn active(&mut self, leg: LegId) -> Option<(&mut Context, &mut Call, usize)> {
        let call = self.calls.get_mut(&self.cx.served_by(leg))?;
        let place = call.place_of(leg)?;
        // No host knows of a leg that stands for the other half.
        let known = call.legs[place].is_active() && call.legs[place].is_sip();
        known.then_some((&mut self.cx, call, place))
    }

    pub(crate) fn with_answered(&mut self, leg: LegId, act: impl FnOnce(&mut Call, &mut Context, LegRole)) {
        if let Some((cx, call, place)) = self.active(leg)
            && call.legs[place].is_answered()
        {
            let role = call.legs[place].role;
            act(call, cx, role);
            let id = call.id();
            self.settle(id);
        }
    }

    fn leg_progress(&mut self, leg: LegId, status: u16, early_media: bool) {
        if let Some((cx, call, place)) = self.active(leg)
            && !call.legs[place].is_answered()
            && !call.legs[place].incoming
            && (100..=199).contains(&status)
        {
            call.leg_progress(cx, place, status, early_media);
            self.settle(leg.call);
        }
    }

    fn leg_answered(&mut self, leg: LegId) {
        let Some((cx, call, place)) = self.active(leg) else {
            return;
        };
        let answered = &mut call.legs[place];
        if answered.is_answered() || answered.incoming {
            return;
        }
        answered.answer(cx.now);
        let (role, beside) = (answered.role, answered.beside);
        cx.timers.cancel_leg(leg);
        call.touch();
        if call.rescue.is_some() && !beside {
            call.bring_forward(leg);
        }
        match role {
            LegRole::User if beside => self.newcomer_answered(leg.call),
            LegRole::User => call.user_answered(cx),
            LegRole::Far => call.far_answered(cx),
        }
        self.settle(leg.call);
    }

    fn leg_ended(&mut self, leg: LegId, end: LegEnd) {
        if self.talks_to_us(leg) {
            self.service_ended(leg);
            return;
        }
        if self.forget_visit(leg) {
            return;
        }
        let id = self.cx.served_by(leg);
        if let Some(call) = self.calls.get_mut(&id)
            && let Some(place) = call.place_of(leg)
            && call.legs[place].is_sip()
        {
            call.leg_ended(&mut self.cx, place, end);
            self.settle(id);
        }
    }

    fn playback_finished(&mut self, leg: LegId, token: PlaybackToken) {
        if self.talks_to_us(leg) {
            self.service_spoke(leg, token);
            return;
        }
        if self.visit_spoke(leg, token) || self.record_told(leg, token) {
            return;
        }
        // The greeting of another user's voicemail is played on this user's ear.
        let id = self.cx.served_by(leg);
        let other = self.calls.get(&id).and_then(Call::other_half).unwrap_or(id);
        if self.active(leg).is_none() {
            return;
        }
        if let Some(call) = self.calls.get_mut(&other)
            && (call.greeting_finished(&mut self.cx, leg, token)
                || call.refusal_spoken(&mut self.cx, leg, token))
        {
            if let Some(call) = self.calls.get_mut(&id) {
                call.playback_over();
            }
            self.settle(other);
            return;
        }
        self.with_answered(leg, |call, cx, _| {
            call.prompt_finished(cx, leg, token);
            call.reason_finished(cx, leg, token);
            call.code_spoken(cx, leg, token);
            call.notice_spoken(token);
            call.newcomer_spoken_to(cx, leg, token);
            if call.farewell == Some(token) {
                call.farewell_over(cx);
            }
        });
    }

    fn no_room(&mut self, leg: LegId, kept: bool) {
        if self.record_over(leg, kept) {
            return;
        }
        let id = self.cx.served_by(leg);
        let host = self.calls.get(&id).and_then(Call::other_half).unwrap_or(id);
        if !self.visits.contains_key(&leg)
            && self.active(leg).is_some()
            && let Some(call) = self.calls.get_mut(&host)
            && call.records(leg)
        {
            call.refuse_message(&mut self.cx, leg, kept);
            self.settle(host);
        }
    }

    fn recording_full(&mut self, leg: LegId) {
        // The end of a draft is told by itself.
        if self.visits.contains_key(&leg) || self.record_over(leg, true) {
            return;
        }
        let id = self.cx.served_by(leg);
        let other = self.calls.get(&id).and_then(Call::other_half).unwrap_or(id);
        if let Some(call) = self.calls.get_mut(&other)
            && call.records(leg)
        {
            call.message_full(&mut self.cx);
            self.settle(other);
        }
    }

    fn timer_fired(&mut self, leg: LegId, kind: TimerKind) {
        if self.talks_to_us(leg) {
            self.service_waited(leg, kind);
            return;
        }
        if self.visit_waited(leg, kind) {
            return;
        }
        let id = self.cx.served_by(leg);
        if leg.index == CLOCK && kind == TimerKind::Waiting && self.attach(id) {
            self.settle(id);
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let cx = &mut self.cx;
        if leg.index == CLOCK {
            match kind {
                TimerKind::Caller | TimerKind::Waiting => call.caller_waited(cx),
                TimerKind::Recall if call.stands() => self.recall(id),
                TimerKind::Recall => self.call_user_again(id),
                TimerKind::Stay => call.stayed_too_long(cx),
                TimerKind::Beep => self.beep(id),
                TimerKind::Message => call.message_full(cx),
                TimerKind::Park => self.parked_too_long(id),
                TimerKind::Told => self.stop_record(id),
                _ => {}
            }
            self.settle(id);
            return;
        }
        let Some(place) = call.place_of(leg) else {
            return;
        };
        match kind {
            kind if call.legs[place].beside => call.beside_waited(cx, place, kind),
            TimerKind::TrunkResponse => {
                let role = call.legs[place].role;
                call.trunk_silent(cx, leg, role);
            }
            TimerKind::UserNoAnswer => call.no_answer(cx, leg, LegRole::User),
            TimerKind::FarNoAnswer => call.no_answer(cx, leg, LegRole::Far),
            TimerKind::Confirm => call.confirm_timed_out(cx, leg),
            TimerKind::ConfirmRepeat => call.repeat_prompt(cx),
            TimerKind::Redial => call.redial_timed_out(cx, leg),
            TimerKind::Farewell => call.farewell_over(cx),
            TimerKind::SpeakAgain => call.speak_again(cx),
            TimerKind::Digits => self.keys_waited(leg),
            TimerKind::Caller
            | TimerKind::Waiting
            | TimerKind::Beep
            | TimerKind::Message
            | TimerKind::Park
            | TimerKind::Overlap
            | TimerKind::Recall
            | TimerKind::Stay
            | TimerKind::Told
            // These stand under no leg's name.
            | TimerKind::Leave => {}
            TimerKind::Close => call.close_timed_out(cx, place),
        }
        self.settle(id);
    }

    /// After something happened to a call: what it tells other calls, the lines, the portals, the records.
    pub(crate) fn settle(&mut self, id: CallId) {
        self.settle_one(id);
        while let Some(crossing) = self.cx.crossings.pop_front() {
            self.carry_across(crossing);
        }
    }

    pub(crate) fn settle_one(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        debug_assert!(
            call.is_over()
                || self.cx.timers.any_of(id)
                || call.active_user_leg().is_some()
                // The timer of an ear that another call opened stands under that one's name.
                || call.legs.iter().any(|leg| leg.closing().is_some())
                || matches!(call.phase, Phase::Held { .. } | Phase::Transferring { .. })
                || call.ties.room.is_some()
                || call.ties.made_for.is_some()
                || call.ties.detached,
            "call {id} waits for nothing in {:?}",
            call.phase
        );
        let owner = call.setup.user.clone();
        self.advance_transfer(id);
        self.tidy_move(id);
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        if matches!(call.phase, Phase::Ending { .. })
            && call.farewell.is_none()
            && call.active_user_leg().is_some()
        {
            self.hand_on_ear(&owner, id);
        }
        self.tidy_room(id);
        self.tidy_line(&owner);
        self.tidy_records(id);
        self.tidy_standing(&owner);
        self.set_relay(&owner);
        self.set_mute(&owner);
        if !self.parking.is_empty() {
            self.tidy_parking();
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if std::mem::take(&mut call.just_confirmed)
            && let Near::Number(number) = &call.setup.near
            && let Some(user) = self.users.get_mut(&owner)
        {
            user.has_confirmed(number);
        }
        if let (Some(from), Phase::Ending { at, .. }, false) = (call.connected_at, call.phase, call.counted)
            && let Some(user) = self.users.get_mut(&owner)
        {
            call.counted = true;
            user.count_talk(from, at);
        }
        if !call.is_over() {
            if let Some(call) = call.changed_view() {
                let body = EventBody::CallChanged { call };
                self.cx.push(Effect::Notify { user: owner, body });
            }
            return;
        }
        if let Some(call) = self.calls.remove(&id)
            && let Some(record) = call.record()
        {
            self.cx.push(Effect::Record {
                record: Box::new(record.clone()),
            });
            if call.is_shown() || call.stands() {
                self.cx.push(Effect::Notify {
                    user: owner.clone(),
                    body: EventBody::CallEnded { call: id, record },
                });
            }
        }
        if let Some(user) = self.users.get_mut(&owner) {
            user.calls.retain(|call| *call != id);
            if user.removed && user.calls.is_empty() {
                self.users.remove(&owner);
            }
        }
    }
}
