//! What the switch wants done.

use crate::{BoxWords, Caller, ForwardReason, LegId, OwnRecording, Secret, TrunkId};
use ponte_protocol::{
    CallId, CallRecord, Cause, DeviceId, DialString, E164, EventBody, Extension, LegRole, MessageId, Mode,
    ParkedCall, Reply, UserId,
};
use std::fmt;

/// Tells the end of one playback from that of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaybackToken(pub u64);

/// A PIN as it was keyed in; it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(pub String);

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

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
    /// Music, or a soft tone now and then: the party is held (rule T8).
    Hold,
    /// A number may be keyed in (rule T13).
    Dial,
    /// Nothing to be heard on a line that stays up: packets all the same (rule T15).
    Silence,
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
    /// "You came too late": the caller has gone, or is with voicemail, when the user confirms.
    TooLate,
    /// "Your verification code is", followed by [`Self::Digit`]s.
    VerificationCode,
    /// 0 to 9.
    Digit(Secret<u8>),
    /// "Leave a message after the tone", where the user has recorded no greeting.
    LeaveMessage,
    /// "Enter your extension", "your PIN", each ended by #.
    EnterExtension,
    EnterPin,
    /// "Enter the account code", ended by #.
    EnterAccountCode,
    LoggedOn,
    LoggedOff,
    /// "You are working elsewhere": from this telephone no calls are made (rule T3).
    StillAway,
    /// How to leave telecommuter mode at this telephone, where there is a code for it.
    LeaveByCode,
    /// "That was not right."
    Wrong,
    /// The beep after which what is said is recorded.
    RecordBeep,
    /// What is said in a voicemail box.
    Mailbox(BoxWords),
}

/// A leg in a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomLeg {
    pub leg: LegId,
    /// Whether the others hear it: not while it is muted.
    pub heard: bool,
}

