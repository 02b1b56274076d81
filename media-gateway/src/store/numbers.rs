//! Direct inward dialling: the site's numbers and the extensions that they reach.

use super::codec::Columns;
use super::write::{Applied, DONE};
use super::{Store, StoreError, Written};
use ponte_call_core::TrunkId;
use ponte_protocol::{E164, Extension};
use sqlx::{SqliteConnection, SqlitePool};

/// A number of the site that reaches an extension from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DidRow {
    pub number: E164,
    /// Of a user, now or later.
    pub extension: Extension,
    /// What it is for, at most 40 characters.
    pub label: Option<String>,
    /// The only trunk on which it may come in; `None`: any.
    pub trunk: Option<TrunkId>,
}

#[derive(Debug)]
pub(super) enum DidWrite {
    Add(DidRow),
    Set(DidRow),
    Remove(E164),
}

impl DidWrite {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Add(_) => "add_did",
            Self::Set(_) => "set_did",
            Self::Remove(_) => "remove_did",
        }
    }

    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Applied {
        match self {
            Self::Add(row) => {
                let taken = sqlx::query("SELECT extension FROM dids WHERE number = ?1")
                    .bind(row.number.as_str())
                    .fetch_optional(&mut *connection)
                    .await?;
                if let Some(taken) = taken {
                    return Ok(Err(match Columns::of("dids", &taken).parsed("extension") {
                        Ok(extension) => StoreError::DidTaken {
                            number: row.number.clone(),
                            extension,
                        },
                        Err(error) => error,
                    }));
                }
                put(connection, row).await
            }
            Self::Set(row) => put(connection, row).await,
            Self::Remove(number) => {
                let removed = sqlx::query("DELETE FROM dids WHERE number = ?1")
                    .bind(number.as_str())
                    .execute(connection)
                    .await?;
                if removed.rows_affected() == 0 {
                    return Ok(Err(StoreError::UnknownDid(number.clone())));
                }
                DONE
            }
        }
    }
}

async fn put(connection: &mut SqliteConnection, row: &DidRow) -> Applied {
    sqlx::query(
        "INSERT INTO dids (number, extension, label, trunk) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (number) DO UPDATE SET extension = ?2, label = ?3, trunk = ?4",
    )
    .bind(row.number.as_str())
    .bind(row.extension.as_str())
    .bind(row.label.as_deref())
    .bind(row.trunk.as_ref().map(|trunk| trunk.0.as_str()))
    .execute(connection)
    .await?;
    DONE
}

async fn rows(pool: &SqlitePool) -> Result<Vec<DidRow>, StoreError> {
    let rows = sqlx::query("SELECT * FROM dids ORDER BY number")
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| {
            let columns = Columns::of("dids", row);
            Ok(DidRow {
                number: columns.parsed("number")?,
                extension: columns.parsed("extension")?,
                label: columns.maybe_text("label")?,
                trunk: columns.maybe_text("trunk")?.map(TrunkId),
            })
        })
        .collect()
}

impl Store {
    /// All numbers that reach an extension, in order.
    pub async fn dids(&self) -> Result<Vec<DidRow>, StoreError> {
        rows(self.readers()).await
    }

    /// Adds a number; [`StoreError::DidTaken`] where it reaches an extension already.
    pub fn add_did(&self, row: DidRow) -> Written<()> {
        self.write_done(DidWrite::Add(row).into())
    }

    /// Adds a number, or changes what it reaches.
    pub fn set_did(&self, row: DidRow) -> Written<()> {
        self.write_done(DidWrite::Set(row).into())
    }

    /// Removes a number.
    pub fn remove_did(&self, number: E164) -> Written<()> {
        self.write_done(DidWrite::Remove(number).into())
    }
}
