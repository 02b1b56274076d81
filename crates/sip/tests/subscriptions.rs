//! Telephones that watch extensions, boxes and people, and publish presence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use std::time::Duration;

use common::telephone::{PASSWORD, REALM, Telephone, account, serve};
use common::{Lab, names, response, tag_of};
use ponte_sip::{
    AccountsConfig, DialogName, Event, EventPackage, HeaderName, IncomingSubscription, Message, Party,
    PublishedPresence, ResourceState, Takes, Transport, WatchedCall, WatchedPhase,
};

const DIALOG: &str = "Event: dialog\r\nAccept: application/dialog-info+xml\r\nContact: <sip:p@192.0.2.2>\r\n";
const PIDF: &str = "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:a@h\">\
                    <tuple id=\"1\"><status><basic>closed</basic></status><note>Lunch</note></tuple></presence>";

fn asked(lab: &mut Lab) -> IncomingSubscription {
    match lab.take_events().pop() {
        Some(Event::Subscribe(asked)) => *asked,
        other => panic!("{other:?}"),
    }
}

/// A telephone whose SUBSCRIBE to `resource` was granted, and the first NOTIFY.
fn subscribed(lab: &mut Lab, resource: &str, headers: &str) -> (Telephone, Message) {
    let mut phone = Telephone::new("desk-201");
    phone.call_id = format!("watch-{resource}-{}", lab.ua.subscription_count("desk-201"));
    phone.challenge(lab);
    phone.to = resource.into();
    assert!(phone.send_all(lab, "SUBSCRIBE", headers, b"").is_empty());
    let asked = asked(lab);
    assert_eq!(
        (asked.account.as_str(), asked.resource.as_str()),
        ("desk-201", resource)
    );
    lab.ua.accept_subscription(lab.now, asked.id, resource).unwrap();
    let mut sent = lab.sent();
    assert_eq!(names(&sent), ["200", "NOTIFY"]);
    phone.to_tag = tag_of(&sent[0]);
    assert!(sent[0].header(HeaderName::Expires).is_some() && sent[0].contact().is_some());
    (phone, sent.remove(1))
}

fn body(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).unwrap()
}

fn state(message: &Message) -> String {
    message
        .header_text(HeaderName::SubscriptionState)
        .unwrap()
        .into_owned()
}

fn busy(phase: WatchedPhase) -> ResourceState {
    ResourceState::Dialog(vec![WatchedCall {
        id: "1".into(),
        outgoing: false,
        phase,
        remote: Some(Party::new("sip:203@ponte.example")),
        name: None,
    }])
}

#[test]
fn only_who_may_take_a_call_is_told_its_name_and_a_change_of_rights_is_told_at_once() {
    let mut lab = serve(&["desk-201"]);
    let call = |id: &str, for_colleagues| WatchedCall {
        id: id.into(),
        outgoing: false,
        phase: WatchedPhase::Early,
        remote: None,
        name: Some(DialogName {
            call_id: format!("{id}@ponte"),
            local_tag: format!("l{id}"),
            remote_tag: format!("r{id}"),
            for_colleagues,
        }),
    };
    let calls = vec![call("1", true), call("2", false)];
    lab.ua
        .set_state(lab.now, "202", ResourceState::Dialog(calls.clone()));
    let (_, first) = subscribed(&mut lab, "202", DIALOG);
    let told = |notify: &Message| {
        let body = body(notify);
        [
            "call-id=\"1@ponte\" local-tag=\"l1\" remote-tag=\"r1\"",
            "2@ponte",
        ]
        .map(|name| body.contains(name))
    };
    assert_eq!(told(&first), [false, false]);
    let mut last = first;
    for (own, colleagues, names_told) in [
        (None, true, [true, false]),
        (Some("202"), true, [true, true]),
        (Some("202"), false, [true, true]),
        (Some("203"), false, [false, false]),
        (Some("203"), true, [true, false]),
    ] {
        lab.receive(response(&last, 200, "", "", b""));
        let takes = Takes {
            own: own.map(str::to_owned),
            colleagues,
        };
        lab.ua.set_takes(lab.now, "desk-201", takes.clone());
        last = lab.sent().remove(0);
        assert_eq!(told(&last), names_told, "{takes:?}");
        lab.ua.set_takes(lab.now, "desk-201", takes);
        assert!(lab.sent().is_empty(), "the same again is no news");
    }
    // Where nothing has a name, nothing is told.
    lab.receive(response(&last, 200, "", "", b""));
    lab.ua
        .set_state(lab.now, "202", ResourceState::Dialog(Vec::new()));
    let over = lab.sent().remove(0);
    lab.receive(response(&over, 200, "", "", b""));
    lab.ua.set_takes(lab.now, "desk-201", Takes::default());
    assert!(lab.sent().is_empty());
}

