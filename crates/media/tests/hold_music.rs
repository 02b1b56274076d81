//! Music for those on hold: a file of the site's, or the system's own; for whom it is meant and for nobody else.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::PathBuf;
use std::time::Duration;

use ponte_media::{Codec, HoldMusic, MediaConfig, MediaPlane, PlayMode, Source, analysis};
use support::{Phone, call, config, talk};

struct File(PathBuf);

impl File {
    /// A melody of these frequencies, 200 ms each.
    fn melody(name: &str, sample_rate: u32, frequencies: &[f64]) -> Self {
        let path = std::env::temp_dir().join(format!("ponte-music-{name}-{}.wav", std::process::id()));
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for frequency in frequencies {
            for n in 0..sample_rate / 5 {
                let turn = std::f64::consts::TAU * frequency * f64::from(n) / f64::from(sample_rate);
                writer.write_sample((turn.sin() * 6000.0) as i16).unwrap();
            }
        }
        writer.finalize().unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn plane_with(hold_music: HoldMusic) -> MediaPlane {
    let plane = MediaPlane::start(
        MediaConfig {
            hold_music,
            ..config()
        },
        || {},
    )
    .unwrap();
    // The first that is put on hold waits until the music is there.
    let (id, to) = plane.open(1).unwrap();
    let mut phone = Phone::new(Codec::Pcma, to);
    plane.set_remote(id, phone.remote());
    plane.play(id, Source::HoldMusic, PlayMode::Loop);
    for _ in 0..300 {
        talk(&mut [&mut phone], Duration::from_millis(100));
        if analysis::level(&phone.take_audio()) > -50.0 {
            plane.close(id);
            return plane;
        }
    }
    panic!("there is no music");
}

/// The strongest frequency of each 100 ms, to 50 Hz, without repetition.
fn melody(audio: &[i16]) -> Vec<i64> {
    let mut heard: Vec<i64> = audio
        .chunks_exact(800)
        .filter_map(|part| analysis::partials(part, 1).first().copied())
        .map(|partial| (partial.frequency / 50.0).round() as i64 * 50)
        .collect();
    heard.dedup();
    heard
}

#[test]
fn a_file_goes_round_and_each_hears_it_from_its_beginning() {
    for sample_rate in [8000, 16_000] {
        let file = File::melody(
            &format!("round-{sample_rate}"),
            sample_rate,
            &[600.0, 900.0, 1500.0],
        );
        let plane = plane_with(HoldMusic::File(file.0.clone()));
        let mut phones = Vec::new();
        for _ in 0..2 {
            let (id, to) = plane.open(1).unwrap();
            let mut phone = Phone::new(Codec::Pcmu, to);
            plane.set_remote(id, phone.remote());
            plane.play(id, Source::HoldMusic, PlayMode::Loop);
            // The second is put on hold in the middle of a note of the first.
            talk(&mut [&mut phone], Duration::from_millis(300));
            phones.push(phone);
        }
        talk(
            &mut phones.iter_mut().collect::<Vec<_>>(),
            Duration::from_millis(800),
        );
        for phone in &mut phones {
            assert_eq!(melody(&phone.take_audio())[..4], [600, 900, 1500, 600]);
        }
    }
}

#[test]
fn the_held_party_hears_it_and_the_other_does_not() {
    let file = File::melody("party", 8000, &[1200.0]);
    let plane = plane_with(HoldMusic::File(file.0.clone()));
    let mut call = call(&plane, Codec::Pcma, Codec::Pcmu);
    (call.a.voice, call.b.voice) = (vec![500.0], vec![2000.0]);
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(200));
    plane.unbridge(call.a_id);
    plane.play(call.b_id, Source::HoldMusic, PlayMode::Loop);
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(200));
    call.a.take_audio();
    call.b.take_audio();
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(600));
    let held = call.b.take_audio();
    assert!(analysis::contains(&held, 1200.0, 5.0));
    assert!(!analysis::contains(&held, 500.0, 20.0));
    assert!(call.a.take_audio().is_empty(), "who holds hears nothing of it");

    plane.stop(call.b_id);
    plane.bridge(call.a_id, call.b_id).unwrap();
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(300));
    call.b.take_audio();
    talk(&mut [&mut call.a, &mut call.b], Duration::from_millis(300));
    let back = call.b.take_audio();
    assert!(analysis::contains(&back, 500.0, 5.0) && !analysis::contains(&back, 1200.0, 20.0));
}

#[test]
fn a_file_that_cannot_be_played_is_replaced_by_the_systems_own() {
    for hold_music in [HoldMusic::Own, HoldMusic::File("/nowhere/music.wav".into())] {
        let plane = plane_with(hold_music);
        let (id, to) = plane.open(1).unwrap();
        let mut phone = Phone::new(Codec::Pcma, to);
        plane.set_remote(id, phone.remote());
        plane.play(id, Source::HoldMusic, PlayMode::Loop);
        talk(&mut [&mut phone], Duration::from_millis(1200));
        let audio = phone.take_audio();
        // The beginning of the piece: D4, and the melody above it.
        assert!(analysis::contains(&audio[..3200], 293.7, 6.0));
        assert!(analysis::level(&audio) > -32.0);
    }
}

#[test]
fn a_site_may_want_a_tone_instead() {
    let plane = plane_with(HoldMusic::Tone);
    let (id, to) = plane.open(1).unwrap();
    let mut phone = Phone::new(Codec::Pcma, to);
    plane.set_remote(id, phone.remote());
    plane.play(id, Source::HoldMusic, PlayMode::Loop);
    talk(&mut [&mut phone], Duration::from_millis(600));
    let audio = phone.take_audio();
    let sounding: Vec<f64> = audio
        .chunks_exact(160)
        .map(|frame| analysis::level_of(frame, 425.0))
        .filter(|&level| level > -30.0)
        .collect();
    assert!(
        (12..=17).contains(&sounding.len()),
        "twice 150 ms: {} frames",
        sounding.len()
    );
}
