//! Keeps a sum of voices in 16 bit, by turning it down rather than cutting its peaks off.

use super::{Frame, NARROW};

/// Largest magnitude that comes out, in 16-bit units: a little under what G.711 can say.
const CEILING: f32 = 31_000.0;
/// Samples in which it turns down: 2 ms.
const ATTACK: usize = 16;
/// How much louder it becomes in 20 ms: 8 dB a second.
const RELEASE: f32 = 1.019;

#[derive(Debug)]
pub(super) struct Limiter {
    gain: f32,
}

impl Limiter {
    pub(super) fn new() -> Self {
        Self { gain: 1.0 }
    }

    /// Limits a frame, in place.
    pub(super) fn apply(&mut self, frame: &mut Frame) {
        let peak = frame.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        let wanted = if peak > CEILING { CEILING / peak } else { 1.0 };
        if wanted >= 1.0 && self.gain >= 1.0 {
            return;
        }
        let (next, ramp) = if wanted < self.gain {
            (wanted, ATTACK)
        } else {
            ((self.gain * RELEASE).min(wanted), NARROW)
        };
        let step = (next - self.gain) / ramp as f32;
        for (n, sample) in frame.iter_mut().enumerate() {
            let gain = if n < ramp {
                self.gain + step * (n + 1) as f32
            } else {
                next
            };
            // Only in the first 2 ms of a louder passage can anything be left to cut.
            *sample = (*sample * gain).clamp(-CEILING, CEILING);
        }
        self.gain = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    #[test]
    fn a_sum_that_is_too_loud_keeps_its_shape() {
        let mut limiter = Limiter::new();
        let mut heard = Vec::new();
        for frame in 0..50 {
            let mut samples: Frame = std::array::from_fn(|n| {
                let t = (frame * NARROW + n) as f32 / 8000.0;
                100_000.0 * (std::f32::consts::TAU * 500.0 * t).sin()
            });
            limiter.apply(&mut samples);
            heard.extend(samples.map(|sample| sample as i16));
        }
        assert!(heard.iter().all(|sample| sample.abs() <= 31_000));
        let steady = &heard[2 * NARROW..];
        let voice = analysis::level_of(steady, 500.0);
        let third = analysis::level_of(steady, 1500.0);
        assert!(
            third < voice - 50.0,
            "the third harmonic is at {third} under {voice}"
        );
    }

    #[test]
    fn what_fits_is_not_touched_and_a_shout_is_forgotten() {
        let mut limiter = Limiter::new();
        let quiet: Frame = std::array::from_fn(|n| n as f32);
        let mut frame = quiet;
        limiter.apply(&mut frame);
        assert!(frame.iter().zip(quiet).all(|(a, b)| (a - b).abs() < 0.01));
        limiter.apply(&mut [60_000.0; NARROW]);
        let mut frame = quiet;
        limiter.apply(&mut frame);
        assert!(frame[159] < 100.0, "still turned down");
        for _ in 0..50 {
            limiter.apply(&mut quiet.clone());
        }
        let mut frame = quiet;
        limiter.apply(&mut frame);
        assert!(frame.iter().zip(quiet).all(|(a, b)| (a - b).abs() < 0.01));
    }
}
