//! Account codes, and what calls are booked to.

use super::audit;
use super::codec::{Columns, time};
use super::write::{Applied, DONE, Outcome};
use super::{AuditNote, Store, StoreError, Written};
use ponte_protocol::admin::AccountCodeSettings;
use ponte_protocol::{AccountCode, BookedCode, CallId, LogPage, UnixMillis, UserId};
use sqlx::SqliteConnection;

#[derive(Debug)]
pub(super) enum AccountCodeWrite {
    Put(AccountCodeSettings),
    Remove(AccountCode),
    /// Of a call that is up.
    CallUp(CallId, Option<BookedCode>),
    /// Of a call that is over.
    Record {
        user: UserId,
        call: CallId,
        booked: Option<BookedCode>,
        note: AuditNote,
    },
}

impl AccountCodeWrite {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Put(_) => "put_account_code",
            Self::Remove(_) => "remove_account_code",
            Self::CallUp(..) => "call_account_code",
            Self::Record { .. } => "record_account_code",
        }
    }

    pub(super) fn is_spooled(&self) -> bool {
        matches!(self, Self::CallUp(..))
    }

    pub(super) fn survives_power_cut(&self) -> bool {
        !matches!(self, Self::CallUp(..))
    }

    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Applied {
        match self {
            Self::Put(settings) => put(connection, settings).await,
            Self::Remove(code) => {
                let removed = sqlx::query("DELETE FROM account_codes WHERE code = ?1")
                    .bind(code.as_str())
                    .execute(connection)
                    .await?;
                if removed.rows_affected() == 0 {
                    return Ok(Err(StoreError::UnknownAccountCode(code.clone())));
                }
                DONE
            }
            Self::CallUp(call, booked) => {
                sqlx::query("UPDATE calls_up SET account_code = ?2, account_name = ?3 WHERE call = ?1")
                    .bind(call.0.as_bytes().as_slice())
                    .bind(code(booked.as_ref()))
                    .bind(name(booked.as_ref()))
                    .execute(connection)
                    .await?;
                DONE
            }
            Self::Record {
                user,
                call,
                booked,
                note,
            } => {
                let changed = sqlx::query(
                    "UPDATE records SET account_code = ?3, account_name = ?4 WHERE id = ?1 AND user = ?2",
                )
                .bind(call.0.as_bytes().as_slice())
                .bind(user.as_str())
                .bind(code(booked.as_ref()))
                .bind(name(booked.as_ref()))
                .execute(&mut *connection)
                .await?;
                if changed.rows_affected() == 0 {
                    return Ok(Ok(Outcome::Found(false)));
                }
                match audit::keep(connection, note).await? {
                    Ok(_) => Ok(Ok(Outcome::Found(true))),
                    Err(refused) => Ok(Err(refused)),
                }
            }
        }
    }
}

/// The column `account_code` of what is booked.
pub(super) fn code(booked: Option<&BookedCode>) -> Option<&str> {
    booked.map(|booked| booked.code.as_str())
}

/// The column `account_name` of what is booked.
pub(super) fn name(booked: Option<&BookedCode>) -> Option<&str> {
    booked.map(|booked| booked.name.as_str())
}

/// Both columns.
pub(super) fn booked(columns: &Columns<'_>) -> Result<Option<BookedCode>, StoreError> {
    let Some(code) = columns.maybe_parsed("account_code")? else {
        return Ok(None);
    };
    let name = columns.maybe_text("account_name")?.unwrap_or_default();
    Ok(Some(BookedCode { code, name }))
}

async fn put(connection: &mut SqliteConnection, settings: &AccountCodeSettings) -> Applied {
    sqlx::query(
        "INSERT INTO account_codes (code, name, active) VALUES (?1, ?2, ?3)
         ON CONFLICT (code) DO UPDATE SET name = ?2, active = ?3",
    )
    .bind(settings.code.as_str())
    .bind(&settings.name)
    .bind(settings.active)
    .execute(connection)
    .await?;
    DONE
}

impl Store {
    /// The site's list, by code.
    pub async fn account_codes(&self) -> Result<Vec<AccountCodeSettings>, StoreError> {
        let rows = sqlx::query("SELECT * FROM account_codes ORDER BY code")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns::of("account_codes", row);
                Ok(AccountCodeSettings {
                    code: columns.parsed("code")?,
                    name: columns.text("name")?,
                    active: columns.flag("active")?,
                })
            })
            .collect()
    }

    /// A page of the records that are booked to a code, of everybody's or of one user, newest first.
    pub async fn booked_records(
        &self,
        code: &AccountCode,
        user: Option<&UserId>,
        before: Option<UnixMillis>,
        limit: u16,
    ) -> Result<LogPage, StoreError> {
        let rows = sqlx::query(
            "SELECT id FROM records WHERE account_code = ?1 AND (?2 IS NULL OR user = ?2) AND started_at < ?3
             ORDER BY started_at DESC, id DESC LIMIT ?4",
        )
        .bind(code.as_str())
        .bind(user.map(UserId::as_str))
        .bind(before.map_or(i64::MAX, time))
        .bind(i64::from(limit) + 1)
        .fetch_all(self.readers())
        .await?;
        let mut records = Vec::with_capacity(rows.len());
        for row in rows.iter().take(limit.into()) {
            let call = CallId(Columns::of("records", row).uuid("id")?);
            records.extend(self.record(call).await?);
        }
        Ok(LogPage {
            records,
            more: rows.len() > usize::from(limit),
        })
    }

    /// Adds a code to the list, or changes its settings.
    pub fn put_account_code(&self, settings: AccountCodeSettings) -> Written<()> {
        self.write_done(AccountCodeWrite::Put(settings).into())
    }

    /// Takes a code off the list; calls that are booked to it stay so.
    pub fn remove_account_code(&self, code: AccountCode) -> Written<()> {
        self.write_done(AccountCodeWrite::Remove(code).into())
    }

    /// Keeps what a call that is up is booked to; without effect once its record is written.
    pub fn book_call(&self, call: CallId, booked: Option<BookedCode>) -> Written<()> {
        self.write_done(AccountCodeWrite::CallUp(call, booked).into())
    }

    /// Changes what a user's call that is over is booked to, and keeps the note of it; whether there is such a record.
    pub fn book_record(
        &self,
        user: UserId,
        call: CallId,
        booked: Option<BookedCode>,
        note: AuditNote,
    ) -> Written<bool> {
        self.write_found(
            AccountCodeWrite::Record {
                user,
                call,
                booked,
                note,
            }
            .into(),
        )
    }
}
