//! Between rows and types.

use super::account_codes;
use super::{CallUp, GroupRow, Invitation, LegUp, StoreError, UserRow};
use crate::numbers::TimedRule;
use ponte_call_core::{Caps, LegId};
use ponte_protocol::{
    CallId, CallRecord, CallerId, Cause, CommandId, DestinationId, LegRecord, MessageId, SavedDestination,
    UnixMillis,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::fmt::Display;
use std::str::FromStr;
use uuid::Uuid;

/// `SQLite` has no unsigned integers; times and counts never come near the limit.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn time(value: UnixMillis) -> i64 {
    int(value.0)
}

pub(super) fn maybe_time(value: Option<UnixMillis>) -> Option<i64> {
    value.map(time)
}

/// The word that stands for a variant on the wire.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

pub(super) fn json<T: Serialize>(table: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unreadable {
        table,
        reason: error.to_string(),
    })
}

/// Rules as the administrator writes them, `allow +39` or `allow +44 Mon-Fri 09:00-18:00`, one a line.
pub(super) fn rules_text(rules: &[TimedRule]) -> String {
    let lines: Vec<String> = rules.iter().map(crate::numbers::rule_text).collect();
    lines.join("\n")
}

/// Reads the columns of one row, and says which table is to blame.
pub(super) struct Columns<'a> {
    pub(super) table: &'static str,
    pub(super) row: &'a SqliteRow,
}

impl<'a> Columns<'a> {
    pub(super) fn of(table: &'static str, row: &'a SqliteRow) -> Self {
        Self { table, row }
    }

    fn unreadable(&self, column: &str, error: &dyn Display) -> StoreError {
        StoreError::Unreadable {
            table: self.table,
            reason: format!("{column}: {error}"),
        }
    }

    pub(super) fn text(&self, column: &str) -> Result<String, StoreError> {
        self.row
            .try_get(column)
            .map_err(|error| self.unreadable(column, &error))
    }

