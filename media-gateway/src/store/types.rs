use super::{EmailAddress, GroupRow, PinHash};
use crate::config::SiteConfig;
use crate::numbers::TimedRule;
use ponte_call_core::{Caps, LegId, UserConfig};
use ponte_protocol::admin::CallRecording;
use ponte_protocol::{
    Availability, BookedCode, CallId, CallRecord, CallSettings, CallerId, Cause, DeviceId, DialString,
    Direction, E164, EndedBy, Extension, LegRecord, LegRole, MessageId, Presence, Reply, UnixMillis, UserId,
    UserProfile,
};
use std::path::PathBuf;
use std::time::Duration;

/// How long a command id is kept, in milliseconds: far longer than any command lives.
pub const COMMAND_KEPT_MS: u64 = 24 * 60 * 60 * 1000;
/// How long a user's own telephone rings where nothing else is said, in milliseconds.
const NO_ANSWER_DEFAULT_MS: u64 = 18_000;

/// Who opens the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreUse {
    /// The telephone system itself: one at a time in a data folder.
    Gateway,
    /// A command of the administrator, beside a gateway that may run.
    Tool,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Made where it does not exist, with access for its owner only.
    pub folder: PathBuf,
    pub used_by: StoreUse,
    /// How long a write waits for another process's lock before the store counts as not writable.
    pub busy_timeout: Duration,
    /// Writes that may wait in memory while the database cannot be written; more are refused.
    pub spool_max: usize,
    /// The most pages the database may have; `None`: `SQLite`'s own limit.
    pub max_pages: Option<u32>,
    /// Where voicemail is recorded; `folder` where nothing else is said.
    pub recordings: PathBuf,
}

impl StoreOptions {
    /// The settings for a data folder.
    pub fn new(folder: impl Into<PathBuf>, used_by: StoreUse) -> Self {
        let folder = folder.into();
        Self {
            recordings: folder.clone(),
            folder,
            used_by,
            busy_timeout: match used_by {
                StoreUse::Gateway => Duration::from_secs(1),
                StoreUse::Tool => Duration::from_secs(10),
            },
            spool_max: 100_000,
            max_pages: None,
        }
    }
}

/// A user as the administrator set it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    pub user: UserId,
    pub display_name: String,
    pub extension: Extension,
    /// Rule T1.
    pub telecommuter_allowed: bool,
    pub caller_id: CallerId,
    /// `en` or `it`; `None`: the site's.
    pub language: Option<String>,
    /// The user's own rules, before those of the group and the site.
    pub restrictions: Vec<TimedRule>,
    pub caps: Caps,
    /// How long the user's own telephone may ring, in milliseconds.
    pub user_no_answer_ms: u64,
    /// Rule T14, where a destination does not say itself; `None`: on for mobiles.
    pub confirm: Option<bool>,
    /// Rule T8.
    pub call_waiting_allowed: bool,
    /// Rule T9.
    pub voicemail_allowed: bool,
    /// What the voicemail box holds, in seconds; `None`: as the site's.
    pub voicemail_quota_s: Option<u32>,
    /// Whether calls may be recorded, where the site leaves that to the user's right.
    pub recording_allowed: bool,
    /// Whether the user may take over a call that rings for a colleague.
    pub pick_up_allowed: bool,
    /// Whether the user may see and change what belongs to the whole site.
    pub administrator: bool,
    /// Rule T11; `None`: the user cannot log on by a telephone, nor listen to voicemail on another's.
    pub pin: Option<PinHash>,
    /// Where new messages are sent.
    pub email: Option<EmailAddress>,
    /// The user's group, with its rules as they are read; of what is written only the name counts.
    pub group: Option<GroupRow>,
}

/// Whose rule it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleOwner {
    User,
    Group,
    Site,
}

impl RuleOwner {
    /// The word of [`ponte_protocol::command::Explanation::from`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Site => "site",
        }
    }
}

impl UserRow {
    /// A user with what holds where nothing else is said: no telecommuter mode, call waiting and voicemail allowed.
    pub fn new(user: UserId, extension: Extension, number: E164) -> Self {
        Self {
            display_name: user.to_string(),
            user,
            extension,
            telecommuter_allowed: false,
            caller_id: CallerId { number, name: None },
            language: None,
            restrictions: Vec::new(),
            caps: Caps::default(),
            user_no_answer_ms: NO_ANSWER_DEFAULT_MS,
            confirm: None,
            call_waiting_allowed: true,
            voicemail_allowed: true,
            voicemail_quota_s: None,
            recording_allowed: false,
            pick_up_allowed: true,
            administrator: false,
            pin: None,
            email: None,
            group: None,
        }
    }

