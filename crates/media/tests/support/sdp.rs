//! A session of ours and a telephone that describes its own, for the tests of offer and answer.
#![allow(dead_code, unreachable_pub)]

use ponte_media::Direction;
use ponte_media::sdp::LocalSession;

pub const ALL: [Direction; 4] = [
    Direction::SendRecv,
    Direction::SendOnly,
    Direction::RecvOnly,
    Direction::Inactive,
];

pub fn session() -> LocalSession {
    LocalSession::new(7, "192.0.2.10:20000".parse().unwrap())
}

pub fn text(body: &[u8]) -> String {
    String::from_utf8(body.to_vec()).unwrap()
}

/// A telephone's description: these lines after the session part.
pub fn sdp(connection: &str, rest: &[&str]) -> Vec<u8> {
    let head = [
        "v=0",
        "o=phone 3 5 IN IP4 198.51.100.2",
        "s=call",
        connection,
        "t=0 0",
    ];
    let lines = head.iter().chain(rest).filter(|line| !line.is_empty());
    lines
        .flat_map(|line| [line, "\r\n"])
        .collect::<String>()
        .into_bytes()
}

pub const C: &str = "c=IN IP4 198.51.100.2";
pub const M: &str = "m=audio 4000 RTP/AVP 8 0 101";
pub const EVENT: &str = "a=rtpmap:101 telephone-event/8000";
