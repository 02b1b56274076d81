//! SIP messages: bytes in, typed access, bytes out.

mod name;

pub use name::{HeaderName, Method};

use bytes::Bytes;

/// A parsed message. Header values stay bytes: not every peer writes UTF-8.
#[derive(Clone, Debug)]
pub struct Message {
    pub(crate) buffer: Bytes,
}

/// Why bytes are not a SIP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The first line is neither a request line nor a status line.
    #[error("bad start line")]
    StartLine,
}

impl Message {
    /// The message as it was received, line folding undone.
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer
    }
}
