//! Spoken prompts, built into the binary.

use crate::{MediaError, wav};

/// The language of a spoken prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    En,
    It,
}

/// A spoken sentence. The texts are in `prompts/README.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// Who calls, and: press 1 to accept.
    ConfirmPressOne,
    Connecting,
    Busy,
    Declined,
    NoAnswer,
    NoSuchNumber,
    /// The number exists but cannot be reached now.
    Unavailable,
    NetworkFailure,
    Congestion,
    /// The user's restrictions forbid this number.
    NotPermitted,
    /// Dial again in the portal; the line stays open.
    DialAgain,
    /// The other party hung up.
    CallEnded,
    Goodbye,
}

type Entry = (Prompt, &'static str, &'static [u8], &'static [u8]);

macro_rules! entries {
    ($($prompt:ident $file:literal),* $(,)?) => {
        [$((
            Prompt::$prompt,
            $file,
            include_bytes!(concat!("../prompts/en/", $file, ".wav")),
            include_bytes!(concat!("../prompts/it/", $file, ".wav")),
        )),*]
    };
}

static ENTRIES: [Entry; 13] = entries![
    ConfirmPressOne "confirm-press-one",
    Connecting "connecting",
    Busy "busy",
    Declined "declined",
    NoAnswer "no-answer",
    NoSuchNumber "no-such-number",
    Unavailable "unavailable",
    NetworkFailure "network-failure",
    Congestion "congestion",
    NotPermitted "not-permitted",
    DialAgain "dial-again",
    CallEnded "call-ended",
    Goodbye "goodbye",
];

/// Every prompt in every language: key, name, WAV file.
pub(crate) fn all() -> impl Iterator<Item = ((Language, Prompt), &'static str, &'static [u8])> {
    ENTRIES.iter().flat_map(|&(prompt, name, english, italian)| {
        [
            ((Language::En, prompt), name, english),
            ((Language::It, prompt), name, italian),
        ]
    })
}

/// The samples of a built-in prompt.
pub(crate) fn read(name: &'static str, wav: &[u8]) -> Result<Vec<i16>, MediaError> {
    wav::samples(wav).map_err(|source| MediaError::Prompt { name, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    #[test]
    fn every_prompt_is_speech_at_telephone_level() {
        for ((language, prompt), name, wav) in all() {
            let samples = read(name, wav).unwrap();
            let seconds = samples.len() as f64 / 8000.0;
            assert!(
                (0.5..6.0).contains(&seconds),
                "{language:?} {prompt:?} lasts {seconds} s"
            );
            let level = analysis::level(&samples);
            assert!(
                (-16.0..-10.0).contains(&level),
                "{language:?} {prompt:?} is at {level} dBm0"
            );
        }
        assert_eq!(all().count(), 2 * ENTRIES.len());
    }

    #[test]
    fn a_damaged_file_is_a_typed_error() {
        assert!(matches!(
            read("x", b"RIFF"),
            Err(MediaError::Prompt { name: "x", .. })
        ));
    }
}
