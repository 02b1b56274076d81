//! What must be on disk before it is acted on. The driver goes on with everything else meanwhile.

use super::Driver;
use crate::store::Written;
use futures_util::stream::{FuturesUnordered, StreamExt};
use ponte_call_core::{Effect, LegId};
use ponte_protocol::{Reply, UserId};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// How long the store is waited for. A call goes on without it: better a leg that a crash forgets than no telephone
/// because a disk is full.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Saved {
    /// A leg that is to be called.
    Leg(LegId),
    /// An incoming leg that is to be answered.
    Answer(LegId),
    /// Something of a user that replies and notices wait for.
    User(UserId),
}

/// Writes on their way, and what waits for them.
#[derive(Default)]
pub(super) struct Writes {
    pending: FuturesUnordered<Pin<Box<dyn Future<Output = Saved> + Send>>>,
    held: HashMap<UserId, Held>,
}

#[derive(Default)]
struct Held {
    writes: u32,
    waiting: VecDeque<Waiting>,
}

/// What is told to a user only after the write.
enum Waiting {
    Effect(Effect),
    /// The answer to a command that the switch never saw.
    Reply(Reply),
}

impl Writes {
    /// Tells [`Driver::saved`] when the store has it.
    pub fn after<T: Send + 'static>(&mut self, written: Written<T>, saved: Saved) {
        if let Saved::User(user) = &saved {
            self.held.entry(user.clone()).or_default().writes += 1;
        }
        self.pending.push(Box::pin(async move {
            match tokio::time::timeout(PATIENCE, written).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::error!(%error, "a write failed, and the call goes on without it"),
                Err(_) => tracing::error!("the store is slow, and the call goes on without it"),
            }
            saved
        }));
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// The next write that is done.
    pub async fn next(&mut self) -> Option<Saved> {
        self.pending.next().await
    }

    /// Keeps an effect back if something of its user is still being written.
    pub fn hold(&mut self, effect: Effect) -> Option<Effect> {
        let (Effect::Reply { user, .. } | Effect::Notify { user, .. }) = &effect else {
            return Some(effect);
        };
        match self.held.get_mut(user) {
            Some(held) => {
                held.waiting.push_back(Waiting::Effect(effect));
                None
            }
            None => Some(effect),
        }
    }

    /// As [`Self::hold`]: replies keep their order.
    pub fn hold_reply(&mut self, user: &UserId, reply: Reply) -> Option<Reply> {
        match self.held.get_mut(user) {
            Some(held) => {
                held.waiting.push_back(Waiting::Reply(reply));
                None
            }
            None => Some(reply),
        }
    }

    fn release(&mut self, user: &UserId) -> VecDeque<Waiting> {
        let Some(held) = self.held.get_mut(user) else {
            return VecDeque::new();
        };
        held.writes -= 1;
        if held.writes > 0 {
            return VecDeque::new();
        }
        self.held
            .remove(user)
            .map(|held| held.waiting)
            .unwrap_or_default()
    }
}

impl Driver {
    /// A write that something waits for is on disk.
    pub(super) fn saved(&mut self, saved: Saved) {
        match saved {
            Saved::Leg(leg) => self.call_saved_leg(leg),
            Saved::Answer(leg) => self.answer_saved_leg(leg),
            Saved::User(user) => {
                for waiting in self.writes.release(&user) {
                    match waiting {
                        Waiting::Effect(effect) => self.carry_out_effect(effect),
                        Waiting::Reply(reply) => self.send_reply(&user, reply),
                    }
                }
            }
        }
    }
}
