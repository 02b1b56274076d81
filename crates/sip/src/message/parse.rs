//! From bytes to [`Message`].

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use super::headers::{media_type, param, parse_cseq};
use super::name::is_token_byte;
use super::uri::{Uri, decimal};
use super::{HeaderName, Message, Method, NameAddr, RawHeader, Span, StartLine};

/// More header lines than this are an attack, not a message.
const MAX_HEADERS: usize = 256;

/// Why bytes are not a SIP message. The text goes into the 400 that answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Nothing but line ends: a keep-alive.
    #[error("Empty Message")]
    Empty,
    /// Larger than 4 GiB, or more header lines than any sane message has.
    #[error("Message Too Large")]
    TooLarge,
    /// The first line is neither a request line nor a status line.
    #[error("Bad Request Line")]
    StartLine,
    /// SIP, but not version 2.0.
    #[error("Version Not Supported")]
    Version,
    #[error("Bad Request-URI")]
    RequestUri,
    #[error("Missing {}", .0.as_str())]
    Missing(HeaderName),
    #[error("Bad {}", .0.as_str())]
    Invalid(HeaderName),
    /// A header that may stand once stands twice.
    #[error("Repeated {}", .0.as_str())]
    Repeated(HeaderName),
    /// The method of `CSeq` is not that of the request line.
    #[error("CSeq Method Mismatch")]
    CSeqMethod,
    /// Content-Length promises more than there is.
    #[error("Content-Length Beyond Message")]
    Truncated,
}

impl Message {
    /// Takes a message apart without judging it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ParseError> {
        let skip = bytes
            .iter()
            .position(|byte| !matches!(byte, b'\r' | b'\n'))
            .ok_or(ParseError::Empty)?;
        let bytes = &bytes[skip..];
        if u32::try_from(bytes.len()).is_err() {
            return Err(ParseError::TooLarge);
        }
        let mut buffer = BytesMut::from(bytes);
        let mut headers: Vec<RawHeader> = Vec::with_capacity(24);
        let mut body_start = buffer.len();
        let mut at = 0;
        let mut first_line = None;
        while at < buffer.len() {
            let feed = memchr::memchr(b'\n', &buffer[at..]).map_or(buffer.len(), |feed| at + feed);
            let mut end = feed;
            while end > at && buffer[end - 1] == b'\r' {
                end -= 1;
            }
            let line = at;
            at = feed + 1;
            if end == line {
                body_start = at.min(buffer.len());
                break;
            }
            clean(&mut buffer[line..end]);
            if first_line.is_none() {
                first_line = Some((line, end));
            } else if matches!(buffer[line], b' ' | b'\t') {
                if let Some(last) = headers.last_mut() {
                    // The line end of the folded line becomes white space, so that the value is one span.
                    let from = last.value.end as usize;
                    buffer[from..line].fill(b' ');
                    last.value = trimmed(&buffer, last.value.start as usize, end);
                }
            } else if headers.len() <= MAX_HEADERS
                && let Some(header) = header_line(&buffer, line, end)
            {
                headers.push(header);
            }
        }
        let (line, end) = first_line.ok_or(ParseError::Empty)?;
        let start = start_line(&buffer, line, end);
        let body = Span {
            start: body_start as u32,
            end: buffer.len() as u32,
        };
        let mut message = Self {
            buffer: buffer.freeze(),
            start,
            headers,
            body,
        };
        if let Ok(Some(length)) = message.content_length() {
            let available = (body.end - body.start) as usize;
            message.body.end = body.start + length.min(available) as u32;
        }
        Ok(message)
    }

    fn content_length(&self) -> Result<Option<usize>, ParseError> {
        let mut found = None;
        for value in self.lines(HeaderName::ContentLength) {
            let length = decimal::<usize>(value).ok_or(ParseError::Invalid(HeaderName::ContentLength))?;
            if found.is_some_and(|earlier| earlier != length) {
                return Err(ParseError::Repeated(HeaderName::ContentLength));
            }
            found = Some(length);
        }
        Ok(found)
    }

    /// Judges what [`Self::read`] took apart. The order decides which fault the peer is told of.
    pub(crate) fn check(&self) -> Result<(), ParseError> {
        if self.headers.len() > MAX_HEADERS {
            return Err(ParseError::TooLarge);
        }
        self.via().ok_or(match self.header(HeaderName::Via) {
            None => ParseError::Missing(HeaderName::Via),
            Some(_) => ParseError::Invalid(HeaderName::Via),
        })?;
        match &self.start {
            StartLine::Malformed => return Err(ParseError::StartLine),
            StartLine::OtherVersion => return Err(ParseError::Version),
            StartLine::Request { .. } => {
                Uri::parse(self.request_uri())
                    .filter(|uri| !uri.has_headers())
                    .ok_or(ParseError::RequestUri)?;
            }
            StartLine::Status { .. } => {}
        }
        // Each of them is repeated in the response.
        if self
            .values(HeaderName::Via)
            .any(|value| super::Via::parse(value).is_none())
        {
            return Err(ParseError::Invalid(HeaderName::Via));
        }
        for name in [HeaderName::From, HeaderName::To] {
            let address = NameAddr::parse(self.single(name)?).ok_or(ParseError::Invalid(name))?;
            Uri::parse(address.uri).ok_or(ParseError::Invalid(name))?;
        }
        let call_id = self.single(HeaderName::CallId)?;
        if call_id.is_empty() || call_id.iter().any(u8::is_ascii_whitespace) {
            return Err(ParseError::Invalid(HeaderName::CallId));
        }
        let (_, method) =
            parse_cseq(self.single(HeaderName::CSeq)?).ok_or(ParseError::Invalid(HeaderName::CSeq))?;
        if self.method().is_some_and(|own| *own != method) {
            return Err(ParseError::CSeqMethod);
        }
        if self.header(HeaderName::MaxForwards).is_some() {
            decimal::<u8>(self.single(HeaderName::MaxForwards)?)
                .ok_or(ParseError::Invalid(HeaderName::MaxForwards))?;
        }
        let body_room = self.buffer.len() - self.body.start as usize;
        match self.content_length()? {
            Some(length) if length > body_room => Err(ParseError::Truncated),
            _ => Ok(()),
        }
    }

    fn single(&self, name: HeaderName) -> Result<&[u8], ParseError> {
        let mut lines = self.lines(name);
        let first = lines.next().ok_or(ParseError::Missing(name))?;
        if lines.next().is_some() {
            return Err(ParseError::Repeated(name));
        }
        Ok(first)
    }
}

