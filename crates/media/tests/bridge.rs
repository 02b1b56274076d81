//! Audio and keys across a bridge, by frequency and by packet.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use ponte_media::{Codec, Direction, MediaEvent, PlayMode, Source, Tone, analysis};
use support::{Call, call, events, keys, plane, talk, wait_for};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn voices_are_heard_both_ways_between_the_two_laws() {
    for (a_codec, b_codec) in [
        (Codec::Pcma, Codec::Pcmu),
        (Codec::Pcmu, Codec::Pcma),
        (Codec::Pcma, Codec::Pcma),
    ] {
        let plane = plane();
        let Call {
            mut a, mut b, a_id, ..
        } = call(&plane, a_codec, b_codec);
        a.voice = vec![700.0];
        b.voice = vec![1100.0];
        talk(&mut [&mut a, &mut b], SECOND);
        for (phone, frequency) in [(&mut a, 1100.0), (&mut b, 700.0)] {
            let audio = phone.take_audio();
            assert!(audio.len() > 7000, "{} samples", audio.len());
            let found = analysis::partials(&audio[800..2400], 4);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!((found[0].frequency - frequency).abs() < 2.0, "{found:?}");
            assert!((found[0].level + 13.0).abs() < 0.5, "{found:?}");
        }
        assert!(events(&plane).contains(&MediaEvent::FirstPacket { id: a_id }));
        let stats = plane.stats();
        assert!(stats.packets_in >= 98 && stats.packets_out >= 96, "{stats:?}");
    }
}

#[test]
fn sequence_and_time_go_on_from_tone_to_voice_to_tone() {
    let plane = plane();
    let Call {
        mut a, mut b, a_id, ..
    } = call(&plane, Codec::Pcma, Codec::Pcmu);
    b.voice = vec![1000.0];
    plane.play(a_id, Source::Tone(Tone::Congestion), PlayMode::Loop);
    talk(&mut [&mut a, &mut b], Duration::from_millis(400));
    plane.stop(a_id);
    talk(&mut [&mut a, &mut b], Duration::from_millis(400));
    plane.play(a_id, Source::Tone(Tone::Busy), PlayMode::Loop);
    talk(&mut [&mut a, &mut b], Duration::from_millis(400));

    let mut markers = 0;
    for pair in a.heard.windows(2) {
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        if pair[1].marker {
            markers += 1;
            assert!((160..800).contains(&step), "{step} samples at a switch");
        } else {
            assert_eq!(step, 160);
        }
    }
    assert!(a.heard[0].marker);
    assert_eq!(markers, 2, "one talk spurt for each new source");
    // 60 packets of 20 ms, and the clock of the stream agrees with the wall.
    assert!((55..=64).contains(&a.heard.len()), "{} packets", a.heard.len());
    let (first, last) = (&a.heard[0], &a.heard[a.heard.len() - 1]);
    let wall = last.at.duration_since(first.at).as_millis() as i64;
    let stream = i64::from(last.timestamp.wrapping_sub(first.timestamp)) / 8;
    // A busy machine holds the telephones of this test up, which shows as a gap between two packets.
    let gaps = a
        .heard
        .windows(2)
        .map(|pair| pair[1].at.duration_since(pair[0].at).as_millis() as i64);
    let held_up = (gaps.max().unwrap_or_default() - 20).max(0);
    assert!(
        (wall - stream).abs() < 60 + 2 * held_up,
        "{wall} ms by the wall, {stream} by the stream, held up for {held_up}"
    );

    let audio = a.take_audio();
    assert!(analysis::contains(&audio[400..1400], 425.0, 3.0), "the tone");
    assert!(
        !analysis::contains(&audio[400..1400], 1000.0, 3.0),
        "the voice is muted under it"
    );
    assert!(analysis::contains(&audio[4400..5600], 1000.0, 3.0), "the voice");
}

