//! What the media thread hands to the writer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;

use super::{Side, Tracks};
use crate::Codec;

/// Bytes of audio in a block; a longer packet takes several.
pub(super) const BLOCK: usize = 240;
/// 10 s of packets of 20 ms, of each side: longer than a disk stalls.
const CAPACITY: usize = 512;
const RUNNING: u64 = u64::MAX;

/// A piece of a packet, and where it belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) side: Side,
    /// Samples since the beginning of the recording.
    pub(super) at: u64,
    pub(super) codec: Codec,
    pub(super) length: u8,
    pub(super) bytes: [u8; BLOCK],
}

impl Block {
    pub(super) fn audio(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

#[derive(Debug)]
pub(crate) struct Tape {
    blocks: ArrayQueue<Block>,
    /// Length in samples once it has ended.
    length: AtomicU64,
    overruns: AtomicU64,
    /// The writer wants no more.
    abandoned: AtomicBool,
}

impl Tape {
    pub(crate) fn new(tracks: Tracks) -> Self {
        let sides = if tracks == Tracks::Said { 1 } else { 2 };
        Self {
            blocks: ArrayQueue::new(CAPACITY * sides),
            length: AtomicU64::new(RUNNING),
            overruns: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
        }
    }

    pub(super) fn push(&self, block: Block) {
        if !self.abandoned.load(Ordering::Relaxed) && self.blocks.push(block).is_err() {
            self.overruns.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn pop(&self) -> Option<Block> {
        self.blocks.pop()
    }

    /// Ends it after so many samples; the first end counts.
    pub(crate) fn end(&self, length: u64) {
        let _ = self
            .length
            .compare_exchange(RUNNING, length, Ordering::Release, Ordering::Relaxed);
    }

    /// Its length in samples, once it has ended. What is popped after that is all that will come.
    pub(super) fn length(&self) -> Option<u64> {
        let length = self.length.load(Ordering::Acquire);
        (length != RUNNING).then_some(length)
    }

    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Blocks that found the tape full.
    pub(super) fn overruns(&self) -> u64 {
        self.overruns.load(Ordering::Relaxed)
    }
}
