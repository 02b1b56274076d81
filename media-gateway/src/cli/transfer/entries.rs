//! The file, and what its entries are in the store.

use super::difference::{Kind, Table};
use super::directory::DirectoryEntry;
use super::treatment::{CallsEntry, ForwardingEntry, ProfileEntry, ScheduleLines, Treatment};
use crate::admin::{LABEL_MAX, check_name};
use crate::cli::Failure;
use crate::numbers::{TimedRule, parse_rule, rule_text};
use crate::store::{
    Change, DeviceRow, DeviceSecret, DidRow, EmailAddress, GroupRow, PinHash, SiteRow, Store, UserRow,
};
use ponte_call_core::{Caps, TrunkId};
use ponte_protocol::admin::{AccountCodeSettings, CallRecording};
use ponte_protocol::{
    AccountCode, AccountCodePolicy, CallRules, CallerId, DestinationId, DeviceId, E164, Extension, GroupId,
    SavedDestination, UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use uuid::Uuid;

/// The form of the file.
const VERSION: u32 = 1;

/// Everything.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entries {
    version: u32,
    /// What differs from the configuration for the whole site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    site: Option<SiteEntry>,
    /// Another machine's people, where they are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_directory: Option<DirectoryEntry>,
    #[serde(default)]
    pub(super) account_code: Vec<AccountCodeEntry>,
    #[serde(default)]
    pub(super) group: Vec<GroupEntry>,
    #[serde(default)]
    pub(super) user: Vec<UserEntry>,
    #[serde(default)]
    pub(super) destination: Vec<DestinationEntry>,
    #[serde(default)]
    pub(super) calls: Vec<CallsEntry>,
    #[serde(default)]
    pub(super) forwarding: Vec<ForwardingEntry>,
    #[serde(default)]
    pub(super) profile: Vec<ProfileEntry>,
    #[serde(default)]
    pub(super) schedule: Vec<ScheduleLines>,
    #[serde(default)]
    pub(super) device: Vec<DeviceEntry>,
    #[serde(default)]
    pub(super) did: Vec<DidEntry>,
}

