//! Parties that wait without being on anybody's line, or that wait no longer because a conference has them (rule T8): they are
//! told as those are whom the user holds.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::CommandBody;
use support::hearing::{Hearing, SECOND, answer, hears};
use support::party::{beside_the_carrier, in_a_call, talk};
use support::{ANNA, HOME};

const SIGNALLED: &str = "hold = \"signalled\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_who_is_parked_is_told_until_somebody_fetches_the_call() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    world.accepted(ANNA, CommandBody::Park { call }).await;
    let told = party.is_told("sendonly").await;
    party.takes(&told, "recvonly").await;
    party.voice.hears(Hearing::music()).await;
    let over = |world: &support::World| world.calls_to(HOME).iter().all(|call| call.ended_at.is_some());
    world.until("Anna's telephone is released", over).await;
    world.carrier.clear_calls();
    let slot = world.edge.state(ANNA).unwrap().parked[0].slot;
    // The telephone rings long enough for a word too early to come.
    world.carrier.set_number(HOME, answer(HOME, 1_500)).unwrap();
    let call = world.begins(ANNA, CommandBody::Fetch { slot }).await;
    let told = party.is_told("sendrecv").await;
    let answered = world.call_to(HOME).answered_at.is_some();
    assert!(answered, "it waits until somebody is there");
    party.takes(&told, "sendrecv").await;
    world.connected(call).await;
    talk(&world, &party).await;
    world.hang_up(call).await;
    party.is_told_no_more().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_who_joins_a_conference_is_told_to_talk() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    world.carrier.set_number(SECOND, answer(SECOND, 50)).unwrap();
    let with = world.dial_number(SECOND).await;
    let told = party.is_told("sendonly").await;
    party.takes(&told, "recvonly").await;
    party.voice.hears(Hearing::music()).await;
    hears(&world, SECOND, Hearing::of(&[HOME])).await;
    world.accepted(ANNA, CommandBody::Merge { call, with }).await;
    let told = party.is_told("sendrecv").await;
    party.takes(&told, "sendrecv").await;
    party.voice.hears(Hearing::of(&[HOME, SECOND])).await;
    world.accepted(ANNA, CommandBody::EndConference { call }).await;
    party.is_told_no_more().await;
}