/// Where a leg is opened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegTarget {
    Trunk {
        trunk: TrunkId,
        number: E164,
    },
    /// Rule T17: an emergency number, as it was dialled; it has no form in E.164.
    Emergency {
        trunk: TrunkId,
        number: DialString,
    },
    /// All bindings of the telephone at once (RFC 3261 section 16.6); the first that answers is the leg.
    Device {
        device: DeviceId,
    },
    /// The browser in which the user takes calls; unreachable where there is none.
    Browser,
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
    /// The user's own voicemail greeting once, else the default one, then a beep; its end comes back like an
    /// announcement's.
    Greeting { user: UserId, token: PlaybackToken },
    /// A message of the user's once, and in its place "cannot be reached" if it cannot be read.
    Message {
        user: UserId,
        message: MessageId,
        token: PlaybackToken,
    },
    /// The user's greeting or name once, and "nothing is recorded" where there is none.
    Own {
        user: UserId,
        which: OwnRecording,
        token: PlaybackToken,
    },
    /// What [`Effect::RecordDraft`] recorded on this leg, once.
    Draft { token: PlaybackToken },
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
        target: LegTarget,
        /// Who the telephone is told is calling.
        caller: Caller,
        /// Why the user's calls are forwarded there, where they are.
        forwarded: Option<ForwardReason>,
    },
    /// Who is logged on to a telephone; to be stored before anything later.
    SaveLogon {
        device: DeviceId,
        user: Option<UserId>,
    },
    /// An incoming leg: the caller is to hear ringing (180).
    RingLeg {
        leg: LegId,
    },
    /// An incoming leg: the caller is to hear the connected leg before the answer (183 with a session description).
    EarlyMediaLeg {
        leg: LegId,
    },
    /// An incoming leg is answered (200). `LegAnswered` follows with the ACK, or `LegEnded`.
    AnswerLeg {
        leg: LegId,
    },
    /// An incoming leg is refused with a SIP status, 400 to 699. `LegEnded` follows.
    RejectLeg {
        leg: LegId,
        status: u16,
        cause: Cause,
    },
    /// What the leg says is recorded as a message to `user` until [`Self::StopRecording`] or the end of the leg. The
    /// host keeps it if it is long enough to be one, and tells the user's portals.
    RecordMessage {
        leg: LegId,
        message: MessageId,
        user: UserId,
        caller: Caller,
        /// Longest, in milliseconds; [`crate::Event::RecordingFull`] tells that it was reached.
        max_ms: u64,
    },
    StopRecording {
        leg: LegId,
    },
    /// The leg is told, over what it hears, that the call is recorded. With a token, its end comes back as
    /// [`crate::Event::PlaybackFinished`].
    TellRecorded {
        leg: LegId,
        token: Option<PlaybackToken>,
    },
    /// What the leg says and what it hears is recorded for `user` until [`Self::StopRecording`] or the end of the leg. The
    /// host keeps it beside the user's messages.
    RecordCall {
        leg: LegId,
        call: CallId,
        message: MessageId,
        user: UserId,
        /// Who is at the other end.
        party: Caller,
    },
    /// The messages of the user that are not in the bin, oldest first. Answered by [`crate::Event::MessagesListed`] with
    /// the same `ask`.
    ListMessages {
        leg: LegId,
        user: UserId,
        ask: u64,
    },
    /// The message was listened to.
    MarkHeard {
        user: UserId,
        message: MessageId,
    },
    /// A message goes into the bin, or out of it.
    BinMessage {
        user: UserId,
        message: MessageId,
        binned: bool,
    },
    /// What the leg says is recorded for [`Self::KeepDraft`] until [`Self::StopRecording`], `max_ms` milliseconds or the
    /// end of the leg. Answered by [`crate::Event::DraftStored`] at its end; a draft that was there is replaced.
    RecordDraft {
        leg: LegId,
        max_ms: u64,
    },
    /// The draft becomes the user's own. Answered by [`crate::Event::DraftStored`].
    KeepDraft {
        leg: LegId,
        user: UserId,
        which: OwnRecording,
    },
    /// The draft is not wanted, if there is one; the leg may be over.
    DropDraft {
        leg: LegId,
    },
    /// The user's own greeting or name is deleted, if there is one.
    RemoveOwn {
        user: UserId,
        which: OwnRecording,
    },
    /// A beep that only this leg hears, mixed into what it hears (rule T8).
    Beep {
        leg: LegId,
    },
    /// The tone in the ear that tells of a call which is about to be attached, mixed into what this leg hears (rule T15).
    Whisper {
        leg: LegId,
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
    /// A conference as it is to be from here on: each leg hears the others that are heard. A leg that is not among them
    /// any more has left, an empty room is over. A playback on a leg goes before what it hears of the room. The host tells those in it by
    /// tones who comes and who goes.
    Mix {
        room: CallId,
        legs: Vec<RoomLeg>,
    },
    /// What came of a REFER of this leg: a status of the SIP answers it stands for, 100 to 699; from 200 on it is the
    /// last (RFC 3515 section 2.4.5).
    ReferProgress {
        leg: LegId,
        status: u16,
    },
    /// All calls that wait to be fetched, for the portals of everybody.
    Parking {
        parked: Vec<ParkedCall>,
    },
    /// `leg` has from here on the place of `of`: it is connected to whom that was connected to, and in the conference that
    /// it was in. Whoever hears the two hears no gap: `of` is heard until audio of `leg` arrives, and listens on until it is
    /// closed.
    TakePlace {
        leg: LegId,
        of: LegId,
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
    /// Keys for the leg's telephone to hear.
    SendDtmf {
        leg: LegId,
        digits: Secret<String>,
    },
    /// Whether the keys of this leg's telephone reach whom it is connected to by themselves (rule T13); they do at first.
    RelayKeys {
        leg: LegId,
        relay: bool,
    },
    /// Whether what this leg's telephone says is left out wherever it would be heard or recorded, as if it were silent; it
    /// is not at first. Its keys are heard all the same.
    MuteLeg {
        leg: LegId,
        muted: bool,
    },
    /// How the site's numbering plan reads what was keyed in. Answered by [`crate::Event::NumberRead`] with the same
    /// `ask`.
    ReadNumber {
        leg: LegId,
        typed: DialString,
        ask: u64,
    },
    /// Whether the PIN is that of the extension's user (rule T11). Answered by [`crate::Event::PinChecked`] with the same
    /// `ask`; the host slows down and locks out as it does at the portal's sign-in.
    CheckPin {
        leg: LegId,
        extension: Extension,
        pin: Pin,
        ask: u64,
    },
}
