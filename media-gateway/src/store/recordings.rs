//! The files of voicemail: `messages/<uuid>.wav`, `greetings/<user>.wav`, `names/<user>.wav`, `previous/` for the greeting or
//! name before the present one, and `drafts/<uuid>.wav` for what a user records by telephone and has not kept yet, and for
//! what is on its way from a portal.
//!
//! What is being recorded has `.part` behind its name, and gets its own name when all of it is on disk: a file without
//! `.part` is whole.

use super::StoreError;
use ponte_call_core::OwnRecording;
use ponte_protocol::{CallId, MessageId, UserId};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

const MESSAGES: &str = "messages";
const GREETINGS: &str = "greetings";
const NAMES: &str = "names";
const DRAFTS: &str = "drafts";
pub(super) const PREVIOUS: &str = "previous";
const FOLDERS: [&str; 5] = [MESSAGES, GREETINGS, NAMES, DRAFTS, PREVIOUS];
/// How long the greeting or name before the present one can be brought back.
const PREVIOUS_KEPT: Duration = Duration::from_hours(24);
const PART: &str = "part";
const NOTE: &str = "note";

/// The name of a message's file, from the folder of the recordings.
pub(super) fn message_name(message: MessageId) -> String {
    format!("{MESSAGES}/{message}.wav")
}

fn own_name(user: &UserId, which: OwnRecording) -> String {
    let folder = match which {
        OwnRecording::Greeting => GREETINGS,
        OwnRecording::Name => NAMES,
    };
    format!("{folder}/{user}.wav")
}

/// Where recordings are.
#[derive(Clone, Debug)]
pub struct Recordings {
    pub(super) folder: PathBuf,
    /// One greeting or name is changed after the other: by telephone, by upload, by command.
    pub(super) changing: Arc<Mutex<()>>,
}

impl Recordings {
    pub(super) fn at(folder: PathBuf) -> Self {
        Self {
            folder,
            changing: Arc::default(),
        }
    }

    /// Makes the folders where they do not exist, for their owner only.
    pub(super) fn make(&self) -> Result<(), StoreError> {
        for part in FOLDERS {
            let path = self.folder.join(part);
            super::open::make_folder(&path).map_err(|source| StoreError::Recordings { path, source })?;
        }
        Ok(())
    }

    /// A message's recording.
    pub fn message(&self, message: MessageId) -> PathBuf {
        self.folder.join(message_name(message))
    }

    /// Where a message is recorded.
    pub fn message_part(&self, message: MessageId) -> PathBuf {
        part(&self.message(message))
    }

    /// What is known of a message while it is recorded.
    pub(super) fn note(&self, message: MessageId) -> PathBuf {
        self.folder.join(format!("{MESSAGES}/{message}.{NOTE}"))
    }

    /// Messages of which there is a note.
    pub(super) fn noted(&self) -> Vec<MessageId> {
        let Ok(entries) = std::fs::read_dir(self.folder.join(MESSAGES)) else {
            return Vec::new();
        };
        let noted = |name: String| {
            let id = name.strip_suffix(&format!(".{NOTE}"))?;
            id.parse().ok().map(MessageId)
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        names
            .filter_map(|name| name.into_string().ok().and_then(noted))
            .collect()
    }

    /// The message is where it belongs, or is none.
    pub fn forget_note(&self, message: MessageId) {
        if let Err(error) = remove(&self.note(message)) {
            tracing::warn!(%message, %error, "the note of a message could not be removed");
        }
    }

    /// Gives a message that was recorded its name, once all of it is on disk. It waits for the disk: not for the control
    /// task.
    pub fn keep_message(&self, message: MessageId) -> io::Result<()> {
        keep(&self.message(message))
    }

    /// Removes what was recorded of a message that is not kept.
    pub fn discard_message(&self, message: MessageId) -> io::Result<()> {
        remove(&self.message_part(message))
    }

    /// A user's own greeting or name; without a greeting a default one is spoken.
    pub fn own(&self, user: &UserId, which: OwnRecording) -> PathBuf {
        self.folder.join(own_name(user, which))
    }

    /// What comes into force with [`Self::keep_own`].
    pub fn own_part(&self, user: &UserId, which: OwnRecording) -> PathBuf {
        part(&self.own(user, which))
    }

    /// What is recorded in a call for [`Self::keep_draft`].
    pub fn draft(&self, call: CallId) -> PathBuf {
        self.folder.join(format!("{DRAFTS}/{call}.wav"))
    }

    /// The draft of a call becomes the user's own. As [`Self::keep_message`].
    pub fn keep_draft(&self, call: CallId, user: &UserId, which: OwnRecording) -> io::Result<()> {
        self.keep_own_from(&self.draft(call), user, which)
    }

    /// Removes the draft of a call, if there is one.
    pub fn remove_draft(&self, call: CallId) -> io::Result<()> {
        remove(&self.draft(call))
    }

    /// Names of files that were last written before `older_than`, from the folder.
    pub(super) fn candidates(&self, older_than: SystemTime) -> Vec<String> {
        let mut names = Vec::new();
        for part in FOLDERS {
            let Ok(entries) = std::fs::read_dir(self.folder.join(part)) else {
                continue;
            };
            let older_than = match SystemTime::now().checked_sub(PREVIOUS_KEPT) {
                Some(kept) if part == PREVIOUS => older_than.min(kept),
                _ => older_than,
            };
            for entry in entries.flatten() {
                let ours = entry.file_name().into_string().ok().filter(|name| is_ours(name));
                let modified = entry.metadata().and_then(|metadata| metadata.modified());
                if let (Some(name), Ok(modified)) = (ours, modified)
                    && modified < older_than
                {
                    names.push(format!("{part}/{name}"));
                }
            }
        }
        names
    }

    pub(super) fn remove_messages(&self, messages: &[MessageId]) {
        let names: Vec<String> = messages.iter().copied().map(message_name).collect();
        self.remove(&names);
    }

    /// Removes files by their names from the folder; how many could be.
    pub(super) fn remove(&self, names: &[String]) -> u64 {
        let mut removed = 0;
        for name in names {
            match remove(&self.folder.join(name)) {
                Ok(()) => removed += 1,
                Err(error) => tracing::warn!(%error, "a recording could not be removed"),
            }
        }
        removed
    }
}

/// Files of another kind that somebody put there are left alone.
fn is_ours(name: &str) -> bool {
    let whole = name.strip_suffix(&format!(".{PART}")).unwrap_or(name);
    Path::new(whole)
        .extension()
        .is_some_and(|extension| extension == "wav")
}

pub(super) fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(PART);
    name.into()
}

pub(super) fn keep(path: &Path) -> io::Result<()> {
    let part = part(path);
    File::open(&part)?.sync_all()?;
    std::fs::rename(&part, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
