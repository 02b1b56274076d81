//! The called side against a scripted peer: responses, ACK, CANCEL, PRACK, offers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use bytes::Bytes;
use common::{ANSWER, Lab, OFFER, ms, names, request, response, tag_of};
use ponte_sip::{DialogId, EndedBy, Event, HeaderName, Method, Reason, SipError, UaConfig};

fn incoming(lab: &mut Lab, headers: &str, sdp: &[u8]) -> DialogId {
    assert_eq!(
        names(&lab.receive(request("INVITE", 1, "", headers, sdp))),
        ["100"]
    );
    let Event::IncomingCall(call) = lab.take_events().remove(0) else {
        panic!("no call")
    };
    call.dialog
}

#[allow(clippy::unnecessary_wraps)]
fn sdp() -> Option<Bytes> {
    Some(Bytes::from_static(ANSWER))
}

#[test]
fn a_2xx_is_repeated_until_its_ack() {
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "", OFFER);
    lab.ua.respond(lab.now, id, 180, "", None, &[]).unwrap();
    assert_eq!(
        lab.ua.respond(lab.now, id, 200, "", None, &[]),
        Err(SipError::WrongState),
        "no description yet"
    );
    lab.ua.respond(lab.now, id, 200, "", sdp(), &[]).unwrap();
    let sent = lab.sent();
    assert_eq!(names(&sent), ["180", "200"]);
    assert_eq!(names(&lab.pass(ms(3600))), ["200", "200", "200"]);
    let ack = request("ACK", 1, &tag_of(&sent[1]), "", b"");
    lab.receive(&ack);
    lab.receive(&ack);
    assert!(matches!(
        lab.take_events()[..],
        [Event::Confirmed { sdp: None, .. }]
    ));
    assert!(lab.pass(ms(60_000)).is_empty());
}

#[test]
fn an_invitation_ends_with_487_when_the_caller_waits_no_longer() {
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "Expires: 5\r\n", OFFER);
    lab.ua.respond(lab.now, id, 180, "", None, &[]).unwrap();
    assert_eq!(names(&lab.pass(ms(4_900))), ["180"]);
    let sent = lab.pass(ms(200));
    assert_eq!(names(&sent), ["487"]);
    assert!(matches!(
        &lab.take_events()[..],
        [Event::Ended { cause, .. }] if cause.by == EndedBy::Remote && cause.status == Some(487)
    ));
    lab.receive(request("ACK", 1, &tag_of(&sent[0]), "", b""));
    assert_eq!(lab.ua.dialog_count(), 0);
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "Expires: 5\r\n", OFFER);
    lab.ua.respond(lab.now, id, 200, "", sdp(), &[]).unwrap();
    assert!(names(&lab.pass(ms(6_000))).iter().all(|name| name == "200"));
}

#[test]
fn a_2xx_without_ack_ends_by_bye() {
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "", OFFER);
    lab.ua.respond(lab.now, id, 200, "", sdp(), &[]).unwrap();
    let sent = lab.pass(ms(32_100));
    assert_eq!(names(&sent).last().unwrap(), "BYE");
    assert!(matches!(&lab.take_events()[..], [Event::Ended { cause, .. }] if cause.by == EndedBy::Timeout));
    lab.pass(ms(70_000));
    assert_eq!(
        (
            lab.ua.dialog_count(),
            lab.ua.transaction_count(),
            lab.ua.poll_timeout()
        ),
        (0, 0, None)
    );
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "", OFFER);
    lab.ua
        .hang_up(lab.now, id, Some(Reason::q850(17, "busy")))
        .unwrap();
    let refusal = lab.sent().remove(0);
    assert_eq!(
        (refusal.status(), refusal.header(HeaderName::Reason).is_some()),
        (Some(486), true)
    );
    assert_eq!(names(&lab.pass(ms(1600))), ["486", "486"]);
    assert_eq!(
        names(&lab.receive(request("INVITE", 1, "", "", OFFER))),
        ["486"],
        "repeated INVITE"
    );
    // The ACK to a refusal belongs to the INVITE's transaction and shares its branch.
    let ack = String::from_utf8(request("ACK", 1, &tag_of(&refusal), "", b"")).unwrap();
    lab.receive(ack.replace("z9hG4bK-ACK", "z9hG4bK-INVITE"));
    assert!(lab.pass(ms(60_000)).is_empty());
    assert_eq!((lab.take_events().len(), lab.ua.transaction_count()), (1, 0));
}

