//! What a session costs: CPU and memory of a media plane in a process of its own.

use std::io::BufRead;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use opus::{Channels, Decoder};
use ponte_media::{Codec, MediaEvent, RemoteMedia};

use crate::Failure;
use crate::call;
use crate::peer::{Peer, Speaks};
use crate::sound;
use crate::support::{Served, cpu_time};

const SESSIONS: usize = 100;
const SECONDS: u64 = 8;
const ROUNDS: usize = 3;
const STEP: Duration = Duration::from_millis(20);
/// Frames a second, each way.
const FRAMES: f64 = 50.0;

/// What stands at the user's end of a session; at the other end is always a telephone of PCMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Telephone,
    Browser(Speaks),
}

impl Kind {
    const ALL: [Self; 3] = [
        Self::Telephone,
        Self::Browser(Speaks::Pcmu),
        Self::Browser(Speaks::Opus),
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Telephone => "rtp_to_rtp",
            Self::Browser(Speaks::Pcmu) => "webrtc_pcmu_to_rtp",
            Self::Browser(Speaks::Opus) => "webrtc_opus_to_rtp_pcmu",
        }
    }
}

/// CPU seconds a second of a hundred sessions; kilobytes a session; packets a second that each session's telephone was sent.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cores_of_100: f64,
    kilobytes: f64,
    packets: f64,
}

pub fn measure() -> Result<String, Failure> {
    let mut rows = Vec::new();
    let mut cores = [0.0; 3];
    for (kind, cores) in Kind::ALL.into_iter().zip(&mut cores) {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let cost = round_of(kind)?;
            eprintln!(
                "| {} | {:.4} cores of 100 sessions | {:.0} kB a session | {:.1} packets/s |",
                kind.name(),
                cost.cores_of_100,
                cost.kilobytes,
                cost.packets
            );
            rounds.push(cost);
        }
        rounds.sort_by(|a, b| a.cores_of_100.total_cmp(&b.cores_of_100));
        let median = rounds[ROUNDS / 2];
        *cores = median.cores_of_100;
        rows.push(format!(
            "{{\"kind\":\"{}\",\"sessions\":{SESSIONS},\"cores_of_100_sessions\":{:.4},\"kb_a_session\":{:.1},\
             \"packets_a_second\":{:.1},\"valid\":{}}}",
            kind.name(),
            median.cores_of_100,
            median.kilobytes,
            median.packets,
            median.packets > 0.97 * FRAMES
        ));
    }
    let [_, _, opus] = cores;
    let of_opus = |us: f64| 100.0 * FRAMES * 1e-6 * 100.0 * us / opus;
    let (encode, decode) = opus_cost()?;
    let (protect, unprotect) = srtp_cost()?;
    Ok(format!(
        "{{\"kinds\":[{}],\"opus_us_a_frame\":{{\"encode\":{encode:.1},\"decode\":{decode:.1}}},\
         \"aes_128_gcm_us_a_packet\":{{\"protect\":{protect:.2},\"unprotect\":{unprotect:.2}}},\
         \"share_of_an_opus_session_percent\":{{\"libopus\":{:.0},\"srtp\":{:.1}}}}}",
        rows.join(","),
        of_opus(encode + decode),
        of_opus(protect + unprotect)
    ))
}

