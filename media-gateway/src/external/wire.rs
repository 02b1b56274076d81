//! The bytes between the gateway and the directory's server: TCP, TLS where it is wanted, and a look at every message
//! before it is parsed.
//!
//! ```text
//!  ldap3 ── socket pair ── pump ── TLS ── TCP ── server
//!                            └── a message that is too large, too deep or none ends the connection
//! ```
//!
//! The parser behind it goes as deep as a message nests and waits for as much as a length announces; whoever is on the way
//! to a server without TLS could end the whole process with either.

use ponte_protocol::DirectoryFault;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

/// The largest message of a server: an entry has what was asked for, which is no pictures.
const MESSAGE_MAX: usize = 256 * 1024;
/// How deep messages nest: five levels down stands the value of an attribute, as deep that of a control.
const DEPTH_MAX: usize = 8;
/// `ExtendedRequest` with the name of `StartTLS` (RFC 4511 section 4.14.1) as message 1.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// `ExtendedResponse` (RFC 4511 section 4.12).
const EXTENDED_RESPONSE: u8 = 0x78;
const SEQUENCE: u8 = 0x30;

/// Where a server is and how it is spoken with.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// Without the brackets of an IPv6 address.
    host: &'a str,
    port: u16,
    /// From the beginning.
    encrypted: bool,
}

impl<'a> Place<'a> {
    /// Reads `ldap://host:port` and its like.
    pub fn read(url: &'a str) -> Result<Self, &'static str> {
        let (encrypted, place) = match (url.strip_prefix("ldap://"), url.strip_prefix("ldaps://")) {
            (Some(place), _) => (false, place),
            (_, Some(place)) => (true, place),
            _ => return Err("begins with ldap:// or ldaps://"),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (place, None),
        };
        let name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = match address {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.len() <= 253 && host.bytes().all(name),
        };
        if !is_host {
            return Err("a host follows ldap:// or ldaps://, and nothing follows it but a port");
        }
        let port = match port.map(str::parse::<u16>) {
            None if encrypted => 636,
            None => 389,
            Some(Ok(port @ 1..)) => port,
            Some(_) => return Err("the port is 1 to 65535"),
        };
        Ok(Self {
            host: address.unwrap_or(host),
            port,
            encrypted,
        })
    }
}

/// A way to a server: what is sent into the socket goes there, what comes out of it is sound.
pub(super) struct Way {
    pub socket: StdUnixStream,
    /// Whether it ended because the server sent what is no message.
    pub spoilt: Arc<AtomicBool>,
}

/// Connects.
pub(super) async fn connect(
    place: &Place<'_>,
    start_tls: bool,
    tls: Arc<ClientConfig>,
) -> Result<Way, DirectoryFault> {
    let unreachable = |_| DirectoryFault::Unreachable;
    let mut server = TcpStream::connect((place.host, place.port))
        .await
        .map_err(unreachable)?;
    // Searches are small, and somebody waits for each.
    server.set_nodelay(true).map_err(unreachable)?;
    if start_tls {
        turn_to_tls(&mut server).await?;
    }
    let (near, far) = StdUnixStream::pair().map_err(|_| DirectoryFault::Failed)?;
    far.set_nonblocking(true).map_err(|_| DirectoryFault::Failed)?;
    let far = UnixStream::from_std(far).map_err(|_| DirectoryFault::Failed)?;
    let spoilt = Arc::new(AtomicBool::new(false));
    if place.encrypted || start_tls {
        let name = ServerName::try_from(place.host.to_owned()).map_err(|_| DirectoryFault::Untrusted)?;
        let server = TlsConnector::from(tls).connect(name, server).await;
        let server = server.map_err(|error| super::fault::of_handshake(&error))?;
        tokio::spawn(pump(server, far, Arc::clone(&spoilt)));
    } else {
        tokio::spawn(pump(server, far, Arc::clone(&spoilt)));
    }
    Ok(Way { socket: near, spoilt })
}

/// Nothing that the server said before counts after it: the answer is read to its last byte and no further.
async fn turn_to_tls(server: &mut TcpStream) -> Result<(), DirectoryFault> {
    let lost = |_| DirectoryFault::Unreachable;
    server.write_all(START_TLS).await.map_err(lost)?;
    let answer = message(server).await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => DirectoryFault::Failed,
        _ => DirectoryFault::Unreachable,
    })?;
    let answer = answer.ok_or(DirectoryFault::Unreachable)?;
    match result_code(&answer) {
        Some(0) => Ok(()),
        Some(_) => Err(DirectoryFault::Refused),
        None => Err(DirectoryFault::Failed),
    }
}

/// Carries both ways until one of the two ends.
async fn pump<S: AsyncRead + AsyncWrite + Unpin>(server: S, gateway: UnixStream, spoilt: Arc<AtomicBool>) {
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (mut from_gateway, mut to_gateway) = tokio::io::split(gateway);
    let answers = async {
        while let Some(message) = message(&mut from_server).await? {
            to_gateway.write_all(&message).await?;
        }
        io::Result::Ok(())
    };
    tokio::select! {
        ended = answers => {
            if ended.is_err_and(|error| error.kind() == io::ErrorKind::InvalidData) {
                spoilt.store(true, Ordering::Release);
            }
        }
        _ = tokio::io::copy(&mut from_gateway, &mut to_server) => {}
    }
}

