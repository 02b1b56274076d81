//! The queries.

use super::codec::{Columns, time};
use super::{CallUp, Invitation, LegUp, StoreError, UserRow, Versions};
use ponte_protocol::{
    CallId, CallRecord, Extension, LogPage, MessageId, Mode, SavedDestination, UnixMillis, UserId,
};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;

fn columns<'a>(table: &'static str, row: &'a SqliteRow) -> Columns<'a> {
    Columns::of(table, row)
}

pub(super) async fn versions(pool: &SqlitePool) -> Result<Versions, StoreError> {
    let rows = sqlx::query("SELECT name, value FROM meta WHERE name LIKE '%\\_version' ESCAPE '\\'")
        .fetch_all(pool)
        .await?;
    let mut versions = Versions::default();
    for row in &rows {
        let columns = columns("meta", row);
        let value = columns.number("value")?;
        match columns.text("name")?.as_str() {
            "users_version" => versions.users = value,
            "invitations_version" => versions.invitations = value,
            "devices_version" => versions.devices = value,
            "dids_version" => versions.dids = value,
            "account_codes_version" => versions.account_codes = value,
            "site_version" => versions.site = value,
            _ => {}
        }
    }
    Ok(versions)
}

/// All users, or the one, each with the rules of the group.
pub(super) async fn users(pool: &SqlitePool, user: Option<&UserId>) -> Result<Vec<UserRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT users.*, groups.restrictions AS group_restrictions
         FROM users LEFT JOIN groups ON groups.name = users.group_name
         WHERE ?1 IS NULL OR users.user = ?1 ORDER BY users.user",
    )
    .bind(user.map(UserId::as_str))
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| columns("users", row).user()).collect()
}

/// Whoever has the extension.
pub(super) async fn holder(pool: &SqlitePool, extension: &Extension) -> Result<Option<UserId>, StoreError> {
    let row = sqlx::query("SELECT user FROM users WHERE extension = ?1")
        .bind(extension.as_str())
        .fetch_optional(pool)
        .await?;
    row.map(|row| columns("users", &row).parsed("user")).transpose()
}

/// Whether anybody but this user is an administrator.
pub(super) async fn other_administrator(pool: &SqlitePool, user: &UserId) -> Result<bool, StoreError> {
    let found = sqlx::query("SELECT 1 FROM users WHERE administrator AND user <> ?1 LIMIT 1")
        .bind(user.as_str())
        .fetch_optional(pool)
        .await?;
    Ok(found.is_some())
}

pub(super) async fn pending_invitations(
    pool: &SqlitePool,
    now: UnixMillis,
) -> Result<Vec<Invitation>, StoreError> {
    let rows = sqlx::query("SELECT * FROM invitations WHERE expires_at > ?1 ORDER BY expires_at")
        .bind(time(now))
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| columns("invitations", row).invitation())
        .collect()
}

pub(super) async fn modes(pool: &SqlitePool) -> Result<Vec<(UserId, Mode)>, StoreError> {
    let rows = sqlx::query("SELECT user, mode FROM modes ORDER BY user")
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| {
            let columns = columns("modes", row);
            Ok((columns.parsed("user")?, columns.json("mode")?))
        })
        .collect()
}

pub(super) async fn destinations(
    pool: &SqlitePool,
    user: &UserId,
) -> Result<Vec<SavedDestination>, StoreError> {
    let rows = sqlx::query("SELECT * FROM destinations WHERE user = ?1 ORDER BY position")
        .bind(user.as_str())
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| columns("destinations", row).destination())
        .collect()
}

pub(super) async fn calls_up(pool: &SqlitePool) -> Result<Vec<(CallUp, Vec<LegUp>)>, StoreError> {
    let mut transaction = pool.begin().await?;
    let calls = sqlx::query("SELECT * FROM calls_up ORDER BY started_at")
        .fetch_all(&mut *transaction)
        .await?;
    let legs = sqlx::query("SELECT * FROM legs_up ORDER BY call, position")
        .fetch_all(&mut *transaction)
        .await?;
    let mut by_call: HashMap<CallId, Vec<LegUp>> = HashMap::new();
    for row in &legs {
        let leg = columns("legs_up", row).leg_up()?;
        by_call.entry(leg.leg.call).or_default().push(leg);
    }
    calls
        .iter()
        .map(|row| {
            let call = columns("calls_up", row).call_up()?;
            let legs = by_call.remove(&call.call).unwrap_or_default();
            Ok((call, legs))
        })
        .collect()
}

