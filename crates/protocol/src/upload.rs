//! A greeting or a name in the user's own voice, on its way from a portal to the gateway.

use crate::UserId;
use crate::message::OwnSound;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The longest greeting or name, in milliseconds.
pub const OWN_SOUND_MAX_MS: u64 = 120_000;
/// The largest file that is taken, in bytes: two minutes at 48 kHz in stereo, and what stands before them.
pub const UPLOAD_MAX: u64 = 2 * 60 * 48_000 * 4 + 4096;
/// The most bytes of an [`UploadPiece`]: events stand behind it on the same link.
pub const UPLOAD_PIECE_MAX: usize = 64 * 1024;

/// A piece of a WAV file. The next one goes out when this one was answered by
/// [`GatewayFrame::AudioTaken`](crate::GatewayFrame::AudioTaken).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadPiece {
    /// The same for all pieces of a file.
    pub upload: Uuid,
    pub user: UserId,
    pub sound: OwnSound,
    /// Where it belongs, in bytes; 0 begins anew.
    pub offset: u64,
    /// Whether the file ends with it.
    pub last: bool,
    /// At most [`UPLOAD_PIECE_MAX`] bytes, in standard base64 (RFC 4648 section 4).
    pub base64: String,
}

impl fmt::Debug for UploadPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadPiece")
            .field("upload", &self.upload)
            .field("user", &self.user)
            .field("sound", &self.sound)
            .field("offset", &self.offset)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

/// What became of an [`UploadPiece`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// The next one may come.
    More,
    /// It was the last: callers hear the sound from here on.
    Kept,
    /// The user has no voicemail.
    NotPermitted,
    /// Not PCM in a WAV file, of 8 to 48 kHz, mono or stereo.
    NotAudio,
    /// Longer than [`OWN_SOUND_MAX_MS`] or [`UPLOAD_MAX`].
    TooLong,
    /// Too short to be heard as anything.
    TooShort,
    DiskFull,
    /// It does not follow on what came before: the file is to be sent anew.
    OutOfOrder,
    /// It cannot be kept now.
    #[serde(other)]
    Unavailable,
}
