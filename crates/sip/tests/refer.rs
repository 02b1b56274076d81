//! REFER within a call: what it asks for, and what the peer is told of it (RFC 3515).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use common::{Lab, ms, names, request, response, tag_of};
use ponte_sip::{DialogId, Event, HeaderName, Message, Referral, Replaces, SipError};

fn text(message: &Message, name: HeaderName) -> String {
    String::from_utf8_lossy(message.header(name).unwrap_or_default()).into_owned()
}

/// A call that the peer has made, and our tag in it.
fn call() -> (Lab, DialogId, String) {
    let mut lab = Lab::new();
    let (id, accepted) = lab.called();
    (lab, id, tag_of(&accepted))
}

fn refer(lab: &mut Lab, tag: &str, cseq: u32, headers: &str) -> Vec<Message> {
    lab.receive(request("REFER", cseq, tag, headers, b""))
}

fn referral(lab: &mut Lab) -> Referral {
    match lab.take_events().remove(0) {
        Event::Referred(referral) => *referral,
        other => panic!("{other:?} instead of a REFER"),
    }
}

fn acknowledge(lab: &mut Lab, notify: &Message) -> Vec<Message> {
    lab.receive(response(notify, 200, "", "", b""))
}

const TO_202: &str = "Refer-To: <sip:202@192.0.2.1>\r\n";

#[test]
fn a_transfer_is_accepted_and_told_of_until_its_end() {
    let (mut lab, id, tag) = call();
    assert!(refer(&mut lab, &tag, 2, TO_202).is_empty());
    let asked = referral(&mut lab);
    assert_eq!((asked.dialog, asked.target.as_str()), (id, "sip:202@192.0.2.1"));
    assert_eq!((asked.replaces, asked.account), (None, None));

    lab.ua.refer_progress(lab.now, id, 100).unwrap();
    let sent = lab.sent();
    assert_eq!(names(&sent), ["202", "NOTIFY"]);
    assert!(sent[0].header(HeaderName::Contact).is_some());
    let notify = &sent[1];
    assert_eq!(text(notify, HeaderName::Event), "refer");
    assert_eq!(text(notify, HeaderName::SubscriptionState), "active;expires=600");
    assert_eq!(
        text(notify, HeaderName::ContentType),
        "message/sipfrag;version=2.0"
    );
    assert_eq!(&notify.body()[..], b"SIP/2.0 100 Trying\r\n");
    assert_eq!(
        names(&refer(&mut lab, &tag, 2, TO_202)),
        ["202"],
        "a repetition is answered the same"
    );

    // One NOTIFY at a time; the last state is what counts.
    lab.ua.refer_progress(lab.now, id, 180).unwrap();
    lab.ua.refer_progress(lab.now, id, 200).unwrap();
    assert!(lab.sent().is_empty());
    let last = acknowledge(&mut lab, notify).remove(0);
    assert_eq!(
        text(&last, HeaderName::SubscriptionState),
        "terminated;reason=noresource"
    );
    assert_eq!(&last.body()[..], b"SIP/2.0 200 OK\r\n");
    assert!(last.cseq().unwrap().0 > notify.cseq().unwrap().0);
    assert_eq!(lab.ua.refer_progress(lab.now, id, 200), Err(SipError::WrongState));
    assert!(acknowledge(&mut lab, &last).is_empty());

    // The next one is told apart by its number.
    refer(&mut lab, &tag, 3, TO_202);
    lab.ua.refer_progress(lab.now, id, 486).unwrap();
    let sent = lab.sent();
    assert_eq!(names(&sent), ["202", "NOTIFY"]);
    assert_eq!(text(&sent[1], HeaderName::Event), "refer;id=3");
    assert_eq!(&sent[1].body()[..], b"SIP/2.0 486 Busy Here\r\n");
    acknowledge(&mut lab, &sent[1]);
    lab.pass(ms(700_000));
    assert_eq!(lab.ua.dialog_count(), 1, "the call went on");
}

#[test]
fn a_refusal_leaves_the_call_and_the_next_refer_alone() {
    let (mut lab, id, tag) = call();
    for (cseq, status) in [(2, 403), (3, 603)] {
        refer(&mut lab, &tag, cseq, TO_202);
        lab.ua.refer_progress(lab.now, id, status).unwrap();
        assert_eq!(names(&lab.sent()), [status.to_string()]);
        assert_eq!(lab.ua.refer_progress(lab.now, id, 200), Err(SipError::WrongState));
    }
    lab.take_events();
    assert_eq!(
        lab.ua.refer_progress(lab.now, id, 99),
        Err(SipError::InvalidStatus(99))
    );
    // A 404 or 481 to a request within a call would end it: it is told by NOTIFY.
    refer(&mut lab, &tag, 4, TO_202);
    lab.ua.refer_progress(lab.now, id, 404).unwrap();
    assert_eq!(names(&lab.sent()), ["202", "NOTIFY"]);
}

#[test]
fn a_refer_that_cannot_be_read_is_refused() {
    let (mut lab, _, tag) = call();
    let rows = [
        ("", "400"),
        ("Refer-To: \r\n", "400"),
        ("Refer-To: <sip:202@192.0.2.1>, <sip:203@192.0.2.1>\r\n", "400"),
        (
            "Refer-To: <sip:202@192.0.2.1>\r\nr: <sip:203@192.0.2.1>\r\n",
            "400",
        ),
        ("Refer-To: <sip:202@192.0.2.1\r\n", "400"),
        ("Refer-To: <http://192.0.2.1/>\r\n", "400"),
        ("Refer-To: <sip:202@[::g]>\r\n", "400"),
        ("Refer-To: <sip:202@h?Replaces=a%3Bto-tag%3Db>\r\n", "400"),
        (
            "Refer-To: <sip:202@h?Replaces=%ff%3Bto-tag%3Db%3Bfrom-tag%3Dc>\r\n",
            "400",
        ),
        ("Refer-To: <sip:202@h;method=BYE>\r\n", "403"),
        (
            "Require: multiple-refer\r\nRefer-To: <sip:202@192.0.2.1>\r\n",
            "420",
        ),
    ];
    for (cseq, (headers, status)) in (2..).zip(rows) {
        assert_eq!(
            names(&refer(&mut lab, &tag, cseq, headers)),
            [status],
            "{headers}"
        );
    }
    assert!(lab.take_events().is_empty());
    assert_eq!(lab.ua.dialog_count(), 1);
}

