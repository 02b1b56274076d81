//! The server's role: nonces that cannot be forged, answers that cannot be replayed.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use hmac::{Hmac, Mac};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::{Algorithm, Covered, Inputs, Params, Qop, answer, ha1, hex, parse_params, quote};
use crate::message::{Scheme, Uri};
use crate::types::Timestamp;

/// Settings of a [`Server`].
#[derive(Clone, Debug)]
pub struct ServerConfig {
    pub realm: String,
    /// How long a nonce is good for. After it the client is told `stale=true` and goes on by itself.
    pub nonce_lifetime: Duration,
    /// Nonces in use whose counters are kept.
    pub max_nonces: usize,
    /// Algorithms offered, the preferred one first.
    pub algorithms: Vec<Algorithm>,
}

impl ServerConfig {
    /// SHA-256, then MD5 for telephones that know nothing else; nonces for an hour, 10,000 of them.
    pub fn new(realm: impl Into<String>) -> Self {
        Self {
            realm: realm.into(),
            nonce_lifetime: Duration::from_hours(1),
            max_nonces: 10_000,
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
        }
    }
}

/// What is known of a user.
pub enum Secret<'a> {
    Password(&'a str),
    /// `H(username:realm:password)` in lower-case hexadecimal, see [`super::ha1`]; `None` where that
    /// algorithm's was never stored.
    Ha1 {
        md5: Option<&'a str>,
        sha256: Option<&'a str>,
    },
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answer is right and was not seen before.
    Accepted {
        username: String,
    },
    /// The answer is right, but its nonce is too old, or was made before a restart: challenge again with `stale`.
    Stale,
    Denied(Denied),
}

/// Why an answer was refused. Tell the peer nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Denied {
    /// No `Digest` answer for our realm.
    #[error("no answer to our challenge")]
    NoAnswer,
    /// A parameter is missing, malformed, or not what was offered.
    #[error("malformed answer")]
    Malformed,
    /// The nonce was not made by this server, and the answer is wrong.
    #[error("unknown nonce")]
    ForeignNonce,
    /// The `uri` is not that of the request.
    #[error("answer for another request")]
    OtherUri,
    /// No such user, or the wrong password.
    #[error("wrong credentials")]
    WrongCredentials,
    /// The nonce count was used before.
    #[error("replayed answer")]
    Replayed,
}

/// Which nonce counts were used: the highest, and a bit for each of the 64 below it.
#[derive(Clone, Copy, Debug)]
struct Counts {
    highest: u32,
    seen: u64,
}

impl Counts {
    fn take(&mut self, nc: u32) -> bool {
        if nc > self.highest {
            let ahead = nc - self.highest;
            self.seen = if ahead >= 64 { 0 } else { self.seen << ahead };
            self.seen |= 1;
            self.highest = nc;
            return true;
        }
        let behind = self.highest - nc;
        if behind >= 64 || self.seen & (1 << behind) != 0 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}

/// Checks digest answers.
///
/// A nonce carries its time of birth and a MAC, so that challenging costs no memory; only nonces that were
/// used with success are remembered, for their counters.
pub struct Server {
    config: ServerConfig,
    key: [u8; 32],
    rng: StdRng,
    used: HashMap<String, Counts>,
    order: VecDeque<(Timestamp, String)>,
    /// Nonces born before this may have lost their counters.
    forgotten_before: Timestamp,
}

impl Server {
    /// `seed` must come from the system's generator: the key that guards the nonces is drawn from it.
    pub fn new(config: ServerConfig, seed: [u8; 32]) -> Self {
        let mut rng = StdRng::from_seed(seed);
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        Self {
            config,
            key,
            rng,
            used: HashMap::new(),
            order: VecDeque::new(),
            forgotten_before: Timestamp::default(),
        }
    }

