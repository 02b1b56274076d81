//! What a telephone says: tones that are recognisable at the far end, and a mailbox's greeting.

/// Samples a second of G.711.
pub(crate) const RATE: f64 = 8000.0;
/// Samples of one 20 ms frame.
pub(crate) const FRAME: usize = 160;
/// −12 dBFS: loud enough to find, far from clipping when a bridge adds two of them.
const AMPLITUDE: f64 = 8230.0;

/// Frequencies in hertz of DTMF and of call progress tones in common use: no telephone's own tone may come near them.
const TAKEN: [f64; 18] = [
    350.0, 400.0, 425.0, 440.0, 450.0, 480.0, 620.0, 950.0, 1400.0, 1800.0, 697.0, 770.0, 852.0, 941.0,
    1209.0, 1336.0, 1477.0, 1633.0,
];

/// The tones telephones may have: 455 to 1600 Hz, at least 15 Hz from each other and from [`TAKEN`], and none near
/// twice or three times another, so that distortion of one is never mistaken for another.
pub(crate) fn tones() -> Vec<f64> {
    let mut chosen: Vec<f64> = Vec::new();
    for step in 0..229 {
        let candidate = 1600.0 - 5.0 * f64::from(step);
        let free = TAKEN.iter().all(|taken| (taken - candidate).abs() >= 15.0);
        let alone = chosen.iter().all(|other| {
            (other - candidate).abs() >= 15.0
                && (other / candidate - 2.0).abs() > 0.02
                && (other / candidate - 3.0).abs() > 0.02
        });
        if free && alone {
            chosen.push(candidate);
        }
    }
    chosen
}

/// The tone of the telephone behind `number`: always the same for one number.
pub fn tone_of(number: &str) -> f64 {
    let tones = tones();
    let hash = number.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    tones[usize::try_from(hash % tones.len() as u64).unwrap_or(0)]
}

/// One note: a frequency in hertz (0 is silence) and its length in samples, `None` for ever.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Note {
    hz: f64,
    samples: Option<u32>,
}

/// What is said, note by note. After the last note there is silence.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Score {
    notes: Vec<Note>,
}

impl Score {
    pub(crate) fn silence() -> Self {
        Self::default()
    }

    pub(crate) fn tone(hz: f64) -> Self {
        Self {
            notes: vec![Note { hz, samples: None }],
        }
    }

    /// A tone of this length, then silence.
    pub(crate) fn tone_for(hz: f64, ms: u64) -> Self {
        Self {
            notes: vec![Note {
                hz,
                samples: Some(u32::try_from(ms * 8).unwrap_or(u32::MAX)),
            }],
        }
    }

    /// A greeting with the rhythm of speech (syllables of 120 to 280 ms, a pause after some), then the beep.
    pub(crate) fn voicemail(greeting_ms: u64) -> Self {
        const SYLLABLES: [(f64, u32, u32); 7] = [
            (310.0, 180, 20),
            (520.0, 140, 20),
            (270.0, 220, 160),
            (610.0, 120, 20),
            (380.0, 280, 20),
            (550.0, 160, 240),
            (290.0, 240, 60),
        ];
        let mut notes = Vec::new();
        let mut left_ms = greeting_ms;
        for (hz, on_ms, off_ms) in SYLLABLES.iter().cycle() {
            if left_ms == 0 {
                break;
            }
            for (hz, ms) in [(*hz, *on_ms), (0.0, *off_ms)] {
                let ms = left_ms.min(u64::from(ms));
                left_ms -= ms;
                notes.push(Note {
                    hz,
                    samples: Some(u32::try_from(ms * 8).unwrap_or(0)),
                });
            }
        }
        notes.push(Note {
            hz: 1000.0,
            samples: Some(8 * 400),
        });
        Self { notes }
    }
}

/// Turns a [`Score`] into samples, frame by frame, without a break in the phase.
#[derive(Debug)]
pub(crate) struct Singer {
    score: Score,
    place: usize,
    sung: u32,
    phase: f64,
}

impl Singer {
    pub(crate) fn new(score: Score) -> Self {
        Self {
            score,
            place: 0,
            sung: 0,
            phase: 0.0,
        }
    }

    pub(crate) fn fill(&mut self, frame: &mut [i16; FRAME]) {
        for sample in frame {
            *sample = self.next_sample();
        }
    }

    fn next_sample(&mut self) -> i16 {
        while let Some(note) = self.score.notes.get(self.place).copied() {
            if note.samples.is_some_and(|samples| self.sung >= samples) {
                self.place += 1;
                self.sung = 0;
                continue;
            }
            self.sung = self.sung.saturating_add(1);
            if note.hz == 0.0 {
                return 0;
            }
            self.phase = (self.phase + note.hz / RATE).fract();
            return (AMPLITUDE * (std::f64::consts::TAU * self.phase).sin()) as i16;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tone_is_a_harmonic_of_another() {
        let tones = tones();
        assert!(tones.len() >= 20, "{} tones", tones.len());
        for a in &tones {
            assert!((440.0..=1600.0).contains(a));
            for b in &tones {
                for factor in [2.0, 3.0] {
                    assert!((a / b - factor).abs() > 0.01, "{a} and {b}");
                }
            }
        }
    }

    #[test]
    fn a_number_keeps_its_tone() {
        assert!((tone_of("+390698765401") - tone_of("+390698765401")).abs() < f64::EPSILON);
        let different: std::collections::BTreeSet<u64> = (0..200)
            .map(|n| tone_of(&format!("+39069876{n:04}")) as u64)
            .collect();
        assert!(different.len() > 15, "{} tones in use", different.len());
    }

    #[test]
    fn a_greeting_has_its_length_then_a_beep_then_silence() {
        let mut singer = Singer::new(Score::voicemail(1000));
        let mut frames = Vec::new();
        for _ in 0..100 {
            let mut frame = [0; FRAME];
            singer.fill(&mut frame);
            frames.push(frame);
        }
        let crossings = |frames: &[[i16; FRAME]]| {
            let samples: Vec<i16> = frames.concat();
            samples
                .windows(2)
                .filter(|pair| pair[0] < 0 && pair[1] >= 0)
                .count()
        };
        assert_eq!(crossings(&frames[52..68]), 320, "1000 Hz for 320 ms");
        assert!(frames[71..].concat().iter().all(|sample| *sample == 0));
        assert!(frames[..50].concat().iter().any(|sample| *sample != 0));
    }
}