#[test]
fn a_lamp_follows_the_calls_of_an_extension() {
    let mut lab = serve(&["desk-201"]);
    let (_, notify) = subscribed(&mut lab, "202", DIALOG);
    assert_eq!(state(&notify), "active;expires=900");
    assert_eq!(
        notify.header(HeaderName::Event),
        Some(b"dialog".as_slice()),
        "the same Event as in the SUBSCRIBE"
    );
    assert_eq!(
        notify.header(HeaderName::ContentType),
        Some(b"application/dialog-info+xml".as_slice())
    );
    assert!(body(&notify).contains("version=\"0\" state=\"full\" entity=\"sip:202@example.com\""));
    assert!(!body(&notify).contains("<dialog "), "idle");
    assert_eq!(notify.request_uri(), b"sip:p@192.0.2.2");
    lab.receive(response(&notify, 200, "", "", b""));
    lab.ua.set_state(lab.now, "202", busy(WatchedPhase::Early));
    let ringing = lab.sent().remove(0);
    assert!(body(&ringing).contains("version=\"1\"") && body(&ringing).contains("<state>early</state>"));
    assert!(ringing.cseq().unwrap().0 > notify.cseq().unwrap().0);
    // Two changes while the NOTIFY is on its way are told as one.
    lab.ua.set_state(lab.now, "202", busy(WatchedPhase::Confirmed));
    lab.ua
        .set_state(lab.now, "202", ResourceState::Dialog(Vec::new()));
    assert!(lab.sent().is_empty());
    let next = lab.receive(response(&ringing, 200, "", "", b""));
    assert_eq!(names(&next), ["NOTIFY"]);
    assert!(body(&next[0]).contains("version=\"2\"") && body(&next[0]).contains("<state>terminated</state>"));
    assert!(lab.receive(response(&next[0], 200, "", "", b"")).is_empty());
    lab.ua.set_state(lab.now, "202", busy(WatchedPhase::Early));
    let again = lab.sent().remove(0);
    assert!(!body(&again).contains("terminated"), "an end is told once");
    lab.receive(response(&again, 200, "", "", b""));
    lab.ua
        .set_state(lab.now, "202", ResourceState::Dialog(Vec::new()));
    let over = lab.sent().remove(0);
    lab.receive(response(&over, 200, "", "", b""));
    lab.ua
        .set_state(lab.now, "202", ResourceState::Dialog(Vec::new()));
    lab.ua.set_state(lab.now, "204", busy(WatchedPhase::Early));
    assert!(lab.sent().is_empty(), "no news, and news of another");
}

