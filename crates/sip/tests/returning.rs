//! Telephones over TCP and TLS whose connection breaks within a call, and that come back by another one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use common::telephone::{Telephone, serve};
use common::{ANSWER, Lab, OFFER, ms, names, outgoing, response};
use ponte_sip::{DialogId, Event, Flow, Transport};
use std::net::SocketAddr;

const BEFORE: &str = "203.0.113.9:40001";
const AFTER: &str = "203.0.113.9:40002";

fn register(lab: &mut Lab, name: &str, from: &str) {
    lab.flow = Flow {
        transport: Transport::Tcp,
        remote: from.parse().unwrap(),
        ..lab.flow
    };
    let mut phone = Telephone::new(name);
    phone.call_id = format!("{name} {from}").replace(' ', "-");
    let contact = format!("Contact: <sip:{name}@192.168.1.20;transport=tcp>\r\n");
    assert_eq!(phone.register(lab, &contact).status(), Some(200));
    lab.take_events();
}

/// A telephone that we have called, and that has answered.
fn in_a_call(lab: &mut Lab) -> DialogId {
    register(lab, "desk-201", BEFORE);
    let id = lab.ua.invite(lab.now, outgoing(lab.flow)).unwrap();
    let invite = lab.sent().remove(0);
    lab.receive(response(&invite, 200, "b1", "", ANSWER));
    lab.take_events();
    id
}

