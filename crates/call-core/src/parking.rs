//! Calls that change hands: parked where anybody of the site can fetch them, picked up while they ring elsewhere.

use crate::call::{Call, Phase};
use crate::commands::Done;
use crate::leg::{Leg, Way};
use crate::setup::{Far, Near, Setup};
use crate::{Effect, Switch, TimerKind, Tone, cause, dial};
use ponte_protocol::{
    CallId, Cause, CauseReason, Direction, EndedBy, Extension, LegRole, Mode, ParkedCall, Refusal, UserId,
};

/// Parking places of a site.
const SLOTS: std::ops::RangeInclusive<u16> = 1..=99;

impl Switch {
    /// The party waits in the first free place; the user's line is free.
    pub(crate) fn park(&mut self, user: &UserId, id: CallId) -> Result<Done, Refusal> {
        if !self.may_give(id) {
            return Err(Refusal::WrongState);
        }
        let slot = self.free_slot().ok_or(Refusal::CapReached)?;
        self.leave_line(user, id);
        self.put_in(slot, id);
        Ok(Done::Call(id))
    }

    fn free_slot(&self) -> Option<u16> {
        SLOTS.into_iter().find(|slot| !self.parking.contains_key(slot))
    }

    /// Nobody was at the telephone that was called to fetch a call: it waits in a place again, and then comes back.
    pub(crate) fn park_again(&mut self, id: CallId, cause: Cause, by: EndedBy) {
        let parked = self.free_slot();
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if !call.caller_waits() {
            return;
        }
        call.stop_waiting(&mut self.cx);
        match parked {
            Some(slot) => self.put_in(slot, id),
            None => call.divert(&mut self.cx, cause, by),
        }
        self.settle_one(id);
    }

    fn put_in(&mut self, slot: u16, id: CallId) {
        let now = self.cx.now;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.ties.own_mute = false;
        call.set_phase(Phase::Parked { slot, since: now });
        call.hold_far(&mut self.cx, Some(Tone::Hold));
        let until = now.plus(self.cx.timeouts.park.max(1));
        self.cx.timers.set(call.clock(), TimerKind::Park, until);
        self.parking.insert(slot, id);
        self.show_parking();
    }

    /// Nobody has fetched it, or it waits for the user's line.
    pub(crate) fn parked_too_long(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(&id)
            && call.ties.put_to.is_none()
            && matches!(call.phase, Phase::Parked { .. } | Phase::Transferring { .. })
        {
            self.come_back(id, cause::local(CauseReason::NoAnswer));
            self.tidy_parking();
        }
    }

    /// Takes calls that are parked no longer from their places.
    pub(crate) fn tidy_parking(&mut self) {
        let before = self.parking.len();
        let calls = &self.calls;
        self.parking.retain(|slot, id| {
            calls
                .get(id)
                .is_some_and(|call| matches!(call.phase, Phase::Parked { slot: at, .. } if at == *slot))
        });
        if self.parking.len() != before {
            self.show_parking();
        }
    }

    fn show_parking(&mut self) {
        let parked = self.parked();
        self.cx.push(Effect::Parking { parked });
    }

    /// All calls that wait to be fetched, by slot.
    pub fn parked(&self) -> Vec<ParkedCall> {
        let view = |(slot, id): (&u16, &CallId)| {
            let call = self.calls.get(id)?;
            let Phase::Parked { since, .. } = call.phase else {
                return None;
            };
            let party = call.setup.far_party();
            let by = self.users.get(&call.setup.user)?;
            Some(ParkedCall {
                slot: *slot,
                number: party.number,
                name: party.name,
                by: by.config.profile.display_name.clone(),
                since,
            })
        };
        self.parking.iter().filter_map(view).collect()
    }

    /// Takes over a parked call: at once where the user is in a call, else the user's telephone is called.
    pub(crate) fn fetch(&mut self, user: &UserId, slot: u16, new: CallId) -> Result<Done, Refusal> {
        let id = *self.parking.get(&slot).ok_or(Refusal::UnknownCall)?;
        self.may_take(user, new)?;
        let parked = self.calls.get_mut(&id).ok_or(Refusal::UnknownCall)?;
        let half = parked.other_half().and_then(|half| self.calls.get(&half));
        if half.is_some_and(|half| half.setup.user == *user) {
            // The party is the user.
            return Err(Refusal::WrongState);
        }
        let Some(parked) = self.calls.get_mut(&id) else {
            return Err(Refusal::UnknownCall);
        };
        parked.stop_waiting(&mut self.cx);
        if parked.setup.user == *user {
            self.bring(user, id);
            self.tidy_parking();
            return Ok(Done::Call(id));
        }
        parked.quiet_far(&mut self.cx);
        self.take_over(user, id, new, None);
        self.depart(id, CauseReason::Transferred, EndedBy::Portal);
        self.tidy_parking();
        self.bring(user, new);
        Ok(Done::Call(new))
    }

    /// Takes over a call that rings for a colleague, where the administrator lets the user.
    pub(crate) fn pick_up(
        &mut self,
        user: &UserId,
        extension: &Extension,
        new: CallId,
    ) -> Result<Done, Refusal> {
        if !self.known_user(user)?.config.profile.pick_up_allowed {
            return Err(Refusal::NotPermitted);
        }
        let colleague = self.user_of(extension).ok_or(Refusal::InvalidNumber)?;
        if colleague == *user {
            return Err(Refusal::OwnNumber);
        }
        let mut calls = self.known_user(&colleague)?.calls.iter().copied();
        let id = calls.find(|id| self.rings(*id)).ok_or(Refusal::UnknownCall)?;
        self.may_take(user, new)?;
        if self.calls_of_half(id, user) {
            return Err(Refusal::WrongState);
        }
        self.take_over(user, id, new, None);
        self.depart(id, CauseReason::AnsweredElsewhere, EndedBy::System);
        self.bring(user, new);
        Ok(Done::Call(new))
    }

