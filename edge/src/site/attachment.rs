//! What a socket carries through hibernation.

use ponte_protocol::{SiteId, UnixMillis, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The tag of every gateway's socket.
pub const LINK_TAG: &str = "link";
/// The tag of every portal's socket.
pub const PORTAL_TAG: &str = "portal";

/// The tag of a user's sockets.
pub fn user_tag(user: &UserId) -> String {
    format!("u:{user}")
}

/// The tag of a session's sockets.
pub fn session_tag(session: &str) -> String {
    format!("s:{session}")
}

/// Whose socket it is and how far it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Attachment {
    Portal(PortalSocket),
    Link(LinkSocket),
}

/// A portal's socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalSocket {
    pub id: Uuid,
    pub user: UserId,
    /// Digest of the session.
    pub session: String,
    pub opened_at: UnixMillis,
    /// Whether `hello` came.
    pub greeted: bool,
    /// Whether it is shown the users of the site.
    #[serde(default)]
    pub watches: bool,
    /// Whether it is another portal's second socket.
    #[serde(default)]
    pub second: bool,
}

/// A gateway's socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSocket {
    pub id: Uuid,
    /// The site the gateway named; proven only when `ready`.
    pub site: SiteId,
    pub network: String,
    /// The challenge.
    pub nonce: String,
    pub opened_at: UnixMillis,
    pub ready: bool,
    /// The last sign of life, to within [`KEEP_MS`](crate::link::liveness::KEEP_MS).
    pub seen_at: UnixMillis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_survives_storage_and_is_small() {
        let attachment = Attachment::Portal(PortalSocket {
            id: Uuid::from_u128(7),
            user: "a".repeat(64).parse().unwrap(),
            session: "0".repeat(64),
            opened_at: UnixMillis(1_790_000_000_000),
            greeted: true,
            watches: true,
            second: true,
        });
        let text = serde_json::to_string(&attachment).unwrap();
        assert!(text.len() < 2048, "the runtime keeps 2,048 bytes");
        assert_eq!(serde_json::from_str::<Attachment>(&text).unwrap(), attachment);
    }

    #[test]
    fn tags_of_users_and_sessions_never_meet() {
        let user: UserId = "link".parse().unwrap();
        assert_ne!(user_tag(&user), LINK_TAG);
        assert_ne!(user_tag(&user), session_tag("link"));
    }
}
