//! What can be written, and the statements that do it.

use super::codec::{Columns, command_key, int, json, maybe_time, rules_text, time, word};
use super::{COMMAND_KEPT_MS, CallUp, Claim, Invitation, LegUp, Pruned, StoreError, UserRow};
use ponte_call_core::LegId;
use ponte_protocol::{
    CallId, CallRecord, Cause, CommandId, DestinationId, LegRecord, Mode, Reply, SavedDestination,
    UnixMillis, UserId,
};
use sqlx::{Row, SqliteConnection};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Rows taken away in one transaction, so that pruning never holds up a call.
const PRUNE_CHUNK: i64 = 2_000;

#[derive(Debug)]
pub(super) enum Write {
    AddUser(UserRow),
    SetUser(UserRow),
    RemoveUser(UserId),
    Invitation(Invitation),
    Claim {
        user: UserId,
        id: CommandId,
        digest: [u8; 32],
        now: UnixMillis,
    },
    Reply(Reply),
    Mode(UserId, Mode),
    Destination(UserId, SavedDestination),
    DeleteDestination(UserId, DestinationId),
    Call(CallUp),
    Leg(LegUp),
    Record(Box<CallRecord>),
    Prune {
        now: UnixMillis,
        record_days: u32,
    },
    Meta(String, String),
}

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Claim(Claim),
    Deleted(bool),
    Pruned(Pruned),
}

/// What a later write of the same batch makes needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Call(CallId),
    Leg(LegId),
}

impl Write {
    /// Whether it waits in memory while the database cannot be written; the others are refused then.
    pub(super) fn is_spooled(&self) -> bool {
        matches!(
            self,
            Self::Reply(_)
                | Self::Mode(..)
                | Self::Destination(..)
                | Self::DeleteDestination(..)
                | Self::Call(_)
                | Self::Leg(_)
                | Self::Record(_)
                | Self::Meta(..)
        )
    }

    /// A name for logs.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::AddUser(_) => "add_user",
            Self::SetUser(_) => "set_user",
            Self::RemoveUser(_) => "remove_user",
            Self::Invitation(_) => "invitation",
            Self::Claim { .. } => "claim",
            Self::Reply(_) => "reply",
            Self::Mode(..) => "mode",
            Self::Destination(..) => "destination",
            Self::DeleteDestination(..) => "delete_destination",
            Self::Call(_) => "call",
            Self::Leg(_) => "leg",
            Self::Record(_) => "record",
            Self::Prune { .. } => "prune",
            Self::Meta(..) => "meta",
        }
    }

    /// What it writes as a whole, so that the last of several is enough.
    pub(super) fn subject(&self) -> Option<Subject> {
        match self {
            Self::Call(call) => Some(Subject::Call(call.call)),
            Self::Leg(leg) => Some(Subject::Leg(leg.leg)),
            _ => None,
        }
    }

    /// Carries it out. The outer error leaves the transaction unusable; the inner one refuses this write alone and has
    /// changed nothing.
    pub(super) async fn apply(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Result<Outcome, StoreError>, sqlx::Error> {
        match self {
            Self::AddUser(row) => add_user(connection, row).await,
            Self::SetUser(row) => set_user(connection, row).await,
            Self::RemoveUser(user) => remove_user(connection, user).await,
            Self::Invitation(invitation) => add_invitation(connection, invitation).await,
            Self::Claim {
                user,
                id,
                digest,
                now,
            } => claim(connection, user, *id, digest, *now).await,
            Self::Reply(reply) => store_reply(connection, reply).await,
            Self::Mode(user, mode) => save_mode(connection, user, mode).await,
            Self::Destination(user, destination) => save_destination(connection, user, destination).await,
            Self::DeleteDestination(user, id) => delete_destination(connection, user, *id).await,
            Self::Call(call) => save_call(connection, call).await,
            Self::Leg(leg) => save_leg(connection, leg).await,
            Self::Record(record) => insert_record(connection, record).await,
            Self::Prune { now, record_days } => prune(connection, *now, *record_days).await,
            Self::Meta(name, value) => set_meta(connection, name, value).await,
        }
    }
}

type Applied = Result<Result<Outcome, StoreError>, sqlx::Error>;

const DONE: Applied = Ok(Ok(Outcome::Done));

