//! Keys pressed in a call: as RFC 4733 events, and as tones.

pub(crate) mod event;
pub(crate) mod inband;
mod sender;

pub(crate) use event::{EventDetector, EventPayload};
pub(crate) use sender::{DtmfSender, Step};