/// The next message, whole; `None` at the end.
async fn message(server: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; 2];
    match server.read_exact(&mut head).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let mut bytes = head.to_vec();
    if let Some(count) = head[1].checked_sub(0x80) {
        if !(1..=4).contains(&count) {
            return Err(unsound());
        }
        bytes.resize(2 + usize::from(count), 0);
        server.read_exact(&mut bytes[2..]).await?;
    }
    let (header, length) = header(&bytes).ok_or_else(unsound)?;
    if head[0] != SEQUENCE || length > MESSAGE_MAX {
        return Err(unsound());
    }
    bytes.resize(header + length, 0);
    server.read_exact(&mut bytes[header..]).await?;
    if is_sound(&bytes, DEPTH_MAX) {
        Ok(Some(bytes))
    } else {
        Err(unsound())
    }
}

fn unsound() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidData)
}

/// How long the header of an element is, and how long what follows it (X.690 section 8.1, as RFC 4511 section 5.1 restricts
/// it: lengths are told, never left open).
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.get(1)?;
    let Some(count) = first.checked_sub(0x80) else {
        return Some((2, first.into()));
    };
    let digits = bytes.get(2..2 + usize::from(count))?;
    if !(1..=4).contains(&count) {
        return None;
    }
    let length = digits
        .iter()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    Some((2 + digits.len(), length))
}

/// Whether these are elements that end where they say, none deeper than `depth`.
fn is_sound(mut bytes: &[u8], depth: usize) -> bool {
    while let Some(tag) = bytes.first() {
        let Some((start, length)) = header(bytes) else {
            return false;
        };
        let Some(content) = bytes.get(start..).and_then(|rest| rest.get(..length)) else {
            return false;
        };
        // LDAP has no tags of several bytes.
        let constructed = tag & 0x20 != 0;
        if tag & 0x1f == 0x1f || constructed && (depth == 0 || !is_sound(content, depth - 1)) {
            return false;
        }
        bytes = &bytes[start + length..];
    }
    true
}

/// What an `ExtendedResponse` says came of it.
fn result_code(message: &[u8]) -> Option<u8> {
    let (start, _) = header(message)?;
    let id = &message[start..];
    let (start, length) = header(id)?;
    let response = id.get(start + length..)?;
    if *response.first()? != EXTENDED_RESPONSE {
        return None;
    }
    let (start, _) = header(response)?;
    match response.get(start..start + 3)? {
        [0x0a, 1, code] => Some(*code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn where_a_server_is() {
        let place = |url| Place::read(url).map(|place| (place.host, place.port, place.encrypted));
        assert_eq!(place("ldap://x.example.com"), Ok(("x.example.com", 389, false)));
        assert_eq!(place("ldaps://10.0.0.1/"), Ok(("10.0.0.1", 636, true)));
        assert_eq!(place("ldap://[::1]:3389"), Ok(("::1", 3389, false)));
        assert_eq!(place("ldap://[::1]"), Ok(("::1", 389, false)));
        for wrong in [
            "",
            "x.example.com",
            "http://x",
            "ldap://",
            "ldapi://%2fvar%2frun",
            "ldap://x:0",
            "ldap://x:65536",
            "ldap://x:",
            "ldap://a@b",
            "ldap://x/dc=example",
            "ldap://x y",
            "ldap://[::1",
            "ldap://[x]:1",
        ] {
            assert!(Place::read(wrong).is_err(), "{wrong}");
        }
    }

    /// An element around others.
    fn around(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag, 0x84];
        bytes.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        bytes.extend(content);
        bytes
    }

    async fn read(mut bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
        message(&mut bytes).await
    }

    /// `ExtendedResponse` with a result code.
    fn answer(code: u8) -> Vec<u8> {
        vec![0x30, 0x0c, 2, 1, 1, 0x78, 7, 0x0a, 1, code, 4, 0, 4, 0]
    }

    #[tokio::test]
    async fn messages_are_given_on_one_by_one() {
        let two = [answer(0), around(0x30, &answer(2)[2..])].concat();
        let mut rest = two.as_slice();
        let first = message(&mut rest).await.unwrap().unwrap();
        assert_eq!(result_code(&first), Some(0));
        let second = message(&mut rest).await.unwrap().unwrap();
        assert_eq!(result_code(&second), Some(2));
        assert_eq!(message(&mut rest).await.unwrap(), None);
        assert!(is_sound(START_TLS, DEPTH_MAX));
        assert_eq!(result_code(START_TLS), None);
    }

    #[tokio::test]
    async fn what_would_hurt_the_parser_does_not_reach_it() {
        let levels = 30_000;
        let mut deep = Vec::with_capacity(levels * 6);
        for level in 1..=levels {
            deep.extend([0x30, 0x84]);
            deep.extend(u32::try_from((levels - level) * 6).unwrap().to_be_bytes());
        }
        let hurtful: [&[u8]; 7] = [
            &deep,
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x80\x02\x01\x01\x00\x00",
            b"\x30\x88\x00\x00\x00\x00\x00\x00\x00\x01\x00",
            b"\x30\x03\x02\x7f\x01",
            b"\x30\x03\x1f\x81\x01",
            b"HTTP/1.1 400 Bad Request\r\n",
        ];
        for bytes in hurtful {
            let error = read(bytes).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{:x?}", &bytes[..3]);
        }
        assert!(read(b"\x30\x05\x02\x01").await.is_err(), "cut");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = header(&bytes);
            if is_sound(&bytes, DEPTH_MAX) {
                let _ = result_code(&bytes);
            }
        }
    }
}
