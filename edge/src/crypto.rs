//! Randomness, digests and proofs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Bytes of a key, a token or a nonce.
pub const SECRET_BYTES: usize = 32;

/// The runtime gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no randomness is to be had")]
pub struct NoRandomness;

/// 32 bytes nobody can guess.
///
/// # Errors
/// When the runtime gives none.
pub fn random_bytes() -> Result<[u8; SECRET_BYTES], NoRandomness> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::getrandom(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A version 4 UUID.
///
/// # Errors
/// When the runtime gives no randomness.
pub fn random_uuid() -> Result<uuid::Uuid, NoRandomness> {
    let mut bytes = [0; 16];
    getrandom::getrandom(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(
        String::with_capacity(bytes.len().saturating_mul(2)),
        |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        },
    )
}

/// 32 bytes out of 64 hexadecimal digits.
pub fn unhex32(text: &str) -> Option<[u8; SECRET_BYTES]> {
    if text.len() != SECRET_BYTES.checked_mul(2)? || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; SECRET_BYTES];
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = high << 4 | low;
    }
    Some(bytes)
}

/// SHA-256, lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// HMAC-SHA-256, lower-case hexadecimal.
pub fn hmac_hex(key: &[u8; SECRET_BYTES], text: &str) -> String {
    mac(key, text).map_or_else(String::new, |mac| hex(&mac.finalize().into_bytes()))
}

/// Whether `proof` is the HMAC-SHA-256 of `text` in lower-case hexadecimal; its time tells nothing about where they differ.
pub fn hmac_matches(key: &[u8; SECRET_BYTES], text: &str, proof: &str) -> bool {
    let given = unhex32(proof).unwrap_or_default();
    let well_formed = is_hex32(proof);
    mac(key, text).is_some_and(|mac| mac.verify_slice(&given).is_ok()) && well_formed
}

fn mac(key: &[u8; SECRET_BYTES], text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

/// Whether this is 32 bytes in lower-case hexadecimal.
pub fn is_hex32(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A secret that is handed out once and kept only as its digest: a session, a ticket.
pub struct Token(String);

impl Token {
    /// 256 random bits in base64url: 43 characters that a cookie and a subprotocol may carry.
    ///
    /// # Errors
    /// When the runtime gives no randomness.
    pub fn random() -> Result<Self, NoRandomness> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random_bytes()?)))
    }

    /// Reads a token that a client sent.
    pub fn parse(text: &str) -> Option<Self> {
        let shape = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (text.len() == 43 && text.bytes().all(shape)).then(|| Self(text.to_owned()))
    }

    /// The token itself, to be handed to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> String {
        sha256_hex(self.0.as_bytes())
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231_case_2() {
        // The RFC's key is shorter than ours; HMAC pads keys with zeros, so this is the same key.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let proof = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hmac_hex(&key, "what do ya want for nothing?"), proof);
        assert!(hmac_matches(&key, "what do ya want for nothing?", proof));
        assert!(!hmac_matches(&key, "what do ya want for something?", proof));
        for bad in [
            "",
            "zz",
            &proof[..62],
            &format!("{proof}00"),
            &proof.to_uppercase(),
            "é",
        ] {
            assert!(!hmac_matches(&key, "what do ya want for nothing?", bad), "{bad}");
        }
    }

    #[test]
    fn hexadecimal_goes_both_ways() {
        let bytes: [u8; 32] = std::array::from_fn(|n| n as u8 * 7);
        assert_eq!(unhex32(&hex(&bytes)), Some(bytes));
        assert_eq!(unhex32("0"), None);
        assert_eq!(unhex32(&"g".repeat(64)), None);
        assert_eq!(unhex32(&"é".repeat(32)), None);
    }

    #[test]
    fn a_token_is_256_bits_and_does_not_print() {
        let token = Token::random().unwrap();
        assert_eq!(token.reveal().len(), 43);
        assert!(Token::parse(token.reveal()).is_some());
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert_ne!(Token::random().unwrap().reveal(), token.reveal());
        for bad in ["", "a b", "ä", &"a".repeat(44), &"=".repeat(43)] {
            assert!(Token::parse(bad).is_none());
        }
    }
}
