//! What happens to the switch.

use crate::{
    DeviceConfig, Dialled, ListedCode, ListedMessage, Secret, Timeouts, TrunkConfig, TrunkId, UserConfig,
};
use ponte_protocol::{
    AccountCode, CallId, CallerId, CommandId, DeviceId, DialString, E164, Extension, Mode, Pii, UnixMillis,
    UserId,
};
use std::fmt;

/// One attempt to call one telephone: the call, and the attempt's place in it from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId {
    pub call: CallId,
    pub index: u16,
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.call, self.index)
    }
}

/// How a leg came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegEndKind {
    /// The telephone or its network ended it: BYE, or a final failure answer.
    Remote,
    /// We asked for it by [`crate::Effect::CloseLeg`].
    Closed,
    /// No answer from the network at all.
    Timeout,
    /// The message could not be sent.
    Transport,
    /// No codec in common.
    IncompatibleMedia,
    /// The host could not carry the leg out (no port, no memory).
    Internal,
}

/// Why a leg ended, as the network told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegEnd {
    pub kind: LegEndKind,
    /// The SIP status of a failure answer, 300 to 699.
    pub sip: Option<u16>,
    /// The Q.850 cause of a Reason header (RFC 3326), 1 to 127.
    pub q850: Option<u8>,
}

/// A caller's number, by what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerNumber {
    E164(E164),
    Extension(Extension),
}

impl CallerNumber {
    /// As portals show it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::E164(number) => number.as_str(),
            Self::Extension(extension) => extension.as_str(),
        }
    }
}

/// Who is calling.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// `None`: withheld, or not a number.
    pub number: Option<CallerNumber>,
    pub name: Option<String>,
}

impl fmt::Debug for Caller {
    // Names identify people, and `Debug` is what reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("number", &self.number)
            .field("name", &self.name.as_ref().map(Pii))
            .finish()
    }
}

impl From<CallerId> for Caller {
    fn from(id: CallerId) -> Self {
        Self {
            number: Some(CallerNumber::E164(id.number)),
            name: id.name,
        }
    }
}

/// Where an incoming call comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallSource {
    Trunk {
        trunk: TrunkId,
    },
    /// The telephone has proven its account (RFC 3261 section 22).
    Device {
        device: DeviceId,
    },
}

/// Where a user wants to be called, read by the numbering plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchDestination {
    Number {
        dialled: Dialled,
        label: Option<String>,
        /// `None`: on for mobiles.
        confirm: Option<bool>,
    },
    Browser,
    /// The telephone on the user's desk; only for [`SwitchCommand::Move`].
    Desk,
}

/// A user's command, read by the numbering plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchCommand {
    EnterTelecommuter {
        destination: SwitchDestination,
    },
    LeaveTelecommuter,
    /// Telecommuter mode ends by itself at this time; `None`: it does not.
    LeaveAt {
        at: Option<UnixMillis>,
    },
    /// Rule T15.
    SetPersistentLeg {
        on: bool,
    },
    /// The offer to leave is put away.
    Stay,
    Dial {
        typed: DialString,
        dialled: Dialled,
        account_code: Option<AccountCode>,
    },
    /// What the call is booked to from here on; `None`: nothing.
    SetAccountCode {
        call: CallId,
        account_code: Option<AccountCode>,
    },
    HangUp {
        call: CallId,
    },
    Accept {
        call: CallId,
    },
    Reject {
        call: CallId,
    },
    /// Rule T2: calls the number and speaks the code, which the host has made and keeps.
    Verify {
        dialled: Dialled,
        code: Secret<Vec<u8>>,
    },
    LogOn {
        device: DeviceId,
    },
    LogOff,
    SendDtmf {
        call: CallId,
        digits: Secret<String>,
    },
    Hold {
        call: CallId,
    },
    /// The call that is up is held; one that is being set up is given up.
    Retrieve {
        call: CallId,
    },
    /// Gives the other party to somebody else without asking.
    Transfer {
        call: CallId,
        to: SwitchTarget,
    },
    /// Puts the other parties of two calls through to each other.
    TransferTo {
        call: CallId,
        with: CallId,
    },
    /// The user goes on with the call at the ear at another telephone.
    Move {
        call: CallId,
        to: SwitchDestination,
    },
    /// The call stays where it is.
    StopMove {
        call: CallId,
    },
    /// One conference of two calls, or of a conference and a call.
    Merge {
        call: CallId,
        with: CallId,
    },
    /// The host leaves, the members go on.
    LeaveConference {
        call: CallId,
    },
    EndConference {
        call: CallId,
    },
    MuteMember {
        call: CallId,
        muted: bool,
    },
    /// Every member of the conference, but not its host.
    MuteMembers {
        call: CallId,
        muted: bool,
    },
    /// Whether whom the user speaks to hears the user.
    Mute {
        call: CallId,
        muted: bool,
    },
    Park {
        call: CallId,
    },
    /// Both parties are told, then their conversation is recorded; or it no longer is.
    Record {
        call: CallId,
        on: bool,
    },
    Fetch {
        slot: u16,
    },
    PickUp {
        extension: Extension,
    },
}

