//! From an endpoint to its browser: G.711 in 20 ms frames to Opus or G.722, or as it is.

use opus::{Application, Bitrate, Channels, Encoder};

use super::uplink::Kind;
use super::{LINE_EVENT, wide};
use crate::quality::Carried;
use crate::{Codec, g711};

/// Samples in a frame of Opus or G.722.
const STEP: usize = 160;
/// Bits a second: telephone speech, and room for the copy that conceals a loss.
const BITRATE: i32 = 24_000;
/// Loss the encoder reckons with, in per cent: it makes the copies worth their bits.
const EXPECTED_LOSS: u8 = 10;
/// Cheap enough for 150 sessions a core, and no worse to the ear at 8 kHz.
const COMPLEXITY: i32 = 5;
/// The longest packet that is made.
const PACKET: usize = 400;
/// What libopus makes of a frame that need not be sent, in bytes at most.
const NO_FRAME: usize = 2;
/// Mean square of a frame under which it may be a pause, -50 dBov: libopus takes a steady tone for noise, however loud.
const QUIET: u64 = 104 * 104;
/// A larger step in the sequence is no loss but a new beginning.
const MAX_DROPOUT: u16 = 100;

/// A packet for the browser.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Out<'a> {
    pub(super) payload_type: u8,
    pub(super) sequence: u64,
    /// In the clock of the payload type.
    pub(super) time: u32,
    pub(super) marker: bool,
    pub(super) payload: &'a [u8],
}

enum Voice {
    Opus(Box<Encoder>),
    G722(Box<wide::Encoder>),
    G711(Codec),
}

pub(super) struct Downlink {
    voice: Voice,
    payload_type: u8,
    /// Payload type of events, and units of their clock in a sample at 8 kHz.
    events: Option<(u8, u16)>,
    frame: [i16; STEP],
    filled: usize,
    /// When the frame began, by the line's timestamps.
    began: u32,
    last: Option<u16>,
    sequence: u64,
    /// Nothing is sent in pauses.
    dtx: bool,
    /// The last packet told of a pause, and no other was sent since.
    pausing: bool,
}

impl Downlink {
    /// `types`: what was agreed, in the browser's order; `dtx`: whether nothing is to be sent in pauses, if it is Opus.
    /// `None` where no audio was agreed.
    pub(super) fn new(types: &[(u8, Kind)], dtx: bool) -> Result<Option<Self>, opus::Error> {
        let audio = types.iter().find(|(_, kind)| !matches!(kind, Kind::Event { .. }));
        let Some(&(payload_type, kind)) = audio else {
            return Ok(None);
        };
        let (voice, clock) = match kind {
            Kind::G711(codec) => (Voice::G711(codec), 1),
            Kind::G722 => (Voice::G722(Box::new(wide::Encoder::new())), 1),
            _ => (Voice::Opus(Box::new(encoder()?)), 6),
        };
        // Events of another clock than the audio's would tear the stream's timestamps.
        let events = types.iter().find_map(|&(number, kind)| match kind {
            Kind::Event { per_sample } if per_sample == u64::from(clock) => Some((number, clock)),
            _ => None,
        });
        Ok(Some(Self {
            voice,
            payload_type,
            events,
            frame: [0; STEP],
            filled: 0,
            began: 0,
            last: None,
            sequence: u64::from(rand::random::<u16>() >> 1),
            dtx,
            pausing: false,
        }))
    }

    /// What is carried, both ways.
    pub(super) fn carried(&self) -> Carried {
        match self.voice {
            Voice::Opus(_) => Carried::Opus,
            Voice::G722(_) => Carried::G722,
            Voice::G711(_) => Carried::G711,
        }
    }

    /// Units of the audio's clock in a millisecond.
    pub(super) fn clock_khz(&self) -> f64 {
        f64::from(8 * self.clock())
    }

    fn clock(&self) -> u32 {
        match self.voice {
            Voice::Opus(_) => 6,
            Voice::G722(_) | Voice::G711(_) => 1,
        }
    }

