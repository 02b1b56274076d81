//! Sound files that people bring along, as the system plays them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter};
use std::path::Path;
use std::time::Duration;

use crate::resample;

/// Rates of a file, in hertz.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=48_000;

/// Why a sound file was not converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    #[error("this is no sound file that can be read: {0}")]
    NotAudio(String),
    #[error("the sound is too long")]
    TooLong,
    #[error("the disk is full")]
    DiskFull,
    #[error("the file cannot be read or written: {reason}")]
    File { kind: io::ErrorKind, reason: String },
}

impl From<io::Error> for ConvertError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull
            }
            kind => Self::File {
                kind,
                reason: error.to_string(),
            },
        }
    }
}

/// Makes an 8 kHz, mono, 16 bit WAV file `to`, readable for its owner only, out of the WAV file `from`: PCM of 8 to 32 bit or
/// floating point, 8 to 48 kHz, mono or stereo, `longest` at most. How long it plays.
///
/// It waits for the disk, and computes for as long as a second a minute of sound: not for an async task.
///
/// # Errors
/// [`ConvertError`]; `to` may be there in part then.
pub fn convert(from: &Path, to: &Path, longest: Duration) -> Result<Duration, ConvertError> {
    let (samples, rate) = read(BufReader::new(File::open(from)?), longest)?;
    let samples = resample::to_8_khz(&samples, rate);
    write(to, &samples)?;
    Ok(Duration::from_micros(samples.len() as u64 * 125))
}

/// How long a WAV file plays, by its header; `None` where there is none that can be read.
pub fn duration(path: &Path) -> Option<Duration> {
    let reader = hound::WavReader::open(path).ok()?;
    let rate = f64::from(reader.spec().sample_rate.max(1));
    Some(Duration::from_secs_f64(f64::from(reader.duration()) / rate))
}

fn read(file: impl io::Read, longest: Duration) -> Result<(Vec<f32>, u32), ConvertError> {
    let not_audio = |error: hound::Error| match error {
        // The reader's own word for a file that ends too early has no kind.
        hound::Error::IoError(error)
            if !matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::Other) =>
        {
            error.into()
        }
        other => ConvertError::NotAudio(other.to_string()),
    };
    let mut reader = hound::WavReader::new(file).map_err(not_audio)?;
    let spec = reader.spec();
    if !RATES.contains(&spec.sample_rate) || !matches!(spec.channels, 1 | 2) {
        let (rate, channels) = (spec.sample_rate, spec.channels);
        return Err(ConvertError::NotAudio(format!("{rate} Hz, {channels} channels")));
    }
    let most = longest.as_secs_f64() * f64::from(spec.sample_rate);
    if f64::from(reader.duration()) > most {
        return Err(ConvertError::TooLong);
    }
    let promised = reader.len() as usize;
    let samples: Result<Vec<f32>, hound::Error> = match spec.sample_format {
        hound::SampleFormat::Float => reader
            .samples::<f32>()
            .map(|sample| sample.map(|sample| sample * 32_768.0))
            .collect(),
        hound::SampleFormat::Int => {
            let scale = 2_f32.powi(16 - i32::from(spec.bits_per_sample));
            reader
                .samples::<i32>()
                .map(|sample| sample.map(|sample| sample as f32 * scale))
                .collect()
        }
    };
    let samples = samples.map_err(not_audio)?;
    if samples.is_empty() || samples.len() < promised {
        return Err(ConvertError::NotAudio(
            "it holds no sound, or not all of it".to_owned(),
        ));
    }
    let mono = match spec.channels {
        1 => samples,
        _ => samples
            .chunks_exact(2)
            .map(|both| f32::midpoint(both[0], both[1]))
            .collect(),
    };
    Ok((mono, spec.sample_rate))
}

