//! A call goes on at another telephone of its user (ADR 21): the new one is called while the present one goes on, and takes
//! its place when somebody is there; the present one is let go a moment later.
//!
//! ```text
//!   Move            answered, confirmed               Overlap
//!   E ══ far   ──▶  E ══ far   N rings   ──▶  N ══ far   E listens   ──▶  N ══ far
//!                       │ N: busy, no answer, nobody confirms, StopMove
//!                       └──▶ E ══ far
//! ```
//!
//! N is a leg *beside* the ear until then, and E is one afterwards: whatever asks for the user's leg does not see them.
//! Whoever hangs up E meanwhile goes on at N: the other party waits. What takes the call from the ear ends the move.

use crate::call::{Call, Phase};
use crate::commands::Done;
use crate::context::Context;
use crate::leg::{Leg, Party, Way};
use crate::setup::{Far, Near};
use crate::user::User;
use crate::{
    Announcement, Dialled, Effect, LegId, LegTarget, NumberClass, Playback, PlaybackToken, Switch,
    SwitchDestination, TimerKind, Tone, TrunkId, cause, dial,
};
use ponte_protocol::{CallId, Cause, CauseReason, EndedBy, LegRole, MoveView, Refusal, UnixMillis, UserId};

/// The key that says "it is me".
const CONFIRM_KEY: char = '1';
/// The key that leaves the call where it is.
const REJECT_KEY: char = '2';

/// A move that is under way.
#[derive(Debug)]
pub(crate) struct Moving {
    to: Near,
    label: Option<String>,
    confirm: bool,
    /// The leg at the ear when it began.
    from: LegId,
    /// One for each trunk that was tried; the last is the one that is called now.
    attempts: Vec<LegId>,
    confirming: Option<Confirming>,
    /// The user has hung up the telephone that the call was on.
    left_behind: bool,
}

impl Moving {
    /// The new telephone has come by itself: `leg` is answered. `held`: the other party is to be taken up there.
    pub(crate) fn arrived(to: Near, from: LegId, leg: LegId, held: bool) -> Self {
        Self {
            to,
            label: None,
            confirm: false,
            from,
            attempts: vec![leg],
            confirming: None,
            left_behind: held,
        }
    }
}

/// The new telephone was answered, and nobody has confirmed yet.
#[derive(Debug)]
struct Confirming {
    until: UnixMillis,
    /// The prompt that is being spoken; `None` in the pause between two.
    prompt: Option<PlaybackToken>,
}

impl Switch {
    pub(crate) fn move_call(
        &mut self,
        user: &UserId,
        id: CallId,
        to: SwitchDestination,
    ) -> Result<Done, Refusal> {
        let now = self.cx.now;
        let known = self.known_user(user)?;
        if !known.config.profile.telecommuter_allowed {
            return Err(Refusal::NotPermitted);
        }
        // The leg that stays up is where the user is, and no call's own.
        if known.standing.call.is_some() {
            return Err(Refusal::WrongState);
        }
        let at_ear = self.movable(user, id)?;
        let (near, label, confirm) = match to {
            SwitchDestination::Desk => (self.desk_to_move_to(user, at_ear)?, None, false),
            to => where_to(self.known_user(user)?, to)?,
        };
        self.check_caps(user)?;
        let call = self.calls.get(&at_ear).ok_or(Refusal::UnknownCall)?;
        if !call.may_add_leg() {
            return Err(Refusal::CapReached);
        }
        let from = call.ear().ok_or(Refusal::WrongState)?;
        let known = self.users.get_mut(user).ok_or(Refusal::UnknownUser)?;
        if let Near::Number(number) = &near {
            if matches!(&call.setup.near, Near::Number(here) if here == number) {
                return Err(Refusal::WrongState);
            }
            if !self.store_writable {
                return Err(Refusal::StoreUnavailable);
            }
            if !self.cx.trunks.any_up() {
                return Err(Refusal::NoTrunk);
            }
            if self.cx.trunks.capacity() == 0 {
                return Err(Refusal::CapReached);
            }
            if confirm && !known.may_attempt(number, now) {
                return Err(Refusal::Unconfirmed);
            }
            if confirm {
                known.count_attempt(number, now);
            }
            known.count_dial(now);
        }
        if let Some(call) = self.calls.get_mut(&at_ear) {
            let moving = Moving {
                to: near,
                label,
                confirm,
                from,
                attempts: Vec::new(),
                confirming: None,
                left_behind: false,
            };
            call.begin_move(&mut self.cx, moving);
        }
        Ok(Done::Call(at_ear))
    }