    /// Takes an RTP packet of the line; `write` gets what goes to the browser.
    pub(super) fn take(&mut self, packet: &[u8], write: &mut impl FnMut(Out<'_>)) {
        let Some((header, payload)) = packet.split_at_checked(12) else {
            return;
        };
        let (payload_type, marker) = (header[1] & 0x7F, header[1] & 0x80 != 0);
        let sequence = u16::from_be_bytes([header[2], header[3]]);
        let timestamp = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        let step = self.last.map_or(1, |last| sequence.wrapping_sub(last));
        if step == 0 || step > u16::MAX - MAX_DROPOUT {
            // It comes too late.
            return;
        }
        self.last = Some(sequence);
        if (2..MAX_DROPOUT).contains(&step) {
            // The browser sees the loss, and conceals it.
            self.sequence += u64::from(step - 1);
        }
        if payload_type == LINE_EVENT {
            self.filled = 0;
            self.event(payload, timestamp, marker, write);
        } else if let Some(codec) = Codec::from_payload_type(payload_type) {
            self.audio(codec, payload, timestamp, marker, write);
        }
    }

    fn event(&mut self, payload: &[u8], timestamp: u32, marker: bool, write: &mut impl FnMut(Out<'_>)) {
        let (Some((payload_type, clock)), Some(&[event, flags, high, low])) =
            (self.events, payload.first_chunk::<4>())
        else {
            return;
        };
        let [high, low] = u16::from_be_bytes([high, low])
            .saturating_mul(clock)
            .to_be_bytes();
        self.sequence += 1;
        write(Out {
            payload_type,
            sequence: self.sequence,
            time: timestamp.wrapping_mul(self.clock()),
            marker,
            payload: &[event, flags, high, low],
        });
    }

    fn audio(
        &mut self,
        codec: Codec,
        payload: &[u8],
        timestamp: u32,
        marker: bool,
        write: &mut impl FnMut(Out<'_>),
    ) {
        if let Voice::G711(to) = self.voice {
            let mut copy = [0; 960];
            let length = payload.len().min(copy.len());
            let copy = &mut copy[..length];
            copy.copy_from_slice(&payload[..length]);
            g711::transcode(codec, to, copy);
            self.sequence += 1;
            write(Out {
                payload_type: self.payload_type,
                sequence: self.sequence,
                time: timestamp,
                marker,
                payload: copy,
            });
            return;
        }
        let clock = self.clock();
        if self.filled == 0 || timestamp != self.began.wrapping_add(self.filled as u32) {
            // What is left of a frame that was torn is less than 20 ms.
            self.began = timestamp;
            self.filled = 0;
        }
        let table = g711::linear_table(codec);
        let mut marker = marker;
        for &code in payload {
            self.frame[self.filled] = table[usize::from(code)];
            self.filled += 1;
            if self.filled < STEP {
                continue;
            }
            self.filled = 0;
            let mut packet = [0; PACKET];
            // It cannot fail with a frame of this length; if it did, the browser would conceal it.
            let length = match &mut self.voice {
                Voice::Opus(encoder) => {
                    if self.dtx {
                        // It cannot fail, and sound is never cut where it did.
                        drop(encoder.set_dtx(is_quiet(&self.frame)));
                    }
                    encoder.encode(&self.frame, &mut packet).unwrap_or(0)
                }
                Voice::G722(encoder) => encoder.encode(&self.frame, &mut packet),
                Voice::G711(_) => 0,
            };
            let pauses = (1..=NO_FRAME).contains(&length);
            if pauses && self.pausing {
                self.began = self.began.wrapping_add(STEP as u32);
                continue;
            }
            marker |= self.pausing;
            self.pausing = pauses;
            self.sequence += 1;
            if length > 0 {
                write(Out {
                    payload_type: self.payload_type,
                    sequence: self.sequence,
                    time: self.began.wrapping_mul(clock),
                    marker: std::mem::take(&mut marker),
                    payload: &packet[..length],
                });
            }
            self.began = self.began.wrapping_add(STEP as u32);
        }
    }
}

fn is_quiet(frame: &[i16; STEP]) -> bool {
    let energy: u64 = frame
        .iter()
        .map(|&sample| u64::from(sample.unsigned_abs()).pow(2))
        .sum();
    energy < QUIET * STEP as u64
}

fn encoder() -> Result<Encoder, opus::Error> {
    let mut encoder = Encoder::new(8_000, Channels::Mono, Application::Voip)?;
    encoder.set_bitrate(Bitrate::Bits(BITRATE))?;
    encoder.set_complexity(COMPLEXITY)?;
    encoder.set_inband_fec(true)?;
    encoder.set_packet_loss_perc(i32::from(EXPECTED_LOSS))?;
    Ok(encoder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;
    use crate::outgoing::Header;

    const OPUS: (u8, Kind) = (111, Kind::Opus);

    fn packet(payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let header = Header {
            payload_type,
            marker: false,
            sequence,
            timestamp,
            ssrc: 1,
        };
        [&header.to_bytes()[..], payload].concat()
    }

    /// What goes out, as type, sequence from the first, and time.
    fn sent(downlink: &mut Downlink, packets: &[Vec<u8>]) -> Vec<(u8, u64, u32)> {
        let mut out = Vec::new();
        for packet in packets {
            downlink.take(packet, &mut |packet| {
                out.push((packet.payload_type, packet.sequence, packet.time));
            });
        }
        let first = out.first().map_or(0, |first| first.1);
        for sent in &mut out {
            sent.1 -= first;
        }
        out
    }

    #[test]
    fn packets_of_any_length_become_frames_of_20_ms() {
        let mut downlink = Downlink::new(&[OPUS], false).unwrap().unwrap();
        let packets = [
            packet(8, 7, 1_000, &[0xD5; 80]),
            packet(8, 8, 1_080, &[0xD5; 80]),
            packet(0, 9, 1_160, &[0xFF; 480]),
        ];
        assert_eq!(
            sent(&mut downlink, &packets),
            [(111, 0, 6_000), (111, 1, 6_960), (111, 2, 7_920), (111, 3, 8_880)]
        );
    }

    #[test]
    fn a_loss_stays_one_and_a_late_packet_is_left_out() {
        let mut downlink = Downlink::new(&[OPUS], false).unwrap().unwrap();
        let at = |n: u16| packet(8, n, u32::from(n) * 160, &[0xD5; 160]);
        let out = sent(&mut downlink, &[at(1), at(2), at(5), at(4), at(6)]);
        assert_eq!(out.iter().map(|sent| sent.1).collect::<Vec<_>>(), [0, 1, 4, 5]);
    }

    #[test]
    fn keys_are_told_in_the_clock_of_the_audio() {
        let types = [
            OPUS,
            (126, Kind::Event { per_sample: 1 }),
            (110, Kind::Event { per_sample: 6 }),
        ];
        let mut downlink = Downlink::new(&types, false).unwrap().unwrap();
        let mut keys = Vec::new();
        downlink.take(&packet(LINE_EVENT, 1, 100, &[5, 0x0A, 0x03, 0x20]), &mut |out| {
            keys.push((out.payload_type, out.time, out.payload.to_vec()));
        });
        assert_eq!(keys, [(110, 600, vec![5, 0x0A, 0x12, 0xC0])]);
    }

    #[test]
    fn the_law_of_the_browser_is_kept() {
        let mut downlink = Downlink::new(&[(0, Kind::G711(Codec::Pcmu)), OPUS], false)
            .unwrap()
            .unwrap();
        let mut heard = Vec::new();
        downlink.take(&packet(8, 1, 100, &[g711::encode_pcma(5_000)]), &mut |out| {
            heard.push((out.payload_type, out.time, out.payload.to_vec()));
        });
        let expected = g711::encode_pcmu(g711::decode_pcma(g711::encode_pcma(5_000)));
        assert_eq!(heard, [(0, 100, vec![expected])]);
    }

    /// What goes to the browser of so many frames, of a tone that goes on or of a quiet line.
    fn paused(downlink: &mut Downlink, from: u16, level: f64, frames: u16) -> Vec<(u64, u32, bool, usize)> {
        let audio = analysis::sines(&[440.0], level, f64::from(frames) / 50.0);
        let mut out = Vec::new();
        for (n, piece) in audio.chunks_exact(STEP).enumerate() {
            let sequence = from + n as u16;
            let payload = analysis::encode(Codec::Pcma, piece);
            downlink.take(
                &packet(8, sequence, u32::from(sequence) * 160, &payload),
                &mut |packet| {
                    out.push((packet.sequence, packet.time, packet.marker, packet.payload.len()));
                },
            );
        }
        out
    }

    #[test]
    fn a_browser_that_asks_for_pauses_is_sent_little_in_them_and_all_of_the_rest() {
        let mut downlink = Downlink::new(&[OPUS], true).unwrap().unwrap();
        // However steady it is.
        let tone = paused(&mut downlink, 1, -13.0, 500);
        assert_eq!(tone.len(), 500);
        assert!(tone.iter().all(|packet| packet.3 > NO_FRAME));
        let pause = paused(&mut downlink, 501, -80.0, 500);
        // A second passes before it is one, and there is a sign of life every 400 ms.
        assert!((40..120).contains(&pause.len()), "{} packets", pause.len());
        let spaces = pause.windows(2).map(|pair| (pair[1].1 - pair[0].1) / 48);
        let longest = spaces.max().unwrap();
        assert!((100..=440).contains(&longest), "{longest} ms");
        let again = paused(&mut downlink, 1_001, -13.0, 50);
        assert_eq!(again.len(), 50);
        assert!(again[0].2 && !again[1].2, "the marker tells of the word");
        assert_eq!(again[0].1, 1_001 * 960);
        let all: Vec<u64> = tone
            .iter()
            .chain(&pause)
            .chain(&again)
            .map(|packet| packet.0)
            .collect();
        assert!(all.windows(2).all(|pair| pair[1] == pair[0] + 1), "no loss");
    }

    #[test]
    fn a_browser_that_does_not_ask_hears_silence_as_packets() {
        let mut downlink = Downlink::new(&[OPUS], false).unwrap().unwrap();
        assert_eq!(paused(&mut downlink, 1, -80.0, 200).len(), 200);
    }
}
