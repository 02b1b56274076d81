//! What is taken away when its time is over.

use super::{Applied, Outcome};
use crate::store::codec::{int, time};
use crate::store::messages::empty_bin;
use crate::store::{COMMAND_KEPT_MS, Pruned};
use ponte_protocol::UnixMillis;
use sqlx::SqliteConnection;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Rows taken away in one transaction, so that pruning never holds up a call.
const PRUNE_CHUNK: i64 = 2_000;

pub(super) async fn prune(connection: &mut SqliteConnection, now: UnixMillis, record_days: u32) -> Applied {
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
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM audit WHERE at < ?1")
        .bind(records_before)
        .execute(&mut *connection)
        .await?;
    let messages = match empty_bin(connection, now, PRUNE_CHUNK).await? {
        Ok(messages) => messages,
        Err(error) => return Ok(Err(error)),
    };
    let full = |rows: u64| rows == PRUNE_CHUNK as u64;
    Ok(Ok(Outcome::Pruned(Pruned {
        records: records.rows_affected(),
        commands: commands.rows_affected(),
        invitations: invitations.rows_affected(),
        messages: messages.len() as u64,
        more: full(records.rows_affected()) || full(commands.rows_affected()) || full(messages.len() as u64),
        emptied: messages,
    })))
}