    /// The telephone on the user's desk, if the call at the ear is not there.
    fn desk_to_move_to(&self, user: &UserId, at_ear: CallId) -> Result<Near, Refusal> {
        let desk = self.devices.on_desk_of(user).ok_or(Refusal::UnknownDevice)?;
        if !desk.registered {
            return Err(Refusal::DeviceOffline);
        }
        let device = desk.config.id.clone();
        let call = self.calls.get(&at_ear).ok_or(Refusal::UnknownCall)?;
        let ear = call.ear().and_then(|ear| call.place_of(ear));
        if ear.is_some_and(|ear| matches!(&call.legs[ear].way, Way::Device(here) if *here == device)) {
            return Err(Refusal::WrongState);
        }
        let extension = self.known_user(user)?.config.profile.extension.clone();
        Ok(Near::Device { device, extension })
    }

    /// The call at the ear by which `id` stands on the line, if it can be moved.
    pub(crate) fn movable(&self, user: &UserId, id: CallId) -> Result<CallId, Refusal> {
        let line = self.line(user).ok_or(Refusal::WrongState)?;
        let at_ear = self.on_line(&line, id).ok_or(Refusal::WrongState)?;
        let call = self.calls.get(&at_ear).ok_or(Refusal::UnknownCall)?;
        if call.moving.is_some() {
            return Err(Refusal::AlreadyMoving);
        }
        let person = !matches!(call.setup.far, Far::Emergency(_) | Far::Mailbox | Far::Nobody);
        if at_ear != line.active || !self.is_settled(call) || call.ear().is_none() || !person {
            return Err(Refusal::WrongState);
        }
        Ok(at_ear)
    }

    /// Whether a call is up or held, with a person at its other side.
    fn is_settled(&self, call: &Call) -> bool {
        // A message is recorded from the leg that is at the ear.
        let leaves_message = call
            .other_half()
            .and_then(|other| self.calls.get(&other))
            .is_some_and(|other| matches!(other.phase, Phase::Voicemail(_)));
        matches!(call.phase, Phase::Connected { .. } | Phase::Held { .. })
            && !call.ties.detached
            && call.ties.put_to.is_none()
            && !leaves_message
    }

    /// **Stop** in a portal.
    pub(crate) fn stop_move(&mut self, user: &UserId, id: CallId) -> Result<Done, Refusal> {
        let at_ear = self.moving_at_ear(user, id).ok_or(Refusal::WrongState)?;
        if let Some(call) = self.calls.get_mut(&at_ear) {
            call.give_up_move(&mut self.cx, CauseReason::Cancelled);
        }
        Ok(Done::Call(at_ear))
    }

    /// The call at the ear by which `id` stands on the line, while it is being moved.
    fn moving_at_ear(&self, user: &UserId, id: CallId) -> Option<CallId> {
        let line = self.line(user)?;
        let at_ear = self.on_line(&line, id)?;
        self.calls.get(&at_ear)?.moving.as_ref().map(|_| at_ear)
    }

    /// **Accept** in a portal, where the new telephone waits for it; whether it did.
    pub(crate) fn accept_move(&mut self, user: &UserId, id: CallId) -> bool {
        let waits = self.moving_at_ear(user, id).filter(|at_ear| {
            let moving = self.calls.get(at_ear).and_then(|call| call.moving.as_ref());
            moving.is_some_and(|moving| moving.confirming.is_some())
        });
        if let Some(at_ear) = waits {
            self.person_at_newcomer(at_ear, true);
        }
        waits.is_some()
    }

    /// A key on a leg beside the ear; `false` for any other leg.
    pub(crate) fn key_beside(&mut self, leg: LegId, digit: char) -> bool {
        let Some((cx, call, place)) = self.active(leg) else {
            return false;
        };
        if !call.legs[place].beside {
            return false;
        }
        let id = call.id();
        let confirming = call.is_asked_beside(leg);
        match digit {
            CONFIRM_KEY if confirming => self.person_at_newcomer(id, true),
            REJECT_KEY if confirming => call.give_up_move(cx, CauseReason::Rejected),
            _ => {}
        }
        self.settle(id);
        true
    }

