//! What an administrator sees and changes of the whole site.
//!
//! The gateway refuses all of it with [`crate::Refusal::NotPermitted`] to a user who is no administrator. Every change is
//! kept in the audit log with the administrator's name.

use crate::{
    CallerId, DestinationId, DeviceId, E164, Extension, Mode, Presence, Refusal, UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most entries of a page of the audit log.
pub const AUDIT_PAGE_MAX: u16 = 100;
/// The most rules of a user, a group or the site.
pub const RULES_MAX: usize = 100;

/// One rule of a class of restriction, as an administrator writes it: the first whose prefix a number starts with
/// decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub allow: bool,
    /// `+` and digits, e.g. `+39`; `+` alone matches every number.
    pub prefix: String,
}

/// Everything an administrator sets for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    pub administrator: bool,
    /// The user's own rules, before those of group and site; at most [`RULES_MAX`].
    #[serde(default)]
    pub rules: Vec<Rule>,
    pub dials_per_hour: u32,
    pub minutes_per_day: u32,
}

/// A user as the administrator's page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserOverview {
    pub settings: UserSettings,
    pub mode: Mode,
    pub presence: Presence,
    /// The telephone the user is logged on to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Portals that are connected.
    pub portals: u32,
}

/// A desk telephone as an administrator sets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DidSettings {
    pub number: E164,
    pub extension: Extension,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Rules that several users share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSettings {
    /// 1 to 40 characters.
    pub name: String,
    pub rules: Vec<Rule>,
}

/// A trunk as it is now; trunks are set in the gateway's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// What an administrator wants to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AdminQuery {
    Users,
    Devices,
    Dids,
    Groups,
    Trunks,
    /// Newest first.
    Audit {
        /// Only entries before this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        /// 1 to [`AUDIT_PAGE_MAX`].
        limit: u16,
    },
    #[serde(other)]
    Unknown,
}

/// What an administrator changes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AdminChange {
    /// A new user, or all settings of one. With `dry_run` it is only checked: the preview of an import.
    PutUser {
        settings: Box<UserSettings>,
        #[serde(default)]
        dry_run: bool,
    },
    /// The user's calls are ended, sessions and messages with them.
    RemoveUser {
        user: UserId,
    },
    /// A link that lets the user set a password; the one before is void.
    InviteUser {
        user: UserId,
    },
    /// A new telephone, or all settings of one.
    PutDevice {
        settings: DeviceSettings,
        /// Make a new password and tell it once; always so for a new telephone.
        #[serde(default)]
        new_password: bool,
    },
    RemoveDevice {
        device: DeviceId,
    },
    PutDid {
        settings: DidSettings,
    },
    RemoveDid {
        number: E164,
    },
    PutGroup {
        settings: GroupSettings,
    },
    RemoveGroup {
        name: String,
    },
    /// A number that the user can be called on, proven by the administrator's word (rule T2).
    AddDestination {
        user: UserId,
        label: String,
        number: E164,
    },
    RemoveDestination {
        user: UserId,
        destination: DestinationId,
    },
    #[serde(other)]
    Unknown,
}

impl fmt::Debug for AdminChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PutUser { settings, dry_run } => {
                write!(f, "PutUser({}, dry_run: {dry_run})", settings.user)
            }
            Self::RemoveUser { user } => write!(f, "RemoveUser({user})"),
            Self::InviteUser { user } => write!(f, "InviteUser({user})"),
            Self::PutDevice { settings, .. } => write!(f, "PutDevice({})", settings.device),
            Self::RemoveDevice { device } => write!(f, "RemoveDevice({device})"),
            Self::PutDid { settings } => write!(f, "PutDid({:?})", settings.number),
            Self::RemoveDid { number } => write!(f, "RemoveDid({number:?})"),
            Self::PutGroup { settings } => write!(f, "PutGroup({:?})", settings.name),
            Self::RemoveGroup { name } => write!(f, "RemoveGroup({name:?})"),
            Self::AddDestination { user, number, .. } => write!(f, "AddDestination({user}, {number:?})"),
            Self::RemoveDestination { user, destination } => {
                write!(f, "RemoveDestination({user}, {destination})")
            }
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// One change that an administrator made, in the portal or on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// The answer to an [`AdminQuery`] or an [`AdminChange`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum AdminAnswer {
    Users {
        users: Vec<UserOverview>,
    },
    Devices {
        devices: Vec<DeviceOverview>,
    },
    Dids {
        dids: Vec<DidSettings>,
    },
    Groups {
        groups: Vec<GroupSettings>,
        /// The rules of the whole site, which the configuration sets.
        site: Vec<Rule>,
    },
    Trunks {
        trunks: Vec<TrunkOverview>,
    },
    Audit {
        entries: Vec<AuditEntry>,
        more: bool,
    },
    Done,
    /// What is wrong with the settings; nothing was changed.
    Invalid {
        problems: Vec<Problem>,
    },
    /// To be told to the user; it is kept nowhere.
    Invitation {
        link: String,
        expires_at: UnixMillis,
    },
    /// The new password of a telephone; it is kept nowhere.
    DevicePassword {
        password: String,
    },
    #[serde(other)]
    Unknown,
}

impl fmt::Debug for AdminAnswer {
    // Invitations and passwords are secrets, and `Debug` is what reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Users { .. } => "Users",
            Self::Devices { .. } => "Devices",
            Self::Dids { .. } => "Dids",
            Self::Groups { .. } => "Groups",
            Self::Trunks { .. } => "Trunks",
            Self::Audit { .. } => "Audit",
            Self::Done => "Done",
            Self::Invalid { .. } => "Invalid",
            Self::Invitation { .. } => "Invitation",
            Self::DevicePassword { .. } => "DevicePassword",
            Self::Unknown => "Unknown",
        })
    }
}

/// What is wrong with one field of what an administrator sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The field's name, e.g. `extension`.
    pub field: String,
    pub kind: ProblemKind,
}

/// Why a field cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// Empty, too long, or with characters that do not belong.
    Malformed,
    /// Another user, telephone or number has it.
    Taken,
    /// What it names does not exist.
    NotFound,
    /// Out of the range that the field allows.
    OutOfRange,
    /// The last administrator would be lost.
    LastAdministrator,
    #[serde(other)]
    Other,
}

impl AdminQuery {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] and [`Refusal::Unsupported`].
    pub fn validate(&self) -> Result<(), Refusal> {
        match self {
            Self::Unknown => Err(Refusal::Unsupported),
            Self::Audit { limit, .. } if *limit == 0 || *limit > AUDIT_PAGE_MAX => Err(Refusal::Malformed {
                detail: "limit: 1 to 100".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

impl AdminChange {
    /// Checks what the types cannot; what depends on the site comes back as [`AdminAnswer::Invalid`].
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for a change that this version does not know.
    pub fn validate(&self) -> Result<(), Refusal> {
        match self {
            Self::Unknown => Err(Refusal::Unsupported),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let answer = AdminAnswer::DevicePassword {
            password: "correct horse".to_owned(),
        };
        assert_eq!(format!("{answer:?}"), "DevicePassword");
    }
}
