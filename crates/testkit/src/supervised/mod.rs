//! A switch whose every step is checked against the invariants of call control.

use ponte_call_core::{
    CallSource, Dialled, Effect, Event, LegEnd, LegId, NumberClass, PlaybackToken, Secret, Switch,
    SwitchCommand, SwitchDestination, Timeouts,
};
use ponte_protocol::{
    CallId, CallRecord, CallView, CommandId, DeviceId, EventBody, LegRole, Mode, Outcome, UnixMillis, UserId,
};
use std::collections::{BTreeMap, BTreeSet};

mod after;
mod effects;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Playing {
    Nothing,
    Tone,
    Once(PlaybackToken),
}

#[derive(Debug)]
struct WatchedLeg {
    /// Whose call it belongs to; `None` for a caller of whom nothing has come yet.
    user: Option<UserId>,
    role: LegRole,
    /// It came in.
    incoming: bool,
    /// Its caller was told to wait, or hears the far end.
    rung: bool,
    early_media: bool,
    answered: bool,
    /// The key 1 or **Accept** must say that a person is there.
    needs_confirmation: bool,
    confirmed: bool,
    connected: Option<LegId>,
    /// The conference that it is in.
    room: Option<CallId>,
    recorded: bool,
    /// It has heard that a call of it is recorded.
    told: bool,
    /// Its conversation is recorded.
    on_demand: bool,
    relays_keys: bool,
    muted: bool,
    /// Its caller interrupted a greeting: it may be the owner of the box.
    starred: bool,
    playing: Playing,
    closed_at: Option<UnixMillis>,
    ended_at: Option<UnixMillis>,
    ended: bool,
    /// An emergency or a verification call, which takes nobody's line.
    off_line: bool,
    /// The call moves to it, or has moved away from it.
    beside: bool,
}

impl WatchedLeg {
    fn opened(user: Option<UserId>, role: LegRole) -> Self {
        Self {
            user,
            role,
            incoming: false,
            rung: false,
            early_media: false,
            answered: false,
            needs_confirmation: false,
            confirmed: false,
            connected: None,
            room: None,
            recorded: false,
            told: false,
            on_demand: false,
            relays_keys: true,
            muted: false,
            starred: false,
            playing: Playing::Nothing,
            closed_at: None,
            ended_at: None,
            ended: false,
            off_line: false,
            beside: false,
        }
    }

    /// Whether what it says may be heard.
    fn is_heard(&self) -> bool {
        let confirmed = self.role == LegRole::Far || self.confirmed || !self.needs_confirmation;
        confirmed && (self.answered || self.early_media)
    }

    fn is_active(&self) -> bool {
        self.closed_at.is_none() && !self.ended
    }
}

#[derive(Debug)]
struct WatchedCall {
    user: UserId,
    legs: Vec<LegId>,
    /// A message to the user was recorded.
    message: bool,
    view: Option<CallView>,
    record: Option<CallRecord>,
    ended: bool,
}

/// Wraps a [`Switch`]; each step returns its effects, and panics if they break an invariant. Where `PONTE_TRACE` is set,
/// it prints them before that.
#[derive(Debug)]
pub struct Supervised {
    switch: Switch,
    timeouts: Timeouts,
    now: UnixMillis,
    modes: BTreeMap<UserId, Mode>,
    calls: BTreeMap<CallId, WatchedCall>,
    legs: BTreeMap<LegId, WatchedLeg>,
    replied: BTreeSet<CommandId>,
    forbidden: BTreeSet<String>,
    /// Verification calls.
    unseen: BTreeSet<CallId>,
    /// Calls that reach whom a party is given to.
    given: BTreeSet<CallId>,
    /// Where users asked last to go on with a call, by whether a person must confirm there.
    moves: BTreeMap<UserId, bool>,
    /// The same of the command that is being carried out, which may be refused.
    move_asked: Option<(UserId, bool)>,
    devices: BTreeSet<DeviceId>,
    trace: bool,
}

impl Supervised {
    pub fn new(timeouts: Timeouts) -> Self {
        Self {
            switch: Switch::new(timeouts),
            timeouts,
            now: UnixMillis(0),
            modes: BTreeMap::new(),
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            replied: BTreeSet::new(),
            forbidden: BTreeSet::new(),
            unseen: BTreeSet::new(),
            given: BTreeSet::new(),
            moves: BTreeMap::new(),
            move_asked: None,
            devices: BTreeSet::new(),
            trace: std::env::var_os("PONTE_TRACE").is_some(),
        }
    }

