//! Keys as pairs of tones (ITU-T Q.23), made and recognised (Q.24).

use std::f64::consts::TAU;

use crate::analysis::{SAMPLE_RATE, amplitude_of};

/// Every key, in the order of RFC 4733's event codes.
pub(crate) const DIGITS: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D',
];

const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYPAD: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];

/// dBm0 of the low and the high tone that we send: 2 dB of twist, as a line wants it.
const LOW_LEVEL: f64 = -11.0;
const HIGH_LEVEL: f64 = -9.0;
/// A key press of ours: tone and pause, in samples (100 ms and 60 ms; Q.24 asks for 40 and 40 at least).
const TONE: usize = 800;
const PAUSE: usize = 480;

/// The two frequencies of a key, in hertz.
pub(crate) fn frequencies(digit: char) -> Option<(f64, f64)> {
    KEYPAD.iter().zip(ROWS).find_map(|(keys, row)| {
        keys.iter()
            .position(|&key| key == digit)
            .map(|column| (row, COLUMNS[column]))
    })
}

/// One key press with the pause after it, as linear samples. Silence for what is no key.
pub(crate) fn key_press(digit: char) -> Vec<i16> {
    let mut samples = vec![0i16; TONE + PAUSE];
    if let Some((low, high)) = frequencies(digit) {
        let (low_peak, high_peak) = (amplitude_of(LOW_LEVEL), amplitude_of(HIGH_LEVEL));
        for (n, sample) in samples.iter_mut().take(TONE).enumerate() {
            let t = n as f64 / SAMPLE_RATE;
            *sample = (low_peak * (TAU * low * t).sin() + high_peak * (TAU * high * t).sin()) as i16;
        }
    }
    samples
}

/// Samples in a block. Two whole blocks fit into the shortest key press (40 ms) however it falls.
const BLOCK: usize = 102;
/// Power (mean square) under which nothing is a key: −36 dBm0.
const MIN_POWER: f32 = 130_000.0;
/// Share of the block's energy that the two tones must hold. Speech spreads over its harmonics.
const MIN_SHARE: f32 = 0.74;
/// How much stronger the high tone may be than the low one (5 dB), and the low than the high (10 dB). Q.24 asks to
/// accept 4 and 8; the rest is for the leakage of a short block.
const MAX_TWIST: f32 = 3.16;
const MAX_REVERSE_TWIST: f32 = 10.0;
/// How far the chosen tone of a group must stand above the others (7 dB).
const MIN_DISTANCE: f32 = 5.0;

/// Listens for keys in linear audio.
#[derive(Debug)]
pub(crate) struct InbandDetector {
    coefficients: [f32; 8],
    state: [(f32, f32); 8],
    energy: f32,
    filled: usize,
    /// What the last block held.
    last: Option<char>,
    pressed: Option<char>,
}

impl InbandDetector {
    pub(crate) fn new() -> Self {
        let mut coefficients = [0.0; 8];
        for (coefficient, frequency) in coefficients.iter_mut().zip(ROWS.into_iter().chain(COLUMNS)) {
            *coefficient = (2.0 * (TAU * frequency / SAMPLE_RATE).cos()) as f32;
        }
        Self {
            coefficients,
            state: [(0.0, 0.0); 8],
            energy: 0.0,
            filled: 0,
            last: None,
            pressed: None,
        }
    }

    /// Listens to samples of a packet; tells a key when it has been heard in two blocks in a row.
    pub(crate) fn listen(&mut self, samples: impl Iterator<Item = i16>) -> Option<char> {
        let mut heard = None;
        for sample in samples {
            let sample = f32::from(sample);
            self.energy += sample * sample;
            for ((s1, s2), coefficient) in self.state.iter_mut().zip(self.coefficients) {
                let s0 = sample + coefficient * *s1 - *s2;
                *s2 = *s1;
                *s1 = s0;
            }
            self.filled += 1;
            if self.filled == BLOCK {
                heard = self.end_of_block().or(heard);
            }
        }
        heard
    }

    /// Whether a key that was told is still held down.
    pub(crate) fn is_pressed(&self) -> bool {
        self.pressed.is_some()
    }

    fn end_of_block(&mut self) -> Option<char> {
        let block = self.judge();
        self.state = [(0.0, 0.0); 8];
        self.energy = 0.0;
        self.filled = 0;

        // One block alone is neither a press nor a release.
        let changed = block == self.last && block != self.pressed;
        self.last = block;
        if !changed {
            return None;
        }
        self.pressed = block;
        block
    }

