//! A tone over what an endpoint hears.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::audio::Clip;
use crate::{Codec, g711};

/// Without a packet of the partner for this long, the tone goes out in packets of its own.
const PARTNER_SILENT: Duration = Duration::from_millis(60);

#[derive(Debug)]
pub(crate) struct Overlay {
    clip: Arc<Clip>,
    position: usize,
    /// When the partner was relayed last; its packets carry the tone then.
    relayed: Option<Instant>,
}

impl Overlay {
    pub(crate) fn new(clip: Arc<Clip>, relayed: Option<Instant>) -> Self {
        Self {
            clip,
            position: 0,
            relayed,
        }
    }

    /// Lays the next piece over a payload; `true` after the last.
    pub(crate) fn mix(&mut self, codec: Codec, payload: &mut [u8]) -> bool {
        let rest = self.clip.bytes(codec).get(self.position..).unwrap_or_default();
        g711::mix(codec, payload, rest);
        self.position += payload.len();
        self.position >= self.clip.len()
    }

    pub(crate) fn relayed(&mut self, now: Instant) {
        self.relayed = Some(now);
    }

    /// Whether packets of the partner come now.
    pub(crate) fn is_carried(&self, now: Instant) -> bool {
        self.relayed
            .is_some_and(|at| now.saturating_duration_since(at) < PARTNER_SILENT)
    }
}