/// What is missing is as the configuration says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    restrictions: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    no_answer_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call_waiting: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold_music: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voicemail_message_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voicemail_quota_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call_recording: Option<CallRecording>,
    time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_codes: Option<AccountCodePolicy>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountCodeEntry {
    code: AccountCode,
    name: String,
    #[serde(default = "on")]
    active: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupEntry {
    group: GroupId,
    #[serde(default)]
    restrictions: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    user: UserId,
    display_name: String,
    extension: Extension,
    caller_number: E164,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caller_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<GroupId>,
    #[serde(default)]
    restrictions: Vec<String>,
    telecommuter: bool,
    call_waiting: bool,
    voicemail: bool,
    /// Missing: as the site's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voicemail_quota_s: Option<u32>,
    /// Missing: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    call_recording: bool,
    /// Missing in files of before there was the right: on.
    #[serde(default = "on")]
    pick_up: bool,
    administrator: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Missing: on mobiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirm: Option<bool>,
    no_answer_ms: u64,
    dials_per_hour: u32,
    minutes_per_day: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin_hash: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DestinationEntry {
    id: Uuid,
    user: UserId,
    label: String,
    number: E164,
    confirm: bool,
    verified: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceEntry {
    device: DeviceId,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<UserId>,
    hot_desk: bool,
    realm: String,
    ha1_md5: String,
    ha1_sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DidEntry {
    number: E164,
    extension: Extension,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trunk: Option<String>,
}

/// A field of an entry that cannot be used.
pub(super) fn wrong(key: impl Display, field: &str, reason: impl Display) -> Failure {
    Failure::Usage(format!("{key}: {field}: {reason}"))
}

fn rules(key: impl Display, texts: &[String]) -> Result<Vec<TimedRule>, Failure> {
    texts
        .iter()
        .map(|text| parse_rule(text).map_err(|error| wrong(&key, "restrictions", error)))
        .collect()
}

fn name(key: impl Display, field: &str, text: &str) -> Result<String, Failure> {
    check_name(text, LABEL_MAX).map_err(|reason| wrong(key, field, reason))
}

impl Entries {
    /// What the store holds.
    pub(super) async fn of(store: &Store) -> Result<Self, Failure> {
        let users = store.users().await?;
        let mut destination = Vec::new();
        for row in &users {
            let saved = store.destinations(&row.user).await?;
            destination.extend(saved.into_iter().map(|saved| DestinationEntry {
                id: saved.id.0,
                user: row.user.clone(),
                label: saved.label,
                number: saved.number,
                confirm: saved.confirm,
                verified: saved.verified,
            }));
        }
        let Treatment {
            calls,
            forwarding,
            profile,
            schedule,
        } = Treatment::of(store).await?;
        Ok(Self {
            version: VERSION,
            site: SiteEntry::of(store.site().await?),
            external_directory: store.directory().await?.map(DirectoryEntry::of),
            account_code: store
                .account_codes()
                .await?
                .into_iter()
                .map(AccountCodeEntry::of)
                .collect(),
            group: store.groups().await?.into_iter().map(GroupEntry::of).collect(),
            user: users.into_iter().map(UserEntry::of).collect(),
            destination,
            calls,
            forwarding,
            profile,
            schedule,
            device: store.devices().await?.into_iter().map(DeviceEntry::of).collect(),
            did: store.dids().await?.into_iter().map(DidEntry::of).collect(),
        })
    }

    /// That nothing stands in the file twice, and that this version knows its form.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!(
                "the file has the form {}; this version reads {VERSION}",
                self.version
            ));
        }
        let mut seen = HashSet::new();
        let keys = self.keys();
        for key in keys {
            if !seen.insert(key.clone()) {
                return Err(format!("{} stands here twice", key.1));
            }
        }
        Ok(())
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        let groups = self.group.iter().map(|entry| ("group", entry.group.to_string()));
        let users = self.user.iter().map(|entry| ("user", entry.user.to_string()));
        let destinations = self
            .destination
            .iter()
            .map(|entry| ("destination", entry.id.to_string()));
        let devices = self
            .device
            .iter()
            .map(|entry| ("device", entry.device.to_string()));
        let calls = self.calls.iter().map(|entry| ("calls", entry.user.to_string()));
        let forwarding = self
            .forwarding
            .iter()
            .map(|entry| ("forwarding", entry.user.to_string()));
        let profiles = self.profile.iter().map(|entry| ("profile", entry.key()));
        let schedules = self
            .schedule
            .iter()
            .map(|entry| ("schedule", entry.user.to_string()));
        let dids = self
            .did
            .iter()
            .map(|entry| ("did", entry.number.as_str().to_owned()));
        let codes = self
            .account_code
            .iter()
            .map(|entry| ("account code", entry.code.to_string()));
        groups
            .chain(codes)
            .chain(users)
            .chain(destinations)
            .chain(calls)
            .chain(forwarding)
            .chain(profiles)
            .chain(schedules)
            .chain(devices)
            .chain(dids)
            .collect()
    }

    /// Every entry with its fields.
    pub(super) fn table(&self) -> Result<Table, Failure> {
        fn put<T: Serialize>(
            table: &mut Table,
            kind: Kind,
            entries: &[T],
            key: impl Fn(&T) -> String,
        ) -> Result<(), Failure> {
            for entry in entries {
                if let Value::Object(fields) = serde_json::to_value(entry)? {
                    table.insert((kind, key(entry)), fields);
                }
            }
            Ok(())
        }
        let mut table = Table::new();
        put(&mut table, Kind::Site, self.site.as_slice(), |_| {
            "site".to_owned()
        })?;
        put(
            &mut table,
            Kind::Directory,
            self.external_directory.as_slice(),
            |_| "directory".to_owned(),
        )?;
        put(&mut table, Kind::AccountCode, &self.account_code, |entry| {
            entry.code.to_string()
        })?;
        put(&mut table, Kind::Group, &self.group, |entry| {
            entry.group.to_string()
        })?;
        put(&mut table, Kind::User, &self.user, |entry| entry.user.to_string())?;
        put(&mut table, Kind::Destination, &self.destination, |entry| {
            format!("{} {}", entry.user, entry.id)
        })?;
        put(&mut table, Kind::Calls, &self.calls, |entry| {
            entry.user.to_string()
        })?;
        put(&mut table, Kind::Forwarding, &self.forwarding, |entry| {
            entry.user.to_string()
        })?;
        put(&mut table, Kind::Profile, &self.profile, ProfileEntry::key)?;
        put(&mut table, Kind::Schedule, &self.schedule, |entry| {
            entry.user.to_string()
        })?;
        put(&mut table, Kind::Device, &self.device, |entry| {
            entry.device.to_string()
        })?;
        put(&mut table, Kind::Did, &self.did, |entry| {
            entry.number.as_str().to_owned()
        })?;
        Ok(table)
    }

    /// The groups by their names.
    pub(super) fn groups(&self) -> Result<BTreeMap<GroupId, GroupRow>, Failure> {
        self.group
            .iter()
            .map(|entry| Ok((entry.group.clone(), entry.row()?)))
            .collect()
    }

    /// What brings the store to an entry of the file.
    pub(super) fn change(
        &self,
        kind: Kind,
        key: &str,
        is_new: bool,
        groups: &BTreeMap<GroupId, GroupRow>,
        now: UnixMillis,
    ) -> Result<Change, Failure> {
        let lost = || Failure::Runtime(format!("{key} was not found again"));
        match kind {
            Kind::Site => {
                let entry = self.site.as_ref().ok_or_else(lost)?;
                Ok(Change::SetSite(Box::new(entry.row()?)))
            }
            Kind::Directory => {
                let entry = self.external_directory.as_ref().ok_or_else(lost)?;
                Ok(Change::SetDirectory(Some(Box::new(entry.row()))))
            }
            Kind::AccountCode => {
                let entry = self.account_code.iter().find(|entry| entry.code.as_str() == key);
                Ok(Change::PutAccountCode(entry.ok_or_else(lost)?.settings()))
            }
            Kind::Group => {
                let entry = self.group.iter().find(|entry| entry.group.as_str() == key);
                let row = entry.ok_or_else(lost)?.row()?;
                Ok(if is_new {
                    Change::AddGroup(row)
                } else {
                    Change::SetGroup(row)
                })
            }
            Kind::User => {
                let entry = self.user.iter().find(|entry| entry.user.as_str() == key);
                let row = Box::new(entry.ok_or_else(lost)?.row(groups)?);
                Ok(if is_new {
                    Change::AddUser(row)
                } else {
                    Change::SetUser(row)
                })
            }
            Kind::Destination => {
                let entry = self
                    .destination
                    .iter()
                    .find(|entry| format!("{} {}", entry.user, entry.id) == key);
                let entry = entry.ok_or_else(lost)?;
                Ok(Change::SaveDestination(entry.user.clone(), entry.row()?))
            }
            Kind::Calls => {
                let entry = self.calls.iter().find(|entry| entry.user.as_str() == key);
                entry.ok_or_else(lost)?.change()
            }
            Kind::Forwarding => {
                let entry = self.forwarding.iter().find(|entry| entry.user.as_str() == key);
                entry.ok_or_else(lost)?.change()
            }
            Kind::Profile => {
                let entry = self.profile.iter().find(|entry| entry.key() == key);
                entry.ok_or_else(lost)?.change()
            }
            Kind::Schedule => {
                let entry = self.schedule.iter().find(|entry| entry.user.as_str() == key);
                entry.ok_or_else(lost)?.change(&self.profile, now)
            }
            Kind::Device => {
                let entry = self.device.iter().find(|entry| entry.device.as_str() == key);
                let row = entry.ok_or_else(lost)?.row()?;
                Ok(if is_new {
                    Change::AddDevice(row)
                } else {
                    Change::SetDevice(row)
                })
            }
            Kind::Did => {
                let entry = self.did.iter().find(|entry| entry.number.as_str() == key);
                Ok(Change::SetDid(entry.ok_or_else(lost)?.row()?))
            }
        }
    }
}

