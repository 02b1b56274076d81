//! Single entries of the file, and the rows of the store that they are.

use crate::admin::{LABEL_MAX, check_name};
use crate::cli::Failure;
use crate::numbers::{TimedRule, parse_rule, rule_text};
use crate::store::{DeviceRow, DeviceSecret, DidRow, EmailAddress, GroupRow, PinHash, SiteRow, UserRow};
use ponte_call_core::{Caps, TrunkId};
use ponte_protocol::admin::{AccountCodeSettings, CallRecording};
use ponte_protocol::{
    AccountCode, AccountCodePolicy, CallerId, DestinationId, DeviceId, E164, Extension, GroupId,
    SavedDestination, UserId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Display;
use uuid::Uuid;

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
    pub(super) code: AccountCode,
    name: String,
    #[serde(default = "on")]
    active: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupEntry {
    pub(super) group: GroupId,
    #[serde(default)]
    restrictions: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    pub(super) user: UserId,
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
    pub(super) id: Uuid,
    pub(super) user: UserId,
    label: String,
    number: E164,
    confirm: bool,
    verified: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceEntry {
    pub(super) device: DeviceId,
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
    pub(super) number: E164,
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

impl SiteEntry {
    pub(super) fn of(row: SiteRow) -> Option<Self> {
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

    pub(super) fn row(&self) -> Result<SiteRow, Failure> {
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
    pub(super) fn of(settings: AccountCodeSettings) -> Self {
        Self {
            code: settings.code,
            name: settings.name,
            active: settings.active,
        }
    }

    pub(super) fn settings(&self) -> AccountCodeSettings {
        AccountCodeSettings {
            code: self.code.clone(),
            name: self.name.trim().to_owned(),
            active: self.active,
        }
    }
}

impl GroupEntry {
    pub(super) fn of(row: GroupRow) -> Self {
        Self {
            restrictions: row.restrictions.iter().map(rule_text).collect(),
            group: row.group,
        }
    }

    pub(super) fn row(&self) -> Result<GroupRow, Failure> {
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
    pub(super) fn of(row: UserRow) -> Self {
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

    pub(super) fn row(&self, groups: &BTreeMap<GroupId, GroupRow>) -> Result<UserRow, Failure> {
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
    pub(super) fn of(user: UserId, saved: SavedDestination) -> Self {
        Self {
            id: saved.id.0,
            user,
            label: saved.label,
            number: saved.number,
            confirm: saved.confirm,
            verified: saved.verified,
        }
    }

    pub(super) fn row(&self) -> Result<SavedDestination, Failure> {
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
    pub(super) fn of(row: DeviceRow) -> Self {
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

    pub(super) fn row(&self) -> Result<DeviceRow, Failure> {
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
    pub(super) fn of(row: DidRow) -> Self {
        Self {
            number: row.number,
            extension: row.extension,
            label: row.label,
            trunk: row.trunk.map(|trunk| trunk.0),
        }
    }

    pub(super) fn row(&self) -> Result<DidRow, Failure> {
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