async fn extension_holder(
    connection: &mut SqliteConnection,
    row: &UserRow,
) -> Result<Option<StoreError>, sqlx::Error> {
    let holder = sqlx::query("SELECT user FROM users WHERE extension = ?1 AND user <> ?2")
        .bind(row.extension.as_str())
        .bind(row.user.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(holder.map(|holder| {
        let columns = Columns {
            table: "users",
            row: &holder,
        };
        match columns.parsed("user") {
            Ok(by) => StoreError::ExtensionTaken {
                extension: row.extension.clone(),
                by,
            },
            Err(error) => error,
        }
    }))
}

async fn user_exists(connection: &mut SqliteConnection, user: &UserId) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM users WHERE user = ?1")
        .bind(user.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

async fn put_user(connection: &mut SqliteConnection, row: &UserRow) -> Applied {
    sqlx::query(
        "INSERT INTO users (user, display_name, extension, telecommuter_allowed, caller_number, caller_name, language,
             restrictions, dials_per_hour, minutes_per_day, user_no_answer_ms, confirm)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (user) DO UPDATE SET display_name = ?2, extension = ?3, telecommuter_allowed = ?4,
             caller_number = ?5, caller_name = ?6, language = ?7, restrictions = ?8, dials_per_hour = ?9,
             minutes_per_day = ?10, user_no_answer_ms = ?11, confirm = ?12",
    )
    .bind(row.user.as_str())
    .bind(&row.display_name)
    .bind(row.extension.as_str())
    .bind(row.telecommuter_allowed)
    .bind(row.caller_id.number.as_str())
    .bind(row.caller_id.name.as_deref())
    .bind(row.language.as_deref())
    .bind(rules_text(&row.restrictions))
    .bind(i64::from(row.caps.dials_per_hour))
    .bind(i64::from(row.caps.minutes_per_day))
    .bind(int(row.user_no_answer_ms))
    .bind(row.confirm)
    .execute(connection)
    .await?;
    DONE
}

async fn add_user(connection: &mut SqliteConnection, row: &UserRow) -> Applied {
    if user_exists(connection, &row.user).await? {
        return Ok(Err(StoreError::UserExists(row.user.clone())));
    }
    if let Some(taken) = extension_holder(connection, row).await? {
        return Ok(Err(taken));
    }
    put_user(connection, row).await
}

async fn set_user(connection: &mut SqliteConnection, row: &UserRow) -> Applied {
    if !user_exists(connection, &row.user).await? {
        return Ok(Err(StoreError::UnknownUser(row.user.clone())));
    }
    if let Some(taken) = extension_holder(connection, row).await? {
        return Ok(Err(taken));
    }
    put_user(connection, row).await
}

async fn remove_user(connection: &mut SqliteConnection, user: &UserId) -> Applied {
    let removed = sqlx::query("DELETE FROM users WHERE user = ?1")
        .bind(user.as_str())
        .execute(connection)
        .await?;
    if removed.rows_affected() == 0 {
        return Ok(Err(StoreError::UnknownUser(user.clone())));
    }
    DONE
}

async fn add_invitation(connection: &mut SqliteConnection, invitation: &Invitation) -> Applied {
    if !user_exists(connection, &invitation.user).await? {
        return Ok(Err(StoreError::UnknownUser(invitation.user.clone())));
    }
    sqlx::query(
        "INSERT INTO invitations (token_hash, user, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )
    .bind(&invitation.token_hash)
    .bind(invitation.user.as_str())
    .bind(time(invitation.expires_at))
    .execute(connection)
    .await?;
    DONE
}

async fn claim(
    connection: &mut SqliteConnection,
    user: &UserId,
    id: CommandId,
    digest: &[u8; 32],
    now: UnixMillis,
) -> Applied {
    let inserted = sqlx::query(
        "INSERT INTO commands (id, user, digest, claimed_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
    )
    .bind(command_key(id))
    .bind(user.as_str())
    .bind(digest.as_slice())
    .bind(time(now))
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Ok(Outcome::Claim(Claim::New)));
    }
    let row = sqlx::query("SELECT user = ?2 AND digest = ?3 AS same, reply FROM commands WHERE id = ?1")
        .bind(command_key(id))
        .bind(user.as_str())
        .bind(digest.as_slice())
        .fetch_one(connection)
        .await?;
    if !row.try_get::<bool, _>("same")? {
        return Ok(Ok(Outcome::Claim(Claim::OtherContent)));
    }
    let columns = Columns {
        table: "commands",
        row: &row,
    };
    let reply = match columns.maybe_text("reply") {
        Ok(None) => Ok(None),
        Ok(Some(_)) => columns.json("reply").map(Some),
        Err(error) => Err(error),
    };
    Ok(reply.map(|reply| Outcome::Claim(Claim::Known { reply })))
}

