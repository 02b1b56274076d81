//! What the switch wants heard, in the words of the media plane.

use ponte_call_core::{Announcement, Secret, Tone};
use ponte_media::{Language, Prompt};

/// The media plane's tone.
pub(super) fn tone(tone: Tone) -> ponte_media::Tone {
    match tone {
        Tone::Ringback => ponte_media::Tone::Ringback,
        Tone::Busy => ponte_media::Tone::Busy,
        Tone::Congestion => ponte_media::Tone::Congestion,
        Tone::SpecialInformation => ponte_media::Tone::Sit,
        Tone::Progress => ponte_media::Tone::Progress,
        Tone::Hold => ponte_media::Tone::Hold,
        Tone::Dial => ponte_media::Tone::Dial,
    }
}

/// The recorded sentence.
pub(super) fn prompt(announcement: Announcement) -> Prompt {
    match announcement {
        Announcement::ConfirmPressOne => Prompt::ConfirmPressOne,
        Announcement::Connecting => Prompt::Connecting,
        Announcement::Busy => Prompt::Busy,
        Announcement::Declined => Prompt::Declined,
        Announcement::NoAnswer => Prompt::NoAnswer,
        Announcement::NoSuchNumber => Prompt::NoSuchNumber,
        Announcement::Unavailable => Prompt::Unavailable,
        Announcement::Congestion => Prompt::Congestion,
        Announcement::NotAllowed => Prompt::NotPermitted,
        Announcement::DialAgain => Prompt::DialAgain,
        Announcement::Goodbye => Prompt::Goodbye,
        Announcement::TooLate => Prompt::TooLate,
        Announcement::VerificationCode => Prompt::VerificationCode,
        // What is no digit cannot be said.
        Announcement::Digit(Secret(digit)) => Prompt::digit(digit).unwrap_or(Prompt::Wrong),
        Announcement::LeaveMessage => Prompt::LeaveMessage,
        Announcement::EnterExtension => Prompt::EnterExtension,
        Announcement::EnterPin => Prompt::EnterPin,
        Announcement::LoggedOn => Prompt::LoggedOn,
        Announcement::LoggedOff => Prompt::LoggedOff,
        Announcement::Wrong => Prompt::Wrong,
    }
}

/// The language of a user's prompts; English where there is no recording of it.
pub(super) fn language(code: &str) -> Language {
    match code {
        "it" => Language::It,
        _ => Language::En,
    }
}
