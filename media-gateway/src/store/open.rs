//! The data folder, its locks, and the schema.

use super::{StoreError, StoreOptions, StoreUse};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlSafeStr, SqliteConnection};
use std::borrow::Cow;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

const DATABASE: &str = "ponte.db";

/// In order; a version once released is never changed.
const MIGRATIONS: [(i64, &str, &str); 11] = [
    (1, "initial", include_str!("../../migrations/0001_initial.sql")),
    (
        2,
        "telecommuting",
        include_str!("../../migrations/0002_telecommuting.sql"),
    ),
    (
        3,
        "administration",
        include_str!("../../migrations/0003_administration.sql"),
    ),
    (
        4,
        "treatment",
        include_str!("../../migrations/0004_treatment.sql"),
    ),
    (5, "contacts", include_str!("../../migrations/0005_contacts.sql")),
    (
        6,
        "schedules",
        include_str!("../../migrations/0006_schedules.sql"),
    ),
    (
        7,
        "voicemail_quota",
        include_str!("../../migrations/0007_voicemail_quota.sql"),
    ),
    (
        8,
        "call_recording",
        include_str!("../../migrations/0008_call_recording.sql"),
    ),
    (
        9,
        "personal_settings",
        include_str!("../../migrations/0009_personal_settings.sql"),
    ),
    (
        10,
        "external_directory",
        include_str!("../../migrations/0010_external_directory.sql"),
    ),
    (
        11,
        "account_codes",
        include_str!("../../migrations/0011_account_codes.sql"),
    ),
];

/// A data folder that is ours to use.
pub(super) struct Folder {
    pub(super) options: SqliteConnectOptions,
    /// Held while a gateway runs; let go by the system however it ends.
    pub(super) lock: Option<File>,
}

fn folder_error(path: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Folder {
        path: path.clone(),
        source,
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// Takes group's and others' access away from a database that was copied here with it.
#[cfg(unix)]
fn close_to_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode();
    let ours = mode & 0o700;
    if mode & 0o777 == ours {
        return Ok(());
    }
    file.set_permissions(std::fs::Permissions::from_mode(ours))
}

#[cfg(not(unix))]
fn close_to_others(_file: &File) -> io::Result<()> {
    Ok(())
}

fn open_private(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options).open(path).map_err(folder_error(path))
}

fn prepare(options: &StoreOptions) -> Result<Folder, StoreError> {
    let folder = &options.folder;
    make_folder(folder).map_err(folder_error(folder))?;
    let lock = match options.used_by {
        StoreUse::Tool => None,
        StoreUse::Gateway => {
            let lock = open_private(&folder.join("gateway.lock"))?;
            match lock.try_lock() {
                Ok(()) => Some(lock),
                Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { path: folder.clone() }),
                Err(TryLockError::Error(error)) => return Err(folder_error(folder)(error)),
            }
        }
    };
    // SQLite gives its `-wal` and `-shm` files the mode of the database, so that is made first.
    let database = folder.join(DATABASE);
    close_to_others(&open_private(&database)?).map_err(folder_error(&database))?;

    let mut connect = SqliteConnectOptions::new()
        .filename(&database)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(options.busy_timeout)
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging();
    if let Some(pages) = options.max_pages {
        connect = connect.pragma("max_page_count", pages.to_string());
    }
    Ok(Folder {
        options: connect,
        lock,
    })
}

/// Makes the folder and the database ready, and gives back the connection that did it.
pub(super) async fn open(options: StoreOptions) -> Result<(Folder, SqliteConnection), StoreError> {
    let path = options.folder.join(DATABASE);
    let blocking = move || -> Result<(Folder, File), StoreError> {
        let folder = prepare(&options)?;
        // Two processes that start at once must not both make the tables.
        let path = options.folder.join("migrate.lock");
        let migrating = open_private(&path)?;
        migrating.lock().map_err(folder_error(&path))?;
        Ok((folder, migrating))
    };
    let (folder, migrating) = tokio::task::spawn_blocking(blocking)
        .await
        .map_err(|_| StoreError::Closed)??;
    let mut connection = folder
        .options
        .connect()
        .await
        .map_err(|error| opening_error(&path, error))?;
    migrate(&mut connection, &path).await?;
    drop(migrating);
    Ok((folder, connection))
}

fn opening_error(path: &Path, error: sqlx::Error) -> StoreError {
    match &error {
        // SQLITE_NOTADB and SQLITE_CORRUPT.
        sqlx::Error::Database(database) if matches!(database.code().as_deref(), Some("26" | "11")) => {
            StoreError::NotOurs {
                path: path.to_owned(),
                reason: error.to_string(),
            }
        }
        _ if super::writer::is_unavailable(&error) => StoreError::Unavailable {
            reason: error.to_string(),
        },
        _ => StoreError::Database(error),
    }
}

fn migrator() -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(
            version,
            Cow::Borrowed(name),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    Migrator::with_migrations(MIGRATIONS.map(migration).into())
}

async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let known = MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0);
    let not_ours = |reason: String| StoreError::NotOurs {
        path: path.to_owned(),
        reason,
    };
    match migrator().run_direct(None, connection, false).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found) | MigrateError::VersionTooNew(found, _)) if found > known => {
            Err(StoreError::Newer {
                path: path.to_owned(),
                found,
                known,
            })
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(opening_error(path, error))
        }
        Err(other) => Err(not_ours(other.to_string())),
    }
}