    /// A number that must never be called, in E.164.
    pub fn forbid(&mut self, number: &str) {
        self.forbidden.insert(number.to_owned());
    }

    pub fn switch(&self) -> &Switch {
        &self.switch
    }

    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Gives an event to the switch.
    pub fn event(&mut self, now: UnixMillis, event: Event) -> Vec<Effect> {
        self.now = now;
        if self.trace {
            eprintln!("{} {event:?}", now.0);
        }
        self.note_input(&event);
        let command = match &event {
            Event::Command { id, .. } => Some(*id),
            _ => None,
        };
        self.switch.handle_event(now, event);
        self.drain(command)
    }

    /// Lets the switch do what is due.
    pub fn timeout(&mut self, now: UnixMillis) -> Vec<Effect> {
        self.now = now;
        if self.trace {
            eprintln!("{} timeout {:?}", now.0, self.switch.poll_timeout());
        }
        self.switch.handle_timeout(now);
        let effects = self.drain(None);
        if let Some((at, kind)) = self.switch.poll_timeout() {
            assert!(
                at > now,
                "{kind:?} is due again at once: the host would never sleep"
            );
        }
        effects
    }

    /// Panics unless nothing is left: no call, no timer, every leg ended, every call on record.
    pub fn assert_idle(&self) {
        assert_eq!(self.switch.call_count(), 0, "calls are left");
        assert_eq!(self.switch.poll_timeout(), None, "timers are left");
        for (id, call) in &self.calls {
            assert!(call.ended, "call {id} never ended");
        }
        for (id, leg) in &self.legs {
            assert!(!leg.is_active(), "leg {id} was left: {leg:?}");
        }
    }

    /// The records written so far, in the order of the calls' identifiers.
    pub fn records(&self) -> impl Iterator<Item = &CallRecord> {
        self.calls.values().filter_map(|call| call.record.as_ref())
    }

