//! What happens next, drawn at random.

use crate::{CARLA, CODES, DEVICES, DIALLED, ENDS, History, PLACES};
use ponte_call_core::{
    CallSource, Caller, CallerNumber, Event, LegEnd, LegEndKind, LegId, PlaybackToken, Replaced, Secret,
    SwitchCommand, SwitchDestination, SwitchTarget, TrunkId,
};
use ponte_protocol::{AccountCode, CallId, CallPhase, CallView, CommandId, UserId};
use ponte_testkit::site::{ANNA, BRUNO, COMPANY, CUSTOMER, DID_ANNA, DID_BRUNO, MOBILE};
use ponte_testkit::{RandomHistory, plan};

impl History {
    /// Mostly one that is up; now and then any, or one that never was.
    fn leg(&mut self) -> LegId {
        if !self.up.is_empty() && self.rng.chance(85) {
            return *self.rng.pick(&self.up);
        }
        self.any_leg(6)
    }

    /// Mostly one that the user has; now and then another's, or one that is over, or never was.
    fn call(&mut self, user: &UserId) -> CallId {
        let mine = self.switch.switch().calls(user);
        if !mine.is_empty() && self.rng.chance(85) {
            return self.rng.pick(&mine).id;
        }
        let count = self.calls.len();
        if count == 0 || self.rng.chance(3) {
            return CallId(uuid::Uuid::from_u128(u128::from(u64::MAX)));
        }
        self.calls[count - 1 - self.rng.below(count.min(5) as u64) as usize]
    }

    /// One that waits for the user's word, if one does.
    fn offered(&mut self, user: &UserId) -> CallId {
        let waits = |phase: &CallPhase| {
            matches!(
                phase,
                CallPhase::Waiting { .. } | CallPhase::Confirming { .. } | CallPhase::Held { .. }
            )
        };
        let mine = self.switch.switch().calls(user);
        let offered = mine.iter().find(|call| waits(&call.phase)).map(|call| call.id);
        offered.unwrap_or_else(|| self.call(user))
    }

    /// One that is up, if one is.
    fn talking(&mut self, user: &UserId) -> CallId {
        let mine = self.switch.switch().calls(user);
        let up = |call: &&CallView| matches!(call.phase, CallPhase::Connected { .. });
        let talking = mine.iter().find(up).map(|call| call.id);
        talking.unwrap_or_else(|| self.call(user))
    }

    fn user(&mut self) -> UserId {
        let place = match self.rng.below(40) {
            0 => 3,
            n => (n % 3) as usize,
        };
        self.users[place].clone()
    }

    fn pass_time(&mut self) {
        let due = self.switch.switch().poll_timeout().map(|(at, _)| at);
        match self.rng.below(10) {
            0..=5 => self.now = self.now.plus(self.rng.below(300)),
            6 => self.now = self.now.plus(self.rng.below(5_000)),
            7 => self.now = self.now.max(due.unwrap_or(self.now)).plus(self.rng.below(50)),
            _ if self.rng.chance(5) => self.now = self.now.plus(self.rng.below(2 * 3_600_000)),
            _ => {}
        }
        // A busy host may take in an event before it looks at the clock.
        if due.is_some_and(|at| at <= self.now) && self.rng.chance(95) {
            self.timeout();
        }
    }

    pub(crate) fn step(&mut self) {
        self.pass_time();
        match self.rng.below(100) {
            0..=21 => self.command(),
            22..=37 => self.incoming(),
            38..=46 => {
                let status = *self.rng.pick(&[100, 180, 183, 199, 200]);
                let early_media = status == 183;
                let leg = self.leg();
                self.event(Event::LegProgress {
                    leg,
                    status,
                    early_media,
                });
            }
            47..=66 => {
                let leg = self.leg();
                self.event(Event::LegAnswered { leg });
            }
            67..=70 => {
                let (kind, sip, q850) = *self.rng.pick(&ENDS);
                let leg = self.leg();
                let end = LegEnd { kind, sip, q850 };
                self.event(Event::LegEnded { leg, end });
            }
            // Most legs that were told to close do so soon.
            71..=79 => {
                if let Some(leg) = self.closing.pop() {
                    let end = LegEnd {
                        kind: LegEndKind::Closed,
                        sip: None,
                        q850: None,
                    };
                    self.event(Event::LegEnded { leg, end });
                }
            }
            80..=86 => {
                let digit = Secret(
                    *self
                        .rng
                        .pick(&['1', '1', '1', '2', '#', '#', '0', '3', '*', '*', '*', '7', '9']),
                );
                let leg = self.leg();
                self.event(Event::Dtmf { leg, digit });
            }
            87..=91 => {
                let stale = (self.leg(), PlaybackToken(self.rng.below(9)));
                let (leg, token) = self.tokens.last().copied().unwrap_or(stale);
                self.event(Event::PlaybackFinished { leg, token });
            }
            92 => {
                let leg = self.leg();
                let since_ms = *self.rng.pick(&[5_000, 60_000]);
                self.event(Event::AudioMissing { leg, since_ms });
            }
            93 => {
                let leg = self.leg();
                self.event(Event::RecordingFull { leg });
            }
            94 | 95 if !self.numbers.is_empty() => {
                if let Some((leg, ask)) = self.numbers.pop() {
                    let number = *self.rng.pick(&DIALLED);
                    let dialled = plan::read(number);
                    self.event(Event::NumberRead { leg, ask, dialled });
                }
            }
            94 | 95 => {
                if let Some((leg, ask)) = self.pins.pop() {
                    let valid = self.rng.chance(70);
                    self.event(Event::PinChecked { leg, ask, valid });
                }
            }
            _ => self.administration(),
        }
    }