    /// Values for WWW-Authenticate, one header line each, the preferred algorithm first (RFC 8760 2.4).
    pub fn challenge(&mut self, now: Timestamp, stale: bool) -> Vec<String> {
        let mut random = [0; 8];
        self.rng.fill_bytes(&mut random);
        let born = u64::try_from(now.0.as_millis()).unwrap_or(u64::MAX).to_be_bytes();
        let nonce = format!("{}{}{}", hex(&born), hex(&random), self.mac(&born, &random));
        self.config
            .algorithms
            .iter()
            .map(|algorithm| {
                format!(
                    "Digest realm={}, nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{}",
                    quote(&self.config.realm),
                    algorithm.as_str(),
                    if stale { ", stale=true" } else { "" },
                )
            })
            .collect()
    }

    /// Checks an Authorization value against the request it came with. `lookup` finds a user's secret.
    pub fn verify<'s>(
        &mut self,
        now: Timestamp,
        method: &str,
        request_uri: &[u8],
        authorization: &[u8],
        lookup: impl FnOnce(&str) -> Option<Secret<'s>>,
    ) -> Verdict {
        match self.check(now, method, request_uri, authorization, lookup) {
            Ok(verdict) => verdict,
            Err(denied) => Verdict::Denied(denied),
        }
    }

    fn check<'s>(
        &mut self,
        now: Timestamp,
        method: &str,
        request_uri: &[u8],
        authorization: &[u8],
        lookup: impl FnOnce(&str) -> Option<Secret<'s>>,
    ) -> Result<Verdict, Denied> {
        let sets = parse_params(authorization);
        let params = sets
            .iter()
            .find(|params| params.get("realm") == Some(self.config.realm.as_str()))
            .ok_or(Denied::NoAnswer)?;
        let field = |name: &str| params.get(name).ok_or(Denied::Malformed);
        let (username, nonce, uri) = (field("username")?, field("nonce")?, field("uri")?);
        let (nc_text, cnonce, response) = (field("nc")?, field("cnonce")?, field("response")?);
        let algorithm = self.offered(params)?;
        if params.get("qop") != Some("auth") || cnonce.is_empty() || nc_text.len() != 8 {
            return Err(Denied::Malformed);
        }
        let nc = u32::from_str_radix(nc_text, 16)
            .ok()
            .filter(|nc| *nc > 0)
            .ok_or(Denied::Malformed)?;
        let born = self.birth(nonce);
        if !same_target(uri.as_bytes(), request_uri) {
            return Err(Denied::OtherUri);
        }
        let inputs = Inputs {
            algorithm,
            qop: Qop::Auth,
            nonce,
            nc: nc_text,
            cnonce,
        };
        let covered = Covered {
            method,
            uri: uri.as_bytes(),
            body: b"",
        };
        let expected = self.expected(username, lookup(username), &inputs, &covered);
        // The hash is computed and compared for unknown users as well, so that time tells nothing.
        let (known, expected) = (
            expected.is_some(),
            expected.unwrap_or_else(|| answer("", &inputs, &covered)),
        );
        let equal: bool = expected
            .as_bytes()
            .ct_eq(response.to_ascii_lowercase().as_bytes())
            .into();
        if !(equal && known) {
            return Err(match born {
                Some(_) => Denied::WrongCredentials,
                None => Denied::ForeignNonce,
            });
        }
        // A nonce of before a restart: whoever knows the password need not ask for it again.
        let Some(born) = born else {
            return Ok(Verdict::Stale);
        };
        if now.since(born) > self.config.nonce_lifetime {
            return Ok(Verdict::Stale);
        }
        if !self.used.contains_key(nonce) {
            if born < self.forgotten_before {
                return Ok(Verdict::Stale);
            }
            self.remember(now, nonce);
        }
        let counts = self.used.get_mut(nonce).ok_or(Denied::ForeignNonce)?;
        if !counts.take(nc) {
            return Err(Denied::Replayed);
        }
        Ok(Verdict::Accepted {
            username: username.to_owned(),
        })
    }

    fn offered(&self, params: &Params) -> Result<Algorithm, Denied> {
        let algorithm = match params.get("algorithm") {
            None => Algorithm::Md5,
            Some(name) => Algorithm::from_text(name).ok_or(Denied::Malformed)?,
        };
        self.config
            .algorithms
            .contains(&algorithm)
            .then_some(algorithm)
            .ok_or(Denied::Malformed)
    }

    fn expected(
        &self,
        username: &str,
        secret: Option<Secret<'_>>,
        inputs: &Inputs<'_>,
        covered: &Covered<'_>,
    ) -> Option<String> {
        let base = match secret? {
            Secret::Password(password) => ha1(inputs.algorithm, username, &self.config.realm, password),
            Secret::Ha1 { md5, sha256 } => match inputs.algorithm {
                Algorithm::Md5 | Algorithm::Md5Sess => md5?.to_ascii_lowercase(),
                Algorithm::Sha256 | Algorithm::Sha256Sess => sha256?.to_ascii_lowercase(),
                Algorithm::Sha512Trunc256 | Algorithm::Sha512Trunc256Sess => return None,
            },
        };
        Some(answer(&base, inputs, covered))
    }

    fn remember(&mut self, now: Timestamp, nonce: &str) {
        while let Some((born, _)) = self.order.front() {
            let expired = now.since(*born) > self.config.nonce_lifetime;
            if !expired && self.order.len() < self.config.max_nonces.max(1) {
                break;
            }
            if let Some((born, old)) = self.order.pop_front() {
                self.used.remove(&old);
                if !expired {
                    self.forgotten_before = self.forgotten_before.max(born + Duration::from_millis(1));
                }
            }
        }
        self.used.insert(nonce.to_owned(), Counts { highest: 0, seen: 0 });
        let born = self.birth(nonce).unwrap_or(now);
        self.order.push_back((born, nonce.to_owned()));
    }

    fn mac(&self, born: &[u8], random: &[u8]) -> String {
        // HMAC takes keys of any length, so this cannot fail; an empty MAC would match no nonce.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return String::new();
        };
        mac.update(born);
        mac.update(random);
        hex(&mac.finalize().into_bytes()[..16])
    }

    /// When a nonce of ours was made; `None` for anything else.
    fn birth(&self, nonce: &str) -> Option<Timestamp> {
        if nonce.len() != 64 || !nonce.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let born = u64::from_str_radix(&nonce[..16], 16).ok()?;
        let random = u64::from_str_radix(&nonce[16..32], 16).ok()?;
        let mac = self.mac(&born.to_be_bytes(), &random.to_be_bytes());
        bool::from(mac.as_bytes().ct_eq(&nonce.as_bytes()[32..]))
            .then(|| Timestamp(Duration::from_millis(born)))
    }
}

