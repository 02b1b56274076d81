//! Mutated SDP, RTP and RTCP: a refusal or nothing, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use ponte_media::sdp::LocalSession;
use ponte_media::{Codec, Direction, analysis};
use proptest::prelude::*;
use support::{Call, call, plane, talk};

const OFFER: &str = "v=0\r\no=alice 2890844526 2890844526 IN IP4 198.51.100.1\r\ns= \r\n\
c=IN IP4 198.51.100.1\r\nt=0 0\r\na=sendonly\r\nm=video 5000/2 RTP/AVP 31\r\n\
m=audio 49170 RTP/AVP 8 0 97 101\r\na=rtpmap:97 iLBC/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-15\r\na=ptime:20\r\na=maxptime:60\r\na=rtcp:49171 IN IP4 198.51.100.1\r\na=rtcp-mux\r\n";

/// What happens to a byte string on a bad day.
fn mutated(original: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4u8);
    prop::collection::vec(change, 0..12).prop_map(move |changes| {
        let mut bytes = original.clone();
        for (at, byte, kind) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn sdp_is_answered_or_refused(body in mutated(OFFER.as_bytes().to_vec())) {
        let mut session = LocalSession::new(1, "192.0.2.1:20000".parse().unwrap());
        if let Ok(answer) = session.answer(&body, Direction::SendRecv) {
            // What we accept, we describe in a way that a peer of our own kind understands.
            prop_assert!(answer.remote.rtp.port() != 0);
            let mut peer = LocalSession::new(2, "198.51.100.1:49170".parse().unwrap());
            let read = peer.answer(&answer.body, Direction::SendRecv);
            prop_assert!(read.is_ok(), "{:?} of {:?}", read, answer.body);
        }
        session.offer(Direction::SendRecv);
        let _ = session.accept_answer(&body);
    }
}

fn rtp() -> Vec<u8> {
    let mut packet = vec![0xB1, 0x88, 0, 1, 0, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 1];
    packet.extend([0xBE, 0xDE, 0, 1, 0x10, 0xFF, 0, 0]);
    packet.extend([0xD5; 160]);
    packet.extend([0, 0, 0, 4]);
    packet
}

fn rtcp() -> Vec<u8> {
    let mut packet = vec![0x81, 200, 0, 12];
    packet.extend([7; 48]);
    packet.extend([0x81, 202, 0, 2, 0, 0, 0, 9, 1, 1, b'x', 0]);
    packet.extend([0x81, 203, 0, 1, 0, 0, 0, 9]);
    packet
}

#[test]
fn packets_of_any_shape_leave_the_thread_alive_and_the_call_heard() {
    let plane = plane();
    let Call { mut a, mut b, .. } = call(&plane, Codec::Pcma, Codec::Pcmu);
    let mut rtcp_port = a.to;
    rtcp_port.set_port(a.to.port() + 1);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2000));
    let strategy = (any::<bool>(), mutated(rtp()), mutated(rtcp()));
    runner
        .run(&strategy, |(to_rtcp, rtp, rtcp)| {
            a.rtp.send_to(&rtp, a.to).unwrap();
            let (socket, to) = if to_rtcp {
                (&a.rtcp, rtcp_port)
            } else {
                (&a.rtp, a.to)
            };
            socket.send_to(&rtcp, to).unwrap();
            Ok(())
        })
        .unwrap();
    for length in [0, 1, 2, 11, 12, 13, 2047, 2048, 9000] {
        a.rtp.send_to(&vec![0x80; length], a.to).unwrap();
        a.rtcp.send_to(&vec![0x80; length], rtcp_port).unwrap();
    }
    talk(&mut [&mut a, &mut b], Duration::from_millis(100));
    assert!(plane.stats().dropped_malformed > 100, "{:?}", plane.stats());
    b.heard.clear();

    a.voice = vec![700.0];
    talk(&mut [&mut a, &mut b], Duration::from_millis(400));
    assert!(analysis::contains(&b.take_audio()[800..2400], 700.0, 3.0));
}
