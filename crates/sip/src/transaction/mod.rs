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
use sha2::{Digest, Sha256};

pub(crate) use client::{ClientKey, ClientTimer, ClientTransaction, branch_text};
pub(crate) use server::{Received, ServerTimer, ServerTransaction, reply_flow};

use crate::dialog::DialogTimer;
use crate::message::Message;
use crate::timers::Timers;
use crate::types::{DialogId, Event, Flow, Output, UaConfig};
use crate::ua::{AuthCache, Trusted};

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
    /// Makes tags that only we can foretell.
    tag_key: [u8; 32],
    pub(crate) auth: AuthCache,
    pub(crate) next_id: u64,
    /// Whether telephones are served.
    pub(crate) serves: bool,
    pub(crate) trusted: Trusted,
}

impl Core {
    pub(crate) fn new(config: UaConfig, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut tag_key = [0; 32];
        rng.fill_bytes(&mut tag_key);
        Self {
            config,
            rng,
            tag_key,
            out: VecDeque::new(),
            timers: Timers::new(),
            clients: HashMap::new(),
            servers: HashMap::new(),
            server_keys: HashMap::new(),
            merged_keys: HashMap::new(),
            auth: AuthCache::default(),
            next_id: 0,
            serves: false,
            trusted: Trusted::default(),
        }
    }

    /// Whether what comes from there must prove an account, as telephones do.
    pub(crate) fn asks_for_accounts(&self, flow: &Flow) -> bool {
        self.serves && !self.trusted.contains(flow.remote)
    }

    pub(crate) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn random(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Our tag in whatever answers this request: the same for its repetitions and its CANCEL, and for no other (RFC 3261
    /// 8.2.7, 9.2).
    pub(crate) fn tag_for(&self, request: &Message) -> u64 {
        let mut hash = Sha256::new_with_prefix(self.tag_key);
        let branch = request.via().and_then(|via| via.branch()).unwrap_or_default();
        let from = request.from().and_then(|from| from.tag()).unwrap_or_default();
        for part in [branch, from, request.call_id()] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(request.cseq().map_or(0, |(number, _)| number).to_be_bytes());
        let digest = hash.finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |tag, byte| tag << 8 | u64::from(*byte))
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
