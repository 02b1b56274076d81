//! The little SDP a telephone needs (RFC 8866, RFC 3264): one audio stream of G.711 with telephone events.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp_types::{Media, Session};

use crate::behaviour::Codec;

/// Why an SDP body cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SdpError {
    /// Not SDP.
    #[error("not a session description: {0}")]
    Syntax(String),
    /// No `m=audio` over `RTP/AVP` or `RTP/AVPF`.
    #[error("no audio stream over plain RTP")]
    NoAudio,
    /// No connection address, or a name instead of one.
    #[error("no usable connection address")]
    NoAddress,
}

/// Who sends (RFC 8866 §6.7), as written by the side that describes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// Only the describing side.
    SendOnly,
    /// Only the other side.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    const fn attribute(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// What an answer says to it when the answerer has no wish of its own (RFC 3264 §6.1).
    pub(crate) const fn answered(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    /// Whether the describing side wants to receive.
    pub(crate) const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

/// What the other side described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// Where it wants RTP.
    pub(crate) addr: SocketAddr,
    pub(crate) direction: Direction,
    /// G.711 formats with their payload types, in its order.
    pub(crate) codecs: Vec<(Codec, u8)>,
    /// Payload type of `telephone-event/8000`.
    pub(crate) events: Option<u8>,
    /// Number of `m=` sections and which of them is ours.
    sections: Vec<Section>,
    place: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    media: String,
    proto: String,
    fmt: String,
}

impl Described {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, SdpError> {
        let session = Session::parse(body).map_err(|error| SdpError::Syntax(error.to_string()))?;
        let place = session
            .medias
            .iter()
            .position(|media| {
                media.media == "audio"
                    && media.port != 0
                    && matches!(media.proto.as_str(), "RTP/AVP" | "RTP/AVPF")
            })
            .ok_or(SdpError::NoAudio)?;
        let media = &session.medias[place];
        let ip = media
            .connections
            .first()
            .or(session.connection.as_ref())
            .and_then(|connection| connection.try_address().ok())
            .map(|address| address.ip)
            .ok_or(SdpError::NoAddress)?;
        let mut direction = direction(&session, media);
        // The way to hold before RFC 3264.
        if ip == IpAddr::V4(Ipv4Addr::UNSPECIFIED) && direction == Direction::SendRecv {
            direction = Direction::SendOnly;
        }
        let (codecs, events) = formats(media);
        Ok(Self {
            addr: SocketAddr::new(ip, media.port),
            direction,
            codecs,
            events,
            sections: session
                .medias
                .iter()
                .map(|media| Section {
                    media: media.media.clone(),
                    proto: media.proto.clone(),
                    fmt: media.fmt.clone(),
                })
                .collect(),
            place,
        })
    }

    /// The first codec of `wanted` that is described here.
    pub(crate) fn choose(&self, wanted: &[Codec]) -> Option<(Codec, u8)> {
        wanted
            .iter()
            .find_map(|codec| self.codecs.iter().find(|(offered, _)| offered == codec))
            .copied()
    }
}

fn direction(session: &Session, media: &Media) -> Direction {
    media
        .attributes
        .iter()
        .chain(&session.attributes)
        .find_map(|attribute| match attribute.attribute.as_str() {
            "sendrecv" => Some(Direction::SendRecv),
            "sendonly" => Some(Direction::SendOnly),
            "recvonly" => Some(Direction::RecvOnly),
            "inactive" => Some(Direction::Inactive),
            _ => None,
        })
        .unwrap_or_default()
}

fn formats(media: &Media) -> (Vec<(Codec, u8)>, Option<u8>) {
    let mut codecs = Vec::new();
    let mut events = None;
    for payload_type in media
        .fmt
        .split_ascii_whitespace()
        .filter_map(|format| format.parse::<u8>().ok())
    {
        let mapped = media
            .attributes
            .iter()
            .filter(|attribute| attribute.attribute == "rtpmap")
            .filter_map(|attribute| attribute.value.as_deref()?.split_once(' '))
            .find(|(format, _)| format.parse() == Ok(payload_type))
            .map(|(_, encoding)| encoding.trim().to_ascii_uppercase());
        match (mapped.as_deref(), payload_type) {
            (Some("PCMU/8000" | "PCMU/8000/1"), _) | (None, 0) => {
                codecs.push((Codec::Pcmu, payload_type));
            }
            (Some("PCMA/8000" | "PCMA/8000/1"), _) | (None, 8) => {
                codecs.push((Codec::Pcma, payload_type));
            }
            (Some("TELEPHONE-EVENT/8000"), _) => events = Some(payload_type),
            _ => {}
        }
    }
    (codecs, events)
}

/// Our side of a session, as offers and answers describe it.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    addr: SocketAddr,
    session: u64,
    version: u64,
    /// Whether telephone events are offered and agreed to.
    events: bool,
}

impl Local {
    pub(crate) fn new(addr: SocketAddr, session: u64, events: bool) -> Self {
        Self {
            addr,
            session,
            version: 0,
            events,
        }
    }

    /// An offer of `codecs`.
    pub(crate) fn offer(&mut self, codecs: &[Codec], direction: Direction) -> String {
        let mut sdp = self.head();
        let formats: Vec<(Codec, u8)> = codecs
            .iter()
            .map(|codec| (*codec, codec.payload_type()))
            .collect();
        let events = self.events.then_some(101);
        self.audio(&mut sdp, "RTP/AVP", &formats, events, direction);
        sdp
    }

