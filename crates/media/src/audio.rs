//! Everything that can be played, encoded once at start so that a tick only copies bytes.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::dtmf::inband;
use crate::prompts;
use crate::tones::{cadence, synthesize};
use crate::{Codec, Country, FileSource, HoldMusic, Language, MediaError, Prompt, Source, Tone, g711};

/// A stretch of audio in both laws.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clip {
    pcmu: Box<[u8]>,
    pcma: Box<[u8]>,
}

impl Clip {
    pub(crate) fn new(samples: &[i16]) -> Self {
        Self {
            pcmu: g711::encode(Codec::Pcmu, samples).into(),
            pcma: g711::encode(Codec::Pcma, samples).into(),
        }
    }

    pub(crate) fn bytes(&self, codec: Codec) -> &[u8] {
        match codec {
            Codec::Pcmu => &self.pcmu,
            Codec::Pcma => &self.pcma,
        }
    }

    /// In samples.
    pub(crate) fn len(&self) -> usize {
        self.pcma.len()
    }
}

/// What is played one after the other.
pub(crate) type Playlist = Box<[Piece]>;

/// A part of a playlist.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Clip(Arc<Clip>),
    /// What a file became, once it is loaded: itself, or what is played instead.
    File(Arc<OnceLock<Playlist>>),
}

/// What is to be played at a place of a piece.
pub(crate) enum Slot<'a> {
    Clip(&'a Clip),
    /// Nothing yet.
    Loading,
    /// Nothing any more.
    End,
}

impl Piece {
    pub(crate) fn slot(&self, index: usize) -> Slot<'_> {
        let clip = match self {
            Self::Clip(clip) => (index == 0).then_some(clip),
            Self::File(file) => match file.get() {
                None => return Slot::Loading,
                Some(loaded) => match loaded.get(index) {
                    Some(Self::Clip(clip)) => Some(clip),
                    // The loader leaves no file in what it loaded.
                    Some(Self::File(_)) | None => None,
                },
            },
        };
        clip.map_or(Slot::End, |clip| Slot::Clip(clip))
    }

    /// Whether there is, or may come, anything to hear.
    pub(crate) fn may_sound(&self) -> bool {
        match self {
            Self::Clip(clip) => clip.len() > 0,
            Self::File(_) => true,
        }
    }
}

/// What a playlist needs from the disk.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ToLoad<'a> {
    File(&'a FileSource),
    /// For the library; nothing is given for it.
    HoldMusic,
}

/// Between two prompts, in milliseconds.
const PROMPT_GAP_MS: usize = 150;

/// All clips of a plane, shared by its threads.
#[derive(Debug)]
pub(crate) struct Library {
    tones: HashMap<Tone, Arc<Clip>>,
    prompts: HashMap<(Language, Prompt), Arc<Clip>>,
    gap: Arc<Clip>,
    silence: Arc<Clip>,
    hold_music: Arc<OnceLock<Playlist>>,
    /// Instead of the music.
    hold_tone: bool,
    digits: HashMap<char, Arc<Clip>>,
}

impl Library {
    pub(crate) fn new(country: Country, hold_music: &HoldMusic) -> Result<Self, MediaError> {
        let tones = Tone::ALL
            .into_iter()
            .map(|tone| (tone, Arc::new(Clip::new(&synthesize(cadence(country, tone))))))
            .collect();
        let prompts = prompts::all()
            .map(|(key, name, wav)| Ok((key, Arc::new(Clip::new(&prompts::read(name, wav)?)))))
            .collect::<Result<_, MediaError>>()?;
        let digits = inband::DIGITS
            .into_iter()
            .map(|digit| (digit, Arc::new(Clip::new(&inband::key_press(digit)))))
            .collect();
        Ok(Self {
            tones,
            prompts,
            gap: Arc::new(Clip::new(&vec![0; PROMPT_GAP_MS * 8])),
            silence: Arc::new(Clip::new(&[0; 8000])),
            hold_music: Arc::default(),
            hold_tone: matches!(hold_music, HoldMusic::Tone),
            digits,
        })
    }

    /// What a source consists of, with files as `load` gives them. Empty where nothing is to be played.
    pub(crate) fn playlist(
        &self,
        source: &Source,
        load: &mut impl FnMut(ToLoad<'_>) -> Playlist,
    ) -> Playlist {
        let mut pieces = Vec::new();
        self.collect(source, load, &mut pieces);
        pieces.into()
    }

    fn collect(
        &self,
        source: &Source,
        load: &mut impl FnMut(ToLoad<'_>) -> Playlist,
        pieces: &mut Vec<Piece>,
    ) {
        match source {
            Source::Tone(tone) => pieces.extend(self.tone(*tone).map(Piece::Clip)),
            Source::Prompt(language, prompts) => {
                let clips = prompts.iter().filter_map(|p| self.prompts.get(&(*language, *p)));
                let spaced = clips.flat_map(|clip| [clip.clone(), self.gap.clone()]);
                pieces.extend(spaced.map(Piece::Clip));
            }
            Source::HoldMusic if self.hold_tone => pieces.extend(self.tone(Tone::Hold).map(Piece::Clip)),
            Source::HoldMusic => {
                if self.hold_music.get().is_none() {
                    load(ToLoad::HoldMusic);
                }
                // What is loaded already goes in as it is: a loaded list holds no list that has to be loaded.
                match self.hold_music.get() {
                    Some(loaded) => pieces.extend(loaded.iter().cloned()),
                    None => pieces.push(Piece::File(self.hold_music.clone())),
                }
            }
            Source::Silence => pieces.push(Piece::Clip(self.silence.clone())),
            Source::Audio(audio) => pieces.push(Piece::Clip(audio.clip())),
            Source::File(source) => pieces.extend(load(ToLoad::File(source))),
            Source::Sequence(sources) => {
                for source in sources {
                    self.collect(source, load, pieces);
                }
            }
        }
    }

    /// Gives the music for those on hold; until then they hear silence.
    pub(crate) fn set_hold_music(&self, load: impl FnOnce() -> Arc<Clip>) {
        self.hold_music.get_or_init(|| Box::new([Piece::Clip(load())]));
    }

    /// One cadence of a tone.
    pub(crate) fn tone(&self, tone: Tone) -> Option<Arc<Clip>> {
        self.tones.get(&tone).cloned()
    }

    /// The tones of a key.
    pub(crate) fn digit(&self, digit: char) -> Option<Arc<Clip>> {
        self.digits.get(&digit).cloned()
    }
}
