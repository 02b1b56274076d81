//! The site of a history, and its changes by an administrator.

use crate::{CARLA, DEVICES, FORWARDED, History, PLACES, Seen};
use ponte_call_core::{DeviceConfig, Event, ForwardTargets, Timeouts};
use ponte_protocol::{AccountCodePolicy, UnixMillis};
use ponte_testkit::site::{self, ABROAD, ANNA, BRUNO, COMPANY, DID_ANNA, DID_BRUNO, PREMIUM};
use ponte_testkit::{Callers, Rng, Supervised, Trace, plan};
use std::collections::{BTreeMap, BTreeSet};

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x5EED);
        let timeouts = if rng.chance(50) {
            Timeouts::default()
        } else {
            Timeouts {
                trunk_response: 1 + rng.below(5_000),
                trunk_progress: 1 + rng.below(15_000),
                confirm: 1 + rng.below(20_000),
                confirm_repeat: 1 + rng.below(5_000),
                waiting: 1 + rng.below(20_000),
                beep: 1 + rng.below(5_000),
                message: 1 + rng.below(60_000),
                digits: 1 + rng.below(5_000),
                far_no_answer: 1 + rng.below(90_000),
                redial: 1 + rng.below(10_000),
                close: 1 + rng.below(40_000),
                whisper: 1 + rng.below(5_000),
                stay: 1 + rng.below(3_600_000),
                rescue: rng.below(60_000),
                ..Timeouts::default()
            }
        };
        let mut switch = Supervised::new(timeouts);
        for number in [ABROAD, PREMIUM, COMPANY, DID_ANNA, DID_BRUNO] {
            switch.forbid(number);
        }
        let mut history = Self {
            rng,
            now: UnixMillis(1_793_606_400_000),
            switch,
            callers: Callers::default(),
            users: [ANNA, BRUNO, CARLA, "nobody"].map(|name| name.parse().unwrap()),
            legs: Vec::new(),
            up: Vec::new(),
            closing: Vec::new(),
            calls: Vec::new(),
            tokens: Vec::new(),
            pins: Vec::new(),
            numbers: Vec::new(),
            ids: 0,
            trace: Trace::default(),
            seen: Seen::default(),
            lost: BTreeSet::new(),
            booked: BTreeMap::new(),
            required: BTreeSet::new(),
        };
        let trunks = ["a", "b"].map(site::trunk).to_vec();
        history.event(Event::TrunksConfigured { trunks });
        let codes = site::account_codes();
        history.event(Event::AccountCodesConfigured { codes });
        for name in [ANNA, BRUNO, CARLA] {
            history.configure(name);
        }
        for (place, (name, _, _)) in DEVICES.iter().enumerate() {
            history.configure_device(place);
            let device = name.parse().unwrap();
            history.event(Event::DeviceRegistered {
                device,
                registered: true,
            });
        }
        history
    }

    pub(crate) fn configure(&mut self, name: &str) {
        let mut config = site::user(name);
        if name == CARLA {
            config.profile.extension = "203".parse().unwrap();
        }
        config.user_no_answer_ms = 1 + self.rng.below(30_000);
        config.settings.no_answer_ms = 1 + self.rng.below(20_000);
        config.settings.voicemail = self.rng.chance(50);
        config.settings.call_waiting = self.rng.chance(85);
        config.profile.browser_allowed = self.rng.chance(30);
        config.profile.telecommuter_allowed = self.rng.chance(90);
        config.profile.browser_allowed = self.rng.chance(80);
        config.profile.account_codes = *self.rng.pick(&[
            AccountCodePolicy::Off,
            AccountCodePolicy::Off,
            AccountCodePolicy::Optional,
            AccountCodePolicy::Required,
        ]);
        config.do_not_disturb = self.rng.chance(4);
        // The cap on telephones that never confirmed is not part of the description of callers.
        config.proven = PLACES.iter().map(|place| place.parse().unwrap()).collect();
        if self.rng.chance(25) {
            let to = |rng: &mut Rng| rng.chance(50).then(|| plan::read(rng.pick::<&str>(&FORWARDED)));
            config.forwarding = ForwardTargets {
                always: to(&mut self.rng).filter(|_| self.rng.chance(30)),
                busy: to(&mut self.rng),
                no_answer: to(&mut self.rng),
            };
        }
        let user = config.profile.user.clone();
        if config.profile.account_codes == AccountCodePolicy::Required {
            self.required.insert(user);
        } else {
            self.required.remove(&user);
        }
        self.event(Event::UserConfigured {
            config: Box::new(config),
        });
    }

    pub(crate) fn configure_device(&mut self, place: usize) {
        let (name, owner, hot_desk) = DEVICES[place];
        let config = DeviceConfig {
            id: name.parse().unwrap(),
            name: name.to_owned(),
            owner: owner.map(|owner| owner.parse().unwrap()),
            hot_desk,
        };
        self.event(Event::DeviceConfigured {
            config: Box::new(config),
        });
    }
}
