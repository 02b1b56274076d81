//! Browsers as telephones: WebRTC sessions on threads of their own, each of which looks like an ordinary peer to the
//! media threads.
//!
//! ```text
//!   browser ── DTLS-SRTP ──▶ rtc thread: ICE, DTLS, SRTP, order, loss, Opus ──▶ Line ──▶ media thread: an Endpoint
//!   browser ◀─────────────── rtc thread: Opus, SRTP ◀─────────────────────────── Line ◀── bridge, play, record, mix
//! ```
//!
//! A [`Line`] carries RTP packets of G.711 and RFC 4733 events, so that an endpoint does with a browser all it does with a
//! telephone. One thread takes all sessions of its UDP port and tells them apart by the ICE user name, then by the source
//! address; a session never changes its thread, the endpoint may. Where UDP does not get through, the same datagrams come on
//! TCP connections of that thread (RFC 6544), each of which belongs to one session.

mod downlink;
mod framing;
mod line;
mod listen;
mod negotiate;
mod patience;
mod plane;
mod session;
mod tcp;
mod uplink;
mod wide;
mod worker;

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::{Codec, RemoteMedia};

pub(crate) use line::Line;
pub(crate) use plane::Browsers;

/// Payload type of RFC 4733 events on a line.
const LINE_EVENT: u8 = 101;
/// The dummy address of RFC 7600: what an endpoint believes its browser to be at.
const LINE_PEER: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 0, 8)), 9);

/// What an endpoint at a line sends and expects.
pub(crate) fn line_media() -> RemoteMedia {
    RemoteMedia {
        telephone_event: Some(LINE_EVENT),
        telephone_event_in: Some(LINE_EVENT),
        ..RemoteMedia::new(LINE_PEER, Codec::Pcma)
    }
}

/// Where browsers reach the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebRtcConfig {
    /// Addresses to bind, at most one of each family. Thread `n` binds the port `n` above; port 0 means any.
    pub listen: Vec<SocketAddr>,
    /// The same for TCP, for browsers that have no UDP; may be empty.
    pub listen_tcp: Vec<SocketAddr>,
    /// What browsers are told: the public addresses behind a 1:1 NAT. Empty: the bound addresses, which must be specific.
    pub advertised: Vec<IpAddr>,
    /// Whether Opus pauses where nobody speaks (DTX): browsers are asked for it, and get it where they ask.
    pub dtx: bool,
    /// Threads; 0 means one. One thread carries some 150 Opus sessions.
    pub threads: usize,
}

/// Why a browser cannot be a telephone.
#[derive(Debug, thiserror::Error)]
pub enum WebRtcError {
    #[error("no browser can be called: WebRTC is not configured")]
    NotConfigured,
    #[error("cannot bind the WebRTC port at {address}: {source}")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("cannot bind the WebRTC port for TCP at {address}: {source}")]
    BindTcp { address: SocketAddr, source: io::Error },
    #[error("no address for browsers: advertise one, or bind to a specific one")]
    NoAddress,
    #[error("two addresses of one family are bound for WebRTC; one each can be")]
    AddressTwice,
    #[error("no DTLS certificate could be made")]
    Certificate,
    /// The endpoint is closed, or is no browser's.
    #[error("there is no such session")]
    NoSession,
    #[error("the browser's description cannot be used: {0}")]
    Description(String),
    #[error("the browser offers no audio that can be carried")]
    NoCommonCodec,
    #[error("a media thread does not keep up; try again")]
    Overloaded,
}
