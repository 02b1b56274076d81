//! Callers from outside, and desk telephones.

use super::World;
use crate::phone::{Act, Phone};
use crate::plan;
use ponte_call_core::{
    CallSource, Caller, CallerNumber, DeviceConfig, Event, LegId, ListedMessage, Replaced, TrunkId,
};
use ponte_protocol::{CallId, DeviceId, LegRole};

impl World {
    /// A desk telephone that is registered; what it does when it rings is the [`Phone`] behind its name.
    pub fn desk(&mut self, name: &str, owner: Option<&str>, hot_desk: bool) {
        let id: DeviceId = name.parse().expect("a telephone's name");
        self.event(Event::DeviceConfigured {
            config: Box::new(DeviceConfig {
                id: id.clone(),
                name: name.to_owned(),
                owner: owner.map(|owner| owner.parse().expect("a user's name")),
                hot_desk,
            }),
        });
        self.registered(name, true);
    }

    pub fn registered(&mut self, name: &str, registered: bool) {
        let device = name.parse().expect("a telephone's name");
        self.event(Event::DeviceRegistered { device, registered });
    }

    /// Who is logged on to a telephone.
    pub fn logged_on(&self, name: &str) -> Option<String> {
        let device: DeviceId = name.parse().expect("a telephone's name");
        self.switch()
            .logged_on(&device)
            .map(|user| user.as_str().to_owned())
    }

    /// The PIN of an extension, which the host knows.
    pub fn pin(&mut self, extension: &str, pin: &str) {
        self.pins.insert(extension.to_owned(), pin.to_owned());
    }

    /// What is in a user's box, oldest first.
    pub fn messages(&mut self, user: &str, messages: Vec<ListedMessage>) {
        self.messages
            .insert(user.parse().expect("a user's name"), messages);
    }

    /// Somebody outside calls a number of the site over the trunk `a`, and waits.
    pub fn call_in(&mut self, dialled: &str, caller: &str) -> CallId {
        self.call_in_by(dialled, caller, Phone::silent())
    }

    /// The telephone of the caller does what its script says, from the call on.
    pub fn call_in_by(&mut self, dialled: &str, caller: &str, phone: Phone) -> CallId {
        let caller = Caller {
            number: caller.parse().ok().map(CallerNumber::E164),
            name: None,
        };
        let trunk = TrunkId("a".to_owned());
        self.come_in(CallSource::Trunk { trunk }, caller, dialled, phone)
    }

    /// A desk telephone dials.
    pub fn desk_dials(&mut self, name: &str, dialled: &str) -> CallId {
        let device = name.parse().expect("a telephone's name");
        self.come_in(
            CallSource::Device { device },
            Caller::default(),
            dialled,
            Phone::silent(),
        )
    }

    /// A desk telephone takes a call over by Replaces; the call that its leg opens where it is none of the user's yet.
    pub fn takes_over(&mut self, name: &str, of: Replaced, early_only: bool) -> CallId {
        self.commands += 1;
        let call = CallId(uuid::Uuid::from_u128(self.commands));
        let leg = LegId { call, index: 0 };
        self.callers.insert(leg, LegRole::User);
        self.connect_phone(leg, Phone::silent());
        self.event(Event::TakesOver {
            leg,
            device: name.parse().expect("a telephone's name"),
            of,
            early_only,
        });
        call
    }

    fn come_in(&mut self, source: CallSource, caller: Caller, dialled: &str, phone: Phone) -> CallId {
        self.commands += 1;
        let call = CallId(uuid::Uuid::from_u128(self.commands));
        let leg = LegId { call, index: 0 };
        let role = match source {
            CallSource::Trunk { .. } => LegRole::Far,
            CallSource::Device { .. } => LegRole::User,
        };
        self.callers.insert(leg, role);
        self.connect_phone(leg, phone);
        let forwarded = std::mem::take(&mut self.forwarded_before);
        let (account_code, dialled) = plan::split(dialled);
        self.event(Event::IncomingCall {
            leg,
            source,
            caller,
            typed: dialled.parse().expect("a dial string"),
            dialled: plan::read(dialled),
            account_code,
            forwarded,
        });
        call
    }

    /// The network tells of the next call that comes in that it was forwarded so often.
    pub fn forwarded_before(&mut self, times: u32) {
        self.forwarded_before = times;
    }

    /// The caller hangs up: CANCEL, or BYE after the answer.
    pub fn caller_hangs_up(&mut self, call: CallId) {
        let leg = LegId { call, index: 0 };
        let answered = self.legs.get(&leg).is_some_and(|live| live.answered);
        let act = if answered {
            Act::HangUp { q850: None }
        } else {
            Act::Refuse {
                status: 487,
                q850: None,
            }
        };
        self.phone_does(leg, act);
    }

    /// Keys are pressed on a telephone that called.
    pub fn caller_keys(&mut self, call: CallId, keys: &str) {
        for key in keys.chars() {
            self.phone_does(LegId { call, index: 0 }, Act::Press(key));
            self.run_for(200);
        }
    }
}
