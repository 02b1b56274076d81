//! Hold, transfer and conference through the whole gateway, by the frequencies that each telephone hears.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_media::analysis;
use ponte_protocol::{CallId, CommandBody, Outcome, Refusal, TransferTarget};
use ponte_pstn_sim::{Answer, Behaviour};
use support::hearing::{
    FOURTH, Hearing, SECOND, THIRD, TONE_HZ, VOICES, answer, heard_at, hears, will_sound,
};
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
    let call = world.dial_number(number).await;
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
    all_are_released(&world).await;
}

/// Rising for who comes, falling for who goes: the second note of each, in hertz and milliseconds.
const CAME: (f64, usize) = (880.0, 125);
const WENT: (f64, usize) = (660.0, 125);

/// Anna, [`FAR`] and [`SECOND`] in a conference; their calls.
async fn three() -> (World, [CallId; 2]) {
    let world = site().await;
    let first = talk_to(&world, FAR).await;
    let second = talk_to(&world, SECOND).await;
    let body = CommandBody::Merge {
        call: second,
        with: first,
    };
    does(&world, body).await;
    three_hear_each_other(&world).await;
    (world, [first, second])
}

async fn three_hear_each_other(world: &World) {
    hears(world, HOME, Hearing::of(&[FAR, SECOND])).await;
    hears(world, FAR, Hearing::of(&[HOME, SECOND])).await;
    hears(world, SECOND, Hearing::of(&[HOME, FAR])).await;
}