    /// The new telephone was answered.
    pub(crate) fn newcomer_answered(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(moving) = &call.moving else { return };
        if moving.confirm {
            call.ask_newcomer(&mut self.cx, None);
        } else {
            self.person_at_newcomer(id, false);
        }
    }

    /// A person is at the new telephone: it takes the place of the one at the ear.
    fn person_at_newcomer(&mut self, id: CallId, confirmed: bool) {
        let now = self.cx.now;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(moving) = call.moving.take() else { return };
        let Some(&new) = moving.attempts.last() else {
            return;
        };
        self.cx.timers.cancel_leg(new);
        if moving
            .confirming
            .is_some_and(|confirming| confirming.prompt.is_some())
        {
            self.cx.push(Effect::StopPlaying { leg: new });
        }
        let tone = call.tone();
        let old = call.ear();
        if let Some(old) = old {
            call.stop_playing(&mut self.cx);
            self.cx.push(Effect::TakePlace { leg: new, of: old });
            call.step_aside(&mut self.cx, old);
        }
        call.playback_over();
        call.notice = None;
        call.ties.held_by_ear = false;
        call.setup.near = moving.to;
        call.setup.confirm = moving.confirm;
        call.just_confirmed |= confirmed;
        call.move_failed = None;
        let Some(place) = call.place_of(new) else { return };
        call.legs[place].beside = false;
        let ear = call.legs[place].clone();
        call.touch();
        if let (Some(tone), false) = (tone, moving.left_behind) {
            call.play_tone(&mut self.cx, tone);
        }
        let user = call.setup.user.clone();
        let others = self
            .users
            .get(&user)
            .map_or_else(Vec::new, |user| user.calls.clone());
        for other in others {
            let Some(other) = self.calls.get_mut(&other) else {
                continue;
            };
            let lent = |leg: &Leg| leg.away && leg.id == moving.from;
            let Some(place) = other.legs.iter().position(lent) else {
                continue;
            };
            other.legs[place].finish(cause::local(CauseReason::Moved), now);
            let mut ear = ear.taken_over(now);
            ear.away = true;
            other.add_leg(ear);
        }
        if moving.left_behind && self.calls.get(&id).is_some_and(|call| call.ties.room.is_none()) {
            self.take_up(id);
        }
        // A conference of the other user hears this one by another leg.
        if let Some(other) = self.calls.get(&id).and_then(Call::other_half) {
            self.settle_one(other);
        }
    }

    /// A move goes on only as long as its call is the one at the ear.
    pub(crate) fn tidy_move(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        if call.moving.is_none() {
            return;
        }
        let at_ear = self.line(&call.setup.user).is_some_and(|line| line.active == id);
        if (!at_ear || !self.is_settled(call))
            && let Some(call) = self.calls.get_mut(&id)
        {
            // Whom the user has given away or parked, and then hung up on, is not left alone.
            if call.ties.detached
                && let Some(moving) = &mut call.moving
            {
                moving.left_behind = false;
            }
            call.give_up_move(&mut self.cx, CauseReason::Cancelled);
            // Nobody asks about it any more.
            call.move_failed = None;
        }
    }
}

/// Where the user may be called (rules T1 and T2), the name that the user gave it, and whether a person must confirm there.
fn where_to(user: &User, to: SwitchDestination) -> Result<(Near, Option<String>, bool), Refusal> {
    match to {
        SwitchDestination::Number {
            dialled,
            label,
            confirm,
        } => {
            let number = dial::check_destination(user, &dialled)?;
            let mobile = matches!(
                dialled,
                Dialled::External {
                    class: NumberClass::Mobile,
                    ..
                }
            );
            Ok((Near::Number(number), label, confirm.unwrap_or(mobile)))
        }
        SwitchDestination::Browser if user.config.profile.browser_allowed => {
            let extension = user.config.profile.extension.clone();
            Ok((Near::Browser { extension }, None, false))
        }
        SwitchDestination::Browser | SwitchDestination::Desk => Err(Refusal::Unsupported),
    }
}

impl Call {
    fn begin_move(&mut self, cx: &mut Context, moving: Moving) {
        self.moving = Some(moving);
        self.move_failed = None;
        self.touch();
        if !self.call_newcomer(cx) {
            self.newcomer_failed(cx);
        }
    }