    pub(super) fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.row
            .try_get(column)
            .map_err(|error| self.unreadable(column, &error))
    }

    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?
            .parse()
            .map_err(|error: T::Err| self.unreadable(column, &error))
    }

    pub(super) fn maybe_parsed<T: FromStr<Err: Display>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        self.maybe_text(column)?
            .map(|text| {
                text.parse()
                    .map_err(|error: T::Err| self.unreadable(column, &error))
            })
            .transpose()
    }

    pub(super) fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.number(column)? != 0)
    }

    pub(super) fn maybe_number(&self, column: &str) -> Result<Option<u64>, StoreError> {
        let value: Option<i64> = self
            .row
            .try_get(column)
            .map_err(|error| self.unreadable(column, &error))?;
        value
            .map(|value| u64::try_from(value).map_err(|error| self.unreadable(column, &error)))
            .transpose()
    }

    pub(super) fn number(&self, column: &str) -> Result<u64, StoreError> {
        self.maybe_number(column)?
            .ok_or_else(|| self.unreadable(column, &"is empty"))
    }

    pub(super) fn narrow<T: TryFrom<u64, Error: Display>>(&self, column: &str) -> Result<T, StoreError> {
        T::try_from(self.number(column)?).map_err(|error| self.unreadable(column, &error))
    }

    pub(super) fn maybe_narrow<T: TryFrom<u64, Error: Display>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        self.maybe_number(column)?
            .map(|value| T::try_from(value).map_err(|error| self.unreadable(column, &error)))
            .transpose()
    }

    pub(super) fn time(&self, column: &str) -> Result<UnixMillis, StoreError> {
        self.number(column).map(UnixMillis)
    }

    pub(super) fn maybe_time(&self, column: &str) -> Result<Option<UnixMillis>, StoreError> {
        Ok(self.maybe_number(column)?.map(UnixMillis))
    }

    pub(super) fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        self.row
            .try_get(column)
            .map_err(|error| self.unreadable(column, &error))
    }

    pub(super) fn uuid(&self, column: &str) -> Result<Uuid, StoreError> {
        Uuid::from_slice(&self.bytes(column)?).map_err(|error| self.unreadable(column, &error))
    }

    pub(super) fn maybe_uuid(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        let bytes: Option<Vec<u8>> = self
            .row
            .try_get(column)
            .map_err(|error| self.unreadable(column, &error))?;
        bytes
            .map(|bytes| Uuid::from_slice(&bytes).map_err(|error| self.unreadable(column, &error)))
            .transpose()
    }

    /// What [`rules_text`] has written.
    pub(super) fn rules(&self, column: &str) -> Result<Vec<TimedRule>, StoreError> {
        self.text(column)?
            .lines()
            .map(|line| crate::numbers::parse_rule(line).map_err(|error| self.unreadable(column, &error)))
            .collect()
    }

    pub(super) fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_value(Value::String(self.text(column)?))
            .map_err(|error| self.unreadable(column, &error))
    }

    pub(super) fn maybe_word<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.maybe_text(column)?
            .map(|text| {
                serde_json::from_value(Value::String(text)).map_err(|error| self.unreadable(column, &error))
            })
            .transpose()
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| self.unreadable(column, &error))
    }

    pub(super) fn cause(&self) -> Result<Cause, StoreError> {
        Ok(Cause {
            reason: self.word("reason")?,
            class: self.word("class")?,
            q850: self.maybe_narrow("q850")?,
            sip: self.maybe_narrow("sip")?,
        })
    }

    pub(super) fn user(&self) -> Result<UserRow, StoreError> {
        let group = match self.maybe_parsed("group_name")? {
            Some(group) => Some(GroupRow {
                group,
                restrictions: self.rules("group_restrictions")?,
            }),
            None => None,
        };
        Ok(UserRow {
            user: self.parsed("user")?,
            display_name: self.text("display_name")?,
            extension: self.parsed("extension")?,
            telecommuter_allowed: self.flag("telecommuter_allowed")?,
            caller_id: CallerId {
                number: self.parsed("caller_number")?,
                name: self.maybe_text("caller_name")?,
            },
            language: self.maybe_text("language")?,
            restrictions: self.rules("restrictions")?,
            caps: Caps {
                dials_per_hour: self.narrow("dials_per_hour")?,
                minutes_per_day: self.narrow("minutes_per_day")?,
            },
            user_no_answer_ms: self.number("user_no_answer_ms")?,
            confirm: self.maybe_number("confirm")?.map(|confirm| confirm != 0),
            call_waiting_allowed: self.flag("call_waiting_allowed")?,
            voicemail_allowed: self.flag("voicemail_allowed")?,
            voicemail_quota_s: self.maybe_narrow("voicemail_quota_s")?,
            recording_allowed: self.flag("recording_allowed")?,
            pick_up_allowed: self.flag("pick_up_allowed")?,
            administrator: self.flag("administrator")?,
            pin: self.maybe_parsed("pin_hash")?,
            email: self.maybe_parsed("email")?,
            group,
        })
    }

    pub(super) fn invitation(&self) -> Result<Invitation, StoreError> {
        Ok(Invitation {
            user: self.parsed("user")?,
            token_hash: self.text("token_hash")?,
            expires_at: self.time("expires_at")?,
        })
    }

    pub(super) fn destination(&self) -> Result<SavedDestination, StoreError> {
        Ok(SavedDestination {
            id: DestinationId(self.uuid("id")?),
            label: self.text("label")?,
            number: self.parsed("number")?,
            confirm: self.flag("confirm")?,
            verified: self.flag("verified")?,
        })
    }

    pub(super) fn call_up(&self) -> Result<CallUp, StoreError> {
        Ok(CallUp {
            call: CallId(self.uuid("call")?),
            user: self.parsed("user")?,
            direction: self.word("direction")?,
            dialled: self.parsed("dialled")?,
            number: self.text("number")?,
            name: self.maybe_text("name")?,
            started_at: self.time("started_at")?,
            connected_at: self.maybe_time("connected_at")?,
            account_code: account_codes::booked(self)?,
        })
    }

    pub(super) fn leg_up(&self) -> Result<LegUp, StoreError> {
        let ended = match self.maybe_time("ended_at")? {
            Some(ended_at) => Some((ended_at, self.cause()?)),
            None => None,
        };
        Ok(LegUp {
            leg: LegId {
                call: CallId(self.uuid("call")?),
                index: self.narrow("position")?,
            },
            role: self.word("role")?,
            direction: self.word("direction")?,
            number: self.text("number")?,
            trunk: self.text("trunk")?,
            device: self.maybe_parsed("device")?,
            started_at: self.time("started_at")?,
            ringing_at: self.maybe_time("ringing_at")?,
            answered_at: self.maybe_time("answered_at")?,
            ended,
            dialog: self.maybe_text("dialog")?,
        })
    }

    /// Without its legs and recordings.
    pub(super) fn record(&self) -> Result<CallRecord, StoreError> {
        Ok(CallRecord {
            id: CallId(self.uuid("id")?),
            user: self.parsed("user")?,
            direction: self.word("direction")?,
            dialled: self.parsed("dialled")?,
            number: self.text("number")?,
            name: self.maybe_text("name")?,
            started_at: self.time("started_at")?,
            connected_at: self.maybe_time("connected_at")?,
            ended_at: self.time("ended_at")?,
            cause: self.cause()?,
            ended_by: self.word("ended_by")?,
            message: self.maybe_uuid("message")?.map(MessageId),
            recordings: Vec::new(),
            account_code: account_codes::booked(self)?,
            legs: Vec::new(),
        })
    }

    pub(super) fn leg_record(&self) -> Result<LegRecord, StoreError> {
        Ok(LegRecord {
            role: self.word("role")?,
            number: self.text("number")?,
            trunk: self.text("trunk")?,
            device: self.maybe_parsed("device")?,
            started_at: self.time("started_at")?,
            ringing_at: self.maybe_time("ringing_at")?,
            answered_at: self.maybe_time("answered_at")?,
            ended_at: self.time("ended_at")?,
            cause: self.cause()?,
        })
    }
}

/// The bytes under which a command is kept.
pub(super) fn command_key(id: CommandId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}
