//! A re-INVITE that comes before the ACK to our 2xx, which was lost or overtaken (RFC 5407 3.1.4, 3.1.5).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use bytes::Bytes;
use common::{ANSWER, Lab, OFFER, ms, names, request, tag_of};
use ponte_sip::{DialogId, Event};

/// A call that came in with this body, and was answered with 200; our tag in it.
fn answered(lab: &mut Lab, body: &[u8]) -> (DialogId, String) {
    lab.receive(request("INVITE", 1, "", "", body));
    let Event::IncomingCall(call) = lab.take_events().remove(0) else {
        panic!("no call")
    };
    let answer = Some(Bytes::from_static(ANSWER));
    lab.ua
        .respond(lab.now, call.dialog, 200, "", answer, &[])
        .unwrap();
    (call.dialog, tag_of(&lab.sent()[0]))
}

#[test]
fn who_offers_anew_has_our_answer() {
    let mut lab = Lab::new();
    let (id, tag) = answered(&mut lab, OFFER);
    assert_eq!(
        names(&lab.receive(request("INVITE", 2, &tag, "", OFFER))),
        ["100"]
    );
    assert!(matches!(
        lab.take_events()[..],
        [
            Event::Confirmed { sdp: None, .. },
            Event::Offer { sdp: Some(_), .. }
        ]
    ));
    lab.ua
        .answer_offer(lab.now, id, Bytes::from_static(ANSWER))
        .unwrap();
    assert_eq!(names(&lab.sent()), ["200"]);
    // The first ACK, late, is not that of the second answer.
    assert!(lab.receive(request("ACK", 1, &tag, "", b"")).is_empty());
    let repeated = lab.pass(ms(600));
    assert_eq!(names(&repeated), ["200"]);
    assert_eq!(
        repeated[0].cseq().unwrap().0,
        2,
        "the first answer is not repeated any more"
    );
    lab.receive(request("ACK", 2, &tag, "", b""));
    assert!(lab.pass(ms(70_000)).is_empty());
    assert!(lab.take_events().is_empty());
    // The same within the call.
    lab.receive(request("INVITE", 3, &tag, "", OFFER));
    lab.ua
        .answer_offer(lab.now, id, Bytes::from_static(ANSWER))
        .unwrap();
    lab.sent();
    assert_eq!(
        names(&lab.receive(request("INVITE", 4, &tag, "", OFFER))),
        ["100"]
    );
    let events = lab.take_events();
    assert!(
        matches!(events[..], [Event::Offer { .. }, Event::Offer { .. }]),
        "{events:?}"
    );
}

#[test]
fn while_our_own_offer_waits_for_its_answer_another_one_crosses_it() {
    let mut lab = Lab::new();
    let (_, tag) = answered(&mut lab, b"");
    assert_eq!(
        names(&lab.receive(request("INVITE", 2, &tag, "", OFFER))),
        ["491"]
    );
    lab.receive(request("ACK", 1, &tag, "", ANSWER));
    let events = lab.take_events();
    assert!(
        matches!(events[..], [Event::Confirmed { sdp: Some(_), .. }]),
        "{events:?}"
    );
}

#[test]
fn a_call_that_is_to_end_takes_no_offer() {
    let mut lab = Lab::new();
    let (id, tag) = answered(&mut lab, OFFER);
    lab.ua.hang_up(lab.now, id, None).unwrap();
    assert_eq!(
        names(&lab.receive(request("INVITE", 2, &tag, "", OFFER))),
        ["500"]
    );
    assert_eq!(names(&lab.receive(request("ACK", 1, &tag, "", b""))), ["BYE"]);
}
