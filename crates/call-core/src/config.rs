//! What the switch is told about users, trunks and numbers.

use crate::{CallerNumber, ForwardTargets};
use ponte_protocol::{CallSettings, DeviceId, E164, Extension, UserId, UserProfile};

/// The name of a trunk in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkId(pub String);

/// A trunk. Their order in [`crate::Event::TrunksConfigured`] is the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkConfig {
    pub id: TrunkId,
    /// Most legs at once on this trunk; `None`: no limit.
    pub max_legs: Option<u32>,
    /// Whether it lets the real caller's number be shown on a redirected call (rule T16).
    pub passes_caller_id: bool,
}

/// One rule of a class of restriction: the first whose prefix the E.164 number starts with decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestrictionRule {
    pub allow: bool,
    /// `+` and digits, e.g. `+39`; `+` alone matches every number.
    pub prefix: String,
}

/// What kind of telephone a number reaches, as far as the numbering plan tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberClass {
    Fixed,
    Mobile,
    /// Shared cost, premium rate: denied unless a rule names them.
    Premium,
    Other,
}

/// A desk telephone: a SIP account that registers with the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceConfig {
    pub id: DeviceId,
    /// 1 to 40 characters.
    pub name: String,
    /// Whose ordinary telephone it is: logged on to it unless told otherwise (rule T10).
    pub owner: Option<UserId>,
    /// Whether other users may log on to it (rule T11).
    pub hot_desk: bool,
}

/// Codes that a telephone dials to the switch itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureCode {
    /// Rule T11: asks for extension and PIN by key.
    LogOn,
    LogOff,
    /// The user whose telephone it is leaves telecommuter mode (rule T10).
    Leave,
    /// The caller's own voicemail box, by key.
    Voicemail,
}

/// A dialled number after the site's numbering plan has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialled {
    /// Rule T17.
    Emergency,
    /// A number of this site: an extension, or a DID of ours.
    Own {
        extension: Option<Extension>,
    },
    External {
        number: E164,
        class: NumberClass,
    },
    /// `*` and `#` codes; `None` for one that means nothing here.
    FeatureCode(Option<FeatureCode>),
    Invalid,
}

/// Limits that keep a stranger from running up a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Accepted `Dial` commands in any 60 minutes.
    pub dials_per_hour: u32,
    /// Minutes of connected calls in any 24 hours; checked before a call, and the call is not cut by it.
    pub minutes_per_day: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            dials_per_hour: 120,
            minutes_per_day: 24 * 60,
        }
    }
}

/// A user as the switch needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserConfig {
    pub profile: UserProfile,
    /// User over group over site, already in order; a number that no rule matches is denied.
    pub restrictions: Vec<RestrictionRule>,
    pub caps: Caps,
    /// The user's own settings; what the profile does not allow is without effect.
    pub settings: CallSettings,
    /// The user wants no calls now (rule T12): as if rejected at once.
    pub do_not_disturb: bool,
    /// Who gets through all the same.
    pub exceptions: Vec<CallerNumber>,
    pub forwarding: ForwardTargets,
    /// Numbers that a verification call has proven to be the user's (rule T2).
    pub proven: Vec<E164>,
    /// How long the user's own telephone may ring, in milliseconds.
    pub user_no_answer_ms: u64,
}

/// How long each state may wait, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// INVITE sent, nothing heard, not even 100: the next trunk is tried.
    pub trunk_response: u64,
    /// 100 was heard and nothing after it, neither ringing nor audio: another trunk is tried, if there is one. The network
    /// itself would wait for as long as the telephone may ring (RFC 3261 section 17.1.1.2 stops timer B at the 100).
    pub trunk_progress: u64,
    /// For **Accept** or the key 1.
    pub confirm: u64,
    /// How long a second call is offered while one is up (rule T8).
    pub waiting: u64,
    /// How long a call may be parked until it comes back.
    pub park: u64,
    /// Between two beeps that tell of a waiting call.
    pub beep: u64,
    /// The longest voicemail message.
    pub message: u64,
    /// After the last key, until digits that no # ended are taken as they are (rule T11).
    pub digits: u64,
    /// How long the confirmation prompt pauses before it is spoken again.
    pub confirm_repeat: u64,
    /// How long the far telephone may ring.
    pub far_no_answer: u64,
    /// After a failure of the far leg, for another number to be dialled on the same user leg (rule T5).
    pub redial: u64,
    /// How long a telephone listens on after another has taken its place in the call.
    pub overlap: u64,
    /// For a leg that was told to close to say that it ended.
    pub close: u64,
    /// Before a call is attached to a leg that stays up, after the whisper that tells of it (rule T15).
    pub whisper: u64,
    /// The longest that a leg stays up (rule T15).
    pub stay: u64,
    /// How long a far party waits for a user whose leg was lost; 0: it does not.
    pub rescue: u64,
    /// Without audio from a leg until the portal is warned.
    pub no_audio_warning: u64,
    /// Without audio from a leg until the call is ended.
    pub no_audio_end: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            trunk_response: 4_000,
            trunk_progress: 10_000,
            confirm: 20_000,
            waiting: 20_000,
            park: 120_000,
            beep: 5_000,
            message: 180_000,
            digits: 5_000,
            confirm_repeat: 4_000,
            far_no_answer: 90_000,
            redial: 10_000,
            overlap: 1_000,
            close: 40_000,
            whisper: 2_500,
            stay: 12 * 60 * 60 * 1_000,
            rescue: 45_000,
            no_audio_warning: 5_000,
            no_audio_end: 60_000,
        }
    }
}
