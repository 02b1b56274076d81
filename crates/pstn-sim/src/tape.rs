//! What a telephone heard, kept as sound.

use std::io::Cursor;
use std::sync::Mutex;

use crate::call::lock;

/// One minute: 960 kB.
const MOST_SAMPLES: usize = 60 * 8000;

/// The first minute of what one telephone heard, 8000 samples a second, in the order in which the packets came.
#[derive(Debug, Default)]
pub(crate) struct Tape(Mutex<Vec<i16>>);

impl Tape {
    pub(crate) fn push(&self, samples: impl Iterator<Item = i16>) {
        let mut tape = lock(&self.0);
        let room = MOST_SAMPLES.saturating_sub(tape.len());
        tape.extend(samples.take(room));
    }

    /// All samples so far.
    pub(crate) fn samples(&self) -> Vec<i16> {
        lock(&self.0).clone()
    }

    /// A WAV file: one channel, 16 bits, 8000 Hz.
    pub(crate) fn wav(&self) -> Result<Vec<u8>, hound::Error> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec)?;
        for sample in self.samples() {
            writer.write_sample(sample)?;
        }
        writer.finalize()?;
        Ok(file.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_ends_after_a_minute_and_reads_as_wav() {
        let tape = Tape::default();
        for _ in 0..61 {
            tape.push((0..8000_i16).map(|n| n % 100));
        }
        let wav = tape.wav().unwrap();
        let reader = hound::WavReader::new(Cursor::new(wav)).unwrap();
        assert_eq!(reader.duration(), 480_000);
        assert_eq!(reader.spec().sample_rate, 8000);
    }
}
