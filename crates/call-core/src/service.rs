//! A desk telephone that talks to the switch itself: logging on and off by feature code (rule T11), leaving telecommuter
//! mode, hearing why it may not call (rule T3), and being asked what a call is to be booked to.
//!
//! Nobody is called yet, so there is no [`crate::call::Call`] and no record. The dialogue ends by itself: each question waits
//! for a key, each sentence for its end, the closed leg for its end.

use crate::desk::DeskDial;
use crate::{Announcement, Effect, LegId, Pin, Playback, PlaybackToken, Switch, TimerKind, cause};
use ponte_protocol::{CauseReason, DeviceId, Extension, Refusal, UserId};

/// How often extension and PIN may be wrong.
const TRIES: u8 = 3;
/// The most keys of one answer: one more than any right answer has.
const KEYS_MAX: usize = 17;
/// How much longer than the next one the first key of an answer may take, and the host to check a PIN.
const PATIENCE: u64 = 4;
/// How long the last words may take, in milliseconds, should their end not be told.
const FAREWELL_MS: u64 = 15_000;

#[derive(Debug)]
enum Stage {
    Extension(Pin),
    AccountCode(Pin),
    Pin {
        extension: String,
        keys: Pin,
    },
    Checking {
        user: Option<UserId>,
        extension: String,
        ask: u64,
    },
    Farewell(PlaybackToken),
    /// The reason is said before the answer, which is a refusal.
    Refusal(PlaybackToken),
    Closing,
}

/// One dialogue.
#[derive(Debug)]
pub(crate) struct Service {
    device: DeviceId,
    /// What is dialled once it is known what it is booked to.
    dial: Option<DeskDial>,
    stage: Stage,
    tries_left: u8,
}

impl Switch {
    /// The feature code for logging on.
    pub(crate) fn ask_who(&mut self, leg: LegId, device: &DeviceId) {
        self.cx.push(Effect::AnswerLeg { leg });
        let service = Service {
            device: device.clone(),
            dial: None,
            stage: Stage::Extension(Pin(String::new())),
            tries_left: TRIES,
        };
        self.services.insert(leg.call, service);
        self.ask(leg, vec![Announcement::EnterExtension]);
    }

    /// A telephone has dialled what needs an account code, without one or with a wrong one.
    pub(crate) fn ask_account_code(&mut self, dial: DeskDial, words: Vec<Announcement>) {
        let leg = dial.leg;
        if !dial.answered {
            self.cx.push(Effect::AnswerLeg { leg });
        }
        let service = Service {
            device: dial.device.clone(),
            dial: Some(dial),
            stage: Stage::AccountCode(Pin(String::new())),
            tries_left: TRIES,
        };
        self.services.insert(leg.call, service);
        self.ask(leg, words);
    }

    /// An account code was keyed in: the call that waits for it begins.
    fn account_code_given(&mut self, leg: LegId, dial: DeskDial, keys: &str) {
        // The telephone may have been given to somebody else meanwhile.
        if self.logged_on(&dial.device) != Some(&dial.user) {
            return self.say_last(leg, vec![Announcement::NotAllowed, Announcement::Goodbye]);
        }
        let Ok(code) = keys.parse() else {
            return self.wrong(leg);
        };
        let dial = DeskDial {
            account_code: Some(code),
            answered: true,
            ..dial
        };
        match self.check_desk(&dial) {
            Ok((far, booked)) => {
                self.service_ended(leg);
                self.desk_calls(dial, far, booked);
            }
            Err(Refusal::UnknownAccountCode | Refusal::InactiveAccountCode) => self.wrong(leg),
            Err(refusal) => {
                let why = match refusal {
                    Refusal::LineBusy => Announcement::Busy,
                    Refusal::NoTrunk | Refusal::StoreUnavailable | Refusal::CapReached => {
                        Announcement::Congestion
                    }
                    _ => Announcement::NotAllowed,
                };
                self.say_last(leg, vec![why, Announcement::Goodbye]);
            }
        }
    }

    /// The feature code for logging off.
    pub(crate) fn log_off_by_code(&mut self, leg: LegId, device: &DeviceId) {
        let user = self.logged_on(device).cloned();
        let word = if self.store_writable || user.is_none() {
            if let Some(user) = user {
                self.log_off(&user);
            }
            Announcement::LoggedOff
        } else {
            Announcement::Unavailable
        };
        self.answer_and_say(leg, device, vec![word]);
    }