#[test]
fn a_box_and_a_person_are_watched() {
    let mut lab = serve(&["desk-201"]);
    lab.ua
        .set_state(lab.now, "201", ResourceState::MessageSummary { new: 3, old: 1 });
    lab.ua.set_state(
        lab.now,
        "anna",
        ResourceState::Presence {
            open: true,
            note: Some("Back at <5> & \"ready\"".into()),
        },
    );
    let headers = "Event: message-summary;id=7\r\nContact: <sip:p@192.0.2.2>\r\n";
    let (_, notify) = subscribed(&mut lab, "201", headers);
    assert_eq!(
        notify.header(HeaderName::Event),
        Some(b"message-summary;id=7".as_slice())
    );
    assert!(
        body(&notify).contains("Voice-Message: 3/1 (0/0)\r\n"),
        "{}",
        body(&notify)
    );
    let headers =
        "o: presence\r\nContact: <sip:p@192.0.2.2>\r\nAccept: text/plain, application/pidf+xml;q=1\r\n";
    let (_, notify) = subscribed(&mut lab, "anna", headers);
    assert!(body(&notify).contains("<basic>open</basic>"));
    assert!(body(&notify).contains("Back at &lt;5&gt; &amp; &quot;ready&quot;"));
}

#[test]
fn a_subscription_is_renewed_ended_or_runs_out() {
    let mut lab = serve(&["desk-201"]);
    let (mut phone, notify) = subscribed(&mut lab, "202", DIALOG);
    lab.receive(response(&notify, 200, "", "", b""));
    lab.pass(Duration::from_mins(10));
    let renewed = phone.send_all(&mut lab, "SUBSCRIBE", &format!("{DIALOG}Expires: 300\r\n"), b"");
    assert_eq!(names(&renewed), ["200", "NOTIFY"]);
    assert_eq!(renewed[0].header(HeaderName::Expires), Some(b"300".as_slice()));
    assert_eq!(state(&renewed[1]), "active;expires=300");
    assert!(body(&renewed[1]).contains("version=\"1\""));
    lab.receive(response(&renewed[1], 200, "", "", b""));
    let last = lab.pass(Duration::from_mins(5));
    assert_eq!(
        (names(&last)[0].as_str(), state(&last[0])),
        ("NOTIFY", "terminated;reason=timeout".into())
    );
    assert_eq!(lab.ua.subscription_count("desk-201"), 0);
    assert_eq!(phone.send(&mut lab, "SUBSCRIBE", DIALOG, b"").status(), Some(481));
    lab.pass(Duration::from_secs(100));
    let (mut phone, notify) = subscribed(&mut lab, "202", DIALOG);
    lab.receive(response(&notify, 200, "", "", b""));
    let ended = phone.send_all(&mut lab, "SUBSCRIBE", &format!("{DIALOG}Expires: 0\r\n"), b"");
    assert_eq!(names(&ended), ["200", "NOTIFY"]);
    assert_eq!(state(&ended[1]), "terminated;reason=timeout");
    lab.pass(Duration::from_secs(100));
    assert_eq!(lab.ua.transaction_count(), 0);
    assert_eq!(lab.ua.poll_timeout(), None, "nothing is left behind");
}