/// How much each of these telephones has heard so far, in samples.
fn so_far(world: &World, numbers: &[&'static str]) -> Vec<(&'static str, usize)> {
    let samples = |number: &&'static str| (*number, heard_at(world, number).len());
    numbers.iter().map(samples).collect()
}

/// Each of these hears the tone after what it had heard before.
async fn all_are_told(world: &World, before: Vec<(&'static str, usize)>, tone: (f64, usize)) {
    for (number, from) in before {
        let what = format!("{number} hears {} Hz", tone.0);
        will_sound(&what, tone, from, || heard_at(world, number)).await;
    }
}

async fn all_are_released(world: &World) {
    let over = |world: &World| world.carrier.active_calls() == 0;
    world.until("all are released", over).await;
}

fn is_up(world: &World, call: CallId) -> bool {
    let calls = world.edge.state(ANNA).unwrap().calls;
    calls.iter().any(|known| known.id == call)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_who_comes_into_a_conference_and_who_is_dropped_is_heard_by_all_and_they_go_on() {
    let (world, [first, second]) = three().await;
    let third = talk_to(&world, THIRD).await;
    let before = so_far(&world, &[HOME, FAR, SECOND, THIRD]);
    let body = CommandBody::Merge {
        call: third,
        with: first,
    };
    does(&world, body).await;
    all_are_told(&world, before, CAME).await;
    hears(&world, HOME, Hearing::of(&[FAR, SECOND, THIRD])).await;
    hears(&world, THIRD, Hearing::of(&[HOME, FAR, SECOND])).await;
    let members = world.edge.state(ANNA).unwrap().calls[0].conference.clone();
    let numbers: Vec<String> = members
        .unwrap()
        .members
        .into_iter()
        .map(|member| member.number)
        .collect();
    // It began with the call at the ear.
    assert_eq!(numbers, [SECOND, FAR, THIRD], "the portal shows who is in it");

    let before = so_far(&world, &[HOME, FAR, THIRD]);
    world.hang_up(second).await;
    world.ended(second).await;
    assert!(world.call_to(SECOND).ended_at.is_some());
    all_are_told(&world, before, WENT).await;
    hears(&world, HOME, Hearing::of(&[FAR, THIRD])).await;
    hears(&world, FAR, Hearing::of(&[HOME, THIRD])).await;
    hears(&world, THIRD, Hearing::of(&[HOME, FAR])).await;
    does(&world, CommandBody::EndConference { call: third }).await;
    all_are_released(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_all_members_are_muted_at_once_and_hear_their_host_alone() {
    let (world, [first, second]) = three().await;
    let mute = |muted| CommandBody::MuteMembers { call: second, muted };
    does(&world, mute(true)).await;
    hears(&world, HOME, Hearing::of(&[])).await;
    hears(&world, FAR, Hearing::of(&[HOME])).await;
    hears(&world, SECOND, Hearing::of(&[HOME])).await;
    does(&world, mute(false)).await;
    three_hear_each_other(&world).await;
    // Who is in no conference is no member.
    does(&world, CommandBody::EndConference { call: first }).await;
    all_are_released(&world).await;
    world.carrier.clear_calls();
    let call = talk_to(&world, FAR).await;
    let outcome = world
        .edge
        .command(ANNA, CommandBody::MuteMembers { call, muted: true })
        .await;
    let refusal = Refusal::WrongState;
    assert_eq!(outcome, Outcome::Refused { refusal });
    hears(&world, FAR, Hearing::of(&[HOME])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_the_host_leaves_a_conference_and_the_others_go_on() {
    let (world, [first, second]) = three().await;
    let third = talk_to(&world, THIRD).await;
    let body = CommandBody::Merge {
        call: third,
        with: first,
    };
    does(&world, body).await;
    hears(&world, THIRD, Hearing::of(&[HOME, FAR, SECOND])).await;
    does(&world, CommandBody::LeaveConference { call: first }).await;
    line_is_free(&world).await;
    hears(&world, FAR, Hearing::of(&[SECOND, THIRD])).await;
    hears(&world, SECOND, Hearing::of(&[FAR, THIRD])).await;
    hears(&world, THIRD, Hearing::of(&[FAR, SECOND])).await;
    assert!(
        [first, second, third].iter().all(|call| is_up(&world, *call)),
        "the host is shown what goes on"
    );
    // The host may still end it.
    does(&world, CommandBody::EndConference { call: second }).await;
    all_are_released(&world).await;
    for call in [first, second, third] {
        assert!(world.ended(call).await.connected_at.is_some());
    }
}

/// A party of a large conference: its number, and what it says, in hertz.
fn party(n: u8) -> (String, f64) {
    let number = match n {
        0 => HOME.to_owned(),
        _ => format!("+3902987655{n:02}"),
    };
    (number, 340.0 + 185.0 * f64::from(n))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_sixteen_hear_the_fifteen_others_and_there_is_no_place_for_another() {
    const LAST: u8 = 16;
    let world = World::start().await;
    for (number, tone_hz) in (0..=LAST).map(party) {
        let telephone = Answer {
            after_ms: 50,
            tone_hz: Some(tone_hz),
            record: true,
            ..Answer::default()
        };
        let telephone = Behaviour::Answer(telephone);
        world.carrier.set_number(&number, telephone).unwrap();
    }
    world.enter(HOME, Some(false)).await;
    let first = talk_to(&world, &party(1).0).await;
    for n in 2..LAST {
        let call = talk_to(&world, &party(n).0).await;
        does(&world, CommandBody::Merge { call, with: first }).await;
    }
    for listener in 0..LAST {
        let hears_the_others = |world: &World| {
            let heard = heard_at(world, &party(listener).0);
            let Some(last) = heard.len().checked_sub(8_000) else {
                return false;
            };
            let level = |n: u8| analysis::level_of(&heard[last..], party(n).1);
            let others = (0..LAST).filter(|n| *n != listener).map(level);
            let softest = others.fold(f64::INFINITY, f64::min);
            // All at once are turned down together.
            softest > -45.0 && level(listener) < softest - 15.0
        };
        let what = format!("{listener} hears the others and not itself");
        world.until(&what, hears_the_others).await;
    }
    let call = talk_to(&world, &party(LAST).0).await;
    let outcome = world
        .edge
        .command(ANNA, CommandBody::Merge { call, with: first })
        .await;
    let refusal = Refusal::CapReached;
    assert_eq!(outcome, Outcome::Refused { refusal });
    does(&world, CommandBody::EndConference { call: first }).await;
    world.hang_up(call).await;
    all_are_released(&world).await;
}

async fn line_is_free(world: &World) {
    world
        .until("Anna's line is free", |world| {
            world.call_to(HOME).ended_at.is_some()
        })
        .await;
}
