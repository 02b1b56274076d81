//! A second call waits: a beep in the user's ear and in no other, rejected or taken on the same leg (rule T8).

use crate::own::Own;
use crate::support::hearing::{
    Hearing, SECOND, THIRD, TONE_HZ, calling, heard_at, hears, sounds, will_sound,
};
use crate::support::{ANNA, COMPANY, FAR, HOME, Options, World};
use ponte_protocol::{CallId, CallPhase, CommandBody, LegRole};

/// A caller waits, and the user is told in the ear; the call that is up goes on.
async fn waits(world: &World, own: &Own, caller: &'static str) -> (u64, CallId) {
    let before = (own.sound(world).len(), heard_at(world, FAR).len());
    let placed = world.place(calling(caller, COMPANY));
    let waits = |call: &ponte_protocol::CallView| {
        matches!(call.phase, CallPhase::Waiting { .. })
            && call.leg(LegRole::Far).is_some_and(|leg| leg.number == caller)
    };
    let call = world.shown_where(waits).await.id;
    let beep = || own.sound(world);
    will_sound("the user hears the beep", (TONE_HZ, 200), before.0, beep).await;
    hears(world, FAR, Hearing::of(&[HOME])).await;
    assert!(
        !sounds(&heard_at(world, FAR)[before.1..], TONE_HZ, 100),
        "the other party hears the beep"
    );
    let rings = |world: &World| world.call(placed).ringing_at.is_some();
    world.until("the caller hears ringing", rings).await;
    (placed, call)
}

async fn has_call_waiting((world, mut own): (World, Own)) {
    let first = own.talks_to(&world, FAR).await;
    own.hears(&world, Hearing::of(&[FAR])).await;
    hears(&world, FAR, Hearing::of(&[HOME])).await;

    let (placed, waiting) = waits(&world, &own, SECOND).await;
    world.accepted(ANNA, CommandBody::Reject { call: waiting }).await;
    let busy = |world: &World| world.call(placed).status == Some(486);
    world.until("who is rejected is told to be busy", busy).await;
    assert!(world.ended(waiting).await.is_missed());
    own.hears(&world, Hearing::of(&[FAR])).await;
    hears(&world, FAR, Hearing::of(&[HOME])).await;

    let (_, taken) = waits(&world, &own, THIRD).await;
    world.accepted(ANNA, CommandBody::Accept { call: taken }).await;
    world.connected(taken).await;
    own.hears(&world, Hearing::of(&[THIRD])).await;
    hears(&world, THIRD, Hearing::of(&[HOME])).await;
    hears(&world, FAR, Hearing::music()).await;

    world.accepted(ANNA, CommandBody::Retrieve { call: first }).await;
    own.hears(&world, Hearing::of(&[FAR])).await;
    hears(&world, FAR, Hearing::of(&[HOME])).await;
    hears(&world, THIRD, Hearing::music()).await;
    assert_eq!(own.legs(&world), 1, "one leg is enough");
    for call in [taken, first] {
        world.hang_up(call).await;
        world.ended(call).await;
    }
    own.is_free(&world, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_call_waits_at_a_telephone_behind_the_carrier() {
    has_call_waiting(Own::telephone(Options::default()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_call_waits_at_the_telephone_on_the_desk() {
    has_call_waiting(Own::desk(Options::default()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_call_waits_at_a_browser() {
    has_call_waiting(Own::browser(Options::default()).await).await;
}
