//! Recording on demand: a user has a conversation recorded, and both parties are told before it begins.
//!
//! A recording is of these two and nobody else. Whatever parts them or brings somebody in (hold, another call, transfer,
//! conference, parking, another telephone of the user) ends it; then it may be begun again, and is told again.

use crate::call::Phase;
use crate::commands::Done;
use crate::party::party_of;
use crate::setup::Far;
use crate::{Effect, LegId, PlaybackToken, Switch, TimerKind};
use ponte_protocol::{CallId, EventBody, MessageId, Refusal, UnixMillis, UserId};

/// The most recordings of one call: a bound for its record.
const RECORDINGS_MAX: usize = 20;
/// How long it may take to tell the other party, in milliseconds; the words take five seconds at most.
const TOLD_MS: u64 = 15_000;

/// A conversation that is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OnDemand {
    pub(crate) since: UnixMillis,
    message: MessageId,
    /// The user's leg, at which both are heard.
    ear: LegId,
    other: LegId,
    /// What tells the other party, while it sounds; the recording begins after it.
    notice: Option<PlaybackToken>,
}

impl Switch {
    pub(crate) fn record(
        &mut self,
        user: &UserId,
        id: CallId,
        message: MessageId,
        on: bool,
    ) -> Result<Done, Refusal> {
        if !on {
            self.stop_record(id);
            return Ok(Done::Call(id));
        }
        if !self.known_user(user)?.config.profile.recording_allowed {
            return Err(Refusal::NotPermitted);
        }
        let (ear, other) = self.conversation(id).ok_or(Refusal::WrongState)?;
        let call = self.calls.get_mut(&id).ok_or(Refusal::UnknownCall)?;
        // The other party hears nothing, and would not be told.
        if call.held_by_far() {
            return Err(Refusal::WrongState);
        }
        if call.on_demand.is_some() {
            return Ok(Done::Call(id));
        }
        if call.recordings.len() >= RECORDINGS_MAX {
            return Err(Refusal::CapReached);
        }
        let token = self.cx.token();
        call.on_demand = Some(OnDemand {
            since: self.cx.now,
            message,
            ear,
            other,
            notice: Some(token),
        });
        call.touch();
        let clock = call.clock();
        self.cx
            .timers
            .set(clock, TimerKind::Told, self.cx.now.plus(TOLD_MS));
        for (leg, token) in [(ear, None), (other, Some(token))] {
            self.cx.push(Effect::TellRecorded { leg, token });
        }
        Ok(Done::Call(id))
    }

    /// The ears of the two who talk to each other alone.
    fn conversation(&self, id: CallId) -> Option<(LegId, LegId)> {
        let call = self.calls.get(&id)?;
        let half = self.joined(id).and_then(|half| self.calls.get(&half));
        let ties = [Some(&call.ties), half.map(|half| &half.ties)];
        let alone = ties
            .into_iter()
            .flatten()
            .all(|ties| ties.room.is_none() && !ties.detached && ties.put_to.is_none());
        let talks = matches!(call.phase, Phase::Connected { .. })
            && !matches!(call.setup.far, Far::Emergency(_) | Far::Mailbox | Far::Nobody)
            && half.is_none_or(|half| matches!(half.phase, Phase::Connected { .. }));
        (alone && talks).then_some((call.ear()?, self.hearing_far(id)?))
    }

    /// The other party has been told. Whether this was it.
    pub(crate) fn record_told(&mut self, leg: LegId, token: PlaybackToken) -> bool {
        let served = self.cx.served_by(leg);
        let half = self.joined(served);
        let told = |id: &CallId| {
            let on_demand = self.calls.get(id).and_then(|call| call.on_demand);
            on_demand.is_some_and(|it| it.other == leg && it.notice == Some(token))
        };
        let Some(id) = [Some(served), half].into_iter().flatten().find(told) else {
            return false;
        };
        if let Some(call) = self.calls.get_mut(&id)
            && let Some(on_demand) = &mut call.on_demand
        {
            on_demand.notice = None;
            call.recordings.push(on_demand.message);
            let effect = Effect::RecordCall {
                leg: on_demand.ear,
                call: id,
                message: on_demand.message,
                user: call.setup.user.clone(),
                party: party_of(call),
            };
            self.cx.timers.cancel(call.clock(), TimerKind::Told);
            self.cx.push(effect);
        }
        true
    }

    /// The host cannot go on, or the recording has reached its longest. Whether it was one on demand.
    pub(crate) fn record_over(&mut self, leg: LegId, kept: bool) -> bool {
        let id = self.cx.served_by(leg);
        let Some(call) = self.calls.get_mut(&id) else {
            return false;
        };
        let Some(on_demand) = call.on_demand.filter(|it| it.ear == leg && it.notice.is_none()) else {
            return false;
        };
        if !kept {
            call.recordings.retain(|known| *known != on_demand.message);
        }
        self.stop_record(id);
        self.settle(id);
        true
    }

    /// The right to it is taken away.
    pub(crate) fn stop_records(&mut self, user: &UserId) {
        let calls = self.users.get(user).map(|user| user.calls.clone());
        for id in calls.unwrap_or_default() {
            self.stop_record(id);
            self.settle(id);
        }
    }

    pub(crate) fn stop_record(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(on_demand) = call.on_demand.take() else {
            return;
        };
        call.touch();
        self.cx.timers.cancel(call.clock(), TimerKind::Told);
        let leg = on_demand.ear;
        // With the leg itself its recording ends too.
        if on_demand.notice.is_none() && self.active(leg).is_some() {
            self.cx.push(Effect::StopRecording { leg });
        }
    }

    /// Ends the recordings of what something has happened to and is no conversation of the same two any more.
    pub(crate) fn tidy_records(&mut self, id: CallId) {
        self.tidy_record(id);
        let Some(half) = self.joined(id) else { return };
        self.tidy_record(half);
        if let Some(other) = self.calls.get_mut(&half)
            && let Some(call) = other.changed_view()
        {
            let user = other.setup.user.clone();
            let body = EventBody::CallChanged { call };
            self.cx.push(Effect::Notify { user, body });
        }
    }

    fn tidy_record(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let Some(on_demand) = call.on_demand else { return };
        let is_told = on_demand.notice.is_none() || !call.held_by_far();
        if !is_told || self.conversation(id) != Some((on_demand.ear, on_demand.other)) {
            self.stop_record(id);
        }
    }
}
