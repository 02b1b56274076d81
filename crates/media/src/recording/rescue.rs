//! What a crash has left of a recording.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use super::Recording;
use super::waveform::Waveform;
use super::writer::{name, part_of};

/// Everything before the samples of a file that a [`super::Writer`] began.
const HEADER: usize = 44;
/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// Makes a recording whole that was being written to `path` when the process ended: its header tells all samples that
/// are there, and it gets its own name. One that is whole already is only measured. It waits for the disk.
///
/// # Errors
/// [`ErrorKind::NotFound`]: there is nothing. [`ErrorKind::InvalidData`]: not even the header is there. Any other: the
/// disk cannot be written.
pub fn rescue(path: &Path) -> io::Result<Recording> {
    let part = part_of(path);
    let whole = path.exists();
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(if whole { path } else { &part })?;
    let mut header = [0; HEADER];
    let broken = |_| io::Error::new(ErrorKind::InvalidData, "the header is not there");
    file.read_exact(&mut header).map_err(broken)?;
    if !header.starts_with(b"RIFF") || &header[36..40] != b"data" {
        return Err(io::Error::new(ErrorKind::InvalidData, "the header is another"));
    }
    // A sample of each channel.
    let sample = 2 * u16::from_le_bytes([header[22], header[23]]).clamp(1, 2);
    let bytes = file.metadata()?.len() - HEADER as u64;
    let bytes = bytes - bytes % u64::from(sample);
    let data = u32::try_from(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    let mut waveform = Waveform::new();
    let mut chunk = vec![0; CHUNK];
    let mut left = usize::try_from(data).unwrap_or(usize::MAX);
    while left > 0 {
        let length = left.min(CHUNK);
        file.read_exact(&mut chunk[..length])?;
        let samples: Vec<i16> = chunk[..length]
            .chunks_exact(usize::from(sample))
            .map(|channels| {
                let channels = channels.chunks_exact(2);
                channels.fold(0i16, |sum, pair| {
                    sum.saturating_add(i16::from_le_bytes([pair[0], pair[1]]))
                })
            })
            .collect();
        waveform.listen(&samples);
        left -= length;
    }
    if !whole {
        file.set_len(HEADER as u64 + u64::from(data))?;
        file.seek(SeekFrom::Start(4))?;
        file.write_all(&data.saturating_add(HEADER as u32 - 8).to_le_bytes())?;
        file.seek(SeekFrom::Start(40))?;
        file.write_all(&data.to_le_bytes())?;
        name(&file, &part, path)?;
    }
    Ok(Recording {
        path: path.to_owned(),
        duration: Duration::from_micros(u64::from(data / u32::from(sample)) * 125),
        waveform: waveform.finish(),
        error: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Tracks;
    use super::super::assembly::spec;
    use super::*;
    use crate::analysis::sines;
    use std::io::Cursor;

    /// A file whose header tells the first `told` samples and which holds all of them and an odd byte.
    fn cut(samples: &[i16], told: usize) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec(Tracks::Said)).unwrap();
        for &sample in &samples[..told] {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        let mut bytes = bytes.into_inner();
        assert_eq!(bytes.len(), HEADER + 2 * told);
        bytes.extend(samples[told..].iter().flat_map(|sample| sample.to_le_bytes()));
        bytes.push(7);
        bytes
    }

    #[test]
    fn every_sample_on_the_disk_is_there_again() {
        let folder = std::env::temp_dir().join(format!("ponte-rescue-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("message.wav");
        let samples = sines(&[700.0], -10.0, 2.5);
        std::fs::write(part_of(&path), cut(&samples, 8000)).unwrap();
        let rescued = rescue(&path).unwrap();
        assert_eq!(rescued.duration, Duration::from_millis(2500));
        assert_eq!(rescued.waveform.len(), 50);
        assert!(!part_of(&path).exists());
        let read: Vec<i16> = hound::WavReader::open(&path)
            .unwrap()
            .into_samples()
            .map(Result::unwrap)
            .collect();
        assert_eq!(read, samples);
        // Once more is the same.
        assert_eq!(rescue(&path).unwrap(), rescued);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(rescue(&path).unwrap_err().kind(), ErrorKind::NotFound);
        for broken in [vec![], b"RIFF".to_vec(), vec![0; 100]] {
            std::fs::write(part_of(&path), broken).unwrap();
            assert_eq!(rescue(&path).unwrap_err().kind(), ErrorKind::InvalidData);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
