//! Recording on demand: both parties are told by words and a beep before it begins, the file holds both voices, and it ends when
//! that is asked for or the law forbids it; the call goes on (rule T18).

use crate::own::Own;
use crate::support::hearing::{Hearing, VOICES, heard_at, hears, sounds, voice, will_sound};
use crate::support::{ANNA, FAR, HOME, Options, World};
use ponte_media::analysis;
use ponte_protocol::admin::CallRecording;
use ponte_protocol::{CallId, CommandBody, Outcome, Refusal, VoiceMessage};
use std::time::{Duration, Instant};

/// The beep after the words that the call is recorded: hertz, and milliseconds of it.
const BEEP: (f64, usize) = (1000.0, 200);

fn options() -> Options {
    Options {
        site: "call_recording = \"everyone\"".into(),
        ..Options::default()
    }
}

/// Both are told, and then recorded from this moment at the latest.
async fn begins(world: &World, own: &Own, call: CallId) -> Instant {
    let before = (own.sound(world).len(), heard_at(world, FAR).len());
    world.accepted(ANNA, CommandBody::Record { call, on: true }).await;
    let (at_own, at_far) = (|| own.sound(world), || heard_at(world, FAR));
    will_sound("the other party hears the beep", BEEP, before.1, at_far).await;
    let began = Instant::now();
    will_sound("the user hears the beep", BEEP, before.0, at_own).await;
    assert!(has_words(&at_own()[before.0..]), "the user was told nothing");
    assert!(
        has_words(&at_far()[before.1..]),
        "the other party was told nothing"
    );
    assert!(world.is_recorded(call));
    began
}

/// Whether a second of this is no voice of a party, no beep and no silence.
fn has_words(heard: &[i16]) -> bool {
    let known = |hz: f64| {
        let mut tones = VOICES.iter().map(|(_, hz)| *hz).chain([BEEP.0]);
        tones.any(|tone| (tone - hz).abs() < 25.0)
    };
    let words = heard.chunks_exact(800).filter(|window| {
        let partials = analysis::partials(window, 8);
        partials.iter().any(|partial| !known(partial.frequency))
    });
    words.count() >= 10
}

/// The file holds both voices from its beginning to its end, and nothing of what both were told.
async fn holds_both(world: &World, recording: &VoiceMessage) {
    let file = world.sound(recording.id).await;
    assert!(file.len() >= 16_000, "only {} samples", file.len());
    // What was on its way at the end may be missing.
    let file = &file[..file.len() - 4_000];
    for part in file.chunks_exact(file.len() / 3) {
        for party in [HOME, FAR] {
            // Over a longer time a packet that came late puts a tone out of step with itself.
            let pieces: Vec<f64> = part
                .chunks_exact(800)
                .map(|piece| analysis::level_of(piece, voice(party)))
                .collect();
            let loud = pieces.iter().filter(|level| **level > -30.0).count();
            assert!(
                loud * 4 >= pieces.len() * 3,
                "{party} is in {loud} of {} pieces: {pieces:?}",
                pieces.len()
            );
        }
    }
    assert!(!sounds(file, BEEP.0, BEEP.1), "it began before both were told");
}

/// Both talk on until the other party has heard three seconds more.
async fn talk_on(world: &World) {
    let before = heard_at(world, FAR).len();
    let enough = |world: &World| heard_at(world, FAR).len() >= before + 24_000;
    world.until("three seconds are heard", enough).await;
}

async fn hear_each_other(world: &World, own: &Own) {
    own.hears(world, Hearing::of(&[FAR])).await;
    hears(world, FAR, Hearing::of(&[HOME])).await;
}

async fn is_recorded((world, mut own): (World, Own)) {
    let call = own.talks_to(&world, FAR).await;
    hear_each_other(&world, &own).await;
    let began = begins(&world, &own, call).await;
    talk_on(&world).await;
    hear_each_other(&world, &own).await;
    world
        .accepted(ANNA, CommandBody::Record { call, on: false })
        .await;
    let longest = began.elapsed() + Duration::from_secs(1);
    let first = world.kept(1).await.remove(0);
    assert!(!world.is_recorded(call));
    assert_eq!((first.call, first.number.as_str()), (Some(call), FAR));
    let length = Duration::from_millis(first.duration_ms);
    assert!(length < longest, "{length:?} of {longest:?}");
    holds_both(&world, &first).await;
    hear_each_other(&world, &own).await;

    // The law, in the administrators' pages.
    begins(&world, &own, call).await;
    talk_on(&world).await;
    hear_each_other(&world, &own).await;
    world.may_record(CallRecording::Never).await;
    let second = world.kept(2).await.remove(0);
    assert!(!world.is_recorded(call));
    holds_both(&world, &second).await;
    let refused = world
        .edge
        .command(ANNA, CommandBody::Record { call, on: true })
        .await;
    let refusal = Refusal::NotPermitted;
    assert_eq!(refused, Outcome::Refused { refusal });
    hear_each_other(&world, &own).await;

    let still = world.mailbox().messages;
    assert!(
        still.contains(&first) && still.contains(&second),
        "a file grew after its end"
    );
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.recordings, [first.id, second.id]);
    own.is_free(&world, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_call_is_recorded_at_a_telephone_behind_the_carrier() {
    is_recorded(Own::telephone(options()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_call_is_recorded_at_the_telephone_on_the_desk() {
    is_recorded(Own::desk(options()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_call_is_recorded_in_a_browser() {
    is_recorded(Own::browser(options()).await).await;
}
