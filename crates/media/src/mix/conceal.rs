//! Fills what was lost: first with the voice's own last period, then with its background noise.
//!
//! After the idea of ITU-T G.711 appendix I: the last pitch period is repeated, after 10 ms two and then three of them, fading
//! out within 60 ms; the return of the true signal is faded in.

use super::jitter::ABSENT;
use super::{Frame, NARROW};
use crate::background::Background;

/// Pitch from 66 to 200 Hz.
const LONGEST_LAG: usize = 120;
const SHORTEST_LAG: usize = 40;
/// Samples that are compared to find it.
const COMPARED: usize = 160;
/// Periods that are repeated in the end.
const MAX_PERIODS: usize = 3;
/// Three periods, and a quarter of one to fade between the end of the last and the beginning of the first.
const HISTORY: usize = MAX_PERIODS * LONGEST_LAG + LONGEST_LAG / 4;
/// Samples at full loudness: 10 ms.
const FULL: usize = 80;
/// Samples from the beginning of a loss to where only background noise is left: 60 ms.
const FADED: usize = 480;
/// Longest stretch in which the true signal fades in.
const MAX_RETURN: usize = 80;
/// Background noise ends after so long without a packet: 10 s.
const ABANDONED: usize = 80_000;

#[derive(Debug)]
pub(super) struct Concealer {
    /// What was heard last.
    history: [f32; HISTORY],
    /// What was heard before the loss; repeated from its end.
    before: [f32; HISTORY],
    /// Samples since the loss began; `None` while there is none.
    lost: Option<usize>,
    lag: usize,
    periods: usize,
    /// Where in the repeated stretch.
    position: usize,
    /// Samples of the fade-in that are done.
    returned: usize,
    noise: Background,
}

impl Concealer {
    pub(super) fn new() -> Self {
        Self {
            history: [0.0; HISTORY],
            before: [0.0; HISTORY],
            lost: None,
            lag: LONGEST_LAG,
            periods: 1,
            position: 0,
            returned: 0,
            noise: Background::new(),
        }
    }

    /// Mean square of the background noise.
    pub(super) fn noise_power(&self) -> f32 {
        self.noise.power()
    }

    /// Gives the samples as they are to be heard, those that are absent filled.
    pub(super) fn fill(&mut self, samples: &[i16; NARROW]) -> Frame {
        let whole = !samples.contains(&ABSENT);
        let frame = if whole && self.lost.is_none() {
            samples.map(f32::from)
        } else {
            let mut frame = [0.0; NARROW];
            for (n, (out, &sample)) in frame.iter_mut().zip(samples).enumerate() {
                *out = if sample == ABSENT {
                    if self.lost.is_none() {
                        self.begin(&samples[..n]);
                    }
                    self.returned = 0;
                    self.invent()
                } else if let Some(lost) = self.lost {
                    self.bring_back(f32::from(sample), lost)
                } else {
                    f32::from(sample)
                };
            }
            frame
        };
        if whole {
            self.noise.learn(frame.into_iter());
        }
        self.history.copy_within(NARROW.., 0);
        self.history[HISTORY - NARROW..].copy_from_slice(&frame);
        frame
    }

    /// A loss begins after these samples of the frame.
    fn begin(&mut self, present: &[i16]) {
        self.before = self.history;
        self.before.copy_within(present.len().., 0);
        for (out, &sample) in self.before[HISTORY - present.len()..].iter_mut().zip(present) {
            *out = f32::from(sample);
        }
        self.lag = pitch(&self.before);
        self.periods = 1;
        self.position = 0;
        self.lost = Some(0);
    }

    /// The next sample in place of one that is lost.
    fn invent(&mut self) -> f32 {
        let lost = self.lost.unwrap_or(0);
        self.lost = Some(lost + 1);
        if lost >= ABANDONED {
            return 0.0;
        }
        let noise = self.noise.sample();
        if lost >= FADED {
            return noise;
        }
        let part = lost.saturating_sub(FULL) as f32 / (FADED - FULL) as f32;
        self.repeat() * (1.0 - part) + noise * part
    }

    /// The next sample of the repeated stretch.
    fn repeat(&mut self) -> f32 {
        let span = self.lag * self.periods;
        let fade = self.lag / 4;
        let at = HISTORY - span + self.position;
        let left = span - self.position;
        let sample = if left <= fade {
            // Into what came before the beginning of the stretch, for that is what follows.
            let part = (fade - left + 1) as f32 / (fade + 1) as f32;
            self.before[at] * (1.0 - part) + self.before[at - span] * part
        } else {
            self.before[at]
        };
        self.position += 1;
        if self.position == span {
            self.position = 0;
            if self.lost.is_some_and(|lost| lost > FULL * self.periods) {
                self.periods = (self.periods + 1).min(MAX_PERIODS);
            }
        }
        sample
    }

    /// A sample has come after so many that were lost.
    fn bring_back(&mut self, sample: f32, lost: usize) -> f32 {
        let length = (self.lag / 4 + lost / 4).min(MAX_RETURN);
        let invented = self.invent();
        // The fade-in is no loss.
        self.lost = Some(lost);
        self.returned += 1;
        if self.returned >= length {
            self.lost = None;
            self.returned = 0;
        }
        let part = (self.returned.max(1) as f32 / length as f32).min(1.0);
        if self.lost.is_none() {
            sample
        } else {
            sample * part + invented * (1.0 - part)
        }
    }
}

