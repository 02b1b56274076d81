//! From a browser to its endpoint: packets in order, what is lost concealed, Opus decoded.
//!
//! There is no play-out buffer here: timestamps go on to whoever plays the audio, and that buffer is there. Packets wait
//! only while one before them may still come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use opus::{Channels, Decoder};

use super::LINE_EVENT;
use super::line::Frame;
use super::patience::Patience;
use super::wide;
use crate::outgoing::Header;
use crate::{Codec, g711};

/// Packets that wait at most: more than come in the longest time that one waits.
const HELD: usize = 8;
/// The longest that is concealed, in samples at 8 kHz; a longer gap stays one.
const CONCEALED: u64 = 960;
/// Samples in a packet on the line.
const STEP: usize = 160;
/// The longest Opus packet, 120 ms, in samples at 8 kHz.
const LONGEST: usize = 960;

/// What a payload type of the browser means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Opus,
    /// At 8 kHz (RFC 3551 section 4.5.2).
    G722,
    G711(Codec),
    /// RFC 4733 events, with how many units of their clock make one at 8 kHz.
    Event {
        per_sample: u64,
    },
}

impl Kind {
    /// A time of the payload's clock at 8 kHz.
    fn samples(self, time: u64) -> u64 {
        match self {
            Self::Opus => time / 6,
            Self::G722 | Self::G711(_) => time,
            Self::Event { per_sample } => time / per_sample.max(1),
        }
    }
}

/// A packet of the browser.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) sequence: u64,
    pub(super) time: u64,
    pub(super) marker: bool,
    pub(super) kind: Kind,
    pub(super) payload: Arc<[u8]>,
    pub(super) at: Instant,
}

pub(super) struct Uplink {
    decoder: Decoder,
    wide: wide::Decoder,
    held: VecDeque<Packet>,
    patience: Patience,
    /// The sequence number that is due.
    next: Option<u64>,
    /// When the audio after the last packet starts, at 8 kHz.
    due: Option<u64>,
    ssrc: u32,
    sequence: u16,
    /// Packets that came in time, and those that did not.
    pub(super) packets: u64,
    pub(super) lost: u64,
}

impl Uplink {
    pub(super) fn new() -> Result<Self, opus::Error> {
        Ok(Self {
            decoder: Decoder::new(8_000, Channels::Mono)?,
            wide: wide::Decoder::new(),
            held: VecDeque::with_capacity(HELD + 1),
            patience: Patience::new(),
            next: None,
            due: None,
            ssrc: rand::random(),
            sequence: rand::random(),
            packets: 0,
            lost: 0,
        })
    }

    /// Takes a packet; `give` gets what the endpoint is to hear.
    pub(super) fn take(&mut self, packet: Packet, give: &mut impl FnMut(Frame)) {
        let now = packet.at;
        let next = *self.next.get_or_insert(packet.sequence);
        if packet.sequence < next {
            self.patience.too_late(packet.sequence, now);
            return;
        }
        if let Some(successor) = self.held.iter().find(|held| held.sequence > packet.sequence) {
            self.patience
                .rewarded(now.saturating_duration_since(successor.at));
        }
        match self
            .held
            .binary_search_by_key(&packet.sequence, |held| held.sequence)
        {
            Ok(_) => return,
            Err(place) => self.held.insert(place, packet),
        }
        self.release(now, give);
    }

    /// Lets go what has waited long enough.
    pub(super) fn release(&mut self, now: Instant, give: &mut impl FnMut(Frame)) {
        let patience = self.patience.length(now);
        while let (Some(first), Some(next)) = (self.held.front(), self.next) {
            let missing = first.sequence.saturating_sub(next);
            let patient = now.saturating_duration_since(first.at) < patience && self.held.len() <= HELD;
            if missing > 0 && patient {
                return;
            }
            // Of a long gap the last ones may still come.
            for given_up in next.max(first.sequence.saturating_sub(4))..first.sequence {
                self.patience.given_up(given_up, first.at);
            }
            let Some(packet) = self.held.pop_front() else {
                return;
            };
            self.packets += 1;
            self.lost += missing;
            self.next = Some(packet.sequence + 1);
            self.pass(&packet, missing, give);
        }
    }

