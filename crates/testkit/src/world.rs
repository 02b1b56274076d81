//! The carrier, its telephones, the portals and the clock.

use crate::phone::{Act, Phone, TrunkHabit};
use crate::rng::Rng;
use crate::{Supervised, plan, site};
use ponte_call_core::{
    Announcement, Effect, Event, LegEnd, LegEndKind, LegId, Playback, PlaybackToken, Switch, SwitchCommand,
    SwitchDestination, Timeouts, Tone, TrunkConfig, TrunkId, UserConfig,
};
use ponte_protocol::{
    CallId, CallPhase, CallRecord, CallView, CommandId, EventBody, LegRole, Mode, Outcome, UnixMillis, UserId,
};
use std::collections::BTreeMap;

/// How long the world takes to speak one announcement, in milliseconds.
pub const ANNOUNCEMENT_MS: u64 = 2_500;
/// How often the media plane says again that audio is missing, in milliseconds.
const AUDIO_REPORT_MS: u64 = 1_000;
/// When the world begins: 2026-11-02 08:00 UTC.
const MORNING: UnixMillis = UnixMillis(1_793_606_400_000);

/// What the ear at the user's telephone gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hears {
    Tone(Tone),
    /// A tone, where there is one, then the words.
    Words(Option<Tone>, Vec<Announcement>),
    /// The far end, and it the user.
    FarEnd,
    Nothing,
}

#[derive(Clone, Debug)]
enum Happening {
    /// It reaches the switch.
    ToSwitch(Event),
    /// The telephone does the next act of its script.
    PhoneActs(LegId),
    /// The telephone learns that it is to close.
    CloseReaches(LegId),
    /// The media plane looks whether audio arrives.
    AudioReport(LegId),
    PlaybackEnds(LegId, PlaybackToken),
}

#[derive(Debug)]
struct LiveLeg {
    script: std::vec::IntoIter<(u64, Act)>,
    next: Option<Act>,
    closes_after: Option<u64>,
    answered: bool,
    over: bool,
    silent_since: Option<UnixMillis>,
    /// The announcement that is being spoken.
    speaking: Option<PlaybackToken>,
}

/// How the way between telephones and switch behaves.
#[derive(Clone, Debug)]
pub struct Network {
    /// One way, in milliseconds.
    pub delay_ms: u64,
    /// Up to this much more, each time by chance: messages overtake each other.
    pub jitter_ms: u64,
    /// Of 100 messages, how many come twice.
    pub twice_percent: u64,
    /// Of 100 provisional answers, how many get lost.
    pub loss_percent: u64,
    pub rng: Rng,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            delay_ms: 20,
            jitter_ms: 0,
            twice_percent: 0,
            loss_percent: 0,
            rng: Rng::new(1),
        }
    }
}

/// The simulated world around one switch.
#[derive(Debug)]
pub struct World {
    switch: Supervised,
    now: UnixMillis,
    network: Network,
    phones: BTreeMap<String, Phone>,
    trunks: BTreeMap<TrunkId, TrunkHabit>,
    queue: BTreeMap<(UnixMillis, u64), Happening>,
    queued: u64,
    commands: u128,
    legs: BTreeMap<LegId, LiveLeg>,
    trace: Vec<(UnixMillis, Effect)>,
}

impl Default for World {
    fn default() -> Self {
        Self::with_timeouts(Timeouts::default())
    }
}

impl World {
    /// Trunks `a` and `b`; Anna and Bruno, both allowed to telecommute and in the office; no telephones.
    pub fn with_timeouts(timeouts: Timeouts) -> Self {
        let mut world = Self {
            switch: Supervised::new(timeouts),
            now: MORNING,
            network: Network::default(),
            phones: BTreeMap::new(),
            trunks: BTreeMap::new(),
            queue: BTreeMap::new(),
            queued: 0,
            commands: 0,
            legs: BTreeMap::new(),
            trace: Vec::new(),
        };
        world.switch.forbid(site::ABROAD);
        world.switch.forbid(site::COMPANY);
        world.configure_trunks(vec![site::trunk("a"), site::trunk("b")]);
        world.configure_user(site::user(site::ANNA));
        world.configure_user(site::user(site::BRUNO));
        world
    }

