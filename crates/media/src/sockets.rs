//! The sockets of one endpoint, or the line to its browser.
//!
//! Once the peer is known, a second socket on the RTP port is connected to it. The kernel hands it the peer's packets, and
//! sending on it needs no route each time, a fifth of the cost of a packet. Everyone else's packets still come to the first
//! socket, where strangers are counted and a peer behind a NAT that forgot it is found again.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, ipproto, socket_with};

use crate::poller::Registry;
use crate::rtc::Line;

/// Which socket of a slot a token means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rtp,
    Rtcp,
    /// The one that is connected to the peer.
    Peer,
}

impl Kind {
    pub(crate) fn token(self, slot: usize) -> u64 {
        ((slot as u64) << 2) | self as u64
    }

    pub(crate) fn of(token: u64) -> (usize, Self) {
        let kind = match token & 3 {
            0 => Self::Rtp,
            1 => Self::Rtcp,
            _ => Self::Peer,
        };
        ((token >> 2) as usize, kind)
    }
}

#[derive(Debug)]
pub(crate) enum Sockets {
    Udp {
        rtp: UdpSocket,
        rtcp: UdpSocket,
        peer: Option<(UdpSocket, SocketAddr)>,
    },
    /// A browser's, whose session is on a thread of its own.
    Line(Arc<Line>),
}

impl Sockets {
    pub(crate) fn new(
        rtp: UdpSocket,
        rtcp: UdpSocket,
        registry: Registry<'_>,
        slot: usize,
    ) -> io::Result<Self> {
        registry.watch(&rtp, Kind::Rtp.token(slot))?;
        registry.watch(&rtcp, Kind::Rtcp.token(slot))?;
        Ok(Self::Udp {
            rtp,
            rtcp,
            peer: None,
        })
    }

    pub(crate) fn of_line(line: Arc<Line>, registry: Registry<'_>, slot: usize) -> io::Result<Self> {
        registry.watch(line.watched(), Kind::Rtp.token(slot))?;
        Ok(Self::Line(line))
    }

    /// Takes the sockets out of a poll.
    pub(crate) fn leave(&self, registry: Registry<'_>) {
        match self {
            Self::Udp { rtp, rtcp, peer } => {
                let peer = peer.as_ref().map(|(socket, _)| socket);
                for socket in [Some(rtp), Some(rtcp), peer].into_iter().flatten() {
                    registry.forget(socket);
                }
            }
            Self::Line(line) => registry.forget(line.watched()),
        }
    }

    /// Puts the sockets into another poll.
    pub(crate) fn enter(&self, registry: Registry<'_>, slot: usize) -> io::Result<()> {
        match self {
            Self::Udp { rtp, rtcp, peer } => {
                registry.watch(rtp, Kind::Rtp.token(slot))?;
                registry.watch(rtcp, Kind::Rtcp.token(slot))?;
                match peer {
                    Some((socket, _)) => registry.watch(socket, Kind::Peer.token(slot)),
                    None => Ok(()),
                }
            }
            Self::Line(line) => registry.watch(line.watched(), Kind::Rtp.token(slot)),
        }
    }

    /// Connects to the peer, in place of where it was before. Where that fails all goes on without it.
    pub(crate) fn connect(&mut self, to: SocketAddr, registry: Registry<'_>, slot: usize) {
        let Self::Udp { rtp, peer, .. } = self else { return };
        *peer = None;
        let connected = connected(rtp, to).and_then(|socket| {
            registry.watch(&socket, Kind::Peer.token(slot))?;
            Ok(socket)
        });
        match connected {
            Ok(socket) => *peer = Some((socket, to)),
            Err(error) => tracing::debug!(%error, "an RTP socket cannot be connected to its peer"),
        }
    }

    /// Forgets the peer.
    pub(crate) fn disconnect(&mut self) {
        if let Self::Udp { peer, .. } = self {
            *peer = None;
        }
    }

    /// Reads from one of the sockets. The source counts even on a connected one: packets may have come to it before it was.
    pub(crate) fn receive(&self, kind: Kind, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match (self, kind) {
            (Self::Udp { rtp, .. }, Kind::Rtp) => rtp.recv_from(buffer),
            (Self::Udp { rtcp, .. }, Kind::Rtcp) => rtcp.recv_from(buffer),
            (
                Self::Udp {
                    peer: Some((peer, _)),
                    ..
                },
                Kind::Peer,
            ) => peer.recv_from(buffer),
            (Self::Line(line), Kind::Rtp) => line.receive(buffer),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Sends from the RTP port.
    pub(crate) fn send(&self, packet: &[u8], to: SocketAddr) -> io::Result<usize> {
        match self {
            Self::Udp {
                peer: Some((socket, peer)),
                ..
            } if *peer == to => match socket.send(packet) {
                // The answer to an earlier packet: this one has not been sent yet.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => socket.send(packet),
                sent => sent,
            },
            Self::Udp { rtp, .. } => rtp.send_to(packet, to),
            Self::Line(line) => line.send(packet),
        }
    }

    /// Sends from the RTCP port. A browser's session makes its reports itself.
    pub(crate) fn send_report(&self, report: &[u8], to: SocketAddr) -> io::Result<usize> {
        match self {
            Self::Udp { rtcp, .. } => rtcp.send_to(report, to),
            Self::Line(_) => Ok(report.len()),
        }
    }
}

/// A socket on the port of `rtp` that is connected to the peer.
fn connected(rtp: &UdpSocket, to: SocketAddr) -> io::Result<UdpSocket> {
    let local = rtp.local_addr()?;
    let family = if local.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::DGRAM, flags, Some(ipproto::UDP))?;
    // The port is shared for this moment only: never with another program.
    set_socket_reuseaddr(rtp, true)?;
    let bound = set_socket_reuseaddr(&socket, true).and_then(|()| bind(&socket, &local));
    let connected = bound.and_then(|()| connect(&socket, &to));
    set_socket_reuseaddr(rtp, false)?;
    connected?;
    set_socket_reuseaddr(&socket, false)?;
    Ok(socket.into())
}
