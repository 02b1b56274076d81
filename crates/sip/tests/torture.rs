//! What strange and hostile messages are answered, and that a call sets up right after each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use common::{Lab, OFFER, names, request, tag_of};
use ponte_sip::{Event, HeaderName, UaConfig};

/// A well-formed OPTIONS, to be bent.
fn options() -> String {
    String::from_utf8(request("OPTIONS", 7, "", "", b"")).unwrap()
}

fn without(text: &str, header: &str) -> String {
    text.split_inclusive("\r\n")
        .filter(|line| !line.starts_with(&format!("{header}:")))
        .collect()
}

#[test]
fn malformed_requests_are_answered_as_the_rfc_says() {
    let good = options();
    let bend = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    let rows: Vec<(&str, String, Option<u16>, &str)> = vec![
        ("as it should be", good.clone(), Some(200), ""),
        ("LF line ends", good.replace("\r\n", "\n"), Some(200), ""),
        ("leading line ends", format!("\r\n\r\n{good}"), Some(200), ""),
        (
            "no Content-Length",
            without(&good, "Content-Length"),
            Some(200),
            "",
        ),
        ("folded header", bend("Call-ID: ", "Call-ID:\r\n "), Some(200), ""),
        (
            "folded in the middle",
            bend("\"A\" <sip:a", "\"A\"\r\n\t<sip:a"),
            Some(200),
            "",
        ),
        (
            "compact forms",
            good.replace("Via:", "v:")
                .replace("From:", "f:")
                .replace("To:", "t:")
                .replace("Call-ID:", "i:")
                .replace("Content-Length:", "l:"),
            Some(200),
            "",
        ),
        ("space before colon", bend("CSeq:", "CSeq  \t:"), Some(200), ""),
        (
            "names in odd case",
            good.replace("Via:", "vIA:").replace("CSeq:", "cseq:"),
            Some(200),
            "",
        ),
        (
            "unknown header with junk",
            bend("Max-Forwards", "X-Junk: \u{7f}<>\"(\r\nMax-Forwards"),
            Some(200),
            "",
        ),
        (
            "line that is no header",
            bend("Max-Forwards", "this is no header\r\nMax-Forwards"),
            Some(200),
            "",
        ),
        (
            "escaped quotes",
            bend("\"A\"", "\"A \\\" \\\\ ;tag=x\""),
            Some(200),
            "",
        ),
        (
            "body cut to Content-Length",
            bend("Content-Length: 0\r\n\r\n", "Content-Length: 0\r\n\r\nextra"),
            Some(200),
            "",
        ),
        (
            "more header lines than anybody needs",
            bend(
                "Content-Length:",
                &format!("{}Content-Length:", "X-Y: z\r\n".repeat(300)),
            ),
            Some(513),
            "",
        ),
        (
            "several Via in one line",
            bend("Via: ", "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKq, "),
            Some(200),
            "",
        ),
        (
            "tel request URI",
            bend("sip:b@192.0.2.1 SIP", "tel:+39061234 SIP"),
            Some(200),
            "",
        ),
        (
            "IPv6 everywhere",
            good.replace("192.0.2.1", "[2001:db8::1]"),
            Some(200),
            "",
        ),
        ("missing From", without(&good, "From"), Some(400), "Missing From"),
        ("missing To", without(&good, "To"), Some(400), "Missing To"),
        (
            "missing Call-ID",
            without(&good, "Call-ID"),
            Some(400),
            "Missing Call-ID",
        ),
        ("missing CSeq", without(&good, "CSeq"), Some(400), "Missing CSeq"),
        ("missing Via", without(&good, "Via"), None, ""),
        (
            "Via without host",
            bend("192.0.2.2:5060;branch", ";branch"),
            None,
            "",
        ),
        (
            "CSeq of another method",
            bend("7 OPTIONS", "7 INVITE"),
            Some(400),
            "CSeq Method Mismatch",
        ),
        (
            "CSeq beyond 2^31",
            bend("7 OPTIONS", "36893488147419103232 OPTIONS"),
            Some(400),
            "Bad CSeq",
        ),
        (
            "negative CSeq",
            bend("7 OPTIONS", "-7 OPTIONS"),
            Some(400),
            "Bad CSeq",
        ),
        (
            "two From",
            bend("From:", "From: <sip:x@y>;tag=1\r\nFrom:"),
            Some(400),
            "Repeated From",
        ),
        (
            "two Call-ID",
            bend("Call-ID:", "Call-ID: other\r\nCall-ID:"),
            Some(400),
            "Repeated Call-ID",
        ),
        (
            "two Content-Length",
            bend("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 5"),
            Some(400),
            "Repeated Content-Length",
        ),
        (
            "negative length",
            bend("Content-Length: 0", "Content-Length: -1"),
            Some(400),
            "Bad Content-Length",
        ),
        (
            "length beyond the datagram",
            bend("Content-Length: 0", "Content-Length: 9999"),
            Some(400),
            "Content-Length Beyond Message",
        ),
        ("unclosed quote", bend("\"A\"", "\"A"), Some(400), "Bad From"),
        (
            "unclosed bracket",
            bend("<sip:b@192.0.2.1>\r\n", "<sip:b@192.0.2.1\r\n"),
            Some(400),
            "Bad To",
        ),
        (
            "space in the request URI",
            bend("OPTIONS sip:b@", "OPTIONS sip:b b@"),
            Some(400),
            "Bad Request Line",
        ),
        (
            "bracketed request URI",
            bend("sip:b@192.0.2.1 SIP", "<sip:b@192.0.2.1> SIP"),
            Some(400),
            "Bad Request-URI",
        ),
        (
            "two spaces in the request line",
            bend("OPTIONS sip", "OPTIONS  sip"),
            Some(400),
            "Bad Request Line",
        ),
        (
            "white space after the version",
            bend("SIP/2.0\r\nVia", "SIP/2.0 \t\r\nVia"),
            Some(200),
            "",
        ),
        (
            "Max-Forwards beyond 255",
            bend("Max-Forwards: 70", "Max-Forwards: 300"),
            Some(400),
            "Bad Max-Forwards",
        ),
        (
            "another version",
            bend("192.0.2.1 SIP/2.0", "192.0.2.1 SIP/7.0"),
            Some(505),
            "Version Not Supported",
        ),
        (
            "unknown scheme",
            bend("sip:b@192.0.2.1 SIP", "nobody:knows SIP"),
            Some(416),
            "",
        ),
        (
            "spent counter, asking",
            bend("Max-Forwards: 70", "Max-Forwards: 0"),
            Some(200),
            "",
        ),
        (
            "unknown extension",
            bend("Max-Forwards", "Require: nothing, 100rel, more\r\nMax-Forwards"),
            Some(420),
            "",
        ),
        (
            "unknown method",
            good.replace("OPTIONS", "NEWMETHOD"),
            Some(501),
            "",
        ),
        (
            "known method, not served",
            good.replace("OPTIONS", "SUBSCRIBE"),
            Some(405),
            "",
        ),
        (
            "within no dialog",
            bend(
                "<sip:b@192.0.2.1>\r\n",
                "<sip:b@192.0.2.1>;tag=00000000deadbeef\r\n",
            ),
            Some(481),
            "",
        ),
        (
            "BYE without a dialog",
            good.replace("OPTIONS", "BYE"),
            Some(481),
            "",
        ),
        (
            "CANCEL without a transaction",
            good.replace("OPTIONS", "CANCEL"),
            Some(481),
            "",
        ),
        ("ACK without anything", good.replace("OPTIONS", "ACK"), None, ""),
        (
            "malformed ACK",
            without(&good.replace("OPTIONS", "ACK"), "Call-ID"),
            None,
            "",
        ),
        (
            "stray response",
            bend("OPTIONS sip:b@192.0.2.1 SIP/2.0", "SIP/2.0 200 OK"),
            None,
            "",
        ),
        (
            "status beyond 699",
            bend("OPTIONS sip:b@192.0.2.1 SIP/2.0", "SIP/2.0 4294967301 OK"),
            None,
            "",
        ),
        ("keep-alive", "\r\n\r\n".into(), None, ""),
        ("nothing", String::new(), None, ""),
        (
            "no SIP at all",
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n".into(),
            None,
            "",
        ),
    ];
    for (name, text, expected, phrase) in rows {
        let mut lab = Lab::new();
        let sent = lab.receive_raw(text.as_bytes());
        match expected {
            None => assert!(sent.is_empty(), "{name}: {sent:?}"),
            Some(status) => {
                assert_eq!(sent.len(), 1, "{name}: {sent:?}");
                assert!(
                    sent[0].starts_with(&format!("SIP/2.0 {status} {phrase}")),
                    "{name}: {}",
                    sent[0]
                );
            }
        }
        assert!(lab.take_events().is_empty(), "{name}");
        lab.called();
    }
}

