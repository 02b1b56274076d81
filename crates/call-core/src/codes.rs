//! Rule T13: while no portal of the user is connected, codes keyed on the telephone control the call.
//!
//! ```text
//!  **0           the other party is let go; after an outgoing call another number may be keyed in, ended by #; in a
//!                conference whoever was called last
//!  **1           the other call, while one is held; else the call is held, or taken up again
//!  **2, **3      the call that waits is taken, or refused
//!  **4           the other parties of both calls are put through to each other
//!  **5           a conference of both calls
//!  **6           the user is not heard by the other party, or again
//!  **7 code #    the call is booked to this account code, where the site has them
//!  **9           telecommuter mode ends with the calls that are up
//! ```
//!
//! The telephone's keys do not reach the other party by themselves then ([`Effect::RelayKeys`]): from a `*` on they are
//! kept back, and passed on as soon as they can be no code. While a portal is connected, they pass untouched.

use crate::call::{Call, FarFailure, Phase};
use crate::commands::Done;
use crate::context::Context;
use crate::leg::Way;
use crate::{Announcement, Dialled, Effect, LegId, PlaybackToken, Secret, Switch, TimerKind, Tone, cause};
use ponte_protocol::account_code::ACCOUNT_CODE_MAX;
use ponte_protocol::{CallId, CauseReason, DialString, EndedBy, LegRole, Refusal, UnixMillis, UserId};

/// How long the next key of a code may take, in milliseconds: a menu that was meant waits no longer for its `*`.
const NEXT_KEY_MS: u64 = 2_000;
/// What an account code is keyed in after.
const ACCOUNT: &str = "**7";
/// The most digits of a number that is keyed in.
const NUMBER_MAX: usize = 32;

/// What a user has keyed in and nobody has heard yet.
#[derive(Debug, Default)]
pub(crate) struct Keyed {
    /// The leg and the call in which: what was begun in another is forgotten.
    of: Option<(LegId, CallId)>,
    code: Secret<String>,
    /// When the last key was pressed.
    at: UnixMillis,
    /// A number that is being keyed in after `**0`.
    number: Secret<String>,
    asked: Option<Asked>,
}

/// A number that the host reads.
#[derive(Clone, Debug)]
struct Asked {
    ask: u64,
    typed: DialString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    LetGo,
    Swap,
    Accept,
    Reject,
    PutThrough,
    Conference,
    Mute,
    /// The digits keyed after `**7`.
    Account,
    LeaveAfterCall,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Begun,
    Code(Code),
    /// Meant for the other party.
    NoCode,
}

/// `booked`: whether there are account codes.
fn read(keys: &str, booked: bool) -> Reading {
    if let Some(code) = keys.strip_prefix(ACCOUNT).filter(|_| booked) {
        let (digits, ended) = code
            .strip_suffix('#')
            .map_or((code, false), |digits| (digits, true));
        return if digits.len() > ACCOUNT_CODE_MAX || !digits.bytes().all(|key| key.is_ascii_digit()) {
            Reading::NoCode
        } else if ended {
            Reading::Code(Code::Account)
        } else {
            Reading::Begun
        };
    }
    match keys.as_bytes() {
        b"*" | b"**" => Reading::Begun,
        b"**0" => Reading::Code(Code::LetGo),
        b"**1" => Reading::Code(Code::Swap),
        b"**2" => Reading::Code(Code::Accept),
        b"**3" => Reading::Code(Code::Reject),
        b"**4" => Reading::Code(Code::PutThrough),
        b"**5" => Reading::Code(Code::Conference),
        b"**6" => Reading::Code(Code::Mute),
        b"**9" => Reading::Code(Code::LeaveAfterCall),
        _ => Reading::NoCode,
    }
}

/// How long the next key may take, in milliseconds: the digits of an account code are looked up while they are keyed in.
fn patience(keys: &str, digits_ms: u64) -> u64 {
    if keys.starts_with(ACCOUNT) {
        digits_ms
    } else {
        NEXT_KEY_MS
    }
}

