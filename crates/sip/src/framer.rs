//! Message framing on a stream (RFC 3261 18.3).

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

/// Largest run of header bytes accepted before the blank line.
const MAX_HEAD: usize = 32 * 1024;

/// The stream cannot be framed any more: close it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The message has no Content-Length, which a stream needs.
    #[error("message without Content-Length on a stream")]
    NoLength,
    /// Content-Length is not one number, or two of them differ.
    #[error("invalid Content-Length")]
    BadLength,
    /// The message, or its header part, is larger than allowed.
    #[error("message too large")]
    TooLarge,
}

/// What came out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One whole message for [`crate::UserAgent::handle_message`].
    Message(Bytes),
    /// A keep-alive (RFC 5626 4.4.1): write CRLF back.
    Ping,
}

/// Cuts a TCP stream into messages.
#[derive(Debug)]
pub struct StreamFramer {
    buffer: BytesMut,
    max_message: usize,
    /// Bytes already searched for the blank line.
    scanned: usize,
    failed: Option<FrameError>,
    /// The headers of the message that has no usable length.
    unframed: Option<Bytes>,
}

impl StreamFramer {
    /// `max_message` bounds header and body together, in bytes.
    pub fn new(max_message: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            max_message,
            scanned: 0,
            failed: None,
            unframed: None,
        }
    }

    /// After an error about Content-Length: the message up to its blank line, which can still be answered 400.
    pub fn take_unframed(&mut self) -> Option<Bytes> {
        self.unframed.take()
    }

    /// Adds bytes as they were read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next frame, `None` until more bytes come. After an error the stream is lost.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.cut();
        if let Err(error) = result {
            self.failed = Some(error);
            self.buffer = BytesMut::new();
        }
        result
    }

    fn cut(&mut self) -> Result<Option<Frame>, FrameError> {
        while self.scanned == 0 {
            if self.buffer.starts_with(b"\r\n\r\n") {
                self.buffer.advance(4);
                return Ok(Some(Frame::Ping));
            }
            if b"\r\n\r".starts_with(&self.buffer) {
                return Ok(None);
            }
            // A lone line end is a pong or padding.
            if self.buffer.starts_with(b"\r\n") {
                self.buffer.advance(2);
            } else if self.buffer.starts_with(b"\n") {
                self.buffer.advance(1);
            } else {
                break;
            }
        }
        let Some(head) = head_length(&self.buffer, self.scanned) else {
            self.scanned = self.buffer.len().saturating_sub(3).max(1);
            if self.buffer.len() > MAX_HEAD.min(self.max_message) {
                return Err(FrameError::TooLarge);
            }
            return Ok(None);
        };
        if head > MAX_HEAD {
            return Err(FrameError::TooLarge);
        }
        let body = match content_length(&self.buffer[..head]) {
            Ok(body) => body,
            Err(error) => {
                self.unframed = Some(self.buffer.split_to(head).freeze());
                return Err(error);
            }
        };
        let total = head
            .checked_add(body)
            .filter(|total| *total <= self.max_message)
            .ok_or(FrameError::TooLarge)?;
        if self.buffer.len() < total {
            self.scanned = head.saturating_sub(4).max(1);
            return Ok(None);
        }
        self.scanned = 0;
        Ok(Some(Frame::Message(self.buffer.split_to(total).freeze())))
    }
}

/// Length up to and with the blank line; lines may end in CRLF or LF.
fn head_length(buffer: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', &buffer[from..])
        .map(|at| at + from)
        .find_map(|at| match (buffer.get(at + 1), buffer.get(at + 2)) {
            (Some(b'\n'), _) => Some(at + 2),
            (Some(b'\r'), Some(b'\n')) => Some(at + 3),
            _ => None,
        })
}

fn content_length(head: &[u8]) -> Result<usize, FrameError> {
    let mut found: Option<usize> = None;
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        let name = line[..colon].trim_ascii_end();
        if !(name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l")) {
            continue;
        }
        let value = line[colon + 1..].trim_ascii();
        let length = std::str::from_utf8(value)
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse::<usize>().ok())
            .ok_or(FrameError::BadLength)?;
        if found.is_some_and(|earlier| earlier != length) {
            return Err(FrameError::BadLength);
        }
        found = Some(length);
    }
    found.ok_or(FrameError::NoLength)
}
