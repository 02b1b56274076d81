//! Voicemail messages. Their sound is beside the database, see [`super::Recordings`].

use super::codec::{Columns, int, maybe_time, time};
use super::recordings::message_name;
use super::write::{Applied, DONE, Outcome, user_exists};
use super::{Store, StoreError, Written};
use ponte_call_core::OwnRecording;
use ponte_protocol::message::STATE_MESSAGES_MAX;
use ponte_protocol::{CallId, Mailbox, MessageId, MessagePage, UnixMillis, UserId, VoiceMessage};
use sqlx::{Row, SqliteConnection};
use std::collections::HashSet;

/// How long a message in the bin can be restored, in milliseconds.
pub const BIN_KEPT_MS: u64 = 24 * 60 * 60 * 1000;

#[derive(Debug)]
pub(super) enum MessageWrite {
    Insert(UserId, VoiceMessage),
    Mark {
        user: UserId,
        message: MessageId,
        heard: bool,
    },
    /// Into the bin until then, or out of it.
    Bin {
        user: UserId,
        message: MessageId,
        until: Option<UnixMillis>,
    },
}

impl MessageWrite {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Insert(..) => "message",
            Self::Mark { .. } => "mark_message",
            Self::Bin { .. } => "bin_message",
        }
    }

    pub(super) fn is_spooled(&self) -> bool {
        matches!(self, Self::Insert(..))
    }

    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Applied {
        let changed = match self {
            Self::Insert(user, message) => return insert(connection, user, message).await,
            Self::Mark { user, message, heard } => {
                sqlx::query("UPDATE messages SET heard = ?3 WHERE id = ?1 AND user = ?2")
                    .bind(message.0.as_bytes().as_slice())
                    .bind(user.as_str())
                    .bind(heard)
                    .execute(connection)
                    .await?
            }
            Self::Bin { user, message, until } => {
                sqlx::query("UPDATE messages SET deleted_until = ?3 WHERE id = ?1 AND user = ?2")
                    .bind(message.0.as_bytes().as_slice())
                    .bind(user.as_str())
                    .bind(maybe_time(*until))
                    .execute(connection)
                    .await?
            }
        };
        Ok(Ok(Outcome::Found(changed.rows_affected() > 0)))
    }
}

async fn insert(connection: &mut SqliteConnection, user: &UserId, message: &VoiceMessage) -> Applied {
    let inserted = sqlx::query(
        "INSERT INTO messages (id, user, number, name, received_at, duration_ms, heard, deleted_until, waveform, file, call)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 WHERE EXISTS (SELECT 1 FROM users WHERE user = ?2)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(message.id.0.as_bytes().as_slice())
    .bind(user.as_str())
    .bind(&message.number)
    .bind(message.name.as_deref())
    .bind(time(message.received_at))
    .bind(int(message.duration_ms))
    .bind(message.heard)
    .bind(maybe_time(message.deleted_until))
    .bind(&message.waveform)
    .bind(message_name(message.id))
    .bind(message.call.map(|call| call.0.as_bytes().to_vec()))
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 0 && !user_exists(connection, user).await? {
        return Ok(Err(StoreError::UnknownUser(user.clone())));
    }
    DONE
}

/// Takes messages out of the bin for good, at most `limit`; gives back which.
pub(super) async fn empty_bin(
    connection: &mut SqliteConnection,
    now: UnixMillis,
    limit: i64,
) -> Result<Result<Vec<MessageId>, StoreError>, sqlx::Error> {
    let rows = sqlx::query(
        "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE deleted_until <= ?1 LIMIT ?2) RETURNING id",
    )
    .bind(time(now))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .iter()
        .map(|row| Columns::of("messages", row).uuid("id").map(MessageId))
        .collect())
}

impl Columns<'_> {
    fn message(&self) -> Result<VoiceMessage, StoreError> {
        Ok(VoiceMessage {
            id: MessageId(self.uuid("id")?),
            number: self.text("number")?,
            name: self.maybe_text("name")?,
            received_at: self.time("received_at")?,
            duration_ms: self.number("duration_ms")?,
            heard: self.flag("heard")?,
            deleted_until: self.maybe_time("deleted_until")?,
            waveform: self.bytes("waveform")?,
            call: self.maybe_uuid("call")?.map(CallId),
        })
    }
}

impl Store {
    /// Keeps a message; its recording must be on disk before ([`super::Recordings::keep_message`]). The same message
    /// again is without effect.
    pub fn insert_message(&self, user: UserId, message: VoiceMessage) -> Written<()> {
        self.write_done(MessageWrite::Insert(user, message).into())
    }

    /// Whether a message counts as listened to. Whether the user has such a message.
    pub fn mark_message(&self, user: UserId, message: MessageId, heard: bool) -> Written<bool> {
        self.write_found(MessageWrite::Mark { user, message, heard }.into())
    }

    /// Puts a message into the bin for [`BIN_KEPT_MS`]. Whether the user has such a message.
    pub fn delete_message(&self, user: UserId, message: MessageId, now: UnixMillis) -> Written<bool> {
        let until = Some(now.plus(BIN_KEPT_MS));
        self.write_found(MessageWrite::Bin { user, message, until }.into())
    }

