//! The RTP stream towards one peer: one SSRC, one line of sequence numbers and timestamps, whatever its source is now.

use std::time::Instant;

/// What the header of an outgoing packet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) payload_type: u8,
    pub(crate) marker: bool,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
}

impl Header {
    pub(crate) const LEN: usize = 12;

    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[0] = 0x80;
        bytes[1] = (u8::from(self.marker) << 7) | (self.payload_type & 0x7F);
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes
    }
}

/// The header fields of a packet that is to be relayed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    /// Samples of audio in the packet.
    pub(crate) samples: u32,
}

/// Where the packets come from.
#[derive(Debug, Clone, Copy)]
enum Feed {
    None,
    /// Tones and prompts of our own.
    Own,
    /// An RFC 4733 event of our own: its timestamp stands still.
    Event,
    /// A relayed stream, moved by these offsets so that losses and reordering stay visible behind us.
    Relay {
        ssrc: u32,
        highest: u16,
        sequence_offset: u16,
        timestamp_offset: u32,
        /// Packets since the switch; while few, late ones from before it are told by `first`.
        since: u16,
        first: u16,
    },
}

#[derive(Debug)]
pub(crate) struct OutStream {
    ssrc: u32,
    feed: Feed,
    /// Highest sequence number sent.
    sequence: u16,
    /// Timestamp of the newest packet, and the samples it holds.
    timestamp: u32,
    samples: u32,
    sent_at: Option<Instant>,
    pub(crate) packets: u64,
    /// Of payload, as RTCP counts them.
    pub(crate) octets: u64,
    pub(crate) bytes: u64,
}

impl OutStream {
    /// A larger step forward in the sequence means that the peer began anew.
    const MAX_DROPOUT: i16 = 3000;
    /// A larger step backward too.
    const MAX_MISORDER: i16 = -100;
    /// How long a packet from before a switch may come late, in packets.
    const YOUNG: u16 = 200;

