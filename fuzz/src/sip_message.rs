//! The parser of SIP messages, and the framing of streams.

use ponte_sip::message::{NameAddr, Uri};
use ponte_sip::{Frame, HeaderName, Message, StreamFramer};

/// Reads the bytes as a datagram and as a stream.
///
/// # Panics
/// Where the parser breaks its word: that what it has checked can be used, and that a message reads the same again.
pub fn run(data: &[u8]) {
    if let Ok(message) = Message::parse(data) {
        look_at(&message);
        let again = Message::parse(message.as_bytes()).expect("what was read once can be read again");
        assert_eq!(again.status(), message.status());
        assert_eq!(again.method(), message.method());
        assert_eq!(again.call_id(), message.call_id());
        assert_eq!(again.body(), message.body());
    }
    let whole = frames(data, data.len().max(1));
    assert_eq!(
        whole,
        frames(data, 1),
        "framing does not depend on how the bytes arrive"
    );
}

/// Touches everything that a checked message promises, and everything that it may lack.
fn look_at(message: &Message) {
    assert!(message.status().is_some() != message.method().is_some());
    assert!(message.via().is_some() && message.from().is_some() && message.to().is_some());
    assert!(!message.call_id().is_empty() && message.cseq().is_some());
    let body = message.body();
    assert!(body.len() <= message.as_bytes().len());
    if let Some(sdp) = message.sdp() {
        assert!(sdp.len() <= body.len());
    }
    Uri::parse(message.request_uri());
    message.reason_phrase();
    for name in [
        HeaderName::Contact,
        HeaderName::Route,
        HeaderName::RecordRoute,
        HeaderName::PAssertedIdentity,
        HeaderName::Diversion,
    ] {
        for value in message.values(name) {
            if let Some(address) = NameAddr::parse(value) {
                address.display();
                address.param("expires");
                if let Some(uri) = Uri::parse(address.uri) {
                    uri.user();
                    uri.ip();
                    uri.param("transport");
                }
            }
        }
    }
}

/// What comes out of a stream that delivers `step` bytes at a time: its messages, and whether it broke.
fn frames(data: &[u8], step: usize) -> (Vec<Frame>, bool) {
    // Small enough that its limits are met.
    let mut framer = StreamFramer::new(2048);
    let mut frames = Vec::new();
    for piece in data.chunks(step) {
        framer.push(piece);
        loop {
            match framer.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}
