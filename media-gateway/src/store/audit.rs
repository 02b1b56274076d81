//! What administrators have changed.

use super::codec::{Columns, int, time};
use super::write::{Applied, DONE};
use super::{Store, StoreError};
use ponte_protocol::admin::AuditEntry;
use ponte_protocol::{UnixMillis, UserId};
use sqlx::SqliteConnection;

/// An entry of the audit log before it has its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditNote {
    pub at: UnixMillis,
    /// `None`: on the gateway's command line.
    pub by: Option<UserId>,
    /// What was done, e.g. `user_changed`.
    pub action: &'static str,
    /// To whom or what.
    pub subject: String,
    /// The fields that changed, by name; never what they hold.
    pub fields: Vec<String>,
}

pub(super) async fn keep(connection: &mut SqliteConnection, note: &AuditNote) -> Applied {
    sqlx::query("INSERT INTO audit (at, by, action, subject, fields) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(time(note.at))
        .bind(note.by.as_ref().map(UserId::as_str))
        .bind(note.action)
        .bind(&note.subject)
        .bind(note.fields.join("\n"))
        .execute(connection)
        .await?;
    DONE
}

impl Store {
    /// A page of the audit log, newest first, of entries before the one named; whether there are older ones.
    pub async fn audit(
        &self,
        before: Option<u64>,
        limit: u16,
    ) -> Result<(Vec<AuditEntry>, bool), StoreError> {
        let rows = sqlx::query("SELECT * FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2")
            .bind(before.map_or(i64::MAX, int))
            .bind(i64::from(limit) + 1)
            .fetch_all(self.readers())
            .await?;
        let more = rows.len() > usize::from(limit);
        let entries = rows.iter().take(limit.into()).map(|row| {
            let columns = Columns::of("audit", row);
            Ok(AuditEntry {
                id: columns.number("id")?,
                at: columns.time("at")?,
                by: columns.maybe_parsed("by")?,
                action: columns.text("action")?,
                subject: columns.text("subject")?,
                fields: columns.text("fields")?.lines().map(str::to_owned).collect(),
            })
        });
        Ok((entries.collect::<Result<_, StoreError>>()?, more))
    }
}
