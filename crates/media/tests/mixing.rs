//! Tones over a call, and keys that stay on this side of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use ponte_media::{
    Codec, Country, Direction, MediaConfig, MediaEvent, MediaPlane, PlayMode, Source, Tone, analysis, cadence,
};
use support::{Call, Phone, call, config, events, keys, plane, talk, wait_for};

/// Lets both speak for so long and gives back what the first heard.
fn heard(call: &mut Call, duration: Duration) -> Vec<i16> {
    talk(&mut [&mut call.a, &mut call.b], duration);
    call.a.take_audio()
}

/// Where a frequency sounds: the level of each 20 ms.
fn levels(audio: &[i16], frequency: f64) -> Vec<f64> {
    audio
        .chunks_exact(160)
        .map(|frame| analysis::level_of(frame, frequency))
        .collect()
}

#[test]
fn a_beep_is_heard_with_the_other_party_and_by_one_ear_only() {
    for (country, codecs) in [
        (Country::Us, [Codec::Pcma, Codec::Pcma]),
        (Country::De, [Codec::Pcmu, Codec::Pcma]),
        (Country::It, [Codec::Pcma, Codec::Pcmu]),
        (Country::Uk, [Codec::Pcmu, Codec::Pcmu]),
    ] {
        let plane = MediaPlane::start(
            MediaConfig {
                tone_country: country,
                ..config()
            },
            || {},
        )
        .unwrap();
        let mut call = call(&plane, codecs[0], codecs[1]);
        (call.a.voice, call.b.voice) = (vec![1100.0], vec![1800.0]);
        heard(&mut call, Duration::from_millis(300));
        call.b.take_audio();
        plane.beep(call.a_id, Tone::CallWaiting);
        talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(1600));
        let gaps: Vec<u16> = call
            .a
            .heard
            .windows(2)
            .map(|pair| pair[1].sequence.wrapping_sub(pair[0].sequence))
            .collect();
        assert!(gaps.iter().all(|&gap| gap == 1), "the stream goes on unbroken");
        let audio = call.a.take_audio();
        let period = cadence(country, Tone::CallWaiting);
        let frequency = period[0].frequencies[0];
        let voice = levels(&audio, 1800.0);
        assert!(
            voice.iter().all(|level| (level + 13.0).abs() < 1.5),
            "{country:?}: {voice:?}"
        );
        let sounding: u16 = period
            .iter()
            .filter(|segment| !segment.frequencies.is_empty())
            .map(|segment| segment.milliseconds)
            .sum();
        let beep = levels(&audio, frequency);
        let frames = beep.iter().filter(|&&level| level > -26.0).count();
        assert!(
            frames.abs_diff(usize::from(sounding) / 20) <= 3,
            "{country:?}: {frames} frames of {sounding} ms"
        );
        let loudest = beep.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!(
            (loudest - period[0].level).abs() < 1.5,
            "{country:?} at {loudest}"
        );
        assert!(
            levels(&call.b.take_audio(), frequency)
                .iter()
                .all(|&level| level < -35.0)
        );
    }
}

#[test]
fn a_beep_sounds_also_while_nobody_speaks_or_something_plays() {
    let plane = plane();
    let mut call = call(&plane, Codec::Pcma, Codec::Pcmu);
    // Nothing comes from the other party: the beep has packets of its own.
    plane.beep(call.a_id, Tone::RecordBeep);
    let audio = heard(&mut call, Duration::from_millis(600));
    assert!((2240..=2720).contains(&audio.len()), "{} samples", audio.len());
    assert!(analysis::contains(&audio[200..2200], 1000.0, 3.0));
    // And then the other party is heard as if nothing had been.
    call.b.voice = vec![1800.0];
    let audio = heard(&mut call, Duration::from_millis(300));
    assert_eq!(analysis::partials(&audio, 3).len(), 1);

    plane.play(call.a_id, Source::Tone(Tone::Hold), PlayMode::Loop);
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(700));
    call.a.take_audio();
    plane.beep(call.a_id, Tone::RecordBeep);
    let audio = heard(&mut call, Duration::from_millis(600));
    let frames = levels(&audio, 1000.0)
        .iter()
        .filter(|&&level| level > -18.0)
        .count();
    assert!(
        (13..=17).contains(&frames),
        "{frames} frames in {} samples",
        audio.len()
    );
}

