//! Ten thousand datagrams a second that are none of the call's, on the port of the call.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ponte_media::MediaPlane;

use crate::Failure;
use crate::call::{self, Call};
use crate::peer::Speaks;
use crate::sound;

const SECONDS: f64 = 10.0;
const A_SECOND: u64 = 10_000;
/// Datagrams between two looks at the clock.
const BURST: u64 = 20;

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Random bytes of every first byte that the port tells apart.
    Garbage,
    /// RTP of the call's payload type under another key, from the browser's own address.
    WrongKeys,
    /// The `ClientHello` of another, by turns from a stranger and from the browser's own address.
    ClientHello,
}

pub fn measure(browser_at: IpAddr, gateway_at: IpAddr) -> Result<String, Failure> {
    let plane = call::plane(gateway_at)?;
    let mut rows = Vec::new();
    for (kind, name) in [
        (None, "none"),
        (Some(Kind::Garbage), "garbage"),
        (Some(Kind::WrongKeys), "wrong_srtp_keys"),
        (Some(Kind::ClientHello), "foreign_client_hello"),
    ] {
        let (lost, sent) = run(&plane, kind, browser_at)?;
        eprintln!(
            "| {name} | {sent:.0} a second | lost to the telephone {:.2} % | to the browser {:.2} % |",
            lost[0], lost[1]
        );
        rows.push(format!(
            "{{\"flood\":\"{name}\",\"datagrams_a_second\":{sent:.0},\"lost_to_telephone_percent\":{:.2},\
             \"lost_to_browser_percent\":{:.2}}}",
            lost[0], lost[1]
        ));
    }
    Ok(format!("[{}]", rows.join(",")))
}

fn run(plane: &MediaPlane, kind: Option<Kind>, at: IpAddr) -> Result<([f64; 2], f64), Failure> {
    // Of PCMU what is missing stays missing on its way, and can be counted.
    let mut call = Call::start(plane, Speaks::Pcmu, at, Some(5))?;
    let path = call.path.as_ref().ok_or("no path")?;
    let (own, to) = (path.outside(), path.gateway);
    let hello = client_hello(at)?;
    let header = call.peer.last_header.clone();
    let audio = sound::tone(SECONDS);
    let from_browser = sound::packets(Speaks::Pcmu, &audio)?;
    let from_phone = sound::packets(Speaks::Pcmu, &audio)?;
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let flood = kind.map(|kind| {
        let (stop, sent) = (stop.clone(), sent.clone());
        std::thread::spawn(move || {
            let target = Target {
                own: &own,
                to,
                hello: &hello,
                header: &header,
            };
            pour(kind, &target, &stop, &sent);
        })
    });
    call.talk(&from_browser, &from_phone, |_, _| {})?;
    let rate = sent.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    if let Some(flood) = flood {
        drop(flood.join());
    }
    let lost_to_phone = missing(
        call.phone.heard.iter().map(|packet| packet.time),
        160,
        from_browser.len(),
    );
    let lost_to_browser = missing(
        call.peer.heard.iter().map(|packet| packet.time),
        160,
        from_phone.len(),
    );
    Ok(([lost_to_phone, lost_to_browser], rate))
}

/// How many of the frames that were said did not come, in per cent.
fn missing(times: impl Iterator<Item = u32>, step: u32, said: usize) -> f64 {
    let mut frames: Vec<u32> = times.map(|time| time / step).collect();
    frames.sort_unstable();
    frames.dedup();
    100.0 * (said.saturating_sub(frames.len())) as f64 / said as f64
}

struct Target<'a> {
    /// The socket that the gateway knows the browser by.
    own: &'a UdpSocket,
    to: SocketAddr,
    hello: &'a [u8],
    header: &'a Mutex<[u8; 12]>,
}

fn pour(kind: Kind, target: &Target<'_>, stop: &AtomicBool, sent: &AtomicU64) {
    let Ok(stranger) = UdpSocket::bind((target.to.ip(), 0)) else {
        return;
    };
    let begun = Instant::now();
    let mut number = 0u64;
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..BURST {
            number += 1;
            let own = number.is_multiple_of(2);
            let datagram = match kind {
                Kind::Garbage => garbage(number),
                Kind::WrongKeys => {
                    let header = *target.header.lock().unwrap_or_else(PoisonError::into_inner);
                    wrong_keys(header, number)
                }
                Kind::ClientHello => target.hello.to_vec(),
            };
            let socket = if own { target.own } else { &stranger };
            // What the kernel has no room for was no burden to the gateway, and does not count.
            if socket.send_to(&datagram, target.to).is_ok() {
                sent.fetch_add(1, Ordering::Relaxed);
            }
        }
        let due = begun + Duration::from_micros(1_000_000 * number / A_SECOND);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn garbage(number: u64) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..rand::random_range(1..200)).map(|_| rand::random()).collect();
    // STUN, DTLS, RTP, nothing.
    bytes[0] = [0, 22, 128, bytes[0]][(number % 4) as usize];
    if let Some(cookie) = bytes.get_mut(4..8) {
        cookie.copy_from_slice(&0x2112_A442u32.to_be_bytes());
    }
    bytes
}

/// A packet of the call's own stream, by turns near its newest and far from it, that another key protects.
fn wrong_keys(header: [u8; 12], number: u64) -> Vec<u8> {
    let mut packet = header.to_vec();
    let newest = u16::from_be_bytes([header[2], header[3]]);
    let sequence = if number.is_multiple_of(3) {
        rand::random()
    } else {
        newest.wrapping_add(rand::random_range(0..60))
    };
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet.extend((0..176).map(|_| rand::random::<u8>()));
    packet
}

/// The first flight of a DTLS client that has nothing to do with the call.
fn client_hello(at: IpAddr) -> Result<Vec<u8>, Failure> {
    let plane = call::plane(at)?;
    let call = Call::start(&plane, Speaks::Pcmu, at, Some(6))?;
    call.peer
        .first_dtls
        .clone()
        .ok_or_else(|| "no DTLS was seen".into())
}
