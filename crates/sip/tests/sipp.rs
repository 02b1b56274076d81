//! Calls with SIPp over UDP on the loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::sipp::{Host, Sipp, free_port, scenario};
use common::{ANSWER, outgoing};
use ponte_sip::{Credentials, EndCause, Event};

/// Calls a scenario, hangs up once answered, and returns the events and whether SIPp was content.
fn call(scenario: &[&str], lose: Option<(&'static str, u32)>) -> (Vec<Event>, bool) {
    let mut host = Host::new();
    host.lose = lose;
    let port = free_port();
    let remote = SocketAddr::from(([127, 0, 0, 1], port));
    let port = port.to_string();
    let mut sipp = Sipp::start(&[scenario, &["-p", &port, "-m", "1"]].concat());
    // Until SIPp has bound its port, the retransmissions of the INVITE bridge the gap.
    let credentials = Credentials {
        username: "u".into(),
        password: "p".into(),
        realm: None,
    };
    let call = ponte_sip::OutgoingCall {
        credentials: Some(credentials),
        ..outgoing(host.flow(remote))
    };
    std::thread::sleep(Duration::from_millis(300));
    let now = host.now();
    host.ua.invite(now, call).unwrap();
    let mut events = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        for event in host.turn() {
            if let Event::Answered { dialog, .. } = event {
                let now = host.now();
                host.ua.hang_up(now, dialog, None).unwrap();
            }
            events.push(event);
        }
        if let Some(content) = sipp.finished() {
            return (events, content);
        }
        assert!(Instant::now() < deadline, "SIPp hangs: {events:?}");
    }
}

fn end(events: &[Event]) -> &EndCause {
    match events.last() {
        Some(Event::Ended { cause, .. }) => cause,
        other => panic!("no end: {other:?}"),
    }
}

#[test]
fn sipp_calls_us() {
    let mut host = Host::new();
    let target = host.socket.local_addr().unwrap().to_string();
    let port = free_port().to_string();
    let mut sipp = Sipp::start(&[
        "-sn", "uac", &target, "-p", &port, "-m", "5", "-r", "20", "-d", "100",
    ]);
    let mut ended = 0;
    let deadline = Instant::now() + Duration::from_secs(30);
    let content = loop {
        for event in host.turn() {
            match event {
                Event::IncomingCall(call) => {
                    let now = host.now();
                    host.ua.respond(now, call.dialog, 180, "", None, &[]).unwrap();
                    host.ua
                        .respond(now, call.dialog, 200, "", Some(Bytes::from_static(ANSWER)), &[])
                        .unwrap();
                }
                Event::Ended { .. } => ended += 1,
                _ => {}
            }
        }
        if let Some(content) = sipp.finished() {
            break content;
        }
        assert!(Instant::now() < deadline, "SIPp hangs");
    };
    assert!(content);
    assert_eq!(ended, 5);
}

#[test]
fn we_call_sipp() {
    let (events, content) = call(&["-sn", "uas"], None);
    assert!(content, "{events:?}");
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Progress { status: 180, .. })),
        "{events:?}"
    );
}

#[test]
fn the_200_is_lost_once() {
    let (events, content) = call(&["-sn", "uas"], Some(("SIP/2.0 200", 1)));
    assert!(content, "{events:?}");
    assert!(
        events.iter().any(|event| matches!(event, Event::Answered { .. })),
        "{events:?}"
    );
}

#[test]
fn sipp_rings_reliably() {
    let (events, content) = call(&["-sf", &scenario("reliable")], None);
    assert!(content, "{events:?}");
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Answered { sdp: None, .. })),
        "{events:?}"
    );
}

#[test]
fn sipp_is_busy() {
    let (events, content) = call(&["-sf", &scenario("busy")], None);
    assert!(content, "{events:?}");
    assert_eq!((end(&events).status, end(&events).q850), (Some(486), 17));
}

#[test]
fn sipp_redirects() {
    let (events, content) = call(&["-sf", &scenario("moved")], None);
    assert!(content, "{events:?}");
    assert_eq!((end(&events).status, end(&events).redirect.len()), (Some(302), 1));
}

#[test]
fn sipp_challenges_with_sha_256() {
    let (events, content) = call(&["-sf", &scenario("digest")], None);
    assert!(content, "{events:?}");
}