#[test]
fn outside_a_call_nothing_is_moved() {
    let mut lab = Lab::new();
    assert_eq!(names(&refer(&mut lab, "", 1, TO_202)), ["403"]);
    assert!(lab.take_events().is_empty());
}

#[test]
fn one_refer_at_a_time() {
    let (mut lab, id, tag) = call();
    refer(&mut lab, &tag, 2, TO_202);
    assert_eq!(names(&refer(&mut lab, &tag, 3, TO_202)), ["491"]);
    lab.ua.refer_progress(lab.now, id, 100).unwrap();
    let sent = lab.sent();
    assert_eq!(names(&refer(&mut lab, &tag, 4, TO_202)), ["491"]);
    assert_eq!(lab.take_events().len(), 1);
    acknowledge(&mut lab, &sent[1]);
    // Nobody ever says what came of it.
    let sent = lab.pass(ms(600_100));
    assert_eq!(
        text(&sent[0], HeaderName::SubscriptionState),
        "terminated;reason=timeout"
    );
    acknowledge(&mut lab, &sent[0]);
    assert!(refer(&mut lab, &tag, 5, TO_202).is_empty());
}

#[test]
fn whoever_does_not_want_to_know_is_not_told() {
    let (mut lab, id, tag) = call();
    let headers = format!("Require: norefersub\r\nRefer-Sub: false\r\n{TO_202}");
    refer(&mut lab, &tag, 2, &headers);
    lab.ua.refer_progress(lab.now, id, 100).unwrap();
    let sent = lab.sent();
    assert_eq!(names(&sent), ["202"]);
    assert_eq!(text(&sent[0], HeaderName::ReferSub), "false");
    lab.ua.refer_progress(lab.now, id, 200).unwrap();
    assert!(lab.sent().is_empty());
    assert!(refer(&mut lab, &tag, 3, TO_202).is_empty());
    lab.ua.refer_progress(lab.now, id, 100).unwrap();
    let notify = lab.sent().remove(1);
    assert!(lab.receive(response(&notify, 481, "", "", b"")).is_empty());
    lab.ua.refer_progress(lab.now, id, 200).unwrap();
    assert!(lab.sent().is_empty(), "the peer knows of no subscription");
}

#[test]
fn replaces_names_another_call_of_ours() {
    let (mut lab, id, tag) = call();
    let call_id = "peer-call@192.0.2.2";
    for (cseq, written) in [(2, "peer-call%40192.0.2.2"), (3, call_id)] {
        let headers = format!(
            "Refer-To: <sip:202@192.0.2.1?Replaces={written}%3Bto-tag%3D{tag}%3Bfrom-tag%3Dremote&X=1>\r\n"
        );
        refer(&mut lab, &tag, cseq, &headers);
        let asked = referral(&mut lab);
        assert_eq!(asked.target, "sip:202@192.0.2.1");
        let replaces = Replaces {
            call_id: call_id.to_owned(),
            to_tag: tag.clone(),
            from_tag: "remote".to_owned(),
        };
        assert_eq!(asked.replaces.as_ref(), Some(&replaces));
        assert_eq!(lab.ua.replaced_dialog(&replaces), Some(id));
        let other = Replaces {
            from_tag: "other".to_owned(),
            ..replaces
        };
        assert_eq!(lab.ua.replaced_dialog(&other), None);
        lab.ua.refer_progress(lab.now, id, 603).unwrap();
        lab.sent();
    }
}

#[test]
fn a_bye_that_crosses_a_refer_ends_both() {
    // The peer hangs up before we have answered its REFER.
    let (mut lab, id, tag) = call();
    refer(&mut lab, &tag, 2, TO_202);
    assert_eq!(
        names(&lab.receive(request("BYE", 3, &tag, "", b""))),
        ["200", "487"]
    );
    assert_eq!(
        lab.ua.refer_progress(lab.now, id, 200),
        Err(SipError::UnknownDialog)
    );
    assert_eq!(names(&refer(&mut lab, &tag, 4, TO_202)), ["481"]);

    // Our BYE is on its way when the REFER comes.
    let (mut lab, id, tag) = call();
    lab.ua.hang_up(lab.now, id, None).unwrap();
    assert_eq!(names(&lab.sent()), ["BYE"]);
    assert_eq!(names(&refer(&mut lab, &tag, 2, TO_202)), ["481"]);

    // The last word goes before our BYE, whatever is still on its way.
    let (mut lab, id, tag) = call();
    refer(&mut lab, &tag, 2, TO_202);
    lab.ua.refer_progress(lab.now, id, 100).unwrap();
    lab.ua.refer_progress(lab.now, id, 200).unwrap();
    lab.ua.hang_up(lab.now, id, None).unwrap();
    let sent = lab.sent();
    assert_eq!(names(&sent), ["202", "NOTIFY", "NOTIFY", "BYE"]);
    assert_eq!(&sent[2].body()[..], b"SIP/2.0 200 OK\r\n");
    lab.pass(ms(700_000));
    assert_eq!((lab.ua.dialog_count(), lab.ua.poll_timeout()), (0, None));
}
