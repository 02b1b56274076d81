//! What mixing costs: CPU time for each member and second of a conference, beside that for each endpoint and second of the
//! plain relay, in the same run and with as many endpoints.
//!
//! `cargo run --release -p ponte-media --example mixer_bench -- [members,members,…] [seconds]`
//!
//! The media plane runs in a child process, so that its CPU time is its own; this process plays the telephones, each of
//! which speaks without a pause. Loopback only, bounded in endpoints and time.

mod support;

use std::io::BufRead;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use ponte_media::{Codec, MediaConfig, MediaPlane, PortRange, RemoteMedia, Role, analysis, g711};

use support::{Failure, Served, cpu_time};

/// Endpoints of each round, or a little fewer.
const ENDPOINTS: usize = 240;
const MAX_MEMBERS: usize = 16;
const MAX_SECONDS: u64 = 60;
/// Of each kind, taken in turns, so that a disturbance of the machine meets both.
const ROUNDS: usize = 3;
/// A member is sent 50 packets a second: with fewer, the machine had no time for one of the two processes.
const LEAST_PACKETS: f64 = 48.0;
const INTERVAL: Duration = Duration::from_millis(20);
const SAMPLES: usize = 160;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, kind] = arguments.as_slice()
        && serve == "--serve"
    {
        return serve_plane(kind == "mixer");
    }
    let sizes: Vec<usize> = match arguments.first() {
        Some(list) => list.split(',').map(str::parse).collect::<Result<_, _>>()?,
        None => vec![3, 5, 16],
    };
    let seconds = arguments.get(1).map_or(Ok(5), |text| text.parse())?;
    let sizes_fit = sizes.iter().all(|size| (2..=MAX_MEMBERS).contains(size));
    if !sizes_fit || !(1..=MAX_SECONDS).contains(&seconds) {
        return Err(format!("2 to {MAX_MEMBERS} members for 1 to {MAX_SECONDS} seconds").into());
    }
    eprintln!("| members | kind | CPU µs a member-second | packets sent a member-second |");
    eprintln!("| --- | --- | --- | --- |");
    let mut steps = Vec::new();
    for &members in &sizes {
        let mut rounds = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (rounds, (kind, group)) in rounds.iter_mut().zip([("relay", 2), ("mixer", members)]) {
                let result = measure(kind, group, Duration::from_secs(seconds))?;
                eprintln!(
                    "| {members} | {kind} | {:.1} | {:.1} |",
                    result.cpu_us, result.packets
                );
                rounds.push(result);
            }
        }
        // Medians: one round that the machine disturbed does not decide.
        let [relay, mixer] = rounds.map(|mut rounds| {
            rounds.sort_by(|a, b| a.cpu_us.total_cmp(&b.cpu_us));
            rounds.swap_remove(rounds.len() / 2)
        });
        let ratio = mixer.cpu_us / relay.cpu_us;
        let valid = relay.packets.min(mixer.packets) >= LEAST_PACKETS;
        let verdict = if valid {
            ""
        } else {
            "not valid: the machine was busy"
        };
        eprintln!("| {members} | ratio | {ratio:.3} | {verdict} |");
        steps.push(format!(
            "{{\"members\":{members},\"valid\":{valid},\"ratio\":{ratio:.3},\"relay\":{},\"mixer\":{}}}",
            relay.json(),
            mixer.json()
        ));
    }
    println!("{{\"steps\":[{}]}}", steps.join(","));
    Ok(())
}

/// For each member and second.
struct Measured {
    cpu_us: f64,
    packets: f64,
}

impl Measured {
    fn json(&self) -> String {
        format!(
            "{{\"cpu_us_a_member_second\":{:.2},\"packets_sent_a_member_second\":{:.2}}}",
            self.cpu_us, self.packets
        )
    }
}

fn measure(kind: &str, group: usize, duration: Duration) -> Result<Measured, Failure> {
    let mut plane = Served::start(kind)?;
    let mut sockets = Vec::with_capacity(ENDPOINTS);
    for _ in 0..ENDPOINTS / group {
        let phones: Vec<UdpSocket> = (0..group)
            .map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<Result<_, _>>()?;
        let mut ports = Vec::with_capacity(group);
        for phone in &phones {
            ports.push(phone.local_addr()?.port().to_string());
        }
        let answer = plane.ask(&ports.join(" "))?;
        for (phone, port) in phones.into_iter().zip(answer) {
            phone.set_nonblocking(true)?;
            phone.connect((Ipv4Addr::LOCALHOST, u16::try_from(port)?))?;
            sockets.push(phone);
        }
    }
    talk(&sockets, 0, Duration::from_secs(1));
    let before = plane.ask("cpu")?;
    let start = Instant::now();
    talk(&sockets, 50, duration);
    let after = plane.ask("cpu")?;
    let member_seconds = sockets.len() as f64 * start.elapsed().as_secs_f64();
    Ok(Measured {
        cpu_us: (after[0] - before[0]) as f64 / 1e3 / member_seconds,
        packets: (after[1] - before[1]) as f64 / member_seconds,
    })
}

/// Sends for each socket every 20 ms, spread evenly over them, and takes what came for it. `turn` counts the packets of each.
fn talk(sockets: &[UdpSocket], first_turn: u32, duration: Duration) {
    let voice = g711::encode(Codec::Pcma, &analysis::sines(&[400.0, 1100.0], -20.0, 0.02));
    let mut packet = [0u8; 12 + SAMPLES];
    packet[1] = Codec::Pcma.payload_type();
    packet[0] = 0x80;
    packet[12..].copy_from_slice(&voice);
    let gap = INTERVAL / sockets.len() as u32;
    let total = (duration.as_nanos() / INTERVAL.as_nanos()) as usize * sockets.len();
    let start = Instant::now();
    let mut buffer = [0u8; 2048];
    for number in 0..total {
        let due = start + gap * number as u32;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let index = number % sockets.len();
        let turn = first_turn + (number / sockets.len()) as u32;
        packet[2..4].copy_from_slice(&(turn as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&turn.wrapping_mul(SAMPLES as u32).to_be_bytes());
        packet[8..12].copy_from_slice(&(index as u32 + 1).to_be_bytes());
        // What the kernel refuses is lost, and shows in the packets that come back.
        let _ = sockets[index].send(&packet);
        while sockets[index].recv(&mut buffer).is_ok() {}
    }
}

/// Reads the ports of telephones that belong together and answers with the ports to send to; `cpu` asks for time and packets.
fn serve_plane(mixes: bool) -> Result<(), Failure> {
    let plane = MediaPlane::start(
        MediaConfig {
            threads: 1,
            ports: PortRange {
                first: 20_000,
                last: 29_999,
            },
            preferred: false,
            ..MediaConfig::default()
        },
        || {},
    )?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line == "cpu" {
            println!("{} {}", cpu_time(), plane.stats().packets_out);
            continue;
        }
        let mut ids = Vec::new();
        let mut ports = Vec::new();
        for port in line.split_whitespace() {
            let (id, to) = plane.open(1)?;
            let telephone = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse()?));
            plane.set_remote(id, RemoteMedia::new(telephone, Codec::Pcma));
            ids.push(id);
            ports.push(to.port().to_string());
        }
        if mixes {
            let room = plane.create_room(1, false)?;
            for &id in &ids {
                plane.join(room, id, Role::Speaker)?;
            }
        } else if let [a, b] = ids[..] {
            plane.bridge(a, b)?;
        }
        println!("{}", ports.join(" "));
    }
    Ok(())
}
