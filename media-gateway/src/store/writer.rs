//! The one task that writes.
//!
//! It takes all that is queued, up to [`BATCH_MAX`], into one transaction. When that fails because the database cannot
//! be written, what must not be lost stays in front of the queue and is tried again with growing pauses; everything
//! else is refused at once, so that a caller can say so to a person.

use super::StoreError;
use super::write::{Outcome, Write};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{io, thread};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// The most writes in one transaction.
const BATCH_MAX: usize = 512;
/// How long writes that nobody waits for may wait for others, so that fewer transactions wait for the disk, and one that
/// somebody waits for finds none before it.
const LINGER: Duration = Duration::from_millis(10);
/// How long a write that has to survive a power cut and that nobody waits for may be with the system alone.
const FLUSH_WITHIN: Duration = Duration::from_millis(50);
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// A queued write and who waits for it.
pub(super) struct Job {
    pub(super) write: Write,
    pub(super) done: oneshot::Sender<Result<Outcome, StoreError>>,
}

pub(super) enum Message {
    Job(Box<Job>),
    /// Nothing comes after this. The answer is how many writes were given up.
    Close {
        patience: Duration,
        done: oneshot::Sender<usize>,
    },
}

pub(super) struct Writer {
    pub(super) options: SqliteConnectOptions,
    /// Opened anew after each failure: a half-broken transaction cannot leak into the next.
    pub(super) connection: Option<SqliteConnection>,
    /// Whether a commit on that connection waits for the disk.
    pub(super) flushes: bool,
    /// By when what was committed without waiting has to be on the disk.
    pub(super) flush_by: Option<Instant>,
    pub(super) inbox: mpsc::UnboundedReceiver<Message>,
    pub(super) waiting: Arc<AtomicUsize>,
    pub(super) writable: watch::Sender<bool>,
    pub(super) backlog: VecDeque<Job>,
    pub(super) closing: Option<(Instant, oneshot::Sender<usize>)>,
    /// Another gateway may have the folder only when the last write of this one is done.
    pub(super) lock: Option<File>,
}

/// Why a batch was not committed.
enum BatchError {
    /// The database cannot be written now.
    Unavailable(String),
    /// One of the writes is to blame.
    Refused,
}

