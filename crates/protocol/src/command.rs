//! What a user asks for.

use crate::{CallId, CallRecord, CommandId, DestinationId, DialString, Refusal, UnixMillis};
use serde::{Deserialize, Serialize};

/// The longest a `dial` may be on its way, in milliseconds: nobody's telephone rings for an old click.
pub const DIAL_LIFETIME_MS: u64 = 10_000;
/// The longest any other command may be on its way, in milliseconds.
pub const COMMAND_LIFETIME_MS: u64 = 30_000;
/// The most records a page of the call log holds.
pub const LOG_PAGE_MAX: u16 = 100;
/// The most digits a `send_dtmf` carries.
pub const DTMF_MAX: usize = 32;

/// A user's wish, with an identifier that makes it happen once however often it arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub id: CommandId,
    /// By the client's clock; informative.
    pub issued_at: UnixMillis,
    /// By the receiver's clock: the edge shortens it to the lifetime that the command's kind allows after its arrival.
    pub expires_at: UnixMillis,
    pub body: CommandBody,
}

/// Where the user wants to be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DestinationChoice {
    Saved {
        destination: DestinationId,
    },
    Number {
        number: DialString,
        /// Rule T14; `None`: on for mobile numbers, off for others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirm: Option<bool>,
    },
    Browser,
    #[serde(other)]
    Unknown,
}

/// The commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CommandBody {
    /// Rules T1 to T3. Entering again with another destination moves future calls there.
    EnterTelecommuter {
        destination: DestinationChoice,
    },
    /// Rule T10.
    LeaveTelecommuter,
    SaveDestination {
        label: String,
        number: DialString,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirm: Option<bool>,
    },
    DeleteDestination {
        destination: DestinationId,
    },
    /// Rule T4; while a call is in `far_failed`, it dials on the same user leg (rule T5).
    Dial {
        number: DialString,
    },
    HangUp {
        call: CallId,
    },
    /// Rule T14: a person says "it is me" in the portal.
    Accept {
        call: CallId,
    },
    /// Digits `0-9 * # A-D` to the other party, 1 to 32.
    SendDtmf {
        call: CallId,
        digits: String,
    },
    /// A page of the call log, newest first; changes nothing.
    FetchLog {
        /// Only records that started before this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<UnixMillis>,
        /// 1 to 100.
        limit: u16,
    },
    /// A command this version does not know.
    #[serde(other)]
    Unknown,
}

impl CommandBody {
    /// Whether it only reads, so that no ledger need keep it.
    pub fn is_query(&self) -> bool {
        matches!(self, Self::FetchLog { .. })
    }

    /// The longest it may be on its way, in milliseconds.
    pub fn lifetime_ms(&self) -> u64 {
        match self {
            Self::Dial { .. } => DIAL_LIFETIME_MS,
            _ => COMMAND_LIFETIME_MS,
        }
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] names what is wrong; [`Refusal::Unsupported`] for a command this version does not know.
    pub fn validate(&self) -> Result<(), Refusal> {
        let malformed = |detail: &str| {
            Err(Refusal::Malformed {
                detail: detail.to_owned(),
            })
        };
        match self {
            Self::Unknown
            | Self::EnterTelecommuter {
                destination: DestinationChoice::Unknown,
            } => Err(Refusal::Unsupported),
            Self::SendDtmf { digits, .. } => {
                let valid = |b: u8| b.is_ascii_digit() || b"*#ABCD".contains(&b);
                if digits.is_empty() || digits.len() > DTMF_MAX || !digits.bytes().all(valid) {
                    return malformed("digits: 1 to 32 out of 0-9 * # A-D");
                }
                Ok(())
            }
            Self::SaveDestination { label, .. } => {
                let length = label.trim().chars().count();
                if length == 0 || length > 40 || label.chars().any(char::is_control) {
                    return malformed("label: 1 to 40 characters");
                }
                Ok(())
            }
            Self::FetchLog { limit, .. } if *limit == 0 || *limit > LOG_PAGE_MAX => {
                malformed("limit: 1 to 100")
            }
            _ => Ok(()),
        }
    }
}

/// A page of the call log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// Newest first.
    pub records: Vec<CallRecord>,
    /// Whether older records exist.
    pub more: bool,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Outcome {
    /// It was taken, and will be or has been carried out; what comes of it is told by events.
    Accepted {
        /// The call it started or touched.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<CallId>,
    },
    Log(LogPage),
    Refused {
        refusal: Refusal,
    },
    #[serde(other)]
    Unknown,
}

/// The answer to a command: exactly one for each id, the same however often the command is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    pub id: CommandId,
    pub outcome: Outcome,
}

impl Reply {
    /// A refusal of the command `id`.
    pub fn refused(id: CommandId, refusal: Refusal) -> Self {
        Self {
            id,
            outcome: Outcome::Refused { refusal },
        }
    }
}