    /// Words in answer to a feature code.
    pub(crate) fn answer_and_say(&mut self, leg: LegId, device: &DeviceId, words: Vec<Announcement>) {
        self.cx.push(Effect::AnswerLeg { leg });
        self.begin_service(leg, device);
        self.say_last(leg, words);
    }

    /// The reason is said before the answer, which is 403: nobody pays for a call that may not be made.
    pub(crate) fn say_and_refuse(&mut self, leg: LegId, device: &DeviceId, words: Vec<Announcement>) {
        self.cx.push(Effect::EarlyMediaLeg { leg });
        self.begin_service(leg, device);
        self.say_last(leg, words);
        if let Some(service) = self.services.get_mut(&leg.call)
            && let Stage::Farewell(token) = service.stage
        {
            service.stage = Stage::Refusal(token);
        }
    }

    fn begin_service(&mut self, leg: LegId, device: &DeviceId) {
        let service = Service {
            device: device.clone(),
            dial: None,
            stage: Stage::Closing,
            tries_left: 0,
        };
        self.services.insert(leg.call, service);
    }

    /// Whether the leg is one of these dialogues.
    pub(crate) fn talks_to_us(&self, leg: LegId) -> bool {
        leg.index == 0 && self.services.contains_key(&leg.call)
    }

    pub(crate) fn service_key(&mut self, leg: LegId, digit: char) {
        let Some(service) = self.services.get_mut(&leg.call) else {
            return;
        };
        let (Stage::Extension(keys) | Stage::AccountCode(keys) | Stage::Pin { keys, .. }) =
            &mut service.stage
        else {
            return;
        };
        if digit == '#' {
            self.answer_given(leg);
            return;
        }
        if keys.0.is_empty() {
            self.cx.push(Effect::StopPlaying { leg });
        }
        if digit.is_ascii_digit() && keys.0.len() < KEYS_MAX {
            keys.0.push(digit);
        }
        self.wait_for_key(leg, 1);
    }

    /// The answer is complete: by #, or because no more keys came.
    fn answer_given(&mut self, leg: LegId) {
        let Some(service) = self.services.get_mut(&leg.call) else {
            return;
        };
        match &service.stage {
            Stage::Extension(keys) => {
                let extension = keys.0.clone();
                service.stage = Stage::Pin {
                    extension,
                    keys: Pin(String::new()),
                };
                self.ask(leg, vec![Announcement::EnterPin]);
            }
            Stage::Pin { extension, keys } => {
                let (extension, pin) = (extension.clone(), keys.clone());
                match extension.parse::<Extension>() {
                    Ok(number) if !pin.0.is_empty() => self.check_pin(leg, number, pin),
                    _ => self.wrong(leg),
                }
            }
            Stage::AccountCode(keys) => {
                let keys = keys.0.clone();
                if let Some(dial) = service.dial.clone() {
                    self.account_code_given(leg, dial, &keys);
                }
            }
            Stage::Checking { .. } | Stage::Farewell(_) | Stage::Refusal(_) | Stage::Closing => {}
        }
    }

    fn check_pin(&mut self, leg: LegId, extension: Extension, pin: Pin) {
        let user = self.user_of(&extension);
        let PlaybackToken(ask) = self.cx.token();
        if let Some(service) = self.services.get_mut(&leg.call) {
            service.stage = Stage::Checking {
                user,
                extension: extension.as_str().to_owned(),
                ask,
            };
        }
        self.cx.push(Effect::CheckPin {
            leg,
            extension,
            pin,
            ask,
        });
        self.wait_for_key(leg, PATIENCE);
    }

    pub(crate) fn pin_checked(&mut self, leg: LegId, asked: u64, valid: bool) {
        let Some(service) = self.services.get(&leg.call).filter(|_| leg.index == 0) else {
            return;
        };
        let Stage::Checking { user, extension, ask } = &service.stage else {
            return;
        };
        if *ask != asked {
            return;
        }
        // The extension may have gone to another user meanwhile.
        let same = extension
            .parse()
            .ok()
            .and_then(|extension| self.user_of(&extension))
            == *user;
        let device = service.device.clone();
        match user.clone().filter(|_| valid && same) {
            None => self.wrong(leg),
            Some(user) => match self.check_log_on(&user, &device) {
                // A telephone that calls is there, whatever the registrar says.
                Ok(()) | Err(Refusal::DeviceOffline) if self.store_writable => {
                    self.log_on(&user, &device);
                    self.say_last(leg, vec![Announcement::LoggedOn]);
                }
                Err(Refusal::NotPermitted) => {
                    self.say_last(leg, vec![Announcement::NotAllowed]);
                }
                _ => self.say_last(leg, vec![Announcement::Unavailable]),
            },
        }
    }

