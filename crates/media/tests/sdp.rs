//! Offer and answer, case by case.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/sdp.rs"]
mod support;

use ponte_media::sdp::{LocalSession, SdpError};
use ponte_media::{Codec, Direction};
use support::{ALL, C, EVENT, M, sdp, session, text};

#[test]
fn the_first_offer_says_all_that_a_telephone_wants() {
    let offer = text(&session().offer(Direction::SendRecv));
    let expected = [
        "v=0",
        "o=- 7 0 IN IP4 192.0.2.10",
        "s=-",
        "c=IN IP4 192.0.2.10",
        "t=0 0",
        "m=audio 20000 RTP/AVP 8 0 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
        "a=rtcp:20001",
        "",
    ];
    assert_eq!(offer, expected.join("\r\n"));
}

#[test]
fn hold_in_every_direction_is_mirrored_and_never_widened() {
    let name = |direction| match direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    };
    for theirs in ALL {
        for wanted in ALL {
            let line = format!("a={}", name(theirs));
            let answer = session().answer(&sdp(C, &[M, EVENT, &line]), wanted).unwrap();
            let expected = theirs.reversed().restricted_to(wanted);
            assert_eq!(answer.remote.direction, expected, "{theirs:?} {wanted:?}");
            assert!(text(&answer.body).contains(&format!("a={}\r\n", name(expected))));

            let mut ours = session();
            ours.offer(wanted);
            let remote = ours.accept_answer(&sdp(C, &[M, EVENT, &line])).unwrap();
            assert_eq!(remote.direction, expected, "as an answer");
        }
    }
    // At session level too.
    let mut offer = text(&sdp(C, &[M]));
    offer = offer.replace("t=0 0\r\n", "t=0 0\r\na=inactive\r\n");
    let answer = session().answer(offer.as_bytes(), Direction::SendRecv).unwrap();
    assert_eq!(answer.remote.direction, Direction::Inactive);
}

#[test]
fn an_address_of_zeros_is_hold() {
    for (theirs, expected) in [
        ("a=sendrecv", Direction::RecvOnly),
        ("a=inactive", Direction::Inactive),
    ] {
        let offer = sdp("c=IN IP4 0.0.0.0", &[M, theirs]);
        let answer = session().answer(&offer, Direction::SendRecv).unwrap();
        assert_eq!(answer.remote.direction, expected);
    }
}

#[test]
fn codecs_follow_the_peers_order_and_static_types_need_no_rtpmap() {
    for (line, codec) in [
        ("m=audio 4000 RTP/AVP 0 8", Codec::Pcmu),
        ("m=audio 4000 RTP/AVP 18 9 8 0", Codec::Pcma),
        ("m=audio 4000 RTP/AVP 0", Codec::Pcmu),
    ] {
        let answer = session().answer(&sdp(C, &[line]), Direction::SendRecv).unwrap();
        assert_eq!(answer.remote.codec, codec, "{line}");
        assert_eq!(answer.remote.telephone_event, None);
        let number = codec.payload_type();
        assert!(text(&answer.body).contains(&format!("m=audio 20000 RTP/AVP {number}\r\n")));
    }
}

