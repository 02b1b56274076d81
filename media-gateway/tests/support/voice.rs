//! The sound of a peer made by hand: a tone that it says, and what it hears, in G.711 A-law over RTP (RFC 3551).

use super::{PATIENCE, wire};
use ponte_media::{Codec, analysis};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Samples of a packet: 20 ms.
const PACKET: usize = 160;
/// What one look at the sound takes: 200 ms.
const LOOK: usize = 1_600;

/// One telephone's microphone and ear.
pub struct Voice {
    socket: Arc<UdpSocket>,
    heard: Arc<Mutex<Vec<i16>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Voice {
    /// Listens; it says nothing yet.
    pub async fn new() -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (ear, samples) = (Arc::clone(&socket), Arc::clone(&heard));
        let listens = tokio::spawn(async move {
            let mut buffer = [0; 2048];
            while let Ok((length, _)) = ear.recv_from(&mut buffer).await {
                // RTP of the payload type 8, without lists and extensions.
                if length > 12 && buffer[0] == 0x80 && buffer[1] & 0x7f == 8 {
                    let decoded = analysis::decode(Codec::Pcma, &buffer[12..length]);
                    samples.lock().unwrap().extend(decoded);
                }
            }
        });
        Self {
            socket,
            heard,
            tasks: vec![listens],
        }
    }

    /// What the peer describes of itself.
    pub fn sdp(&self) -> String {
        let port = self.socket.local_addr().unwrap().port();
        wire::SDP.replace("m=audio 9 ", &format!("m=audio {port} "))
    }

    /// Says a tone of `hz` to whom this description names, from now on.
    pub fn says(&mut self, hz: f64, description: &str) {
        let port = description
            .lines()
            .find_map(|line| line.strip_prefix("m=audio "))
            .and_then(|media| media.split(' ').next())
            .and_then(|port| port.parse::<u16>().ok())
            .unwrap_or_else(|| panic!("no port in {description}"));
        let peer = SocketAddr::from(([127, 0, 0, 1], port));
        let mouth = Arc::clone(&self.socket);
        let sound = analysis::encode(Codec::Pcma, &analysis::sines(&[hz], -12.0, 120.0));
        let source: u32 = rand::random();
        self.tasks.push(tokio::spawn(async move {
            let mut clock = tokio::time::interval(Duration::from_millis(20));
            for (number, payload) in sound.chunks(PACKET).enumerate() {
                clock.tick().await;
                let mut packet = vec![0x80, 8];
                packet.extend((number as u16).to_be_bytes());
                packet.extend(((number * PACKET) as u32).to_be_bytes());
                packet.extend(source.to_be_bytes());
                packet.extend(payload);
                if mouth.send_to(&packet, peer).await.is_err() {
                    return;
                }
            }
        }));
    }

    /// Samples that were heard so far.
    pub fn heard(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    /// Waits until 200 ms on end of what comes from now on are this tone.
    ///
    /// # Panics
    /// Where they never are.
    pub async fn hears(&self, hz: f64) {
        let start = self.heard();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            {
                let heard = self.heard.lock().unwrap();
                let last = heard.len().saturating_sub(LOOK).max(start);
                let last = &heard[last..];
                if last.len() >= LOOK && analysis::contains(last, hz, 4.0) {
                    return;
                }
                assert!(
                    tokio::time::Instant::now() < deadline,
                    "no {hz} Hz in {} samples: {:?}",
                    heard.len() - start,
                    analysis::partials(last, 3)
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
