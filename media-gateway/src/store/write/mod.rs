//! What can be written, and the statements that do it.

mod calls;
mod commands;
mod prune;
mod users;

pub(super) use users::user_exists;

use super::account_codes::AccountCodeWrite;
use super::contacts::ContactWrite;
use super::devices::DeviceWrite;
use super::groups::GroupWrite;
use super::messages::MessageWrite;
use super::numbers::DidWrite;
use super::personal::PersonalWrite;
use super::treatment::TreatmentWrite;
use super::verification::{CodeOutcome, CodeWrite};
use super::{
    AuditNote, CallUp, Claim, DirectoryRow, Invitation, LegUp, Pruned, SiteRow, StoreError, UserRow,
};
use super::{audit, directory, site};
use ponte_call_core::LegId;
use ponte_protocol::{
    CallId, CallRecord, CommandId, DestinationId, DeviceId, Mode, Reply, SavedDestination, UnixMillis, UserId,
};
use sqlx::SqliteConnection;

#[derive(Debug)]
pub(super) enum Write {
    AddUser(Box<UserRow>),
    SetUser(Box<UserRow>),
    RemoveUser(UserId),
    AnnounceUsers,
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
    Code(CodeWrite),
    Personal(PersonalWrite),
    Treatment(TreatmentWrite),
    Contact(ContactWrite),
    Device(DeviceWrite),
    Did(DidWrite),
    Group(GroupWrite),
    Message(MessageWrite),
    AccountCode(AccountCodeWrite),
    Call(CallUp),
    Leg(LegUp),
    ForgetLoneLegs(CallId),
    Record(Box<CallRecord>),
    NameRecord(CallId, String),
    Prune {
        now: UnixMillis,
        record_days: u32,
    },
    Meta(String, String),
    Audit(AuditNote),
    Site(Box<SiteRow>),
    Directory(Option<Box<DirectoryRow>>),
    /// All of them, or none where one is refused.
    Together(Vec<Write>),
}

macro_rules! write_of {
    ($($variant:ident($kind:ty)),*) => {
        $(impl From<$kind> for Write {
            fn from(write: $kind) -> Self {
                Self::$variant(write)
            }
        })*
    };
}

write_of!(
    Code(CodeWrite),
    Personal(PersonalWrite),
    Treatment(TreatmentWrite),
    Contact(ContactWrite),
    Device(DeviceWrite),
    Did(DidWrite),
    Group(GroupWrite),
    Message(MessageWrite),
    AccountCode(AccountCodeWrite)
);

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Claim(Claim),
    /// Whether there was what it was about.
    Found(bool),
    Code(CodeOutcome),
    Pruned(Pruned),
}

/// What a later write of the same batch makes needless.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Call(CallId),
    Leg(LegId),
    Bindings(DeviceId),
}

impl Write {
    /// Whether it waits in memory while the database cannot be written; the others are refused then.
    pub(super) fn is_spooled(&self) -> bool {
        match self {
            Self::Reply(_)
            | Self::Mode(..)
            | Self::Destination(..)
            | Self::DeleteDestination(..)
            | Self::Personal(_)
            | Self::Treatment(_)
            | Self::Call(_)
            | Self::Leg(_)
            | Self::ForgetLoneLegs(_)
            | Self::Record(_)
            | Self::NameRecord(..)
            | Self::Meta(..) => true,
            Self::Device(write) => write.is_spooled(),
            Self::Message(write) => write.is_spooled(),
            Self::AccountCode(write) => write.is_spooled(),
            _ => false,
        }
    }

    /// Whether it has to survive a power cut. The others have to survive the end of the process alone: they speak of calls,
    /// and a power cut ends those.
    pub(super) fn survives_power_cut(&self) -> bool {
        match self {
            Self::Claim { .. } | Self::Reply(_) | Self::Call(_) | Self::Leg(_) | Self::ForgetLoneLegs(_) => {
                false
            }
            Self::AccountCode(write) => write.survives_power_cut(),
            Self::Together(writes) => writes.iter().any(Self::survives_power_cut),
            _ => true,
        }
    }

