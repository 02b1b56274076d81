//! A second, smaller description of what the switch must do.
//!
//! It is told every event and every effect, and knows no timer table, no phase and no queue: what it knows of a call
//! follows from its legs. From that it foretells the reply to each command, which legs each event opens and closes, the
//! phase that portals are shown, and what the user must hear; [`Reference::step`] panics where the switch does otherwise.

use ponte_call_core::{
    Dialled, Effect, Event, LegEnd, LegEndKind, LegId, NumberClass, Playback, PlaybackToken, SwitchCommand,
    SwitchDestination, Timeouts, UserConfig,
};
use ponte_protocol::{
    CallId, CallPhase, CallView, CommandId, Destination, E164, EventBody, LegRole, Mode, Outcome, Refusal,
    UnixMillis, UserId,
};
use std::collections::BTreeMap;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

#[derive(Debug)]
struct Leg {
    id: LegId,
    role: LegRole,
    opened_at: UnixMillis,
    /// When its time to answer began.
    alerted_at: UnixMillis,
    heard: bool,
    alerting: bool,
    proven: bool,
    early_media: bool,
    answered_at: Option<UnixMillis>,
    closed_at: Option<UnixMillis>,
    ended: bool,
}

impl Leg {
    fn is_active(&self) -> bool {
        self.closed_at.is_none() && !self.ended
    }
}

#[derive(Debug)]
struct Call {
    id: CallId,
    user: UserId,
    confirm: bool,
    confirmed: bool,
    user_patience_ms: u64,
    legs: Vec<Leg>,
    connected_at: Option<UnixMillis>,
    ending_at: Option<UnixMillis>,
    failed_at: Option<UnixMillis>,
    /// The announcement that is being spoken.
    speaking: Option<PlaybackToken>,
    bridged: bool,
    sounding: bool,
    counted: bool,
}

impl Call {
    fn active(&self, role: LegRole) -> Option<&Leg> {
        self.legs
            .iter()
            .rev()
            .find(|leg| leg.role == role && leg.is_active())
    }

    /// The whole state diagram: the phase follows from the legs.
    fn phase(&self) -> &'static str {
        let Some(user) = self.active(LegRole::User) else {
            return "ending";
        };
        match self.active(LegRole::Far) {
            _ if user.answered_at.is_none() => "calling user",
            Some(far) if far.answered_at.is_some() => "connected",
            Some(_) => "calling far",
            None if self.confirm && !self.confirmed => "confirming",
            None => "far failed",
        }
    }

    fn holds_line(&self) -> bool {
        self.legs
            .iter()
            .any(|leg| leg.role == LegRole::User && !leg.ended)
    }
}

#[derive(Debug)]
struct User {
    config: UserConfig,
    mode: Mode,
    class: NumberClass,
    dials: Vec<UnixMillis>,
    talks: Vec<(UnixMillis, UnixMillis)>,
    removed: bool,
}

/// What an event must do to the legs of one call.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    opens: Vec<(CallId, LegRole)>,
    closes: Vec<LegId>,
}

/// The reference; trunks have no limits in it.
#[derive(Debug)]
pub struct Reference {
    timeouts: Timeouts,
    users: BTreeMap<UserId, User>,
    calls: Vec<Call>,
    trunks: BTreeMap<String, bool>,
    trunk_of: BTreeMap<LegId, String>,
    far_from: BTreeMap<CallId, usize>,
    writable: bool,
    outcome: Option<(CommandId, Outcome)>,
}

impl Reference {
    pub fn new(timeouts: Timeouts) -> Self {
        Self {
            timeouts,
            users: BTreeMap::new(),
            calls: Vec::new(),
            trunks: BTreeMap::new(),
            trunk_of: BTreeMap::new(),
            far_from: BTreeMap::new(),
            writable: true,
            outcome: None,
        }
    }

    /// Takes in an event and what the switch did about it.
    pub fn step(&mut self, now: UnixMillis, event: &Event, effects: &[Effect]) {
        let expected = self.foretell(now, event);
        let mut actual = Expected::default();
        for effect in effects {
            match effect {
                Effect::OpenLeg { leg, role, .. } => actual.opens.push((leg.call, *role)),
                Effect::CloseLeg { leg, .. } => actual.closes.push(*leg),
                Effect::Reply { reply, .. } => {
                    let foretold = self.outcome.take();
                    assert_eq!(
                        foretold,
                        Some((reply.id, reply.outcome.clone())),
                        "the reply to {event:?}"
                    );
                }
                _ => {}
            }
        }
        actual.closes.sort_unstable();
        assert_eq!(actual, expected, "legs opened and closed by {event:?}");
        self.take_in(now, effects);
    }

