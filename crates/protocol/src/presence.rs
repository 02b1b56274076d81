//! One presence and one status message a user (rule T12).

use crate::UnixMillis;
use crate::json::{FromJson, ToJson};
use serde::{Deserialize, Serialize};

/// The most characters of a status message.
pub const STATUS_MAX: usize = 140;

/// Whether the user wants to be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    #[default]
    Available,
    Busy,
    Away,
    /// Calls go to voicemail at once, or are told that the user is busy.
    DoNotDisturb,
    /// A value that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What a user's presence is. The gateway keeps it; the change it takes last holds, and every client shows that one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Presence {
    pub availability: Availability,
    /// The status message, at most [`STATUS_MAX`] characters; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// When the status message is taken away by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_until: Option<UnixMillis>,
    /// By the gateway's clock; 0 where it was never set.
    #[serde(default)]
    pub since: UnixMillis,
    /// Whether a call of the user is up, by itself.
    #[serde(default)]
    pub on_call: bool,
}