#[test]
fn hold_stops_what_it_says_and_nothing_else() {
    for (direction, a_hears, b_hears) in [
        (Direction::SendRecv, true, true),
        (Direction::SendOnly, true, false),
        (Direction::RecvOnly, false, true),
        (Direction::Inactive, false, false),
    ] {
        let plane = plane();
        let Call {
            mut a, mut b, a_id, ..
        } = call(&plane, Codec::Pcma, Codec::Pcma);
        let mut remote = a.remote();
        remote.direction = direction;
        plane.set_remote(a_id, remote);
        a.voice = vec![700.0];
        b.voice = vec![1100.0];
        talk(&mut [&mut a, &mut b], Duration::from_millis(300));
        assert_eq!(!a.heard.is_empty(), a_hears, "{direction:?}");
        assert_eq!(!b.heard.is_empty(), b_hears, "{direction:?}");
    }
}

#[test]
fn unbridging_silences_both_and_a_new_partner_is_heard() {
    let plane = plane();
    let Call {
        mut a, mut b, a_id, ..
    } = call(&plane, Codec::Pcma, Codec::Pcma);
    let (c_id, c_to) = plane.open(1).unwrap();
    let mut c = support::Phone::new(Codec::Pcmu, c_to);
    plane.set_remote(c_id, c.remote());
    (a.voice, b.voice, c.voice) = (vec![700.0], vec![1100.0], vec![1500.0]);
    talk(&mut [&mut a, &mut b, &mut c], Duration::from_millis(200));
    plane.unbridge(a_id);
    talk(&mut [&mut a, &mut b, &mut c], Duration::from_millis(100));
    a.heard.clear();
    b.heard.clear();
    talk(&mut [&mut a, &mut b, &mut c], Duration::from_millis(200));
    assert!(a.heard.is_empty() && b.heard.is_empty());

    plane.bridge(a_id, c_id).unwrap();
    talk(&mut [&mut a, &mut b, &mut c], Duration::from_millis(400));
    assert!(analysis::contains(&a.take_audio()[400..2000], 1500.0, 3.0));
    assert!(analysis::contains(&c.take_audio()[400..2000], 700.0, 3.0));
    assert!(b.heard.is_empty());
}

/// One key press as a telephone sends it, every packet of it.
fn press(phone: &mut support::Phone, event: u8, payload_type: u8, lost: impl Fn(usize) -> bool) {
    for (n, (end, duration)) in [
        (false, 160u16),
        (false, 320),
        (false, 480),
        (false, 640),
        (true, 800),
        (true, 800),
        (true, 800),
    ]
    .into_iter()
    .enumerate()
    {
        let [high, low] = duration.to_be_bytes();
        if lost(n) {
            phone.sequence = phone.sequence.wrapping_add(1);
        } else {
            phone.send(
                payload_type,
                n == 0,
                &[event, if end { 0x8A } else { 0x0A }, high, low],
            );
        }
    }
    phone.timestamp = phone.timestamp.wrapping_add(1600);
}

#[test]
fn keys_are_relayed_and_told_once_though_their_ends_are_lost() {
    let plane = plane();
    let Call {
        mut a,
        mut b,
        a_id,
        b_id,
    } = call(&plane, Codec::Pcma, Codec::Pcmu);
    let mut remote = b.remote();
    remote.telephone_event = Some(96);
    plane.set_remote(b_id, remote);
    a.voice = vec![700.0];
    talk(&mut [&mut a, &mut b], Duration::from_millis(60));
    b.heard.clear();

    press(&mut a, 1, 101, |_| false);
    press(&mut a, 1, 101, |n| n >= 4);
    press(&mut a, 11, 101, |n| n < 6);
    a.voice.clear();
    talk(&mut [&mut a, &mut b], Duration::from_millis(200));
    assert_eq!(keys(&events(&plane), a_id), "11#");

    let relayed: Vec<_> = b.heard.iter().filter(|p| p.payload_type == 96).collect();
    assert_eq!(relayed.len(), 7 + 4 + 1);
    assert!(relayed[0].marker);
    assert!(relayed[..7].iter().all(|p| p.timestamp == relayed[0].timestamp));
    assert_eq!(relayed[7].timestamp.wrapping_sub(relayed[0].timestamp), 1600);
    assert_eq!(
        relayed[11].sequence.wrapping_sub(relayed[0].sequence),
        20,
        "losses stay visible"
    );
    assert_eq!(relayed[6].payload, [1, 0x8A, 0x03, 0x20]);
}

