//! Measures the CPU that a two-leg call back costs in this layer, in memory: the gateway calls telephone A,
//! then telephone B, both ring and answer, and A hangs up.
//!
//! Only the gateway's side counts: the telephones are user agents of their own whose time is left out. The
//! second figure is with digest on both legs; the third has a UDP socket on the loopback under it, and counts
//! all CPU of the gateway's thread, the kernel's part included (Linux only). Run it in release mode:
//! `cargo run --release -p ponte-sip --example callback_cost [calls]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ponte_sip::digest::{Secret, Server, ServerConfig, Verdict};
use ponte_sip::{
    Credentials, DialogId, Event, Flow, HeaderName, OutgoingCall, Output, Party, Timestamp, Transport,
    UaConfig, UserAgent,
};

const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

struct Bench {
    gateway: UserAgent,
    telephone: UserAgent,
    digest: Option<Server>,
    now: Timestamp,
    spent: Duration,
    packets: u64,
}

impl Bench {
    fn flow(port: u16) -> Flow {
        let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
        Flow {
            transport: Transport::Udp,
            local: address(port),
            remote: address(11_060 - port),
        }
    }

    fn timed<T>(&mut self, work: impl FnOnce(&mut UserAgent) -> T) -> T {
        let start = Instant::now();
        let result = work(&mut self.gateway);
        self.spent += start.elapsed();
        result
    }

    /// Carries messages to and fro until nobody has anything to say; returns the gateway's events.
    fn settle(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let now = self.now;
            let outputs = self.timed(|gateway| {
                gateway.handle_timeout(now);
                std::iter::from_fn(|| gateway.poll_output()).collect::<Vec<_>>()
            });
            let mut quiet = outputs.is_empty();
            for output in outputs {
                match output {
                    Output::Send { bytes, .. } => {
                        self.packets += 1;
                        self.telephone.handle_message(now, Self::flow(6000), &bytes);
                    }
                    Output::Event(event) => events.push(event),
                }
            }
            while let Some(output) = self.telephone.poll_output() {
                quiet = false;
                match output {
                    Output::Send { bytes, .. } => {
                        self.packets += 1;
                        self.timed(|gateway| gateway.handle_message(now, Self::flow(5060), &bytes));
                    }
                    Output::Event(Event::IncomingCall(call)) => self.ring_and_answer(&call),
                    Output::Event(_) => {}
                }
            }
            if quiet {
                return events;
            }
        }
    }

    fn ring_and_answer(&mut self, call: &ponte_sip::IncomingCall) {
        let (now, dialog) = (self.now, call.dialog);
        if let Some(digest) = &mut self.digest {
            let verdict = call.message.header(HeaderName::Authorization).map(|value| {
                digest.verify(now, "INVITE", call.request_uri.as_bytes(), value, |_| {
                    Some(Secret::Password("pw"))
                })
            });
            if !matches!(verdict, Some(Verdict::Accepted { .. })) {
                let headers: Vec<_> = digest
                    .challenge(now, false)
                    .into_iter()
                    .map(|value| ("WWW-Authenticate".to_owned(), value))
                    .collect();
                self.telephone
                    .respond(now, dialog, 401, "", None, &headers)
                    .unwrap();
                return;
            }
        }
        self.telephone.respond(now, dialog, 180, "", None, &[]).unwrap();
        self.telephone
            .respond(now, dialog, 200, "", Some(Bytes::from_static(SDP)), &[])
            .unwrap();
    }

    fn call(&mut self, number: u64) -> DialogId {
        let call = OutgoingCall {
            flow: Self::flow(5060),
            request_uri: format!("sip:+39{number:09}@192.0.2.1:6000"),
            from: Party {
                uri: "sip:+390612345@example.com".into(),
                display: Some("Example".into()),
            },
            to: Party::new(format!("sip:+39{number:09}@example.com")),
            route: Vec::new(),
            contact_user: None,
            max_forwards: OutgoingCall::MAX_FORWARDS,
            headers: vec![(
                "P-Asserted-Identity".into(),
                "<sip:+390612345@example.com>".into(),
            )],
            sdp: Bytes::from_static(SDP),
            credentials: Some(Credentials {
                username: "trunk".into(),
                password: "pw".into(),
                realm: None,
            }),
        };
        let now = self.now;
        let dialog = self.timed(|gateway| gateway.invite(now, call)).unwrap();
        let events = self.settle();
        assert!(
            events.iter().any(|event| matches!(event, Event::Answered { .. })),
            "{events:?}"
        );
        dialog
    }
}

fn measure(name: &str, calls: u64, digest: bool) {
    let config = || UaConfig {
        max_transactions: 10_000_000,
        max_dialogs: 1_000_000,
        ..UaConfig::default()
    };
    let mut bench = Bench {
        gateway: UserAgent::new(config(), 1),
        telephone: UserAgent::new(config(), 2),
        digest: digest.then(|| Server::new(ServerConfig::new("bench"), [3; 32])),
        now: Timestamp::default(),
        spent: Duration::ZERO,
        packets: 0,
    };
    for number in 0..calls {
        // A thousand calls a second: the tables hold what they hold at that load.
        bench.now = bench.now + Duration::from_millis(1);
        let (a, b) = (bench.call(number * 2), bench.call(number * 2 + 1));
        let now = bench.now;
        bench.timed(|gateway| {
            gateway.hang_up(now, a, None).unwrap();
            gateway.hang_up(now, b, None).unwrap();
        });
        bench.settle();
    }
    bench.now = bench.now + Duration::from_mins(1);
    bench.settle();
    assert_eq!(
        (bench.gateway.dialog_count(), bench.gateway.transaction_count()),
        (0, 0),
        "nothing stays behind"
    );
    println!(
        "{name}: {:.1} µs a two-leg call, {:.1} messages a call, over {calls} calls",
        bench.spent.as_secs_f64() * 1e6 / calls as f64,
        bench.packets as f64 / calls as f64,
    );
}

