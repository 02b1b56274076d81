//! What users set for themselves: call settings and presence.

use super::codec::{Columns, int, maybe_time, time, word};
use super::write::{Applied, DONE};
use super::{Store, StoreError, Written};
use ponte_protocol::{CallSettings, Presence, UserId};
use sqlx::SqliteConnection;

#[derive(Debug)]
pub(super) enum PersonalWrite {
    Settings(UserId, CallSettings),
    ForgetSettings(UserId),
    Presence(UserId, Presence),
}

impl PersonalWrite {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Settings(..) => "call_settings",
            Self::ForgetSettings(_) => "call_settings_forgotten",
            Self::Presence(..) => "presence",
        }
    }

    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Applied {
        let (user, saved) = match self {
            Self::Settings(user, settings) => (user, save_settings(connection, user, settings).await?),
            Self::Presence(user, presence) => (user, save_presence(connection, user, presence).await?),
            Self::ForgetSettings(user) => {
                sqlx::query("DELETE FROM call_settings WHERE user = ?1")
                    .bind(user.as_str())
                    .execute(connection)
                    .await?;
                return DONE;
            }
        };
        if saved == 0 {
            return Ok(Err(StoreError::UnknownUser(user.clone())));
        }
        DONE
    }
}

async fn save_settings(
    connection: &mut SqliteConnection,
    user: &UserId,
    settings: &CallSettings,
) -> Result<u64, sqlx::Error> {
    let saved = sqlx::query(
        "INSERT INTO call_settings (user, no_answer_ms, voicemail, call_waiting)
         SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM users WHERE user = ?1)
         ON CONFLICT (user) DO UPDATE SET no_answer_ms = ?2, voicemail = ?3, call_waiting = ?4",
    )
    .bind(user.as_str())
    .bind(int(settings.no_answer_ms))
    .bind(settings.voicemail)
    .bind(settings.call_waiting)
    .execute(connection)
    .await?;
    Ok(saved.rows_affected())
}

async fn save_presence(
    connection: &mut SqliteConnection,
    user: &UserId,
    presence: &Presence,
) -> Result<u64, sqlx::Error> {
    let saved = sqlx::query(
        "INSERT INTO presences (user, availability, status, status_until, since)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM users WHERE user = ?1)
         ON CONFLICT (user) DO UPDATE SET availability = ?2, status = ?3, status_until = ?4, since = ?5",
    )
    .bind(user.as_str())
    .bind(word(&presence.availability))
    .bind(&presence.status)
    .bind(maybe_time(presence.status_until))
    .bind(time(presence.since))
    .execute(connection)
    .await?;
    Ok(saved.rows_affected())
}

impl Store {
    /// The call settings of each user who ever changed them; the others have [`CallSettings::default`].
    pub async fn call_settings(&self) -> Result<Vec<(UserId, CallSettings)>, StoreError> {
        let rows = sqlx::query("SELECT * FROM call_settings ORDER BY user")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns::of("call_settings", row);
                let settings = CallSettings {
                    no_answer_ms: columns.number("no_answer_ms")?,
                    voicemail: columns.flag("voicemail")?,
                    call_waiting: columns.flag("call_waiting")?,
                };
                Ok((columns.parsed("user")?, settings))
            })
            .collect()
    }

    /// Keeps a user's call settings.
    pub fn save_call_settings(&self, user: UserId, settings: CallSettings) -> Written<()> {
        self.write_done(PersonalWrite::Settings(user, settings).into())
    }

    /// The presence of each user who ever set it, with status messages that may have expired meanwhile; the others have
    /// [`Presence::default`]. Whether a call is up is not kept.
    pub async fn presences(&self) -> Result<Vec<(UserId, Presence)>, StoreError> {
        let rows = sqlx::query("SELECT * FROM presences ORDER BY user")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns::of("presences", row);
                let presence = Presence {
                    availability: columns.word("availability")?,
                    status: columns.text("status")?,
                    status_until: columns.maybe_time("status_until")?,
                    since: columns.time("since")?,
                    on_call: false,
                };
                Ok((columns.parsed("user")?, presence))
            })
            .collect()
    }

    /// Keeps a user's presence.
    pub fn save_presence(&self, user: UserId, presence: Presence) -> Written<()> {
        self.write_done(PersonalWrite::Presence(user, presence).into())
    }
}
