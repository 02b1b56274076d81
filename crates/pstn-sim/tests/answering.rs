//! Telephones that answer: what they send, what they hear, how calls end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use ponte_pstn_sim::{Answer, Behaviour, CallState, Codec, EndedBy, Press, Voicemail, tone_of};
use support::{Caller, alaw_samples, call_when, listen, rtp, send_tone, share_at, simulator};

const NUMBER: &str = "+390698765499";

fn answers(after_ms: u64) -> Answer {
    Answer {
        after_ms,
        ..Answer::default()
    }
}

#[tokio::test]
async fn a_telephone_rings_answers_and_both_hear_the_other() {
    let simulator = simulator().await;
    simulator
        .set_number(
            NUMBER,
            Behaviour::Answer(Answer {
                tone_hz: Some(660.0),
                ..answers(150)
            }),
        )
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.invite().await;
    caller.response(180).await;
    let ok = caller.answered().await;
    assert!(ok.body.contains("RTP/AVP 8 101"), "{}", ok.body);
    let media: SocketAddr = ([127, 0, 0, 1], ok.rtp_port()).into();
    let hears = listen(&caller.rtp, Duration::from_millis(900));
    // µ-law was not chosen: the telephone must count it as strange, not decode it.
    let (packets, ()) = tokio::join!(hears, send_tone(&caller.rtp, media, 1000.0, 5));
    let samples = alaw_samples(&packets);
    assert!(samples.len() > 160 * 35, "{} samples", samples.len());
    assert!(share_at(&samples, 660.0) > 0.95, "the telephone's tone");
    assert!(share_at(&samples, 700.0) < 0.05);
    caller.bye().await;
    let call = call_when(&simulator, Duration::from_secs(2), |call| {
        call.state == CallState::Ended
    })
    .await;
    assert_eq!(call.status, Some(200));
    assert_eq!(call.ended_by, Some(EndedBy::Peer));
    assert_eq!(call.media.packets_strange, 5);
    assert_eq!(call.from, "+390212345699");
    assert!(call.invite_at < call.ringing_at.unwrap());
    assert!(call.ringing_at < call.answered_at);
    assert!(call.answered_at < call.acked_at);
    assert!(call.acked_at < call.bye_at);
    let ring_ms = call.answered_at.unwrap().ms - call.ringing_at.unwrap().ms;
    assert!((140..400).contains(&ring_ms), "{ring_ms} ms");
    simulator.shutdown().await;
}
