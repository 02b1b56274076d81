//! REFER as few telephones write it, and to whom it must not lead: the party is moved, or is still there (rules T2, T6, T17).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_pstn_sim::{Behaviour, Refuse};
use support::hearing::{Hearing, SECOND, THIRD, answer, hears};
use support::voice::Voice;
use support::wire::{Call, Wire, body, field, status};
use support::{ANNA, FAR, Options, World};

const DESK: &str = "desk-201";
/// The desk telephone has the voice of the one at home.
const DESK_HZ: f64 = 750.0;
const DESK_VOICE: &str = support::HOME;

/// Anna at her desk, with a telephone made by hand, in a call with [`FAR`].
async fn in_a_call() -> (World, Wire, Voice, Call) {
    let world = World::with(Options::default()).await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.add_device(DESK, Some(ANNA), false).await;
    world
        .station(ANNA, DESK, |station| station.own && station.logged_on)
        .await;
    let desk = Wire::telephone(DESK, world.sip).await;
    for number in [FAR, SECOND, THIRD] {
        world.carrier.set_number(number, answer(number, 50)).unwrap();
    }
    let voice = Voice::new(DESK_HZ).await;
    let mut call = Call::new(format!("sip:{FAR}@{}", world.sip));
    let taken = desk.calls(&mut call, "", &voice.sdp(1, "sendrecv")).await;
    assert_eq!(status(&taken), 200, "{taken}");
    voice.speaks_to(&taken);
    voice.hears(Hearing::of(&[FAR])).await;
    (world, desk, voice, call)
}

