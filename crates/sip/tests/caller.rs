//! The calling side against a scripted peer: races, forks, challenges, timers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use bytes::Bytes;
use common::{ANSWER, Lab, OFFER, ms, names, outgoing, request_to_caller, response};
use ponte_sip::{Credentials, EndedBy, Event, HeaderName, Method, OutgoingRequest, Party, Reason, SipError};

fn header(message: &ponte_sip::Message, name: HeaderName) -> String {
    message.header_text(name).unwrap_or_default().into_owned()
}

#[test]
fn an_invite_that_nobody_answers_is_repeated_and_then_ends_with_408() {
    let mut lab = Lab::new();
    lab.invite();
    // Timer A doubles from T1: 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s.
    assert_eq!(lab.pass(ms(31_900)).len(), 6);
    assert!(lab.take_events().is_empty());
    lab.pass(ms(200));
    let [Event::Ended { cause, .. }] = &lab.take_events()[..] else {
        panic!()
    };
    assert_eq!(
        (cause.by, cause.status, cause.q850),
        (EndedBy::Timeout, Some(408), 102)
    );
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
fn progress_then_answer_then_their_bye() {
    let mut lab = Lab::new();
    let (_, invite) = lab.invite();
    assert!(lab.receive(response(&invite, 100, "", "", b"")).is_empty());
    assert!(lab.receive(response(&invite, 183, "b1", "", ANSWER)).is_empty());
    assert!(matches!(
        &lab.take_events()[..],
        [Event::Progress { status: 100, sdp: None, .. }, Event::Progress { status: 183, sdp: Some(_), tag, .. }]
            if tag == "b1"
    ));
    let ack = lab.receive(response(&invite, 200, "b1", "", ANSWER)).remove(0);
    assert_eq!(
        (names(std::slice::from_ref(&ack)), header(&ack, HeaderName::CSeq)),
        (vec!["ACK".into()], "1 ACK".into())
    );
    assert_eq!(ack.request_uri(), b"sip:b@192.0.2.2:5060");
    // A repeated 2xx is acknowledged again, and not told again.
    assert_eq!(
        names(&lab.receive(response(&invite, 200, "b1", "", ANSWER))),
        ["ACK"]
    );
    assert!(matches!(
        lab.take_events()[..],
        [Event::Answered { sdp: Some(_), .. }]
    ));
    let bye = request_to_caller(
        &invite,
        "BYE",
        9,
        "b1",
        "Reason: Q.850;cause=31;text=\"x\"\r\n",
        b"",
    );
    assert_eq!(names(&lab.receive(&bye)), ["200"]);
    assert_eq!(names(&lab.receive(&bye)), ["200"], "repeated");
    let [Event::Ended { cause, .. }] = &lab.take_events()[..] else {
        panic!()
    };
    assert_eq!((cause.by, cause.status, cause.q850), (EndedBy::Remote, None, 31));
    assert_eq!(lab.ua.dialog_count(), 0);
}

#[test]
fn a_refusal_is_acknowledged_and_its_cause_is_told() {
    let mut lab = Lab::new();
    let (_, invite) = lab.invite();
    let refusal = response(
        &invite,
        302,
        "b1",
        "Contact: <sip:c@h>;q=0.2, <sip:d@h>;q=0.9\r\nRetry-After: 30 (x)\r\n",
        b"",
    );
    assert_eq!(names(&lab.receive(&refusal)), ["ACK"]);
    assert_eq!(names(&lab.receive(&refusal)), ["ACK"], "repeated");
    let [Event::Ended { cause, .. }] = &lab.take_events()[..] else {
        panic!()
    };
    assert_eq!(
        (cause.status, cause.redirect.clone()),
        (Some(302), vec!["sip:d@h".into(), "sip:c@h".into()])
    );
    assert_eq!(cause.retry_after, Some(ms(30_000)));
    lab.pass(ms(40_000));
    assert_eq!(lab.ua.transaction_count(), 0);
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut lab = Lab::new();
    let (id, invite) = lab.invite();
    lab.ua
        .hang_up(lab.now, id, Some(Reason::sip(200, "Call completed elsewhere")))
        .unwrap();
    assert!(lab.sent().is_empty());
    assert!(matches!(&lab.take_events()[..], [Event::Ended { cause, .. }] if cause.by == EndedBy::Local));
    assert_eq!(lab.ua.hang_up(lab.now, id, None), Err(SipError::UnknownDialog));
    let cancel = lab.receive(response(&invite, 180, "b1", "", b"")).remove(0);
    assert_eq!(cancel.method(), Some(&Method::Cancel));
    assert_eq!(header(&cancel, HeaderName::Via), header(&invite, HeaderName::Via));
    assert!(header(&cancel, HeaderName::Reason).contains("cause=200"));
    assert!(lab.receive(response(&cancel, 200, "b1", "", b"")).is_empty());
    assert_eq!(
        names(&lab.receive(response(&invite, 487, "b1", "", b""))),
        ["ACK"]
    );
    assert_eq!((lab.ua.dialog_count(), lab.take_events().len()), (0, 0));
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut lab = Lab::new();
    let (id, invite) = lab.invite();
    lab.receive(response(&invite, 180, "b1", "", b""));
    lab.ua
        .hang_up(lab.now, id, Some(Reason::q850(16, "Normal")))
        .unwrap();
    assert_eq!(names(&lab.sent()), ["CANCEL"]);
    let sent = lab.receive(response(&invite, 200, "b1", "", ANSWER));
    assert_eq!(names(&sent), ["ACK", "BYE"]);
    assert!(header(&sent[1], HeaderName::Reason).starts_with("Q.850;cause=16"));
    lab.receive(response(&sent[1], 200, "", "", b""));
    assert_eq!(lab.ua.dialog_count(), 0);
    assert!(
        lab.take_events()
            .iter()
            .all(|event| !matches!(event, Event::Answered { .. }))
    );
}

#[test]
fn an_answer_whose_contact_is_no_address_is_ended_at_the_address_that_was_called() {
    for contact in ["*", "<sip:>", "<nowhere>"] {
        let mut lab = Lab::new();
        let (id, invite) = lab.invite();
        let answer = response(&invite, 200, "b1", "", ANSWER);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let from = answer.find("Contact: ").unwrap();
        let to = from + answer[from..].find("\r\n").unwrap();
        let answer = format!("{}Contact: {contact}{}", &answer[..from], &answer[to..]);
        let ack = lab.receive(answer.into_bytes());
        assert_eq!(names(&ack), ["ACK"]);
        lab.ua.hang_up(lab.now, id, None).unwrap();
        let bye = lab.sent().remove(0);
        for request in [&ack[0], &bye] {
            assert_eq!(request.request_uri(), invite.request_uri(), "{contact}");
        }
    }
}

#[test]
fn a_cancelled_invite_without_final_answer_is_given_up() {
    let mut lab = Lab::new();
    let (id, invite) = lab.invite();
    lab.receive(response(&invite, 180, "b1", "", b""));
    lab.ua.hang_up(lab.now, id, None).unwrap();
    let cancel = lab.sent().remove(0);
    lab.receive(response(&cancel, 200, "", "", b""));
    lab.pass(ms(33_000));
    assert_eq!((lab.ua.dialog_count(), lab.ua.transaction_count()), (0, 0));
}

#[test]
fn the_second_answer_of_a_fork_is_ended() {
    let mut lab = Lab::new();
    let (_, invite) = lab.invite();
    lab.receive(response(&invite, 180, "b1", "", b""));
    lab.receive(response(&invite, 180, "b2", "", b""));
    assert_eq!(
        names(&lab.receive(response(&invite, 200, "b1", "", ANSWER))),
        ["ACK"]
    );
    let sent = lab.receive(response(&invite, 200, "b2", "", ANSWER));
    assert_eq!(names(&sent), ["ACK", "BYE"]);
    assert_eq!(common::tag_of(&sent[1]), "b2");
    assert_eq!(
        names(&lab.receive(response(&invite, 200, "b2", "", ANSWER))),
        ["ACK"],
        "repeated: no second BYE"
    );
    lab.receive(response(&sent[1], 200, "", "", b""));
    assert_eq!(lab.ua.dialog_count(), 1, "the first stays");
    let answered = lab
        .take_events()
        .iter()
        .filter(|event| matches!(event, Event::Answered { .. }))
        .count();
    assert_eq!(answered, 1);
}

#[test]
fn a_fork_that_answers_after_the_call_is_over_is_ended_too() {
    let mut lab = Lab::new();
    let (id, invite) = lab.established("");
    lab.ua.hang_up(lab.now, id, None).unwrap();
    let bye = lab.sent().remove(0);
    lab.receive(response(&bye, 200, "", "", b""));
    assert_eq!(lab.ua.dialog_count(), 0);
    assert_eq!(
        names(&lab.receive(response(&invite, 200, "late", "", ANSWER))),
        ["ACK", "BYE"]
    );
}

#[test]
fn reliable_provisional_responses_are_acknowledged_once_and_in_order() {
    let mut lab = Lab::new();
    let (_, invite) = lab.invite();
    let reliable = |rseq: u32, sdp| {
        response(
            &invite,
            183,
            "b1",
            &format!("Require: 100rel\r\nRSeq: {rseq}\r\n"),
            sdp,
        )
    };
    let prack = lab.receive(reliable(50, ANSWER)).remove(0);
    assert_eq!(
        (prack.method(), header(&prack, HeaderName::RAck)),
        (Some(&Method::Prack), "50 1 INVITE".into())
    );
    assert!(lab.receive(reliable(50, ANSWER)).is_empty(), "repeated");
    assert!(lab.receive(reliable(52, b"")).is_empty(), "ahead of its turn");
    lab.receive(response(&prack, 200, "", "", b""));
    assert_eq!(names(&lab.receive(reliable(51, b""))), ["PRACK"]);
    assert_eq!(lab.take_events().len(), 2);
    lab.receive(response(&invite, 200, "b1", "", b""));
    assert!(
        matches!(lab.take_events()[..], [Event::Answered { sdp: None, .. }]),
        "the answer came with the 183"
    );
}

#[test]
fn a_challenge_is_answered_and_a_wrong_password_not_tried_again() {
    let mut lab = Lab::new();
    let mut call = outgoing(lab.flow);
    call.credentials = Some(Credentials {
        username: "u".into(),
        password: "p".into(),
        realm: None,
    });
    lab.ua.invite(lab.now, call.clone()).unwrap();
    let invite = lab.sent().remove(0);
    let challenge = |nonce: &str| {
        format!(
            "Proxy-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\", algorithm=SHA-256, qop=\"auth,auth-int\"\r\n"
        )
    };
    let sent = lab.receive(response(&invite, 407, "b1", &challenge("n1"), b""));
    assert_eq!(names(&sent), ["ACK", "INVITE"]);
    let again = &sent[1];
    assert!(header(again, HeaderName::ProxyAuthorization).contains("nc=00000001"));
    assert_eq!(
        (header(again, HeaderName::CSeq), again.call_id()),
        ("2 INVITE".into(), invite.call_id())
    );
    let ack = lab.receive(response(again, 200, "b1", "", ANSWER)).remove(0);
    assert_eq!(
        header(&ack, HeaderName::ProxyAuthorization),
        header(again, HeaderName::ProxyAuthorization)
    );
    // The next call goes out with the nonce at once; a server that forgot it is answered, but not twice.
    lab.ua.invite(lab.now, call).unwrap();
    let next = lab.sent().remove(0);
    assert!(header(&next, HeaderName::ProxyAuthorization).contains("nc=00000002"));
    let sent = lab.receive(response(&next, 407, "b1", &challenge("n2"), b""));
    assert_eq!(names(&sent), ["ACK", "INVITE"]);
    assert_eq!(
        names(&lab.receive(response(&sent[1], 407, "b1", &challenge("n3"), b""))),
        ["ACK"]
    );
    assert!(
        matches!(lab.take_events().last(), Some(Event::Ended { cause, .. }) if cause.status == Some(407))
    );
}

#[test]
fn a_session_interval_that_is_too_small_is_raised_once() {
    let mut lab = Lab::new();
    let (_, invite) = lab.invite();
    let sent = lab.receive(response(&invite, 422, "b1", "Min-SE: 3600\r\n", b""));
    assert_eq!(names(&sent), ["ACK", "INVITE"]);
    assert_eq!(
        (
            header(&sent[1], HeaderName::SessionExpires),
            header(&sent[1], HeaderName::MinSe)
        ),
        ("3600".into(), "3600".into())
    );
    assert_eq!(
        names(&lab.receive(response(&sent[1], 422, "b1", "Min-SE: 7200\r\n", b""))),
        ["ACK"]
    );
}

#[test]
fn the_session_is_refreshed_by_update_or_else_by_reinvite() {
    let mut lab = Lab::new();
    lab.established("Allow: INVITE, UPDATE\r\nSession-Expires: 600;refresher=uac\r\n");
    assert!(lab.pass(ms(299_000)).is_empty());
    let update = lab.pass(ms(1500)).remove(0);
    assert_eq!(
        (update.method(), update.body_is_empty()),
        (Some(&Method::Update), true)
    );
    let sent = lab.receive(response(&update, 501, "", "", b""));
    assert_eq!(
        (names(&sent), sent[0].body()),
        (vec!["INVITE".into()], Bytes::from_static(OFFER))
    );
    let ok = response(
        &sent[0],
        200,
        "",
        "Session-Expires: 600;refresher=uac\r\n",
        ANSWER,
    );
    assert_eq!(names(&lab.receive(ok)), ["ACK"]);
    // Now the peer says nothing any more: the refresh is not answered, and the call ends.
    lab.take_events();
    lab.pass(ms(300_000 + 33_000));
    assert!(matches!(&lab.take_events()[..], [Event::Ended { cause, .. }] if cause.by == EndedBy::Timeout));
}

#[test]
fn a_session_that_the_peer_does_not_refresh_ends_by_bye() {
    let mut lab = Lab::new();
    lab.established("Session-Expires: 90;refresher=uas\r\n");
    assert!(lab.pass(ms(59_000)).is_empty());
    assert_eq!(names(&lab.pass(ms(1100))), ["BYE"]);
    assert!(matches!(&lab.take_events()[..], [Event::Ended { cause, .. }] if cause.by == EndedBy::Timeout));
}

#[test]
fn bye_crossing_bye() {
    let mut lab = Lab::new();
    let (id, invite) = lab.established("");
    lab.ua.hang_up(lab.now, id, None).unwrap();
    let bye = lab.sent().remove(0);
    assert_eq!(
        names(&lab.receive(request_to_caller(&invite, "BYE", 5, "b1", "", b""))),
        ["200"]
    );
    lab.receive(response(&bye, 481, "", "", b""));
    assert_eq!((lab.ua.dialog_count(), lab.take_events().len()), (0, 1));
}

#[test]
fn registering_again_needs_no_second_round_trip() {
    let mut lab = Lab::new();
    let register = |flow| OutgoingRequest {
        flow,
        method: Method::Register,
        request_uri: "sip:192.0.2.2".into(),
        from: Party::new("sip:20@example.com"),
        to: Party::new("sip:20@example.com"),
        route: Vec::new(),
        contact_user: Some("20".into()),
        expires: Some(3600),
        headers: Vec::new(),
        body: None,
        credentials: Some(Credentials {
            username: "20".into(),
            password: "p".into(),
            realm: None,
        }),
    };
    lab.ua.send_request(lab.now, register(lab.flow)).unwrap();
    let first = lab.sent().remove(0);
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n";
    let second = lab.receive(response(&first, 401, "t", challenge, b"")).remove(0);
    let contact = header(&second, HeaderName::Contact);
    let ok = format!("Contact: <sip:other@h>;expires=9\r\nContact: {contact};expires=1800\r\n");
    lab.receive(response(&second, 200, "t", &ok, b""));
    let [Event::Response(info)] = &lab.take_events()[..] else {
        panic!()
    };
    assert_eq!((info.status, info.expires), (200, Some(1800)));
    lab.ua.send_request(lab.now, register(lab.flow)).unwrap();
    let third = lab.sent().remove(0);
    assert_eq!(
        (third.call_id(), header(&third, HeaderName::CSeq)),
        (first.call_id(), "3 REGISTER".into())
    );
    assert!(header(&third, HeaderName::Authorization).contains("nc=00000002"));
    lab.pass(ms(33_000));
    assert!(matches!(lab.take_events()[..], [Event::Timeout { .. }]));
}

#[test]
fn a_broken_flow_fails_what_waits_on_it_and_spares_what_is_up() {
    let mut lab = Lab::new();
    let (id, _) = lab.established("");
    lab.invite();
    let flow = lab.flow;
    lab.ua.flow_failed(lab.now, &flow);
    lab.sent();
    assert!(matches!(&lab.take_events()[..], [Event::Ended { cause, .. }] if cause.by == EndedBy::Transport));
    assert!(lab.ua.dialog_snapshot(id).is_some());
}

#[test]
fn a_dialog_lives_on_after_a_crash() {
    let mut lab = Lab::new();
    let (id, invite) = lab.established("Record-Route: <sip:192.0.2.7;lr>\r\n");
    let stored = serde_json::to_string(&lab.ua.dialog_snapshot(id).unwrap()).unwrap();
    let mut after = Lab::new();
    let id = after
        .ua
        .restore_dialog(after.now, serde_json::from_str(&stored).unwrap())
        .unwrap();
    let update = request_to_caller(&invite, "UPDATE", 3, "b1", "", b"");
    assert_eq!(names(&after.receive(update)), ["200"]);
    after.ua.hang_up(after.now, id, None).unwrap();
    let bye = after.sent().remove(0);
    assert_eq!(
        (bye.call_id(), common::tag_of(&bye)),
        (invite.call_id(), "b1".into())
    );
    assert_eq!(header(&bye, HeaderName::Route), "<sip:192.0.2.7;lr>");
    assert!(bye.cseq().unwrap().0 > 60_000);
}

#[test]
fn what_would_break_a_message_is_refused() {
    let mut lab = Lab::new();
    let good = outgoing(lab.flow);
    let mut call = good.clone();
    call.request_uri = "sip:b@h\r\nX: y".into();
    assert_eq!(lab.ua.invite(lab.now, call), Err(SipError::InvalidUri));
    for (name, value) in [
        ("Via", "x"),
        ("X\r\n", "x"),
        ("X", "a\r\nb"),
        ("", "x"),
        ("Require", "x"),
    ] {
        let mut call = good.clone();
        call.headers.push((name.into(), value.into()));
        assert_eq!(
            lab.ua.invite(lab.now, call),
            Err(SipError::InvalidHeader),
            "{name}"
        );
    }
    assert!(lab.sent().is_empty());
}

#[test]
fn an_answer_that_nobody_remembers_is_acknowledged_and_ended() {
    let mut before = Lab::new();
    let (_, invite) = before.invite();
    let answer = response(&invite, 200, "b1", "", ANSWER);
    // The process that sent the INVITE is gone.
    let mut after = Lab::new();
    let sent = after.receive(&answer);
    assert_eq!(names(&sent), ["ACK", "BYE"]);
    assert_eq!(header(&sent[0], HeaderName::CSeq), "1 ACK");
    assert_eq!(header(&sent[1], HeaderName::CSeq), "2 BYE");
    assert_eq!(
        header(&sent[1], HeaderName::CallId),
        header(&invite, HeaderName::CallId)
    );
    // Repeated because the ACK was lost: acknowledged, and not ended twice.
    assert_eq!(names(&after.receive(&answer)), ["ACK"]);
    assert!(after.take_events().is_empty());
    after.receive(response(&sent[1], 200, "b1", "", b""));
    after.pass(ms(70_000));
    assert_eq!((after.ua.dialog_count(), after.ua.transaction_count()), (0, 0));
    // One that does not say where it is is ended at the address that was called.
    let answer = String::from_utf8(answer).unwrap();
    let mut after = Lab::new();
    let sent = after.receive(answer.replace("Contact: <sip:b@192.0.2.2:5060>\r\n", ""));
    assert_eq!(names(&sent), ["ACK", "BYE"]);
    assert_eq!(sent[1].request_uri(), b"sip:b@example.com");
}

#[test]
fn a_flood_of_forged_answers_is_not_multiplied() {
    let mut lab = Lab::new();
    let mut sent = 0;
    for n in 0..1_000 {
        let (_, invite) = Lab::new().invite();
        let forged = String::from_utf8(response(&invite, 200, "b1", "", ANSWER)).unwrap();
        let tag = String::from_utf8(invite.from().unwrap().tag().unwrap().to_vec()).unwrap();
        sent += lab
            .receive(
                forged
                    .replace(&tag, &format!("{n:016x}"))
                    .replace("z9hG4bK", "z9hG4bKx"),
            )
            .len();
    }
    assert_eq!(sent, 100, "an ACK and a BYE for each of 50 answers a second");
}
