//! Several changes of an administrator as one.

use super::account_codes::AccountCodeWrite;
use super::devices::DeviceWrite;
use super::groups::GroupWrite;
use super::numbers::DidWrite;
use super::personal::PersonalWrite;
use super::treatment::TreatmentWrite;
use super::write::{Applied, DONE, Outcome, Write};
use super::{
    AuditNote, DeviceRow, DidRow, DirectoryRow, GroupRow, Invitation, SiteRow, Store, StoreError, UserRow,
    Written,
};
use ponte_protocol::admin::AccountCodeSettings;
use ponte_protocol::{
    AccountCode, CallProfile, CallRules, CallSettings, DestinationId, DeviceId, E164, GroupId,
    SavedDestination, ScheduleEntry, UnixMillis, UserId,
};
use sqlx::SqliteConnection;
use std::collections::BTreeSet;
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
    AddDid(DidRow),
    SetDid(DidRow),
    RemoveDid(E164),
    CreateInvitation(Invitation),
    SetSite(Box<SiteRow>),
    /// `None`: there is none.
    SetDirectory(Option<Box<DirectoryRow>>),
    PutAccountCode(AccountCodeSettings),
    RemoveAccountCode(AccountCode),
    SaveCallSettings(UserId, CallSettings),
    /// The site's hold for the user again.
    ForgetCallSettings(UserId),
    SaveCallRules(UserId, CallRules),
    SaveProfile(UserId, Box<CallProfile>),
    DeleteProfile(UserId, String),
    /// From which time on it is carried out.
    SaveSchedule(UserId, Vec<ScheduleEntry>, UnixMillis),
}

impl Change {
    /// For whom it sets how calls are treated.
    fn treats(&self) -> Option<&UserId> {
        match self {
            Self::SaveCallSettings(user, _)
            | Self::ForgetCallSettings(user)
            | Self::SaveCallRules(user, _)
            | Self::SaveProfile(user, _)
            | Self::DeleteProfile(user, _)
            | Self::SaveSchedule(user, ..) => Some(user),
            _ => None,
        }
    }
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
            Change::AddDid(row) => DidWrite::Add(row).into(),
            Change::SetDid(row) => DidWrite::Set(row).into(),
            Change::RemoveDid(number) => DidWrite::Remove(number).into(),
            Change::CreateInvitation(invitation) => Self::Invitation(invitation),
            Change::SetSite(row) => Self::Site(row),
            Change::SetDirectory(row) => Self::Directory(row),
            Change::PutAccountCode(settings) => AccountCodeWrite::Put(settings).into(),
            Change::RemoveAccountCode(code) => AccountCodeWrite::Remove(code).into(),
            Change::SaveCallSettings(user, settings) => PersonalWrite::Settings(user, settings).into(),
            Change::ForgetCallSettings(user) => PersonalWrite::ForgetSettings(user).into(),
            Change::SaveCallRules(user, rules) => TreatmentWrite::Rules(user, rules).into(),
            Change::SaveProfile(user, profile) => TreatmentWrite::Profile(user, profile).into(),
            Change::DeleteProfile(user, name) => TreatmentWrite::DeleteProfile(user, name).into(),
            Change::SaveSchedule(user, schedule, from) => {
                TreatmentWrite::Schedule(user, schedule, from).into()
            }
        }
    }
}

/// How many users are administrators.
async fn administrators(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM users WHERE administrator")
        .fetch_one(connection)
        .await
}

async fn each(connection: &mut SqliteConnection, writes: &[Write]) -> Applied {
    for write in writes {
        match write.apply(&mut *connection).await? {
            // What is to be changed must be there.
            Ok(Outcome::Found(false)) => {
                if let Write::DeleteDestination(_, destination) = write {
                    return Ok(Err(StoreError::UnknownDestination(*destination)));
                }
            }
            Ok(_) => {}
            Err(refused) => return Ok(Err(refused)),
        }
    }
    DONE
}

/// All of them in order, or none where one is refused, or where they would leave a site without its last
/// administrator.
pub(super) fn apply<'a>(
    connection: &'a mut SqliteConnection,
    writes: &'a [Write],
) -> Pin<Box<dyn Future<Output = Applied> + Send + 'a>> {
    Box::pin(async move {
        sqlx::query("SAVEPOINT together")
            .execute(&mut *connection)
            .await?;
        let before = administrators(connection).await?;
        let mut applied = each(connection, writes).await?;
        if applied.is_ok() && before > 0 && administrators(connection).await? == 0 {
            applied = Err(StoreError::LastAdministrator);
        }
        if let Err(refused) = applied {
            for statement in ["ROLLBACK TO together", "RELEASE together"] {
                sqlx::query(statement).execute(&mut *connection).await?;
            }
            return Ok(Err(refused));
        }
        sqlx::query("RELEASE together").execute(connection).await?;
        DONE
    })
}

impl Store {
    /// Makes all changes in order and keeps the notes of them, or none where one is refused. A site that has an
    /// administrator keeps one: [`StoreError::LastAdministrator`].
    pub fn change_together(&self, changes: Vec<Change>, notes: Vec<AuditNote>) -> Written<()> {
        let touches_destinations = changes.iter().any(|change| {
            matches!(
                change,
                Change::SaveDestination(..) | Change::DeleteDestination(..)
            )
        });
        let announce = touches_destinations.then_some(Write::AnnounceUsers);
        let treated: BTreeSet<UserId> = changes.iter().filter_map(Change::treats).cloned().collect();
        let treated = treated
            .into_iter()
            .map(|user| TreatmentWrite::Announce(user).into());
        let notes = notes.into_iter().map(Write::Audit);
        let writes = changes.into_iter().map(Write::from);
        let writes = writes.chain(announce).chain(treated).chain(notes);
        self.write_done(Write::Together(writes.collect()))
    }
}
