//! What was heard, beside what was said.
//!
//! Both ends play what comes with a fixed delay: each packet has its place by its RTP timestamp, and one that comes more than
//! 150 ms after the fastest is as good as lost. What is missing is concealed as by a plain receiver: libopus makes Opus
//! up, from the copy in the next packet where there is one; G.711 repeats the last packet, 6 dB softer each time.

use std::time::Instant;

use opus::{Channels, Decoder};
use ponte_media::{Codec, analysis, g711};

use crate::Failure;
use crate::peer::Speaks;

const PLAYOUT_US: i64 = 150_000;
const STEP: usize = 160;
/// Windows of a tone.
const WINDOW: usize = 160;
/// How far under its level a tone may fall in a window that counts as whole, in dB.
const TONE_FALL: f64 = 6.0;
/// Frames of speech under this level have no signal whose noise could be judged, in dBm0.
const SPEECH_FLOOR: f64 = -40.0;
/// A frame's ratio is held within this, as is usual: silence and identity would decide the mean.
const RATIO: std::ops::RangeInclusive<f64> = -10.0..=35.0;

/// A packet of audio.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub at: Instant,
    pub time: u32,
    pub payload: Vec<u8>,
}

/// What a receiver plays of these packets, and how many of its frames it had to make up, of a thousand.
pub fn played(speaks: Speaks, heard: &[Arrived]) -> Result<(Vec<i16>, u32), Failure> {
    let step = speaks.step();
    let mut frames: Vec<(i64, Instant, &[u8])> = Vec::new();
    let begin = heard.first().ok_or("nothing was heard")?;
    for packet in heard {
        let at = i64::from(packet.time.wrapping_sub(begin.time).cast_signed());
        frames.push((at, packet.at, &packet.payload));
    }
    // Microseconds that a packet came later than it was due, beside the first one.
    let units = i64::from(step) * 50;
    let transit = |at: i64, arrived: Instant| {
        let since = arrived.saturating_duration_since(begin.at).as_micros();
        i64::try_from(since).unwrap_or(i64::MAX) - at * 1_000_000 / units
    };
    let fastest = frames.iter().map(|(at, arrived, _)| transit(*at, *arrived)).min();
    let latest = fastest.unwrap_or(0).saturating_add(PLAYOUT_US);
    frames.retain(|(at, arrived, _)| *at >= 0 && transit(*at, *arrived) <= latest);
    frames.sort_by_key(|(at, ..)| *at);
    frames.dedup_by_key(|(at, ..)| *at);
    match speaks {
        Speaks::Opus => opus(&frames, i64::from(step)),
        Speaks::Pcmu => Ok(g711(&frames)),
    }
}

fn opus(frames: &[(i64, Instant, &[u8])], step: i64) -> Result<(Vec<i16>, u32), Failure> {
    let mut decoder = Decoder::new(8_000, Channels::Mono)?;
    let (mut audio, mut made_up, mut due) = (Vec::new(), 0, 0);
    for &(at, _, payload) in frames {
        let mut frame = [0; 960];
        while due < at {
            made_up += 1;
            let copied = due + step >= at && decoder.decode(payload, &mut frame[..STEP], true).is_ok();
            if !copied {
                decoder.decode(&[], &mut frame[..STEP], false)?;
            }
            audio.extend(&frame[..STEP]);
            due += step;
        }
        let length = decoder.decode(payload, &mut frame, false)?;
        audio.extend(&frame[..length]);
        due = at + step;
    }
    let all = (audio.len() / STEP).max(1);
    Ok((audio, (1000 * made_up / all) as u32))
}

