//! Recorded audio from files: played in its place among prompts and tones, and never a reason for silence.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ponte_media::{
    Audio, AudioError, Codec, EndpointId, FileSource, Language, MediaEvent, MediaPlane, PlayMode, Prompt,
    Source, Tone, analysis,
};
use support::{Phone, events, plane, talk, wait_for};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ponte-files-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// A file of one frequency.
    fn tone(&self, name: &str, sample_rate: u32, frequency: f64, milliseconds: u32) -> PathBuf {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let path = self.0.join(name);
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for n in 0..sample_rate * milliseconds / 1000 {
            let phase = std::f64::consts::TAU * frequency * f64::from(n) / f64::from(sample_rate);
            writer.write_sample((phase.sin() * 8000.0) as i16).unwrap();
        }
        writer.finalize().unwrap();
        path
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn phone(plane: &MediaPlane) -> (EndpointId, Phone) {
    let (id, to) = plane.open(1).unwrap();
    let phone = Phone::new(Codec::Pcma, to);
    plane.set_remote(id, phone.remote());
    (id, phone)
}

fn file(path: &Path) -> Source {
    Source::File(FileSource {
        path: path.to_owned(),
        instead: Vec::new(),
    })
}

/// The strongest frequency of each 100 ms, rounded to 50 Hz; 0 where it is quiet.
fn melody(audio: &[i16]) -> Vec<i64> {
    let mut heard: Vec<i64> = audio
        .chunks_exact(800)
        .map(|part| {
            analysis::partials(part, 1)
                .first()
                .map_or(0, |p| (p.frequency / 50.0).round() as i64 * 50)
        })
        .collect();
    heard.dedup();
    heard
}

fn finished(event: &MediaEvent) -> Option<u64> {
    match event {
        MediaEvent::PlayFinished { token, .. } => Some(*token),
        _ => None,
    }
}

#[test]
fn a_greeting_a_tone_and_loaded_audio_follow_each_other_and_the_end_is_told_once() {
    let folder = Folder::new("sequence");
    let plane = plane();
    let (id, mut phone) = phone(&plane);
    let narrow = folder.tone("a.wav", 8000, 700.0, 400);
    let wide = folder.tone("b.wav", 16_000, 1500.0, 400);
    let loaded = Audio::load(&folder.tone("c.wav", 8000, 2000.0, 300)).unwrap();
    assert_eq!(loaded.duration(), Duration::from_millis(300));
    let sequence = Source::Sequence(vec![
        file(&narrow),
        file(&wide),
        Source::Sequence(vec![Source::Tone(Tone::RecordBeep), Source::Audio(loaded)]),
    ]);
    plane.play(id, sequence, PlayMode::Once(9));
    talk(&mut [&mut phone], Duration::from_millis(1800));
    let told: Vec<u64> = events(&plane).iter().filter_map(finished).collect();
    assert_eq!(told, [9]);
    let audio = phone.take_audio();
    let seconds = audio.len() as f64 / 8000.0;
    assert!((1.35..1.75).contains(&seconds), "{seconds} s");
    let melody: Vec<i64> = melody(&audio).into_iter().filter(|&f| f != 0).collect();
    let mut order = melody.clone();
    order.retain(|f| [700, 1500, 1000, 2000].contains(f));
    assert_eq!(order, [700, 1500, 1000, 2000], "{melody:?}");
}

#[test]
fn what_cannot_be_read_is_told_and_something_else_is_played_instead() {
    let folder = Folder::new("broken");
    let whole = std::fs::read(folder.tone("whole.wav", 8000, 700.0, 300)).unwrap();
    let mut huge = whole.clone();
    huge[40..44].copy_from_slice(&0xFFFF_FFF0u32.to_le_bytes());
    let hostile = [
        folder.0.join("none.wav"),
        folder.0.clone(),
        folder.write("empty.wav", b""),
        folder.write(
            "text.wav",
            b"This is no sound at all, however long one looks at it; not even a header.",
        ),
        folder.write("cut.wav", &whole[..whole.len() / 2]),
        folder.write("huge.wav", &huge),
        folder.tone("no-samples.wav", 8000, 700.0, 0),
        folder.tone("rate.wav", 44_100, 700.0, 100),
    ];
    let plane = plane();
    for (token, path) in (1..).zip(&hostile) {
        let (id, mut phone) = phone(&plane);
        let source = Source::Sequence(vec![
            Source::File(FileSource {
                path: path.clone(),
                instead: vec![
                    file(&folder.0.join("neither.wav")),
                    Source::Tone(Tone::RecordBeep),
                ],
            }),
            Source::Prompt(Language::En, vec![Prompt::One]),
        ]);
        plane.play(id, source, PlayMode::Once(token));
        talk(&mut [&mut phone], Duration::from_millis(1200));
        let events = events(&plane);
        let refused: Vec<&AudioError> = events
            .iter()
            .filter_map(|event| match event {
                MediaEvent::FileUnplayable { id: of, error, .. } if *of == id => Some(error),
                _ => None,
            })
            .collect();
        assert_eq!(refused.len(), 2, "{}: {events:?}", path.display());
        assert!(matches!(refused[1], AudioError::Read { .. }));
        assert!(!refused[0].to_string().is_empty());
        assert_eq!(events.iter().filter_map(finished).collect::<Vec<_>>(), [token]);
        let audio = phone.take_audio();
        assert!(
            melody(&audio).contains(&1000),
            "{}: the beep is heard",
            path.display()
        );
        assert!(audio.len() >= 8 * 800, "and the prompt after it");
        plane.close(id);
    }
}

#[test]
fn a_player_that_was_replaced_plays_nothing_more() {
    let folder = Folder::new("replaced");
    let plane = plane();
    let (id, mut phone) = phone(&plane);
    let path = folder.tone("a.wav", 8000, 700.0, 5000);
    for _ in 0..50 {
        plane.play(id, file(&path), PlayMode::Once(1));
    }
    plane.play(id, Source::Tone(Tone::RecordBeep), PlayMode::Once(2));
    assert_eq!(wait_for(&plane, finished), 2);
    talk(&mut [&mut phone], Duration::from_millis(300));
    assert!(!melody(&phone.take_audio()).contains(&700));
    plane.play(id, file(&path), PlayMode::Loop);
    talk(&mut [&mut phone], Duration::from_millis(600));
    plane.stop(id);
    assert!(melody(&phone.take_audio()).contains(&700));
    talk(&mut [&mut phone], Duration::from_millis(300));
    phone.take_audio();
    talk(&mut [&mut phone], Duration::from_millis(300));
    assert!(phone.take_audio().is_empty());
}