#[test]
fn what_is_to_be_told_is_not_cut_short_by_a_beep() {
    let plane = plane();
    let mut call = call(&plane, Codec::Pcma, Codec::Pcma);
    call.b.voice = vec![1800.0];
    heard(&mut call, Duration::from_millis(100));
    let words = || {
        Source::Sequence(vec![
            Source::Tone(Tone::RecordBeep),
            Source::Tone(Tone::RecordBeep),
        ])
    };
    plane.whisper(call.a_id, words(), Some(7));
    heard(&mut call, Duration::from_millis(60));
    plane.beep(call.a_id, Tone::CallWaiting);
    let audio = heard(&mut call, Duration::from_millis(900));
    let frames = levels(&audio, 1000.0)
        .iter()
        .filter(|&&level| level > -18.0)
        .count();
    assert!(frames >= 20, "{frames} frames of both tones");
    assert!(levels(&audio, 425.0).iter().all(|&level| level < -35.0));
    wait_for(&plane, |event| {
        matches!(event, MediaEvent::PlayFinished { id, token: 7 } if *id == call.a_id).then_some(())
    });
    // Then a beep is heard as ever.
    plane.beep(call.a_id, Tone::CallWaiting);
    let audio = heard(&mut call, Duration::from_millis(600));
    assert!(levels(&audio, 425.0).iter().any(|&level| level > -26.0));
}

#[test]
fn a_beep_to_a_party_on_hold_does_not_wait_for_its_return() {
    let plane = plane();
    let mut call = call(&plane, Codec::Pcma, Codec::Pcma);
    let mut remote = call.a.remote();
    remote.direction = Direction::RecvOnly;
    plane.set_remote(call.a_id, remote);
    call.b.voice = vec![1800.0];
    plane.beep(call.a_id, Tone::CallWaiting);
    assert!(heard(&mut call, Duration::from_millis(1300)).is_empty());
    plane.set_remote(call.a_id, call.a.remote());
    let audio = heard(&mut call, Duration::from_millis(500));
    assert!(levels(&audio, 425.0).iter().all(|&level| level < -35.0));
}

/// One key, as a telephone sends it.
fn press(phone: &mut Phone, event: u8) {
    for step in 1..=7u16 {
        let duration = step.min(5) * 160;
        let [high, low] = duration.to_be_bytes();
        let end = if step >= 5 { 0x8A } else { 10 };
        phone.send(101, step == 1, &[event, end, high, low]);
        std::thread::sleep(Duration::from_millis(10));
    }
    phone.timestamp = phone.timestamp.wrapping_add(800);
}

#[test]
fn keys_are_told_and_withheld_from_the_other_side_and_nothing_seems_lost() {
    let plane = plane();
    let mut call = call(&plane, Codec::Pcma, Codec::Pcma);
    call.a.voice = vec![700.0];
    plane.set_dtmf_relay(call.a_id, false);
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(200));
    press(&mut call.a, 10);
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(200));
    call.b.listen();
    assert!(call.b.heard.iter().all(|packet| packet.payload_type == 8));
    for pair in call.b.heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
    }
    // The other side's own keys pass.
    press(&mut call.b, 3);
    std::thread::sleep(Duration::from_millis(100));
    call.a.listen();
    assert_eq!(
        call.a
            .heard
            .iter()
            .filter(|packet| packet.payload_type == 101)
            .count(),
        7
    );
    plane.set_dtmf_relay(call.a_id, true);
    std::thread::sleep(Duration::from_millis(50));
    press(&mut call.a, 10);
    std::thread::sleep(Duration::from_millis(100));
    call.b.listen();
    assert_eq!(
        call.b
            .heard
            .iter()
            .filter(|packet| packet.payload_type == 101)
            .count(),
        7
    );
    let events = events(&plane);
    assert_eq!(
        (keys(&events, call.a_id), keys(&events, call.b_id)),
        ("**".to_owned(), "3".to_owned())
    );
}

#[test]
fn a_key_that_comes_as_a_tone_is_silenced_once_it_is_known() {
    let plane = plane();
    let mut call = call(&plane, Codec::Pcma, Codec::Pcma);
    let mut remote = call.a.remote();
    remote.telephone_event_in = None;
    plane.set_remote(call.a_id, remote);
    plane.set_dtmf_relay(call.a_id, false);
    // The key 5, held for 400 ms.
    call.a.voice = vec![770.0, 1336.0];
    let tone = ponte_media::g711::encode(Codec::Pcma, &analysis::sines(&[770.0, 1336.0], -10.0, 0.4));
    for packet in tone.chunks_exact(160) {
        call.a.send(8, false, packet);
        call.a.timestamp = call.a.timestamp.wrapping_add(160);
        std::thread::sleep(Duration::from_millis(10));
    }
    let digit = wait_for(&plane, |event| match event {
        MediaEvent::Dtmf { digit, .. } => Some(*digit),
        _ => None,
    });
    assert_eq!(digit, '5');
    std::thread::sleep(Duration::from_millis(100));
    let audio = call.b.take_audio();
    assert_eq!(audio.len(), 3200, "no packet is missing");
    let passed = levels(&audio, 770.0)
        .iter()
        .filter(|&&level| level > -30.0)
        .count();
    assert!(passed <= 3, "{passed} packets of the tone passed");
    // Speech after it is heard.
    call.a.voice = vec![1000.0];
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(400));
    let audio = call.b.take_audio();
    assert!(analysis::contains(&audio[800..2400], 1000.0, 3.0));
}
