//! What administrators set for the whole site.

use super::codec::{Columns, int, rules_text, word};
use super::write::{Applied, DONE};
use super::{Store, StoreError};
use crate::numbers::TimedRule;
use ponte_protocol::AccountCodePolicy;
use ponte_protocol::admin::CallRecording;
use sqlx::SqliteConnection;

/// What differs from the configuration; `None`: as the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteRow {
    pub rules: Option<Vec<TimedRule>>,
    /// How long a call rings for a user who has set nothing else, in milliseconds.
    pub no_answer_ms: Option<u64>,
    /// Whether a second call may be offered at all.
    pub call_waiting: Option<bool>,
    /// By name.
    pub hold_music: Option<String>,
    /// The longest message, in seconds.
    pub voicemail_message_s: Option<u32>,
    /// What a box holds, in seconds.
    pub voicemail_quota_s: Option<u32>,
    /// Whose calls may be recorded.
    pub call_recording: Option<CallRecording>,
    /// A name of the IANA, e.g. `Europe/Rome`.
    pub time_zone: Option<String>,
    /// Whether calls are booked to account codes.
    pub account_codes: Option<AccountCodePolicy>,
}

pub(super) async fn put(connection: &mut SqliteConnection, row: &SiteRow) -> Applied {
    sqlx::query(
        "UPDATE site SET rules = ?1, no_answer_ms = ?2, call_waiting = ?3, hold_music = ?4, voicemail_message_s = ?5,
             voicemail_quota_s = ?6, call_recording = ?7, time_zone = ?8, account_codes = ?9",
    )
    .bind(row.rules.as_deref().map(rules_text))
    .bind(row.no_answer_ms.map(int))
    .bind(row.call_waiting)
    .bind(row.hold_music.as_deref())
    .bind(row.voicemail_message_s)
    .bind(row.voicemail_quota_s)
    .bind(row.call_recording.as_ref().map(word))
    .bind(row.time_zone.as_deref())
    .bind(row.account_codes.as_ref().map(word))
    .execute(connection)
    .await?;
    DONE
}

impl Store {
    /// What administrators have set for the whole site.
    pub async fn site(&self) -> Result<SiteRow, StoreError> {
        let row = sqlx::query("SELECT * FROM site")
            .fetch_one(self.readers())
            .await?;
        let columns = Columns::of("site", &row);
        let rules = match columns.maybe_text("rules")? {
            Some(_) => Some(columns.rules("rules")?),
            None => None,
        };
        Ok(SiteRow {
            rules,
            no_answer_ms: columns.maybe_number("no_answer_ms")?,
            call_waiting: columns.maybe_number("call_waiting")?.map(|on| on != 0),
            hold_music: columns.maybe_text("hold_music")?,
            voicemail_message_s: columns.maybe_narrow("voicemail_message_s")?,
            voicemail_quota_s: columns.maybe_narrow("voicemail_quota_s")?,
            call_recording: columns.maybe_word("call_recording")?,
            time_zone: columns.maybe_text("time_zone")?,
            account_codes: columns.maybe_word("account_codes")?,
        })
    }
}