    fn pass(&mut self, packet: &Packet, missing: u64, give: &mut impl FnMut(Frame)) {
        let at = packet.kind.samples(packet.time);
        match packet.kind {
            Kind::Opus => self.decode(packet, at, missing, give),
            Kind::G722 => {
                self.leave_gap(missing);
                let mut audio = [0i16; LONGEST];
                let length = self.wide.decode(&packet.payload, &mut audio);
                self.emit(&audio[..length], at, give);
                self.due = Some(at + length as u64);
            }
            Kind::G711(codec) => {
                self.leave_gap(missing);
                let mut frame = Frame::new();
                let room = frame.payload_mut(packet.payload.len());
                let length = room.len();
                room.copy_from_slice(&packet.payload[..length]);
                self.due = Some(at + length as u64);
                give(self.stamped(frame, codec.payload_type(), packet.marker, at));
            }
            Kind::Event { per_sample } => {
                let Some(&[event, flags, high, low]) = packet.payload.first_chunk::<4>() else {
                    return;
                };
                let duration = u64::from(u16::from_be_bytes([high, low])) / per_sample.max(1);
                let [high, low] = (duration as u16).to_be_bytes();
                let mut frame = Frame::new();
                frame.payload_mut(4).copy_from_slice(&[event, flags, high, low]);
                // The key's length is no loss of speech.
                self.due = None;
                give(self.stamped(frame, LINE_EVENT, packet.marker, at));
            }
        }
    }

    /// The gap stays visible to whoever conceals it.
    fn leave_gap(&mut self, missing: u64) {
        let missing = missing.min(u64::from(u16::MAX)) as u16;
        self.sequence = self.sequence.wrapping_add(missing);
    }

    fn decode(&mut self, packet: &Packet, at: u64, missing: u64, give: &mut impl FnMut(Frame)) {
        let mut audio = [0i16; LONGEST];
        let gap = self.due.map_or(0, |due| at.saturating_sub(due));
        if missing > 0 && gap > 0 && gap <= CONCEALED {
            let length = self.decoder.get_nb_samples(&packet.payload).unwrap_or(STEP) as u64;
            // The packet may carry the one before it a second time (RFC 6716 section 2.1.7).
            let spared = if gap >= length { length } else { 0 };
            self.conceal(at - gap, gap - spared, give);
            if let Some(room) = audio.get_mut(..spared as usize)
                && spared > 0
                && self.decoder.decode(&packet.payload, room, true).is_ok()
            {
                self.emit(room, at - spared, give);
            }
        }
        match self.decoder.decode(&packet.payload, &mut audio, false) {
            Ok(length) => {
                self.emit(&audio[..length], at, give);
                self.due = Some(at + length as u64);
            }
            // A damaged packet is one that is missing.
            Err(_) => self.lost += 1,
        }
    }

    /// Makes up `length` samples from what was said before.
    fn conceal(&mut self, from: u64, length: u64, give: &mut impl FnMut(Frame)) {
        let mut audio = [0i16; STEP];
        let mut done = 0;
        while done < length {
            // Opus makes up audio in steps of 2.5 ms.
            let step = ((length - done) as usize).min(STEP) / 20 * 20;
            let Some(room) = audio.get_mut(..step).filter(|room| !room.is_empty()) else {
                return;
            };
            if self.decoder.decode(&[], room, false).is_err() {
                return;
            }
            self.emit(room, from + done, give);
            done += step as u64;
        }
    }