/// What takes an entry out of the store, by the key that the store's own table gave it.
pub(super) fn removal(kind: Kind, key: &str, now: UnixMillis) -> Result<Change, Failure> {
    let unreadable = |error: &dyn Display| Failure::Runtime(format!("{key}: {error}"));
    let parsed = |text: &str| text.parse::<UserId>().map_err(|error| unreadable(&error));
    match kind {
        Kind::Site => Ok(Change::SetSite(Box::default())),
        Kind::Directory => Ok(Change::SetDirectory(None)),
        Kind::AccountCode => key
            .parse()
            .map(Change::RemoveAccountCode)
            .map_err(|error| unreadable(&error)),
        Kind::Group => key
            .parse()
            .map(Change::RemoveGroup)
            .map_err(|error| unreadable(&error)),
        Kind::User => key
            .parse()
            .map(Change::RemoveUser)
            .map_err(|error| unreadable(&error)),
        Kind::Destination => {
            let (user, id) = key.rsplit_once(' ').ok_or_else(|| unreadable(&"no id"))?;
            let user = parsed(user)?;
            let id = id.parse::<Uuid>().map_err(|error| unreadable(&error))?;
            Ok(Change::DeleteDestination(user, DestinationId(id)))
        }
        Kind::Calls => parsed(key).map(Change::ForgetCallSettings),
        Kind::Forwarding => Ok(Change::SaveCallRules(parsed(key)?, CallRules::default())),
        Kind::Profile => {
            let (user, name) = key.split_once(' ').ok_or_else(|| unreadable(&"no name"))?;
            Ok(Change::DeleteProfile(parsed(user)?, name.to_owned()))
        }
        Kind::Schedule => Ok(Change::SaveSchedule(parsed(key)?, Vec::new(), now)),
        Kind::Device => key
            .parse()
            .map(Change::RemoveDevice)
            .map_err(|error| unreadable(&error)),
        Kind::Did => key
            .parse()
            .map(Change::RemoveDid)
            .map_err(|error| unreadable(&error)),
    }
}

