//! Telephones that answer: what they send, what they hear, how calls end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use ponte_pstn_sim::{Answer, Behaviour, CallReport, CallState, Codec, EndedBy, Press, Voicemail, tone_of};
use support::{Caller, alaw_samples, call_when, listen, rtp, send_tone, share_at, simulator};

const NUMBER: &str = "+390698765499";

fn answers(after_ms: u64) -> Answer {
    Answer {
        after_ms,
        ..Answer::default()
    }
}

fn ended(call: &CallReport) -> bool {
    call.state == CallState::Ended
}

fn soon() -> Duration {
    Duration::from_secs(3)
}

#[tokio::test]
async fn a_telephone_rings_answers_and_sends_its_own_tone() {
    let simulator = simulator().await;
    let telephone = Answer {
        tone_hz: Some(660.0),
        ..answers(150)
    };
    simulator
        .set_number(NUMBER, Behaviour::Answer(telephone))
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
    let call = call_when(&simulator, soon(), ended).await;
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

#[tokio::test]
async fn a_tone_sent_in_is_found_with_its_gaps_and_losses() {
    let simulator = simulator().await;
    let telephone = Answer {
        codecs: vec![Codec::Pcmu],
        ..answers(0)
    };
    simulator
        .set_number(NUMBER, Behaviour::Answer(telephone))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    let ok = caller.establish().await;
    let media: SocketAddr = ([127, 0, 0, 1], ok.rtp_port()).into();
    send_tone(&caller.rtp, media, 1234.0, 50).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    // 53 follows 49: three are lost; then 53 comes again.
    for _ in 0..2 {
        let packet = rtp(0, false, 53, 53 * 160, &[0xff; 160]);
        caller.rtp.send_to(&packet, media).await.unwrap();
    }
    let call = call_when(&simulator, soon(), |call| call.media.packets_received == 52).await;
    assert!(call.media.has_heard(1234.0, 800), "{:?}", call.media.heard);
    assert_eq!(call.media.heard.len(), 1);
    assert_eq!(call.media.codec, Some(Codec::Pcmu));
    assert_eq!((call.media.packets_lost, call.media.packets_late), (3, 1));
    assert!(call.media.longest_packet_gap_ms >= 290);
    assert_eq!(call.media.packets_from_elsewhere, 0);
    assert_eq!(call.tone_hz, Some(tone_of(NUMBER)));
    caller.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn t14_a_person_presses_one_and_a_press_is_heard() {
    let simulator = simulator().await;
    let telephone = Answer {
        press: vec![Press {
            digits: "1#".to_owned(),
            at_ms: 100,
        }],
        ..answers(0)
    };
    simulator
        .set_number(NUMBER, Behaviour::Answer(telephone))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    let ok = caller.establish().await;
    let media: SocketAddr = ([127, 0, 0, 1], ok.rtp_port()).into();
    for (n, digit) in [5_u8, 9].into_iter().enumerate() {
        let n = u16::try_from(n).unwrap();
        for k in 0..3 {
            let payload = [digit, 0x8a, 3, 32];
            let packet = rtp(101, k == 0, n * 3 + k, u32::from(n) * 2000, &payload);
            caller.rtp.send_to(&packet, media).await.unwrap();
        }
    }
    let packets = listen(&caller.rtp, Duration::from_millis(1200)).await;
    let events: Vec<&(u8, bool, Vec<u8>)> = packets
        .iter()
        .filter(|(payload_type, ..)| *payload_type == 101)
        .collect();
    let starts: Vec<u8> = events
        .iter()
        .filter(|(_, marker, _)| *marker)
        .map(|(_, _, payload)| payload[0])
        .collect();
    assert_eq!(starts, [1, 11]);
    let ends = events
        .iter()
        .filter(|(_, _, payload)| payload[1] & 0x80 != 0)
        .count();
    assert_eq!(ends, 6, "the last packet of each digit three times");
    let call = call_when(&simulator, soon(), |call| call.media.dtmf.len() == 2).await;
    assert_eq!(call.media.digits(), "59");
    assert_eq!(call.media.dtmf[0].duration_ms, 100);
    caller.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn t14_a_mailbox_greets_beeps_and_presses_nothing() {
    let simulator = simulator().await;
    let mailbox = Voicemail {
        after_ms: 50,
        greeting_ms: 400,
        record_ms: 300,
    };
    simulator
        .set_number(NUMBER, Behaviour::Voicemail(mailbox))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.establish().await;
    let packets = listen(&caller.rtp, Duration::from_millis(900)).await;
    assert!(packets.iter().all(|(payload_type, ..)| *payload_type == 8));
    let samples = alaw_samples(&packets);
    let beep = samples
        .chunks_exact(800)
        .filter(|chunk| share_at(chunk, 1000.0) > 0.9)
        .count();
    assert!((2..=4).contains(&beep), "{beep} × 100 ms of beep");
    let bye = caller.request("BYE").await;
    caller.reply(&bye, "200 OK", "").await;
    let call = call_when(&simulator, soon(), ended).await;
    assert_eq!(call.ended_by, Some(EndedBy::Telephone));
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_telephone_hangs_up_after_the_ack_and_not_before() {
    let simulator = simulator().await;
    let telephone = Answer {
        hang_up_after_ms: Some(10),
        ..answers(0)
    };
    simulator
        .set_number(NUMBER, Behaviour::AnswersThenHangsUp(telephone))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.invite().await;
    let ok = caller.response(200).await;
    caller.learn(&ok);
    assert!(caller.next(Duration::from_millis(200)).await.is_none());
    caller.send("ACK", 1, "").await;
    let bye = caller.request("BYE").await;
    caller.reply(&bye, "200 OK", "").await;
    let call = call_when(&simulator, soon(), ended).await;
    assert_eq!(call.ended_by, Some(EndedBy::Telephone));
    assert!(call.acked_at < call.bye_at);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_telephone_without_rtp_sends_nothing() {
    let simulator = simulator().await;
    simulator
        .set_number(NUMBER, Behaviour::NoRtp(answers(0)))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.establish().await;
    assert!(listen(&caller.rtp, Duration::from_millis(300)).await.is_empty());
    caller.bye().await;
    let call = call_when(&simulator, soon(), ended).await;
    assert_eq!((call.media.packets_sent, call.tone_hz), (0, None));
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_invite_without_offer_gets_one_and_the_ack_answers() {
    let simulator = simulator().await;
    simulator
        .set_number(NUMBER, Behaviour::Answer(answers(0)))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.send("INVITE", 1, "").await;
    let ok = caller.response(200).await;
    assert!(ok.body.contains("RTP/AVP 8 0 101"), "{}", ok.body);
    caller.learn(&ok);
    let answer = caller.offer("0 101", "");
    caller.send("ACK", 1, &answer).await;
    let packets = listen(&caller.rtp, Duration::from_millis(400)).await;
    assert!(packets.len() > 10, "{} packets", packets.len());
    assert!(packets.iter().all(|(payload_type, ..)| *payload_type == 0));
    caller.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn hold_by_the_caller_stops_the_tone_and_resume_starts_it() {
    let simulator = simulator().await;
    simulator
        .set_number(NUMBER, Behaviour::Answer(answers(0)))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    caller.establish().await;
    for (direction, answer, held) in [
        ("sendonly", "recvonly", true),
        ("inactive", "inactive", true),
        ("sendrecv", "sendrecv", false),
    ] {
        caller.cseq += 1;
        let offer = caller.offer("8 101", &format!("a={direction}\r\n"));
        caller.send("INVITE", caller.cseq, &offer).await;
        let ok = caller.answered().await;
        assert!(ok.body.contains(&format!("a={answer}\r\n")), "{}", ok.body);
        listen(&caller.rtp, Duration::from_millis(60)).await;
        let packets = listen(&caller.rtp, Duration::from_millis(200)).await.len();
        assert_eq!(packets < 2, held, "{packets} packets while {direction}");
        assert_eq!(simulator.calls()[0].media.held_by_peer, held);
    }
    caller.bye().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn without_telephone_events_a_digit_is_two_tones() {
    let simulator = simulator().await;
    let telephone = Answer {
        telephone_events: false,
        press: vec![Press {
            digits: "5".to_owned(),
            at_ms: 0,
        }],
        ..answers(0)
    };
    simulator
        .set_number(NUMBER, Behaviour::Answer(telephone))
        .unwrap();
    let mut caller = Caller::new(simulator.sip_addr(), NUMBER).await;
    let ok = caller.establish().await;
    assert!(!ok.body.contains("telephone-event"), "{}", ok.body);
    let packets = listen(&caller.rtp, Duration::from_millis(600)).await;
    assert!(packets.iter().all(|(payload_type, ..)| *payload_type == 8));
    let samples = alaw_samples(&packets);
    let pressed = samples
        .chunks_exact(160)
        .filter(|frame| share_at(frame, 770.0) > 0.4 && share_at(frame, 1336.0) > 0.4)
        .count();
    assert!((7..=8).contains(&pressed), "{pressed} frames of the digit");
    caller.bye().await;
    simulator.shutdown().await;
}
