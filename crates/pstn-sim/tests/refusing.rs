//! Telephones and networks that do not put the call through.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use ponte_pstn_sim::{
    AfterAnnouncement, Answer, Behaviour, CallState, Config, EarlyMedia, EndedBy, Refuse, Simulator, Slow,
};
use support::{Caller, alaw_samples, call_when, listen, share_at, simulator};

const NUMBER: &str = "+390698765499";

#[tokio::test]
async fn each_refusal_has_its_status_and_cause() {
    let simulator = simulator().await;
    for (behaviour, status, cause) in [
        (Behaviour::Busy, 486, "cause=17"),
        (Behaviour::Decline, 603, "cause=21"),
        (Behaviour::NoSuchNumber, 404, "cause=1;"),
        (Behaviour::Unavailable, 480, "cause=20"),
        (Behaviour::ServiceUnavailable, 503, "cause=34"),
        (Behaviour::ServerError, 500, "cause=41"),
        (
            Behaviour::Refuse(Refuse {
                status: 410,
                after_ms: 0,
            }),
            410,
            "",
        ),
    ] {
        let kind = behaviour.kind();
        simulator.clear_calls();
        simulator.set_number(NUMBER, behaviour).unwrap();
        let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
        caller.invite().await;
        let refused = caller.response(status).await;
        assert!(
            refused.find("reason").unwrap_or("").contains(cause),
            "{kind}: {refused:?}"
        );
        caller.to_header = Some(refused.header("to").to_owned());
        caller.send("ACK", 1, "").await;
        let call = call_when(&simulator, Duration::from_secs(2), |call| {
            call.state == CallState::Ended
        })
        .await;
        assert_eq!(call.status, Some(status), "{kind}");
        assert_eq!(call.ended_by, Some(EndedBy::Telephone), "{kind}");
        assert_eq!(call.behaviour, kind);
        assert!(call.answered_at.is_none());
    }
    simulator.shutdown().await;
}

#[tokio::test]
async fn what_is_no_number_does_not_exist() {
    let simulator = simulator().await;
    for user in ["alice", "12", "+39%"] {
        let mut caller = Caller::new(simulator.sip_addr(), user).await;
        caller.invite().await;
        caller.response(404).await;
    }
    let calls = simulator.calls();
    let told: Vec<_> = calls
        .iter()
        .map(|call| (&*call.number, call.status, call.ended_by))
        .collect();
    let by = Some(EndedBy::Trunk);
    assert_eq!(
        told,
        [
            ("alice", Some(404), by),
            ("12", Some(404), by),
            ("+39%", Some(404), by)
        ]
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_cancelled_call_ends_with_487_and_keeps_its_tag() {
    let simulator = simulator().await;
    simulator.set_number(NUMBER, Behaviour::RingOut).unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.invite().await;
    let ringing = caller.response(180).await;
    caller.send("CANCEL", 1, "").await;
    let mut finals = Vec::new();
    while finals.len() < 2 {
        let message = caller.next(Duration::from_secs(2)).await.unwrap();
        finals.push((message.method().to_owned(), message.status().unwrap()));
        if message.status() == Some(487) {
            assert_eq!(message.header("to"), ringing.header("to"));
        }
    }
    finals.sort();
    assert_eq!(finals, [("CANCEL".to_owned(), 200), ("INVITE".to_owned(), 487)]);
    let call = call_when(&simulator, Duration::from_secs(2), |call| {
        call.state == CallState::Ended
    })
    .await;
    assert_eq!(call.ended_by, Some(EndedBy::Cancel));
    assert_eq!(call.status, Some(487));
    assert!(call.ringing_at < call.cancelled_at);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_slow_network_says_trying_first_and_ringing_late() {
    let simulator = simulator().await;
    let slow = Slow {
        ringing_after_ms: 400,
        answer: Answer {
            after_ms: 50,
            ..Answer::default()
        },
    };
    simulator.set_number(NUMBER, Behaviour::Slow(slow)).unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.invite().await;
    let first = caller.next(Duration::from_millis(300)).await.unwrap();
    assert_eq!(first.status(), Some(100));
    assert!(caller.next(Duration::from_millis(200)).await.is_none());
    caller.response(180).await;
    caller.answered().await;
    caller.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_silent_telephone_answers_nothing_not_even_cancel() {
    let simulator = simulator().await;
    simulator.set_number(NUMBER, Behaviour::Silent).unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.invite().await;
    caller.invite().await;
    caller.send("CANCEL", 1, "").await;
    assert!(caller.next(Duration::from_millis(400)).await.is_none());
    let calls = simulator.calls();
    assert_eq!(calls.len(), 1, "a retransmission is the same call");
    let what: Vec<&str> = calls[0].wire.iter().map(|event| &*event.what).collect();
    assert_eq!(what, ["INVITE", "INVITE", "CANCEL"]);
    assert_eq!(calls[0].ended_by, Some(EndedBy::Cancel));
    simulator.shutdown().await;
}

#[tokio::test]
async fn t05_an_announcement_is_heard_before_the_refusal() {
    let simulator = simulator().await;
    let early = EarlyMedia {
        announcement_hz: 1130.0,
        announcement_ms: 500,
        then: AfterAnnouncement::Refuse(404),
    };
    simulator
        .set_number(NUMBER, Behaviour::EarlyMedia(early))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.invite().await;
    let progress = caller.response(183).await;
    assert_ne!(progress.rtp_port(), 0);
    let samples = alaw_samples(&listen(&caller.rtp, Duration::from_millis(400)).await);
    assert!(share_at(&samples, 1130.0) > 0.95);
    caller.response(404).await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn early_media_may_end_in_an_answer_with_the_same_description() {
    let simulator = simulator().await;
    let early = EarlyMedia {
        announcement_hz: 1130.0,
        announcement_ms: 200,
        then: AfterAnnouncement::Answer(Answer {
            tone_hz: Some(700.0),
            ..Answer::default()
        }),
    };
    simulator
        .set_number(NUMBER, Behaviour::EarlyMedia(early))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.invite().await;
    let progress = caller.response(183).await;
    let ok = caller.answered().await;
    assert_eq!(progress.body, ok.body);
    assert_eq!(progress.header("to"), ok.header("to"));
    listen(&caller.rtp, Duration::from_millis(100)).await;
    let samples = alaw_samples(&listen(&caller.rtp, Duration::from_millis(300)).await);
    assert!(share_at(&samples, 700.0) > 0.95);
    caller.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn no_codec_in_common_is_488() {
    let simulator = simulator().await;
    simulator
        .set_number(NUMBER, Behaviour::Answer(Answer::default()))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    let offer = caller.offer("9 101", "");
    caller.send("INVITE", 1, &offer).await;
    caller.response(488).await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn calls_at_once_are_bounded() {
    let simulator = Simulator::start(Config {
        max_calls: 1,
        ..Config::for_tests()
    })
    .await
    .unwrap();
    simulator.set_number(NUMBER, Behaviour::RingOut).unwrap();
    let mut first = Caller::new(simulator.sip_addr(), NUMBER).await;
    first.invite().await;
    first.response(180).await;
    let mut second = Caller::new(simulator.sip_addr(), NUMBER).await;
    second.invite().await;
    let refused = second.response(503).await;
    assert!(refused.header("reason").contains("cause=42"));
    simulator.shutdown().await;
}
