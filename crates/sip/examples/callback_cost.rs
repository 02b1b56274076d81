//! Measures the CPU that a two-leg call back costs in this layer, in memory: the gateway calls telephone A,
//! then telephone B, both ring and answer, and A hangs up.
//!
//! Only the gateway's side counts: the telephones are user agents of their own whose time is left out, and
//! the second figure is with digest challenges on both legs. Run it in release mode:
//! `cargo run --release -p ponte-sip --example callback_cost [calls]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ponte_sip::digest::{Secret, Server, ServerConfig, Verdict};
use ponte_sip::{
    Credentials, DialogId, Event, Flow, HeaderName, OutgoingCall, Output, Party, Timestamp, Transport, UaConfig,
    UserAgent,
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
        Flow { transport: Transport::Udp, local: address(port), remote: address(11_060 - port) }
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
                digest.verify(now, "INVITE", call.request_uri.as_bytes(), value, |_| Some(Secret::Password("pw")))
            });
            if !matches!(verdict, Some(Verdict::Accepted { .. })) {
                let headers: Vec<_> = digest
                    .challenge(now, false)
                    .into_iter()
                    .map(|value| ("WWW-Authenticate".to_owned(), value))
                    .collect();
                self.telephone.respond(now, dialog, 401, "", None, &headers).unwrap();
                return;
            }
        }
        self.telephone.respond(now, dialog, 180, "", None, &[]).unwrap();
        self.telephone.respond(now, dialog, 200, "", Some(Bytes::from_static(SDP)), &[]).unwrap();
    }

    fn call(&mut self, number: u64) -> DialogId {
        let call = OutgoingCall {
            flow: Self::flow(5060),
            request_uri: format!("sip:+39{number:09}@192.0.2.1:6000"),
            from: Party { uri: "sip:+390612345@example.com".into(), display: Some("Example".into()) },
            to: Party::new(format!("sip:+39{number:09}@example.com")),
            route: Vec::new(),
            contact_user: None,
            headers: vec![("P-Asserted-Identity".into(), "<sip:+390612345@example.com>".into())],
            sdp: Bytes::from_static(SDP),
            credentials: Some(Credentials { username: "trunk".into(), password: "pw".into(), realm: None }),
        };
        let now = self.now;
        let dialog = self.timed(|gateway| gateway.invite(now, call)).unwrap();
        let events = self.settle();
        assert!(events.iter().any(|event| matches!(event, Event::Answered { .. })), "{events:?}");
        dialog
    }
}

fn measure(name: &str, calls: u64, digest: bool) {
    let config = || UaConfig { max_transactions: 10_000_000, max_dialogs: 1_000_000, ..UaConfig::default() };
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
    bench.now = bench.now + Duration::from_secs(60);
    bench.settle();
    assert_eq!((bench.gateway.dialog_count(), bench.gateway.transaction_count()), (0, 0), "nothing stays behind");
    println!(
        "{name}: {:.1} µs a two-leg call, {:.1} messages a call, over {calls} calls",
        bench.spent.as_secs_f64() * 1e6 / calls as f64,
        bench.packets as f64 / calls as f64,
    );
}

fn main() {
    let calls = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20_000);
    measure("plain", calls, false);
    measure("digest", calls, true);
}
