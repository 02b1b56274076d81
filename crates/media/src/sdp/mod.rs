//! Offer and answer (RFC 3264) for one stream of telephone audio, in SDP (RFC 8866).
//!
//! ```
//! use ponte_media::{Codec, Direction, sdp::LocalSession};
//!
//! let mut ours = LocalSession::new(1, "192.0.2.1:20000".parse().unwrap());
//! let mut theirs = LocalSession::new(2, "192.0.2.2:30000".parse().unwrap());
//! let offer = ours.offer(Direction::SendRecv);
//! let answer = theirs.answer(&offer, Direction::SendRecv).unwrap();
//! let remote = ours.accept_answer(&answer.body).unwrap();
//! assert_eq!((remote.codec, remote.telephone_event), (Codec::Pcma, Some(101)));
//! ```

mod read;
mod write;

use std::net::SocketAddr;

use bytes::Bytes;

use crate::{Codec, Direction, RemoteMedia};
use read::AudioStream;
use sdp_types::Session;
use write::{Line, Ours};

/// The payload type that we offer for telephone events, unless the dialog uses another already.
const TELEPHONE_EVENT: u8 = 101;

/// Why an SDP body cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Not SDP at all: answer 400, or 488 where it came in an offer that was otherwise well-formed SIP.
    #[error("not a session description: {0}")]
    Malformed(String),
    /// No `m=audio` line with a port: 488.
    #[error("no audio stream")]
    NoAudio,
    /// Audio is there, but not over RTP/AVP or RTP/AVPF: encrypted, as a rule. 488.
    #[error("no audio stream over RTP/AVP")]
    Transport,
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

/// The RTP profile of a stream, which an answer repeats (RFC 3264 section 6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Profile {
    #[default]
    Avp,
    /// With early feedback (RFC 4585), of which none is asked for and none sent.
    Avpf,
}

impl Profile {
    fn read(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("RTP/AVP") {
            return Some(Self::Avp);
        }
        name.eq_ignore_ascii_case("RTP/AVPF").then_some(Self::Avpf)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Avp => "RTP/AVP",
            Self::Avpf => "RTP/AVPF",
        }
    }
}

/// The result of answering an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The body of our 200, 183 or ACK.
    pub body: Bytes,
    /// What to give to [`MediaPlane::set_remote`](crate::MediaPlane::set_remote).
    pub remote: RemoteMedia,
    /// Our direction as far as the peer alone allows it, whatever we wanted.
    pub allowed: Direction,
}

/// Our side of one SIP dialog's session: remembers what was said, so that the version in `o=` rises by one
/// exactly when the description changes (RFC 3264 section 8).
#[derive(Debug, Clone)]
pub struct LocalSession {
    session_id: u64,
    rtp: SocketAddr,
    version: u64,
    /// The last body without its version.
    said: Option<String>,
    /// Every `m=` line of the session in its place; `Line::Ours` is the audio. Lines are never taken out again.
    lines: Vec<Line>,
    /// In our order of preference.
    codecs: [Codec; 2],
    event_type: u8,
    profile: Profile,
    offered: Direction,
    /// That of our description that the peer has taken last.
    stands: Direction,
    /// What we have said last of the stream; `None` while the session has no audio.
    stream: Option<Said>,
    /// What the peer has described last.
    agreed: Option<RemoteMedia>,
}

/// What an offer that changes nothing but the direction repeats.
#[derive(Debug, Clone)]
struct Said {
    codecs: Vec<Codec>,
    telephone_event: Option<u8>,
    rtcp_mux: bool,
}

impl LocalSession {
    /// `session_id`: any number, unique to the dialog. `rtp`: the address from
    /// [`MediaPlane::open`](crate::MediaPlane::open).
    pub fn new(session_id: u64, rtp: SocketAddr) -> Self {
        Self {
            session_id,
            rtp,
            version: 0,
            said: None,
            lines: vec![Line::Ours],
            codecs: [Codec::Pcma, Codec::Pcmu],
            event_type: TELEPHONE_EVENT,
            profile: Profile::default(),
            offered: Direction::SendRecv,
            stands: Direction::SendRecv,
            stream: None,
            agreed: None,
        }
    }

    /// An offer: PCMA, PCMU, `telephone-event` 101, 20 ms. For an INVITE, and for the 200 to an INVITE or re-INVITE that
    /// carried no offer. In a dialog that is set up it keeps the stream layout and puts the agreed codec first.
    pub fn offer(&mut self, direction: Direction) -> Bytes {
        let said = Said {
            codecs: self.codecs.to_vec(),
            telephone_event: Some(self.event_type),
            rtcp_mux: false,
        };
        self.offered = direction;
        self.describe(said, direction)
    }

    /// An offer for a re-INVITE that leaves the session as it is but for its direction (RFC 3264 section 8.4). `None` where
    /// it has no audio.
    pub fn offer_direction(&mut self, direction: Direction) -> Option<Bytes> {
        let mut said = self.stream.clone()?;
        let preferred = self.codecs[0];
        said.codecs.sort_by_key(|&codec| codec != preferred);
        self.offered = direction;
        Some(self.describe(said, direction))
    }

