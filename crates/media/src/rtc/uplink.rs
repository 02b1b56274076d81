//! From a browser to its endpoint: packets in order, what is lost concealed, Opus decoded.
//!
//! There is no play-out buffer here: timestamps go on to whoever plays the audio, and that buffer is there. Packets wait
//! only while one before them may still come.
//!
//! A browser that sends nothing in pauses (DTX) is a stream without holes for the endpoint: noise is made up between two words,
//! as the clock goes. It is not the decoder's: one that was asked for it fades the next word in, and its first 40 ms would be
//! 7 dB too soft.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use opus::{Channels, Decoder};

use super::LINE_EVENT;
use super::line::Frame;
use super::patience::Patience;
use super::wide;
use crate::background::Background;
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
/// Bytes of an Opus packet without a frame, by which a pause begins (RFC 6716 section 3.2.1, with one byte of padding).
const NO_FRAME: usize = 2;
/// How much of a pause is made up without a sign of life, in samples at 8 kHz: browsers give one after 400 ms.
const PAUSE: u64 = 8_000;
/// By how much speech that comes late after a pause may be put off, in samples at 8 kHz; what is later is cut at its beginning.
const PUT_OFF: u64 = 4_000;

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

/// Since the last packet the browser has had nothing to say.
#[derive(Debug, Clone, Copy)]
struct Pause {
    /// When that packet came, and its time at 8 kHz.
    since: Instant,
    at: u64,
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
    pause: Option<Pause>,
    noise: Background,
    /// How much later than the browser said its audio goes on, in samples at 8 kHz.
    put_off: u64,
    /// The next audio comes after a time of nothing.
    begins: bool,
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
            pause: None,
            noise: Background::new(),
            put_off: 0,
            begins: false,
            ssrc: rand::random(),
            sequence: rand::random(),
            packets: 0,
            lost: 0,
        })
    }

    /// Whether the browser sends nothing because there is nothing to hear.
    pub(super) fn is_in_pause(&self) -> bool {
        self.pause.is_some()
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

    /// Lets go what has waited long enough, and fills a pause as far as it has lasted.
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
        if let Some(pause) = self.pause.filter(|_| self.held.is_empty()) {
            self.fill(pause, now.checked_sub(patience).unwrap_or(now), give);
        }
    }

    /// Makes up what a packet that the browser did not send would have brought by `now`.
    fn fill(&mut self, pause: Pause, now: Instant, give: &mut impl FnMut(Frame)) {
        let lasted = now.saturating_duration_since(pause.since).as_millis() as u64 * 8;
        let until = pause.at + lasted.min(PAUSE);
        while let Some(due) = self.due.filter(|due| *due <= until) {
            self.be_quiet(due, STEP as u64, give);
            self.due = Some(due + STEP as u64);
        }
    }

    /// Gives noise of this length.
    fn be_quiet(&mut self, from: u64, length: u64, give: &mut impl FnMut(Frame)) {
        for at in (from..from + length).step_by(STEP) {
            let mut audio = [0i16; STEP];
            let left = (from + length - at).min(STEP as u64) as usize;
            for sample in &mut audio[..left] {
                *sample = self.noise.sample() as i16;
            }
            self.emit(&audio[..left], at, give);
        }
    }

    fn pass(&mut self, packet: &Packet, missing: u64, give: &mut impl FnMut(Frame)) {
        let said = packet.kind.samples(packet.time);
        let paused = self.pause.take().is_some();
        if paused {
            // What was made up has taken the place of speech that came late.
            let late = self.due.map_or(0, |due| due.saturating_sub(said));
            self.put_off = late.min(PUT_OFF);
        }
        let at = said + self.put_off;
        match packet.kind {
            Kind::Opus => {
                self.decode(packet, at, (missing, paused), give);
                self.pause = (packet.payload.len() <= NO_FRAME).then_some(Pause {
                    since: packet.at,
                    at: said,
                });
            }
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

    fn decode(
        &mut self,
        packet: &Packet,
        at: u64,
        (missing, paused): (u64, bool),
        give: &mut impl FnMut(Frame),
    ) {
        let mut audio = [0i16; LONGEST];
        let gap = self.due.map_or(0, |due| at.saturating_sub(due));
        let made_up = match (paused, missing) {
            (true, _) => PAUSE,
            (false, 0) => 0,
            (false, _) => CONCEALED,
        };
        self.begins = gap > made_up;
        if gap > 0 && gap <= made_up {
            let length = self.decoder.get_nb_samples(&packet.payload).unwrap_or(STEP) as u64;
            // The packet may carry the one before it a second time (RFC 6716 section 2.1.7).
            let spared = if missing > 0 && gap >= length { length } else { 0 };
            if paused {
                self.be_quiet(at - gap, gap - spared, give);
            } else {
                self.conceal(at - gap, gap - spared, give);
            }
            if let Some(room) = audio.get_mut(..spared as usize)
                && spared > 0
                && self.decoder.decode(&packet.payload, room, true).is_ok()
            {
                self.emit(room, at - spared, give);
            }
        }
        if packet.payload.len() <= NO_FRAME {
            let length = self.decoder.get_nb_samples(&packet.payload).unwrap_or(STEP) as u64;
            let from = self.due.map_or(at, |due| due.clamp(at, at + length));
            self.be_quiet(from, at + length - from, give);
            self.go_on_at(at + length);
            return;
        }
        match self.decoder.decode(&packet.payload, &mut audio, false) {
            Ok(length) => {
                if let Some(heard) = audio.get(..STEP.min(length)) {
                    self.noise.learn(heard.iter().map(|&sample| sample.into()));
                }
                // Later than it can be put off: only a browser whose clock began anew is further behind.
                let late = self.due.map_or(0, |due| due.saturating_sub(at));
                let late = if late <= PAUSE { late as usize } else { 0 };
                self.emit(&audio[late.min(length)..length], at + late as u64, give);
                self.go_on_at(at + length as u64);
            }
            // A damaged packet is one that is missing.
            Err(_) => self.lost += 1,
        }
    }

    /// What comes next is due at `end`, or after what was made up already.
    fn go_on_at(&mut self, end: u64) {
        let made_up = self.due.filter(|due| (end..=end + PAUSE).contains(due));
        self.due = Some(made_up.unwrap_or(end));
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
            let begins = std::mem::take(&mut self.begins);
            give(self.stamped(frame, Codec::Pcma.payload_type(), begins, at));
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
#[path = "uplink_tests.rs"]
mod tests;
