//! REGISTER and what comes of it, with a telephone that answers challenges by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::telephone::{PASSWORD, REALM, Telephone, account, serve};
use common::{Lab, OFFER, address, names};
use ponte_sip::{Account, Binding, Event, Flow, HeaderName, Message, Method, Reason, Transport};

/// Contacts of a 200, as they stand there.
fn contacts(message: &Message) -> Vec<String> {
    message
        .lines(HeaderName::Contact)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

fn registrations(events: &[Event]) -> Vec<(&str, bool)> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Registration { account, registered } => Some((account.as_str(), *registered)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_telephone_registers_refreshes_and_leaves() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    let first = phone.send(&mut lab, "REGISTER", "Contact: <sip:desk-201@192.0.2.2>\r\n", b"");
    assert_eq!(first.status(), Some(401));
    let challenges: Vec<_> = first.lines(HeaderName::WwwAuthenticate).collect();
    assert_eq!(challenges.len(), 2, "both algorithms are offered");
    assert!(String::from_utf8_lossy(challenges[0]).contains("algorithm=SHA-256"));
    let ok = phone.register(&mut lab, "Contact: <sip:desk-201@192.0.2.2>\r\n");
    assert_eq!(ok.status(), Some(200));
    assert_eq!(contacts(&ok), ["<sip:desk-201@192.0.2.2>;expires=3600"]);
    let events = lab.take_events();
    assert_eq!(registrations(&events), [("desk-201", true)]);
    assert!(
        matches!(&events[0], Event::Bindings { account, bindings } if account == "desk-201" && bindings.len() == 1)
    );
    lab.pass(Duration::from_secs(1000));
    let ok = phone.register(&mut lab, "");
    assert_eq!(contacts(&ok), ["<sip:desk-201@192.0.2.2>;expires=2600"]);
    assert!(lab.take_events().is_empty(), "a query changes nothing");
    let ok = phone.register(&mut lab, "Contact: <sip:desk-201@192.0.2.2>;expires=0\r\n");
    assert_eq!((ok.status(), contacts(&ok).len()), (Some(200), 0));
    assert_eq!(registrations(&lab.take_events()), [("desk-201", false)]);
}

#[test]
fn a_binding_runs_out() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.register(
        &mut lab,
        "Contact: <sip:a@192.0.2.2>;expires=60, <sip:b@192.0.2.2>;expires=120\r\n",
    );
    lab.take_events();
    lab.pass(Duration::from_mins(1));
    assert_eq!(lab.ua.bindings("desk-201").len(), 1);
    assert_eq!(registrations(&lab.take_events()), []);
    lab.pass(Duration::from_mins(1));
    assert_eq!(registrations(&lab.take_events()), [("desk-201", false)]);
    assert_eq!(lab.ua.poll_timeout(), None, "nothing is left behind");
}

#[test]
fn another_account_may_not_be_registered() {
    let mut lab = serve(&["desk-201", "desk-202"]);
    let mut phone = Telephone::new("desk-201");
    phone.to = "desk-202".into();
    assert_eq!(
        phone
            .register(&mut lab, "Contact: <sip:x@192.0.2.2>\r\n")
            .status(),
        Some(403)
    );
    let mut phone = Telephone::new("desk-201");
    phone.from = "desk-202".into();
    assert_eq!(
        phone
            .register(&mut lab, "Contact: <sip:x@192.0.2.2>\r\n")
            .status(),
        Some(403)
    );
    assert!(lab.take_events().is_empty());
}

