//! Calls that are up, and records.

use super::{Applied, DONE};
use crate::store::account_codes;
use crate::store::codec::{maybe_time, time, word};
use crate::store::{CallUp, LegUp};
use ponte_protocol::{CallId, CallRecord, Cause, DeviceId, LegRecord};
use sqlx::SqliteConnection;

pub(super) async fn save_call(connection: &mut SqliteConnection, call: &CallUp) -> Applied {
    sqlx::query(
        "INSERT INTO calls_up (call, user, direction, dialled, number, name, started_at, connected_at, account_code,
             account_name)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (SELECT 1 FROM records WHERE id = ?1)
         ON CONFLICT (call) DO UPDATE SET user = ?2, direction = ?3, dialled = ?4, number = ?5, name = ?6,
             started_at = ?7, connected_at = ?8, account_code = ?9, account_name = ?10",
    )
    .bind(call.call.0.as_bytes().as_slice())
    .bind(call.user.as_str())
    .bind(word(&call.direction))
    .bind(call.dialled.as_str())
    .bind(&call.number)
    .bind(call.name.as_deref())
    .bind(time(call.started_at))
    .bind(maybe_time(call.connected_at))
    .bind(account_codes::code(call.account_code.as_ref()))
    .bind(account_codes::name(call.account_code.as_ref()))
    .execute(connection)
    .await?;
    DONE
}

pub(super) async fn save_leg(connection: &mut SqliteConnection, leg: &LegUp) -> Applied {
    let cause: Option<Cause> = leg.ended.map(|(_, cause)| cause);
    sqlx::query(
        "INSERT INTO legs_up (call, position, role, number, trunk, started_at, ringing_at, answered_at, ended_at,
             reason, class, q850, sip, dialog, device, direction)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16
         WHERE NOT EXISTS (SELECT 1 FROM records WHERE id = ?1)
         ON CONFLICT (call, position) DO UPDATE SET role = ?3, number = ?4, trunk = ?5, started_at = ?6,
             ringing_at = ?7, answered_at = ?8, ended_at = ?9, reason = ?10, class = ?11, q850 = ?12, sip = ?13,
             dialog = ?14, device = ?15, direction = ?16",
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
    .bind(leg.device.as_ref().map(DeviceId::as_str))
    .bind(word(&leg.direction))
    .execute(connection)
    .await?;
    DONE
}

pub(super) async fn insert_record(connection: &mut SqliteConnection, record: &CallRecord) -> Applied {
    let id = record.id.0.as_bytes().as_slice();
    let inserted = sqlx::query(
        "INSERT INTO records (id, user, direction, dialled, number, name, started_at, connected_at, ended_at, reason,
             class, q850, sip, ended_by, message, account_code, account_name)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) ON CONFLICT (id) DO NOTHING",
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
    .bind(record.message.map(|message| message.0.as_bytes().to_vec()))
    .bind(account_codes::code(record.account_code.as_ref()))
    .bind(account_codes::name(record.account_code.as_ref()))
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

/// Legs of a call that is nobody's.
pub(super) async fn forget_lone_legs(connection: &mut SqliteConnection, call: CallId) -> Applied {
    sqlx::query(
        "DELETE FROM legs_up WHERE call = ?1 AND NOT EXISTS (SELECT 1 FROM calls_up WHERE calls_up.call = ?1)",
    )
    .bind(call.0.as_bytes().as_slice())
    .execute(connection)
    .await?;
    DONE
}

/// The other party's name, learnt after the call was over.
pub(super) async fn name_record(connection: &mut SqliteConnection, call: CallId, name: &str) -> Applied {
    sqlx::query("UPDATE records SET name = ?2 WHERE id = ?1")
        .bind(call.0.as_bytes().as_slice())
        .bind(name)
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
             reason, class, q850, sip, device)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
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
    .bind(leg.device.as_ref().map(DeviceId::as_str))
    .execute(connection)
    .await?;
    Ok(())
}