    pub(crate) fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            ssrc,
            feed: Feed::None,
            sequence,
            timestamp,
            samples: 0,
            sent_at: None,
            packets: 0,
            octets: 0,
            bytes: 0,
        }
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// When the newest packet of the partner went out, if the newest packet was one.
    pub(crate) fn relayed_at(&self) -> Option<Instant> {
        self.sent_at.filter(|_| matches!(self.feed, Feed::Relay { .. }))
    }

    /// The timestamp that belongs to `now`, for sender reports.
    pub(crate) fn timestamp_at(&self, now: Instant) -> u32 {
        self.timestamp.wrapping_add(self.elapsed(now))
    }

    fn elapsed(&self, now: Instant) -> u32 {
        self.sent_at.map_or(0, |at| {
            (now.saturating_duration_since(at).as_micros() / 125) as u32
        })
    }

    /// The timestamp for the first packet of another source: after all that was sent, and in step with the clock.
    fn resumed_timestamp(&self, now: Instant) -> u32 {
        self.timestamp.wrapping_add(self.samples.max(self.elapsed(now)))
    }

    /// The header of the next packet of our own audio.
    pub(crate) fn own(&mut self, now: Instant, payload_type: u8, samples: u32) -> Header {
        let going_on = matches!(self.feed, Feed::Own);
        let timestamp = if going_on {
            self.timestamp.wrapping_add(self.samples)
        } else {
            self.resumed_timestamp(now)
        };
        self.feed = Feed::Own;
        self.next(now, payload_type, timestamp, samples, !going_on)
    }

    /// The header of a packet of our own event. `duration` is that of its payload, in samples.
    pub(crate) fn event(&mut self, now: Instant, payload_type: u8, first: bool, duration: u32) -> Header {
        let timestamp = if first || !matches!(self.feed, Feed::Event) {
            self.resumed_timestamp(now)
        } else {
            self.timestamp
        };
        self.feed = Feed::Event;
        // `samples` covers the whole event: audio goes on after it, not inside it. `sent_at` keeps to the first
        // packet, for that is the one the timestamp belongs to.
        let sent_at = self.sent_at;
        let header = self.next(now, payload_type, timestamp, duration, first);
        if !first {
            self.sent_at = sent_at;
        }
        header
    }

    fn next(&mut self, now: Instant, payload_type: u8, timestamp: u32, samples: u32, marker: bool) -> Header {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = timestamp;
        self.samples = samples;
        self.sent_at = Some(now);
        Header {
            payload_type,
            marker,
            sequence: self.sequence,
            timestamp,
            ssrc: self.ssrc,
        }
    }

    /// The header of a relayed packet, or `None` if it comes too late to be sent.
    pub(crate) fn relayed(&mut self, now: Instant, payload_type: u8, packet: Incoming) -> Option<Header> {
        if let Feed::Relay {
            ssrc,
            highest,
            sequence_offset,
            timestamp_offset,
            since,
            first,
        } = &mut self.feed
            && *ssrc == packet.ssrc
        {
            let step = packet.sequence.wrapping_sub(*highest).cast_signed();
            if (Self::MAX_MISORDER..Self::MAX_DROPOUT).contains(&step) {
                let before_switch = packet.sequence.wrapping_sub(*first).cast_signed() < 0;
                if *since < Self::YOUNG && before_switch {
                    return None;
                }
                *since = since.saturating_add(1);
                let sequence = packet.sequence.wrapping_add(*sequence_offset);
                let timestamp = packet.timestamp.wrapping_add(*timestamp_offset);
                if step > 0 {
                    *highest = packet.sequence;
                    self.sequence = sequence;
                    self.timestamp = timestamp;
                    self.samples = packet.samples;
                    self.sent_at = Some(now);
                }
                let marker = packet.marker;
                return Some(Header {
                    payload_type,
                    marker,
                    sequence,
                    timestamp,
                    ssrc: self.ssrc,
                });
            }
        }
        let timestamp = self.resumed_timestamp(now);
        let header = self.next(now, payload_type, timestamp, packet.samples, true);
        self.feed = Feed::Relay {
            ssrc: packet.ssrc,
            highest: packet.sequence,
            sequence_offset: header.sequence.wrapping_sub(packet.sequence),
            timestamp_offset: header.timestamp.wrapping_sub(packet.timestamp),
            since: 0,
            first: packet.sequence,
        };
        Some(header)
    }

    pub(crate) fn count(&mut self, packet_bytes: usize) {
        self.packets += 1;
        self.bytes += packet_bytes as u64;
        self.octets += packet_bytes.saturating_sub(Header::LEN) as u64;
    }

    /// The source is about to change: the next relayed packet starts a new stretch.
    pub(crate) fn cut(&mut self) {
        self.feed = Feed::None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn packet(sequence: u16, timestamp: u32) -> Incoming {
        Incoming {
            ssrc: 9,
            sequence,
            timestamp,
            marker: false,
            samples: 160,
        }
    }

    #[test]
    fn sequence_and_time_go_on_across_sources() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut stream = OutStream::new(1, 65_534, u32::MAX - 100);
        let first = stream.own(at(0), 8, 160);
        assert_eq!((first.sequence, first.marker), (65_535, true));
        let second = stream.own(at(21), 8, 160);
        assert_eq!((second.sequence, second.marker), (0, false));
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 160);

        let relayed = stream.relayed(at(121), 8, packet(500, 70_000)).unwrap();
        assert_eq!((relayed.sequence, relayed.marker), (1, true));
        assert_eq!(
            relayed.timestamp.wrapping_sub(second.timestamp),
            800,
            "in step with the clock"
        );
        // One lost, then the late one.
        let later = stream.relayed(at(161), 8, packet(502, 70_320)).unwrap();
        assert_eq!(
            (later.sequence, later.timestamp.wrapping_sub(relayed.timestamp)),
            (3, 320)
        );
        let late = stream.relayed(at(162), 8, packet(501, 70_160)).unwrap();
        assert_eq!(
            (late.sequence, late.timestamp.wrapping_sub(relayed.timestamp)),
            (2, 160)
        );

        let own = stream.own(at(181), 8, 160);
        assert_eq!((own.sequence, own.marker), (4, true));
        assert_eq!(own.timestamp.wrapping_sub(later.timestamp), 160);
        assert!(stream.relayed(at(200), 8, packet(505, 70_800)).is_some());
        assert_eq!(
            stream.relayed(at(200), 8, packet(504, 70_640)),
            None,
            "from before the switch"
        );
    }

    #[test]
    fn an_event_stands_still_and_audio_goes_on_after_it() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut stream = OutStream::new(1, 0, 0);
        stream.own(at(0), 8, 160);
        let first = stream.event(at(20), 101, true, 160);
        let last = stream.event(at(100), 101, false, 800);
        assert_eq!((first.timestamp, last.timestamp), (160, 160));
        assert!(first.marker && !last.marker);
        let audio = stream.own(at(120), 8, 160);
        assert_eq!(audio.timestamp, 960);
        assert_eq!(audio.sequence, last.sequence.wrapping_add(1));
    }

    #[test]
    fn a_peer_that_begins_anew_does_not_tear_our_stream() {
        let start = Instant::now();
        let mut stream = OutStream::new(1, 10, 0);
        let a = stream.relayed(start, 0, packet(100, 0)).unwrap();
        let b = stream
            .relayed(start + Duration::from_millis(20), 0, packet(40_000, 999_999))
            .unwrap();
        assert_eq!(b.sequence, a.sequence.wrapping_add(1));
        assert_eq!(b.timestamp.wrapping_sub(a.timestamp), 160);
        let other = Incoming {
            ssrc: 10,
            ..packet(7, 3)
        };
        let c = stream
            .relayed(start + Duration::from_millis(40), 0, other)
            .unwrap();
        assert_eq!(c.sequence, b.sequence.wrapping_add(1));
        assert!(c.marker);
    }
}