impl SiteEntry {
    fn of(row: SiteRow) -> Option<Self> {
        (row != SiteRow::default()).then(|| Self {
            restrictions: row.rules.map(|rules| rules.iter().map(rule_text).collect()),
            no_answer_ms: row.no_answer_ms,
            call_waiting: row.call_waiting,
            hold_music: row.hold_music,
            voicemail_message_s: row.voicemail_message_s,
            voicemail_quota_s: row.voicemail_quota_s,
            call_recording: row.call_recording,
            time_zone: row.time_zone,
            account_codes: row.account_codes,
        })
    }

    fn row(&self) -> Result<SiteRow, Failure> {
        let texts = self.restrictions.as_ref();
        Ok(SiteRow {
            rules: texts.map(|texts| rules("site", texts)).transpose()?,
            no_answer_ms: self.no_answer_ms,
            call_waiting: self.call_waiting,
            hold_music: self.hold_music.clone(),
            voicemail_message_s: self.voicemail_message_s,
            voicemail_quota_s: self.voicemail_quota_s,
            call_recording: self.call_recording,
            time_zone: self.time_zone.clone(),
            account_codes: self.account_codes,
        })
    }
}

impl AccountCodeEntry {
    fn of(settings: AccountCodeSettings) -> Self {
        Self {
            code: settings.code,
            name: settings.name,
            active: settings.active,
        }
    }

    fn settings(&self) -> AccountCodeSettings {
        AccountCodeSettings {
            code: self.code.clone(),
            name: self.name.trim().to_owned(),
            active: self.active,
        }
    }
}

impl GroupEntry {
    fn of(row: GroupRow) -> Self {
        Self {
            restrictions: row.restrictions.iter().map(rule_text).collect(),
            group: row.group,
        }
    }

    fn row(&self) -> Result<GroupRow, Failure> {
        Ok(GroupRow {
            group: self.group.clone(),
            restrictions: rules(&self.group, &self.restrictions)?,
        })
    }
}

fn on() -> bool {
    true
}

impl UserEntry {
    fn of(row: UserRow) -> Self {
        Self {
            display_name: row.display_name,
            extension: row.extension,
            caller_number: row.caller_id.number,
            caller_name: row.caller_id.name,
            group: row.group.map(|row| row.group),
            restrictions: row.restrictions.iter().map(rule_text).collect(),
            telecommuter: row.telecommuter_allowed,
            call_waiting: row.call_waiting_allowed,
            voicemail: row.voicemail_allowed,
            voicemail_quota_s: row.voicemail_quota_s,
            call_recording: row.recording_allowed,
            pick_up: row.pick_up_allowed,
            administrator: row.administrator,
            language: row.language,
            email: row.email.map(|email| email.as_str().to_owned()),
            confirm: row.confirm,
            no_answer_ms: row.user_no_answer_ms,
            dials_per_hour: row.caps.dials_per_hour,
            minutes_per_day: row.caps.minutes_per_day,
            pin_hash: row.pin.map(|pin| pin.as_str().to_owned()),
            user: row.user,
        }
    }

