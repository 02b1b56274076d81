//! The writer's part: blocks put in their places, and into the file.

use std::io::{self, Seek, Write};

use super::tape::Block;
use super::waveform::Waveform;
use super::{RecordingError, Tracks};
use crate::g711;

/// Samples that are held back for a packet that comes late: half a second.
const WINDOW: usize = 4000;
/// The same where a side may run before the other by as much as RTP time may be off.
const WINDOW_OF_BOTH: usize = 20_000;
/// The header is made right after so many samples.
const HEADER_EVERY: u64 = 8000;

pub(super) const fn spec(tracks: Tracks) -> hound::WavSpec {
    hound::WavSpec {
        channels: tracks.channels(),
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    }
}

/// A recording on its way into `W`.
pub(super) struct Assembly<W: Write + Seek> {
    file: hound::WavWriter<W>,
    tracks: Tracks,
    window: usize,
    /// Samples of each side not yet written, and where they begin.
    held: [Vec<i16>; 2],
    written: u64,
    header_at: u64,
    waveform: Waveform,
}

impl<W: Write + Seek> Assembly<W> {
    pub(super) fn new(file: W, tracks: Tracks) -> Result<Self, RecordingError> {
        Ok(Self {
            file: hound::WavWriter::new(file, spec(tracks)).map_err(failure)?,
            tracks,
            window: if tracks == Tracks::Said {
                WINDOW
            } else {
                WINDOW_OF_BOTH
            },
            held: Default::default(),
            written: 0,
            header_at: 0,
            waveform: Waveform::new(),
        })
    }

    /// Puts a block where it belongs; what comes too late is left out.
    pub(super) fn place(&mut self, block: &Block) -> Result<(), RecordingError> {
        let end = block.at + u64::from(block.length);
        if end <= self.written {
            return Ok(());
        }
        self.pass(block.at.saturating_sub(self.window as u64))?;
        let audio = block.audio();
        let skipped = self.written.saturating_sub(block.at) as usize;
        let from = block.at.saturating_sub(self.written) as usize;
        let audio = &audio[skipped..];
        let held = &mut self.held[block.side.index()];
        if held.len() < from + audio.len() {
            held.resize(from + audio.len(), 0);
        }
        let table = g711::linear_table(block.codec);
        for (sample, &code) in held[from..].iter_mut().zip(audio) {
            *sample = table[usize::from(code)];
        }
        Ok(())
    }

    /// Writes what lies before `until`, with silence where nothing came.
    fn pass(&mut self, until: u64) -> Result<(), RecordingError> {
        while self.written < until {
            self.write((until - self.written).min(HEADER_EVERY) as usize)?;
        }
        Ok(())
    }

    fn write(&mut self, count: usize) -> Result<(), RecordingError> {
        let mut together = Vec::with_capacity(count);
        for n in 0..count {
            let [said, heard] = [0, 1].map(|side| self.held[side].get(n).copied().unwrap_or(0));
            let sum = said.saturating_add(heard);
            together.push(sum);
            if self.tracks == Tracks::Stereo {
                self.file.write_sample(said).map_err(failure)?;
                self.file.write_sample(heard).map_err(failure)?;
            } else {
                self.file.write_sample(sum).map_err(failure)?;
            }
        }
        self.waveform.listen(&together);
        for held in &mut self.held {
            held.drain(..count.min(held.len()));
        }
        self.written += count as u64;
        if self.written >= self.header_at + HEADER_EVERY {
            self.file.flush().map_err(failure)?;
            self.header_at = self.written;
        }
        Ok(())
    }

    /// Writes the rest up to `length`, if one is given, and the header. Tells the samples in the file and their loudness.
    pub(super) fn finish(mut self, length: Option<u64>) -> (u64, Vec<u8>, Result<(), RecordingError>) {
        let mut result = match length {
            Some(length) => self.pass(length),
            None => Ok(()),
        };
        let finalized = self.file.finalize().map_err(failure);
        // A header that could not be made right is the one of the last time.
        let samples = if finalized.is_ok() {
            self.written
        } else {
            self.header_at
        };
        if result.is_ok() {
            result = finalized;
        }
        (samples, self.waveform.finish(), result)
    }
}