fn breaks(lab: &mut Lab, connection: &str) {
    let flow = Flow {
        remote: connection.parse().unwrap(),
        ..lab.flow
    };
    lab.ua.flow_failed(lab.now, &flow);
    lab.sent();
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn the_end_of_a_call_reaches_a_telephone_that_came_back() {
    // Its new connection may be there before the old one is known to be gone.
    for broken_first in [true, false] {
        let mut lab = serve(&["desk-201"]);
        let id = in_a_call(&mut lab);
        if broken_first {
            breaks(&mut lab, BEFORE);
        }
        register(&mut lab, "desk-201", AFTER);
        breaks(&mut lab, BEFORE);
        lab.ua.hang_up(lab.now, id, None).unwrap();
        assert_eq!(
            names(&lab.sent_to(address(AFTER))),
            ["BYE"],
            "broken first: {broken_first}"
        );
    }
}

#[test]
fn a_telephone_that_is_away_when_its_call_ends_hears_of_it_when_it_is_back() {
    let mut lab = serve(&["desk-201"]);
    let id = in_a_call(&mut lab);
    breaks(&mut lab, BEFORE);
    lab.ua.hang_up(lab.now, id, None).unwrap();
    assert_eq!(names(&lab.sent_to(address(BEFORE))), ["BYE"]);
    breaks(&mut lab, BEFORE);
    let over = |event: &Event| matches!(event, Event::Ended { .. });
    assert!(lab.take_events().iter().any(over));
    lab.pass(ms(60_000));
    lab.flow.remote = address(AFTER);
    let mut phone = Telephone::new("desk-201");
    phone.call_id = "back".into();
    phone.challenge(&mut lab);
    let contact = "Contact: <sip:desk-201@192.168.1.20;transport=tcp>\r\n";
    let sent = phone.send_all(&mut lab, "REGISTER", contact, b"");
    assert_eq!(names(&sent), ["200", "BYE"]);
    lab.receive(response(&sent[1], 481, "", "", b""));
    assert_eq!(lab.ua.dialog_count(), 0);
}

#[test]
fn a_telephone_that_stays_away_is_given_up() {
    let mut lab = serve(&["desk-201"]);
    let id = in_a_call(&mut lab);
    breaks(&mut lab, BEFORE);
    lab.ua.hang_up(lab.now, id, None).unwrap();
    lab.sent();
    breaks(&mut lab, BEFORE);
    assert_eq!(lab.ua.dialog_count(), 1);
    lab.pass(ms(121_000));
    assert_eq!(lab.ua.dialog_count(), 0);
}

#[test]
fn nobody_else_gets_the_call() {
    for (name, from) in [("desk-202", AFTER), ("desk-201", "203.0.113.10:40002")] {
        let mut lab = serve(&["desk-201", "desk-202"]);
        let id = in_a_call(&mut lab);
        breaks(&mut lab, BEFORE);
        register(&mut lab, name, from);
        lab.ua.hang_up(lab.now, id, None).unwrap();
        assert_eq!(names(&lab.sent_to(address(BEFORE))), ["BYE"], "{name} at {from}");
    }
}

#[test]
fn a_telephone_that_called_us_is_followed_too() {
    let mut lab = serve(&["desk-201"]);
    register(&mut lab, "desk-201", BEFORE);
    let mut phone = Telephone::new("desk-201");
    phone.challenge(&mut lab);
    phone.to = "202".into();
    phone.send_all(
        &mut lab,
        "INVITE",
        "Contact: <sip:desk-201@192.168.1.20>\r\n",
        OFFER,
    );
    let Some(Event::IncomingCall(call)) = lab.take_events().pop() else {
        panic!("no call")
    };
    let answer = Some(bytes::Bytes::from_static(ANSWER));
    lab.ua
        .respond(lab.now, call.dialog, 200, "", answer, &[])
        .unwrap();
    phone.to_tag = common::tag_of(&lab.sent()[0]);
    phone.cseq -= 1;
    phone.send_all(&mut lab, "ACK", "", b"");
    breaks(&mut lab, BEFORE);
    register(&mut lab, "desk-201", AFTER);
    lab.ua.hang_up(lab.now, call.dialog, None).unwrap();
    assert_eq!(names(&lab.sent_to(address(AFTER))), ["BYE"]);
}

#[test]
fn after_a_crash_a_telephone_hears_the_end_when_it_is_back() {
    let mut before = serve(&["desk-201"]);
    let id = in_a_call(&mut before);
    let stored = serde_json::to_string(&before.ua.dialog_snapshot(id).unwrap()).unwrap();
    let mut lab = serve(&["desk-201"]);
    let dialog = lab
        .ua
        .restore_dialog(lab.now, serde_json::from_str(&stored).unwrap())
        .unwrap();
    lab.ua.hang_up(lab.now, dialog, None).unwrap();
    assert_eq!(names(&lab.sent_to(address(BEFORE))), ["BYE"]);
    lab.flow.transport = Transport::Tcp;
    breaks(&mut lab, BEFORE);
    lab.flow.remote = address(AFTER);
    let mut phone = Telephone::new("desk-201");
    phone.call_id = "back".into();
    phone.challenge(&mut lab);
    let contact = "Contact: <sip:desk-201@192.168.1.20;transport=tcp>\r\n";
    let sent = phone.send_all(&mut lab, "REGISTER", contact, b"");
    assert_eq!(names(&sent), ["200", "BYE"]);
}

#[test]
fn a_telephone_may_be_back_before_its_bye_is_known_to_be_lost() {
    let mut before = serve(&["desk-201"]);
    let id = in_a_call(&mut before);
    let stored = serde_json::to_string(&before.ua.dialog_snapshot(id).unwrap()).unwrap();
    let mut lab = serve(&["desk-201"]);
    let dialog = lab
        .ua
        .restore_dialog(lab.now, serde_json::from_str(&stored).unwrap())
        .unwrap();
    lab.ua.hang_up(lab.now, dialog, None).unwrap();
    // No connection can be opened there, which is known only after a while.
    assert_eq!(names(&lab.sent_to(address(BEFORE))), ["BYE"]);
    register(&mut lab, "desk-201", AFTER);
    let lost = Flow {
        remote: address(BEFORE),
        ..lab.flow
    };
    lab.ua.flow_failed(lab.now, &lost);
    assert_eq!(names(&lab.sent_to(address(AFTER))), ["BYE"]);
    // Nobody is waited for any more.
    lab.ua.flow_failed(lab.now, &lost);
    assert!(lab.sent().is_empty());
}