impl Writer {
    /// Starts it on a thread of its own. Each statement is a word there and back between this task and the connection's
    /// thread; on a runtime that also waits for sockets, each word costs three times as much.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub(super) fn start(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        thread::Builder::new()
            .name("ponte-store".to_owned())
            .spawn(move || runtime.block_on(self.run()))?;
        Ok(())
    }

    /// Runs until the store is closed or its last handle is gone.
    async fn run(mut self) {
        let mut backoff = BACKOFF_MIN;
        loop {
            self.take_queued();
            if self.flush_by.is_some_and(|at| at <= Instant::now()) {
                self.flush();
            }
            if self.backlog.is_empty() {
                if self.closing.is_some() || !self.wait_for_work().await {
                    break;
                }
                continue;
            }
            self.linger().await;
            match self.write_batch().await {
                Ok(()) => {
                    backoff = BACKOFF_MIN;
                    self.tell_writable(true);
                }
                Err(reason) => {
                    tracing::error!(
                        reason,
                        "the store cannot be written; new calls are refused until it can"
                    );
                    self.tell_writable(false);
                    if !self.recover(&reason, &mut backoff).await {
                        break;
                    }
                    tracing::info!("the store can be written again");
                    self.tell_writable(true);
                    backoff = BACKOFF_MIN;
                }
            }
        }
        if self.flush_by.is_some() {
            self.flush();
        }
        let given_up = self.backlog.len();
        for job in self.backlog.drain(..) {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            let _ = job.done.send(Err(StoreError::Closed));
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database did not close cleanly");
        }
        drop(self.lock.take());
        if let Some((_, done)) = self.closing.take() {
            let _ = done.send(given_up);
        }
    }

    fn tell_writable(&self, writable: bool) {
        metrics::gauge!("ponte_store_waiting").set(self.waiting.load(Ordering::Relaxed) as f64);
        metrics::gauge!("ponte_store_writable").set(if writable { 1.0 } else { 0.0 });
        self.writable
            .send_if_modified(|told| std::mem::replace(told, writable) != writable);
    }

    /// Waits for one message, or until it is time to flush; false when no more can come.
    async fn wait_for_work(&mut self) -> bool {
        let message = match self.flush_by {
            Some(at) => match tokio::time::timeout_at(at, self.inbox.recv()).await {
                Ok(message) => message,
                Err(_) => return true,
            },
            None => self.inbox.recv().await,
        };
        let Some(message) = message else { return false };
        self.accept(message);
        true
    }

    /// Brings to the disk what the system has. The log of a checkpoint that came between is empty, for that flushes too.
    fn flush(&mut self) {
        let begun = Instant::now();
        let mut log = self.options.get_filename().as_os_str().to_owned();
        log.push("-wal");
        match File::open(&log).and_then(|log| log.sync_data()) {
            Ok(()) => {
                self.flush_by = None;
                metrics::histogram!("ponte_store_flush_seconds").record(begun.elapsed().as_secs_f64());
            }
            Err(error) => {
                tracing::error!(%error, "the store could not be flushed to the disk");
                self.flush_by = Some(Instant::now() + BACKOFF_MAX);
            }
        }
    }

    fn accept(&mut self, message: Message) {
        match message {
            Message::Job(job) => self.backlog.push_back(*job),
            Message::Close { patience, done } => {
                self.closing = Some((Instant::now() + patience, done));
                self.inbox.close();
            }
        }
    }

    fn take_queued(&mut self) {
        while self.backlog.len() < BATCH_MAX {
            match self.inbox.try_recv() {
                Ok(message) => self.accept(message),
                Err(_) => return,
            }
        }
    }

    /// Waits for company until somebody waits for a write.
    async fn linger(&mut self) {
        let until = Instant::now() + LINGER;
        let mut seen = 0;
        while self.closing.is_none() && self.backlog.len() < BATCH_MAX {
            if self.backlog.iter().skip(seen).any(|job| !job.done.is_closed()) {
                return;
            }
            seen = self.backlog.len();
            match tokio::time::timeout_at(until, self.inbox.recv()).await {
                Ok(Some(message)) => self.accept(message),
                Ok(None) | Err(_) => return,
            }
            self.take_queued();
        }
    }

    /// Commits the front of the backlog. On an error all of it is still there.
    async fn write_batch(&mut self) -> Result<(), String> {
        let batch = self.backlog.len().min(BATCH_MAX);
        match self.commit(batch).await {
            Ok(outcomes) => {
                self.deliver(outcomes);
                Ok(())
            }
            Err(BatchError::Unavailable(reason)) => Err(reason),
            Err(BatchError::Refused) => {
                for _ in 0..batch {
                    match self.commit(1).await {
                        Ok(outcomes) => self.deliver(outcomes),
                        Err(BatchError::Unavailable(reason)) => return Err(reason),
                        Err(BatchError::Refused) => self.refuse_first(),
                    }
                }
                Ok(())
            }
        }
    }

    fn deliver(&mut self, outcomes: Vec<Result<Outcome, StoreError>>) {
        for outcome in outcomes {
            let Some(job) = self.backlog.pop_front() else {
                return;
            };
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            // Whoever queued it may have gone on; what concerns them alone is then nobody's.
            let _ = job.done.send(outcome);
        }
    }

    /// Gives up a write that the database refuses for its content.
    fn refuse_first(&mut self) {
        if let Some(job) = self.backlog.pop_front() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            tracing::error!(kind = job.write.kind(), "the database refused a write");
            let _ = job.done.send(Err(StoreError::Refused {
                write: job.write.kind(),
            }));
        }
    }

    async fn commit(&mut self, count: usize) -> Result<Vec<Result<Outcome, StoreError>>, BatchError> {
        let begun = Instant::now();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match self.options.connect().await {
                Ok(connection) => {
                    self.flushes = true;
                    connection
                }
                Err(error) => return Err(BatchError::Unavailable(error.to_string())),
            },
        };
        let lasting = |job: &Job| job.write.survives_power_cut();
        let batch = || self.backlog.iter().take(count);
        let flush = batch().any(|job| lasting(job) && !job.done.is_closed());
        let owed = !flush && batch().any(lasting);
        let tried = async {
            if self.flushes != flush {
                set_flush(&mut connection, flush).await?;
                self.flushes = flush;
            }
            commit_on(&mut connection, &self.backlog, count).await
        };
        match tried.await {
            Ok(outcomes) => {
                self.connection = Some(connection);
                if flush {
                    self.flush_by = None;
                } else if owed {
                    self.flush_by.get_or_insert(Instant::now() + FLUSH_WITHIN);
                }
                metrics::histogram!("ponte_store_commit_seconds").record(begun.elapsed().as_secs_f64());
                metrics::counter!("ponte_store_writes_total").increment(count as u64);
                Ok(outcomes)
            }
            Err(error) => {
                // Dropped, not closed: closing would checkpoint, and on a full disk fail again.
                drop(connection);
                Err(if is_unavailable(&error) {
                    BatchError::Unavailable(error.to_string())
                } else {
                    tracing::debug!(%error, "a batch was refused");
                    BatchError::Refused
                })
            }
        }
    }

    /// Tries again with growing pauses until the database can be written. False when the store was closed and its
    /// patience is over.
    async fn recover(&mut self, reason: &str, backoff: &mut Duration) -> bool {
        let mut reason = reason.to_owned();
        loop {
            self.refuse_unspooled(&reason);
            let retry_at = Instant::now() + *backoff;
            *backoff = (*backoff * 2).min(BACKOFF_MAX);
            if !self.pause_until(retry_at, &reason).await {
                return false;
            }
            let tried = match self.probe().await {
                Ok(()) if self.backlog.is_empty() => Ok(()),
                Ok(()) => self.write_batch().await,
                Err(error) => Err(error.to_string()),
            };
            match tried {
                Ok(()) => return true,
                Err(again) => reason = again,
            }
        }
    }

    fn refuse_unspooled(&mut self, reason: &str) {
        let mut kept = VecDeque::with_capacity(self.backlog.len());
        for job in self.backlog.drain(..) {
            if job.write.is_spooled() {
                kept.push_back(job);
            } else {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                let _ = job.done.send(Err(StoreError::Unavailable {
                    reason: reason.to_owned(),
                }));
            }
        }
        self.backlog = kept;
    }

    /// Refuses or spools what comes meanwhile. False when the store was closed and its patience is over.
    async fn pause_until(&mut self, until: Instant, reason: &str) -> bool {
        loop {
            if let Some((deadline, _)) = &self.closing {
                let deadline = *deadline;
                if Instant::now() >= deadline {
                    return false;
                }
                tokio::time::sleep_until(until.min(deadline)).await;
                return true;
            }
            match tokio::time::timeout_at(until, self.inbox.recv()).await {
                Ok(Some(message)) => {
                    self.accept(message);
                    self.refuse_unspooled(reason);
                }
                Ok(None) => {
                    // The last handle is gone without `close`: one more try, then nobody is left to wait for.
                    let (nobody, _) = oneshot::channel();
                    self.closing = Some((until + BACKOFF_MAX, nobody));
                }
                Err(_) => return true,
            }
        }
    }

    /// Finds out whether there is room: on a full disk a change in place may succeed where a new row does not.
    async fn probe(&mut self) -> Result<(), sqlx::Error> {
        let mut connection = self.options.connect().await?;
        for statement in [
            "INSERT INTO probe (filler) VALUES (zeroblob(65536))",
            "DELETE FROM probe",
        ] {
            sqlx::query(statement).execute(&mut connection).await?;
        }
        self.flushes = true;
        self.connection = Some(connection);
        Ok(())
    }
}