    /// The rules for the user in the order in which they decide: the user's own, those of the group, those of the site.
    pub fn rules<'a>(&'a self, site: &'a SiteConfig) -> impl Iterator<Item = (RuleOwner, &'a TimedRule)> {
        let of = |owner| move |rule| (owner, rule);
        let group = self.group.iter().flat_map(|group| &group.restrictions);
        self.restrictions
            .iter()
            .map(of(RuleOwner::User))
            .chain(group.map(of(RuleOwner::Group)))
            .chain(site.default_restrictions.iter().map(of(RuleOwner::Site)))
    }

    /// Those of them that hold at this moment.
    pub fn rules_at<'a>(
        &'a self,
        site: &'a SiteConfig,
        at: UnixMillis,
    ) -> impl Iterator<Item = (RuleOwner, &'a TimedRule)> {
        self.rules(site)
            .filter(move |(_, rule)| rule.is_on(at, &site.time_zone))
    }

    /// What the portal is told about the user.
    pub fn profile(&self, site: &SiteConfig) -> UserProfile {
        UserProfile {
            user: self.user.clone(),
            display_name: self.display_name.clone(),
            extension: self.extension.clone(),
            telecommuter_allowed: self.telecommuter_allowed,
            call_waiting_allowed: self.call_waiting_allowed && site.call_waiting,
            voicemail_allowed: self.voicemail_allowed,
            pick_up_allowed: self.pick_up_allowed,
            browser_allowed: site.browser_calls,
            recording_allowed: match site.call_recording {
                CallRecording::Never => false,
                CallRecording::Everyone => true,
                CallRecording::Permitted => self.recording_allowed,
            },
            administrator: self.administrator,
            caller_id: self.caller_id.clone(),
            country: site.country.clone(),
            language: self.language.clone().unwrap_or_else(|| site.language.clone()),
            emergency_numbers: site.emergency_numbers.clone(),
            external_directory: site.external_directory.clone(),
            account_codes: site.account_codes,
        }
    }

    /// The user as call control knows it at this moment, with what the user has set; without numbers, which the numbering
    /// plan reads.
    pub fn switch_config(
        &self,
        site: &SiteConfig,
        settings: &CallSettings,
        presence: &Presence,
        at: UnixMillis,
    ) -> UserConfig {
        UserConfig {
            profile: self.profile(site),
            restrictions: self.rules_at(site, at).map(|(_, rule)| rule.rule()).collect(),
            caps: self.caps,
            settings: settings.clone(),
            do_not_disturb: presence.availability == Availability::DoNotDisturb,
            exceptions: Vec::new(),
            forwarding: ponte_call_core::ForwardTargets::default(),
            proven: Vec::new(),
            user_no_answer_ms: self.user_no_answer_ms,
        }
    }
}

/// Counters that rise with every change, so that a running gateway sees what a command of the administrator did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Users and groups.
    pub users: u64,
    pub invitations: u64,
    pub devices: u64,
    pub dids: u64,
    pub account_codes: u64,
    pub site: u64,
}

/// A link that lets a user set a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub user: UserId,
    /// SHA-256 of the token, lower-case hexadecimal.
    pub token_hash: String,
    pub expires_at: UnixMillis,
}

/// What is known of a command id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Never seen: the caller is the one that carries it out.
    New,
    /// Seen with the same content from the same user; the reply, once there was one.
    Known { reply: Option<Reply> },
    /// Seen with another content, or from another user.
    OtherContent,
}

/// A call that is up, so that a crash leaves neither a leg that nobody owns nor a call without a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallUp {
    pub call: CallId,
    pub user: UserId,
    pub direction: Direction,
    pub dialled: DialString,
    /// The other party's number as the network takes it.
    pub number: String,
    pub name: Option<String>,
    pub started_at: UnixMillis,
    /// When both were first on the line.
    pub connected_at: Option<UnixMillis>,
    pub account_code: Option<BookedCode>,
}

/// One leg of a call that is up; ended legs stay until the call's record is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegUp {
    pub leg: LegId,
    pub role: LegRole,
    /// Which side sent the INVITE: outgoing is ours.
    pub direction: Direction,
    /// Empty where the caller withheld it.
    pub number: String,
    /// Empty for a desk telephone.
    pub trunk: String,
    pub device: Option<DeviceId>,
    pub started_at: UnixMillis,
    pub ringing_at: Option<UnixMillis>,
    pub answered_at: Option<UnixMillis>,
    /// When and why it ended.
    pub ended: Option<(UnixMillis, Cause)>,
    /// The dialog as the SIP layer writes it, in JSON.
    pub dialog: Option<String>,
}

impl CallUp {
    /// The record of a call that did not come to its own end. Legs that are up end now, with the call's cause.
    pub fn into_record(
        self,
        legs: Vec<LegUp>,
        ended_at: UnixMillis,
        cause: Cause,
        ended_by: EndedBy,
    ) -> CallRecord {
        let leg_record = |leg: LegUp| {
            let (leg_ended_at, leg_cause) = leg.ended.unwrap_or((ended_at, cause));
            LegRecord {
                role: leg.role,
                number: leg.number,
                trunk: leg.trunk,
                device: leg.device,
                started_at: leg.started_at,
                ringing_at: leg.ringing_at,
                answered_at: leg.answered_at,
                ended_at: leg_ended_at,
                cause: leg_cause,
            }
        };
        CallRecord {
            id: self.call,
            user: self.user,
            direction: self.direction,
            dialled: self.dialled,
            number: self.number,
            name: self.name,
            started_at: self.started_at,
            connected_at: self.connected_at,
            ended_at,
            cause,
            ended_by,
            message: None,
            recordings: Vec::new(),
            account_code: self.account_code,
            legs: legs.into_iter().map(leg_record).collect(),
        }
    }
}

/// How much [`super::Store::prune`] took away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub records: u64,
    pub commands: u64,
    pub invitations: u64,
    /// Out of the bin, for good.
    pub messages: u64,
    /// Whose recordings are to be removed.
    pub(super) emptied: Vec<MessageId>,
    /// Whether one go was not enough.
    pub(super) more: bool,
}
