//! Hold, transfer and conference through the whole gateway, by the frequencies that each telephone hears.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallId, CommandBody, Outcome, TransferTarget};
use ponte_pstn_sim::{Answer, Behaviour};
use std::time::Duration;
use support::{ANNA, FAR, HOME, World};

const SECOND: &str = "+390298765402";
const THIRD: &str = "+390298765403";
const FOURTH: &str = "+390298765404";

/// What each telephone says, in hertz.
const VOICES: [(&str, f64); 5] = [
    (HOME, 750.0),
    (FAR, 1130.0),
    (SECOND, 1520.0),
    (THIRD, 1910.0),
    (FOURTH, 2290.0),
];
/// What Italy's tones are made of.
const TONE_HZ: f64 = 425.0;
/// Where the notes of the music for held parties lie that no voice and no tone is near.
const MUSIC_HZ: std::ops::Range<f64> = 240.0..690.0;
/// How long one look at what a telephone hears takes, in milliseconds of arriving audio.
const LISTEN_MS: u64 = 1_600;
/// What of it must be one sound.
const SOUND_MS: u64 = 600;
const NOTE_MS: u64 = 200;
const PATIENCE: Duration = Duration::from_secs(30);

/// What a telephone hears at one time.
#[derive(Debug, PartialEq, Eq)]
struct Hearing {
    parties: Vec<&'static str>,
    music: bool,
}

impl Hearing {
    fn of(parties: &[&'static str]) -> Self {
        Self {
            parties: parties.to_vec(),
            music: false,
        }
    }

    fn music() -> Self {
        Self {
            parties: Vec::new(),
            music: true,
        }
    }
}

fn voice(number: &str) -> f64 {
    VOICES.into_iter().find(|(party, _)| *party == number).unwrap().1
}

fn answer(number: &str, after_ms: u64) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms,
        tone_hz: Some(voice(number)),
        ..Answer::default()
    })
}

/// Listens at a telephone for a while.
async fn listen(world: &World, number: &str) -> Hearing {
    let last = |world: &World| world.call_to(number).media.last_packet_ms.unwrap_or(0);
    let start = last(world);
    world
        .until("audio arrives", |world| last(world) >= start + LISTEN_MS)
        .await;
    let heard = world.call_to(number).media.heard;
    let lasted = |wanted: &dyn Fn(f64) -> bool| -> u64 {
        heard
            .iter()
            .filter(|tone| wanted(tone.hz))
            .map(|tone| {
                tone.spans
                    .iter()
                    .map(|span| span.to_ms.saturating_sub(span.from_ms.max(start)))
                    .max()
                    .unwrap_or(0)
            })
            .max()
            .unwrap_or(0)
    };
    let parties = VOICES
        .into_iter()
        .filter(|(_, voice)| lasted(&|hz| (hz - voice).abs() <= 6.0) >= SOUND_MS)
        .map(|(party, _)| party)
        .collect();
    let music = lasted(&|hz| MUSIC_HZ.contains(&hz) && (hz - TONE_HZ).abs() > 6.0) >= NOTE_MS;
    Hearing { parties, music }
}

/// Waits until a telephone hears this and nothing else.
async fn hears(world: &World, number: &str, wanted: Hearing) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let heard = listen(world, number).await;
        if heard == wanted {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{number} hears {heard:?} instead of {wanted:?}; all: {:?}",
            world.call_to(number).media.heard
        );
    }
}

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
