//! Groups of users that share restrictions.

use super::account::GroupRow;
use super::codec::{Columns, rules_text};
use super::write::{Applied, DONE};
use super::{Store, StoreError, Written};
use ponte_protocol::{GroupId, UserId};
use sqlx::SqliteConnection;

#[derive(Debug)]
pub(super) enum GroupWrite {
    Add(GroupRow),
    Set(GroupRow),
    Remove(GroupId),
}

impl GroupWrite {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Add(_) => "add_group",
            Self::Set(_) => "set_group",
            Self::Remove(_) => "remove_group",
        }
    }

    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Applied {
        match self {
            Self::Add(row) => {
                if group_exists(connection, &row.group).await? {
                    return Ok(Err(StoreError::GroupExists(row.group.clone())));
                }
                put(connection, row).await
            }
            Self::Set(row) => {
                if !group_exists(connection, &row.group).await? {
                    return Ok(Err(StoreError::UnknownGroup(row.group.clone())));
                }
                put(connection, row).await
            }
            Self::Remove(group) => remove(connection, group).await,
        }
    }
}

pub(super) async fn group_exists(
    connection: &mut SqliteConnection,
    group: &GroupId,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM groups WHERE name = ?1")
        .bind(group.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

async fn put(connection: &mut SqliteConnection, row: &GroupRow) -> Applied {
    sqlx::query(
        "INSERT INTO groups (name, restrictions) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET restrictions = ?2",
    )
    .bind(row.group.as_str())
    .bind(rules_text(&row.restrictions))
    .execute(connection)
    .await?;
    DONE
}

async fn remove(connection: &mut SqliteConnection, group: &GroupId) -> Applied {
    let members = sqlx::query("SELECT user FROM users WHERE group_name = ?1 ORDER BY user")
        .bind(group.as_str())
        .fetch_all(&mut *connection)
        .await?;
    let members: Result<Vec<UserId>, StoreError> = members
        .iter()
        .map(|row| Columns::of("users", row).parsed("user"))
        .collect();
    match members {
        Ok(members) if members.is_empty() => {}
        Ok(members) => {
            return Ok(Err(StoreError::GroupInUse {
                group: group.clone(),
                members,
            }));
        }
        Err(error) => return Ok(Err(error)),
    }
    let removed = sqlx::query("DELETE FROM groups WHERE name = ?1")
        .bind(group.as_str())
        .execute(connection)
        .await?;
    if removed.rows_affected() == 0 {
        return Ok(Err(StoreError::UnknownGroup(group.clone())));
    }
    DONE
}

impl Store {
    /// All groups, by name.
    pub async fn groups(&self) -> Result<Vec<GroupRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM groups ORDER BY name")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns::of("groups", row);
                Ok(GroupRow {
                    group: columns.parsed("name")?,
                    restrictions: columns.rules("restrictions")?,
                })
            })
            .collect()
    }

    /// One group.
    pub async fn group(&self, group: &GroupId) -> Result<Option<GroupRow>, StoreError> {
        let groups = self.groups().await?;
        Ok(groups.into_iter().find(|row| row.group == *group))
    }

    /// Adds a group; [`StoreError::GroupExists`] where there is one already.
    pub fn add_group(&self, row: GroupRow) -> Written<()> {
        self.write_done(GroupWrite::Add(row).into())
    }

    /// Replaces the rules of an existing group.
    pub fn set_group(&self, row: GroupRow) -> Written<()> {
        self.write_done(GroupWrite::Set(row).into())
    }

    /// Removes a group that has no users; [`StoreError::GroupInUse`] names those it has. Its rules may be what keeps
    /// them from dialling, so they are not let go in passing.
    pub fn remove_group(&self, group: GroupId) -> Written<()> {
        self.write_done(GroupWrite::Remove(group).into())
    }
}
