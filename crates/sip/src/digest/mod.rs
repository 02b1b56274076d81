//! Digest access authentication (RFC 7616, RFC 8760): the hashes, the challenges, and both roles.

mod client;
mod server;

pub(crate) use client::{AuthSession, AuthTrack};
pub use server::{Denied, Secret, Server, ServerConfig, Verdict};

use md5::Md5;
use sha2::{Sha256, Sha512_256};

/// A hash that digest can use. Ordered by strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    Md5,
    Md5Sess,
    Sha512Trunc256,
    Sha512Trunc256Sess,
    Sha256,
    Sha256Sess,
}

impl Algorithm {
    const ALL: [Self; 6] = [
        Self::Md5,
        Self::Md5Sess,
        Self::Sha256,
        Self::Sha256Sess,
        Self::Sha512Trunc256,
        Self::Sha512Trunc256Sess,
    ];

    /// The name in `algorithm=`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512Trunc256 => "SHA-512-256",
            Self::Sha512Trunc256Sess => "SHA-512-256-sess",
        }
    }

    /// Reads the name in `algorithm=`, in any case.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(text))
    }

    const fn is_session(self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess | Self::Sha512Trunc256Sess)
    }

    /// The hash of the parts joined by colons, in lower-case hexadecimal.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> String {
        match self {
            Self::Md5 | Self::Md5Sess => hash_with::<Md5>(parts),
            Self::Sha256 | Self::Sha256Sess => hash_with::<Sha256>(parts),
            Self::Sha512Trunc256 | Self::Sha512Trunc256Sess => hash_with::<Sha512_256>(parts),
        }
    }
}

fn hash_with<D: sha2::Digest>(parts: &[&[u8]]) -> String {
    let mut hasher = D::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// Quality of protection of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Qop {
    /// None named: RFC 2069.
    Legacy,
    Auth,
    AuthInt,
}

impl Qop {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "",
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

/// The request that an answer covers.
#[derive(Clone, Copy)]
pub(crate) struct Covered<'a> {
    pub(crate) method: &'a str,
    pub(crate) uri: &'a [u8],
    pub(crate) body: &'a [u8],
}

/// What goes into an answer beside the password.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    algorithm: Algorithm,
    qop: Qop,
    nonce: &'a str,
    /// Eight hexadecimal digits.
    nc: &'a str,
    cnonce: &'a str,
}

/// `H(username:realm:password)`, what a server stores in place of a password.
pub fn ha1(algorithm: Algorithm, username: &str, realm: &str, password: &str) -> String {
    algorithm.hash(&[username.as_bytes(), realm.as_bytes(), password.as_bytes()])
}

/// The `response` value (RFC 7616 3.4.1).
fn answer(base_ha1: &str, inputs: &Inputs<'_>, covered: &Covered<'_>) -> String {
    let Inputs {
        algorithm,
        qop,
        nonce,
        nc,
        cnonce,
    } = *inputs;
    let session;
    let ha1 = if algorithm.is_session() {
        session = algorithm.hash(&[base_ha1.as_bytes(), nonce.as_bytes(), cnonce.as_bytes()]);
        session.as_str()
    } else {
        base_ha1
    };
    let ha2 = if qop == Qop::AuthInt {
        let body = algorithm.hash(&[covered.body]);
        algorithm.hash(&[covered.method.as_bytes(), covered.uri, body.as_bytes()])
    } else {
        algorithm.hash(&[covered.method.as_bytes(), covered.uri])
    };
    if qop == Qop::Legacy {
        return algorithm.hash(&[ha1.as_bytes(), nonce.as_bytes(), ha2.as_bytes()]);
    }
    algorithm.hash(&[
        ha1.as_bytes(),
        nonce.as_bytes(),
        nc.as_bytes(),
        cnonce.as_bytes(),
        qop.as_str().as_bytes(),
        ha2.as_bytes(),
    ])
}

