//! A laboratory for user agents: one under test with a scripted peer, or two on a network that loses,
//! doubles and delays.
#![allow(dead_code)]

pub mod sipp;
pub mod telephone;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use ponte_sip::{
    DialogId, Event, Flow, Message, OutgoingCall, Output, Party, Timestamp, Transport, UaConfig, UserAgent,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub const OFFER: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";
pub const ANSWER: &[u8] = b"v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8\r\n";

pub fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 5060))
}

pub fn flow(local: u8, remote: u8) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: address(local),
        remote: address(remote),
    }
}

pub fn outgoing(flow: Flow) -> OutgoingCall {
    OutgoingCall {
        flow,
        request_uri: format!("sip:b@{}", flow.remote),
        from: Party::new("sip:a@example.com"),
        to: Party::new("sip:b@example.com"),
        route: Vec::new(),
        contact_user: None,
        max_forwards: OutgoingCall::MAX_FORWARDS,
        headers: Vec::new(),
        sdp: Bytes::from_static(OFFER),
        credentials: None,
    }
}

pub fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// One user agent; the test plays the peer.
pub struct Lab {
    pub ua: UserAgent,
    pub now: Timestamp,
    pub flow: Flow,
    pub events: Vec<Event>,
}

impl Lab {
    pub fn new() -> Self {
        Self::with(UaConfig::default())
    }

    pub fn with(config: UaConfig) -> Self {
        Self {
            ua: UserAgent::new(config, 42),
            now: Timestamp::default(),
            flow: flow(1, 2),
            events: Vec::new(),
        }
    }

    /// What the user agent sends now; its events are kept.
    pub fn sent(&mut self) -> Vec<Message> {
        let mut sent = Vec::new();
        while let Some(output) = self.ua.poll_output() {
            match output {
                Output::Send { bytes, .. } => {
                    sent.push(Message::parse(&bytes).unwrap_or_else(|error| {
                        panic!(
                            "we sent a broken message: {error}\n{}",
                            String::from_utf8_lossy(&bytes)
                        )
                    }));
                }
                Output::Event(event) => self.events.push(event),
            }
        }
        sent
    }

    /// As [`Self::sent`]; all of it must go to `remote`.
    pub fn sent_to(&mut self, remote: SocketAddr) -> Vec<Message> {
        let mut sent = Vec::new();
        while let Some(output) = self.ua.poll_output() {
            match output {
                Output::Send { flow, bytes } => {
                    assert_eq!(flow.remote, remote);
                    sent.push(Message::parse(&bytes).unwrap());
                }
                Output::Event(event) => self.events.push(event),
            }
        }
        sent
    }

    /// Hands a message to the user agent and returns what it sends.
    pub fn receive(&mut self, text: impl AsRef<[u8]>) -> Vec<Message> {
        self.ua.handle_message(self.now, self.flow, text.as_ref());
        self.sent()
    }

    /// The start lines of what the user agent sends, for answers that repeat a fault.
    pub fn receive_raw(&mut self, text: &[u8]) -> Vec<String> {
        self.ua.handle_message(self.now, self.flow, text);
        let mut lines = Vec::new();
        while let Some(output) = self.ua.poll_output() {
            match output {
                Output::Send { bytes, .. } => {
                    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    lines.push(String::from_utf8_lossy(line).into_owned());
                }
                Output::Event(event) => self.events.push(event),
            }
        }
        lines
    }

