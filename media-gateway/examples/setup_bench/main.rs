//! What setting up call backs costs: the gateway as its own process, an edge that dials, telephones that answer at
//! once, and beside it the same two legs by the SIP layer alone, in the same run. `bench/README.md` has the plan.
//!
//! `cargo run --release -p ponte-gateway --example setup_bench -- [rate,rate,…] [seconds]`
//!
//! Prints one JSON object. Linux only; loopback only, bounded in calls and time. `PONTE_GATEWAY` names the gateway's
//! binary; without it cargo builds the one beside this program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod baseline;
mod board;
mod edge;
mod gateway;
mod process;
mod telephones;

use board::{Board, Step};
use edge::Edge;
use gateway::Gateway;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use telephones::Telephones;

/// Telephones answer for this many users, each with one call at a time.
pub const USERS: usize = 2000;
/// Dial commands a second, the most that is offered.
const MAX_RATE: u32 = 1000;
const MAX_SECONDS: u32 = 10;
/// Calls up at once while memory is read.
const CALLS_UP: usize = 300;
/// How long a call is up before telephone A hangs up.
const HOLD: Duration = Duration::from_secs(1);
/// What is not set up and torn down this long after the last dial has failed.
const PATIENCE: Duration = Duration::from_secs(8);
/// SIP keeps finished transactions for 64 × T1 = 32 s (RFC 3261 17); memory is read again after that.
const ALL_FORGOTTEN: Duration = Duration::from_secs(34);
/// A step with more failed calls, in percent, ends the climb.
const FAILED_MAX: f64 = 1.0;
/// Less of the planned rate than this, and the load was not what it says.
const RATE_MIN: f64 = 0.98;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rates: Vec<u32> = arguments
        .first()
        .map_or("10,100,200,400,800", String::as_str)
        .split(',')
        .map(|text| text.parse().expect("rates are numbers, with commas"))
        .collect();
    let seconds: u32 = arguments
        .get(1)
        .map_or(10, |text| text.parse().expect("seconds is a number"));
    assert!(
        rates.iter().all(|rate| (1..=MAX_RATE).contains(rate)) && (1..=MAX_SECONDS).contains(&seconds),
        "rates are 1 to {MAX_RATE} a second, for 1 to {MAX_SECONDS} seconds"
    );
    let board = Arc::new(Board::new(USERS));
    let telephones = Telephones::start(&board, HOLD);
    let edge = Edge::start(&board);
    let gateway = Gateway::start(edge.address(), telephones.address());
    wait("the gateway links", Duration::from_secs(20), || edge.linked());
    edge.enter_all();
    wait("the users enter the mode", Duration::from_mins(1), || {
        edge.entered() == USERS
    });
    std::thread::sleep(Duration::from_secs(1));

    let memory = memory(&board, &telephones, &edge, &gateway);
    eprintln!("memory: {memory}");
    let mut steps = Vec::new();
    let mut highest = 0;
    for rate in rates {
        let calls = (rate * seconds) as usize;
        let alone = baseline::run(&board, &telephones, rate, calls);
        let (with, failed) = through_the_gateway(&board, &telephones, &edge, &gateway, rate, calls);
        let ratio = |key: &str| Some(with[key].as_f64()? / alone[key].as_f64()?);
        let step = json!({
            "rate": rate,
            "gateway": with,
            "sip_layer_alone": alone,
            "ratio": { "p50": ratio("p50_ms").map(round), "cpu": ratio("cpu_ms_a_call").map(round) },
        });
        eprintln!("{step}");
        steps.push(step);
        if failed >= FAILED_MAX {
            break;
        }
        highest = highest.max(rate);
    }
    let end = json!({ "rss_mb": round(gateway.rss_kb() / 1024.0), "log_lines": gateway.log_lines() });
    println!(
        "{:#}",
        json!({
            "users": USERS,
            "hold_s": HOLD.as_secs(),
            "seconds_a_step": seconds,
            "memory": memory,
            "steps": steps,
            "highest_rate_under_1_percent_failed": highest,
            "after_all_steps": end,
        })
    );
}

/// Memory with no call, with [`CALLS_UP`] calls, right after they ended, and when SIP has forgotten them.
fn memory(board: &Board, telephones: &Telephones, edge: &Edge, gateway: &Gateway) -> Value {
    let idle = gateway.rss_kb();
    telephones.hold(None);
    let first = board.begin();
    edge.dial(100, CALLS_UP);
    wait(
        "the calls for the memory step are up",
        Duration::from_secs(15),
        || board.step(first).connected() == CALLS_UP,
    );
    std::thread::sleep(Duration::from_secs(1));
    let up = gateway.rss_kb();
    telephones.hold(Some(Duration::ZERO));
    wait("the calls for the memory step end", PATIENCE, || {
        board.step(first).over() == CALLS_UP
    });
    telephones.hold(Some(HOLD));
    std::thread::sleep(Duration::from_secs(1));
    let ended = gateway.rss_kb();
    std::thread::sleep(ALL_FORGOTTEN);
    let forgotten = gateway.rss_kb();
    let mb = |kb: f64| round(kb / 1024.0);
    json!({
        "calls": CALLS_UP,
        "idle_rss_mb": mb(idle),
        "up_rss_mb": mb(up),
        "kb_a_call_up": round((up - idle) / CALLS_UP as f64),
        "ended_rss_mb": mb(ended),
        "forgotten_rss_mb": mb(forgotten),
    })
}

/// One step of the climb; the figures, and how many percent of the calls failed.
fn through_the_gateway(
    board: &Board,
    telephones: &Telephones,
    edge: &Edge,
    gateway: &Gateway,
    rate: u32,
    calls: usize,
) -> (Value, f64) {
    telephones.take_own_time();
    let drops = telephones.drops() + gateway.drops();
    let (first, cpu) = (board.begin(), gateway.cpu());
    edge.dial(rate, calls);
    board.settle(first, calls, rate, PATIENCE);
    let cpu = gateway.cpu().saturating_sub(cpu);
    let step = board.step(first);
    let failed = step.failed_percent();
    let mut figures = figures(&step, calls, rate, cpu);
    figures["telephones_own_p99_ms"] = json!(round(percentile(&telephones.take_own_time(), 0.99)));
    figures["datagrams_dropped"] = json!(telephones.drops() + gateway.drops() - drops);
    figures["rss_mb"] = json!(round(gateway.rss_kb() / 1024.0));
    (figures, failed)
}

/// What a step says, with the gateway or without.
pub fn figures(step: &Step, calls: usize, rate: u32, cpu: Duration) -> Value {
    let times = step.times();
    let achieved = step.rate();
    json!({
        "calls": calls,
        "offered_a_second": round(achieved),
        "load_as_planned": achieved >= f64::from(rate) * RATE_MIN,
        "p50_ms": round(percentile(&times, 0.5)),
        "p99_ms": round(percentile(&times, 0.99)),
        "max_ms": round(percentile(&times, 1.0)),
        "failed_percent": round(step.failed_percent()),
        "refusals": step.refusals(),
        "cpu_ms_a_call": round(cpu.as_secs_f64() * 1e3 / calls as f64),
    })
}

/// The nearest rank of sorted durations, in milliseconds.
fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn wait(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < patience, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
