//! Command ids and their replies.

use super::{Applied, DONE, Outcome};
use crate::store::Claim;
use crate::store::codec::{Columns, command_key, json, time};
use ponte_protocol::{CommandId, Reply, UnixMillis, UserId};
use sqlx::{Row, SqliteConnection};

pub(super) async fn claim(
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
    let columns = Columns::of("commands", &row);
    let reply = match columns.maybe_text("reply") {
        Ok(None) => Ok(None),
        Ok(Some(_)) => columns.json("reply").map(Some),
        Err(error) => Err(error),
    };
    Ok(reply.map(|reply| Outcome::Claim(Claim::Known { reply })))
}

pub(super) async fn store_reply(connection: &mut SqliteConnection, reply: &Reply) -> Applied {
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
