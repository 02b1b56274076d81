//! One attempt to call one telephone, or the leg of a caller.

use crate::{LegId, PeerHold, TrunkId};
use ponte_protocol::{CallId, Cause, DeviceId, LegRecord, LegRole, LegState, LegView, UnixMillis};

/// What carries a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Trunk(TrunkId),
    Device(DeviceId),
    /// A browser of the user.
    Browser,
    /// No leg of its own: the call of another user of the site.
    Half(CallId),
}

/// What an incoming leg was told before its answer; a later one includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    Nothing,
    Ringing,
    EarlyMedia,
}

/// Whose telephone it is, as portals show it.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) number: String,
    pub(crate) name: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) role: LegRole,
    pub(crate) party: Party,
    pub(crate) way: Way,
    /// It came in: it is answered or refused by us.
    pub(crate) incoming: bool,
    pub(crate) told: Told,
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
    /// Whether its keys reach the other side by themselves.
    pub(crate) relays_keys: bool,
    /// What its telephone says is left out.
    pub(crate) muted: bool,
    /// What its telephone does with the audio by itself; for the other half of a call, whether that user holds.
    pub(crate) hold: PeerHold,
    /// The ear is lent to another call of the user; this is where it was.
    pub(crate) away: bool,
    /// Of the user, beside the one at the ear: on its way there, or from there ([`crate::moving`]).
    pub(crate) beside: bool,
    /// Not the user's telephone: a party whom the user put through takes its place.
    pub(crate) third: bool,
}

impl Leg {
    pub(crate) fn new(id: LegId, role: LegRole, party: Party, way: Way, now: UnixMillis) -> Self {
        Self {
            id,
            role,
            party,
            way,
            incoming: false,
            told: Told::Nothing,
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
            relays_keys: true,
            muted: false,
            hold: PeerHold::No,
            away: false,
            beside: false,
            third: false,
        }
    }

    /// A leg that came in.
    pub(crate) fn came_in(id: LegId, role: LegRole, party: Party, way: Way, now: UnixMillis) -> Self {
        Self {
            incoming: true,
            ..Self::new(id, role, party, way, now)
        }
    }

    /// The same leg, as a call that takes it over at `now` knows it.
    pub(crate) fn taken_over(&self, now: UnixMillis) -> Self {
        Self {
            started_at: now,
            ringing_at: None,
            answered_at: Some(now),
            away: false,
            end: None,
            ..self.clone()
        }
    }

    /// The leg of another party, as a call that takes the party over at `now` knows it.
    pub(crate) fn moved(&self, role: LegRole, now: UnixMillis) -> Self {
        Self {
            role,
            started_at: now,
            ringing_at: self.ringing_at.filter(|_| !self.is_answered()),
            answered_at: self.answered_at.map(|_| now),
            third: role == LegRole::User,
            ..self.clone()
        }
    }

    /// The ear is back at a call that it had left, also at one that had given it up: one line of the record is all of it.
    pub(crate) fn come_again(&mut self, ear: &Self) {
        self.away = false;
        self.no_audio = ear.no_audio;
        self.hold = ear.hold;
        self.end = None;
        self.state = ear.state;
    }

    /// The leg of a caller, as the call that it is forwarded to knows it from `now` on.
    pub(crate) fn forwarded(&self, now: UnixMillis) -> Self {
        Self {
            started_at: now,
            ..self.clone()
        }
    }

    /// Whether it is carried by SIP.
    pub(crate) fn is_sip(&self) -> bool {
        !matches!(self.way, Way::Half(_))
    }

    /// It came in, and its caller has not been answered.
    pub(crate) fn is_unanswered_caller(&self) -> bool {
        self.incoming && !self.is_answered()
    }

    /// Neither ended nor told to, nor lent to another call.
    pub(crate) fn is_active(&self) -> bool {
        self.closing.is_none() && self.end.is_none() && !self.away
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
        self.away = false;
        self.end = Some((now, cause));
    }

    fn device(&self) -> Option<DeviceId> {
        match &self.way {
            Way::Device(device) => Some(device.clone()),
            Way::Trunk(_) | Way::Half(_) | Way::Browser => None,
        }
    }

    pub(crate) fn view(&self) -> LegView {
        LegView {
            role: self.role,
            number: self.party.number.clone(),
            name: self.party.name.clone(),
            device: self.device(),
            browser: self.way == Way::Browser,
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
            number: self.party.number.clone(),
            trunk: match &self.way {
                Way::Trunk(trunk) => trunk.0.clone(),
                Way::Device(_) | Way::Half(_) | Way::Browser => String::new(),
            },
            device: self.device(),
            started_at: self.started_at,
            ringing_at: self.ringing_at,
            answered_at: self.answered_at,
            ended_at,
            cause,
        })
    }
}
