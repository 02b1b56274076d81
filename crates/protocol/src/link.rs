//! The frames of the link, `wss://…/link`, which the gateway opens to the edge.
//!
//! ```text
//! gateway                                   edge
//!    │ ── WebSocket to /link?site=milano ──▶ │
//!    │ ◀── challenge { nonce, versions } ─── │
//!    │ ─── authenticate { proof, nonce } ──▶ │
//!    │ ◀── welcome { proof, last } ───────── │   both have proven the site's key; it never travels
//!    │ ─── users, events after `last` ─────▶ │
//!    │ ◀── commands not answered, presence ─ │
//! ```

use crate::version::VersionRange;
use crate::{
    Colleague, Command, EventBody, MessageId, OwnSound, Reply, RtcRequest, RtcSignal, SiteId, Taken,
    UnixMillis, UploadPiece, UserId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The largest frame on the link, in bytes.
pub const LINK_FRAME_MAX: usize = 1024 * 1024;
/// Gateway and edge send a ping after this long without a frame, and give the link up after twice that, in milliseconds.
pub const LINK_IDLE_MS: u64 = 15_000;

/// Which of the two proves the key; part of what is signed, so that a proof cannot be sent back as its own answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofBy {
    Gateway,
    Edge,
}

/// The text whose HMAC-SHA-256 under the site's key, in lower-case hexadecimal, is a proof.
pub fn proof_text(by: ProofBy, site: &SiteId, edge_nonce: &str, gateway_nonce: &str) -> String {
    let by = match by {
        ProofBy::Gateway => "gateway",
        ProofBy::Edge => "edge",
    };
    format!("ponte-link-v1\n{by}\n{site}\n{edge_nonce}\n{gateway_nonce}")
}

/// A place in the gateway's event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamPosition {
    /// Made anew at every start of the gateway.
    pub epoch: Uuid,
    /// Starts at 1 in each epoch, without gaps.
    pub seq: u64,
}

/// An event on the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkEvent {
    pub position: StreamPosition,
    pub user: UserId,
    pub at: UnixMillis,
    pub body: EventBody,
}

/// A user who may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUser {
    pub user: UserId,
    pub display_name: String,
}

/// Gateway to edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum GatewayFrame {
    Authenticate {
        site: SiteId,
        versions: VersionRange,
        /// 32 random bytes in lower-case hexadecimal.
        nonce: String,
        /// HMAC of [`proof_text`] by the gateway.
        proof: String,
    },
    /// Everybody who may sign in: after every welcome, and after every change. Who is missing loses password and
    /// sessions.
    Users {
        users: Vec<LinkUser>,
    },
    /// A link that lets a user set a password, once. The token itself went to the user; the edge knows its hash only.
    /// The same hash sent again does no harm, also after it was used.
    Invitation {
        user: UserId,
        /// SHA-256 of the token, lower-case hexadecimal.
        token_hash: String,
        expires_at: UnixMillis,
    },
    Event {
        event: LinkEvent,
    },
    /// The answer to a command. It is sent again after a reconnect if the command comes again.
    Reply {
        user: UserId,
        reply: Reply,
    },
    /// To be relayed to one portal of this user, if it is still there.
    Rtc {
        user: UserId,
        portal: Uuid,
        signal: RtcSignal,
    },
    /// Users of the site, for portals that watch them.
    Company {
        /// For this connection alone; else for all that watch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        portal: Option<Uuid>,
        /// Whether those who are not named are none; else these are the ones that changed, or more of them.
        whole: bool,
        colleagues: Vec<Colleague>,
    },
    /// The answer to [`EdgeFrame::FetchAudio`].
    Audio {
        request: Uuid,
        part: AudioPart,
    },
    /// The answer to [`EdgeFrame::PutAudio`].
    AudioTaken {
        upload: Uuid,
        /// Of the piece.
        offset: u64,
        taken: Taken,
    },
    Ping {
        n: u64,
    },
    Pong {
        n: u64,
    },
    #[serde(other)]
    Unknown,
}

/// The most bytes of audio in one [`AudioPart`].
pub const AUDIO_PART_MAX: u32 = 256 * 1024;

/// A piece of a recording.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AudioPart {
    /// A WAV file's bytes from an offset on.
    Bytes {
        /// The whole file, in bytes.
        total: u64,
        /// Where this piece begins.
        offset: u64,
        /// At most [`AUDIO_PART_MAX`] bytes, in standard base64 (RFC 4648 section 4).
        base64: String,
    },
    /// There is no such message of this user.
    NotFound,
    /// The recording cannot be read now.
    #[serde(other)]
    Unavailable,
}

impl std::fmt::Debug for AudioPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes {
                total,
                offset,
                base64,
            } => {
                write!(f, "Bytes({} characters from {offset} of {total})", base64.len())
            }
            Self::NotFound => f.write_str("NotFound"),
            Self::Unavailable => f.write_str("Unavailable"),
        }
    }
}

/// Why the edge closed the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum LinkError {
    #[error("the edge does not know the site, or the keys differ")]
    NotAuthentic,
    #[error("edge and gateway have no protocol version in common")]
    UnsupportedVersion,
    #[error("the edge could not read a frame")]
    Malformed,
    #[error("another gateway of this site took the link over")]
    Replaced,
    #[error("the edge closed the link")]
    #[serde(other)]
    Other,
}

/// Edge to gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EdgeFrame {
    Challenge {
        versions: VersionRange,
        /// 32 random bytes in lower-case hexadecimal; good for one answer.
        nonce: String,
    },
    Welcome {
        version: u16,
        /// HMAC of [`proof_text`] by the edge.
        proof: String,
        /// The last event the edge keeps, if it keeps any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<StreamPosition>,
    },
    /// The edge has stored all events up to this one.
    Ack {
        position: StreamPosition,
    },
    /// A command of a signed-in user. Sent again until a reply comes or it expires.
    Command {
        user: UserId,
        command: Command,
    },
    /// A piece of a voicemail message of this user: `length` bytes, 1 to [`AUDIO_PART_MAX`], from `offset` on. Asked for
    /// once; the edge gives up after its own time.
    FetchAudio {
        request: Uuid,
        user: UserId,
        message: MessageId,
        offset: u64,
        length: u32,
        /// The user's own greeting or name is asked for; `message` is nil then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        own: Option<OwnSound>,
    },
    /// A piece of a greeting or a name that the user recorded. Sent once; the edge gives up after its own time.
    PutAudio(UploadPiece),
    /// The edge lacks this user's state; the gateway answers with a `state` event.
    NeedState {
        user: UserId,
    },
    /// From one portal of this user. `portal` names its connection, by which it is answered.
    Rtc {
        user: UserId,
        portal: Uuid,
        request: RtcRequest,
    },
    /// This portal wants to see the users of the site; answered by [`GatewayFrame::Company`]. Sent anew after a welcome.
    WatchCompany {
        user: UserId,
        portal: Uuid,
    },
    /// A connection of a portal is gone: what it was asked by [`GatewayFrame::Rtc`] has no answer.
    PortalClosed {
        user: UserId,
        portal: Uuid,
    },
    /// How many portals of this user are connected (rule T13). Sent for all users after a welcome, then at each change.
    Presence {
        user: UserId,
        portals: u32,
    },
    Ping {
        n: u64,
    },
    Pong {
        n: u64,
    },
    Error {
        error: LinkError,
    },
    #[serde(other)]
    Unknown,
}