/// To whom a party is given, read by the numbering plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchTarget {
    Dialled {
        typed: DialString,
        dialled: Dialled,
    },
    /// The voicemail of a user, whose telephone does not ring.
    Voicemail {
        extension: Extension,
    },
}

/// What a Replaces (RFC 3891) names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The call, as those who watch its user were told of it (RFC 4235).
    Call(CallId),
    /// The dialog of one of its legs.
    Leg(LegId),
}

/// Who could take a call over now, each with the rights that this needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeable {
    /// It rings: colleagues, and the user.
    ByColleagues,
    /// It is the user's alone.
    ByUser,
}

/// What a telephone does with the audio of a call by itself (RFC 3264 section 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerHold {
    /// Both directions.
    No,
    /// It sends what the held party is to hear, and does not listen.
    SendOnly,
    /// It neither sends nor listens.
    Inactive,
}

/// What happens to the switch. Events about a leg that is over, or was never opened, are without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A new user, or a change to one. A call that is up goes on as it was set up.
    UserConfigured {
        config: Box<UserConfig>,
    },
    /// The user's calls are ended.
    UserRemoved {
        user: UserId,
    },
    /// A new telephone, or a change to one.
    DeviceConfigured {
        config: Box<DeviceConfig>,
    },
    /// Calls that are up on it go on.
    DeviceRemoved {
        device: DeviceId,
    },
    /// Whether the telephone has a binding with the registrar.
    DeviceRegistered {
        device: DeviceId,
        registered: bool,
    },
    /// Who was logged on before a restart; no checks, no notice.
    LogonRestored {
        device: DeviceId,
        user: Option<UserId>,
    },
    /// An INVITE that begins a dialog; `leg` has the index 0 in a call that is new. Answered by `RingLeg`, `AnswerLeg`
    /// and `RejectLeg` about this leg. It ends with `LegEnded` like any other, also after a CANCEL.
    IncomingCall {
        leg: LegId,
        source: CallSource,
        caller: Caller,
        /// What was dialled, as it came: a DID of ours, an extension, a number, a feature code.
        typed: DialString,
        dialled: Dialled,
        /// What a desk telephone's call is to be booked to, where that was dialled before the number.
        account_code: Option<AccountCode>,
        /// How often the call was forwarded before it came, as the network tells.
        forwarded: u32,
    },
    /// An INVITE of a desk telephone that wants to take over what its Replaces names (RFC 3891); `leg` has the index 0 in a
    /// call that is new. Answered by [`crate::Effect::AnswerLeg`] or [`crate::Effect::RejectLeg`] about this leg: 403 without
    /// the right, 481 where there is no such call, 486 where the user's line is taken or only an early dialog was wanted,
    /// 603 where the call cannot be taken as it stands. It ends with `LegEnded` like any other.
    TakesOver {
        leg: LegId,
        device: DeviceId,
        of: Replaced,
        /// What is answered already is not to be taken.
        early_only: bool,
    },
    /// The host cannot take the message that is being left or the call that is recorded, or cannot go on: the box or the disk
    /// is full. `kept`: what was said so far is a message.
    NoRoom {
        leg: LegId,
        kept: bool,
    },
    /// A message, or the recording of a call, has reached its longest.
    RecordingFull {
        leg: LegId,
    },
    /// The mode as it was before a restart, of a user who was configured before; no checks, no notice.
    ModeRestored {
        user: UserId,
        mode: Mode,
    },
    /// What counted towards the user's caps before a restart: when numbers were dialled in the last hour, and from when
    /// to when calls were connected in the last day. Whatever was counted so far is replaced.
    UsageRestored {
        user: UserId,
        dials: Vec<UnixMillis>,
        talks: Vec<(UnixMillis, UnixMillis)>,
    },
    /// The whole list of account codes. Calls that are up stay booked to what they are.
    AccountCodesConfigured {
        codes: Vec<ListedCode>,
    },
    /// Waits that begin from here on.
    TimeoutsConfigured {
        timeouts: Timeouts,
    },
    /// Of which of the user's telephones it was known before a restart that somebody has confirmed there, and when others
    /// that must confirm were called in the last hour, oldest first.
    AttemptsRestored {
        user: UserId,
        confirmed: Vec<E164>,
        attempts: Vec<(E164, UnixMillis)>,
    },
    /// All trunks, in the order in which they are tried. New ones count as up until told otherwise.
    TrunksConfigured {
        trunks: Vec<TrunkConfig>,
    },
    TrunkState {
        trunk: TrunkId,
        up: bool,
    },
    /// Whether records can be written; while they cannot, `Dial` is refused.
    StoreState {
        writable: bool,
    },
    /// How many portals of the user are connected.
    PortalsChanged {
        user: UserId,
        portals: u32,
    },
    /// Each id is given at most once: the host's ledger sees to that.
    Command {
        user: UserId,
        id: CommandId,
        command: SwitchCommand,
    },
    /// A provisional answer, 100 to 199; `early_media` when it brought a session description.
    LegProgress {
        leg: LegId,
        status: u16,
        early_media: bool,
    },
    /// The telephone answered, and its media is negotiated. An incoming leg counts as answered from
    /// [`crate::Effect::AnswerLeg`] on; what comes of that later changes nothing.
    LegAnswered {
        leg: LegId,
    },
    LegEnded {
        leg: LegId,
        end: LegEnd,
    },
    /// A key pressed on the telephone: `0-9 * # A-D`. It may be part of a PIN: no log shows it.
    Dtmf {
        leg: LegId,
        digit: Secret<char>,
    },
    /// What [`crate::Effect::Play`] with this token started has come to its end.
    PlaybackFinished {
        leg: LegId,
        token: crate::PlaybackToken,
    },
    /// No audio has arrived from an answered leg that should send some, since `since_ms` milliseconds.
    AudioMissing {
        leg: LegId,
        since_ms: u64,
    },
    /// A telephone holds its call, or retrieves it, by an offer of its own.
    LegHeld {
        leg: LegId,
        hold: PeerHold,
    },
    /// REFER (RFC 3515) from the user's telephone: a blind transfer of its call. `call` is the identifier of the call that
    /// reaches the target. Answered by [`crate::Effect::ReferProgress`].
    Referred {
        leg: LegId,
        call: CallId,
        to: SwitchTarget,
    },
    /// REFER with Replaces (RFC 3891) from the user's telephone: the parties of its two calls are put through. Answered
    /// by [`crate::Effect::ReferProgress`].
    ReferredTo {
        leg: LegId,
        with: LegId,
    },
    /// Audio arrives again.
    AudioResumed {
        leg: LegId,
    },
    /// The user gave back the code that a verification call spoke: that call has done its work (rule T2).
    NumberVerified {
        user: UserId,
    },
    /// The answer to [`crate::Effect::CheckPin`].
    PinChecked {
        leg: LegId,
        ask: u64,
        valid: bool,
    },
    /// The answer to [`crate::Effect::ReadNumber`].
    NumberRead {
        leg: LegId,
        ask: u64,
        dialled: Dialled,
    },
    /// The answer to [`crate::Effect::ListMessages`]; `None`: they cannot be read.
    MessagesListed {
        leg: LegId,
        ask: u64,
        messages: Option<Vec<ListedMessage>>,
    },
    /// A draft was recorded or kept, or could not be, or nothing was said.
    DraftStored {
        leg: LegId,
        stored: bool,
    },
}
