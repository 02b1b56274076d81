//! The thread that writes recordings to the disk.

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::assembly::Assembly;
use super::tape::Tape;
use super::{Recording, RecordingError, Tracks};
use crate::events::EventSender;
use crate::{EndpointId, MediaEvent};

/// How often the tapes are emptied while there are any.
const ROUND: Duration = Duration::from_millis(50);

/// A recording to be written.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) endpoint: EndpointId,
    pub(crate) path: PathBuf,
    pub(crate) tape: Arc<Tape>,
    pub(crate) tracks: Tracks,
}

pub(crate) struct Writer {
    pub(crate) jobs: Receiver<Job>,
    pub(crate) events: EventSender,
}

impl Writer {
    /// Runs until nobody can give it jobs and all are done.
    pub(crate) fn run(self) {
        let mut active: Vec<Active> = Vec::new();
        loop {
            let job = if active.is_empty() {
                self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.jobs.recv_timeout(ROUND)
            };
            match job {
                Ok(job) => active.extend(self.begin(job)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) if active.is_empty() => return,
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(ROUND),
            }
            let mut index = 0;
            while let Some(recording) = active.get_mut(index) {
                match recording.advance() {
                    None => index += 1,
                    Some(end) => {
                        let recording = active.swap_remove(index);
                        self.tell(recording.job.endpoint, recording.finish(end));
                    }
                }
            }
        }
    }

    fn begin(&self, job: Job) -> Option<Active> {
        let part = part_of(&job.path);
        let file = match create(&part) {
            Ok(file) => file,
            Err(error) => {
                job.tape.abandon();
                self.tell(
                    job.endpoint,
                    Recording {
                        path: job.path,
                        duration: Duration::ZERO,
                        waveform: Vec::new(),
                        error: Some(RecordingError::create(&error)),
                    },
                );
                return None;
            }
        };
        let opened = file
            .try_clone()
            .map_err(|error| RecordingError::create(&error))
            .and_then(|copy| Ok((copy, Assembly::new(BufWriter::new(file), job.tracks)?)));
        match opened {
            Ok((file, assembly)) => Some(Active {
                job,
                part,
                file,
                assembly,
            }),
            Err(error) => {
                job.tape.abandon();
                discard(&part);
                self.tell(
                    job.endpoint,
                    Recording {
                        path: job.path,
                        duration: Duration::ZERO,
                        waveform: Vec::new(),
                        error: Some(error),
                    },
                );
                None
            }
        }
    }

    fn tell(&self, id: EndpointId, recording: Recording) {
        if let Some(error) = &recording.error {
            tracing::warn!(%error, "a recording is not whole");
        }
        self.events.send(MediaEvent::RecordingFinished {
            id,
            recording: Box::new(recording),
        });
    }
}

struct Active {
    job: Job,
    part: PathBuf,
    file: File,
    assembly: Assembly<BufWriter<File>>,
}

/// How a recording ended: its length in samples, or why it cannot go on.
type End = Result<u64, RecordingError>;

impl Active {
    /// Writes what has come; tells the end once it is there.
    fn advance(&mut self) -> Option<End> {
        // Before the queue is emptied: what came until the end is then in it.
        let length = self.job.tape.length();
        while let Some(block) = self.job.tape.pop() {
            if let Err(error) = self.assembly.place(&block) {
                return Some(Err(error));
            }
        }
        length.map(Ok)
    }

    fn finish(self, end: End) -> Recording {
        self.job.tape.abandon();
        let overruns = self.job.tape.overruns();
        if overruns > 0 {
            tracing::warn!(
                overruns,
                "the disk was too slow for a recording: it has silent gaps"
            );
        }
        let (length, mut error) = match end {
            Ok(length) => (Some(length), None),
            Err(error) => (None, Some(error)),
        };
        let (samples, waveform, finished) = self.assembly.finish(length);
        error = error.or(finished.err());
        let named = if samples == 0 && error.is_some() {
            discard(&self.part);
            Ok(())
        } else {
            name(&self.file, &self.part, &self.job.path)
        };
        Recording {
            path: self.job.path,
            duration: Duration::from_micros(samples * 125),
            waveform,
            error: error.or(named.err().map(|error| RecordingError::write(&error))),
        }
    }
}

/// Beside the file, so that the rename stays on one file system.
pub(super) fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// What somebody said is for nobody else's eyes.
fn create(part: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(part)
}

/// Gives the file its own name once it is safe on the disk.
pub(super) fn name(file: &File, part: &Path, path: &Path) -> std::io::Result<()> {
    file.sync_all()?;
    std::fs::rename(part, path)?;
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn discard(part: &Path) {
    if let Err(error) = std::fs::remove_file(part) {
        tracing::debug!(%error, "a part of a recording could not be removed");
    }
}
