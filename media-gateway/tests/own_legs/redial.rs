//! The other party was not reached: a tone and words at the user's leg, and another number on the same leg (rule T5).

use crate::own::Own;
use crate::support::hearing::{Hearing, SECOND, THIRD, TONE_HZ, hears, will_sound};
use crate::support::{ANNA, FAR, HOME, Options, World};
use ponte_protocol::{CallId, CallPhase, CauseReason, CommandBody, EndedBy};
use ponte_pstn_sim::Behaviour;

fn options() -> Options {
    Options {
        extra: "\n[timeouts]\nredial_ms = 5000\n".into(),
        ..Options::default()
    }
}

/// The portal says that a call has failed, and why.
async fn fails(world: &World, call: CallId) {
    let failed = |world: &World| {
        let state = world.edge.state(ANNA).unwrap();
        let view = state.calls.iter().find(|known| known.id == call);
        view.is_some_and(|call| match &call.phase {
            CallPhase::FarFailed { cause, .. } => cause.reason == CauseReason::Busy,
            _ => false,
        })
    };
    world.until("the portal says that the line is busy", failed).await;
}

/// The user hears the tone that says so, in what comes after the first `from` samples.
async fn hears_busy(world: &World, own: &Own, from: usize) {
    let heard = || own.sound(world);
    will_sound("the user hears the busy tone", (TONE_HZ, 300), from, heard).await;
}

async fn hear_each_other(world: &World, own: &Own, party: &'static str) {
    own.hears(world, Hearing::of(&[party])).await;
    hears(world, party, Hearing::of(&[HOME])).await;
}

/// Beside a call that is held: whatever the leg is, it is up.
async fn dials_again_beside_a_call(world: &World, own: &mut Own) {
    let first = own.talks_to(world, FAR).await;
    hear_each_other(world, own, FAR).await;
    let from = own.sound(world).len();
    let second = world.dial_number(SECOND).await;
    fails(world, second).await;
    hears_busy(world, own, from).await;
    hears(world, FAR, Hearing::music()).await;
    assert_eq!(world.dial_number(THIRD).await, second, "it is the same call");
    world.connected(second).await;
    hear_each_other(world, own, THIRD).await;
    hears(world, FAR, Hearing::music()).await;
    assert_eq!(own.legs(world), 1, "the leg was called again");
    world.hang_up(second).await;
    let record = world.ended(second).await;
    assert_eq!((record.number.as_str(), record.legs.len()), (THIRD, 3));
    world.accepted(ANNA, CommandBody::Retrieve { call: first }).await;
    hear_each_other(world, own, FAR).await;
    world.hang_up(first).await;
    world.ended(first).await;
    own.is_free(world, 1).await;
    world.carrier.clear_calls();
}

fn site((world, own): (World, Own)) -> (World, Own) {
    world.carrier.set_number(SECOND, Behaviour::Busy).unwrap();
    (world, own)
}

/// The first call of a leg: another number is dialled on it, and where none is, it is released.
async fn dials_again((world, mut own): (World, Own)) {
    dials_again_beside_a_call(&world, &mut own).await;
    let legs = own.legs(&world);
    let call = own.calls(&world, SECOND).await;
    fails(&world, call).await;
    hears_busy(&world, &own, 0).await;
    assert_eq!(world.dial_number(FAR).await, call, "it is the same call");
    world.connected(call).await;
    hear_each_other(&world, &own, FAR).await;
    assert_eq!(own.legs(&world), legs + 1, "the leg was called again");
    world.hang_up(call).await;
    world.ended(call).await;
    own.is_free(&world, 2).await;
    world.carrier.clear_calls();

    let call = own.calls(&world, SECOND).await;
    fails(&world, call).await;
    own.is_free(&world, 3).await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::Busy);
    assert_eq!(record.ended_by, EndedBy::FarLeg);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_another_number_on_the_same_leg_of_a_telephone_behind_the_carrier() {
    dials_again(site(Own::telephone(options()).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_another_number_on_the_same_leg_of_a_browser() {
    dials_again(site(Own::browser(options()).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_another_number_on_the_same_leg_of_the_telephone_on_the_desk() {
    let (world, mut own) = site(Own::desk(options()).await);
    dials_again_beside_a_call(&world, &mut own).await;
    // What the telephone itself dials has no leg yet that is up: it says the cause by itself, and dials again by itself.
    let Own::Desk(desk) = &own else { unreachable!() };
    desk.dial(SECOND).await;
    assert!(desk.closed(2).await.contains("486"));
    world.line_is_free(ANNA).await;
    own.talks_to(&world, FAR).await;
    hear_each_other(&world, &own, FAR).await;
}
