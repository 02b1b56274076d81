//! Offers that change nothing but the direction, and what answers tell of the peer's.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/sdp.rs"]
mod support;

use ponte_media::Direction;
use support::{ALL, C, EVENT, M, sdp, session, text};

/// Each description without its version and its direction.
fn but_for_direction(body: &[u8]) -> (Vec<String>, String) {
    let (mut rest, mut direction) = (Vec::new(), String::new());
    for line in text(body).lines() {
        match line {
            "a=sendrecv" | "a=sendonly" | "a=recvonly" | "a=inactive" => line.clone_into(&mut direction),
            _ if line.starts_with("o=") => rest.push("o=".to_owned()),
            _ => rest.push(line.to_owned()),
        }
    }
    (rest, direction)
}

#[test]
fn an_offer_of_another_direction_changes_nothing_else() {
    // What we answered, with one codec, the peer's event type and RTCP on the same port; and what we offered.
    let mut answered = session();
    let theirs = [
        "m=audio 4000 RTP/AVPF 0 8 97",
        "a=rtpmap:97 telephone-event/8000",
        "a=rtcp-mux",
        "m=video 5000 RTP/AVP 31",
    ];
    let said = answered
        .answer(&sdp(C, &theirs), Direction::SendRecv)
        .unwrap()
        .body;
    let mut offered = session();
    let first = offered.offer(Direction::SendRecv);
    offered.accept_answer(&sdp(C, &[M, EVENT])).unwrap();
    for (mut ours, said) in [(answered, said), (offered, first)] {
        let (unchanged, _) = but_for_direction(&said);
        for (wanted, name) in [
            (Direction::SendOnly, "a=sendonly"),
            (Direction::Inactive, "a=inactive"),
            (Direction::RecvOnly, "a=recvonly"),
            (Direction::SendRecv, "a=sendrecv"),
        ] {
            let offer = ours.offer_direction(wanted).unwrap();
            assert_eq!(but_for_direction(&offer), (unchanged.clone(), name.to_owned()));
        }
        let last = text(&ours.offer_direction(Direction::SendRecv).unwrap());
        assert!(last.contains("o=- 7 4 IN"), "each change is a version: {last}");
    }
    let mut silent = session();
    assert!(
        silent.offer_direction(Direction::SendOnly).is_none(),
        "nothing was said yet"
    );
    silent.answer(&sdp(C, &[M]), Direction::SendRecv).unwrap();
    silent
        .answer(&sdp(C, &["m=audio 0 RTP/AVP 8 0 101"]), Direction::SendRecv)
        .unwrap();
    assert!(
        silent.offer_direction(Direction::SendOnly).is_none(),
        "its audio was taken out"
    );
}

#[test]
fn a_direction_that_was_refused_limits_nothing() {
    let mut ours = session();
    ours.offer(Direction::SendRecv);
    ours.accept_answer(&sdp(C, &[M, EVENT])).unwrap();
    ours.offer_direction(Direction::SendOnly).unwrap();
    ours.offer_refused();
    // A session refresh repeats what stands.
    let refreshed = ours.accept_answer(&sdp(C, &[M, EVENT])).unwrap();
    assert_eq!(refreshed.direction, Direction::SendRecv);
    ours.offer_direction(Direction::SendOnly).unwrap();
    let held = ours.accept_answer(&sdp(C, &[M, EVENT, "a=recvonly"])).unwrap();
    assert_eq!(held.direction, Direction::SendOnly);
    ours.offer_direction(Direction::SendRecv).unwrap();
    ours.offer_refused();
    let refreshed = ours.accept_answer(&sdp(C, &[M, EVENT, "a=recvonly"])).unwrap();
    assert_eq!(refreshed.direction, Direction::SendOnly);
}

#[test]
fn an_answer_tells_what_the_peer_alone_allows() {
    for theirs in ALL {
        let line = match theirs {
            Direction::SendRecv => "a=sendrecv",
            Direction::SendOnly => "a=sendonly",
            Direction::RecvOnly => "a=recvonly",
            Direction::Inactive => "a=inactive",
        };
        let answer = session()
            .answer(&sdp(C, &[M, EVENT, line]), Direction::SendOnly)
            .unwrap();
        assert_eq!(answer.allowed, theirs.reversed());
        assert_eq!(
            answer.remote.direction,
            theirs.reversed().restricted_to(Direction::SendOnly)
        );
    }
    let zeros = sdp("c=IN IP4 0.0.0.0", &[M, EVENT]);
    let answer = session().answer(&zeros, Direction::SendOnly).unwrap();
    assert_eq!(
        (answer.allowed, answer.remote.direction),
        (Direction::RecvOnly, Direction::Inactive)
    );
}