impl Switch {
    /// A key on a leg that is no dialogue with the switch itself.
    pub(crate) fn key_pressed(&mut self, leg: LegId, digit: char) {
        let Some((user, call)) = self.commands_by_key(leg) else {
            self.with_answered(leg, |call, cx, role| {
                if role == LegRole::User {
                    call.user_pressed(cx, digit);
                }
            });
            return;
        };
        let now = self.cx.now;
        let digits_ms = self.cx.timeouts.digits;
        let Some(known) = self.users.get_mut(&user) else {
            return;
        };
        if known.keyed.of != Some((leg, call)) {
            known.keyed = Keyed {
                of: Some((leg, call)),
                ..Keyed::default()
            };
        }
        let stale = now.since(known.keyed.at) > patience(&known.keyed.code.0, digits_ms);
        let before = if stale {
            std::mem::take(&mut known.keyed.code.0)
        } else {
            String::new()
        };
        known.keyed.code.0.push(digit);
        known.keyed.at = now;
        let keys = known.keyed.code.0.clone();
        let booked = known.config.profile.account_codes.is_on();
        if !before.is_empty() {
            self.no_code(&user, call, leg, &before);
        }
        let reading = read(&keys, booked);
        if reading == Reading::Begun {
            let late = now.plus(patience(&keys, digits_ms));
            self.cx.timers.set(leg, TimerKind::Digits, late);
            return;
        }
        if let Some(known) = self.users.get_mut(&user) {
            known.keyed.code.0.clear();
        }
        self.cx.timers.cancel(leg, TimerKind::Digits);
        match reading {
            Reading::Code(code) => self.carry_out_code(&user, call, code, &keys),
            Reading::Begun | Reading::NoCode => self.no_code(&user, call, leg, &keys),
        }
        self.settle(call);
    }

    /// Whose call is controlled by the keys of this leg, if one is.
    fn commands_by_key(&mut self, leg: LegId) -> Option<(UserId, CallId)> {
        let (_, call, place) = self.active(leg)?;
        let ear = &call.legs[place];
        let remote = ear.role == LegRole::User
            && !ear.third
            && ear.is_answered()
            && matches!(ear.way, Way::Trunk(_) | Way::Browser);
        let in_call = matches!(
            call.phase,
            Phase::CallingFar
                | Phase::Connected { .. }
                | Phase::Held { .. }
                | Phase::FarFailed(_)
                | Phase::Standing { .. }
        );
        let (user, id) = (call.setup.user.clone(), call.id());
        let known = self.users.get(&user)?;
        let alone = known.portals == 0 && known.line.as_ref().is_some_and(|line| line.active == id);
        (remote && in_call && alone).then_some((user, id))
    }

    /// No further key has come.
    pub(crate) fn keys_waited(&mut self, leg: LegId) {
        let id = self.cx.served_by(leg);
        let Some(user) = self.calls.get(&id).map(|call| call.setup.user.clone()) else {
            return;
        };
        let Some(known) = self.users.get_mut(&user) else {
            return;
        };
        let keys = std::mem::take(&mut known.keyed.code.0);
        if keys.is_empty() {
            self.number_complete(&user, leg);
        } else if keys.len() > ACCOUNT.len() {
            // A pause ends an account code, as it ends a number.
            self.carry_out_code(&user, id, Code::Account, &keys);
        } else {
            self.no_code(&user, id, leg, &keys);
        }
    }

    /// The keys are no code: the other party hears them, or they are a number to be dialled.
    fn no_code(&mut self, user: &UserId, id: CallId, leg: LegId, keys: &str) {
        if self
            .calls
            .get(&id)
            .is_some_and(|call| matches!(call.phase, Phase::FarFailed(_)))
        {
            self.dial_keys(user, id, leg, keys);
        } else if let Some(leg) = self.hearing_far(id) {
            let digits = Secret(keys.to_owned());
            self.cx.push(Effect::SendDtmf { leg, digits });
        }
    }

