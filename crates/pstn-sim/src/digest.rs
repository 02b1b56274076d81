//! The server side of digest authentication (RFC 3261 §22, RFC 7616, RFC 8760).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use md5::Md5;
use sha2::{Digest as _, Sha256};

use crate::config::{Algorithm, TrunkAuth};

const NONCE_LIFE: Duration = Duration::from_mins(5);
const MAX_NONCES: usize = 10_000;

/// Nonces given out, and how far their counters are.
#[derive(Debug)]
pub(crate) struct DigestServer {
    auth: TrunkAuth,
    nonces: HashMap<String, Nonce>,
}

#[derive(Debug)]
struct Nonce {
    issued: Instant,
    last_nc: u32,
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    /// Right password, nonce too old, unknown or used before: worth another try.
    Stale,
    Wrong,
}

impl DigestServer {
    pub(crate) fn new(auth: TrunkAuth) -> Self {
        Self {
            auth,
            nonces: HashMap::new(),
        }
    }

    pub(crate) fn auth(&self) -> &TrunkAuth {
        &self.auth
    }

    /// The value of a `WWW-Authenticate` or `Proxy-Authenticate` header with a fresh nonce.
    pub(crate) fn challenge(&mut self, now: Instant, stale: bool) -> String {
        if self.nonces.len() >= MAX_NONCES {
            self.nonces
                .retain(|_, nonce| now.duration_since(nonce.issued) < NONCE_LIFE);
            if self.nonces.len() >= MAX_NONCES {
                self.nonces.clear();
            }
        }
        let nonce = format!("{:032x}", rand::random::<u128>());
        let mut value = format!(
            "Digest realm=\"{}\", nonce=\"{nonce}\", algorithm={}, qop=\"auth\"",
            self.auth.realm,
            self.auth.algorithm.name()
        );
        if stale {
            value.push_str(", stale=true");
        }
        self.nonces.insert(
            nonce,
            Nonce {
                issued: now,
                last_nc: 0,
            },
        );
        value
    }

    /// Checks the value of an `Authorization` or `Proxy-Authorization` header.
    ///
    /// `same_uri` says whether the `uri` parameter names what was requested.
    pub(crate) fn check(
        &mut self,
        value: &str,
        method: &str,
        same_uri: impl Fn(&str) -> bool,
        now: Instant,
    ) -> Verdict {
        let Some(fields) = parse(value) else {
            return Verdict::Wrong;
        };
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let algorithm = field("algorithm");
        let named = algorithm.is_empty() && self.auth.algorithm == Algorithm::Md5
            || algorithm.eq_ignore_ascii_case(self.auth.algorithm.name());
        if !named
            || field("username") != self.auth.username
            || field("realm") != self.auth.realm
            || !same_uri(field("uri"))
        {
            return Verdict::Wrong;
        }
        let (nonce, nc, cnonce) = (field("nonce"), field("nc"), field("cnonce"));
        let hash = |text: &str| self.hash(text);
        let ha1 = hash(&format!(
            "{}:{}:{}",
            self.auth.username,
            self.auth.realm,
            self.auth.password.expose()
        ));
        let ha2 = hash(&format!("{method}:{}", field("uri")));
        let expected = match field("qop") {
            "auth" => hash(&format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}")),
            // We offered qop, so a client of RFC 3261 must use it; one of RFC 2069 may not know it.
            "" => hash(&format!("{ha1}:{nonce}:{ha2}")),
            _ => return Verdict::Wrong,
        };
        if !expected.eq_ignore_ascii_case(field("response")) {
            return Verdict::Wrong;
        }
        let count = if field("qop").is_empty() {
            Some(1)
        } else {
            u32::from_str_radix(nc, 16).ok()
        };
        match (self.nonces.get_mut(nonce), count) {
            (Some(known), Some(count))
                if count > known.last_nc && now.duration_since(known.issued) < NONCE_LIFE =>
            {
                known.last_nc = count;
                Verdict::Right
            }
            _ => Verdict::Stale,
        }
    }

