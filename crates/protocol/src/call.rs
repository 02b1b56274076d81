//! A call as the portal shows it.

use crate::json::{FromJson, ToJson};
use crate::{BookedCode, CallId, DeviceId, DialString, Pii, UnixMillis};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether the user called or was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Outgoing,
    Incoming,
}

/// Whose telephone a leg goes to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson, ToJson,
)]
#[serde(rename_all = "snake_case")]
pub enum LegRole {
    /// The telephone near the user.
    User,
    /// The other party.
    Far,
}

/// A leg's dialog state, by the names of RFC 4235 section 3.7.1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson, ToJson,
)]
#[serde(rename_all = "snake_case")]
pub enum LegState {
    /// INVITE sent, nothing heard.
    Trying,
    /// A provisional answer without a telephone that rings (e.g. 100, 181).
    Proceeding,
    /// The telephone rings, or early media is heard.
    Early,
    /// Answered.
    Confirmed,
    /// Over.
    Terminated,
}

/// Whose failure an ended leg was, so that a carrier's fault does not colour our own record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// A call that was answered and ended.
    Success,
    /// A person's doing: busy, declined, not answered, hung up.
    User,
    /// The network between: loss, time-out, no media.
    Network,
    /// The carrier's doing: 5xx, congestion, a number that does not exist.
    Upstream,
    /// Ours.
    Internal,
}

/// Why a leg or a call ended, in words that a portal can translate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum CauseReason {
    /// Answered, and hung up in the ordinary way.
    NormalClearing,
    /// Given up before it was answered.
    Cancelled,
    Busy,
    Declined,
    NoAnswer,
    NoSuchNumber,
    /// The telephone is not reachable now.
    Unavailable,
    /// The network has no capacity, or failed.
    Congestion,
    /// No trunk took the call.
    TrunkFailure,
    /// The carrier forbids the call.
    Forbidden,
    /// The user's telephone answered, but nobody confirmed that a person is there: most often a voicemail.
    NotConfirmed,
    /// No audio arrived for the time-out.
    MediaTimeout,
    /// The gateway restarted while the call was up.
    GatewayRestarted,
    /// The user was not reached, and the caller was given to voicemail: a missed call.
    Voicemail,
    /// The user refused the call in a portal or on the telephone.
    Rejected,
    /// The user wants no calls now.
    DoNotDisturb,
    /// Another telephone of the user answered first, or a colleague picked the call up.
    AnsweredElsewhere,
    /// The user lets calls be forwarded, and this one was.
    Forwarded,
    /// The other party was given to somebody else.
    Transferred,
    /// The user went on with the call at another telephone.
    Moved,
    /// The user is logged on nowhere.
    LoggedOff,
    /// No codec in common.
    IncompatibleMedia,
    /// A fault of the gateway.
    InternalError,
    /// A cause this version does not know.
    #[serde(other)]
    Other,
}

/// Why a leg ended: the portal's reason beside the network's own codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson, ToJson)]
pub struct Cause {
    pub reason: CauseReason,
    pub class: FailureClass,
    /// ITU-T Q.850 cause, 1 to 127.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q850: Option<u8>,
    /// SIP status, 100 to 699.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip: Option<u16>,
}

/// Who ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The user's telephone hung up.
    UserLeg,
    /// The other party hung up, or its network refused.
    FarLeg,
    /// **Hang up** in a portal.
    Portal,
    /// A time limit, a restart, a fault.
    System,
}

/// Where a call stands as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CallPhase {
    /// The user's telephone is being called.
    CallingUser,
    /// The user's telephone was answered; **Accept** or the key 1 must say that a person is there.
    Confirming {
        /// When the gateway gives up.
        until: UnixMillis,
    },
    /// The other party is being called.
    CallingFar,
    /// An incoming call: the user's telephone is called, the caller hears ringing.
    Ringing,
    /// An incoming call while another is up: a beep in the ear, and **Accept** or **Reject** in the portal (rule T8).
    Waiting {
        /// When the caller is given to voicemail, or told that the user is busy.
        until: UnixMillis,
    },
    /// The other party waits, and hears music or a tone.
    Held { since: UnixMillis },
    /// The caller is being recorded, or hears the greeting.
    Voicemail { since: UnixMillis },
    /// Both are on the line.
    Connected {
        /// When the other party answered.
        since: UnixMillis,
    },
    /// The other party was not reached; the user's leg is kept so that another number can be dialled on it.
    FarFailed {
        cause: Cause,
        /// When the user's leg is released.
        until: UnixMillis,
    },
    /// The user's telephone was lost, and is called again; the other party waits, and hears music or a tone.
    Rejoining {
        /// When the gateway gives up.
        until: UnixMillis,
    },
    /// The user has left the call; the other party hears ringing until whom it is given to answers.
    Transferring { since: UnixMillis },
    /// The two parties that the user put through to each other speak; the user's telephone is free.
    Transferred { since: UnixMillis },
    /// The other party waits in a place from which anybody of the site can fetch it.
    Parked { slot: u16, since: UnixMillis },
    /// Being taken down.
    Ending,
    /// A phase this version does not know.
    #[serde(other)]
    Unknown,
}

