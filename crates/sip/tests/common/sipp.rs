//! SIPp as the peer of a user agent, over UDP on the loopback.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ponte_sip::{Event, Flow, Output, Timestamp, Transport, UaConfig, UserAgent};

/// The smallest host there is: one socket, one thread.
pub struct Host {
    pub socket: UdpSocket,
    pub ua: UserAgent,
    start: Instant,
    /// Datagrams that came in, as they were.
    pub heard: Vec<Vec<u8>>,
    /// Datagrams that open so are lost, this many times.
    pub lose: Option<(&'static str, u32)>,
}

impl Host {
    pub fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        Self {
            socket,
            ua: UserAgent::new(UaConfig::default(), 9),
            start: Instant::now(),
            heard: Vec::new(),
            lose: None,
        }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.start.elapsed())
    }

    pub fn flow(&self, remote: SocketAddr) -> Flow {
        Flow {
            transport: Transport::Udp,
            local: self.socket.local_addr().unwrap(),
            remote,
        }
    }

    /// One turn: a packet or a timer, then the events.
    pub fn turn(&mut self) -> Vec<Event> {
        let mut buffer = vec![0; 65_535];
        if let Ok((length, remote)) = self.socket.recv_from(&mut buffer) {
            let lost = self.lose.as_mut().is_some_and(|(start, times)| {
                let hit = *times > 0 && buffer.starts_with(start.as_bytes());
                *times -= u32::from(hit);
                hit
            });
            self.heard.push(buffer[..length].to_vec());
            if !lost {
                let (now, flow) = (self.now(), self.flow(remote));
                self.ua.handle_message(now, flow, &buffer[..length]);
            }
        }
        let now = self.now();
        self.ua.handle_timeout(now);
        let mut events = Vec::new();
        while let Some(output) = self.ua.poll_output() {
            match output {
                Output::Send { flow, bytes } => {
                    self.socket.send_to(&bytes, flow.remote).unwrap();
                }
                Output::Event(event) => events.push(event),
            }
        }
        events
    }
}

pub struct Sipp(Child);

impl Sipp {
    /// # Panics
    /// Where SIPp is not installed: a test without its peer has tested nothing.
    pub fn start(arguments: &[&str]) -> Self {
        let child = Command::new("sipp")
            .args(["-i", "127.0.0.1", "-nostdin", "-timeout", "30", "-timeout_error"])
            .args(arguments)
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("SIPp (Debian package sip-tester) is installed: it is the true peer of these tests");
        Self(child)
    }

    pub fn finished(&mut self) -> Option<bool> {
        self.0.try_wait().unwrap().map(|status| status.success())
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The path of a scenario in `tests/sipp`.
pub fn scenario(name: &str) -> String {
    format!("{}/tests/sipp/{name}.xml", env!("CARGO_MANIFEST_DIR"))
}