fn write(path: &Path, samples: &[i16]) -> Result<(), ConvertError> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let failed = |error: hound::Error| match error {
        hound::Error::IoError(error) => error.into(),
        other => ConvertError::File {
            kind: io::ErrorKind::Other,
            reason: other.to_string(),
        },
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut writer = hound::WavWriter::new(BufWriter::new(options.open(path)?), spec).map_err(failed)?;
    for sample in samples {
        writer.write_sample(*sample).map_err(failed)?;
    }
    writer.finalize().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;
    use std::io::Cursor;

    const MINUTE: Duration = Duration::from_mins(1);

    /// Half a second of 700 Hz on every channel.
    fn wav(
        sample_rate: u32,
        channels: u16,
        bits_per_sample: u16,
        sample_format: hound::SampleFormat,
    ) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels,
            sample_rate,
            bits_per_sample,
            sample_format,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for n in 0..sample_rate / 2 {
            let sample = (std::f64::consts::TAU * 700.0 * f64::from(n) / f64::from(sample_rate)).sin() * 0.25;
            for _ in 0..channels {
                if sample_format == hound::SampleFormat::Float {
                    writer.write_sample(sample as f32).unwrap();
                } else {
                    let full = 2_f64.powi(i32::from(bits_per_sample) - 1);
                    writer.write_sample((sample * full) as i32).unwrap();
                }
            }
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn files_of_every_common_kind_sound_the_same() {
        use hound::SampleFormat::{Float, Int};
        let folder = std::env::temp_dir().join(format!("ponte-convert-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (from, to) = (folder.join("from.wav"), folder.join("to.wav"));
        for (rate, channels, bits, format) in [
            (8_000, 1, 16, Int),
            (16_000, 1, 16, Int),
            (44_100, 2, 16, Int),
            (48_000, 2, 24, Int),
            (48_000, 1, 32, Float),
            (22_050, 1, 8, Int),
        ] {
            std::fs::write(&from, wav(rate, channels, bits, format)).unwrap();
            let duration = convert(&from, &to, MINUTE).unwrap();
            let what = format!("{rate} Hz, {channels} channels, {bits} bit");
            assert_eq!(duration, Duration::from_millis(500), "{what}");
            let mut reader = hound::WavReader::open(&to).unwrap();
            assert_eq!(
                (reader.spec().sample_rate, reader.spec().channels),
                (8000, 1),
                "{what}"
            );
            let heard: Vec<i16> = reader.samples().map(Result::unwrap).collect();
            assert!(analysis::contains(&heard[400..3600], 700.0, 2.0), "{what}");
            let loudest = heard[400..3600].iter().copied().max().unwrap();
            assert!((7_900..8_500).contains(&loudest), "{what}: {loudest}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_no_sound_or_too_much_of_it_is_a_typed_error() {
        use hound::SampleFormat::Int;
        let read = |bytes: &[u8]| read(Cursor::new(bytes.to_vec()), MINUTE).map(|_| ());
        let whole = wav(8_000, 1, 16, Int);
        assert_eq!(read(&whole), Ok(()));
        for bad in [
            &b""[..],
            b"RIFF",
            b"OggS and more",
            &whole[..44],
            &whole[..whole.len() - 200],
        ] {
            assert!(
                matches!(read(bad), Err(ConvertError::NotAudio(_))),
                "{} bytes",
                bad.len()
            );
        }
        assert!(matches!(
            read(&wav(96_000, 1, 16, Int)),
            Err(ConvertError::NotAudio(_))
        ));
        assert!(matches!(
            read(&wav(8_000, 3, 16, Int)),
            Err(ConvertError::NotAudio(_))
        ));
        let mut long = whole;
        // A header that promises four hours.
        long[40..44].copy_from_slice(&0x0FFF_FFFEu32.to_le_bytes());
        assert_eq!(read(&long), Err(ConvertError::TooLong));
    }

    proptest::proptest! {
        #[test]
        fn damaged_files_never_panic(place in 0usize..60, value: u8, cut in 0usize..9000) {
            let mut bytes = wav(8_000, 1, 16, hound::SampleFormat::Int);
            bytes[place] = value;
            bytes.truncate(cut.max(1));
            let _ = read(Cursor::new(bytes), MINUTE);
        }
    }
}
