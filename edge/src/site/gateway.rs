//! The gateway's socket: the handshake, and what the gateway tells.

use super::attachment::{Attachment, LINK_TAG, LinkSocket};
use super::core::Core;
use super::db::Fault;
use super::sockets::{attach, close, send_link};
use crate::crypto;
use crate::limits::{HANDSHAKE_MS, HANDSHAKES_MAX, HANDSHAKES_PER_NETWORK};
use crate::link::keys::LinkKeys;
use crate::link::{handshake, liveness, unreadable};
use ponte_protocol::link::{LINK_FRAME_MAX, LINK_IDLE_MS, LinkError};
use ponte_protocol::version::VersionRange;
use ponte_protocol::{EdgeFrame, GatewayFrame, SiteId};
use worker::{Response, WebSocket, WebSocketPair, console_error};

/// Close codes of a link beside the `error` frame before it.
const CLOSE_NOT_AUTHENTIC: u16 = 4401;
const CLOSE_MALFORMED: u16 = 4400;
const CLOSE_REPLACED: u16 = 4409;
const CLOSE_VERSION: u16 = 4426;
/// Close code of a link that went silent.
pub(crate) const CLOSE_SILENT: u16 = 4408;
/// The largest frame before the handshake is done, in bytes.
const HANDSHAKE_FRAME_MAX: usize = 4096;

impl Core {
    /// Opens a link and challenges it.
    pub(crate) fn open_link(&self, site: SiteId, network: String) -> Result<Response, Fault> {
        let waiting: Vec<LinkSocket> = self
            .links()
            .into_iter()
            .map(|(_, link)| link)
            .filter(|link| !link.ready)
            .collect();
        let of_network = waiting.iter().filter(|link| link.network == network).count();
        if waiting.len() >= HANDSHAKES_MAX || of_network >= HANDSHAKES_PER_NETWORK {
            return Ok(Response::empty()?.with_status(429));
        }
        let pair = WebSocketPair::new()?;
        let now = self.now();
        let link = LinkSocket {
            id: crypto::random_uuid()?,
            site,
            network,
            nonce: crypto::hex(&crypto::random_bytes()?),
            opened_at: now,
            ready: false,
            seen_at: now,
        };
        self.state.accept_websocket_with_tags(&pair.server, &[LINK_TAG]);
        self.wake_by(now.plus(HANDSHAKE_MS));
        let challenge = EdgeFrame::Challenge {
            versions: VersionRange::OURS,
            nonce: link.nonce.clone(),
        };
        attach(&pair.server, &Attachment::Link(link));
        send_link(&pair.server, &challenge);
        Ok(Response::from_websocket(pair.client)?)
    }

    /// Takes what a gateway sent; `None` for a binary frame.
    pub(crate) fn link_frame(
        &self,
        socket: &WebSocket,
        mut link: LinkSocket,
        text: Option<&str>,
    ) -> Result<(), Fault> {
        let max = if link.ready {
            LINK_FRAME_MAX
        } else {
            HANDSHAKE_FRAME_MAX
        };
        let text = text.filter(|text| text.len() <= max);
        let frame = text.and_then(|text| serde_json::from_str::<GatewayFrame>(text).ok());
        if !link.ready {
            return self.authenticate(socket, link, frame);
        }
        let now = self.now();
        self.memory.borrow_mut().link_seen = now;
        if now.since(link.seen_at) >= liveness::KEEP_MS {
            link.seen_at = now;
            attach(socket, &Attachment::Link(link));
        }
        match frame {
            Some(GatewayFrame::Users { users }) => self.replace_users(&users),
            Some(GatewayFrame::Invitation {
                user,
                token_hash,
                expires_at,
            }) => self.keep_invitation(&user, &token_hash, expires_at),
            Some(GatewayFrame::Event { event }) => {
                if let Err(fault) = self.take_event(event) {
                    // Over a new link the gateway sends it again.
                    refuse(socket, LinkError::Other);
                    self.link_closed(&self.ready_links_without(socket))?;
                    return Err(fault);
                }
                self.acknowledge(socket)
            }
            Some(GatewayFrame::Reply { user, reply }) => self.take_reply(&user, reply),
            Some(GatewayFrame::Audio { request, part }) => {
                self.take_audio(request, &part);
                Ok(())
            }
            Some(GatewayFrame::AudioTaken {
                upload,
                offset,
                taken,
            }) => {
                self.take_upload(upload, offset, taken);
                Ok(())
            }
            Some(GatewayFrame::Rtc { user, portal, signal }) => {
                self.relay_signal(&user, portal, signal);
                Ok(())
            }
            Some(GatewayFrame::Company {
                portal,
                whole,
                colleagues,
            }) => {
                self.relay_company(portal, whole, colleagues);
                Ok(())
            }
            Some(GatewayFrame::Ping { n }) => {
                send_link(socket, &EdgeFrame::Pong { n });
                Ok(())
            }
            Some(GatewayFrame::Pong { .. } | GatewayFrame::Unknown | GatewayFrame::Authenticate { .. }) => {
                Ok(())
            }
            None => self.unreadable(socket, text),
        }
    }