/// CPU that this thread used so far.
fn thread_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// Sends what a user agent has to send, and returns its events.
fn drain(ua: &mut UserAgent, socket: &UdpSocket) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(output) = ua.poll_output() {
        match output {
            Output::Send { flow, bytes } => {
                socket.send_to(&bytes, flow.remote).unwrap();
            }
            Output::Event(event) => events.push(event),
        }
    }
    events
}

/// Answers whatever rings, until told to stop.
fn telephone(socket: &UdpSocket, stop: &AtomicBool) {
    let mut ua = UserAgent::new(
        UaConfig {
            max_dialogs: 1_000_000,
            ..UaConfig::default()
        },
        5,
    );
    let (start, mut buffer) = (Instant::now(), [0; 4096]);
    let local = socket.local_addr().unwrap();
    while !stop.load(Ordering::Relaxed) {
        if let Ok((length, remote)) = socket.recv_from(&mut buffer) {
            let flow = Flow {
                transport: Transport::Udp,
                local,
                remote,
            };
            ua.handle_message(Timestamp(start.elapsed()), flow, &buffer[..length]);
        }
        let now = Timestamp(start.elapsed());
        ua.handle_timeout(now);
        for event in drain(&mut ua, socket) {
            if let Event::IncomingCall(call) = event {
                ua.respond(now, call.dialog, 180, "", None, &[]).unwrap();
                ua.respond(now, call.dialog, 200, "", Some(Bytes::from_static(SDP)), &[])
                    .unwrap();
            }
        }
        drain(&mut ua, socket);
    }
}

fn measure_udp(calls: u64) {
    const AT_ONCE: u64 = 20;
    let bind = || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        socket
    };
    let (ours, theirs) = (bind(), bind());
    let flow = Flow {
        transport: Transport::Udp,
        local: ours.local_addr().unwrap(),
        remote: theirs.local_addr().unwrap(),
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| telephone(&theirs, &stop));
        let mut ua = UserAgent::new(
            UaConfig {
                max_transactions: 10_000_000,
                ..UaConfig::default()
            },
            4,
        );
        let mut partner: HashMap<DialogId, Option<DialogId>> = HashMap::new();
        let (start, mut buffer) = (Instant::now(), [0; 4096]);
        let (mut begun, mut ended) = (0, 0);
        let Some(before) = thread_cpu() else {
            stop.store(true, Ordering::Relaxed);
            return;
        };
        let leg = || OutgoingCall {
            flow,
            request_uri: format!("sip:+390612345@{}", flow.remote),
            from: Party::new("sip:+390600000@example.com"),
            to: Party::new("sip:+390612345@example.com"),
            route: Vec::new(),
            contact_user: None,
            max_forwards: OutgoingCall::MAX_FORWARDS,
            headers: Vec::new(),
            sdp: Bytes::from_static(SDP),
            credentials: None,
        };
        while ended < calls * 2 {
            let mut now = Timestamp(start.elapsed());
            while begun < calls && begun - ended / 2 < AT_ONCE {
                begun += 1;
                partner.insert(ua.invite(now, leg()).unwrap(), None);
            }
            drain(&mut ua, &ours);
            if let Ok((length, _)) = ours.recv_from(&mut buffer) {
                now = Timestamp(start.elapsed());
                ua.handle_message(now, flow, &buffer[..length]);
            }
            ua.handle_timeout(now);
            for event in drain(&mut ua, &ours) {
                match event {
                    Event::Answered { dialog, .. } => match partner.remove(&dialog).flatten() {
                        None => {
                            partner.insert(ua.invite(now, leg()).unwrap(), Some(dialog));
                        }
                        Some(first) => {
                            ua.hang_up(now, first, None).unwrap();
                            ua.hang_up(now, dialog, None).unwrap();
                        }
                    },
                    Event::Ended { .. } => ended += 1,
                    _ => {}
                }
            }
            ended += drain(&mut ua, &ours)
                .iter()
                .filter(|event| matches!(event, Event::Ended { .. }))
                .count() as u64;
        }
        let spent = thread_cpu().unwrap_or_default().saturating_sub(before);
        println!(
            "over UDP: {:.1} µs a two-leg call, kernel included, over {calls} calls, {:.0} a second",
            spent.as_secs_f64() * 1e6 / calls as f64,
            calls as f64 / start.elapsed().as_secs_f64(),
        );
        stop.store(true, Ordering::Relaxed);
    });
}

fn main() {
    let calls = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000);
    measure("plain", calls, false);
    measure("digest", calls, true);
    measure_udp(calls);
}
