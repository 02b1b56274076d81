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
    /// The user accepts a call that has gone.
    TooLate,
    /// "Your verification code is"; digits follow.
    VerificationCode,
    /// The greeting of those who recorded none: leave a message after the tone.
    LeaveMessage,
    /// Enter your extension, then #.
    EnterExtension,
    /// Enter your PIN, then #.
    EnterPin,
    /// Enter the account code, then #.
    EnterAccountCode,
    LoggedOn,
    LoggedOff,
    /// The user works elsewhere, so this telephone makes no calls.
    StillAway,
    /// How to work at this telephone again: "dial star"; the digits of the code follow.
    LeaveByCode,
    /// What was keyed in is not right.
    Wrong,
    Zero,
    One,
    Two,
    Three,
    Four,
    Five,
    Six,
    Seven,
    Eight,
    Nine,
    /// No message can be left: the box, or the disk, is full.
    MailboxFull,
    /// "cannot answer now", after the name in the user's own voice.
    CannotAnswer,
    /// Both parties hear it before a call is recorded.
    CallRecorded,
    /// What is said in a voicemail box; the texts tell what each is for.
    YouHave,
    NewMessages,
    OldMessages,
    NoMessages,
    NoMoreMessages,
    MainMenu,
    MessageMenu,
    MessageMenuMore,
    RecordingMenu,
    ReviewMenu,
    RecordAfterTone,
    NotRecorded,
    Deleted,
    Restored,
    Kept,
    Message,
    ReceivedToday,
    ReceivedYesterday,
    ReceivedOn,
    At,
    From,
    FromUnknown,
    January,
    February,
    March,
    April,
    May,
    June,
    July,
    August,
    September,
    October,
    November,
    December,
}

impl Prompt {
    /// A digit, 0 to 9.
    pub const fn digit(digit: u8) -> Option<Self> {
        Some(match digit {
            0 => Self::Zero,
            1 => Self::One,
            2 => Self::Two,
            3 => Self::Three,
            4 => Self::Four,
            5 => Self::Five,
            6 => Self::Six,
            7 => Self::Seven,
            8 => Self::Eight,
            9 => Self::Nine,
            _ => return None,
        })
    }