    /// Lets time pass, timer by timer, and returns what was sent meanwhile.
    pub fn pass(&mut self, duration: Duration) -> Vec<Message> {
        let end = self.now + duration;
        let mut sent = self.sent();
        while let Some(at) = self.ua.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.ua.handle_timeout(self.now);
            sent.extend(self.sent());
        }
        self.now = end;
        sent
    }

    pub fn invite(&mut self) -> (DialogId, Message) {
        let id = self.ua.invite(self.now, outgoing(self.flow)).unwrap();
        (id, self.sent().remove(0))
    }

    /// An INVITE that was answered with 200 and acknowledged.
    pub fn established(&mut self, headers: &str) -> (DialogId, Message) {
        let (id, invite) = self.invite();
        let sent = self.receive(response(&invite, 200, "b1", headers, ANSWER));
        assert_eq!(names(&sent), ["ACK"]);
        assert!(matches!(
            self.take_events()[..],
            [Event::Answered { sdp: Some(_), .. }]
        ));
        (id, invite)
    }

    /// An INVITE of the peer that we answered and the peer acknowledged.
    pub fn called(&mut self) -> (DialogId, Message) {
        assert_eq!(names(&self.receive(request("INVITE", 1, "", "", OFFER))), ["100"]);
        let Event::IncomingCall(call) = self.take_events().remove(0) else {
            panic!("no call")
        };
        self.ua
            .respond(
                self.now,
                call.dialog,
                200,
                "",
                Some(Bytes::from_static(ANSWER)),
                &[],
            )
            .unwrap();
        let accepted = self.sent().remove(0);
        assert!(
            self.receive(request("ACK", 1, &tag_of(&accepted), "", b""))
                .is_empty()
        );
        assert!(matches!(self.take_events()[..], [Event::Confirmed { .. }]));
        (call.dialog, accepted)
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

/// Method or status of each message.
pub fn names(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .map(|message| match message.status() {
            Some(status) => status.to_string(),
            None => message.method().unwrap().to_string(),
        })
        .collect()
}

pub fn tag_of(message: &Message) -> String {
    String::from_utf8_lossy(message.to().unwrap().tag().unwrap_or_default()).into_owned()
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// The peer's response to a request of ours.
pub fn response(to: &Message, status: u16, tag: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    use ponte_sip::HeaderName as Name;
    let to_value = text(to.header(Name::To));
    let to_value = if tag.is_empty() || to_value.contains("tag=") {
        to_value
    } else {
        format!("{to_value};tag={tag}")
    };
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let contact = if status < 300 {
        "Contact: <sip:b@192.0.2.2:5060>\r\n"
    } else {
        ""
    };
    let mut bytes = format!(
        "SIP/2.0 {status} X\r\nVia: {}\r\nFrom: {}\r\nTo: {to_value}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         {contact}{headers}{kind}Content-Length: {}\r\n\r\n",
        text(to.header(Name::Via)),
        text(to.header(Name::From)),
        text(Some(to.call_id())),
        text(to.header(Name::CSeq)),
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A request of the peer. `tag` is ours, empty outside a dialog. The branch follows method and `CSeq`.
pub fn request(method: &str, cseq: u32, tag: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let to_tag = if tag.is_empty() {
        String::new()
    } else {
        format!(";tag={tag}")
    };
    let kind = if body.is_empty() || headers.contains("Content-Type") {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let branch_of = if method == "CANCEL" { "INVITE" } else { method };
    let mut bytes = format!(
        "{method} sip:b@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK-{branch_of}-{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"A\" <sip:a@192.0.2.2>;tag=remote\r\nTo: <sip:b@192.0.2.1>{to_tag}\r\n\
         Call-ID: peer-call@192.0.2.2\r\nCSeq: {cseq} {method}\r\nContact: <sip:a@192.0.2.2:5060>\r\n\
         {headers}{kind}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A request of the peer within a dialog that we opened: the tags and Call-ID of our INVITE.
pub fn request_to_caller(
    invite: &Message,
    method: &str,
    cseq: u32,
    remote_tag: &str,
    headers: &str,
    body: &[u8],
) -> Vec<u8> {
    use ponte_sip::HeaderName as Name;
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let mut bytes = format!(
        "{method} sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK-{method}-{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: {};tag={remote_tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:b@192.0.2.2:5060>\r\n{headers}{kind}Content-Length: {}\r\n\r\n",
        text(invite.header(Name::To)),
        text(invite.header(Name::From)),
        text(Some(invite.call_id())),
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Two user agents on one wire.
pub struct Pair {
    pub sides: [UserAgent; 2],
    pub events: [Vec<Event>; 2],
    pub now: Timestamp,
    /// Share of messages lost, in percent; as many are doubled.
    pub loss: u32,
    /// Longest delay in milliseconds; the shortest is 1, so messages overtake each other.
    pub delay: u64,
    rng: StdRng,
    wire: BTreeMap<(Timestamp, u64), (usize, Bytes)>,
    sequence: u64,
    /// Every message sent, by its sender.
    pub log: Vec<(usize, String)>,
}

impl Pair {
    pub fn new(seed: u64) -> Self {
        Self {
            sides: [
                UserAgent::new(UaConfig::default(), seed),
                UserAgent::new(UaConfig::default(), seed + 1000),
            ],
            events: [Vec::new(), Vec::new()],
            now: Timestamp::default(),
            loss: 0,
            delay: 1,
            rng: StdRng::seed_from_u64(seed),
            wire: BTreeMap::new(),
            sequence: 0,
            log: Vec::new(),
        }
    }

    pub fn flow(side: usize) -> Flow {
        if side == 0 { flow(1, 2) } else { flow(2, 1) }
    }

    fn drain(&mut self) {
        for side in 0..2 {
            while let Some(output) = self.sides[side].poll_output() {
                match output {
                    Output::Event(event) => self.events[side].push(event),
                    Output::Send { bytes, .. } => {
                        let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
                        self.log.push((side, String::from_utf8_lossy(line).into_owned()));
                        let copies = match self.rng.random_range(0..100) {
                            roll if roll < self.loss => 0,
                            roll if roll < self.loss * 2 => 2,
                            _ => 1,
                        };
                        for _ in 0..copies {
                            let at = self.now + ms(self.rng.random_range(1..=self.delay));
                            self.sequence += 1;
                            self.wire.insert((at, self.sequence), (1 - side, bytes.clone()));
                        }
                    }
                }
            }
        }
    }

    /// Runs the world for a while.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.drain();
            let next = self
                .wire
                .keys()
                .next()
                .map(|(at, _)| *at)
                .into_iter()
                .chain(self.sides.iter().filter_map(UserAgent::poll_timeout))
                .min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            for side in &mut self.sides {
                side.handle_timeout(self.now);
            }
            while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (to, bytes) = entry.remove();
                self.sides[to].handle_message(self.now, Self::flow(to), &bytes);
            }
        }
        self.now = end;
    }

    /// Takes the events of one side.
    pub fn take(&mut self, side: usize) -> Vec<Event> {
        std::mem::take(&mut self.events[side])
    }
}
