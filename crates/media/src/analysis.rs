//! Which frequencies are in this audio, and how loud.
//!
//! Levels are in dBm0: a sine at digital full scale is +3.14 (ITU-T G.711 section 5).

use std::f64::consts::TAU;

use crate::{Codec, g711};

/// Samples per second of everything in this crate.
pub const SAMPLE_RATE: f64 = 8000.0;

/// dBm0 of a sine whose peak is 32768.
#[expect(clippy::approx_constant, reason = "G.711's level, not the circle's number")]
const FULL_SCALE_DBM0: f64 = 3.14;
/// [`partials`] finds nothing under this level, in dBm0.
const FLOOR_DBM0: f64 = -45.0;
/// [`partials`] finds nothing this many dB under the strongest frequency.
const RANGE_DB: f64 = 20.0;
const LOWEST_HZ: f64 = 200.0;
const HIGHEST_HZ: f64 = 3600.0;

/// One steady frequency in a stretch of audio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Partial {
    /// Hertz.
    pub frequency: f64,
    /// dBm0.
    pub level: f64,
}

/// G.711 to 16-bit linear samples.
pub fn decode(codec: Codec, payload: &[u8]) -> Vec<i16> {
    g711::decode(codec, payload)
}

/// 16-bit linear samples to G.711.
pub fn encode(codec: Codec, samples: &[i16]) -> Vec<u8> {
    g711::encode(codec, samples)
}

/// The amplitude (0 to 32768) of a sine that has this level in dBm0.
pub(crate) fn amplitude_of(level: f64) -> f64 {
    32_768.0 * 10f64.powf((level - FULL_SCALE_DBM0) / 20.0)
}

fn level_of_amplitude(amplitude: f64) -> f64 {
    20.0 * (amplitude / 32_768.0).log10() + FULL_SCALE_DBM0
}

/// The level of one frequency (hertz) in the samples, in dBm0.
pub fn level_of(samples: &[i16], frequency: f64) -> f64 {
    level_of_amplitude(amplitude(&windowed(samples), frequency))
}

/// The level of the whole signal, in dBm0 (a sine of this power). Silence is negative infinity.
pub fn level(samples: &[i16]) -> f64 {
    let power = samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / samples.len().max(1) as f64;
    level_of_power(power)
}

/// The level of a signal of this mean power, in dBm0.
pub(crate) fn level_of_power(power: f64) -> f64 {
    level_of_amplitude((2.0 * power).sqrt())
}

/// The strongest frequencies from 200 to 3600 Hz, strongest first: at most `max` of them, none weaker than
/// 20 dB under the strongest nor under −45 dBm0. Needs 50 ms of samples or more; best with 100 ms to 1 s.
///
/// Frequencies closer to each other than four times the inverse of the stretch (40 Hz in 100 ms) become one.
pub fn partials(samples: &[i16], max: usize) -> Vec<Partial> {
    if samples.len() < 80 {
        return Vec::new();
    }
    let windowed = windowed(samples);
    // Half the width of a bin: the main lobe of the window spans eight steps, so no peak falls between two.
    let step = SAMPLE_RATE / samples.len() as f64 / 2.0;
    let bins = ((HIGHEST_HZ - LOWEST_HZ) / step) as usize;
    let spectrum: Vec<f64> = (0..=bins)
        .map(|bin| amplitude(&windowed, LOWEST_HZ + bin as f64 * step))
        .collect();

    let mut found: Vec<Partial> = (1..bins)
        .filter(|&bin| spectrum[bin] > spectrum[bin - 1] && spectrum[bin] >= spectrum[bin + 1])
        .map(|bin| {
            let offset = peak_offset(spectrum[bin - 1], spectrum[bin], spectrum[bin + 1]);
            let frequency = LOWEST_HZ + (bin as f64 + offset) * step;
            Partial {
                frequency,
                level: level_of_amplitude(amplitude(&windowed, frequency)),
            }
        })
        .collect();
    found.sort_by(|a, b| b.level.total_cmp(&a.level));
    let Some(strongest) = found.first().map(|p| p.level) else {
        return found;
    };
    found.retain(|p| p.level >= FLOOR_DBM0 && p.level >= strongest - RANGE_DB);
    found.truncate(max);
    found
}

/// Whether `frequency` (±`tolerance` hertz) is one of the [`partials`].
pub fn contains(samples: &[i16], frequency: f64, tolerance: f64) -> bool {
    partials(samples, 8)
        .iter()
        .any(|p| (p.frequency - frequency).abs() <= tolerance)
}

/// A sum of sines, each of `level` dBm0, `duration` seconds long. For tests that need a voice of known frequency.
pub fn sines(frequencies: &[f64], level: f64, duration: f64) -> Vec<i16> {
    let amplitude = amplitude_of(level);
    (0..(duration * SAMPLE_RATE) as usize)
        .map(|n| {
            let t = n as f64 / SAMPLE_RATE;
            let sum: f64 = frequencies.iter().map(|f| amplitude * (TAU * f * t).sin()).sum();
            sum.clamp(-32_768.0, 32_767.0) as i16
        })
        .collect()
}

/// Hann window, scaled so that a sine keeps its amplitude.
fn windowed(samples: &[i16]) -> Vec<f64> {
    let length = samples.len() as f64;
    samples
        .iter()
        .enumerate()
        .map(|(n, &s)| f64::from(s) * (1.0 - (TAU * (n as f64 + 0.5) / length).cos()))
        .collect()
}

/// Goertzel: the amplitude of one frequency.
fn amplitude(windowed: &[f64], frequency: f64) -> f64 {
    let coefficient = 2.0 * (TAU * frequency / SAMPLE_RATE).cos();
    let (mut s1, mut s2) = (0.0f64, 0.0f64);
    for &sample in windowed {
        let s0 = sample + coefficient * s1 - s2;
        s2 = s1;
        s1 = s0;
    }
    let power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
    2.0 * power.max(0.0).sqrt() / windowed.len().max(1) as f64
}

/// Where the top of a parabola through three points lies, in steps from the middle one.
fn peak_offset(left: f64, middle: f64, right: f64) -> f64 {
    let curvature = left - 2.0 * middle + right;
    if curvature == 0.0 {
        0.0
    } else {
        (0.5 * (left - right) / curvature).clamp(-0.5, 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sine_is_found_with_its_level_in_both_laws() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            let samples = decode(codec, &g711::encode(codec, &sines(&[425.0], -10.0, 0.2)));
            let found = partials(&samples, 4);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!((found[0].frequency - 425.0).abs() < 1.0, "{found:?}");
            assert!((found[0].level + 10.0).abs() < 0.3, "{found:?}");
            assert!((level(&samples) + 10.0).abs() < 0.3);
        }
    }

    #[test]
    fn two_close_sines_are_told_apart() {
        let found = partials(&sines(&[440.0, 480.0], -19.0, 0.4), 4);
        let mut frequencies: Vec<i64> = found.iter().map(|p| p.frequency.round() as i64).collect();
        frequencies.sort_unstable();
        assert_eq!(frequencies, [440, 480]);
    }

    #[test]
    fn silence_has_no_partials() {
        assert!(partials(&[0; 800], 4).is_empty());
        assert!(partials(&decode(Codec::Pcma, &[g711::PCMA_SILENCE; 800]), 4).is_empty());
        assert!(partials(&[], 4).is_empty());
        assert!(level(&[]).is_infinite());
    }
}
