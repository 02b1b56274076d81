//! Telephones that call: what they show of themselves, hear and do, against `SIPp` as the called side.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ponte_pstn_sim::{
    Answer, Behaviour, CallReport, CallState, CallerId, Config, EndedBy, LeaveMessage, PlaceCall, Simulator,
    Voicemail,
};
use support::sipp::{called, free_ports, sine};
use support::{call_when, http, simulator};

const CALLER: &str = "+393331234501";
const DID: &str = "+390212345201";
const PATIENCE: Duration = Duration::from_secs(20);

fn ended(call: &CallReport) -> bool {
    call.state == CallState::Ended
}

/// Lets `SIPp` play `scenario`, and gives the call as the simulator saw it.
async fn call(scenario: &str, sound: &[i16], order: PlaceCall) -> (Simulator, CallReport) {
    let simulator = simulator().await;
    let port = free_ports();
    let (mut sipp, _folder) = called(port, scenario, sound);
    let gateway = SocketAddr::from(([127, 0, 0, 1], port));
    until_bound(port).await;
    simulator
        .place(PlaceCall {
            via: Some(gateway),
            ..order
        })
        .unwrap();
    let call = call_when(&simulator, PATIENCE, ended).await;
    let status = tokio::time::timeout(PATIENCE, sipp.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success(), "SIPp did not see {scenario}: {call:#?}");
    (simulator, call)
}

async fn until_bound(port: u16) {
    let end = Instant::now() + PATIENCE;
    while std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < end, "SIPp does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn early_media_is_heard_and_told_from_what_follows_the_answer() {
    let order = PlaceCall {
        telephone: Answer {
            hang_up_after_ms: Some(800),
            ..Answer::default()
        },
        ..PlaceCall::new(CALLER, DID)
    };
    let (_simulator, call) = call("announces", &sine(1130.0, 1200), order).await;
    assert_eq!(call.status, Some(200));
    assert_eq!(call.ended_by, Some(EndedBy::Telephone));
    assert!(call.early_at.is_some() && call.ringing_at.is_none());
    assert!(call.media.has_heard(1130.0, 800), "{:?}", call.media);
    let early = call
        .media
        .early
        .iter()
        .find(|tone| (tone.hz - 1130.0).abs() < 4.0);
    assert!(early.is_some_and(|tone| tone.total_ms >= 800), "{:?}", call.media);
}

#[tokio::test]
async fn a_caller_waits_for_the_beep_speaks_and_hangs_up() {
    let mut greeting = sine(300.0, 400);
    greeting.extend(sine(520.0, 400));
    greeting.extend(sine(1000.0, 400));
    greeting.extend(vec![0; 8000]);
    let order = PlaceCall {
        leave_message: Some(LeaveMessage {
            speak_ms: 700,
            ..LeaveMessage::default()
        }),
        ..PlaceCall::new(CALLER, DID)
    };
    let (_simulator, call) = call("mailbox", &greeting, order).await;
    assert_eq!(call.ended_by, Some(EndedBy::Telephone));
    assert!(call.ringing_at < call.answered_at);
    let answered = call.answered_at.unwrap().ms;
    let beep = call.media.beep_ms.expect("the beep is heard") - answered;
    assert!((1000..3000).contains(&beep), "beep {beep} ms after the answer");
    let spoke = call.bye_at.unwrap().ms - answered - beep;
    assert!((700..2500).contains(&spoke), "hung up {spoke} ms after the beep");
}

#[tokio::test]
async fn a_mailbox_hears_the_message_and_nothing_before_its_beep() {
    let caller = simulator().await;
    let called = simulator().await;
    called
        .set_number(
            DID,
            Behaviour::Voicemail(Voicemail {
                after_ms: 100,
                greeting_ms: 1500,
                record_ms: 30_000,
            }),
        )
        .unwrap();
    caller
        .place(PlaceCall {
            via: Some(called.sip_addr()),
            telephone: Answer {
                tone_hz: Some(660.0),
                ..Answer::default()
            },
            leave_message: Some(LeaveMessage {
                speak_ms: 1200,
                ..LeaveMessage::default()
            }),
            ..PlaceCall::new(CALLER, DID)
        })
        .unwrap();
    let placed = call_when(&caller, PATIENCE, ended).await;
    let mailbox = call_when(&called, PATIENCE, ended).await;
    assert_eq!(placed.ended_by, Some(EndedBy::Telephone), "{placed:#?}");
    let message = &mailbox.media.heard[0];
    assert_eq!(mailbox.media.heard.len(), 1, "{:?}", mailbox.media.heard);
    assert!((message.hz - 660.0).abs() < 4.0);
    assert!((800..=1400).contains(&message.total_ms), "{message:?}");
    let answered = mailbox.answered_at.unwrap().ms;
    assert!(
        message.first_ms > answered + 1700,
        "{message:?}, answered at {answered}"
    );
    caller.shutdown().await;
    called.shutdown().await;
}

