//! What the stateless worker asks a site, and what the site answers. Secrets come as digests only.

use ponte_protocol::{UnixMillis, UserId};
use serde::{Deserialize, Serialize};

/// The path of a call inside the site.
pub const CALL_PATH: &str = "/call";
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
}