    /// The answer to `offer` with one codec; other streams are refused by port 0 (RFC 3264 §6).
    pub(crate) fn answer(&mut self, offer: &Described, codec: (Codec, u8), direction: Direction) -> String {
        let mut sdp = self.head();
        for (place, section) in offer.sections.iter().enumerate() {
            if place == offer.place {
                let events = offer.events.filter(|_| self.events);
                self.audio(&mut sdp, &section.proto, &[codec], events, direction);
            } else {
                let _ = write!(sdp, "m={} 0 {} {}\r\n", section.media, section.proto, section.fmt);
            }
        }
        sdp
    }

    fn head(&mut self) -> String {
        self.version += 1;
        let family = if self.addr.is_ipv4() { "IP4" } else { "IP6" };
        let ip = self.addr.ip();
        format!(
            "v=0\r\no=- {} {} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n",
            self.session, self.version
        )
    }

    fn audio(
        &self,
        sdp: &mut String,
        proto: &str,
        formats: &[(Codec, u8)],
        events: Option<u8>,
        direction: Direction,
    ) {
        let _ = write!(sdp, "m=audio {} {proto}", self.addr.port());
        for payload_type in formats.iter().map(|(_, number)| *number).chain(events) {
            let _ = write!(sdp, " {payload_type}");
        }
        sdp.push_str("\r\n");
        for (codec, payload_type) in formats {
            let _ = write!(sdp, "a=rtpmap:{payload_type} {}/8000\r\n", codec.name());
        }
        if let Some(events) = events {
            let _ = write!(
                sdp,
                "a=rtpmap:{events} telephone-event/8000\r\na=fmtp:{events} 0-15\r\n"
            );
        }
        let _ = write!(sdp, "a=ptime:20\r\na={}\r\n", direction.attribute());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 96\r\na=rtpmap:96 telephone-event/8000\r\nm=video 4002 RTP/AVP 99\r\n";

    #[test]
    fn an_offer_is_read_and_answered_stream_by_stream() {
        let offer = Described::parse(OFFER.as_bytes()).unwrap();
        assert_eq!(offer.addr, "192.0.2.1:4000".parse().unwrap());
        assert_eq!(offer.codecs, [(Codec::Pcmu, 0), (Codec::Pcma, 8)]);
        assert_eq!(offer.events, Some(96));
        let chosen = offer.choose(&[Codec::Pcma, Codec::Pcmu]).unwrap();
        assert_eq!(chosen, (Codec::Pcma, 8));
        let mut local = Local::new("127.0.0.1:5000".parse().unwrap(), 7, true);
        let text = local.answer(&offer, chosen, Direction::SendRecv);
        assert!(text.contains("m=audio 5000 RTP/AVP 8 96\r\n"), "{text}");
        assert!(text.contains("m=video 0 RTP/AVP 99\r\n"), "{text}");
        let answer = Described::parse(text.as_bytes()).unwrap();
        assert_eq!(answer.codecs, [(Codec::Pcma, 8)]);
        assert_eq!(answer.events, Some(96));
    }

    #[test]
    fn versions_count_up() {
        let mut local = Local::new("127.0.0.1:5000".parse().unwrap(), 7, true);
        assert!(
            local
                .offer(&[Codec::Pcma], Direction::SendRecv)
                .contains("o=- 7 1 ")
        );
        let second = local.offer(&[Codec::Pcma], Direction::SendOnly);
        assert!(second.contains("o=- 7 2 "));
        assert!(second.contains("a=sendonly"));
    }

    #[test]
    fn hold_in_each_spelling() {
        for (change, expected) in [
            ("a=sendonly\r\n", Direction::SendOnly),
            ("a=inactive\r\n", Direction::Inactive),
            ("a=recvonly\r\n", Direction::RecvOnly),
            ("", Direction::SendRecv),
        ] {
            let text = format!(
                "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n{change}"
            );
            assert_eq!(Described::parse(text.as_bytes()).unwrap().direction, expected);
        }
        let old = OFFER.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0");
        let old = Described::parse(old.as_bytes()).unwrap();
        assert_eq!(old.direction, Direction::SendOnly);
        assert!(!old.direction.receives());
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert!(matches!(Described::parse(b"hello"), Err(SdpError::Syntax(_))));
        let video = OFFER.replace("m=audio 4000", "m=audio 0");
        assert_eq!(Described::parse(video.as_bytes()), Err(SdpError::NoAudio));
        let named = OFFER.replace("c=IN IP4 192.0.2.1", "c=IN IP4 host.example");
        assert_eq!(Described::parse(named.as_bytes()), Err(SdpError::NoAddress));
    }

    proptest::proptest! {
        #[test]
        fn no_body_panics(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = Described::parse(&body);
        }

        #[test]
        fn no_media_line_panics(line in "m=audio [0-9]{1,6} RTP/AVP [ -~]{0,30}", attribute in "a=[ -~]{0,40}") {
            let text = format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{line}\r\n{attribute}\r\n");
            if let Ok(offer) = Described::parse(text.as_bytes())
                && let Some(codec) = offer.choose(&[Codec::Pcma, Codec::Pcmu])
            {
                let mut local = Local::new("127.0.0.1:5000".parse().unwrap(), 7, true);
                let answer = local.answer(&offer, codec, offer.direction.answered());
                proptest::prop_assert!(Described::parse(answer.as_bytes()).is_ok(), "{}", answer);
            }
        }
    }
}
