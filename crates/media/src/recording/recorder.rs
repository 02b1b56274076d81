//! The media thread's part: where in the recording a packet belongs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::tape::{BLOCK, Block, Tape};
use crate::Codec;
use crate::source_lock::Evidence;

/// RTP time that is further from the clock than this has begun anew.
const MAX_DRIFT: u64 = 2 * 8000;

/// The newest packet: others are placed by their distance from it.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    ssrc: u32,
    timestamp: u32,
    at: u64,
}

#[derive(Debug)]
pub(crate) struct Recorder {
    tape: Arc<Tape>,
    started: Instant,
    /// Longest, in samples.
    max: u64,
    /// Where the newest packet ended.
    end: u64,
    anchor: Option<Anchor>,
}

impl Recorder {
    pub(crate) fn new(tape: Arc<Tape>, max: Duration, now: Instant) -> Self {
        Self {
            tape,
            started: now,
            max: samples_in(max),
            end: 0,
            anchor: None,
        }
    }

    /// Takes the audio of a packet.
    pub(crate) fn audio(&mut self, codec: Codec, packet: Evidence, payload: &[u8], now: Instant) {
        let Some(at) = self.place(packet, payload.len() as u64, now) else {
            return;
        };
        for (index, piece) in payload.chunks(BLOCK).enumerate() {
            let at = at + (index * BLOCK) as u64;
            let mut bytes = [0; BLOCK];
            bytes[..piece.len()].copy_from_slice(piece);
            self.tape.push(Block {
                at,
                codec,
                length: piece.len() as u8,
                bytes,
            });
        }
        self.end = self.end.max(at + payload.len() as u64);
    }

    /// Where a packet begins; `None` if that was before the recording did.
    fn place(&mut self, packet: Evidence, length: u64, now: Instant) -> Option<u64> {
        let clock = samples_in(now.saturating_duration_since(self.started));
        let by_timestamp = self
            .anchor
            .filter(|anchor| anchor.ssrc == packet.ssrc)
            .and_then(|anchor| {
                let step = packet.timestamp.wrapping_sub(anchor.timestamp).cast_signed();
                let at = anchor.at.cast_signed() + i64::from(step);
                let near = at.abs_diff(clock.cast_signed()) <= MAX_DRIFT;
                near.then_some((at, step > 0))
            });
        let (at, newest) =
            by_timestamp.unwrap_or_else(|| (clock.saturating_sub(length).max(self.end).cast_signed(), true));
        let at = u64::try_from(at).ok()?;
        if newest {
            self.anchor = Some(Anchor {
                ssrc: packet.ssrc,
                timestamp: packet.timestamp,
                at,
            });
        }
        Some(at)
    }

    /// Whether the longest duration is reached.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.end >= self.max || samples_in(now.saturating_duration_since(self.started)) >= self.max
    }
}

impl Drop for Recorder {
    /// Silence at the end counts as long as it lasted.
    fn drop(&mut self) {
        let lasted = samples_in(self.started.elapsed());
        self.tape.end(self.end.max(lasted).min(self.max));
    }
}

fn samples_in(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros() / 125).unwrap_or(u64::MAX)
}