fn round_of(kind: Kind) -> Result<Cost, Failure> {
    let mut plane = Served::start("webrtc")?;
    let before = plane.ask("state")?;
    let mut peers = Vec::new();
    let mut telephones = Vec::new();
    for _ in 0..SESSIONS {
        let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        match kind {
            Kind::Telephone => {
                let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                let ports = plane.ask(&format!("bridge {} {}", port(&near)?, port(&far)?))?;
                for (socket, port) in [near, far].into_iter().zip(ports) {
                    socket.connect((Ipv4Addr::LOCALHOST, u16::try_from(port)?))?;
                    telephones.push(socket);
                }
            }
            Kind::Browser(speaks) => {
                let mut peer = Peer::new(speaks, (Ipv4Addr::LOCALHOST, 0).into())?;
                let offer = peer.offer()?.replace("\r\n", "\u{1}");
                let answer = plane.ask_text(&format!("browser {} {offer}", port(&far)?))?;
                let (port, answer) = answer.split_once(' ').ok_or("no answer")?;
                peer.answer(&answer.replace('\u{1}', "\r\n"))?;
                far.connect((Ipv4Addr::LOCALHOST, port.parse()?))?;
                telephones.push(far);
                peers.push(peer);
            }
        }
    }
    for socket in &telephones {
        socket.set_nonblocking(true)?;
    }
    let patience = Instant::now() + Duration::from_mins(1);
    while peers.iter().any(|peer| !peer.connected) {
        if Instant::now() > patience {
            return Err("not every browser was connected".into());
        }
        for peer in &mut peers {
            peer.live(Instant::now() + Duration::from_micros(100))?;
        }
    }
    for peer in &peers {
        peer.socket.set_nonblocking(true)?;
    }
    let mut run = Run::new(kind, peers, telephones)?;
    run.talk(Duration::from_secs(2));
    let (start, from) = (plane.ask("state")?, Instant::now());
    let heard = run.talk(Duration::from_secs(SECONDS));
    let end = plane.ask("state")?;
    let seconds = from.elapsed().as_secs_f64();
    Ok(Cost {
        cores_of_100: (end[0] - start[0]) as f64 / 1e9 / seconds * 100.0 / SESSIONS as f64,
        kilobytes: end[1].saturating_sub(before[1]) as f64 / 1024.0 / SESSIONS as f64,
        packets: heard as f64 / seconds / SESSIONS as f64,
    })
}

struct Run {
    peers: Vec<Peer>,
    telephones: Vec<UdpSocket>,
    said: Vec<Vec<u8>>,
    packet: [u8; 172],
    turn: u32,
}

impl Run {
    fn new(kind: Kind, peers: Vec<Peer>, telephones: Vec<UdpSocket>) -> Result<Self, Failure> {
        let audio = sound::speech()?;
        let said = match kind {
            Kind::Telephone => Vec::new(),
            // Encoded once for all: this process must keep up.
            Kind::Browser(speaks) => sound::packets(speaks, &audio)?,
        };
        let mut packet = [0; 172];
        packet[0] = 0x80;
        packet[12..].copy_from_slice(&sound::packets(Speaks::Pcmu, &audio)?[60]);
        Ok(Self {
            peers,
            telephones,
            said,
            packet,
            turn: 0,
        })
    }

