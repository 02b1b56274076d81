//! The answer to a STUN binding request (RFC 8489), with which telephones keep their way through a NAT open
//! (RFC 5626 3.5.2). Nothing else of STUN is spoken.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

const HEADER: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];
/// More attributes than a keep-alive has any use for; it bounds what we read, and answers stay the shorter.
const MAX_REQUEST: usize = 128;

/// The answer to a datagram that is a binding request, telling its sender the address that it was seen from.
pub(crate) fn answer(datagram: &[u8], source: SocketAddr) -> Option<Bytes> {
    if datagram.len() < HEADER || datagram.len() > MAX_REQUEST {
        return None;
    }
    let (kind, length, cookie) = (&datagram[..2], &datagram[2..4], &datagram[4..8]);
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if kind != BINDING_REQUEST || cookie != MAGIC_COOKIE || length + HEADER != datagram.len() {
        return None;
    }
    let transaction = &datagram[8..HEADER];
    let (family, mut address) = match source.ip().to_canonical() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    // Written so that no NAT on the way finds and rewrites it.
    for (byte, mask) in address.iter_mut().zip(datagram[4..HEADER].iter()) {
        *byte ^= mask;
    }
    let port = source.port() ^ u16::from_be_bytes([MAGIC_COOKIE[0], MAGIC_COOKIE[1]]);
    let value_length = 4 + address.len() as u16;
    let mut out = Vec::with_capacity(HEADER + 4 + usize::from(value_length));
    out.extend_from_slice(&BINDING_SUCCESS);
    out.extend_from_slice(&(value_length + 4).to_be_bytes());
    out.extend_from_slice(&MAGIC_COOKIE);
    out.extend_from_slice(transaction);
    out.extend_from_slice(&XOR_MAPPED_ADDRESS);
    out.extend_from_slice(&value_length.to_be_bytes());
    out.extend_from_slice(&[0, family]);
    out.extend_from_slice(&port.to_be_bytes());
    out.extend_from_slice(&address);
    Some(Bytes::from(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend_from_slice(&[
            0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
        ]);
        bytes
    }

    /// The addresses of RFC 5769 2.2 and 2.3.
    #[test]
    fn the_address_seen_is_told_as_in_the_rfcs_vectors() {
        let v4 = answer(&request(), "192.0.2.1:32853".parse().unwrap()).unwrap();
        assert_eq!(v4[..4], [1, 1, 0, 12]);
        assert_eq!(
            v4[20..],
            [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]
        );
        let source = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
        let v6 = answer(&request(), source).unwrap();
        assert_eq!(
            v6[20..],
            [
                0, 0x20, 0, 20, 0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25,
                0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9
            ]
        );
    }

    #[test]
    fn anything_else_is_not_answered() {
        let source = "192.0.2.1:1".parse().unwrap();
        let mut response = request();
        response[0] = 1;
        let mut long = request();
        long[3] = 4;
        let mut large = request();
        large[3] = 120;
        large.resize(140, 0);
        for bytes in [
            b"".as_slice(),
            b"\r\n\r\n",
            &request()[..19],
            &response,
            &long,
            &large,
        ] {
            assert_eq!(answer(bytes, source), None);
        }
    }
}
