//! How calls to users are treated, in the file.

use super::rows::wrong;
use crate::admin::{
    Wrong, check_call_rules, check_call_settings, check_profile, check_schedule, with_built_in,
};
use crate::cli::Failure;
use crate::cli::treatment::{entry, entry_text};
use crate::store::{Change, Store};
use ponte_protocol::{
    CallProfile, CallRules, CallSettings, DestinationId, DialString, Forwarding, ProfilePlace, ScheduleEntry,
    UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Settings of a user who has own ones.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct CallsEntry {
    pub(super) user: UserId,
    no_answer_ms: u64,
    voicemail: bool,
    call_waiting: bool,
}

/// Where calls to a user go on to; a user of whom it says nothing is missing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ForwardingEntry {
    pub(super) user: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    always: Option<DialString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    busy: Option<DialString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    no_answer: Option<DialString>,
    /// Who gets through to a user who wants no calls.
    #[serde(default)]
    exceptions: Vec<DialString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Unchanged,
    Office,
    Telephone,
    Browser,
}

/// A profile of the user's own, or a built-in one that was changed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ProfileEntry {
    pub(super) user: UserId,
    pub(super) name: String,
    place: Place,
    /// The id of one of the user's destinations, where the place is a telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destination: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirm: Option<bool>,
    no_answer_ms: u64,
    voicemail: bool,
    call_waiting: bool,
    do_not_disturb: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    always: Option<DialString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    busy: Option<DialString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    no_answer: Option<DialString>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ScheduleLines {
    pub(super) user: UserId,
    /// `Mon-Fri 09:00-18:00 home`.
    entries: Vec<String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Treatment {
    pub(super) calls: Vec<CallsEntry>,
    pub(super) forwarding: Vec<ForwardingEntry>,
    pub(super) profile: Vec<ProfileEntry>,
    pub(super) schedule: Vec<ScheduleLines>,
}

impl Treatment {
    /// What the store holds.
    pub(super) async fn of(store: &Store) -> Result<Self, Failure> {
        let calls = store.call_settings().await?;
        let rules = store.call_rules().await?;
        let mut profile = Vec::new();
        for (user, profiles) in store.profiles().await? {
            profile.extend(
                profiles
                    .into_iter()
                    .map(|saved| ProfileEntry::of(user.clone(), saved)),
            );
        }
        let schedules = store.schedules().await?.into_iter();
        Ok(Self {
            calls: calls.into_iter().map(CallsEntry::of).collect(),
            forwarding: rules
                .into_iter()
                .filter(|(_, rules)| *rules != CallRules::default())
                .map(ForwardingEntry::of)
                .collect(),
            profile,
            schedule: schedules
                .filter(|(_, (schedule, _))| !schedule.is_empty())
                .map(|(user, (schedule, _))| ScheduleLines {
                    user,
                    entries: schedule.iter().map(entry_text).collect(),
                })
                .collect(),
        })
    }
}

/// The first thing that is wrong, in words.
fn first(user: &UserId, wrong: Vec<Wrong>) -> Result<(), Failure> {
    match wrong.into_iter().next() {
        Some(wrong) => Err(Failure::Usage(format!("{user}: {}", wrong.reason))),
        None => Ok(()),
    }
}

impl CallsEntry {
    fn of((user, settings): (UserId, CallSettings)) -> Self {
        let CallSettings {
            no_answer_ms,
            voicemail,
            call_waiting,
        } = settings;
        Self {
            user,
            no_answer_ms,
            voicemail,
            call_waiting,
        }
    }

    pub(super) fn change(&self) -> Result<Change, Failure> {
        let settings = CallSettings {
            no_answer_ms: self.no_answer_ms,
            voicemail: self.voicemail,
            call_waiting: self.call_waiting,
        };
        first(&self.user, check_call_settings(&settings))?;
        Ok(Change::SaveCallSettings(self.user.clone(), settings))
    }
}

impl ForwardingEntry {
    fn of((user, rules): (UserId, CallRules)) -> Self {
        let CallRules {
            forwarding:
                Forwarding {
                    always,
                    busy,
                    no_answer,
                },
            exceptions,
        } = rules;
        Self {
            user,
            always,
            busy,
            no_answer,
            exceptions,
        }
    }

    pub(super) fn change(&self) -> Result<Change, Failure> {
        let rules = CallRules {
            forwarding: Forwarding {
                always: self.always.clone(),
                busy: self.busy.clone(),
                no_answer: self.no_answer.clone(),
            },
            exceptions: self.exceptions.clone(),
        };
        first(&self.user, check_call_rules(&rules))?;
        Ok(Change::SaveCallRules(self.user.clone(), rules))
    }
}

impl ProfileEntry {
    /// What it stands under in the table of differences.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.user, self.name)
    }

    fn of(user: UserId, profile: CallProfile) -> Self {
        let CallProfile {
            name,
            place,
            confirm,
            settings,
            do_not_disturb,
            forwarding,
        } = profile;
        let (place, destination) = match place {
            ProfilePlace::Unchanged | ProfilePlace::Unknown => (Place::Unchanged, None),
            ProfilePlace::Office => (Place::Office, None),
            ProfilePlace::Browser => (Place::Browser, None),
            ProfilePlace::Telephone { destination } => (Place::Telephone, destination.map(|id| id.0)),
        };
        Self {
            user,
            name,
            place,
            destination,
            confirm,
            no_answer_ms: settings.no_answer_ms,
            voicemail: settings.voicemail,
            call_waiting: settings.call_waiting,
            do_not_disturb,
            always: forwarding.always,
            busy: forwarding.busy,
            no_answer: forwarding.no_answer,
        }
    }

    fn profile(&self) -> Result<CallProfile, Failure> {
        let place = match (self.place, self.destination) {
            (Place::Telephone, destination) => ProfilePlace::Telephone {
                destination: destination.map(DestinationId),
            },
            (_, Some(_)) => {
                return Err(wrong(
                    &self.user,
                    "destination",
                    "goes with the place telephone alone",
                ));
            }
            (Place::Unchanged, None) => ProfilePlace::Unchanged,
            (Place::Office, None) => ProfilePlace::Office,
            (Place::Browser, None) => ProfilePlace::Browser,
        };
        Ok(CallProfile {
            name: self.name.clone(),
            place,
            confirm: self.confirm,
            settings: CallSettings {
                no_answer_ms: self.no_answer_ms,
                voicemail: self.voicemail,
                call_waiting: self.call_waiting,
            },
            do_not_disturb: self.do_not_disturb,
            forwarding: Forwarding {
                always: self.always.clone(),
                busy: self.busy.clone(),
                no_answer: self.no_answer.clone(),
            },
        })
    }

    pub(super) fn change(&self) -> Result<Change, Failure> {
        let profile = self.profile()?;
        first(&self.user, check_profile(&profile))?;
        Ok(Change::SaveProfile(self.user.clone(), Box::new(profile)))
    }
}

impl ScheduleLines {
    /// `profiles` are all of the file; `from` is when it begins to be carried out.
    pub(super) fn change(&self, profiles: &[ProfileEntry], from: UnixMillis) -> Result<Change, Failure> {
        let entries = self.entries.iter().map(|text| entry(text));
        let schedule: Vec<ScheduleEntry> = entries
            .collect::<Result<_, _>>()
            .map_err(|reason| wrong(&self.user, "entries", reason))?;
        let own = profiles.iter().filter(|entry| entry.user == self.user);
        let own: Vec<CallProfile> = own.map(ProfileEntry::profile).collect::<Result<_, _>>()?;
        first(&self.user, check_schedule(&schedule, &with_built_in(own)))?;
        Ok(Change::SaveSchedule(self.user.clone(), schedule, from))
    }
}