    /// Anna telecommutes on [`site::HOME`], which she answers after two seconds; [`site::SHOP`] answers after three.
    pub fn at_home() -> Self {
        Self::at_home_with(Timeouts::default())
    }

    pub fn at_home_with(timeouts: Timeouts) -> Self {
        let mut world = Self::with_timeouts(timeouts);
        world.phone(site::HOME, Phone::answers_after(2_000));
        world.phone(site::SHOP, Phone::answers_after(3_000));
        world.enter(site::ANNA, site::HOME);
        world
    }

    /// Anna telecommutes on her mobile, with confirmation.
    pub fn on_the_mobile(phone: Phone) -> Self {
        let mut world = Self::default();
        world.phone(site::MOBILE, phone);
        world.phone(site::SHOP, Phone::answers_after(3_000));
        world.enter(site::ANNA, site::MOBILE);
        world
    }

    pub fn set_network(&mut self, network: Network) {
        self.network = network;
    }

    /// Puts a telephone behind a number; calls that reach it later find it.
    pub fn phone(&mut self, number: &str, phone: Phone) {
        self.phones.insert(number.to_owned(), phone);
    }

    pub fn trunk(&mut self, id: &str, habit: TrunkHabit) {
        self.trunks.insert(TrunkId(id.to_owned()), habit);
    }

    pub fn configure_trunks(&mut self, trunks: Vec<TrunkConfig>) {
        self.event(Event::TrunksConfigured { trunks });
    }

    pub fn configure_user(&mut self, config: UserConfig) {
        self.event(Event::UserConfigured {
            config: Box::new(config),
        });
    }

    /// Gives an event to the switch now.
    pub fn event(&mut self, event: Event) {
        let effects = self.switch.event(self.now, event);
        self.carry_out(effects);
    }

    /// Gives a command to the switch now; its outcome.
    pub fn command(&mut self, user: &str, command: SwitchCommand) -> Outcome {
        self.commands += 1;
        let id = CommandId(uuid::Uuid::from_u128(self.commands));
        let user: UserId = user.parse().expect("a user's name");
        let before = self.trace.len();
        self.event(Event::Command { user, id, command });
        self.trace[before..]
            .iter()
            .find_map(|(_, effect)| match effect {
                Effect::Reply { reply, .. } if reply.id == id => Some(reply.outcome.clone()),
                _ => None,
            })
            .expect("a reply")
    }

    /// Enters telecommuter mode; confirmation as the kind of number has it.
    pub fn enter(&mut self, user: &str, number: &str) -> Outcome {
        self.enter_with(user, number, None)
    }

    pub fn enter_with(&mut self, user: &str, number: &str, confirm: Option<bool>) -> Outcome {
        let destination = SwitchDestination::Number {
            dialled: plan::read(number),
            label: None,
            confirm,
        };
        self.command(user, SwitchCommand::EnterTelecommuter { destination })
    }

    pub fn try_dial(&mut self, user: &str, number: &str) -> Outcome {
        let command = SwitchCommand::Dial {
            typed: number.parse().expect("a dial string"),
            dialled: plan::read(number),
        };
        self.command(user, command)
    }

    /// Dials, which must be accepted; the call.
    pub fn dial(&mut self, user: &str, number: &str) -> CallId {
        match self.try_dial(user, number) {
            Outcome::Accepted { call: Some(call) } => call,
            outcome => panic!("the dial was not accepted: {outcome:?}"),
        }
    }

    pub fn hang_up(&mut self, user: &str, call: CallId) -> Outcome {
        self.command(user, SwitchCommand::HangUp { call })
    }

