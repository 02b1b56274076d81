//! What a telephone hears: the frequencies in it, and the gaps between them.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};

/// Samples looked at together: 200 ms, so that two tones 15 Hz apart are two.
const WINDOW: usize = 1600;
const HZ_PER_BIN: f64 = 8000.0 / WINDOW as f64;
/// Tones closer than this are one.
const SAME_HZ: f64 = 7.5;
/// Below this a window is silence: −50 dBFS.
const SILENCE_DBFS: f64 = -50.0;
/// A peak this far under the loudest one of its window is its distortion, not a tone.
const PEAK_RANGE_DB: f64 = 26.0;
/// Tones remembered for one call. Speech makes many; the shortest are forgotten first.
const MAX_TONES: usize = 64;
const MAX_SPANS: usize = 64;
/// Length of a window, and how far apart two may end that follow each other: half a window of jitter is forgiven.
const WINDOW_MS: u64 = WINDOW as u64 / 8;
const NEXT_MS: u64 = WINDOW_MS + WINDOW_MS / 2;

/// One frequency that was heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeardTone {
    /// Frequency in hertz, right to about 1 Hz.
    pub hz: f64,
    /// The loudest window, in dB under a full-scale sine.
    pub dbfs: f64,
    /// Start of the first window it was in, in milliseconds since the simulator started.
    pub first_ms: u64,
    /// End of the last window it was in, in milliseconds since the simulator started.
    pub last_ms: u64,
    /// Windows of 200 ms it was in, as milliseconds.
    pub total_ms: u64,
    /// The times it was there without a break, for cadences; the first 64.
    pub spans: Vec<Span>,
}

/// A time in milliseconds since the simulator started, in steps of 200 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its start.
    pub from_ms: u64,
    /// Its end.
    pub to_ms: u64,
}

/// Finds tones in a stream of samples.
pub(crate) struct Ear {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Arc<[f32]>,
    window: Vec<f32>,
    tones: Vec<HeardTone>,
    silent_windows: u64,
    longest_silence_ms: u64,
    heard_any: bool,
}

/// The parts of an [`Ear`] that all ears share.
#[derive(Clone)]
pub(crate) struct EarKit {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Arc<[f32]>,
}

impl EarKit {
    pub(crate) fn new() -> Self {
        let hann = (0..WINDOW)
            .map(|n| {
                let turn = n as f32 / WINDOW as f32;
                0.5 - 0.5 * (std::f32::consts::TAU * turn).cos()
            })
            .collect();
        Self {
            fft: RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW),
            hann,
        }
    }

    pub(crate) fn ear(&self) -> Ear {
        Ear {
            fft: Arc::clone(&self.fft),
            hann: Arc::clone(&self.hann),
            window: Vec::with_capacity(WINDOW),
            tones: Vec::new(),
            silent_windows: 0,
            longest_silence_ms: 0,
            heard_any: false,
        }
    }
}

impl Ear {
    /// Takes samples that arrived at `now_ms`.
    pub(crate) fn push(&mut self, samples: impl Iterator<Item = i16>, now_ms: u64) {
        for sample in samples {
            self.window.push(f32::from(sample) / 32768.0);
            if self.window.len() == WINDOW {
                self.listen(now_ms);
                self.window.clear();
            }
        }
    }

    /// The tones heard so far, in the order in which they were first heard.
    pub(crate) fn tones(&self) -> &[HeardTone] {
        &self.tones
    }

    /// The longest run of silent windows after the first sound, in milliseconds.
    pub(crate) fn longest_silence_ms(&self) -> u64 {
        self.longest_silence_ms
    }

    fn listen(&mut self, now_ms: u64) {
        for (sample, weight) in self.window.iter_mut().zip(self.hann.iter()) {
            *sample *= weight;
        }
        let mut spectrum = self.fft.make_output_vec();
        if self.fft.process(&mut self.window, &mut spectrum).is_err() {
            return;
        }
        // A full-scale sine in the middle of a bin has the magnitude WINDOW / 4 under a Hann window.
        let full = (WINDOW / 4) as f64;
        let level: Vec<f64> = spectrum
            .iter()
            .map(|bin| 20.0 * (f64::from(bin.norm()) / full).max(1e-9).log10())
            .collect();
        let found = peaks(&level);
        if found.is_empty() {
            if self.heard_any {
                self.silent_windows += 1;
                self.longest_silence_ms = self.longest_silence_ms.max(self.silent_windows * WINDOW_MS);
            }
            return;
        }
        self.heard_any = true;
        self.silent_windows = 0;
        for (hz, dbfs) in found {
            self.note(hz, dbfs, now_ms);
        }
    }

    fn note(&mut self, hz: f64, dbfs: f64, now_ms: u64) {
        let span = Span {
            from_ms: now_ms.saturating_sub(WINDOW_MS),
            to_ms: now_ms,
        };
        if let Some(tone) = self.tones.iter_mut().find(|tone| (tone.hz - hz).abs() < SAME_HZ) {
            if dbfs > tone.dbfs {
                tone.dbfs = dbfs;
                tone.hz = hz;
            }
            let followed = now_ms.saturating_sub(tone.last_ms) < NEXT_MS;
            tone.last_ms = now_ms;
            tone.total_ms += WINDOW_MS;
            let count = tone.spans.len();
            match tone.spans.last_mut() {
                Some(last) if followed => last.to_ms = now_ms,
                _ if count < MAX_SPANS => tone.spans.push(span),
                _ => {}
            }
            return;
        }
        if self.tones.len() == MAX_TONES {
            let shortest = (0..MAX_TONES).min_by_key(|place| self.tones[*place].total_ms);
            self.tones.remove(shortest.unwrap_or(0));
        }
        self.tones.push(HeardTone {
            hz,
            dbfs,
            first_ms: span.from_ms,
            last_ms: now_ms,
            total_ms: WINDOW_MS,
            spans: vec![span],
        });
    }
}

