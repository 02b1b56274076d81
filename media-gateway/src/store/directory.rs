//! How a directory elsewhere is asked, as administrators set it.

use super::codec::{Columns, json};
use super::write::{Applied, DONE};
use super::{Store, StoreError};
use ponte_protocol::external::DirectorySettings;
use sqlx::SqliteConnection;
use std::fmt;

/// The external directory.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectoryRow {
    pub settings: DirectorySettings,
    /// What the gateway proves itself with; it does not print.
    pub password: Option<String>,
}

impl fmt::Debug for DirectoryRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryRow")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

pub(super) async fn put(connection: &mut SqliteConnection, row: Option<&DirectoryRow>) -> Applied {
    let settings = match row
        .map(|row| json("external_directory", &row.settings))
        .transpose()
    {
        Ok(settings) => settings,
        Err(error) => return Ok(Err(error)),
    };
    sqlx::query("DELETE FROM external_directory")
        .execute(&mut *connection)
        .await?;
    if let (Some(row), Some(settings)) = (row, settings) {
        sqlx::query("INSERT INTO external_directory (id, settings, password) VALUES (1, ?1, ?2)")
            .bind(settings)
            .bind(row.password.as_deref())
            .execute(connection)
            .await?;
    }
    DONE
}

impl Store {
    /// How the external directory is asked; `None` where there is none.
    pub async fn directory(&self) -> Result<Option<DirectoryRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM external_directory")
            .fetch_optional(self.readers())
            .await?;
        row.map(|row| {
            let columns = Columns::of("external_directory", &row);
            Ok(DirectoryRow {
                settings: columns.json("settings")?,
                password: columns.maybe_text("password")?,
            })
        })
        .transpose()
    }
}
