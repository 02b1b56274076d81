//! Against `SIPp` (Debian: `sip-tester`), which shares no code with us and echoes what it hears.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use ponte_pstn_sim::{Answer, Behaviour, CallReport, CallState, Codec, EndedBy, PlaceCall, Simulator};
use support::sipp::{free_ports, sipp};
use support::{call_when, simulator};

const NUMBER: &str = "+390698765499";

/// Runs `sipp` as a caller to the end; true when every call was as its scenario wants.
async fn calls(simulator: &Simulator, arguments: &[&str]) -> bool {
    let target = simulator.sip_addr().to_string();
    let mut all = vec!["-sn", "uac", &target, "-s", NUMBER, "-rtp_echo"];
    all.extend(arguments);
    sipp(free_ports(), &all).wait().await.unwrap().success()
}

fn ended(call: &CallReport) -> bool {
    call.state == CallState::Ended
}

#[tokio::test]
async fn a_call_from_sipp_hears_its_own_tone_come_back() {
    let simulator = simulator().await;
    let telephone = Answer {
        after_ms: 100,
        tone_hz: Some(660.0),
        ..Answer::default()
    };
    simulator
        .set_number(NUMBER, Behaviour::Answer(telephone))
        .unwrap();
    assert!(calls(&simulator, &["-m", "1", "-d", "1200"]).await);
    let call = call_when(&simulator, Duration::from_secs(2), ended).await;
    assert_eq!(call.media.codec, Some(Codec::Pcmu), "all that SIPp offers");
    assert!(call.media.has_heard(660.0, 800), "{:?}", call.media);
    assert_eq!(call.media.heard.len(), 1);
    assert_eq!(call.ended_by, Some(EndedBy::Peer));
    simulator.shutdown().await;
}

#[tokio::test]
async fn sipp_sees_a_refusal_as_a_failed_call() {
    let simulator = simulator().await;
    simulator.set_number(NUMBER, Behaviour::Busy).unwrap();
    assert!(!calls(&simulator, &["-m", "1"]).await);
    let call = call_when(&simulator, Duration::from_secs(2), ended).await;
    assert_eq!(call.status, Some(486));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_call_to_sipp_is_answered_and_echoed() {
    let simulator = simulator().await;
    let port = free_ports();
    let mut gateway = sipp(port, &["-sn", "uas", "-m", "1", "-rtp_echo"]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    simulator
        .place(PlaceCall {
            via: Some(SocketAddr::from(([127, 0, 0, 1], port))),
            telephone: Answer {
                tone_hz: Some(900.0),
                hang_up_after_ms: Some(1200),
                ..Answer::default()
            },
            ..PlaceCall::new("+393331234501", "100")
        })
        .unwrap();
    let call = call_when(&simulator, Duration::from_secs(5), ended).await;
    assert_eq!(call.ended_by, Some(EndedBy::Telephone), "{call:#?}");
    assert!(call.media.has_heard(900.0, 600), "{:?}", call.media);
    assert!(gateway.wait().await.unwrap().success());
    simulator.shutdown().await;
}

/// 100 calls a second, half of them with audio at any moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls_a_second_are_all_answered_and_heard() {
    let simulator = simulator().await;
    let telephone = Answer {
        after_ms: 0,
        tone_hz: Some(660.0),
        ..Answer::default()
    };
    simulator
        .set_number(NUMBER, Behaviour::Answer(telephone))
        .unwrap();
    let load = ["-r", "100", "-m", "200", "-l", "200", "-d", "600"];
    assert!(calls(&simulator, &load).await);
    call_when(&simulator, Duration::from_secs(5), |_| {
        simulator.active_calls() == 0
    })
    .await;
    let calls = simulator.calls();
    assert_eq!(calls.len(), 200);
    assert!(calls.iter().all(|call| call.status == Some(200)));
    let heard = calls
        .iter()
        .filter(|call| call.media.has_heard(660.0, 200))
        .count();
    assert!(heard >= 190, "{heard} of 200 heard themselves");
    simulator.shutdown().await;
}
