//! The users of the site, as the others see them.

use crate::json::{FromJson, ToJson};
use crate::{Availability, Extension, UserId};
use serde::{Deserialize, Serialize};

/// What the line of a user does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    Free,
    /// A call rings, and nobody has taken it: it can be picked up.
    Ringing,
    Busy,
    /// No telephone is there that a call could ring.
    #[default]
    NotConnected,
    /// A state that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A user of the site. Whom a user speaks with is not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Colleague {
    pub user: UserId,
    /// The display name.
    pub name: String,
    pub extension: Extension,
    pub availability: Availability,
    /// The status message; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    pub line: LineState,
    /// Whether the user is in telecommuter mode.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub telecommuting: bool,
}
