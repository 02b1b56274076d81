//! Session refreshes of ours that fail, and are tried again while the session lasts (RFC 4028).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use common::{ANSWER, Lab, ms, names, response};
use ponte_sip::{EndedBy, Event, HeaderName, Message, Method};

const OURS: &str = "Session-Expires: 600;refresher=uac\r\n";

/// Lets the refresh come, by UPDATE or re-INVITE.
fn refresh(lab: &mut Lab, by: &Method) -> Message {
    let sent = lab.pass(ms(301_000));
    assert_eq!(sent[0].method(), Some(by));
    sent.into_iter().next().unwrap()
}

/// A call that we refresh by this method.
fn in_a_session(by: &Method) -> Lab {
    let mut lab = Lab::new();
    let allow = if *by == Method::Update {
        "Allow: UPDATE\r\n"
    } else {
        ""
    };
    lab.established(&format!("{allow}{OURS}"));
    lab
}

#[test]
fn a_refresh_that_is_refused_for_now_is_tried_again() {
    for by in [Method::Update, Method::Invite] {
        let mut lab = in_a_session(&by);
        let mut sent = refresh(&mut lab, &by);
        for (headers, pause) in [("", 10), ("Retry-After: 25\r\n", 25), ("Retry-After: 1\r\n", 10)] {
            lab.receive(response(&sent, 503, "", headers, b""));
            assert!(lab.pass(ms(pause * 1000 - 100)).is_empty(), "{by} {headers}");
            sent = lab.pass(ms(200)).remove(0);
            assert_eq!(sent.method(), Some(&by));
        }
        lab.receive(response(&sent, 200, "", OURS, ANSWER));
        lab.take_events();
        // A whole interval begins.
        refresh(&mut lab, &by);
        assert!(lab.take_events().is_empty());
    }
}

#[test]
fn a_refresh_that_finds_its_connection_broken_is_tried_again() {
    for by in [Method::Update, Method::Invite] {
        let mut lab = in_a_session(&by);
        refresh(&mut lab, &by);
        let flow = lab.flow;
        lab.ua.flow_failed(lab.now, &flow);
        let again = lab.pass(ms(10_100));
        assert_eq!(names(&again)[..1], [by.to_string()]);
        lab.receive(response(&again[0], 200, "", OURS, ANSWER));
        assert!(
            lab.take_events()
                .iter()
                .all(|event| matches!(event, Event::OfferAnswered { .. }))
        );
    }
}

#[test]
fn a_session_that_is_never_refreshed_ends_with_its_interval() {
    let mut lab = in_a_session(&Method::Invite);
    let mut sent = refresh(&mut lab, &Method::Invite);
    for _ in 0..40 {
        lab.receive(response(&sent, 500, "", "", b""));
        let next = lab.pass(ms(10_100));
        match next.into_iter().next() {
            Some(next) if next.method() == Some(&Method::Invite) => sent = next,
            Some(bye) => {
                assert_eq!(bye.method(), Some(&Method::Bye));
                break;
            }
            None => panic!("nothing was sent"),
        }
    }
    assert!(matches!(&lab.take_events()[..], [Event::Ended { cause, .. }] if cause.by == EndedBy::Timeout));
}

#[test]
fn an_interval_that_was_raised_says_so_in_the_next_request() {
    for by in [Method::Update, Method::Invite] {
        let mut lab = in_a_session(&by);
        let sent = refresh(&mut lab, &by);
        let answers = lab.receive(response(&sent, 422, "", "Min-SE: 1200\r\n", b""));
        let again = answers.last().unwrap();
        let header = |name| {
            again
                .header(name)
                .map(|value| String::from_utf8_lossy(value).into_owned())
        };
        assert_eq!(
            header(HeaderName::SessionExpires).as_deref(),
            Some("1200;refresher=uac")
        );
        assert_eq!(header(HeaderName::MinSe).as_deref(), Some("1200"), "RFC 4028 7.3");
    }
}
