//! Why a command was refused.

use crate::DirectoryFault;
use crate::json::{FromJson, ToJson};
use serde::{Deserialize, Serialize};

/// Why a command had no effect. Each is something a person can be told and act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson, thiserror::Error)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Refusal {
    /// Rule T1.
    #[error("the administrator has not enabled this for the user")]
    NotPermitted,
    #[error("telecommuter mode is off")]
    NotInTelecommuterMode,
    #[error("this is no valid telephone number")]
    InvalidNumber,
    /// Rule T17: to be dialled on the telephone in the user's hand.
    #[error("emergency numbers are dialled on the telephone itself")]
    EmergencyNumber,
    /// Rule T2: a number of this site would make a loop.
    #[error("this number belongs to this site")]
    OwnNumber,
    /// The class of restriction denies it.
    #[error("calls to this number are not allowed")]
    Restricted {
        /// The prefix of the rule that decided, e.g. `+4419`; empty where no rule allows it.
        rule: String,
    },
    /// Rule T8.
    #[error("a call is up on the line")]
    LineBusy,
    #[error("too many calls, or too many attempts, for now")]
    CapReached,
    /// The site wants every call to outside booked.
    #[error("a call to outside needs an account code")]
    AccountCodeRequired,
    #[error("there is no such account code")]
    UnknownAccountCode,
    #[error("the account code is not in use any more")]
    InactiveAccountCode,
    #[error("the command came too late to be carried out")]
    Expired,
    /// The edge has no gateway to give the command to.
    #[error("the telephone system is not connected")]
    GatewayOffline,
    #[error("there is no such call")]
    UnknownCall,
    #[error("there is no such destination")]
    UnknownDestination,
    /// Rule T2: the number must be proven by a verification call first.
    #[error("the number has not been verified")]
    NotVerified,
    #[error("the code is wrong; {tries_left} tries are left")]
    WrongCode { tries_left: u8 },
    /// The code expired, was never asked for, or was tried too often.
    #[error("there is no code to confirm; ask for a new call")]
    NoCode,
    #[error("there is no such telephone")]
    UnknownDevice,
    #[error("the telephone is not registered")]
    DeviceOffline,
    #[error("there is no such profile")]
    UnknownProfile,
    /// Nobody has ever confirmed a call to this number, and it was tried too often in the last hour.
    #[error("nobody confirmed at this number; wait before it is tried again")]
    Unconfirmed,
    #[error("there is no such message")]
    UnknownMessage,
    #[error("there is no such contact")]
    UnknownContact,
    /// The user's own directory has as many contacts as it may have.
    #[error("the directory is full: at most {max} contacts")]
    DirectoryFull { max: u32 },
    #[error("there is no external directory")]
    NoDirectory,
    /// The user has looked for something else since.
    #[error("another search took the place of this one")]
    Superseded,
    #[error("the external directory: {fault}")]
    DirectoryFailed { fault: DirectoryFault },
    #[error("the call is not in a state that allows this")]
    WrongState,
    #[error("the call is being moved to a telephone already")]
    AlreadyMoving,
    #[error("no trunk is configured or up")]
    NoTrunk,
    /// New paid calls are refused while records cannot be written.
    #[error("the store cannot be written")]
    StoreUnavailable,
    /// The same id came with another content.
    #[error("the command's id was used before for another command")]
    DuplicateId,
    #[error("the command is malformed: {detail}")]
    Malformed { detail: String },
    #[error("too many commands; wait {retry_after_ms} ms")]
    TooFast { retry_after_ms: u64 },
    #[error("this version does not know the command")]
    Unsupported,
    #[error("the user is not known to the telephone system")]
    UnknownUser,
    #[error("a fault of the telephone system")]
    Internal,
    /// A refusal this version does not know.
    #[error("refused")]
    #[serde(other)]
    Other,
}