#[test]
fn a_wrong_password_or_name_is_challenged_again_then_met_with_silence_at_that_address_only() {
    let mut lab = serve(&["desk-201"]);
    for name in ["desk-201", "nobody"] {
        let mut guesser = Telephone::new(name);
        guesser.password = "guess".into();
        guesser.challenge(&mut lab);
        for attempt in 0..10 {
            let sent = guesser.send_all(&mut lab, "REGISTER", "Contact: <sip:x@192.0.2.2>\r\n", b"");
            assert_eq!(names(&sent), ["401"], "{name} {attempt}");
            let challenge = sent[0].header_text(HeaderName::WwwAuthenticate).unwrap();
            assert!(!challenge.contains("stale"), "{challenge}");
        }
        guesser.password = PASSWORD.into();
        assert!(
            guesser
                .send_all(&mut lab, "REGISTER", "Contact: <sip:x@192.0.2.2>\r\n", b"")
                .is_empty(),
            "even the right password hears nothing, or guessing would go on"
        );
    }
    let mut phone = Telephone::new("desk-201");
    lab.flow.remote = address(7);
    assert_eq!(
        phone
            .register(&mut lab, "Contact: <sip:x@192.0.2.7>\r\n")
            .status(),
        Some(200)
    );
    lab.flow.remote = address(2);
    lab.pass(Duration::from_secs(61));
    let mut phone = Telephone::new("desk-201");
    assert_eq!(
        phone
            .register(&mut lab, "Contact: <sip:x@192.0.2.2>\r\n")
            .status(),
        Some(200)
    );
}

#[test]
fn a_replayed_answer_is_stale_and_an_old_nonce_too() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.register(&mut lab, "Contact: <sip:a@192.0.2.2>\r\n");
    phone.replay = true;
    let refused = phone.send(&mut lab, "REGISTER", "Contact: <sip:evil@192.0.2.2>\r\n", b"");
    assert_eq!(refused.status(), Some(401));
    assert!(
        refused
            .header_text(HeaderName::WwwAuthenticate)
            .unwrap()
            .contains("stale=true")
    );
    phone.replay = false;
    lab.pass(Duration::from_secs(3601));
    let refused = phone.send(&mut lab, "REGISTER", "Contact: <sip:a@192.0.2.2>\r\n", b"");
    assert!(
        refused
            .header_text(HeaderName::WwwAuthenticate)
            .unwrap()
            .contains("stale=true")
    );
    assert!(lab.ua.bindings("desk-201").is_empty());
}

#[test]
fn a_nonce_of_before_a_restart_is_stale_for_who_knows_the_password() {
    let mut before = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.challenge(&mut before);
    let mut after = Lab::new();
    let mut config = ponte_sip::AccountsConfig::new(REALM, [99; 32]);
    config.max_guesses = 1;
    after.ua.serve_accounts(&config);
    after.ua.set_account(after.now, account("desk-201")).unwrap();
    let refused = phone.send(&mut after, "REGISTER", "Contact: <sip:a@192.0.2.2>\r\n", b"");
    assert!(
        refused
            .header_text(HeaderName::WwwAuthenticate)
            .unwrap()
            .contains("stale=true")
    );
    phone.password = "guess".into();
    let refused = phone.send(&mut after, "REGISTER", "Contact: <sip:a@192.0.2.2>\r\n", b"");
    assert!(
        !refused
            .header_text(HeaderName::WwwAuthenticate)
            .unwrap()
            .contains("stale=true"),
        "a wrong password is not told that it was right"
    );
}

#[test]
fn intervals_have_their_limits() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    let brief = phone.register(&mut lab, "Contact: <sip:a@192.0.2.2>\r\nExpires: 59\r\n");
    assert_eq!(brief.status(), Some(423));
    assert_eq!(
        brief.header(HeaderName::MinExpires),
        Some(b"60".as_slice()),
        "RFC 3261 10.3"
    );
    for (headers, given) in [
        ("Contact: <sip:a@192.0.2.2>\r\nExpires: 60\r\n", "60"),
        ("Contact: <sip:a@192.0.2.2>;expires=70\r\nExpires: 60\r\n", "70"),
        ("Contact: <sip:a@192.0.2.2>\r\nExpires: 86400\r\n", "3600"),
        ("Contact: <sip:a@192.0.2.2>;expires=99999999999\r\n", "3600"),
        ("Contact: <sip:a@192.0.2.2>;expires=soon\r\n", "3600"),
        ("Contact: sip:a@192.0.2.2;expires=90\r\n", "90"),
    ] {
        let ok = phone.register(&mut lab, headers);
        assert_eq!(
            contacts(&ok),
            [format!("<sip:a@192.0.2.2>;expires={given}")],
            "{headers}"
        );
    }
}

