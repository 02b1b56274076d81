//! Offers of ours within a call: one at a time, after a glare, in a refresh.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use bytes::Bytes;
use common::{ANSWER, Lab, OFFER, ms, names, request, request_to_caller, response, tag_of};
use ponte_sip::{Event, Method, SipError};

#[test]
fn after_a_glare_no_offer_goes_before_its_wait_is_over() {
    let mut lab = Lab::new();
    let (id, invite) = lab.established("");
    lab.ua.reinvite(lab.now, id, Bytes::from_static(OFFER)).unwrap();
    let ours = lab.sent().remove(0);
    assert_eq!(
        lab.ua.reinvite(lab.now, id, Bytes::from_static(OFFER)),
        Err(SipError::OfferPending)
    );
    let theirs = request_to_caller(&invite, "INVITE", 5, "b1", "", OFFER);
    assert_eq!(names(&lab.receive(theirs)), ["491"]);
    assert_eq!(names(&lab.receive(response(&ours, 491, "", "", b""))), ["ACK"]);
    assert!(matches!(
        &lab.take_events()[..],
        [Event::OfferFailed { status: 491, .. }]
    ));
    // We own the Call-ID: between 2.1 and 4 s.
    lab.pass(ms(2050));
    assert!(lab.take_events().is_empty());
    assert_eq!(
        lab.ua.reinvite(lab.now, id, Bytes::from_static(OFFER)),
        Err(SipError::OfferPending)
    );
    lab.pass(ms(2000));
    assert!(matches!(&lab.take_events()[..], [Event::OfferPossible { .. }]));
    lab.ua.reinvite(lab.now, id, Bytes::from_static(ANSWER)).unwrap();
    let again = lab.sent().remove(0);
    assert_eq!(again.body(), Bytes::from_static(ANSWER));
    assert_eq!(
        names(&lab.receive(response(&again, 200, "", "", ANSWER))),
        ["ACK"]
    );
    assert!(matches!(&lab.take_events()[..], [Event::OfferAnswered { .. }]));
}

#[test]
fn an_offer_that_must_wait_is_possible_once_the_peers_is_settled() {
    let mut lab = Lab::new();
    let (id, invite) = lab.established("");
    // The peer's offer comes first: ours has to wait for the answer, and for its ACK.
    lab.receive(request_to_caller(&invite, "INVITE", 5, "b1", "", OFFER));
    assert_eq!(
        lab.ua.reinvite(lab.now, id, Bytes::from_static(OFFER)),
        Err(SipError::OfferPending)
    );
    lab.take_events();
    lab.ua
        .answer_offer(lab.now, id, Bytes::from_static(ANSWER))
        .unwrap();
    lab.sent();
    assert!(lab.take_events().is_empty());
    lab.receive(request_to_caller(&invite, "ACK", 5, "b1", "", b""));
    assert!(matches!(&lab.take_events()[..], [Event::OfferPossible { .. }]));
    // Told once: the next wait is told again, and so is the end of a refusal.
    lab.receive(request_to_caller(&invite, "INVITE", 6, "b1", "", OFFER));
    assert_eq!(
        lab.ua.reinvite(lab.now, id, Bytes::from_static(OFFER)),
        Err(SipError::OfferPending)
    );
    lab.take_events();
    lab.ua.reject_offer(lab.now, id, 488, &[]).unwrap();
    lab.sent();
    assert!(matches!(&lab.take_events()[..], [Event::OfferPossible { .. }]));
    lab.ua.reinvite(lab.now, id, Bytes::from_static(OFFER)).unwrap();
}

#[test]
fn an_offer_waits_for_a_refresh_of_ours() {
    let mut lab = Lab::new();
    let (id, _) = lab.established("Session-Expires: 600;refresher=uac\r\n");
    let refresh = lab.pass(ms(301_000)).remove(0);
    assert_eq!(refresh.method(), Some(&Method::Invite));
    assert_eq!(
        lab.ua.reinvite(lab.now, id, Bytes::from_static(OFFER)),
        Err(SipError::OfferPending)
    );
    lab.take_events();
    lab.receive(response(&refresh, 500, "", "", b""));
    assert!(matches!(&lab.take_events()[..], [Event::OfferPossible { .. }]));
}

