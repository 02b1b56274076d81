//! A user's voicemail box on the telephone: who comes in, and what waits for what.
//!
//! ```text
//!  *97, own extension (desk) ──▶ Pin ─▶ Checking ─▶ Listing ─▶ Menu ─1▶ Intro ─▶ Message ─▶ After ─6▶ Intro …
//!  * in the greeting (caller) ─▶ ▲ │ wrong                      │ 2 greeting, 3 name
//!  *97 (portal)  ──────────────────┼──────────▶ Listing         ▼
//!                                  ▼                           Own ─2▶ Prompting ─▶ Speaking ─▶ Storing ─▶ Review
//!                               Farewell ─▶ Closing
//! ```
//!
//! A visit stands beside whatever carries the leg: a desk telephone that talks to the switch itself has no
//! [`crate::call::Call`] and no record; a user's call back has one, and so has the caller of whom the greeting was
//! interrupted. One timer, [`TimerKind::Digits`], bounds every stage: the next key, the end of what is spoken, the host's
//! answer. Who says nothing hears the menu once more, then goodbye.

mod listening;
mod own;
mod types;

pub use types::{BoxWords, ListedMessage, OwnRecording, ReceivedDay};

use crate::call::{Call, Phase};
use crate::{
    Announcement, Effect, LegId, Pin, Playback, PlaybackToken, Secret, Switch, TimerKind, Tone, cause,
};
use listening::Entry;
use ponte_protocol::{CallId, CauseReason, DeviceId, EndedBy, Extension, UserId};

/// How often the PIN may be wrong in one visit.
const TRIES: u8 = 3;
/// The most digits of a PIN.
const PIN_MAX: usize = 16;
/// How much longer than the next digit of a PIN a choice may take, and the host an answer.
const PATIENCE: u64 = 4;
/// How long one announcement may take, in milliseconds, should its end not be told.
const SPOKEN_MS: u64 = 90_000;
/// The longest visit of a caller whose greeting was interrupted, in milliseconds.
pub(crate) const VISIT_MAX_MS: u64 = 60 * 60 * 1_000;

/// What carries the leg.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// A desk telephone that called nobody.
    Desk(DeviceId),
    /// The user's own call, by [`crate::setup::Far::Mailbox`].
    Own,
    /// This call, whose greeting the caller interrupted.
    Greeting(CallId),
}

#[derive(Debug)]
enum Stage {
    Pin(Pin),
    Checking {
        ask: u64,
    },
    Listing {
        ask: u64,
    },
    Menu,
    /// Number, date and caller of a message are said; the message follows.
    Intro(usize),
    Message(usize),
    After(usize),
    Own(OwnRecording),
    /// "Please speak after the tone."
    Prompting(OwnRecording),
    Speaking(OwnRecording),
    /// The host keeps what was said, for now or for good.
    Storing {
        which: OwnRecording,
        for_good: bool,
    },
    Review(OwnRecording),
    Farewell,
    Closing,
}

/// One visit.
#[derive(Debug)]
pub(crate) struct Visit {
    user: UserId,
    host: Host,
    stage: Stage,
    /// What is being spoken or played.
    token: Option<PlaybackToken>,
    /// What is said after it.
    next_words: Vec<Announcement>,
    /// The menu was said again since the last key.
    reminded: bool,
    tries_left: u8,
    entries: Vec<Entry>,
    /// Places in `entries`, the last one deleted last.
    deleted: Vec<usize>,
}

impl Visit {
    fn new(user: UserId, host: Host, stage: Stage) -> Self {
        Self {
            user,
            host,
            stage,
            token: None,
            next_words: Vec::new(),
            reminded: false,
            tries_left: TRIES,
            entries: Vec::new(),
            deleted: Vec::new(),
        }
    }
}

fn words(words: &[BoxWords]) -> Vec<Announcement> {
    words.iter().copied().map(Announcement::Mailbox).collect()
}

/// A number, digit by digit.
fn digits(text: &str) -> impl Iterator<Item = Announcement> {
    text.bytes()
        .filter(u8::is_ascii_digit)
        .map(|digit| Announcement::Digit(Secret(digit - b'0')))
}

impl Switch {
    /// A desk telephone dials the box of the user who is logged on to it.
    pub(crate) fn visit_from_desk(&mut self, leg: LegId, device: &DeviceId, user: &UserId) {
        let allowed = self
            .known_user(user)
            .is_ok_and(|user| user.config.profile.voicemail_allowed);
        if !allowed {
            return self.refuse(leg, cause::local(CauseReason::Forbidden));
        }
        self.cx.push(Effect::AnswerLeg { leg });
        let host = Host::Desk(device.clone());
        self.ask_pin(leg, Visit::new(user.clone(), host, Stage::Menu));
    }