#[test]
fn a_late_register_changes_nothing() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.register(&mut lab, "Contact: <sip:a@192.0.2.2>\r\n");
    phone.cseq -= 1;
    for headers in [
        "Contact: <sip:new@192.0.2.2>, <sip:a@192.0.2.2>;expires=0\r\n",
        "Contact: *\r\nExpires: 0\r\n",
    ] {
        phone.cseq -= 1;
        let late = phone.send(&mut lab, "REGISTER", headers, b"");
        assert_eq!(late.status(), Some(500), "{headers}");
    }
    let left = lab.ua.bindings("desk-201");
    assert_eq!((left.len(), left[0].contact.as_str()), (1, "sip:a@192.0.2.2"));
    phone.cseq += 10;
    let ok = phone.register(&mut lab, "Contact: *\r\nExpires: 0\r\n");
    assert_eq!((ok.status(), contacts(&ok).len()), (Some(200), 0));
}

#[test]
fn contacts_that_make_no_sense_are_refused_whole() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    let many = "Contact: <sip:a@192.0.2.2>\r\n".repeat(11);
    for (headers, status) in [
        ("Contact: *\r\n".to_owned(), 400),
        ("Contact: *\r\nExpires: 60\r\n".into(), 400),
        ("Contact: *, <sip:a@192.0.2.2>\r\nExpires: 0\r\n".into(), 400),
        ("Contact: <sip:a@192.0.2.2>, <sip:b@[::g]>\r\n".into(), 400),
        ("Contact: <tel:+3902>\r\n".into(), 400),
        ("Contact: <http://a>\r\n".into(), 400),
        (format!("Contact: <sip:{}@h>\r\n", "a".repeat(600)), 400),
        (many, 403),
    ] {
        assert_eq!(
            phone.register(&mut lab, &headers).status(),
            Some(status),
            "{headers}"
        );
    }
    assert!(lab.ua.bindings("desk-201").is_empty());
    assert!(lab.take_events().is_empty());
}

#[test]
fn several_devices_share_an_account_up_to_a_limit() {
    let mut lab = serve(&["desk-201"]);
    for number in 0..12 {
        let mut phone = Telephone::new("desk-201");
        phone.call_id = format!("device-{number}");
        lab.pass(Duration::from_secs(1));
        let ok = phone.register(
            &mut lab,
            &format!("Contact: <sip:d{number}@192.0.2.2>;q=0.{number}\r\n"),
        );
        assert_eq!(ok.status(), Some(200));
    }
    let bindings = lab.ua.bindings("desk-201");
    assert_eq!(bindings.len(), 10);
    assert!(
        bindings
            .iter()
            .all(|binding| binding.contact != "sip:d0@192.0.2.2"),
        "the oldest made room"
    );
    assert_eq!(
        bindings[0].contact, "sip:d9@192.0.2.2",
        "the highest q goes first"
    );
    assert!(bindings.is_sorted_by_key(|binding| std::cmp::Reverse(binding.q)));
}

#[test]
fn an_instance_replaces_its_own_binding_and_no_other() {
    let mut lab = serve(&["desk-201"]);
    let with = |user: &str, instance: &str, more: &str| {
        format!("Contact: <sip:{user}@192.0.2.2>;+sip.instance=\"<urn:uuid:{instance}>\"{more}\r\n")
    };
    let mut phone = Telephone::new("desk-201");
    phone.register(&mut lab, &with("a", "1", ""));
    phone.call_id = "after-a-reboot".into();
    phone.register(&mut lab, &with("b", "1", ""));
    assert_eq!(lab.ua.bindings("desk-201").len(), 1, "the same instance");
    phone.register(&mut lab, &with("b", "2", ""));
    assert_eq!(lab.ua.bindings("desk-201").len(), 2, "another instance");
    let ok = phone.register(
        &mut lab,
        &(with("c", "3", ";reg-id=1") + "Supported: path, outbound\r\n"),
    );
    assert!(ok.has_token(HeaderName::Require, "outbound"));
    phone.register(
        &mut lab,
        &(with("c", "3", ";reg-id=2") + "Supported: path, outbound\r\n"),
    );
    assert_eq!(lab.ua.bindings("desk-201").len(), 4, "two flows of one instance");
    let ok = phone.register(&mut lab, "");
    assert!(
        contacts(&ok)
            .iter()
            .any(|contact| contact.contains(";+sip.instance=\"<urn:uuid:3>\";reg-id=2;expires=3600")),
        "{:?}",
        contacts(&ok)
    );
}

