//! What a call is made from: who is called where, and what holds for it from its beginning.

use crate::forward::Forwarded;
use crate::leg::Party;
use crate::{Caller, Secret};
use ponte_protocol::{CallId, CallerId, DeviceId, DialString, Direction, E164, Extension, UserId};

/// The telephone at which the user is reached.
#[derive(Clone, Debug)]
pub(crate) enum Near {
    Number(E164),
    Device {
        device: DeviceId,
        extension: Extension,
    },
    Browser {
        extension: Extension,
    },
    /// Nowhere, or where another call of the user is.
    None,
}

impl Near {
    /// As portals and the record show it.
    pub(crate) fn number(&self) -> &str {
        match self {
            Self::Number(number) => number.as_str(),
            Self::Device { extension, .. } | Self::Browser { extension } => extension.as_str(),
            Self::None => "",
        }
    }
}

/// The other party.
#[derive(Clone, Debug)]
pub(crate) enum Far {
    Number(E164),
    /// Rule T17.
    Emergency(DialString),
    /// Another user of the site.
    User {
        user: UserId,
        extension: Extension,
        name: String,
    },
    /// Who calls the user.
    Caller(Caller),
    /// The number that is proven is the user's own.
    Nobody,
    /// The user's own voicemail box.
    Mailbox,
}

/// What a call is made from.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) id: CallId,
    pub(crate) user: UserId,
    pub(crate) direction: Direction,
    pub(crate) dialled: DialString,
    pub(crate) near: Near,
    pub(crate) far: Far,
    /// What the company shows (rule T16).
    pub(crate) caller_id: Option<CallerId>,
    pub(crate) confirm: bool,
    pub(crate) user_no_answer_ms: u64,
    /// Whether a caller who is not answered may leave a message.
    pub(crate) voicemail: bool,
    pub(crate) forwarded: Forwarded,
    /// Rule T2: the call speaks this code and reaches nobody else; portals are not shown it.
    pub(crate) code: Option<Secret<Vec<u8>>>,
}

impl Setup {
    /// The other party, as portals and the record show it.
    pub(crate) fn far_party(&self) -> Party {
        match &self.far {
            Far::Number(number) => Party {
                number: number.as_str().to_owned(),
                name: None,
            },
            Far::Emergency(number) => Party {
                number: number.as_str().to_owned(),
                name: None,
            },
            Far::User { extension, name, .. } => Party {
                number: extension.as_str().to_owned(),
                name: Some(name.clone()),
            },
            Far::Caller(caller) => Party {
                number: caller
                    .number
                    .as_ref()
                    .map_or_else(String::new, |number| number.as_str().to_owned()),
                name: caller.name.clone(),
            },
            Far::Nobody => self.near_party(),
            Far::Mailbox => Party {
                number: self.dialled.as_str().to_owned(),
                name: None,
            },
        }
    }

    pub(crate) fn near_party(&self) -> Party {
        Party {
            number: self.near.number().to_owned(),
            name: None,
        }
    }
}
