//! The peer's description.

use std::net::{IpAddr, SocketAddr};

use sdp_types::{Connection, Media, Session};

use super::{Profile, SdpError};
use crate::{Codec, Direction, RemoteMedia};

/// No honest description of telephone audio is longer.
const MAX_LENGTH: usize = 16 * 1024;

pub(super) fn parse(body: &[u8]) -> Result<Session, SdpError> {
    if body.len() > MAX_LENGTH {
        return Err(SdpError::Malformed(format!("longer than {MAX_LENGTH} bytes")));
    }
    Session::parse(plain(body).as_bytes()).map_err(|error| SdpError::Malformed(error.to_string()))
}

/// The lines that say where and how audio flows, each as the grammar wants it: lines end in CR, LF or both, end in white space, or
/// have more than one blank between two words, and names of sessions are in any character set. What else is in a description
/// is nothing to us, so that no fault in it costs a call.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut out = String::with_capacity(text.len());
    let (mut in_media, mut has_connection) = (false, false);
    for line in text.split(['\r', '\n']).map(str::trim) {
        match line.get(..2) {
            Some("m=") => in_media = true,
            // One connection stands for the whole session.
            Some("c=") if !in_media && std::mem::replace(&mut has_connection, true) => continue,
            Some("c=" | "v=") => {}
            Some("a=") => {
                out.push_str(line);
                out.push_str("\r\n");
                continue;
            }
            _ if out.is_empty() && !line.is_empty() => {}
            _ => continue,
        }
        let mut words = line.split_whitespace();
        out.push_str(words.next().unwrap_or_default());
        for word in words {
            out.push(' ');
            out.push_str(word);
        }
        out.push_str("\r\n");
    }
    out
}

/// An audio stream that we can take.
#[derive(Debug)]
pub(super) struct AudioStream {
    pub(super) profile: Profile,
    rtp: SocketAddr,
    rtcp: SocketAddr,
    pub(super) rtcp_mux: bool,
    /// Those we have in common, in the peer's order.
    pub(super) codecs: Vec<Codec>,
    pub(super) telephone_event: Option<u8>,
    ptime: u8,
    /// As the peer sees it.
    direction: Direction,
}

impl AudioStream {
    /// Reads an `m=` line with its attributes. `ours` decides the address family.
    pub(super) fn read(session: &Session, media: &Media, ours: IpAddr) -> Result<Self, SdpError> {
        let is_audio = media.media.eq_ignore_ascii_case("audio");
        if !is_audio || media.port == 0 {
            return Err(SdpError::NoAudio);
        }
        let profile = Profile::read(&media.proto).ok_or(SdpError::Transport)?;
        let ip = address(media.connections.first().or(session.connection.as_ref()), ours)?;
        let formats: Vec<u8> = media
            .fmt
            .split_whitespace()
            .filter_map(|f| f.parse().ok())
            .collect();
        let codecs: Vec<Codec> = formats
            .iter()
            .filter_map(|&format| codec(media, format))
            .collect();
        if codecs.is_empty() {
            return Err(SdpError::NoCommonCodec);
        }
        let is_event = |format: u8| encoding(media, format).is_some_and(|e| is_named(e, "telephone-event"));
        let telephone_event = formats
            .iter()
            .copied()
            .find(|&f| (96..128).contains(&f) && is_event(f));

        let rtp = SocketAddr::new(ip, media.port);
        let rtcp_mux = media.has_attribute("rtcp-mux");
        Ok(Self {
            profile,
            rtp,
            rtcp: if rtcp_mux { rtp } else { rtcp(media, rtp) },
            rtcp_mux,
            codecs,
            telephone_event,
            ptime: ptime(media),
            direction: direction(session, media),
        })
    }

    /// What of `wanted` the peer allows. Towards an address that is none nothing can be sent: the hold of RFC 2543,
    /// which RFC 3264 section 8.4 still wants understood.
    pub(super) fn limit(&self, wanted: Direction) -> Direction {
        let allowed = self.direction.reversed().restricted_to(wanted);
        if self.rtp.ip().is_unspecified() {
            allowed.restricted_to(Direction::RecvOnly)
        } else {
            allowed
        }
    }