#[test]
fn a_state_may_be_fetched_once() {
    let mut lab = serve(&["desk-201"]);
    let (_, notify) = subscribed(&mut lab, "202", &format!("{DIALOG}Expires: 0\r\n"));
    assert_eq!(state(&notify), "terminated;reason=timeout");
    assert!(body(&notify).contains("dialog-info"));
    assert_eq!(lab.ua.subscription_count("desk-201"), 0);
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.challenge(&mut lab);
    let long = format!("Event: dialog;id={}\r\nContact: <sip:p@h>\r\n", "x".repeat(200));
    for (headers, status, header) in [
        (
            "Event: refer\r\nContact: <sip:p@h>\r\n",
            489,
            Some(HeaderName::AllowEvents),
        ),
        ("Contact: <sip:p@h>\r\n", 489, Some(HeaderName::AllowEvents)),
        (long.as_str(), 489, None),
        ("Event: dialog\r\n", 400, None),
        ("Event: dialog\r\nContact: <junk>\r\n", 400, None),
        (
            "Event: dialog\r\nAccept: text/plain\r\nContact: <sip:p@h>\r\n",
            406,
            Some(HeaderName::Accept),
        ),
        (
            "Event: dialog\r\nContact: <sip:p@h>\r\nExpires: 5\r\n",
            423,
            Some(HeaderName::MinExpires),
        ),
        (
            "Event: dialog\r\nContact: <sip:p@h>\r\nRequire: eventlist\r\n",
            420,
            Some(HeaderName::Unsupported),
        ),
    ] {
        let refused = phone.send(&mut lab, "SUBSCRIBE", headers, b"");
        assert_eq!(refused.status(), Some(status), "{headers}");
        if let Some(header) = header {
            assert!(refused.header(header).is_some(), "{headers}");
        }
    }
    assert!(lab.take_events().is_empty());
    assert!(phone.send_all(&mut lab, "SUBSCRIBE", DIALOG, b"").is_empty());
    let asked = asked(&mut lab);
    lab.ua.reject_subscription(lab.now, asked.id, 403).unwrap();
    assert_eq!(names(&lab.sent()), ["403"]);
    assert!(lab.ua.accept_subscription(lab.now, asked.id, "202").is_err());
    assert!(lab.ua.reject_subscription(lab.now, asked.id, 200).is_err());
}

#[test]
fn nobody_watches_without_an_account_or_beyond_the_limit() {
    let mut lab = Lab::new();
    let mut config = AccountsConfig::new(REALM, [7; 32]);
    config.max_subscriptions = 2;
    lab.ua.serve_accounts(&config);
    lab.ua.set_account(lab.now, account("desk-201")).unwrap();
    lab.ua.set_account(lab.now, account("desk-202")).unwrap();
    let mut stranger = Telephone::new("desk-201");
    stranger.password = "guess".into();
    assert_eq!(
        stranger.send(&mut lab, "SUBSCRIBE", DIALOG, b"").status(),
        Some(401)
    );
    assert_eq!(
        stranger.send(&mut lab, "SUBSCRIBE", DIALOG, b"").status(),
        Some(401)
    );
    let (mut phone, _) = subscribed(&mut lab, "202", DIALOG);
    subscribed(&mut lab, "203", DIALOG);
    let (call_id, to_tag) = (phone.call_id.clone(), phone.to_tag.clone());
    phone.call_id = "third".into();
    phone.to_tag.clear();
    let refused = phone.send(&mut lab, "SUBSCRIBE", DIALOG, b"");
    assert_eq!(refused.status(), Some(503));
    // Another account cannot touch a subscription, though it may have seen its tags.
    let mut other = Telephone::new("desk-202");
    other.challenge(&mut lab);
    other.to = "202".into();
    (other.call_id, other.to_tag) = (call_id, to_tag);
    other.cseq += 100;
    assert_eq!(other.send(&mut lab, "SUBSCRIBE", DIALOG, b"").status(), Some(403));
    assert_eq!(lab.ua.subscription_count("desk-201"), 2);
    lab.ua.set_trusted([lab.flow.remote]);
    let mut trunk = Telephone::new("desk-201");
    trunk.call_id = "trunk".into();
    assert_eq!(trunk.send(&mut lab, "SUBSCRIBE", DIALOG, b"").status(), Some(403));
}

#[test]
fn a_telephone_that_forgot_its_subscription_or_is_gone_loses_it() {
    for status in [Some(481), None] {
        let mut lab = serve(&["desk-201"]);
        let (_, notify) = subscribed(&mut lab, "202", DIALOG);
        match status {
            Some(status) => drop(lab.receive(response(&notify, status, "", "", b""))),
            None => drop(lab.pass(Duration::from_secs(33))),
        }
        assert_eq!(lab.ua.subscription_count("desk-201"), 0);
        lab.ua.set_state(lab.now, "202", busy(WatchedPhase::Early));
        assert!(lab.sent().is_empty());
    }
    let mut lab = serve(&["desk-201"]);
    let (_, notify) = subscribed(&mut lab, "202", DIALOG);
    lab.receive(response(&notify, 500, "", "", b""));
    assert_eq!(
        lab.ua.subscription_count("desk-201"),
        1,
        "one failure is not the end"
    );
}

