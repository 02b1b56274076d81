//! SIPp as a desk telephone: it registers, calls and watches with an account.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::ANSWER;
use common::sipp::{Host, Sipp, free_port, scenario};
use ponte_sip::digest::{Algorithm, ha1};
use ponte_sip::{Account, AccountsConfig, Event, Output, ResourceState, WatchedCall, WatchedPhase};

/// Plays a scenario that sends requests to `user` against a host that serves the account `desk-201`. Events, and whether SIPp was content.
fn play(name: &str, user: &str, mut react: impl FnMut(&mut Host, &Event)) -> (Vec<Event>, bool) {
    let mut host = Host::new();
    // SIPp 3.6 gives up where it is offered anything beside MD5.
    let mut config = AccountsConfig::new("ponte.example", [7; 32]);
    config.algorithms = vec![Algorithm::Md5];
    host.ua.serve_accounts(&config);
    let account = Account {
        name: "desk-201".into(),
        ha1_md5: Some(ha1(Algorithm::Md5, "desk-201", "ponte.example", "secret")),
        ha1_sha256: None,
    };
    let now = host.now();
    host.ua.set_account(now, account).unwrap();
    let target = host.socket.local_addr().unwrap().to_string();
    let port = free_port().to_string();
    // SIPp answers for the host alone where nothing else is said.
    let uri = match user {
        "" => target.clone(),
        user => format!("{user}@{target}"),
    };
    let mut sipp = Sipp::start(&[
        "-sf",
        &scenario(name),
        "-auth_uri",
        &uri,
        &target,
        "-p",
        &port,
        "-m",
        "1",
    ]);
    let mut events = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        for event in host.turn() {
            react(&mut host, &event);
            events.push(event);
        }
        if let Some(content) = sipp.finished() {
            return (events, content);
        }
        assert!(Instant::now() < deadline, "SIPp hangs: {events:?}");
    }
}

fn registered(events: &[Event]) -> Vec<bool> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Registration { registered, .. } => Some(*registered),
            _ => None,
        })
        .collect()
}

#[test]
fn sipp_registers_and_leaves() {
    let (events, content) = play("register", "", |_, _| {});
    assert!(content, "{events:?}");
    assert_eq!(registered(&events), [true, false]);
}

#[test]
fn what_sipp_has_said_is_worth_nothing_a_second_time() {
    let mut replayed = None;
    let (events, content) = play("register", "", |host, event| {
        if !matches!(event, Event::Registration { registered: true, .. }) {
            return;
        }
        let used = String::from_utf8(host.heard.last().unwrap().clone()).unwrap();
        assert!(used.contains("Authorization: Digest"));
        let evil = used
            .replace("branch=z9hG4bK", "branch=z9hG4bKreplay")
            .replace("CSeq: 2", "CSeq: 9")
            .replace("Contact: <sip:desk-201@", "Contact: <sip:evil@");
        let (now, flow) = (host.now(), host.flow("127.0.0.1:9".parse().unwrap()));
        host.ua.handle_message(now, flow, evil.as_bytes());
        while let Some(output) = host.ua.poll_output() {
            match output {
                Output::Send { flow: to, bytes } if to == flow => {
                    replayed = Some(String::from_utf8(bytes.to_vec()).unwrap());
                }
                Output::Send { flow, bytes } => drop(host.socket.send_to(&bytes, flow.remote).unwrap()),
                Output::Event(event) => panic!("{event:?}"),
            }
        }
    });
    assert!(content, "{events:?}");
    let answer = replayed.unwrap();
    assert!(
        answer.starts_with("SIP/2.0 401") && answer.contains("stale=true"),
        "{answer}"
    );
}

#[test]
fn sipp_does_not_register_without_the_password() {
    let (events, content) = play("register_refused", "", |_, _| {});
    assert!(content, "{events:?}");
    assert!(events.is_empty(), "{events:?}");
}

#[test]
fn t16_sipp_calls_and_is_known_by_its_account() {
    let (events, content) = play("desk_calls", "0212345", |host, event| {
        if let Event::IncomingCall(call) = event {
            assert_eq!(call.account.as_deref(), Some("desk-201"));
            let now = host.now();
            host.ua.respond(now, call.dialog, 180, "", None, &[]).unwrap();
            host.ua
                .respond(now, call.dialog, 200, "", Some(Bytes::from_static(ANSWER)), &[])
                .unwrap();
        }
    });
    assert!(content, "{events:?}");
    assert!(matches!(
        events[..],
        [
            Event::IncomingCall(_),
            Event::Confirmed { .. },
            Event::Ended { .. }
        ]
    ));
}

#[test]
fn sipp_watches_an_extension() {
    let (events, content) = play("watch", "202", |host, event| {
        if let Event::Subscribe(asked) = event {
            let now = host.now();
            host.ua
                .accept_subscription(now, asked.id, &asked.resource)
                .unwrap();
            let ringing = ResourceState::Dialog(vec![WatchedCall {
                id: "1".into(),
                outgoing: false,
                phase: WatchedPhase::Early,
                remote: None,
                name: None,
            }]);
            host.ua.set_state(now, "202", ringing);
        }
    });
    assert!(content, "{events:?}");
}