#[test]
fn what_a_refusal_tells() {
    let mut lab = Lab::new();
    let refused = |lab: &mut Lab, text: Vec<u8>, status: u16| {
        let sent = lab.receive(text);
        assert_eq!(names(&sent), [status.to_string()]);
        sent.into_iter().next().unwrap()
    };
    let answer = refused(
        &mut lab,
        request("INVITE", 1, "", "Require: nothing, 100rel, more\r\n", OFFER),
        420,
    );
    assert_eq!(
        answer.header(HeaderName::Unsupported),
        Some(b"nothing, more".as_slice())
    );
    let answer = refused(&mut lab, request("PUBLISH", 1, "", "", b""), 405);
    assert!(answer.has_token(HeaderName::Allow, "INVITE") && !answer.has_token(HeaderName::Allow, "PUBLISH"));
    let answer = refused(
        &mut lab,
        request("INVITE", 2, "", "Content-Type: text/plain\r\n", b"hello"),
        415,
    );
    assert_eq!(
        answer.header(HeaderName::Accept),
        Some(b"application/sdp".as_slice())
    );
    let answer = refused(
        &mut lab,
        request("INVITE", 3, "", "Content-Encoding: gzip\r\n", OFFER),
        415,
    );
    assert_eq!(
        answer.header(HeaderName::AcceptEncoding),
        Some(b"identity".as_slice())
    );
    refused(&mut lab, request("INVITE", 4, "", "", b"not a description"), 488);
    let answer = refused(
        &mut lab,
        request(
            "INVITE",
            5,
            "",
            "Supported: timer\r\nSession-Expires: 30\r\n",
            OFFER,
        ),
        422,
    );
    assert_eq!(answer.header(HeaderName::MinSe), Some(b"90".as_slice()));
    let no_contact = String::from_utf8(request("INVITE", 6, "", "", OFFER)).unwrap();
    let no_contact: String = no_contact
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Contact"))
        .collect();
    assert_eq!(
        refused(&mut lab, no_contact.into_bytes(), 400).reason_phrase(),
        "Missing Contact"
    );
    let spent = String::from_utf8(request("INVITE", 7, "", "", OFFER))
        .unwrap()
        .replace("Forwards: 70", "Forwards: 0");
    refused(&mut lab, spent.into_bytes(), 483);
    let huge = request(
        "INVITE",
        8,
        "",
        &format!("X-Filler: {}\r\n", "x".repeat(70_000)),
        OFFER,
    );
    refused(&mut lab, huge, 513);
    assert!(lab.take_events().is_empty());
    assert_eq!(
        (lab.ua.dialog_count(), lab.ua.transaction_count()),
        (0, 0),
        "refusals keep no state"
    );
}