#[test]
fn cancel_ends_an_unanswered_call_and_spares_an_answered_one() {
    let mut lab = Lab::new();
    incoming(&mut lab, "", OFFER);
    let cancel = request(
        "CANCEL",
        1,
        "",
        "Reason: SIP;cause=200;text=\"elsewhere\"\r\n",
        b"",
    );
    assert_eq!(names(&lab.receive(&cancel)), ["200", "487"]);
    let [Event::Ended { cause, .. }] = &lab.take_events()[..] else {
        panic!()
    };
    assert_eq!(
        (cause.by, cause.status, cause.reasons.len()),
        (EndedBy::Remote, Some(487), 1)
    );

    let mut lab = Lab::new();
    let id = incoming(&mut lab, "", OFFER);
    lab.ua.respond(lab.now, id, 200, "", sdp(), &[]).unwrap();
    lab.sent();
    assert_eq!(names(&lab.receive(&cancel)), ["200"]);
    assert!(lab.take_events().is_empty());
    assert!(lab.ua.dialog_snapshot(id).is_some());
}

#[test]
fn a_bye_before_the_answer_ends_the_call_as_well() {
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "", OFFER);
    lab.ua.respond(lab.now, id, 180, "", None, &[]).unwrap();
    let tag = tag_of(&lab.sent()[0]);
    assert_eq!(
        names(&lab.receive(request("BYE", 2, &tag, "", b""))),
        ["200", "487"]
    );
    assert_eq!(lab.take_events().len(), 1);
}

#[test]
fn hanging_up_before_the_ack_waits_for_it() {
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "", OFFER);
    lab.ua.respond(lab.now, id, 200, "", sdp(), &[]).unwrap();
    let tag = tag_of(&lab.sent()[0]);
    lab.ua.hang_up(lab.now, id, None).unwrap();
    assert!(lab.sent().is_empty());
    assert_eq!(names(&lab.receive(request("ACK", 1, &tag, "", b""))), ["BYE"]);
    assert!(matches!(&lab.take_events()[..], [Event::Ended { cause, .. }] if cause.by == EndedBy::Local));
}

#[test]
fn reliable_responses_go_one_by_one_and_hold_the_answer_back() {
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "Require: 100rel\r\n", OFFER);
    lab.ua.respond(lab.now, id, 183, "", sdp(), &[]).unwrap();
    lab.ua.respond(lab.now, id, 180, "", None, &[]).unwrap();
    lab.ua.respond(lab.now, id, 200, "", None, &[]).unwrap();
    let sent = lab.sent();
    assert_eq!(names(&sent), ["183"]);
    assert!(sent[0].has_token(HeaderName::Require, "100rel"));
    assert_eq!(names(&lab.pass(ms(600))), ["183"], "repeated");
    let tag = tag_of(&sent[0]);
    let rseq: u32 = sent[0].header_text(HeaderName::RSeq).unwrap().parse().unwrap();
    let prack = |cseq, rseq: u32| request("PRACK", cseq, &tag, &format!("RAck: {rseq} 1 INVITE\r\n"), b"");
    assert_eq!(names(&lab.receive(prack(2, rseq + 9))), ["481"]);
    assert_eq!(names(&lab.receive(prack(3, rseq))), ["200", "180"]);
    let sent = lab.receive(prack(4, rseq + 1));
    assert_eq!(names(&sent), ["200", "200"]);
    assert!(sent[1].body_is_empty(), "the answer went with the 183");
}

#[test]
fn a_reliable_response_that_nobody_acknowledges_ends_the_call() {
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "Require: 100rel\r\n", OFFER);
    lab.ua.respond(lab.now, id, 180, "", None, &[]).unwrap();
    let sent = lab.pass(ms(32_100));
    assert_eq!(names(&sent).last().unwrap(), "504");
    assert!(matches!(&lab.take_events()[..], [Event::Ended { cause, .. }] if cause.by == EndedBy::Timeout));
}