    /// The leg that is shown as the one the call moves to.
    pub(crate) fn move_view(&self) -> Option<Box<MoveView>> {
        let shown = self.newcomer().or(self.move_failed)?;
        let leg = self.legs.get(self.place_of(shown)?)?;
        let until = self.moving.as_ref().and_then(|moving| moving.confirming.as_ref());
        Some(Box::new(MoveView {
            leg: leg.view(),
            until: until.map(|confirming| confirming.until),
        }))
    }

    /// The leg of the new telephone, while the call is not there yet.
    pub(crate) fn newcomer(&self) -> Option<LegId> {
        self.moving.as_ref()?.attempts.last().copied()
    }

    /// Calls the new telephone, by a way that was not tried yet. `false`: there is none.
    fn call_newcomer(&mut self, cx: &mut Context) -> bool {
        let Some(moving) = &self.moving else { return false };
        let tried = |trunk: &TrunkId| {
            let on_it = |leg: &Leg| matches!(&leg.way, Way::Trunk(taken) if taken == trunk);
            let mut attempts = moving.attempts.iter().filter_map(|id| self.place_of(*id));
            attempts.any(|place| on_it(&self.legs[place]))
        };
        let (way, target) = match &moving.to {
            Near::Number(number) => {
                let Some(trunk) = cx.trunks.pick(tried) else {
                    return false;
                };
                let number = number.clone();
                (Way::Trunk(trunk.clone()), LegTarget::Trunk { trunk, number })
            }
            Near::Browser { .. } if moving.attempts.is_empty() => (Way::Browser, LegTarget::Browser),
            Near::Device { device, .. } if moving.attempts.is_empty() => {
                let device = device.clone();
                (Way::Device(device.clone()), LegTarget::Device { device })
            }
            Near::Browser { .. } | Near::Device { .. } | Near::None => return false,
        };
        let party = Party {
            number: moving.to.number().to_owned(),
            name: moving.label.clone(),
        };
        let Some(id) = self.new_leg_id() else {
            return false;
        };
        let caller = match &way {
            Way::Trunk(trunk) => {
                cx.trunks.take(trunk);
                self.shown_caller(cx, LegRole::User, trunk)
            }
            _ => self.caller(),
        };
        let silent = cx.now.plus(cx.timeouts.trunk_response);
        cx.timers.set(id, TimerKind::TrunkResponse, silent);
        let late = cx.now.plus(self.setup.user_no_answer_ms);
        cx.timers.set(id, TimerKind::UserNoAnswer, late);
        cx.push(Effect::OpenLeg {
            leg: id,
            user: self.setup.user.clone(),
            role: LegRole::User,
            target,
            caller,
            forwarded: None,
        });
        let mut leg = Leg::new(id, LegRole::User, party, way, cx.now);
        leg.beside = true;
        self.add_leg(leg);
        if let Some(moving) = &mut self.moving {
            moving.attempts.push(id);
        }
        true
    }

    /// Asks at the new telephone whether a person is there, until the time given or from now on.
    fn ask_newcomer(&mut self, cx: &mut Context, until: Option<UnixMillis>) {
        let Some(moving) = &mut self.moving else { return };
        let Some(&leg) = moving.attempts.last() else {
            return;
        };
        let until = until.unwrap_or_else(|| {
            let until = cx.now.plus(cx.timeouts.confirm);
            cx.timers.set(leg, TimerKind::Confirm, until);
            until
        });
        let token = cx.token();
        cx.push(Effect::Play {
            leg,
            playback: Playback::Announcements {
                tone: None,
                announcements: vec![Announcement::ConfirmPressOne],
                token,
            },
        });
        moving.confirming = Some(Confirming {
            until,
            prompt: Some(token),
        });
        self.touch();
    }

    /// The prompt was spoken at the new telephone: after a pause it is spoken again.
    pub(crate) fn newcomer_spoken_to(&mut self, cx: &mut Context, leg: LegId, token: PlaybackToken) {
        let confirming = self.moving.as_mut().and_then(|moving| moving.confirming.as_mut());
        if let Some(confirming) = confirming
            && confirming.prompt == Some(token)
        {
            confirming.prompt = None;
            let again = cx.now.plus(cx.timeouts.confirm_repeat);
            cx.timers.set(leg, TimerKind::ConfirmRepeat, again);
        }
    }

