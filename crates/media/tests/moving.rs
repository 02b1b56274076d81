//! One endpoint takes the place of another, and whoever is at its other side hears no gap.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use ponte_media::{Codec, EndpointId, MediaEvent, MediaPlane, Role, analysis};
use support::{Call, Heard, Phone, call, config, plane, talk, wait_for};

const OLD_HZ: f64 = 440.0;
const NEW_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1_100.0;
/// The most that the other party may miss.
const LONGEST_GAP: Duration = Duration::from_millis(40);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A telephone at an endpoint of its own, in no bridge.
fn another(plane: &MediaPlane, group: u64, codec: Codec) -> (EndpointId, Phone) {
    let (id, to) = plane.open(group).unwrap();
    let mut phone = Phone::new(codec, to);
    plane.set_remote(id, phone.remote());
    phone.voice = vec![NEW_HZ];
    (id, phone)
}

/// `a` is the user's telephone, `b` the other party.
fn talking(plane: &MediaPlane) -> Call {
    let mut call = call(plane, Codec::Pcma, Codec::Pcmu);
    call.a.voice = vec![OLD_HZ];
    call.b.voice = vec![FAR_HZ];
    talk(&mut [&mut call.a, &mut call.b], ms(300));
    call
}

/// What was heard, in its place on the line of the sender's timestamps; what never came is silence.
fn placed(heard: &[Heard], codec: Codec) -> Vec<i16> {
    let first = heard[0].timestamp;
    let mut samples = Vec::new();
    for packet in heard.iter().filter(|packet| packet.payload_type < 96) {
        let at = packet.timestamp.wrapping_sub(first) as usize;
        let audio = analysis::decode(codec, &packet.payload);
        samples.resize(samples.len().max(at + audio.len()), 0);
        samples[at..at + audio.len()].copy_from_slice(&audio);
    }
    samples
}

/// The longest stretch without sound.
fn longest_gap(samples: &[i16]) -> Duration {
    let mut longest = 0;
    let mut silent = 0;
    for sample in samples {
        silent = if sample.unsigned_abs() < 300 {
            silent + 1
        } else {
            0
        };
        longest = longest.max(silent);
    }
    Duration::from_micros(longest * 125)
}

fn no_break(heard: &[Heard]) {
    for pair in heard.windows(2) {
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        // In step with the clock, not with the packets of the new source.
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!((160..480).contains(&step), "{step}");
    }
}

fn hears(phone: &mut Phone, frequency: f64) -> bool {
    let samples = phone.take_audio();
    samples.len() >= 1_600 && analysis::level_of(&samples[samples.len() - 1_600..], frequency) > -20.0
}

#[test]
fn the_other_party_hears_no_gap_and_the_one_before_listens_on() {
    let plane = plane();
    let mut call = talking(&plane);
    let (new, mut phone) = another(&plane, 1, Codec::Pcma);
    talk(&mut [&mut call.a, &mut call.b, &mut phone], ms(300));
    call.b.heard.clear();
    plane.take_place(new, call.a_id).unwrap();
    talk(&mut [&mut call.a, &mut call.b, &mut phone], ms(400));
    let heard = std::mem::take(&mut call.b.heard);
    no_break(&heard);
    let samples = placed(&heard, Codec::Pcmu);
    let gap = longest_gap(&samples);
    assert!(gap < LONGEST_GAP, "{gap:?}");
    let end = &samples[samples.len() - 1_600..];
    assert!(analysis::level_of(end, NEW_HZ) > -20.0);
    assert!(analysis::level_of(end, OLD_HZ) < -50.0, "one of them is heard");
    assert!(hears(&mut phone, FAR_HZ));
    assert!(hears(&mut call.a, FAR_HZ), "it listens on");

    call.b.heard.clear();
    plane.close(call.a_id);
    talk(&mut [&mut call.b, &mut phone], ms(300));
    no_break(&call.b.heard);
    assert!(hears(&mut call.b, NEW_HZ));
    assert!(hears(&mut phone, FAR_HZ));
}

