//! What an administrator sees and changes of the whole site.
//!
//! The gateway refuses all of it with [`crate::Refusal::NotPermitted`] to a user who is no administrator. Every change is
//! kept in the audit log with the administrator's name.

mod settings;

use crate::external::{DirectoryPassword, DirectorySettings};
use crate::json::{FromJson, ToJson};
use crate::{
    AccountCode, DestinationId, DeviceId, DialString, E164, Explanation, Refusal, SavedDestination,
    UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};
use std::fmt;

pub use settings::{
    AccountCodeSettings, AuditEntry, CallRecording, DeviceOverview, DeviceSettings, DidSettings,
    GroupSettings, Rule, SiteSettings, TrunkOverview, UserOverview, UserSettings,
};

/// The most entries of a page of the audit log.
pub const AUDIT_PAGE_MAX: u16 = 100;
/// The most users, telephones, numbers or groups of an answer; the rest is asked for with `after`.
pub const ADMIN_PAGE_MAX: usize = 100;
/// The most characters of [`AdminQuery::Users`]'s `find`.
pub const FIND_MAX: usize = 64;
/// How long the user's own telephone may ring where nothing else is said, in milliseconds.
pub const USER_NO_ANSWER_DEFAULT_MS: u64 = 18_000;
/// The most rules of a user, a group or the site.
pub const RULES_MAX: usize = 100;

/// What an administrator wants to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AdminQuery {
    /// By name, at most [`ADMIN_PAGE_MAX`].
    Users {
        /// Only users after this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<UserId>,
        /// Only users whose name, display name or extension has this in it, in whatever case; at most [`FIND_MAX`]
        /// characters.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        find: String,
        /// Only users who are in telecommuter mode.
        #[serde(default)]
        telecommuting: bool,
    },
    /// By name, at most [`ADMIN_PAGE_MAX`].
    Devices {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<DeviceId>,
    },
    /// In order, at most [`ADMIN_PAGE_MAX`].
    Dids {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<E164>,
    },
    /// By name, at most [`ADMIN_PAGE_MAX`].
    Groups {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// By their digits, at most [`ADMIN_PAGE_MAX`].
    AccountCodes {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<AccountCode>,
        /// Only those with this in code or name, in whatever case; at most [`FIND_MAX`] characters.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        find: String,
    },
    Trunks,
    /// What holds for the whole site.
    Site,
    /// How the external directory is asked.
    Directory,
    /// The numbers at which a user can be called.
    Destinations {
        user: UserId,
    },
    /// Whether a user may dial a number, and which rule says so.
    Explain {
        user: UserId,
        number: DialString,
    },
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
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
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
    /// Makes a PIN for telephones and tells it once; the one before is void.
    NewPin {
        user: UserId,
    },
    /// Without a PIN nobody logs on as this user at a telephone (rule T11).
    RemovePin {
        user: UserId,
    },
    PutSite {
        settings: Box<SiteSettings>,
    },
    /// Sets how the external directory is asked, or that there is one from here on.
    PutDirectory {
        settings: Box<DirectorySettings>,
        /// Another one, empty for none; `None`: the one that is kept, which another server or name is not told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<DirectoryPassword>,
    },
    /// There is no external directory any more.
    RemoveDirectory,
    /// A new code, or all settings of one.
    PutAccountCode {
        settings: AccountCodeSettings,
    },
    /// Calls that are booked to it stay so.
    RemoveAccountCode {
        code: AccountCode,
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
            Self::NewPin { user } => write!(f, "NewPin({user})"),
            Self::RemovePin { user } => write!(f, "RemovePin({user})"),
            Self::PutSite { .. } => f.write_str("PutSite"),
            Self::PutDirectory { .. } => f.write_str("PutDirectory"),
            Self::RemoveDirectory => f.write_str("RemoveDirectory"),
            Self::PutAccountCode { settings } => write!(f, "PutAccountCode({})", settings.code),
            Self::RemoveAccountCode { code } => write!(f, "RemoveAccountCode({code})"),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// The answer to an [`AdminQuery`] or an [`AdminChange`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum AdminAnswer {
    Users {
        users: Vec<UserOverview>,
        /// Whether there are more, to be asked for with the last one as `after`.
        #[serde(default)]
        more: bool,
    },
    Devices {
        devices: Vec<DeviceOverview>,
        #[serde(default)]
        more: bool,
    },
    Dids {
        dids: Vec<DidSettings>,
        #[serde(default)]
        more: bool,
    },
    Groups {
        groups: Vec<GroupSettings>,
        /// The rules of the whole site.
        site: Vec<Rule>,
        #[serde(default)]
        more: bool,
    },
    Site {
        settings: Box<SiteSettings>,
        /// What may be chosen as hold music.
        #[serde(default)]
        hold_music: Vec<String>,
    },
    /// `None`: there is no external directory.
    Directory {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<Box<DirectorySettings>>,
        /// Whether a password is kept; it is told to nobody.
        #[serde(default)]
        has_password: bool,
    },
    Destinations {
        destinations: Vec<SavedDestination>,
    },
    Explained {
        explanation: Explanation,
    },
    AccountCodes {
        codes: Vec<AccountCodeSettings>,
        #[serde(default)]
        more: bool,
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
    /// The new PIN of a user; it is kept nowhere.
    Pin {
        pin: String,
    },
    #[serde(other)]
    Unknown,
}

impl AdminAnswer {
    /// What may be kept of the answer: of a secret only that it was told.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        match self {
            Self::Invitation { .. } | Self::DevicePassword { .. } | Self::Pin { .. } => Self::Done,
            other => other.clone(),
        }
    }
}

