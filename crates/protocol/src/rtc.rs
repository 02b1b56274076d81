//! Calls in the browser itself: which portal takes them, and the descriptions (SDP) of its audio.
//!
//! The gateway's addresses stand in its answer and it checks nothing itself (ICE-lite, RFC 8445 section 2.5), so that no
//! candidate travels: a session is one offer and one answer, and the same again after a change of network.

use crate::CallId;
use crate::json::{FromJson, ToJson};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A session description (RFC 8866). It holds addresses and the keys of ICE: it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(transparent)]
pub struct Sdp(pub String);

impl fmt::Debug for Sdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sdp({} bytes)", self.0.len())
    }
}

/// A relay (TURN, RFC 8656) by which the gateway is reached from a network that lets no UDP through.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Relay {
    /// Its addresses (RFC 7065).
    pub urls: Vec<String>,
    pub username: String,
    /// Good for a day. It does not print.
    pub credential: String,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("urls", &self.urls)
            .finish_non_exhaustive()
    }
}

/// Portal to gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RtcRequest {
    /// This tab wants to be "this browser". Answered by `here` or `elsewhere`; after a new connection it is asked again.
    TakeCalls {
        /// Made by the tab, and kept as long as the tab is open.
        tab: Uuid,
        /// Whether another tab that takes the calls now is to give way.
        take_over: bool,
    },
    /// This tab no longer wants calls.
    StopCalls { tab: Uuid },
    /// The user takes a call that rings in this tab, or (for a call that is up) the tab's network has changed. Answered by
    /// `answer` or `refused`.
    Offer { call: CallId, sdp: Sdp },
    /// A request this version does not know.
    #[serde(other)]
    Unknown,
}

/// Why an offer has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum RtcRefusal {
    /// The call does not ring in this tab, or no longer.
    NotRinging,
    /// The description cannot be used.
    Description,
    /// The telephone system has no room.
    Overloaded,
    #[serde(other)]
    Other,
}

/// Gateway to one portal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RtcSignal {
    /// Calls ring in this tab from here on.
    Here {
        tab: Uuid,
    },
    /// Calls ring in another tab.
    Elsewhere,
    /// A call wants this tab: `offer` takes it. The id is that of the session until `over`.
    Ring {
        call: CallId,
        /// At most one, where the site has one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        relays: Vec<Relay>,
    },
    Answer {
        call: CallId,
        sdp: Sdp,
    },
    Refused {
        call: CallId,
        reason: RtcRefusal,
    },
    /// The session is over, or never began.
    Over {
        call: CallId,
    },
    /// A signal this version does not know; to be passed over.
    #[serde(other)]
    Unknown,
}
