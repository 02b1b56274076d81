//! Rule T15: one leg of the user stays up for the working day, and calls are attached to it.
//!
//! The leg is the ear of a call of its own, which has no far party: the standing call. It is on the user's line like any
//! other, its leg is lent to the calls that are attached ([`Switch::move_ear`]) and comes back to it. Its record tells of the
//! whole day, with a line for each time that the telephone was called.
//!
//! ```text
//!  SetPersistentLeg ──▶ CallingUser ─▶ Confirming ─▶ Standing ◀──▶ (the leg is lent to a call)
//!                           ▲              │             │ dropped
//!                           │   not reached│             ▼
//!                           └───────────── Recalling ◀───┘      no try left, hung up, [`crate::Timeouts::stay`] ─▶ Ending
//! ```
//!
//! A call that comes in while the leg is idle waits for [`crate::Timeouts::whisper`], of which a tone in the ear tells, and
//! is then attached by itself; **Accept** attaches it at once, **Reject** sends it away. What a drop is,
//! [`crate::rescue`] says: the call that the leg was lent to calls the user again itself, and the leg that comes of that
//! stays up afterwards.

use crate::call::{Call, Phase};
use crate::commands::Done;
use crate::context::Context;
use crate::leg::{Leg, Way};
use crate::line::Line;
use crate::setup::{Far, Near, Setup};
use crate::user::{User, UserTelephone};
use crate::{Effect, LegId, Switch, TimerKind, Tone, cause, dial};
use ponte_protocol::{
    CallId, CallView, Cause, CauseReason, DialString, Direction, EndedBy, EventBody, LegRole, Mode,
    PersistentLeg, Refusal, UnixMillis, UserId,
};

/// After a drop, until the telephone is called again, in milliseconds; the last is followed by giving up.
const BACK_OFF_MS: [u64; 3] = [2_000, 15_000, 60_000];
/// A leg that stayed up this long, in milliseconds, was no failed attempt.
const STABLE_MS: u64 = 10 * 60_000;

/// What a user's standing call is at.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    pub(crate) call: Option<CallId>,
    /// Why the last one ended, where the user did not ask for that.
    ended: Option<Cause>,
    shown: PersistentLeg,
}

impl Switch {
    /// Where the user's leg that stays up stands.
    pub fn persistent_leg(&self, user: &UserId) -> PersistentLeg {
        let Some(user) = self.users.get(user) else {
            return PersistentLeg::Off;
        };
        let down = user
            .standing
            .ended
            .map_or(PersistentLeg::Off, |cause| PersistentLeg::Down { cause });
        let Some(call) = user.standing.call else {
            return down;
        };
        match self.calls.get(&call).map(|call| call.phase) {
            Some(Phase::CallingUser) => PersistentLeg::Calling { call },
            Some(Phase::Confirming { until, .. }) => PersistentLeg::Confirming { call, until },
            Some(Phase::Standing { since }) => PersistentLeg::Up { call, since },
            Some(Phase::Recalling { at }) => PersistentLeg::Recalling { call, at },
            _ => down,
        }
    }

    /// The call whose leg stays up, which portals are not shown, and since when it has been up at all; to be kept by the
    /// host as it keeps the calls that they are shown.
    pub fn standing_call(&self, user: &UserId) -> Option<(CallView, Option<UnixMillis>)> {
        let call = self.standing(user)?;
        Some((call.view(), call.connected_at))
    }

    fn standing(&self, user: &UserId) -> Option<&Call> {
        let id = self.users.get(user)?.standing.call?;
        self.calls.get(&id)
    }

    /// The standing call to which the leg at the ear of this call goes back.
    pub(crate) fn lender_of(&self, id: CallId) -> Option<CallId> {
        let call = self.calls.get(&id)?;
        let standing = self.standing(&call.setup.user)?;
        let lent = standing.lent()?;
        let has = call.active_user_leg() == Some(lent) && !call.stands();
        (has && matches!(standing.phase, Phase::Standing { .. })).then(|| standing.id())
    }

