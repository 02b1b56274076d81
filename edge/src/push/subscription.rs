//! What a browser hands over when it subscribes.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

/// Bytes of a browser's public key: a point on P-256, uncompressed (RFC 8291 section 3.1).
pub const PUBLIC_KEY_BYTES: usize = 65;
/// Bytes of the authentication secret (RFC 8291 section 3.2).
pub const AUTH_BYTES: usize = 16;
/// What a text of [`Keys`] may be long at most, in bytes.
const TEXT_MAX: usize = 128;

/// Browsers leave the padding out; some libraries do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys of a subscription, base64url, as `PushSubscription.toJSON()` gives them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    pub p256dh: String,
    pub auth: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// The browser's public key; whether it is a point of the curve is not yet said.
    pub fn public(&self) -> Option<[u8; PUBLIC_KEY_BYTES]> {
        bytes(&self.p256dh).filter(|point: &[u8; PUBLIC_KEY_BYTES]| point[0] == 4)
    }

    /// The secret that both ends know.
    pub fn secret(&self) -> Option<[u8; AUTH_BYTES]> {
        bytes(&self.auth)
    }
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() > TEXT_MAX {
        return None;
    }
    BASE64.decode(text).ok()?.try_into().ok()
}

/// Whether a portal could speak this language: two or three letters, e.g. `it`.
pub fn is_language(tag: &str) -> bool {
    matches!(tag.len(), 2 | 3) && tag.bytes().all(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(p256dh: &str, auth: &str) -> Keys {
        Keys {
            p256dh: p256dh.to_owned(),
            auth: auth.to_owned(),
        }
    }

    #[test]
    fn keys_are_read_with_and_without_padding() {
        // RFC 8291 appendix A.
        let point = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        let known = keys(point, "BTBZMqHH6r4Tts7J_aSIgg");
        assert_eq!(known.public().unwrap()[..2], [4, 37]);
        assert_eq!(known.secret().unwrap()[0], 5);
        assert_eq!(
            keys(&format!("{point}="), "BTBZMqHH6r4Tts7J_aSIgg==").secret(),
            known.secret()
        );
        assert_eq!(keys(&format!("{point}="), "").public(), known.public());
        assert_eq!(format!("{known:?}"), "Keys(…)");
    }

    #[test]
    fn anything_else_is_no_key() {
        let compressed = format!("A{}", "A".repeat(43));
        let other_kind = format!("BQ{}", "A".repeat(85));
        for bad in ["", "BCVx", "é", &compressed, &other_kind, &"A".repeat(4000)] {
            assert!(keys(bad, bad).public().is_none(), "{bad}");
            assert!(keys(bad, bad).secret().is_none(), "{bad}");
        }
    }

    #[test]
    fn a_language_is_a_few_letters() {
        assert!(is_language("it") && is_language("gsw"));
        for bad in ["", "i", "IT", "it-IT", "../x", "italian"] {
            assert!(!is_language(bad), "{bad}");
        }
    }
}