async fn store_reply(connection: &mut SqliteConnection, reply: &Reply) -> Applied {
    let text = match json("commands", reply) {
        Ok(text) => text,
        Err(error) => return Ok(Err(error)),
    };
    sqlx::query("UPDATE commands SET reply = ?2 WHERE id = ?1")
        .bind(command_key(reply.id))
        .bind(text)
        .execute(connection)
        .await?;
    DONE
}

async fn save_mode(connection: &mut SqliteConnection, user: &UserId, mode: &Mode) -> Applied {
    let text = match json("modes", mode) {
        Ok(text) => text,
        Err(error) => return Ok(Err(error)),
    };
    let saved = sqlx::query(
        "INSERT INTO modes (user, mode) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM users WHERE user = ?1)
         ON CONFLICT (user) DO UPDATE SET mode = ?2",
    )
    .bind(user.as_str())
    .bind(text)
    .execute(connection)
    .await?;
    if saved.rows_affected() == 0 {
        return Ok(Err(StoreError::UnknownUser(user.clone())));
    }
    DONE
}

async fn save_destination(
    connection: &mut SqliteConnection,
    user: &UserId,
    destination: &SavedDestination,
) -> Applied {
    if !user_exists(connection, user).await? {
        return Ok(Err(StoreError::UnknownUser(user.clone())));
    }
    sqlx::query(
        "INSERT INTO destinations (id, user, label, number, confirm, position)
         SELECT ?1, ?2, ?3, ?4, ?5, coalesce(max(position), 0) + 1 FROM destinations WHERE user = ?2
         ON CONFLICT (id) DO UPDATE SET label = ?3, number = ?4, confirm = ?5 WHERE user = ?2",
    )
    .bind(destination.id.0.as_bytes().as_slice())
    .bind(user.as_str())
    .bind(&destination.label)
    .bind(destination.number.as_str())
    .bind(destination.confirm)
    .execute(connection)
    .await?;
    DONE
}

async fn delete_destination(connection: &mut SqliteConnection, user: &UserId, id: DestinationId) -> Applied {
    let deleted = sqlx::query("DELETE FROM destinations WHERE id = ?1 AND user = ?2")
        .bind(id.0.as_bytes().as_slice())
        .bind(user.as_str())
        .execute(connection)
        .await?;
    Ok(Ok(Outcome::Deleted(deleted.rows_affected() > 0)))
}

async fn save_call(connection: &mut SqliteConnection, call: &CallUp) -> Applied {
    sqlx::query(
        "INSERT INTO calls_up (call, user, direction, dialled, number, name, started_at, connected_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT EXISTS (SELECT 1 FROM records WHERE id = ?1)
         ON CONFLICT (call) DO UPDATE SET user = ?2, direction = ?3, dialled = ?4, number = ?5, name = ?6,
             started_at = ?7, connected_at = ?8",
    )
    .bind(call.call.0.as_bytes().as_slice())
    .bind(call.user.as_str())
    .bind(word(&call.direction))
    .bind(call.dialled.as_str())
    .bind(&call.number)
    .bind(call.name.as_deref())
    .bind(time(call.started_at))
    .bind(maybe_time(call.connected_at))
    .execute(connection)
    .await?;
    DONE
}

async fn save_leg(connection: &mut SqliteConnection, leg: &LegUp) -> Applied {
    let cause: Option<Cause> = leg.ended.map(|(_, cause)| cause);
    sqlx::query(
        "INSERT INTO legs_up (call, position, role, number, trunk, started_at, ringing_at, answered_at, ended_at,
             reason, class, q850, sip, dialog)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
         WHERE NOT EXISTS (SELECT 1 FROM records WHERE id = ?1)
         ON CONFLICT (call, position) DO UPDATE SET role = ?3, number = ?4, trunk = ?5, started_at = ?6,
             ringing_at = ?7, answered_at = ?8, ended_at = ?9, reason = ?10, class = ?11, q850 = ?12, sip = ?13,
             dialog = ?14",
    )
    .bind(leg.leg.call.0.as_bytes().as_slice())
    .bind(i64::from(leg.leg.index))
    .bind(word(&leg.role))
    .bind(&leg.number)
    .bind(&leg.trunk)
    .bind(time(leg.started_at))
    .bind(maybe_time(leg.ringing_at))
    .bind(maybe_time(leg.answered_at))
    .bind(leg.ended.map(|(ended_at, _)| time(ended_at)))
    .bind(cause.map(|cause| word(&cause.reason)))
    .bind(cause.map(|cause| word(&cause.class)))
    .bind(cause.and_then(|cause| cause.q850).map(i64::from))
    .bind(cause.and_then(|cause| cause.sip).map(i64::from))
    .bind(leg.dialog.as_deref())
    .execute(connection)
    .await?;
    DONE
}

