//! What a call may touch beside itself: the time, the timers, the trunks, and the list of what is to be done.

use crate::join::Crossing;
use crate::timers::Timers;
use crate::trunks::Trunks;
use crate::{Effect, LegId, PlaybackToken, Timeouts};
use ponte_protocol::{CallId, UnixMillis};
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) now: UnixMillis,
    pub(crate) timeouts: Timeouts,
    pub(crate) timers: Timers,
    pub(crate) trunks: Trunks,
    /// What one call has to tell another, in order.
    pub(crate) crossings: VecDeque<Crossing>,
    /// Legs that serve another call than the one that opened them.
    moved: BTreeMap<LegId, CallId>,
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
            crossings: VecDeque::new(),
            moved: BTreeMap::new(),
            effects: VecDeque::new(),
            tokens: 0,
        }
    }

    /// The call that a leg serves.
    pub(crate) fn served_by(&self, leg: LegId) -> CallId {
        self.moved.get(&leg).copied().unwrap_or(leg.call)
    }

    pub(crate) fn move_leg(&mut self, leg: LegId, to: CallId) {
        self.moved.insert(leg, to);
    }

    pub(crate) fn forget_leg(&mut self, leg: LegId) {
        self.moved.remove(&leg);
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
