//! Transactions (RFC 3261 17, RFC 6026): the four state machines, and the tables that hold them.
//!
//! The machines are pure: they are told what came and say what to do. [`Core`] sends, sets timers and
//! keeps the tables.

mod client;
mod server;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

pub(crate) use client::{ClientKey, ClientTimer, ClientTransaction, branch_text};
pub(crate) use server::{Received, ServerTimer, ServerTransaction, reply_flow};

use crate::dialog::DialogTimer;
use crate::timers::Timers;
use crate::types::{DialogId, Event, Flow, Output, UaConfig};
use crate::ua::AuthCache;

/// What a timer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimerKey {
    Client(ClientKey, ClientTimer),
    Server(u64, ServerTimer),
    Dialog(DialogId, DialogTimer),
    /// A binding of the account with this number runs out.
    Binding(u64),
    /// A subscription runs out.
    Subscription(u64),
    /// A publication with this entity-tag runs out.
    Publication(u64),
}

/// What everything else stands on: output, timers, randomness and transactions.
pub(crate) struct Core {
    pub(crate) config: UaConfig,
    pub(crate) rng: StdRng,
    pub(crate) out: VecDeque<Output>,
    pub(crate) timers: Timers<TimerKey>,
    pub(crate) clients: HashMap<ClientKey, ClientTransaction>,
    pub(crate) servers: HashMap<u64, ServerTransaction>,
    server_keys: HashMap<Box<[u8]>, u64>,
    merged_keys: HashMap<Box<[u8]>, u64>,
    pub(crate) auth: AuthCache,
    pub(crate) next_id: u64,
}

impl Core {
    pub(crate) fn new(config: UaConfig, seed: u64) -> Self {
        Self {
            config,
            rng: StdRng::seed_from_u64(seed),
            out: VecDeque::new(),
            timers: Timers::new(),
            clients: HashMap::new(),
            servers: HashMap::new(),
            server_keys: HashMap::new(),
            merged_keys: HashMap::new(),
            auth: AuthCache::default(),
            next_id: 0,
        }
    }

    pub(crate) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn random(&mut self) -> u64 {
        self.rng.next_u64()
    }

    pub(crate) fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.out.push_back(Output::Send { flow, bytes });
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// How long a transaction tries: timers B, F, H, L and M.
    pub(crate) fn patience(&self) -> Duration {
        self.config.t1 * 64
    }

    pub(crate) fn is_full(&self) -> bool {
        self.clients.len() + self.servers.len() >= self.config.max_transactions
    }

    /// The interval after `interval`, up to T2.
    pub(crate) fn doubled(&self, interval: Duration) -> Duration {
        (interval * 2).min(self.config.t2)
    }
}
