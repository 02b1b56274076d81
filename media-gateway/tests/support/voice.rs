//! The audio of a peer made by hand: a tone that it says, and what it hears, in PCMA.

use super::PATIENCE;
use super::hearing::Hearing;
use ponte_media::{Codec, analysis};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::Instant;

const HEADER: usize = 12;
const SAMPLES: usize = 160;
/// What one look at a tone takes: 200 ms.
const LOOK: usize = 1_600;

#[derive(Default)]
struct Shared {
    /// Whom it speaks to; nobody while it is silent.
    to: Option<SocketAddr>,
    heard: Vec<i16>,
    last: Option<Instant>,
}

/// A peer's ear and mouth. They end with the test.
pub struct Voice {
    pub address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    _tasks: JoinSet<()>,
}

impl Voice {
    /// One that says a tone of so many hertz, a whole number, once it is told where to.
    pub async fn new(hz: f64) -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let shared = Arc::new(Mutex::new(Shared::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn(speak(Arc::clone(&socket), Arc::clone(&shared), hz));
        tasks.spawn(listen(Arc::clone(&socket), Arc::clone(&shared)));
        Self {
            address: socket.local_addr().unwrap(),
            shared,
            _tasks: tasks,
        }
    }

    /// Its description, the `version`th.
    pub fn sdp(&self, version: u32, direction: &str) -> String {
        format!(
            "v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {} RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n",
            self.address.port()
        )
    }

    /// Speaks to where this message wants its audio.
    pub fn speaks_to(&self, message: &str) {
        let port = message
            .lines()
            .find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok())
            .unwrap();
        self.shared.lock().unwrap().to = Some(SocketAddr::from(([127, 0, 0, 1], port)));
    }

    pub fn is_silent(&self) {
        self.shared.lock().unwrap().to = None;
    }

    /// Waits until it hears this and nothing else.
    ///
    /// # Panics
    /// Where it does not.
    pub async fn hears(&self, wanted: Hearing) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let heard = Hearing::in_samples(&self.shared.lock().unwrap().heard);
            if heard.as_ref() == Some(&wanted) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "it hears {heard:?} instead of {wanted:?}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// How many samples it has heard so far.
    pub fn heard(&self) -> usize {
        self.shared.lock().unwrap().heard.len()
    }

    /// Waits until 200 ms on end of what comes from now on are this tone.
    ///
    /// # Panics
    /// Where they never are.
    pub async fn hears_tone(&self, hz: f64) {
        let start = self.heard();
        let deadline = Instant::now() + PATIENCE;
        loop {
            {
                let shared = self.shared.lock().unwrap();
                let last = shared.heard.len().saturating_sub(LOOK).max(start);
                let last = &shared.heard[last..];
                if last.len() >= LOOK && analysis::contains(last, hz, 4.0) {
                    return;
                }
                assert!(
                    Instant::now() < deadline,
                    "no {hz} Hz in {} samples: {:?}",
                    shared.heard.len() - start,
                    analysis::partials(last, 3)
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until nothing at all has come for half a second.
    ///
    /// # Panics
    /// Where it goes on.
    pub async fn is_sent_nothing(&self) {
        let deadline = Instant::now() + PATIENCE;
        let quiet = Duration::from_millis(500);
        while self
            .shared
            .lock()
            .unwrap()
            .last
            .is_some_and(|last| last.elapsed() < quiet)
        {
            assert!(Instant::now() < deadline, "it is sent audio");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn speak(socket: Arc<UdpSocket>, shared: Arc<Mutex<Shared>>, hz: f64) {
    // A second of it joins its own beginning.
    let tone = analysis::encode(Codec::Pcma, &analysis::sines(&[hz], -12.0, 1.0));
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let mut packet = [0x80, 8, 0, 0, 0, 0, 0, 0, 0x50, 0x6f, 0x6e, 0x74].to_vec();
    for number in 0_u32.. {
        ticks.tick().await;
        let Some(to) = shared.lock().unwrap().to else {
            continue;
        };
        packet.truncate(HEADER);
        packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(number * SAMPLES as u32).to_be_bytes());
        let from = number as usize * SAMPLES % tone.len();
        packet.extend(&tone[from..from + SAMPLES]);
        drop(socket.send_to(&packet, to).await);
    }
}

async fn listen(socket: Arc<UdpSocket>, shared: Arc<Mutex<Shared>>) {
    let mut buffer = [0; 2048];
    loop {
        let Ok((length, _)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        if length > HEADER && buffer[1] & 0x7f == 8 {
            let samples = analysis::decode(Codec::Pcma, &buffer[HEADER..length]);
            let mut shared = shared.lock().unwrap();
            shared.heard.extend(samples);
            shared.last = Some(Instant::now());
        }
    }
}