#[test]
fn unknown_codecs_and_streams_are_typed_errors() {
    let cases: [(&str, &[&str], SdpError); 10] = [
        (C, &["m=audio 4000 RTP/AVP 18 9"], SdpError::NoCommonCodec),
        (
            C,
            &["m=audio 4000 RTP/AVP 8", "a=rtpmap:8 opus/48000/2"],
            SdpError::NoCommonCodec,
        ),
        (C, &["m=audio 4000 RTP/AVP"], SdpError::NoCommonCodec),
        (C, &["m=audio 0 RTP/AVP 8"], SdpError::NoAudio),
        (C, &["m=audio 4000 RTP/SAVP 8"], SdpError::Transport),
        (C, &["m=video 4000 RTP/AVP 31"], SdpError::NoAudio),
        (C, &[], SdpError::NoAudio),
        ("", &[M], SdpError::BadAddress),
        ("c=IN IP4 phone.example.com", &[M], SdpError::BadAddress),
        ("c=IN IP4 224.2.1.1/127", &[M], SdpError::BadAddress),
    ];
    for (connection, lines, error) in cases {
        let offer = sdp(connection, lines);
        let refused = session().answer(&offer, Direction::SendRecv).unwrap_err();
        // A line without formats may be refused by the grammar already.
        let by_grammar = lines == ["m=audio 4000 RTP/AVP"] && matches!(refused, SdpError::Malformed(_));
        assert!(
            refused == error || by_grammar,
            "{connection} {lines:?}: {refused}"
        );
    }
    assert_eq!(
        session()
            .answer(&sdp("c=IN IP6 2001:db8::1", &[M]), Direction::SendRecv)
            .unwrap_err(),
        SdpError::BadAddress,
    );
    for garbage in [
        &b""[..],
        b"\0\xFF\xFE",
        b"v=1\r\n",
        b"INVITE sip:x SIP/2.0\r\n",
        &vec![b'a'; 70_000],
    ] {
        let refused = session().answer(garbage, Direction::SendRecv).unwrap_err();
        assert!(
            matches!(refused, SdpError::Malformed(_) | SdpError::NoAudio),
            "{refused}"
        );
    }
}

#[test]
fn other_streams_keep_their_place_with_port_zero() {
    let offer = sdp(
        C,
        &[
            "m=video 6000 RTP/AVP 31 34",
            "m=audio 6002 RTP/SAVP 8",
            M,
            EVENT,
            "m=audio 6004 RTP/AVP 0",
            "m=application 6006 TCP/BFCP *",
        ],
    );
    let mut ours = session();
    let answer = ours.answer(&offer, Direction::SendRecv).unwrap();
    let lines = |body: &[u8]| -> Vec<String> {
        text(body)
            .lines()
            .filter(|line| line.starts_with("m="))
            .map(Into::into)
            .collect()
    };
    let expected = [
        "m=video 0 RTP/AVP 31 34",
        "m=audio 0 RTP/SAVP 8",
        "m=audio 20000 RTP/AVP 8 101",
        "m=audio 0 RTP/AVP 0",
        "m=application 0 TCP/BFCP *",
    ];
    assert_eq!(lines(&answer.body), expected);
    assert_eq!(answer.remote.rtp.port(), 4000);

    // Our own offer later in the dialog keeps every place too, and the answer is read from ours.
    let again = lines(&ours.offer(Direction::SendOnly));
    assert_eq!(again[0], expected[0]);
    assert_eq!(again[2], "m=audio 20000 RTP/AVP 8 0 101");
    let reply = sdp(
        C,
        &[
            "m=video 0 RTP/AVP 31",
            "m=audio 0 RTP/SAVP 8",
            "m=audio 4444 RTP/AVP 0",
            "a=recvonly",
            "m=audio 0 RTP/AVP 0",
            "m=application 0 TCP/BFCP *",
        ],
    );
    let remote = ours.accept_answer(&reply).unwrap();
    assert_eq!(
        (remote.rtp.port(), remote.codec, remote.direction),
        (4444, Codec::Pcmu, Direction::SendOnly)
    );
}

#[test]
fn an_answer_that_refuses_or_misses_our_stream_is_told() {
    let mut ours = session();
    ours.offer(Direction::SendRecv);
    assert_eq!(
        ours.accept_answer(&sdp(C, &["m=audio 0 RTP/AVP 8"])),
        Err(SdpError::Rejected)
    );
    assert_eq!(ours.accept_answer(&sdp(C, &[])), Err(SdpError::NoAudio));
    assert_eq!(
        ours.accept_answer(&sdp(C, &["m=audio 9 RTP/AVP 18"])),
        Err(SdpError::NoCommonCodec)
    );
}

