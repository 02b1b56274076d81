//! A small SIP user agent without I/O, made for a gateway that stands between two telephones.
//!
//! [`UserAgent`] is a pure state machine: bytes and time go in, bytes and events come out. It opens no
//! socket, reads no clock and draws randomness only from a generator that the caller seeds, so that a
//! recorded call replays exactly. One thread owns one `UserAgent`.
//!
//! ```text
//!   datagrams, framed TCP ──▶ handle_message ─┐                     ┌─▶ Output::Send(flow, bytes)
//!   the clock             ──▶ handle_timeout ─┼─▶  poll_output() ───┤
//!   call control          ──▶ invite, respond ┘   until it is None  └─▶ Output::Event(event)
//! ```
//!
//! After every call that takes `now`, drain [`UserAgent::poll_output`], then sleep until
//! [`UserAgent::poll_timeout`] or the next packet.
//!
//! What it speaks: RFC 3261 with 6026 (transactions), 3262 (reliable provisional responses), 3264 and 6337
//! (offer and answer), 3311 (UPDATE), 3326 (Reason), 3581 (rport), 4028 (session timers), 5407 (races),
//! 7616 and 8760 (digest).

mod dialog;
pub mod digest;
pub mod framer;
pub mod message;
mod reason;
mod timers;
mod transaction;
mod types;
mod ua;

pub use dialog::DialogSnapshot;
pub use framer::{Frame, FrameError, StreamFramer};
pub use message::{HeaderName, Message, Method, ParseError};
pub use reason::{q850_from_status, status_from_q850};
pub use types::*;
pub use ua::UserAgent;
