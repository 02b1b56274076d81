//! What a call may touch beside itself: the time, the timers, the trunks, and the list of what is to be done.

use crate::timers::Timers;
use crate::trunks::Trunks;
use crate::{Effect, PlaybackToken, Timeouts};
use ponte_protocol::UnixMillis;
use std::collections::VecDeque;

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) now: UnixMillis,
    pub(crate) timeouts: Timeouts,
    pub(crate) timers: Timers,
    pub(crate) trunks: Trunks,
    effects: VecDeque<Effect>,
    tokens: u64,
}

impl Context {
    pub(crate) fn new(timeouts: Timeouts) -> Self {
        Self {
            now: UnixMillis(0),
            timeouts,
            timers: Timers::default(),
            trunks: Trunks::default(),
            effects: VecDeque::new(),
            tokens: 0,
        }
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    pub(crate) fn pop(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// A token that no playback had before.
    pub(crate) fn token(&mut self) -> PlaybackToken {
        self.tokens += 1;
        PlaybackToken(self.tokens)
    }
}
