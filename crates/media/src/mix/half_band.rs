//! Between 8 and 16 kHz, by a half-band low-pass: every second tap but the middle one is zero.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::{Frame, NARROW, WIDE, WideFrame};

/// Taps that are not zero, on each side of the middle.
const PAIRS: usize = 16;
/// Samples that the filter reaches back at 8 kHz.
const PAST: usize = 2 * PAIRS - 1;

/// The taps at odd distances 1, 3, 5, … from the middle, whose own is one half (windowed sinc, Blackman).
static TAPS: LazyLock<[f32; PAIRS]> = LazyLock::new(|| {
    let reach = (2 * PAIRS) as f64;
    let mut taps = [0.0; PAIRS];
    for (index, tap) in taps.iter_mut().enumerate() {
        let distance = (2 * index + 1) as f64;
        let turn = PI * distance / reach;
        let window = 0.42 + 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos();
        *tap = (PI * distance / 2.0).sin() / (PI * distance) * window;
    }
    // One for a constant: the middle gives one half, both sides together the other.
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum * 0.25) as f32)
});

/// Doubles the rate; what comes out is 2 ms late.
#[derive(Debug)]
pub(crate) struct Doubler {
    past: [f32; PAST],
}

/// Halves the rate; what comes out is 2 ms late.
#[derive(Debug)]
pub(super) struct Halver {
    /// Samples at even and at odd places.
    even: [f32; PAST],
    odd: [f32; PAST],
}

/// `past` with `frame` after it, and in `past` what the next frame needs.
fn lengthen(past: &mut [f32; PAST], frame: &Frame) -> [f32; PAST + NARROW] {
    let mut all = [0.0; PAST + NARROW];
    all[..PAST].copy_from_slice(past);
    all[PAST..].copy_from_slice(frame);
    past.copy_from_slice(&all[NARROW..]);
    all
}

/// The sum of the taps around the middle between `line[PAIRS - 1]` and `line[PAIRS]`.
fn side_taps(line: &[f32], taps: &[f32; PAIRS]) -> f32 {
    let (before, after) = line.split_at(PAIRS);
    let pairs = before.iter().rev().zip(after);
    pairs.zip(taps).map(|((a, b), tap)| (a + b) * tap).sum()
}

impl Doubler {
    pub(crate) fn new() -> Self {
        Self { past: [0.0; PAST] }
    }

    pub(crate) fn process(&mut self, input: &Frame, output: &mut WideFrame) {
        let taps = &*TAPS;
        let all = lengthen(&mut self.past, input);
        for (pair, line) in output.chunks_exact_mut(2).zip(all.windows(2 * PAIRS)) {
            pair[0] = line[PAIRS - 1];
            pair[1] = 2.0 * side_taps(line, taps);
        }
    }
}

impl Halver {
    pub(super) fn new() -> Self {
        Self {
            even: [0.0; PAST],
            odd: [0.0; PAST],
        }
    }

    pub(super) fn process(&mut self, input: &WideFrame, output: &mut Frame) {
        let taps = &*TAPS;
        let even: Frame = std::array::from_fn(|n| input[2 * n]);
        let odd: Frame = std::array::from_fn(|n| input[2 * n + 1]);
        let even = lengthen(&mut self.even, &even);
        let odd = lengthen(&mut self.odd, &odd);
        let middles = &even[PAIRS - 1..];
        for ((sample, line), middle) in output.iter_mut().zip(odd.windows(2 * PAIRS)).zip(&middles[1..]) {
            *sample = 0.5 * middle + side_taps(line, taps);
        }
    }
}

const _: () = assert!(WIDE == 2 * NARROW);

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(frequency: f64, rate: f64, length: usize) -> Vec<f32> {
        (0..length)
            .map(|n| (1000.0 * (2.0 * PI * frequency * n as f64 / rate).sin()) as f32)
            .collect()
    }

    /// The amplitude of a frequency, by correlation over whole periods.
    fn amplitude(samples: &[f32], frequency: f64, rate: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &sample) in samples.iter().enumerate() {
            let turn = 2.0 * PI * frequency * n as f64 / rate;
            re += f64::from(sample) * turn.cos();
            im += f64::from(sample) * turn.sin();
        }
        2.0 * re.hypot(im) / samples.len() as f64
    }

    fn doubled(frequency: f64) -> Vec<f32> {
        let mut doubler = Doubler::new();
        let mut all = Vec::new();
        for frame in sine(frequency, 8000.0, 20 * NARROW).chunks_exact(NARROW) {
            let mut wide = [0.0; WIDE];
            doubler.process(frame.try_into().unwrap(), &mut wide);
            all.extend(wide);
        }
        all.split_off(4 * WIDE)
    }

    fn halved(frequency: f64) -> Vec<f32> {
        let mut halver = Halver::new();
        let mut all = Vec::new();
        for frame in sine(frequency, 16_000.0, 20 * WIDE).chunks_exact(WIDE) {
            let mut narrow = [0.0; NARROW];
            halver.process(frame.try_into().unwrap(), &mut narrow);
            all.extend(narrow);
        }
        all.split_off(4 * NARROW)
    }

    #[test]
    fn the_voice_passes_and_its_mirror_does_not() {
        for frequency in [300.0, 1000.0, 2500.0, 3200.0] {
            let wide = doubled(frequency);
            let level = amplitude(&wide, frequency, 16_000.0);
            assert!(
                (level - 1000.0).abs() < 20.0,
                "{frequency} Hz came out as {level}"
            );
            let mirror = amplitude(&wide, 8000.0 - frequency, 16_000.0);
            assert!(mirror < 10.0, "the mirror of {frequency} Hz is {mirror}");
            let level = amplitude(&halved(frequency), frequency, 8000.0);
            assert!(
                (level - 1000.0).abs() < 20.0,
                "{frequency} Hz came out as {level}"
            );
        }
        for frequency in [4800.0, 5500.0, 7000.0] {
            let folded = amplitude(&halved(frequency), 8000.0 - frequency, 8000.0);
            assert!(folded < 10.0, "{frequency} Hz folds back with {folded}");
        }
    }
}
