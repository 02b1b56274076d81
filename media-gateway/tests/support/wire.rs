//! A SIP peer made by hand, word for word, over UDP: what no telephone program can be told to send.

use super::{PASSWORD, PATIENCE, REALM};
use ponte_sip::digest::{Algorithm, ha1};
use std::net::SocketAddr;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// What most descriptions of these peers say. Nobody listens there.
pub const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8 101\r\n\
     a=rtpmap:101 telephone-event/8000\r\n";

/// The tag of a peer that is called.
const TAG: &str = "wire";

/// One peer: a trunk, or a telephone with a password.
pub struct Wire {
    socket: UdpSocket,
    gateway: SocketAddr,
    pub address: SocketAddr,
    /// The account's name.
    account: Option<String>,
}

/// A dialog, and how far the peer has counted in it.
#[derive(Clone, Debug)]
pub struct Call {
    pub uri: String,
    pub id: String,
    pub tag: String,
    /// The gateway's tag; empty until it has answered.
    pub to_tag: String,
    pub cseq: u32,
}

impl Call {
    pub fn new(uri: impl Into<String>) -> Self {
        let name = format!("{:016x}", rand::random::<u64>());
        Self {
            uri: uri.into(),
            id: format!("{name}@wire"),
            tag: name,
            to_tag: String::new(),
            cseq: 0,
        }
    }

    /// The one that the gateway began with this INVITE, as the peer that has answered it sees it.
    pub fn taken(invite: &str) -> Self {
        let contact = field(invite, "Contact");
        let uri = contact.trim_start_matches('<').split('>').next().unwrap();
        Self {
            uri: uri.to_owned(),
            id: field(invite, "Call-ID"),
            tag: TAG.to_owned(),
            to_tag: tag(&field(invite, "From")),
            cseq: 0,
        }
    }
}

