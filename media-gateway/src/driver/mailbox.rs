//! A user's voicemail box in the portals: what is in it, what is done to it, its sound.

use super::Driver;
use super::own_sounds::which;
use super::work::Done;
use crate::link::{LinkHandle, ToLink};
use crate::store::{Store, StoreError, Written};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ponte_protocol::link::AUDIO_PART_MAX;
use ponte_protocol::{
    AudioPart, CommandId, EventBody, Mailbox, MessageId, Outcome, OwnSound, Refusal, Reply, UnixMillis,
    UserId,
};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Pieces of recordings that are read at once; the others wait.
const READS_MAX: usize = 8;

/// The sound that a portal wants to hear.
#[derive(Clone, Copy)]
pub(super) struct Sound {
    pub message: MessageId,
    /// In the place of a message.
    pub own: Option<OwnSound>,
}

/// What bounds the reading of recordings.
pub(super) fn reads() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(READS_MAX))
}

impl Driver {
    /// Asks the store for a user's mailbox anew.
    pub(super) fn reload_mailbox(&mut self, user: &UserId) {
        let (store, user) = (self.store.clone(), user.clone());
        let quota_s = self.config.voicemail.quota_s;
        self.work.push(async move {
            let mailbox = store.mailbox(&user, quota_s).await;
            Done::Mailbox { user, mailbox }
        });
    }

    pub(super) fn mailbox_loaded(&mut self, user: &UserId, mailbox: Result<Mailbox, StoreError>) {
        let mailbox = match mailbox {
            Ok(mailbox) => mailbox,
            Err(error) => {
                tracing::error!(%user, %error, "a mailbox could not be read");
                return;
            }
        };
        let Some(entry) = self.users.get_mut(user) else {
            return;
        };
        if entry.mailbox != mailbox {
            entry.mailbox = mailbox.clone();
            self.send_event(user.clone(), EventBody::MailboxChanged { mailbox });
            self.show_boxes_of(user);
        }
    }

    /// Something is done to a message; the answer follows when the store has it.
    pub(super) fn change_message(&mut self, user: &UserId, id: CommandId, written: Written<bool>) {
        let user = user.clone();
        self.work.push(async move {
            Done::MessageChanged {
                user,
                id,
                found: written.await,
            }
        });
    }

    pub(super) fn message_changed(&mut self, user: &UserId, id: CommandId, found: Result<bool, StoreError>) {
        let outcome = match found {
            Ok(true) => {
                self.reload_mailbox(user);
                Outcome::Accepted { call: None }
            }
            Ok(false) => refused(Refusal::UnknownMessage),
            Err(error) => {
                tracing::error!(%user, %error, "a message could not be changed");
                refused(Refusal::StoreUnavailable)
            }
        };
        self.answer(user, Reply { id, outcome });
    }

    pub(super) fn fetch_messages(&self, user: UserId, id: CommandId, before: Option<UnixMillis>, limit: u16) {
        let (store, link) = (self.store.clone(), self.link.clone());
        tokio::spawn(async move {
            let outcome = match store.messages(&user, before, limit).await {
                Ok(page) => Outcome::Messages(page),
                Err(error) => {
                    tracing::error!(%error, "messages could not be read");
                    refused(Refusal::StoreUnavailable)
                }
            };
            if let Some(link) = link {
                link.send(ToLink::Reply {
                    user,
                    reply: Reply { id, outcome },
                });
            }
        });
    }

    /// A piece of what is the user's own; of another's there is none.
    pub(super) fn fetch_audio(&self, request: Uuid, user: UserId, sound: Sound, offset: u64, length: u32) {
        let Some(link) = self.link.clone() else { return };
        let (store, reads) = (self.store.clone(), Arc::clone(&self.audio_reads));
        tokio::spawn(async move {
            // It is never closed.
            let _permit = reads.acquire_owned().await;
            let part = audio_part(&store, &user, sound, offset, length).await;
            send_audio(&link, request, part);
        });
    }
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal }
}

fn send_audio(link: &LinkHandle, request: Uuid, part: AudioPart) {
    link.send(ToLink::Audio { request, part });
}

async fn audio_part(store: &Store, user: &UserId, sound: Sound, offset: u64, length: u32) -> AudioPart {
    let message = sound.message;
    let path = if let Some(own) = sound.own {
        match which(own) {
            Some(which) => store.recordings().own(user, which),
            None => return AudioPart::NotFound,
        }
    } else {
        match store.message(user, message).await {
            Ok(Some(_)) => store.recordings().message(message),
            Ok(None) => return AudioPart::NotFound,
            Err(error) => {
                tracing::error!(%error, "a message could not be looked up");
                return AudioPart::Unavailable;
            }
        }
    };
    let read = tokio::task::spawn_blocking(move || read_part(&path, offset, length)).await;
    match read {
        Ok(Ok((total, bytes))) => AudioPart::Bytes {
            total,
            offset,
            base64: STANDARD.encode(bytes),
        },
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => AudioPart::NotFound,
        Ok(Err(error)) => {
            tracing::error!(%message, %error, "a recording could not be read");
            AudioPart::Unavailable
        }
        Err(error) => {
            tracing::error!(%message, %error, "a recording could not be read");
            AudioPart::Unavailable
        }
    }
}

/// The file's length, and at most `length` bytes of it from `offset` on; none beyond its end.
fn read_part(path: &Path, offset: u64, length: u32) -> io::Result<(u64, Vec<u8>)> {
    let mut file = std::fs::File::open(path)?;
    let total = file.metadata()?.len();
    let mut bytes = Vec::new();
    if offset < total {
        file.seek(SeekFrom::Start(offset))?;
        file.take(u64::from(length.min(AUDIO_PART_MAX)))
            .read_to_end(&mut bytes)?;
    }
    Ok((total, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_never_leaves_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("message.wav");
        std::fs::write(&path, (0..=255).collect::<Vec<u8>>()).unwrap();
        assert_eq!(read_part(&path, 0, 4).unwrap(), (256, vec![0, 1, 2, 3]));
        assert_eq!(read_part(&path, 254, 100).unwrap(), (256, vec![254, 255]));
        assert_eq!(read_part(&path, 256, 1).unwrap(), (256, vec![]));
        assert_eq!(read_part(&path, u64::MAX, 1).unwrap(), (256, vec![]));
        let missing = read_part(&folder.path().join("other.wav"), 0, 1);
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
