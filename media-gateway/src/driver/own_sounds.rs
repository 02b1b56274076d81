//! A user's greeting and name by the portal: uploaded a piece at a time, removed, brought back.

use super::Driver;
use super::visits::on_disk;
use super::work::Done;
use crate::link::ToLink;
use crate::store::{Recordings, StoreError, UploadError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ponte_call_core::OwnRecording;
use ponte_media::ConvertError;
use ponte_protocol::upload::{OWN_SOUND_MAX_MS, UPLOAD_MAX, UPLOAD_PIECE_MAX};
use ponte_protocol::{CommandId, OwnSound, Taken, UploadPiece, UserId};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Uploads that have begun: one of each kind a user, so that what is given up takes no room for long.
pub(super) type Uploads = HashMap<(UserId, OwnSound), Uuid>;

/// What became of a piece.
pub(super) struct SoundTaken {
    user: UserId,
    upload: Uuid,
    /// Of the piece.
    offset: u64,
    taken: Taken,
}

/// The switch's word for it.
pub(super) fn which(sound: OwnSound) -> Option<OwnRecording> {
    match sound {
        OwnSound::Greeting => Some(OwnRecording::Greeting),
        OwnSound::Name => Some(OwnRecording::Name),
        OwnSound::Unknown => None,
    }
}

impl Driver {
    /// A piece of a file came over the link.
    pub(super) fn put_audio(&mut self, piece: UploadPiece) {
        let (upload, offset, user) = (piece.upload, piece.offset, piece.user.clone());
        let taken = move |taken| SoundTaken {
            user,
            upload,
            offset,
            taken,
        };
        let allowed = self
            .users
            .get(&piece.user)
            .is_some_and(|entry| entry.row.voicemail_allowed);
        let Some(which) = which(piece.sound).filter(|_| allowed) else {
            return self.sound_taken(taken(Taken::NotPermitted));
        };
        let key = (piece.user.clone(), piece.sound);
        let before = self.uploads.get(&key).copied();
        if offset > 0 && before != Some(upload) {
            return self.sound_taken(taken(Taken::OutOfOrder));
        }
        let given_up = before.filter(|before| *before != upload);
        if piece.last {
            self.uploads.remove(&key);
        } else {
            self.uploads.insert(key, upload);
        }
        let recordings = self.store.recordings().clone();
        let reads = Arc::clone(&self.audio_reads);
        self.work.push(async move {
            // It is never closed.
            let _permit = reads.acquire_owned().await;
            let done = on_disk(move || {
                if let Some(given_up) = given_up {
                    recordings.drop_upload(given_up);
                }
                Ok(receive(&recordings, &piece, which))
            });
            Done::SoundTaken(taken(done.await.unwrap_or(Taken::Unavailable)))
        });
    }

    /// A piece was taken or not; the portals are told what callers hear from here on.
    pub(super) fn sound_taken(&mut self, done: SoundTaken) {
        let SoundTaken {
            user,
            upload,
            offset,
            taken,
        } = done;
        if !matches!(taken, Taken::More | Taken::Kept) {
            tracing::info!(%user, ?taken, "a greeting from a portal was not taken");
        }
        if let Some(link) = &self.link {
            link.send(ToLink::AudioTaken {
                upload,
                offset,
                taken,
            });
        }
        if taken == Taken::Kept {
            self.reload_mailbox(&user);
        }
    }

    /// Something is done to a greeting or a name; the answer follows when it is done.
    pub(super) fn change_own_sound(
        &mut self,
        user: &UserId,
        id: CommandId,
        sound: OwnSound,
        change: fn(&Recordings, &UserId, OwnRecording) -> io::Result<bool>,
    ) {
        let recordings = self.store.recordings().clone();
        let (user, of) = (user.clone(), user.clone());
        let changed = on_disk(move || match which(sound) {
            Some(which) => change(&recordings, &of, which),
            None => Ok(false),
        });
        self.work.push(async move {
            let found = changed.await.map_err(|error| StoreError::Unavailable {
                reason: error.to_string(),
            });
            Done::MessageChanged { user, id, found }
        });
    }
}

fn receive(recordings: &Recordings, piece: &UploadPiece, which: OwnRecording) -> Taken {
    let taken = write(recordings, piece, which);
    if taken != Taken::More {
        recordings.drop_upload(piece.upload);
    }
    taken
}

fn write(recordings: &Recordings, piece: &UploadPiece, which: OwnRecording) -> Taken {
    // Four characters of base64 are three bytes.
    let bytes = if piece.base64.len() > UPLOAD_PIECE_MAX.div_ceil(3) * 4 {
        None
    } else {
        STANDARD.decode(&piece.base64).ok()
    };
    let Some(bytes) = bytes else {
        return Taken::NotAudio;
    };
    if piece.offset.saturating_add(bytes.len() as u64) > UPLOAD_MAX {
        return Taken::TooLong;
    }
    match recordings.receive_upload(piece.upload, piece.offset, &bytes) {
        Ok(true) if !piece.last => return Taken::More,
        Ok(true) => {}
        Ok(false) => return Taken::OutOfOrder,
        Err(error) => return refused(&UploadError::from(error)),
    }
    let longest = Duration::from_millis(OWN_SOUND_MAX_MS);
    match recordings.keep_upload(piece.upload, &piece.user, which, longest) {
        Ok(()) => Taken::Kept,
        Err(error) => refused(&error),
    }
}

fn refused(error: &UploadError) -> Taken {
    match error {
        UploadError::TooShort => Taken::TooShort,
        UploadError::Sound(ConvertError::NotAudio(_)) => Taken::NotAudio,
        UploadError::Sound(ConvertError::TooLong) => Taken::TooLong,
        UploadError::Sound(ConvertError::DiskFull) => Taken::DiskFull,
        UploadError::Sound(ConvertError::File { .. }) => {
            tracing::error!(%error, "a greeting from a portal could not be kept");
            Taken::Unavailable
        }
    }
}
