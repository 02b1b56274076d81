//! A portal's socket, from its ticket to its end.

use super::attachment::{Attachment, PORTAL_TAG, PortalSocket, session_tag, user_tag};
use super::core::{Core, Meter};
use super::db::Fault;
use super::portal_frame::{self, Read};
use super::sockets::{attach, close, send};
use crate::crypto;
use crate::limits::{FRAMES, HANDSHAKE_MS, RTC, SOCKETS_PER_USER, Strikes, TokenBucket};
use ponte_protocol::frames::{CLOSE_TOO_FAST, CLOSE_VERSION, Resume, SUBPROTOCOL, SocketError};
use ponte_protocol::version::VersionRange;
use ponte_protocol::{
    ClientFrame, Colleague, Command, EdgeFrame, Refusal, Reply, RtcRequest, RtcSignal, ServerFrame, UserId,
};
use uuid::Uuid;
use worker::{Response, WebSocket, WebSocketPair};

/// Close code of a socket that never said hello: RFC 6455 section 7.4.1, policy.
pub(crate) const CLOSE_POLICY: u16 = 1008;

impl Core {
    /// Opens a portal's socket for a ticket.
    pub(crate) fn open_portal(&self, ticket: &str, session: &str) -> Result<Response, Fault> {
        let Some(live) = self.take_ticket(ticket, session)? else {
            return Ok(Response::empty()?.with_status(401));
        };
        if self.portals(&user_tag(&live.user)).len() >= SOCKETS_PER_USER {
            return Ok(Response::empty()?.with_status(429));
        }
        let pair = WebSocketPair::new()?;
        let portal = PortalSocket {
            id: crypto::random_uuid()?,
            user: live.user,
            session: session.to_owned(),
            opened_at: self.now(),
            greeted: false,
            watches: false,
            second: false,
        };
        let tags = [PORTAL_TAG, &user_tag(&portal.user), &session_tag(session)];
        self.state.accept_websocket_with_tags(&pair.server, &tags);
        self.wake_by(portal.opened_at.plus(HANDSHAKE_MS));
        self.wake_by(live.expires_at);
        attach(&pair.server, &Attachment::Portal(portal));
        let response = Response::from_websocket(pair.client)?;
        response.headers().set("Sec-WebSocket-Protocol", SUBPROTOCOL)?;
        Ok(response)
    }

    /// Takes what a portal sent; `None` for a binary frame.
    pub(crate) fn portal_frame(
        &self,
        socket: &WebSocket,
        mut portal: PortalSocket,
        text: Option<&str>,
    ) -> Result<(), Fault> {
        let now = self.now();
        let waited = {
            let mut memory = self.memory.borrow_mut();
            let meter = memory.meters.entry(portal.id).or_insert_with(|| Meter {
                frames: TokenBucket::full(FRAMES, now),
                rtc: TokenBucket::full(RTC, now),
                strikes: Strikes::default(),
            });
            meter.frames.take(now)
        };
        if let Err(retry_after_ms) = waited {
            return self.slow_down(socket, portal, text, retry_after_ms);
        }
        match text.map_or_else(portal_frame::not_text, portal_frame::read) {
            Read::Error(error) => self.complain(socket, &portal, error),
            Read::Frame(ClientFrame::Hello {
                versions,
                resume,
                second,
            }) if !portal.greeted => {
                portal.second = second;
                self.greet(socket, portal, versions, resume)?;
            }
            Read::Frame(ClientFrame::Hello { .. }) => self.complain(socket, &portal, SocketError::Unexpected),
            _ if !portal.greeted => self.complain(socket, &portal, SocketError::Unexpected),
            Read::Refused(reply) => send(socket, &ServerFrame::Reply { reply }),
            Read::Frame(ClientFrame::Ping { n }) => {
                self.touch_session(&portal.session)?;
                send(socket, &ServerFrame::Pong { n, at: now });
            }
            Read::Frame(ClientFrame::Rtc { request }) => {
                self.touch_session(&portal.session)?;
                self.relay_request(socket, &portal, request);
            }
            Read::Frame(ClientFrame::WatchCompany) => {
                self.touch_session(&portal.session)?;
                self.watch_company(socket, portal);
            }
            Read::Frame(ClientFrame::Command { command }) => {
                self.touch_session(&portal.session)?;
                self.obey(socket, &portal, command)?;
            }
        }
        Ok(())
    }

    /// Turns a frame away that came too fast. A command is answered under its id, so that the portal knows which one it
    /// was; one that was taken before is answered as ever, since an id has one answer.
    fn slow_down(
        &self,
        socket: &WebSocket,
        portal: PortalSocket,
        text: Option<&str>,
        retry_after_ms: u64,
    ) -> Result<(), Fault> {
        let read = text.filter(|_| portal.greeted).map(portal_frame::read);
        let done = match read {
            Some(Read::Frame(ClientFrame::Command { command })) if self.is_known(command.id)? => {
                self.obey(socket, &portal, command)
            }
            Some(
                Read::Frame(ClientFrame::Command {
                    command: Command { id, .. },
                })
                | Read::Refused(Reply { id, .. }),
            ) => {
                let reply = Reply::refused(id, Refusal::TooFast { retry_after_ms });
                send(socket, &ServerFrame::Reply { reply });
                Ok(())
            }
            _ => {
                let error = SocketError::TooFast { retry_after_ms };
                send(socket, &ServerFrame::Error { error });
                Ok(())
            }
        };
        self.strike(socket, &portal);
        done
    }