pub(super) async fn lone_legs(pool: &SqlitePool) -> Result<Vec<LegUp>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM legs_up WHERE NOT EXISTS (SELECT 1 FROM calls_up WHERE calls_up.call = legs_up.call)
         ORDER BY call, position",
    )
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| columns("legs_up", row).leg_up()).collect()
}

pub(super) async fn record(pool: &SqlitePool, call: CallId) -> Result<Option<CallRecord>, StoreError> {
    let row = sqlx::query("SELECT * FROM records WHERE id = ?1")
        .bind(call.0.as_bytes().as_slice())
        .fetch_optional(pool)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let legs = sqlx::query("SELECT * FROM record_legs WHERE call = ?1 ORDER BY position")
        .bind(call.0.as_bytes().as_slice())
        .fetch_all(pool)
        .await?;
    let mut record = columns("records", &row).record()?;
    for leg in &legs {
        record.legs.push(columns("record_legs", leg).leg_record()?);
    }
    let recordings =
        sqlx::query("SELECT id FROM messages WHERE call = ?1 AND user = ?2 ORDER BY received_at")
            .bind(call.0.as_bytes().as_slice())
            .bind(record.user.as_str())
            .fetch_all(pool)
            .await?;
    for row in &recordings {
        record
            .recordings
            .push(MessageId(columns("messages", row).uuid("id")?));
    }
    Ok(Some(record))
}

pub(super) async fn records(
    pool: &SqlitePool,
    user: &UserId,
    before: Option<UnixMillis>,
    limit: u16,
) -> Result<LogPage, StoreError> {
    let before = before.map_or(i64::MAX, time);
    // One snapshot for the queries, so that a page holds together while records come in.
    let mut transaction = pool.begin().await?;
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT min(started_at) FROM (SELECT started_at FROM records WHERE user = ?1 AND started_at < ?2
         ORDER BY started_at DESC LIMIT ?3)",
    )
    .bind(user.as_str())
    .bind(before)
    .bind(i64::from(limit))
    .fetch_one(&mut *transaction)
    .await?;
    let Some(last) = last else {
        return Ok(LogPage {
            records: Vec::new(),
            more: false,
        });
    };
    let rows = sqlx::query(
        "SELECT * FROM records WHERE user = ?1 AND started_at >= ?2 AND started_at < ?3 ORDER BY started_at DESC, id DESC",
    )
    .bind(user.as_str())
    .bind(last)
    .bind(before)
    .fetch_all(&mut *transaction)
    .await?;
    let legs = sqlx::query(
        "SELECT record_legs.* FROM records JOIN record_legs ON record_legs.call = records.id
         WHERE user = ?1 AND records.started_at >= ?2 AND records.started_at < ?3 ORDER BY record_legs.position",
    )
    .bind(user.as_str())
    .bind(last)
    .bind(before)
    .fetch_all(&mut *transaction)
    .await?;
    let recordings = sqlx::query(
        "SELECT messages.id, messages.call FROM records JOIN messages ON messages.call = records.id
         WHERE records.user = ?1 AND messages.user = ?1 AND records.started_at >= ?2 AND records.started_at < ?3
         ORDER BY messages.received_at",
    )
    .bind(user.as_str())
    .bind(last)
    .bind(before)
    .fetch_all(&mut *transaction)
    .await?;
    let more = sqlx::query("SELECT 1 FROM records WHERE user = ?1 AND started_at < ?2 LIMIT 1")
        .bind(user.as_str())
        .bind(last)
        .fetch_optional(&mut *transaction)
        .await?
        .is_some();
    let mut by_call: HashMap<CallId, Vec<_>> = HashMap::new();
    for row in &legs {
        let columns = columns("record_legs", row);
        by_call
            .entry(CallId(columns.uuid("call")?))
            .or_default()
            .push(columns.leg_record()?);
    }
    let mut recorded: HashMap<CallId, Vec<MessageId>> = HashMap::new();
    for row in &recordings {
        let columns = columns("messages", row);
        let call = CallId(columns.uuid("call")?);
        recorded
            .entry(call)
            .or_default()
            .push(MessageId(columns.uuid("id")?));
    }
    let mut records = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut record = columns("records", row).record()?;
        record.legs = by_call.remove(&record.id).unwrap_or_default();
        record.recordings = recorded.remove(&record.id).unwrap_or_default();
        records.push(record);
    }
    Ok(LogPage { records, more })
}

pub(super) async fn meta(pool: &SqlitePool, name: &str) -> Result<Option<String>, StoreError> {
    Ok(
        sqlx::query_scalar("SELECT CAST(value AS TEXT) FROM meta WHERE name = ?1")
            .bind(name)
            .fetch_optional(pool)
            .await?,
    )
}
