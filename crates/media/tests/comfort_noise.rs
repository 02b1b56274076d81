//! Telephones that send comfort noise in their pauses (RFC 3389), asked for or not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use ponte_media::{Codec, MediaEvent, Role, analysis};
use support::{Call, Phone, call, events, plane, talk};

/// Of comfort noise.
const PAYLOAD_TYPE: u8 = 13;

/// A pause of a second: a packet of comfort noise every 200 ms, in the numbering of the voice.
fn pause(phone: &mut Phone, other: &mut Phone) {
    let voice = std::mem::take(&mut phone.voice);
    for _ in 0..5 {
        phone.send(PAYLOAD_TYPE, false, &[60]);
        phone.timestamp = phone.timestamp.wrapping_add(1600);
        talk(&mut [phone, other], Duration::from_millis(200));
    }
    phone.voice = voice;
}

#[test]
fn comfort_noise_is_no_loss_to_the_other_side_and_no_silence_to_us() {
    let plane = plane();
    let Call {
        mut a, mut b, a_id, ..
    } = call(&plane, Codec::Pcmu, Codec::Pcma);
    a.voice = vec![700.0];
    for _ in 0..2 {
        talk(&mut [&mut a, &mut b], Duration::from_millis(400));
        pause(&mut a, &mut b);
    }
    talk(&mut [&mut a, &mut b], Duration::from_millis(400));
    let mut spurts = 0;
    for pair in b.heard.windows(2) {
        assert_eq!(pair[1].payload_type, Codec::Pcma.payload_type());
        assert_eq!(
            pair[1].sequence,
            pair[0].sequence.wrapping_add(1),
            "a loss that was none"
        );
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        if pair[1].marker {
            spurts += 1;
            assert!((6_400..12_000).contains(&step), "{step} samples over a pause");
        } else {
            assert_eq!(step, 160);
        }
    }
    assert_eq!(spurts, 2, "each talk spurt is marked");
    let audio = b.take_audio();
    assert!(analysis::contains(&audio[400..2400], 700.0, 3.0));
    assert!(analysis::contains(&audio[audio.len() - 2400..], 700.0, 3.0));
    // The plane of the tests would miss a peer after half a second.
    let missed = events(&plane)
        .into_iter()
        .any(|event| matches!(event, MediaEvent::NoRtp { id, .. } if id == a_id));
    assert!(!missed, "who sends comfort noise is there");
}

#[test]
fn a_member_of_a_conference_that_pauses_is_heard_again_and_the_others_go_on() {
    let plane = plane();
    let Call {
        mut a,
        mut b,
        a_id,
        b_id,
    } = call(&plane, Codec::Pcmu, Codec::Pcma);
    let room = plane.create_room(1, false).unwrap();
    for id in [a_id, b_id] {
        plane.join(room, id, Role::Speaker).unwrap();
    }
    a.voice = vec![700.0];
    b.voice = vec![1100.0];
    talk(&mut [&mut a, &mut b], Duration::from_millis(400));
    a.take_audio();
    pause(&mut a, &mut b);
    let meanwhile = a.take_audio();
    assert!(analysis::contains(&meanwhile[1600..6400], 1100.0, 3.0));
    b.take_audio();
    talk(&mut [&mut a, &mut b], Duration::from_millis(800));
    let audio = b.take_audio();
    assert!(analysis::contains(&audio[audio.len() - 3200..], 700.0, 3.0));
}