fn failure(error: hound::Error) -> RecordingError {
    match error {
        hound::Error::IoError(error) => RecordingError::write(&error),
        other => RecordingError::Write {
            kind: io::ErrorKind::Other,
            reason: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::Codec;
    use crate::recording::Side;
    use crate::recording::tape::BLOCK;

    fn block(at: u64, sample: i16, length: u8) -> Block {
        Block {
            side: Side::Said,
            at,
            codec: Codec::Pcma,
            length,
            bytes: [g711::encode_pcma(sample); BLOCK],
        }
    }

    fn heard(sample: i16) -> i16 {
        g711::decode_pcma(g711::encode_pcma(sample))
    }

    /// What is in the file after these blocks.
    fn file(blocks: &[Block], length: u64) -> Vec<i16> {
        let mut bytes = Cursor::new(Vec::new());
        let mut assembly = Assembly::new(&mut bytes, Tracks::Said).unwrap();
        for block in blocks {
            assembly.place(block).unwrap();
        }
        let (written, _, result) = assembly.finish(Some(length));
        assert_eq!(result, Ok(()));
        bytes.set_position(0);
        let samples: Vec<i16> = hound::WavReader::new(bytes)
            .unwrap()
            .samples()
            .map(Result::unwrap)
            .collect();
        assert_eq!(samples.len() as u64, written);
        samples
    }

    #[test]
    fn late_and_doubled_packets_find_their_place_and_gaps_are_silent() {
        let samples = file(
            &[
                block(0, 100, 160),
                block(320, 300, 160),
                block(160, 200, 160),
                block(320, 300, 160),
                block(800, 800, 160),
            ],
            1200,
        );
        assert_eq!(samples.len(), 1200);
        for (from, to, sample) in [
            (0, 160, heard(100)),
            (160, 320, heard(200)),
            (320, 480, heard(300)),
            (480, 800, 0),
            (800, 960, heard(800)),
            (960, 1200, 0),
        ] {
            assert!(samples[from..to].iter().all(|&s| s == sample), "{from}");
        }
    }

    #[test]
    fn a_long_gap_is_silence_and_a_packet_from_before_it_is_left_out() {
        let samples = file(
            &[block(0, 100, 160), block(100_000, 200, 160), block(200, 300, 160)],
            100_100,
        );
        assert_eq!(samples.len(), 100_100, "cut where it ended");
        assert!(samples[160..100_000].iter().all(|&s| s == 0));
        assert!(samples[100_000..].iter().all(|&s| s == heard(200)));
    }

    /// A file on a disk that has room for so many bytes.
    struct SmallDisk {
        inner: Cursor<Vec<u8>>,
        room: u64,
    }

    impl Write for SmallDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.inner.position() + bytes.len() as u64 > self.room {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.inner.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for SmallDisk {
        fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
            self.inner.seek(to)
        }
    }

    #[test]
    fn a_full_disk_is_told_and_what_was_written_plays() {
        let mut disk = SmallDisk {
            inner: Cursor::new(Vec::new()),
            room: 44 + 60_000,
        };
        let mut assembly = Assembly::new(&mut disk, Tracks::Said).unwrap();
        let failed = (0..1000).find_map(|n| assembly.place(&block(n * 160, 5000, 160)).err());
        assert_eq!(failed, Some(RecordingError::DiskFull));
        let (_, waveform, _) = assembly.finish(None);
        assert!(!waveform.is_empty());
        disk.inner.set_position(0);
        let reader = hound::WavReader::new(disk.inner).unwrap();
        let samples: Vec<i16> = reader.into_samples().map_while(Result::ok).collect();
        assert!((20_000..=30_000).contains(&samples.len()), "{}", samples.len());
        assert!(samples.iter().all(|&s| s == heard(5000)));
    }
}
