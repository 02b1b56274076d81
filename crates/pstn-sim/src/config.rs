//! Configuration: TOML with a default for everything.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::behaviour::BehaviourError;
use crate::directory::{Directory, Entry, KeyError};

/// What a simulator is made of. `Config::default()` is the demo.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the control API listens, on loopback. Port 0 takes a free one.
    pub control: SocketAddr,
    /// SIP address of the gateway, on loopback, that telephones call where an order names nobody.
    pub gateway: Option<SocketAddr>,
    /// Calls at once; one more is refused with 503.
    pub max_calls: usize,
    /// Finished calls that the control API remembers.
    pub kept_calls: usize,
    /// The trunks, the main one first.
    pub trunks: Vec<TrunkConfig>,
    /// The telephones. They are added to the demo's unless `demo_numbers` is false.
    pub numbers: Vec<Entry>,
    /// Whether the demo's telephones exist.
    pub demo_numbers: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            control: SocketAddr::from(([127, 0, 0, 1], 8089)),
            gateway: None,
            max_calls: 1000,
            kept_calls: 1000,
            trunks: vec![
                TrunkConfig::at("main", SocketAddr::from(([127, 0, 0, 1], 5070))),
                TrunkConfig::at("second", SocketAddr::from(([127, 0, 0, 1], 5071))),
            ],
            numbers: Vec::new(),
            demo_numbers: true,
        }
    }
}

/// One trunk: a SIP address over UDP and TCP.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkConfig {
    /// Its name in reports.
    pub name: String,
    /// Where it listens, on loopback. Port 0 takes one that is free for UDP and TCP.
    pub listen: SocketAddr,
    /// How it treats requests at first.
    #[serde(default)]
    pub mode: TrunkMode,
    /// Whom it lets in. Without it, everybody.
    #[serde(default)]
    pub auth: Option<TrunkAuth>,
}

impl TrunkConfig {
    /// An open trunk that works.
    pub fn at(name: &str, listen: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            listen,
            mode: TrunkMode::Ok,
            auth: None,
        }
    }
}

/// How a trunk treats requests outside a dialog. Calls that are up are not touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TrunkMode {
    /// Works.
    #[default]
    #[serde(rename = "ok")]
    Ok,
    /// Answers everything with 503.
    #[serde(rename = "503")]
    ServiceUnavailable,
    /// Answers everything with 500.
    #[serde(rename = "500")]
    ServerError,
    /// Answers nothing, as if it were down.
    #[serde(rename = "silent")]
    Silent,
    /// Works, but answers OPTIONS with 503.
    #[serde(rename = "reject_options")]
    RejectOptions,
}

/// Digest credentials a trunk wants (RFC 3261 §22, RFC 8760).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkAuth {
    /// User name of the account.
    pub username: String,
    /// Its password.
    pub password: Password,
    /// Protection domain.
    #[serde(default = "realm")]
    pub realm: String,
    /// Hash.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Status that challenges an INVITE: 401 or 407. A REGISTER is always challenged with 401.
    #[serde(default = "challenge")]
    pub challenge: u16,
    /// Whether an INVITE needs credentials; a REGISTER always does.
    #[serde(default = "yes")]
    pub invites: bool,
}

fn realm() -> String {
    "carrier.example".to_owned()
}

fn challenge() -> u16 {
    407
}

fn yes() -> bool {
    true
}

/// Hash of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Algorithm {
    /// RFC 3261.
    #[default]
    #[serde(rename = "MD5")]
    Md5,
    /// RFC 8760.
    #[serde(rename = "SHA-256")]
    Sha256,
}

impl Algorithm {
    /// The name used in headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }
}

/// A password; does not print.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Password(String);

