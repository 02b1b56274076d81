//! Just enough HTTP to ask a service on loopback whether it is ready, and to use the edge as the portal does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// Signing in hashes a password: on a busy machine that takes a while.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The status of a GET.
pub(crate) fn get(port: u16, path: &str) -> Result<u16> {
    exchange(
        port,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"),
    )
}

/// The status of a POST of JSON, sent as one of the portal's own pages would.
pub(crate) fn post(port: u16, path: &str, body: &Value) -> Result<u16> {
    let body = body.to_string();
    exchange(
        port,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn exchange(port: u16, request: &str) -> Result<u16> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(request.as_bytes())?;
    let mut head = [0_u8; 12];
    stream.read_exact(&mut head)?;
    status_in(&String::from_utf8_lossy(&head)).context("no HTTP answer")
}

fn status_in(line: &str) -> Option<u16> {
    line.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{post, status_in};
    use serde_json::json;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn a_status_is_read_from_the_first_line() {
        assert_eq!(status_in("HTTP/1.1 200"), Some(200));
        assert_eq!(status_in("HTTP/1.0 503"), Some(503));
        assert_eq!(status_in("SIP/2.0 200 "), None);
    }

    #[test]
    fn a_post_carries_the_portals_origin_and_its_body() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut text = String::new();
            let mut chunk = [0_u8; 1024];
            while !text.ends_with("{\"a\":1}") {
                let read = stream.read(&mut chunk).unwrap();
                text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            text
        });
        assert_eq!(post(port, "/api/x", &json!({ "a": 1 })).unwrap(), 204);
        let text = server.join().unwrap();
        assert!(text.contains(&format!("Origin: http://localhost:{port}\r\n")));
        assert!(text.contains("Content-Length: 7\r\n"));
    }
}