    /// Every session says a packet each 20 ms, spread evenly; how many packets the far telephones were sent.
    fn talk(&mut self, duration: Duration) -> u64 {
        let mut buffer = [0; 2048];
        let steps = (duration.as_nanos() / STEP.as_nanos()) as u32;
        let begun = Instant::now();
        let count = self.telephones.len().max(1) as u32;
        let mut heard = 0;
        for step in 0..steps {
            self.turn += 1;
            self.packet[2..4].copy_from_slice(&(self.turn as u16).to_be_bytes());
            self.packet[4..8].copy_from_slice(&self.turn.wrapping_mul(160).to_be_bytes());
            for (index, telephone) in self.telephones.iter().enumerate() {
                self.packet[8..12].copy_from_slice(&(index as u32 + 1).to_be_bytes());
                drop(telephone.send(&self.packet));
                while telephone.recv(&mut buffer).is_ok() {
                    heard += 1;
                }
                if let Some(peer) = self.peers.get_mut(index) {
                    let said = &self.said[self.turn as usize % self.said.len()];
                    peer.speak(said);
                    peer.glance(&mut buffer);
                    peer.heard.clear();
                }
                let due = begun + STEP * step + STEP * index as u32 / count;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        }
        // Between telephones both ends are ours.
        if self.peers.is_empty() { heard / 2 } else { heard }
    }
}

fn port(socket: &UdpSocket) -> Result<u16, Failure> {
    Ok(socket.local_addr()?.port())
}

/// The plane in its own process: `bridge PORT PORT`, `browser PORT OFFER`, `state` (CPU ns, resident bytes).
pub fn serve() -> Result<(), Failure> {
    let plane = call::plane(IpAddr::V4(Ipv4Addr::LOCALHOST))?;
    let telephone = |port: &str| -> Result<_, Failure> {
        let (id, at) = plane.open(1)?;
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse()?));
        plane.set_remote(id, RemoteMedia::new(to, Codec::Pcmu));
        Ok((id, at.port()))
    };
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        while let Some(event) = plane.next_event() {
            if let MediaEvent::BrowserLost { .. } = event {
                eprintln!("a browser was lost");
            }
        }
        match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["state"] => println!("{} {}", cpu_time(), resident()?),
            ["bridge", a, b] => {
                let ((a, at_a), (b, at_b)) = (telephone(a)?, telephone(b)?);
                plane.bridge(a, b)?;
                println!("{at_a} {at_b}");
            }
            ["browser", far, offer] => {
                let browser = plane.open_browser(1)?;
                let offer = offer.replace('\u{1}', "\r\n");
                let answer = plane.answer_browser(browser, &offer)?.ok_or("no answer")?;
                let (far, at) = telephone(far)?;
                plane.bridge(browser, far)?;
                println!("{at} {}", answer.replace("\r\n", "\u{1}"));
            }
            _ => return Err("an unknown request".into()),
        }
    }
    Ok(())
}

/// Resident memory of this process, in bytes.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmRSS")?
        .parse()?;
    Ok(1024 * kilobytes)
}

/// Microseconds of CPU that libopus takes for a frame, as the gateway sets it.
fn opus_cost() -> Result<(f64, f64), Failure> {
    let audio = sound::speech()?;
    let mut encoder = sound::encoder()?;
    encoder.set_bitrate(opus::Bitrate::Bits(24_000))?;
    encoder.set_complexity(5)?;
    let mut decoder = Decoder::new(8_000, Channels::Mono)?;
    let mut packets = Vec::new();
    let before = cpu_time();
    for frame in audio.chunks_exact(160) {
        packets.push(encoder.encode_vec(frame, 400)?);
    }
    let encoded = cpu_time();
    let mut room = [0; 960];
    for packet in &packets {
        decoder.decode(packet, &mut room, false)?;
    }
    let per_frame = |ns: i64| ns as f64 / 1e3 / packets.len() as f64;
    Ok((per_frame(encoded - before), per_frame(cpu_time() - encoded)))
}

/// Microseconds of CPU to protect and to unprotect a packet of 72 bytes.
fn srtp_cost() -> Result<(f64, f64), Failure> {
    const PACKETS: u32 = 20_000;
    let provider = str0m::crypto::from_feature_flags().srtp_provider;
    let gcm = provider.aead_aes_128_gcm();
    let (mut seal, mut open) = (
        gcm.create_cipher([7; 16], true),
        gcm.create_cipher([7; 16], false),
    );
    let (header, payload) = ([0x80; 12], [5; 72]);
    let (mut sealed, mut opened) = ([0; 72 + 16], [0; 72 + 16]);
    let iv = |n: u32| {
        let mut iv = [0; 12];
        iv[..4].copy_from_slice(&n.to_be_bytes());
        iv
    };
    let before = cpu_time();
    for n in 0..PACKETS {
        seal.encrypt(&iv(n), &header, &payload, &mut sealed)?;
    }
    let protected = cpu_time();
    for _ in 0..PACKETS {
        open.decrypt(&iv(PACKETS - 1), &[&header], &sealed, &mut opened)?;
    }
    let per_packet = |ns: i64| ns as f64 / 1e3 / f64::from(PACKETS);
    Ok((per_packet(protected - before), per_packet(cpu_time() - protected)))
}