    /// What a leg beside the ear waited for has not come, or its time is over.
    pub(crate) fn beside_waited(&mut self, cx: &mut Context, place: usize, kind: TimerKind) {
        let leg = self.legs[place].id;
        match kind {
            TimerKind::TrunkResponse if self.legs[place].way == Way::Browser => {
                self.newcomer_missed(cx, leg, cause::local(CauseReason::Unavailable));
            }
            TimerKind::TrunkResponse => {
                let silent = cause::no_response();
                self.close_leg(cx, leg, silent);
                if !self.call_newcomer(cx) {
                    self.newcomer_failed(cx);
                }
            }
            TimerKind::UserNoAnswer => {
                let rang = self.legs[place].ringing_at.is_some();
                self.newcomer_missed(cx, leg, cause::no_answer(rang));
            }
            TimerKind::Confirm => self.newcomer_missed(cx, leg, cause::local(CauseReason::NotConfirmed)),
            TimerKind::ConfirmRepeat => {
                let confirming = self.moving.as_ref().and_then(|moving| moving.confirming.as_ref());
                if let Some(until) = confirming.map(|confirming| confirming.until) {
                    self.ask_newcomer(cx, Some(until));
                }
            }
            TimerKind::Overlap => self.close_leg(cx, leg, cause::local(CauseReason::Moved)),
            TimerKind::Close => self.close_timed_out(cx, place),
            _ => {}
        }
    }

    fn newcomer_missed(&mut self, cx: &mut Context, leg: LegId, cause: Cause) {
        self.close_leg(cx, leg, cause);
        self.newcomer_failed(cx);
    }

    /// Whether the leg is being asked for a person's word.
    pub(crate) fn is_asked_beside(&self, leg: LegId) -> bool {
        let asked = self
            .moving
            .as_ref()
            .is_some_and(|moving| moving.confirming.is_some());
        asked && self.newcomer() == Some(leg)
    }

    /// A leg beside the ear has ended by itself; `next`: another trunk may be tried.
    pub(crate) fn beside_ended(&mut self, cx: &mut Context, leg: LegId, next: bool) {
        if self.newcomer() != Some(leg) || next && self.call_newcomer(cx) {
            return;
        }
        self.newcomer_failed(cx);
    }

    /// The call stays where it is; whoever has hung up there meanwhile has ended it.
    fn newcomer_failed(&mut self, cx: &mut Context) {
        let Some(moving) = self.moving.take() else { return };
        self.move_failed = moving.attempts.last().copied();
        self.touch();
        if moving.left_behind {
            self.end(cx, cause::local(CauseReason::NormalClearing), EndedBy::UserLeg);
        }
    }

    /// The new telephone is not wanted any more.
    fn give_up_move(&mut self, cx: &mut Context, why: CauseReason) {
        if self.moving.is_none() {
            return;
        }
        let why = cause::local(why);
        if let Some(leg) = self.newcomer() {
            self.close_leg(cx, leg, why);
        }
        self.newcomer_failed(cx);
        if why.reason == CauseReason::Cancelled {
            self.move_failed = None;
        }
    }

    /// The telephone at the ear has hung up while another is called: the other party waits for that.
    pub(crate) fn leave_behind(&mut self, cx: &mut Context) -> bool {
        let up = matches!(self.phase, Phase::Connected { .. });
        let Some(moving) = self
            .moving
            .as_mut()
            .filter(|_| up || matches!(self.phase, Phase::Held { .. }))
        else {
            return false;
        };
        moving.left_behind = true;
        self.playback_over();
        self.unbridge(cx);
        if up && self.ties.room.is_none() {
            self.set_phase(Phase::Held { since: cx.now });
            self.hold_far(cx, Some(Tone::Hold));
        }
        true
    }

    /// The leg leaves the ear, and is let go after the overlap.
    fn step_aside(&mut self, cx: &mut Context, leg: LegId) {
        let Some(place) = self.place_of(leg) else { return };
        self.legs[place].beside = true;
        self.legs[place].no_audio = false;
        cx.timers.cancel_leg(leg);
        let over = cx.now.plus(cx.timeouts.overlap.max(1));
        cx.timers.set(leg, TimerKind::Overlap, over);
    }
}