    /// The leg of the other party, if it hears the user.
    pub(crate) fn hearing_far(&self, id: CallId) -> Option<LegId> {
        let call = self
            .calls
            .get(&id)
            .filter(|call| call.bridged || call.ties.room.is_some())?;
        match call.other_half() {
            Some(other) => self.calls.get(&other).and_then(Call::active_user_leg),
            None => call.active_far().map(|far| far.id),
        }
    }

    /// `keys`: all that was keyed in of it.
    fn carry_out_code(&mut self, user: &UserId, id: CallId, code: Code, keys: &str) {
        let Some(line) = self.line(user) else { return };
        let stands = self.calls.get(&id).is_some_and(Call::stands);
        let done = match code {
            // No other party is there to be let go.
            Code::LetGo | Code::Swap if stands => false,
            Code::LetGo if self.drop_latest(id) => true,
            Code::LetGo => {
                let another = !line.held.is_empty() || line.waiting.is_some();
                if let Some(call) = self.calls.get_mut(&id) {
                    if another || call.is_incoming() {
                        call.hang_up(&mut self.cx, EndedBy::UserLeg);
                    } else {
                        call.let_far_go(&mut self.cx);
                    }
                }
                if let Some(user) = self.users.get_mut(user) {
                    user.keyed = Keyed::default();
                }
                true
            }
            Code::Swap => match line.held.last() {
                Some(held) => self.turn_by_key(user, *held),
                None => self.hold_by_key(user, id),
            },
            Code::PutThrough => line.held.last().is_some_and(|held| {
                let done = self.transfer_to(user, id, *held);
                self.done_by_key(done)
            }),
            Code::Conference => line.held.last().is_some_and(|held| {
                let done = self.merge(user, id, *held);
                self.done_by_key(done)
            }),
            Code::Mute => {
                let muted = self.toggle_mute(user, id);
                self.settle(id);
                if muted.is_some() {
                    self.beep_at(user);
                }
                muted.is_some()
            }
            Code::Accept => line
                .waiting
                .is_some_and(|waiting| self.turn_by_key(user, waiting)),
            Code::Reject => line.waiting.is_some_and(|waiting| {
                if let Some(call) = self.calls.get_mut(&waiting) {
                    let rejected = cause::local(CauseReason::Rejected);
                    call.divert(&mut self.cx, rejected, EndedBy::UserLeg);
                }
                self.settle(waiting);
                self.beep_at(user);
                true
            }),
            Code::Account => {
                let digits = keys.strip_prefix(ACCOUNT).unwrap_or_default();
                self.book_by_key(user, id, digits.trim_end_matches('#'))
            }
            Code::LeaveAfterCall => {
                if let Some(user) = self.users.get_mut(user) {
                    user.leaves_after_call = true;
                }
                self.beep_at(user);
                true
            }
        };
        if let Some(call) = self.calls.get_mut(&id).filter(|_| !done) {
            call.notice(&mut self.cx, Announcement::Wrong);
        }
    }

    fn turn_by_key(&mut self, user: &UserId, to: CallId) -> bool {
        let turned = self.turn_to(user, to).is_ok();
        self.settle(to);
        turned
    }

    /// The one call is held, or taken up again.
    fn hold_by_key(&mut self, user: &UserId, id: CallId) -> bool {
        let held = |call: &Call| matches!(call.phase, Phase::Held { .. });
        let done = if self.calls.get(&id).is_some_and(held) || self.has_left_room(id) {
            self.retrieve(user, id)
        } else {
            self.hold(user, id)
        };
        self.done_by_key(done)
    }

    fn done_by_key(&mut self, done: Result<Done, Refusal>) -> bool {
        if let Ok(Done::Call(call) | Done::Unseen(call)) = &done {
            self.settle(*call);
        }
        done.is_ok()
    }

    /// A code that shows no other effect is acknowledged.
    pub(crate) fn beep_at(&mut self, user: &UserId) {
        if let Some(leg) = self.ear_of(user) {
            self.cx.push(Effect::Beep { leg });
        }
    }

