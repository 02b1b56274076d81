//! Something over what an endpoint hears.

use std::time::{Duration, Instant};

use crate::player::Player;
use crate::{Codec, g711};

/// Without a packet of others for this long, it goes out in packets of its own.
const OTHERS_SILENT: Duration = Duration::from_millis(60);
/// Largest payload: 60 ms.
const MAX_PAYLOAD: usize = 480;

#[derive(Debug)]
pub(crate) struct Overlay {
    player: Player,
    /// Whether its end is told.
    told: bool,
    /// When audio of others was sent last; its packets carry this one then.
    carried: Option<Instant>,
}

/// How an overlay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Unnoticed,
    /// The control side waits for this token.
    Told(u64),
}

impl Overlay {
    pub(crate) fn new(player: Player, told: bool, carried: Option<Instant>) -> Self {
        Self {
            player,
            told,
            carried,
        }
    }

    /// Lays the next piece over a payload; tells the end with the last.
    pub(crate) fn mix(&mut self, codec: Codec, payload: &mut [u8]) -> Option<Ended> {
        let mut piece = [0; MAX_PAYLOAD];
        let mut ended = None;
        for payload in payload.chunks_mut(MAX_PAYLOAD) {
            let piece = &mut piece[..payload.len()];
            ended = ended.or(self.player.read(codec, piece));
            g711::mix(codec, payload, piece);
        }
        ended.map(|token| {
            if self.told {
                Ended::Told(token)
            } else {
                Ended::Unnoticed
            }
        })
    }

    pub(crate) fn is_told(&self) -> bool {
        self.told
    }

    pub(crate) fn carried(&mut self, now: Instant) {
        self.carried = Some(now);
    }

    /// Whether packets of others come now.
    pub(crate) fn is_carried(&self, now: Instant) -> bool {
        self.carried
            .is_some_and(|at| now.saturating_duration_since(at) < OTHERS_SILENT)
    }
}
