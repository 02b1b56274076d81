//! What happens to the switch.

use crate::{Dialled, TrunkConfig, TrunkId, UserConfig};
use ponte_protocol::{CallId, CommandId, DialString, Mode, UnixMillis, UserId};
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
}

/// A user's command, read by the numbering plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchCommand {
    EnterTelecommuter { destination: SwitchDestination },
    LeaveTelecommuter,
    Dial { typed: DialString, dialled: Dialled },
    HangUp { call: CallId },
    Accept { call: CallId },
    SendDtmf { call: CallId, digits: String },
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
    /// The telephone answered, and its media is negotiated.
    LegAnswered {
        leg: LegId,
    },
    LegEnded {
        leg: LegId,
        end: LegEnd,
    },
    /// A key pressed on the telephone: `0-9 * # A-D`.
    Dtmf {
        leg: LegId,
        digit: char,
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
    /// Audio arrives again.
    AudioResumed {
        leg: LegId,
    },
}
