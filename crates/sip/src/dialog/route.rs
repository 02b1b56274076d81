//! Where in-dialog requests go (RFC 3261 12.2.1.1), and NAT.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::message::{HeaderName, Message, NameAddr, Scheme, Uri};
use crate::types::{Flow, InDialogRouting, Transport, UaConfig};

/// Route entries kept of one message: as many as it can have passed (RFC 3261 8.1.1.6).
const MAX_ROUTES: usize = 70;

/// The route set that a message sets up: Record-Route in order for the called side, reversed for the caller.
pub(crate) fn route_set(message: &Message, reversed: bool) -> Vec<Bytes> {
    let mut routes: Vec<Bytes> = message
        .values(HeaderName::RecordRoute)
        .take(MAX_ROUTES)
        .map(Bytes::copy_from_slice)
        .collect();
    if reversed {
        routes.reverse();
    }
    routes
}

/// The flow to the first route, or the remote target, where its host is an address.
pub(crate) fn next_hop(
    config: &UaConfig,
    origin: Flow,
    behind_nat: bool,
    routes: &[Bytes],
    target: &[u8],
) -> Flow {
    if behind_nat && routes.is_empty() || config.in_dialog_routing == InDialogRouting::Flow {
        return origin;
    }
    let uri = match routes.first() {
        Some(route) => NameAddr::parse(route).and_then(|route| Uri::parse(route.uri)),
        None => Uri::parse(target),
    };
    let Some((uri, ip)) = uri.and_then(|uri| Some((uri, uri.ip()?))) else {
        return origin;
    };
    let transport = match uri.param("transport") {
        Some(name) if name.eq_ignore_ascii_case(b"tcp") => Transport::Tcp,
        Some(name) if name.eq_ignore_ascii_case(b"udp") => Transport::Udp,
        Some(name) if name.eq_ignore_ascii_case(b"tls") => Transport::Tls,
        Some(_) => return origin,
        None if uri.scheme == Scheme::Sips => Transport::Tls,
        None => origin.transport,
    };
    let same_host = ip == origin.remote.ip().to_canonical();
    // A connection that is there is used: the port of a Contact may be one that nobody listens on. Nor is
    // one opened inside TLS, or a call taken out of it.
    let same_connection = transport.is_stream() && transport == origin.transport && same_host;
    if same_connection || transport == Transport::Tls || origin.transport == Transport::Tls {
        return origin;
    }
    if ip.is_unspecified() || ip.is_multicast() || is_private(ip) && !is_private(origin.remote.ip()) {
        return origin;
    }
    // Nothing sent from this socket arrives there.
    let local = origin.local.ip().to_canonical();
    if local.is_ipv4() != ip.is_ipv4() || local.is_loopback() && !ip.is_loopback() {
        return origin;
    }
    Flow {
        transport,
        remote: SocketAddr::new(ip, uri.port.unwrap_or(5060)),
        ..origin
    }
}

/// Addresses that mean something else, or nothing, on the other side of a NAT.
pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_link_local() || ip.is_loopback() || a == 100 && (64..128).contains(&b)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_addresses_but_not_into_a_nat() {
        let flow = |transport, remote: &str| Flow {
            transport,
            local: SocketAddr::from(([192, 0, 2, 1], 5060)),
            remote: remote.parse().unwrap(),
        };
        let udp = flow(Transport::Udp, "203.0.113.5:5060");
        let tcp = flow(Transport::Tcp, "203.0.113.5:40000");
        let config = UaConfig::default();
        let hop = |origin, route: &str, target: &str| {
            let routes: Vec<Bytes> = if route.is_empty() {
                Vec::new()
            } else {
                vec![Bytes::copy_from_slice(route.as_bytes())]
            };
            next_hop(&config, origin, false, &routes, target.as_bytes())
        };
        assert_eq!(
            hop(udp, "", "sip:a@203.0.113.9:5070"),
            flow(Transport::Udp, "203.0.113.9:5070")
        );
        assert_eq!(
            hop(udp, "<sip:203.0.113.8;lr>", "sip:a@203.0.113.9"),
            flow(Transport::Udp, "203.0.113.8:5060")
        );
        assert_eq!(
            hop(udp, "", "sip:a@203.0.113.9;transport=tcp"),
            flow(Transport::Tcp, "203.0.113.9:5060")
        );
        assert_eq!(hop(udp, "", "sip:a@192.168.1.5"), udp);
        assert_eq!(hop(udp, "", "sip:a@phone.example"), udp);
        assert_eq!(hop(udp, "", "sip:a@0.0.0.0"), udp);
        assert_eq!(hop(udp, "", "sip:a@[2001:db8::9]:5070"), udp, "another family");
        assert_eq!(hop(udp, "", "sips:a@203.0.113.9"), udp, "inside TLS");
        assert_eq!(hop(udp, "", "sip:a@203.0.113.9;transport=ws"), udp);
        let lone = Flow {
            local: SocketAddr::from(([127, 0, 0, 1], 5060)),
            ..flow(Transport::Udp, "127.0.0.1:5070")
        };
        assert_eq!(hop(lone, "", "sip:a@192.168.1.5"), lone, "out of loopback");
        assert_eq!(hop(tcp, "", "sip:a@203.0.113.5:5060"), tcp);
        let stay = UaConfig {
            in_dialog_routing: InDialogRouting::Flow,
            ..UaConfig::default()
        };
        assert_eq!(next_hop(&stay, udp, false, &[], b"sip:a@203.0.113.9"), udp);
    }
}