    /// Whether nothing has the user's line but a leg that stays up.
    pub(crate) fn stands_idle(&self, user: &UserId) -> bool {
        let line = self.line(user).map(|line| line.active);
        let idle = self.standing(user).filter(|call| Some(call.id()) == line);
        idle.is_some_and(|call| {
            matches!(call.phase, Phase::Standing { .. }) && call.ear().is_some() && !call.ties.held_by_ear
        })
    }

    pub(crate) fn set_persistent_leg(&mut self, id: &UserId, new: CallId, on: bool) -> Result<Done, Refusal> {
        let user = self.known_user(id)?;
        if !on {
            self.release_standing(id, EndedBy::Portal);
            return Ok(Done::Mode);
        }
        if user.standing.call.is_some() {
            return Ok(Done::Mode);
        }
        dial::check_user(user)?;
        dial::check_telephone(user)?;
        let (near, dialled, over_trunk) = match user.telephone()? {
            UserTelephone::Number { number, .. } => {
                (Near::Number(number.clone()), number.as_str().to_owned(), true)
            }
            UserTelephone::Browser => {
                let extension = user.config.profile.extension.clone();
                let dialled = extension.as_str().to_owned();
                (Near::Browser { extension }, dialled, false)
            }
        };
        let dialled: DialString = dialled.parse().map_err(|_| Refusal::InvalidNumber)?;
        let line_free = user.line.is_none();
        let now = self.cx.now;
        self.check_caps(id)?;
        let user = self.users.get_mut(id).ok_or(Refusal::UnknownUser)?;
        if !self.store_writable {
            return Err(Refusal::StoreUnavailable);
        }
        if line_free && over_trunk {
            if !self.cx.trunks.any_up() {
                return Err(Refusal::NoTrunk);
            }
            if self.cx.trunks.capacity() == 0 {
                return Err(Refusal::CapReached);
            }
        }
        if self.calls.contains_key(&new) || self.services.contains_key(&new) {
            return Err(Refusal::DuplicateId);
        }
        if let UserTelephone::Number {
            number,
            confirm: true,
        } = user.telephone()?
            && line_free
            && !user.may_attempt(number, now)
        {
            return Err(Refusal::Unconfirmed);
        }
        user.count_dial(now);
        user.calls.push(new);
        user.standing.call = Some(new);
        user.standing.ended = None;
        let setup = Setup {
            id: new,
            user: id.clone(),
            direction: Direction::Outgoing,
            dialled,
            near,
            far: Far::Nobody,
            caller_id: Some(user.config.profile.caller_id.clone()),
            confirm: false,
            user_no_answer_ms: user.config.user_no_answer_ms,
            voicemail: false,
            forwarded: crate::forward::Forwarded::default(),
            code: None,
        };
        // It costs like a call: no longer than the minutes of the day allow.
        let longest = self.cx.timeouts.stay.min(user.talk_left_ms(now)).max(1);
        let call = Call::new(&self.cx, setup, Phase::Recalling { at: now });
        self.cx
            .timers
            .set(call.clock(), TimerKind::Stay, now.plus(longest));
        self.calls.insert(new, call);
        self.recall(new);
        Ok(Done::Unseen(new))
    }

    /// The leg is to stay up no longer; a call that is attached to it goes on.
    pub(crate) fn release_standing(&mut self, id: &UserId, by: EndedBy) {
        let Some(user) = self.users.get_mut(id) else {
            return;
        };
        user.standing.ended = None;
        let call = user.standing.call.take();
        if let Some(call) = call {
            if let Some(known) = self.calls.get_mut(&call) {
                known.hang_up(&mut self.cx, by);
            }
            self.settle(call);
        }
        self.tidy_line(id);
        self.show_standing(id);
    }

    /// The user is to be reached elsewhere from here on.
    pub(crate) fn move_standing(&mut self, id: &UserId) {
        let Some(call) = self.standing(id).map(Call::id) else {
            return;
        };
        let gone = cause::local(CauseReason::NormalClearing);
        let now = self.cx.now;
        let found = self.whereabouts(id);
        if let Some(known) = self.calls.get_mut(&call) {
            if let Ok((near, _)) = found {
                known.setup.near = near;
            }
            if let Some(leg) = known.active_user_leg() {
                known.stop_playing(&mut self.cx);
                known.close_leg(&mut self.cx, leg, gone);
            }
            known.take_lent_back(gone, now);
            known.ties.tries = 0;
            known.wait_to_recall(&mut self.cx, now);
        }
        self.settle(call);
    }

