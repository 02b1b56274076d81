//! What each party of a call hears, by the frequencies that the others say.

use super::{FAR, HOME, World};
use ponte_media::analysis;
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};

pub const SECOND: &str = "+390298765402";
pub const THIRD: &str = "+390298765403";
pub const FOURTH: &str = "+390298765404";

/// What each telephone says, in hertz.
pub const VOICES: [(&str, f64); 5] = [
    (HOME, 750.0),
    (FAR, 1130.0),
    (SECOND, 1520.0),
    (THIRD, 1910.0),
    (FOURTH, 2290.0),
];
/// What Italy's tones are made of.
pub const TONE_HZ: f64 = 425.0;
/// Where the notes of the music for held parties lie that no voice and no tone is near.
const MUSIC_HZ: std::ops::Range<f64> = 240.0..690.0;
/// How long one look at what a telephone hears takes, in milliseconds of arriving audio.
const LISTEN_MS: u64 = 1_600;
/// What of it must be one sound.
const SOUND_MS: u64 = 600;
const NOTE_MS: u64 = 200;

/// What a telephone hears at one time.
#[derive(Debug, PartialEq, Eq)]
pub struct Hearing {
    parties: Vec<&'static str>,
    music: bool,
}

impl Hearing {
    pub fn of(parties: &[&'static str]) -> Self {
        Self {
            parties: parties.to_vec(),
            music: false,
        }
    }

    pub fn music() -> Self {
        Self {
            parties: Vec::new(),
            music: true,
        }
    }

    /// In the last second of what was heard, 8000 samples a second; `None` where there is less.
    pub fn in_samples(heard: &[i16]) -> Option<Self> {
        let last = &heard[heard.len().checked_sub(8_000)?..];
        let of = |part: &[i16]| {
            VOICES
                .into_iter()
                .filter(|(_, hz)| analysis::level_of(part, *hz) > -30.0)
                .map(|(party, _)| party)
                .collect::<Vec<_>>()
        };
        // What is heard through the whole of it, not what began or ended in it.
        let (first, second) = last.split_at(last.len() / 2);
        let parties = of(first);
        let steady = parties == of(second);
        let music = parties.is_empty() && analysis::level(last) > -50.0;
        steady.then_some(Self { parties, music })
    }
}

pub fn voice(number: &str) -> f64 {
    VOICES.into_iter().find(|(party, _)| *party == number).unwrap().1
}

pub fn answer(number: &str, after_ms: u64) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms,
        tone_hz: Some(voice(number)),
        record: true,
        ..Answer::default()
    })
}

/// A telephone that calls the site, with its voice.
pub fn calling(number: &'static str, to: &str) -> PlaceCall {
    PlaceCall {
        telephone: Answer {
            tone_hz: Some(voice(number)),
            record: true,
            ..Answer::default()
        },
        ..PlaceCall::new(number, to)
    }
}

/// The first minute of what a telephone has heard in its last call, 8000 samples a second.
pub fn heard_at(world: &World, number: &str) -> Vec<i16> {
    let call = world.calls_to(number).pop();
    call.and_then(|call| world.carrier.audio(call.id))
        .unwrap_or_default()
}

/// Whether a tone sounds for so many milliseconds on end, 50 at least; not those of its first and last moment.
pub fn sounds(heard: &[i16], hz: f64, ms: usize) -> bool {
    // Windows of 50 ms, each beginning in the middle of the one before.
    let wanted = ms.saturating_sub(50) / 25 + 1;
    let mut run = 0;
    heard.windows(400).step_by(200).any(|window| {
        run = if analysis::level_of(window, hz) > -28.0 {
            run + 1
        } else {
            0
        };
        run == wanted
    })
}

/// Waits until a tone sounds for so long in what is heard after the first `from` samples.
pub async fn will_sound(what: &str, (hz, ms): (f64, usize), from: usize, heard: impl Fn() -> Vec<i16>) {
    let deadline = tokio::time::Instant::now() + super::PATIENCE;
    while !sounds(heard().get(from..).unwrap_or_default(), hz, ms) {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Listens at a telephone for a while.
pub async fn listen(world: &World, number: &str) -> Hearing {
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
pub async fn hears(world: &World, number: &str, wanted: Hearing) {
    let deadline = tokio::time::Instant::now() + super::PATIENCE;
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