    fn command(&mut self) {
        self.ids += 1;
        let id = CommandId(uuid::Uuid::from_u128(self.ids));
        let user = self.user();
        let number = *self.rng.pick(&DIALLED);
        let dialled = plan::read(number);
        if self.rng.chance(35) {
            let command = self.control(&user);
            return self.event(Event::Command { user, id, command });
        }
        let command = match self.rng.below(29) {
            24..=28 => SwitchCommand::SetPersistentLeg {
                on: self.rng.chance(80),
            },
            0..=2 => SwitchCommand::EnterTelecommuter {
                destination: SwitchDestination::Number {
                    dialled: plan::read(PLACES[self.rng.below(PLACES.len() as u64) as usize]),
                    label: None,
                    confirm: *self.rng.pick(&[None, Some(true), Some(false)]),
                },
            },
            3 if self.rng.chance(50) => SwitchCommand::LeaveAt {
                at: self
                    .rng
                    .chance(80)
                    .then(|| self.now.plus(1 + self.rng.below(3_600_000))),
            },
            3 => SwitchCommand::LeaveTelecommuter,
            4..=9 => SwitchCommand::Dial {
                typed: number.parse().unwrap(),
                dialled,
                account_code: self.code(40),
            },
            10 => SwitchCommand::HangUp {
                call: self.call(&user),
            },
            11..=18 => SwitchCommand::Accept {
                call: self.offered(&user),
            },
            19 => SwitchCommand::Reject {
                call: self.call(&user),
            },
            20 => SwitchCommand::SendDtmf {
                call: self.call(&user),
                digits: Secret("1".to_owned()),
            },
            21 => SwitchCommand::Verify {
                dialled: plan::read(MOBILE),
                code: Secret(vec![1, 2, 3, 4, 5, 6]),
            },
            22 => SwitchCommand::LogOn {
                device: self.rng.pick(&DEVICES).0.parse().unwrap(),
            },
            _ if self.rng.chance(30) => SwitchCommand::Stay,
            _ => SwitchCommand::LogOff,
        };
        self.event(Event::Command { user, id, command });
    }

    /// What is done with calls that are up.
    fn control(&mut self, user: &UserId) -> SwitchCommand {
        let call = self.call(user);
        let with = self.call(user);
        match self.rng.below(29) {
            26..=28 => SwitchCommand::SetAccountCode {
                call,
                account_code: self.code(80),
            },
            16..=22 => SwitchCommand::Move {
                call: self.talking(user),
                to: match self.rng.below(6) {
                    0 => SwitchDestination::Browser,
                    place => SwitchDestination::Number {
                        dialled: plan::read(PLACES[(place - 1) as usize]),
                        label: None,
                        confirm: *self.rng.pick(&[None, Some(false), Some(false)]),
                    },
                },
            },
            23 => SwitchCommand::StopMove {
                call: self.talking(user),
            },
            0 | 1 => SwitchCommand::Hold { call },
            2 | 3 => SwitchCommand::Retrieve { call },
            4..=6 => {
                let number = *self.rng.pick(&DIALLED);
                let to = if self.rng.chance(15) {
                    SwitchTarget::Voicemail {
                        extension: "202".parse().unwrap(),
                    }
                } else {
                    SwitchTarget::Dialled {
                        typed: number.parse().unwrap(),
                        dialled: plan::read(number),
                    }
                };
                SwitchCommand::Transfer { call, to }
            }
            7 | 8 => SwitchCommand::TransferTo { call, with },
            9 | 10 => SwitchCommand::Merge { call, with },
            11 => match self.rng.below(7) {
                0 => SwitchCommand::LeaveConference { call },
                1 => SwitchCommand::EndConference { call },
                2 => SwitchCommand::Mute { call, muted: true },
                3 => SwitchCommand::Mute { call, muted: false },
                4 => SwitchCommand::MuteMembers { call, muted: true },
                5 => SwitchCommand::MuteMembers { call, muted: false },
                _ => SwitchCommand::MuteMember { call, muted: true },
            },
            12 => SwitchCommand::Park { call },
            13 => SwitchCommand::Fetch {
                slot: 1 + self.rng.below(3) as u16,
            },
            14 => SwitchCommand::PickUp {
                extension: (*self.rng.pick(&["201", "202", "203"])).parse().unwrap(),
            },
            15 => SwitchCommand::Accept { call },
            _ => SwitchCommand::Record {
                call,
                on: self.rng.chance(80),
            },
        }
    }

