//! Recorded audio from a file: WAV, 8 or 16 kHz, mono, 16 bit.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::Clip;
use crate::resample;

/// Longest audio that is loaded.
const MAX_SECONDS: u64 = 600;
/// Of audio at 16 kHz, and of what stands before it.
const MAX_BYTES: u64 = MAX_SECONDS * 32_000 + 65_536;

/// Recorded audio, ready to be played; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    clip: Arc<Clip>,
}

/// Why a file cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// It is not there, or may not be read.
    #[error("the file cannot be read: {reason}")]
    Read { kind: io::ErrorKind, reason: String },
    /// It is no WAV file, or a damaged one.
    #[error("the file is no WAV file: {0}")]
    Format(String),
    /// It ends before its header says.
    #[error("the file is cut off: {present} of {promised} samples are there")]
    Truncated { present: u32, promised: u32 },
    #[error("{sample_rate} Hz, {channels} channels, {bits} bit; 8 or 16 kHz, mono, 16 bit is needed")]
    Unsupported {
        sample_rate: u32,
        channels: u16,
        bits: u16,
    },
    #[error("the file holds no audio")]
    Empty,
    #[error("the file is longer than {MAX_SECONDS} s")]
    TooLong,
}

impl Audio {
    /// Reads a file: waits for the disk, so not for an async task.
    pub fn load(path: &Path) -> Result<Self, AudioError> {
        let failed = |error: io::Error| AudioError::Read {
            kind: error.kind(),
            reason: error.to_string(),
        };
        let mut bytes = Vec::new();
        // A pipe would be waited for.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not a file")));
        }
        let file = File::open(path).map_err(failed)?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        Self::from_wav(&bytes)
    }

    /// Reads the bytes of a WAV file.
    pub fn from_wav(bytes: &[u8]) -> Result<Self, AudioError> {
        let samples = samples(bytes)?;
        Ok(Self {
            clip: Arc::new(Clip::new(&samples)),
        })
    }

    /// How long it plays.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.clip.len() as u64 * 125)
    }

    pub(crate) fn clip(&self) -> Arc<Clip> {
        self.clip.clone()
    }
}

/// The samples of a WAV file, at 8 kHz.
pub(crate) fn samples(bytes: &[u8]) -> Result<Vec<i16>, AudioError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(AudioError::TooLong);
    }
    let format = |error: hound::Error| AudioError::Format(error.to_string());
    let mut reader = hound::WavReader::new(Cursor::new(bytes)).map_err(format)?;
    let spec = reader.spec();
    let factor = match (
        spec.sample_rate,
        spec.channels,
        spec.bits_per_sample,
        spec.sample_format,
    ) {
        (8000, 1, 16, hound::SampleFormat::Int) => 1,
        (16_000, 1, 16, hound::SampleFormat::Int) => 2,
        _ => {
            return Err(AudioError::Unsupported {
                sample_rate: spec.sample_rate,
                channels: spec.channels,
                bits: spec.bits_per_sample,
            });
        }
    };
    let promised = reader.len();
    let samples: Vec<i16> = reader.samples::<i16>().map_while(Result::ok).collect();
    let present = samples.len() as u32;
    match (present, promised) {
        (_, 0) => Err(AudioError::Empty),
        (present, promised) if present < promised => Err(AudioError::Truncated { present, promised }),
        _ if samples.len() as u64 > MAX_SECONDS * 8000 * factor => Err(AudioError::TooLong),
        _ if factor == 2 => {
            let samples: Vec<f32> = samples.into_iter().map(f32::from).collect();
            Ok(resample::to_8_khz(&samples, spec.sample_rate))
        }
        _ => Ok(samples),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{self, sines};

    fn wav(sample_rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels,
            sample_rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for &sample in samples {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn wide_band_audio_keeps_its_speech_and_loses_what_would_fold_back() {
        // Made as if at 8 kHz, then called 16 kHz: every frequency doubles.
        let low = sines(&[500.0], -10.0, 1.0);
        let high = sines(&[3000.0], -10.0, 1.0);
        let mixed: Vec<i16> = low.iter().zip(&high).map(|(a, b)| a + b).collect();
        let heard = samples(&wav(16_000, 1, &mixed)).unwrap();
        assert_eq!(heard.len(), 4000);
        let found = analysis::partials(&heard[200..3800], 4);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!((found[0].frequency - 1000.0).abs() < 2.0 && (found[0].level + 10.0).abs() < 0.3);
        // 6 kHz would be heard as 2 kHz.
        assert!(analysis::level_of(&heard[200..3800], 2000.0) < -70.0);
    }

    #[test]
    fn every_broken_file_is_a_typed_error() {
        let whole = wav(8000, 1, &[1000; 800]);
        assert_eq!(
            Audio::from_wav(&whole).unwrap().duration(),
            Duration::from_millis(100)
        );
        assert_eq!(Audio::from_wav(&wav(8000, 1, &[])), Err(AudioError::Empty));
        assert!(matches!(
            Audio::from_wav(&wav(44_100, 2, &[1, 2])),
            Err(AudioError::Unsupported {
                sample_rate: 44_100,
                channels: 2,
                bits: 16
            })
        ));
        assert_eq!(
            Audio::from_wav(&whole[..whole.len() - 101]),
            Err(AudioError::Truncated {
                present: 749,
                promised: 800
            })
        );
        for cut in 0..44 {
            assert!(Audio::from_wav(&whole[..cut]).is_err(), "{cut} bytes");
        }
        // A header that promises 4 GB.
        let mut huge = whole.clone();
        huge[40..44].copy_from_slice(&0xFFFF_FFFEu32.to_le_bytes());
        assert!(matches!(
            Audio::from_wav(&huge),
            Err(AudioError::Truncated { present: 800, .. })
        ));
        assert_eq!(
            Audio::from_wav(&vec![0; MAX_BYTES as usize + 1]),
            Err(AudioError::TooLong)
        );
        let gone = Audio::load(Path::new("/nonexistent/greeting.wav"));
        assert!(matches!(
            gone,
            Err(AudioError::Read {
                kind: io::ErrorKind::NotFound,
                ..
            })
        ));
    }

    proptest::proptest! {
        #[test]
        fn damaged_bytes_never_panic(place in 0usize..844, value: u8, cut in 0usize..1700) {
            let mut bytes = wav(8000, 1, &[1000; 800]);
            let place = place % 60;
            bytes[place] = value;
            bytes.truncate(cut.max(1));
            let _ = Audio::from_wav(&bytes);
        }
    }
}
