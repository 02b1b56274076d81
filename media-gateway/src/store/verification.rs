//! Codes that prove that a destination is the user's (rule T2).

use super::codec::{Columns, time};
use super::write::{Applied, Outcome};
use super::{Store, Written};
use ponte_protocol::{DestinationId, UnixMillis, UserId};
use sha2::{Digest, Sha256};
use sqlx::{Row, SqliteConnection};

/// How long a code holds, in milliseconds.
pub const CODE_LIFETIME_MS: u64 = 10 * 60 * 1000;
/// How often a code may be tried.
pub const CODE_TRIES: u8 = 5;

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOutcome {
    /// It was right: the destination is verified.
    Verified,
    Wrong {
        /// 0: the code is gone.
        tries_left: u8,
    },
    /// It expired, was tried too often, or never was.
    NoCode,
    /// The user has no such destination.
    UnknownDestination,
}

/// What is kept of a code. It keeps the code out of backups and off screens; it does not withstand a search through a
/// million codes, for which the ten minutes are too short.
pub fn code_hash(destination: DestinationId, code: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(destination.0.as_bytes())
        .chain_update(code.as_bytes())
        .finalize()
        .into()
}

#[derive(Debug)]
pub(super) enum CodeWrite {
    Save {
        user: UserId,
        destination: DestinationId,
        hash: [u8; 32],
        expires_at: UnixMillis,
    },
    Try {
        user: UserId,
        destination: DestinationId,
        hash: [u8; 32],
        now: UnixMillis,
    },
}

impl CodeWrite {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Save { .. } => "code",
            Self::Try { .. } => "try_code",
        }
    }

    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Applied {
        match self {
            Self::Save {
                user,
                destination,
                hash,
                expires_at,
            } => save(connection, user, *destination, hash, *expires_at).await,
            Self::Try {
                user,
                destination,
                hash,
                now,
            } => try_code(connection, user, *destination, hash, *now).await,
        }
    }
}

async fn save(
    connection: &mut SqliteConnection,
    user: &UserId,
    destination: DestinationId,
    hash: &[u8; 32],
    expires_at: UnixMillis,
) -> Applied {
    let saved = sqlx::query(
        "INSERT INTO destination_codes (destination, hash, expires_at, tries_left)
         SELECT ?1, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM destinations WHERE id = ?1 AND user = ?2)
         ON CONFLICT (destination) DO UPDATE SET hash = ?3, expires_at = ?4, tries_left = ?5",
    )
    .bind(destination.0.as_bytes().as_slice())
    .bind(user.as_str())
    .bind(hash.as_slice())
    .bind(time(expires_at))
    .bind(i64::from(CODE_TRIES))
    .execute(connection)
    .await?;
    Ok(Ok(Outcome::Found(saved.rows_affected() > 0)))
}

async fn try_code(
    connection: &mut SqliteConnection,
    user: &UserId,
    destination: DestinationId,
    hash: &[u8; 32],
    now: UnixMillis,
) -> Applied {
    let outcome = |outcome| Ok(Ok(Outcome::Code(outcome)));
    let key = destination.0.as_bytes().as_slice();
    let row = sqlx::query(
        "SELECT hash = ?3 AS matches, expires_at, tries_left FROM destinations
         LEFT JOIN destination_codes ON destination = id WHERE id = ?1 AND user = ?2",
    )
    .bind(key)
    .bind(user.as_str())
    .bind(hash.as_slice())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return outcome(CodeOutcome::UnknownDestination);
    };
    let Some(right) = row.try_get::<Option<bool>, _>("matches")? else {
        return outcome(CodeOutcome::NoCode);
    };
    let columns = Columns::of("destination_codes", &row);
    let (expires_at, tries) = match (columns.time("expires_at"), columns.narrow::<u8>("tries_left")) {
        (Ok(expires_at), Ok(tries)) => (expires_at, tries),
        (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
    };
    let valid = expires_at > now && tries > 0;
    let tries_left = tries.saturating_sub(1);
    if valid && !right && tries_left > 0 {
        sqlx::query("UPDATE destination_codes SET tries_left = ?2 WHERE destination = ?1")
            .bind(key)
            .bind(i64::from(tries_left))
            .execute(connection)
            .await?;
        return outcome(CodeOutcome::Wrong { tries_left });
    }
    sqlx::query("DELETE FROM destination_codes WHERE destination = ?1")
        .bind(key)
        .execute(&mut *connection)
        .await?;
    if !valid {
        return outcome(CodeOutcome::NoCode);
    }
    if !right {
        return outcome(CodeOutcome::Wrong { tries_left });
    }
    sqlx::query("UPDATE destinations SET verified = 1 WHERE id = ?1")
        .bind(key)
        .execute(connection)
        .await?;
    outcome(CodeOutcome::Verified)
}

impl Store {
    /// Keeps the hash of a code ([`code_hash`]) in the place of the one before, with [`CODE_TRIES`] tries. Whether the
    /// user has such a destination. Fails at once while the store is not writable.
    pub fn save_code(
        &self,
        user: UserId,
        destination: DestinationId,
        hash: [u8; 32],
        expires_at: UnixMillis,
    ) -> Written<bool> {
        let write = CodeWrite::Save {
            user,
            destination,
            hash,
            expires_at,
        };
        self.write_found(write.into())
    }

    /// Tries a code: of any number of tries at once each counts, and the right one verifies the destination. Fails at
    /// once while the store is not writable, and then no try was made.
    pub fn try_code(
        &self,
        user: UserId,
        destination: DestinationId,
        hash: [u8; 32],
        now: UnixMillis,
    ) -> Written<CodeOutcome> {
        let write = CodeWrite::Try {
            user,
            destination,
            hash,
            now,
        };
        self.write(write.into(), |outcome| match outcome {
            Outcome::Code(outcome) => Some(outcome),
            _ => None,
        })
    }
}
