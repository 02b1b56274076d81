//! Hold, transfer and conference through the whole gateway, by the frequencies that each telephone hears.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallId, CommandBody, Outcome, TransferTarget};
use support::hearing::{FOURTH, Hearing, SECOND, THIRD, TONE_HZ, VOICES, answer, hears};
use support::{ANNA, FAR, HOME, World};

/// Anna at home, and the others at their telephones.
async fn site() -> World {
    let world = World::start().await;
    for number in [SECOND, THIRD, FOURTH] {
        world.carrier.set_number(number, answer(number, 100)).unwrap();
    }
    world.telephones(answer(HOME, 100), answer(FAR, 100)).await;
    world
}

/// Anna dials, and the other party answers.
async fn talk_to(world: &World, number: &str) -> CallId {
    let body = CommandBody::Dial {
        number: number.parse().unwrap(),
        account_code: None,
    };
    let call = match world.edge.command(ANNA, body).await {
        Outcome::Accepted { call: Some(call) } => call,
        other => panic!("the dial was not accepted: {other:?}"),
    };
    world.connected(call).await;
    call
}

async fn does(world: &World, body: CommandBody) {
    world.accepted(ANNA, body).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_music_is_for_the_held_party_alone_and_a_swap_changes_who_is_held() {
    let world = site().await;
    let first = talk_to(&world, FAR).await;
    hears(&world, HOME, Hearing::of(&[FAR])).await;
    does(&world, CommandBody::Hold { call: first }).await;
    hears(&world, FAR, Hearing::music()).await;
    hears(&world, HOME, Hearing::of(&[])).await;
    let second = talk_to(&world, SECOND).await;
    hears(&world, HOME, Hearing::of(&[SECOND])).await;
    hears(&world, SECOND, Hearing::of(&[HOME])).await;
    hears(&world, FAR, Hearing::music()).await;
    does(&world, CommandBody::Retrieve { call: first }).await;
    hears(&world, SECOND, Hearing::music()).await;
    hears(&world, HOME, Hearing::of(&[FAR])).await;
    hears(&world, FAR, Hearing::of(&[HOME])).await;
    world.hang_up(first).await;
    world.ended(first).await;
    does(&world, CommandBody::Retrieve { call: second }).await;
    hears(&world, SECOND, Hearing::of(&[HOME])).await;
    hears(&world, HOME, Hearing::of(&[SECOND])).await;
    world.hang_up(second).await;
    world.ended(second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_blind_transfer_lets_the_party_hear_ringing_and_then_the_other() {
    let world = site().await;
    world.carrier.set_number(SECOND, answer(SECOND, 8_000)).unwrap();
    let call = talk_to(&world, FAR).await;
    hears(&world, FAR, Hearing::of(&[HOME])).await;
    let ringing = |world: &World| {
        let heard = world.call_to(FAR).media.heard;
        heard.iter().any(|tone| (tone.hz - TONE_HZ).abs() <= 4.0)
    };
    assert!(!ringing(&world));
    let to = TransferTarget::Number {
        number: SECOND.parse().unwrap(),
    };
    does(&world, CommandBody::Transfer { call, to }).await;
    world.until("the party hears ringing", ringing).await;
    assert!(
        world.call_to(SECOND).media.heard.is_empty(),
        "nobody has answered"
    );
    hears(&world, FAR, Hearing::of(&[SECOND])).await;
    hears(&world, SECOND, Hearing::of(&[FAR])).await;
    line_is_free(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_consulted_transfer_puts_both_parties_through() {
    let world = site().await;
    let first = talk_to(&world, FAR).await;
    let second = talk_to(&world, SECOND).await;
    hears(&world, FAR, Hearing::music()).await;
    hears(&world, SECOND, Hearing::of(&[HOME])).await;
    let body = CommandBody::TransferTo {
        call: first,
        with: second,
    };
    does(&world, body).await;
    hears(&world, FAR, Hearing::of(&[SECOND])).await;
    hears(&world, SECOND, Hearing::of(&[FAR])).await;
    line_is_free(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_each_of_five_hears_the_four_others_and_not_itself() {
    let world = site().await;
    let first = talk_to(&world, FAR).await;
    for number in [SECOND, THIRD, FOURTH] {
        let call = talk_to(&world, number).await;
        does(&world, CommandBody::Merge { call, with: first }).await;
    }
    for (listener, _) in VOICES {
        let others: Vec<&'static str> = VOICES
            .into_iter()
            .map(|(party, _)| party)
            .filter(|party| *party != listener)
            .collect();
        hears(&world, listener, Hearing::of(&others)).await;
    }
    let muted = CommandBody::MuteMember {
        call: first,
        muted: true,
    };
    does(&world, muted).await;
    hears(&world, SECOND, Hearing::of(&[HOME, THIRD, FOURTH])).await;
    hears(&world, FAR, Hearing::of(&[HOME, SECOND, THIRD, FOURTH])).await;
    does(&world, CommandBody::EndConference { call: first }).await;
    world
        .until("all are released", |world| {
            VOICES
                .into_iter()
                .all(|(number, _)| world.call_to(number).ended_at.is_some())
        })
        .await;
}

async fn line_is_free(world: &World) {
    world
        .until("Anna's line is free", |world| {
            world.call_to(HOME).ended_at.is_some()
        })
        .await;
}
