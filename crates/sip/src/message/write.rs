//! From values to bytes.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use super::{HeaderName, Message};

/// Writes one message, headers in the order given.
pub(crate) struct Writer {
    buffer: Vec<u8>,
}

impl Writer {
    pub(crate) fn request(method: &str, uri: &[u8]) -> Self {
        let mut writer = Self {
            buffer: Vec::with_capacity(1024),
        };
        writer
            .put(method.as_bytes())
            .put(b" ")
            .put(uri)
            .put(b" SIP/2.0\r\n");
        writer
    }

    pub(crate) fn status(code: u16, reason: &str) -> Self {
        let mut writer = Self {
            buffer: Vec::with_capacity(1024),
        };
        let reason = if reason.is_empty() {
            default_reason(code)
        } else {
            reason
        };
        writer
            .put(b"SIP/2.0 ")
            .number(u64::from(code))
            .put(b" ")
            .put(reason.as_bytes())
            .put(b"\r\n");
        writer
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.buffer.extend_from_slice(bytes);
        self
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        // Writing to a Vec cannot fail.
        let _ = write!(self.buffer, "{number}");
        self
    }

    pub(crate) fn name(&mut self, name: HeaderName) -> &mut Self {
        self.put(name.as_str().as_bytes()).put(b": ")
    }

    pub(crate) fn end(&mut self) -> &mut Self {
        self.put(b"\r\n")
    }

    pub(crate) fn header(&mut self, name: HeaderName, value: &[u8]) -> &mut Self {
        self.name(name).put(value).end()
    }

    pub(crate) fn header_number(&mut self, name: HeaderName, value: u64) -> &mut Self {
        self.name(name).number(value).end()
    }

    pub(crate) fn other(&mut self, name: &str, value: &str) -> &mut Self {
        self.put(name.as_bytes()).put(b": ").put(value.as_bytes()).end()
    }

    /// An address with its port, IPv6 in brackets.
    pub(crate) fn address(&mut self, ip: IpAddr, port: u16) -> &mut Self {
        let _ = write!(self.buffer, "{}", SocketAddr::new(ip, port));
        self
    }

    /// Copies what a response repeats of its request (RFC 3261 8.2.6.2), marking in the top Via where the
    /// request came from (RFC 3581). `tag` is added to To where the request has none.
    pub(crate) fn echo(&mut self, request: &Message, source: SocketAddr, tag: Option<&str>) -> &mut Self {
        let mut top = true;
        for value in request.values(HeaderName::Via) {
            self.name(HeaderName::Via);
            if top {
                self.via_seen_from(value, source);
                top = false;
            } else {
                self.put(value);
            }
            self.end();
        }
        for name in [
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
        ] {
            let Some(value) = request.header(name) else {
                continue;
            };
            self.name(name).put(value);
            if let (HeaderName::To, Some(tag)) = (name, tag)
                && request.to().is_none_or(|to| to.tag().is_none())
            {
                self.put(b";tag=").put(tag.as_bytes());
            }
            self.end();
        }
        self
    }

    fn via_seen_from(&mut self, value: &[u8], source: SocketAddr) {
        let Some(via) = super::Via::parse(value) else {
            self.put(value);
            return;
        };
        let ip = source.ip().to_canonical();
        let rport = via.param("rport");
        // Parameters a hostile sender may have put there itself are dropped.
        let mut rest = via.params;
        let head = value.len() - if rest.is_empty() { 0 } else { rest.len() + 1 };
        self.put(value[..head].trim_ascii_end());
        while !rest.is_empty() {
            let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
            let param = rest[..end].trim_ascii();
            let name = param
                .split(|byte| *byte == b'=')
                .next()
                .unwrap_or_default()
                .trim_ascii();
            if !name.eq_ignore_ascii_case(b"received")
                && !name.eq_ignore_ascii_case(b"rport")
                && !param.is_empty()
            {
                self.put(b";").put(param);
            }
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        if rport.is_some() || super::parse_ip(via.host) != Some(ip) {
            let _ = write!(self.buffer, ";received={ip}");
        }
        if rport.is_some() {
            let _ = write!(self.buffer, ";rport={}", source.port());
        }
    }

    /// Writes Content-Length and the body.
    pub(crate) fn finish(mut self, body: Option<(&str, &[u8])>) -> Bytes {
        let (kind, body) = body.unwrap_or_default();
        if !body.is_empty() {
            self.header(HeaderName::ContentType, kind.as_bytes());
        }
        self.header_number(HeaderName::ContentLength, body.len() as u64)
            .end()
            .put(body);
        Bytes::from(self.buffer)
    }
}

/// The usual phrase of a status.
pub(crate) fn default_reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        493 => "Undecipherable",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        406 | 606 => "Not Acceptable",
        _ => match status / 100 {
            1 => "Session Progress",
            2 => "OK",
            3 => "Multiple Choices",
            4 => "Bad Request",
            5 => "Server Internal Error",
            _ => "Decline",
        },
    }
}
