//! The carrier, its telephones, the portals and the clock.

mod carrier;
mod desks;
mod portals;
mod questions;

pub use questions::{Hears, Told};

use crate::phone::{Act, Phone, TrunkHabit};
use crate::rng::Rng;
use crate::{Supervised, site};
use ponte_call_core::{
    Effect, Event, LegId, ListedMessage, PlaybackToken, Switch, Timeouts, TrunkConfig, TrunkId, UserConfig,
};
use ponte_protocol::{LegRole, Mode, UnixMillis, UserId};
use std::collections::BTreeMap;

/// When the world begins: 2026-11-02 08:00 UTC.
const MORNING: UnixMillis = UnixMillis(1_793_606_400_000);

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
    /// What was said for a greeting is on the disk.
    DraftEnds(LegId),
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
    /// A greeting is being recorded.
    drafting: bool,
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
    /// Legs that came in, and whose telephone each is.
    callers: BTreeMap<LegId, LegRole>,
    /// What the host knows, by extension.
    pins: BTreeMap<String, String>,
    /// How often the next call that comes in was forwarded before.
    forwarded_before: u32,
    /// Whether the host never says that a party was told of a recording.
    pub(super) words_get_lost: bool,
    /// What is in the boxes of users.
    pub(super) messages: BTreeMap<UserId, Vec<ListedMessage>>,
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
            callers: BTreeMap::new(),
            pins: BTreeMap::new(),
            forwarded_before: 0,
            words_get_lost: false,
            messages: BTreeMap::new(),
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

    /// From here on the end of what tells of a recording is never known.
    pub fn loses_words(&mut self) {
        self.words_get_lost = true;
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

    fn at(&mut self, after_ms: u64, happening: Happening) {
        self.queued += 1;
        self.queue
            .insert((self.now.plus(after_ms), self.queued), happening);
    }
}
