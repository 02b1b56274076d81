//! How long a busy machine makes media threads wait, with and without their preference over ordinary threads.
//!
//! `cargo run --release -p ponte-media --example pause_bench -- [busy threads] [seconds]`
//!
//! A tone is played to a socket while so many threads compute; what is told is the media thread's own longest lateness, how
//! often it was late by a packet's time, and the longest gap between two packets. The listener itself is preferred in both
//! rounds, so that its own waits do not count.

use std::hint::black_box;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use ponte_media::{Codec, MediaConfig, MediaPlane, PlayMode, PortRange, RemoteMedia, Source, Tone};

type Failure = Box<dyn std::error::Error>;

const MAX_BUSY: usize = 64;
const MAX_SECONDS: u64 = 60;

fn main() -> Result<(), Failure> {
    let arguments: Vec<u64> = std::env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<Result<_, _>>()?;
    let busy = arguments.first().map_or(8, |&count| count as usize);
    let seconds = arguments.get(1).copied().unwrap_or(10);
    if busy > MAX_BUSY || !(1..=MAX_SECONDS).contains(&seconds) {
        return Err(format!("0 to {MAX_BUSY} busy threads, 1 to {MAX_SECONDS} seconds").into());
    }
    println!("| busy threads | preferred | longest lateness ms | late by a packet | longest gap ms |");
    println!("| --- | --- | --- | --- | --- |");
    for preferred in [false, true] {
        measure(busy, Duration::from_secs(seconds), preferred)?;
    }
    Ok(())
}

fn measure(busy: usize, duration: Duration, preferred: bool) -> Result<(), Failure> {
    let plane = MediaPlane::start(
        MediaConfig {
            threads: 1,
            ports: PortRange {
                first: 20_000,
                last: 20_099,
            },
            preferred,
            ..MediaConfig::default()
        },
        || {},
    )?;
    let telephone = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    telephone.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (id, _) = plane.open(1)?;
    plane.set_remote(id, RemoteMedia::new(telephone.local_addr()?, Codec::Pcma));
    plane.play(id, Source::Tone(Tone::Busy), PlayMode::Loop);

    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..busy)
        .map(|_| {
            let stop = stop.clone();
            std::thread::spawn(move || {
                while !stop.load(Relaxed) {
                    black_box((0..1000u64).map(black_box).sum::<u64>());
                }
            })
        })
        .collect();
    let listener = std::thread::spawn(move || longest_gap(&telephone, duration));
    let gap = listener.join().map_err(|_| "the listener panicked")?;
    stop.store(true, Relaxed);
    for thread in threads {
        thread.join().map_err(|_| "a busy thread panicked")?;
    }
    let stats = plane.stats();
    println!(
        "| {busy} | {} | {:.1} | {} | {:.1} |",
        if stats.preferred_threads > 0 { "yes" } else { "no" },
        stats.longest_lateness.as_secs_f64() * 1e3,
        stats.late_wakeups,
        gap?.as_secs_f64() * 1e3,
    );
    Ok(())
}

fn longest_gap(telephone: &UdpSocket, duration: Duration) -> Result<Duration, std::io::Error> {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    if set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy).is_err() {
        eprintln!("the listener has ordinary priority: its own waits count");
    }
    let mut buffer = [0u8; 2048];
    telephone.recv(&mut buffer)?;
    let start = Instant::now();
    let (mut last, mut longest) = (start, Duration::ZERO);
    while start.elapsed() < duration {
        telephone.recv(&mut buffer)?;
        let now = Instant::now();
        longest = longest.max(now - last);
        last = now;
    }
    Ok(longest)
}