/// One `Digest` challenge or answer: its parameters, names in lower case, values unquoted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads every `Digest` set of a header value; other schemes are passed over. One value may hold several
/// challenges, separated by the same commas as their parameters (RFC 9110 11.6.1).
pub(crate) fn parse_params(value: &[u8]) -> Vec<Params> {
    let text = String::from_utf8_lossy(value);
    let mut sets: Vec<(bool, Params)> = Vec::new();
    for item in split_quoted(&text) {
        let (key, value) = item.split_once('=').unwrap_or((item, ""));
        let key = key.trim();
        // "Digest realm" opens a set, "realm" goes on with it.
        let key = if let Some((scheme, key)) = key.split_once([' ', '\t']) {
            sets.push((scheme.eq_ignore_ascii_case("digest"), Params::default()));
            key.trim()
        } else {
            key
        };
        if let Some((_, params)) = sets.last_mut()
            && params.0.len() < 32
        {
            params.0.push((key.to_ascii_lowercase(), unquote(value.trim())));
        }
        if sets.len() > 16 {
            break;
        }
    }
    sets.into_iter()
        .filter_map(|(is_digest, params)| is_digest.then_some(params))
        .collect()
}

fn split_quoted(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        if escaped {
            escaped = false;
            return false;
        }
        match letter {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' => return !quoted,
            _ => {}
        }
        false
    })
    .map(str::trim)
    .filter(|item| !item.is_empty())
}

fn unquote(text: &str) -> String {
    let Some(inner) = text
        .strip_prefix('"')
        .map(|rest| rest.strip_suffix('"').unwrap_or(rest))
    else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        out.push(if letter == '\\' {
            letters.next().unwrap_or(letter)
        } else {
            letter
        });
    }
    out
}

/// A quoted string (RFC 3261 25.1).
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text
        .chars()
        .filter(|letter| !matches!(letter, '\r' | '\n' | '\0'))
    {
        if matches!(letter, '"' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 7616 3.9.1.
    #[test]
    fn rfc_7616_vectors() {
        let covered = Covered {
            method: "GET",
            uri: b"/dir/index.html",
            body: b"",
        };
        for (algorithm, expected) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                Algorithm::Sha256,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let inputs = Inputs {
                algorithm,
                qop: Qop::Auth,
                nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                nc: "00000001",
                cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            };
            let ha1 = ha1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
            assert_eq!(answer(&ha1, &inputs, &covered), expected);
        }
    }

    /// The vector of RFC 2617 3.5, and RFC 2069 without qop by the same formula.
    #[test]
    fn rfc_2617_vector() {
        let ha1 = ha1(Algorithm::Md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
        assert_eq!(ha1, "939e7578ed9e3c518a452acee763bce9");
        let inputs = Inputs {
            algorithm: Algorithm::Md5,
            qop: Qop::Auth,
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            nc: "00000001",
            cnonce: "0a4f113b",
        };
        let covered = Covered {
            method: "GET",
            uri: b"/dir/index.html",
            body: b"",
        };
        assert_eq!(
            answer(&ha1, &inputs, &covered),
            "6629fae49393a05397450978507c4ef1"
        );
        let legacy = Inputs {
            qop: Qop::Legacy,
            ..inputs
        };
        assert_eq!(
            answer(&ha1, &legacy, &covered),
            "670fd8c2df070c60b045671b8b24ff02"
        );
    }

    #[test]
    fn several_challenges_in_one_value() {
        let sets = parse_params(
            br#"Digest realm="a, \"b\"", nonce="1", algorithm=SHA-256, qop="auth,auth-int", Basic realm="x", DIGEST nonce="2" ,realm=c, stale=TRUE"#,
        );
        assert_eq!(sets.len(), 2);
        assert_eq!(sets[0].get("realm"), Some("a, \"b\""));
        assert_eq!(sets[0].get("qop"), Some("auth,auth-int"));
        assert_eq!(
            (sets[1].get("nonce"), sets[1].get("realm")),
            (Some("2"), Some("c"))
        );
        assert!(parse_params(b"garbage").is_empty());
        assert!(
            parse_params(b"Digest")
                .iter()
                .all(|set| set.get("nonce").is_none())
        );
    }
}