#[test]
fn a_call_to_a_binding_stays_on_its_flow() {
    let mut lab = serve(&["desk-201"]);
    let natted: SocketAddr = "203.0.113.9:40123".parse().unwrap();
    lab.flow.remote = natted;
    let mut phone = Telephone::new("desk-201");
    phone.register(&mut lab, "Contact: <sip:desk-201@192.168.1.20:5062>\r\n");
    let binding = lab.ua.bindings("desk-201").remove(0);
    assert_eq!(binding.flow.remote, natted);
    let mut call = common::outgoing(binding.flow);
    call.request_uri.clone_from(&binding.contact);
    let dialog = lab.ua.invite(lab.now, call).unwrap();
    let invite = lab.sent_to(natted).remove(0);
    assert_eq!(invite.request_uri(), b"sip:desk-201@192.168.1.20:5062");
    lab.flow.remote = natted;
    lab.ua.handle_message(
        lab.now,
        lab.flow,
        &common::response(&invite, 200, "t", "", common::ANSWER),
    );
    assert_eq!(
        names(&lab.sent_to(natted)),
        ["ACK"],
        "not to the Contact, which is another address"
    );
    lab.ua.hang_up(lab.now, dialog, None).unwrap();
    assert_eq!(names(&lab.sent_to(natted)), ["BYE"]);
}

#[test]
fn without_rport_requests_go_where_the_telephone_listens() {
    let mut lab = serve(&["desk-201"]);
    lab.flow.remote = "192.0.2.2:49152".parse().unwrap();
    let mut phone = Telephone::new("desk-201");
    phone.via = "192.0.2.2:5060".into();
    phone.rport = false;
    phone.register(&mut lab, "Contact: <sip:a@192.0.2.2>\r\n");
    assert_eq!(lab.ua.bindings("desk-201")[0].flow.remote, address(2));
}

#[test]
fn a_lost_connection_takes_its_bindings_along() {
    for transport in [Transport::Tcp, Transport::Tls] {
        let mut lab = serve(&["desk-201"]);
        let mut phone = Telephone::new("desk-201");
        phone.register(&mut lab, "Contact: <sip:udp@192.0.2.2>\r\n");
        lab.flow.transport = transport;
        phone.call_id = "stream".into();
        phone.register(&mut lab, "Contact: <sip:stream@192.0.2.2>\r\n");
        assert_eq!(lab.ua.bindings("desk-201").len(), 2);
        let lost: Flow = lab.flow;
        lab.take_events();
        lab.ua.flow_failed(lab.now, &lost);
        lab.sent();
        assert!(matches!(&lab.take_events()[..], [Event::Bindings { bindings, .. }] if bindings.len() == 1));
    }
}

#[test]
fn bindings_survive_a_restart_over_udp() {
    let mut before = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.register(&mut before, "Contact: <sip:udp@192.0.2.2>\r\n");
    before.flow.transport = Transport::Tcp;
    phone.call_id = "stream".into();
    phone.register(&mut before, "Contact: <sip:stream@192.0.2.2>\r\n");
    let Some(Event::Bindings { bindings, .. }) = before.take_events().pop() else {
        panic!("no bindings")
    };
    let stored = serde_json::to_string(&bindings).unwrap();
    let mut after = serve(&["desk-201"]);
    let mut restored: Vec<Binding> = serde_json::from_str(&stored).unwrap();
    for binding in &mut restored {
        binding.expires_at = after.now + Duration::from_secs(30);
    }
    after
        .ua
        .restore_bindings(after.now, "desk-201", restored)
        .unwrap();
    after.sent();
    let events = after.take_events();
    assert_eq!(registrations(&events), [("desk-201", true)]);
    assert_eq!(after.ua.bindings("desk-201").len(), 1);
    after.pass(Duration::from_secs(30));
    assert_eq!(registrations(&after.take_events()), [("desk-201", false)]);
}

