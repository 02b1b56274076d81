//! What relaying costs: the media plane against one plain thread of `recv` and connected `send`, in the same run, both at
//! the ordinary priority; and the plane with real-time priority, as it runs in the gateway where the system allows it. That
//! wakes up for each packet at once: a shorter wait, and on a busy machine more CPU time, for fewer packets share a wake-up.
//!
//! `cargo run --release -p ponte-media --example relay_bench -- [calls,calls,…] [seconds]`
//!
//! The relay runs in a child process, so that its CPU time is its own. This process plays both telephones of each
//! call: G.711 every 20 ms each way, the time of sending in the payload. Loopback only, bounded in calls and time.

mod support;

use std::io::BufRead;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ponte_media::{Codec, MediaConfig, MediaPlane, PortRange, RemoteMedia};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;

use support::{Failure, Served, cpu_time};

const MAX_CALLS: usize = 2000;
const MAX_SECONDS: u64 = 60;
/// Of each kind, taken in turns, so that a disturbance of the machine meets both.
const ROUNDS: usize = 3;
const PACKET: usize = 172;
const INTERVAL: Duration = Duration::from_millis(20);

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, kind] = arguments.as_slice()
        && serve == "--serve"
    {
        return match kind.as_str() {
            "floor" => serve_floor(),
            kind => serve_plane(kind == "preferred"),
        };
    }
    let calls: Vec<usize> = match arguments.first() {
        Some(list) => list.split(',').map(str::parse).collect::<Result<_, _>>()?,
        None => vec![100, 400],
    };
    let seconds = arguments.get(1).map_or(Ok(5), |text| text.parse())?;
    if calls.iter().any(|&n| n == 0 || n > MAX_CALLS) || !(1..=MAX_SECONDS).contains(&seconds) {
        return Err(format!("1 to {MAX_CALLS} calls for 1 to {MAX_SECONDS} seconds").into());
    }
    eprintln!("| calls | relay | CPU s / million packets | added p50 / p99 ms | lost |");
    eprintln!("| --- | --- | --- | --- | --- |");
    let mut steps = Vec::new();
    for &count in &calls {
        let mut rounds = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (rounds, kind) in rounds.iter_mut().zip(["floor", "plane", "preferred"]) {
                let result = measure(kind, count, Duration::from_secs(seconds))?;
                eprintln!(
                    "| {count} | {kind} | {:.2} | {:.3} / {:.3} | {} |",
                    result.cpu_per_million, result.p50, result.p99, result.lost
                );
                rounds.push(result);
            }
        }
        // Medians: one round that the machine disturbed does not decide.
        let [floor, plane, preferred] = rounds.map(|mut rounds| {
            rounds.sort_by(|a, b| a.cpu_per_million.total_cmp(&b.cpu_per_million));
            rounds.swap_remove(rounds.len() / 2)
        });
        let ratio = plane.cpu_per_million / floor.cpu_per_million;
        eprintln!("| {count} | ratio | {ratio:.3} | | |");
        steps.push(format!(
            "{{\"calls\":{count},\"ratio\":{ratio:.3},\"floor\":{},\"plane\":{},\"preferred\":{}}}",
            floor.json(),
            plane.json(),
            preferred.json()
        ));
    }
    println!("{{\"steps\":[{}]}}", steps.join(","));
    Ok(())
}

struct Measured {
    cpu_per_million: f64,
    p50: f64,
    p99: f64,
    lost: u64,
}

impl Measured {
    fn json(&self) -> String {
        format!(
            "{{\"cpu_s_per_million_packets\":{:.3},\"added_p50_ms\":{:.3},\"added_p99_ms\":{:.3},\"lost\":{}}}",
            self.cpu_per_million, self.p50, self.p99, self.lost
        )
    }
}

