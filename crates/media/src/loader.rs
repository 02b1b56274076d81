//! The thread that loads files to be played.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};

use crate::audio::{Library, Piece, Playlist};
use crate::events::EventSender;
use crate::{Audio, EndpointId, FileSource, MediaEvent};

/// A file that a player waits for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Who waits; nobody in particular where a room does.
    pub(crate) endpoint: Option<EndpointId>,
    pub(crate) source: FileSource,
    pub(crate) loaded: Arc<OnceLock<Playlist>>,
}

pub(crate) struct Loader {
    pub(crate) wanted: Receiver<Wanted>,
    pub(crate) library: Arc<Library>,
    pub(crate) events: EventSender,
}

impl Loader {
    /// Runs until nobody can want anything.
    pub(crate) fn run(self) {
        while let Ok(wanted) = self.wanted.recv() {
            // A player that was replaced waits no longer.
            if Arc::strong_count(&wanted.loaded) > 1 {
                let loaded = self.load(wanted.endpoint, &wanted.source);
                let _ = wanted.loaded.set(loaded);
            }
        }
    }

    fn load(&self, id: Option<EndpointId>, source: &FileSource) -> Playlist {
        match Audio::load(&source.path) {
            Ok(audio) => Box::new([Piece::Clip(audio.clip())]),
            Err(error) => {
                if let Some(id) = id {
                    self.unplayable(id, source.path.clone(), error);
                } else {
                    tracing::warn!(%error, "a file for a room cannot be played");
                }
                let instead = crate::Source::Sequence(source.instead.clone());
                self.library
                    .playlist(&instead, &mut |source| self.load(id, source))
            }
        }
    }

    fn unplayable(&self, id: EndpointId, path: PathBuf, error: crate::AudioError) {
        self.events.send(MediaEvent::FileUnplayable { id, path, error });
    }
}