    /// After `**0`: a number, ended by # or by a pause.
    fn dial_keys(&mut self, user: &UserId, id: CallId, leg: LegId, keys: &str) {
        let Some(known) = self.users.get_mut(user) else {
            return;
        };
        let number = &mut known.keyed.number.0;
        number.extend(keys.chars().filter(char::is_ascii_digit));
        number.truncate(NUMBER_MAX);
        if number.is_empty() {
            return;
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.number_begun(&mut self.cx);
        }
        if keys.ends_with('#') {
            self.number_complete(user, leg);
        } else {
            let pause = self.cx.now.plus(self.cx.timeouts.digits);
            self.cx.timers.set(leg, TimerKind::Digits, pause);
        }
    }

    fn number_complete(&mut self, user: &UserId, leg: LegId) {
        let Some(known) = self.users.get_mut(user) else {
            return;
        };
        let number = std::mem::take(&mut known.keyed.number.0);
        let Ok(typed) = number.parse::<DialString>() else {
            return;
        };
        let PlaybackToken(ask) = self.cx.token();
        known.keyed.asked = Some(Asked {
            ask,
            typed: typed.clone(),
        });
        self.cx.push(Effect::ReadNumber { leg, typed, ask });
    }

    /// The host has read a number that was keyed in: it is dialled on the same leg, as by a portal.
    pub(crate) fn number_read(&mut self, leg: LegId, ask: u64, dialled: &Dialled) {
        let Some((user, id)) = self.commands_by_key(leg) else {
            return;
        };
        let waits = |call: &Call| matches!(call.phase, Phase::FarFailed(_));
        if !self.calls.get(&id).is_some_and(waits) {
            return;
        }
        let Some(known) = self.users.get_mut(&user) else {
            return;
        };
        let Some(asked) = known.keyed.asked.take_if(|asked| asked.ask == ask) else {
            return;
        };
        if let Err(refusal) = self.dial(&user, id, asked.typed, dialled, None)
            && let Some(call) = self.calls.get_mut(&id)
        {
            call.number_refused(&mut self.cx, &refusal);
        }
        self.settle(id);
    }

    pub(crate) fn portals_changed(&mut self, user: &UserId, portals: u32) {
        let Some(known) = self.users.get_mut(user) else {
            return;
        };
        known.portals = portals;
        if portals > 0 {
            let keys = std::mem::take(&mut known.keyed).code.0;
            if let Some(line) = known.line.clone()
                && !keys.is_empty()
                && let Some(leg) = self.hearing_far(line.active)
            {
                let digits = Secret(keys);
                self.cx.push(Effect::SendDtmf { leg, digits });
            }
        }
        self.set_relay(user);
    }

    /// Lets the keys of the user's ear pass, or keeps them back.
    pub(crate) fn set_relay(&mut self, user: &UserId) {
        let Some((line, relay)) = self
            .users
            .get(user)
            .and_then(|user| Some((user.line.clone()?, user.portals > 0)))
        else {
            return;
        };
        if let Some(call) = self.calls.get_mut(&line.active)
            && call.ear().is_some()
            && let Some(place) = call.latest(LegRole::User)
            && matches!(call.legs[place].way, Way::Trunk(_) | Way::Browser)
            && std::mem::replace(&mut call.legs[place].relays_keys, relay) != relay
        {
            let leg = call.legs[place].id;
            self.cx.push(Effect::RelayKeys { leg, relay });
        }
    }

    /// `**9` was keyed in, and the last call is over.
    pub(crate) fn leave_after_call(&mut self, user: &UserId) {
        let leaves = |user: &crate::user::User| user.leaves_after_call && user.line.is_none();
        if self.store_writable && self.users.get(user).is_some_and(leaves) {
            self.set_mode(user, ponte_protocol::Mode::Office, crate::NumberClass::Other);
        }
    }
}