fn measure(kind: &str, calls: usize, duration: Duration) -> Result<Measured, Failure> {
    let mut relay = Served::start(kind)?;
    let mut sockets = Vec::with_capacity(calls * 2);
    for _ in 0..calls {
        let (a, b) = (
            UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?,
            UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?,
        );
        let ports = relay.ask(&format!("{} {}", a.local_addr()?.port(), b.local_addr()?.port()))?;
        for (socket, port) in [a, b].into_iter().zip(ports) {
            socket.set_nonblocking(true)?;
            socket.connect((Ipv4Addr::LOCALHOST, u16::try_from(port)?))?;
            sockets.push(socket);
        }
    }
    let sockets = Arc::new(sockets);
    let origin = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let measuring = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let receiver = {
        let (sockets, stop, measuring) = (sockets.clone(), stop.clone(), measuring.clone());
        std::thread::spawn(move || receive(&sockets, origin, &stop, &measuring).map_err(|e| e.to_string()))
    };
    let sender = {
        let (sockets, stop, sent) = (sockets.clone(), stop.clone(), sent.clone());
        std::thread::spawn(move || send(&sockets, origin, &stop, &sent))
    };
    std::thread::sleep(Duration::from_secs(1));
    let before = relay.ask("cpu")?;
    measuring.store(true, Relaxed);
    std::thread::sleep(duration);
    let after = relay.ask("cpu")?;
    measuring.store(false, Relaxed);
    stop.store(true, Relaxed);
    sender.join().map_err(|_| "the sender panicked")?;
    // What is on its way still arrives.
    let (mut latencies, received) = receiver.join().map_err(|_| "the receiver panicked")??;

    let (cpu, packets) = (after[0] - before[0], after[1] - before[1]);
    latencies.sort_unstable();
    let quantile = |q: f64| latencies[((latencies.len() - 1) as f64 * q) as usize] as f64 / 1e6;
    Ok(Measured {
        cpu_per_million: cpu as f64 / 1e9 / (packets as f64 / 1e6),
        p50: quantile(0.5),
        p99: quantile(0.99),
        lost: sent.load(Relaxed).saturating_sub(received),
    })
}