impl Password {
    /// Wraps a password.
    pub fn new(password: &str) -> Self {
        Self(password.to_owned())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, or a field that does not exist; the message has the line.
    #[error("{path}: {source}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: Box<toml::de::Error>,
    },
    /// A simulator has no business on a network.
    #[error("{0} is not a loopback address: the simulator serves this machine only")]
    NotLoopback(SocketAddr),
    /// There is no trunk.
    #[error("no trunk is configured")]
    NoTrunk,
    /// Two trunks share a name.
    #[error("two trunks are named `{0}`")]
    TwoTrunks(String),
    /// A challenge that is none.
    #[error("trunk `{0}`: `challenge` must be 401 or 407")]
    Challenge(String),
    /// A key in `numbers`.
    #[error("numbers: {0}")]
    Number(#[from] KeyError),
    /// A behaviour in `numbers`.
    #[error("number {number}: {source}")]
    Behaviour {
        /// The entry.
        number: String,
        /// What is wrong with it.
        source: BehaviourError,
    },
}

impl Config {
    /// A simulator for tests: one trunk and the control API on free ports, and the demo's numbers.
    pub fn for_tests() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            control: any,
            trunks: vec![TrunkConfig::at("main", any)],
            ..Self::default()
        }
    }

    /// Reads a TOML file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| ConfigError::Syntax {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Checks what serde cannot, and builds the directory.
    pub(crate) fn directory(&self) -> Result<Directory, ConfigError> {
        let listens = self.trunks.iter().map(|trunk| trunk.listen);
        for addr in listens.chain([self.control]).chain(self.gateway) {
            if !addr.ip().is_loopback() {
                return Err(ConfigError::NotLoopback(addr));
            }
        }
        if self.trunks.is_empty() {
            return Err(ConfigError::NoTrunk);
        }
        for (place, trunk) in self.trunks.iter().enumerate() {
            if self.trunks[..place].iter().any(|other| other.name == trunk.name) {
                return Err(ConfigError::TwoTrunks(trunk.name.clone()));
            }
            if let Some(auth) = &trunk.auth
                && !matches!(auth.challenge, 401 | 407)
            {
                return Err(ConfigError::Challenge(trunk.name.clone()));
            }
        }
        let demo = if self.demo_numbers {
            Directory::demo()
        } else {
            Vec::new()
        };
        for entry in &self.numbers {
            entry.behaviour.check().map_err(|source| ConfigError::Behaviour {
                number: entry.number.clone(),
                source,
            })?;
        }
        Ok(Directory::new(
            demo.into_iter().chain(self.numbers.iter().cloned()),
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_reads() {
        let config: Config = toml::from_str(
            r#"
            control = "127.0.0.1:0"
            [[trunks]]
            name = "main"
            listen = "127.0.0.1:0"
            [trunks.auth]
            username = "ponte"
            password = "secret"
            algorithm = "SHA-256"
            [[trunks]]
            name = "second"
            listen = "127.0.0.1:0"
            mode = "503"
            [[numbers]]
            number = "+3906*"
            behaviour = { kind = "slow", ringing_after_ms = 100, answer = { after_ms = 0 } }
            "#,
        )
        .unwrap();
        assert_eq!(config.trunks[1].mode, TrunkMode::ServiceUnavailable);
        let auth = config.trunks[0].auth.as_ref().unwrap();
        assert_eq!((auth.algorithm, auth.challenge), (Algorithm::Sha256, 407));
        assert!(!format!("{config:?}").contains("secret"));
        let directory = config.directory().unwrap();
        assert_eq!(directory.find("+390600000").unwrap().behaviour.kind(), "slow");
    }

    #[test]
    fn mistakes_are_named() {
        let error = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.directory().unwrap_err().to_string()
        };
        let all = SocketAddr::from(([0, 0, 0, 0], 5070));
        assert!(
            Config {
                control: all,
                ..Config::default()
            }
            .directory()
            .unwrap_err()
            .to_string()
            .contains("loopback")
        );
        assert!(error(|config| config.trunks.clear()).contains("no trunk"));
        assert!(error(|config| config.trunks[1].name = "main".into()).contains("`main`"));
        assert!(toml::from_str::<Config>("contrl = 1").is_err());
    }
}