    /// A user's call reaches its own box: the portal has said who it is.
    pub(crate) fn visit_from_call(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let (Phase::CallingFar, Some(leg)) = (call.phase, call.answered_user_leg()) else {
            return;
        };
        call.enter_mailbox(&self.cx);
        let user = call.setup.user.clone();
        self.visits.insert(leg, Visit::new(user, Host::Own, Stage::Menu));
        self.list(leg);
    }

    /// A caller presses `*` while the greeting is spoken: whoever knows the PIN is the owner of the box. Whether it was so.
    fn visit_from_greeting(&mut self, leg: LegId) -> bool {
        let id = self.cx.served_by(leg);
        let host = self.calls.get(&id).and_then(Call::other_half).unwrap_or(id);
        let Some(call) = self.calls.get_mut(&host) else {
            return false;
        };
        if !call.records(leg) || !call.interrupt_greeting(&mut self.cx) {
            return false;
        }
        let user = call.setup.user.clone();
        self.ask_pin(leg, Visit::new(user, Host::Greeting(host), Stage::Menu));
        true
    }

    /// Whether the key belongs to a visit, or begins one.
    pub(crate) fn visit_takes_key(&mut self, leg: LegId, digit: char) -> bool {
        if !self.visits.contains_key(&leg) {
            return digit == '*' && self.visit_from_greeting(leg);
        }
        if self.visit_lives(leg) {
            self.visit_key(leg, digit);
        }
        true
    }

    /// Whether the leg still hears its visit; one that is over otherwise is forgotten.
    fn visit_lives(&mut self, leg: LegId) -> bool {
        let Some(visit) = self.visits.get(&leg) else {
            return false;
        };
        let served = self.calls.get(&self.cx.served_by(leg));
        let lives = match &visit.host {
            Host::Desk(_) => !matches!(visit.stage, Stage::Closing),
            Host::Own => served.is_some_and(|call| {
                matches!(call.phase, Phase::Mailbox { .. }) && call.answered_user_leg() == Some(leg)
            }),
            Host::Greeting(host) => {
                let hears = served.is_some_and(|call| {
                    if call.id() == *host {
                        call.active_far().is_some_and(|far| far.id == leg)
                    } else {
                        call.other_half() == Some(*host) && call.active_user_leg() == Some(leg)
                    }
                });
                hears && self.calls.get(host).is_some_and(|call| call.records(leg))
            }
        };
        if !lives && !matches!(visit.host, Host::Desk(_)) {
            self.forget_visit(leg);
        }
        lives
    }

    /// The visit is over with its leg, or with its call. What was recorded and not kept goes with it.
    pub(crate) fn forget_visit(&mut self, leg: LegId) -> bool {
        let Some(visit) = self.visits.remove(&leg) else {
            return false;
        };
        self.cx.timers.cancel(leg, TimerKind::Digits);
        if matches!(
            visit.stage,
            Stage::Speaking(_) | Stage::Storing { .. } | Stage::Review(_)
        ) {
            self.cx.push(Effect::DropDraft { leg });
        }
        let desk = matches!(visit.host, Host::Desk(_));
        if desk {
            self.cx.timers.cancel_leg(leg);
        }
        desk
    }

    fn set_stage(&mut self, leg: LegId, stage: Stage) {
        if let Some(visit) = self.visits.get_mut(&leg) {
            visit.stage = stage;
        }
    }

    fn wait(&mut self, leg: LegId, ms: u64) {
        let until = self.cx.now.plus(ms.max(1));
        self.cx.timers.set(leg, TimerKind::Digits, until);
    }

    fn wait_patiently(&mut self, leg: LegId) {
        self.wait(leg, self.cx.timeouts.digits.saturating_mul(PATIENCE));
    }

    /// A soft tick while something is waited for: never silence (rule T5).
    fn tick(&mut self, leg: LegId) {
        if let Some(visit) = self.visits.get_mut(&leg) {
            visit.token = None;
            visit.next_words.clear();
        }
        self.cx.push(Effect::Play {
            leg,
            playback: Playback::Tone(Tone::Progress),
        });
    }