#[test]
fn subscriptions_end_with_account_resource_and_gateway() {
    type End = fn(&mut Lab);
    let ends: [(End, &str); 4] = [
        (
            |lab| lab.ua.remove_account(lab.now, "desk-201").unwrap(),
            "terminated;reason=rejected",
        ),
        (
            |lab| lab.ua.remove_resource(lab.now, "202"),
            "terminated;reason=noresource",
        ),
        (
            |lab| lab.ua.end_subscriptions(lab.now),
            "terminated;reason=deactivated",
        ),
        (
            |lab| {
                let mut changed = account("desk-201");
                changed.ha1_md5 = None;
                lab.ua.set_account(lab.now, changed).unwrap();
            },
            "terminated;reason=deactivated",
        ),
    ];
    for (end, told) in ends {
        let mut lab = serve(&["desk-201"]);
        let (_, notify) = subscribed(&mut lab, "202", DIALOG);
        lab.receive(response(&notify, 200, "", "", b""));
        end(&mut lab);
        let sent = lab.sent();
        assert_eq!(
            (names(&sent)[0].as_str(), state(&sent[0]).as_str()),
            ("NOTIFY", told)
        );
        assert!(
            sent[0].body_is_empty(),
            "nothing is told to who may not know it any more"
        );
        assert_eq!(lab.ua.subscription_count("desk-201"), 0);
    }
}

#[test]
fn a_telephone_that_comes_back_by_another_connection_is_told_what_it_missed() {
    let mut lab = serve(&["desk-201"]);
    lab.flow.transport = Transport::Tcp;
    let (_, notify) = subscribed(&mut lab, "202", DIALOG);
    lab.receive(response(&notify, 200, "", "", b""));
    let lost = lab.flow;
    lab.ua.flow_failed(lab.now, &lost);
    lab.ua.set_state(lab.now, "202", busy(WatchedPhase::Early));
    assert!(lab.sent().is_empty(), "there is nobody to tell");
    lab.flow.remote.set_port(40_000);
    let mut phone = Telephone::new("desk-201");
    phone.challenge(&mut lab);
    let sent = phone.send_all(&mut lab, "REGISTER", "Contact: <sip:p@192.0.2.2>\r\n", b"");
    assert_eq!(names(&sent), ["200", "NOTIFY"]);
    assert!(body(&sent[1]).contains("early"));
}

#[test]
fn a_telephone_whose_nat_gave_it_another_port_is_followed() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.register(&mut lab, "Contact: <sip:p@192.168.1.20>\r\n");
    let (_, notify) = subscribed(&mut lab, "202", DIALOG);
    lab.receive(response(&notify, 200, "", "", b""));
    lab.flow.remote.set_port(6000);
    let moved = lab.flow.remote;
    phone.register(&mut lab, "Contact: <sip:p@192.168.1.20>\r\n");
    lab.ua.set_state(lab.now, "202", busy(WatchedPhase::Early));
    assert_eq!(names(&lab.sent_to(moved)), ["NOTIFY"]);
}

fn publish(phone: &mut Telephone, lab: &mut Lab, headers: &str, body: &str) -> Message {
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/pidf+xml\r\n"
    };
    phone.send(
        lab,
        "PUBLISH",
        &format!("Event: presence\r\n{headers}{kind}"),
        body.as_bytes(),
    )
}

