//! The media thread's part: where in the recording a packet belongs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::tape::{BLOCK, Block, Tape};
use super::{Side, Tracks};
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
    tracks: Tracks,
    places: [Places; 2],
}

/// Where the packets of one side belong.
#[derive(Debug, Default)]
struct Places {
    /// Where the newest packet ended.
    end: u64,
    anchor: Option<Anchor>,
}

impl Recorder {
    pub(crate) fn new(tape: Arc<Tape>, tracks: Tracks, max: Duration, now: Instant) -> Self {
        Self {
            tape,
            started: now,
            max: samples_in(max),
            tracks,
            places: Default::default(),
        }
    }

    /// Takes the audio of a packet.
    pub(crate) fn audio(&mut self, side: Side, codec: Codec, packet: Evidence, payload: &[u8], now: Instant) {
        if side == Side::Heard && self.tracks == Tracks::Said {
            return;
        }
        let clock = samples_in(now.saturating_duration_since(self.started));
        let places = &mut self.places[side.index()];
        let Some(at) = places.place(packet, payload.len() as u64, clock) else {
            return;
        };
        places.end = places.end.max(at + payload.len() as u64);
        for (index, piece) in payload.chunks(BLOCK).enumerate() {
            let at = at + (index * BLOCK) as u64;
            let mut bytes = [0; BLOCK];
            bytes[..piece.len()].copy_from_slice(piece);
            self.tape.push(Block {
                side,
                at,
                codec,
                length: piece.len() as u8,
                bytes,
            });
        }
    }

    /// Where the newest packet of all ended.
    fn end(&self) -> u64 {
        self.places[0].end.max(self.places[1].end)
    }

    /// Whether the longest duration is reached.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.end() >= self.max || samples_in(now.saturating_duration_since(self.started)) >= self.max
    }
}

impl Places {
    /// Where a packet begins that came at this time; `None` if that was before the recording did.
    fn place(&mut self, packet: Evidence, length: u64, clock: u64) -> Option<u64> {
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
}

impl Drop for Recorder {
    /// Silence at the end counts as long as it lasted.
    fn drop(&mut self) {
        let lasted = samples_in(self.started.elapsed());
        self.tape.end(self.end().max(lasted).min(self.max));
    }
}

fn samples_in(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros() / 125).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(ssrc: u32, timestamp: u32) -> Evidence {
        Evidence {
            ssrc,
            sequence: 0,
            timestamp,
        }
    }

    /// Where the packets of 20 ms with these SSRCs and timestamps, that come at these milliseconds, are put.
    fn places(packets: &[(u32, u32, u64)]) -> Vec<u64> {
        let tape = Arc::new(Tape::new(Tracks::Said));
        let start = Instant::now();
        let mut recorder = Recorder::new(tape.clone(), Tracks::Said, Duration::from_mins(10), start);
        for &(ssrc, timestamp, ms) in packets {
            let now = start + Duration::from_millis(ms);
            recorder.audio(
                Side::Said,
                Codec::Pcma,
                packet(ssrc, timestamp),
                &[0xD5; 160],
                now,
            );
        }
        std::iter::from_fn(|| tape.pop()).map(|block| block.at).collect()
    }

    #[test]
    fn timestamps_decide_while_they_agree_with_the_clock() {
        // Late by jitter, one lost, over the wrap of the timestamp.
        let base = u32::MAX - 200;
        let at = |n: u32| base.wrapping_add(n * 160);
        let heard = places(&[
            (1, at(0), 20),
            (1, at(1), 55),
            (1, at(3), 80),
            (1, at(2), 81),
            (1, at(4), 100),
        ]);
        assert_eq!(heard, [0, 160, 480, 320, 640]);
    }

    #[test]
    fn a_stream_that_begins_anew_is_put_where_the_clock_is() {
        let other_ssrc = places(&[(1, 1000, 20), (2, 77, 1020)]);
        assert_eq!(other_ssrc, [0, 8000]);
        let jump_forward = places(&[(1, 1000, 20), (1, 1_000_000, 1020)]);
        assert_eq!(jump_forward, [0, 8000]);
        let jump_back = places(&[(1, 1_000_000, 20), (1, 1000, 1020), (1, 1160, 1040)]);
        assert_eq!(jump_back, [0, 8000, 8160]);
        // Never over what is there.
        let burst = places(&[(1, 1000, 20), (2, 0, 21), (3, 0, 22)]);
        assert_eq!(burst, [0, 160, 320]);
    }

    #[test]
    fn long_and_short_packets_are_taken_whole() {
        let tape = Arc::new(Tape::new(Tracks::Said));
        let start = Instant::now();
        let mut recorder = Recorder::new(tape.clone(), Tracks::Said, Duration::from_mins(10), start);
        recorder.audio(
            Side::Said,
            Codec::Pcmu,
            packet(1, 0),
            &[1; 1000],
            start + Duration::from_millis(125),
        );
        recorder.audio(
            Side::Said,
            Codec::Pcmu,
            packet(1, 1000),
            &[2],
            start + Duration::from_millis(126),
        );
        let blocks: Vec<(u64, usize)> = std::iter::from_fn(|| tape.pop())
            .map(|block| (block.at, block.audio().len()))
            .collect();
        assert_eq!(
            blocks,
            [(0, 240), (240, 240), (480, 240), (720, 240), (960, 40), (1000, 1)]
        );
    }

    proptest! {
        #[test]
        fn no_peer_makes_a_recording_longer_than_time_and_a_little(
            packets in proptest::collection::vec((0u32..3, any::<u32>(), 0u64..200, 1usize..2000), 1..200),
        ) {
            let tape = Arc::new(Tape::new(Tracks::Said));
            let start = Instant::now();
            let mut recorder = Recorder::new(tape.clone(), Tracks::Said, Duration::from_mins(10), start);
            let mut ms = 0;
            let mut bytes = 0;
            for (ssrc, timestamp, step, length) in packets {
                ms += step;
                bytes += length as u64;
                let now = start + Duration::from_millis(ms);
                recorder.audio(Side::Said, Codec::Pcma, packet(ssrc, timestamp), &vec![0; length], now);
                while let Some(block) = tape.pop() {
                    prop_assert!(block.at < ms * 8 + MAX_DRIFT + bytes);
                }
            }
            drop(recorder);
            prop_assert!(tape.length().unwrap() <= ms * 8 + MAX_DRIFT + bytes);
        }
    }
}
