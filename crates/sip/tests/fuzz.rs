//! Whatever arrives, the user agent neither panics nor forgets how to take a call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use std::time::Duration;

use common::telephone::{Telephone, serve};
use common::{ANSWER, Lab, OFFER, names, request, request_to_caller, response, tag_of};
use ponte_sip::{Event, Message, ResourceState, StreamFramer, UaConfig};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Mutation {
    Flip(usize, u8),
    Cut(usize, usize),
    Double(usize, usize),
    Insert(usize, &'static str),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let scraps = prop::sample::select(vec![
        "\r\n",
        "\r\n ",
        "\0",
        ":",
        ";",
        ",",
        "\"",
        "<",
        ">",
        "@",
        "%",
        ";tag=",
        "-1",
        "99999999999999999999",
        "Via: ",
        "SIP/2.0 200 OK\r\n",
        "Content-Length: 5\r\n",
        ";branch=z9hG4bK",
        "[",
        "]",
        "\u{fffd}",
        "RSeq: 1\r\nRequire: 100rel\r\n",
    ]);
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Flip(at, byte)),
        (any::<usize>(), 1..40_usize).prop_map(|(at, length)| Mutation::Cut(at, length)),
        (any::<usize>(), 1..80_usize).prop_map(|(at, length)| Mutation::Double(at, length)),
        (any::<usize>(), scraps).prop_map(|(at, scrap)| Mutation::Insert(at, scrap)),
    ]
}

fn mutate(mut text: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        if text.is_empty() {
            break;
        }
        let length = text.len();
        match *mutation {
            Mutation::Flip(at, byte) => text[at % length] = byte,
            Mutation::Cut(at, count) => {
                let at = at % length;
                text.drain(at..(at + count).min(length));
            }
            Mutation::Double(at, count) => {
                let at = at % length;
                let piece = text[at..(at + count).min(length)].to_vec();
                text.splice(at..at, piece);
            }
            Mutation::Insert(at, scrap) => {
                let at = at % length;
                text.splice(at..at, scrap.bytes());
            }
        }
    }
    text
}

/// A user agent in the midst of things, and messages that would mean something to it.
fn scene() -> (Lab, Vec<Vec<u8>>) {
    let mut lab = Lab::with(UaConfig {
        max_dialogs: 50,
        ..UaConfig::default()
    });
    let (_, calling) = lab.invite();
    let (_, up) = lab.established("Session-Expires: 90;refresher=uas\r\n");
    lab.take_events();
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n";
    let messages = vec![
        request(
            "INVITE",
            1,
            "",
            "Require: 100rel\r\nSupported: timer\r\nSession-Expires: 90\r\n",
            OFFER,
        ),
        request("OPTIONS", 2, "", "", b""),
        request("CANCEL", 1, "", "Reason: Q.850;cause=16\r\n", b""),
        response(
            &calling,
            183,
            "b1",
            "Require: 100rel\r\nRSeq: 1\r\nRecord-Route: <sip:h;lr>, <sip:i>\r\n",
            ANSWER,
        ),
        response(&calling, 200, "b2", "", ANSWER),
        response(&calling, 401, "b3", challenge, b""),
        response(&calling, 422, "b3", "Min-SE: 100\r\n", b""),
        request_to_caller(&up, "INVITE", 3, "b1", "", OFFER),
        request_to_caller(&up, "UPDATE", 4, "b1", "", b""),
        request_to_caller(&up, "INFO", 5, "b1", "", b"Signal=1\r\n"),
        request_to_caller(&up, "BYE", 6, "b1", "", b""),
    ];
    (lab, messages)
}