impl fmt::Debug for AdminAnswer {
    // Invitations and passwords are secrets, and `Debug` is what reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Users { .. } => "Users",
            Self::Devices { .. } => "Devices",
            Self::Dids { .. } => "Dids",
            Self::Groups { .. } => "Groups",
            Self::AccountCodes { .. } => "AccountCodes",
            Self::Trunks { .. } => "Trunks",
            Self::Audit { .. } => "Audit",
            Self::Done => "Done",
            Self::Invalid { .. } => "Invalid",
            Self::Invitation { .. } => "Invitation",
            Self::DevicePassword { .. } => "DevicePassword",
            Self::Pin { .. } => "Pin",
            Self::Site { .. } => "Site",
            Self::Directory { .. } => "Directory",
            Self::Destinations { .. } => "Destinations",
            Self::Explained { .. } => "Explained",
            Self::Unknown => "Unknown",
        })
    }
}

/// What is wrong with one field of what an administrator sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Problem {
    /// The field's name, e.g. `extension`; in a list with the place from 0, e.g. `rules.3`.
    pub field: String,
    pub kind: ProblemKind,
}

/// Why a field cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
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
    /// Somebody uses it: a group has users.
    InUse,
    /// The restrictions of the user, or of every destination, forbid it.
    Forbidden,
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
            Self::Users { find, .. } | Self::AccountCodes { find, .. } if find.chars().count() > FIND_MAX => {
                Err(Refusal::Malformed {
                    detail: "find: at most 64 characters".to_owned(),
                })
            }
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
    use crate::CallerId;

    #[test]
    fn secrets_do_not_print() {
        let answer = AdminAnswer::DevicePassword {
            password: "correct horse".to_owned(),
        };
        assert_eq!(format!("{answer:?}"), "DevicePassword");
        assert_eq!(answer.without_secrets(), AdminAnswer::Done);
        let pin = AdminAnswer::Pin {
            pin: "2580".to_owned(),
        };
        assert_eq!(format!("{pin:?}"), "Pin");
        assert_eq!(pin.without_secrets(), AdminAnswer::Done);
    }

    #[test]
    fn a_neighbours_query_without_a_page_is_the_first_page() {
        let users: AdminQuery = serde_json::from_str(r#"{"type":"users"}"#).unwrap();
        let first = AdminQuery::Users {
            after: None,
            find: String::new(),
            telecommuting: false,
        };
        assert_eq!(users, first);
        let dids: AdminQuery = serde_json::from_str(r#"{"type":"dids"}"#).unwrap();
        assert_eq!(dids, AdminQuery::Dids { after: None });
    }

    #[test]
    fn the_largest_change_fits_a_portals_frame() {
        let rule = || Rule {
            allow: false,
            prefix: "+123456789012345".to_owned(),
            hours: None,
        };
        let settings = UserSettings {
            user: "a".repeat(32).parse().unwrap(),
            display_name: "\u{1F4DE}".repeat(64),
            extension: "20123456".parse().unwrap(),
            caller_id: CallerId {
                number: "+390266600201".parse().unwrap(),
                name: Some("\u{1F4DE}".repeat(64)),
            },
            language: Some("it".to_owned()),
            group: Some("g".repeat(40)),
            telecommuter_allowed: false,
            call_waiting_allowed: false,
            voicemail_allowed: false,
            pick_up_allowed: false,
            administrator: false,
            rules: (0..RULES_MAX).map(|_| rule()).collect(),
            dials_per_hour: 100_000,
            minutes_per_day: 100_000,
            email: Some(format!("{}@{}", "a".repeat(64), "b".repeat(253))),
            confirm: Some(false),
            no_answer_ms: 120_000,
            voicemail_quota_s: Some(1_000_000),
            recording_allowed: false,
        };
        let command = crate::Command {
            id: crate::CommandId(uuid::Uuid::from_u128(u128::MAX)),
            issued_at: UnixMillis(9_999_999_999_999),
            expires_at: UnixMillis(9_999_999_999_999),
            body: crate::CommandBody::AdminChange {
                change: AdminChange::PutUser {
                    settings: Box::new(settings),
                    dry_run: false,
                },
            },
        };
        let frame = crate::ClientFrame::Command { command };
        let length = serde_json::to_string(&frame).unwrap().len();
        assert!(length <= crate::frames::CLIENT_FRAME_MAX, "{length}");
    }
}
