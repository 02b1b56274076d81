//! What strange and hostile requests of telephones are answered, and that a good REGISTER is taken right after each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use common::telephone::{Telephone, serve};
use common::{names, request};

/// REGISTER and SUBSCRIBE as no telephone should send them, each by one that proved its account.
#[test]
fn strange_requests_of_telephones_are_answered_as_the_rfc_says() {
    let long_user = "a".repeat(505);
    let contact = |value: &str| format!("Contact: {value}\r\n");
    let rows: Vec<(&str, &str, String, Option<u16>)> = vec![
        ("REGISTER", "a bare URI", contact("sip:a@h"), Some(200)),
        ("REGISTER", "compact", "m: <sip:a@h>\r\n".into(), Some(200)),
        (
            "REGISTER",
            "a quoted comma",
            contact("\"A, B\" <sip:a@h>"),
            Some(200),
        ),
        ("REGISTER", "an empty list", "Contact: ,,\r\n".into(), Some(200)),
        (
            "REGISTER",
            "folded",
            "Contact:\r\n <sip:a@h>\r\n".into(),
            Some(200),
        ),
        ("REGISTER", "escaped user", contact("<sip:%61%20@h>"), Some(200)),
        (
            "REGISTER",
            "IPv6",
            contact("<sip:a@[2001:db8::1]:5070;transport=tcp>"),
            Some(200),
        ),
        (
            "REGISTER",
            "negative expires",
            contact("<sip:a@h>;expires=-5"),
            Some(200),
        ),
        ("REGISTER", "odd q", contact("<sip:a@h>;q=NaN"), Some(200)),
        ("REGISTER", "q above 1", contact("<sip:a@h>;q=7"), Some(200)),
        (
            "REGISTER",
            "a Path",
            contact("<sip:a@h>") + "Path: <sip:p;lr>\r\nRequire: path\r\n",
            Some(420),
        ),
        ("REGISTER", "unclosed bracket", contact("<sip:a@h"), Some(400)),
        ("REGISTER", "unclosed quotes", contact("\"A <sip:a@h>"), Some(400)),
        (
            "REGISTER",
            "a port too large",
            contact("<sip:a@h:70000>"),
            Some(400),
        ),
        ("REGISTER", "no host", contact("<sip:a@>"), Some(400)),
        ("REGISTER", "another scheme", contact("<mailto:a@h>"), Some(400)),
        (
            "REGISTER",
            "a line end in it",
            contact("<sip:a%0d%0a@h>"),
            Some(200),
        ),
        ("REGISTER", "a bare CR in it", contact("<sip:a\rb@h>"), Some(400)),
        ("REGISTER", "a NUL in it", contact("<sip:a\0b@h>"), Some(400)),
        (
            "REGISTER",
            "a URI too long",
            contact(&format!("<sip:{long_user}@h.example>")),
            Some(400),
        ),
        (
            "REGISTER",
            "star beside others",
            contact("<sip:a@h>, *") + "Expires: 0\r\n",
            Some(400),
        ),
        (
            "REGISTER",
            "one second",
            contact("<sip:a@h>;expires=1"),
            Some(423),
        ),
        (
            "SUBSCRIBE",
            "two packages",
            "Event: dialog, presence\r\nContact: <sip:a@h>\r\n".into(),
            Some(489),
        ),
        (
            "SUBSCRIBE",
            "a template",
            "Event: presence.winfo\r\nContact: <sip:a@h>\r\n".into(),
            Some(489),
        ),
        (
            "SUBSCRIBE",
            "star",
            "Event: dialog\r\nContact: *\r\n".into(),
            Some(400),
        ),
        ("SUBSCRIBE", "no Contact", "Event: dialog\r\n".into(), Some(400)),
        (
            "SUBSCRIBE",
            "compact",
            "o: dialog\r\nm: <sip:a@h>\r\n".into(),
            None,
        ),
        (
            "SUBSCRIBE",
            "any case",
            "Event: DiaLog ; id=1\r\nContact: <sip:a@h>\r\n".into(),
            None,
        ),
        (
            "SUBSCRIBE",
            "odd expires",
            "Event: dialog\r\nContact: <sip:a@h>\r\nExpires: soon\r\n".into(),
            None,
        ),
        (
            "PUBLISH",
            "a NUL in it",
            "Event: presence\r\nSIP-If-Match: \0\r\n".into(),
            Some(412),
        ),
    ];
    for (method, what, headers, expected) in rows {
        let mut lab = serve(&["desk-201"]);
        let mut phone = Telephone::new("desk-201");
        phone.challenge(&mut lab);
        let sent = phone.send_all(&mut lab, method, &headers, b"");
        let statuses: Vec<_> = sent.iter().filter_map(ponte_sip::Message::status).collect();
        assert_eq!(
            statuses,
            expected.into_iter().collect::<Vec<_>>(),
            "{method} with {what}"
        );
        let mut phone = Telephone::new("desk-201");
        phone.call_id = "afterwards".into();
        assert_eq!(
            phone.register(&mut lab, "Contact: <sip:a@h>\r\n").status(),
            Some(200),
            "a good REGISTER after {what}"
        );
    }
}

#[test]
fn answers_to_challenges_that_make_no_sense_are_challenged_again() {
    let mut lab = serve(&["desk-201"]);
    for authorization in [
        "Digest",
        "Basic ZGVzay0yMDE6c2VjcmV0",
        "Digest username=\"desk-201\"",
        "Digest realm=\"ponte.example\"",
        "Digest realm=\"ponte.example\", username=\"desk-201\", nonce=\"\", uri=\"sip:b@192.0.2.1\", response=\"\"",
        "Digest realm=\"other\", username=\"desk-201\", nonce=\"x\", uri=\"sip:h\", response=\"y\"",
        "Digest username=\"desk-201, realm=\"ponte.example\"",
    ] {
        let headers = format!("Authorization: {authorization}\r\n");
        let text = String::from_utf8(request("REGISTER", 1, "", &headers, b"")).unwrap();
        let sent = lab.receive(text.replace("sip:b@", "sip:desk-201@"));
        assert_eq!(names(&sent), ["401"], "{authorization}");
    }
    assert!(lab.take_events().is_empty());
}
