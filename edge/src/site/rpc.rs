//! What the stateless worker asks a site, and what the site answers. Secrets come as digests only.

use crate::push::subscription::Keys;
use ponte_protocol::{
    AccountCode, CommandId, DialString, MessageId, Outcome, OwnSound, Taken, UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The path of a call inside the site.
pub const CALL_PATH: &str = "/call";
/// The path of a piece of a recording inside the site.
pub const AUDIO_PATH: &str = "/audio";
/// The path of a piece of an upload inside the site.
pub const UPLOAD_PATH: &str = "/upload";
/// Header of a piece: how long the whole recording is, in bytes.
pub const TOTAL_HEADER: &str = "X-Ponte-Total";
/// The path of a portal's socket inside the site.
pub const PORTAL_PATH: &str = "/portal";
/// The path of a gateway's link inside the site.
pub const LINK_PATH: &str = "/link";
/// Header of a portal's socket: the digest of the ticket.
pub const TICKET_HEADER: &str = "X-Ponte-Ticket";
/// Header of a portal's socket: the digest of the session.
pub const SESSION_HEADER: &str = "X-Ponte-Session";
/// Header of a link: the site that the gateway named.
pub const SITE_HEADER: &str = "X-Ponte-Site";
/// Header of a link: the network it comes from.
pub const NETWORK_HEADER: &str = "X-Ponte-Network";

/// A question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SiteCall {
    /// Asks leave for an attempt to sign in, and charges it. `user` is `None` for what cannot be a name.
    BeginSignIn { user: Option<UserId>, network: String },
    /// The password matched `phc`: opens a session.
    FinishSignIn {
        user: UserId,
        network: String,
        phc: String,
        session: String,
    },
    /// Who is this, and go on.
    Session { session: String },
    /// Ends a session, or all sessions of its user.
    SignOut { session: String, everywhere: bool },
    /// Keeps a ticket for a socket.
    Ticket { session: String, ticket: String },
    /// Whom an invitation is for.
    CheckInvitation { token: String },
    /// Sets the first password and opens a session.
    UseInvitation {
        token: String,
        phc: String,
        session: String,
    },
    /// The tokens with which programs dial for the session's user.
    DialTokens { session: String },
    /// Keeps a new one.
    KeepDialToken {
        session: String,
        id: Uuid,
        token: String,
        label: String,
    },
    /// Revokes one.
    RevokeDialToken { session: String, id: Uuid },
    /// The site's public key for push messages.
    PushKey { session: String },
    /// Keeps the subscription of the session's browser.
    KeepSubscription {
        session: String,
        endpoint: String,
        keys: Keys,
        language: Option<String>,
        /// The portal's origin.
        contact: String,
    },
    /// Drops it.
    DropSubscription { session: String },
    /// A program dials.
    Dial {
        token: String,
        network: String,
        id: CommandId,
        number: DialString,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account_code: Option<AccountCode>,
    },
    /// What has become of that.
    Dialled {
        token: String,
        network: String,
        id: CommandId,
    },
}

/// A token with which programs dial, without its secret.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialToken {
    pub id: Uuid,
    pub label: String,
    pub created_at: UnixMillis,
    /// When it was used last.
    pub used_at: Option<UnixMillis>,
}

/// An answer.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SiteAnswer {
    Done,
    /// The password is to be checked against this, or against nothing where there is no such account.
    Check {
        phc: Option<String>,
    },
    TooMany {
        retry_after_ms: u64,
    },
    Session {
        user: UserId,
        display_name: String,
    },
    NoSession,
    Ticket {
        expires_at: UnixMillis,
    },
    Invitation {
        user: UserId,
        display_name: String,
        expires_at: UnixMillis,
    },
    InvitationUnknown,
    /// Used or too old.
    InvitationGone,
    DialTokens {
        tokens: Vec<DialToken>,
    },
    /// The user has as many tokens as there may be.
    Full {
        max: u32,
    },
    PushKey {
        key: String,
    },
    /// What came of a command; `None` while it waits for its answer.
    Command {
        outcome: Option<Outcome>,
    },
    UnknownCommand,
}

/// Asks for a piece of a recording of the session's user. Its bytes are the answer's body, beside [`TOTAL_HEADER`];
/// without that header the body is an [`AudioRefusal`].
#[derive(Debug, Serialize, Deserialize)]
pub struct AudioCall {
    pub session: String,
    pub message: MessageId,
    /// The user's own greeting or name, in the place of a message.
    #[serde(default)]
    pub own: Option<OwnSound>,
    pub offset: u64,
    /// At least 1.
    pub length: u32,
}

/// Why there is no piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AudioRefusal {
    NoSession,
    /// This user has no such message.
    NotFound,
    /// The gateway cannot read the recording now.
    Unavailable,
    /// No gateway is connected.
    Offline,
    /// The gateway did not answer in time.
    TimedOut,
    TooMany {
        retry_after_ms: u64,
    },
}

/// A piece of a greeting or a name of the session's user.
#[derive(Serialize, Deserialize)]
pub struct UploadCall {
    pub session: String,
    pub upload: Uuid,
    pub sound: OwnSound,
    pub offset: u64,
    pub last: bool,
    pub base64: String,
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UploadAnswer {
    /// The gateway has answered.
    Taken {
        taken: Taken,
    },
    NoSession,
    /// No gateway is connected, or it went away.
    Offline,
    /// The gateway did not answer in time.
    TimedOut,
    TooMany {
        retry_after_ms: u64,
    },
}
