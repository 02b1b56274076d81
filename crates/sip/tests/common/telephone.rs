//! A telephone that registers and answers challenges, written without the crate's own digest code.

use md5::Md5;
use sha2::{Digest, Sha256};

use super::Lab;
use ponte_sip::digest::{Algorithm, ha1};
use ponte_sip::{Account, AccountsConfig, HeaderName, Message};

pub const REALM: &str = "ponte.example";
pub const PASSWORD: &str = "correct horse";

pub fn account(name: &str) -> Account {
    Account {
        name: name.into(),
        ha1_md5: Some(ha1(Algorithm::Md5, name, REALM, PASSWORD)),
        ha1_sha256: Some(ha1(Algorithm::Sha256, name, REALM, PASSWORD)),
    }
}

/// A user agent that serves these accounts.
pub fn serve(names: &[&str]) -> Lab {
    let mut lab = Lab::new();
    lab.ua.serve_accounts(&AccountsConfig::new(REALM, [7; 32]));
    for name in names {
        lab.ua.set_account(lab.now, account(name)).unwrap();
    }
    lab
}

pub struct Telephone {
    pub name: String,
    pub password: String,
    /// User of From and To; `name` where not changed.
    pub from: String,
    pub to: String,
    pub to_tag: String,
    pub call_id: String,
    pub cseq: u32,
    pub via: String,
    pub rport: bool,
    /// Sends the last Authorization again as it was.
    pub replay: bool,
    pub sha256: bool,
    nonce: Option<String>,
    nc: u32,
    last: String,
}

impl Telephone {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            password: PASSWORD.into(),
            from: name.into(),
            to: name.into(),
            to_tag: String::new(),
            call_id: format!("call-of-{name}"),
            cseq: 100,
            via: "192.168.1.20:5060".into(),
            rport: true,
            replay: false,
            sha256: true,
            nonce: None,
            nc: 0,
            last: String::new(),
        }
    }

    /// The next request, as it is sent.
    pub fn written(&mut self, method: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        self.cseq += 1;
        let uri = if method == "REGISTER" {
            "sip:example.com".to_owned()
        } else {
            format!("sip:{}@example.com", self.to)
        };
        let authorization = self.authorization(method, &uri);
        let rport = if self.rport { ";rport" } else { "" };
        let to_tag = match self.to_tag.as_str() {
            "" => String::new(),
            tag => format!(";tag={tag}"),
        };
        let kind = if body.is_empty() || headers.contains("Content-Type") {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        let mut text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK-{}-{}{rport}\r\nMax-Forwards: 70\r\n\
             From: <sip:{}@example.com>;tag=phone\r\nTo: <sip:{}@example.com>{to_tag}\r\nCall-ID: {}\r\n\
             CSeq: {} {method}\r\n{authorization}{headers}{kind}Content-Length: {}\r\n\r\n",
            self.via,
            self.call_id,
            self.cseq,
            self.from,
            self.to,
            self.call_id,
            self.cseq,
            body.len()
        )
        .into_bytes();
        text.extend_from_slice(body);
        text
    }

    /// Sends a request, and takes over the challenge of a 401. The messages that come back.
    pub fn send_all(&mut self, lab: &mut Lab, method: &str, headers: &str, body: &[u8]) -> Vec<Message> {
        let text = self.written(method, headers, body);
        let sent = lab.receive(text);
        for message in &sent {
            if message.status() == Some(401) {
                let wanted = if self.sha256 { "SHA-256" } else { "MD5" };
                let challenge = message
                    .lines(HeaderName::WwwAuthenticate)
                    .map(|line| String::from_utf8_lossy(line).into_owned())
                    .find(|line| line.contains(wanted))
                    .unwrap();
                self.nonce = Some(quoted(&challenge, "nonce"));
                self.nc = 0;
            }
        }
        sent
    }

    /// As [`Self::send_all`], for one answer.
    pub fn send(&mut self, lab: &mut Lab, method: &str, headers: &str, body: &[u8]) -> Message {
        let mut sent = self.send_all(lab, method, headers, body);
        assert_eq!(sent.len(), 1, "{method} {headers}");
        sent.remove(0)
    }

    /// Gets a nonce.
    pub fn challenge(&mut self, lab: &mut Lab) {
        self.nonce = None;
        let status = self.send(lab, "REGISTER", "", b"").status();
        assert_eq!(status, Some(401));
    }

    /// Sends a REGISTER, a second time where it is challenged.
    pub fn register(&mut self, lab: &mut Lab, headers: &str) -> Message {
        let answer = self.send(lab, "REGISTER", headers, b"");
        if answer.status() == Some(401) {
            return self.send(lab, "REGISTER", headers, b"");
        }
        answer
    }

    fn authorization(&mut self, method: &str, uri: &str) -> String {
        let Some(nonce) = &self.nonce else {
            return String::new();
        };
        if self.replay {
            return self.last.clone();
        }
        self.nc += 1;
        let hash = |text: String| {
            let bytes: Vec<u8> = if self.sha256 {
                Sha256::digest(text).to_vec()
            } else {
                Md5::digest(text).to_vec()
            };
            bytes
                .iter()
                .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
        };
        let a1 = hash(format!("{}:{REALM}:{}", self.name, self.password));
        let a2 = hash(format!("{method}:{uri}"));
        let answer = hash(format!("{a1}:{nonce}:{:08x}:abc:auth:{a2}", self.nc));
        let algorithm = if self.sha256 { "SHA-256" } else { "MD5" };
        self.last = format!(
            "Authorization: Digest username=\"{}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{answer}\", algorithm={algorithm}, qop=auth, nc={:08x}, cnonce=\"abc\"\r\n",
            self.name, self.nc
        );
        self.last.clone()
    }
}

fn quoted(text: &str, name: &str) -> String {
    let start = text.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
    text[start..].split('"').next().unwrap().to_owned()
}