/// Whether `uri` of an answer is that of the request. Proxies may add parameters, not change the target.
fn same_target(uri: &[u8], request_uri: &[u8]) -> bool {
    if uri == request_uri {
        return true;
    }
    match (Uri::parse(uri), Uri::parse(request_uri)) {
        (Some(a), Some(b)) => {
            a.scheme == b.scheme
                && matches!(a.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel)
                && a.user() == b.user()
                && a.host().eq_ignore_ascii_case(&b.host())
                && a.port == b.port
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AuthSession, AuthTrack};
    use super::*;
    use crate::message::Message;
    use crate::types::Credentials;

    const URI: &[u8] = b"sip:example.com";

    fn at(seconds: u64) -> Timestamp {
        Timestamp(Duration::from_secs(seconds))
    }

    fn client(challenges: &[String]) -> (Vec<AuthSession>, Credentials) {
        let headers = challenges
            .iter()
            .map(|value| format!("WWW-Authenticate: {value}\r\n"))
            .collect::<Vec<_>>()
            .concat();
        let text = format!(
            "SIP/2.0 401 X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        let credentials = Credentials {
            username: "20".into(),
            password: "pw".into(),
            realm: None,
        };
        let mut sessions = Vec::new();
        let response = Message::parse(text.as_bytes()).unwrap();
        let mut track = AuthTrack::default();
        assert!(AuthSession::take_challenges(
            &mut sessions,
            &mut track,
            &credentials,
            &response
        ));
        (sessions, credentials)
    }

    fn authorize(sessions: &mut [AuthSession], credentials: &Credentials) -> String {
        let covered = Covered {
            method: "REGISTER",
            uri: URI,
            body: b"",
        };
        sessions[0]
            .authorize(credentials, &covered, &mut StdRng::seed_from_u64(7))
            .1
    }

    fn server(algorithms: &[Algorithm]) -> Server {
        let config = ServerConfig {
            algorithms: algorithms.to_vec(),
            max_nonces: 2,
            ..ServerConfig::new("ponte")
        };
        Server::new(config, [7; 32])
    }

    fn verify(server: &mut Server, now: u64, value: &str) -> Verdict {
        server.verify(at(now), "REGISTER", URI, value.as_bytes(), |user| {
            (user == "20").then_some(Secret::Password("pw"))
        })
    }

    #[test]
    fn client_and_server_agree_far_beyond_nc_255() {
        for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
            let mut server = server(&[algorithm]);
            let (mut sessions, credentials) = client(&server.challenge(at(0), false));
            for _ in 0..300 {
                let value = authorize(&mut sessions, &credentials);
                assert_eq!(
                    verify(&mut server, 1, &value),
                    Verdict::Accepted {
                        username: "20".into()
                    }
                );
                assert_eq!(verify(&mut server, 1, &value), Verdict::Denied(Denied::Replayed));
            }
        }
    }

    #[test]
    fn counts_may_arrive_out_of_order_but_not_twice() {
        let mut counts = Counts { highest: 0, seen: 0 };
        for nc in [1, 5, 3, 2, 70, 8, 7] {
            assert!(counts.take(nc), "{nc}");
            assert!(!counts.take(nc), "{nc}");
        }
        assert!(!counts.take(6), "fallen out of the window");
    }

    #[test]
    fn forged_old_and_foreign_answers_are_refused() {
        let mut server = server(&[Algorithm::Sha256, Algorithm::Md5]);
        let (mut sessions, credentials) = client(&server.challenge(at(0), false));
        let value = authorize(&mut sessions, &credentials);
        assert_eq!(verify(&mut server, 4000, &value), Verdict::Stale);
        let denied = |server: &mut Server, value: &str| match verify(server, 1, value) {
            Verdict::Denied(why) => why,
            other => panic!("{other:?} for {value}"),
        };
        assert_eq!(denied(&mut server, ""), Denied::NoAnswer);
        assert_eq!(
            denied(&mut server, &value.replace("ponte", "other")),
            Denied::NoAnswer
        );
        assert_eq!(
            denied(&mut server, &value.replace("nonce=\"0", "nonce=\"1")),
            Denied::ForeignNonce
        );
        assert_eq!(
            denied(&mut server, &value.replace("sip:example.com", "sip:other.com")),
            Denied::OtherUri
        );
        assert_eq!(
            denied(&mut server, &value.replace("username=\"20\"", "username=\"21\"")),
            Denied::WrongCredentials
        );
        assert_eq!(
            denied(&mut server, &value.replace("nc=00000001", "nc=00000002")),
            Denied::WrongCredentials
        );
        assert_eq!(
            denied(&mut server, &value.replace("nc=00000001", "nc=1")),
            Denied::Malformed
        );
        assert_eq!(
            denied(&mut server, &value.replace("qop=auth", "qop=auth-int")),
            Denied::Malformed
        );
    }

    #[test]
    fn a_nonce_whose_counter_was_dropped_is_stale_not_replayable() {
        let mut server = server(&[Algorithm::Sha256]);
        let mut first = String::new();
        for second in 0..3 {
            let (mut sessions, credentials) = client(&server.challenge(at(second), false));
            let value = authorize(&mut sessions, &credentials);
            assert!(matches!(
                verify(&mut server, second, &value),
                Verdict::Accepted { .. }
            ));
            if second == 0 {
                first = value;
            }
        }
        assert_eq!(verify(&mut server, 3, &first), Verdict::Stale);
    }
}
