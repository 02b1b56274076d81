//! Everything that can be played, encoded once at start so that a tick only copies bytes.

use std::collections::HashMap;
use std::sync::Arc;

use crate::dtmf::inband;
use crate::prompts;
use crate::tones::{cadence, synthesize};
use crate::{Codec, Country, Language, MediaError, Prompt, Source, Tone, g711};

/// A stretch of audio in both laws.
#[derive(Debug)]
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

/// Clips to be played one after the other.
pub(crate) type Playlist = Box<[Arc<Clip>]>;

/// Between two prompts, in milliseconds.
const PROMPT_GAP_MS: usize = 150;

/// All clips of a plane, shared by its threads.
#[derive(Debug)]
pub(crate) struct Library {
    tones: HashMap<Tone, Arc<Clip>>,
    prompts: HashMap<(Language, Prompt), Arc<Clip>>,
    gap: Arc<Clip>,
    silence: Arc<Clip>,
    digits: HashMap<char, Arc<Clip>>,
}

impl Library {
    pub(crate) fn new(country: Country) -> Result<Self, MediaError> {
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
            digits,
        })
    }

    /// What a source consists of. Empty where nothing is to be played.
    pub(crate) fn playlist(&self, source: &Source) -> Playlist {
        match source {
            Source::Tone(tone) => self.tones.get(tone).cloned().into_iter().collect(),
            Source::Prompt(language, prompts) => {
                let clips = prompts.iter().filter_map(|p| self.prompts.get(&(*language, *p)));
                clips.flat_map(|clip| [clip.clone(), self.gap.clone()]).collect()
            }
            Source::Silence => Box::new([self.silence.clone()]),
        }
    }

    /// The tones of a key.
    pub(crate) fn digit(&self, digit: char) -> Option<Arc<Clip>> {
        self.digits.get(&digit).cloned()
    }
}
