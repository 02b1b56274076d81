//! What waits to be sent: a file for each letter, so that a restart forgets none.

use crate::store::StoreError;
use ponte_protocol::{MessageId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How long a letter is tried.
const PATIENCE: Duration = Duration::from_hours(72);
/// The longest sleep where nothing waits.
const IDLE: Duration = Duration::from_hours(1);
const ENDING: &str = "json";

/// A letter that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub user: UserId,
    pub message: MessageId,
    pub attempts: u32,
    /// Seconds since 1970.
    since_s: u64,
}

impl Waiting {
    pub fn new(user: UserId, message: MessageId) -> Self {
        Self {
            user,
            message,
            attempts: 0,
            since_s: now_s(),
        }
    }
}

fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// How long after so many failures the next attempt comes.
fn pause_after(attempts: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    doubled.min(LONGEST_PAUSE)
}

/// All that wait.
pub(super) struct Queue {
    folder: PathBuf,
    /// When each is due; those that are being sent have none.
    due: HashMap<MessageId, (Instant, Waiting)>,
}

impl Queue {
    /// Reads what an earlier run has left; all of it is due now.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub async fn open(folder: PathBuf) -> Result<Self, StoreError> {
        let path = folder.clone();
        let read = tokio::task::spawn_blocking(move || read_folder(&path)).await;
        let found = read
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|source| StoreError::Folder {
                path: folder.clone(),
                source,
            })?;
        let now = Instant::now();
        let due = found
            .into_iter()
            .map(|waiting| (waiting.message, (now, waiting)))
            .collect();
        Ok(Self { folder, due })
    }

    /// How long nothing is due.
    pub fn pause(&self) -> Duration {
        let first = self.due.values().map(|(at, _)| *at).min();
        first.map_or(IDLE, |at| at.saturating_duration_since(Instant::now()))
    }

    /// The next that is due.
    pub fn take_due(&mut self) -> Option<Waiting> {
        let now = Instant::now();
        let (message, _) = self
            .due
            .iter()
            .filter(|(_, (at, _))| *at <= now)
            .min_by_key(|(_, (at, _))| *at)?;
        let message = *message;
        self.due.remove(&message).map(|(_, waiting)| waiting)
    }

    /// It is on the disk already.
    pub fn add(&mut self, waiting: Waiting) {
        self.due.insert(waiting.message, (Instant::now(), waiting));
    }

    /// It failed for now. Whether it is tried again.
    pub async fn later(&mut self, mut waiting: Waiting) -> bool {
        if now_s().saturating_sub(waiting.since_s) >= PATIENCE.as_secs() {
            return false;
        }
        waiting.attempts = waiting.attempts.saturating_add(1);
        keep(&self.folder, &waiting).await;
        let at = Instant::now() + pause_after(waiting.attempts);
        self.due.insert(waiting.message, (at, waiting));
        true
    }

    /// It is sent, or never will be.
    pub async fn done(&self, waiting: &Waiting) {
        match tokio::fs::remove_file(file(&self.folder, waiting.message)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(message = %waiting.message, %error, "a letter that was sent may be sent again");
            }
            _ => {}
        }
    }
}

fn file(folder: &Path, message: MessageId) -> PathBuf {
    folder.join(format!("{message}.{ENDING}"))
}

/// Writes a letter down; one that cannot be is tried all the same.
pub(super) async fn keep(folder: &Path, waiting: &Waiting) {
    let path = file(folder, waiting.message);
    let json = serde_json::to_vec(waiting).unwrap_or_default();
    let written = tokio::task::spawn_blocking(move || write(&path, &json)).await;
    if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
        tracing::warn!(message = %waiting.message, %error, "a restart would forget a letter that waits");
    }
}

/// The file is whole or not there.
fn write(path: &Path, json: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, json)?;
    std::fs::File::open(&part)?.sync_all()?;
    std::fs::rename(&part, path)
}

fn read_folder(folder: &Path) -> io::Result<Vec<Waiting>> {
    std::fs::create_dir_all(folder)?;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != ENDING) {
            continue;
        }
        let read = std::fs::read(&path).and_then(|json| Ok(serde_json::from_slice(&json)?));
        match read {
            Ok(waiting) => found.push(waiting),
            Err(error) => tracing::warn!(%error, "a letter that waits cannot be read"),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(n: u128) -> Waiting {
        Waiting::new("anna".parse().unwrap(), MessageId(uuid::Uuid::from_u128(n)))
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds: Vec<u64> = (1..=10).map(|n| pause_after(n).as_secs()).collect();
        assert_eq!(seconds, [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }

    #[tokio::test]
    async fn what_waits_survives_a_restart_until_it_is_done_or_three_days_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail");
        let mut queue = Queue::open(path.clone()).await.unwrap();
        assert!(queue.take_due().is_none() && queue.pause() > Duration::from_mins(1));
        for n in [1, 2] {
            keep(&path, &waiting(n)).await;
            queue.add(waiting(n));
        }
        let first = queue.take_due().unwrap();
        assert!(queue.later(first.clone()).await);
        let second = queue.take_due().unwrap();
        assert_ne!(first.message, second.message);
        queue.done(&second).await;
        assert!(queue.take_due().is_none(), "the first one pauses");
        assert!(queue.pause() <= FIRST_PAUSE);
        std::fs::write(path.join("broken.json"), "{").unwrap();

        let mut queue = Queue::open(path.clone()).await.unwrap();
        let again = queue.take_due().unwrap();
        assert_eq!((again.message, again.attempts), (first.message, 1));
        assert!(queue.take_due().is_none());
        let old = Waiting {
            since_s: now_s() - PATIENCE.as_secs(),
            ..again
        };
        assert!(!queue.later(old).await);
    }
}
