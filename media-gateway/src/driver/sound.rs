//! What the switch wants heard, in the words of the media plane.

use ponte_call_core::{Announcement, BoxWords, Secret, Tone};
use ponte_media::{Language, Prompt, Source};

/// The media plane's source of a tone.
pub(super) fn tone(tone: Tone) -> Source {
    Source::Tone(match tone {
        Tone::Ringback => ponte_media::Tone::Ringback,
        Tone::Busy => ponte_media::Tone::Busy,
        Tone::Congestion => ponte_media::Tone::Congestion,
        Tone::SpecialInformation => ponte_media::Tone::Sit,
        Tone::Progress => ponte_media::Tone::Progress,
        Tone::Hold => ponte_media::Tone::Hold,
        Tone::Dial => ponte_media::Tone::Dial,
        Tone::Silence => return Source::Silence,
    })
}

/// What sounds until it is stopped or replaced.
pub(super) fn lasting(lasting: Tone) -> Source {
    match lasting {
        Tone::Hold => Source::HoldMusic,
        other => tone(other),
    }
}

/// The words that name a feature code, followed by its digits; without a code they are left out.
pub(super) fn with_code(announcements: Vec<Announcement>, code: Option<&str>) -> Vec<Announcement> {
    let mut all = Vec::with_capacity(announcements.len());
    for announcement in announcements {
        match (announcement, code) {
            (Announcement::LeaveByCode, None) => {}
            (Announcement::LeaveByCode, Some(code)) => {
                all.push(announcement);
                let digits = code.bytes().filter(u8::is_ascii_digit);
                all.extend(digits.map(|digit| Announcement::Digit(Secret(digit - b'0'))));
            }
            _ => all.push(announcement),
        }
    }
    all
}

/// Announcements, one after the other.
pub(super) fn spoken(language: Language, announcements: &[Announcement]) -> Source {
    let mut parts: Vec<Source> = Vec::new();
    for announcement in announcements {
        match (prompt(*announcement), parts.last_mut()) {
            (None, _) => parts.push(Source::Tone(ponte_media::Tone::RecordBeep)),
            (Some(prompt), Some(Source::Prompt(_, prompts))) => prompts.push(prompt),
            (Some(prompt), _) => parts.push(Source::Prompt(language, vec![prompt])),
        }
    }
    Source::Sequence(parts)
}

/// The recorded sentence; `None` for a beep.
fn prompt(announcement: Announcement) -> Option<Prompt> {
    Some(match announcement {
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
        Announcement::EnterAccountCode => Prompt::EnterAccountCode,
        Announcement::LoggedOn => Prompt::LoggedOn,
        Announcement::LoggedOff => Prompt::LoggedOff,
        Announcement::StillAway => Prompt::StillAway,
        Announcement::LeaveByCode => Prompt::LeaveByCode,
        Announcement::Wrong => Prompt::Wrong,
        Announcement::Mailbox(words) => in_box(words),
        Announcement::RecordBeep => return None,
    })
}

fn in_box(words: BoxWords) -> Prompt {
    match words {
        BoxWords::Full => Prompt::MailboxFull,
        BoxWords::YouHave => Prompt::YouHave,
        BoxWords::NewMessages => Prompt::NewMessages,
        BoxWords::OldMessages => Prompt::OldMessages,
        BoxWords::NoMessages => Prompt::NoMessages,
        BoxWords::NoMoreMessages => Prompt::NoMoreMessages,
        BoxWords::MainMenu => Prompt::MainMenu,
        BoxWords::MessageMenu => Prompt::MessageMenu,
        BoxWords::MessageMenuMore => Prompt::MessageMenuMore,
        BoxWords::RecordingMenu => Prompt::RecordingMenu,
        BoxWords::ReviewMenu => Prompt::ReviewMenu,
        BoxWords::RecordAfterTone => Prompt::RecordAfterTone,
        BoxWords::NotRecorded => Prompt::NotRecorded,
        BoxWords::Deleted => Prompt::Deleted,
        BoxWords::Restored => Prompt::Restored,
        BoxWords::Kept => Prompt::Kept,
        BoxWords::Message => Prompt::Message,
        BoxWords::ReceivedToday => Prompt::ReceivedToday,
        BoxWords::ReceivedYesterday => Prompt::ReceivedYesterday,
        BoxWords::ReceivedOn => Prompt::ReceivedOn,
        BoxWords::At => Prompt::At,
        BoxWords::From => Prompt::From,
        BoxWords::FromUnknown => Prompt::FromUnknown,
        // What is no month cannot be said.
        BoxWords::Month(month) => Prompt::month(month).unwrap_or(Prompt::Wrong),
    }
}

/// What both parties of a call hear before it is recorded.
pub(super) fn recorded(language: Language) -> Source {
    Source::Sequence(vec![
        Source::Prompt(language, vec![Prompt::CallRecorded]),
        Source::Tone(ponte_media::Tone::RecordBeep),
    ])
}

/// The language of a user's prompts; English where there is no recording of it.
pub(super) fn language(code: &str) -> Language {
    match code {
        "it" => Language::It,
        _ => Language::En,
    }
}
