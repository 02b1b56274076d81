//! RTCP of one endpoint: its reports (RFC 3550 section 6.4), BYE, and what the peer's reports tell.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rtcp_types::{
    Bye, Compound, Packet, ReceiverReport, ReportBlock, ReportBlockBuilder, RtcpPacketWriterExt,
    RtcpWriteError, Sdes, SdesChunk, SdesItem, SenderReport,
};

use crate::outgoing::OutStream;
use crate::quality::PeerReport;
use crate::receive::{ReceiveStats, Report};

/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_UNIX_OFFSET: u64 = 2_208_988_800;
/// More than any report of ours takes.
pub(crate) const REPORT_CAPACITY: usize = 256;

/// What one endpoint remembers between reports.
#[derive(Debug)]
pub(crate) struct RtcpSession {
    pub(crate) next_report: Instant,
    /// Packets sent by the time of the last report.
    packets_reported: u64,
    /// Middle 32 bits of the NTP time of the peer's last sender report, and when it came.
    last_sender_report: Option<(u32, Instant)>,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) peer_report: Option<PeerReport>,
    /// Tells nothing about the host or the user (RFC 7022 section 4.2).
    cname: String,
}

impl RtcpSession {
    pub(crate) fn new(first_report: Instant, name: u64) -> Self {
        Self {
            next_report: first_report,
            packets_reported: 0,
            last_sender_report: None,
            round_trip: None,
            peer_report: None,
            cname: format!("{name:016x}"),
        }
    }

    /// Writes the compound report of now; with `bye` it is the last one.
    pub(crate) fn write(
        &mut self,
        out: &OutStream,
        received: &mut ReceiveStats,
        now: Instant,
        bye: bool,
        buffer: &mut [u8; REPORT_CAPACITY],
    ) -> Result<usize, RtcpWriteError> {
        let ssrc = out.ssrc();
        let block = received.report().map(|report| self.block(report, now));
        let mut length = if out.packets > self.packets_reported {
            let mut report = SenderReport::builder(ssrc)
                .ntp_timestamp(ntp_now())
                .rtp_timestamp(out.timestamp_at(now))
                .packet_count(out.packets as u32)
                .octet_count(out.octets as u32);
            if let Some(block) = block {
                report = report.add_report_block(block);
            }
            report.write_into(buffer)?
        } else {
            let mut report = ReceiverReport::builder(ssrc);
            if let Some(block) = block {
                report = report.add_report_block(block);
            }
            report.write_into(buffer)?
        };
        self.packets_reported = out.packets;
        let item = SdesItem::builder(SdesItem::CNAME, &self.cname);
        let description = Sdes::builder().add_chunk(SdesChunk::builder(ssrc).add_item(item));
        length += description.write_into(&mut buffer[length..])?;
        if bye {
            length += Bye::builder()
                .add_source(ssrc)
                .write_into(&mut buffer[length..])?;
        }
        Ok(length)
    }

    fn block(&self, report: Report, now: Instant) -> ReportBlockBuilder {
        let (last, delay) = self.last_sender_report.map_or((0, 0), |(ntp, at)| {
            // In units of 1/65536 s.
            (
                ntp,
                (now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000) as u32,
            )
        });
        ReportBlock::builder(report.ssrc)
            .fraction_lost(report.fraction_lost)
            .cumulative_lost(report.cumulative_lost)
            .extended_sequence_number(report.extended_sequence)
            .interarrival_jitter(report.jitter)
            .last_sender_report_timestamp(last)
            .delay_since_last_sender_report_timestamp(delay)
    }

    /// Reads what the peer reports. What is no RTCP changes nothing; `false` tells.
    pub(crate) fn read(&mut self, data: &[u8], own_ssrc: u32, now: Instant) -> bool {
        let Ok(compound) = Compound::parse(data) else {
            return false;
        };
        for packet in compound {
            match packet {
                Ok(Packet::Sr(report)) => {
                    self.last_sender_report = Some(((report.ntp_timestamp() >> 16) as u32, now));
                    for block in report.report_blocks() {
                        self.read_block(&block, own_ssrc, now);
                    }
                }
                Ok(Packet::Rr(report)) => {
                    for block in report.report_blocks() {
                        self.read_block(&block, own_ssrc, now);
                    }
                }
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        true
    }

    fn read_block(&mut self, block: &ReportBlock<'_>, own_ssrc: u32, now: Instant) {
        if block.ssrc() != own_ssrc {
            return;
        }
        self.peer_report = Some(PeerReport {
            at: now,
            loss: f64::from(block.fraction_lost()) / 256.0,
            jitter_ms: f64::from(block.interarrival_jitter()) / 8.0,
        });
        if block.last_sender_report_timestamp() == 0 {
            return;
        }
        let round_trip = ((ntp_now() >> 16) as u32)
            .wrapping_sub(block.delay_since_last_sender_report_timestamp())
            .wrapping_sub(block.last_sender_report_timestamp());
        // Above 16 s it is a peer that echoes nonsense.
        if round_trip < 16 << 16 {
            self.round_trip = Some(Duration::from_micros(u64::from(round_trip) * 1_000_000 / 65_536));
        }
    }
}

/// Now as a 64-bit NTP timestamp.
fn ntp_now() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    ((unix.as_secs().wrapping_add(NTP_UNIX_OFFSET)) << 32) | fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source_lock::Evidence;

    #[test]
    fn a_round_trip_is_measured_between_two_sessions() {
        let now = Instant::now();
        let mut out = OutStream::new(7, 0, 0);
        out.own(now, 8, 160);
        out.count(172);
        let mut received = ReceiveStats::new(now);
        let (mut a, mut b) = (RtcpSession::new(now, 1), RtcpSession::new(now, 2));
        let mut buffer = [0; REPORT_CAPACITY];
        let length = a.write(&out, &mut received, now, false, &mut buffer).unwrap();
        assert!(b.read(&buffer[..length], 99, now));

        let mut heard_by_b = ReceiveStats::new(now);
        heard_by_b.packet(
            Evidence {
                ssrc: 7,
                sequence: 1,
                timestamp: 0,
            },
            172,
            true,
            now,
        );
        let b_out = OutStream::new(99, 0, 0);
        let length = b.write(&b_out, &mut heard_by_b, now, true, &mut buffer).unwrap();
        assert!(a.read(&buffer[..length], 7, now));
        assert!(a.round_trip.unwrap() < Duration::from_secs(1));
        let kinds: Vec<u8> = Compound::parse(&buffer[..length])
            .unwrap()
            .map(|packet| match packet.unwrap() {
                Packet::Rr(_) => 201,
                Packet::Sdes(_) => 202,
                Packet::Bye(_) => 203,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(kinds, [201, 202, 203]);
    }

    #[test]
    fn garbage_changes_nothing() {
        let mut session = RtcpSession::new(Instant::now(), 1);
        assert!(!session.read(&[0x80, 200, 0, 9, 1, 2], 1, Instant::now()));
        assert!(!session.read(&[], 1, Instant::now()));
        assert_eq!(session.round_trip, None);
    }
}