#[test]
fn a_request_that_came_twice_by_two_ways_is_merged() {
    let mut lab = Lab::new();
    assert_eq!(names(&lab.receive(request("INVITE", 1, "", "", OFFER))), ["100"]);
    let other_way = String::from_utf8(request("INVITE", 1, "", "", OFFER))
        .unwrap()
        .replace("z9hG4bK-", "z9hG4bK-fork-");
    assert_eq!(names(&lab.receive(other_way)), ["482"]);
    assert_eq!(
        names(&lab.receive(request("INVITE", 1, "", "", OFFER))),
        ["100"],
        "a plain repetition is not"
    );
    assert_eq!(lab.take_events().len(), 1);
}

#[test]
fn bytes_that_are_no_utf8_spoil_nothing_after_them() {
    let mut lab = Lab::new();
    let mut text = request("INVITE", 1, "", "Subject: caf", OFFER);
    let at = text.windows(4).position(|window| window == b" caf").unwrap() + 4;
    text.splice(
        at..at,
        *b"\xe9\r\nP-Asserted-Identity: \"M\xfcller\" <sip:+3906@h>, <tel:+3906>\r\n",
    );
    assert_eq!(names(&lab.receive(text)), ["100"]);
    let Event::IncomingCall(call) = lab.take_events().remove(0) else {
        panic!()
    };
    assert_eq!(
        call.asserted_identity[0].display.as_deref(),
        Some("M\u{fffd}ller")
    );
    assert_eq!(call.asserted_identity[1].uri, "tel:+3906");
    assert_eq!(call.sdp.as_deref(), Some(OFFER));
}

