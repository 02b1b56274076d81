//! Our description.

use std::fmt::Write;
use std::net::SocketAddr;

use sdp_types::Media;

use super::Profile;
use crate::{Codec, Direction};

/// One `m=` line of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// The audio stream.
    Ours,
    /// A stream that we refused: media, protocol and formats as they were offered.
    Rejected(String),
}

impl Line {
    /// Port 0 refuses a stream and keeps its place (RFC 3264 section 6).
    pub(super) fn rejected(media: &Media) -> Self {
        let line = format!("m={} 0 {} {}", media.media, media.proto, media.fmt);
        // What a peer wrote goes back into our body: nothing in it may end the line.
        Self::Rejected(line.chars().filter(|c| !c.is_control()).collect())
    }
}

pub(super) struct Ours<'a> {
    pub(super) profile: Profile,
    pub(super) rtp: SocketAddr,
    pub(super) codecs: &'a [Codec],
    pub(super) telephone_event: Option<u8>,
    pub(super) direction: Direction,
    pub(super) rtcp_mux: bool,
}

fn family(address: SocketAddr) -> &'static str {
    if address.is_ipv4() { "IP4" } else { "IP6" }
}

/// The lines up to and with `o=`.
pub(super) fn head(session_id: u64, version: u64, rtp: SocketAddr) -> String {
    format!(
        "v=0\r\no=- {session_id} {version} IN {} {}\r\n",
        family(rtp),
        rtp.ip()
    )
}

/// All lines after `o=`.
pub(super) fn body(ours: &Ours<'_>, lines: &[Line]) -> String {
    let (family, ip) = (family(ours.rtp), ours.rtp.ip());
    let mut body = format!("s=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n");
    for line in lines {
        match line {
            Line::Ours => audio(&mut body, ours),
            Line::Rejected(line) => {
                body.push_str(line);
                body.push_str("\r\n");
            }
        }
    }
    body
}

fn audio(body: &mut String, ours: &Ours<'_>) {
    let port = ours.rtp.port();
    let types = ours
        .codecs
        .iter()
        .map(|codec| codec.payload_type())
        .chain(ours.telephone_event);
    let formats: Vec<String> = types.map(|number| number.to_string()).collect();
    let direction = match ours.direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    };
    let profile = ours.profile.name();
    let mut lines = vec![format!("m=audio {port} {profile} {}", formats.join(" "))];
    for codec in ours.codecs {
        let name = match codec {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        };
        lines.push(format!("a=rtpmap:{} {name}/8000", codec.payload_type()));
    }
    if let Some(number) = ours.telephone_event {
        lines.push(format!("a=rtpmap:{number} telephone-event/8000"));
        lines.push(format!("a=fmtp:{number} 0-15"));
    }
    lines.push("a=ptime:20".into());
    lines.push(format!("a={direction}"));
    if ours.rtcp_mux {
        lines.push("a=rtcp-mux".into());
    } else {
        lines.push(format!("a=rtcp:{}", u32::from(port) + 1));
    }
    for line in lines {
        // Writing to a String cannot fail.
        let _ = write!(body, "{line}\r\n");
    }
}
