//! Call-progress tones by country.
//!
//! | country | source |
//! | --- | --- |
//! | Italy | ITU-T E.180 Supplement 2 (various tones used in national networks), entry *Italy*; ETSI TR 101 041-2 agrees |
//! | United States | ANSI T1.401, the precise tone plan, with its levels: 440 + 480 Hz at −19 dBm a frequency, 480 + 620 Hz at −24 dBm, call waiting 440 Hz for 300 ms |
//! | United Kingdom | BT SIN 350, table 1 (network supervisory tones) |
//! | Germany | Deutsche Telekom 1 TR 110-1, sections 8.3 (ringing), 8.4 (busy), 8.5 (congestion), 8.7 (call waiting) |
//!
//! The special information tone is that of ITU-T E.180 section 4: three frequencies of 330 ms each, gaps of at most 30 ms.
//! The tone for a held party has the cadence that E.180 Supplement 2 lists as Germany's *holding tone*, at each country's
//! own frequency. Where a source names no level, −10 dBm0 in all is taken, the middle of what E.180 section 5 allows;
//! tones that sound over speech or for long are softer.

use crate::analysis::{SAMPLE_RATE, amplitude_of};

/// Whose tones (ITU-T E.180 supplement 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Country {
    It,
    Us,
    Uk,
    De,
}

/// A call-progress tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// The far telephone rings.
    Ringback,
    Busy,
    /// The network cannot carry the call.
    Congestion,
    /// Special information tone: an announcement follows.
    Sit,
    /// A soft tick while the network is silent: the call is being set up.
    Progress,
    /// A short beep in the ear: accepted.
    ConfirmBeep,
    /// A second call waits: laid over the call by [`MediaPlane::beep`](crate::MediaPlane::beep). Without the pause (2.5 to
    /// 14 s by country) that a network puts between two of them.
    CallWaiting,
    /// Speak now: the recording has begun.
    RecordBeep,
    /// The other side has put the call on hold.
    Hold,
    /// A number may be keyed in.
    Dial,
    /// Somebody came into the conference.
    Joined,
    /// Somebody left the conference.
    Left,
    /// A whisper in the ear: a call is attached to a leg that stays up.
    Attached,
}

impl Tone {
    /// Every tone.
    pub const ALL: [Self; 13] = [
        Self::Ringback,
        Self::Busy,
        Self::Congestion,
        Self::Sit,
        Self::Progress,
        Self::ConfirmBeep,
        Self::CallWaiting,
        Self::RecordBeep,
        Self::Hold,
        Self::Dial,
        Self::Joined,
        Self::Left,
        Self::Attached,
    ];
}

/// One part of a cadence: these frequencies together for so long. No frequency means silence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Hertz.
    pub frequencies: &'static [f64],
    /// dBm0 of each frequency.
    pub level: f64,
    pub milliseconds: u16,
}

const fn on(frequencies: &'static [f64], level: f64, milliseconds: u16) -> Segment {
    Segment {
        frequencies,
        level,
        milliseconds,
    }
}

const fn off(milliseconds: u16) -> Segment {
    Segment {
        frequencies: &[],
        level: f64::NEG_INFINITY,
        milliseconds,
    }
}

const HZ_425: &[f64] = &[425.0];
const HZ_400: &[f64] = &[400.0];
const HZ_440: &[f64] = &[440.0];
const UK_RING: &[f64] = &[400.0, 450.0];
const US_RING: &[f64] = &[440.0, 480.0];
const US_BUSY: &[f64] = &[480.0, 620.0];
/// Dial tone in both countries: SIN 350 table 1, T1.401 table 1.
const DIAL: &[f64] = &[350.0, 440.0];

/// One frequency alone, and two that are −10 dBm0 together.
const ONE: f64 = -10.0;
const TWO: f64 = -13.0;
/// The US plan: audible ringing −19, busy and reorder −24 dBm0 a frequency.
const US_RING_LEVEL: f64 = -19.0;
const US_BUSY_LEVEL: f64 = -24.0;
/// The tick must be noticed, and must not disturb.
const TICK_LEVEL: f64 = -25.0;

/// Heard through speech, and no louder than it.
const WAITING_LEVEL: f64 = -20.0;
/// Somebody listens to it for minutes.
const HOLD_LEVEL: f64 = -25.0;

const SIT: &[Segment] = &[
    on(&[950.0], ONE, 330),
    off(15),
    on(&[1400.0], ONE, 330),
    off(15),
    on(&[1800.0], ONE, 330),
    off(1000),
];