#[test]
fn ringing_is_repeated_each_minute_and_not_for_ever() {
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "", OFFER);
    lab.ua.respond(lab.now, id, 180, "", None, &[]).unwrap();
    lab.sent();
    assert_eq!(names(&lab.pass(ms(121_000))), ["180", "180"]);
    let sent = lab.pass(ms(200_000));
    assert!(names(&sent).contains(&"480".to_owned()));
    assert_eq!(lab.ua.dialog_count(), 0);
}

#[test]
fn an_invite_without_offer_gets_ours_and_the_ack_brings_the_answer() {
    let mut lab = Lab::new();
    let id = incoming(&mut lab, "", b"");
    assert_eq!(
        lab.ua.respond(lab.now, id, 200, "", None, &[]),
        Err(SipError::WrongState)
    );
    lab.ua.respond(lab.now, id, 200, "", sdp(), &[]).unwrap();
    let tag = tag_of(&lab.sent()[0]);
    lab.receive(request("ACK", 1, &tag, "", OFFER));
    assert!(matches!(
        lab.take_events()[..],
        [Event::Confirmed { sdp: Some(_), .. }]
    ));
}

#[test]
fn offers_within_the_call() {
    let mut lab = Lab::new();
    let (id, accepted) = lab.called();
    let tag = tag_of(&accepted);
    // With an offer.
    assert_eq!(
        names(&lab.receive(request("INVITE", 2, &tag, "", OFFER))),
        ["100"]
    );
    assert!(matches!(
        lab.take_events()[..],
        [Event::Offer { sdp: Some(_), .. }]
    ));
    assert_eq!(
        names(&lab.receive(request("INVITE", 3, &tag, "", OFFER))),
        ["500"],
        "one at a time"
    );
    lab.ua
        .answer_offer(lab.now, id, Bytes::from_static(ANSWER))
        .unwrap();
    assert_eq!(names(&lab.sent()), ["200"]);
    lab.receive(request("ACK", 2, &tag, "", b""));
    assert!(lab.take_events().is_empty());
    // Without one.
    assert_eq!(names(&lab.receive(request("INVITE", 4, &tag, "", b""))), ["100"]);
    assert!(matches!(lab.take_events()[..], [Event::Offer { sdp: None, .. }]));
    lab.ua
        .answer_offer(lab.now, id, Bytes::from_static(ANSWER))
        .unwrap();
    lab.sent();
    lab.receive(request("ACK", 4, &tag, "", OFFER));
    assert!(matches!(lab.take_events()[..], [Event::OfferAnswered { .. }]));
    // By UPDATE, and refused.
    assert!(lab.receive(request("UPDATE", 5, &tag, "", OFFER)).is_empty());
    lab.ua.reject_offer(lab.now, id, 488, &[]).unwrap();
    assert_eq!(names(&lab.sent()), ["488"]);
    assert_eq!(
        lab.ua.answer_offer(lab.now, id, Bytes::from_static(ANSWER)),
        Err(SipError::WrongState)
    );
    // Cancelled.
    lab.receive(request("INVITE", 6, &tag, "", OFFER));
    assert_eq!(
        names(&lab.receive(request("CANCEL", 6, "", "", b""))),
        ["200", "487"]
    );
    // Out of order.
    let late = lab.receive(request("UPDATE", 5, &tag, "X: y\r\n", b""));
    assert_eq!(names(&late), ["488"], "a repetition gets the same response");
    let late = lab.receive(request("INFO", 4, &tag, "", b""));
    assert_eq!(
        (names(&late), late[0].header(HeaderName::RetryAfter).is_some()),
        (vec!["500".into()], true)
    );
    assert_eq!(names(&lab.receive(request("BYE", 7, &tag, "", b""))), ["200"]);
}

