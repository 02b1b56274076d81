//! Recordings on their way from the gateway to a portal, and from a portal to the gateway: which bytes, and whose, a piece
//! at a time.

pub mod desk;
pub mod range;
pub mod uploads;
pub mod validators;

use crate::limits::Rate;

/// Bytes of one piece that the edge asks the gateway for. Far below what the protocol allows: events stand behind a
/// piece on the same link, and wait for as long as it takes to send.
pub const PIECE_BYTES: u32 = 64 * 1024;
/// Pieces that one listener has asked for before they are listened to.
pub const PIECES_AHEAD: usize = 2;
/// Pieces of one user on their way at once.
pub const PIECES_PER_USER: usize = 4;
/// Pieces of all users on their way at once.
pub const PIECES_PER_SITE: usize = 8;
/// Pieces of one user that wait or are on their way.
pub const WAITING_PER_USER: usize = 16;
/// Pieces of all users that wait or are on their way.
pub const WAITING_PER_SITE: usize = 256;
/// How long a piece may take, in milliseconds, the wait for its turn included.
pub const PIECE_MS: u64 = 10_000;
/// Pieces a second that a user may ask for, and how many at once.
pub const PIECES: Rate = Rate {
    per_second: 50,
    burst: 100,
};
/// The longest recording there is, in bytes; some nine hours.
pub const RECORDING_MAX: u64 = 512 * 1024 * 1024;
