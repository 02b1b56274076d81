//! Rule T15 through the whole gateway: one leg stays up, calls are attached to it, and a leg that is lost rejoins. What each
//! hears is measured by its frequency.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{
    CallId, CallPhase, CallView, CauseReason, CommandBody, EventBody, LegRole, PersistentLeg,
};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use support::{ANNA, COMPANY, FAR, HOME, Options, World};

const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;
/// Two short tones of this frequency tell of a call that is about to be attached.
const WHISPER_HZ: f64 = 740.0;

fn answer(tone_hz: f64) -> Answer {
    Answer {
        after_ms: 100,
        tone_hz: Some(tone_hz),
        ..Answer::default()
    }
}

/// The network loses it after a while: Q.850 cause 41, temporary failure.
fn lost_after(ms: u64) -> Behaviour {
    Behaviour::Answer(Answer {
        hang_up_after_ms: Some(ms),
        lost_with: Some(41),
        ..answer(HOME_HZ)
    })
}

fn caller() -> PlaceCall {
    PlaceCall {
        telephone: answer(FAR_HZ),
        ..PlaceCall::new(FAR, COMPANY)
    }
}

async fn at_home(home: Behaviour) -> World {
    let world = World::with(Options {
        extra: "\n[timeouts]\nwhisper_ms = 1500\n".to_owned(),
        ..Options::default()
    })
    .await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.telephones(home, Behaviour::Answer(answer(FAR_HZ))).await;
    world
}

async fn set(world: &World, on: bool) {
    world.accepted(ANNA, CommandBody::SetPersistentLeg { on }).await;
}

async fn told(world: &World, wanted: impl Fn(&PersistentLeg) -> bool) -> PersistentLeg {
    let body = world
        .edge
        .wait_event(|body| matches!(body, EventBody::PersistentLegChanged { leg } if wanted(leg)))
        .await;
    match body {
        EventBody::PersistentLegChanged { leg } => leg,
        other => panic!("{other:?}"),
    }
}

/// The leg is up; its call.
async fn up(world: &World) -> CallId {
    match told(world, |leg| matches!(leg, PersistentLeg::Up { .. })).await {
        PersistentLeg::Up { call, .. } => call,
        other => panic!("{other:?}"),
    }
}

