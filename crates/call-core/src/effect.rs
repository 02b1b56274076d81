//! What the switch wants done.

use crate::{LegId, TrunkId};
use ponte_protocol::{CallRecord, CallerId, Cause, E164, EventBody, LegRole, Mode, Reply, UserId};

/// Tells the end of one playback from that of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaybackToken(pub u64);

/// Tones of the country's telephone network (ITU-T E.180); they go on until stopped or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    Ringback,
    Busy,
    Congestion,
    /// Special information tone: the number cannot be reached.
    SpecialInformation,
    /// A soft tick while the network says nothing: never silence (rule T5).
    Progress,
}

/// Something said to the user in the user's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Announcement {
    /// "Press 1 to accept the call."
    ConfirmPressOne,
    /// "Connecting you."
    Connecting,
    Busy,
    Declined,
    NoAnswer,
    NoSuchNumber,
    Unavailable,
    Congestion,
    NotAllowed,
    /// "You may dial another number in the portal."
    DialAgain,
    Goodbye,
}

/// What is played on a leg, in the place of whatever it hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Playback {
    /// Until it is stopped or replaced.
    Tone(Tone),
    /// Once; its end comes back as [`crate::Event::PlaybackFinished`]. The tone, where there is one, sounds for
    /// `tone_ms` milliseconds before the announcements.
    Announcements {
        tone: Option<(Tone, u64)>,
        announcements: Vec<Announcement>,
        token: PlaybackToken,
    },
}

/// What the switch wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The answer to a command: one for each.
    Reply {
        user: UserId,
        reply: Reply,
    },
    /// Something the user's portals show.
    Notify {
        user: UserId,
        body: EventBody,
    },
    /// To be stored before anything later.
    SaveMode {
        user: UserId,
        mode: Mode,
    },
    /// One for each call, at its end.
    Record {
        record: Box<CallRecord>,
    },
    /// Call a telephone. Answered by events about this leg, the last of which is `LegEnded`.
    OpenLeg {
        leg: LegId,
        user: UserId,
        role: LegRole,
        trunk: TrunkId,
        number: E164,
        caller_id: CallerId,
    },
    /// CANCEL or BYE, whichever fits. `LegEnded` follows.
    CloseLeg {
        leg: LegId,
        cause: Cause,
    },
    /// The two hear each other; early media is connected in the same way. A playback on a leg goes before it.
    Connect {
        a: LegId,
        b: LegId,
    },
    /// The leg hears its playback or nothing; it also undoes `Connect` for the other one.
    Disconnect {
        leg: LegId,
    },
    Play {
        leg: LegId,
        playback: Playback,
    },
    StopPlaying {
        leg: LegId,
    },
    SendDtmf {
        leg: LegId,
        digits: String,
    },
}
