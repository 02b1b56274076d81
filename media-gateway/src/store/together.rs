//! Several changes of an administrator as one.

use super::devices::DeviceWrite;
use super::groups::GroupWrite;
use super::numbers::DidWrite;
use super::write::{Applied, DONE, Write};
use super::{DeviceRow, DidRow, GroupRow, Store, UserRow, Written};
use ponte_protocol::{DestinationId, DeviceId, E164, GroupId, SavedDestination, UserId};
use sqlx::SqliteConnection;
use std::pin::Pin;

/// One of them; each as the method of [`Store`] with its name.
#[derive(Clone, Debug)]
pub enum Change {
    AddGroup(GroupRow),
    SetGroup(GroupRow),
    RemoveGroup(GroupId),
    AddUser(Box<UserRow>),
    SetUser(Box<UserRow>),
    RemoveUser(UserId),
    SaveDestination(UserId, SavedDestination),
    DeleteDestination(UserId, DestinationId),
    AddDevice(DeviceRow),
    SetDevice(DeviceRow),
    RemoveDevice(DeviceId),
    SetDid(DidRow),
    RemoveDid(E164),
}

impl From<Change> for Write {
    fn from(change: Change) -> Self {
        match change {
            Change::AddGroup(row) => GroupWrite::Add(row).into(),
            Change::SetGroup(row) => GroupWrite::Set(row).into(),
            Change::RemoveGroup(group) => GroupWrite::Remove(group).into(),
            Change::AddUser(row) => Self::AddUser(row),
            Change::SetUser(row) => Self::SetUser(row),
            Change::RemoveUser(user) => Self::RemoveUser(user),
            Change::SaveDestination(user, destination) => Self::Destination(user, destination),
            Change::DeleteDestination(user, destination) => Self::DeleteDestination(user, destination),
            Change::AddDevice(row) => DeviceWrite::Add(row).into(),
            Change::SetDevice(row) => DeviceWrite::Set(row).into(),
            Change::RemoveDevice(device) => DeviceWrite::Remove(device).into(),
            Change::SetDid(row) => DidWrite::Set(row).into(),
            Change::RemoveDid(number) => DidWrite::Remove(number).into(),
        }
    }
}

/// All of them in order, or none where one is refused.
pub(super) fn apply<'a>(
    connection: &'a mut SqliteConnection,
    writes: &'a [Write],
) -> Pin<Box<dyn Future<Output = Applied> + Send + 'a>> {
    Box::pin(async move {
        sqlx::query("SAVEPOINT together")
            .execute(&mut *connection)
            .await?;
        for write in writes {
            if let Err(refused) = write.apply(&mut *connection).await? {
                for statement in ["ROLLBACK TO together", "RELEASE together"] {
                    sqlx::query(statement).execute(&mut *connection).await?;
                }
                return Ok(Err(refused));
            }
        }
        sqlx::query("RELEASE together").execute(connection).await?;
        DONE
    })
}

impl Store {
    /// Makes all changes in order, or none where one is refused. A running gateway reads all of them anew.
    pub fn change_together(&self, changes: Vec<Change>) -> Written<()> {
        let announce = std::iter::once(Write::AnnounceUsers);
        let writes = changes.into_iter().map(Write::from).chain(announce);
        self.write_done(Write::Together(writes.collect()))
    }
}
