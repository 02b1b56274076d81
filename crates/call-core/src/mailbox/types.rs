//! What the host tells the switch of a voicemail box, and what it is to say there.

use crate::Dialled;
use ponte_protocol::{DialString, MessageId};

/// The day on which a message came, seen from today in the site's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedDay {
    Today,
    Yesterday,
    /// Day 1 to 31, month 1 to 12.
    Date {
        day: u8,
        month: u8,
    },
}

/// A message of the box as a telephone needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMessage {
    pub id: MessageId,
    pub heard: bool,
    pub duration_ms: u64,
    pub day: ReceivedDay,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// Who left it, as it would be dialled, and as the numbering plan reads that; `None`: withheld, or no number.
    pub caller: Option<(DialString, Dialled)>,
}

/// What a user records of their own voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnRecording {
    /// What callers hear before the beep.
    Greeting,
    /// The user's name, which goes before "cannot answer now" where there is no greeting.
    Name,
}

/// What is said in a voicemail box. Numbers are said digit by digit between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BoxWords {
    /// To a caller: no message can be left.
    Full,
    YouHave,
    NewMessages,
    OldMessages,
    NoMessages,
    NoMoreMessages,
    MainMenu,
    MessageMenu,
    MessageMenuMore,
    /// What can be done with a greeting or a name.
    RecordingMenu,
    /// What can be done with one that was just recorded.
    ReviewMenu,
    RecordAfterTone,
    NotRecorded,
    Deleted,
    Restored,
    Kept,
    /// "Message", before its number.
    Message,
    ReceivedToday,
    ReceivedYesterday,
    ReceivedOn,
    /// Before hour and minute.
    At,
    From,
    FromUnknown,
    /// 1 to 12.
    Month(u8),
}
