//! The file as a whole: what stands in it, and what brings the store to it.

use super::difference::{Kind, Table};
use super::directory::DirectoryEntry;
use super::rows::{
    AccountCodeEntry, DestinationEntry, DeviceEntry, DidEntry, GroupEntry, SiteEntry, UserEntry,
};
use super::treatment::{CallsEntry, ForwardingEntry, ProfileEntry, ScheduleLines, Treatment};
use crate::cli::Failure;
use crate::store::{Change, GroupRow, Store};
use ponte_protocol::{CallRules, DestinationId, GroupId, UnixMillis, UserId};
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

impl Entries {
    /// What the store holds.
    pub(super) async fn of(store: &Store) -> Result<Self, Failure> {
        let users = store.users().await?;
        let mut destination = Vec::new();
        for row in &users {
            let saved = store.destinations(&row.user).await?;
            let entry = |saved| DestinationEntry::of(row.user.clone(), saved);
            destination.extend(saved.into_iter().map(entry));
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