/// Whether a commit waits until it is on the disk. Without, it is as safe from the end of this process, for the system has
/// it, and the next one that does wait takes it along.
async fn set_flush(connection: &mut SqliteConnection, flush: bool) -> Result<(), sqlx::Error> {
    // Not prepared: SQLite carries this out when it reads it, so a kept statement does nothing.
    let pragma = if flush {
        "PRAGMA synchronous = FULL"
    } else {
        "PRAGMA synchronous = NORMAL"
    };
    sqlx::raw_sql(pragma).execute(connection).await?;
    Ok(())
}

async fn commit_on(
    connection: &mut SqliteConnection,
    backlog: &VecDeque<Job>,
    count: usize,
) -> Result<Vec<Result<Outcome, StoreError>>, sqlx::Error> {
    let needless = superseded(backlog, count);
    let mut outcomes = Vec::with_capacity(count);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for (position, job) in backlog.iter().take(count).enumerate() {
        outcomes.push(if needless.contains(&position) {
            Ok(Outcome::Done)
        } else {
            job.write.apply(&mut transaction).await?
        });
    }
    transaction.commit().await?;
    Ok(outcomes)
}

/// Places of writes that a later one of the same batch writes again as a whole.
fn superseded(backlog: &VecDeque<Job>, count: usize) -> HashSet<usize> {
    let mut later = HashSet::new();
    let mut needless = HashSet::new();
    for position in (0..count.min(backlog.len())).rev() {
        if let Some(subject) = backlog[position].write.subject()
            && !later.insert(subject)
        {
            needless.insert(position);
        }
    }
    needless
}

/// Whether the database as a whole cannot be written, and not just this write.
pub(super) fn is_unavailable(error: &sqlx::Error) -> bool {
    const PRIMARY: [i32; 9] = [
        5,  // SQLITE_BUSY
        6,  // SQLITE_LOCKED
        7,  // SQLITE_NOMEM
        8,  // SQLITE_READONLY
        10, // SQLITE_IOERR
        11, // SQLITE_CORRUPT
        13, // SQLITE_FULL
        14, // SQLITE_CANTOPEN
        26, // SQLITE_NOTADB
    ];
    match error {
        sqlx::Error::Database(error) => error
            .code()
            .and_then(|code| code.parse::<i32>().ok())
            .is_some_and(|code| PRIMARY.contains(&(code & 0xff))),
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::set_flush;
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Connection};

    #[tokio::test]
    async fn a_commit_waits_for_the_disk_when_it_is_told_to_each_time() {
        let mut connection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        for flush in [false, true, false, true] {
            set_flush(&mut connection, flush).await.unwrap();
            let level: i64 = sqlx::query_scalar("PRAGMA synchronous")
                .persistent(false)
                .fetch_one(&mut connection)
                .await
                .unwrap();
            assert_eq!(level == 2, flush);
        }
        connection.close().await.unwrap();
    }
}
