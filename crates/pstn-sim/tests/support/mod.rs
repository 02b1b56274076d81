//! A caller that shares no code with the simulator: SIP as text over UDP, G.711 by formula, one Goertzel filter.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod sipp;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ponte_pstn_sim::{CallReport, Config, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// A simulator with the demo's numbers on free ports.
pub async fn simulator() -> Simulator {
    Simulator::start(Config::for_tests()).await.unwrap()
}

/// Waits until `what` holds for the only call.
pub async fn call_when(
    simulator: &Simulator,
    within: Duration,
    what: impl Fn(&CallReport) -> bool,
) -> CallReport {
    let end = Instant::now() + within;
    loop {
        let calls = simulator.calls();
        if let Some(call) = calls.last()
            && what(call)
        {
            return call.clone();
        }
        assert!(Instant::now() < end, "not in {within:?}: {calls:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A parsed SIP message.
#[derive(Debug, Clone)]
pub struct Message {
    pub start: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Message {
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.split("\r\n");
        Self {
            start: lines.next().unwrap().to_owned(),
            headers: lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.find(name)
            .unwrap_or_else(|| panic!("no {name} in {self:#?}"))
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == &name.to_ascii_lowercase())
            .map(|(_, value)| value.as_str())
    }

    /// Status of a response.
    pub fn status(&self) -> Option<u16> {
        let rest = self.start.strip_prefix("SIP/2.0 ")?;
        rest.split(' ').next()?.parse().ok()
    }

    /// Method of a request, or of a response's `CSeq`.
    pub fn method(&self) -> &str {
        self.header("cseq").split(' ').next_back().unwrap()
    }

    pub fn rtp_port(&self) -> u16 {
        let line = self
            .body
            .lines()
            .find(|line| line.starts_with("m=audio"))
            .unwrap_or_else(|| panic!("no audio in {self:#?}"));
        line.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// One caller with one dialog.
pub struct Caller {
    pub socket: UdpSocket,
    pub rtp: UdpSocket,
    pub to: SocketAddr,
    pub number: String,
    pub call_id: String,
    pub cseq: u32,
    pub branch: String,
    pub to_header: Option<String>,
    pub contact: Option<String>,
    pub extra: String,
    seen: Vec<Message>,
}

impl Caller {
    pub async fn new(to: SocketAddr, number: &str) -> Self {
        let bind = || UdpSocket::bind("127.0.0.1:0");
        let socket = bind().await.unwrap();
        let port = socket.local_addr().unwrap().port();
        Self {
            rtp: bind().await.unwrap(),
            call_id: format!("{port}-{:?}", Instant::now()).replace([' ', '{', '}', ':', ','], ""),
            socket,
            to,
            number: number.to_owned(),
            cseq: 1,
            branch: String::new(),
            to_header: None,
            contact: None,
            extra: String::new(),
            seen: Vec::new(),
        }
    }

    pub fn offer(&self, formats: &str, attributes: &str) -> String {
        let port = self.rtp.local_addr().unwrap().port();
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\na=rtpmap:101 telephone-event/8000\r\n{attributes}"
        )
    }

    pub fn uri(&self) -> String {
        format!("sip:{}@{}", self.number, self.to)
    }

    /// Sends a request; ACK and CANCEL take the INVITE's `CSeq`.
    pub async fn send(&mut self, method: &str, cseq: u32, body: &str) {
        let here = self.socket.local_addr().unwrap();
        if method != "CANCEL" {
            self.branch = format!("z9hG4bK{}-{method}-{cseq}", self.call_id);
        }
        let target = self.contact.clone().unwrap_or_else(|| self.uri());
        let to = self
            .to_header
            .clone()
            .unwrap_or_else(|| format!("<{}>", self.uri()));
        let content = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {here};rport;branch={branch}\r\nMax-Forwards: 70\r\nFrom: \"Ann\" <sip:+390212345699@{here}>;tag=caller\r\nTo: {to}\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:ann@{here}>\r\n{extra}{content}Content-Length: {length}\r\n\r\n{body}",
            branch = self.branch,
            id = self.call_id,
            extra = self.extra,
            length = body.len(),
        );
        self.socket.send_to(text.as_bytes(), self.to).await.unwrap();
    }

    pub async fn invite(&mut self) {
        let offer = self.offer("8 0 101", "");
        self.send("INVITE", self.cseq, &offer).await;
    }

    /// The next message that is new, or `None` after `within`.
    pub async fn next(&mut self, within: Duration) -> Option<Message> {
        let mut buffer = [0; 8192];
        let end = Instant::now() + within;
        loop {
            let left = end.checked_duration_since(Instant::now())?;
            let received = tokio::time::timeout(left, self.socket.recv_from(&mut buffer)).await;
            let (length, _) = received.ok()?.unwrap();
            let message = Message::parse(&String::from_utf8_lossy(&buffer[..length]));
            let again = self
                .seen
                .iter()
                .any(|seen| seen.start == message.start && seen.header("cseq") == message.header("cseq"));
            if !again {
                self.seen.push(message.clone());
                return Some(message);
            }
        }
    }

    /// The next response with `status`, skipping provisional ones.
    pub async fn response(&mut self, status: u16) -> Message {
        loop {
            let message = self
                .next(Duration::from_secs(5))
                .await
                .unwrap_or_else(|| panic!("no {status}, only {:#?}", self.seen));
            match message.status() {
                Some(code) if code == status => return message,
                Some(code) if code >= 200 => panic!("{code} instead of {status}"),
                _ => {}
            }
        }
    }

    /// The next request with `method`.
    pub async fn request(&mut self, method: &str) -> Message {
        loop {
            let message = self
                .next(Duration::from_secs(5))
                .await
                .unwrap_or_else(|| panic!("no {method}, only {:#?}", self.seen));
            if message.start.starts_with(method) {
                return message;
            }
        }
    }

    /// Takes dialog state from a response.
    pub fn learn(&mut self, response: &Message) {
        self.to_header = Some(response.header("to").to_owned());
        if let Some(contact) = response.find("contact") {
            let uri = contact.trim_start_matches('<');
            self.contact = Some(uri.split('>').next().unwrap().to_owned());
        }
    }

    /// INVITE to ACK; gives the 200.
    pub async fn establish(&mut self) -> Message {
        self.invite().await;
        self.answered().await
    }

    /// Waits for the 200 and acknowledges it.
    pub async fn answered(&mut self) -> Message {
        let ok = self.response(200).await;
        self.learn(&ok);
        self.send("ACK", self.cseq, "").await;
        ok
    }

    pub async fn bye(&mut self) {
        self.cseq += 1;
        self.send("BYE", self.cseq, "").await;
        self.response(200).await;
    }

    /// Answers a request of the other side with 200.
    pub async fn reply(&mut self, request: &Message, status: &str, body: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for (name, value) in &request.headers {
            if ["via", "from", "to", "call-id", "cseq"].contains(&name.as_str()) {
                write!(text, "{name}: {value}\r\n").unwrap();
            }
        }
        let here = self.socket.local_addr().unwrap();
        write!(text, "Contact: <sip:ann@{here}>\r\n").unwrap();
        if !body.is_empty() {
            text += "Content-Type: application/sdp\r\n";
        }
        write!(text, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.socket.send_to(text.as_bytes(), self.to).await.unwrap();
    }
}

/// µ-law by the formula of G.711.
pub fn encode_ulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(32635) + 132;
    let exponent = (magnitude >> 7).ilog2().cast_signed();
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

/// A-law by the formula of G.711.
pub fn decode_alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let exponent = i32::from((byte >> 4) & 7);
    let mantissa = i32::from(byte & 15);
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if byte & 0x80 == 0 {
        -(magnitude as i16)
    } else {
        magnitude as i16
    }
}

/// Share of the power of `samples` that lies at `hz`: 1 for a pure tone.
pub fn share_at(samples: &[i16], hz: f64) -> f64 {
    let turn = std::f64::consts::TAU * hz / 8000.0;
    let (mut a, mut b, mut power) = (0.0_f64, 0.0_f64, 0.0_f64);
    for sample in samples {
        let sample = f64::from(*sample);
        let next = sample + 2.0 * turn.cos() * a - b;
        b = a;
        a = next;
        power += sample * sample;
    }
    let at = a * a + b * b - 2.0 * turn.cos() * a * b;
    2.0 * at / (power.max(1.0) * samples.len() as f64)
}

/// One RTP packet.
pub fn rtp(payload_type: u8, marker: bool, seq: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type | if marker { 0x80 } else { 0 }];
    packet.extend(seq.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(0x1234_5678_u32.to_be_bytes());
    packet.extend(payload);
    packet
}

/// Sends a µ-law tone in packets of 20 ms.
pub async fn send_tone(socket: &UdpSocket, to: SocketAddr, hz: f64, packets: u16) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    for n in 0..packets {
        tick.tick().await;
        let payload: Vec<u8> = (0..160)
            .map(|k| {
                let time = (u32::from(n) * 160 + k) as f64 / 8000.0;
                encode_ulaw((9000.0 * (std::f64::consts::TAU * hz * time).sin()) as i16)
            })
            .collect();
        let packet = rtp(0, n == 0, n, u32::from(n) * 160, &payload);
        socket.send_to(&packet, to).await.unwrap();
    }
}

/// Packets that came within `time`, as (payload type, marker, payload).
pub async fn listen(socket: &UdpSocket, time: Duration) -> Vec<(u8, bool, Vec<u8>)> {
    let mut packets = Vec::new();
    let mut buffer = [0; 2048];
    let end = tokio::time::Instant::now() + time;
    while let Ok(Ok((length, _))) = tokio::time::timeout_at(end, socket.recv_from(&mut buffer)).await {
        assert!(length >= 12 && buffer[0] == 0x80, "not RTP");
        packets.push((
            buffer[1] & 0x7f,
            buffer[1] & 0x80 != 0,
            buffer[12..length].to_vec(),
        ));
    }
    packets
}

/// Samples of the A-law packets among `packets`.
pub fn alaw_samples(packets: &[(u8, bool, Vec<u8>)]) -> Vec<i16> {
    packets
        .iter()
        .filter(|(payload_type, ..)| *payload_type == 8)
        .flat_map(|(_, _, payload)| payload.iter().map(|byte| decode_alaw(*byte)))
        .collect()
}

/// One HTTP request; gives status and body.
pub async fn http(addr: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// The parameters of a digest challenge.
pub fn challenge(value: &str) -> HashMap<String, String> {
    value
        .trim_start_matches("Digest ")
        .split(", ")
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}
