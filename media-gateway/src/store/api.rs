use super::write::{Outcome, Write};
use super::writer::{Job, Message, Writer};
use super::{
    CallUp, Claim, Invitation, LegUp, Pruned, Recordings, StoreError, StoreOptions, StoreUse, UserRow,
    Versions, open, read,
};
use ponte_protocol::{
    CallId, CallRecord, CommandId, DestinationId, Extension, LogPage, Mode, Reply, SavedDestination,
    UnixMillis, UserId,
};
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, oneshot, watch};

/// Connections that read; the writer has its own.
const READERS: u32 = 4;
/// A recording that belongs to nobody may be one that goes on, until it is this old.
const ORPHAN_AGE: Duration = Duration::from_hours(1);

/// A write that is queued. It is carried out whether this is awaited or dropped, in the order of the calls that made
/// it; awaiting it gives the outcome once the transaction is kept: safe from the end of this process, and where it is
/// not about a call that is up, on disk.
pub struct Written<T> {
    state: State,
    outcome: fn(Outcome) -> Option<T>,
}

enum State {
    Queued(oneshot::Receiver<Result<Outcome, StoreError>>),
    Refused(Option<StoreError>),
}

impl<T> Future for Written<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.state {
            State::Queued(receiver) => match ready!(Pin::new(receiver).poll(context)) {
                Ok(outcome) => outcome?,
                Err(_) => return Poll::Ready(Err(StoreError::Closed)),
            },
            State::Refused(error) => return Poll::Ready(Err(error.take().unwrap_or(StoreError::Closed))),
        };
        Poll::Ready((self.outcome)(outcome).ok_or(StoreError::Closed))
    }
}

fn done(outcome: Outcome) -> Option<()> {
    (outcome == Outcome::Done).then_some(())
}

/// The store. Clones share one database.
#[derive(Clone)]
pub struct Store {
    queue: mpsc::UnboundedSender<Message>,
    waiting: Arc<AtomicUsize>,
    spool_max: usize,
    writable: watch::Receiver<bool>,
    readers: SqlitePool,
    recordings: Recordings,
}

