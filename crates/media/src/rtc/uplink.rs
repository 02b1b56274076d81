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

    /// Seconds of a tone and of a quiet room in turn, as a browser sends them that pauses: with how many packets were not sent.
    fn with_pauses(seconds: &[(f64, bool)]) -> (Vec<Packet>, usize) {
        spoken(seconds, true)
    }

    fn spoken(seconds: &[(f64, bool)], dtx: bool) -> (Vec<Packet>, usize) {
        let mut encoder = Encoder::new(8_000, Channels::Mono, Application::Voip).unwrap();
        encoder.set_inband_fec(true).unwrap();
        encoder.set_packet_loss_perc(10).unwrap();
        encoder.set_dtx(dtx).unwrap();
        let mut audio = Vec::new();
        for &(seconds, speaks) in seconds {
            let level = if speaks { -10.0 } else { -75.0 };
            let steady = analysis::sines(&[440.0], level, seconds);
            // A tone that is steady is noise to libopus: its loudness goes up and down as a voice does.
            let wave = |n: usize| {
                if speaks {
                    0.6 + 0.4 * (n as f64 / 400.0).cos()
                } else {
                    1.0
                }
            };
            audio.extend(
                steady
                    .iter()
                    .enumerate()
                    .map(|(n, &sample)| (f64::from(sample) * wave(n)) as i16),
            );
        }
        let at = Instant::now();
        let (mut packets, mut unsent, mut pauses) = (Vec::new(), 0, false);
        for (n, piece) in audio.chunks_exact(STEP).enumerate() {
            let payload = encoder.encode_vec(piece, 400).unwrap();
            if payload.len() <= NO_FRAME && pauses {
                unsent += 1;
                continue;
            }
            pauses = payload.len() <= NO_FRAME;
            packets.push(Packet {
                sequence: 70_000 + packets.len() as u64,
                time: 9_600 + n as u64 * 960,
                marker: false,
                kind: Kind::Opus,
                payload: payload.into(),
                at: at + Duration::from_millis(20 * n as u64),
            });
        }
        (packets, unsent)
    }

    struct Out {
        uplink: Uplink,
        stamps: Vec<(u16, u32)>,
        audio: Vec<i16>,
        /// When each frame was given, after the first packet was sent.
        times: Vec<Duration>,
    }

    impl Out {
        /// Where the tone begins and ends, by frames of 20 ms.
        fn edges(&self) -> Vec<(usize, bool)> {
            let loud = self
                .audio
                .chunks(STEP)
                .map(|frame| analysis::level(frame) > -30.0);
            let mut edges = Vec::new();
            let mut before = false;
            for (n, loud) in loud.enumerate() {
                if loud != before {
                    edges.push((n, loud));
                }
                before = loud;
            }
            edges
        }
    }

    /// Lets the packets come with this delay in milliseconds, by their number, and looks at the clock for so long after the last.
    fn lived(packets: Vec<Packet>, delay: impl Fn(usize) -> u64, after: Duration) -> Out {
        let begun = packets[0].at;
        let last = packets.last().unwrap().at + after;
        let mut coming: Vec<Packet> = packets
            .into_iter()
            .enumerate()
            .map(|(n, packet)| Packet {
                at: packet.at + Duration::from_millis(delay(n)),
                ..packet
            })
            .collect();
        coming.sort_by_key(|packet| packet.at);
        let mut coming = coming.into_iter().peekable();
        let mut out = Out {
            uplink: Uplink::new().unwrap(),
            stamps: Vec::new(),
            audio: Vec::new(),
            times: Vec::new(),
        };
        let Out {
            uplink,
            stamps,
            audio,
            times,
        } = &mut out;
        let mut now = begun;
        while now < last {
            let mut give = |frame: Frame| {
                let bytes = frame.bytes();
                let timestamp = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
                stamps.push((u16::from_be_bytes([bytes[2], bytes[3]]), timestamp));
                audio.extend(g711::decode(Codec::Pcma, &bytes[12..]));
                times.push(now - begun);
            };
            while let Some(packet) = coming.next_if(|packet| packet.at <= now) {
                uplink.take(packet, &mut give);
            }
            uplink.release(now, &mut give);
            now += Duration::from_millis(5);
        }
        out
    }

    #[test]
    fn a_pause_is_quiet_and_no_loss_and_the_word_after_it_is_whole() {
        let (packets, unsent) = with_pauses(&[(1.0, true), (3.0, false), (1.0, true)]);
        assert!(unsent > 100, "{unsent} packets were not sent");
        let all = packets.len() + unsent;
        let (unpaused, _) = spoken(&[(1.0, true), (3.0, false), (1.0, true)], false);
        let whole = lived(unpaused, |_| 0, Duration::from_secs(1)).audio;
        for jitter in [0, 15, 30] {
            let (packets, _) = with_pauses(&[(1.0, true), (3.0, false), (1.0, true)]);
            let out = lived(packets, |n| n as u64 * 7 % (jitter + 1), Duration::from_secs(1));
            assert_eq!(out.uplink.lost, 0);
            assert!(is_whole(&out.stamps));
            assert_eq!(out.stamps.len(), all, "jitter {jitter}");
            // The tone ends and begins where it was said, but for what libopus looks ahead.
            let [(0 | 1, true), (end @ 50..=52, false), (begin @ 199..=201, true)] = out.edges()[..] else {
                panic!("{:?}", out.edges());
            };
            let pause = &out.audio[(end + 2) * STEP..(begin - 1) * STEP];
            assert!(analysis::level(pause) < -60.0, "{} dB", analysis::level(pause));
            // No click: what is added at an edge is not louder than the tone.
            let word = &out.audio[begin * STEP..(begin + 2) * STEP];
            let level = analysis::level_of(word, 440.0);
            let of_whole = analysis::level_of(&whole[begin * STEP..(begin + 2) * STEP], 440.0);
            assert!(
                level > of_whole - 1.0,
                "{level} dB in the first 40 ms, without pauses {of_whole}"
            );
            assert!(out.audio.iter().all(|sample| sample.unsigned_abs() < 16_000));
            // The endpoint has a packet every 20 ms, with what the network and the patience with it add.
            let longest = out
                .times
                .windows(2)
                .map(|pair| pair[1].saturating_sub(pair[0]))
                .max()
                .unwrap();
            assert!(
                longest <= Duration::from_millis(100),
                "{longest:?} without a packet"
            );
        }
    }

    #[test]
    fn a_word_that_comes_late_after_a_pause_is_put_off_until_the_next() {
        let said = [(1.0, true), (2.0, false), (1.0, true), (2.0, false), (1.0, true)];
        let (packets, _) = with_pauses(&said);
        let begun = packets[0].at;
        let word = |n: usize| {
            let at = (packets[n].at - begun).as_millis();
            (2_980..4_400).contains(&at)
        };
        let late: Vec<bool> = (0..packets.len()).map(word).collect();
        let out = lived(packets, |n| if late[n] { 110 } else { 0 }, Duration::from_secs(1));
        assert_eq!(out.uplink.lost, 0);
        assert!(is_whole(&out.stamps));
        let edges: Vec<usize> = out.edges().into_iter().map(|(n, _)| n).collect();
        let [_, _, second, over, third, ..] = edges[..] else {
            panic!("{edges:?}")
        };
        assert!((152..=156).contains(&second), "{edges:?}");
        assert!(
            (50..=52).contains(&(over - second)),
            "the word is whole: {edges:?}"
        );
        assert!((299..=301).contains(&third), "{edges:?}");
    }

    #[test]
    fn a_pause_without_a_sign_of_life_ends() {
        let (mut packets, _) = with_pauses(&[(1.0, true), (1.0, false)]);
        let first = packets
            .iter()
            .position(|packet| packet.payload.len() <= NO_FRAME)
            .unwrap();
        packets.truncate(first + 1);
        let before = packets[first].time as usize / 960 - 10;
        let out = lived(packets, |_| 0, Duration::from_secs(5));
        assert_eq!(out.stamps.len(), before + 1 + (PAUSE as usize / STEP));
    }

    #[test]
    fn a_loss_in_a_pause_is_one() {
        let (mut packets, _) = with_pauses(&[(1.0, true), (2.0, false), (1.0, true)]);
        let word = packets
            .iter()
            .rposition(|packet| packet.payload.len() <= NO_FRAME)
            .unwrap()
            + 1;
        packets.remove(word);
        let out = lived(packets, |_| 0, Duration::from_secs(1));
        assert_eq!((out.uplink.lost, is_whole(&out.stamps)), (1, true));
        assert_eq!(out.stamps.len(), 200);
    }
}
