//! One attempt to call one telephone.

use crate::{LegId, TrunkId};
use ponte_protocol::{Cause, E164, LegRecord, LegRole, LegState, LegView, UnixMillis};

#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) role: LegRole,
    pub(crate) number: E164,
    pub(crate) trunk: TrunkId,
    pub(crate) state: LegState,
    /// When the leg came into this state.
    since: UnixMillis,
    started_at: UnixMillis,
    pub(crate) ringing_at: Option<UnixMillis>,
    answered_at: Option<UnixMillis>,
    /// Ringing or early media was heard: the way to the telephone is good, so no other trunk would do better.
    pub(crate) route_proven: bool,
    pub(crate) early_media: bool,
    /// Why we told it to close, once we did.
    closing: Option<Cause>,
    end: Option<(UnixMillis, Cause)>,
    pub(crate) no_audio: bool,
}

impl Leg {
    pub(crate) fn new(id: LegId, role: LegRole, number: E164, trunk: TrunkId, now: UnixMillis) -> Self {
        Self {
            id,
            role,
            number,
            trunk,
            state: LegState::Trying,
            since: now,
            started_at: now,
            ringing_at: None,
            answered_at: None,
            route_proven: false,
            early_media: false,
            closing: None,
            end: None,
            no_audio: false,
        }
    }

    /// Neither ended nor told to.
    pub(crate) fn is_active(&self) -> bool {
        self.closing.is_none() && self.end.is_none()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.answered_at.is_some()
    }

    /// Why we told it to close, while that has not happened.
    pub(crate) fn closing(&self) -> Option<Cause> {
        self.closing
    }

    /// Why it ended, or is about to.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.end.map(|(_, cause)| cause).or(self.closing)
    }

    /// A state never goes back; the answer says whether it changed.
    pub(crate) fn advance(&mut self, state: LegState, now: UnixMillis) -> bool {
        if state <= self.state {
            return false;
        }
        self.state = state;
        self.since = now;
        true
    }

    pub(crate) fn answer(&mut self, now: UnixMillis) {
        self.advance(LegState::Confirmed, now);
        self.answered_at = Some(now);
    }

    pub(crate) fn begin_close(&mut self, cause: Cause) {
        self.closing = Some(cause);
    }

    pub(crate) fn finish(&mut self, cause: Cause, now: UnixMillis) {
        self.advance(LegState::Terminated, now);
        self.no_audio = false;
        self.end = Some((now, cause));
    }

    pub(crate) fn view(&self) -> LegView {
        LegView {
            role: self.role,
            number: self.number.as_str().to_owned(),
            name: None,
            device: None,
            state: self.state,
            since: self.since,
            cause: self.end.map(|(_, cause)| cause),
            no_audio: self.no_audio,
        }
    }

    /// Its line in the call's record; `None` before it ended.
    pub(crate) fn record(&self) -> Option<LegRecord> {
        let (ended_at, cause) = self.end?;
        Some(LegRecord {
            role: self.role,
            number: self.number.as_str().to_owned(),
            trunk: self.trunk.0.clone(),
            device: None,
            started_at: self.started_at,
            ringing_at: self.ringing_at,
            answered_at: self.answered_at,
            ended_at,
            cause,
        })
    }
}