    fn row(&self, groups: &BTreeMap<GroupId, GroupRow>) -> Result<UserRow, Failure> {
        let key = &self.user;
        let group = match &self.group {
            None => None,
            Some(group) => Some(
                groups
                    .get(group)
                    .cloned()
                    .ok_or_else(|| wrong(key, "group", format_args!("the file has no group {group}")))?,
            ),
        };
        let email = self.email.as_ref().map(|text| text.parse::<EmailAddress>());
        let pin = self.pin_hash.as_ref().map(|text| text.parse::<PinHash>());
        Ok(UserRow {
            display_name: self.display_name.trim().to_owned(),
            telecommuter_allowed: self.telecommuter,
            caller_id: CallerId {
                number: self.caller_number.clone(),
                name: self.caller_name.clone(),
            },
            language: self.language.clone(),
            restrictions: rules(key, &self.restrictions)?,
            caps: Caps {
                dials_per_hour: self.dials_per_hour,
                minutes_per_day: self.minutes_per_day,
            },
            user_no_answer_ms: self.no_answer_ms,
            confirm: self.confirm,
            call_waiting_allowed: self.call_waiting,
            voicemail_allowed: self.voicemail,
            voicemail_quota_s: self.voicemail_quota_s,
            recording_allowed: self.call_recording,
            pick_up_allowed: self.pick_up,
            administrator: self.administrator,
            pin: pin.transpose().map_err(|error| wrong(key, "pin_hash", error))?,
            email: email.transpose().map_err(|error| wrong(key, "email", error))?,
            group,
            ..UserRow::new(
                self.user.clone(),
                self.extension.clone(),
                self.caller_number.clone(),
            )
        })
    }
}

impl DestinationEntry {
    fn row(&self) -> Result<SavedDestination, Failure> {
        Ok(SavedDestination {
            id: DestinationId(self.id),
            label: name(&self.user, "destination", &self.label)?,
            number: self.number.clone(),
            confirm: self.confirm,
            verified: self.verified,
        })
    }
}

impl DeviceEntry {
    fn of(row: DeviceRow) -> Self {
        Self {
            device: row.device,
            name: row.name,
            owner: row.owner,
            hot_desk: row.hot_desk,
            realm: row.secret.realm,
            ha1_md5: row.secret.md5,
            ha1_sha256: row.secret.sha256,
        }
    }

    fn row(&self) -> Result<DeviceRow, Failure> {
        let hash = |field: &str, text: &str, length: usize| {
            let fits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            if text.len() == length && text.bytes().all(fits) {
                Ok(text.to_owned())
            } else {
                Err(wrong(
                    &self.device,
                    field,
                    format_args!("{length} lower-case hexadecimal digits"),
                ))
            }
        };
        Ok(DeviceRow {
            device: self.device.clone(),
            name: name(&self.device, "name", &self.name)?,
            owner: self.owner.clone(),
            hot_desk: self.hot_desk,
            secret: DeviceSecret {
                realm: self.realm.clone(),
                md5: hash("ha1_md5", &self.ha1_md5, 32)?,
                sha256: hash("ha1_sha256", &self.ha1_sha256, 64)?,
            },
        })
    }
}

impl DidEntry {
    fn of(row: DidRow) -> Self {
        Self {
            number: row.number,
            extension: row.extension,
            label: row.label,
            trunk: row.trunk.map(|trunk| trunk.0),
        }
    }

    fn row(&self) -> Result<DidRow, Failure> {
        let label = self
            .label
            .as_ref()
            .map(|label| name(self.number.as_str(), "label", label));
        Ok(DidRow {
            number: self.number.clone(),
            extension: self.extension.clone(),
            label: label.transpose()?,
            trunk: self.trunk.clone().map(TrunkId),
        })
    }
}
