//! G.722 at the rate of the line (ITU-T G.722, RFC 3551 section 4.5.2).
//!
//! A line carries 8 kHz: what is sent has nothing above 4 kHz, and of what comes the upper of the codec's two bands is left
//! out. Its RTP clock runs at 8 kHz too, so that a byte is a sample of the line.

use audio_codec::g722::{Bitrate, G722Decoder, G722Encoder};
use audio_codec::{Decoder as _, Encoder as _};

use crate::mix::half_band::Doubler;
use crate::mix::{NARROW, WIDE};

/// Payload type (RFC 3551 section 6).
pub(super) const PAYLOAD_TYPE: u8 = 9;

/// The way to a browser.
pub(super) struct Encoder {
    doubler: Doubler,
    encoder: G722Encoder,
}

/// The way from a browser.
pub(super) struct Decoder(G722Decoder);

impl Encoder {
    pub(super) fn new() -> Self {
        Self {
            doubler: Doubler::new(),
            encoder: G722Encoder::new(),
        }
    }

    /// Writes a byte for each sample of `audio`; how many that were.
    pub(super) fn encode(&mut self, audio: &[i16; NARROW], payload: &mut [u8]) -> usize {
        let mut wide = [0.0; WIDE];
        self.doubler.process(&audio.map(f32::from), &mut wide);
        // The cast keeps to what 16 bits hold.
        self.encoder
            .encode_into(&wide.map(|sample| sample as i16), payload)
            .unwrap_or(0)
    }
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self(G722Decoder::with_options(Bitrate::Mode1_64000, false, true))
    }

    /// Writes a sample for each byte of `payload` that `audio` has room for; how many that were.
    pub(super) fn decode(&mut self, payload: &[u8], audio: &mut [i16]) -> usize {
        let taken = payload.len().min(audio.len());
        self.0.decode_into(&payload[..taken], audio).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    /// A tone of 1 kHz as a telephone of 16 kHz sends it.
    fn wide(length: usize) -> Vec<i16> {
        (0..length)
            .map(|n| (8_000.0 * (std::f64::consts::TAU * 1_000.0 * n as f64 / 16_000.0).sin()) as i16)
            .collect()
    }

    #[test]
    fn what_was_said_at_16_khz_is_heard_at_8() {
        let mut payload = vec![0; 8_000];
        let length = G722Encoder::new()
            .encode_into(&wide(16_000), &mut payload)
            .unwrap();
        assert_eq!(length, 8_000);
        let mut audio = vec![0; 8_000];
        assert_eq!(Decoder::new().decode(&payload, &mut audio), 8_000);
        let level = analysis::level_of(&audio[800..], 1_000.0);
        assert!((-16.0..-9.0).contains(&level), "{level} dB");
        assert!(analysis::level_of(&audio[800..], 2_000.0) < level - 20.0);
    }

    #[test]
    fn what_is_said_at_8_khz_is_heard_at_16() {
        let said = analysis::sines(&[1_000.0], -13.0, 1.0);
        let (mut encoder, mut payload) = (Encoder::new(), Vec::new());
        for frame in said.as_chunks::<NARROW>().0 {
            let mut packet = [0; 400];
            let length = encoder.encode(frame, &mut packet);
            payload.extend_from_slice(&packet[..length]);
        }
        assert_eq!(payload.len(), 8_000);
        let mut audio = vec![0; 16_000];
        assert_eq!(
            G722Decoder::new().decode_into(&payload, &mut audio).unwrap(),
            16_000
        );
        // Every second sample: 1 kHz is far below what that folds.
        let heard: Vec<i16> = audio[1_600..].iter().step_by(2).copied().collect();
        let level = analysis::level_of(&heard, 1_000.0);
        assert!((-18.0..-8.0).contains(&level), "{level} dB");
        assert!(analysis::level_of(&heard, 3_000.0) < level - 20.0);
    }

    #[test]
    fn a_payload_of_any_length_is_read() {
        let mut audio = [0; 960];
        assert_eq!(Decoder::new().decode(&[0x5A; 1_400], &mut audio), 960);
        assert_eq!(Decoder::new().decode(&[], &mut audio), 0);
    }
}