    /// A month, 1 to 12.
    pub const fn month(month: u8) -> Option<Self> {
        Some(match month {
            1 => Self::January,
            2 => Self::February,
            3 => Self::March,
            4 => Self::April,
            5 => Self::May,
            6 => Self::June,
            7 => Self::July,
            8 => Self::August,
            9 => Self::September,
            10 => Self::October,
            11 => Self::November,
            12 => Self::December,
            _ => return None,
        })
    }
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

static ENTRIES: [Entry; 71] = entries![
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
    TooLate "too-late",
    VerificationCode "verification-code",
    LeaveMessage "leave-message",
    EnterExtension "enter-extension",
    EnterPin "enter-pin",
    EnterAccountCode "enter-account-code",
    LoggedOn "logged-on",
    LoggedOff "logged-off",
    StillAway "still-away",
    LeaveByCode "leave-by-code",
    Wrong "wrong",
    Zero "digit-zero",
    One "digit-one",
    Two "digit-two",
    Three "digit-three",
    Four "digit-four",
    Five "digit-five",
    Six "digit-six",
    Seven "digit-seven",
    Eight "digit-eight",
    Nine "digit-nine",
    MailboxFull "mailbox-full",
    CannotAnswer "cannot-answer",
    CallRecorded "call-recorded",
    YouHave "you-have",
    NewMessages "new-messages",
    OldMessages "old-messages",
    NoMessages "no-messages",
    NoMoreMessages "no-more-messages",
    MainMenu "main-menu",
    MessageMenu "message-menu",
    MessageMenuMore "message-menu-more",
    RecordingMenu "recording-menu",
    ReviewMenu "review-menu",
    RecordAfterTone "record-after-tone",
    NotRecorded "not-recorded",
    Deleted "deleted",
    Restored "restored",
    Kept "kept",
    Message "message",
    ReceivedToday "received-today",
    ReceivedYesterday "received-yesterday",
    ReceivedOn "received-on",
    At "at",
    From "from",
    FromUnknown "from-unknown",
    January "month-january",
    February "month-february",
    March "month-march",
    April "month-april",
    May "month-may",
    June "month-june",
    July "month-july",
    August "month-august",
    September "month-september",
    October "month-october",
    November "month-november",
    December "month-december",
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

    /// RMS of each 10 ms, in dBFS.
    fn envelope(samples: &[i16]) -> Vec<f64> {
        let rms = |frame: &[i16]| {
            let power = frame.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / frame.len() as f64;
            10.0 * (power / 32_768f64.powi(2)).log10()
        };
        samples.chunks(80).map(rms).collect()
    }

    #[test]
    fn every_prompt_is_speech_at_one_level_without_clipping_or_long_silence() {
        for ((language, prompt), name, wav) in all() {
            let samples = read(name, wav).unwrap();
            let which = format!("{language:?} {prompt:?}");
            let seconds = samples.len() as f64 / 8000.0;
            let expected = if name.starts_with("digit-") {
                0.2..0.9
            } else if name.contains("-menu") {
                3.0..11.0
            } else {
                0.4..6.0
            };
            assert!(expected.contains(&seconds), "{which} lasts {seconds} s");
            // −20 dBFS RMS is −13.9 dBm0; the limiter takes a little of it.
            let level = analysis::level(&samples);
            assert!((-15.4..-13.4).contains(&level), "{which} is at {level} dBm0");
            let peak = samples.iter().map(|s| s.unsigned_abs()).max().unwrap();
            assert!((6000..32_700).contains(&peak), "{which} peaks at {peak}");
            let mean = samples.iter().map(|&s| f64::from(s)).sum::<f64>() / samples.len() as f64;
            assert!(mean.abs() < 50.0, "{which} has an offset of {mean}");

            let envelope = envelope(&samples);
            let sounds = |level: &f64| *level > -45.0;
            let first = envelope.iter().position(sounds).unwrap();
            let last = envelope.iter().rposition(sounds).unwrap();
            assert!(first <= 8, "{which} begins after {first}0 ms");
            assert!(envelope.len() - last <= 20, "{which} ends long before its end");
            let longest = envelope.split(sounds).map(<[f64]>::len).max().unwrap();
            assert!(longest <= 80, "{which} is silent for {longest}0 ms");
        }
        assert_eq!(all().count(), 2 * ENTRIES.len());
    }

    #[test]
    fn every_file_of_the_folder_is_built_in_and_in_the_table() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/prompts");
        let table = std::fs::read_to_string(format!("{folder}/README.md")).unwrap();
        for language in ["en", "it"] {
            let mut files: Vec<String> = std::fs::read_dir(format!("{folder}/{language}"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            files.sort();
            let mut names: Vec<String> = ENTRIES.iter().map(|entry| format!("{}.wav", entry.1)).collect();
            names.sort();
            assert_eq!(files, names);
        }
        for entry in &ENTRIES {
            assert!(table.contains(&format!("\n| `{}` | ", entry.1)), "{}", entry.1);
        }
        let total: usize = all().map(|(_, _, wav)| wav.len()).sum();
        assert!(total < 5_500_000, "{total} bytes in every binary");
    }

    #[test]
    fn digits_are_the_ten_of_them() {
        for digit in 0..10 {
            assert!(Prompt::digit(digit).is_some());
        }
        assert_eq!(Prompt::digit(10), None);
    }

    #[test]
    fn months_are_the_twelve_of_them() {
        for month in 1..=12 {
            assert!(Prompt::month(month).is_some());
        }
        assert_eq!((Prompt::month(0), Prompt::month(13)), (None, None));
    }

    #[test]
    fn a_damaged_file_is_a_typed_error() {
        assert!(matches!(
            read("x", b"RIFF"),
            Err(MediaError::Prompt { name: "x", .. })
        ));
    }
}