    pub fn accept(&mut self, user: &str, call: CallId) -> Outcome {
        self.command(user, SwitchCommand::Accept { call })
    }

    /// The telephone of the call's latest leg of a role hangs up, now.
    pub fn phone_hangs_up(&mut self, call: CallId, role: LegRole) {
        let leg = self.latest_leg(call, role).expect("a leg");
        self.phone_does(leg, Act::HangUp { q850: None });
    }

    /// A key is pressed on the call's latest leg of a role, now.
    pub fn phone_presses(&mut self, call: CallId, role: LegRole, key: char) {
        let leg = self.latest_leg(call, role).expect("a leg");
        self.phone_does(leg, Act::Press(key));
    }

    /// Lets time pass.
    pub fn run_for(&mut self, ms: u64) {
        let until = self.now.plus(ms);
        loop {
            let happening = self.queue.first_key_value().map(|(&(at, _), _)| at);
            let timer = self.switch.switch().poll_timeout().map(|(at, _)| at);
            match (happening, timer) {
                (Some(at), timer) if at <= until && timer.is_none_or(|timer| at <= timer) => {
                    self.now = self.now.max(at);
                    if let Some((_, happening)) = self.queue.pop_first() {
                        self.happen(happening);
                    }
                }
                (_, Some(at)) if at <= until => {
                    self.now = self.now.max(at);
                    let effects = self.switch.timeout(self.now);
                    self.carry_out(effects);
                }
                _ => break,
            }
        }
        self.now = until;
    }