impl Store {
    /// Opens the database in a data folder; makes and migrates it where needed.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::NotOurs`] and
    /// [`StoreError::Unavailable`], each with what to do in its message.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let spool_max = options.spool_max;
        let used_by = options.used_by;
        let recordings = Recordings::at(options.recordings.clone());
        let (folder, connection) = open::open(options).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy_with(folder.options.clone().pragma("query_only", "on"));
        let (queue, inbox) = mpsc::unbounded_channel();
        let (writable_sender, writable) = watch::channel(true);
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            options: folder.options,
            connection: Some(connection),
            flushes: true,
            flush_by: None,
            inbox,
            waiting: Arc::clone(&waiting),
            writable: writable_sender,
            backlog: VecDeque::new(),
            closing: None,
            lock: folder.lock,
        };
        writer.start().map_err(|error| StoreError::Unavailable {
            reason: format!("no thread for the store: {error}"),
        })?;
        let store = Self {
            queue,
            waiting,
            spool_max,
            writable,
            readers,
            recordings,
        };
        if used_by == StoreUse::Gateway {
            store.recordings.make()?;
            store.rescue_messages().await?;
            store.sweep_recordings(SystemTime::now()).await?;
        }
        Ok(store)
    }

    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The files of voicemail.
    pub fn recordings(&self) -> &Recordings {
        &self.recordings
    }

    pub(super) fn write<T>(&self, write: Write, outcome: fn(Outcome) -> Option<T>) -> Written<T> {
        let refused = |error| Written {
            state: State::Refused(Some(error)),
            outcome,
        };
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.spool_max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            tracing::error!(kind = write.kind(), "too many writes wait; one is given up");
            return refused(StoreError::QueueFull);
        }
        let (done, receiver) = oneshot::channel();
        if self
            .queue
            .send(Message::Job(Box::new(Job { write, done })))
            .is_err()
        {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return refused(StoreError::Closed);
        }
        Written {
            state: State::Queued(receiver),
            outcome,
        }
    }

    pub(super) fn write_done(&self, write: Write) -> Written<()> {
        self.write(write, done)
    }

    /// A write that says whether there was what it is about.
    pub(super) fn write_found(&self, write: Write) -> Written<bool> {
        self.write(write, |outcome| match outcome {
            Outcome::Found(found) => Some(found),
            _ => None,
        })
    }

    /// Whether records can be written: false while the database is locked or the disk is full.
    pub fn writable(&self) -> watch::Receiver<bool> {
        self.writable.clone()
    }

    /// Writes that wait to be committed.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits until all that was queued is on disk, then closes the database. Returns how many writes were given up
    /// because the database could not be written within `patience`.
    pub async fn close(self, patience: Duration) -> usize {
        let (done, receiver) = oneshot::channel();
        let given_up = match self.queue.send(Message::Close { patience, done }) {
            Ok(()) => receiver.await.unwrap_or(0),
            Err(_) => 0,
        };
        self.readers.close().await;
        given_up
    }

    /// How often users and invitations have changed, by whichever process.
    pub async fn versions(&self) -> Result<Versions, StoreError> {
        read::versions(&self.readers).await
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        read::users(&self.readers, None).await
    }

    /// One user.
    pub async fn user(&self, user: &UserId) -> Result<Option<UserRow>, StoreError> {
        Ok(read::users(&self.readers, Some(user)).await?.pop())
    }

    /// Whoever has an extension.
    pub async fn holder(&self, extension: &Extension) -> Result<Option<UserId>, StoreError> {
        read::holder(&self.readers, extension).await
    }

    /// Whether anybody but this user is an administrator.
    pub async fn other_administrator(&self, user: &UserId) -> Result<bool, StoreError> {
        read::other_administrator(&self.readers, user).await
    }

    /// Adds a user; [`StoreError::UserExists`] or [`StoreError::ExtensionTaken`] where there is one already.
    pub fn add_user(&self, row: UserRow) -> Written<()> {
        self.write(Write::AddUser(Box::new(row)), done)
    }

    /// Replaces what is stored of an existing user.
    pub fn set_user(&self, row: UserRow) -> Written<()> {
        self.write(Write::SetUser(Box::new(row)), done)
    }

    /// Counts as a change to the users, for what a running gateway would not see else: a destination that was saved by
    /// another process.
    pub fn announce_users(&self) -> Written<()> {
        self.write(Write::AnnounceUsers, done)
    }

    /// Removes a user with all that belongs to it; telephones lose their owner, records stay.
    pub fn remove_user(&self, user: UserId) -> Written<()> {
        self.write(Write::RemoveUser(user), done)
    }

    /// Keeps an invitation until it expires; the user's others are void.
    pub fn create_invitation(&self, invitation: Invitation) -> Written<()> {
        self.write(Write::Invitation(invitation), done)
    }

    /// Invitations that have not expired; used ones among them, as the edge alone knows.
    pub async fn pending_invitations(&self, now: UnixMillis) -> Result<Vec<Invitation>, StoreError> {
        read::pending_invitations(&self.readers, now).await
    }

    /// Of any number of claims of one id, exactly one is [`Claim::New`]. Fails at once while the store is not writable.
    pub fn claim_command(
        &self,
        user: UserId,
        id: CommandId,
        digest: [u8; 32],
        now: UnixMillis,
    ) -> Written<Claim> {
        self.write(
            Write::Claim {
                user,
                id,
                digest,
                now,
            },
            |outcome| match outcome {
                Outcome::Claim(claim) => Some(claim),
                _ => None,
            },
        )
    }

    /// Keeps the reply to a claimed command.
    pub fn store_reply(&self, reply: Reply) -> Written<()> {
        self.write(Write::Reply(reply), done)
    }

    /// The mode of each user who ever left [`Mode::Office`].
    pub async fn modes(&self) -> Result<Vec<(UserId, Mode)>, StoreError> {
        read::modes(&self.readers).await
    }

    /// Keeps a user's mode.
    pub fn save_mode(&self, user: UserId, mode: Mode) -> Written<()> {
        self.write(Write::Mode(user, mode), done)
    }

    /// A user's saved destinations, oldest first.
    pub async fn destinations(&self, user: &UserId) -> Result<Vec<SavedDestination>, StoreError> {
        read::destinations(&self.readers, user).await
    }

    /// Adds a destination, or replaces the user's own one with the same id, verified or not as it says.
    pub fn save_destination(&self, user: UserId, destination: SavedDestination) -> Written<()> {
        self.write(Write::Destination(user, destination), done)
    }

    /// Whether there was such a destination.
    pub fn delete_destination(&self, user: UserId, destination: DestinationId) -> Written<bool> {
        self.write_found(Write::DeleteDestination(user, destination))
    }

    /// Keeps a call that is up, whole; without effect once its record is written.
    pub fn save_call(&self, call: CallUp) -> Written<()> {
        self.write(Write::Call(call), done)
    }

    /// Keeps a leg of a call that is up, whole, ended or not; without effect once the call's record is written.
    pub fn save_leg(&self, leg: LegUp) -> Written<()> {
        self.write(Write::Leg(leg), done)
    }

    /// Forgets the legs of a call that nobody's call came of: a refused INVITE, a telephone's log-on.
    pub fn forget_lone_legs(&self, call: CallId) -> Written<()> {
        self.write(Write::ForgetLoneLegs(call), done)
    }

    /// Legs that a crash has left, of calls that are not in [`Self::calls_up`].
    pub async fn lone_legs(&self) -> Result<Vec<LegUp>, StoreError> {
        read::lone_legs(&self.readers).await
    }

    /// Calls without a record, oldest first, each with its legs in order: what a crash has left.
    pub async fn calls_up(&self) -> Result<Vec<(CallUp, Vec<LegUp>)>, StoreError> {
        read::calls_up(&self.readers).await
    }

    /// Writes a call's record, and forgets it as a call that is up, in one step. A second record of the same call is
    /// without effect.
    pub fn insert_record(&self, record: CallRecord) -> Written<()> {
        self.write(Write::Record(Box::new(record)), done)
    }

    /// Keeps the other party's name, which was learnt after the call was over.
    pub fn name_record(&self, call: CallId, name: String) -> Written<()> {
        self.write(Write::NameRecord(call, name), done)
    }

    /// A page of a user's records, newest first. Records that started in the same millisecond are never parted, so a
    /// page may hold a few more than `limit`.
    pub async fn records(
        &self,
        user: &UserId,
        before: Option<UnixMillis>,
        limit: u16,
    ) -> Result<LogPage, StoreError> {
        read::records(&self.readers, user, before, limit).await
    }

    /// The record of one call.
    pub async fn record(&self, call: CallId) -> Result<Option<CallRecord>, StoreError> {
        read::record(&self.readers, call).await
    }

    /// Takes away records older than `record_days`, command ids older than a day, expired invitations, and messages whose
    /// time in the bin is over, with their recordings and those that belong to nobody.
    pub async fn prune(&self, now: UnixMillis, record_days: u32) -> Result<Pruned, StoreError> {
        let mut total = Pruned::default();
        loop {
            let pruned = self
                .write(Write::Prune { now, record_days }, |outcome| match outcome {
                    Outcome::Pruned(pruned) => Some(pruned),
                    _ => None,
                })
                .await?;
            total.records += pruned.records;
            total.commands += pruned.commands;
            total.invitations += pruned.invitations;
            total.messages += pruned.messages;
            let recordings = self.recordings.clone();
            let remove = move || recordings.remove_messages(&pruned.emptied);
            tokio::task::spawn_blocking(remove)
                .await
                .map_err(|_| StoreError::Closed)?;
            if !pruned.more {
                break;
            }
        }
        let old = SystemTime::now().checked_sub(ORPHAN_AGE);
        self.sweep_recordings(old.unwrap_or(SystemTime::UNIX_EPOCH))
            .await?;
        Ok(total)
    }

    /// A value kept under a name.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        read::meta(&self.readers, name).await
    }

    /// Keeps a value under a name.
    pub fn set_meta(&self, name: &str, value: &str) -> Written<()> {
        self.write(Write::Meta(name.to_owned(), value.to_owned()), done)
    }
}