    fn wrong(&mut self, leg: LegId) {
        let Some(service) = self.services.get_mut(&leg.call) else {
            return;
        };
        service.tries_left = service.tries_left.saturating_sub(1);
        if service.tries_left == 0 {
            self.say_last(leg, vec![Announcement::Wrong, Announcement::Goodbye]);
        } else if service.dial.is_some() {
            service.stage = Stage::AccountCode(Pin(String::new()));
            self.ask(leg, vec![Announcement::Wrong, Announcement::EnterAccountCode]);
        } else {
            service.stage = Stage::Extension(Pin(String::new()));
            self.ask(leg, vec![Announcement::Wrong, Announcement::EnterExtension]);
        }
    }

    fn ask(&mut self, leg: LegId, words: Vec<Announcement>) {
        self.say(leg, words);
        self.wait_for_key(leg, PATIENCE);
    }

    fn say(&mut self, leg: LegId, announcements: Vec<Announcement>) -> PlaybackToken {
        let token = self.cx.token();
        self.cx.push(Effect::Play {
            leg,
            playback: Playback::Announcements {
                tone: None,
                announcements,
                token,
            },
        });
        token
    }

    fn say_last(&mut self, leg: LegId, words: Vec<Announcement>) {
        let token = self.say(leg, words);
        self.cx.timers.cancel(leg, TimerKind::Digits);
        let late = self.cx.now.plus(FAREWELL_MS);
        self.cx.timers.set(leg, TimerKind::Farewell, late);
        if let Some(service) = self.services.get_mut(&leg.call) {
            service.stage = Stage::Farewell(token);
        }
    }

    fn wait_for_key(&mut self, leg: LegId, times: u64) {
        let until = self
            .cx
            .now
            .plus(self.cx.timeouts.digits.saturating_mul(times).max(1));
        self.cx.timers.set(leg, TimerKind::Digits, until);
    }

    pub(crate) fn service_spoke(&mut self, leg: LegId, token: PlaybackToken) {
        if let Some(service) = self.services.get(&leg.call)
            && matches!(service.stage, Stage::Farewell(last) | Stage::Refusal(last) if last == token)
        {
            self.close_service(leg);
        }
    }

    pub(crate) fn service_waited(&mut self, leg: LegId, kind: TimerKind) {
        let Some(service) = self.services.get(&leg.call) else {
            return;
        };
        match (kind, &service.stage) {
            (TimerKind::Digits, Stage::Checking { .. }) => {
                self.say_last(leg, vec![Announcement::Unavailable]);
            }
            (
                TimerKind::Digits,
                Stage::Extension(keys) | Stage::AccountCode(keys) | Stage::Pin { keys, .. },
            ) if keys.0.is_empty() => {
                self.say_last(leg, vec![Announcement::Goodbye]);
            }
            (TimerKind::Digits, _) => self.answer_given(leg),
            (TimerKind::Farewell, _) => self.close_service(leg),
            (TimerKind::Close, _) => self.service_ended(leg),
            _ => {}
        }
    }

    fn close_service(&mut self, leg: LegId) {
        let Some(service) = self.services.get_mut(&leg.call) else {
            return;
        };
        let stage = std::mem::replace(&mut service.stage, Stage::Closing);
        self.cx.timers.cancel_leg(leg);
        let late = self.cx.now.plus(self.cx.timeouts.close);
        self.cx.timers.set(leg, TimerKind::Close, late);
        if matches!(stage, Stage::Refusal(_)) {
            self.refuse(leg, cause::local(CauseReason::Forbidden));
        } else {
            self.cx.push(Effect::CloseLeg {
                leg,
                cause: cause::local(CauseReason::NormalClearing),
            });
        }
    }

    pub(crate) fn service_ended(&mut self, leg: LegId) {
        self.services.remove(&leg.call);
        self.cx.timers.cancel_leg(leg);
    }
}
