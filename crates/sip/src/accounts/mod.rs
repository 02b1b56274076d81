//! Accounts of telephones: who may register and call, and the proof of it (RFC 3261 22, RFC 8760).
//!
//! The identity of a request is the user name of its digest answer, nothing else: From and Contact are what
//! the telephone says of itself.

mod guesses;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::digest::{Algorithm, Denied, Secret, Server, ServerConfig, Verdict, parse_params};
use crate::message::{HeaderName, Message};
use crate::types::Timestamp;
use guesses::Guesses;

/// Authorization lines of one request that are looked at.
const MAX_ANSWERS: usize = 4;

/// Settings of [`crate::UserAgent::serve_accounts`].
#[derive(Clone)]
pub struct AccountsConfig {
    /// What the telephones are challenged for. The hashes of every [`Account`] are bound to it.
    pub realm: String,
    /// Guards the nonces: take it from the system's generator.
    pub seed: [u8; 32],
    /// Algorithms offered, the preferred one first. Default SHA-256, then MD5.
    pub algorithms: Vec<Algorithm>,
    /// How long a nonce is good for; after it the telephone goes on by itself with `stale`. Default 1 h.
    pub nonce_lifetime: Duration,
    /// Wrong answers of one source address for one account in a minute, after which it hears nothing.
    /// Default 10.
    pub max_guesses: usize,
    /// Shortest registration accepted; less is refused with 423. Default 60 s.
    pub min_expires: u32,
    /// Longest registration given, and that of a telephone that names none. Default 3600 s.
    pub max_expires: u32,
    /// Bindings of one account; one more takes the place of the one that was refreshed longest ago.
    /// Default 10.
    pub max_bindings: usize,
    /// Subscriptions of one account; one more is refused with 503. Default 100.
    pub max_subscriptions: usize,
    /// Longest subscription and publication given, and that of a telephone that names none. After a crash of
    /// the host a telephone notices no sooner that it is told nothing. Default 900 s.
    pub max_subscription: u32,
}

impl AccountsConfig {
    /// The defaults, for a realm.
    pub fn new(realm: impl Into<String>, seed: [u8; 32]) -> Self {
        Self {
            realm: realm.into(),
            seed,
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            nonce_lifetime: Duration::from_hours(1),
            max_guesses: 10,
            min_expires: 60,
            max_expires: 3600,
            max_bindings: 10,
            max_subscriptions: 100,
            max_subscription: 900,
        }
    }
}

impl std::fmt::Debug for AccountsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountsConfig")
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

/// A telephone's account. The hashes are what [`crate::digest::ha1`] makes of name, realm and password.
///
/// An algorithm whose hash is `None` is not offered to this account. Give both, but for a telephone that gives
/// up where SHA-256 is offered beside MD5, as libre before version 2 does: such a one needs `ha1_sha256: None`.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The digest user name, and the user part of the address of record.
    pub name: String,
    pub ha1_md5: Option<String>,
    pub ha1_sha256: Option<String>,
}

impl std::fmt::Debug for Account {
    // The hashes are as good as the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a request's credentials are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Proven(Arc<str>),
    /// No answer, or a wrong one: challenge.
    Challenge {
        stale: bool,
    },
    /// Too many wrong answers: say nothing.
    Silence,
}

/// All accounts, and what is needed to check answers.
pub(crate) struct Accounts {
    server: Server,
    realm: String,
    algorithms: Vec<Algorithm>,
    known: HashMap<Arc<str>, Account>,
    guesses: Guesses,
}

impl Accounts {
    pub(crate) fn new(config: &AccountsConfig) -> Self {
        let server = ServerConfig {
            nonce_lifetime: config.nonce_lifetime,
            algorithms: config.algorithms.clone(),
            ..ServerConfig::new(config.realm.as_str())
        };
        Self {
            server: Server::new(server, config.seed),
            realm: config.realm.clone(),
            algorithms: config.algorithms.clone(),
            known: HashMap::new(),
            guesses: Guesses::new(config.max_guesses),
        }
    }

    /// Adds or changes an account; the one that it replaces.
    pub(crate) fn set(&mut self, account: Account) -> Option<Account> {
        self.known.insert(account.name.as_str().into(), account)
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.known.remove(name).is_some()
    }

    /// The shared name of an account.
    pub(crate) fn name(&self, name: &str) -> Option<Arc<str>> {
        self.known.get_key_value(name).map(|(name, _)| Arc::clone(name))
    }

    /// Values for WWW-Authenticate, strongest first; where the sender claims to be an account, without the
    /// algorithms that this account has no hash for. A claim proves nothing, but a telephone that gives up at
    /// the sight of SHA-256 can be spared it.
    pub(crate) fn challenge(&mut self, now: Timestamp, stale: bool, claimed: Option<&str>) -> Vec<String> {
        let mut challenges = self.server.challenge(now, stale);
        let Some(account) = claimed.and_then(|name| self.known.get(name)) else {
            return challenges;
        };
        let mut algorithms = self.algorithms.iter();
        challenges.retain(|_| match algorithms.next() {
            Some(Algorithm::Md5 | Algorithm::Md5Sess) => account.ha1_md5.is_some(),
            Some(Algorithm::Sha256 | Algorithm::Sha256Sess) => account.ha1_sha256.is_some(),
            _ => true,
        });
        challenges
    }

    /// Checks the Authorization of a request.
    pub(crate) fn check(&mut self, now: Timestamp, source: SocketAddr, request: &Message) -> Check {
        let method = request
            .method()
            .map_or("", crate::message::Method::as_str)
            .to_owned();
        let mut outcome = Check::Challenge { stale: false };
        for answer in request.lines(HeaderName::Authorization).take(MAX_ANSWERS) {
            let Some(user) = self.user_of(answer) else {
                continue;
            };
            // Unknown names share one count: a guesser cannot fill the memory with them.
            let counted = self.name(&user);
            if self.guesses.is_exhausted(now, source.ip(), counted.as_ref()) {
                return Check::Silence;
            }
            let known = &self.known;
            let verdict = self
                .server
                .verify(now, &method, request.request_uri(), answer, |name| {
                    known.get(name).map(|account| Secret::Ha1 {
                        md5: account.ha1_md5.as_deref(),
                        sha256: account.ha1_sha256.as_deref(),
                    })
                });
            match verdict {
                Verdict::Accepted { .. } => {
                    return counted.map_or(outcome, Check::Proven);
                }
                // The password was right, so the telephone need not ask its user again.
                Verdict::Stale | Verdict::Denied(Denied::Replayed) => {
                    outcome = Check::Challenge { stale: true };
                }
                Verdict::Denied(Denied::WrongCredentials | Denied::ForeignNonce) => {
                    self.guesses.wrong(now, source.ip(), counted.as_ref());
                }
                // Refused before the password was looked at, so nothing was learnt of it.
                Verdict::Denied(_) => {}
            }
        }
        outcome
    }

    fn user_of(&self, answer: &[u8]) -> Option<String> {
        parse_params(answer)
            .iter()
            .find(|params| params.get("realm") == Some(self.realm.as_str()))
            .and_then(|params| params.get("username"))
            .map(str::to_owned)
    }
}
