//! Peers made by hand: descriptions few telephones write, trunks that take a call and say no more, a telephone's own
//! transfer of two calls. A valid call sets up after each.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallPhase, CauseReason, LegRole};
use ponte_pstn_sim::{Answer, Behaviour};
use std::time::Duration;
use support::wire::{Call, SDP, Wire, body, field, status, tag};
use support::{ANNA, COMPANY, FAR, HOME, Options, World};

const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;
const THIRD: &str = "+390298765402";
const THIRD_HZ: f64 = 1510.0;
const DESK: &str = "desk-201";

fn answers(tone_hz: f64) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms: 50,
        tone_hz: Some(tone_hz),
        ..Answer::default()
    })
}

/// Anna at home, and a trunk made by hand from which calls come for her.
async fn called_by_hand() -> (World, Wire) {
    let mut wire = Wire::new().await;
    let world = World::with(Options {
        extra: wire.trunk("wire", &format!("\"{COMPANY} = 201\"")),
        ..Options::default()
    })
    .await;
    wire.speaks_to(world.sip);
    world.telephones(answers(HOME_HZ), answers(FAR_HZ)).await;
    (world, wire)
}

fn to_anna(world: &World) -> Call {
    Call::new(format!("sip:201@{}", world.sip))
}

/// A usual call is answered, and ended by the caller.
async fn a_call_sets_up(world: &World, wire: &Wire) {
    let mut call = to_anna(world);
    let answer = wire.calls(&mut call, "", SDP).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(body(&answer).contains(" RTP/AVP 8 101\r\n"), "{answer}");
    assert_eq!(status(&wire.asks(&mut call, "BYE", "", "").await), 200);
    world
        .until("the call is over", |world| world.carrier.active_calls() == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_cannot_be_answered_is_refused_with_its_reason() {
    let (world, wire) = called_by_hand().await;
    for (from, to, warning) in [
        ("RTP/AVP", "RTP/SAVP", "302 "),
        ("RTP/AVP", "UDP/TLS/RTP/SAVPF", "302 "),
        ("RTP/AVP 8", "RTP/AVP 18 9", "305 "),
        ("c=IN IP4 127.0.0.1", "c=IN IP4 phone.example", "301 "),
        ("c=IN IP4 127.0.0.1", "c=IN IP6 2001:db8::1", "301 "),
        ("m=audio 9", "m=audio 0", "304 "),
        ("m=audio", "m=video", "304 "),
        ("v=0", "v=7", "399 "),
    ] {
        let mut call = to_anna(&world);
        let answer = wire.calls(&mut call, "", &SDP.replace(from, to)).await;
        assert_eq!(status(&answer), 488, "{to}: {answer}");
        assert!(field(&answer, "Warning").starts_with(warning), "{to}: {answer}");
    }
    a_call_sets_up(&world, &wire).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_offers_are_answered_stream_by_stream() {
    let (world, wire) = called_by_hand().await;
    let more = "m=video 7000 RTP/AVP 31\r\nm=image 7002 udptl t38\r\n";
    let mixed = format!(
        "--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b1\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b1--\r\n"
    );
    for (headers, offer, wanted) in [
        ("", SDP.replace("RTP/AVP", "RTP/AVPF"), " RTP/AVPF 8 101\r\n"),
        (
            "",
            format!("{SDP}{more}"),
            "m=video 0 RTP/AVP 31\r\nm=image 0 udptl t38\r\n",
        ),
        (
            "",
            SDP.replace("\r\n", "\n")
                .replace("s=-\n", "")
                .replace("t=0 0\n", "b=AS:x\n"),
            " RTP/AVP 8 101\r\n",
        ),
        (
            "",
            SDP.replace(
                "o=- 1 1 IN IP4 127.0.0.1",
                "o=a 99999999999999999999 1 IN IP6 host.example",
            ),
            " RTP/AVP 8 101\r\n",
        ),
        (
            "",
            SDP.replace("101", "97") + "a=ptime:30\r\na=rtcp-mux\r\n",
            " RTP/AVP 8 97\r\n",
        ),
        ("", SDP.replace("event/8000", "event/16000"), " RTP/AVP 8\r\n"),
        ("", SDP.to_owned() + "a=inactive\r\n", "a=inactive\r\n"),
        (
            "",
            SDP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
            "a=recvonly\r\n",
        ),
        (
            "Content-Type: multipart/mixed;boundary=b1\r\n",
            mixed,
            " RTP/AVP 8 101\r\n",
        ),
    ] {
        let mut call = to_anna(&world);
        let answer = wire.calls(&mut call, headers, &offer).await;
        assert_eq!(status(&answer), 200, "{offer}: {answer}");
        assert!(body(&answer).contains(wanted), "{offer}: {answer}");
        assert_eq!(status(&wire.asks(&mut call, "BYE", "", "").await), 200);
        world
            .until("the call is over", |world| world.carrier.active_calls() == 0)
            .await;
    }
    a_call_sets_up(&world, &wire).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_audio_is_taken_out_goes_on_and_gets_it_back() {
    let (world, wire) = called_by_hand().await;
    let mut call = to_anna(&world);
    assert_eq!(status(&wire.calls(&mut call, "", SDP).await), 200);
    let off = SDP.replace("m=audio 9 ", "m=audio 0 ");
    let answer = wire.calls(&mut call, "", &off).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(body(&answer).contains("m=audio 0 RTP/AVP 8 101\r\n"), "{answer}");
    // What cannot be answered at all leaves the session as it is.
    let encrypted = wire
        .calls(&mut call, "", &SDP.replace("RTP/AVP", "RTP/SAVP"))
        .await;
    assert_eq!(status(&encrypted), 488, "{encrypted}");
    assert!(field(&encrypted, "Warning").starts_with("302 "), "{encrypted}");
    let back = wire.calls(&mut call, "", SDP).await;
    assert!(body(&back).contains("a=sendrecv\r\n"), "{back}");
    assert!(!body(&back).contains("m=audio 0 "), "{back}");
    // The gateway's own offer, where it is asked for one.
    let asked = wire.asks(&mut call, "INVITE", "", "").await;
    assert!(body(&asked).contains("m=audio "), "{asked}");
    wire.send(&wire.written(&mut call, "ACK", "", SDP)).await;
    assert_eq!(world.carrier.active_calls(), 1, "Anna's telephone is still there");
    assert_eq!(status(&wire.asks(&mut call, "BYE", "", "").await), 200);
    a_call_sets_up(&world, &wire).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t04_a_trunk_that_says_100_and_no_more_is_left_for_the_next() {
    let (mut stuck, mut good) = (Wire::new().await, Wire::new().await);
    let world = World::with(Options {
        extra: format!(
            "{}{}\n[timeouts]\ntrunk_progress_ms = 2000\n",
            stuck.trunk("stuck", ""),
            good.trunk("good", "")
        ),
        ..Options::default()
    })
    .await;
    stuck.speaks_to(world.sip);
    good.speaks_to(world.sip);
    // The first trunk, the simulated carrier, has no room for the far number.
    world
        .telephones(answers(HOME_HZ), Behaviour::ServiceUnavailable)
        .await;
    let call = world.dial().await;
    let invite = stuck.next("INVITE").await;
    stuck.replies(&invite, 100, "", "").await;
    let cancel = stuck.next("CANCEL").await;
    stuck.replies(&cancel, 200, "", "").await;
    stuck.replies(&invite, 487, "", "").await;
    stuck.next("ACK").await;

    // One that rings keeps the call, however long it takes.
    let invite = good.next("INVITE").await;
    good.replies(&invite, 100, "", "").await;
    good.replies(&invite, 180, "", "").await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    good.replies(&invite, 200, "", SDP).await;
    good.next("ACK").await;
    world.connected(call).await;
    world.hang_up(call).await;
    let bye = good.next("BYE").await;
    good.replies(&bye, 200, "", "").await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    let far = record.legs.iter().filter(|leg| leg.role == LegRole::Far);
    let trunks: Vec<&str> = far.map(|leg| leg.trunk.as_str()).collect();
    assert_eq!(trunks, ["main", "stuck", "good"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_nothing_can_be_made_of_ends_by_bye() {
    for answer in [
        "",
        "v=0\r\nm=video 9 RTP/AVP 31\r\n",
        &SDP.replace(" 8 101", " 18"),
    ] {
        let mut far = Wire::new().await;
        let world = World::with(Options {
            extra: far.trunk("far", "") + "\n[timeouts]\nredial_ms = 1000\n",
            ..Options::default()
        })
        .await;
        far.speaks_to(world.sip);
        world
            .telephones(answers(HOME_HZ), Behaviour::ServiceUnavailable)
            .await;
        let call = world.dial().await;
        let invite = far.next("INVITE").await;
        far.replies(&invite, 200, "", answer).await;
        far.next("ACK").await;
        let bye = far.next("BYE").await;
        far.replies(&bye, 200, "", "").await;
        let record = world.ended(call).await;
        assert_eq!(record.cause.reason, CauseReason::IncompatibleMedia, "{answer}");
    }
}

/// Anna with a telephone made by hand on her desk.
async fn office() -> (World, Wire) {
    let world = World::with(Options::default()).await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.add_device(DESK, Some(ANNA), false).await;
    world
        .station(ANNA, DESK, |station| station.own && station.logged_on)
        .await;
    let desk = Wire::telephone(DESK, world.sip).await;
    (world, desk)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_puts_its_two_calls_through_by_its_own_key() {
    let (world, desk) = office().await;
    world.carrier.set_number(FAR, answers(FAR_HZ)).unwrap();
    world.carrier.set_number(THIRD, answers(THIRD_HZ)).unwrap();
    let mut first = Call::new(format!("sip:{FAR}@{}", world.sip));
    assert_eq!(status(&desk.calls(&mut first, "", SDP).await), 200);
    let hold = SDP.to_owned() + "a=sendonly\r\n";
    let held = desk.calls(&mut first, "", &hold).await;
    assert!(body(&held).contains("a=recvonly\r\n"), "{held}");
    let mut second = Call::new(format!("sip:{THIRD}@{}", world.sip));
    assert_eq!(status(&desk.calls(&mut second, "", SDP).await), 200);

    let wrong = format!(
        "Refer-To: <{}?Replaces={}%3Bto-tag%3Dx%3Bfrom-tag%3Dy>\r\n",
        second.uri, second.id
    );
    let refused = desk.asks(&mut first, "REFER", &wrong, "").await;
    assert!(matches!(status(&refused), 202 | 481 | 603), "{refused}");
    if status(&refused) == 202 {
        let told = desk
            .hears("why not", |text| {
                text.starts_with("NOTIFY") && text.contains("terminated")
            })
            .await;
        assert!(body(&told).starts_with("SIP/2.0 481"), "{told}");
        desk.replies(&told, 200, "", "").await;
    }
    assert_eq!(world.carrier.active_calls(), 2, "both calls are still there");

    let refer_to = format!(
        "Refer-To: <{}?Replaces={}%3Bto-tag%3D{}%3Bfrom-tag%3D{}&Require=replaces>\r\n",
        second.uri, second.id, second.to_tag, second.tag
    );
    let accepted = desk.asks(&mut first, "REFER", &refer_to, "").await;
    assert_eq!(status(&accepted), 202, "{accepted}");
    loop {
        let told = desk.next("NOTIFY").await;
        desk.replies(&told, 200, "", "").await;
        if field(&told, "Subscription-State").starts_with("terminated") {
            assert!(body(&told).starts_with("SIP/2.0 200"), "{told}");
            break;
        }
    }
    world
        .until("the two hear each other", |world| {
            let heard = |number, hz| {
                let calls = world.calls_to(number);
                calls.first().is_some_and(|call| call.media.has_heard(hz, 1000))
            };
            heard(FAR, THIRD_HZ) && heard(THIRD, FAR_HZ)
        })
        .await;
    world.line_is_free(ANNA).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t17_a_telephone_that_asks_for_help_by_name_reaches_it() {
    let (world, desk) = office().await;
    for service in ["urn:service:sos", "urn:service:sos.ambulance"] {
        let mut call = Call::new(service);
        let answer = desk.calls(&mut call, "", SDP).await;
        assert_eq!(status(&answer), 200, "{service}: {answer}");
        call.uri = format!("sip:{}", world.sip);
        assert_eq!(status(&desk.asks(&mut call, "BYE", "", "").await), 200);
        world
            .until("the call is over", |world| world.carrier.active_calls() == 0)
            .await;
    }
    assert_eq!(world.calls_to("112").len(), 2);
    for (uri, wanted) in [
        ("urn:service:counseling", 404),
        ("urn:uuid:f81d4fae", 404),
        ("isbn:2983792873", 416),
    ] {
        let mut call = Call::new(uri);
        let answer = desk.calls(&mut call, "", SDP).await;
        assert_eq!(status(&answer), wanted, "{uri}: {answer}");
    }
    assert_eq!(world.carrier.calls().len(), 2, "somebody was called");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_read_however_a_telephone_writes_them() {
    let (world, desk) = office().await;
    world.carrier.set_number(FAR, answers(FAR_HZ)).unwrap();
    let gateway = world.sip;
    for uri in [
        format!("tel:{FAR};isub=12"),
        "tel:02-98765401;phone-context=example.com".to_owned(),
        format!("sip:{FAR};phone-context=x;ext=1@{gateway};user=phone"),
        format!("sip:%2B39(02)98765-401@{gateway}"),
        format!("sips:{FAR}@{gateway}"),
    ] {
        let mut call = Call::new(uri.clone());
        let answer = desk.calls(&mut call, "", SDP).await;
        assert_eq!(status(&answer), 200, "{uri}: {answer}");
        call.uri = format!("sip:{gateway}");
        assert_eq!(tag(&field(&answer, "To")), call.to_tag);
        assert_eq!(status(&desk.asks(&mut call, "BYE", "", "").await), 200);
        world
            .until("the call is over", |world| world.carrier.active_calls() == 0)
            .await;
    }
    assert_eq!(world.calls_to(FAR).len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_that_crosses_the_answer_changes_nothing_and_one_before_it_ends_the_call() {
    let (world, wire) = called_by_hand().await;
    let mut call = to_anna(&world);
    assert_eq!(status(&wire.asks(&mut call, "INVITE", "", SDP).await), 200);
    let to_tag = std::mem::take(&mut call.to_tag);
    wire.send(&wire.written(&mut call, "CANCEL", "", "")).await;
    let cancelled = wire
        .hears("the answer to the CANCEL", |text| {
            field(text, "CSeq").ends_with("CANCEL")
        })
        .await;
    assert_eq!(status(&cancelled), 200);
    assert_eq!(tag(&field(&cancelled, "To")), to_tag);
    call.to_tag = to_tag;
    wire.send(&wire.written(&mut call, "ACK", "", "")).await;
    world
        .edge
        .wait_event(|body| matches!(body, ponte_protocol::EventBody::CallChanged { call } if matches!(call.phase, CallPhase::Connected { .. })))
        .await;
    assert_eq!(status(&wire.asks(&mut call, "BYE", "", "").await), 200);

    world.carrier.set_number(HOME, Behaviour::RingOut).unwrap();
    let mut call = to_anna(&world);
    wire.send(&wire.written(&mut call, "INVITE", "", SDP)).await;
    wire.next("SIP/2.0 180").await;
    wire.send(&wire.written(&mut call, "CANCEL", "", "")).await;
    wire.next("SIP/2.0 487").await;
    world
        .until("Anna's telephone is released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
    world.carrier.set_number(HOME, answers(HOME_HZ)).unwrap();
    a_call_sets_up(&world, &wire).await;
}