    /// Takes a command; a fault of ours is an answer too.
    fn obey(&self, socket: &WebSocket, portal: &PortalSocket, command: Command) -> Result<(), Fault> {
        let id = command.id;
        self.take_command(socket, portal, command).inspect_err(|_| {
            let reply = Reply::refused(id, Refusal::Internal);
            send(socket, &ServerFrame::Reply { reply });
        })
    }

    /// Relays what a portal says about a call in the browser; only what comes too fast is answered here.
    fn relay_request(&self, socket: &WebSocket, portal: &PortalSocket, request: RtcRequest) {
        if !self.may_relay(socket, portal) {
            return;
        }
        self.tell_gateway(&EdgeFrame::Rtc {
            user: portal.user.clone(),
            portal: portal.id,
            request,
        });
    }

    /// Whether one more frame may be relayed; else it is told.
    fn may_relay(&self, socket: &WebSocket, portal: &PortalSocket) -> bool {
        let now = self.now();
        let waited = {
            let mut memory = self.memory.borrow_mut();
            let meter = memory.meters.get_mut(&portal.id);
            meter.map_or(Ok(()), |meter| meter.rtc.take(now))
        };
        if let Err(retry_after_ms) = waited {
            self.complain(socket, portal, SocketError::TooFast { retry_after_ms });
        }
        waited.is_ok()
    }

    /// A portal wants to see the users of the site from here on.
    fn watch_company(&self, socket: &WebSocket, mut portal: PortalSocket) {
        if !self.may_relay(socket, &portal) {
            return;
        }
        self.tell_gateway(&EdgeFrame::WatchCompany {
            user: portal.user.clone(),
            portal: portal.id,
        });
        if !portal.watches {
            portal.watches = true;
            attach(socket, &Attachment::Portal(portal));
        }
    }

    /// Gives what the gateway says of the users of the site to one portal, or to all that watch.
    pub(crate) fn relay_company(&self, only: Option<Uuid>, whole: bool, colleagues: Vec<Colleague>) {
        let frame = ServerFrame::Company { whole, colleagues };
        for (socket, portal) in self.all_portals() {
            if portal.watches && only.is_none_or(|only| only == portal.id) {
                send(&socket, &frame);
            }
        }
    }

    /// Gives one portal what the gateway says about a call in the browser.
    pub(crate) fn relay_signal(&self, user: &UserId, portal: Uuid, signal: RtcSignal) {
        let portals = self.greeted_portals(user);
        if let Some((socket, _)) = portals.iter().find(|(_, known)| known.id == portal) {
            send(socket, &ServerFrame::Rtc { signal });
        }
    }

    /// Tells the gateway that a portal is gone.
    pub(crate) fn tell_closed(&self, portal: &PortalSocket) {
        self.tell_gateway(&EdgeFrame::PortalClosed {
            user: portal.user.clone(),
            portal: portal.id,
        });
    }

    fn greet(
        &self,
        socket: &WebSocket,
        mut portal: PortalSocket,
        versions: VersionRange,
        resume: Option<Resume>,
    ) -> Result<(), Fault> {
        let Some(version) = VersionRange::OURS.common(versions) else {
            let error = SocketError::UnsupportedVersion {
                versions: VersionRange::OURS,
            };
            send(socket, &ServerFrame::Error { error });
            close(socket, CLOSE_VERSION, "no common version");
            return Ok(());
        };
        self.start_portal(socket, &portal.user, version, resume)?;
        portal.greeted = true;
        attach(socket, &Attachment::Portal(portal.clone()));
        if !portal.second {
            self.tell_presence(&portal.user, None);
        }
        Ok(())
    }

    /// Says what was wrong with a frame; who does it again and again is shown out.
    fn complain(&self, socket: &WebSocket, portal: &PortalSocket, error: SocketError) {
        send(socket, &ServerFrame::Error { error });
        self.strike(socket, portal);
    }

    fn strike(&self, socket: &WebSocket, portal: &PortalSocket) {
        let now = self.now();
        let too_often = self
            .memory
            .borrow_mut()
            .meters
            .get_mut(&portal.id)
            .is_some_and(|meter| meter.strikes.add(now));
        if too_often {
            close(socket, CLOSE_TOO_FAST, "too many bad frames");
            self.portal_closed(portal);
        }
    }

    /// A portal's socket is gone.
    pub(crate) fn portal_closed(&self, portal: &PortalSocket) {
        self.memory.borrow_mut().meters.remove(&portal.id);
        if portal.greeted && !portal.second {
            self.tell_presence(&portal.user, Some(portal.id));
            self.tell_closed(portal);
        }
    }
}