/// One period of a tone's cadence.
pub const fn cadence(country: Country, tone: Tone) -> &'static [Segment] {
    match (tone, country) {
        (Tone::Ringback, Country::It | Country::De) => const { &[on(HZ_425, ONE, 1000), off(4000)] },
        (Tone::Ringback, Country::Us) => const { &[on(US_RING, US_RING_LEVEL, 2000), off(4000)] },
        (Tone::Ringback, Country::Uk) => {
            const { &[on(UK_RING, TWO, 400), off(200), on(UK_RING, TWO, 400), off(2000)] }
        }
        (Tone::Busy, Country::It) => const { &[on(HZ_425, ONE, 500), off(500)] },
        (Tone::Busy, Country::Us) => const { &[on(US_BUSY, US_BUSY_LEVEL, 500), off(500)] },
        (Tone::Busy, Country::Uk) => const { &[on(HZ_400, ONE, 375), off(375)] },
        (Tone::Busy, Country::De) => const { &[on(HZ_425, ONE, 480), off(480)] },
        (Tone::Congestion, Country::It) => const { &[on(HZ_425, ONE, 200), off(200)] },
        (Tone::Congestion, Country::Us) => const { &[on(US_BUSY, US_BUSY_LEVEL, 250), off(250)] },
        (Tone::Congestion, Country::Uk) => {
            // SIN 350: the short pulse is 6 dB louder.
            const {
                &[
                    on(HZ_400, ONE - 6.0, 400),
                    off(350),
                    on(HZ_400, ONE, 225),
                    off(525),
                ]
            }
        }
        (Tone::Congestion, Country::De) => const { &[on(HZ_425, ONE, 240), off(240)] },
        (Tone::Dial, Country::It) => {
            const { &[on(HZ_425, ONE, 200), off(200), on(HZ_425, ONE, 600), off(1000)] }
        }
        (Tone::Dial, Country::Us | Country::Uk) => const { &[on(DIAL, TWO, 1000)] },
        (Tone::Dial, Country::De) => const { &[on(HZ_425, ONE, 1000)] },
        (Tone::Sit, _) => SIT,
        (Tone::Progress, Country::Us) => const { &[on(HZ_440, TICK_LEVEL, 60), off(1940)] },
        (Tone::Progress, Country::Uk) => const { &[on(HZ_400, TICK_LEVEL, 60), off(1940)] },
        (Tone::Progress, _) => const { &[on(HZ_425, TICK_LEVEL, 60), off(1940)] },
        (Tone::CallWaiting, Country::It) => {
            const {
                &[
                    on(HZ_425, WAITING_LEVEL, 400),
                    off(100),
                    on(HZ_425, WAITING_LEVEL, 250),
                    off(100),
                    on(HZ_425, WAITING_LEVEL, 150),
                ]
            }
        }
        (Tone::CallWaiting, Country::Us) => const { &[on(HZ_440, WAITING_LEVEL, 300)] },
        (Tone::CallWaiting, Country::Uk) => const { &[on(HZ_400, WAITING_LEVEL, 100)] },
        (Tone::CallWaiting, Country::De) => {
            const {
                &[
                    on(HZ_425, WAITING_LEVEL, 200),
                    off(200),
                    on(HZ_425, WAITING_LEVEL, 200),
                ]
            }
        }
        (Tone::RecordBeep, _) => const { &[on(&[1000.0], -16.0, 300)] },
        (Tone::Hold, Country::Us) => {
            const {
                &[
                    on(HZ_440, HOLD_LEVEL, 150),
                    off(150),
                    on(HZ_440, HOLD_LEVEL, 150),
                    off(8000),
                ]
            }
        }
        (Tone::Hold, Country::Uk) => {
            const {
                &[
                    on(HZ_400, HOLD_LEVEL, 150),
                    off(150),
                    on(HZ_400, HOLD_LEVEL, 150),
                    off(8000),
                ]
            }
        }
        (Tone::Hold, _) => {
            const {
                &[
                    on(HZ_425, HOLD_LEVEL, 150),
                    off(150),
                    on(HZ_425, HOLD_LEVEL, 150),
                    off(8000),
                ]
            }
        }
        (Tone::Joined, _) => const { &[on(&[660.0], WAITING_LEVEL, 110), on(&[880.0], WAITING_LEVEL, 160)] },
        (Tone::Left, _) => const { &[on(&[880.0], WAITING_LEVEL, 110), on(&[660.0], WAITING_LEVEL, 160)] },
        (Tone::Attached, _) => {
            const {
                &[
                    on(&[740.0], WAITING_LEVEL, 100),
                    off(60),
                    on(&[740.0], WAITING_LEVEL, 100),
                ]
            }
        }
        (Tone::ConfirmBeep, _) => const { &[on(&[1000.0], -16.0, 120), off(80)] },
    }
}

/// Samples over which a tone rises and falls, so that it does not click.
const RAMP: usize = 32;

/// One period of a cadence as linear samples.
pub(crate) fn synthesize(segments: &[Segment]) -> Vec<i16> {
    let mut samples = Vec::new();
    for segment in segments {
        let length = usize::from(segment.milliseconds) * 8;
        let amplitude = amplitude_of(segment.level);
        samples.extend((0..length).map(|n| {
            let t = n as f64 / SAMPLE_RATE;
            let sum: f64 = segment
                .frequencies
                .iter()
                .map(|f| (std::f64::consts::TAU * f * t).sin())
                .sum();
            let edge = n.min(length - 1 - n);
            let gain = if edge < RAMP {
                edge as f64 / RAMP as f64
            } else {
                1.0
            };
            (sum * amplitude * gain) as i16
        }));
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    #[test]
    fn every_segment_sounds_as_the_table_says() {
        for country in [Country::It, Country::Us, Country::Uk, Country::De] {
            for tone in Tone::ALL {
                let segments = cadence(country, tone);
                let samples = synthesize(segments);
                let mut at = 0;
                for segment in segments {
                    let end = at + usize::from(segment.milliseconds) * 8;
                    let found = analysis::partials(&samples[at + RAMP..(end - RAMP).min(at + 3200)], 4);
                    assert_eq!(
                        found.len(),
                        segment.frequencies.len(),
                        "{country:?} {tone:?}: {found:?}"
                    );
                    for frequency in segment.frequencies {
                        let near = found.iter().find(|p| (p.frequency - frequency).abs() < 3.0);
                        let level = near.map(|p| p.level).unwrap();
                        assert!(
                            (level - segment.level).abs() < 0.5,
                            "{country:?} {tone:?}: {level}"
                        );
                    }
                    at = end;
                }
                assert_eq!(at, samples.len());
            }
        }
    }
}