impl Wire {
    /// A peer that the gateway is to be told of.
    pub async fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        Self {
            address: socket.local_addr().unwrap(),
            socket,
            gateway: SocketAddr::from(([127, 0, 0, 1], 9)),
            account: None,
        }
    }

    /// A telephone with the account of this name.
    pub async fn telephone(account: &str, gateway: SocketAddr) -> Self {
        Self {
            account: Some(account.to_owned()),
            gateway,
            ..Self::new().await
        }
    }

    /// The section of the configuration that makes it a trunk.
    pub fn trunk(&self, name: &str, dids: &str) -> String {
        format!(
            "\n[[trunk]]\nname = \"{name}\"\naddress = \"{}\"\nkeep_alive_s = 0\ndids = [{dids}]\n",
            self.address
        )
    }

    pub fn speaks_to(&mut self, gateway: SocketAddr) {
        self.gateway = gateway;
    }

    pub async fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.gateway).await.unwrap();
    }

    /// The next message for which this holds; others are passed over.
    ///
    /// # Panics
    /// Where none comes.
    pub async fn hears(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let mut passed = Vec::new();
        let mut buffer = vec![0; 65_535];
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            let Ok(received) = timeout(left, self.socket.recv_from(&mut buffer)).await else {
                panic!("waited in vain for {what}; heard {passed:#?}");
            };
            let text = String::from_utf8_lossy(&buffer[..received.unwrap().0]).into_owned();
            if wanted(&text) {
                return text;
            }
            passed.push(text);
        }
    }

    /// The next message that begins so: a method, or `SIP/2.0 200`.
    pub async fn next(&self, start: &str) -> String {
        self.hears(start, |text| text.starts_with(start)).await
    }

    /// The next final answer to a request of this number.
    pub async fn answer(&self, call: &mut Call) -> String {
        let number = format!("{} ", call.cseq);
        let answer = self
            .hears("a final answer", |text| {
                text.starts_with("SIP/2.0 ")
                    && !text.starts_with("SIP/2.0 1")
                    && field(text, "CSeq").starts_with(&number)
                    && field(text, "Call-ID") == call.id
            })
            .await;
        if status(&answer) < 300 && call.to_tag.is_empty() {
            call.to_tag = tag(&field(&answer, "To"));
        }
        answer
    }

    /// A request as it is written. An ACK has the number of the request before.
    pub fn written(&self, call: &mut Call, method: &str, headers: &str, body: &str) -> String {
        if !matches!(method, "ACK" | "CANCEL") {
            call.cseq += 1;
        }
        let (own, name) = (self.address, self.account.as_deref().unwrap_or("wire"));
        let to_tag = match call.to_tag.as_str() {
            "" => String::new(),
            tag => format!(";tag={tag}"),
        };
        let kind = if body.is_empty() || headers.contains("Content-Type") {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        let branch = if method == "CANCEL" { "INVITE" } else { method };
        format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{branch}{}{}\r\nMax-Forwards: 70\r\n\
             From: <sip:{name}@{own}>;tag={}\r\nTo: <{}>{to_tag}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\n\
             Contact: <sip:{name}@{own}>\r\n{headers}{kind}Content-Length: {}\r\n\r\n{body}",
            call.uri,
            call.cseq,
            call.tag,
            call.tag,
            call.uri,
            call.id,
            call.cseq,
            body.len()
        )
    }

    /// Sends a request, answers a challenge, and gives the final answer.
    pub async fn asks(&self, call: &mut Call, method: &str, headers: &str, body: &str) -> String {
        self.send(&self.written(call, method, headers, body)).await;
        let answer = self.answer(call).await;
        if status(&answer) != 401 {
            return answer;
        }
        self.acknowledges_refusal(call, method).await;
        let proof = self.proof(&answer, method, &call.uri);
        let headers = format!("{proof}{headers}");
        self.send(&self.written(call, method, &headers, body)).await;
        self.answer(call).await
    }

    /// The ACK to a refusal, which has the branch of its INVITE.
    pub async fn acknowledges_refusal(&self, call: &mut Call, method: &str) {
        if method == "INVITE" {
            let ack = self
                .written(call, "ACK", "", "")
                .replace("z9hG4bKACK", "z9hG4bKINVITE");
            self.send(&ack).await;
        }
    }

    /// An INVITE that is answered with 200 and acknowledged; the answer.
    pub async fn calls(&self, call: &mut Call, headers: &str, body: &str) -> String {
        let answer = self.asks(call, "INVITE", headers, body).await;
        if status(&answer) < 300 {
            self.send(&self.written(call, "ACK", "", "")).await;
        } else {
            self.acknowledges_refusal(call, "INVITE").await;
        }
        answer
    }

    /// The answer of its account to a challenge.
    pub fn proof(&self, challenge: &str, method: &str, uri: &str) -> String {
        let name = self.account.as_deref().unwrap_or_default();
        let challenge = challenge
            .lines()
            .find(|line| line.starts_with("WWW-Authenticate"))
            .unwrap();
        let (algorithm, written) = if challenge.contains("SHA-256") {
            (Algorithm::Sha256, "SHA-256")
        } else {
            (Algorithm::Md5, "MD5")
        };
        let nonce = challenge
            .split("nonce=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        // The same hash of three parts joined by colons.
        let hash = |a: &str, b: &str, c: &str| ha1(algorithm, a, b, c);
        let (scheme, rest) = uri.split_once(':').unwrap();
        let (own, request) = (hash(name, REALM, PASSWORD), hash(method, scheme, rest));
        let response = hash(&own, &format!("{nonce}:00000001:abc:auth"), &request);
        format!(
            "Authorization: Digest username=\"{name}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={written}, qop=auth, nc=00000001, cnonce=\"abc\"\r\n"
        )
    }

    /// Answers a request of the gateway.
    pub async fn replies(&self, request: &str, status: u16, headers: &str, body: &str) {
        let repeats = ["Via:", "From:", "Call-ID:", "CSeq:", "Record-Route:"];
        let lines: Vec<&str> = request
            .lines()
            .filter(|line| repeats.iter().any(|name| line.starts_with(name)))
            .collect();
        let echoed = lines.join("\r\n");
        let to = field(request, "To");
        let to = if to.contains(";tag=") || status == 100 {
            to
        } else {
            format!("{to};tag={TAG}")
        };
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        let text = format!(
            "SIP/2.0 {status} Word\r\n{echoed}\r\nTo: {to}\r\nContact: <sip:wire@{}>\r\n{headers}{kind}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.send(&text).await;
    }
}

/// The first value of a header, by its long name; empty where there is none.
pub fn field(text: &str, name: &str) -> String {
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim().eq_ignore_ascii_case(name))
        .map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

pub fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

pub fn tag(value: &str) -> String {
    value
        .split(";tag=")
        .nth(1)
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned()
}

pub fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