    /// A name for logs.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::AddUser(_) => "add_user",
            Self::SetUser(_) => "set_user",
            Self::RemoveUser(_) => "remove_user",
            Self::AnnounceUsers => "announce_users",
            Self::Invitation(_) => "invitation",
            Self::Claim { .. } => "claim",
            Self::Reply(_) => "reply",
            Self::Mode(..) => "mode",
            Self::Destination(..) => "destination",
            Self::DeleteDestination(..) => "delete_destination",
            Self::Code(write) => write.kind(),
            Self::Personal(write) => write.kind(),
            Self::Treatment(write) => write.kind(),
            Self::Contact(write) => write.kind(),
            Self::Device(write) => write.kind(),
            Self::Did(write) => write.kind(),
            Self::Group(write) => write.kind(),
            Self::Message(write) => write.kind(),
            Self::AccountCode(write) => write.kind(),
            Self::Call(_) => "call",
            Self::Leg(_) => "leg",
            Self::ForgetLoneLegs(_) => "forget_legs",
            Self::Record(_) => "record",
            Self::NameRecord(..) => "name_record",
            Self::Prune { .. } => "prune",
            Self::Meta(..) => "meta",
            Self::Audit(_) => "audit",
            Self::Site(_) => "site",
            Self::Directory(_) => "directory",
            Self::Together(_) => "together",
        }
    }

    /// What it writes as a whole, so that the last of several is enough.
    pub(super) fn subject(&self) -> Option<Subject> {
        match self {
            Self::Call(call) => Some(Subject::Call(call.call)),
            Self::Leg(leg) => Some(Subject::Leg(leg.leg)),
            Self::Device(DeviceWrite::Bindings(row)) => Some(Subject::Bindings(row.device.clone())),
            Self::Device(DeviceWrite::Forget(device)) => Some(Subject::Bindings(device.clone())),
            _ => None,
        }
    }

    /// Carries it out. The outer error leaves the transaction unusable; the inner one refuses this write alone and has
    /// changed nothing.
    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Applied {
        match self {
            Self::AddUser(row) => users::add(connection, row).await,
            Self::SetUser(row) => users::set(connection, row).await,
            Self::RemoveUser(user) => users::remove(connection, user).await,
            Self::AnnounceUsers => users::announce(connection).await,
            Self::Invitation(invitation) => users::add_invitation(connection, invitation).await,
            Self::Claim {
                user,
                id,
                digest,
                now,
            } => commands::claim(connection, user, *id, digest, *now).await,
            Self::Reply(reply) => commands::store_reply(connection, reply).await,
            Self::Mode(user, mode) => users::save_mode(connection, user, mode).await,
            Self::Destination(user, destination) => {
                users::save_destination(connection, user, destination).await
            }
            Self::DeleteDestination(user, id) => users::delete_destination(connection, user, *id).await,
            Self::Code(write) => write.apply(connection).await,
            Self::Personal(write) => write.apply(connection).await,
            Self::Treatment(write) => write.apply(connection).await,
            Self::Contact(write) => write.apply(connection).await,
            Self::Device(write) => write.apply(connection).await,
            Self::Did(write) => write.apply(connection).await,
            Self::Group(write) => write.apply(connection).await,
            Self::Message(write) => write.apply(connection).await,
            Self::AccountCode(write) => write.apply(connection).await,
            Self::Call(call) => calls::save_call(connection, call).await,
            Self::Leg(leg) => calls::save_leg(connection, leg).await,
            Self::ForgetLoneLegs(call) => calls::forget_lone_legs(connection, *call).await,
            Self::Record(record) => calls::insert_record(connection, record).await,
            Self::NameRecord(call, name) => calls::name_record(connection, *call, name).await,
            Self::Prune { now, record_days } => prune::prune(connection, *now, *record_days).await,
            Self::Meta(name, value) => set_meta(connection, name, value).await,
            Self::Audit(note) => audit::keep(connection, note).await,
            Self::Site(row) => site::put(connection, row).await,
            Self::Directory(row) => directory::put(connection, row.as_deref()).await,
            Self::Together(writes) => super::together::apply(connection, writes).await,
        }
    }
}

pub(super) type Applied = Result<Result<Outcome, StoreError>, sqlx::Error>;

pub(super) const DONE: Applied = Ok(Ok(Outcome::Done));

async fn set_meta(connection: &mut SqliteConnection, name: &str, value: &str) -> Applied {
    sqlx::query("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2")
        .bind(name)
        .bind(value)
        .execute(connection)
        .await?;
    DONE
}