#[test]
fn event_types_are_each_sides_own() {
    // Their number in an answer is for what we send; they send ours.
    let mut ours = session();
    ours.offer(Direction::SendRecv);
    let answer = sdp(
        C,
        &["m=audio 4000 RTP/AVP 8 97", "a=rtpmap:97 TELEPHONE-EVENT/8000/1"],
    );
    let remote = ours.accept_answer(&answer).unwrap();
    assert_eq!(
        (remote.telephone_event, remote.telephone_event_in),
        (Some(97), Some(101))
    );

    // Their number in an offer is the dialog's from then on.
    let mut ours = session();
    let offer = sdp(
        C,
        &[
            "m=audio 4000 RTP/AVP 8 98 96",
            "a=rtpmap:98 telephone-event/48000",
            "a=rtpmap:96 telephone-event/8000",
        ],
    );
    let answer = ours.answer(&offer, Direction::SendRecv).unwrap();
    assert_eq!(
        (answer.remote.telephone_event, answer.remote.telephone_event_in),
        (Some(96), Some(96))
    );
    assert!(text(&answer.body).contains("m=audio 20000 RTP/AVP 8 96\r\n"));
    assert!(text(&ours.offer(Direction::SendRecv)).contains("m=audio 20000 RTP/AVP 8 0 96\r\n"));

    let without = session()
        .answer(&sdp(C, &["m=audio 4000 RTP/AVP 8"]), Direction::SendRecv)
        .unwrap();
    assert!(!text(&without.body).contains("telephone-event"));
}

#[test]
fn packet_time_and_rtcp_are_read() {
    for (line, ptime) in [
        ("a=ptime:30", 30),
        ("a=ptime:10", 10),
        ("a=ptime:0", 20),
        ("a=ptime:9999", 60),
        ("a=ptime:x", 20),
        ("a=maxptime:10", 10),
        ("a=x", 20),
    ] {
        let answer = session()
            .answer(&sdp(C, &[M, line]), Direction::SendRecv)
            .unwrap();
        assert_eq!(answer.remote.ptime, ptime, "{line}");
    }
    for (line, rtcp) in [
        ("a=rtcp:5000", "198.51.100.2:5000"),
        ("a=rtcp:5000 IN IP4 203.0.113.4", "203.0.113.4:5000"),
        ("a=rtcp:nonsense", "198.51.100.2:4001"),
        ("a=x", "198.51.100.2:4001"),
        ("a=rtcp-mux", "198.51.100.2:4000"),
    ] {
        let answer = session()
            .answer(&sdp(C, &[M, line]), Direction::SendRecv)
            .unwrap();
        assert_eq!(answer.remote.rtcp, rtcp.parse().unwrap(), "{line}");
        assert_eq!(text(&answer.body).contains("a=rtcp-mux"), line == "a=rtcp-mux");
    }
}

#[test]
fn the_connection_of_the_stream_wins() {
    let offer = sdp(C, &[M, "c=IN IP4 203.0.113.77"]);
    let answer = session().answer(&offer, Direction::SendRecv).unwrap();
    assert_eq!(answer.remote.rtp, "203.0.113.77:4000".parse().unwrap());
}

#[test]
fn ipv6_is_spoken() {
    let mut ours = LocalSession::new(1, "[2001:db8::10]:20000".parse().unwrap());
    let offer = text(&ours.offer(Direction::SendRecv));
    assert!(offer.contains("o=- 1 0 IN IP6 2001:db8::10\r\n") && offer.contains("c=IN IP6 2001:db8::10\r\n"));
    let remote = ours.accept_answer(&sdp("c=IN IP6 2001:db8::2", &[M])).unwrap();
    assert_eq!(remote.rtp, "[2001:db8::2]:4000".parse().unwrap());
    assert_eq!(ours.accept_answer(&sdp(C, &[M])), Err(SdpError::BadAddress));
}

#[test]
fn the_version_rises_by_one_exactly_when_something_changes() {
    let version = |body: &[u8]| -> u64 {
        let text = text(body);
        let origin = text.lines().find(|line| line.starts_with("o=")).unwrap();
        origin.split(' ').nth(2).unwrap().parse().unwrap()
    };
    let mut ours = session();
    assert_eq!(version(&ours.offer(Direction::SendRecv)), 0);
    assert_eq!(version(&ours.offer(Direction::SendRecv)), 0);
    assert_eq!(version(&ours.offer(Direction::SendOnly)), 1);
    assert_eq!(version(&ours.offer(Direction::SendRecv)), 2);
    // The same answer to a repeated offer, another to a hold, and again.
    let first = ours.answer(&sdp(C, &[M, EVENT]), Direction::SendRecv).unwrap();
    assert_eq!(version(&first.body), 3);
    let repeated = ours.answer(&sdp(C, &[M, EVENT]), Direction::SendRecv).unwrap();
    assert_eq!(first.body, repeated.body);
    let hold = ours
        .answer(&sdp(C, &[M, EVENT, "a=sendonly"]), Direction::SendRecv)
        .unwrap();
    assert_eq!(version(&hold.body), 4);
    let back = ours.answer(&sdp(C, &[M, EVENT]), Direction::SendRecv).unwrap();
    assert_eq!(version(&back.body), 5);
}

