use super::{CallUp, Claim, Invitation, LegUp, Pruned, StoreError, StoreOptions, UserRow, Versions};
use ponte_protocol::{
    CallId, CallRecord, CommandId, DestinationId, LogPage, Mode, Reply, SavedDestination, UnixMillis, UserId,
};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::watch;

/// A write that is queued; it is carried out whether this is awaited or dropped, in the order of the calls that made
/// it. Awaiting it gives the outcome once the transaction is on disk.
pub struct Written<T> {
    kind: PhantomData<fn() -> T>,
}

impl<T> Future for Written<T> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Err(StoreError::Closed))
    }
}

fn closed<T>() -> Written<T> {
    Written { kind: PhantomData }
}

/// The store. Clones share one database.
#[derive(Clone)]
pub struct Store {
    writable: watch::Receiver<bool>,
}

impl Store {
    /// Opens the database in a data folder; makes and migrates it where needed.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        Err(StoreError::NotOurs {
            path: options.folder,
            reason: "the store is not built yet".to_owned(),
        })
    }

    /// Whether records can be written: false while the database is locked, the disk full, or the spool full.
    pub fn writable(&self) -> watch::Receiver<bool> {
        self.writable.clone()
    }

    /// Writes that wait to be committed.
    pub fn waiting(&self) -> usize {
        0
    }

    /// Waits until all that was queued is on disk, then closes the database. Returns how many writes were given up
    /// because the database could not be written within `patience`.
    pub async fn close(self, _patience: std::time::Duration) -> usize {
        0
    }

    pub async fn versions(&self) -> Result<Versions, StoreError> {
        Err(StoreError::Closed)
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn user(&self, _user: &UserId) -> Result<Option<UserRow>, StoreError> {
        Err(StoreError::Closed)
    }

    pub fn add_user(&self, _row: UserRow) -> Written<()> {
        closed()
    }

    /// Replaces what is stored of an existing user.
    pub fn set_user(&self, _row: UserRow) -> Written<()> {
        closed()
    }

    /// Removes a user with mode, destinations and invitations; records stay.
    pub fn remove_user(&self, _user: UserId) -> Written<()> {
        closed()
    }

    pub fn create_invitation(&self, _invitation: Invitation) -> Written<()> {
        closed()
    }

    /// Invitations that have not expired; used ones among them, as the edge alone knows.
    pub async fn pending_invitations(&self, _now: UnixMillis) -> Result<Vec<Invitation>, StoreError> {
        Err(StoreError::Closed)
    }

    /// Of any number of claims of one id, exactly one is [`Claim::New`]. Fails at once while the store is not writable.
    pub fn claim_command(
        &self,
        _user: UserId,
        _id: CommandId,
        _digest: [u8; 32],
        _now: UnixMillis,
    ) -> Written<Claim> {
        closed()
    }

    /// Keeps the reply to a claimed command.
    pub fn store_reply(&self, _reply: Reply) -> Written<()> {
        closed()
    }

    /// The mode of each user who ever left [`Mode::Office`].
    pub async fn modes(&self) -> Result<Vec<(UserId, Mode)>, StoreError> {
        Err(StoreError::Closed)
    }

    pub fn save_mode(&self, _user: UserId, _mode: Mode) -> Written<()> {
        closed()
    }

    /// A user's saved destinations, oldest first.
    pub async fn destinations(&self, _user: &UserId) -> Result<Vec<SavedDestination>, StoreError> {
        Err(StoreError::Closed)
    }

    /// Adds a destination, or replaces the one with the same id.
    pub fn save_destination(&self, _user: UserId, _destination: SavedDestination) -> Written<()> {
        closed()
    }

    /// Whether there was such a destination.
    pub fn delete_destination(&self, _user: UserId, _destination: DestinationId) -> Written<bool> {
        closed()
    }

    /// Keeps a call that is up, whole; without effect once its record is written. Before its legs.
    pub fn save_call(&self, _call: CallUp) -> Written<()> {
        closed()
    }

    /// Keeps a leg of a call that is up, whole, ended or not; without effect once the call's record is written.
    pub fn save_leg(&self, _leg: LegUp) -> Written<()> {
        closed()
    }

    /// Calls without a record, each with its legs in order: what a crash has left.
    pub async fn calls_up(&self) -> Result<Vec<(CallUp, Vec<LegUp>)>, StoreError> {
        Err(StoreError::Closed)
    }

    /// Writes a call's record, and forgets it as a call that is up, in one step. A second record of the same call is
    /// without effect.
    pub fn insert_record(&self, _record: CallRecord) -> Written<()> {
        closed()
    }

    /// A page of a user's records, newest first. Records that started in the same millisecond are never parted, so a
    /// page may hold a few more than `limit`.
    pub async fn records(
        &self,
        _user: &UserId,
        _before: Option<UnixMillis>,
        _limit: u16,
    ) -> Result<LogPage, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn record(&self, _call: CallId) -> Result<Option<CallRecord>, StoreError> {
        Err(StoreError::Closed)
    }

    /// Takes away records older than `record_days`, command ids older than a day and expired invitations.
    pub fn prune(&self, _now: UnixMillis, _record_days: u32) -> Written<Pruned> {
        closed()
    }

    /// A value kept under a name.
    pub async fn meta(&self, _name: &str) -> Result<Option<String>, StoreError> {
        Err(StoreError::Closed)
    }

    pub fn set_meta(&self, _name: &str, _value: &str) -> Written<()> {
        closed()
    }
}