    /// Takes in what the switch did because time passed; `now` must not be later than the switch was told.
    pub fn timeout(&mut self, now: UnixMillis, effects: &[Effect]) {
        for effect in effects {
            if let Effect::CloseLeg { leg, .. } = effect {
                assert!(
                    self.may_give_up(now, leg.call),
                    "leg {leg} was closed before its time"
                );
            }
        }
        self.take_in(now, effects);
        let close = self.timeouts.close;
        for leg in self.calls.iter_mut().flat_map(|call| &mut call.legs) {
            if leg.closed_at.is_some_and(|at| now.since(at) >= close) {
                leg.ended = true;
            }
        }
        self.calls
            .retain(|call| call.phase() != "ending" || call.legs.iter().any(|leg| !leg.ended));
        for call in &self.calls {
            self.check_patience(now, call);
        }
    }

    /// Compares what the switch shows of a user's calls.
    pub fn check_views(&self, user: &UserId, views: &[CallView]) {
        let mine: Vec<_> = self.calls.iter().filter(|call| call.user == *user).collect();
        assert_eq!(views.len(), mine.len(), "calls of {user}: {views:?}");
        for (view, call) in views.iter().zip(mine) {
            let shown = match view.phase {
                CallPhase::CallingUser => "calling user",
                CallPhase::Confirming { .. } => "confirming",
                CallPhase::CallingFar => "calling far",
                CallPhase::Connected { .. } => "connected",
                CallPhase::FarFailed { .. } => "far failed",
                CallPhase::Ending => "ending",
                CallPhase::Unknown => "unknown",
            };
            assert_eq!((view.id, shown), (call.id, call.phase()), "{call:?}");
            // Rule T5: never silence.
            match shown {
                "calling far" | "far failed" => assert!(call.bridged || call.sounding, "silence: {call:?}"),
                "connected" => assert!(call.bridged && !call.sounding, "not connected: {call:?}"),
                _ => {}
            }
        }
    }

    fn any_trunk(&self) -> bool {
        self.trunks.values().any(|up| *up)
    }

    fn foretell(&mut self, now: UnixMillis, event: &Event) -> Expected {
        match event {
            Event::UserConfigured { config } => {
                self.configure(config);
                Expected::default()
            }
            Event::UserRemoved { user } => {
                let mut expected = Expected::default();
                if let Some(known) = self.users.get_mut(user) {
                    known.removed = true;
                    known.mode = Mode::Office;
                    let mine: Vec<CallId> = self
                        .calls
                        .iter()
                        .filter(|call| call.user == *user)
                        .map(|call| call.id)
                        .collect();
                    for call in mine {
                        expected.closes.extend(self.close_all(now, call).closes);
                    }
                }
                expected
            }
            Event::TrunksConfigured { trunks } => {
                let before = std::mem::take(&mut self.trunks);
                self.trunks = trunks
                    .iter()
                    .map(|trunk| {
                        (
                            trunk.id.0.clone(),
                            before.get(&trunk.id.0).copied().unwrap_or(true),
                        )
                    })
                    .collect();
                Expected::default()
            }
            Event::TrunkState { trunk, up } => {
                if let Some(known) = self.trunks.get_mut(&trunk.0) {
                    *known = *up;
                }
                Expected::default()
            }
            Event::StoreState { writable } => {
                self.writable = *writable;
                Expected::default()
            }
            Event::Command { user, id, command } => self.foretell_command(now, user, *id, command),
            Event::LegProgress {
                leg,
                status,
                early_media,
            } => {
                self.progress(now, *leg, *status, *early_media);
                Expected::default()
            }
            Event::LegAnswered { leg } => self.answered(now, *leg),
            Event::LegEnded { leg, end } => self.ended(now, *leg, *end),
            Event::Dtmf { leg, digit: '1' } => {
                let is_user = self
                    .leg(*leg)
                    .is_some_and(|leg| leg.role == LegRole::User && leg.is_active());
                match self.call(leg.call) {
                    Some(call) if is_user && call.phase() == "confirming" => self.confirm(leg.call),
                    _ => Expected::default(),
                }
            }
            Event::PlaybackFinished { leg, token } => {
                self.spoken(now, *leg, *token);
                Expected::default()
            }
            Event::AudioMissing { leg, since_ms } => {
                let over = self
                    .leg(*leg)
                    .is_some_and(|leg| leg.is_active() && leg.answered_at.is_some())
                    && *since_ms >= self.timeouts.no_audio_end;
                if over {
                    self.close_all(now, leg.call)
                } else {
                    Expected::default()
                }
            }
            _ => Expected::default(),
        }
    }