/// Takes each NOTIFY until the last; what that says came of it.
async fn told_at_last(desk: &Wire) -> u16 {
    loop {
        let told = desk.next("NOTIFY").await;
        desk.replies(&told, 200, "", "").await;
        assert!(field(&told, "Event").starts_with("refer"), "{told}");
        assert!(
            field(&told, "Content-Type").starts_with("message/sipfrag"),
            "{told}"
        );
        if field(&told, "Subscription-State").starts_with("terminated") {
            return status(body(&told));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t02_t17_where_a_transfer_must_not_lead_nobody_is_called_and_the_call_goes_on() {
    let (world, desk, voice, mut call) = in_a_call().await;
    let gateway = world.sip;
    for (refer_to, wanted) in [
        // Calls for help, in every dress.
        (format!("<sip:112@{gateway}>"), 403),
        ("<tel:112>".to_owned(), 403),
        ("tel:112;phone-context=+39".to_owned(), 403),
        (format!("\"Help\" <sip:%31%31%32@{gateway};user=phone>"), 403),
        (format!("<sips:112;ext=1@{gateway}?Subject=x>"), 403),
        ("<urn:service:sos>".to_owned(), 403),
        ("<urn:service:sos.police>".to_owned(), 403),
        // Numbers that her class of restriction forbids.
        ("<tel:+442079460000>".to_owned(), 403),
        (format!("<sip:00442079460000@{gateway}>"), 403),
        (format!("<sip:%2B44-20-7946-0000;npdi=yes@{gateway}>"), 403),
        // Who is no number.
        (format!("<sip:nobody@{gateway}>"), 404),
        (format!("<sip:{gateway}>"), 404),
        ("<urn:service:counseling>".to_owned(), 404),
        (format!("<sip:299@{gateway}>"), 404),
        ("<mailto:anna@example.com>".to_owned(), 400),
        (format!("<sip:{SECOND}@{gateway};method=BYE>"), 403),
        (format!("<sip:{SECOND}@{gateway}>, <sip:{THIRD}@{gateway}>"), 400),
    ] {
        let headers = format!("Refer-To: {refer_to}\r\n");
        let answer = desk.asks(&mut call, "REFER", &headers, "").await;
        let told = match status(&answer) {
            202 => told_at_last(&desk).await,
            refused => refused,
        };
        assert_eq!(told, wanted, "{refer_to}: {answer}");
    }
    voice.hears(Hearing::of(&[FAR])).await;
    hears(&world, FAR, Hearing::of(&[DESK_VOICE])).await;
    assert_eq!(world.carrier.calls().len(), 1, "somebody was called");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_party_that_is_refused_everywhere_is_still_there_and_the_true_cause_is_told() {
    let (world, desk, voice, mut call) = in_a_call().await;
    let refuse = |status| Behaviour::Refuse(Refuse { status, after_ms: 0 });
    for (behaviour, wanted) in [
        (Behaviour::Busy, 486),
        (Behaviour::Decline, 603),
        (Behaviour::NoSuchNumber, 404),
        (Behaviour::Unavailable, 480),
        (refuse(302), 480),
        (refuse(401), 503),
        (refuse(600), 600),
        (Behaviour::ServerError, 500),
    ] {
        let what = format!("{behaviour:?}");
        world.carrier.set_number(SECOND, behaviour).unwrap();
        let headers = format!("Refer-To: <tel:{SECOND}>\r\nReferred-By: <sip:mallory@example.com>\r\n");
        let answer = desk.asks(&mut call, "REFER", &headers, "").await;
        assert_eq!(status(&answer), 202, "{what}: {answer}");
        assert_eq!(told_at_last(&desk).await, wanted, "{what}");
        voice.hears(Hearing::of(&[FAR])).await;
        hears(&world, FAR, Hearing::of(&[DESK_VOICE])).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_party_is_moved_however_its_new_one_is_written_and_whoever_wants_to_know() {
    let gateway_writes = |gateway: std::net::SocketAddr| {
        [
            (format!("<sips:{SECOND};ext=1@{gateway};user=phone>"), "", true),
            (
                "tel:02-98765402;phone-context=example.com".to_owned(),
                "Refer-Sub: true\r\n",
                true,
            ),
            (
                format!("\"A, B\" <sip:%2B39(02)98765-402@{gateway}?Subject=x&X-Y=%3C>"),
                "Refer-Sub: FALSE;x=y\r\nRequire: norefersub\r\n",
                false,
            ),
        ]
    };
    for row in 0..3 {
        let (world, desk, _voice, mut call) = in_a_call().await;
        let (refer_to, more, told) = gateway_writes(world.sip)[row].clone();
        // The compact name, folded.
        let headers = format!("{more}r:\r\n {refer_to}\r\n");
        let answer = desk.asks(&mut call, "REFER", &headers, "").await;
        assert_eq!(status(&answer), 202, "{refer_to}: {answer}");
        if told {
            assert_eq!(told_at_last(&desk).await, 200, "{refer_to}");
        } else {
            assert_eq!(field(&answer, "Refer-Sub"), "false");
        }
        let bye = desk
            .hears("the end", |text| {
                assert!(told || !text.starts_with("NOTIFY"), "{text}");
                text.starts_with("BYE")
            })
            .await;
        desk.replies(&bye, 200, "", "").await;
        hears(&world, FAR, Hearing::of(&[SECOND])).await;
        hears(&world, SECOND, Hearing::of(&[FAR])).await;
        world.line_is_free(ANNA).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_transfer_waits_for_the_end_of_the_first_and_a_hang_up_in_between_leaves_it_going() {
    let (world, desk, _voice, mut call) = in_a_call().await;
    world.carrier.set_number(SECOND, answer(SECOND, 2_000)).unwrap();
    let to = |number: &str| format!("Refer-To: <tel:{number}>\r\n");
    assert_eq!(status(&desk.asks(&mut call, "REFER", &to(SECOND), "").await), 202);
    let second = desk.asks(&mut call, "REFER", &to(THIRD), "").await;
    assert_eq!(status(&second), 491, "{second}");
    assert_eq!(status(&desk.asks(&mut call, "BYE", "", "").await), 200);
    hears(&world, FAR, Hearing::of(&[SECOND])).await;
    hears(&world, SECOND, Hearing::of(&[FAR])).await;
    assert!(world.calls_to(THIRD).is_empty());
    world.line_is_free(ANNA).await;
}