    /// Rights or restrictions have changed.
    pub(crate) fn check_standing(&mut self, id: &UserId) {
        let Some(call) = self.standing(id).map(Call::id) else {
            return;
        };
        let allowed = |user: &User| {
            dial::check_user(user)
                .and_then(|()| dial::check_telephone(user))
                .is_ok()
        };
        if self.users.get(id).is_some_and(allowed) {
            return;
        }
        if let Some(known) = self.calls.get_mut(&call) {
            known.end(
                &mut self.cx,
                cause::local(CauseReason::Forbidden),
                EndedBy::System,
            );
        }
        self.settle(call);
    }

    /// The telephone is called, if the line is free; else when it becomes free.
    pub(crate) fn recall(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        if !matches!(call.phase, Phase::Recalling { .. }) {
            return;
        }
        let user = call.setup.user.clone();
        let now = self.cx.now;
        if self.line(&user).is_some() {
            return;
        }
        let found = self.whereabouts(&user);
        let (Some(call), Some(known)) = (self.calls.get_mut(&id), self.users.get_mut(&user)) else {
            return;
        };
        match found {
            Ok((near, confirm)) if dial::check_user(known).is_ok() => {
                if let (Near::Number(number), true) = (&near, confirm) {
                    known.count_attempt(number, now);
                }
                known.line = Some(Line::of(id));
                call.setup.near = near;
                call.setup.confirm = confirm;
                call.user_from = call.legs.len();
                call.set_phase(Phase::CallingUser);
                call.call_user(&mut self.cx);
            }
            Ok(_) => call.end(
                &mut self.cx,
                cause::local(CauseReason::Forbidden),
                EndedBy::System,
            ),
            Err(reason) => call.end(&mut self.cx, cause::local(reason), EndedBy::System),
        }
    }

    /// A call that comes in is attached to the leg that is up, or waits until it is. Whether that is so.
    pub(crate) fn offer_to_standing(&mut self, user: &UserId, id: CallId) -> bool {
        let Some(mut line) = self.line(user).filter(|line| line.waiting.is_none()) else {
            return false;
        };
        let idle = self.stands_idle(user);
        let called = self.standing(user).is_some_and(|call| {
            call.id() == line.active
                && matches!(
                    call.phase,
                    Phase::CallingUser | Phase::Confirming { .. } | Phase::Recalling { .. }
                )
        });
        let patience = match self.users.get(user) {
            Some(_) if idle => self.cx.timeouts.whisper,
            Some(known) if called => known.config.settings.no_answer_ms,
            _ => return false,
        };
        line.waiting = Some(id);
        self.set_line(user, Some(line));
        let until = self.cx.now.plus(patience.max(1));
        if let Some(call) = self.calls.get_mut(&id) {
            self.cx.timers.set(call.clock(), TimerKind::Waiting, until);
            call.set_phase(Phase::Waiting { until });
            call.ring_back(&mut self.cx, LegRole::Far);
        }
        if idle && let Some(leg) = self.ear_of(user) {
            self.cx.push(Effect::Whisper { leg });
        }
        self.tidy_line(user);
        true
    }

    /// A call has waited: it is attached if it waits for the end of the whisper. Whether that is so.
    pub(crate) fn attach(&mut self, id: CallId) -> bool {
        let Some(call) = self.calls.get(&id) else {
            return false;
        };
        let user = call.setup.user.clone();
        let waits = matches!(call.phase, Phase::Waiting { .. })
            && self.line(&user).is_some_and(|line| line.waiting == Some(id));
        if !waits || !self.stands_idle(&user) {
            return false;
        }
        self.switch_to(&user, id);
        true
    }

    /// The leg is at the user's ear and no call has it: whoever waits for it is attached.
    pub(crate) fn stand_by(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.idle(&mut self.cx);
        let user = call.setup.user.clone();
        let waiting = self.line(&user).and_then(|line| line.waiting);
        if let Some(waiting) = waiting {
            if let Some(line) = self.users.get_mut(&user).and_then(|user| user.line.as_mut()) {
                line.waiting = None;
            }
            if let Some(call) = self.calls.get(&waiting) {
                call.stop_waiting(&mut self.cx);
            }
            self.offer_to_standing(&user, waiting);
            self.settle_one(waiting);
        }
    }

