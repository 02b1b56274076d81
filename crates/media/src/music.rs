//! What a held party hears where the site gives nothing else: a quiet piece for bells and strings, written for this project
//! and computed here, so that nobody's rights are touched.
//!
//! Sixteen bars in D major at 75 beats a minute: 51 seconds that go round without a seam. All of it lies where a
//! telephone carries it.

use std::f32::consts::TAU;

use crate::analysis;

const RATE: f32 = 8000.0;
/// Samples of a quaver: 0.4 s.
const QUAVER: usize = 3200;
const QUAVERS_A_BAR: usize = 8;
/// Loudness of the whole, in dBm0: under a voice, for it may sound for minutes.
const LEVEL: f64 = -23.0;
/// Samples in which a note begins.
const ATTACK: usize = 60;

/// A bar: the chord that is broken into quavers, as semitones above D4.
type Chord = [i32; 4];

const D: Chord = [0, 4, 7, 12];
const B_MINOR: Chord = [-3, 2, 5, 9];
const G: Chord = [-7, 5, 9, 14];
const A: Chord = [-5, 4, 7, 11];
const F_SHARP_MINOR: Chord = [-8, 4, 7, 9];
const E_MINOR: Chord = [2, 5, 9, 14];

const BARS: [Chord; 16] = [
    D,
    B_MINOR,
    G,
    A,
    D,
    F_SHARP_MINOR,
    G,
    A,
    B_MINOR,
    F_SHARP_MINOR,
    G,
    D,
    E_MINOR,
    B_MINOR,
    G,
    A,
];

/// Which note of the chord each quaver plays.
const FIGURE: [usize; QUAVERS_A_BAR] = [0, 1, 2, 3, 2, 1, 2, 1];

/// The melody: the quaver it begins at, and semitones above D4.
const MELODY: [(usize, i32); 30] = [
    (0, 16),
    (6, 14),
    (8, 14),
    (12, 12),
    (16, 9),
    (22, 11),
    (24, 11),
    (28, 7),
    (32, 12),
    (36, 16),
    (40, 14),
    (46, 12),
    (48, 9),
    (52, 14),
    (56, 11),
    (64, 17),
    (70, 14),
    (72, 16),
    (76, 11),
    (80, 14),
    (86, 12),
    (88, 12),
    (92, 7),
    (96, 9),
    (100, 14),
    (104, 14),
    (108, 17),
    (112, 14),
    (118, 9),
    (120, 11),
];

/// Partial tones of a note: multiple of its frequency, loudness, and seconds in which it falls to a third.
type Timbre = [(f32, f32, f32); 3];

const STRING: Timbre = [(1.0, 1.0, 0.55), (2.0, 0.35, 0.35), (3.0, 0.12, 0.2)];
const BELL: Timbre = [(1.0, 1.0, 1.1), (2.0, 0.2, 0.7), (2.76, 0.1, 0.3)];

/// The piece, at 8 kHz.
pub(crate) fn hold_music() -> Vec<i16> {
    let mut piece = vec![0.0f32; BARS.len() * QUAVERS_A_BAR * QUAVER];
    for (bar, chord) in BARS.iter().enumerate() {
        for (quaver, &note) in FIGURE.iter().enumerate() {
            // The first of a bar is a little louder.
            let loudness = if quaver == 0 { 1.0 } else { 0.7 };
            strike(
                &mut piece,
                (bar * QUAVERS_A_BAR + quaver) * QUAVER,
                chord[note],
                loudness,
                &STRING,
            );
        }
    }
    for (quaver, note) in MELODY {
        strike(&mut piece, quaver * QUAVER, note, 1.1, &BELL);
    }
    let power = piece.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / piece.len() as f64;
    let gain = 10f64.powf((LEVEL - analysis::level_of_power(power)) / 20.0);
    piece
        .iter()
        .map(|&sample| (f64::from(sample) * gain).clamp(-32_000.0, 32_000.0) as i16)
        .collect()
}

/// Adds a note that rings on, beyond the end into the beginning.
fn strike(piece: &mut [f32], at: usize, semitones: i32, loudness: f32, timbre: &Timbre) {
    // D4.
    let frequency = 293.66 * 2f32.powf(semitones as f32 / 12.0);
    for &(multiple, part, fall) in timbre {
        let turn = TAU * frequency * multiple / RATE;
        // A resonator that was struck: a sine that dies away.
        let decay = (-1.0 / (fall * RATE)).exp();
        let (back, further) = (2.0 * decay * turn.cos(), decay * decay);
        let (mut last, mut before) = (decay * turn.sin(), 0.0);
        // Until it is 43 dB down.
        let length = (5.0 * fall * RATE) as usize;
        let (beginning, ringing) = piece.split_at_mut(at);
        for (n, sample) in ringing.iter_mut().chain(beginning).take(length).enumerate() {
            let attack = ((n + 1) as f32 / ATTACK as f32).min(1.0);
            *sample += last * attack * loudness * part;
            (last, before) = (back * last - further * before, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_quiet_steady_and_goes_round_without_a_seam() {
        let music = hold_music();
        assert_eq!(music.len(), 409_600);
        let level = analysis::level(&music);
        assert!((level - LEVEL).abs() < 0.5, "{level} dBm0");
        assert!(music.iter().all(|sample| sample.unsigned_abs() < 16_000));
        for (n, half_second) in music.chunks_exact(4000).enumerate() {
            let level = analysis::level(half_second);
            assert!((-35.0..-15.0).contains(&level), "{level} dBm0 at half second {n}");
        }
        let steps = |samples: &[i16]| {
            let pairs = samples.windows(2);
            pairs
                .map(|pair| i32::from(pair[1]).abs_diff(i32::from(pair[0])))
                .max()
        };
        let seam: Vec<i16> = music[music.len() - 100..]
            .iter()
            .chain(&music[..100])
            .copied()
            .collect();
        assert!(steps(&seam) <= steps(&music));
    }

    #[test]
    fn its_first_chord_is_d_major_in_tune() {
        let music = hold_music();
        let found = analysis::partials(&music[..4 * QUAVER], 12);
        for frequency in [293.7, 370.0, 440.0, 587.3, 740.0] {
            assert!(
                found
                    .iter()
                    .any(|partial| (partial.frequency - frequency).abs() < 4.0),
                "{frequency} Hz is missing in {found:?}"
            );
        }
    }
}
