//! Telephones on real sockets for the tests of the media plane.
#![allow(dead_code, unreachable_pub)]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use ponte_media::{
    Codec, EndpointId, MediaConfig, MediaEvent, MediaPlane, PortRange, RemoteMedia, analysis, g711,
};
use rtp_types::{RtpPacket, RtpPacketBuilder};

/// A plane of one thread whose timers are short enough for a test.
pub fn plane() -> MediaPlane {
    MediaPlane::start(config(), || {}).unwrap()
}

/// Ports that no other test of this process uses.
pub fn config() -> MediaConfig {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = (std::process::id() % 200) as u16;
    let first = 20_000 + process * 100 + NEXT.fetch_add(1, Ordering::Relaxed) % 5 * 20;
    MediaConfig {
        threads: 1,
        ports: PortRange {
            first,
            last: first + 19,
        },
        no_rtp_after: [Duration::from_millis(500), Duration::from_secs(1)],
        rtcp_interval: Duration::from_millis(200),
        ..MediaConfig::default()
    }
}

#[derive(Debug, Clone)]
pub struct Heard {
    pub at: Instant,
    pub from: SocketAddr,
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
}

/// A peer: RTP and RTCP sockets, a voice of known frequencies, and all that it heard.
pub struct Phone {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
    pub codec: Codec,
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    /// What it says; nothing if empty.
    pub voice: Vec<f64>,
    pub to: SocketAddr,
    pub heard: Vec<Heard>,
    said: usize,
}

impl Phone {
    pub fn new(codec: Codec, to: SocketAddr) -> Self {
        let (rtp, rtcp) = loop {
            let rtp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = rtp.local_addr().unwrap().port();
            if let Some(next) = port.checked_add(1)
                && let Ok(rtcp) = UdpSocket::bind((Ipv4Addr::LOCALHOST, next))
            {
                break (rtp, rtcp);
            }
        };
        rtp.set_nonblocking(true).unwrap();
        rtcp.set_nonblocking(true).unwrap();
        Self {
            rtp,
            rtcp,
            codec,
            ssrc: rand::random(),
            sequence: rand::random(),
            timestamp: rand::random(),
            voice: Vec::new(),
            to,
            heard: Vec::new(),
            said: 0,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.rtp.local_addr().unwrap()
    }

    pub fn remote(&self) -> RemoteMedia {
        RemoteMedia::new(self.address(), self.codec)
    }

    /// Sends 20 ms of its voice.
    pub fn speak(&mut self) {
        let all = analysis::sines(&self.voice, -13.0, (self.said + 160) as f64 / 8000.0);
        let payload = g711::encode(self.codec, &all[self.said..]);
        // Frequencies here are multiples of 5 Hz: the voice repeats after 200 ms.
        self.said = (self.said + 160) % 1600;
        self.send(self.codec.payload_type(), false, &payload);
        self.timestamp = self.timestamp.wrapping_add(160);
    }

    /// Says 20 ms of its voice in a packet that never arrives.
    pub fn lose(&mut self) {
        self.said = (self.said + 160) % 1600;
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
    }

    /// Sends one packet with the next sequence number and the current timestamp.
    pub fn send(&mut self, payload_type: u8, marker: bool, payload: &[u8]) {
        let packet: Vec<u8> = RtpPacketBuilder::<&[u8], &[u8]>::new()
            .payload_type(payload_type)
            .marker_bit(marker)
            .sequence_number(self.sequence)
            .timestamp(self.timestamp)
            .ssrc(self.ssrc)
            .payload(payload)
            .write_vec()
            .unwrap();
        self.sequence = self.sequence.wrapping_add(1);
        self.rtp.send_to(&packet, self.to).unwrap();
    }

    pub fn listen(&mut self) {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = self.rtp.recv_from(&mut buffer) {
            let packet = RtpPacket::parse(&buffer[..length]).unwrap();
            self.heard.push(Heard {
                at: Instant::now(),
                from,
                payload_type: packet.payload_type(),
                marker: packet.marker_bit(),
                sequence: packet.sequence_number(),
                timestamp: packet.timestamp(),
                ssrc: packet.ssrc(),
                payload: packet.payload().to_vec(),
            });
        }
    }

    /// What is in these packets, as samples.
    pub fn audio_of(codec: Codec, heard: &[Heard]) -> Vec<i16> {
        let audio = heard.iter().filter(|packet| packet.payload_type < 96);
        audio
            .flat_map(|packet| analysis::decode(codec, &packet.payload))
            .collect()
    }

    /// The audio heard since the last call, as samples; checks that it is in the phone's own codec.
    pub fn take_audio(&mut self) -> Vec<i16> {
        self.listen();
        let codec = self.codec;
        let heard = std::mem::take(&mut self.heard);
        let audio = heard.iter().filter(|packet| packet.payload_type < 96);
        audio
            .flat_map(|packet| {
                assert_eq!(packet.payload_type, codec.payload_type());
                analysis::decode(codec, &packet.payload)
            })
            .collect()
    }
}

/// Lets every phone that has a voice speak for so long, while all listen.
pub fn talk(phones: &mut [&mut Phone], duration: Duration) {
    let start = Instant::now();
    let packets = duration.as_millis() / 20;
    for packet in 0..packets {
        for phone in phones.iter_mut() {
            if !phone.voice.is_empty() {
                phone.speak();
            }
            phone.listen();
        }
        let due = start + Duration::from_millis(20 * (packet as u64 + 1));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    for phone in phones.iter_mut() {
        phone.listen();
    }
}

/// Waits for an event that `wanted` picks; others are left out.
pub fn wait_for<T>(plane: &MediaPlane, wanted: impl Fn(&MediaEvent) -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        match plane.next_event() {
            Some(event) => {
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    panic!("the event did not come");
}

/// All events so far.
pub fn events(plane: &MediaPlane) -> Vec<MediaEvent> {
    std::iter::from_fn(|| plane.next_event()).collect()
}

/// Keys that an endpoint heard, of these events.
pub fn keys(events: &[MediaEvent], of: EndpointId) -> String {
    events
        .iter()
        .filter_map(|event| match event {
            MediaEvent::Dtmf { id, digit } if *id == of => Some(*digit),
            _ => None,
        })
        .collect()
}

/// Two phones, each at an endpoint of its own, bridged.
pub struct Call {
    pub a: Phone,
    pub b: Phone,
    pub a_id: EndpointId,
    pub b_id: EndpointId,
}

pub fn call(plane: &MediaPlane, a: Codec, b: Codec) -> Call {
    let (a_id, a_to) = plane.open(1).unwrap();
    let (b_id, b_to) = plane.open(1).unwrap();
    let (a, b) = (Phone::new(a, a_to), Phone::new(b, b_to));
    plane.set_remote(a_id, a.remote());
    plane.set_remote(b_id, b.remote());
    plane.bridge(a_id, b_id).unwrap();
    Call { a, b, a_id, b_id }
}