#[test]
fn session_timers_as_the_called_side() {
    let mut lab = Lab::new();
    let headers = "Supported: timer\r\nSession-Expires: 100;refresher=uas\r\n";
    let id = incoming(&mut lab, headers, OFFER);
    lab.ua.respond(lab.now, id, 200, "", sdp(), &[]).unwrap();
    let accepted = lab.sent().remove(0);
    assert_eq!(
        accepted.header_text(HeaderName::SessionExpires).unwrap(),
        "100;refresher=uas"
    );
    lab.receive(request("ACK", 1, &tag_of(&accepted), "", b""));
    let sent = lab.pass(ms(50_100));
    assert_eq!(names(&sent), ["INVITE"], "the peer does not allow UPDATE");
    assert_eq!(
        sent[0].header_text(HeaderName::SessionExpires).unwrap(),
        "100;refresher=uac"
    );
    lab.receive(response(&sent[0], 200, "", "", ANSWER));
    assert!(lab.pass(ms(200_000)).is_empty(), "the peer turned it off");
}

#[test]
fn keys_by_info() {
    let mut lab = Lab::new();
    let (_, accepted) = lab.called();
    let tag = tag_of(&accepted);
    for (cseq, kind, body, status) in [
        (2, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "200"),
        (3, "application/dtmf", "#", "200"),
        (4, "application/dtmf-relay", "Signal=11\r\n", "200"),
        (5, "application/dtmf-relay", "Signal=x\r\n", "400"),
        (6, "text/plain", "hello", "415"),
    ] {
        let info = request(
            "INFO",
            cseq,
            &tag,
            &format!("Content-Type: {kind}\r\n"),
            body.as_bytes(),
        );
        assert_eq!(names(&lab.receive(info)), [status], "{body}");
    }
    let keys: Vec<_> = lab
        .take_events()
        .into_iter()
        .map(|event| match event {
            Event::Dtmf { signal, duration, .. } => (signal, duration),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(keys, [('5', Some(ms(160))), ('#', None), ('#', None)]);
}

#[test]
fn handled_methods_reach_the_host() {
    let config = UaConfig {
        handled_methods: vec![Method::Register],
        ..UaConfig::default()
    };
    let mut lab = Lab::with(config);
    let register = request("REGISTER", 1, "", "Expires: 60\r\n", b"");
    assert!(lab.receive(&register).is_empty());
    let Event::Request(incoming) = lab.take_events().remove(0) else {
        panic!()
    };
    let headers = [(
        "Contact".to_owned(),
        "<sip:a@192.0.2.2:5060>;expires=60".to_owned(),
    )];
    lab.ua
        .respond_request(lab.now, incoming.id, 200, "", &headers, None)
        .unwrap();
    assert_eq!(names(&lab.sent()), ["200"]);
    assert_eq!(names(&lab.receive(&register)), ["200"], "repeated");
    assert_eq!(
        lab.ua.respond_request(lab.now, incoming.id, 200, "", &[], None),
        Err(SipError::UnknownRequest),
        "only one final response"
    );
    lab.pass(ms(33_000));
    assert_eq!(lab.ua.transaction_count(), 0);
}

#[test]
fn a_caller_that_only_supports_100rel_is_asked_for_prack_where_that_is_wanted() {
    for (wanted, expected) in [(false, None), (true, Some(b"100rel".as_slice()))] {
        let mut lab = Lab::with(UaConfig {
            reliable_where_supported: wanted,
            ..UaConfig::default()
        });
        let dialog = incoming(&mut lab, "Supported: 100rel\r\n", OFFER);
        lab.ua.respond(lab.now, dialog, 183, "", sdp(), &[]).unwrap();
        assert_eq!(lab.sent()[0].header(HeaderName::Require), expected);
    }
}

#[test]
fn a_refusal_tells_its_true_cause() {
    let mut lab = Lab::new();
    let dialog = incoming(&mut lab, "", OFFER);
    let reason = ("Reason".to_owned(), Reason::q850(17, "User busy").to_string());
    lab.ua.respond(lab.now, dialog, 486, "", None, &[reason]).unwrap();
    let refusal = lab.sent().remove(0);
    assert_eq!(refusal.status(), Some(486));
    assert_eq!(
        refusal.header(HeaderName::Reason),
        Some(b"Q.850;cause=17;text=\"User busy\"".as_slice())
    );
}