    fn unreadable(&self, socket: &WebSocket, text: Option<&str>) -> Result<(), Fault> {
        if let Some((position, user)) = text.and_then(unreadable::event) {
            console_error!("an event of the gateway cannot be read and is passed over");
            self.skip_event(position, user)?;
            return self.acknowledge(socket);
        }
        refuse(socket, LinkError::Malformed);
        self.link_closed(&self.ready_links_without(socket))
    }

    fn authenticate(
        &self,
        socket: &WebSocket,
        mut link: LinkSocket,
        frame: Option<GatewayFrame>,
    ) -> Result<(), Fault> {
        let keys = match self
            .env
            .secret("LINK_KEYS")
            .map(|text| LinkKeys::parse(&text.to_string()))
        {
            Ok(Ok(keys)) => keys,
            Ok(Err(error)) => {
                console_error!("no gateway can connect: {}", error.to_string());
                LinkKeys::default()
            }
            Err(_) => {
                console_error!("no gateway can connect: LINK_KEYS is not set");
                LinkKeys::default()
            }
        };
        let verdict = frame
            .ok_or(LinkError::NotAuthentic)
            .and_then(|frame| handshake::judge(&frame, &link.site, &link.nonce, keys.get(&link.site)));
        let welcome = match verdict {
            Ok(welcome) => welcome,
            Err(error) => {
                refuse(socket, error);
                return Ok(());
            }
        };
        for (older, other) in self.links() {
            if other.ready && other.id != link.id {
                refuse(&older, LinkError::Replaced);
            }
        }
        link.ready = true;
        // A challenge is good for one answer.
        link.nonce.clear();
        link.seen_at = self.now();
        self.memory.borrow_mut().link_seen = link.seen_at;
        self.wake_by(link.seen_at.plus(LINK_IDLE_MS));
        attach(socket, &Attachment::Link(link));
        let last = self.link_position()?;
        send_link(
            socket,
            &EdgeFrame::Welcome {
                version: welcome.version,
                proof: welcome.proof,
                last,
            },
        );
        self.start_link(socket)
    }

    fn start_link(&self, socket: &WebSocket) -> Result<(), Fault> {
        let mut users = self.users()?;
        for (_, portal) in self.all_portals() {
            if !users.contains(&portal.user) {
                users.push(portal.user);
            }
        }
        for user in users {
            let portals = self.count_portals(&user, None);
            send_link(
                socket,
                &EdgeFrame::Presence {
                    user: user.clone(),
                    portals,
                },
            );
            if portals > 0 && self.user_state(&user)?.is_none() {
                send_link(socket, &EdgeFrame::NeedState { user });
            }
        }
        for (_, portal) in self.all_portals() {
            if portal.watches {
                let (user, portal) = (portal.user, portal.id);
                send_link(socket, &EdgeFrame::WatchCompany { user, portal });
            }
        }
        self.resend_commands(socket)?;
        self.ask_for_audio_again();
        self.give_up_uploads();
        self.gateway_changed(true)
    }

    /// Acknowledges what is stored. The runtime holds the frame back until the storage is durable.
    fn acknowledge(&self, socket: &WebSocket) -> Result<(), Fault> {
        if let Some(position) = self.link_position()? {
            send_link(socket, &EdgeFrame::Ack { position });
        }
        Ok(())
    }

    fn ready_links_without(&self, gone: &WebSocket) -> Vec<WebSocket> {
        self.links()
            .into_iter()
            .filter(|(socket, link)| link.ready && socket != gone)
            .map(|(socket, _)| socket)
            .collect()
    }

    /// A proven link is gone; `others` are those that are still there.
    pub(crate) fn link_closed(&self, others: &[WebSocket]) -> Result<(), Fault> {
        if !others.is_empty() {
            return Ok(());
        }
        self.refuse_queries();
        self.give_up_audio();
        self.give_up_uploads();
        self.gateway_changed(false)
    }

    /// The link of this socket is gone.
    pub(crate) fn link_socket_closed(&self, socket: &WebSocket, link: &LinkSocket) -> Result<(), Fault> {
        if link.ready {
            self.link_closed(&self.ready_links_without(socket))
        } else {
            Ok(())
        }
    }
}

/// Tells a gateway why, and closes its link.
pub(crate) fn refuse(socket: &WebSocket, error: LinkError) {
    send_link(socket, &EdgeFrame::Error { error });
    let (code, reason) = match error {
        LinkError::NotAuthentic => (CLOSE_NOT_AUTHENTIC, "not authentic"),
        LinkError::UnsupportedVersion => (CLOSE_VERSION, "no common version"),
        LinkError::Replaced => (CLOSE_REPLACED, "replaced"),
        LinkError::Malformed | LinkError::Other => (CLOSE_MALFORMED, "malformed"),
    };
    close(socket, code, reason);
}
