//! Statistics of what arrives (RFC 3550 appendices A.1, A.3 and A.8).

use std::time::Instant;

use crate::source_lock::Evidence;

/// What a report block says about a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) ssrc: u32,
    pub(crate) fraction_lost: u8,
    pub(crate) cumulative_lost: u32,
    pub(crate) extended_sequence: u32,
    pub(crate) jitter: u32,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    base: u32,
    /// Highest sequence number, with the number of times it went round above it.
    highest: u32,
    received: u32,
    expected_prior: u32,
    received_prior: u32,
    /// In samples, times 16.
    jitter: u32,
    transit: u32,
}

/// One peer, whose SSRC may change.
#[derive(Debug)]
pub(crate) struct ReceiveStats {
    started: Instant,
    stream: Option<Stream>,
    /// Of streams whose SSRC is gone.
    lost_before: u64,
    pub(crate) ssrc_changes: u32,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl ReceiveStats {
    const MAX_DROPOUT: u16 = 3000;
    const MAX_MISORDER: u16 = 100;

    pub(crate) fn new(now: Instant) -> Self {
        Self {
            started: now,
            stream: None,
            lost_before: 0,
            ssrc_changes: 0,
            packets: 0,
            bytes: 0,
        }
    }

    /// An accepted packet. `timed` is false for events, whose timestamps stand still.
    pub(crate) fn packet(&mut self, packet: Evidence, bytes: usize, timed: bool, now: Instant) {
        self.packets += 1;
        self.bytes += bytes as u64;
        let arrival = (now.saturating_duration_since(self.started).as_micros() / 125) as u32;
        let transit = arrival.wrapping_sub(packet.timestamp);
        match &mut self.stream {
            Some(stream) if stream.ssrc == packet.ssrc => {
                let step = packet.sequence.wrapping_sub(stream.highest as u16);
                if step < Self::MAX_DROPOUT {
                    stream.highest = stream.highest.wrapping_add(u32::from(step));
                } else if step <= u16::MAX - Self::MAX_MISORDER {
                    // The sender began anew; what it skipped was never sent.
                    self.lost_before += stream.lost();
                    self.stream = Some(Stream::new(packet, transit));
                    return;
                }
                stream.received += 1;
                if timed {
                    let difference = transit.wrapping_sub(stream.transit).cast_signed().unsigned_abs();
                    stream.transit = transit;
                    let smoothed = stream.jitter.wrapping_sub((stream.jitter + 8) >> 4);
                    stream.jitter = smoothed.wrapping_add(difference.min(80_000));
                }
            }
            other => {
                if let Some(old) = other {
                    self.lost_before += old.lost();
                    self.ssrc_changes += 1;
                }
                *other = Some(Stream::new(packet, transit));
            }
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost_before + self.stream.as_ref().map_or(0, Stream::lost)
    }

    pub(crate) fn jitter_ms(&self) -> f64 {
        self.stream
            .as_ref()
            .map_or(0.0, |stream| f64::from(stream.jitter) / 16.0 / 8.0)
    }

    /// The report block of now; starts the interval of the next one.
    pub(crate) fn report(&mut self) -> Option<Report> {
        let stream = self.stream.as_mut()?;
        let expected = stream.expected();
        let expected_interval = expected.wrapping_sub(stream.expected_prior);
        let received_interval = stream.received.wrapping_sub(stream.received_prior);
        stream.expected_prior = expected;
        stream.received_prior = stream.received;
        let lost = expected_interval.saturating_sub(received_interval);
        let fraction = (lost << 8).checked_div(expected_interval).unwrap_or(0).min(255);
        Some(Report {
            ssrc: stream.ssrc,
            fraction_lost: fraction as u8,
            cumulative_lost: (stream.lost() as u32).min(0x7F_FFFF),
            extended_sequence: stream.highest,
            jitter: stream.jitter >> 4,
        })
    }
}

impl Stream {
    fn new(packet: Evidence, transit: u32) -> Self {
        let sequence = u32::from(packet.sequence);
        Self {
            ssrc: packet.ssrc,
            base: sequence,
            highest: sequence,
            received: 1,
            expected_prior: 0,
            received_prior: 0,
            jitter: 0,
            transit,
        }
    }

    fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.base).wrapping_add(1)
    }

    fn lost(&self) -> u64 {
        u64::from(self.expected().saturating_sub(self.received))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn losses_are_counted_over_the_wrap_and_reordering_is_none() {
        let start = Instant::now();
        let mut stats = ReceiveStats::new(start);
        let mut order: Vec<u16> = (0..200u16).map(|n| n.wrapping_add(65_500)).collect();
        order.swap(50, 51);
        order.retain(|n| n % 20 != 7);
        for (n, &sequence) in order.iter().enumerate() {
            let timestamp = u32::from(sequence.wrapping_sub(65_500)) * 160;
            let now = start + Duration::from_millis(20 * n as u64);
            stats.packet(
                Evidence {
                    ssrc: 1,
                    sequence,
                    timestamp,
                },
                172,
                true,
                now,
            );
        }
        assert_eq!(stats.lost(), 10);
        let report = stats.report().unwrap();
        assert_eq!(report.cumulative_lost, 10);
        assert_eq!(report.extended_sequence, 65_500 + 199);
        assert_eq!(u32::from(report.fraction_lost), 10 * 256 / 200);
        assert_eq!(stats.report().unwrap().fraction_lost, 0);
    }

    #[test]
    fn jitter_is_what_the_formula_gives() {
        let start = Instant::now();
        let mut stats = ReceiveStats::new(start);
        for n in 0..200u16 {
            // Every other packet comes 8 ms late: |D| = 8 ms each time, and J settles there.
            let ms = u64::from(n) * 20 + u64::from(n % 2) * 8;
            let packet = Evidence {
                ssrc: 1,
                sequence: n,
                timestamp: u32::from(n) * 160,
            };
            stats.packet(packet, 172, true, start + Duration::from_millis(ms));
        }
        assert!((stats.jitter_ms() - 8.0).abs() < 0.2, "{}", stats.jitter_ms());
    }

    #[test]
    fn another_ssrc_is_a_change_not_a_loss() {
        let start = Instant::now();
        let mut stats = ReceiveStats::new(start);
        for (ssrc, sequence) in [(1, 10), (1, 11), (2, 40_000), (2, 40_001), (2, 5)] {
            stats.packet(
                Evidence {
                    ssrc,
                    sequence,
                    timestamp: 0,
                },
                172,
                true,
                start,
            );
        }
        assert_eq!((stats.lost(), stats.ssrc_changes, stats.packets), (0, 1, 5));
    }
}