    /// Plays something once; it may last this long.
    fn play_once(&mut self, leg: LegId, longest_ms: u64, playback: impl FnOnce(PlaybackToken) -> Playback) {
        let token = self.cx.token();
        if let Some(visit) = self.visits.get_mut(&leg) {
            visit.token = Some(token);
            visit.next_words.clear();
        }
        self.cx.push(Effect::Play {
            leg,
            playback: playback(token),
        });
        self.wait(leg, longest_ms);
    }

    fn say_in_box(&mut self, leg: LegId, announcements: Vec<Announcement>) {
        self.play_once(leg, SPOKEN_MS, |token| Playback::Announcements {
            tone: None,
            announcements,
            token,
        });
    }

    fn say_last_in_box(&mut self, leg: LegId, announcements: Vec<Announcement>) {
        self.set_stage(leg, Stage::Farewell);
        self.say_in_box(leg, announcements);
    }

    fn ask_pin(&mut self, leg: LegId, visit: Visit) {
        self.visits.insert(leg, visit);
        self.set_stage(leg, Stage::Pin(Pin(String::new())));
        self.say_in_box(leg, vec![Announcement::EnterPin]);
    }

    fn pin_key(&mut self, leg: LegId, digit: char) {
        let Some(Visit {
            stage: Stage::Pin(keys),
            ..
        }) = self.visits.get_mut(&leg)
        else {
            return;
        };
        if digit == '#' {
            return self.pin_given(leg);
        }
        let first = keys.0.is_empty();
        if digit.is_ascii_digit() && keys.0.len() < PIN_MAX {
            keys.0.push(digit);
        }
        if first {
            self.tick(leg);
        }
        self.wait(leg, self.cx.timeouts.digits);
    }

    fn pin_given(&mut self, leg: LegId) {
        let Some(visit) = self.visits.get(&leg) else {
            return;
        };
        let Stage::Pin(keys) = &visit.stage else { return };
        let pin = keys.clone();
        let extension: Option<Extension> = self
            .known_user(&visit.user)
            .ok()
            .map(|user| user.config.profile.extension.clone());
        let Some(extension) = extension.filter(|_| !pin.0.is_empty()) else {
            return self.wrong_pin(leg);
        };
        let PlaybackToken(ask) = self.cx.token();
        self.set_stage(leg, Stage::Checking { ask });
        self.tick(leg);
        self.cx.push(Effect::CheckPin {
            leg,
            extension,
            pin,
            ask,
        });
        self.wait_patiently(leg);
    }

    /// Whether the answer was for a visit.
    pub(crate) fn visit_pin_checked(&mut self, leg: LegId, asked: u64, valid: bool) -> bool {
        if !self.visits.contains_key(&leg) {
            return false;
        }
        if self.visit_lives(leg)
            && let Some(visit) = self.visits.get(&leg)
            && matches!(visit.stage, Stage::Checking { ask } if ask == asked)
        {
            // The user may have been removed meanwhile.
            if valid && self.known_user(&visit.user).is_ok() {
                self.list(leg);
            } else {
                self.wrong_pin(leg);
            }
        }
        true
    }

    fn wrong_pin(&mut self, leg: LegId) {
        let Some(visit) = self.visits.get_mut(&leg) else {
            return;
        };
        visit.tries_left = visit.tries_left.saturating_sub(1);
        if visit.tries_left == 0 {
            self.say_last_in_box(leg, vec![Announcement::Wrong, Announcement::Goodbye]);
        } else {
            visit.stage = Stage::Pin(Pin(String::new()));
            self.say_in_box(leg, vec![Announcement::Wrong, Announcement::EnterPin]);
        }
    }

    fn visit_key(&mut self, leg: LegId, digit: char) {
        let Some(visit) = self.visits.get_mut(&leg) else {
            return;
        };
        visit.reminded = false;
        match &visit.stage {
            Stage::Pin(_) => self.pin_key(leg, digit),
            Stage::Menu => self.menu_key(leg, digit),
            &(Stage::Intro(at) | Stage::Message(at) | Stage::After(at)) => self.message_key(leg, at, digit),
            &Stage::Own(which) => self.own_key(leg, which, digit),
            &Stage::Speaking(which) if digit == '#' => self.stop_speaking(leg, which),
            &Stage::Review(which) => self.review_key(leg, which, digit),
            Stage::Prompting(_)
            | Stage::Speaking(_)
            | Stage::Checking { .. }
            | Stage::Listing { .. }
            | Stage::Storing { .. }
            | Stage::Farewell
            | Stage::Closing => {}
        }
    }

