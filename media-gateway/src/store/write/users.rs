//! Users, invitations, modes, destinations.

use super::{Applied, DONE, Outcome};
use crate::store::codec::{Columns, int, json, rules_text, time};
use crate::store::groups::group_exists;
use crate::store::{EmailAddress, Invitation, PinHash, StoreError, UserRow};
use ponte_protocol::{DestinationId, GroupId, Mode, SavedDestination, UserId};
use sqlx::SqliteConnection;

async fn extension_holder(
    connection: &mut SqliteConnection,
    row: &UserRow,
) -> Result<Option<StoreError>, sqlx::Error> {
    let holder = sqlx::query("SELECT user FROM users WHERE extension = ?1 AND user <> ?2")
        .bind(row.extension.as_str())
        .bind(row.user.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(
        holder.map(|holder| match Columns::of("users", &holder).parsed("user") {
            Ok(by) => StoreError::ExtensionTaken {
                extension: row.extension.clone(),
                by,
            },
            Err(error) => error,
        }),
    )
}

pub(in crate::store) async fn user_exists(
    connection: &mut SqliteConnection,
    user: &UserId,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM users WHERE user = ?1")
        .bind(user.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

async fn put_user(connection: &mut SqliteConnection, row: &UserRow) -> Applied {
    let group = row.group.as_ref().map(|group| &group.group);
    if let Some(group) = group
        && !group_exists(connection, group).await?
    {
        return Ok(Err(StoreError::UnknownGroup(group.clone())));
    }
    sqlx::query(
        "INSERT INTO users (user, display_name, extension, telecommuter_allowed, caller_number, caller_name, language,
             restrictions, dials_per_hour, minutes_per_day, user_no_answer_ms, confirm, call_waiting_allowed,
             voicemail_allowed, administrator, pin_hash, email, group_name, pick_up_allowed,
             voicemail_quota_s, recording_allowed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
         ON CONFLICT (user) DO UPDATE SET display_name = ?2, extension = ?3, telecommuter_allowed = ?4,
             caller_number = ?5, caller_name = ?6, language = ?7, restrictions = ?8, dials_per_hour = ?9,
             minutes_per_day = ?10, user_no_answer_ms = ?11, confirm = ?12, call_waiting_allowed = ?13,
             voicemail_allowed = ?14, administrator = ?15, pin_hash = ?16, email = ?17, group_name = ?18,
             pick_up_allowed = ?19, voicemail_quota_s = ?20, recording_allowed = ?21",
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
    .bind(row.call_waiting_allowed)
    .bind(row.voicemail_allowed)
    .bind(row.administrator)
    .bind(row.pin.as_ref().map(PinHash::as_str))
    .bind(row.email.as_ref().map(EmailAddress::as_str))
    .bind(group.map(GroupId::as_str))
    .bind(row.pick_up_allowed)
    .bind(row.voicemail_quota_s)
    .bind(row.recording_allowed)
    .execute(connection)
    .await?;
    DONE
}

pub(super) async fn add(connection: &mut SqliteConnection, row: &UserRow) -> Applied {
    if user_exists(connection, &row.user).await? {
        return Ok(Err(StoreError::UserExists(row.user.clone())));
    }
    if let Some(taken) = extension_holder(connection, row).await? {
        return Ok(Err(taken));
    }
    put_user(connection, row).await
}

pub(super) async fn set(connection: &mut SqliteConnection, row: &UserRow) -> Applied {
    if !user_exists(connection, &row.user).await? {
        return Ok(Err(StoreError::UnknownUser(row.user.clone())));
    }
    if let Some(taken) = extension_holder(connection, row).await? {
        return Ok(Err(taken));
    }
    put_user(connection, row).await
}

pub(super) async fn remove(connection: &mut SqliteConnection, user: &UserId) -> Applied {
    let removed = sqlx::query("DELETE FROM users WHERE user = ?1")
        .bind(user.as_str())
        .execute(connection)
        .await?;
    if removed.rows_affected() == 0 {
        return Ok(Err(StoreError::UnknownUser(user.clone())));
    }
    DONE
}

/// Counts as a change to the users.
pub(super) async fn announce(connection: &mut SqliteConnection) -> Applied {
    sqlx::query("UPDATE meta SET value = value + 1 WHERE name = 'users_version'")
        .execute(connection)
        .await?;
    DONE
}

pub(super) async fn add_invitation(connection: &mut SqliteConnection, invitation: &Invitation) -> Applied {
    if !user_exists(connection, &invitation.user).await? {
        return Ok(Err(StoreError::UnknownUser(invitation.user.clone())));
    }
    sqlx::query("DELETE FROM invitations WHERE user = ?1 AND token_hash <> ?2")
        .bind(invitation.user.as_str())
        .bind(&invitation.token_hash)
        .execute(&mut *connection)
        .await?;
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

pub(super) async fn save_mode(connection: &mut SqliteConnection, user: &UserId, mode: &Mode) -> Applied {
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

pub(super) async fn save_destination(
    connection: &mut SqliteConnection,
    user: &UserId,
    destination: &SavedDestination,
) -> Applied {
    if !user_exists(connection, user).await? {
        return Ok(Err(StoreError::UnknownUser(user.clone())));
    }
    sqlx::query(
        "INSERT INTO destinations (id, user, label, number, confirm, verified, position)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, coalesce(max(position), 0) + 1 FROM destinations WHERE user = ?2
         ON CONFLICT (id) DO UPDATE SET label = ?3, number = ?4, confirm = ?5, verified = ?6 WHERE user = ?2",
    )
    .bind(destination.id.0.as_bytes().as_slice())
    .bind(user.as_str())
    .bind(&destination.label)
    .bind(destination.number.as_str())
    .bind(destination.confirm)
    .bind(destination.verified)
    .execute(connection)
    .await?;
    DONE
}

pub(super) async fn delete_destination(
    connection: &mut SqliteConnection,
    user: &UserId,
    id: DestinationId,
) -> Applied {
    let deleted = sqlx::query("DELETE FROM destinations WHERE id = ?1 AND user = ?2")
        .bind(id.0.as_bytes().as_slice())
        .bind(user.as_str())
        .execute(connection)
        .await?;
    Ok(Ok(Outcome::Found(deleted.rows_affected() > 0)))
}