#[test]
fn a_new_password_or_no_account_ends_the_bindings() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.register(&mut lab, "Contact: <sip:a@192.0.2.2>\r\n");
    lab.ua.set_account(lab.now, account("desk-201")).unwrap();
    assert_eq!(lab.ua.bindings("desk-201").len(), 1, "nothing changed");
    let changed = Account {
        ha1_md5: None,
        ..account("desk-201")
    };
    lab.ua.set_account(lab.now, changed).unwrap();
    assert!(lab.ua.bindings("desk-201").is_empty());
    lab.ua.remove_account(lab.now, "desk-201").unwrap();
    assert!(lab.ua.remove_account(lab.now, "desk-201").is_err());
    let refused = phone.register(&mut lab, "Contact: <sip:a@192.0.2.2>\r\n");
    assert_eq!(refused.status(), Some(401));
}

#[test]
fn t16_a_call_tells_the_proven_account_whatever_from_says() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.from = "boss".into();
    phone.to = "0212345".into();
    let first = phone.send(&mut lab, "INVITE", "Contact: <sip:a@192.0.2.2>\r\n", OFFER);
    assert_eq!(first.status(), Some(401));
    let sent = phone.send_all(&mut lab, "INVITE", "Contact: <sip:a@192.0.2.2>\r\n", OFFER);
    assert_eq!(names(&sent), ["100"]);
    let events = lab.take_events();
    let [Event::IncomingCall(call)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(call.account.as_deref(), Some("desk-201"));
    assert_eq!(call.from.uri, "sip:boss@example.com");
}

#[test]
fn a_trunk_is_not_challenged_and_a_stranger_is() {
    let mut lab = serve(&["desk-201"]);
    lab.ua.set_trusted(["192.0.2.2:5060".parse().unwrap()]);
    assert_eq!(
        names(&lab.receive(common::request("INVITE", 1, "", "", OFFER))),
        ["100"]
    );
    let events = lab.take_events();
    assert!(matches!(&events[..], [Event::IncomingCall(call)] if call.account.is_none()));
    lab.flow.remote = "192.0.2.2:5061".parse().unwrap();
    let other = String::from_utf8(common::request("INVITE", 2, "", "", OFFER)).unwrap();
    let other = other.replace("peer-call", "other-call");
    assert_eq!(
        names(&lab.receive(&other)),
        ["401"],
        "another port is another peer"
    );
    lab.ua.set_trusted(["192.0.2.2:0".parse().unwrap()]);
    assert_eq!(names(&lab.receive(&other)), ["100"], "port 0 is every port");
}

#[test]
fn without_accounts_register_is_not_allowed() {
    let mut lab = Lab::new();
    let mut phone = Telephone::new("desk-201");
    assert_eq!(phone.send(&mut lab, "REGISTER", "", b"").status(), Some(405));
    assert!(lab.ua.set_account(lab.now, account("desk-201")).is_err());
}

#[test]
fn an_account_is_offered_what_it_has_a_hash_for() {
    let mut lab = serve(&["desk-201"]);
    let old = Account {
        ha1_sha256: None,
        ..account("desk-202")
    };
    lab.ua.set_account(lab.now, old).unwrap();
    for (name, offered) in [("desk-201", 2), ("desk-202", 1), ("nobody", 2)] {
        let mut phone = Telephone::new(name);
        phone.sha256 = false;
        let challenge = phone.send(&mut lab, "REGISTER", "", b"");
        assert_eq!(
            challenge.lines(HeaderName::WwwAuthenticate).count(),
            offered,
            "{name}"
        );
    }
    let mut phone = Telephone::new("desk-202");
    phone.sha256 = false;
    assert_eq!(
        phone
            .register(&mut lab, "Contact: <sip:a@192.0.2.2>\r\n")
            .status(),
        Some(200)
    );
}