    fn note_input(&mut self, event: &Event) {
        match event {
            Event::ModeRestored { user, mode } => {
                self.modes.insert(user.clone(), mode.clone());
            }
            Event::LegProgress { leg, early_media, .. } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.early_media |= early_media;
                }
            }
            Event::LegAnswered { leg } => {
                if let Some(leg) = self.legs.get_mut(leg)
                    && leg.is_active()
                    && !leg.incoming
                {
                    leg.answered = true;
                }
            }
            Event::LegEnded {
                leg,
                end: LegEnd { .. },
            } => {
                let now = self.now;
                if let Some(watched) = self.legs.get_mut(leg) {
                    watched.ended = true;
                    watched.ended_at.get_or_insert(now);
                    watched.room = None;
                    self.part(*leg);
                }
            }
            Event::PlaybackFinished { leg, token } => {
                if let Some(leg) = self.legs.get_mut(leg)
                    && leg.playing == Playing::Once(*token)
                {
                    leg.playing = Playing::Nothing;
                }
            }
            Event::NoRoom { leg, kept } => {
                // Between two users it is the half of the one who is called.
                let host = self.switch.joined(leg.call).unwrap_or(leg.call);
                for call in [host, leg.call] {
                    if let Some(call) = self.calls.get_mut(&call)
                        && !kept
                    {
                        call.message = false;
                    }
                }
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.recorded = false;
                }
            }
            Event::DraftStored { leg, .. } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.recorded = false;
                }
            }
            Event::Dtmf {
                leg,
                digit: Secret('*'),
            } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.starred = true;
                }
            }
            Event::DeviceConfigured { config } => {
                self.devices.insert(config.id.clone());
            }
            Event::Dtmf {
                leg,
                digit: Secret('1'),
            } => {
                if let Some(leg) = self.legs.get_mut(leg)
                    && leg.role == LegRole::User
                    && leg.answered
                    && leg.is_active()
                {
                    leg.confirmed = true;
                }
            }
            Event::Command {
                user,
                command: SwitchCommand::Accept { .. },
                ..
            } => {
                // While a call moves there are two.
                for leg in self.legs.values_mut().filter(|leg| {
                    leg.user.as_ref() == Some(user)
                        && leg.role == LegRole::User
                        && leg.answered
                        && leg.is_active()
                        && !leg.off_line
                }) {
                    leg.confirmed = true;
                }
            }
            Event::Command {
                user,
                command: SwitchCommand::Move { to, .. },
                ..
            } => {
                let confirm = match to {
                    SwitchDestination::Number { dialled, confirm, .. } => {
                        let mobile = matches!(
                            dialled,
                            Dialled::External {
                                class: NumberClass::Mobile,
                                ..
                            }
                        );
                        confirm.unwrap_or(mobile)
                    }
                    SwitchDestination::Browser | SwitchDestination::Desk => false,
                };
                self.move_asked = Some((user.clone(), confirm));
            }
            Event::Command {
                id,
                command: SwitchCommand::Verify { .. },
                ..
            } => {
                self.unseen.insert(CallId(id.0));
            }
            Event::Command {
                id,
                command: SwitchCommand::Transfer { .. },
                ..
            } => {
                self.given.insert(CallId(id.0));
            }
            // The one that still rings goes on without the user.
            Event::Command {
                command: SwitchCommand::TransferTo { call, with },
                ..
            } => {
                self.given.extend([*call, *with]);
            }
            Event::Referred { call, .. } => {
                self.given.insert(*call);
            }
            Event::IncomingCall {
                leg, source, dialled, ..
            } => self.note_caller(*leg, source, dialled),
            Event::TakesOver { leg, device, .. }
                if leg.index == 0 && !self.calls.contains_key(&leg.call) && !self.legs.contains_key(leg) =>
            {
                let taker = WatchedLeg {
                    incoming: true,
                    ..WatchedLeg::opened(self.switch.logged_on(device).cloned(), LegRole::User)
                };
                self.legs.insert(*leg, taker);
            }
            _ => {}
        }
    }

    fn note_caller(&mut self, id: LegId, source: &CallSource, dialled: &Dialled) {
        if id.index != 0 || self.calls.contains_key(&id.call) || self.legs.contains_key(&id) {
            return;
        }
        let role = match source {
            CallSource::Trunk { .. } => LegRole::Far,
            CallSource::Device { .. } => LegRole::User,
        };
        let off_line = *dialled == Dialled::Emergency || matches!(dialled, Dialled::FeatureCode(_));
        let leg = WatchedLeg {
            incoming: true,
            off_line,
            ..WatchedLeg::opened(None, role)
        };
        self.legs.insert(id, leg);
    }

    fn drain(&mut self, command: Option<CommandId>) -> Vec<Effect> {
        let effects: Vec<Effect> = std::iter::from_fn(|| self.switch.poll_effect()).collect();
        if self.trace {
            for effect in &effects {
                eprintln!("    {effect:?}");
            }
        }
        let refused = |effect: &Effect| matches!(effect, Effect::Reply { reply, .. } if matches!(reply.outcome, Outcome::Refused { .. }));
        self.moves
            .extend(self.move_asked.take().filter(|_| !effects.iter().any(refused)));
        let mut replies = 0;
        for (place, effect) in effects.iter().enumerate() {
            if let Effect::Reply { reply, .. } = effect {
                replies += 1;
                assert_eq!(Some(reply.id), command, "a reply to a command that was not given");
                assert!(self.replied.insert(reply.id), "a second reply to {}", reply.id);
                if let Outcome::Refused { .. } = reply.outcome {
                    assert_eq!(effects.len(), 1, "a refused command had an effect: {effects:?}");
                }
            }
            if let Effect::Notify {
                body: EventBody::ModeChanged { mode },
                user,
            } = effect
            {
                let saved = effects[..place].iter().any(|before| {
                    matches!(before, Effect::SaveMode { user: who, mode: what } if who == user && what == mode)
                });
                assert!(saved, "a mode was shown before it was stored");
            }
            if let Effect::AnswerLeg { leg } = effect {
                self.check_answer_has_a_reason(*leg, &effects[place + 1..]);
            }
            self.check(effect);
        }
        assert_eq!(
            replies,
            usize::from(command.is_some()),
            "one reply for each command"
        );
        self.check_after_step();
        effects
    }
}