    /// Takes a message out of the bin. Whether the user has such a message.
    pub fn restore_message(&self, user: UserId, message: MessageId) -> Written<bool> {
        let until = None;
        self.write_found(MessageWrite::Bin { user, message, until }.into())
    }

    /// One message of a user, in the bin or not.
    pub async fn message(
        &self,
        user: &UserId,
        message: MessageId,
    ) -> Result<Option<VoiceMessage>, StoreError> {
        let row = sqlx::query("SELECT * FROM messages WHERE id = ?1 AND user = ?2")
            .bind(message.0.as_bytes().as_slice())
            .bind(user.as_str())
            .fetch_optional(self.readers())
            .await?;
        row.as_ref()
            .map(|row| Columns::of("messages", row).message())
            .transpose()
    }

    /// A page of a user's messages, newest first, the bin included. Messages of the same millisecond are never parted,
    /// so a page may hold a few more than `limit`.
    pub async fn messages(
        &self,
        user: &UserId,
        before: Option<UnixMillis>,
        limit: u16,
    ) -> Result<MessagePage, StoreError> {
        let before = before.map_or(i64::MAX, time);
        let rows = sqlx::query(
            "SELECT * FROM messages WHERE user = ?1 AND received_at < ?2 AND received_at >= coalesce(
                 (SELECT min(received_at) FROM (SELECT received_at FROM messages
                  WHERE user = ?1 AND received_at < ?2 ORDER BY received_at DESC LIMIT ?3)), ?2)
             ORDER BY received_at DESC, id DESC",
        )
        .bind(user.as_str())
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        let messages = rows
            .iter()
            .map(|row| Columns::of("messages", row).message())
            .collect::<Result<Vec<_>, _>>()?;
        let more = match messages.last() {
            None => false,
            Some(oldest) => {
                sqlx::query("SELECT 1 FROM messages WHERE user = ?1 AND received_at < ?2 LIMIT 1")
                    .bind(user.as_str())
                    .bind(time(oldest.received_at))
                    .fetch_optional(self.readers())
                    .await?
                    .is_some()
            }
        };
        Ok(MessagePage { messages, more })
    }

    /// A user's voicemail box. What is in the bin does not count towards the quota, `quota_s` seconds or what the user has
    /// instead: a full box can be emptied at once.
    pub async fn mailbox(&self, user: &UserId, quota_s: u32) -> Result<Mailbox, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) AS total, coalesce(sum(NOT heard), 0) AS unheard,
                 coalesce(sum(duration_ms), 0) AS used_ms,
                 (SELECT voicemail_quota_s FROM users WHERE user = ?1) AS own_quota_s
             FROM messages WHERE user = ?1 AND deleted_until IS NULL",
        )
        .bind(user.as_str())
        .fetch_one(self.readers())
        .await?;
        let columns = Columns::of("messages", &row);
        let quota_s = columns.maybe_narrow("own_quota_s")?.unwrap_or(quota_s);
        let used_s = u32::try_from(columns.number("used_ms")?.div_ceil(1000)).unwrap_or(u32::MAX);
        let newest = u16::try_from(STATE_MESSAGES_MAX).unwrap_or(u16::MAX);
        let mut messages = self.messages(user, None, newest).await?.messages;
        messages.truncate(STATE_MESSAGES_MAX);
        let (recordings, of) = (self.recordings().clone(), user.clone());
        let own = move || {
            [OwnRecording::Greeting, OwnRecording::Name].map(|which| recordings.own_state(&of, which))
        };
        let [greeting, name] = tokio::task::spawn_blocking(own)
            .await
            .map_err(|_| StoreError::Closed)?;
        Ok(Mailbox {
            unheard: columns.narrow("unheard")?,
            total: columns.narrow("total")?,
            messages,
            quota_left_s: quota_s.saturating_sub(used_s),
            greeting,
            name,
        })
    }

    /// Removes recordings that belong to no message or user and were last written before `older_than`: what a removed
    /// user or a crash has left. Returns how many.
    pub(super) async fn sweep_recordings(
        &self,
        older_than: std::time::SystemTime,
    ) -> Result<u64, StoreError> {
        // Before the database is asked: what is added after the listing is no candidate.
        let recordings = self.recordings().clone();
        let old = tokio::task::spawn_blocking(move || recordings.candidates(older_than))
            .await
            .map_err(|_| StoreError::Closed)?;
        if old.is_empty() {
            return Ok(0);
        }
        let known = sqlx::query(
            "SELECT file FROM messages UNION ALL SELECT 'greetings/' || user || '.wav' FROM users
             UNION ALL SELECT 'names/' || user || '.wav' FROM users",
        )
        .fetch_all(self.readers())
        .await?;
        let known: HashSet<String> = known
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, sqlx::Error>>()?;
        let recordings = self.recordings().clone();
        // What could not be rescued yet may be at the next start.
        let noted: HashSet<String> = recordings.noted().into_iter().map(message_name).collect();
        let orphan = |name: &String| {
            let whole = name.strip_suffix(".part").unwrap_or(name);
            !known.contains(name) && !noted.contains(whole)
        };
        let orphans: Vec<String> = old.into_iter().filter(orphan).collect();
        tokio::task::spawn_blocking(move || recordings.remove(&orphans))
            .await
            .map_err(|_| StoreError::Closed)
    }
}