    fn configure(&mut self, config: &UserConfig) {
        let user = self
            .users
            .entry(config.profile.user.clone())
            .or_insert_with(|| User {
                config: config.clone(),
                mode: Mode::Office,
                class: NumberClass::Other,
                dials: Vec::new(),
                talks: Vec::new(),
                removed: false,
            });
        user.removed = false;
        user.config = config.clone();
        if !config.profile.telecommuter_allowed {
            user.mode = Mode::Office;
        }
    }

    fn foretell_command(
        &mut self,
        now: UnixMillis,
        user: &UserId,
        id: CommandId,
        command: &SwitchCommand,
    ) -> Expected {
        let (result, expected) = match self.decide(now, user, id, command) {
            Ok((call, expected)) => (Outcome::Accepted { call }, expected),
            Err(refusal) => (Outcome::Refused { refusal }, Expected::default()),
        };
        self.outcome = Some((id, result));
        expected
    }

    fn decide(
        &mut self,
        now: UnixMillis,
        id: &UserId,
        command_id: CommandId,
        command: &SwitchCommand,
    ) -> Result<(Option<CallId>, Expected), Refusal> {
        let user = self
            .users
            .get(id)
            .filter(|user| !user.removed)
            .ok_or(Refusal::UnknownUser)?;
        let own = |call: &CallId| {
            self.calls
                .iter()
                .find(|known| known.id == *call && known.user == *id)
                .ok_or(Refusal::UnknownCall)
        };
        match command {
            SwitchCommand::EnterTelecommuter { destination } => {
                if !user.config.profile.telecommuter_allowed {
                    return Err(Refusal::NotPermitted);
                }
                let SwitchDestination::Number { dialled, confirm, .. } = destination else {
                    return Err(Refusal::Unsupported);
                };
                let (number, class) = check_number(&user.config, dialled)?;
                let confirm = confirm.unwrap_or(class == NumberClass::Mobile);
                let same = matches!(&user.mode, Mode::Telecommuting { destination: Destination::Number { number: n, confirm: c, .. }, .. } if *n == number && *c == confirm);
                if !same && !self.writable {
                    return Err(Refusal::StoreUnavailable);
                }
                let user = self.users.get_mut(id).ok_or(Refusal::Internal)?;
                user.class = class;
                user.mode = Mode::Telecommuting {
                    destination: Destination::Number {
                        number,
                        label: None,
                        confirm,
                    },
                    since: now,
                };
                Ok((None, Expected::default()))
            }
            SwitchCommand::LeaveTelecommuter => {
                if user.mode != Mode::Office && !self.writable {
                    return Err(Refusal::StoreUnavailable);
                }
                if let Some(user) = self.users.get_mut(id) {
                    user.mode = Mode::Office;
                }
                Ok((None, Expected::default()))
            }
            SwitchCommand::Dial { dialled, .. } => self.decide_dial(now, id, command_id, dialled),
            SwitchCommand::HangUp { call } => {
                own(call)?;
                Ok((Some(*call), self.close_all(now, *call)))
            }
            SwitchCommand::Accept { call } => match own(call)?.phase() {
                "calling user" | "ending" => Err(Refusal::WrongState),
                "confirming" => Ok((Some(*call), self.confirm(*call))),
                _ => Ok((Some(*call), Expected::default())),
            },
            SwitchCommand::SendDtmf { call, digits } => {
                let known = own(call)?;
                if digits.is_empty() || digits.len() > 32 {
                    return Err(Refusal::Malformed {
                        detail: "digits: 1 to 32 out of 0-9 * # A-D".to_owned(),
                    });
                }
                let heard = known
                    .active(LegRole::Far)
                    .is_some_and(|far| far.early_media || far.answered_at.is_some());
                if known.active(LegRole::User).is_none() || !heard {
                    return Err(Refusal::WrongState);
                }
                Ok((Some(*call), Expected::default()))
            }
        }
    }