/// Up to four peaks as (hertz, dBFS), the loudest first.
fn peaks(level: &[f64]) -> Vec<(f64, f64)> {
    // 150 Hz to 3700 Hz: outside is hum and what the codec's filter leaves.
    let range = 30..level.len().min(740);
    let mut found: Vec<(f64, f64)> = range
        .filter(|bin| {
            level[*bin] > SILENCE_DBFS && level[*bin] > level[bin - 1] && level[*bin] >= level[bin + 1]
        })
        .map(|bin| {
            let (left, top, right) = (level[bin - 1], level[bin], level[bin + 1]);
            let curve = left - 2.0 * top + right;
            let shift = if curve < 0.0 {
                0.5 * (left - right) / curve
            } else {
                0.0
            };
            (
                (bin as f64 + shift) * HZ_PER_BIN,
                top - 0.25 * (left - right) * shift,
            )
        })
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    if let Some((_, loudest)) = found.first().copied() {
        found.retain(|(_, dbfs)| *dbfs > loudest - PEAK_RANGE_DB);
    }
    found.truncate(4);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f64, amplitude: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| (amplitude * (std::f64::consts::TAU * hz * n as f64 / 8000.0).sin()) as i16)
            .collect()
    }

    fn through_alaw(samples: &[i16]) -> Vec<i16> {
        use audio_codec_algorithms::{decode_alaw, encode_alaw};
        samples
            .iter()
            .map(|sample| decode_alaw(encode_alaw(*sample)))
            .collect()
    }

    #[test]
    fn every_telephone_tone_is_found_to_one_hertz() {
        let kit = EarKit::new();
        for hz in crate::tone::tones() {
            let mut ear = kit.ear();
            ear.push(through_alaw(&sine(hz, 8230.0, 4800)).into_iter(), 600);
            assert_eq!(ear.tones().len(), 1, "{hz}: {:?}", ear.tones());
            let tone = &ear.tones()[0];
            assert!((tone.hz - hz).abs() < 1.0, "{hz} heard as {}", tone.hz);
            assert!((tone.dbfs + 12.0).abs() < 1.0, "{}", tone.dbfs);
            assert_eq!(tone.total_ms, 600);
        }
    }

    #[test]
    fn two_tones_mixed_are_two() {
        let mixed: Vec<i16> = sine(523.0, 6000.0, 3200)
            .iter()
            .zip(sine(587.0, 6000.0, 3200))
            .map(|(a, b)| a + b)
            .collect();
        let mut ear = EarKit::new().ear();
        ear.push(mixed.into_iter(), 400);
        let mut heard: Vec<f64> = ear.tones().iter().map(|tone| tone.hz.round()).collect();
        heard.sort_by(f64::total_cmp);
        assert_eq!(heard, [523.0, 587.0]);
    }

    #[test]
    fn silence_is_no_tone_and_is_measured() {
        let mut ear = EarKit::new().ear();
        ear.push(std::iter::repeat_n(8, 3200), 400);
        assert!(ear.tones().is_empty());
        assert_eq!(ear.longest_silence_ms(), 0, "nothing was said before");
        ear.push(sine(700.0, 8000.0, 1600).into_iter(), 600);
        ear.push(std::iter::repeat_n(0, 4800), 1200);
        ear.push(sine(700.0, 8000.0, 1600).into_iter(), 1400);
        assert_eq!(ear.longest_silence_ms(), 600);
    }

    #[test]
    fn a_cadence_is_told_span_by_span() {
        let mut ear = EarKit::new().ear();
        for cycle in 0..3_u64 {
            let start = cycle * 5000;
            for window in 1..=25 {
                let hz = if window <= 5 { 425.0 } else { 0.0 };
                // Up to 40 ms of jitter.
                let now_ms = start + window * 200 + (window * 17) % 40;
                ear.push(sine(hz, 8000.0, 1600).into_iter(), now_ms);
            }
        }
        let tones = ear.tones();
        assert_eq!(tones.len(), 1, "{tones:?}");
        let lengths: Vec<u64> = tones[0]
            .spans
            .iter()
            .map(|span| (span.to_ms - span.from_ms + 100) / 200 * 200)
            .collect();
        assert_eq!(lengths, [1000, 1000, 1000]);
        assert_eq!(tones[0].total_ms, 3000);
        assert_eq!(ear.longest_silence_ms(), 4000);
    }

    #[test]
    fn noise_does_not_grow_without_bound() {
        let mut ear = EarKit::new().ear();
        let mut seed = 1_u32;
        let noise = std::iter::repeat_with(move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 17) as i16
        });
        ear.push(noise.take(1600 * 200), 40_000);
        assert!(ear.tones().len() <= MAX_TONES);
    }
}