fn g711(frames: &[(i64, Instant, &[u8])]) -> (Vec<i16>, u32) {
    let mut audio: Vec<i16> = Vec::new();
    let mut made_up = 0;
    for &(at, _, payload) in frames {
        let at = at as usize;
        while audio.len() < at {
            let back = audio.len().saturating_sub(STEP);
            let piece: Vec<i16> = audio[back..]
                .iter()
                .map(|sample| sample / 2)
                .take(at - audio.len())
                .collect();
            if piece.is_empty() {
                audio.resize(at, 0);
                break;
            }
            made_up += piece.len();
            audio.extend(piece);
        }
        audio.truncate(at);
        audio.extend(g711::decode(Codec::Pcmu, payload));
    }
    let all = audio.len().max(1);
    (audio, (1000 * made_up / all) as u32)
}

/// How much of a tone was heard.
#[derive(Debug, Clone, Copy)]
pub struct Continuity {
    /// Windows of 20 ms with the tone at its level, in per cent.
    pub whole_percent: f64,
    /// The longest time without it, in ms.
    pub longest_gap_ms: u32,
}

/// `audio` from its first sound on, in whole windows; the end, where the tone may have stopped, is left out.
pub fn continuity(audio: &[i16], frequency: f64, level: f64) -> Continuity {
    let start = audio
        .iter()
        .position(|sample| sample.unsigned_abs() > 500)
        .unwrap_or(audio.len());
    let windows: Vec<bool> = audio[start..]
        .chunks_exact(WINDOW)
        .map(|window| analysis::level_of(window, frequency) > level - TONE_FALL)
        .collect();
    let last = windows
        .iter()
        .rposition(|whole| *whole)
        .map_or(0, |last| last + 1);
    let windows = &windows[..last];
    let gap = windows
        .split(|whole| *whole)
        .map(<[bool]>::len)
        .max()
        .unwrap_or(0);
    let whole = windows.iter().filter(|whole| **whole).count();
    Continuity {
        whole_percent: 100.0 * whole as f64 / windows.len().max(1) as f64,
        longest_gap_ms: 20 * gap as u32,
    }
}

/// Mean of the frames' signal-to-noise ratios, in dB: 20 ms frames of `said` with speech in them, each ratio within
/// [`RATIO`], the two aligned where they fit best.
pub fn segmental_snr(said: &[i16], heard: &[i16]) -> f64 {
    let lag = best_lag(said, heard);
    let shifted = |at: usize| {
        at.checked_add_signed(lag)
            .and_then(|at| heard.get(at))
            .copied()
            .unwrap_or(0)
    };
    let ratios: Vec<f64> = said
        .chunks_exact(STEP)
        .enumerate()
        .filter(|(_, frame)| analysis::level(frame) > SPEECH_FLOOR)
        .map(|(index, frame)| {
            let (mut signal, mut noise) = (0.0, 0.0);
            for (offset, &sample) in frame.iter().enumerate() {
                let difference = f64::from(sample) - f64::from(shifted(index * STEP + offset));
                signal += f64::from(sample).powi(2);
                noise += difference.powi(2);
            }
            let ratio = 10.0 * (signal / noise.max(1e-9)).log10();
            ratio.clamp(*RATIO.start(), *RATIO.end())
        })
        .collect();
    ratios.iter().sum::<f64>() / ratios.len().max(1) as f64
}

/// By how many samples `heard` is behind: where the two of four seconds correlate best, within half a second.
fn best_lag(said: &[i16], heard: &[i16]) -> isize {
    let length = 32_000.min(said.len()).min(heard.len());
    // The middle, where speech is.
    let from = (said.len() - length) / 2;
    let piece = &said[from..from + length];
    let correlation = |lag: isize| {
        let mut sum = 0.0;
        // Every third sample tells enough.
        for (offset, &sample) in piece.iter().enumerate().step_by(3) {
            let at = (from + offset).checked_add_signed(lag);
            let other = at.and_then(|at| heard.get(at)).copied().unwrap_or(0);
            sum += f64::from(sample) * f64::from(other);
        }
        sum
    };
    (-4_000..=4_000)
        .map(|lag| (lag, correlation(lag)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map_or(0, |(lag, _)| lag)
}