#[test]
fn a_body_without_content_length_or_in_parts_is_found() {
    let plain = String::from_utf8(request("INVITE", 1, "", "", OFFER)).unwrap();
    let plain: String = plain
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Content-Length"))
        .collect();
    let mut parts = b"preamble\r\n--b1\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n--b1\r\ncontent-type : application/sdp\r\n\r\n".to_vec();
    parts.extend_from_slice(OFFER);
    parts.extend_from_slice(b"\r\n--b1--\r\n");
    let multipart = request(
        "INVITE",
        2,
        "",
        "Content-Type: multipart/mixed;boundary=\"b1\"\r\n",
        &parts,
    );
    for text in [plain.into_bytes(), multipart] {
        let mut lab = Lab::new();
        assert_eq!(names(&lab.receive(text)), ["100"]);
        let Event::IncomingCall(call) = lab.take_events().remove(0) else {
            panic!()
        };
        assert_eq!(call.sdp.as_deref(), Some(OFFER));
    }
}

#[test]
fn where_responses_go_and_what_they_say_of_the_source() {
    let mut lab = Lab::new();
    let sent =
        lab.receive(options().replace("192.0.2.2:5060;branch", "10.0.0.9:5999;received=6.6.6.6;branch"));
    let via = String::from_utf8_lossy(sent[0].header(HeaderName::Via).unwrap()).into_owned();
    assert!(
        via.contains(";received=192.0.2.2;rport=5060") && !via.contains("6.6.6.6"),
        "{via}"
    );
    let sent = lab.receive(options().replace(";rport", "").replace("7 OPTIONS", "8 OPTIONS"));
    let via = String::from_utf8_lossy(sent[0].header(HeaderName::Via).unwrap()).into_owned();
    assert!(!via.contains("received") && !via.contains("rport"), "{via}");
}

#[test]
fn beyond_its_limits_the_user_agent_says_when_to_come_back() {
    let mut lab = Lab::with(UaConfig {
        max_dialogs: 1,
        overload_retry_after: 9,
        ..UaConfig::default()
    });
    let (first, _) = lab.called();
    let other = String::from_utf8(request("INVITE", 1, "", "", OFFER)).unwrap();
    let other = other
        .replace("peer-call", "second")
        .replace("z9hG4bK", "z9hG4bKsecond");
    let sent = lab.receive(other.clone());
    assert_eq!(names(&sent), ["503"]);
    assert_eq!(sent[0].header(HeaderName::RetryAfter), Some(b"9".as_slice()));
    lab.ua.hang_up(lab.now, first, None).unwrap();
    let bye = lab.sent().remove(0);
    lab.receive(common::response(&bye, 200, "", "", b""));
    assert_eq!(names(&lab.receive(other)), ["100"]);
    assert!(!tag_of(&bye).is_empty());
}
