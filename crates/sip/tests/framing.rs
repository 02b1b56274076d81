//! Cutting a TCP stream into messages (RFC 3261 18.3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

use ponte_sip::framer::Frame;
use ponte_sip::{FrameError, StreamFramer};

fn frames(framer: &mut StreamFramer) -> Vec<String> {
    std::iter::from_fn(|| framer.next_frame().unwrap())
        .map(|frame| match frame {
            Frame::Message(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Frame::Ping => "ping".into(),
        })
        .collect()
}

const FIRST: &str = "OPTIONS sip:a SIP/2.0\r\nContent-Length : 3\r\n\r\nabc";
const SECOND: &str = "OPTIONS sip:b SIP/2.0\r\nl:0\r\n\r\n";
const THIRD: &str = "OPTIONS sip:c SIP/2.0\nContent-Length:2\n\nxy";

#[test]
fn messages_come_out_whole_however_the_stream_is_cut() {
    let stream = format!("\r\n{FIRST}{SECOND}\r\n\r\n{THIRD}\r\n\r\n");
    for size in [1, 2, 3, 7, 50, 1000] {
        let mut framer = StreamFramer::new(1000);
        let mut found = Vec::new();
        for chunk in stream.as_bytes().chunks(size) {
            framer.push(chunk);
            found.extend(frames(&mut framer));
        }
        assert_eq!(found, [FIRST, SECOND, "ping", THIRD, "ping"], "chunks of {size}");
    }
}

#[test]
fn a_stream_that_cannot_be_framed_is_lost_for_good() {
    let endless = format!("OPTIONS sip:a SIP/2.0\r\nX: {}", "x".repeat(2000));
    for (text, error) in [
        ("OPTIONS sip:a SIP/2.0\r\nX: y\r\n\r\n", FrameError::NoLength),
        ("OPTIONS sip:a SIP/2.0\r\nl: x\r\n\r\n", FrameError::BadLength),
        ("OPTIONS sip:a SIP/2.0\r\nl: -1\r\n\r\n", FrameError::BadLength),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\n",
            FrameError::BadLength,
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 99999999999999999999999\r\n\r\n",
            FrameError::BadLength,
        ),
        ("OPTIONS sip:a SIP/2.0\r\nl: 2000\r\n\r\n", FrameError::TooLarge),
        (&endless, FrameError::TooLarge),
    ] {
        let mut framer = StreamFramer::new(1000);
        framer.push(text.as_bytes());
        assert_eq!(framer.next_frame(), Err(error), "{text}");
        framer.push(SECOND.as_bytes());
        assert_eq!(framer.next_frame(), Err(error), "{text}");
        let about_length = error != FrameError::TooLarge;
        let head = about_length.then(|| bytes::Bytes::copy_from_slice(text.as_bytes()));
        assert_eq!(framer.take_unframed(), head, "{text}: what can be answered");
        assert_eq!(framer.take_unframed(), None);
    }
}
