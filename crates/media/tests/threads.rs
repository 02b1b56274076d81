//! Endpoints of different media threads hear each other all the same.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_media::{Codec, EndpointId, MediaConfig, MediaEvent, MediaPlane, PlayMode, Source, Tone, analysis};
use std::time::Duration;
use support::{Phone, config, events, talk, wait_for};

const SECOND: Duration = Duration::from_secs(1);

fn plane() -> MediaPlane {
    let two = MediaConfig {
        threads: 2,
        ..config()
    };
    MediaPlane::start(two, || {}).unwrap()
}

/// A telephone of each of eight groups, which are not all on one thread.
fn phones(plane: &MediaPlane) -> Vec<(EndpointId, Phone)> {
    let frequencies = [500.0, 700.0, 900.0, 1100.0, 1300.0, 1500.0, 1700.0, 1900.0];
    (0..8)
        .zip(frequencies)
        .map(|(group, frequency)| {
            let (id, address) = plane.open(group).unwrap();
            let mut phone = Phone::new(Codec::Pcma, address);
            phone.voice = vec![frequency];
            plane.set_remote(id, phone.remote());
            (id, phone)
        })
        .collect()
}

fn hears(phone: &mut Phone, frequency: f64) -> bool {
    let audio = phone.take_audio();
    let tail = &audio[audio.len().saturating_sub(2400)..];
    tail.len() == 2400 && analysis::contains(tail, frequency, 5.0)
}

#[test]
fn any_two_groups_can_be_bridged() {
    let plane = plane();
    let mut phones = phones(&plane);
    let (first, others) = phones.split_first_mut().unwrap();
    for (id, other) in others {
        plane.bridge(first.0, *id).unwrap();
        talk(&mut [&mut first.1, other], SECOND);
        let (theirs, ours) = (other.voice[0], first.1.voice[0]);
        assert!(hears(&mut first.1, theirs), "{theirs} Hz is not heard");
        assert!(hears(other, ours), "{ours} Hz is not heard");
    }
    assert_eq!(plane.stats().active_endpoints, 8);
}

#[test]
fn what_plays_goes_on_and_what_is_asked_meanwhile_is_done_in_order() {
    let plane = plane();
    let mut phones = phones(&plane);
    let (first, others) = phones.split_first_mut().unwrap();
    for (id, _) in others.iter() {
        plane.play(*id, Source::Tone(Tone::Busy), PlayMode::Loop);
        plane.bridge(first.0, *id).unwrap();
        plane.stop(*id);
        plane.play(*id, Source::Silence, PlayMode::Once(id_token(*id)));
        plane.unbridge(*id);
    }
    let mut finished = Vec::new();
    while finished.len() < others.len() {
        finished.push(wait_for(&plane, |event| match event {
            MediaEvent::PlayFinished { id, token } => Some((*id, *token)),
            _ => None,
        }));
    }
    for (id, _) in others.iter() {
        assert!(
            finished.contains(&(*id, id_token(*id))),
            "{id:?} has finished nothing"
        );
    }
    // Back and forth, and closed on the way.
    for (id, _) in others.iter() {
        plane.bridge(*id, first.0).unwrap();
        plane.bridge(first.0, *id).unwrap();
        plane.close(*id);
    }
    plane.close(first.0);
    let mut closed = 0;
    while closed < 8 {
        closed += events(&plane)
            .iter()
            .filter(|event| matches!(event, MediaEvent::Closed { .. }))
            .count();
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn id_token(id: EndpointId) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
