//! The trunk side: credentials, registration, keep-alive, failing modes, TCP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use md5::Md5;
use ponte_pstn_sim::{
    Algorithm, Answer, Behaviour, Config, EndedBy, Password, Simulator, StartError, TrunkAuth, TrunkConfig,
    TrunkMode,
};
use sha2::{Digest, Sha256};
use support::{Caller, Message, challenge, simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const NUMBER: &str = "+390698765499";

fn any() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

async fn guarded(algorithm: Algorithm, status: u16) -> Simulator {
    let mut trunk = TrunkConfig::at("main", any());
    trunk.auth = Some(TrunkAuth {
        username: "ponte".to_owned(),
        password: Password::new("right"),
        realm: "carrier.example".to_owned(),
        algorithm,
        challenge: status,
        invites: true,
    });
    let simulator = Simulator::start(Config {
        trunks: vec![trunk],
        ..Config::for_tests()
    })
    .await
    .unwrap();
    let answer = Answer {
        after_ms: 0,
        ..Answer::default()
    };
    simulator.set_number(NUMBER, Behaviour::Answer(answer)).unwrap();
    simulator
}

fn hash(algorithm: Algorithm, text: &str) -> String {
    let bytes = match algorithm {
        Algorithm::Md5 => Md5::digest(text).to_vec(),
        Algorithm::Sha256 => Sha256::digest(text).to_vec(),
    };
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

/// The credentials for a challenge.
fn credentials(algorithm: Algorithm, value: &str, method: &str, uri: &str, password: &str) -> String {
    let asked = challenge(value);
    let (realm, nonce) = (&asked["realm"], &asked["nonce"]);
    assert_eq!(asked["algorithm"], algorithm.name());
    let ha1 = hash(algorithm, &format!("ponte:{realm}:{password}"));
    let ha2 = hash(algorithm, &format!("{method}:{uri}"));
    let response = hash(algorithm, &format!("{ha1}:{nonce}:00000001:abc:auth:{ha2}"));
    format!(
        "Digest username=\"ponte\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm={}, qop=auth, nc=00000001, cnonce=\"abc\", response=\"{response}\"",
        algorithm.name()
    )
}

#[tokio::test]
async fn an_invite_with_the_right_digest_is_let_in() {
    for (algorithm, status, asks, gives) in [
        (Algorithm::Md5, 407, "proxy-authenticate", "Proxy-Authorization"),
        (Algorithm::Sha256, 401, "www-authenticate", "Authorization"),
    ] {
        let simulator = guarded(algorithm, status).await;
        let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
        caller.invite().await;
        let asked = caller.response(status).await;
        caller.send("ACK", 1, "").await;
        assert!(simulator.calls().is_empty());

        caller.cseq = 2;
        let wrong = credentials(algorithm, asked.header(asks), "INVITE", &caller.uri(), "wrong");
        caller.extra = format!("{gives}: {wrong}\r\n");
        caller.invite().await;
        let asked = caller.response(status).await;
        caller.send("ACK", 2, "").await;

        caller.cseq = 3;
        let right = credentials(algorithm, asked.header(asks), "INVITE", &caller.uri(), "right");
        caller.extra = format!("{gives}: {right}\r\n");
        caller.establish().await;
        caller.extra.clear();
        let calls = simulator.calls();
        assert_eq!(calls.len(), 1);
        assert!(
            !calls[0].headers.contains_key(gives),
            "credentials are in no report"
        );
        assert!(!format!("{:?}", calls[0]).contains("nonce"));
        caller.bye().await;
        simulator.shutdown().await;
    }
}

#[tokio::test]
async fn credentials_for_another_uri_or_used_twice_do_not_count() {
    let simulator = guarded(Algorithm::Md5, 407).await;
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.invite().await;
    let asked = caller.response(407).await;
    caller.cseq = 2;
    let other = credentials(
        Algorithm::Md5,
        asked.header("proxy-authenticate"),
        "INVITE",
        "sip:+1@other",
        "right",
    );
    caller.extra = format!("Proxy-Authorization: {other}\r\n");
    caller.invite().await;
    let asked = caller.response(407).await;
    caller.cseq = 3;
    let right = credentials(
        Algorithm::Md5,
        asked.header("proxy-authenticate"),
        "INVITE",
        &caller.uri(),
        "right",
    );
    caller.extra = format!("Proxy-Authorization: {right}\r\n");
    caller.establish().await;
    let mut thief = Caller::new(simulator.sip_addr(), NUMBER).await;
    thief.extra = caller.extra.clone();
    thief.invite().await;
    let refused = thief.response(407).await;
    assert!(refused.header("proxy-authenticate").contains("stale=true"));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_gateway_registers_and_leaves() {
    let simulator = guarded(Algorithm::Sha256, 407).await;
    let mut gateway = Caller::new(simulator.sip_addr(), "ponte").await;
    gateway.send("REGISTER", 1, "").await;
    let asked = gateway.response(401).await;
    let mut asked = asked.header("www-authenticate").to_owned();
    for (cseq, expires, bindings) in [(2, "300", 1), (3, "0", 0)] {
        let right = credentials(Algorithm::Sha256, &asked, "REGISTER", &gateway.uri(), "right");
        gateway.extra = format!("Authorization: {right}\r\nExpires: {expires}\r\n");
        gateway.send("REGISTER", cseq, "").await;
        let message = if cseq == 2 {
            gateway.response(200).await
        } else {
            // The nonce's counter was used: the trunk asks once more.
            let again = gateway.response(401).await;
            again.header("www-authenticate").clone_into(&mut asked);
            let right = credentials(Algorithm::Sha256, &asked, "REGISTER", &gateway.uri(), "right");
            gateway.extra = format!("Authorization: {right}\r\nExpires: {expires}\r\n");
            gateway.send("REGISTER", cseq + 1, "").await;
            gateway.response(200).await
        };
        let found = message.find("contact");
        assert_eq!(found.is_some(), bindings == 1, "{message:?}");
        if let Some(contact) = found {
            assert!(contact.contains("expires=300"), "{contact}");
        }
        let (_, trunks) = support::http(simulator.control_addr(), "GET", "/trunks", "").await;
        assert_eq!(trunks.matches("\"account\":\"ponte\"").count(), bindings);
    }
    simulator.shutdown().await;
}

#[tokio::test]
async fn options_are_answered_while_the_trunk_works() {
    let simulator = simulator().await;
    let mut gateway = Caller::new(simulator.sip_addr(), "ping").await;
    for (cseq, mode, status) in [
        (1, TrunkMode::Ok, 200),
        (2, TrunkMode::RejectOptions, 503),
        (3, TrunkMode::ServiceUnavailable, 503),
        (4, TrunkMode::ServerError, 500),
    ] {
        assert!(simulator.set_trunk_mode("main", mode));
        gateway.send("OPTIONS", cseq, "").await;
        gateway.response(status).await;
    }
    assert!(!simulator.set_trunk_mode("other", TrunkMode::Ok));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_trunk_fails_alone_and_calls_that_are_up_go_on() {
    let mut config = Config::for_tests();
    config.trunks.push(TrunkConfig::at("second", any()));
    let simulator = Simulator::start(config).await.unwrap();
    let answer = Answer {
        after_ms: 0,
        ..Answer::default()
    };
    simulator.set_number(NUMBER, Behaviour::Answer(answer)).unwrap();
    let mut up = Caller::new(simulator.sip_addr(), NUMBER).await;
    up.establish().await;

    simulator.set_trunk_mode("main", TrunkMode::ServiceUnavailable);
    let mut refused = Caller::new(simulator.sip_addr(), NUMBER).await;
    refused.invite().await;
    refused.response(503).await;
    let calls = simulator.calls();
    assert_eq!(calls.len(), 2, "the refused attempt is told as well");
    assert_eq!(calls[1].status, Some(503));
    assert_eq!(calls[1].ended_by, Some(EndedBy::Trunk));
    assert_eq!(calls[1].number, NUMBER);

    simulator.set_trunk_mode("main", TrunkMode::Silent);
    let mut ignored = Caller::new(simulator.sip_addr(), NUMBER).await;
    ignored.invite().await;
    assert!(ignored.next(Duration::from_millis(300)).await.is_none());

    ignored.send("CANCEL", 1, "").await;
    assert!(ignored.next(Duration::from_millis(100)).await.is_none());
    let attempt = simulator.calls().pop().unwrap();
    assert_eq!(attempt.trunk, "main");
    assert!(attempt.invite_at < attempt.cancelled_at.unwrap());

    // The same call goes on at the next trunk, under the same Call-ID.
    let second = simulator.trunk_addr("second").unwrap();
    let mut other = Caller::new(second, NUMBER).await;
    other.call_id.clone_from(&ignored.call_id);
    other.establish().await;
    assert!(attempt.cancelled_at.unwrap() < simulator.calls().last().unwrap().invite_at);
    assert_eq!(simulator.calls().last().unwrap().trunk, "second");
    other.bye().await;
    up.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_call_over_tcp_stays_on_tcp() {
    let simulator = simulator().await;
    let answer = Answer {
        after_ms: 0,
        hang_up_after_ms: Some(100),
        ..Answer::default()
    };
    simulator.set_number(NUMBER, Behaviour::Answer(answer)).unwrap();
    let mut stream = tokio::net::TcpStream::connect(simulator.sip_addr())
        .await
        .unwrap();
    let here = stream.local_addr().unwrap();
    let to = simulator.sip_addr();
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n";
    let request = |method: &str, to_header: &str, body: &str| {
        format!(
            "{method} sip:{NUMBER}@{to};transport=tcp SIP/2.0\r\nVia: SIP/2.0/TCP {here};branch=z9hG4bK{method}\r\nMax-Forwards: 70\r\nFrom: <sip:ann@{here}>;tag=a\r\nTo: {to_header}\r\nCall-ID: tcp-{here}\r\nCSeq: 1 {method}\r\nContact: <sip:ann@{here};transport=tcp>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let invite = request("INVITE", &format!("<sip:{NUMBER}@{to}>"), sdp);
    stream.write_all(invite.as_bytes()).await.unwrap();
    let mut text = String::new();
    let mut buffer = [0; 8192];
    while !text.contains("m=audio") {
        let length = stream.read(&mut buffer).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    let ok = Message::parse(&text[text.find("SIP/2.0 200").unwrap()..]);
    assert!(ok.header("contact").contains("transport=TCP"), "{ok:?}");
    let ack = request("ACK", ok.header("to"), "");
    stream.write_all(ack.as_bytes()).await.unwrap();
    let length = tokio::time::timeout(Duration::from_secs(2), stream.read(&mut buffer))
        .await
        .unwrap()
        .unwrap();
    let bye = Message::parse(std::str::from_utf8(&buffer[..length]).unwrap());
    assert!(bye.start.starts_with("BYE sip:ann@"), "{bye:?}");
    assert!(bye.header("via").starts_with("SIP/2.0/TCP"), "{bye:?}");
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = tokio::net::TcpListener::bind(any()).await.unwrap();
    let addr = taken.local_addr().unwrap();
    let error = Simulator::start(Config {
        trunks: vec![TrunkConfig::at("main", addr)],
        ..Config::for_tests()
    })
    .await
    .err()
    .unwrap();
    assert!(matches!(error, StartError::Trunk { .. }));
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
    let error = Simulator::start(Config {
        control: addr,
        ..Config::for_tests()
    })
    .await
    .err()
    .unwrap();
    assert!(matches!(error, StartError::Control { .. }));
}

#[tokio::test]
async fn malformed_datagrams_do_not_stop_the_next_call() {
    let simulator = simulator().await;
    let answer = Answer {
        after_ms: 0,
        ..Answer::default()
    };
    simulator.set_number(NUMBER, Behaviour::Answer(answer)).unwrap();
    let socket = tokio::net::UdpSocket::bind(any()).await.unwrap();
    for junk in [
        "",
        "\r\n\r\n",
        "INVITE",
        "INVITE sip:x SIP/2.0\r\n\r\n",
        "INVITE sip:+391234567@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nCSeq: 1 INVITE\r\n\r\n",
        "INVITE sip:+391234567@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKy\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
        "SIP/2.0 200 OK\r\nVia: x\r\n\r\n",
        "\u{0}\u{1}\u{ff}",
    ] {
        socket
            .send_to(junk.as_bytes(), simulator.sip_addr())
            .await
            .unwrap();
    }
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.establish().await;
    caller.bye().await;
    simulator.shutdown().await;
}