    /// Brings the standing call up to date with the user's line.
    pub(crate) fn tidy_standing(&mut self, user: &UserId) {
        let Some(call) = self.standing(user) else {
            return self.show_standing(user);
        };
        let id = call.id();
        match call.phase {
            Phase::Ending { cause, by, .. } => {
                if let Some(user) = self.users.get_mut(user) {
                    user.standing.call = None;
                    user.standing.ended = (by != EndedBy::Portal).then_some(cause);
                }
            }
            Phase::Standing { .. } => self.look_for_lent(user, id),
            Phase::Recalling { at } if at <= self.cx.now && self.line(user).is_none() => {
                self.recall(id);
                self.settle_one(id);
            }
            Phase::Recalling { .. } => self.borrow_back(user, id),
            _ => {}
        }
        self.leave_when_idle(user);
        self.show_standing(user);
    }

    /// Whether the leg that was lent is still where it was lent to.
    fn look_for_lent(&mut self, user: &UserId, id: CallId) {
        let Some(lent) = self.calls.get(&id).and_then(Call::lent) else {
            return;
        };
        let holder = self.calls.get(&self.cx.served_by(lent));
        let known = holder.and_then(|call| call.place_of(lent).map(|place| (call, &call.legs[place])));
        if known.is_some_and(|(_, leg)| leg.is_active()) {
            return;
        }
        // The leg is forgotten when it is over: whoever had it last knows why.
        let calls = self.users.get(user).map_or(&[][..], |user| &user.calls[..]);
        let had = calls.iter().filter(|call| **call != id).find_map(|call| {
            let call = self.calls.get(call)?;
            let leg = &call.legs[call.place_of(lent)?];
            Some((leg.cause()?, call.rescue.is_some()))
        });
        let (why, rescued) = had.unwrap_or((cause::local(CauseReason::NormalClearing), false));
        let now = self.cx.now;
        if let Some(call) = self.calls.get_mut(&id) {
            call.take_lent_back(why, now);
            if rescued || why.reason != CauseReason::NormalClearing {
                call.dropped(&mut self.cx, why, EndedBy::System);
            } else {
                call.end(&mut self.cx, why, EndedBy::UserLeg);
            }
        }
        self.settle_one(id);
    }

    /// The user's telephone is up in a call: that leg is the one that stays.
    fn borrow_back(&mut self, user: &UserId, id: CallId) {
        let Some(line) = self.line(user) else { return };
        let (Some(standing), Some(call)) = (self.calls.get(&id), self.calls.get(&line.active)) else {
            return;
        };
        let up = matches!(
            call.phase,
            Phase::Connected { .. } | Phase::Held { .. } | Phase::CallingFar | Phase::FarFailed(_)
        );
        let Some(place) = call.latest(LegRole::User) else {
            return;
        };
        let leg = &call.legs[place];
        let fits = match (&standing.setup.near, &leg.way) {
            (Near::Number(number), Way::Trunk(_)) => leg.number() == number.as_str(),
            (Near::Browser { .. }, Way::Browser) => true,
            _ => false,
        };
        if line.active == id || !up || !fits || call.ear() != Some(leg.id) || !standing.may_add_leg() {
            return;
        }
        let mut lent = leg.taken_over(self.cx.now);
        lent.away = true;
        let now = self.cx.now;
        if let Some(standing) = self.calls.get_mut(&id) {
            self.cx.timers.cancel(standing.clock(), TimerKind::Recall);
            // It may have stood by this leg before, and have let it go.
            if let Some(place) = standing.place_of(lent.id) {
                let mut known = standing.legs.remove(place);
                known.come_again(&lent);
                known.away = true;
                standing.legs.push(known);
            } else {
                standing.add_leg(lent);
            }
            standing.stands_since(now);
        }
        self.tidy_line(user);
    }

    /// `**9` was keyed in, and the last call is over.
    fn leave_when_idle(&mut self, user: &UserId) {
        let leaves = self.users.get(user).is_some_and(|user| user.leaves_after_call);
        let waits = self.line(user).is_some_and(|line| line.waiting.is_some());
        if leaves && !waits && self.store_writable && self.stands_idle(user) {
            self.set_mode(user, Mode::Office, crate::NumberClass::Other);
        }
    }

