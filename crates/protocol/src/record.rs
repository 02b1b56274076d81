//! The record that stays of a call.

use crate::{CallId, Cause, DialString, Direction, EndedBy, LegRole, UnixMillis, UserId};
use serde::{Deserialize, Serialize};

/// One call, once, after it ended (rule T18).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Each attempt to call a telephone, in order.
    pub legs: Vec<LegRecord>,
}

/// One attempt to call one telephone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRecord {
    pub role: LegRole,
    pub number: String,
    /// The trunk that carried it.
    pub trunk: String,
    pub started_at: UnixMillis,
    /// When the telephone rang.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ringing_at: Option<UnixMillis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<UnixMillis>,
    pub ended_at: UnixMillis,
    pub cause: Cause,
}

impl CallRecord {
    /// Milliseconds that both were on the line; 0 for a call that never was.
    pub fn talk_millis(&self) -> u64 {
        self.connected_at
            .map_or(0, |connected| self.ended_at.since(connected))
    }
}
