//! How well a leg is heard: loss, jitter, and the opinion that the E-model expects of them (ITU-T G.107).
//!
//! Of the model's terms those are kept that a gateway can know: `R = 93.2 − Id − Ie,eff`. All others have their default
//! values, whose sum is the 93.2.

use std::time::{Duration, Instant};

/// From one look at a leg to the next.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Packets of [`LOOK_EVERY`] under which nothing can be said: a fifth of them.
const ENOUGH: u64 = 50;
/// One way through the network where the round trip is not known, in milliseconds.
const USUAL_DELAY: f64 = 50.0;
/// Packet, play-out and processing at both ends, in milliseconds.
const OWN_DELAY: f64 = 50.0;
/// A change of the score, times ten, that is worth telling.
const NOTABLE: u8 = 2;
/// How long the other side's report counts: two of the usual intervals, and half a one.
const REPORT_COUNTS: Duration = Duration::from_millis(12_500);

/// One direction of a leg over the last five seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quality {
    /// Packets that did not come, of a thousand; 0 to 1000.
    pub loss_per_mille: u16,
    /// Interarrival jitter (RFC 3550 section 6.4.1), in milliseconds.
    pub jitter_ms: u16,
    /// The mean opinion score that is to be expected, times ten: 10 to 45.
    pub mos_tenths: u8,
}

/// What is carried, for the impairment that it brings itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    G711,
    G722,
    Opus,
}

impl Carried {
    /// Equipment impairment `Ie` and packet-loss robustness `Bpl`.
    ///
    /// G.711 with concealment as in ITU-T G.113 table I.4. For Opus no values are standardised: those of G.711 stand in,
    /// because its copies in the next packet repair single losses at least as well; and for the lower band of G.722, which
    /// is all that is heard of it here and is concealed like G.711.
    fn impairment(self) -> (f64, f64) {
        match self {
            Self::G711 | Self::G722 | Self::Opus => (0.0, 25.1),
        }
    }
}

/// What was counted of one direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) carried: Carried,
    /// 0 to 1.
    pub(crate) loss: f64,
    pub(crate) jitter_ms: f64,
    pub(crate) round_trip: Option<Duration>,
}

impl Seen {
    pub(crate) fn quality(self) -> Quality {
        let loss = self.loss.clamp(0.0, 1.0);
        let network = self
            .round_trip
            .map_or(USUAL_DELAY, |round_trip| round_trip.as_secs_f64() * 500.0);
        // A play-out buffer holds about twice the jitter.
        let delay = network + OWN_DELAY + 2.0 * self.jitter_ms;
        let late = (delay - 177.3).max(0.0);
        let (equipment, robustness) = self.carried.impairment();
        let per_cent = 100.0 * loss;
        let impaired = equipment + (95.0 - equipment) * per_cent / (per_cent + robustness);
        let rating = 93.2 - 0.024 * delay - 0.11 * late - impaired;
        Quality {
            loss_per_mille: (1000.0 * loss).round() as u16,
            jitter_ms: self.jitter_ms.clamp(0.0, 60_000.0).round() as u16,
            mos_tenths: (10.0 * opinion(rating)).round() as u8,
        }
    }
}

/// The mean opinion score of a rating (ITU-T G.107 annex B).
fn opinion(rating: f64) -> f64 {
    let r = rating.clamp(0.0, 100.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

/// Loss of the packets since the look before; `None` if too few came to say.
#[derive(Debug, Default)]
pub(crate) struct LossMeter {
    received: u64,
    lost: u64,
}

impl LossMeter {
    /// `received` and `lost` since the beginning.
    pub(crate) fn look(&mut self, received: u64, lost: u64) -> Option<f64> {
        let came = received.saturating_sub(self.received);
        let missed = lost.saturating_sub(self.lost);
        (self.received, self.lost) = (received, lost);
        (came + missed >= ENOUGH).then(|| missed as f64 / (came + missed) as f64)
    }
}

/// What the other side reported last of what we send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerReport {
    pub(crate) at: Instant,
    /// 0 to 1.
    pub(crate) loss: f64,
    pub(crate) jitter_ms: f64,
}

impl PeerReport {
    pub(crate) fn counts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < REPORT_COUNTS
    }
}

/// Both directions as they were told last.
#[derive(Debug, Default)]
pub(crate) struct Told {
    inbound: Option<Quality>,
    outbound: Option<Quality>,
}

impl Told {
    /// Whether these are worth telling; if so they count as told.
    pub(crate) fn changes(&mut self, inbound: Option<Quality>, outbound: Option<Quality>) -> bool {
        let changed = differs(self.inbound, inbound) || differs(self.outbound, outbound);
        if changed {
            *self = Self { inbound, outbound };
        }
        changed
    }
}

fn differs(before: Option<Quality>, after: Option<Quality>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => before.mos_tenths.abs_diff(after.mos_tenths) >= NOTABLE,
        (before, after) => before.is_some() != after.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mos(loss: f64, jitter_ms: f64, round_trip_ms: u64) -> u8 {
        let seen = Seen {
            carried: Carried::G711,
            loss,
            jitter_ms,
            round_trip: Some(Duration::from_millis(round_trip_ms)),
        };
        seen.quality().mos_tenths
    }

    #[test]
    fn opinions_are_those_of_the_recommendation() {
        // ITU-T G.107 table B.1.
        for (rating, expected) in [
            (90.0, 4.34),
            (80.0, 4.03),
            (70.0, 3.60),
            (60.0, 3.10),
            (50.0, 2.58),
        ] {
            assert!((opinion(rating) - expected).abs() < 0.01, "{rating}");
        }
        assert!((opinion(-5.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_lost_late_or_far_away_costs() {
        assert!(mos(0.0, 1.0, 20) >= 43);
        assert!(mos(0.01, 1.0, 20) < mos(0.0, 1.0, 20));
        assert!((36..=39).contains(&mos(0.05, 5.0, 60)), "{}", mos(0.05, 5.0, 60));
        assert!((31..=34).contains(&mos(0.1, 5.0, 60)), "{}", mos(0.1, 5.0, 60));
        assert!(mos(0.0, 1.0, 800) < 40);
        assert!(mos(0.0, 80.0, 60) < mos(0.0, 5.0, 60));
        assert_eq!(mos(1.0, 500.0, 5_000), 10);
    }

    #[test]
    fn loss_is_that_since_the_look_before() {
        let mut meter = LossMeter::default();
        assert_eq!(meter.look(250, 0), Some(0.0));
        assert_eq!(meter.look(475, 25), Some(0.1));
        // A packet that was counted as lost came late.
        assert_eq!(meter.look(726, 24), Some(0.0));
        assert_eq!(meter.look(740, 24), None);
    }

    #[test]
    fn only_what_can_be_heard_is_told() {
        let quality = |mos_tenths| {
            Some(Quality {
                loss_per_mille: 0,
                jitter_ms: 0,
                mos_tenths,
            })
        };
        let mut told = Told::default();
        assert!(!told.changes(None, None));
        assert!(told.changes(quality(43), None));
        assert!(!told.changes(quality(42), None));
        assert!(told.changes(quality(41), None));
        assert!(told.changes(quality(41), quality(40)));
        assert!(told.changes(None, quality(40)));
    }
}
