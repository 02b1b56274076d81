//! The sockets of the site's portals and of its gateway.

use super::attachment::{Attachment, LINK_TAG, LinkSocket, PORTAL_TAG, PortalSocket, user_tag};
use super::core::Core;
use ponte_protocol::frames::CLOSE_SIGNED_OUT;
use ponte_protocol::{EdgeFrame, ServerFrame, UserId};
use uuid::Uuid;
use worker::WebSocket;

/// What a socket carries, if it is one of ours.
pub(crate) fn attachment(socket: &WebSocket) -> Option<Attachment> {
    let text: String = socket.deserialize_attachment().ok()??;
    serde_json::from_str(&text).ok()
}

/// Makes a socket carry this through hibernation.
pub(crate) fn attach(socket: &WebSocket, attachment: &Attachment) {
    if let Ok(text) = serde_json::to_string(attachment) {
        let _ = socket.serialize_attachment(text);
    }
}

/// Whether a socket can still be written to.
pub(crate) fn is_open(socket: &WebSocket) -> bool {
    socket.as_ref().ready_state() == web_sys::WebSocket::OPEN
}

/// Sends a frame to a portal. A socket that is going away misses it; it resumes.
pub(crate) fn send(socket: &WebSocket, frame: &ServerFrame) {
    if is_open(socket) {
        let _ = socket.send(frame);
    }
}

/// Sends a frame to the gateway. A socket that is going away misses it; a new link starts anew.
pub(crate) fn send_link(socket: &WebSocket, frame: &EdgeFrame) {
    if is_open(socket) {
        let _ = socket.send(frame);
    }
}

/// Closes a socket that may be closed already.
pub(crate) fn close(socket: &WebSocket, code: u16, reason: &str) {
    let _ = socket.close(Some(code), Some(reason));
}

impl Core {
    fn tagged(&self, tag: &str) -> impl Iterator<Item = (WebSocket, Attachment)> {
        self.state
            .get_websockets_with_tag(tag)
            .into_iter()
            .filter(is_open)
            .filter_map(|socket| attachment(&socket).map(|attachment| (socket, attachment)))
    }

    /// The open portals that carry a tag, greeted or not.
    pub(crate) fn portals(&self, tag: &str) -> Vec<(WebSocket, PortalSocket)> {
        self.tagged(tag)
            .filter_map(|(socket, attachment)| match attachment {
                Attachment::Portal(portal) => Some((socket, portal)),
                Attachment::Link(_) => None,
            })
            .collect()
    }

    /// All open portals.
    pub(crate) fn all_portals(&self) -> Vec<(WebSocket, PortalSocket)> {
        self.portals(PORTAL_TAG)
    }

    /// The open portals of a user that said hello.
    pub(crate) fn greeted_portals(&self, user: &UserId) -> Vec<(WebSocket, PortalSocket)> {
        let mut portals = self.portals(&user_tag(user));
        portals.retain(|(_, portal)| portal.greeted && portal.user == *user);
        portals
    }

    /// The open links, proven or not.
    pub(crate) fn links(&self) -> Vec<(WebSocket, LinkSocket)> {
        self.tagged(LINK_TAG)
            .filter_map(|(socket, attachment)| match attachment {
                Attachment::Link(link) => Some((socket, link)),
                Attachment::Portal(_) => None,
            })
            .collect()
    }

    /// The gateway's socket, once it has proven itself.
    pub(crate) fn gateway(&self) -> Option<(WebSocket, LinkSocket)> {
        self.links().into_iter().find(|(_, link)| link.ready)
    }

    /// Tells the gateway something, if it is there.
    pub(crate) fn tell_gateway(&self, frame: &EdgeFrame) {
        if let Some((socket, _)) = self.gateway() {
            send_link(&socket, frame);
        }
    }

    /// Tells the gateway how many portals of a user are connected, one that just closed left out.
    pub(crate) fn tell_presence(&self, user: &UserId, closed: Option<Uuid>) {
        self.tell_gateway(&EdgeFrame::Presence {
            user: user.clone(),
            portals: self.count_portals(user, closed),
        });
    }

    /// How many portals of a user are connected, however many sockets each has; one that just closed left out.
    pub(crate) fn count_portals(&self, user: &UserId, closed: Option<Uuid>) -> u32 {
        let portals = self
            .greeted_portals(user)
            .iter()
            .filter(|(_, portal)| !portal.second && Some(portal.id) != closed)
            .count();
        u32::try_from(portals).unwrap_or(u32::MAX)
    }

    /// Shows portals the sign-in page and closes them.
    pub(crate) fn sign_out_portals(&self, portals: Vec<(WebSocket, PortalSocket)>) {
        let mut users: Vec<UserId> = Vec::new();
        for (socket, portal) in portals {
            send(&socket, &ServerFrame::SignedOut);
            close(&socket, CLOSE_SIGNED_OUT, "signed out");
            self.memory.borrow_mut().meters.remove(&portal.id);
            if portal.greeted {
                self.tell_closed(&portal);
                if !users.contains(&portal.user) {
                    users.push(portal.user);
                }
            }
        }
        for user in users {
            self.tell_presence(&user, None);
        }
    }
}
