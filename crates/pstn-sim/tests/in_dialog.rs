//! What happens inside a dialog: reliable responses, re-INVITEs, session timers, odd requests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use ponte_pstn_sim::{
    Answer, Behaviour, CallState, EndedBy, Refresher, Reinvite, ReinviteMode, SessionTimer,
};
use support::{Caller, call_when, listen, simulator};

const NUMBER: &str = "+390698765499";

fn at_once() -> Answer {
    Answer {
        after_ms: 0,
        ..Answer::default()
    }
}

#[tokio::test]
async fn a_reliable_183_is_repeated_until_its_prack() {
    let simulator = simulator().await;
    simulator
        .set_number(NUMBER, Behaviour::Require100Rel(at_once()))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.extra = "Supported: 100rel\r\n".to_owned();
    caller.invite().await;
    let progress = caller.response(183).await;
    assert_eq!(progress.header("require"), "100rel");
    let rseq = progress.header("rseq").to_owned();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let repeats = simulator.calls()[0]
        .wire
        .iter()
        .filter(|event| event.what == "183 INVITE")
        .count();
    assert_eq!(repeats, 2, "T1 has passed once");
    assert!(
        simulator.calls()[0].answered_at.is_none(),
        "no 200 before the PRACK"
    );
    caller.learn(&progress);
    caller.extra = format!("RAck: {} 1 INVITE\r\n", rseq.parse::<u32>().unwrap() + 7);
    caller.cseq = 2;
    caller.send("PRACK", 2, "").await;
    loop {
        let message = caller.next(Duration::from_secs(2)).await.unwrap();
        if message.method() == "PRACK" {
            assert_eq!(message.status(), Some(481), "a PRACK for something else");
            break;
        }
    }
    caller.extra = format!("RAck: {rseq} 1 INVITE\r\n");
    caller.send("PRACK", 3, "").await;
    let (mut pracked, mut answered) = (false, false);
    while !(pracked && answered) {
        let message = caller.next(Duration::from_secs(2)).await.unwrap();
        match (message.method(), message.status()) {
            ("PRACK", Some(200)) => pracked = true,
            ("INVITE", Some(200)) => answered = true,
            (_, Some(183)) => {}
            other => panic!("{other:?}"),
        }
    }
    caller.extra.clear();
    caller.send("ACK", 1, "").await;
    caller.cseq = 3;
    caller.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_caller_without_100rel_is_told_so() {
    let simulator = simulator().await;
    simulator
        .set_number(NUMBER, Behaviour::Require100Rel(at_once()))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.invite().await;
    let refused = caller.response(421).await;
    assert_eq!(refused.header("require"), "100rel");
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_telephone_holds_and_resumes() {
    let simulator = simulator().await;
    let reinvite = Reinvite {
        answer: at_once(),
        at_ms: 50,
        mode: ReinviteMode::Hold,
    };
    simulator
        .set_number(NUMBER, Behaviour::Reinvite(reinvite))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.establish().await;
    for direction in ["a=sendonly", "a=sendrecv"] {
        let offer = caller.request("INVITE").await;
        assert!(offer.body.contains(direction), "{}", offer.body);
        let answer = caller.offer("8 101", "");
        caller.reply(&offer, "200 OK", &answer).await;
        caller.request("ACK").await;
    }
    caller.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_reinvite_without_offer_is_answered_in_the_ack() {
    let simulator = simulator().await;
    let reinvite = Reinvite {
        answer: at_once(),
        at_ms: 50,
        mode: ReinviteMode::Offerless,
    };
    simulator
        .set_number(NUMBER, Behaviour::Reinvite(reinvite))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.establish().await;
    let offerless = caller.request("INVITE").await;
    assert!(offerless.body.is_empty());
    let offer = caller.offer("0 101", "");
    caller.reply(&offerless, "200 OK", &offer).await;
    let ack = caller.request("ACK").await;
    assert!(ack.body.contains("RTP/AVP 0 101"), "{ack:?}");
    assert_eq!(
        ack.header("content-length"),
        ack.body.len().to_string(),
        "{ack:?}"
    );
    listen(&caller.rtp, Duration::from_millis(60)).await;
    let packets = listen(&caller.rtp, Duration::from_millis(200)).await;
    assert!(packets.len() > 5);
    assert!(packets.iter().all(|(payload_type, ..)| *payload_type == 0));
    caller.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn the_telephone_refreshes_its_session() {
    let simulator = simulator().await;
    let timer = SessionTimer {
        answer: at_once(),
        interval_s: 2,
        refresher: Refresher::Uas,
    };
    simulator
        .set_number(NUMBER, Behaviour::SessionTimer(timer))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.extra = "Supported: timer\r\n".to_owned();
    let ok = caller.establish().await;
    assert_eq!(ok.header("session-expires"), "2;refresher=uas");
    let refresh = caller.request("INVITE").await;
    assert_eq!(refresh.header("session-expires"), "2;refresher=uac");
    let answer = caller.offer("8 101", "");
    caller.reply(&refresh, "200 OK", &answer).await;
    caller.request("ACK").await;
    caller.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_session_that_is_not_refreshed_ends() {
    let simulator = simulator().await;
    let timer = SessionTimer {
        answer: at_once(),
        interval_s: 2,
        refresher: Refresher::Uac,
    };
    simulator
        .set_number(NUMBER, Behaviour::SessionTimer(timer))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.extra = "Supported: timer\r\n".to_owned();
    let ok = caller.establish().await;
    assert_eq!(ok.header("require"), "timer");
    // One refresh by UPDATE without a body moves the end.
    tokio::time::sleep(Duration::from_millis(900)).await;
    caller.cseq += 1;
    caller.extra = "Session-Expires: 2;refresher=uac\r\n".to_owned();
    caller.send("UPDATE", caller.cseq, "").await;
    let refreshed = caller.response(200).await;
    assert_eq!(refreshed.header("session-expires"), "2;refresher=uac");
    assert!(caller.next(Duration::from_millis(900)).await.is_none());
    let bye = caller.request("BYE").await;
    caller.reply(&bye, "200 OK", "").await;
    let call = call_when(&simulator, Duration::from_secs(2), |call| {
        call.state == CallState::Ended
    })
    .await;
    assert_eq!(call.ended_by, Some(EndedBy::Timeout));
    simulator.shutdown().await;
}

#[tokio::test]
async fn requests_for_no_dialog_are_refused() {
    let simulator = simulator().await;
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.to_header = Some(format!("<{}>;tag=nobody", caller.uri()));
    caller.send("BYE", 1, "").await;
    caller.response(481).await;
    caller.to_header = None;
    caller.send("SUBSCRIBE", 2, "").await;
    let refused = caller.response(405).await;
    assert!(refused.header("allow").contains("INVITE"));
    simulator.shutdown().await;
}

#[tokio::test]
async fn reinvites_that_cross_are_glare() {
    let simulator = simulator().await;
    let reinvite = Reinvite {
        answer: at_once(),
        at_ms: 50,
        mode: ReinviteMode::Hold,
    };
    simulator
        .set_number(NUMBER, Behaviour::Reinvite(reinvite))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.establish().await;
    let theirs = caller.request("INVITE").await;
    caller.cseq += 1;
    caller.invite().await;
    caller.response(491).await;
    caller.send("ACK", caller.cseq, "").await;
    caller.reply(&theirs, "491 Request Pending", "").await;
    caller.request("ACK").await;
    caller.bye().await;
    simulator.shutdown().await;
}
