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
//! # A call that comes in
//!
//! | the host does | the caller gets | the host hears |
//! | --- | --- | --- |
//! | nothing yet | 100 at once, 480 after [`UaConfig::max_ringing`] | [`Event::IncomingCall`]; `sdp` is `None` where the caller wants our offer |
//! | [`UserAgent::respond`] 180 | ringing, repeated each minute | |
//! | `respond` 183 with `sdp` | early media | [`Event::OfferAnswered`] with the PRACK, where it was an offer and went reliably |
//! | `respond` 200 with `sdp` (or without, after a 183) | the answer, repeated until its ACK | [`Event::Confirmed`]; with the caller's answer where we offered: without one there, hang up |
//! | `respond` 3xx to 6xx | the refusal, repeated until its ACK | [`Event::Ended`] by [`EndedBy::Local`] |
//! | [`UserAgent::hang_up`] | before the answer the status of a SIP or Q.850 reason, else 480; after it BYE, once the ACK came | `Ended` by `Local` |
//! | nothing | CANCEL: 487 | `Ended` by [`EndedBy::Remote`], status 487 |
//! | nothing | no ACK in 64 × T1: BYE | `Ended` by [`EndedBy::Timeout`], status 408 |
//! | [`UserAgent::answer_offer`], [`UserAgent::reject_offer`] | the answer to a re-INVITE or UPDATE | [`Event::Offer`] before it |
//! | [`UserAgent::refer_progress`] | 202 to its REFER and NOTIFY of each word, or a refusal | [`Event::Referred`] before it |
//! | [`UserAgent::reinvite`] | our offer | `OfferAnswered`, or [`Event::OfferFailed`] and after a glare [`Event::OfferPossible`] |
//!
//! # Telephones
//!
//! [`UserAgent::serve_accounts`] makes it a registrar. Accounts come by [`UserAgent::set_account`], trunks by
//! [`UserAgent::set_trusted`]; whatever else sends INVITE, SUBSCRIBE, PUBLISH, MESSAGE or REFER is challenged and
//! must prove an account, which [`IncomingCall::account`] and [`IncomingRequest::account`] name.
//! [`Event::Registration`] tells whether a telephone can be reached, [`Event::Bindings`] what to store,
//! [`UserAgent::restore_bindings`] takes it back. To ring a telephone, send one INVITE to each of
//! [`UserAgent::bindings`]:
//!
//! ```no_run
//! # use ponte_sip::{Binding, OutgoingCall, Party, Reason, SipError, Timestamp, UserAgent};
//! # use bytes::Bytes;
//! # fn ring(ua: &mut UserAgent, now: Timestamp, binding: &Binding, sdp: Bytes) -> Result<(), SipError> {
//! let call = OutgoingCall {
//!     flow: binding.flow,
//!     request_uri: binding.contact.clone(),
//!     from: Party::new("sip:202@ponte.example"),
//!     to: Party::new("sip:desk-201@ponte.example"),
//!     route: Vec::new(),
//!     contact_user: None,
//!     max_forwards: OutgoingCall::MAX_FORWARDS,
//!     headers: Vec::new(),
//!     sdp,
//!     credentials: None,
//! };
//! let dialog = ua.invite(now, call)?;
//! // Another telephone answered first: the CANCEL says so, and this one shows no missed call (RFC 3326).
//! ua.hang_up(now, dialog, Some(Reason::completed_elsewhere()))?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything within the call stays on the binding's flow, which is what passes a NAT. The calls are independent: each
//! ends with its own [`Event::Ended`], also the one that is cancelled; a 486 of one telephone says nothing of the others.
//!
//! Telephones watch extensions, boxes and people by SUBSCRIBE: [`Event::Subscribe`] asks whether one may,
//! [`UserAgent::set_state`] says what all watchers are told. [`Event::Published`] brings what a telephone says of
//! its user's presence.
//!
//! What it speaks: RFC 3261 with 6026 (transactions), 3262 (reliable provisional responses), 3264 and 6337
//! (offer and answer), 3311 (UPDATE), 3326 (Reason), 3515 with 3420 and 4488
//! (REFER in a call), 3581 (rport), 4028 (session timers), 5407 (races),
//! 5626 (flows of telephones, in part), 6665 with 3842, 3856 and 4235 (subscriptions), 3903 (PUBLISH), 7616 and 8760
//! (digest).

mod accounts;
mod dialog;
pub mod digest;
pub mod framer;
pub mod message;
mod reason;
mod registrar;
mod stun;
mod subscribe;
mod timers;
mod transaction;
mod types;
mod ua;

pub use accounts::{Account, AccountsConfig};
pub use dialog::DialogSnapshot;
pub use framer::{Frame, FrameError, StreamFramer};
pub use message::{HeaderName, Message, Method, ParseError};
pub use reason::{q850_from_status, status_from_q850};
pub use registrar::Binding;
pub use subscribe::{
    DialogName, EventPackage, PublishedPresence, ResourceState, Takes, WatchedCall, WatchedPhase,
};
pub use types::*;
pub use ua::UserAgent;