#[test]
fn our_keys_are_events_that_another_plane_understands() {
    let (sender, receiver) = (plane(), plane());
    let (s_id, s_at) = sender.open(1).unwrap();
    let (r_id, r_at) = receiver.open(1).unwrap();
    sender.set_remote(s_id, ponte_media::RemoteMedia::new(r_at, Codec::Pcma));
    receiver.set_remote(r_id, ponte_media::RemoteMedia::new(s_at, Codec::Pcma));
    sender.send_dtmf(s_id, "19*#");
    let mut heard = String::new();
    for _ in 0..4 {
        heard.push(wait_for(&receiver, |event| match event {
            MediaEvent::Dtmf { id, digit } if *id == r_id => Some(*digit),
            _ => None,
        }));
    }
    assert_eq!(heard, "19*#");
}

#[test]
fn keys_are_taken_under_our_payload_type_and_under_the_one_the_peer_wrote() {
    let plane = plane();
    let Call {
        mut a, mut b, b_id, ..
    } = call(&plane, Codec::Pcma, Codec::Pcmu);
    let mut remote = b.remote();
    remote.telephone_event = Some(96);
    remote.telephone_event_in = Some(101);
    plane.set_remote(b_id, remote);
    for (key, payload_type) in [(7, 96), (8, 101)] {
        talk(&mut [&mut a, &mut b], Duration::from_millis(60));
        press(&mut b, key, payload_type, |_| false);
    }
    talk(&mut [&mut a, &mut b], Duration::from_millis(60));
    assert_eq!(keys(&events(&plane), b_id), "78");
}

#[test]
fn a_peer_without_events_gets_and_gives_tones() {
    let plane = plane();
    let Call {
        mut a,
        mut b,
        a_id,
        b_id,
    } = call(&plane, Codec::Pcma, Codec::Pcmu);
    let mut remote = b.remote();
    remote.telephone_event = None;
    remote.telephone_event_in = None;
    plane.set_remote(b_id, remote);

    // Keys of A, who has events, become tones at B.
    a.voice = vec![300.0];
    talk(&mut [&mut a, &mut b], Duration::from_millis(60));
    a.voice.clear();
    press(&mut a, 5, 101, |_| false);
    talk(&mut [&mut a, &mut b], Duration::from_millis(300));
    assert_eq!(keys(&events(&plane), a_id), "5");
    let audio = b.take_audio();
    let tone: Vec<f64> = audio
        .chunks(400)
        .flat_map(|chunk| analysis::partials(chunk, 2))
        .map(|partial| partial.frequency)
        .collect();
    for frequency in [770.0, 1336.0] {
        assert!(
            tone.iter().any(|f| (f - frequency).abs() < 10.0),
            "{frequency} in {tone:?}"
        );
    }

    // Tones of B are told as keys.
    b.voice = vec![940.0, 1335.0];
    talk(&mut [&mut a, &mut b], Duration::from_millis(120));
    b.voice.clear();
    talk(&mut [&mut a, &mut b], Duration::from_millis(60));
    assert_eq!(keys(&events(&plane), b_id), "0");
}

#[test]
fn a_muted_peer_is_silent_for_the_other_and_hears_on() {
    let plane = plane();
    let Call {
        mut a, mut b, a_id, ..
    } = call(&plane, Codec::Pcma, Codec::Pcmu);
    a.voice = vec![700.0];
    b.voice = vec![1100.0];
    talk(&mut [&mut a, &mut b], SECOND);
    plane.set_muted(a_id, true);
    talk(&mut [&mut a, &mut b], Duration::from_millis(200));
    a.take_audio();
    b.take_audio();
    talk(&mut [&mut a, &mut b], SECOND);
    let silent = b.take_audio();
    assert!(silent.len() > 7000, "packets go on: {} samples", silent.len());
    assert!(analysis::partials(&silent[800..2400], 4).is_empty());
    let heard = analysis::partials(&a.take_audio()[800..2400], 4);
    assert!((heard[0].frequency - 1100.0).abs() < 2.0, "{heard:?}");
    plane.set_muted(a_id, false);
    talk(&mut [&mut a, &mut b], Duration::from_millis(200));
    b.take_audio();
    talk(&mut [&mut a, &mut b], SECOND);
    let back = analysis::partials(&b.take_audio()[800..2400], 4);
    assert!((back[0].frequency - 700.0).abs() < 2.0, "{back:?}");
}