#[test]
fn the_one_before_is_heard_until_the_new_one_speaks_and_the_new_one_hears_at_once() {
    let plane = plane();
    let mut call = talking(&plane);
    let (new, mut phone) = another(&plane, 1, Codec::Pcmu);
    phone.voice = Vec::new();
    plane.take_place(new, call.a_id).unwrap();
    talk(&mut [&mut call.a, &mut call.b, &mut phone], ms(400));
    assert!(hears(&mut call.b, OLD_HZ));
    assert!(hears(&mut phone, FAR_HZ));
    // It never says a word: the place is its own all the same.
    plane.close(call.a_id);
    wait_for(&plane, |event| {
        matches!(event, MediaEvent::Closed { id, .. } if *id == call.a_id).then_some(())
    });
    phone.voice = vec![NEW_HZ];
    talk(&mut [&mut call.b, &mut phone], ms(400));
    assert!(hears(&mut call.b, NEW_HZ));
    assert!(hears(&mut phone, FAR_HZ));
}

#[test]
fn the_new_one_comes_from_another_thread() {
    let plane = MediaPlane::start(
        ponte_media::MediaConfig {
            threads: 2,
            ..config()
        },
        || {},
    )
    .unwrap();
    let mut call = talking(&plane);
    for group in 2..6 {
        let (new, mut phone) = another(&plane, group, Codec::Pcma);
        talk(&mut [&mut call.a, &mut call.b, &mut phone], ms(200));
        call.b.heard.clear();
        plane.take_place(new, call.a_id).unwrap();
        talk(&mut [&mut call.a, &mut call.b, &mut phone], ms(300));
        let gap = longest_gap(&placed(&call.b.heard, Codec::Pcmu));
        assert!(gap < LONGEST_GAP, "{gap:?}");
        assert!(hears(&mut phone, FAR_HZ));
        plane.close(call.a_id);
        (call.a_id, call.a) = (new, phone);
    }
}

#[test]
fn whoever_is_taken_out_of_the_bridge_meanwhile_is_heard_no_more() {
    let plane = plane();
    for spoken in [false, true] {
        let mut call = talking(&plane);
        let (new, mut phone) = another(&plane, 1, Codec::Pcma);
        if !spoken {
            phone.voice = Vec::new();
        }
        plane.take_place(new, call.a_id).unwrap();
        talk(&mut [&mut call.a, &mut call.b, &mut phone], ms(200));
        // Held, right after the move.
        plane.unbridge(new);
        talk(&mut [&mut call.a, &mut call.b, &mut phone], ms(100));
        for phone in [&mut call.a, &mut call.b, &mut phone] {
            phone.take_audio();
        }
        talk(&mut [&mut call.a, &mut call.b, &mut phone], ms(200));
        for phone in [&mut call.a, &mut call.b, &mut phone] {
            assert_eq!(phone.take_audio().len(), 0);
        }
        for id in [call.a_id, call.b_id, new] {
            plane.close(id);
        }
    }
}

#[test]
fn a_member_of_a_conference_is_followed_without_a_tone_or_a_gap() {
    let plane = plane();
    let room = plane.create_room(1, true).unwrap();
    let mut call = talking(&plane);
    let (third, mut other) = another(&plane, 1, Codec::Pcma);
    other.voice = Vec::new();
    for id in [call.a_id, call.b_id, third] {
        plane.join(room, id, Role::Speaker).unwrap();
    }
    call.b.voice = Vec::new();
    let (new, mut phone) = another(&plane, 1, Codec::Pcma);
    // The tones of joining go by.
    talk(&mut [&mut call.a, &mut call.b, &mut other, &mut phone], ms(1_500));
    call.b.heard.clear();
    plane.take_place(new, call.a_id).unwrap();
    talk(&mut [&mut call.a, &mut call.b, &mut other, &mut phone], ms(600));
    plane.close(call.a_id);
    talk(&mut [&mut call.b, &mut other, &mut phone], ms(600));
    let heard = std::mem::take(&mut call.b.heard);
    no_break(&heard);
    let samples = placed(&heard, Codec::Pcmu);
    let gap = longest_gap(&samples);
    assert!(gap < LONGEST_GAP, "{gap:?}");
    let end = &samples[samples.len() - 1_600..];
    assert!(analysis::level_of(end, NEW_HZ) > -20.0);
    // Nobody hears who left: the voice is the only sound.
    let rest = &samples[samples.len() - 4_000..];
    for partial in analysis::partials(rest, 4) {
        assert!(
            (partial.frequency - NEW_HZ).abs() < 20.0 || partial.level < -40.0,
            "{partial:?}"
        );
    }
}
