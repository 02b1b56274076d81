//! A user's own greeting and name: kept, replaced, removed, brought back, uploaded.
//!
//! Each change puts the file that was there before into `previous/`, from which it can be brought back. A caller hears one
//! or the other, never half a file.

use super::Recordings;
use super::recordings::{PREVIOUS, keep, part, remove};
use ponte_call_core::OwnRecording;
use ponte_media::{ConvertError, convert};
use ponte_protocol::{OwnSoundState, UnixMillis, UserId};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// A shorter greeting or name is none.
pub const SHORTEST_OWN: Duration = Duration::from_millis(300);

/// Why an upload did not become a greeting.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error(transparent)]
    Sound(#[from] ConvertError),
    #[error("there is hardly any sound")]
    TooShort,
}

impl From<io::Error> for UploadError {
    fn from(error: io::Error) -> Self {
        Self::Sound(error.into())
    }
}

// All of it waits for the disk: not for the control task.
impl Recordings {
    /// Puts one that is whole at [`Self::own_part`] in the place of the one before.
    pub fn keep_own(&self, user: &UserId, which: OwnRecording) -> io::Result<()> {
        let _alone = self.alone();
        self.put_own(user, which)
    }

    /// Puts a file that is whole, and is moved, in the place of the one before.
    pub(super) fn keep_own_from(&self, made: &Path, user: &UserId, which: OwnRecording) -> io::Result<()> {
        let _alone = self.alone();
        std::fs::rename(made, self.own_part(user, which))?;
        self.put_own(user, which)
    }

    /// Nothing else is done to anybody's while it is held.
    fn alone(&self) -> MutexGuard<'_, ()> {
        // What somebody left half done who panicked is in files of its own.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_own(&self, user: &UserId, which: OwnRecording) -> io::Result<()> {
        let own = self.own(user, which);
        let previous = self.previous(user, which);
        match second_name(&own, &previous).and_then(|()| touch(&previous)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%user, %error, "the greeting before cannot be brought back");
            }
            _ => {}
        }
        keep(&own)
    }

    /// Removes one. Whether there was one.
    pub fn remove_own(&self, user: &UserId, which: OwnRecording) -> io::Result<bool> {
        let _alone = self.alone();
        let previous = self.previous(user, which);
        match std::fs::rename(self.own(user, which), &previous) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            renamed => renamed.and_then(|()| touch(&previous)).map(|()| true),
        }
    }

    /// Brings back the one before, in exchange for the present one. Whether there was one.
    pub fn restore_own(&self, user: &UserId, which: OwnRecording) -> io::Result<bool> {
        let _alone = self.alone();
        let (own, previous) = (self.own(user, which), self.previous(user, which));
        if !previous.exists() {
            return Ok(false);
        }
        let aside = part(&previous);
        let exchanged = match second_name(&own, &aside) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        std::fs::rename(&previous, &own)?;
        // What it is known by is when it came into force.
        touch(&own)?;
        if exchanged {
            std::fs::rename(&aside, &previous)?;
        }
        Ok(true)
    }

    /// What there is of a user's own.
    pub fn own_state(&self, user: &UserId, which: OwnRecording) -> OwnSoundState {
        let path = self.own(user, which);
        let Some(duration) = ponte_media::duration(&path) else {
            return OwnSoundState::default();
        };
        let modified = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
        let since = modified
            .ok()
            .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        OwnSoundState {
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            changed_at: UnixMillis(since.map_or(0, |since| since.as_millis() as u64)),
        }
    }

    /// Takes a piece of an upload. `false` where it does not follow on what came before.
    pub fn receive_upload(&self, upload: Uuid, offset: u64, bytes: &[u8]) -> io::Result<bool> {
        let mut options = OpenOptions::new();
        if offset == 0 {
            options.write(true).create(true).truncate(true);
        } else {
            options.append(true);
        }
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = match options.open(self.upload(upload)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            opened => opened?,
        };
        if file.metadata()?.len() != offset {
            return Ok(false);
        }
        file.write_all(bytes)?;
        Ok(true)
    }

    /// Makes an upload that is whole the user's own, at most `longest` long.
    ///
    /// # Errors
    /// [`UploadError`] says why the one before is still in force.
    pub fn keep_upload(
        &self,
        upload: Uuid,
        user: &UserId,
        which: OwnRecording,
        longest: Duration,
    ) -> Result<(), UploadError> {
        let made = part(&self.upload(upload));
        let kept = match convert(&self.upload(upload), &made, longest) {
            Ok(duration) if duration < SHORTEST_OWN => Err(UploadError::TooShort),
            Ok(_) => self.keep_own_from(&made, user, which).map_err(UploadError::from),
            Err(error) => Err(error.into()),
        };
        if kept.is_err() {
            drop(remove(&made));
        }
        kept
    }

    /// An upload is over or given up.
    pub fn drop_upload(&self, upload: Uuid) {
        if let Err(error) = remove(&self.upload(upload)) {
            tracing::warn!(%upload, %error, "an upload could not be removed");
        }
    }

    fn upload(&self, upload: Uuid) -> PathBuf {
        self.folder.join(format!("drafts/{upload}.wav"))
    }

    fn previous(&self, user: &UserId, which: OwnRecording) -> PathBuf {
        let which = match which {
            OwnRecording::Greeting => "greeting",
            OwnRecording::Name => "name",
        };
        self.folder.join(format!("{PREVIOUS}/{which}-{user}.wav"))
    }
}

/// The file gets another name beside its own; a copy where the file system knows no second name.
fn second_name(of: &Path, name: &Path) -> io::Result<()> {
    let new = part(name);
    remove(&new)?;
    match std::fs::hard_link(of, &new) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(error),
        Err(_) => drop(std::fs::copy(of, &new)?),
        Ok(()) => {}
    }
    std::fs::rename(&new, name)
}

/// The file is as of now.
fn touch(path: &Path) -> io::Result<()> {
    let file = File::options().append(true).open(path)?;
    file.set_modified(SystemTime::now())
}
