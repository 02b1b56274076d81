//! Rule T15: the user's telephone stays on the line for the working day.

use crate::json::{FromJson, ToJson};
use crate::{CallId, Cause, UnixMillis};
use serde::{Deserialize, Serialize};

/// Where the leg that stays up stands.
///
/// It is asked for by [`crate::CommandBody::SetPersistentLeg`]. Calls are attached to it with a tone in the ear, and leave
/// it up when they end. A call that is attached is shown as any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PersistentLeg {
    /// Not asked for.
    #[default]
    Off,
    /// The user's telephone is being called. `call` is what **Accept** and **Hang up** name.
    Calling { call: CallId },
    /// It was answered; the key 1 or **Accept** must say that a person is there (rule T14).
    Confirming {
        call: CallId,
        /// When the gateway gives up.
        until: UnixMillis,
    },
    /// It is up, be a call attached to it or not.
    Up { call: CallId, since: UnixMillis },
    /// It dropped, and is called again at this time.
    Recalling { call: CallId, at: UnixMillis },
    /// It ended, and is not called again: calls ring as they did before.
    Down { cause: Cause },
    /// A state this version does not know.
    #[serde(other)]
    Unknown,
}