    pub(super) fn remote(
        &self,
        codec: Codec,
        direction: Direction,
        telephone_event_in: Option<u8>,
    ) -> RemoteMedia {
        RemoteMedia {
            rtp: self.rtp,
            rtcp: self.rtcp,
            codec,
            telephone_event: self.telephone_event,
            telephone_event_in,
            ptime: self.ptime,
            direction,
        }
    }
}

fn address(connection: Option<&Connection>, ours: IpAddr) -> Result<IpAddr, SdpError> {
    let address = connection
        .and_then(|c| c.try_address().ok())
        .ok_or(SdpError::BadAddress)?;
    usable(address.ip, ours).ok_or(SdpError::BadAddress)
}

/// An address we may send to: a single host of our address family.
fn usable(ip: IpAddr, ours: IpAddr) -> Option<IpAddr> {
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    (ip.is_ipv4() == ours.is_ipv4() && !ip.is_multicast() && !broadcast).then_some(ip)
}

/// The `encoding/clock` that `a=rtpmap` gives to a payload type.
fn encoding(media: &Media, format: u8) -> Option<&str> {
    media.get_attribute_values("rtpmap").flatten().find_map(|value| {
        let (number, encoding) = value.trim().split_once(char::is_whitespace)?;
        (number.parse() == Ok(format)).then(|| encoding.trim())
    })
}

/// Whether an encoding is this one, at 8 kHz and on one channel.
fn is_named(encoding: &str, name: &str) -> bool {
    let mut parts = encoding.split('/');
    let named = parts.next().is_some_and(|part| part.eq_ignore_ascii_case(name));
    named && parts.next() == Some("8000") && parts.next().is_none_or(|channels| channels == "1")
}

/// Static payload types need no rtpmap; one that contradicts takes the type away.
fn codec(media: &Media, format: u8) -> Option<Codec> {
    let codec = Codec::from_payload_type(format)?;
    let name = match codec {
        Codec::Pcmu => "PCMU",
        Codec::Pcma => "PCMA",
    };
    encoding(media, format)
        .is_none_or(|encoding| is_named(encoding, name))
        .then_some(codec)
}

/// RFC 3605: `a=rtcp:port [IN IP4 address]`; else the next port.
fn rtcp(media: &Media, rtp: SocketAddr) -> SocketAddr {
    let next = SocketAddr::new(rtp.ip(), rtp.port().checked_add(1).unwrap_or(0));
    let Some(value) = media.get_first_attribute_value("rtcp").flatten() else {
        return next;
    };
    let mut words = value.split_whitespace();
    let Some(port) = words.next().and_then(|word| word.parse().ok()) else {
        return next;
    };
    let ip = words
        .nth(2)
        .and_then(|word| word.parse().ok())
        .and_then(|ip| usable(ip, rtp.ip()));
    SocketAddr::new(ip.unwrap_or(rtp.ip()), port)
}

/// What the peer likes to receive, in milliseconds, within what it bears.
fn ptime(media: &Media) -> u8 {
    let number = |name| -> Option<f32> {
        media
            .get_first_attribute_value(name)
            .flatten()
            .and_then(|value| value.trim().parse().ok())
    };
    let wanted = number("ptime")
        .unwrap_or(20.0)
        .min(number("maxptime").unwrap_or(60.0));
    if (10.0..=60.0).contains(&wanted) {
        wanted as u8
    } else {
        20
    }
}

fn direction(session: &Session, media: &Media) -> Direction {
    let named = |name: &str| match name.to_ascii_lowercase().as_str() {
        "sendrecv" => Some(Direction::SendRecv),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::RecvOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    };
    let attributes = media.attributes.iter().chain(&session.attributes);
    attributes
        .filter(|a| a.value.is_none())
        .find_map(|a| named(&a.attribute))
        .unwrap_or_default()
}
