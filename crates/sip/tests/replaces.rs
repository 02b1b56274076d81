//! INVITE with Replaces (RFC 3891): what of it reaches the host, what is refused before, and who is told that it is taken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use bytes::Bytes;
use common::telephone::{Telephone, serve};
use common::{ANSWER, Lab, OFFER, names, outgoing, request, response, tag_of};
use ponte_sip::{DialogId, Event, HeaderName, Message, Replaces, Replacing};

const CONTACT: &str = "Contact: <sip:p@192.0.2.2>\r\n";

fn text(message: &Message, name: HeaderName) -> String {
    String::from_utf8_lossy(message.header(name).unwrap_or_default()).into_owned()
}

fn from_tag(message: &Message) -> String {
    String::from_utf8_lossy(message.from().unwrap().tag().unwrap()).into_owned()
}

/// A telephone that is known, and knows its nonce.
fn lab() -> (Lab, Telephone) {
    let mut lab = serve(&["desk-201"]);
    let mut phone = Telephone::new("desk-201");
    phone.challenge(&mut lab);
    phone.to = "202".into();
    (lab, phone)
}

/// A call of ours that rings at a telephone: its dialog, and what names it to us.
fn rings(lab: &mut Lab) -> (DialogId, Replaces) {
    let id = lab.ua.invite(lab.now, outgoing(lab.flow)).unwrap();
    let invite = lab.sent().remove(0);
    lab.receive(response(&invite, 180, "theirs", "", b""));
    lab.take_events();
    let named = Replaces {
        call_id: String::from_utf8_lossy(invite.call_id()).into_owned(),
        to_tag: from_tag(&invite),
        from_tag: "theirs".into(),
    };
    (id, named)
}

fn header(named: &Replaces, more: &str) -> String {
    format!(
        "Replaces: {};to-tag={};from-tag={}{more}\r\n",
        named.call_id, named.to_tag, named.from_tag
    )
}