    fn decide_dial(
        &mut self,
        now: UnixMillis,
        id: &UserId,
        command: CommandId,
        dialled: &Dialled,
    ) -> Result<(Option<CallId>, Expected), Refusal> {
        let user = &self.users[id];
        if !user.config.profile.telecommuter_allowed {
            return Err(Refusal::NotPermitted);
        }
        let Mode::Telecommuting {
            destination:
                Destination::Number {
                    number: home,
                    confirm,
                    ..
                },
            ..
        } = &user.mode
        else {
            return Err(Refusal::NotInTelecommuterMode);
        };
        let line = self
            .calls
            .iter()
            .find(|call| call.user == *id && call.holds_line());
        let again = match line {
            None => None,
            Some(call) if call.phase() == "far failed" => Some(call.id),
            Some(_) => return Err(Refusal::LineBusy),
        };
        check_number(&user.config, dialled)?;
        restricted(&user.config, home, user.class)?;
        let dials = user.dials.iter().filter(|at| now.since(**at) < HOUR_MS).count();
        let day_ago = UnixMillis(now.0.saturating_sub(DAY_MS));
        let talked: u64 = user
            .talks
            .iter()
            .map(|(from, to)| to.since((*from).max(day_ago)))
            .sum();
        let caps = user.config.caps;
        if dials >= caps.dials_per_hour as usize || talked >= u64::from(caps.minutes_per_day) * 60_000 {
            return Err(Refusal::CapReached);
        }
        if !self.writable {
            return Err(Refusal::StoreUnavailable);
        }
        if !self.any_trunk() {
            return Err(Refusal::NoTrunk);
        }
        let (confirm, user_patience_ms) = (*confirm, user.config.user_no_answer_ms);
        if let Some(user) = self.users.get_mut(id) {
            user.dials.push(now);
        }
        if let Some(call) = again {
            return Ok((Some(call), self.far_opens(call)));
        }
        let call = CallId(command.0);
        self.calls.push(Call {
            id: call,
            user: id.clone(),
            confirm,
            confirmed: false,
            user_patience_ms,
            legs: Vec::new(),
            connected_at: None,
            ending_at: None,
            failed_at: None,
            speaking: None,
            bridged: false,
            sounding: false,
            counted: false,
        });
        let opens = vec![(call, LegRole::User)];
        let closes = Vec::new();
        Ok((Some(call), Expected { opens, closes }))
    }

    fn progress(&mut self, now: UnixMillis, id: LegId, status: u16, early_media: bool) {
        if let Some(leg) = self.leg_mut(id)
            && leg.is_active()
            && leg.answered_at.is_none()
            && (100..200).contains(&status)
        {
            leg.heard = true;
            leg.early_media |= early_media;
            leg.proven |= early_media || (180..190).contains(&status);
            if (early_media || status == 180) && !std::mem::replace(&mut leg.alerting, true) {
                leg.alerted_at = now;
            }
        }
    }

    fn answered(&mut self, now: UnixMillis, id: LegId) -> Expected {
        let Some(leg) = self.leg_mut(id) else {
            return Expected::default();
        };
        if !leg.is_active() || leg.answered_at.is_some() {
            return Expected::default();
        }
        leg.answered_at = Some(now);
        let role = leg.role;
        match self.call_mut(id.call) {
            Some(call) if role == LegRole::Far => {
                call.connected_at = Some(now);
                Expected::default()
            }
            Some(call) if !call.confirm => self.far_opens(id.call),
            _ => Expected::default(),
        }
    }

    fn confirm(&mut self, id: CallId) -> Expected {
        if let Some(call) = self.call_mut(id) {
            call.confirmed = true;
        }
        self.far_opens(id)
    }

    /// The time to dial again begins when the reason was spoken.
    fn spoken(&mut self, now: UnixMillis, id: LegId, token: PlaybackToken) {
        let answered = self
            .leg(id)
            .is_some_and(|leg| leg.is_active() && leg.answered_at.is_some());
        if let Some(call) = self.call_mut(id.call)
            && answered
            && call.speaking == Some(token)
        {
            call.speaking = None;
            if call.phase() == "far failed" {
                call.failed_at = Some(now);
            }
        }
    }

    /// The far telephone is called, if any trunk is up.
    fn far_opens(&mut self, id: CallId) -> Expected {
        let legs = self.call(id).map_or(0, |call| call.legs.len());
        self.far_from.insert(id, legs);
        if let Some(call) = self.call_mut(id) {
            call.failed_at = None;
        }
        let mut expected = Expected::default();
        if self.any_trunk() {
            expected.opens.push((id, LegRole::Far));
        }
        expected
    }

