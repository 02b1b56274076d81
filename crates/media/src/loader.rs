//! The thread that loads files to be played.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::audio::{Clip, Library, Piece, Playlist, ToLoad};
use crate::events::EventSender;
use crate::{Audio, EndpointId, FileSource, HoldMusic, MediaEvent, music};

/// What a player waits for.
#[derive(Debug)]
pub(crate) enum Wanted {
    File {
        /// Who waits; nobody in particular where a room does.
        endpoint: Option<EndpointId>,
        source: FileSource,
        loaded: Arc<OnceLock<Playlist>>,
    },
    /// The library waits.
    HoldMusic,
}

pub(crate) struct Loader {
    pub(crate) wanted: Receiver<Wanted>,
    pub(crate) library: Arc<Library>,
    pub(crate) hold_music: HoldMusic,
    pub(crate) events: EventSender,
}

impl Loader {
    /// Runs until nobody can want anything.
    pub(crate) fn run(self) {
        while let Ok(wanted) = self.wanted.recv() {
            match wanted {
                Wanted::File {
                    endpoint,
                    source,
                    loaded,
                } => {
                    // A player that was replaced waits no longer.
                    if Arc::strong_count(&loaded) > 1 {
                        let _ = loaded.set(self.load(endpoint, &source));
                    }
                }
                Wanted::HoldMusic => self.library.set_hold_music(|| self.hold_music()),
            }
        }
    }

    fn hold_music(&self) -> Arc<Clip> {
        /// The piece is the same for all planes of the process.
        static OWN: LazyLock<Arc<Clip>> = LazyLock::new(|| Arc::new(Clip::new(&music::hold_music())));
        let HoldMusic::File(path) = &self.hold_music else {
            return OWN.clone();
        };
        match Audio::load(path) {
            Ok(audio) => audio.clip(),
            Err(error) => {
                tracing::error!(%error, "the hold music cannot be played; the system's own is");
                OWN.clone()
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
                self.library.playlist(&instead, &mut |source| match source {
                    ToLoad::File(source) => self.load(id, source),
                    ToLoad::HoldMusic => {
                        self.library.set_hold_music(|| self.hold_music());
                        Box::default()
                    }
                })
            }
        }
    }

    fn unplayable(&self, id: EndpointId, path: PathBuf, error: crate::AudioError) {
        self.events.send(MediaEvent::FileUnplayable { id, path, error });
    }
}