/// What the host is asked about an INVITE of the telephone; a refusal gives its status.
fn asked(lab: &mut Lab, phone: &mut Telephone, headers: &str) -> Result<(DialogId, Option<Replacing>), u16> {
    phone.call_id = format!("take-{}", phone.cseq);
    let sent = phone.send_all(lab, "INVITE", &format!("{CONTACT}{headers}"), OFFER);
    match lab.take_events().pop() {
        Some(Event::IncomingCall(call)) => {
            assert_eq!(names(&sent), ["100"]);
            Ok((call.dialog, call.replaces))
        }
        None => Err(sent[0].status().unwrap()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_telephone_names_reaches_the_host_from_our_point_of_view() {
    let (mut lab, mut phone) = lab();
    let (id, named) = rings(&mut lab);
    for (more, early_only) in [("", false), (";early-only", true), (" ; EARLY-only ;x=y", true)] {
        let (dialog, replaces) = asked(&mut lab, &mut phone, &header(&named, more)).unwrap();
        let wanted = Replacing {
            replaces: named.clone(),
            early_only,
            dialog: Some(id),
        };
        assert_eq!(replaces, Some(wanted));
        // Refused or not, the one that is named goes on until the host ends it.
        lab.ua.respond(lab.now, dialog, 403, "", None, &[]).unwrap();
        lab.sent();
        lab.take_events();
        assert_eq!(lab.ua.replaced_dialog(&named), Some(id));
    }
    // The tags of the other point of view name nothing of ours, but may name what the host knows.
    let swapped = Replaces {
        to_tag: named.from_tag.clone(),
        from_tag: named.to_tag.clone(),
        ..named.clone()
    };
    let strange = Replaces {
        call_id: "0193a0b0-7000@x".into(),
        to_tag: "r".into(),
        from_tag: "l".into(),
    };
    for named in [swapped, strange] {
        let (dialog, replaces) = asked(&mut lab, &mut phone, &header(&named, "")).unwrap();
        assert_eq!(replaces.unwrap().dialog, None);
        lab.ua.respond(lab.now, dialog, 481, "", None, &[]).unwrap();
        assert_eq!(names(&lab.sent()), ["481"]);
        lab.take_events();
    }
    let plain = asked(&mut lab, &mut phone, "Require: replaces\r\n").unwrap();
    assert_eq!(plain.1, None, "a usual call");
}

#[test]
fn what_cannot_be_taken_is_refused_before_the_host_is_asked() {
    let (mut lab, mut phone) = lab();
    let (_, early) = rings(&mut lab);
    // A call that the other side began, before it is answered and after.
    let mut caller = Telephone::new("desk-201");
    caller.call_id = "theirs".into();
    caller.challenge(&mut lab);
    caller.to = "203".into();
    caller.send_all(&mut lab, "INVITE", CONTACT, OFFER);
    let Some(Event::IncomingCall(call)) = lab.take_events().pop() else {
        panic!("no call")
    };
    lab.ua.respond(lab.now, call.dialog, 180, "", None, &[]).unwrap();
    let theirs = Replaces {
        call_id: "theirs".into(),
        to_tag: tag_of(&lab.sent()[0]),
        from_tag: "phone".into(),
    };
    let refused = |lab: &mut Lab, phone: &mut Telephone, headers: &str| {
        let status = asked(lab, phone, headers).unwrap_err();
        assert_eq!(lab.ua.dialog_count(), 2, "{headers}");
        status
    };
    assert_eq!(refused(&mut lab, &mut phone, &header(&theirs, "")), 481);
    let answer = Some(Bytes::from_static(ANSWER));
    lab.ua
        .respond(lab.now, call.dialog, 200, "", answer, &[])
        .unwrap();
    lab.sent();
    assert_eq!(
        refused(&mut lab, &mut phone, &header(&theirs, ";early-only")),
        486
    );

    let good = header(&early, "");
    for bad in [
        "Replaces: \r\n".to_owned(),
        "Replaces: a\r\n".to_owned(),
        "Replaces: a;to-tag=b\r\n".to_owned(),
        "Replaces: a;from-tag=b\r\n".to_owned(),
        "Replaces: a;to-tag=;from-tag=b\r\n".to_owned(),
        "Replaces: ;to-tag=b;from-tag=c\r\n".to_owned(),
        "Replaces: a;to-tag=b;from-tag=c;to-tag=b\r\n".to_owned(),
        "Replaces: a;to-tag=b;from-tag=c, d;to-tag=e;from-tag=f\r\n".to_owned(),
        format!("{good}{good}"),
        format!("{good}Join: a;to-tag=b;from-tag=c\r\n"),
    ] {
        assert_eq!(refused(&mut lab, &mut phone, &bad), 400, "{bad}");
    }
    // Only an INVITE takes calls over.
    phone.call_id = "options".into();
    let answer = phone.send(&mut lab, "OPTIONS", &good, b"");
    assert_eq!(answer.status(), Some(400));
    let again = asked(&mut lab, &mut phone, &good).unwrap();
    assert!(again.1.is_some(), "it is still there");
}

#[test]
fn a_call_that_is_over_is_not_taken() {
    let (mut lab, mut phone) = lab();
    let (id, named) = rings(&mut lab);
    lab.ua.hang_up(lab.now, id, None).unwrap();
    assert_eq!(names(&lab.sent()), ["CANCEL"]);
    lab.take_events();
    assert_eq!(
        asked(&mut lab, &mut phone, &header(&named, "")).unwrap_err(),
        603,
        "while it is being ended"
    );
    lab.pass(common::ms(120_000));
    lab.take_events();
    let (_, replaces) = asked(&mut lab, &mut phone, &header(&named, "")).unwrap();
    assert_eq!(replaces.unwrap().dialog, None, "nothing is left of it");
}

#[test]
fn trunks_take_nothing_over_and_are_not_told_that_it_could_be_done() {
    let (mut lab, mut phone) = lab();
    let (_, named) = rings(&mut lab);
    let trunk = lab.flow.remote;
    let told = "100rel, timer, norefersub, replaces";
    let bare = "100rel, timer, norefersub";

    for (trusted, supported) in [(Vec::new(), told), (vec![trunk], bare)] {
        let trusts = !trusted.is_empty();
        lab.ua.set_trusted(trusted);
        let options = lab.receive(request("OPTIONS", 50 + u32::from(trusts), "", "", b""));
        assert_eq!(text(&options[0], HeaderName::Supported), supported);
        lab.ua.invite(lab.now, outgoing(lab.flow)).unwrap();
        let invite = lab.sent().remove(0);
        assert_eq!(text(&invite, HeaderName::Supported), supported);
        if !trusts {
            let (dialog, _) = asked(&mut lab, &mut phone, "").unwrap();
            let answer = Some(Bytes::from_static(ANSWER));
            lab.ua.respond(lab.now, dialog, 200, "", answer, &[]).unwrap();
            assert_eq!(text(&lab.sent()[0], HeaderName::Supported), supported);
        }
    }
    // From the trunk's address: as if nobody took calls over.
    lab.take_events();
    let (ours, strange) = (header(&named, ""), "Replaces: a;to-tag=b;from-tag=c\r\n");
    for (cseq, (headers, status)) in (60..).zip([
        (ours.as_str(), "603"),
        (strange, "481"),
        ("Require: replaces\r\n", "420"),
    ]) {
        let sent = lab.receive(request("INVITE", cseq, "", headers, OFFER));
        assert_eq!(names(&sent), [status], "{headers}");
    }
    assert!(lab.take_events().is_empty());
}

#[test]
fn a_stranger_is_asked_who_it_is() {
    let (mut lab, _) = lab();
    let (id, named) = rings(&mut lab);
    let sent = lab.receive(request("INVITE", 70, "", &header(&named, ""), OFFER));
    assert_eq!(names(&sent), ["401"]);
    assert!(lab.take_events().is_empty());
    assert_eq!(lab.ua.replaced_dialog(&named), Some(id));
}
