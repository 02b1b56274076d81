//! How well the parties of a call are heard, as far as the gateway can tell.

use crate::json::{FromJson, ToJson};
use crate::{CallId, LegRole};
use serde::{Deserialize, Serialize};

/// One direction of a leg over the last seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Quality {
    /// RTP packets that never came, of a thousand sent; 0 to 1000.
    pub loss_per_mille: u16,
    /// Interarrival jitter (RFC 3550 section 6.4.1), in milliseconds.
    pub jitter_ms: u16,
    /// Mean opinion score that the E-model (ITU-T G.107) expects of codec, loss and delay, times ten: 10 (bad) to 45.
    pub mos_tenths: u8,
}

impl Quality {
    /// Below this score, times ten, many users are dissatisfied (ITU-T G.107 table B.1: R of 70).
    pub const POOR_MOS_TENTHS: u8 = 36;

    /// Whether portals should say so, and offer another telephone.
    pub const fn is_poor(&self) -> bool {
        self.mos_tenths < Self::POOR_MOS_TENTHS
    }
}

/// Both directions of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct LegQuality {
    pub role: LegRole,
    /// From the telephone to the gateway; `None` while too little came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_telephone: Option<Quality>,
    /// From the gateway to the telephone, as that reports it (RTCP); `None` where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_telephone: Option<Quality>,
}

/// The legs of a call whose quality is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct CallQuality {
    pub call: CallId,
    /// The user's first. Empty: nothing is known any more, as when the call moves to another telephone.
    pub legs: Vec<LegQuality>,
}

impl CallQuality {
    /// What is known of a leg.
    pub fn leg(&self, role: LegRole) -> Option<&LegQuality> {
        self.legs.iter().find(|leg| leg.role == role)
    }
}
