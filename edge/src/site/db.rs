//! The site's storage.

use crate::crypto::NoRandomness;
use serde::de::DeserializeOwned;
use worker::{SqlStorage, SqlStorageValue};

/// Why the site could not do something; ours, not the peer's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the runtime refused: {0}")]
    Runtime(#[from] worker::Error),
    #[error("a stored value cannot be read or written: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// The version of the tables below; raised with every change, each with its own step in [`Db::open`].
const SCHEMA_VERSION: u32 = 3;

const SCHEMA_1: &str = "
CREATE TABLE users (user TEXT PRIMARY KEY, display_name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE credentials (user TEXT PRIMARY KEY, phc TEXT NOT NULL, set_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (hash TEXT PRIMARY KEY, user TEXT NOT NULL, created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user, created_at);
CREATE TABLE tickets (hash TEXT PRIMARY KEY, session TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX tickets_session ON tickets (session);
CREATE TABLE invitations (hash TEXT PRIMARY KEY, user TEXT NOT NULL, expires_at INTEGER NOT NULL,
    used_at INTEGER) WITHOUT ROWID;
CREATE TABLE throttle (key TEXT PRIMARY KEY, count INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE ledger (id TEXT PRIMARY KEY, user TEXT NOT NULL, digest TEXT NOT NULL, command TEXT NOT NULL,
    received_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, forwarded INTEGER NOT NULL, waiters TEXT NOT NULL,
    outcome TEXT) WITHOUT ROWID;
CREATE INDEX ledger_waiting ON ledger (received_at) WHERE outcome IS NULL;
CREATE INDEX ledger_expiry ON ledger (expires_at);
CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX events_user ON events (user, seq);
CREATE INDEX events_age ON events (stored_at);
CREATE TABLE dropped_events (user TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE states (user TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
";

const SCHEMA_2: &str = "
CREATE TABLE dial_tokens (hash TEXT PRIMARY KEY, id TEXT NOT NULL, user TEXT NOT NULL, label TEXT NOT NULL,
    created_at INTEGER NOT NULL, used_at INTEGER) WITHOUT ROWID;
CREATE INDEX dial_tokens_user ON dial_tokens (user, created_at);
";

const SCHEMA_3: &str = "
CREATE TABLE push_subscriptions (endpoint TEXT PRIMARY KEY, user TEXT NOT NULL, session TEXT NOT NULL,
    p256dh TEXT NOT NULL, auth TEXT NOT NULL, language TEXT NOT NULL, created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, failures INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX push_subscriptions_user ON push_subscriptions (user, created_at);
CREATE INDEX push_subscriptions_session ON push_subscriptions (session);
CREATE TABLE push_told (user TEXT NOT NULL, call TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (user, call)) WITHOUT ROWID;
";

/// The step to each version from the one before.
const STEPS: [&str; SCHEMA_VERSION as usize] = [SCHEMA_1, SCHEMA_2, SCHEMA_3];

/// Tables and their values.
#[derive(Clone)]
pub(crate) struct Db {
    sql: SqlStorage,
}

#[derive(serde::Deserialize)]
struct Single<T> {
    value: T,
}

impl Db {
    /// The storage, with its tables brought up to date.
    pub(crate) fn open(sql: SqlStorage) -> Result<Self, Fault> {
        let db = Self { sql };
        db.run(
            "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
            vec![],
        )?;
        let version = db
            .meta("schema")?
            .and_then(|text| text.parse().ok())
            .unwrap_or(0_usize);
        for (step, number) in STEPS.iter().zip(1..).skip(version) {
            db.run(step, vec![])?;
            db.set_meta("schema", &format!("{number}"))?;
        }
        Ok(db)
    }

    /// Runs a statement that gives no rows.
    pub(crate) fn run(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<(), Fault> {
        self.sql.exec(query, values)?;
        Ok(())
    }

    /// All rows of a query.
    pub(crate) fn rows<T: DeserializeOwned>(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Vec<T>, Fault> {
        Ok(self.sql.exec(query, values)?.to_array()?)
    }

    /// The first row of a query.
    pub(crate) fn row<T: DeserializeOwned>(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Option<T>, Fault> {
        Ok(self.rows(query, values)?.into_iter().next())
    }

    /// The column `value` of the first row of a query.
    pub(crate) fn value<T: DeserializeOwned>(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Option<T>, Fault> {
        Ok(self.row::<Single<T>>(query, values)?.map(|row| row.value))
    }

    /// A single value of the site.
    pub(crate) fn meta(&self, key: &str) -> Result<Option<String>, Fault> {
        self.value("SELECT value FROM meta WHERE key = ?", vec![key.into()])
    }

    /// Sets a single value of the site.
    pub(crate) fn set_meta(&self, key: &str, value: &str) -> Result<(), Fault> {
        self.run(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
            vec![key.into(), value.into()],
        )
    }
}

/// A time or a number as the storage keeps it; what JavaScript's numbers cannot hold is cut off.
pub(crate) fn int(value: u64) -> SqlStorageValue {
    const LARGEST: u64 = (1 << 53) - 1;
    SqlStorageValue::Integer(i64::try_from(value.min(LARGEST)).unwrap_or(i64::MAX))
}