    /// Our last offer was refused: the session is what it was before.
    pub fn offer_refused(&mut self) {
        self.offered = self.stands;
    }

    fn describe(&mut self, said: Said, direction: Direction) -> Bytes {
        let ours = Ours {
            profile: self.profile,
            rtp: self.rtp,
            codecs: &said.codecs,
            telephone_event: said.telephone_event,
            direction,
            rtcp_mux: said.rtcp_mux,
        };
        let body = write::body(&ours, &self.lines);
        self.stream = Some(said);
        self.say(body)
    }

    /// Takes the answer to our last offer, or to its repetition in a session refresh.
    pub fn accept_answer(&mut self, answer: &[u8]) -> Result<RemoteMedia, SdpError> {
        self.stands = self.offered;
        let description = read::parse(answer)?;
        let place = self
            .lines
            .iter()
            .position(|line| matches!(line, Line::Ours))
            .unwrap_or(0);
        let stream = description.medias.get(place).ok_or(SdpError::NoAudio)?;
        if stream.port == 0 {
            return Err(SdpError::Rejected);
        }
        let stream = AudioStream::read(&description, stream, self.rtp.ip())?;
        let codec = *stream.codecs.first().ok_or(SdpError::NoCommonCodec)?;
        self.prefer(codec);
        let direction = stream.limit(self.offered);
        // Its numbers are for what we send; what it sends bears ours (RFC 3264 section 6.1).
        let event_in = stream.telephone_event.map(|_| self.event_type);
        let remote = stream.remote(codec, direction, event_in);
        self.agreed = Some(remote);
        Ok(remote)
    }

    /// Answers an offer. `direction` is what we want at most; the answer never goes beyond what the offer allows
    /// (hold: `sendonly` is answered `recvonly`, and so on; `c=0.0.0.0` counts as `sendonly`). An offer that takes the audio
    /// out of a session that has some is answered so (RFC 3264 section 8.2): nothing flows until the next offer.
    pub fn answer(&mut self, offer: &[u8], direction: Direction) -> Result<Answer, SdpError> {
        let description = read::parse(offer)?;
        let mut chosen = None;
        let mut refusal = SdpError::NoAudio;
        for (place, media) in description.medias.iter().enumerate() {
            match AudioStream::read(&description, media, self.rtp.ip()) {
                Ok(stream) => {
                    chosen = Some((place, stream));
                    break;
                }
                // The reason that is most to the point is told.
                Err(SdpError::NoAudio) => {}
                Err(reason) => refusal = reason,
            }
        }
        let Some((chosen_place, stream)) = chosen else {
            return self.taken_out(&description).ok_or(refusal);
        };
        let codec = *stream.codecs.first().ok_or(SdpError::NoCommonCodec)?;
        self.prefer(codec);
        if let Some(event_type) = stream.telephone_event {
            self.event_type = event_type;
        }
        let lines = description.medias.iter().enumerate().map(|(place, media)| {
            if place == chosen_place {
                Line::Ours
            } else {
                Line::rejected(media)
            }
        });
        self.lines = lines.collect();
        self.profile = stream.profile;

        let direction = stream.limit(direction);
        (self.offered, self.stands) = (direction, direction);
        let said = Said {
            codecs: vec![codec],
            telephone_event: stream.telephone_event,
            rtcp_mux: stream.rtcp_mux,
        };
        let remote = stream.remote(codec, direction, stream.telephone_event);
        self.agreed = Some(remote);
        Ok(Answer {
            body: self.describe(said, direction),
            remote,
            allowed: stream.limit(Direction::SendRecv),
        })
    }

    /// The answer to an offer that gives the agreed audio stream port 0. Its place is kept for a later offer of either side.
    fn taken_out(&mut self, description: &Session) -> Option<Answer> {
        let agreed = self.agreed?;
        let place = self.lines.iter().position(|line| matches!(line, Line::Ours))?;
        let ours = description.medias.get(place)?;
        if ours.port != 0 || !ours.media.eq_ignore_ascii_case("audio") {
            return None;
        }
        let rejected: Vec<Line> = description.medias.iter().map(Line::rejected).collect();
        self.lines.clone_from(&rejected);
        self.lines[place] = Line::Ours;
        let nothing = Ours {
            profile: self.profile,
            rtp: self.rtp,
            codecs: &[],
            telephone_event: None,
            direction: Direction::Inactive,
            rtcp_mux: false,
        };
        let body = write::body(&nothing, &rejected);
        self.stream = None;
        Some(Answer {
            body: self.say(body),
            remote: RemoteMedia {
                direction: Direction::Inactive,
                ..agreed
            },
            allowed: Direction::Inactive,
        })
    }

    fn prefer(&mut self, codec: Codec) {
        self.codecs.sort_by_key(|&other| other != codec);
    }

    /// Puts `o=` before a body, with the version that it is due.
    fn say(&mut self, body: String) -> Bytes {
        if self.said.as_ref().is_some_and(|said| *said != body) {
            self.version += 1;
        }
        let head = write::head(self.session_id, self.version, self.rtp);
        let whole = Bytes::from(format!("{head}{body}"));
        self.said = Some(body);
        whole
    }
}
