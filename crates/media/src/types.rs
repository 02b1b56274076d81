//! What passes between the control side and the media threads.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Audio, AudioError, EndpointStats, Language, Prompt, Quality, Recording, Tone};

/// One RTP endpoint: the socket pair of one leg. Never reused in the life of a [`MediaPlane`](crate::MediaPlane).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(pub(crate) u64);

/// A conference. Never reused in the life of a [`MediaPlane`](crate::MediaPlane).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub(crate) u64);

/// What a member of a room may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// Hears all others and is heard by them.
    #[default]
    Speaker,
    /// Hears the others, unheard; its coming and going makes no tone.
    Listener,
}

/// The audio codecs that are relayed. Their RTP payload types are static (RFC 3551 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law, payload type 0.
    Pcmu,
    /// G.711 A-law, payload type 8.
    Pcma,
}

impl Codec {
    /// The static RTP payload type.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// The codec of a static payload type, if it is one of ours.
    pub const fn from_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Pcmu),
            8 => Some(Self::Pcma),
            _ => None,
        }
    }
}

/// Which way audio flows, **seen from this endpoint** (what Ponte does, not what the peer asked for).
///
/// A peer that puts us on hold with `a=sendonly` makes us [`Direction::RecvOnly`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    #[default]
    SendRecv,
    /// We send, and ignore what arrives.
    SendOnly,
    /// We listen, and send no RTP.
    RecvOnly,
    Inactive,
}

impl Direction {
    /// Whether this endpoint sends audio.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether this endpoint listens.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same stream seen from the other side.
    pub const fn reversed(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            same => same,
        }
    }

    /// What both `self` and `other` allow.
    pub const fn restricted_to(self, other: Self) -> Self {
        match (self.sends() && other.sends(), self.receives() && other.receives()) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }
}

/// What offer and answer agreed about the peer of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteMedia {
    /// Where the peer wants RTP, and where its RTP is expected from.
    pub rtp: SocketAddr,
    /// Where the peer wants RTCP. Equal to `rtp` with rtcp-mux (RFC 5761).
    pub rtcp: SocketAddr,
    /// The codec we send. Both codecs are understood on reception, by payload type.
    pub codec: Codec,
    /// Payload type (96–127) of RFC 4733 events we **send**, if the peer takes them.
    pub telephone_event: Option<u8>,
    /// Payload type of RFC 4733 events we **receive**. `None`: in-band DTMF is listened for instead.
    pub telephone_event_in: Option<u8>,
    /// Milliseconds of audio in a packet that we generate (10–60; other values are taken as 20).
    pub ptime: u8,
    pub direction: Direction,
}

impl RemoteMedia {
    /// Whether packets of this type carry events. A peer that answered with a type of its own should send ours, yet many
    /// send the one that they have written themselves.
    pub(crate) fn is_event(&self, payload_type: u8) -> bool {
        let taken = [self.telephone_event_in, self.telephone_event];
        self.telephone_event_in.is_some() && taken.contains(&Some(payload_type))
    }

    /// A peer at `rtp` with RTCP on the next port, `telephone-event` 101 both ways, 20 ms, both directions.
    pub fn new(rtp: SocketAddr, codec: Codec) -> Self {
        let mut rtcp = rtp;
        rtcp.set_port(rtp.port().wrapping_add(1));
        Self {
            rtp,
            rtcp,
            codec,
            telephone_event: Some(101),
            telephone_event_in: Some(101),
            ptime: 20,
            direction: Direction::SendRecv,
        }
    }
}

/// What [`MediaPlane::play`](crate::MediaPlane::play) sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A tone of [`MediaConfig::tone_country`](crate::MediaConfig::tone_country). Once means one cadence.
    Tone(Tone),
    /// Spoken sentences, one after the other.
    Prompt(Language, Vec<Prompt>),
    /// [`MediaConfig::hold_music`](crate::MediaConfig::hold_music), from its beginning for each that hears it.
    HoldMusic,
    /// Packets of silence: holds NAT bindings open and keeps a carrier from ending a call without audio.
    /// Once means one second.
    Silence,
    /// Recorded audio that is loaded already.
    Audio(Audio),
    /// Recorded audio that the plane loads; silence is sent meanwhile.
    File(FileSource),
    /// One after the other.
    Sequence(Vec<Source>),
}

/// Recorded audio in a file: WAV, 8 or 16 kHz, mono, 16 bit, at most 10 minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSource {
    pub path: PathBuf,
    /// Played in its place if it cannot be read; [`MediaEvent::FileUnplayable`] says so in either case.
    pub instead: Vec<Source>,
}

/// How long [`MediaPlane::play`](crate::MediaPlane::play) plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayMode {
    /// To its end, then [`MediaEvent::PlayFinished`] with this token.
    Once(u64),
    /// Until stopped or replaced.
    Loop,
}

/// What the media threads tell the control side.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// The peer pressed a key: `0`–`9`, `*`, `#`, `A`–`D`. Once a key press, however many packets carried it.
    Dtmf { id: EndpointId, digit: char },
    /// What was played with [`PlayMode::Once`], or laid over with a token, came to its end. Not sent if it was stopped or
    /// replaced.
    PlayFinished { id: EndpointId, token: u64 },
    /// The first RTP of the peer was accepted.
    FirstPacket { id: EndpointId },
    /// No RTP came for this long though the direction says that it should
    /// (once at each of [`MediaConfig::no_rtp_after`](crate::MediaConfig::no_rtp_after)).
    NoRtp { id: EndpointId, silent_for: Duration },
    /// RTP came again after a [`MediaEvent::NoRtp`].
    RtpResumed { id: EndpointId },
    /// A file that was to be played cannot be; what comes after it is played.
    FileUnplayable {
        id: EndpointId,
        path: PathBuf,
        error: AudioError,
    },
    /// A recording reached its longest duration. [`MediaEvent::RecordingFinished`] follows.
    RecordingFull { id: EndpointId },
    /// A recording ended, and its file is on the disk, or cannot be. Once for each
    /// [`MediaPlane::record`](crate::MediaPlane::record) that was accepted, also after [`MediaEvent::Closed`].
    RecordingFinished {
        id: EndpointId,
        recording: Box<Recording>,
    },
    /// A member of a room began to speak, or has not spoken for 0.7 s.
    Speaking {
        room: RoomId,
        id: EndpointId,
        speaking: bool,
    },
    /// The endpoint did not come into the room: that is full (16 members), or gone.
    NotJoined { room: RoomId, id: EndpointId },
    /// The browser of this endpoint is connected: its handshake was that of the description it gave, and audio flows.
    BrowserConnected { id: EndpointId },
    /// The browser said good-bye (`closed`), did not connect, or cannot be reached. Once; the endpoint stays until it is
    /// closed.
    BrowserLost { id: EndpointId, closed: bool },
    /// The answer to a later offer of the browser, or why there is none.
    BrowserAnswer {
        id: EndpointId,
        answer: Result<Box<str>, Box<str>>,
    },
    /// How well the peer is heard (`inbound`) and, as it reports itself, hears (`outbound`): when that changed to the ear, and
    /// every five seconds at most. What is `None` is not known.
    Quality {
        id: EndpointId,
        inbound: Option<Quality>,
        outbound: Option<Quality>,
    },
    /// The endpoint is gone and its ports go back to the pool. Only the end of its recording may follow.
    Closed { id: EndpointId, stats: EndpointStats },
}
