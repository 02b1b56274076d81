//! What a user sets about incoming calls.

use crate::json::{FromJson, ToJson};
use serde::{Deserialize, Serialize};

/// The shortest and the longest that a telephone may be made to ring, in milliseconds.
pub const NO_ANSWER_MS: std::ops::RangeInclusive<u64> = 5_000..=120_000;

/// How calls to the extension are treated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct CallSettings {
    /// How long the user's telephone rings before voicemail takes the call (rule T9), in milliseconds, within
    /// [`NO_ANSWER_MS`]. Shorter by default than a mobile's own voicemail waits.
    pub no_answer_ms: u64,
    /// Whether callers reach voicemail; without effect for a user who has none.
    pub voicemail: bool,
    /// Whether a second call is offered while one is up; without effect where the administrator does not allow it.
    pub call_waiting: bool,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            no_answer_ms: 18_000,
            voicemail: true,
            call_waiting: true,
        }
    }
}
