//! Hearing the beep of a mailbox: one steady tone, then silence.

/// Samples looked at together: 20 ms.
const FRAME: usize = 160;
/// A tone this short is a click or a signal, not a beep.
const SHORTEST_MS: u64 = 140;
/// How long it must be silent after the tone.
const SILENCE_MS: u64 = 80;
/// Beeps lie here, between ringback (up to 480 Hz) and the last of the special information tones (1800 Hz).
const HZ: std::ops::RangeInclusive<f64> = 700.0..=1700.0;
/// How far a steady tone may wander from frame to frame, in hertz.
const STEADY_HZ: f64 = 20.0;
/// Share of the power that a second-order predictor may leave over: G.711 leaves a thousandth, speech far more.
const IMPURITY: f64 = 0.02;
/// Below this mean square a frame is silence: −50 dBFS.
const SILENCE_POWER: f64 = 32_768.0 * 32_768.0 / 2.0 * 1e-5;

/// Finds the first beep in a stream of samples.
#[derive(Debug, Default)]
pub(crate) struct BeepListener {
    frame: Vec<f64>,
    tone: Option<Tone>,
    beep_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Tone {
    hz: f64,
    length_ms: u64,
    /// When its last frame arrived.
    last_ms: u64,
}

impl BeepListener {
    /// Takes samples that arrived at `now_ms`.
    pub(crate) fn push(&mut self, samples: impl Iterator<Item = i16>, now_ms: u64) {
        if self.beep_ms.is_some() {
            return;
        }
        for sample in samples {
            self.frame.push(f64::from(sample));
            if self.frame.len() == FRAME {
                self.listen(now_ms);
                self.frame.clear();
            }
        }
    }

    /// When the beep ended, in milliseconds. `now_ms` counts as silence when no packet came: a mailbox that records may
    /// send none.
    pub(crate) fn beep_ms(&mut self, now_ms: u64) -> Option<u64> {
        if self.beep_ms.is_none()
            && let Some(tone) = self.tone
            && tone.length_ms >= SHORTEST_MS
            && now_ms.saturating_sub(tone.last_ms) >= SILENCE_MS
        {
            self.beep_ms = Some(tone.last_ms);
        }
        self.beep_ms
    }

    fn listen(&mut self, now_ms: u64) {
        let power = self.frame.iter().map(|sample| sample * sample).sum::<f64>() / FRAME as f64;
        if power < SILENCE_POWER {
            // A short one is forgotten; a long one waits for its silence to last.
            self.tone = self.tone.filter(|tone| tone.length_ms >= SHORTEST_MS);
            return;
        }
        self.tone = match (pure(&self.frame), self.tone) {
            (Some(hz), Some(tone)) if (hz - tone.hz).abs() <= STEADY_HZ => Some(Tone {
                hz,
                length_ms: tone.length_ms + 20,
                last_ms: now_ms,
            }),
            (Some(hz), _) => Some(Tone {
                hz,
                length_ms: 20,
                last_ms: now_ms,
            }),
            // The frame in which the tone fades out is neither.
            (None, Some(tone)) if tone.length_ms >= SHORTEST_MS && tone.last_ms + 40 > now_ms => Some(tone),
            (None, _) => None,
        };
    }
}

/// The frequency of a frame that is one sine: such samples follow `x[n] = 2·cos(ω)·x[n−1] − x[n−2]`.
fn pure(frame: &[f64]) -> Option<f64> {
    let (mut cross, mut square, mut sum_square) = (0.0, 0.0, 0.0);
    for three in frame.windows(3) {
        let sum = three[0] + three[2];
        cross += sum * three[1];
        square += three[1] * three[1];
        sum_square += sum * sum;
    }
    let twice_cosine = cross / square;
    let left = sum_square - twice_cosine * cross;
    if left > IMPURITY * square || twice_cosine.abs() >= 2.0 {
        return None;
    }
    let hz = (twice_cosine / 2.0).acos() / std::f64::consts::TAU * 8000.0;
    HZ.contains(&hz).then_some(hz)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{Score, Singer};

    /// When a beep is heard in `samples`, which arrive in packets of 20 ms through A-law.
    fn heard(samples: &[i16], silence_after_ms: u64) -> Option<u64> {
        use audio_codec_algorithms::{decode_alaw, encode_alaw};
        let mut listener = BeepListener::default();
        let mut now_ms = 0;
        for packet in samples.chunks(160) {
            now_ms += 20;
            listener.push(
                packet.iter().map(|sample| decode_alaw(encode_alaw(*sample))),
                now_ms,
            );
            if let Some(at) = listener.beep_ms(now_ms) {
                return Some(at);
            }
        }
        listener.beep_ms(now_ms + silence_after_ms)
    }

    fn sines(hz: &[f64], ms: usize) -> Vec<i16> {
        (0..ms * 8)
            .map(|n| {
                let turn = std::f64::consts::TAU * n as f64 / 8000.0;
                let sum: f64 = hz.iter().map(|hz| (hz * turn).sin()).sum();
                (6000.0 * sum) as i16
            })
            .collect()
    }

    #[test]
    fn a_mailbox_is_heard_to_beep_after_its_greeting() {
        let mut singer = Singer::new(Score::voicemail(3000));
        let mut samples = Vec::new();
        for _ in 0..200 {
            let mut frame = [0; FRAME];
            singer.fill(&mut frame);
            samples.extend(frame);
        }
        let at = heard(&samples, 0).unwrap();
        assert!((3360..=3420).contains(&at), "{at}");
    }

    #[test]
    fn a_mailbox_that_sends_nothing_while_it_records_is_heard_too() {
        let samples = sines(&[1000.0], 300);
        assert_eq!(heard(&samples, 0), None);
        assert_eq!(heard(&samples, 100), Some(300));
    }

    #[test]
    fn what_is_no_beep_is_not_taken_for_one() {
        let silence = vec![0; 4000];
        for (what, hz, ms) in [
            ("ringback", vec![425.0], 1000),
            ("a tick", vec![1000.0], 100),
            ("a key", vec![697.0, 1209.0], 200),
            ("a voice", vec![220.0, 440.0, 880.0, 1320.0], 400),
        ] {
            let mut samples = sines(&hz, ms);
            samples.extend(&silence);
            assert_eq!(heard(&samples, 1000), None, "{what}");
        }
        let mut information = Vec::new();
        for hz in [950.0, 1400.0, 1800.0] {
            information.extend(sines(&[hz], 330));
            information.extend(&silence[..120]);
        }
        information.extend(&silence);
        assert_eq!(heard(&information, 1000), None, "special information tone");
    }
}
