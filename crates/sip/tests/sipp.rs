//! Calls with SIPp over UDP on the loopback. Without SIPp at hand these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{ANSWER, outgoing};
use ponte_sip::{Credentials, EndCause, Event, Flow, Output, Timestamp, Transport, UaConfig, UserAgent};

const SIPP: &str = "/usr/bin/sipp";

/// The smallest host there is: one socket, one thread.
struct Host {
    socket: UdpSocket,
    ua: UserAgent,
    start: Instant,
    /// Datagrams that open so are lost, this many times.
    lose: Option<(&'static str, u32)>,
}

impl Host {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        Self {
            socket,
            ua: UserAgent::new(UaConfig::default(), 9),
            start: Instant::now(),
            lose: None,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.start.elapsed())
    }

    fn flow(&self, remote: SocketAddr) -> Flow {
        Flow {
            transport: Transport::Udp,
            local: self.socket.local_addr().unwrap(),
            remote,
        }
    }

    /// One turn: a packet or a timer, then the events.
    fn turn(&mut self) -> Vec<Event> {
        let mut buffer = vec![0; 65_535];
        if let Ok((length, remote)) = self.socket.recv_from(&mut buffer) {
            let lost = self.lose.as_mut().is_some_and(|(start, times)| {
                let hit = *times > 0 && buffer.starts_with(start.as_bytes());
                *times -= u32::from(hit);
                hit
            });
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

struct Sipp(Child);

impl Sipp {
    fn start(arguments: &[&str]) -> Self {
        let child = Command::new(SIPP)
            .args(["-i", "127.0.0.1", "-nostdin", "-timeout", "30", "-timeout_error"])
            .args(arguments)
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn finished(&mut self) -> Option<bool> {
        self.0.try_wait().unwrap().map(|status| status.success())
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn have_sipp() -> bool {
    let there = Path::new(SIPP).exists();
    if !there {
        eprintln!("SIPp is not installed: not tested");
    }
    there
}

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Calls a scenario, hangs up once answered, and returns the events and whether SIPp was content.
fn call(scenario: &[&str], lose: Option<(&'static str, u32)>) -> (Vec<Event>, bool) {
    let mut host = Host::new();
    host.lose = lose;
    let port = free_port();
    let remote = SocketAddr::from(([127, 0, 0, 1], port));
    let port = port.to_string();
    let mut sipp = Sipp::start(&[scenario, &["-p", &port, "-m", "1"]].concat());
    // Until SIPp has bound its port, the retransmissions of the INVITE bridge the gap.
    let credentials = Credentials {
        username: "u".into(),
        password: "p".into(),
        realm: None,
    };
    let call = ponte_sip::OutgoingCall {
        credentials: Some(credentials),
        ..outgoing(host.flow(remote))
    };
    std::thread::sleep(Duration::from_millis(300));
    let now = host.now();
    host.ua.invite(now, call).unwrap();
    let mut events = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        for event in host.turn() {
            if let Event::Answered { dialog, .. } = event {
                let now = host.now();
                host.ua.hang_up(now, dialog, None).unwrap();
            }
            events.push(event);
        }
        if let Some(content) = sipp.finished() {
            return (events, content);
        }
        assert!(Instant::now() < deadline, "SIPp hangs: {events:?}");
    }
}

fn scenario(name: &str) -> String {
    format!("{}/tests/sipp/{name}.xml", env!("CARGO_MANIFEST_DIR"))
}

fn end(events: &[Event]) -> &EndCause {
    match events.last() {
        Some(Event::Ended { cause, .. }) => cause,
        other => panic!("no end: {other:?}"),
    }
}

#[test]
fn sipp_calls_us() {
    if !have_sipp() {
        return;
    }
    let mut host = Host::new();
    let target = host.socket.local_addr().unwrap().to_string();
    let port = free_port().to_string();
    let mut sipp = Sipp::start(&[
        "-sn", "uac", &target, "-p", &port, "-m", "5", "-r", "20", "-d", "100",
    ]);
    let mut ended = 0;
    let deadline = Instant::now() + Duration::from_secs(30);
    let content = loop {
        for event in host.turn() {
            match event {
                Event::IncomingCall(call) => {
                    let now = host.now();
                    host.ua.respond(now, call.dialog, 180, "", None, &[]).unwrap();
                    host.ua
                        .respond(now, call.dialog, 200, "", Some(Bytes::from_static(ANSWER)), &[])
                        .unwrap();
                }
                Event::Ended { .. } => ended += 1,
                _ => {}
            }
        }
        if let Some(content) = sipp.finished() {
            break content;
        }
        assert!(Instant::now() < deadline, "SIPp hangs");
    };
    assert!(content);
    assert_eq!(ended, 5);
}

#[test]
fn we_call_sipp() {
    if !have_sipp() {
        return;
    }
    let (events, content) = call(&["-sn", "uas"], None);
    assert!(content, "{events:?}");
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Progress { status: 180, .. })),
        "{events:?}"
    );
}

#[test]
fn the_200_is_lost_once() {
    if !have_sipp() {
        return;
    }
    let (events, content) = call(&["-sn", "uas"], Some(("SIP/2.0 200", 1)));
    assert!(content, "{events:?}");
    assert!(
        events.iter().any(|event| matches!(event, Event::Answered { .. })),
        "{events:?}"
    );
}

#[test]
fn sipp_rings_reliably() {
    if !have_sipp() {
        return;
    }
    let (events, content) = call(&["-sf", &scenario("reliable")], None);
    assert!(content, "{events:?}");
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Answered { sdp: None, .. })),
        "{events:?}"
    );
}

#[test]
fn sipp_is_busy() {
    if !have_sipp() {
        return;
    }
    let (events, content) = call(&["-sf", &scenario("busy")], None);
    assert!(content, "{events:?}");
    assert_eq!((end(&events).status, end(&events).q850), (Some(486), 17));
}

#[test]
fn sipp_redirects() {
    if !have_sipp() {
        return;
    }
    let (events, content) = call(&["-sf", &scenario("moved")], None);
    assert!(content, "{events:?}");
    assert_eq!((end(&events).status, end(&events).redirect.len()), (Some(302), 1));
}

#[test]
fn sipp_challenges_with_sha_256() {
    if !have_sipp() {
        return;
    }
    let (events, content) = call(&["-sf", &scenario("digest")], None);
    assert!(content, "{events:?}");
}
