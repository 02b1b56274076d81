//! What administrators see and set: users, telephones, numbers, groups, the site.

use super::USER_NO_ANSWER_DEFAULT_MS;
use crate::json::{FromJson, ToJson};
use crate::{
    AccountCode, AccountCodePolicy, CallerId, DeviceId, E164, Extension, Mode, Presence, UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};

/// One rule of a class of restriction, as an administrator writes it: the first whose prefix a number starts with
/// decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Rule {
    pub allow: bool,
    /// `+` and digits, e.g. `+39`; `+` alone matches every number.
    pub prefix: String,
    /// When it holds, by the clock of the site, e.g. `Mon-Fri 09:00-18:00`; `None`: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
}

/// Everything an administrator sets for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct UserSettings {
    pub user: UserId,
    /// 1 to 64 characters.
    pub display_name: String,
    pub extension: Extension,
    pub caller_id: CallerId,
    /// `en` or `it`; `None`: the site's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whose rules follow the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    pub telecommuter_allowed: bool,
    pub call_waiting_allowed: bool,
    pub voicemail_allowed: bool,
    /// Whether the user may take over a call that rings for a colleague.
    #[serde(default = "pick_up_default")]
    pub pick_up_allowed: bool,
    pub administrator: bool,
    /// The user's own rules, before those of group and site; at most [`RULES_MAX`].
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// 1 to 100,000.
    pub dials_per_hour: u32,
    /// 1 to 100,000.
    pub minutes_per_day: u32,
    /// Where new messages are sent; `None`: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether a person must confirm a call on the user's telephone, where a destination does not say (rule T14); `None`:
    /// on mobiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<bool>,
    /// How long the user's own telephone may ring when the user dials, 5,000 to 120,000 milliseconds.
    #[serde(default = "user_no_answer_default")]
    pub no_answer_ms: u64,
    /// What the user's voicemail box holds, 60 to 1,000,000 seconds; `None`: as the site's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voicemail_quota_s: Option<u32>,
    /// Whether the user may have calls recorded, where [`SiteSettings::call_recording`] is [`CallRecording::Permitted`].
    #[serde(default)]
    pub recording_allowed: bool,
}

/// Whose calls may be recorded on demand. Both parties are always told before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum CallRecording {
    /// Every user's.
    Everyone,
    /// Those of users who have the right.
    Permitted,
    /// Nobody's; also for what this version does not know.
    #[default]
    #[serde(other)]
    Never,
}

fn pick_up_default() -> bool {
    true
}

fn user_no_answer_default() -> u64 {
    USER_NO_ANSWER_DEFAULT_MS
}

/// What holds for the whole site while it runs. The gateway's configuration says what holds where nothing else is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct SiteSettings {
    /// After each user's own rules and those of the group; at most [`RULES_MAX`].
    pub rules: Vec<Rule>,
    /// How long a call rings for a user who has set nothing else (rule T9), 5,000 to 120,000 milliseconds.
    pub no_answer_ms: u64,
    /// Whether a second call may be offered at all (rule T8); where it may, each user's own right decides.
    pub call_waiting: bool,
    /// What the held party hears: one of [`AdminAnswer::Site`]'s names; `None`: what the configuration names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_music: Option<String>,
    /// The longest voicemail message, 5 to 3,600 seconds.
    pub voicemail_message_s: u32,
    /// What each user's voicemail box holds, 60 to 1,000,000 seconds.
    pub voicemail_quota_s: u32,
    #[serde(default)]
    pub call_recording: CallRecording,
    /// Whose clock times of the week go by: a name of the IANA, e.g. `Europe/Rome`. Empty: what the configuration names;
    /// `None`: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Whether calls are booked to account codes; `None`: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_codes: Option<AccountCodePolicy>,
}

/// A user as the administrator's page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct UserOverview {
    pub settings: UserSettings,
    pub mode: Mode,
    pub presence: Presence,
    /// The telephone the user is logged on to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Portals that are connected.
    pub portals: u32,
    /// Whether the user has a PIN for telephones.
    #[serde(default)]
    pub has_pin: bool,
}

/// A desk telephone as an administrator sets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct DeviceSettings {
    pub device: DeviceId,
    /// 1 to 40 characters.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// Whether other users may log on to it (rule T11).
    pub hot_desk: bool,
}

/// A desk telephone as the administrator's page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct DeviceOverview {
    pub settings: DeviceSettings,
    pub registered: bool,
    /// What it says it is: the User-Agent of its REGISTER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Who is logged on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
}

/// A number of the site and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct DidSettings {
    pub number: E164,
    pub extension: Extension,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The only trunk on which it may come in; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<String>,
    /// Whether the configuration has it: it can be led elsewhere, but not removed. Without effect in a change.
    #[serde(default)]
    pub configured: bool,
}

/// Rules that several users share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct GroupSettings {
    /// 1 to 40 characters.
    pub name: String,
    pub rules: Vec<Rule>,
}

/// An account code that calls can be booked to. Where a site has none, any code of the right form is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct AccountCodeSettings {
    pub code: AccountCode,
    /// Of the client or the matter: 1 to 64 characters.
    pub name: String,
    /// Whether calls can be booked to it from here on.
    pub active: bool,
}

/// A trunk as it is now; trunks are set in the gateway's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct TrunkOverview {
    pub name: String,
    pub up: bool,
    /// When it came up, or went down.
    pub since: UnixMillis,
    /// Legs that are up.
    pub legs: u32,
    /// Most legs at once; `None`: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_legs: Option<u32>,
}

/// One change that an administrator made, in the portal or on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct AuditEntry {
    /// Rises with each entry.
    pub id: u64,
    pub at: UnixMillis,
    /// Who made it; `None`: on the gateway's command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// What was done, e.g. `user_changed`.
    pub action: String,
    /// To whom or what, e.g. `anna`.
    pub subject: String,
    /// The fields that changed, by name; never a password.
    #[serde(default)]
    pub fields: Vec<String>,
}
