//! Members of a conference that change what they send without a word: packet lengths, the law, numbering, address.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::{Duration, Instant};

use ponte_media::{Codec, Role, analysis, g711};
use support::{Call, Phone, call, plane, talk};

const HZ: f64 = 700.0;

/// Says so many milliseconds in packets of so many.
fn say(phone: &mut Phone, codec: Codec, milliseconds: u64, packet: u64) {
    let start = Instant::now();
    let samples = usize::try_from(packet * 8).unwrap();
    let voice = analysis::sines(&[HZ], -13.0, 1.0);
    for number in 0..milliseconds / packet {
        // A second of it joins its own beginning, and so does any part that is said over again.
        let from = usize::try_from(number).unwrap() * samples % voice.len();
        let part: Vec<i16> = voice.iter().cycle().skip(from).take(samples).copied().collect();
        phone.send(codec.payload_type(), false, &g711::encode(codec, &part));
        phone.timestamp = phone.timestamp.wrapping_add(samples as u32);
        let due = start + Duration::from_millis((number + 1) * packet);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// Whether what was heard last is the voice, whole: nothing of it is missing or doubled.
fn assert_whole(listener: &mut Phone, what: &str) {
    let audio = listener.take_audio();
    let last = &audio[audio
        .len()
        .checked_sub(2400)
        .unwrap_or_else(|| panic!("{what}: {}", audio.len()))..];
    let found = analysis::partials(last, 3);
    assert!(
        found
            .first()
            .is_some_and(|found| (found.frequency - HZ).abs() < 3.0 && (found.level + 13.0).abs() < 1.5),
        "{what}: {found:?}"
    );
}

#[test]
fn packets_of_any_length_and_law_are_heard_in_one_stream() {
    let plane = plane();
    let Call {
        mut a,
        mut b,
        a_id,
        b_id,
    } = call(&plane, Codec::Pcma, Codec::Pcmu);
    let room = plane.create_room(1, false).unwrap();
    for id in [a_id, b_id] {
        plane.join(room, id, Role::Speaker).unwrap();
    }
    for (codec, packet) in [
        (Codec::Pcma, 20),
        (Codec::Pcma, 60),
        (Codec::Pcmu, 10),
        (Codec::Pcma, 30),
        (Codec::Pcmu, 60),
        (Codec::Pcmu, 20),
    ] {
        say(&mut a, codec, 900, packet);
        assert_whole(&mut b, &format!("{codec:?} in {packet} ms"));
    }
    // It begins anew, as a telephone does whose call was handed on.
    (a.ssrc, a.sequence, a.timestamp) = (rand::random(), rand::random(), rand::random());
    say(&mut a, Codec::Pcma, 900, 20);
    assert_whole(&mut b, "a new stream");
}

#[test]
fn a_member_that_is_described_anew_is_heard_and_hears_in_its_new_law_at_its_new_address() {
    let plane = plane();
    let Call {
        mut a,
        mut b,
        a_id,
        b_id,
    } = call(&plane, Codec::Pcma, Codec::Pcmu);
    let room = plane.create_room(1, false).unwrap();
    for id in [a_id, b_id] {
        plane.join(room, id, Role::Speaker).unwrap();
    }
    a.voice = vec![HZ];
    b.voice = vec![1100.0];
    talk(&mut [&mut a, &mut b], Duration::from_millis(600));
    assert_whole(&mut b, "before");
    let mut moved = Phone::new(Codec::Pcmu, a.to);
    plane.set_remote(a_id, moved.remote());
    moved.voice = vec![HZ];
    a.voice.clear();
    talk(&mut [&mut a, &mut b, &mut moved], Duration::from_millis(200));
    a.take_audio();
    b.take_audio();
    talk(&mut [&mut a, &mut b, &mut moved], Duration::from_millis(600));
    assert!(a.take_audio().is_empty(), "where it was nothing is sent any more");
    assert_whole(&mut b, "at its new address");
    // In its own law: what is heard in another fails there.
    let heard = moved.take_audio();
    assert!(analysis::contains(&heard[heard.len() - 2400..], 1100.0, 3.0));
}