#[test]
fn a_reinvite_without_offer_is_answered_by_an_offer_that_fits_the_dialog() {
    let mut ours = session();
    ours.answer(
        &sdp(C, &["m=audio 4000 RTP/AVP 0 8 101", EVENT]),
        Direction::SendRecv,
    )
    .unwrap();
    let offer = text(&ours.offer(Direction::SendRecv));
    assert!(
        offer.contains("m=audio 20000 RTP/AVP 0 8 101\r\n"),
        "the agreed codec first: {offer}"
    );
    let remote = ours
        .accept_answer(&sdp(C, &["m=audio 4000 RTP/AVP 0 101", EVENT]))
        .unwrap();
    assert_eq!(remote.codec, Codec::Pcmu);
}

#[test]
fn nothing_a_peer_writes_becomes_a_line_of_ours() {
    let offer = sdp(C, &["m=video 6000 RTP/AVP 31\ra=evil", M]);
    if let Ok(answer) = session().answer(&offer, Direction::SendRecv) {
        let body = text(&answer.body);
        assert!(!body.replace("\r\n", "").contains('\r'), "{body:?}");
        assert!(!body.lines().any(|line| line == "a=evil"));
    }
}

#[test]
fn odd_and_legal_descriptions_are_read() {
    let usual = ["v=0", "o=- 1 1 IN IP4 198.51.100.2", "s=-", C, "t=0 0", M, EVENT];
    let with = |at: usize, line: &'static str| {
        let mut lines = usual.to_vec();
        lines[at] = line;
        lines.retain(|line| !line.is_empty());
        lines.join("\r\n") + "\r\n"
    };
    let long = usual.join("\r\n") + "\r\n";
    let rows: [(&str, Vec<u8>); 24] = [
        (
            "a name in o=",
            with(1, "o=alice 1 1 IN IP4 host.example.com").into(),
        ),
        ("IPv6 in o=", with(1, "o=- 1 1 IN IP6 2001:db8::1").into()),
        (
            "a user name with odd letters",
            with(1, "o=<alice>@x 1 1 IN IP4 1.2.3.4").into(),
        ),
        (
            "versions beyond 64 bits",
            with(
                1,
                "o=- 99999999999999999999999 99999999999999999999999 IN IP4 1.2.3.4",
            )
            .into(),
        ),
        ("an o= that is cut short", with(1, "o=- 1 1").into()),
        ("no o=", with(1, "").into()),
        ("no s=", with(2, "").into()),
        ("an empty s=", with(2, "s=").into()),
        ("no t=", with(4, "").into()),
        (
            "times of long ago",
            with(
                4,
                "t=3034423619 3042462419\r\nr=604800 3600 0 90000\r\nz=2882844526 -1h",
            )
            .into(),
        ),
        ("bandwidth", with(4, "b=AS:64\r\nb=TIAS:64.5\r\nt=0 0").into()),
        (
            "everything else",
            with(
                2,
                "s=-\r\ni=x\r\ni=y\r\nu=http://x\r\ne=a@b\r\np=+1\r\nk=prompt\r\ny=0",
            )
            .into(),
        ),
        ("LF", long.replace("\r\n", "\n").into()),
        ("CR", long.replace("\r\n", "\r").into()),
        ("no end of the last line", long.trim_end().into()),
        (
            "empty lines",
            long.replace("t=0 0\r\n", "t=0 0\r\n\r\n\r\n").into(),
        ),
        ("white space behind", long.replace("\r\n", " \t\r\n").into()),
        (
            "two blanks",
            long.replace("c=IN IP4", "c=IN  IP4")
                .replace("RTP/AVP 8", "RTP/AVP  8")
                .into(),
        ),
        (
            "two connections",
            with(3, "c=IN IP4 198.51.100.2\r\nc=IN IP4 198.51.100.3").into(),
        ),
        (
            "a connection per stream only",
            with(3, "").replace(M, &format!("{M}\r\n{C}")).into(),
        ),
        (
            "the profile in small letters",
            long.replace("RTP/AVP", "rtp/avp").into(),
        ),
        (
            "encryption offered beside",
            (long.clone() + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n").into(),
        ),
        (
            "a byte count of ports",
            long.replace("audio 4000", "audio 4000/1").into(),
        ),
        (
            "Latin-1",
            [
                &b"v=0\r\ns=caf\xE9\r\n"[..],
                long.strip_prefix("v=0\r\n").unwrap().as_bytes(),
            ]
            .concat(),
        ),
    ];
    for (name, offer) in rows {
        let answer = session().answer(&offer, Direction::SendRecv);
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(answer.remote.rtp, "198.51.100.2:4000".parse().unwrap(), "{name}");
        assert_eq!(answer.remote.direction, Direction::SendRecv, "{name}");
        assert_eq!(answer.remote.telephone_event, Some(101), "{name}");
        let body = text(&answer.body);
        assert!(body.contains("m=audio 20000 RTP/AVP 8 101\r\n"), "{name}: {body}");
    }
}

