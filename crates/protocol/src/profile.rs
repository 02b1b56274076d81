//! What a user is and where the user's calls go.

use crate::json::{FromJson, ToJson};
use crate::{AccountCodePolicy, DestinationId, E164, Extension, UnixMillis, UserId};
use serde::{Deserialize, Serialize};

/// A number of the company that a user may show (rule T16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct CallerId {
    pub number: E164,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What the administrator set for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct UserProfile {
    pub user: UserId,
    pub display_name: String,
    pub extension: Extension,
    /// Rule T1: whether the portal offers telecommuter mode at all.
    pub telecommuter_allowed: bool,
    /// Rule T8: whether a second call may be offered while one is up.
    #[serde(default)]
    pub call_waiting_allowed: bool,
    /// Whether callers can leave a message.
    #[serde(default)]
    pub voicemail_allowed: bool,
    /// Whether the user may take over a call that rings for a colleague.
    #[serde(default = "as_before_it_was_told")]
    pub pick_up_allowed: bool,
    /// Whether the browser itself may be the destination: the telephone system takes calls there.
    #[serde(default)]
    pub browser_allowed: bool,
    /// Whether the user may have calls recorded.
    #[serde(default)]
    pub recording_allowed: bool,
    /// Whether the user may see and change what belongs to the whole site.
    #[serde(default)]
    pub administrator: bool,
    pub caller_id: CallerId,
    /// ISO 3166-1 alpha-2 country of the site, upper case, e.g. `IT`: how national numbers are read.
    pub country: String,
    /// Language of the spoken prompts: `en` or `it`.
    pub language: String,
    /// Emergency numbers of the site: never dialled as a call back (rule T17).
    pub emergency_numbers: Vec<String>,
    /// What the administrator calls the external directory, empty for the portal's own word; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_directory: Option<String>,
    /// Whether the user's calls can be booked to account codes, or must be.
    #[serde(default)]
    pub account_codes: AccountCodePolicy,
}

/// Where the user's calls go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Destination {
    /// A telephone.
    Number {
        number: E164,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// Rule T14: whether the key 1 or **Accept** must confirm that a person answered.
        confirm: bool,
    },
    /// The browser itself.
    Browser,
    /// A kind this version does not know.
    #[serde(other)]
    Unknown,
}

/// How the user works now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Mode {
    /// On the ordinary telephone of the office.
    Office,
    /// On a telephone elsewhere.
    Telecommuting {
        destination: Destination,
        since: UnixMillis,
        /// When it ends by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
    },
    /// A mode this version does not know.
    #[serde(other)]
    Unknown,
}

/// A destination the user keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct SavedDestination {
    pub id: DestinationId,
    /// 1 to 40 characters, e.g. `Home`.
    pub label: String,
    pub number: E164,
    pub confirm: bool,
    /// Whether a call to the number has proven that it is the user's (rule T2); without, it cannot be entered.
    #[serde(default = "proven_before_it_was_told")]
    pub verified: bool,
}

/// A neighbour of an earlier version tells nothing of it, and lets everybody.
fn as_before_it_was_told() -> bool {
    true
}

/// A neighbour of an earlier version tells nothing of it, and lets every saved number be used.
fn proven_before_it_was_told() -> bool {
    true
}
