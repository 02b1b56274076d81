//! Who sends: the token of RFC 8292, signed with a key that the site makes once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ponte_protocol::UnixMillis;
use serde::{Deserialize, Serialize};

/// How long a token is good, in milliseconds. RFC 8292 section 2 allows a day.
const LIFETIME_MS: u64 = 12 * 3_600_000;

/// The site's key.
#[derive(Clone, Serialize, Deserialize)]
pub struct VapidKey {
    /// The private key as a JSON Web Key (RFC 7517), for P-256.
    pub jwk: String,
    /// The public key in base64url: 65 bytes, uncompressed. Browsers are told it when they subscribe.
    pub public: String,
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VapidKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: u64,
    sub: &'a str,
}

/// What is signed: header and claims. `audience` is the origin of the push service, `contact` an address of whoever sends.
pub fn signing_input(audience: &str, contact: &str, now: UnixMillis) -> String {
    let claims = Claims {
        aud: audience,
        exp: now.plus(LIFETIME_MS).0 / 1000,
        sub: contact,
    };
    // Three plain fields: writing them does not fail.
    let claims = serde_json::to_vec(&claims).unwrap_or_default();
    let header = URL_SAFE_NO_PAD.encode(br#"{"typ":"JWT","alg":"ES256"}"#);
    format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims))
}

/// The `Authorization` header (RFC 8292 section 3) for a signature: 64 bytes, r and s (RFC 7518 section 3.4).
pub fn authorization(signing_input: &str, signature: &[u8], public: &str) -> String {
    format!(
        "vapid t={signing_input}.{}, k={public}",
        URL_SAFE_NO_PAD.encode(signature)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_name_the_service_and_end_within_a_day() {
        let now = UnixMillis(1_790_000_000_000);
        let input = signing_input("https://push.example.org", "https://ponte.example.org", now);
        let (header, claims) = input.split_once('.').unwrap();
        let read = |text: &str| -> serde_json::Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        assert_eq!(read(header), serde_json::json!({ "typ": "JWT", "alg": "ES256" }));
        let claims = read(claims);
        assert_eq!(claims["aud"], "https://push.example.org");
        assert_eq!(claims["sub"], "https://ponte.example.org");
        let exp = claims["exp"].as_u64().unwrap();
        assert!(exp > now.0 / 1000 && exp <= now.0 / 1000 + 86_400);
    }

    #[test]
    fn a_key_does_not_print_its_private_part() {
        let key = VapidKey {
            jwk: "secret".into(),
            public: "BP".into(),
        };
        assert!(!format!("{key:?}").contains("secret"));
    }
}