async fn insert_record(connection: &mut SqliteConnection, record: &CallRecord) -> Applied {
    let id = record.id.0.as_bytes().as_slice();
    let inserted = sqlx::query(
        "INSERT INTO records (id, user, direction, dialled, number, name, started_at, connected_at, ended_at, reason,
             class, q850, sip, ended_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(record.user.as_str())
    .bind(word(&record.direction))
    .bind(record.dialled.as_str())
    .bind(&record.number)
    .bind(record.name.as_deref())
    .bind(time(record.started_at))
    .bind(maybe_time(record.connected_at))
    .bind(time(record.ended_at))
    .bind(word(&record.cause.reason))
    .bind(word(&record.cause.class))
    .bind(record.cause.q850.map(i64::from))
    .bind(record.cause.sip.map(i64::from))
    .bind(word(&record.ended_by))
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 1 {
        for (position, leg) in (0_i64..).zip(&record.legs) {
            insert_record_leg(connection, record.id, position, leg).await?;
        }
    }
    sqlx::query("DELETE FROM legs_up WHERE call = ?1")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM calls_up WHERE call = ?1")
        .bind(id)
        .execute(connection)
        .await?;
    DONE
}

async fn insert_record_leg(
    connection: &mut SqliteConnection,
    call: CallId,
    position: i64,
    leg: &LegRecord,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO record_legs (call, position, role, number, trunk, started_at, ringing_at, answered_at, ended_at,
             reason, class, q850, sip)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )
    .bind(call.0.as_bytes().as_slice())
    .bind(position)
    .bind(word(&leg.role))
    .bind(&leg.number)
    .bind(&leg.trunk)
    .bind(time(leg.started_at))
    .bind(maybe_time(leg.ringing_at))
    .bind(maybe_time(leg.answered_at))
    .bind(time(leg.ended_at))
    .bind(word(&leg.cause.reason))
    .bind(word(&leg.cause.class))
    .bind(leg.cause.q850.map(i64::from))
    .bind(leg.cause.sip.map(i64::from))
    .execute(connection)
    .await?;
    Ok(())
}

async fn prune(connection: &mut SqliteConnection, now: UnixMillis, record_days: u32) -> Applied {
    let records_before = int(now.0.saturating_sub(u64::from(record_days) * DAY_MS));
    let commands_before = int(now.0.saturating_sub(COMMAND_KEPT_MS));
    let records = sqlx::query(
        "DELETE FROM records WHERE id IN (SELECT id FROM records WHERE started_at < ?1 LIMIT ?2)",
    )
    .bind(records_before)
    .bind(PRUNE_CHUNK)
    .execute(&mut *connection)
    .await?;
    let commands = sqlx::query(
        "DELETE FROM commands WHERE id IN (SELECT id FROM commands WHERE claimed_at < ?1 LIMIT ?2)",
    )
    .bind(commands_before)
    .bind(PRUNE_CHUNK)
    .execute(&mut *connection)
    .await?;
    let invitations = sqlx::query("DELETE FROM invitations WHERE expires_at <= ?1")
        .bind(time(now))
        .execute(connection)
        .await?;
    Ok(Ok(Outcome::Pruned(Pruned {
        records: records.rows_affected(),
        commands: commands.rows_affected(),
        invitations: invitations.rows_affected(),
        more: records.rows_affected() == PRUNE_CHUNK as u64 || commands.rows_affected() == PRUNE_CHUNK as u64,
    })))
}

async fn set_meta(connection: &mut SqliteConnection, name: &str, value: &str) -> Applied {
    sqlx::query("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2")
        .bind(name)
        .bind(value)
        .execute(connection)
        .await?;
    DONE
}
