//! The sockets of one rtc thread where browsers come: UDP, and TCP for those that have no UDP; one a family.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

use rustix::net::sockopt::{
    set_ipv6_v6only, set_socket_recv_buffer_size, set_socket_recv_buffer_size_force, set_socket_reuseaddr,
    set_socket_send_buffer_size, socket_recv_buffer_size,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, ipproto, listen, socket_with};

use super::tcp::Entrance;
use super::{WebRtcConfig, WebRtcError};

/// Half a second of 10,000 datagrams a second: a flood must not push out the packets of calls.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
/// Of a connection, in bytes. The kernel would keep seconds of speech for a slow reader, which nobody wants to hear then.
const TCP_SEND_BUFFER: usize = 16 * 1024;
const TCP_RECEIVE_BUFFER: usize = 32 * 1024;
/// Connections that wait for their accept.
const BACKLOG: i32 = 256;

/// What a token of the poll means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    /// A UDP socket, by its number.
    Datagrams(usize),
    /// A listening TCP socket, by its number.
    Entrance(usize),
    /// A connection, by its key.
    Connection(usize),
}

impl Watched {
    pub(super) fn token(self) -> u64 {
        let (kind, number) = match self {
            Self::Datagrams(number) => (0, number),
            Self::Entrance(number) => (1, number),
            Self::Connection(key) => (2, key),
        };
        (number as u64) << 2 | kind
    }

    pub(super) fn of(token: u64) -> Self {
        let number = (token >> 2) as usize;
        match token & 3 {
            0 => Self::Datagrams(number),
            1 => Self::Entrance(number),
            _ => Self::Connection(number),
        }
    }
}

/// A socket and the address by which browsers know it.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: UdpSocket,
    pub(super) advertised: SocketAddr,
}

/// Binds the UDP sockets of thread `thread`.
pub(super) fn open(config: &WebRtcConfig, thread: usize) -> Result<Vec<Listener>, WebRtcError> {
    let mut listeners: Vec<Listener> = Vec::new();
    for &address in &config.listen {
        let address = of_thread(address, thread);
        let bound = datagrams(address).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (local, socket) = bound.map_err(|source| WebRtcError::Bind { address, source })?;
        let Some(advertised) = advertised(config, local) else {
            continue;
        };
        if listeners
            .iter()
            .any(|other| same_family(other.advertised.ip(), advertised.ip()))
        {
            return Err(WebRtcError::AddressTwice);
        }
        listeners.push(Listener { socket, advertised });
    }
    if listeners.is_empty() {
        return Err(WebRtcError::NoAddress);
    }
    Ok(listeners)
}

/// Binds the TCP sockets of thread `thread`.
pub(super) fn open_tcp(config: &WebRtcConfig, thread: usize) -> Result<Vec<Entrance>, WebRtcError> {
    let mut entrances: Vec<Entrance> = Vec::new();
    for &address in &config.listen_tcp {
        let address = of_thread(address, thread);
        let bound = connections(address).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (local, socket) = bound.map_err(|source| WebRtcError::BindTcp { address, source })?;
        let Some(advertised) = advertised(config, local) else {
            continue;
        };
        if entrances
            .iter()
            .any(|other| same_family(other.advertised.ip(), advertised.ip()))
        {
            return Err(WebRtcError::AddressTwice);
        }
        entrances.push(Entrance::new(socket, advertised));
    }
    Ok(entrances)
}

fn of_thread(mut address: SocketAddr, thread: usize) -> SocketAddr {
    if address.port() != 0 {
        address.set_port(address.port().saturating_add(thread as u16));
    }
    address
}

/// What browsers are told of a bound address; `None` where no address that they can reach is known.
fn advertised(config: &WebRtcConfig, local: SocketAddr) -> Option<SocketAddr> {
    let mut told = config.advertised.iter().copied();
    let ip = told
        .find(|ip| same_family(*ip, local.ip()))
        .or_else(|| (!local.ip().is_unspecified()).then_some(local.ip()));
    ip.map(|ip| SocketAddr::new(ip, local.port()))
}

pub(super) fn same_family(a: IpAddr, b: IpAddr) -> bool {
    a.is_ipv4() == b.is_ipv4()
}

fn socket(address: SocketAddr, kind: SocketType) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let protocol = if kind == SocketType::STREAM {
        ipproto::TCP
    } else {
        ipproto::UDP
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, kind, flags, Some(protocol))?;
    if address.is_ipv6() {
        // IPv4 has a socket of its own on the same port.
        set_ipv6_v6only(&socket, true)?;
    }
    Ok(socket)
}

fn datagrams(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(address, SocketType::DGRAM)?;
    // Without the privilege, `net.core.rmem_max` cuts it.
    let given = set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER)
        .or_else(|_| set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER))
        .and_then(|()| socket_recv_buffer_size(&socket));
    match given {
        // The kernel doubles what it grants.
        Ok(bytes) if bytes >= RECEIVE_BUFFER => {}
        Ok(bytes) => tracing::info!(
            bytes,
            "the receive buffer of the WebRTC port is small for a flood: net.core.rmem_max"
        ),
        Err(error) => tracing::debug!(%error, "the receive buffer of the WebRTC port stays as it is"),
    }
    bind(&socket, &address)?;
    Ok(socket.into())
}

fn connections(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, SocketType::STREAM)?;
    // Connections of the process before may still have the port.
    set_socket_reuseaddr(&socket, true)?;
    // What is accepted has them too.
    set_socket_send_buffer_size(&socket, TCP_SEND_BUFFER)?;
    set_socket_recv_buffer_size(&socket, TCP_RECEIVE_BUFFER)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}