    fn show_standing(&mut self, id: &UserId) {
        let leg = self.persistent_leg(id);
        if let Some(user) = self.users.get_mut(id)
            && user.standing.shown != leg
        {
            user.standing.shown = leg;
            self.cx.push(Effect::Notify {
                user: id.clone(),
                body: EventBody::PersistentLegChanged { leg },
            });
        }
    }
}

impl Call {
    /// Whether it is a leg that stays up rather than a call to somebody.
    pub(crate) fn stands(&self) -> bool {
        matches!(self.setup.far, Far::Nobody) && self.setup.code.is_none()
    }

    /// The leg that is at another call of the user.
    fn lent(&self) -> Option<LegId> {
        let leg = &self.legs[self.latest(LegRole::User)?];
        (leg.away && !leg.has_ended()).then_some(leg.id)
    }

    fn take_lent_back(&mut self, why: Cause, now: UnixMillis) {
        for leg in &mut self.legs {
            if leg.away {
                leg.finish(why, now);
            }
        }
        self.touch();
    }

    /// A person is at the telephone: it stays up from here on.
    pub(crate) fn stand_up(&mut self, cx: &mut Context) {
        self.stop_playing(cx);
        self.stands_since(cx.now);
        cx.crossings
            .push_back(crate::join::Crossing::StandBy { call: self.id() });
    }

    fn stands_since(&mut self, now: UnixMillis) {
        self.connected_at.get_or_insert(now);
        self.set_phase(Phase::Standing { since: now });
    }

    /// The leg is back from a call, or new: silence, but packets.
    fn idle(&mut self, cx: &mut Context) {
        if matches!(self.phase, Phase::Standing { .. }) {
            self.play_tone(cx, Tone::Silence);
        }
    }

    fn wait_to_recall(&mut self, cx: &mut Context, at: UnixMillis) {
        cx.timers.set(self.clock(), TimerKind::Recall, at);
        self.set_phase(Phase::Recalling { at });
    }

    /// The telephone was not reached.
    pub(crate) fn stand_failed(&mut self, cx: &mut Context, cause: Cause, by: EndedBy) {
        let refused = matches!(cause.reason, CauseReason::Declined | CauseReason::Rejected);
        match BACK_OFF_MS.get(usize::from(self.ties.tries)) {
            // Who never was there is not called again, nor who does not want to be.
            Some(pause) if self.connected_at.is_some() && !refused && self.may_add_leg() => {
                self.ties.tries += 1;
                let at = cx.now.plus(*pause);
                self.wait_to_recall(cx, at);
            }
            _ => self.end(cx, cause, by),
        }
    }

    /// The leg that stays up is over, while no call has it or before it was up.
    pub(crate) fn stand_lost(&mut self, cx: &mut Context, cause: Cause, by: EndedBy, hung_up: bool) {
        match self.phase {
            Phase::Standing { .. } if hung_up => self.end(cx, cause, by),
            Phase::Standing { .. } => self.dropped(cx, cause, by),
            Phase::Confirming { .. } if hung_up => {
                self.stand_failed(cx, cause::local(CauseReason::NotConfirmed), by);
            }
            Phase::CallingUser | Phase::Confirming { .. } => self.stand_failed(cx, cause, by),
            // It was told to close, because the user is elsewhere now.
            Phase::Recalling { .. } => {}
            _ => self.end(cx, cause, by),
        }
    }

    fn dropped(&mut self, cx: &mut Context, cause: Cause, by: EndedBy) {
        if let Phase::Standing { since } = self.phase
            && cx.now.since(since) >= STABLE_MS
        {
            self.ties.tries = 0;
        }
        self.playback_over();
        self.ties.held_by_ear = false;
        self.stand_failed(cx, cause, by);
    }

    /// The leg may stay up no longer.
    pub(crate) fn stayed_too_long(&mut self, cx: &mut Context) {
        self.end(cx, cause::local(CauseReason::NormalClearing), EndedBy::System);
    }
}

impl Leg {
    fn number(&self) -> &str {
        &self.party.number
    }
}