fn is_connected(call: &CallView) -> bool {
    matches!(call.phase, CallPhase::Connected { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_calls_out_and_in_are_attached_to_the_one_leg_and_both_are_heard() {
    let world = at_home(Behaviour::Answer(answer(HOME_HZ))).await;
    set(&world, true).await;
    let stays = up(&world).await;
    // Packets keep the way open while nobody speaks.
    world
        .until("the idle leg is sent packets", |world| {
            world.call_to(HOME).media.packets_received > 50
        })
        .await;
    let out = world.dial().await;
    world.connected(out).await;
    world
        .until("each hears the other", |world| {
            world.call_to(HOME).media.has_heard(FAR_HZ, 800)
                && world.call_to(FAR).media.has_heard(HOME_HZ, 800)
        })
        .await;
    world.hang_up(out).await;
    let record = world.ended(out).await;
    assert_eq!(record.legs.len(), 2, "{record:?}");
    assert_eq!(world.calls_to(HOME).len(), 1);

    let placed = world.place(caller());
    let waiting = world
        .shown_where(|call| matches!(call.phase, CallPhase::Waiting { .. }))
        .await;
    world
        .until("a tone in the ear tells of the call", |world| {
            world.call_to(HOME).media.has_heard(WHISPER_HZ, 100)
        })
        .await;
    assert!(
        world.call(placed).answered_at.is_none(),
        "answered before the whisper was over"
    );
    world
        .shown_where(|call| call.id == waiting.id && is_connected(call))
        .await;
    world
        .until("the caller hears the user", |world| {
            world.call(placed).media.has_heard(HOME_HZ, 800)
        })
        .await;
    world.hang_up(waiting.id).await;
    let record = world.ended(waiting.id).await;
    let ear = record.legs.iter().find(|leg| leg.role == LegRole::User).unwrap();
    assert!(!record.is_missed() && ear.ringing_at.is_none(), "{record:?}");
    assert_eq!(world.calls_to(HOME).len(), 1, "the telephone rang once");

    set(&world, false).await;
    let record = world.ended(stays).await;
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(record.number, HOME);
    world
        .until("the telephone is released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_a_leg_that_drops_in_a_call_rejoins_and_is_heard_again() {
    let world = at_home(lost_after(6_000)).await;
    set(&world, true).await;
    let stays = up(&world).await;
    let call = world.dial().await;
    world.connected(call).await;
    world
        .carrier
        .set_number(HOME, Behaviour::Answer(answer(HOME_HZ + 160.0)))
        .unwrap();
    world
        .until("the far party hears the first leg", |world| {
            world.call_to(FAR).media.has_heard(HOME_HZ, 500)
        })
        .await;
    world
        .edge
        .wait_event(|body| match body {
            EventBody::CallChanged { call: view } => {
                view.id == call && matches!(view.phase, CallPhase::Rejoining { .. })
            }
            _ => false,
        })
        .await;
    world
        .until("the far party hears the second leg", |world| {
            world.call_to(FAR).media.has_heard(HOME_HZ + 160.0, 800)
        })
        .await;
    world
        .until("the user hears the far party again", |world| {
            world.calls_to(HOME)[1].media.has_heard(FAR_HZ, 800)
        })
        .await;
    assert_eq!(
        world.calls_to(FAR).len(),
        1,
        "the far party was never called again"
    );
    world.hang_up(call).await;
    world.ended(call).await;
    // The leg that rejoined stays.
    let next = world.dial().await;
    world.connected(next).await;
    assert_eq!(world.calls_to(HOME).len(), 2);
    world.hang_up(next).await;
    world.ended(next).await;
    set(&world, false).await;
    let record = world.ended(stays).await;
    assert_eq!(record.legs.len(), 2, "one line for each leg: {record:?}");
    assert_eq!(record.legs[0].cause.q850, Some(41));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_an_ordinary_leg_that_is_lost_is_called_again_and_the_caller_waits() {
    let world = at_home(lost_after(2_500)).await;
    let placed = world.place(caller());
    let call = world.shown_where(is_connected).await;
    world
        .carrier
        .set_number(HOME, Behaviour::Answer(answer(HOME_HZ + 160.0)))
        .unwrap();
    world
        .until("the caller hears who rejoined", |world| {
            world.call(placed).media.has_heard(HOME_HZ + 160.0, 800)
        })
        .await;
    world.hang_up(call.id).await;
    let record = world.ended(call.id).await;
    assert_eq!(record.legs.len(), 3, "{record:?}");
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_who_hangs_up_has_hung_up() {
    let world = at_home(Behaviour::Answer(Answer {
        hang_up_after_ms: Some(2_000),
        ..answer(HOME_HZ)
    }))
    .await;
    set(&world, true).await;
    up(&world).await;
    let down = told(&world, |leg| matches!(leg, PersistentLeg::Down { .. })).await;
    let PersistentLeg::Down { cause } = down else {
        panic!("{down:?}")
    };
    assert_eq!(cause.reason, CauseReason::NormalClearing);
    world
        .until("nothing is up", |world| world.carrier.active_calls() == 0)
        .await;
    assert_eq!(world.calls_to(HOME).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_t18_a_crash_ends_the_leg_and_leaves_its_record() {
    let mut world = at_home(Behaviour::Answer(answer(HOME_HZ))).await;
    set(&world, true).await;
    let stays = up(&world).await;
    world
        .until("the leg has been up for a while", |world| {
            world.call_to(HOME).media.packets_received > 50
        })
        .await;
    world.crash_gateway().await;
    world.start_gateway().await;
    world
        .until("the telephone is released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
    let state = world
        .edge
        .wait_event(|body| {
            matches!(body, EventBody::State { state } if state.log.iter().any(|record| record.id == stays))
        })
        .await;
    let EventBody::State { state } = state else {
        unreachable!()
    };
    let record = state.log.iter().find(|record| record.id == stays).unwrap();
    assert_eq!(record.cause.reason, CauseReason::GatewayRestarted);
    assert!(record.connected_at.is_some());
    assert_eq!(state.persistent_leg, PersistentLeg::Off);
}
