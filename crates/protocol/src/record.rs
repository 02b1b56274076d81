//! The record that stays of a call.

use crate::json::{FromJson, ToJson};
use crate::{
    BookedCode, CallId, Cause, DeviceId, DialString, Direction, EndedBy, LegRole, MessageId, Pii, UnixMillis,
    UserId,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One call, once, after it ended (rule T18).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct CallRecord {
    pub id: CallId,
    pub user: UserId,
    pub direction: Direction,
    /// The number as it was dialled; the last one, where several were dialled on one user leg.
    pub dialled: DialString,
    /// The other party's number as the network took it.
    pub number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub started_at: UnixMillis,
    /// When both were first on the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<UnixMillis>,
    pub ended_at: UnixMillis,
    /// The true cause of the end.
    pub cause: Cause,
    pub ended_by: EndedBy,
    /// The voicemail message that the caller left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// What the user had recorded; it is among the messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recordings: Vec<MessageId>,
    /// What the call is booked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_code: Option<BookedCode>,
    /// Each attempt to call a telephone, and the leg of a caller, in order.
    pub legs: Vec<LegRecord>,
}

impl fmt::Debug for CallRecord {
    // Numbers and names identify people, and `Debug` is what reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRecord")
            .field("id", &self.id)
            .field("user", &self.user)
            .field("direction", &self.direction)
            .field("dialled", &self.dialled)
            .field("number", &Pii(&self.number))
            .field("name", &self.name.as_ref().map(Pii))
            .field("started_at", &self.started_at)
            .field("connected_at", &self.connected_at)
            .field("ended_at", &self.ended_at)
            .field("cause", &self.cause)
            .field("ended_by", &self.ended_by)
            .field("message", &self.message)
            .field("recordings", &self.recordings)
            .field("account_code", &self.account_code)
            .field("legs", &self.legs)
            .finish()
    }
}

/// One attempt to call one telephone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct LegRecord {
    pub role: LegRole,
    /// Empty where the caller withheld it.
    pub number: String,
    /// The trunk that carried it; empty for a desk telephone, and between two users of the site.
    pub trunk: String,
    /// The desk telephone of this leg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    pub started_at: UnixMillis,
    /// When the telephone rang.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ringing_at: Option<UnixMillis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<UnixMillis>,
    pub ended_at: UnixMillis,
    pub cause: Cause,
}

impl fmt::Debug for LegRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegRecord")
            .field("role", &self.role)
            .field("number", &Pii(&self.number))
            .field("trunk", &self.trunk)
            .field("device", &self.device)
            .field("started_at", &self.started_at)
            .field("ringing_at", &self.ringing_at)
            .field("answered_at", &self.answered_at)
            .field("ended_at", &self.ended_at)
            .field("cause", &self.cause)
            .finish()
    }
}

impl CallRecord {
    /// Whether it is a call to the user that the user did not take; one that voicemail took is missed (rule T18).
    pub fn is_missed(&self) -> bool {
        self.direction == Direction::Incoming && self.connected_at.is_none()
    }

    /// Milliseconds that both were on the line; 0 for a call that never was.
    pub fn talk_millis(&self) -> u64 {
        self.connected_at
            .map_or(0, |connected| self.ended_at.since(connected))
    }
}