#[tokio::test]
async fn a_caller_that_hears_no_beep_says_nothing_and_hangs_up() {
    let caller = simulator().await;
    let called = simulator().await;
    let telephone = Answer {
        after_ms: 0,
        tone_hz: Some(525.0),
        ..Answer::default()
    };
    called.set_number(DID, Behaviour::Answer(telephone)).unwrap();
    caller
        .place(PlaceCall {
            via: Some(called.sip_addr()),
            leave_message: Some(LeaveMessage {
                patience_ms: 900,
                ..LeaveMessage::default()
            }),
            ..PlaceCall::new(CALLER, DID)
        })
        .unwrap();
    let placed = call_when(&caller, PATIENCE, ended).await;
    assert_eq!(placed.ended_by, Some(EndedBy::Telephone));
    assert_eq!(placed.media.beep_ms, None);
    let heard = call_when(&called, PATIENCE, ended).await;
    assert!(heard.media.heard.is_empty(), "{:?}", heard.media.heard);
    caller.shutdown().await;
    called.shutdown().await;
}

#[tokio::test]
async fn a_refusal_is_told_with_its_status_and_cause() {
    let (_simulator, call) = call("congested", &[], PlaceCall::new(CALLER, DID)).await;
    assert_eq!(call.status, Some(480));
    assert_eq!(call.ended_by, Some(EndedBy::Refused));
    assert!(call.ringing_at.is_some());
    let reason = call.reason.unwrap();
    assert!(reason.contains("cause=18"), "{reason}");
    assert_eq!(call.dialled.as_deref(), Some(DID));
}

#[tokio::test]
async fn a_caller_gives_up_while_it_rings() {
    let order = PlaceCall {
        give_up_after_ms: Some(600),
        ..PlaceCall::new(CALLER, DID)
    };
    let (_simulator, call) = call("rings-out", &[], order).await;
    assert_eq!(call.status, Some(487));
    assert_eq!(call.ended_by, Some(EndedBy::Telephone));
    let rang = call.cancelled_at.unwrap().ms - call.invite_at.ms;
    assert!((600..3000).contains(&rang), "gave up after {rang} ms");
}

#[tokio::test]
async fn a_number_is_shown_restricted_or_withheld() {
    for (caller_id, in_from, in_identity, private) in [
        (CallerId::Shown, true, true, false),
        (CallerId::Restricted, false, true, true),
        (CallerId::Withheld, false, false, true),
    ] {
        let caller = simulator().await;
        let called = simulator().await;
        called.set_number(DID, Behaviour::Busy).unwrap();
        caller
            .place(PlaceCall {
                via: Some(called.sip_addr()),
                caller_id,
                name: Some("Zoë Lee".into()),
                ..PlaceCall::new(CALLER, DID)
            })
            .unwrap();
        let seen = call_when(&called, PATIENCE, ended).await;
        let headers = &seen.headers;
        assert_eq!(
            headers["From"][0].contains(CALLER),
            in_from,
            "{caller_id:?} {headers:?}"
        );
        assert_eq!(headers["From"][0].contains("Zoë Lee"), in_from, "{headers:?}");
        let identity = seen.p_asserted_identity.clone().unwrap_or_default();
        assert_eq!(identity.contains(CALLER), in_identity, "{caller_id:?} {identity}");
        assert_eq!(
            headers.get("Privacy").map(|values| values[0].as_str()),
            private.then_some("id")
        );
        if caller_id == CallerId::Withheld {
            let whole = format!("{headers:?}");
            assert!(!whole.contains(&CALLER[1..]) && !whole.contains("Zoë"), "{whole}");
        }
        caller.shutdown().await;
        called.shutdown().await;
    }
}

#[tokio::test]
async fn what_a_recording_telephone_heard_is_a_wav_file() {
    let called = simulator().await;
    let caller = Simulator::start(Config {
        gateway: Some(called.sip_addr()),
        ..Config::for_tests()
    })
    .await
    .unwrap();
    let telephone = Answer {
        after_ms: 0,
        tone_hz: Some(700.0),
        ..Answer::default()
    };
    called.set_number(DID, Behaviour::Answer(telephone)).unwrap();
    let api = caller.control_addr();
    let order =
        format!(r#"{{"from":"{CALLER}","to":"{DID}","telephone":{{"record":true,"hang_up_after_ms":900}}}}"#);
    assert_eq!(http(api, "POST", "/calls", &order).await.0, 201);
    let call = call_when(&caller, PATIENCE, ended).await;
    let samples = caller.audio(call.id).unwrap();
    assert!(
        (4800..=8800).contains(&samples.len()),
        "{} samples",
        samples.len()
    );
    let share = support::share_at(&samples[1600..4000], 700.0);
    assert!(share > 0.95, "{share}");
    assert_eq!(caller.audio(call.id + 1), None);
    let mut stream = tokio::net::TcpStream::connect(api).await.unwrap();
    let request = format!(
        "GET /calls/{}/audio HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        call.id
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer)
        .await
        .unwrap();
    let wav = answer.windows(4).position(|four| four == b"RIFF").unwrap();
    assert_eq!(answer.len() - wav, 44 + 2 * samples.len());
    caller.shutdown().await;
    called.shutdown().await;
}