    fn ended(&mut self, now: UnixMillis, id: LegId, end: LegEnd) -> Expected {
        let Some(leg) = self.leg_mut(id) else {
            return Expected::default();
        };
        let (was_active, answered, proven, role) =
            (leg.is_active(), leg.answered_at.is_some(), leg.proven, leg.role);
        leg.ended = true;
        if !was_active {
            return Expected::default();
        }
        if !answered && !proven && is_route_failure(end) && self.untried_trunk(id.call, role) {
            return Expected {
                opens: vec![(id.call, role)],
                closes: Vec::new(),
            };
        }
        if role == LegRole::Far && !answered {
            return Expected::default();
        }
        self.close_all(now, id.call)
    }

    fn untried_trunk(&self, call: CallId, role: LegRole) -> bool {
        let from = match role {
            LegRole::User => 0,
            LegRole::Far => self.far_from.get(&call).copied().unwrap_or(0),
        };
        let tried: Vec<&String> = self
            .call(call)
            .into_iter()
            .flat_map(|call| &call.legs[from..])
            .filter(|leg| leg.role == role)
            .map(|leg| &self.trunk_of[&leg.id])
            .collect();
        self.trunks.iter().any(|(id, up)| *up && !tried.contains(&id))
    }

    fn close_all(&mut self, now: UnixMillis, id: CallId) -> Expected {
        let mut expected = Expected::default();
        if let Some(call) = self.call_mut(id) {
            call.ending_at.get_or_insert(now);
            expected.closes = call
                .legs
                .iter()
                .filter(|leg| leg.is_active())
                .map(|leg| leg.id)
                .collect();
        }
        expected
    }