/// Sends for each socket every 20 ms, spread evenly over them.
fn send(sockets: &[UdpSocket], origin: Instant, stop: &AtomicBool, sent: &AtomicU64) {
    let mut packet = [0xD5u8; PACKET];
    packet[..12].copy_from_slice(&[0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let gap = INTERVAL / sockets.len() as u32;
    let start = Instant::now();
    let mut number = 0u64;
    while !stop.load(Relaxed) {
        let due = (start.elapsed().as_nanos() / gap.as_nanos()) as u64;
        while number < due {
            let index = (number % sockets.len() as u64) as usize;
            let turn = (number / sockets.len() as u64) as u32;
            packet[2..4].copy_from_slice(&(turn as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&turn.wrapping_mul(160).to_be_bytes());
            packet[8..12].copy_from_slice(&(index as u32 + 1).to_be_bytes());
            let now = origin.elapsed().as_nanos() as u64;
            packet[12..20].copy_from_slice(&now.to_be_bytes());
            if sockets[index].send(&packet).is_ok() {
                sent.fetch_add(1, Relaxed);
            }
            number += 1;
        }
        std::thread::sleep(gap.max(Duration::from_micros(200)));
    }
}

/// The latencies in nanoseconds while measured, and the number of all packets.
fn receive(
    sockets: &[UdpSocket],
    origin: Instant,
    stop: &AtomicBool,
    measuring: &AtomicBool,
) -> Result<(Vec<u64>, u64), std::io::Error> {
    let poll = watch(sockets)?;
    let mut latencies = Vec::with_capacity(1 << 20);
    let mut count = 0;
    let mut ready = Vec::with_capacity(256);
    let mut buffer = [0u8; 2048];
    let mut quiet = 0;
    while quiet < 10 {
        wait(&poll, &mut ready)?;
        quiet = if stop.load(Relaxed) && ready.is_empty() {
            quiet + 1
        } else {
            0
        };
        for event in &ready {
            let Ok(length) = sockets[event.data.u64() as usize].recv(&mut buffer) else {
                continue;
            };
            // Reports of the relay come to another port and are not seen here.
            if length != PACKET {
                continue;
            }
            count += 1;
            if measuring.load(Relaxed) {
                let sent = buffer[12..20]
                    .iter()
                    .fold(0u64, |sum, &byte| (sum << 8) | u64::from(byte));
                latencies.push((origin.elapsed().as_nanos() as u64).saturating_sub(sent));
            }
        }
        ready.clear();
    }
    Ok((latencies, count))
}

/// Level-triggered: one read for each wake-up and socket, the least a loop can do.
fn watch<S: AsFd>(sockets: &[S]) -> Result<std::os::fd::OwnedFd, std::io::Error> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (index, socket) in sockets.iter().enumerate() {
        epoll::add(
            &poll,
            socket,
            epoll::EventData::new_u64(index as u64),
            epoll::EventFlags::IN,
        )?;
    }
    Ok(poll)
}

fn wait(poll: &std::os::fd::OwnedFd, ready: &mut Vec<epoll::Event>) -> Result<(), std::io::Error> {
    let timeout = rustix::event::Timespec {
        tv_sec: 0,
        tv_nsec: 20_000_000,
    };
    match epoll::wait(poll, spare_capacity(ready), Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Reads pairs of peer ports and answers each with the ports to send to; `cpu` asks for time and packets.
fn serve(
    mut open: impl FnMut(SocketAddr, SocketAddr) -> Result<(u16, u16), Failure>,
    mut opened: impl FnMut() -> Result<(), Failure>,
    packets: impl Fn() -> u64,
) -> Result<(), Failure> {
    let mut started = false;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line == "cpu" {
            println!("{} {}", cpu_time(), packets());
            continue;
        }
        let ports: Vec<u16> = line
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [a, b] = ports.try_into().map_err(|_| "two ports expected")?;
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (to_a, to_b) = open(address(a), address(b))?;
        println!("{to_a} {to_b}");
        if !started {
            started = true;
            opened()?;
        }
    }
    Ok(())
}

fn serve_plane(preferred: bool) -> Result<(), Failure> {
    let ports = PortRange {
        first: 20_000,
        last: 40_001,
    };
    let plane = MediaPlane::start(
        MediaConfig {
            threads: 1,
            ports,
            preferred,
            ..MediaConfig::default()
        },
        || {},
    )?;
    let open = |a, b| -> Result<(u16, u16), Failure> {
        let (a_id, to_a) = plane.open(1)?;
        let (b_id, to_b) = plane.open(1)?;
        plane.set_remote(a_id, RemoteMedia::new(a, Codec::Pcma));
        plane.set_remote(b_id, RemoteMedia::new(b, Codec::Pcma));
        plane.bridge(a_id, b_id)?;
        Ok((to_a.port(), to_b.port()))
    };
    serve(open, || Ok(()), || plane.stats().packets_out)
}

fn serve_floor() -> Result<(), Failure> {
    let poll = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?);
    let (give, take) = std::sync::mpsc::channel::<(UdpSocket, UdpSocket)>();
    let packets = Arc::new(AtomicU64::new(0));
    let counter = packets.clone();
    let mut loop_parts = Some((poll, take));
    let open = move |a: SocketAddr, b: SocketAddr| -> Result<(u16, u16), Failure> {
        let bound = |peer: SocketAddr| -> Result<UdpSocket, std::io::Error> {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_nonblocking(true)?;
            socket.connect(peer)?;
            Ok(socket)
        };
        let (to_a, to_b) = (bound(a)?, bound(b)?);
        let ports = (to_a.local_addr()?.port(), to_b.local_addr()?.port());
        give.send((to_a, to_b))?;
        Ok(ports)
    };
    let opened = move || -> Result<(), Failure> {
        if let Some((poll, take)) = loop_parts.take() {
            let counter = counter.clone();
            std::thread::spawn(move || floor_loop(&poll, &take, &counter));
        }
        Ok(())
    };
    serve(open, opened, move || packets.load(Relaxed))
}

fn floor_loop(
    poll: &std::os::fd::OwnedFd,
    take: &std::sync::mpsc::Receiver<(UdpSocket, UdpSocket)>,
    counter: &AtomicU64,
) {
    let mut sockets: Vec<UdpSocket> = Vec::new();
    let mut ready = Vec::with_capacity(1024);
    let mut buffer = [0u8; 2048];
    let mut count = 0;
    loop {
        while let Ok((a, b)) = take.try_recv() {
            for socket in [a, b] {
                let index = epoll::EventData::new_u64(sockets.len() as u64);
                if epoll::add(poll, &socket, index, epoll::EventFlags::IN).is_err() {
                    return;
                }
                sockets.push(socket);
            }
        }
        if wait(poll, &mut ready).is_err() {
            return;
        }
        for event in &ready {
            let index = event.data.u64() as usize;
            if let Ok(length) = sockets[index].recv(&mut buffer)
                && sockets[index ^ 1].send(&buffer[..length]).is_ok()
            {
                count += 1;
            }
        }
        ready.clear();
        counter.store(count, Relaxed);
    }
}
