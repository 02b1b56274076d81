//! The branches of a forked INVITE: each counts, describes and moves for itself (RFC 3261 12.1.2, 13.2.2.4).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use bytes::Bytes;
use common::{ANSWER, Lab, names, request_to_caller, response};
use ponte_sip::{Event, HeaderName, Message};

const OTHER: &[u8] = b"v=0\r\no=- 3 1 IN IP4 192.0.2.3\r\ns=-\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n";

fn reliable(invite: &Message, tag: &str, sdp: &[u8]) -> Vec<u8> {
    response(invite, 183, tag, "Require: 100rel\r\nRSeq: 7\r\n", sdp)
}

#[test]
fn the_branch_that_answers_hangs_up_whatever_another_has_counted() {
    let mut lab = Lab::new();
    let (_, invite) = lab.invite();
    for tag in ["b1", "b2"] {
        assert_eq!(names(&lab.receive(reliable(&invite, tag, ANSWER))), ["PRACK"]);
    }
    // The numbers of two branches are those of two machines.
    let update = request_to_caller(&invite, "UPDATE", 90_000, "b1", "", b"");
    assert_eq!(names(&lab.receive(update)), ["200"]);
    let update = request_to_caller(&invite, "UPDATE", 20, "b2", "", b"");
    assert_eq!(names(&lab.receive(update)), ["200"]);
    assert_eq!(
        names(&lab.receive(response(&invite, 200, "b2", "", b""))),
        ["ACK"]
    );
    // In its own dialog the number goes up.
    let late = request_to_caller(&invite, "OPTIONS", 19, "b2", "", b"");
    assert_eq!(names(&lab.receive(late)), ["500"]);
    lab.take_events();
    let bye = request_to_caller(&invite, "BYE", 21, "b2", "", b"");
    assert_eq!(names(&lab.receive(bye)), ["200"]);
    assert!(matches!(lab.take_events()[..], [Event::Ended { .. }]));
}

#[test]
fn the_media_is_that_of_the_branch_that_answers() {
    for is_reliable in [true, false] {
        let mut lab = Lab::new();
        let (_, invite) = lab.invite();
        for (tag, sdp) in [("b1", ANSWER), ("b2", OTHER)] {
            lab.receive(if is_reliable {
                reliable(&invite, tag, sdp)
            } else {
                response(&invite, 183, tag, "", sdp)
            });
        }
        lab.take_events();
        // What was said once need not be said again, but another branch has spoken since.
        lab.receive(response(&invite, 200, "b1", "", b""));
        let [Event::Answered { sdp, .. }] = &lab.take_events()[..] else {
            panic!("not answered")
        };
        assert_eq!(sdp.as_deref(), Some(ANSWER), "reliable: {is_reliable}");
    }
}

#[test]
fn a_branch_that_moves_does_not_move_the_others() {
    let mut lab = Lab::new();
    let (id, invite) = lab.invite();
    for tag in ["b1", "b2"] {
        lab.receive(reliable(&invite, tag, ANSWER));
    }
    let moved = request_to_caller(&invite, "UPDATE", 5, "b1", "", b"");
    let moved = String::from_utf8(moved)
        .unwrap()
        .replace("<sip:b@192.0.2.2:5060>", "<sip:moved@192.0.2.9>");
    assert_eq!(names(&lab.receive(moved)), ["200"]);
    let answer = String::from_utf8(response(&invite, 200, "b2", "", b"")).unwrap();
    lab.receive(answer.replace("Contact: <sip:b@192.0.2.2:5060>\r\n", ""));
    lab.ua.hang_up(lab.now, id, None).unwrap();
    let bye = lab.sent().remove(0);
    assert_eq!(bye.request_uri(), b"sip:b@192.0.2.2:5060");
}

#[test]
fn a_long_way_is_gone_back_in_full() {
    let hops: Vec<String> = (1..=40).map(|hop| format!("<sip:198.51.100.{hop};lr>")).collect();
    let mut lab = Lab::new();
    let (id, invite) = lab.invite();
    // In one folded line, as long lists are written.
    let recorded = format!("Record-Route: {}\r\n", hops.join(",\r\n\t"));
    lab.receive(response(&invite, 200, "b1", &recorded, ANSWER));
    lab.ua.hang_up(lab.now, id, None).unwrap();
    let bye = lab.sent().remove(0);
    let routes: Vec<Bytes> = bye
        .values(HeaderName::Route)
        .map(Bytes::copy_from_slice)
        .collect();
    let expected: Vec<&[u8]> = hops.iter().rev().map(String::as_bytes).collect();
    assert_eq!(routes, expected);
}