/// The distance at which the end of the history is most like itself.
fn pitch(history: &[f32; HISTORY]) -> usize {
    let end = &history[HISTORY - COMPARED..];
    let likeness = |lag: usize, step: usize| {
        let earlier = &history[HISTORY - COMPARED - lag..HISTORY - lag];
        let (mut product, mut energy) = (0.0f32, 1.0f32);
        for (a, b) in end.iter().step_by(step).zip(earlier.iter().step_by(step)) {
            product += a * b;
            energy += b * b;
        }
        product / energy.sqrt()
    };
    let best = |lags: &mut dyn Iterator<Item = usize>, step: usize| {
        lags.map(|lag| (lag, likeness(lag, step)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(LONGEST_LAG, |(lag, _)| lag)
    };
    // Every second sample first, then exactly around the best.
    let coarse = best(&mut (SHORTEST_LAG..=LONGEST_LAG), 2);
    best(
        &mut (coarse.max(SHORTEST_LAG + 1) - 1..=(coarse + 1).min(LONGEST_LAG)),
        1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    /// What is heard of a signal when these frames are lost.
    fn heard(signal: &[i16], is_lost: impl Fn(usize) -> bool) -> Vec<i16> {
        let mut concealer = Concealer::new();
        let frames = signal.chunks_exact(NARROW).enumerate();
        frames
            .flat_map(|(n, frame)| {
                let frame: [i16; NARROW] = if is_lost(n) {
                    [ABSENT; NARROW]
                } else {
                    frame.try_into().unwrap()
                };
                concealer.fill(&frame).map(|sample| sample as i16)
            })
            .collect()
    }

    /// Signal over error, in dB.
    fn signal_to_error(signal: &[i16], heard: &[i16]) -> f64 {
        let error: Vec<i16> = signal
            .iter()
            .zip(heard)
            .map(|(a, b)| a.saturating_sub(*b))
            .collect();
        analysis::level(signal) - analysis::level(&error)
    }

    /// Something with the shape of a voice: harmonics of 110 Hz that fall off.
    fn voice() -> Vec<i16> {
        let parts: Vec<Vec<i16>> = (1..=12)
            .map(|n| analysis::sines(&[110.0 * f64::from(n)], -14.0 - 2.0 * f64::from(n), 2.0))
            .collect();
        (0..parts[0].len())
            .map(|n| parts.iter().map(|part| part[n]).sum())
            .collect()
    }

    #[test]
    fn nothing_lost_is_nothing_changed() {
        let signal = voice();
        assert_eq!(heard(&signal, |_| false), signal);
    }

    #[test]
    fn a_lost_packet_of_a_voice_is_hardly_an_error() {
        let signal = voice();
        // One in ten.
        let lost = |n: usize| n % 10 == 7;
        let concealed = signal_to_error(&signal, &heard(&signal, lost));
        let silent: Vec<i16> = signal
            .iter()
            .enumerate()
            .map(|(n, &sample)| if lost(n / NARROW) { 0 } else { sample })
            .collect();
        let gaps = signal_to_error(&signal, &silent);
        assert!(
            concealed > gaps + 6.0,
            "{concealed} dB concealed, {gaps} dB with gaps"
        );
    }

    #[test]
    fn there_is_no_click_where_a_loss_begins_or_ends() {
        let signal = analysis::sines(&[440.0], -13.0, 1.0);
        let heard = heard(&signal, |n| n % 8 == 5);
        let step = |samples: &[i16]| {
            samples
                .windows(2)
                .map(|pair| i32::from(pair[1]).abs_diff(i32::from(pair[0])))
                .max()
        };
        assert!(step(&heard) < step(&signal).map(|largest| largest * 2));
    }

    #[test]
    fn a_long_loss_fades_to_the_background_and_then_ends() {
        let mut signal = analysis::sines(&[300.0], -60.0, 3.0);
        signal.extend(analysis::sines(&[300.0], -10.0, 1.0));
        let spoken = signal.len() / NARROW;
        signal.resize(signal.len() + 12 * 8000, 0);
        let heard = heard(&signal, |n| n >= spoken);
        let after = |ms: usize| {
            let at = spoken * NARROW + ms * 8;
            analysis::level(&heard[at..at + 800])
        };
        assert!((-63.0..-56.0).contains(&after(100)), "{} dBm0", after(100));
        assert!((-63.0..-56.0).contains(&after(5000)), "{} dBm0", after(5000));
        assert!(after(10_500) < -90.0, "{} dBm0", after(10_500));
    }

    #[test]
    fn a_loss_within_a_packet_and_one_right_after_another_are_filled() {
        let signal = voice();
        let mut concealer = Concealer::new();
        let mut heard = Vec::new();
        for (n, frame) in signal.chunks_exact(NARROW).enumerate() {
            let mut frame: [i16; NARROW] = frame.try_into().unwrap();
            if n % 5 == 4 {
                frame[50..90].fill(ABSENT);
                frame[100..160].fill(ABSENT);
            }
            heard.extend(concealer.fill(&frame).map(|sample| sample as i16));
        }
        assert!(signal_to_error(&signal, &heard) > 10.0);
    }
}
