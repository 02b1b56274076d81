//! Messages that were being left when the gateway crashed.
//!
//! While a message is recorded, a note beside its file tells whose it is. What has a note at the next start is a message
//! that the database does not know yet: its file is mended, and it is listed with its true length. The note stays until the
//! message was handed to the post as well.

use super::{Recordings, Store, StoreError};
use ponte_protocol::{CallId, MessageId, Pii, UnixMillis, UserId, VoiceMessage};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::time::Duration;

/// A shorter one is no message.
const SHORTEST: Duration = Duration::from_secs(1);

/// What is known of a message before it is over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageNote {
    /// Whose box it is for.
    pub user: UserId,
    /// The caller's number; empty where it was withheld.
    pub number: String,
    pub name: Option<String>,
    pub received_at: UnixMillis,
    /// The call that is recorded; `None` for a message.
    #[serde(default)]
    pub call: Option<CallId>,
}

/// A message or a recording that a crash had cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescued {
    pub user: UserId,
    pub message: MessageId,
    /// Of a call; nobody left it for the user.
    pub is_recording: bool,
}

impl fmt::Debug for MessageNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageNote")
            .field("user", &self.user)
            .field("number", &Pii(&self.number))
            .finish_non_exhaustive()
    }
}

impl Recordings {
    /// Notes whose message is being recorded. It waits for the disk: not for the control task.
    pub fn note_message(&self, message: MessageId, note: &MessageNote) -> io::Result<()> {
        let json = serde_json::to_vec(note)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(self.note(message))?;
        file.write_all(&json)?;
        file.sync_all()
    }

    /// The message of a note, once its file is whole; `None` where there is none.
    fn rescue(&self, id: MessageId) -> io::Result<Option<(UserId, VoiceMessage)>> {
        let note: MessageNote = serde_json::from_slice(&std::fs::read(self.note(id))?)?;
        let recording = match ponte_media::rescue(&self.message(id)) {
            Ok(recording) => recording,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if recording.duration < SHORTEST {
            return Ok(None);
        }
        let message = VoiceMessage {
            id,
            number: note.number,
            name: note.name,
            received_at: note.received_at,
            duration_ms: recording.duration.as_millis() as u64,
            heard: note.call.is_some(),
            deleted_until: None,
            waveform: recording.waveform,
            call: note.call,
        };
        Ok(Some((note.user, message)))
    }
}

impl Store {
    /// What was rescued at the start, while its notes are there: [`Recordings::forget_note`].
    pub async fn rescued(&self) -> Result<Vec<Rescued>, StoreError> {
        let mut rescued = Vec::new();
        for id in self.recordings().noted() {
            let note = std::fs::read(self.recordings().note(id)).ok();
            let note = note.and_then(|note| serde_json::from_slice::<MessageNote>(&note).ok());
            if let Some(MessageNote { user, call, .. }) = note
                && self.message(&user, id).await?.is_some()
            {
                rescued.push(Rescued {
                    user,
                    message: id,
                    is_recording: call.is_some(),
                });
            }
        }
        Ok(rescued)
    }

    /// Lists what a crash has cut. What cannot be read is left for the next start; the sweep takes only what has no note.
    pub(super) async fn rescue_messages(&self) -> Result<(), StoreError> {
        for id in self.recordings().noted() {
            let recordings = self.recordings().clone();
            let rescued = tokio::task::spawn_blocking(move || recordings.rescue(id)).await;
            let rescued = rescued.map_err(|_| StoreError::Closed)?;
            match rescued {
                Ok(Some((user, message))) => {
                    let duration_ms = message.duration_ms;
                    match self.insert_message(user.clone(), message).await {
                        Ok(()) => {
                            tracing::warn!(message = %id, %user, duration_ms, "a message that a crash had cut was rescued");
                            continue;
                        }
                        Err(StoreError::UnknownUser(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::InvalidData => {}
                Err(error) => {
                    tracing::error!(message = %id, %error, "a message that a crash has cut cannot be rescued now");
                    continue;
                }
            }
            self.recordings().forget_note(id);
        }
        Ok(())
    }
}