    fn take_in(&mut self, now: UnixMillis, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::OpenLeg { leg, role, trunk, .. } => {
                    assert_eq!(
                        self.trunks.get(&trunk.0),
                        Some(&true),
                        "a leg over a trunk that is not up"
                    );
                    self.trunk_of.insert(*leg, trunk.0.clone());
                    if let Some(call) = self.call_mut(leg.call) {
                        call.failed_at = None;
                        call.legs.push(Leg {
                            id: *leg,
                            role: *role,
                            opened_at: now,
                            alerted_at: now,
                            heard: false,
                            alerting: false,
                            proven: false,
                            early_media: false,
                            answered_at: None,
                            closed_at: None,
                            ended: false,
                        });
                    }
                }
                Effect::CloseLeg { leg, .. } => {
                    if let Some(leg) = self.leg_mut(*leg) {
                        leg.closed_at = Some(now);
                    }
                }
                Effect::Connect { a, .. } => self.listen(a.call, |call| call.bridged = true),
                Effect::Disconnect { leg } => self.listen(leg.call, |call| call.bridged = false),
                Effect::Play { leg, playback } => self.listen(leg.call, |call| {
                    call.sounding = true;
                    call.speaking = match playback {
                        Playback::Announcements { token, .. } => Some(*token),
                        Playback::Tone(_) => None,
                    };
                }),
                Effect::StopPlaying { leg } => self.listen(leg.call, |call| call.sounding = false),
                Effect::Notify {
                    body: EventBody::CallEnded { call, .. },
                    ..
                } => self.count_talk(now, *call, true),
                _ => {}
            }
        }
        for call in &mut self.calls {
            match call.phase() {
                "far failed" => {
                    call.failed_at.get_or_insert(now);
                }
                "ending" => {
                    call.ending_at.get_or_insert(now);
                }
                _ => {}
            }
        }
        let waiting: Vec<CallId> = self
            .calls
            .iter()
            .filter(|call| !call.holds_line())
            .map(|call| call.id)
            .collect();
        for call in waiting {
            self.count_talk(now, call, false);
        }
    }

    fn listen(&mut self, call: CallId, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.call_mut(call) {
            change(call);
        }
    }

    fn count_talk(&mut self, now: UnixMillis, id: CallId, over: bool) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.id == id) {
            let to = call.ending_at.unwrap_or(now);
            if let (Some(from), false, Some(user)) =
                (call.connected_at, call.counted, self.users.get_mut(&call.user))
            {
                user.talks.push((from, to));
                call.counted = true;
            }
        }
        if over {
            self.calls.retain(|call| call.id != id);
        }
    }

    /// Whether any of the call's deadlines has been reached.
    fn may_give_up(&self, now: UnixMillis, id: CallId) -> bool {
        let Some(call) = self.call(id) else {
            return false;
        };
        let leg_is_late = |leg: &Leg| {
            leg.is_active()
                && leg.answered_at.is_none()
                && ((!leg.heard && now.since(leg.opened_at) >= self.timeouts.trunk_response)
                    || now.since(leg.alerted_at) >= self.patience(call, leg.role))
        };
        call.legs.iter().any(leg_is_late)
            || match call.phase() {
                "confirming" => call
                    .active(LegRole::User)
                    .and_then(|leg| leg.answered_at)
                    .is_some_and(|at| now.since(at) >= self.timeouts.confirm),
                "far failed" => call
                    .failed_at
                    .is_some_and(|at| now.since(at) >= self.timeouts.redial),
                _ => false,
            }
    }

    fn patience(&self, call: &Call, role: LegRole) -> u64 {
        match role {
            LegRole::User => call.user_patience_ms,
            LegRole::Far => self.timeouts.far_no_answer,
        }
    }

    /// No state lasts longer than it may.
    fn check_patience(&self, now: UnixMillis, call: &Call) {
        for leg in call
            .legs
            .iter()
            .filter(|leg| leg.is_active() && leg.answered_at.is_none())
        {
            assert!(
                now.since(leg.alerted_at) < self.patience(call, leg.role),
                "rings for too long: {call:?}"
            );
            assert!(
                leg.heard || now.since(leg.opened_at) < self.timeouts.trunk_response,
                "waits for a silent trunk: {call:?}"
            );
        }
        match call.phase() {
            "confirming" => {
                let answered = call.active(LegRole::User).and_then(|leg| leg.answered_at);
                assert!(
                    answered.is_some_and(|at| now.since(at) < self.timeouts.confirm),
                    "waits too long for a person: {call:?}"
                );
            }
            "far failed" => {
                // While the reason is spoken, the end is put off twice.
                let times = if call.speaking.is_some() { 3 } else { 1 };
                let limit = self.timeouts.redial * times;
                assert!(
                    call.failed_at.is_some_and(|at| now.since(at) < limit),
                    "waits too long for another number: {call:?}"
                );
            }
            _ => {}
        }
    }

    fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.iter().find(|call| call.id == id)
    }

    fn call_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id)
    }

    fn leg(&self, id: LegId) -> Option<&Leg> {
        self.call(id.call)?.legs.get(usize::from(id.index))
    }

    fn leg_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.call_mut(id.call)?.legs.get_mut(usize::from(id.index))
    }

    /// What is being spoken on which leg, for a host that plays it.
    pub fn announcements(effects: &[Effect]) -> impl Iterator<Item = (LegId, PlaybackToken)> {
        effects.iter().filter_map(|effect| match effect {
            Effect::Play {
                leg,
                playback: Playback::Announcements { token, .. },
            } => Some((*leg, *token)),
            _ => None,
        })
    }
}

fn check_number(config: &UserConfig, dialled: &Dialled) -> Result<(E164, NumberClass), Refusal> {
    match dialled {
        Dialled::Emergency => Err(Refusal::EmergencyNumber),
        Dialled::Own { .. } => Err(Refusal::OwnNumber),
        Dialled::FeatureCode | Dialled::Invalid => Err(Refusal::InvalidNumber),
        Dialled::External { number, class } => {
            restricted(config, number, *class)?;
            Ok((number.clone(), *class))
        }
    }
}

/// Country codes of two digits only, as the tests use them.
fn restricted(config: &UserConfig, number: &E164, class: NumberClass) -> Result<(), Refusal> {
    for rule in &config.restrictions {
        let broad = rule.prefix.len() <= "+39".len();
        if number.as_str().starts_with(&rule.prefix)
            && !(class == NumberClass::Premium && rule.allow && broad)
        {
            return if rule.allow {
                Ok(())
            } else {
                Err(Refusal::Restricted {
                    rule: rule.prefix.clone(),
                })
            };
        }
    }
    Err(Refusal::Restricted { rule: String::new() })
}

/// A failure of the network that says nothing of the person called.
fn is_route_failure(end: LegEnd) -> bool {
    let about_the_person = matches!(end.q850, Some(1 | 17..=22 | 27..=29));
    match end.kind {
        LegEndKind::Timeout | LegEndKind::Transport => true,
        LegEndKind::Remote => matches!(end.sip, Some(408 | 500 | 502 | 503 | 504)) && !about_the_person,
        _ => false,
    }
}