#[test]
fn a_stream_with_feedback_is_answered_in_its_own_profile() {
    let offer = sdp(C, &["m=audio 4000 RTP/AVPF 8", "a=rtcp-fb:* nack"]);
    let mut ours = session();
    let answer = text(&ours.answer(&offer, Direction::SendRecv).unwrap().body);
    assert!(answer.contains("m=audio 20000 RTP/AVPF 8\r\n") && !answer.contains("rtcp-fb"));
    let again = text(&ours.offer(Direction::SendRecv));
    assert!(again.contains("m=audio 20000 RTP/AVPF 8 0 101\r\n"), "{again}");
    for encrypted in ["RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVPF"] {
        let line = format!("m=audio 4000 {encrypted} 8");
        let refused = session().answer(&sdp(C, &[&line]), Direction::SendRecv);
        assert_eq!(refused.unwrap_err(), SdpError::Transport, "{encrypted}");
    }
}

#[test]
fn keys_at_another_rate_only_are_none() {
    let lines = ["m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/16000"];
    let answer = session().answer(&sdp(C, &lines), Direction::SendRecv).unwrap();
    assert_eq!(answer.remote.telephone_event, None);
    assert!(text(&answer.body).contains("m=audio 20000 RTP/AVP 8\r\n"));
}

#[test]
fn audio_that_is_taken_out_of_a_call_may_come_back() {
    let off = sdp(C, &["m=audio 0 RTP/AVP 8 0", "m=video 0 RTP/AVP 31"]);
    let mut ours = session();
    assert_eq!(
        ours.answer(&off, Direction::SendRecv).unwrap_err(),
        SdpError::NoAudio,
        "no call begins so"
    );
    ours.answer(&sdp(C, &[M, "m=video 5000 RTP/AVP 31"]), Direction::SendRecv)
        .unwrap();
    let answer = ours.answer(&off, Direction::SendRecv).unwrap();
    assert_eq!(answer.remote.direction, Direction::Inactive);
    assert_eq!(answer.remote.rtp, "198.51.100.2:4000".parse().unwrap());
    let body = text(&answer.body);
    assert!(
        body.ends_with("m=audio 0 RTP/AVP 8 0\r\nm=video 0 RTP/AVP 31\r\n"),
        "{body}"
    );
    // Either side may bring it back, in its place.
    let offer = text(&ours.offer(Direction::SendRecv));
    assert!(offer.contains("m=audio 20000 RTP/AVP 8 0 101\r\n"), "{offer}");
    assert!(offer.ends_with("m=video 0 RTP/AVP 31\r\n"), "{offer}");
    let back = ours.answer(&sdp(C, &[M, "m=video 0 RTP/AVP 31"]), Direction::SendRecv);
    assert_eq!(back.unwrap().remote.direction, Direction::SendRecv);
}
