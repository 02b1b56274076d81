//! The control API over HTTP, calls placed from telephones, and the end of a simulator.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::{Duration, Instant};

use ponte_pstn_sim::{
    Answer, Behaviour, CallDirection, CallReport, CallState, EndedBy, Health, PlaceCall, Press, Simulator,
};
use support::{Caller, call_when, http, simulator};

const NUMBER: &str = "+390698765499";

async fn get_calls(simulator: &Simulator) -> Vec<CallReport> {
    let (status, body) = http(simulator.control_addr(), "GET", "/calls", "").await;
    assert_eq!(status, 200);
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn a_call_is_steered_and_read_over_http() {
    let simulator = simulator().await;
    let api = simulator.control_addr();
    let (status, _) = http(
        api,
        "PUT",
        "/numbers/%2B390698765499",
        r#"{"kind":"answer","after_ms":0,"tone_hz":700}"#,
    )
    .await;
    assert_eq!(status, 200);
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.extra = "P-Asserted-Identity: <sip:+390612345678@ponte>\r\n".to_owned();
    caller.establish().await;
    let calls = get_calls(&simulator).await;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].number, NUMBER);
    assert_eq!(
        calls[0].p_asserted_identity.as_deref(),
        Some("<sip:+390612345678@ponte>")
    );
    assert_eq!(calls[0].headers["Contact"].len(), 1);
    let id = calls[0].id;
    let path = |what: &str| format!("/calls/{id}/{what}");
    let (status, _) = http(api, "POST", &path("dtmf"), r#"{"digits":"42"}"#).await;
    assert_eq!(status, 202);
    let (status, _) = http(api, "POST", &path("dtmf"), r#"{"digits":"x"}"#).await;
    assert_eq!(status, 422);
    let packets = support::listen(&caller.rtp, Duration::from_millis(900)).await;
    let pressed: Vec<u8> = packets
        .iter()
        .filter(|(payload_type, marker, _)| *payload_type == 101 && *marker)
        .map(|(_, _, payload)| payload[0])
        .collect();
    assert_eq!(pressed, [4, 2]);
    let (status, _) = http(api, "POST", &path("hangup"), "").await;
    assert_eq!(status, 202);
    let bye = caller.request("BYE").await;
    caller.reply(&bye, "200 OK", "").await;
    let call = call_when(&simulator, Duration::from_secs(2), |call| {
        call.state == CallState::Ended
    })
    .await;
    assert_eq!(call.ended_by, Some(EndedBy::Control));
    let (status, _) = http(api, "POST", &path("hangup"), "").await;
    assert_eq!(status, 409);
    assert_eq!(http(api, "DELETE", "/calls", "").await.0, 200);
    assert!(get_calls(&simulator).await.is_empty());
    assert_eq!(http(api, "GET", &format!("/calls/{id}"), "").await.0, 404);
    simulator.shutdown().await;
}

#[tokio::test]
async fn mistakes_get_a_status_and_a_reason() {
    let simulator = simulator().await;
    let api = simulator.control_addr();
    for (method, path, body, expected) in [
        ("PUT", "/numbers/abc", r#"{"kind":"busy"}"#, 422),
        ("PUT", "/numbers/+39*", r#"{"kind":"busy"}"#, 200),
        ("PUT", "/numbers/+39*", r#"{"kind":"sings"}"#, 422),
        ("PUT", "/numbers/+39*", r#"{"kind":"answer","tone_hz":9}"#, 422),
        ("PUT", "/numbers/+39*", "{", 400),
        ("POST", "/calls/99/hangup", "", 404),
        ("POST", "/trunks/main/mode", r#"{"mode":"503"}"#, 204),
        ("POST", "/trunks/0/mode", r#"{"mode":"ok"}"#, 204),
        ("POST", "/trunks/7/mode", r#"{"mode":"ok"}"#, 404),
        ("POST", "/trunks/main/mode", r#"{"mode":"odd"}"#, 422),
        (
            "POST",
            "/calls",
            r#"{"from":"+391234567","to":"100","via":"192.0.2.1:5060"}"#,
            422,
        ),
        (
            "POST",
            "/calls",
            r#"{"from":"+391234567","to":"1 0>","via":"127.0.0.1:5060"}"#,
            422,
        ),
    ] {
        let (status, answer) = http(api, method, path, body).await;
        assert_eq!(status, expected, "{method} {path} {body}: {answer}");
    }
    let (_, health) = http(api, "GET", "/health", "").await;
    let health: Health = serde_json::from_str(&health).unwrap();
    assert_eq!((health.status.as_str(), health.active_calls), ("ok", 0));
    let (_, numbers) = http(api, "GET", "/numbers", "").await;
    assert!(numbers.contains("+393331234501"));
    simulator.shutdown().await;
}

/// Two simulators call each other: each is the other's gateway.
#[tokio::test]
async fn a_telephone_calls_and_both_ends_hear_the_other() {
    let near = simulator().await;
    let far = simulator().await;
    let answer = Answer {
        after_ms: 100,
        tone_hz: Some(700.0),
        ..Answer::default()
    };
    far.set_number(NUMBER, Behaviour::Answer(answer)).unwrap();
    for tcp in [false, true] {
        near.clear_calls();
        far.clear_calls();
        near.place(PlaceCall {
            via: Some(far.sip_addr()),
            tcp,
            telephone: Answer {
                tone_hz: Some(900.0),
                press: vec![Press {
                    digits: "7".to_owned(),
                    at_ms: 300,
                }],
                hang_up_after_ms: Some(1400),
                ..Answer::default()
            },
            ..PlaceCall::new("+393331234501", NUMBER)
        })
        .unwrap();
        let over = |call: &CallReport| call.state == CallState::Ended;
        let called = call_when(&far, Duration::from_secs(5), over).await;
        let placed = call_when(&near, Duration::from_secs(5), over).await;
        assert_eq!(placed.direction, CallDirection::FromTelephone);
        assert_eq!(placed.ended_by, Some(EndedBy::Telephone));
        assert_eq!(called.ended_by, Some(EndedBy::Peer));
        assert_eq!((placed.status, called.status), (Some(200), Some(200)));
        assert!(placed.media.has_heard(700.0, 600), "{:?}", placed.media);
        assert!(called.media.has_heard(900.0, 600), "{:?}", called.media);
        assert_eq!(called.media.digits(), "7");
        assert_eq!(called.from, "+393331234501");
        assert!(placed.ringing_at < placed.answered_at);
        assert!(placed.answered_at < placed.acked_at);
        let via = &called.headers["Via"][0];
        assert_eq!(via.contains("/TCP"), tcp, "{via}");
    }
    far.set_number(NUMBER, Behaviour::Busy).unwrap();
    near.clear_calls();
    let order = PlaceCall {
        via: Some(far.sip_addr()),
        ..PlaceCall::new("+393331234501", NUMBER)
    };
    near.place(order.clone()).unwrap();
    let refused = call_when(&near, Duration::from_secs(2), |call| {
        call.state == CallState::Ended
    })
    .await;
    assert_eq!(refused.status, Some(486));
    assert_eq!(refused.ended_by, Some(EndedBy::Refused));

    far.set_number(NUMBER, Behaviour::RingOut).unwrap();
    near.clear_calls();
    far.clear_calls();
    let placed = near.place(order).unwrap();
    call_when(&near, Duration::from_secs(2), |call| {
        call.state == CallState::Ringing
    })
    .await;
    let path = format!("/calls/{}/hangup", placed.id);
    http(near.control_addr(), "POST", &path, "").await;
    let cancelled = call_when(&far, Duration::from_secs(2), |call| {
        call.state == CallState::Ended
    })
    .await;
    assert_eq!(cancelled.ended_by, Some(EndedBy::Cancel));
    near.shutdown().await;
    far.shutdown().await;
}

#[tokio::test]
async fn a_stop_ends_every_call_and_frees_the_ports() {
    let simulator = simulator().await;
    let addr = simulator.sip_addr();
    let control = simulator.control_addr();
    let at_once = Answer {
        after_ms: 0,
        ..Answer::default()
    };
    simulator.set_number(NUMBER, Behaviour::Answer(at_once)).unwrap();
    simulator.set_number("+390698765498", Behaviour::RingOut).unwrap();
    let mut up = Caller::new(addr, NUMBER).await;
    up.establish().await;
    let mut ringing = Caller::new(addr, "+390698765498").await;
    ringing.invite().await;
    ringing.response(180).await;
    let start = Instant::now();
    let answers = async {
        let bye = up.request("BYE").await;
        up.reply(&bye, "200 OK", "").await;
        ringing.response(503).await;
        ringing.send("ACK", 1, "").await;
    };
    tokio::join!(simulator.shutdown(), answers);
    assert!(start.elapsed() < Duration::from_secs(3));
    let metrics = tokio::runtime::Handle::current().metrics();
    let end = Instant::now() + Duration::from_secs(2);
    while metrics.num_alive_tasks() > 0 {
        assert!(Instant::now() < end, "{} tasks left", metrics.num_alive_tasks());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    std::net::UdpSocket::bind(addr).unwrap();
    tokio::net::TcpListener::bind(addr).await.unwrap();
    tokio::net::TcpListener::bind(control).await.unwrap();
}
