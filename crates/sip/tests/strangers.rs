//! Peers that keep to the letter of the RFCs where few do, and peers that do not: messages after the descriptions of RFC
//! 4475, repetitions, branches that are used twice, calls that somebody wants to take over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use bytes::Bytes;
use common::{ANSWER, Lab, OFFER, flow, ms, names, request, response, tag_of};
use ponte_sip::{Credentials, Event, Flow, HeaderName, Message, OutgoingCall, Transport, UaConfig};

fn text(message: &Message, name: HeaderName) -> String {
    String::from_utf8_lossy(message.header(name).unwrap_or_default()).into_owned()
}

/// An INVITE of the peer with other words in it.
fn bent(replacements: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::from_utf8(request("INVITE", 1, "", "", OFFER)).unwrap();
    for (from, to) in replacements {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text.into_bytes()
}

/// Whether the message makes a call.
fn rings(lab: &mut Lab, message: &[u8]) -> bool {
    lab.receive(message);
    let calls = lab.take_events();
    let called = calls.iter().any(|event| matches!(event, Event::IncomingCall(_)));
    for event in calls {
        if let Event::IncomingCall(call) = event {
            lab.ua.hang_up(lab.now, call.dialog, None).unwrap();
        }
    }
    lab.sent();
    lab.take_events();
    called
}

#[test]
fn valid_and_tortuous_messages_make_calls() {
    let long = "extremely".repeat(40);
    let rows: Vec<(&str, Vec<u8>)> = vec![
        (
            "white space, folding and odd parameters",
            bent(&[
                (
                    "Via: SIP/2.0/UDP 192.0.2.2:5060;branch=",
                    "v:  SIP  / 2.0  / UDP     192.0.2.2:5060  ;\r\n  branch  =   ",
                ),
                ("Max-Forwards: 70", "Max-Forwards: 0068"),
                ("CSeq: 1 INVITE", "CSeq: 0001\r\n  INVITE"),
                ("To: <sip:b@192.0.2.1>", "TO :\r\n sip:b@192.0.2.1 ;  x = y"),
                (
                    "Contact: <sip:a@192.0.2.2:5060>",
                    "m:\"Quoted string \\\"\\\"\" <sip:a@192.0.2.2> ; newparam =\r\n  newvalue ;\r\n  secondparam ; q = 0.33",
                ),
                (
                    "Content-Type",
                    "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\nUnknownHeaderWithUnusualValue: ;;,,;;,;\r\nc",
                ),
            ]),
        ),
        (
            "every character that may stand in a URI, a name and a Call-ID",
            bent(&[
                (
                    "INVITE sip:b@192.0.2.1 SIP",
                    "INVITE sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP",
                ),
                (
                    "<sip:b@192.0.2.1>",
                    "\"BEL:\\\u{7} NUL:\\\u{1} DEL:\\\u{7f}\" <sip:1_unusual.URI~(to-be!sure)@example.com>",
                ),
                (
                    "Call-ID: peer-call@192.0.2.2",
                    "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
                ),
                ("tag=remote", "tag=_token~1'+`*%!-."),
            ]),
        ),
        (
            "an escaped null",
            bent(&[
                ("INVITE sip:b@", "INVITE sip:null-%00-null@"),
                ("<sip:b@", "<sip:null-%00-null@"),
            ]),
        ),
        (
            "no blank before the bracket",
            bent(&[("\"A\" <sip:a@", "caller<sip:a@")]),
        ),
        (
            "a name that is no token",
            bent(&[("\"A\" <sip:a@", "Bell, Alexander <sip:a@")]),
        ),
        (
            "long values",
            bent(&[
                ("tag=remote", &format!("tag=remote;{long}={long}")),
                ("<sip:a@192.0.2.2>", &format!("<sip:a@192.0.2.2;{long}={long}>")),
                ("Max-Forwards", &format!("{long}: {long}\r\nMax-Forwards")),
            ]),
        ),
        (
            "a semicolon in the user",
            bent(&[("INVITE sip:b@", "INVITE sip:user;par=u%40example.net@")]),
        ),
        (
            "unknown and other transports below",
            bent(&[(
                "Max-Forwards",
                "Via: SIP/2.0/SCTP a.example;branch=z9hG4bK1, SIP/2.0/UNKNOWN [2001:db8::1]:99;branch=z9hG4bK2;maddr=192.0.2.9\r\nMax-Forwards",
            )]),
        ),
        (
            "a branch that is nothing but its cookie",
            bent(&[("z9hG4bK-INVITE-1", "z9hG4bK")]),
        ),
        (
            "a caller of RFC 2543",
            bent(&[
                (";branch=z9hG4bK-INVITE-1;rport", ""),
                (";tag=remote", ""),
                ("Max-Forwards: 70\r\n", ""),
            ]),
        ),
        (
            "an emergency service",
            bent(&[
                ("INVITE sip:b@192.0.2.1 SIP", "INVITE urn:service:sos.fire SIP"),
                ("<sip:b@192.0.2.1>", "<urn:service:sos.fire>"),
            ]),
        ),
        (
            "a number with its context",
            bent(&[(
                "INVITE sip:b@192.0.2.1 SIP",
                "INVITE tel:7042;isub=12;phone-context=example.com SIP",
            )]),
        ),
        ("inside TLS, it says", bent(&[("INVITE sip:", "INVITE sips:")])),
        (
            "a Proxy-Require, which is for proxies",
            bent(&[("Max-Forwards", "Proxy-Require: nothing, more\r\nMax-Forwards")]),
        ),
        (
            "every type is welcome",
            bent(&[("Max-Forwards", "Accept: text/plain, */*;q=0.1\r\nMax-Forwards")]),
        ),
        (
            "a date of no zone",
            bent(&[(
                "Max-Forwards",
                "Date: Fri, 01 Jan 2010 16:00:00 EST\r\nMax-Forwards",
            )]),
        ),
    ];
    for (name, message) in rows {
        let mut lab = Lab::new();
        assert!(rings(&mut lab, &message), "{name}");
        lab.now = lab.now + ms(60_000);
        lab.pass(ms(60_000));
        lab.called();
    }
}

#[test]
fn invalid_messages_are_refused_with_the_status_that_fits() {
    let rows: Vec<(&str, Vec<u8>, u16)> = vec![
        (
            "separators without values",
            bent(&[(
                "Max-Forwards",
                "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\nMax-Forwards",
            )]),
            400,
        ),
        (
            "headers in the Request-URI",
            bent(&[(
                "INVITE sip:b@192.0.2.1 SIP",
                "INVITE sip:b@192.0.2.1?Route=%3Csip:example.com%3E SIP",
            )]),
            400,
        ),
        (
            "no type that we speak",
            bent(&[("Max-Forwards", "Accept: text/nobodyKnowsThis\r\nMax-Forwards")]),
            406,
        ),
        (
            "an empty Accept",
            bent(&[("Max-Forwards", "Accept:\r\nMax-Forwards")]),
            406,
        ),
        (
            "a scheme with a dot",
            bent(&[(
                "INVITE sip:b@192.0.2.1 SIP",
                "INVITE soap.beep://192.0.2.103:3002 SIP",
            )]),
            416,
        ),
        ("an escaped method", bent(&[("INVITE", "INVIT%45")]), 501),
        (
            "a method of every character",
            bent(&[("INVITE", "!interesting-Method0123456789_*+`.%indeed'~")]),
            501,
        ),
        (
            "another version",
            bent(&[(" SIP/2.0\r\nVia", " SIP/7.0\r\nVia")]),
            505,
        ),
        (
            "several of all",
            bent(&[(
                "CSeq: 1 INVITE",
                "CSeq: 1 INVITE\r\nCSeq: 5 OPTIONS\r\nMax-Forwards: 5",
            )]),
            400,
        ),
        (
            "a Replaces without tags",
            bent(&[("Max-Forwards", "Replaces: 98asjd8@x\r\nMax-Forwards")]),
            400,
        ),
        (
            "two Replaces",
            bent(&[(
                "Max-Forwards",
                "Replaces: a;to-tag=1;from-tag=2\r\nReplaces: b;to-tag=1;from-tag=2\r\nMax-Forwards",
            )]),
            400,
        ),
        (
            "a Replaces of nobody's call",
            bent(&[(
                "Max-Forwards",
                "Replaces: a;to-tag=00000000deadbeef;from-tag=2\r\nMax-Forwards",
            )]),
            481,
        ),
    ];
    for (name, message, status) in rows {
        let mut lab = Lab::new();
        let sent = lab.receive_raw(&message);
        assert_eq!(sent.len(), 1, "{name}: {sent:?}");
        assert!(
            sent[0].starts_with(&format!("SIP/2.0 {status} ")),
            "{name}: {}",
            sent[0]
        );
        assert!(lab.take_events().is_empty(), "{name}");
        lab.called();
    }
}

#[test]
fn a_stream_needs_to_be_told_where_a_message_ends() {
    let mut lab = Lab::new();
    lab.flow = Flow {
        transport: Transport::Tcp,
        ..flow(1, 2)
    };
    let text = String::from_utf8(request("OPTIONS", 1, "", "", b"")).unwrap();
    let text = text.replace("Content-Length: 0\r\n", "");
    assert_eq!(
        lab.receive_raw(text.as_bytes()),
        ["SIP/2.0 400 Missing Content-Length"]
    );
    lab.called();
}

#[test]
fn a_repeated_refusal_is_the_same_refusal() {
    let mut lab = Lab::new();
    let refused = request("INVITE", 1, "", "Require: nothing\r\n", OFFER);
    let first = lab.receive(&refused).remove(0);
    let again = lab.receive(&refused).remove(0);
    assert_eq!(tag_of(&first), tag_of(&again), "RFC 3261 8.2.7");
    let other = lab
        .receive(request("INVITE", 2, "", "Require: nothing\r\n", OFFER))
        .remove(0);
    assert_ne!(tag_of(&first), tag_of(&other));
}

#[test]
fn a_repeated_cancel_and_its_invite_bear_one_tag() {
    let mut lab = Lab::new();
    lab.receive(request("INVITE", 1, "", "", OFFER));
    let first = lab.receive(request("CANCEL", 1, "", "", b""));
    assert_eq!(names(&first), ["200", "487"]);
    let again = lab.receive(request("CANCEL", 1, "", "", b""));
    assert_eq!(names(&again), ["200"]);
    let tags: Vec<_> = first.iter().chain(&again).map(tag_of).collect();
    assert!(tags.iter().all(|tag| *tag == tags[0]), "{tags:?}");
}

#[test]
fn repetitions_within_a_call_get_the_same_answer_and_do_nothing() {
    let mut lab = Lab::new();
    let (_, accepted) = lab.called();
    let tag = tag_of(&accepted);
    let rows: Vec<(Vec<u8>, &str)> = vec![
        (
            request(
                "INFO",
                2,
                &tag,
                "Content-Type: application/dtmf-relay\r\n",
                b"Signal=5\r\nDuration=160\r\n",
            ),
            "200",
        ),
        (request("OPTIONS", 3, &tag, "", b""), "200"),
        (
            request("MESSAGE", 4, &tag, "Content-Type: text/plain\r\n", b"hello"),
            "405",
        ),
        (request("TELEPORT", 5, &tag, "", b""), "501"),
        (
            request(
                "UPDATE",
                6,
                &tag,
                "Supported: timer\r\nSession-Expires: 10\r\n",
                b"",
            ),
            "422",
        ),
        (
            request("INVITE", 7, &tag, "Content-Type: text/plain\r\n", b"hello"),
            "415",
        ),
        (request("INVITE", 8, &tag, "", b"nonsense"), "488"),
        (request("PRACK", 9, &tag, "RAck: 1 1 INVITE\r\n", b""), "481"),
        (
            request(
                "INFO",
                10,
                &tag,
                "Info-Package: nothing\r\nContent-Type: text/plain\r\n",
                b"x",
            ),
            "469",
        ),
    ];
    for (message, status) in rows {
        assert_eq!(names(&lab.receive(&message)), [status]);
        assert_eq!(names(&lab.receive(&message)), [status], "again");
    }
    let keys = lab.take_events();
    assert!(matches!(keys[..], [Event::Dtmf { signal: '5', .. }]), "{keys:?}");
    assert_eq!(
        names(&lab.receive(request("INFO", 3, &tag, "", b""))),
        ["500"],
        "an old number"
    );
    assert_eq!(names(&lab.receive(request("BYE", 11, &tag, "", b""))), ["200"]);
}

#[test]
fn what_an_options_is_told_within_a_call_and_outside() {
    let mut lab = Lab::new();
    let outside = lab.receive(request("OPTIONS", 1, "", "", b"")).remove(0);
    let (_, accepted) = lab.called();
    let within = lab
        .receive(request("OPTIONS", 2, &tag_of(&accepted), "", b""))
        .remove(0);
    for answer in [outside, within] {
        assert!(answer.has_token(HeaderName::Allow, "UPDATE"));
        assert!(answer.has_token(HeaderName::Supported, "100rel"));
        assert_eq!(text(&answer, HeaderName::Accept), "application/sdp");
    }
}

#[test]
fn a_branch_that_is_used_twice_hides_no_call() {
    let mut lab = Lab::new();
    lab.receive(request("INVITE", 1, "", "", OFFER));
    let other = bent(&[
        ("Call-ID: peer-call", "Call-ID: other-call"),
        ("tag=remote", "tag=other"),
    ]);
    assert_eq!(names(&lab.receive(other)), ["100"]);
    assert_eq!(lab.take_events().len(), 2);
}

#[test]
fn a_proxy_may_come_again_after_a_refusal() {
    let mut lab = Lab::new();
    lab.receive(request("INVITE", 1, "", "", OFFER));
    let Event::IncomingCall(call) = lab.take_events().remove(0) else {
        panic!()
    };
    lab.ua.respond(lab.now, call.dialog, 486, "", None, &[]).unwrap();
    lab.sent();
    lab.take_events();
    let next = bent(&[
        ("z9hG4bK-INVITE-1", "z9hG4bK-next"),
        ("INVITE sip:b@", "INVITE sip:c@"),
    ]);
    assert_eq!(names(&lab.receive(next)), ["100"]);
    assert!(matches!(lab.take_events()[..], [Event::IncomingCall(_)]));
}

#[test]
fn an_answer_for_somebody_else_is_not_ours() {
    let mut lab = Lab::new();
    let (_, invite) = lab.invite();
    let strayed = String::from_utf8(response(&invite, 200, "b1", "", ANSWER)).unwrap();
    let strayed = strayed.replacen("From:", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\nFrom:", 1);
    assert!(lab.receive(strayed).is_empty());
    assert!(lab.take_events().is_empty());
    assert_eq!(
        names(&lab.receive(response(&invite, 200, "b1", "", ANSWER))),
        ["ACK"]
    );
}

#[test]
fn a_call_of_ours_is_not_taken_over_and_goes_on() {
    let mut lab = Lab::new();
    let (_, accepted) = lab.called();
    let tag = tag_of(&accepted);
    let take = |cseq: u32, from: &str, more: &str| {
        let replaces = format!("Replaces: peer-call@192.0.2.2;to-tag={tag};from-tag={from}{more}\r\n");
        let text = String::from_utf8(request("INVITE", cseq, "", &replaces, OFFER)).unwrap();
        text.replace("Call-ID: peer-call", "Call-ID: thief").into_bytes()
    };
    assert_eq!(names(&lab.receive(take(20, "remote", ""))), ["603"]);
    assert_eq!(names(&lab.receive(take(21, "remote", ";early-only"))), ["486"]);
    assert_eq!(names(&lab.receive(take(22, "another", ""))), ["481"]);
    let required = request("INVITE", 23, "", "Require: replaces\r\n", OFFER);
    assert_eq!(names(&lab.receive(required)), ["420"]);
    assert!(lab.take_events().is_empty());
    assert_eq!(names(&lab.receive(request("BYE", 2, &tag, "", b""))), ["200"]);
    assert!(matches!(lab.take_events()[..], [Event::Ended { .. }]));
}

#[test]
fn a_call_inside_tls_is_given_an_address_inside_tls() {
    let mut lab = Lab::new();
    lab.flow = Flow {
        transport: Transport::Tls,
        ..flow(1, 2)
    };
    let invite = bent(&[("INVITE sip:", "INVITE sips:"), ("SIP/2.0/UDP", "SIP/2.0/TLS")]);
    lab.receive(invite);
    let Event::IncomingCall(call) = lab.take_events().remove(0) else {
        panic!()
    };
    lab.ua.respond(lab.now, call.dialog, 180, "", None, &[]).unwrap();
    let ringing = lab.sent().remove(0);
    assert!(
        text(&ringing, HeaderName::Contact).starts_with("<sips:b@"),
        "{}",
        text(&ringing, HeaderName::Contact)
    );
}

fn with_password(lab: &mut Lab) -> Message {
    let call = OutgoingCall {
        credentials: Some(Credentials {
            username: "bob".into(),
            password: "pw".into(),
            realm: None,
        }),
        ..common::outgoing(lab.flow)
    };
    lab.ua.invite(lab.now, call).unwrap();
    lab.sent().remove(0)
}

#[test]
fn every_challenge_is_answered_and_none_for_ever() {
    // A registrar and a proxy with realms of their own, one of them of RFC 2069, one with a session's algorithm.
    let mut lab = Lab::new();
    let mut invite = with_password(&mut lab);
    let steps = [
        (407, "Proxy-Authenticate: Digest realm=\"edge\", nonce=\"n1\"\r\n"),
        (
            401,
            "WWW-Authenticate: Digest realm=\"core\", nonce=\"n2\", qop=\"auth\", algorithm=SHA-256-sess\r\n",
        ),
    ];
    for (status, challenge) in steps {
        let sent = lab.receive(response(&invite, status, "t", challenge, b""));
        assert_eq!(names(&sent), ["ACK", "INVITE"], "{challenge}");
        invite = sent.into_iter().nth(1).unwrap();
    }
    let proxy = text(&invite, HeaderName::ProxyAuthorization);
    let own = text(&invite, HeaderName::Authorization);
    assert!(
        proxy.contains("realm=\"edge\"") && !proxy.contains("qop"),
        "{proxy}"
    );
    assert!(
        own.contains("realm=\"core\"") && own.contains("algorithm=SHA-256-sess"),
        "{own}"
    );
    assert_eq!(
        names(&lab.receive(response(&invite, 200, "b1", "", ANSWER))),
        ["ACK"]
    );
    lab.take_events();

    // A server that finds every nonce stale.
    let mut lab = Lab::new();
    let mut invite = with_password(&mut lab);
    let mut attempts = 1;
    for turn in 0..20 {
        let challenge =
            format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"s{turn}\", stale=true, qop=\"auth\"\r\n");
        let sent = lab.receive(response(&invite, 401, "t", &challenge, b""));
        let Some(next) = sent.into_iter().nth(1) else {
            break;
        };
        invite = next;
        attempts += 1;
    }
    assert!(attempts <= 4, "{attempts} attempts");
    assert!(matches!(lab.take_events()[..], [Event::Ended { .. }]));
}

#[test]
fn a_strict_router_is_served_as_it_wants() {
    let mut lab = Lab::new();
    let (id, invite) = lab.invite();
    let routes = "Record-Route: <sip:192.0.2.2;lr>, <sip:192.0.2.2:5062>\r\nContact: <sip:b@192.0.2.7>\r\n";
    let answer = String::from_utf8(response(&invite, 200, "b1", routes, ANSWER)).unwrap();
    let answer = answer.replacen("Contact: <sip:b@192.0.2.2:5060>\r\n", "", 1);
    let ack = lab.receive(answer).remove(0);
    // The last that recorded is the first on the way back: it is strict, so it is the target.
    assert_eq!(ack.request_uri(), b"sip:192.0.2.2:5062");
    let route: Vec<_> = ack.values(HeaderName::Route).map(<[u8]>::to_vec).collect();
    assert_eq!(
        route,
        [b"<sip:192.0.2.2;lr>".to_vec(), b"<sip:b@192.0.2.7>".to_vec()]
    );
    lab.ua.hang_up(lab.now, id, None).unwrap();
    assert_eq!(lab.sent().remove(0).request_uri(), b"sip:192.0.2.2:5062");
}

#[test]
fn a_gap_between_reliable_responses_waits_for_what_is_missing() {
    let mut lab = Lab::new();
    let (_, invite) = lab.invite();
    let reliable = |status, rseq: u32| {
        response(
            &invite,
            status,
            "b1",
            &format!("Require: 100rel\r\nRSeq: {rseq}\r\n"),
            b"",
        )
    };
    assert_eq!(names(&lab.receive(reliable(180, 7))), ["PRACK"]);
    assert!(lab.receive(reliable(183, 9)).is_empty(), "one is missing");
    assert_eq!(names(&lab.receive(reliable(182, 8))), ["PRACK"]);
    assert_eq!(names(&lab.receive(reliable(183, 9))), ["PRACK"]);
}

#[test]
fn a_caller_may_have_its_whole_table_of_calls_and_no_more() {
    let mut lab = Lab::with(UaConfig {
        max_dialogs: 1,
        ..UaConfig::default()
    });
    lab.receive(request("INVITE", 1, "", "", OFFER));
    let other = bent(&[
        ("Call-ID: peer-call", "Call-ID: second"),
        ("z9hG4bK-INVITE-1", "z9hG4bK-2"),
    ]);
    assert_eq!(names(&lab.receive(other)), ["503"]);
    let Event::IncomingCall(call) = lab.take_events().remove(0) else {
        panic!()
    };
    let answer = Some(Bytes::from_static(ANSWER));
    lab.ua
        .respond(lab.now, call.dialog, 200, "", answer, &[])
        .unwrap();
    assert_eq!(names(&lab.sent()), ["200"]);
}
