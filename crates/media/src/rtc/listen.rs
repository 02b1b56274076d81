//! The UDP sockets of one rtc thread, one a family.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use rustix::net::sockopt::{
    set_ipv6_v6only, set_socket_recv_buffer_size, set_socket_recv_buffer_size_force, socket_recv_buffer_size,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, ipproto, socket_with};

use super::{WebRtcConfig, WebRtcError};

/// Half a second of 10,000 datagrams a second: a flood must not push out the packets of calls.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// A socket and the address by which browsers know it.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: UdpSocket,
    pub(super) advertised: SocketAddr,
}

/// Binds the sockets of thread `thread`.
pub(super) fn open(config: &WebRtcConfig, thread: usize) -> Result<Vec<Listener>, WebRtcError> {
    let mut listeners: Vec<Listener> = Vec::new();
    for &address in &config.listen {
        let mut address = address;
        if address.port() != 0 {
            address.set_port(address.port().saturating_add(thread as u16));
        }
        let socket = bound(address).map_err(|source| WebRtcError::Bind { address, source })?;
        let local = socket
            .local_addr()
            .map_err(|source| WebRtcError::Bind { address, source })?;
        let advertised = config
            .advertised
            .iter()
            .copied()
            .find(|ip| ip.is_ipv4() == local.is_ipv4())
            .or_else(|| (!local.ip().is_unspecified()).then_some(local.ip()));
        let Some(ip) = advertised else { continue };
        if listeners
            .iter()
            .any(|other| same_family(other.advertised.ip(), ip))
        {
            return Err(WebRtcError::AddressTwice);
        }
        listeners.push(Listener {
            socket,
            advertised: SocketAddr::new(ip, local.port()),
        });
    }
    if listeners.is_empty() {
        return Err(WebRtcError::NoAddress);
    }
    Ok(listeners)
}

pub(super) fn same_family(a: IpAddr, b: IpAddr) -> bool {
    a.is_ipv4() == b.is_ipv4()
}

fn bound(address: SocketAddr) -> io::Result<UdpSocket> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::DGRAM, flags, Some(ipproto::UDP))?;
    if address.is_ipv6() {
        // IPv4 has a socket of its own on the same port.
        set_ipv6_v6only(&socket, true)?;
    }
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
