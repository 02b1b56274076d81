//! What is said: a tone, then speech.

use opus::{Application, Channels, Encoder};
use ponte_media::{Codec, analysis, g711};

use crate::Failure;
use crate::peer::Speaks;

pub const TONE_HZ: f64 = 440.0;
pub const TONE_LEVEL: f64 = -13.0;
const STEP: usize = 160;
/// Sentences that are spoken one after the other, some ten seconds of them.
const SENTENCES: [&str; 5] = [
    "leave-message",
    "confirm-press-one",
    "main-menu",
    "not-permitted",
    "too-late",
];

/// `seconds` of the tone.
pub fn tone(seconds: f64) -> Vec<i16> {
    analysis::sines(&[TONE_HZ], TONE_LEVEL, seconds)
}

/// The speech of the prompts that the gateway itself speaks.
pub fn speech() -> Result<Vec<i16>, Failure> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/prompts/en");
    let mut all = Vec::new();
    for name in SENTENCES {
        let mut file = hound::WavReader::open(format!("{folder}/{name}.wav"))?;
        for sample in file.samples::<i16>() {
            all.push(sample?);
        }
        all.extend([0; 1_600]);
    }
    Ok(all)
}

/// An encoder as browsers have one where the gateway's answer asks for `useinbandfec=1`.
pub fn encoder() -> Result<Encoder, Failure> {
    let mut encoder = Encoder::new(8_000, Channels::Mono, Application::Voip)?;
    encoder.set_bitrate(opus::Bitrate::Bits(32_000))?;
    encoder.set_inband_fec(true)?;
    encoder.set_packet_loss_perc(10)?;
    Ok(encoder)
}

/// Packets of 20 ms.
pub fn packets(speaks: Speaks, audio: &[i16]) -> Result<Vec<Vec<u8>>, Failure> {
    let mut encoder = encoder()?;
    audio
        .chunks_exact(STEP)
        .map(|frame| match speaks {
            Speaks::Opus => Ok(encoder.encode_vec(frame, 400)?),
            Speaks::Pcmu => Ok(g711::encode(Codec::Pcmu, frame)),
        })
        .collect()
}