/// Bare CR and NUL would let a value break out of its line when it is echoed.
fn clean(line: &mut [u8]) {
    for byte in line {
        if matches!(*byte, b'\r' | 0) {
            *byte = b' ';
        }
    }
}

fn trimmed(buffer: &[u8], mut start: usize, mut end: usize) -> Span {
    while start < end && buffer[start].is_ascii_whitespace() {
        start += 1;
    }
    while start < end && buffer[end - 1].is_ascii_whitespace() {
        end -= 1;
    }
    Span {
        start: start as u32,
        end: end as u32,
    }
}

/// A header line; `None` where it is not one: such lines are passed over.
fn header_line(buffer: &[u8], start: usize, end: usize) -> Option<RawHeader> {
    let colon = start + memchr::memchr(b':', &buffer[start..end])?;
    let raw_name = trimmed(buffer, start, colon);
    let text = raw_name.of(buffer);
    if text.is_empty() || !text.iter().copied().all(is_token_byte) {
        return None;
    }
    Some(RawHeader {
        name: HeaderName::from_bytes(text),
        raw_name,
        value: trimmed(buffer, colon + 1, end),
    })
}

fn start_line(buffer: &[u8], start: usize, end: usize) -> StartLine {
    let line = &buffer[start..end];
    if line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"SIP/") {
        return status_line(line, start, end).unwrap_or(StartLine::Malformed);
    }
    // Exactly one space stands between the three parts (RFC 3261 25.1); white space at the end is forgiven.
    let line = line.trim_ascii_end();
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(uri), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return StartLine::Malformed;
    };
    let Some(method) = Method::from_bytes(method) else {
        return StartLine::Malformed;
    };
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        let other = version.len() > 4 && version[..4].eq_ignore_ascii_case(b"SIP/");
        return if other {
            StartLine::OtherVersion
        } else {
            StartLine::Malformed
        };
    }
    let from = start + method.as_str().len() + 1;
    StartLine::Request {
        method,
        uri: Span {
            start: from as u32,
            end: (from + uri.len()) as u32,
        },
    }
}

fn status_line(line: &[u8], start: usize, end: usize) -> Option<StartLine> {
    let rest = line
        .get(..8)
        .filter(|version| version.eq_ignore_ascii_case(b"SIP/2.0 "))
        .map(|_| &line[8..])?;
    let code: u16 = decimal(rest.get(..3)?)?;
    if !(100..700).contains(&code) || rest.get(3).is_some_and(|byte| *byte != b' ') {
        return None;
    }
    Some(StartLine::Status {
        code,
        reason: trimmed_from(start + 11, end),
    })
}

fn trimmed_from(start: usize, end: usize) -> Span {
    Span {
        start: (start + 1).min(end) as u32,
        end: end as u32,
    }
}

/// The `application/sdp` part of a multipart body (RFC 2046 5.1).
pub(super) fn multipart_sdp(content_type: &[u8], body: &Bytes) -> Option<Bytes> {
    let kind = media_type(content_type);
    if kind.len() < 10 || !kind[..10].eq_ignore_ascii_case(b"multipart/") {
        return None;
    }
    let params = &content_type[memchr::memchr(b';', content_type)? + 1..];
    let boundary =
        param(params, "boundary").filter(|boundary| !boundary.is_empty() && boundary.len() <= 70)?;
    let delimiter = [b"--", boundary].concat();
    let mut marks = memchr::memmem::find_iter(body, &delimiter);
    let mut from = marks.next()? + delimiter.len();
    for mark in marks {
        if let Some(sdp) = sdp_part(body, from, mark) {
            return Some(sdp);
        }
        from = mark + delimiter.len();
    }
    None
}

fn sdp_part(body: &Bytes, from: usize, to: usize) -> Option<Bytes> {
    let part = &body[from..to];
    let (blank, gap) = memchr::memmem::find(part, b"\r\n\r\n")
        .map(|at| (at, 4))
        .or_else(|| memchr::memmem::find(part, b"\n\n").map(|at| (at, 2)))?;
    let is_sdp = part[..blank].split(|byte| *byte == b'\n').any(|line| {
        memchr::memchr(b':', line).is_some_and(|colon| {
            line[..colon].trim_ascii().eq_ignore_ascii_case(b"content-type")
                && media_type(&line[colon + 1..]).eq_ignore_ascii_case(b"application/sdp")
        })
    });
    // The line end before the next delimiter belongs to the delimiter.
    let end = if part.ends_with(b"\r\n") { to - 2 } else { to };
    (is_sdp && from + blank + gap <= end).then(|| body.slice(from + blank + gap..end))
}