    fn main_menu(&mut self, leg: LegId, mut before: Vec<Announcement>) {
        self.set_stage(leg, Stage::Menu);
        before.extend(words(&[BoxWords::MainMenu]));
        self.say_in_box(leg, before);
    }

    fn menu_key(&mut self, leg: LegId, digit: char) {
        match digit {
            '1' => self.first_message(leg),
            '2' => self.own_menu(leg, OwnRecording::Greeting, vec![]),
            '3' => self.own_menu(leg, OwnRecording::Name, vec![]),
            '#' => self.say_last_in_box(leg, vec![Announcement::Goodbye]),
            _ => self.main_menu(leg, vec![]),
        }
    }

    /// Whether what has come to its end belonged to a visit.
    pub(crate) fn visit_spoke(&mut self, leg: LegId, token: PlaybackToken) -> bool {
        let Some(visit) = self.visits.get_mut(&leg) else {
            return false;
        };
        if visit.token != Some(token) {
            return matches!(visit.host, Host::Desk(_));
        }
        if !self.visit_lives(leg) {
            return true;
        }
        let Some(visit) = self.visits.get_mut(&leg) else {
            return true;
        };
        visit.token = None;
        let next = std::mem::take(&mut visit.next_words);
        if !next.is_empty() {
            self.say_in_box(leg, next);
            return true;
        }
        match visit.stage {
            Stage::Intro(at) => self.play_message(leg, at),
            Stage::Message(at) => self.message_over(leg, at),
            Stage::Prompting(which) => self.start_speaking(leg, which),
            Stage::Farewell => self.close_visit(leg),
            _ => {
                self.tick(leg);
                self.wait_patiently(leg);
            }
        }
        true
    }

    /// Whether the timer belonged to a visit.
    pub(crate) fn visit_waited(&mut self, leg: LegId, kind: TimerKind) -> bool {
        if !self.visits.contains_key(&leg) {
            return false;
        }
        if kind == TimerKind::Close {
            return self.forget_visit(leg);
        }
        if kind != TimerKind::Digits {
            return false;
        }
        if !self.visit_lives(leg) {
            return true;
        }
        let Some(visit) = self.visits.get_mut(&leg) else {
            return true;
        };
        if let Some(token) = visit.token {
            // Its end was not told.
            return self.visit_spoke(leg, token);
        }
        match &visit.stage {
            Stage::Pin(keys) if !keys.0.is_empty() => self.pin_given(leg),
            Stage::Checking { .. } | Stage::Listing { .. } => {
                self.say_last_in_box(leg, vec![Announcement::Unavailable]);
            }
            &Stage::Speaking(which) | &Stage::Storing { which, .. } => self.not_recorded(leg, which),
            Stage::Farewell => self.close_visit(leg),
            _ if std::mem::replace(&mut visit.reminded, true) => {
                self.say_last_in_box(leg, vec![Announcement::Goodbye]);
            }
            Stage::Pin(_) => self.say_in_box(leg, vec![Announcement::EnterPin]),
            Stage::Menu => self.main_menu(leg, vec![]),
            &Stage::Own(which) => self.own_menu(leg, which, vec![]),
            Stage::Review(_) => self.say_in_box(leg, words(&[BoxWords::ReviewMenu])),
            _ => self.say_in_box(leg, words(&[BoxWords::MessageMenu])),
        }
        true
    }

    fn close_visit(&mut self, leg: LegId) {
        let Some(visit) = self.visits.get_mut(&leg) else {
            return;
        };
        visit.stage = Stage::Closing;
        match visit.host.clone() {
            Host::Desk(_) => {
                self.cx.timers.cancel_leg(leg);
                let late = self.cx.now.plus(self.cx.timeouts.close);
                self.cx.timers.set(leg, TimerKind::Close, late);
                self.cx.push(Effect::CloseLeg {
                    leg,
                    cause: cause::local(CauseReason::NormalClearing),
                });
            }
            Host::Own => {
                self.forget_visit(leg);
                let id = self.cx.served_by(leg);
                if let Some(call) = self.calls.get_mut(&id) {
                    call.hang_up(&mut self.cx, EndedBy::System);
                }
                self.settle(id);
            }
            Host::Greeting(id) => {
                self.forget_visit(leg);
                if let Some(call) = self.calls.get_mut(&id) {
                    call.message_full(&mut self.cx);
                }
                self.settle(id);
            }
        }
    }
}
