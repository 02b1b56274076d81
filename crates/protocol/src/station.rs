//! Desk telephones, as a portal shows them.

use crate::json::{FromJson, ToJson};
use crate::{DeviceId, UnixMillis};
use serde::{Deserialize, Serialize};

/// A desk telephone that the user is logged on to, or may log on to (rule T11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct StationView {
    pub device: DeviceId,
    /// What people call it, e.g. `Reception, window`; 1 to 40 characters.
    pub name: String,
    /// Whether the telephone is registered now.
    pub registered: bool,
    /// Whether it is the user's ordinary telephone.
    pub own: bool,
    /// Whether this user is logged on to it.
    pub logged_on: bool,
    /// Display name of another user who is logged on to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
}

/// A telephone of the user's was tried while the user telecommutes (rule T3): perhaps the user is back at the desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct DeskUse {
    pub device: DeviceId,
    /// What people call it; 1 to 40 characters.
    pub name: String,
    pub at: UnixMillis,
}