/// One leg of a call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct LegView {
    pub role: LegRole,
    /// The number called or calling, as the network takes it; empty where the caller withheld it. A desk telephone's is
    /// the extension.
    pub number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The desk telephone of this leg; `None` for a leg over a trunk, and for one to another user of the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Whether the leg is in a browser of the user.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub browser: bool,
    pub state: LegState,
    /// When the leg came into this state.
    pub since: UnixMillis,
    /// Why it ended; only in `terminated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// No audio has arrived from this leg for five seconds or more.
    #[serde(default)]
    pub no_audio: bool,
}

impl fmt::Debug for LegView {
    // Numbers and names identify people, and `Debug` is what reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegView")
            .field("role", &self.role)
            .field("number", &Pii(&self.number))
            .field("name", &self.name.as_ref().map(Pii))
            .field("device", &self.device)
            .field("browser", &self.browser)
            .field("state", &self.state)
            .field("since", &self.since)
            .field("cause", &self.cause)
            .field("no_audio", &self.no_audio)
            .finish()
    }
}

/// A call that is up, whole: each change sends all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct CallView {
    pub id: CallId,
    pub direction: Direction,
    /// The number as it was dialled.
    pub dialled: DialString,
    pub phase: CallPhase,
    pub started_at: UnixMillis,
    /// The latest leg of each role; the user's first.
    pub legs: Vec<LegView>,
    /// The other party has put the user on hold.
    #[serde(default)]
    pub held_by_far: bool,
    /// The other party does not hear the user, who asked for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
    /// The conference that the call is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conference: Option<ConferenceView>,
    /// Since when the user has it recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_since: Option<UnixMillis>,
    /// The telephone to which the user moves the call, until it has taken its place; and after that the last one that did
    /// not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<Box<MoveView>>,
    /// What the call is booked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_code: Option<BookedCode>,
}

/// The telephone that a call is to be moved to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct MoveView {
    /// Its leg; `terminated`, with the cause, where the call stayed where it was.
    pub leg: LegView,
    /// It was answered, and **Accept** or the key 1 must say that a person is there (rule T14): until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixMillis>,
}

/// A conference, as its host sees it. Each member is the other party of one of the host's calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct ConferenceView {
    /// The call that it began with.
    pub id: CallId,
    /// In the order in which they joined; 1 to [`CONFERENCE_MAX`] less the host.
    pub members: Vec<MemberView>,
    /// Whether the host hears it now: not while on another call, nor after leaving it.
    pub host: bool,
}

/// The most people in one conference, its host among them.
pub const CONFERENCE_MAX: usize = 16;

/// A member of a conference.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct MemberView {
    /// The host's call with this member.
    pub call: CallId,
    /// Empty where it was withheld.
    pub number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The others do not hear this member.
    #[serde(default)]
    pub muted: bool,
}

impl fmt::Debug for MemberView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberView")
            .field("call", &self.call)
            .field("number", &Pii(&self.number))
            .field("name", &self.name.as_ref().map(Pii))
            .field("muted", &self.muted)
            .finish()
    }
}

/// A call that waits for anybody of the site to fetch it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct ParkedCall {
    /// From 1 on.
    pub slot: u16,
    /// Empty where it was withheld.
    pub number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The display name of who parked it.
    pub by: String,
    pub since: UnixMillis,
}

impl fmt::Debug for ParkedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParkedCall")
            .field("slot", &self.slot)
            .field("number", &Pii(&self.number))
            .field("name", &self.name.as_ref().map(Pii))
            .field("by", &self.by)
            .field("since", &self.since)
            .finish()
    }
}

impl CallView {
    /// The latest leg of a role.
    pub fn leg(&self, role: LegRole) -> Option<&LegView> {
        self.legs.iter().rev().find(|leg| leg.role == role)
    }
}