#[test]
fn an_offer_of_ours_waits_for_the_ack_to_our_answer() {
    let mut lab = Lab::new();
    lab.receive(request("INVITE", 1, "", "", OFFER));
    let Event::IncomingCall(call) = lab.take_events().remove(0) else {
        panic!("no call")
    };
    let id = call.dialog;
    let offer = || Bytes::from_static(OFFER);
    assert_eq!(lab.ua.reinvite(lab.now, id, offer()), Err(SipError::WrongState));
    let answer = Some(Bytes::from_static(ANSWER));
    lab.ua.respond(lab.now, id, 200, "", answer, &[]).unwrap();
    let accepted = lab.sent().remove(0);
    assert_eq!(lab.ua.reinvite(lab.now, id, offer()), Err(SipError::OfferPending));
    lab.receive(request("ACK", 1, &tag_of(&accepted), "", b""));
    assert!(matches!(
        lab.take_events()[..],
        [Event::Confirmed { .. }, Event::OfferPossible { .. }]
    ));
    lab.ua.reinvite(lab.now, id, offer()).unwrap();
    // What it asks for meanwhile crosses it.
    let theirs = request("INVITE", 2, &tag_of(&accepted), "", OFFER);
    assert!(names(&lab.receive(theirs)).contains(&"491".to_owned()));
}

#[test]
fn a_refresh_repeats_what_was_agreed_last() {
    let mut lab = Lab::new();
    let timer = "Session-Expires: 600;refresher=uac\r\n";
    let (id, _) = lab.established(timer);
    let held: &[u8] = b"v=0\r\ns=held\r\n";
    for (offer, status, agreed) in [
        (held, 488, OFFER),
        (held, 200, held),
        (OFFER, 500, held),
        (OFFER, 200, OFFER),
    ] {
        lab.ua
            .reinvite(lab.now, id, Bytes::copy_from_slice(offer))
            .unwrap();
        let reinvite = lab.sent().remove(0);
        let (headers, body) = if status == 200 {
            (timer, ANSWER)
        } else {
            ("", &b""[..])
        };
        lab.receive(response(&reinvite, status, "", headers, body));
        let refresh = lab
            .pass(ms(301_000))
            .into_iter()
            .find(|sent| sent.method() == Some(&Method::Invite))
            .unwrap();
        assert_eq!(refresh.body(), Bytes::copy_from_slice(agreed), "after {status}");
        lab.receive(response(&refresh, 200, "", timer, ANSWER));
        lab.take_events();
    }
}

#[test]
fn a_refused_reinvite_leaves_the_call_up_and_481_ends_it() {
    let mut lab = Lab::new();
    let (id, _) = lab.established("");
    for (status, ends) in [(488, false), (481, true)] {
        lab.ua.reinvite(lab.now, id, Bytes::from_static(OFFER)).unwrap();
        let reinvite = lab.sent().remove(0);
        let sent = lab.receive(response(&reinvite, status, "", "", b""));
        assert_eq!(names(&sent), if ends { vec!["ACK", "BYE"] } else { vec!["ACK"] });
        let events = lab.take_events();
        assert_eq!(matches!(&events[..], [Event::Ended { .. }]), ends, "{events:?}");
        assert_eq!(
            matches!(&events[..], [Event::OfferFailed { status: 488, .. }]),
            !ends,
            "{events:?}"
        );
    }
}

#[test]
fn a_reinvite_that_is_never_answered_is_cancelled_and_given_up() {
    // The peer ends it when it is told to.
    let mut lab = Lab::new();
    let (id, invite) = lab.established("");
    lab.ua.reinvite(lab.now, id, Bytes::from_static(OFFER)).unwrap();
    let ours = lab.sent().remove(0);
    lab.receive(response(&ours, 100, "", "", b""));
    assert!(lab.pass(ms(59_000)).is_empty());
    let cancel = lab.pass(ms(1100)).remove(0);
    assert_eq!(cancel.method(), Some(&Method::Cancel));
    lab.receive(response(&cancel, 200, "", "", b""));
    assert_eq!(names(&lab.receive(response(&ours, 487, "", "", b""))), ["ACK"]);
    assert!(matches!(
        &lab.take_events()[..],
        [Event::OfferFailed { status: 487, .. }]
    ));

    // It says nothing of that either, and takes the offer when nobody waits for it any more.
    lab.ua.reinvite(lab.now, id, Bytes::from_static(OFFER)).unwrap();
    let ours = lab.sent().remove(0);
    lab.receive(response(&ours, 100, "", "", b""));
    lab.pass(ms(60_100 + 32_100));
    assert!(matches!(&lab.take_events()[..], [Event::OfferFailed { .. }]));
    let late = lab.receive(response(&ours, 200, "", "", ANSWER));
    assert_eq!(names(&late), ["ACK"]);
    let theirs = request_to_caller(&invite, "INVITE", 5, "b1", "", OFFER);
    assert_eq!(names(&lab.receive(theirs)), ["100"]);
    assert!(matches!(&lab.take_events()[..], [Event::Offer { .. }]));
    assert_eq!(lab.ua.dialog_count(), 1);
}
