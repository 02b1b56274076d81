//! SIP messages: bytes in, typed access, bytes out.

mod headers;
mod name;
mod parse;
mod uri;
mod write;

use std::borrow::Cow;

use bytes::Bytes;

pub use headers::{CommaSeparated, NameAddr, Via};
pub(crate) use headers::{
    Refresher, leading_number, media_type, param, parse_cseq, parse_rack, parse_session_expires, strip_quotes,
};
pub(crate) use name::is_token_byte;
pub use name::{HeaderName, Method};
pub use parse::ParseError;
pub use uri::{Scheme, Uri, escape_user, unescape};
pub(crate) use uri::{decimal, parse_ip};
pub(crate) use write::{Writer, default_reason};

/// A range of bytes in a message's buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn of(self, buffer: &[u8]) -> &[u8] {
        buffer
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug)]
struct RawHeader {
    name: HeaderName,
    raw_name: Span,
    value: Span,
}

#[derive(Clone, Debug)]
enum StartLine {
    Request {
        method: Method,
        uri: Span,
    },
    Status {
        code: u16,
        reason: Span,
    },
    /// Neither, or a request line with a fault; kept so that the fault can be answered.
    Malformed,
    /// A request line of another version of SIP.
    OtherVersion,
}

/// A parsed message. Header values stay bytes: not every peer writes UTF-8.
#[derive(Clone, Debug)]
pub struct Message {
    buffer: Bytes,
    start: StartLine,
    headers: Vec<RawHeader>,
    body: Span,
}

impl Message {
    /// Parses one message and checks it as RFC 3261 asks: start line, and Via, From, To, Call-ID and `CSeq`
    /// present, well-formed and in agreement. Headers without meaning for the layer may hold anything.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let message = Self::read(bytes)?;
        message.check()?;
        Ok(message)
    }

    /// The message as it was received, line folding undone.
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The method, `None` for a response.
    pub fn method(&self) -> Option<&Method> {
        match &self.start {
            StartLine::Request { method, .. } => Some(method),
            _ => None,
        }
    }

    /// The Request-URI, empty for a response.
    pub fn request_uri(&self) -> &[u8] {
        match &self.start {
            StartLine::Request { uri, .. } => uri.of(&self.buffer),
            _ => b"",
        }
    }

    /// The status, `None` for a request.
    pub fn status(&self) -> Option<u16> {
        match &self.start {
            StartLine::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// The phrase of the status line, empty for a request.
    pub fn reason_phrase(&self) -> Cow<'_, str> {
        match &self.start {
            StartLine::Status { reason, .. } => String::from_utf8_lossy(reason.of(&self.buffer)),
            _ => Cow::Borrowed(""),
        }
    }

    /// The first value line of a header, trimmed.
    pub fn header(&self, name: HeaderName) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|header| header.name == name)
            .map(|header| header.value.of(&self.buffer))
    }

    /// The first value line of a header, as text; bytes that are not UTF-8 become U+FFFD.
    pub fn header_text(&self, name: HeaderName) -> Option<Cow<'_, str>> {
        self.header(name).map(String::from_utf8_lossy)
    }

    /// Every line of a header, unsplit.
    pub fn lines(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.headers
            .iter()
            .filter(move |header| header.name == name)
            .map(|header| header.value.of(&self.buffer))
    }

    /// Every value of a header that may hold several, over all its lines.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.lines(name).flat_map(CommaSeparated::new)
    }

    /// Every line of a header given by its long name, in any case: for those outside [`HeaderName`].
    pub fn lines_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |header| {
                header
                    .raw_name
                    .of(&self.buffer)
                    .eq_ignore_ascii_case(name.as_bytes())
            })
            .map(|header| header.value.of(&self.buffer))
    }

    /// Whether a list header (Supported, Require, Allow) names `token`, in any case.
    pub fn has_token(&self, name: HeaderName, token: &str) -> bool {
        self.values(name)
            .any(|value| value.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The body, as long as Content-Length says; in a datagram without one, all that follows the headers.
    pub fn body(&self) -> Bytes {
        self.buffer
            .slice(self.body.start as usize..self.body.end as usize)
    }

    pub fn body_is_empty(&self) -> bool {
        self.body.start == self.body.end
    }

    /// The topmost Via.
    pub fn via(&self) -> Option<Via<'_>> {
        self.values(HeaderName::Via).next().and_then(Via::parse)
    }

    pub fn from(&self) -> Option<NameAddr<'_>> {
        self.header(HeaderName::From).and_then(NameAddr::parse)
    }

    pub fn to(&self) -> Option<NameAddr<'_>> {
        self.header(HeaderName::To).and_then(NameAddr::parse)
    }

    pub fn call_id(&self) -> &[u8] {
        self.header(HeaderName::CallId).unwrap_or_default()
    }

    /// Number and method of the `CSeq`.
    pub fn cseq(&self) -> Option<(u32, Method)> {
        self.header(HeaderName::CSeq).and_then(parse_cseq)
    }

    /// The first Contact; `None` also for `*`, and where it is no URI.
    pub fn contact(&self) -> Option<NameAddr<'_>> {
        let contact = self
            .values(HeaderName::Contact)
            .next()
            .and_then(NameAddr::parse)?;
        Uri::parse(contact.uri).map(|_| contact)
    }

    /// The body where it is a session description: by Content-Type, or by its first line where the peer
    /// forgot Content-Type; or the part that is one in a multipart body.
    pub fn sdp(&self) -> Option<Bytes> {
        if self.body_is_empty() {
            return None;
        }
        let body = self.body();
        match self.header(HeaderName::ContentType) {
            None => body.starts_with(b"v=").then_some(body),
            Some(value) if media_type(value).eq_ignore_ascii_case(b"application/sdp") => Some(body),
            Some(value) => parse::multipart_sdp(value, &body),
        }
    }
}