#[test]
fn keep_alives_are_answered_or_ignored_and_a_ping_gets_200() {
    let mut lab = serve(&["desk-201"]);
    for nothing in [b"\r\n\r\n".as_slice(), b"\r\n", b"\0\0\0\0", b"jaK"] {
        assert!(lab.receive_raw(nothing).is_empty());
    }
    let stun = b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl";
    assert_eq!(lab.receive_raw(stun).len(), 1);
    lab.flow.transport = Transport::Tcp;
    assert!(lab.receive_raw(stun).is_empty(), "STUN is for datagrams");
    lab.flow.transport = Transport::Udp;
    let mut phone = Telephone::new("desk-201");
    let pong = phone.send(&mut lab, "OPTIONS", "", b"");
    assert_eq!(pong.status(), Some(200));
    assert!(pong.has_token(HeaderName::Allow, "REGISTER"));
}

#[test]
fn all_telephones_ring_and_the_others_hear_that_the_call_was_taken() {
    let mut lab = serve(&["desk-201"]);
    let remotes = [address(2), address(3)];
    for (number, remote) in remotes.into_iter().enumerate() {
        lab.flow.remote = remote;
        let mut phone = Telephone::new("desk-201");
        phone.call_id = format!("device-{number}");
        phone.register(&mut lab, &format!("Contact: <sip:d{number}@{remote}>\r\n"));
    }
    lab.take_events();
    let mut calls = Vec::new();
    for binding in lab.ua.bindings("desk-201") {
        let mut call = common::outgoing(binding.flow);
        call.request_uri.clone_from(&binding.contact);
        let dialog = lab.ua.invite(lab.now, call).unwrap();
        let invite = lab.sent_to(binding.flow.remote).remove(0);
        lab.flow = binding.flow;
        lab.receive(common::response(&invite, 180, "t", "", b""));
        calls.push((binding.flow, dialog, invite));
    }
    assert_eq!(calls.len(), 2);
    let (flow, first, invite) = calls.remove(0);
    lab.flow = flow;
    assert_eq!(
        names(&lab.receive(common::response(&invite, 200, "t", "", common::ANSWER))),
        ["ACK"]
    );
    let (flow, other, _) = calls.remove(0);
    lab.take_events();
    lab.ua
        .hang_up(lab.now, other, Some(Reason::completed_elsewhere()))
        .unwrap();
    let cancel = lab.sent_to(flow.remote).remove(0);
    assert_eq!(cancel.method(), Some(&Method::Cancel));
    assert_eq!(
        cancel.header(HeaderName::Reason),
        Some(b"SIP;cause=200;text=\"Call completed elsewhere\"".as_slice())
    );
    let events = lab.take_events();
    assert!(matches!(events[..], [Event::Ended { dialog, .. }] if dialog == other));
    assert!(lab.ua.dialog_snapshot(first).is_some(), "the first goes on");
}

#[test]
fn a_telephone_that_moves_within_a_call_is_followed() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.challenge(&mut lab);
    phone.to = "202".into();
    let contact = "Contact: <sip:desk-201@192.168.1.20>\r\n";
    phone.send_all(&mut lab, "INVITE", contact, OFFER);
    let Some(Event::IncomingCall(call)) = lab.take_events().pop() else {
        panic!("no call")
    };
    let answer = Some(bytes::Bytes::from_static(common::ANSWER));
    lab.ua
        .respond(lab.now, call.dialog, 200, "", answer, &[])
        .unwrap();
    phone.to_tag = common::tag_of(&lab.sent()[0]);
    phone.cseq -= 1;
    phone.send_all(&mut lab, "ACK", "", b"");
    lab.flow.remote = "203.0.113.9:40123".parse().unwrap();
    let moved = lab.flow.remote;
    let update = phone.send(&mut lab, "UPDATE", contact, b"");
    assert_eq!(update.status(), Some(200));
    lab.ua.hang_up(lab.now, call.dialog, None).unwrap();
    assert_eq!(names(&lab.sent_to(moved)), ["BYE"]);
}