fn published(lab: &mut Lab) -> Vec<Option<PublishedPresence>> {
    lab.take_events()
        .into_iter()
        .map(|event| match event {
            Event::Published { account, presence } => {
                assert_eq!(account, "desk-201");
                presence
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

fn etag(message: &Message) -> String {
    message.header_text(HeaderName::SipETag).unwrap().into_owned()
}

#[test]
fn t12_a_telephone_publishes_changes_and_takes_back_its_presence() {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.challenge(&mut lab);
    let ok = publish(&mut phone, &mut lab, "", PIDF);
    assert_eq!(
        (ok.status(), ok.header(HeaderName::Expires)),
        (Some(200), Some(b"900".as_slice()))
    );
    let told = published(&mut lab);
    assert_eq!(told[0].as_ref().unwrap().note.as_deref(), Some("Lunch"));
    assert!(!told[0].as_ref().unwrap().open);
    let first = etag(&ok);
    let ok = publish(&mut phone, &mut lab, &format!("SIP-If-Match: {first}\r\n"), "");
    assert_eq!(ok.status(), Some(200), "a refresh");
    let second = etag(&ok);
    assert_ne!(first, second);
    assert!(published(&mut lab).is_empty());
    let late = publish(&mut phone, &mut lab, &format!("SIP-If-Match: {first}\r\n"), PIDF);
    assert_eq!(late.status(), Some(412));
    let open = PIDF.replace("closed", "open");
    let ok = publish(
        &mut phone,
        &mut lab,
        &format!("SIP-If-Match: {second}\r\n"),
        &open,
    );
    assert!(published(&mut lab)[0].as_ref().unwrap().open);
    let third = etag(&ok);
    let gone = publish(
        &mut phone,
        &mut lab,
        &format!("SIP-If-Match: {third}\r\nExpires: 0\r\n"),
        "",
    );
    assert_eq!(gone.status(), Some(200));
    assert_eq!(published(&mut lab), [None]);
    publish(&mut phone, &mut lab, "Expires: 60\r\n", PIDF);
    published(&mut lab);
    lab.pass(Duration::from_mins(1));
    assert_eq!(published(&mut lab), [None], "it ran out");
}

#[test]
fn what_cannot_be_published_is_refused() {
    let mut lab = serve(&["desk-201", "desk-202"]);
    let mut phone = Telephone::new("desk-201");
    phone.challenge(&mut lab);
    for (headers, body, status) in [
        ("Event: dialog\r\n", PIDF, 489),
        ("Event: presence\r\nExpires: 5\r\n", PIDF, 423),
        ("Event: presence\r\n", "", 400),
        ("Event: presence\r\nContent-Type: text/plain\r\n", "x", 415),
        (
            "Event: presence\r\nContent-Type: application/pidf+xml\r\n",
            "<presence",
            400,
        ),
        ("Event: presence\r\nSIP-If-Match: made-up\r\n", "", 412),
    ] {
        let refused = phone.send(&mut lab, "PUBLISH", headers, body.as_bytes());
        assert_eq!(refused.status(), Some(status), "{headers}");
    }
    let tag = etag(&publish(&mut phone, &mut lab, "", PIDF));
    let mut other = Telephone::new("desk-202");
    other.challenge(&mut lab);
    let refused = publish(&mut other, &mut lab, &format!("SIP-If-Match: {tag}\r\n"), PIDF);
    assert_eq!(refused.status(), Some(412), "the tag is another's");
    other.to = "desk-201".into();
    assert_eq!(publish(&mut other, &mut lab, "", PIDF).status(), Some(403));
    let mut guesser = Telephone::new("desk-201");
    guesser.password = format!("{PASSWORD}!");
    guesser.challenge(&mut lab);
    assert_eq!(publish(&mut guesser, &mut lab, "", PIDF).status(), Some(401));
}

#[test]
fn packages_have_their_names() {
    for (package, name) in [
        (EventPackage::Dialog, "dialog"),
        (EventPackage::MessageSummary, "message-summary"),
        (EventPackage::Presence, "presence"),
    ] {
        assert_eq!(package.as_str(), name);
    }
}
