//! `[webrtc.turn]`: the relay by which browsers come whose network lets no UDP through.

use super::reader::{Found, Problems, Section};
use super::secret::{self, Environment, Secret, SecretKeys};
use std::fmt;
use std::path::Path;

const SECRET: SecretKeys = SecretKeys {
    text: "secret",
    file: "secret_file",
    variable: "secret_env",
};

/// A TURN server (RFC 8656) that takes passwords made of a shared secret, as coturn does with `use-auth-secret`.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnConfig {
    /// Its addresses (RFC 7065), in the order in which browsers try them.
    pub urls: Vec<String>,
    pub secret: String,
}

impl fmt::Debug for TurnConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnConfig")
            .field("urls", &self.urls)
            .finish_non_exhaustive()
    }
}

pub(super) fn read(
    mut section: Section<'_, '_>,
    problems: &Problems<'_>,
    folder: &Path,
    environment: Environment<'_>,
) -> Option<TurnConfig> {
    let urls: Vec<Found<String>> = section.texts("urls").map_or_else(Vec::new, |texts| {
        let texts = texts.value.into_iter();
        texts
            .filter_map(|text| text.read(problems, |text| url(text)))
            .collect()
    });
    if urls.is_empty() {
        section.missing(
            "urls",
            "names no server, e.g. [\"turns:turn.example.org:443?transport=tcp\"]",
        );
    }
    let secret = secret::read(&mut section, &SECRET, problems, folder, environment);
    if matches!(secret, Secret::Absent) {
        section.missing("secret_file", "is missing: the static-auth-secret of the server");
    }
    section.finish();
    match secret {
        Secret::Given(secret) => Some(TurnConfig {
            urls: urls.into_iter().map(|found| found.value).collect(),
            secret: secret.value,
        }),
        Secret::Absent | Secret::Unusable => None,
    }
}

fn url(text: &str) -> Result<String, String> {
    let wrong = || format!("'{text}' is no address of a relay, e.g. turn:turn.example.org:3478");
    let rest = ["turn:", "turns:"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let place = rest.ok_or_else(wrong)?;
    let (host, query) = place.split_once('?').unwrap_or((place, "transport=udp"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    let usable = !host.is_empty() && host.chars().all(plain) && text.len() <= 200;
    if !usable || !matches!(query, "transport=udp" | "transport=tcp") {
        return Err(wrong());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn relays_have_addresses_that_browsers_take() {
        for good in [
            "turn:turn.example.org",
            "turn:203.0.113.5:3478",
            "turn:[2001:db8::5]:3478?transport=udp",
            "turns:turn.example.org:443?transport=tcp",
        ] {
            assert_eq!(url(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "turn:",
            "stun:stun.example.org",
            "https://turn.example.org",
            "turn:a b",
            "turn:host?transport=sctp",
            "turn:user@host",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }
}