/// A user agent that serves telephones, and what one of them would say to it.
fn office() -> (Lab, Vec<Vec<u8>>) {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.register(&mut lab, "Contact: <sip:desk-201@192.0.2.2>;expires=120\r\n");
    let watch =
        "Event: dialog\r\nContact: <sip:desk-201@192.0.2.2>\r\nAccept: application/dialog-info+xml\r\n";
    phone.call_id = "watch".into();
    phone.send_all(&mut lab, "SUBSCRIBE", watch, b"");
    let Some(Event::Subscribe(asked)) = lab.take_events().pop() else {
        panic!("not asked")
    };
    lab.ua.accept_subscription(lab.now, asked.id, "202").unwrap();
    let sent = lab.sent();
    phone.to_tag = tag_of(&sent[0]);
    let presence = b"<presence><tuple><status><basic>open</basic></status><note>x</note></tuple></presence>";
    let pidf = "Event: presence\r\nContent-Type: application/pidf+xml\r\n";
    let instance = "Contact: \"A\" <sip:a@192.0.2.2:5062;transport=udp>;+sip.instance=\"<urn:uuid:1>\";reg-id=1;q=0.5\r\n\
                    Supported: outbound, path\r\nPath: <sip:192.0.2.9;lr;ob>\r\nExpires: 600\r\n";
    let mut messages = vec![phone.written("SUBSCRIBE", watch, b"")];
    phone.to_tag.clear();
    for (method, headers, body) in [
        ("REGISTER", instance, b"".as_slice()),
        ("REGISTER", "Contact: *\r\nExpires: 0\r\n", b""),
        ("SUBSCRIBE", watch, b""),
        ("PUBLISH", pidf, presence),
        ("INVITE", "Contact: <sip:desk-201@192.0.2.2>\r\n", OFFER),
    ] {
        phone.call_id = format!("{}-more", phone.call_id);
        messages.push(phone.written(method, headers, body));
    }
    messages.push(response(&sent[1], 200, "", "", b""));
    messages.push(response(&sent[1], 481, "", "", b""));
    messages.push(b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl".to_vec());
    (lab, messages)
}

/// Outputs of mutated input may repeat its faults, so they are not judged here.
fn drain(lab: &mut Lab) {
    while lab.ua.poll_output().is_some() {}
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn mutated_messages_do_no_harm(
        attacks in prop::collection::vec((0..11_usize, prop::collection::vec(mutation(), 0..6)), 1..8),
        seconds in 0..200_u64,
    ) {
        let (mut lab, messages) = scene();
        for (index, mutations) in attacks {
            let text = mutate(messages[index].clone(), &mutations);
            lab.ua.handle_message(lab.now, lab.flow, &text);
            drain(&mut lab);
        }
        lab.now = lab.now + Duration::from_secs(seconds);
        lab.ua.handle_timeout(lab.now);
        drain(&mut lab);
        let fresh = String::from_utf8(request("INVITE", 1, "", "", OFFER)).unwrap();
        let fresh = fresh.replace("peer-call", "a-call-after").replace("z9hG4bK", "z9hG4bKafter");
        let sent = lab.receive(fresh);
        prop_assert_eq!(names(&sent), ["100"]);
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut lab = Lab::new();
        lab.ua.handle_message(lab.now, lab.flow, &bytes);
        let _ = Message::parse(&bytes);
        let mut framer = StreamFramer::new(1000);
        framer.push(&bytes);
        while let Ok(Some(_)) = framer.next_frame() {}
    }
}

proptest! {
    // Each case registers and subscribes first, which takes its time.
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn mutated_messages_of_telephones_do_no_harm(
        attacks in prop::collection::vec((0..9_usize, prop::collection::vec(mutation(), 0..6)), 1..8),
        seconds in 0..200_u64,
    ) {
        let (mut lab, messages) = office();
        for (index, mutations) in attacks {
            let text = mutate(messages[index].clone(), &mutations);
            lab.ua.handle_message(lab.now, lab.flow, &text);
            drain(&mut lab);
            lab.ua.set_state(lab.now, "202", ResourceState::Dialog(Vec::new()));
            drain(&mut lab);
        }
        lab.now = lab.now + Duration::from_secs(seconds);
        lab.ua.handle_timeout(lab.now);
        drain(&mut lab);
        let mut phone = Telephone::new("desk-201");
        phone.call_id = "afterwards".into();
        let ok = phone.register(&mut lab, "Contact: <sip:afterwards@192.0.2.2>\r\n");
        prop_assert_eq!(ok.status(), Some(200));
    }
}
