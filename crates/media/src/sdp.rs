//! Offer and answer (RFC 3264) for one stream of telephone audio, in SDP (RFC 8866).

use std::net::SocketAddr;

use bytes::Bytes;

use crate::{Direction, RemoteMedia};

/// Why an SDP body cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Not SDP at all: answer 400, or 488 where it came in an offer that was otherwise well-formed SIP.
    #[error("not a session description: {0}")]
    Malformed(String),
    /// No `m=audio` line over RTP/AVP with a port: 488.
    #[error("no audio stream over RTP/AVP")]
    NoAudio,
    /// Audio is there, but neither PCMA nor PCMU: 488.
    #[error("no codec in common; PCMA and PCMU are understood")]
    NoCommonCodec,
    /// No usable address: a host name, a multicast group, another address family than ours.
    #[error("no usable connection address")]
    BadAddress,
    /// The peer's answer refused our audio stream (port 0).
    #[error("the peer refused the audio stream")]
    Rejected,
}

/// The result of answering an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The body of our 200, 183 or ACK.
    pub body: Bytes,
    /// What to give to [`MediaPlane::set_remote`](crate::MediaPlane::set_remote).
    pub remote: RemoteMedia,
}

/// Our side of one SIP dialog's session: remembers what was said, so that the version in `o=` rises by one
/// exactly when the description changes (RFC 3264 section 8).
#[derive(Debug, Clone)]
pub struct LocalSession {
    _rtp: SocketAddr,
}

impl LocalSession {
    /// `session_id`: any number, unique to the dialog. `rtp`: the address from [`MediaPlane::open`](crate::MediaPlane::open).
    pub fn new(session_id: u64, rtp: SocketAddr) -> Self {
        let _ = session_id;
        Self { _rtp: rtp }
    }

    /// An offer: PCMA, PCMU, `telephone-event` 101, 20 ms. For an INVITE, and for the 200 to an INVITE or re-INVITE that
    /// carried no offer. In a dialog that is set up it keeps the stream layout and puts the agreed codec first.
    pub fn offer(&mut self, direction: Direction) -> Bytes {
        let _ = direction;
        Bytes::new()
    }

    /// Takes the answer to our last offer.
    pub fn accept_answer(&mut self, answer: &[u8]) -> Result<RemoteMedia, SdpError> {
        let _ = answer;
        Err(SdpError::NoAudio)
    }

    /// Answers an offer. `direction` is what we want at most; the answer never goes beyond what the offer allows
    /// (hold: `sendonly` is answered `recvonly`, and so on; `c=0.0.0.0` counts as `sendonly` towards us).
    pub fn answer(&mut self, offer: &[u8], direction: Direction) -> Result<Answer, SdpError> {
        let _ = (offer, direction);
        Err(SdpError::NoAudio)
    }
}