    /// Whether a caller waits for the user and has not been answered by anybody.
    pub(crate) fn rings(&self, id: CallId) -> bool {
        self.calls.get(&id).is_some_and(|call| {
            call.is_incoming()
                && call.caller_waits()
                && call.connected_at.is_none()
                && call.active_far().is_some_and(|far| !far.is_answered())
        })
    }

    /// Whether the user can take one more call now.
    fn may_take(&self, user: &UserId, new: CallId) -> Result<(), Refusal> {
        let known = self.known_user(user)?;
        if let Some(line) = &known.line
            && self.second_line(line).is_none()
        {
            return Err(Refusal::LineBusy);
        }
        if known.line.is_none() {
            self.can_be_called(user)?;
        }
        if self.calls.contains_key(&new) || self.services.contains_key(&new) {
            return Err(Refusal::DuplicateId);
        }
        Ok(())
    }

    /// Whether the user's telephone could be called now: else whom the user takes would be lost.
    fn can_be_called(&self, user: &UserId) -> Result<(), Refusal> {
        let known = self.known_user(user)?;
        if matches!(known.mode, Mode::Telecommuting { .. }) {
            dial::check_telephone(known)?;
        }
        match self.whereabouts(user) {
            Ok((Near::Number(_), _)) if !self.cx.trunks.any_up() => Err(Refusal::NoTrunk),
            Ok((Near::Number(_), _)) if self.cx.trunks.capacity() == 0 => Err(Refusal::CapReached),
            Ok(_) => Ok(()),
            Err(CauseReason::NotConfirmed) => Err(Refusal::Unconfirmed),
            Err(_) => Err(Refusal::DeviceOffline),
        }
    }

    /// A new call of the user with the far side of another; `at` is the telephone that has taken it by a leg of its own, the
    /// first of the new call.
    pub(crate) fn take_over(&mut self, user: &UserId, id: CallId, new: CallId, at: Option<Near>) {
        let (Some(before), Some(known)) = (self.calls.get(&id), self.users.get(user)) else {
            return;
        };
        let answered = before.active_far().is_some_and(Leg::is_answered);
        let config = &known.config;
        let setup = Setup {
            id: new,
            user: user.clone(),
            direction: Direction::Incoming,
            dialled: before.setup.dialled.clone(),
            near: at.unwrap_or(Near::None),
            far: Far::Caller(crate::party::party_of(before)),
            caller_id: Some(known.config.profile.caller_id.clone()),
            confirm: false,
            user_no_answer_ms: known.config.user_no_answer_ms,
            // Who had been answered has no message to leave (rule T9).
            voicemail: !answered
                && config.profile.voicemail_allowed
                && config.settings.voicemail
                && self.store_writable,
            forwarded: crate::forward::Forwarded::default(),
            code: None,
        };
        let half = before.other_half();
        let mut call = Call::new(&self.cx, setup, Phase::Ringing { until: self.cx.now });
        call.ties.detached = true;
        call.ties.recalled = answered;
        if let Near::Device { device, .. } = &call.setup.near
            && let (party, way) = (call.setup.near_party(), Way::Device(device.clone()))
            && let Some(first) = call.new_leg_id()
        {
            let ear = Leg::came_in(first, LegRole::User, party, way, self.cx.now);
            call.add_leg(ear);
        }
        if let Some(half) = half
            && let Some(leg) = call.new_leg_id()
        {
            let party = call.setup.far_party();
            let mut leg = Leg::new(leg, LegRole::Far, party, Way::Half(half), self.cx.now);
            if answered {
                leg.answer(self.cx.now);
            }
            call.add_leg(leg);
        }
        self.calls.insert(new, call);
        if let Some(known) = self.users.get_mut(user) {
            known.calls.push(new);
        }
        match half {
            Some(half) => self.link(half, new),
            None => self.take_leg(id, new, LegRole::Far),
        }
    }

    /// The user takes a call that is on nobody's line: at the ear where there is one, else the telephone is called.
    fn bring(&mut self, user: &UserId, id: CallId) {
        let has_line = self.line(user).is_some_and(|line| self.ear_is_free(&line));
        if let Some(call) = self.calls.get_mut(&id) {
            call.ties.detached = false;
            if has_line {
                let answered = call.active_far().is_some_and(Leg::is_answered);
                let since = self.cx.now;
                // As if it had stood on the line.
                call.phase = if answered {
                    Phase::Held { since }
                } else {
                    Phase::Waiting { until: since }
                };
            } else {
                call.ties.fetched = call.active_far().is_some_and(Leg::is_answered);
                call.ties.recalled |= call.ties.fetched;
                self.rejoin_ringing(id);
            }
        }
        if has_line {
            self.switch_to(user, id);
        } else {
            self.ring_user(id);
        }
        self.settle_one(id);
    }

    fn rejoin_ringing(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id)
            && call.active_far().is_some_and(Leg::is_answered)
        {
            call.hold_far(&mut self.cx, Some(Tone::Ringback));
        }
    }
}
