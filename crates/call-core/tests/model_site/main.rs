//! Random histories of a whole site: callers from outside, desk telephones, telecommuters who call each other, waiting,
//! holding, hot desking, voicemail, feature codes. Every invariant is watched, and what becomes of a caller is compared
//! with the reference.
//!
//! `PONTE_MODEL_HISTORIES` sets how many (2,000 otherwise), `PONTE_SEED` runs a single one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod checking;
mod drawing;
mod setting;

use ponte_call_core::{Event, LegEndKind, LegId, PlaybackToken};
use ponte_protocol::{BookedCode, CallId, Direction, UnixMillis, UserId};
use ponte_testkit::site::{
    ABROAD, ANNA, BRUNO, BRUNO_HOME, COMPANY, DID_ANNA, DID_BRUNO, HOME, MOBILE, OFFICE, PREMIUM, SHOP,
};
use ponte_testkit::{Callers, RandomHistory, Rng, Supervised, Trace, trace};
use std::collections::{BTreeMap, BTreeSet};

const CARLA: &str = "carla";
/// What people dial.
const DIALLED: [&str; 19] = [
    SHOP, SHOP, OFFICE, "201", "202", "203", "201", "202", DID_ANNA, DID_BRUNO, "299", COMPANY, "112", "*97",
    "*11", "*12", "*98", ABROAD, PREMIUM,
];
/// Account codes that people give: two that the site has, one that is no longer in use, one that never was.
const CODES: [&str; 6] = ["1042", "1042", "2001", "2001", "999", "31"];
/// Where people forward their calls to.
const FORWARDED: [&str; 6] = ["201", "202", "203", SHOP, ABROAD, "299"];
/// Where people are.
const PLACES: [&str; 5] = [HOME, MOBILE, BRUNO_HOME, HOME, MOBILE];
const DEVICES: [(&str, Option<&str>, bool); 4] = [
    ("desk-201", Some(ANNA), false),
    ("desk-202", Some(BRUNO), true),
    ("corner", None, true),
    ("lift", None, false),
];
/// How a leg may end: kind, SIP status, Q.850 cause.
const ENDS: [(LegEndKind, Option<u16>, Option<u8>); 12] = [
    (LegEndKind::Remote, None, None),
    (LegEndKind::Remote, None, Some(16)),
    (LegEndKind::Remote, Some(487), None),
    (LegEndKind::Remote, Some(486), None),
    (LegEndKind::Remote, Some(503), None),
    (LegEndKind::Remote, Some(603), None),
    (LegEndKind::Remote, Some(404), None),
    (LegEndKind::Closed, Some(487), None),
    (LegEndKind::Closed, None, None),
    (LegEndKind::Timeout, None, None),
    (LegEndKind::IncompatibleMedia, None, None),
    (LegEndKind::Internal, None, None),
];

struct History {
    rng: Rng,
    now: UnixMillis,
    switch: Supervised,
    callers: Callers,
    users: [UserId; 4],
    legs: Vec<LegId>,
    /// Those of them that are neither over nor told to close.
    up: Vec<LegId>,
    closing: Vec<LegId>,
    calls: Vec<CallId>,
    tokens: Vec<(LegId, PlaybackToken)>,
    pins: Vec<(LegId, u64)>,
    /// Numbers that were keyed in.
    numbers: Vec<(LegId, u64)>,
    ids: u128,
    trace: Trace,
    seen: Seen,
    /// Calls whose user was lost.
    lost: BTreeSet<CallId>,
    /// What portals were last told that a call is booked to.
    booked: BTreeMap<CallId, Option<BookedCode>>,
    /// Users whose calls to outside need an account code.
    required: BTreeSet<UserId>,
}

impl RandomHistory for History {
    const WAKES_MAX: usize = 10_000;

    fn new(seed: u64) -> Self {
        Self::new(seed)
    }

    fn step(&mut self) {
        self.step();
    }

    fn event(&mut self, event: Event) {
        self.event(event);
    }

    fn timeout(&mut self) {
        self.timeout();
    }

    fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    fn now(&mut self) -> &mut UnixMillis {
        &mut self.now
    }

    fn switch(&self) -> &Supervised {
        &self.switch
    }

    fn legs(&self) -> &[LegId] {
        &self.legs
    }
}

#[test]
fn random_histories_of_a_site_break_no_invariant() {
    if let Some(seed) = trace::wanted_seed() {
        History::run(seed);
        return;
    }
    let mut seen = Seen::default();
    let histories = trace::histories();
    for seed in 0..histories {
        let history = History::run(seed);
        seen.add(&history);
        if seed < 20 {
            let timeouts = History::new(seed).switch.timeouts();
            history.trace.replay(timeouts);
        }
    }
    eprintln!("{seen:?}");
    // A model test that never gets anywhere proves nothing.
    for (what, count, least) in [
        ("rang", seen.rang, 5_000),
        ("waited", seen.waited, 700),
        ("to voicemail", seen.to_voicemail, 1_500),
        ("refused", seen.refused, 5_000),
        ("answered", seen.answered, 1_500),
        ("messages", seen.messages, 1_500),
        ("held", seen.held, 500),
        ("joined", seen.joined, 500),
        ("logged on", seen.logged_on, 500),
        ("moved", seen.moved, 60),
        ("attached", seen.attached, 40),
        ("rejoining", seen.rejoining, 80),
        ("rejoined", seen.rejoined, 20),
        ("booked", seen.booked, 200),
        ("taken over", seen.taken_over, 250),
        ("calls", seen.calls, 20_000),
    ] {
        let least = least * histories / 2_000;
        assert!(count >= least, "only {count} {what}: {seen:?}");
    }
}

/// What the histories came to.
#[derive(Debug, Default)]
struct Seen {
    calls: u64,
    rang: u64,
    waited: u64,
    to_voicemail: u64,
    refused: u64,
    answered: u64,
    messages: u64,
    held: u64,
    joined: u64,
    logged_on: u64,
    moved: u64,
    attached: u64,
    rejoining: u64,
    rejoined: u64,
    booked: u64,
    taken_over: u64,
}

impl Seen {
    fn add(&mut self, history: &History) {
        let seen = &history.seen;
        self.rang += seen.rang;
        self.waited += seen.waited;
        self.to_voicemail += seen.to_voicemail;
        self.refused += seen.refused;
        self.held += seen.held;
        self.joined += seen.joined;
        self.attached += seen.attached;
        self.rejoining += seen.rejoining;
        self.rejoined += seen.rejoined;
        self.booked += seen.booked;
        self.taken_over += seen.taken_over;
        self.logged_on += seen.logged_on;
        self.moved += seen.moved;
        for record in history.switch.records() {
            self.calls += 1;
            let taken = record.direction == Direction::Incoming && record.connected_at.is_some();
            self.answered += u64::from(taken);
            self.messages += u64::from(record.message.is_some());
        }
    }
}