    fn emit(&mut self, audio: &[i16], at: u64, give: &mut impl FnMut(Frame)) {
        for (n, piece) in audio.chunks(STEP).enumerate() {
            let mut frame = Frame::new();
            for (byte, &sample) in frame.payload_mut(piece.len()).iter_mut().zip(piece) {
                *byte = g711::encode_pcma(sample);
            }
            let at = at + (n * STEP) as u64;
            give(self.stamped(frame, Codec::Pcma.payload_type(), false, at));
        }
    }

    fn stamped(&mut self, mut frame: Frame, payload_type: u8, marker: bool, at: u64) -> Frame {
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header {
            payload_type,
            marker,
            sequence: self.sequence,
            timestamp: at as u32,
            ssrc: self.ssrc,
        };
        frame.header_mut().copy_from_slice(&header.to_bytes());
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;
    use opus::{Application, Encoder};
    use std::time::Duration;

    fn speech(packets: usize) -> Vec<Packet> {
        let mut encoder = Encoder::new(8_000, Channels::Mono, Application::Voip).unwrap();
        encoder.set_inband_fec(true).unwrap();
        encoder.set_packet_loss_perc(20).unwrap();
        let audio = analysis::sines(&[440.0], -10.0, packets as f64 / 50.0);
        let at = Instant::now();
        audio
            .chunks(STEP)
            .enumerate()
            .map(|(n, piece)| Packet {
                sequence: 65_530 + n as u64,
                time: 9_600 + n as u64 * 960,
                marker: n == 0,
                kind: Kind::Opus,
                payload: encoder.encode_vec(piece, 400).unwrap().into(),
                at: at + Duration::from_millis(20 * n as u64),
            })
            .collect()
    }

    fn heard(packets: Vec<Packet>) -> (Vec<(u16, u32)>, Vec<i16>, Uplink) {
        let mut uplink = Uplink::new().unwrap();
        let (mut stamps, mut audio) = (Vec::new(), Vec::new());
        for packet in packets {
            uplink.take(packet, &mut |frame: Frame| {
                let bytes = frame.bytes();
                let sequence = u16::from_be_bytes([bytes[2], bytes[3]]);
                let timestamp = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
                stamps.push((sequence, timestamp));
                audio.extend(g711::decode(Codec::Pcma, &bytes[12..]));
            });
        }
        (stamps, audio, uplink)
    }

    fn is_whole(stamps: &[(u16, u32)]) -> bool {
        stamps
            .windows(2)
            .all(|pair| pair[1].0 == pair[0].0.wrapping_add(1) && pair[1].1 == pair[0].1 + 160)
    }

    #[test]
    fn order_is_restored() {
        let mut packets = speech(50);
        packets.swap(10, 11);
        packets.swap(20, 22);
        let (stamps, audio, uplink) = heard(packets);
        assert_eq!((stamps.len(), uplink.lost), (50, 0));
        assert!(is_whole(&stamps));
        assert!(analysis::level_of(&audio[1600..], 440.0) > -16.0);
    }

    #[test]
    fn lost_packets_are_concealed_and_the_tone_goes_on() {
        let mut packets = speech(100);
        let mut n = 0;
        packets.retain(|_| {
            n += 1;
            n % 10 != 5
        });
        let (stamps, audio, uplink) = heard(packets);
        assert_eq!((stamps.len(), uplink.lost), (100, 10));
        assert!(is_whole(&stamps));
        for window in audio[1600..].chunks_exact(800) {
            // What is made up may be out of phase with what follows, which costs some decibels in a window of both.
            assert!(analysis::level_of(window, 440.0) > -26.0);
        }
    }

    #[test]
    fn a_duplicate_and_a_late_packet_are_left_out() {
        let mut packets = speech(10);
        let copy = |packet: &Packet, at: Instant| Packet {
            payload: packet.payload.clone(),
            at,
            ..*packet
        };
        let late = copy(&packets[2], packets[9].at);
        let twice = copy(&packets[9], packets[9].at);
        packets.extend([late, twice]);
        assert_eq!(heard(packets).0.len(), 10);
    }
}
