//! Conferences: rooms in which each member hears all others and never itself.
//!
//! ```text
//!   RTP ──▶ JitterBuffer ──▶ Concealer ──▶ ┐         every 20 ms, on the room's media thread
//!   RTP ──▶ JitterBuffer ──▶ Concealer ──▶ ├─ Bus: the sum ──▶ minus one's own ──▶ Limiter ──▶ RTP, for each
//!   RTP ──▶ JitterBuffer ──▶ Concealer ──▶ ┘
//! ```
//!
//! A room belongs to one media thread and its members move there ([`crate::transit`]), so that nothing is shared between
//! threads and nothing is locked. What a member needs is allocated by the control side when it joins.

mod bus;
mod conceal;
pub(crate) mod half_band;
mod jitter;
mod limiter;
mod room;
mod seat;
mod speech;

pub(crate) use room::Room;
pub(crate) use seat::Seat;

/// Samples of 20 ms at 8 kHz: telephones.
pub(crate) const NARROW: usize = 160;
/// Samples of 20 ms at 16 kHz: wideband codecs.
pub(crate) const WIDE: usize = 320;
/// Members of a room.
pub(crate) const MAX_MEMBERS: usize = 16;

/// 20 ms of audio in 16-bit units, before it is limited to 16 bit.
pub(crate) type Frame = [f32; NARROW];
pub(crate) type WideFrame = [f32; WIDE];
