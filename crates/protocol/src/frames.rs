//! The frames of the portal's socket, `wss://…/api/socket`.

use crate::json::{FromJson, ToJson};
use crate::version::VersionRange;
use crate::{Colleague, Command, Event, Reply, RtcRequest, RtcSignal, Snapshot};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The largest frame a portal may send, in bytes: a user with as many rules as there may be fits.
pub const CLIENT_FRAME_MAX: usize = 8192;
/// The WebSocket subprotocol of the portal's socket. The one-use ticket is offered beside it as `ticket.<ticket>`, so
/// that it stands in no address.
pub const SUBPROTOCOL: &str = "ponte.v1";
/// What the ticket's subprotocol starts with.
pub const TICKET_SUBPROTOCOL_PREFIX: &str = "ticket.";

/// Where a portal left off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Resume {
    /// [`Snapshot::log`] of the log that `seq` belongs to.
    pub log: Uuid,
    /// The last event seen.
    pub seq: u64,
}

/// Portal to edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// First frame.
    Hello {
        versions: VersionRange,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<Resume>,
        /// Whether it is the second socket of a portal that sends everything two ways while packets are lost. It gets
        /// events and answers like the first, and counts as no portal of its own.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        second: bool,
    },
    Command {
        command: Command,
    },
    /// To be relayed to the gateway.
    Rtc {
        request: RtcRequest,
    },
    /// The portal wants to see the users of the site from here on; answered by `company`.
    WatchCompany,
    /// Answered by `pong` with the same number.
    Ping {
        n: u64,
    },
}

/// Why the edge did not take a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SocketError {
    /// Not JSON, or not a frame.
    Malformed {
        detail: String,
    },
    TooLarge {
        max_bytes: usize,
    },
    TooFast {
        retry_after_ms: u64,
    },
    /// The first frame was no `hello`, or a second one came.
    Unexpected,
    /// No common version; the portal should be loaded anew.
    UnsupportedVersion {
        versions: VersionRange,
    },
    #[serde(other)]
    Other,
}

/// Edge to portal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// Answer to `hello` when nothing can be resumed; also at any time to start anew.
    Snapshot {
        version: u16,
        snapshot: Snapshot,
    },
    /// Answer to `hello` when the missed events follow.
    Resumed {
        version: u16,
        gateway_connected: bool,
        at: crate::UnixMillis,
    },
    Event {
        event: Event,
    },
    Reply {
        reply: Reply,
    },
    /// From the gateway to this portal alone.
    Rtc {
        signal: RtcSignal,
    },
    /// Users of the site, as they are now.
    Company {
        /// Whether those who are not named are none; else these are the ones that changed.
        whole: bool,
        colleagues: Vec<Colleague>,
    },
    Pong {
        n: u64,
        at: crate::UnixMillis,
    },
    Error {
        error: SocketError,
    },
    /// The session is over; the portal shows the sign-in page. The socket closes with 4401 after it.
    SignedOut,
    /// A frame this version does not know; to be passed over.
    #[serde(other)]
    Unknown,
}

/// WebSocket close code: the session is over or was never there.
pub const CLOSE_SIGNED_OUT: u16 = 4401;
/// WebSocket close code: no common version.
pub const CLOSE_VERSION: u16 = 4426;
/// WebSocket close code: limits were broken again and again.
pub const CLOSE_TOO_FAST: u16 = 4429;