    fn hash(&self, text: &str) -> String {
        match self.auth.algorithm {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// Splits `Digest name=value, name="quoted, value"` into lower-case names and unquoted values.
fn parse(value: &str) -> Option<HashMap<String, String>> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("digest") {
        return None;
    }
    let mut fields = HashMap::new();
    let mut chars = rest.chars().peekable();
    loop {
        while chars.next_if(|c| *c == ',' || c.is_whitespace()).is_some() {}
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && *c != ',') {
            name.push(c);
        }
        if name.is_empty() {
            return Some(fields);
        }
        chars.next_if_eq(&'=')?;
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let mut text = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => text.push(chars.next()?),
                    c => text.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| *c != ',' && !c.is_whitespace()) {
                text.push(c);
            }
        }
        fields.insert(name.trim().to_ascii_lowercase(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Password;

    fn server(algorithm: Algorithm) -> DigestServer {
        DigestServer::new(TrunkAuth {
            username: "Mufasa".into(),
            password: Password::new("Circle of Life"),
            realm: "http-auth@example.org".into(),
            algorithm,
            challenge: 407,
            invites: true,
        })
    }

    fn with_nonce(algorithm: Algorithm, nonce: &str) -> DigestServer {
        let mut server = server(algorithm);
        server.nonces.insert(
            nonce.into(),
            Nonce {
                issued: Instant::now(),
                last_nc: 0,
            },
        );
        server
    }

    /// The worked example of RFC 7616 §3.9.1.
    fn example(algorithm: &str, response: &str) -> String {
        format!(
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"{response}\""
        )
    }

    const NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const MD5: &str = "8ca523f5e9506fed4657c9700eebdbec";
    const SHA256: &str = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";

    #[test]
    fn the_examples_of_rfc_7616_are_right() {
        for (algorithm, response) in [(Algorithm::Md5, MD5), (Algorithm::Sha256, SHA256)] {
            let mut server = with_nonce(algorithm, NONCE);
            let value = example(algorithm.name(), response);
            let now = Instant::now();
            let check = |server: &mut DigestServer, method: &str| {
                server.check(&value, method, |uri| uri == "/dir/index.html", now)
            };
            assert_eq!(check(&mut server, "POST"), Verdict::Wrong);
            assert_eq!(check(&mut server, "GET"), Verdict::Right);
            assert_eq!(check(&mut server, "GET"), Verdict::Stale, "a replay");
        }
    }

    #[test]
    fn other_uris_algorithms_and_old_nonces_are_refused() {
        let mut server = with_nonce(Algorithm::Md5, NONCE);
        let now = Instant::now();
        let value = example("MD5", MD5);
        assert_eq!(server.check(&value, "GET", |_| false, now), Verdict::Wrong);
        assert_eq!(
            server.check(&example("SHA-256", MD5), "GET", |_| true, now),
            Verdict::Wrong
        );
        assert_eq!(
            server.check(&value, "GET", |_| true, now + NONCE_LIFE),
            Verdict::Stale
        );
        for junk in [
            "",
            "Basic abc",
            "Digest",
            "Digest username",
            "Digest a=\"b",
            "Digest =,=,",
        ] {
            assert_eq!(server.check(junk, "GET", |_| true, now), Verdict::Wrong);
        }
    }

    #[test]
    fn a_counter_may_pass_nine_and_never_go_back() {
        let mut server = server(Algorithm::Md5);
        let now = Instant::now();
        let challenge = server.challenge(now, false);
        let nonce = parse(&challenge).unwrap().remove("nonce").unwrap();
        let answer = |server: &DigestServer, nc: u32| {
            let ha1 = server.hash("Mufasa:http-auth@example.org:Circle of Life");
            let ha2 = server.hash("INVITE:sip:x");
            let response = server.hash(&format!("{ha1}:{nonce}:{nc:08x}:c:auth:{ha2}"));
            format!(
                "Digest username=\"Mufasa\",realm=\"http-auth@example.org\",nonce=\"{nonce}\",uri=\"sip:x\",qop=auth,nc={nc:08x},cnonce=\"c\",response=\"{response}\""
            )
        };
        for (nc, expected) in [
            (1, Verdict::Right),
            (9, Verdict::Right),
            (10, Verdict::Right),
            (256, Verdict::Right),
            (255, Verdict::Stale),
        ] {
            let value = answer(&server, nc);
            assert_eq!(server.check(&value, "INVITE", |_| true, now), expected, "nc {nc}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_credentials_panic(value in "(Digest )?[ -~]{0,120}") {
            let mut server = server(Algorithm::Md5);
            proptest::prop_assert_eq!(
                server.check(&value, "INVITE", |_| true, Instant::now()),
                Verdict::Wrong
            );
        }
    }
}
