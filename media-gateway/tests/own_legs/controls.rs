//! Mute, keys, hold, a second call, swap, conference, parking and transfer.

use crate::own::{Own, dials_beside};
use crate::support::hearing::{Hearing, SECOND, THIRD, hears};
use crate::support::{ANNA, FAR, HOME, Options, World};
use ponte_protocol::{CommandBody, TransferTarget};

/// Goes through every control. What is told apart by the user's leg is in [`Own`] alone.
async fn has_every_control(world: &World, mut own: Own) {
    let does = |body| world.accepted(ANNA, body);
    let first = own.talks_to(world, FAR).await;
    own.hears(world, Hearing::of(&[FAR])).await;
    hears(world, FAR, Hearing::of(&[HOME])).await;

    does(CommandBody::Mute {
        call: first,
        muted: true,
    })
    .await;
    hears(world, FAR, Hearing::of(&[])).await;
    own.hears(world, Hearing::of(&[FAR])).await;
    does(CommandBody::Mute {
        call: first,
        muted: false,
    })
    .await;
    hears(world, FAR, Hearing::of(&[HOME])).await;

    let digits = "42#".to_owned();
    does(CommandBody::SendDtmf { call: first, digits }).await;
    let keys = |world: &World| world.call_to(FAR).media.digits() == "42#";
    world.until("the keys arrive", keys).await;

    does(CommandBody::Hold { call: first }).await;
    hears(world, FAR, Hearing::music()).await;
    own.hears(world, Hearing::of(&[])).await;
    does(CommandBody::Retrieve { call: first }).await;
    hears(world, FAR, Hearing::of(&[HOME])).await;
    own.hears(world, Hearing::of(&[FAR])).await;

    let second = dials_beside(world, SECOND).await;
    hears(world, FAR, Hearing::music()).await;
    hears(world, SECOND, Hearing::of(&[HOME])).await;
    own.hears(world, Hearing::of(&[SECOND])).await;
    does(CommandBody::Retrieve { call: first }).await;
    hears(world, SECOND, Hearing::music()).await;
    hears(world, FAR, Hearing::of(&[HOME])).await;
    own.hears(world, Hearing::of(&[FAR])).await;

    does(CommandBody::Merge {
        call: second,
        with: first,
    })
    .await;
    own.hears(world, Hearing::of(&[FAR, SECOND])).await;
    hears(world, FAR, Hearing::of(&[HOME, SECOND])).await;
    hears(world, SECOND, Hearing::of(&[HOME, FAR])).await;
    does(CommandBody::EndConference { call: first }).await;
    own.is_free(world, 1).await;
    let over = |world: &World| world.carrier.active_calls() == 0;
    world.until("everybody is released", over).await;
    world.carrier.clear_calls();

    let call = own.talks_to(world, FAR).await;
    own.hears(world, Hearing::of(&[FAR])).await;
    does(CommandBody::Park { call }).await;
    hears(world, FAR, Hearing::music()).await;
    own.is_free(world, 2).await;
    world.carrier.clear_calls();
    let slot = world.edge.state(ANNA).unwrap().parked[0].slot;
    let call = own.fetches(world, slot).await;
    own.hears(world, Hearing::of(&[FAR])).await;
    hears(world, FAR, Hearing::of(&[HOME])).await;

    let to = TransferTarget::Number {
        number: THIRD.parse().unwrap(),
    };
    does(CommandBody::Transfer { call, to }).await;
    hears(world, FAR, Hearing::of(&[THIRD])).await;
    hears(world, THIRD, Hearing::of(&[FAR])).await;
    own.is_free(world, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_every_control_from_a_telephone_behind_the_carrier() {
    let (world, own) = Own::telephone(Options::default()).await;
    has_every_control(&world, own).await;
}

/// The same, where everybody who waits is told so by the trunk's and the telephones' settings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_every_control_where_parties_are_told_of_their_hold() {
    let (world, own) = Own::telephone(Options {
        trunk: "hold = \"signalled\"\n".to_owned(),
        extra: "\n[registrar]\nhold = \"signalled\"\n".to_owned(),
        ..Options::default()
    })
    .await;
    has_every_control(&world, own).await;
    let told = world.log().matches("a party is told of its hold").count();
    assert!(told >= 8, "parties were told {told} times");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_every_control_from_the_telephone_on_the_desk() {
    let (world, own) = Own::desk(Options::default()).await;
    has_every_control(&world, own).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_every_control_from_a_browser() {
    let (world, own) = Own::browser(Options::default()).await;
    has_every_control(&world, own).await;
}