    /// Lets time pass until the first moment at which `done` holds; panics after ten minutes without.
    pub fn run_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let limit = self.now.plus(10 * 60_000);
        while !done(self) {
            assert!(self.now < limit, "it never came to this: {what}");
            self.run_for(10);
        }
    }

    /// Lets time pass until nothing is left, and checks that nothing is.
    pub fn run_to_the_end(&mut self) {
        self.run_for(10 * 60_000);
        self.switch.assert_idle();
    }

    pub fn now(&self) -> UnixMillis {
        self.now
    }

    pub fn switch(&self) -> &Switch {
        self.switch.switch()
    }

    pub fn mode(&self, user: &str) -> Mode {
        let user: UserId = user.parse().expect("a user's name");
        self.switch().mode(&user).expect("a known user").clone()
    }

    /// A call that is up, as the portals were shown it last.
    pub fn shown(&self, call: CallId) -> Option<CallView> {
        let ended = self.trace.iter().any(
            |(_, effect)| matches!(effect, Effect::Notify { body: EventBody::CallEnded { call: id, .. }, .. } if *id == call),
        );
        if ended {
            return None;
        }
        self.trace.iter().rev().find_map(|(_, effect)| match effect {
            Effect::Notify {
                body: EventBody::CallChanged { call: view },
                ..
            } if view.id == call => Some(view.clone()),
            _ => None,
        })
    }

    /// The phase the portals were shown last; panics for a call that is over.
    pub fn phase(&self, call: CallId) -> CallPhase {
        self.shown(call).expect("a call that is up").phase
    }

    /// The record of a call that is over.
    pub fn record(&self, call: CallId) -> CallRecord {
        self.switch
            .records()
            .find(|record| record.id == call)
            .expect("a record of the call")
            .clone()
    }

    /// Everything the switch wanted done, with its time.
    pub fn trace(&self) -> &[(UnixMillis, Effect)] {
        &self.trace
    }

    /// The legs that were opened: role, trunk, number.
    pub fn opened(&self, call: CallId) -> Vec<(LegRole, String, String)> {
        self.trace
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::OpenLeg {
                    leg,
                    role,
                    trunk,
                    number,
                    ..
                } if leg.call == call => Some((*role, trunk.0.clone(), number.as_str().to_owned())),
                _ => None,
            })
            .collect()
    }

    /// What the user's telephone heard in the call, in order, with the times.
    pub fn heard(&self, call: CallId) -> Vec<(UnixMillis, Hears)> {
        let mut heard = Vec::new();
        let mut bridged = false;
        for (at, effect) in &self.trace {
            let hears = match effect {
                Effect::Connect { a, .. } if a.call == call => {
                    bridged = true;
                    // A playback goes before it until it is stopped.
                    match heard.last() {
                        Some((_, Hears::Tone(_) | Hears::Words(..))) => continue,
                        _ => Hears::FarEnd,
                    }
                }
                Effect::Disconnect { leg } if leg.call == call => {
                    bridged = false;
                    Hears::Nothing
                }
                Effect::StopPlaying { leg } if leg.call == call => {
                    if bridged {
                        Hears::FarEnd
                    } else {
                        Hears::Nothing
                    }
                }
                Effect::Play { leg, playback } if leg.call == call => match playback {
                    Playback::Tone(tone) => Hears::Tone(*tone),
                    Playback::Announcements {
                        tone, announcements, ..
                    } => Hears::Words(tone.map(|(tone, _)| tone), announcements.clone()),
                },
                _ => continue,
            };
            heard.push((*at, hears));
        }
        heard
    }

    /// [`Self::heard`] without the times.
    pub fn sounds(&self, call: CallId) -> Vec<Hears> {
        self.heard(call).into_iter().map(|(_, hears)| hears).collect()
    }

    fn latest_leg(&self, call: CallId, role: LegRole) -> Option<LegId> {
        self.trace.iter().rev().find_map(|(_, effect)| match effect {
            Effect::OpenLeg { leg, role: of, .. } if leg.call == call && *of == role => Some(*leg),
            _ => None,
        })
    }

    fn at(&mut self, after_ms: u64, happening: Happening) {
        self.queued += 1;
        self.queue
            .insert((self.now.plus(after_ms), self.queued), happening);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match &effect {
                Effect::OpenLeg {
                    leg, trunk, number, ..
                } => {
                    let phone = self.answering(trunk, number.as_str());
                    self.legs.insert(
                        *leg,
                        LiveLeg {
                            script: phone.script.into_iter(),
                            next: None,
                            closes_after: phone.closes_after,
                            answered: false,
                            over: false,
                            silent_since: None,
                            speaking: None,
                        },
                    );
                    let delay = self.network.delay_ms;
                    self.next_act(*leg, delay);
                }
                Effect::CloseLeg { leg, .. } => {
                    let delay = self.network.delay_ms;
                    self.at(delay, Happening::CloseReaches(*leg));
                }
                Effect::Play { leg, playback } => {
                    let speaking = match playback {
                        Playback::Tone(_) => None,
                        Playback::Announcements {
                            tone,
                            announcements,
                            token,
                        } => {
                            let tone_ms = tone.map_or(0, |(_, ms)| ms);
                            let ms = tone_ms + ANNOUNCEMENT_MS * announcements.len() as u64;
                            self.at(ms, Happening::PlaybackEnds(*leg, *token));
                            Some(*token)
                        }
                    };
                    if let Some(live) = self.legs.get_mut(leg) {
                        live.speaking = speaking;
                    }
                }
                Effect::StopPlaying { leg } => {
                    if let Some(live) = self.legs.get_mut(leg) {
                        live.speaking = None;
                    }
                }
                _ => {}
            }
            self.trace.push((self.now, effect));
        }
    }

    /// What a call over this trunk to this number meets.
    fn answering(&self, trunk: &TrunkId, number: &str) -> Phone {
        match self.trunks.get(trunk).unwrap_or(&TrunkHabit::Carries) {
            TrunkHabit::Carries => self
                .phones
                .get(number)
                .cloned()
                .unwrap_or_else(|| Phone::refuses(404)),
            TrunkHabit::Refuses(status) => Phone::refuses(*status),
            TrunkHabit::Silent => Phone::silent(),
            TrunkHabit::Fails(kind) => Phone::fails(0, *kind),
        }
    }

    fn next_act(&mut self, leg: LegId, extra_ms: u64) {
        let Some(live) = self.legs.get_mut(&leg) else {
            return;
        };
        if let Some((after, act)) = live.script.next() {
            live.next = Some(act);
            self.at(after + extra_ms, Happening::PhoneActs(leg));
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToSwitch(event) => self.event(event),
            Happening::PhoneActs(leg) => {
                let act = self.legs.get_mut(&leg).and_then(|live| live.next.take());
                if let Some(act) = act {
                    self.phone_does(leg, act);
                    self.next_act(leg, 0);
                }
            }
            Happening::CloseReaches(leg) => {
                let Some(live) = self.legs.get_mut(&leg) else {
                    return;
                };
                let (answered, over, closes_after) = (live.answered, live.over, live.closes_after);
                live.over = true;
                if let (false, Some(after)) = (over, closes_after) {
                    let end = LegEnd {
                        kind: LegEndKind::Closed,
                        sip: (!answered).then_some(487),
                        q850: None,
                    };
                    let delay = self.network.delay_ms;
                    self.at(after + delay, Happening::ToSwitch(Event::LegEnded { leg, end }));
                }
            }
            Happening::AudioReport(leg) => self.report_audio(leg),
            Happening::PlaybackEnds(leg, token) => {
                if let Some(live) = self.legs.get_mut(&leg)
                    && live.speaking == Some(token)
                    && !live.over
                {
                    live.speaking = None;
                    self.event(Event::PlaybackFinished { leg, token });
                }
            }
        }
    }

    fn report_audio(&mut self, leg: LegId) {
        let Some(live) = self.legs.get(&leg) else {
            return;
        };
        if live.over {
            return;
        }
        if let Some(since) = live.silent_since {
            let since_ms = self.now.since(since);
            self.at(AUDIO_REPORT_MS, Happening::AudioReport(leg));
            self.event(Event::AudioMissing { leg, since_ms });
        }
    }

    fn phone_does(&mut self, leg: LegId, act: Act) {
        let Some(live) = self.legs.get_mut(&leg) else {
            return;
        };
        if live.over {
            return;
        }
        let remote = |sip, q850| LegEnd {
            kind: LegEndKind::Remote,
            sip,
            q850,
        };
        let event = match act {
            Act::Progress { status, early_media } => {
                if self.network.rng.chance(self.network.loss_percent) {
                    return;
                }
                Event::LegProgress {
                    leg,
                    status,
                    early_media,
                }
            }
            Act::Answer => {
                live.answered = true;
                Event::LegAnswered { leg }
            }
            Act::Press(digit) => Event::Dtmf { leg, digit },
            Act::Refuse { status, q850 } => {
                live.over = true;
                Event::LegEnded {
                    leg,
                    end: remote(Some(status), q850),
                }
            }
            Act::HangUp { q850 } => {
                live.over = true;
                Event::LegEnded {
                    leg,
                    end: remote(None, q850),
                }
            }
            Act::Fail(kind) => {
                live.over = true;
                Event::LegEnded {
                    leg,
                    end: LegEnd {
                        kind,
                        sip: None,
                        q850: None,
                    },
                }
            }
            Act::FallSilent => {
                live.silent_since = Some(self.now);
                self.at(AUDIO_REPORT_MS, Happening::AudioReport(leg));
                return;
            }
            Act::Speak => {
                live.silent_since = None;
                Event::AudioResumed { leg }
            }
        };
        self.send(event);
    }

    fn send(&mut self, event: Event) {
        let delay = self.network.delay_ms;
        let mut late = self.network.rng.below(self.network.jitter_ms + 1);
        if self.network.rng.chance(self.network.twice_percent) {
            self.at(delay + late, Happening::ToSwitch(event.clone()));
            late = self.network.rng.below(self.network.jitter_ms + 1);
        }
        self.at(delay + late, Happening::ToSwitch(event));
    }
}
