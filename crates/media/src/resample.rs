//! From any rate of a sound file to that of the telephone.

const TELEPHONE_HZ: u32 = 8000;
/// Above it nothing is left that would fold back.
const CUT_OFF_HZ: f64 = 3600.0;
/// Taps on each side of the filter's middle, for audio at 16 kHz.
const HALF_AT_16_KHZ: u32 = 31;

/// Audio at 8 kHz out of audio at `rate`, which is 8 kHz or more: through a low-pass at 3.6 kHz, a windowed sinc with
/// taps of its own for each place that a sample can have between two of before.
pub(crate) fn to_8_khz(samples: &[f32], rate: u32) -> Vec<i16> {
    if rate == TELEPHONE_HZ {
        return samples.iter().copied().map(to_i16).collect();
    }
    let common = gcd(rate, TELEPHONE_HZ) as usize;
    let (up, down) = (TELEPHONE_HZ as usize / common, rate as usize / common);
    let half = (HALF_AT_16_KHZ * rate).div_ceil(16_000) as usize;
    let phases: Vec<Vec<f32>> = (0..up)
        .map(|phase| taps(phase as f64 / up as f64, half, CUT_OFF_HZ / f64::from(rate)))
        .collect();
    (0..(samples.len() * up).div_ceil(down))
        .map(|n| {
            let (middle, phase) = (n * down / up, n * down % up);
            let from = middle.saturating_sub(half);
            let to = (middle + half + 1).min(samples.len());
            let taps = &phases[phase][from + half - middle..];
            let sum: f32 = samples[from..to].iter().zip(taps).map(|(a, b)| a * b).sum();
            to_i16(sum)
        })
        .collect()
}

/// The filter for an output `behind` a sample, 0 to 1 of the distance to the next.
fn taps(behind: f64, half: usize, cut_off: f64) -> Vec<f32> {
    let tap = |n: usize| {
        let x = n as f64 - half as f64 - behind;
        let sinc = if x == 0.0 {
            2.0 * cut_off
        } else {
            (std::f64::consts::TAU * cut_off * x).sin() / (std::f64::consts::PI * x)
        };
        let turn = std::f64::consts::PI * x / (half + 1) as f64;
        // Blackman: what would fold back is 70 dB down.
        sinc * (0.42 + 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos())
    };
    let taps: Vec<f64> = (0..=2 * half).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Of samples in the scale of 16 bit.
fn to_i16(sample: f32) -> i16 {
    sample.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    /// One second of sines, each of amplitude 8000.
    fn sines(rate: u32, frequencies: &[f64]) -> Vec<f32> {
        let at = |n: u32| {
            let turn = std::f64::consts::TAU * f64::from(n) / f64::from(rate);
            let sum: f64 = frequencies.iter().map(|hz| (turn * hz).sin()).sum();
            (8000.0 * sum) as f32
        };
        (0..rate).map(at).collect()
    }

    #[test]
    fn every_rate_keeps_speech_at_its_pitch_and_loses_what_would_fold_back() {
        for rate in [11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000] {
            // 5 kHz would be heard as 3 kHz.
            let heard = to_8_khz(&sines(rate, &[1000.0, 5000.0]), rate);
            assert_eq!(heard.len(), 8000, "{rate}");
            let middle = &heard[400..7600];
            let found = analysis::partials(middle, 4);
            assert_eq!(found.len(), 1, "{rate}: {found:?}");
            assert!((found[0].frequency - 1000.0).abs() < 2.0, "{rate}: {found:?}");
            assert!(analysis::level_of(middle, 3000.0) < -65.0, "{rate}");
            let loudest = middle.iter().copied().max().unwrap();
            assert!((7900..8100).contains(&loudest), "{rate}: {loudest}");
        }
    }

    #[test]
    fn nothing_and_one_sample_are_taken_too() {
        assert!(to_8_khz(&[], 48_000).is_empty());
        assert_eq!(to_8_khz(&[1.0], 44_100).len(), 1);
        assert_eq!(to_8_khz(&[40_000.0, -40_000.0], 8000), [i16::MAX, i16::MIN]);
    }
}
