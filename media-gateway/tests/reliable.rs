//! A desk telephone that wants provisional responses reliably (RFC 3262): it hears what comes before the answer, may move and
//! hold meanwhile (RFC 3311), and an answer waits until it has acknowledged what came before (rule T5).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_pstn_sim::{AfterAnnouncement, Answer, Behaviour, EarlyMedia};
use support::hearing::{Hearing, SECOND, hears, voice};
use support::party::parts;
use support::voice::Voice;
use support::wire::{Call, Wire, body, field, status, tag};
use support::{ANNA, FAR, HOME, Options, World};

const DESK: &str = "desk-201";
const RELIABLE: &str = "Require: 100rel\r\n";

/// Anna with a telephone made by hand on her desk; the far one announces in SECOND's voice, then answers in its own.
async fn office(announcement_ms: u64) -> (World, Wire) {
    let world = World::with(Options::default()).await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.add_device(DESK, Some(ANNA), false).await;
    world
        .station(ANNA, DESK, |station| station.own && station.logged_on)
        .await;
    let far = Behaviour::EarlyMedia(EarlyMedia {
        announcement_hz: voice(SECOND),
        announcement_ms,
        then: AfterAnnouncement::Answer(Answer {
            tone_hz: Some(voice(FAR)),
            record: true,
            ..Answer::default()
        }),
    });
    world.carrier.set_number(FAR, far).unwrap();
    let desk = Wire::telephone(DESK, world.sip).await;
    (world, desk)
}

/// Calls [`FAR`]; the number of the INVITE that has brought its proof.
async fn calls(desk: &Wire, call: &mut Call, sdp: &str) -> u32 {
    desk.send(&desk.written(call, "INVITE", RELIABLE, sdp)).await;
    let challenge = desk.answer(call).await;
    desk.acknowledges_refusal(call, "INVITE").await;
    let proof = desk.proof(&challenge, "INVITE", &call.uri);
    let proven = desk.written(call, "INVITE", &format!("{proof}{RELIABLE}"), sdp);
    desk.send(&proven).await;
    call.cseq
}

/// The next provisional response, which must be reliable.
async fn provisional(desk: &Wire, call: &mut Call) -> String {
    let response = desk
        .hears("a provisional response", |text| {
            assert!(!text.starts_with("SIP/2.0 2"), "{text}");
            text.starts_with("SIP/2.0 18")
        })
        .await;
    assert_eq!(field(&response, "Require"), "100rel", "{response}");
    call.to_tag = tag(&field(&response, "To"));
    response
}

async fn acknowledges(desk: &Wire, call: &mut Call, response: &str, invite: u32) {
    let headers = format!("RAck: {} {invite} INVITE\r\n", field(response, "RSeq"));
    let answer = desk.asks(call, "PRACK", &headers, "").await;
    assert_eq!(status(&answer), 200, "{answer}");
}

/// Acknowledges what comes until it describes media; that.
async fn early_media(desk: &Wire, call: &mut Call, invite: u32) -> String {
    loop {
        let response = provisional(desk, call).await;
        acknowledges(desk, call, &response, invite).await;
        if body(&response).contains("m=audio") {
            return response;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_what_comes_before_the_answer_is_heard_where_the_telephone_has_moved_to() {
    let (world, desk) = office(7_000).await;
    let mut call = Call::new(format!("sip:{FAR}@{}", world.sip));
    let first = Voice::new(voice(HOME)).await;
    let invite = calls(&desk, &mut call, &first.sdp(1, "sendrecv")).await;
    let early = early_media(&desk, &mut call, invite).await;
    first.speaks_to(&early);
    first.hears(Hearing::of(&[SECOND])).await;
    let moved = Voice::new(voice(HOME)).await;
    let answer = desk
        .asks(&mut call, "UPDATE", "", &moved.sdp(2, "sendrecv"))
        .await;
    assert_eq!(
        (status(&answer), parts(body(&answer)).1.as_str()),
        (200, "sendrecv"),
        "{answer}"
    );
    first.is_silent();
    moved.speaks_to(&answer);
    moved.hears(Hearing::of(&[SECOND])).await;
    first.is_sent_nothing().await;
    let answer = desk.next("SIP/2.0 200").await;
    assert!(field(&answer, "CSeq").ends_with("INVITE"), "{answer}");
    assert_eq!(body(&answer), "", "all was said before");
    call.cseq = invite;
    desk.send(&desk.written(&mut call, "ACK", "", "")).await;
    moved.hears(Hearing::of(&[FAR])).await;
    hears(&world, FAR, Hearing::of(&[HOME])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_waits_for_what_came_before_it() {
    let (world, desk) = office(300).await;
    let mut call = Call::new(format!("sip:{FAR}@{}", world.sip));
    let voice = Voice::new(voice(HOME)).await;
    let invite = calls(&desk, &mut call, &voice.sdp(1, "sendrecv")).await;
    let response = provisional(&desk, &mut call).await;
    world
        .until("the far telephone has answered", |world| {
            world.calls_to(FAR).iter().any(|far| far.answered_at.is_some())
        })
        .await;
    // Repeated until it is acknowledged; the answer comes after.
    for _ in 0..2 {
        let again = provisional(&desk, &mut call).await;
        assert_eq!(field(&again, "RSeq"), field(&response, "RSeq"));
    }
    let wrong = desk.asks(&mut call, "PRACK", "RAck: 1 1 INVITE\r\n", "").await;
    assert_eq!(status(&wrong), 481, "{wrong}");
    desk.send(&{
        let headers = format!("RAck: {} {invite} INVITE\r\n", field(&response, "RSeq"));
        desk.written(&mut call, "PRACK", &headers, "")
    })
    .await;
    let answer = desk
        .hears("the answer", |text| {
            text.starts_with("SIP/2.0 200") && field(text, "CSeq").ends_with("INVITE")
        })
        .await;
    call.cseq = invite;
    desk.send(&desk.written(&mut call, "ACK", "", "")).await;
    let described = if body(&answer).is_empty() {
        &response
    } else {
        &answer
    };
    voice.speaks_to(described);
    voice.hears(Hearing::of(&[FAR])).await;
    hears(&world, FAR, Hearing::of(&[HOME])).await;
}