    /// The key of the block that is full now.
    fn judge(&self) -> Option<char> {
        if self.energy < MIN_POWER * BLOCK as f32 {
            return None;
        }
        let mut powers = [0.0f32; 8];
        for ((power, &(s1, s2)), coefficient) in powers.iter_mut().zip(&self.state).zip(self.coefficients) {
            *power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
        }
        let (row, low) = strongest(&powers[..4])?;
        let (column, high) = strongest(&powers[4..])?;
        if high > low * MAX_TWIST || low > high * MAX_REVERSE_TWIST {
            return None;
        }
        // A sine of power P gives P·N²/4 here and P·N/2 in the energy.
        let share = (low + high) * 2.0 / (BLOCK as f32 * self.energy);
        (share >= MIN_SHARE).then(|| KEYPAD[row][column])
    }
}

/// The strongest of a group, if it stands clear of the others.
fn strongest(group: &[f32]) -> Option<(usize, f32)> {
    let (index, &power) = group.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let clear = group
        .iter()
        .enumerate()
        .all(|(i, &p)| i == index || p * MIN_DISTANCE < power);
    clear.then_some((index, power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Codec, g711, prompts};

    fn heard(samples: &[i16]) -> String {
        let mut detector = InbandDetector::new();
        samples
            .chunks(160)
            .filter_map(|packet| detector.listen(packet.iter().copied()))
            .collect()
    }

    #[test]
    fn our_own_keys_are_recognised_through_both_laws() {
        let all: String = DIGITS.iter().collect();
        let samples: Vec<i16> = DIGITS.iter().flat_map(|&d| key_press(d)).collect();
        for codec in [Codec::Pcmu, Codec::Pcma] {
            assert_eq!(heard(&g711::decode(codec, &g711::encode(codec, &samples))), all);
        }
    }

    /// A key with every parameter free: durations in samples, frequencies scaled, levels in dBm0.
    fn key(digit: char, scale: f64, low_level: f64, high_level: f64, tone: usize, pause: usize) -> Vec<i16> {
        let (low, high) = frequencies(digit).unwrap();
        let (a, b) = (amplitude_of(low_level), amplitude_of(high_level));
        let voice = |n: usize| {
            let t = n as f64 / SAMPLE_RATE;
            (a * (TAU * low * scale * t).sin() + b * (TAU * high * scale * t).sin()) as i16
        };
        (0..tone)
            .map(voice)
            .chain(std::iter::repeat_n(0, pause))
            .collect()
    }

    #[test]
    fn keys_at_the_limits_of_q24_are_recognised() {
        for digit in DIGITS {
            for (scale, low, high) in [
                (1.0, -25.0, -25.0),
                (1.015, -10.0, -10.0),
                (0.985, -10.0, -10.0),
                (1.0, -12.0, -8.5),
                (1.0, -6.0, -13.0),
            ] {
                // 13 samples of lead-in shift the press against the blocks each time.
                let samples: Vec<i16> = (0..8)
                    .flat_map(|n| [vec![0; n * 13], key(digit, scale, low, high, 328, 480)].concat())
                    .collect();
                assert_eq!(
                    heard(&samples),
                    digit.to_string().repeat(8),
                    "{digit} {scale} {low} {high}"
                );
            }
        }
    }

    #[test]
    fn off_frequency_and_short_tones_are_no_keys() {
        for digit in DIGITS {
            assert_eq!(
                heard(&key(digit, 1.06, -10.0, -10.0, 800, 400)),
                "",
                "{digit} off by 6 %"
            );
            assert_eq!(
                heard(&key(digit, 1.0, -10.0, -10.0, 150, 400)),
                "",
                "{digit} for 19 ms"
            );
            assert_eq!(
                heard(&key(digit, 1.0, -50.0, -50.0, 800, 400)),
                "",
                "{digit} at -50"
            );
        }
    }

    #[test]
    fn speech_does_not_talk_off() {
        for (key, name, wav) in prompts::all() {
            let speech = prompts::read(name, wav).unwrap();
            assert_eq!(heard(&speech), "", "{key:?}");
            // The same voice, higher and lower, as other people have.
            for step in [5usize, 6, 7, 9, 10, 11, 12] {
                let other: Vec<i16> = (0..speech.len() * 8 / step)
                    .map(|n| speech[n * step / 8])
                    .collect();
                assert_eq!(heard(&other), "", "{key:?} at {step}/8");
            }
        }
    }

    #[test]
    fn a_held_key_is_one_press_and_a_repeated_one_two() {
        assert_eq!(heard(&key('7', 1.0, -10.0, -10.0, 8000, 0)), "7");
        let twice = [
            key('7', 1.0, -10.0, -10.0, 400, 400),
            key('7', 1.0, -10.0, -10.0, 400, 400),
        ]
        .concat();
        assert_eq!(heard(&twice), "77");
    }
}