impl Call {
    /// The user is done with the other party, and may key in another number.
    fn let_far_go(&mut self, cx: &mut Context) {
        let Some(ear) = self.answered_user_leg() else {
            return;
        };
        let cleared = match self.phase {
            Phase::Connected { .. } | Phase::Held { .. } => cause::local(CauseReason::NormalClearing),
            Phase::FarFailed(failure) => failure.cause,
            _ => cause::local(CauseReason::Cancelled),
        };
        self.unbridge(cx);
        if let Some(far) = self.active_far().map(|far| far.id) {
            self.close_leg(cx, far, cleared);
        }
        self.play_tone(cx, Tone::Dial);
        let until = cx.now.plus(cx.timeouts.redial);
        cx.timers.set(ear, TimerKind::Redial, until);
        self.set_phase(Phase::FarFailed(FarFailure {
            cause: cleared,
            by: EndedBy::UserLeg,
            until,
            announcement: None,
            extended: 0,
        }));
    }

    /// A key of another number: the tone ends, and the time for the number begins again.
    fn number_begun(&mut self, cx: &mut Context) {
        let Phase::FarFailed(failure) = self.phase else {
            return;
        };
        self.stop_playing(cx);
        let until = cx.now.plus(cx.timeouts.redial);
        if let Some(leg) = self.active_user_leg() {
            cx.timers.set(leg, TimerKind::Redial, until);
        }
        self.set_phase(Phase::FarFailed(FarFailure {
            until,
            announcement: None,
            ..failure
        }));
    }

    /// The number that was keyed in may not be dialled: the user hears so, and may key in another.
    fn number_refused(&mut self, cx: &mut Context, refusal: &Refusal) {
        let Phase::FarFailed(failure) = self.phase else {
            return;
        };
        let reason = match refusal {
            Refusal::InvalidNumber | Refusal::OwnNumber => Announcement::NoSuchNumber,
            Refusal::NoTrunk | Refusal::StoreUnavailable => Announcement::Unavailable,
            _ => Announcement::NotAllowed,
        };
        let announcement = self.announce(cx, None, vec![reason]);
        self.set_phase(Phase::FarFailed(FarFailure {
            announcement,
            extended: 0,
            ..failure
        }));
    }

    /// A word to the user over the call.
    fn notice(&mut self, cx: &mut Context, word: Announcement) {
        if self.bridged && matches!(self.phase, Phase::Connected { .. }) {
            self.notice = self.announce(cx, None, vec![word]);
        }
    }

    pub(crate) fn notice_spoken(&mut self, token: PlaybackToken) {
        if self.notice.take_if(|spoken| *spoken == token).is_some() {
            self.playback_over();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t13_every_code_begins_with_two_stars_and_ends_with_its_digit() {
        for (keys, reading) in [
            ("*", Reading::Begun),
            ("**", Reading::Begun),
            ("**0", Reading::Code(Code::LetGo)),
            ("**4", Reading::Code(Code::PutThrough)),
            ("**5", Reading::Code(Code::Conference)),
            ("**9", Reading::Code(Code::LeaveAfterCall)),
            ("**7", Reading::NoCode),
            ("***", Reading::NoCode),
            ("*1", Reading::NoCode),
            ("1", Reading::NoCode),
            ("#", Reading::NoCode),
        ] {
            assert_eq!(read(keys, false), reading, "{keys}");
        }
    }

    #[test]
    fn t13_an_account_code_is_begun_by_7_and_ended_by_the_hash_key() {
        for (keys, reading) in [
            ("**7", Reading::Begun),
            ("**71042", Reading::Begun),
            ("**71042#", Reading::Code(Code::Account)),
            ("**7#", Reading::Code(Code::Account)),
            ("**71234567890123456", Reading::Begun),
            ("**712345678901234567", Reading::NoCode),
            ("**71*", Reading::NoCode),
            ("**7A", Reading::NoCode),
            ("**6", Reading::Code(Code::Mute)),
        ] {
            assert_eq!(read(keys, true), reading, "{keys}");
        }
    }
}
