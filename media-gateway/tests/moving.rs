//! A call moves from one of the user's telephones to another through the whole gateway, while the other party's is recorded.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{
    CallId, CallPhase, CauseReason, CommandBody, DestinationChoice, LegRole, LegState, Outcome, Refusal,
};
use ponte_pstn_sim::{Answer, Behaviour};
use support::{ANNA, FAR, HOME, World};

const HOTEL: &str = "+390298765409";
const HOME_HZ: f64 = 750.0;
const HOTEL_HZ: f64 = 1_520.0;
const FAR_HZ: f64 = 1_130.0;
/// What the other party may miss of the tone, in milliseconds.
const LONGEST_GAP_MS: u64 = 40;

fn says(hz: f64, after_ms: u64) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms,
        tone_hz: Some(hz),
        record: true,
        ..Answer::default()
    })
}

/// Anna talks at home to the other party, who hears her.
async fn in_a_call() -> (World, CallId) {
    let world = World::start().await;
    world.telephones(says(HOME_HZ, 50), says(FAR_HZ, 50)).await;
    let call = world.dial().await;
    world.connected(call).await;
    hears(&world, FAR, HOME_HZ, 600).await;
    (world, call)
}

async fn hears(world: &World, number: &str, hz: f64, total_ms: u64) {
    world
        .until(&format!("{hz} Hz at {number}"), |world| {
            let last = world.calls_to(number).pop();
            last.is_some_and(|call| call.media.has_heard(hz, total_ms))
        })
        .await;
}

async fn move_to(world: &World, call: CallId, number: &str) -> Outcome {
    let to = DestinationChoice::Number {
        number: number.parse().unwrap(),
        confirm: Some(false),
    };
    world.edge.command(ANNA, CommandBody::Move { call, to }).await
}

/// The longest stretch of a recording without sound, in milliseconds.
fn longest_silence(samples: &[i16]) -> u64 {
    let mut longest = 0;
    let mut silent = 0;
    for sample in samples {
        silent = if sample.unsigned_abs() < 200 {
            silent + 1
        } else {
            0
        };
        longest = longest.max(silent);
    }
    longest / 8
}

/// What the other party missed: nothing on the tape, and no packet later than its own telephone was.
fn nobody_heard_a_gap(world: &World) {
    let far = world.call_to(FAR);
    let tape = world.carrier.audio(far.id).unwrap();
    let begins = tape
        .iter()
        .position(|sample| sample.unsigned_abs() > 2_000)
        .unwrap();
    let ends = tape
        .iter()
        .rposition(|sample| sample.unsigned_abs() > 2_000)
        .unwrap();
    let silence = longest_silence(&tape[begins..ends]);
    assert!(silence < LONGEST_GAP_MS, "{silence} ms of silence on the tape");
    let stalled = far.media.longest_voice_gap_ms.saturating_sub(20);
    let gap = far.media.longest_packet_gap_ms.saturating_sub(20);
    eprintln!("silence on the tape {silence} ms; packets {gap} ms late, telephone {stalled} ms");
    assert!(
        gap < LONGEST_GAP_MS + stalled,
        "packets {gap} ms late, telephone {stalled} ms"
    );
    assert_eq!(far.media.packets_lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_moves_from_telephone_to_telephone_and_back_without_a_gap() {
    let (world, call) = in_a_call().await;
    world.carrier.set_number(HOTEL, says(HOTEL_HZ, 400)).unwrap();
    assert_eq!(
        move_to(&world, call, HOTEL).await,
        Outcome::Accepted { call: Some(call) }
    );
    world
        .until("the portal shows where it moves to", |world| {
            let calls = world.edge.state(ANNA).unwrap().calls;
            let moving = calls[0].moving.as_ref();
            moving.is_some_and(|moving| moving.leg.number == HOTEL && moving.leg.state == LegState::Early)
        })
        .await;
    hears(&world, FAR, HOTEL_HZ, 600).await;
    hears(&world, HOTEL, FAR_HZ, 600).await;
    world
        .until("the telephone at home is free", |world| {
            world.carrier.active_calls() == 2
        })
        .await;
    assert!(world.call_to(FAR).media.has_heard(HOME_HZ, 300));

    assert_eq!(
        move_to(&world, call, HOME).await,
        Outcome::Accepted { call: Some(call) }
    );
    world
        .until("two calls home", |world| world.calls_to(HOME).len() == 2)
        .await;
    hears(&world, HOME, FAR_HZ, 600).await;
    world
        .until("the telephone in the hotel is free", |world| {
            world.carrier.active_calls() == 2
        })
        .await;
    nobody_heard_a_gap(&world);
    let shown = world.edge.state(ANNA).unwrap().calls.remove(0);
    assert!(matches!(shown.phase, CallPhase::Connected { .. }) && shown.moving.is_none());

    world.hang_up(call).await;
    let record = world.ended(call).await;
    let mine: Vec<(&str, CauseReason)> = record
        .legs
        .iter()
        .filter(|line| line.role == LegRole::User)
        .map(|line| (line.number.as_str(), line.cause.reason))
        .collect();
    assert_eq!(
        mine,
        [
            (HOME, CauseReason::Moved),
            (HOTEL, CauseReason::Moved),
            (HOME, CauseReason::NormalClearing)
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_that_is_busy_leaves_the_call_where_it_is_and_t02_what_is_forbidden_is_not_called() {
    let (world, call) = in_a_call().await;
    world.carrier.set_number(HOTEL, Behaviour::Busy).unwrap();
    assert!(matches!(
        move_to(&world, call, HOTEL).await,
        Outcome::Accepted { .. }
    ));
    world
        .until("the portal says why", |world| {
            let calls = world.edge.state(ANNA).unwrap().calls;
            let moving = calls[0].moving.as_ref();
            moving
                .and_then(|moving| moving.leg.cause)
                .is_some_and(|cause| cause.reason == CauseReason::Busy)
        })
        .await;
    let refusal = Refusal::EmergencyNumber;
    assert_eq!(move_to(&world, call, "112").await, Outcome::Refused { refusal });
    let refused = move_to(&world, call, "+442079460018").await;
    assert!(matches!(
        refused,
        Outcome::Refused {
            refusal: Refusal::Restricted { .. }
        }
    ));
    hears(&world, FAR, HOME_HZ, 1_500).await;
    nobody_heard_a_gap(&world);
    world.hang_up(call).await;
    world.ended(call).await;
}