    fn code(&mut self, percent: u64) -> Option<AccountCode> {
        let code = *self.rng.pick(&CODES);
        self.rng.chance(percent).then(|| code.parse().unwrap())
    }

    /// A desk telephone takes over what its Replaces names: mostly something that somebody has.
    fn take_over(&mut self, leg: LegId) {
        let device = self.rng.pick(&DEVICES).0.parse().unwrap();
        let user = self.users[self.rng.below(3) as usize].clone();
        let calls = self
            .users
            .iter()
            .flat_map(|user| self.switch.switch().calls(user));
        let takeable: Vec<CallId> = calls
            .map(|call| call.id)
            .filter(|call| self.switch.switch().takeable(*call).is_some())
            .collect();
        let of = if !takeable.is_empty() && self.rng.chance(60) {
            Replaced::Call(*self.rng.pick(&takeable))
        } else if self.rng.chance(50) {
            Replaced::Call(self.call(&user))
        } else {
            Replaced::Leg(self.leg())
        };
        self.legs.push(leg);
        self.up.push(leg);
        let early_only = self.rng.chance(20);
        self.event(Event::TakesOver {
            leg,
            device,
            of,
            early_only,
        });
    }

    fn incoming(&mut self) {
        self.ids += 1;
        let leg = LegId {
            call: CallId(uuid::Uuid::from_u128(self.ids)),
            index: 0,
        };
        if self.rng.chance(15) {
            return self.take_over(leg);
        }
        let from_desk = self.rng.chance(40);
        let source = if from_desk {
            CallSource::Device {
                device: self.rng.pick(&DEVICES).0.parse().unwrap(),
            }
        } else {
            CallSource::Trunk {
                trunk: TrunkId("a".to_owned()),
            }
        };
        let typed = if from_desk {
            *self.rng.pick(&DIALLED)
        } else {
            *self.rng.pick(&[
                DID_ANNA, DID_ANNA, DID_ANNA, DID_ANNA, DID_BRUNO, DID_BRUNO, "203", COMPANY,
            ])
        };
        self.legs.push(leg);
        self.up.push(leg);
        let number = CallerNumber::E164(CUSTOMER.parse().unwrap());
        let caller = Caller {
            number: self.rng.chance(80).then_some(number),
            name: None,
        };
        let forwarded = *self.rng.pick(&[0, 0, 0, 1, 4, u32::MAX]);
        let account_code = if from_desk { self.code(30) } else { None };
        self.event(Event::IncomingCall {
            leg,
            source,
            caller,
            typed: typed.parse().unwrap(),
            dialled: plan::read(typed),
            account_code,
            forwarded,
        });
    }

    fn administration(&mut self) {
        match self.rng.below(9) {
            8 => {
                let user = self.user();
                let portals = *self.rng.pick(&[0, 0, 1, 2]);
                self.event(Event::PortalsChanged { user, portals });
            }
            0 => {
                let trunk = TrunkId((*self.rng.pick(&["a", "b", "c"])).to_owned());
                let up = self.rng.chance(80);
                self.event(Event::TrunkState { trunk, up });
            }
            1 => {
                let writable = self.rng.chance(80);
                self.event(Event::StoreState { writable });
            }
            2 if self.rng.chance(30) => {
                let user = self.users[self.rng.below(3) as usize].clone();
                self.event(Event::UserRemoved { user });
            }
            3 if self.rng.chance(30) => {
                let device = self.rng.pick(&DEVICES).0.parse().unwrap();
                self.event(Event::DeviceRemoved { device });
            }
            3 | 4 => {
                let place = self.rng.below(DEVICES.len() as u64) as usize;
                // A telephone that is known is not new: its owner does not come back to it.
                let id = DEVICES[place].0.parse().unwrap();
                self.event(Event::DeviceRemoved { device: id });
                self.configure_device(place);
            }
            5 => {
                let device = self.rng.pick(&DEVICES).0.parse().unwrap();
                let registered = self.rng.chance(80);
                self.event(Event::DeviceRegistered { device, registered });
            }
            _ => {
                let name = *self.rng.pick(&[ANNA, BRUNO, CARLA]);
                self.configure(name);
            }
        }
    }
}
