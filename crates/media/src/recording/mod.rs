//! What an endpoint receives, and where it is wanted what it sends too, written to a WAV file.
//!
//! ```text
//!   media thread: Recorder ──▶ Tape (bounded, lock-free, 10 s) ──▶ writer thread: Assembly ──▶ <path>.part ──▶ <path>
//!                 decides where a packet belongs                  puts it there, decodes, measures, writes
//! ```
//!
//! The file is 8 kHz, mono or stereo, 16 bit. Its header is right once a second, so that a crash leaves a file that plays; it gets its
//! own name when it is whole.

mod assembly;
mod recorder;
mod rescue;
mod tape;
mod waveform;
mod writer;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use recorder::Recorder;
pub use rescue::rescue;
pub(crate) use tape::Tape;
pub(crate) use writer::{Job, Writer};

/// What of a conversation is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tracks {
    /// What the peer says.
    #[default]
    Said,
    /// What the peer says and what it hears, in one channel.
    Mixed,
    /// What the peer says on the left, what it hears on the right.
    Stereo,
}

impl Tracks {
    /// Channels of the file.
    pub(crate) const fn channels(self) -> u16 {
        match self {
            Self::Said | Self::Mixed => 1,
            Self::Stereo => 2,
        }
    }
}

/// Which way audio went, seen from the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Said,
    Heard,
}

impl Side {
    const fn index(self) -> usize {
        match self {
            Self::Said => 0,
            Self::Heard => 1,
        }
    }
}

/// A recording that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The file. It exists if `error` is none, or [`RecordingError::DiskFull`] or [`RecordingError::Write`] and something
    /// had been written before.
    pub path: PathBuf,
    /// Of the audio in the file.
    pub duration: Duration,
    /// Loudness of equal parts, at most 100 of them: 0 is −50 dBm0 or less, 255 is 0 dBm0.
    pub waveform: Vec<u8>,
    /// Why it is not whole.
    pub error: Option<RecordingError>,
}

/// Why a recording is not, or not wholly, in its file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// No file could be made at this path.
    #[error("the file cannot be created: {reason}")]
    Create { kind: io::ErrorKind, reason: String },
    #[error("the disk is full")]
    DiskFull,
    /// The file cannot be written, or not be given its name.
    #[error("the file cannot be written: {reason}")]
    Write { kind: io::ErrorKind, reason: String },
}

impl RecordingError {
    fn create(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            kind => Self::Create {
                kind,
                reason: error.to_string(),
            },
        }
    }

    fn write(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull
            }
            kind => Self::Write {
                kind,
                reason: error.to_string(),
            },
        }
    }
}
