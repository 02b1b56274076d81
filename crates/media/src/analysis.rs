//! Which frequencies are in this audio, and how loud.
//!
//! Levels are in dBm0: a sine at digital full scale is +3.14 (ITU-T G.711 section 5).

use crate::Codec;

/// Samples per second of everything in this crate.
pub const SAMPLE_RATE: f64 = 8000.0;

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
    let _ = codec;
    payload.iter().map(|_| 0).collect()
}

/// The level of one frequency (hertz) in the samples, in dBm0.
pub fn level_of(samples: &[i16], frequency: f64) -> f64 {
    let _ = (samples, frequency);
    f64::NEG_INFINITY
}

/// The level of the whole signal, in dBm0. Silence is negative infinity.
pub fn level(samples: &[i16]) -> f64 {
    let _ = samples;
    f64::NEG_INFINITY
}

/// The strongest frequencies from 200 to 3600 Hz, strongest first: at most `max` of them, none weaker than
/// 20 dB under the strongest nor under −45 dBm0. Needs 50 ms of samples or more; best with 100 ms to 1 s.
pub fn partials(samples: &[i16], max: usize) -> Vec<Partial> {
    let _ = (samples, max);
    Vec::new()
}

/// Whether `frequency` (±`tolerance` hertz) is one of the [`partials`].
pub fn contains(samples: &[i16], frequency: f64, tolerance: f64) -> bool {
    partials(samples, 8)
        .iter()
        .any(|p| (p.frequency - frequency).abs() <= tolerance)
}
