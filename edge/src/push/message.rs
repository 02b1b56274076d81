//! The body of a push message: `aes128gcm` (RFC 8188) with the keys of RFC 8291. The curve and the cipher are the
//! runtime's; what lies between them is here.

use super::subscription::{AUTH_BYTES, PUBLIC_KEY_BYTES};
use hkdf::Hkdf;
use sha2::Sha256;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;
/// The one record's size, in bytes; push services take bodies of 4096 (RFC 8030 section 7.2).
const RECORD_BYTES: u32 = 4096;
/// Texts are filled up to a multiple of this many bytes, so that their length says little about a name.
const PADDED_TO: usize = 256;
/// The longest text, in bytes.
pub const TEXT_MAX: usize = 2048;

/// What a record is encrypted with.
#[derive(PartialEq, Eq)]
pub struct ContentKeys {
    pub key: [u8; 16],
    pub nonce: [u8; 12],
}

/// Derives the keys of a message. `shared`: what both private keys agree on (ECDH); `browser` and `sender` the public keys.
/// `None` where the derivation refuses, which it does for no input of these lengths.
pub fn content_keys(
    shared: &[u8],
    auth: &[u8; AUTH_BYTES],
    browser: &[u8; PUBLIC_KEY_BYTES],
    sender: &[u8; PUBLIC_KEY_BYTES],
    salt: &[u8; SALT_BYTES],
) -> Option<ContentKeys> {
    let mut material = [0; 32];
    Hkdf::<Sha256>::new(Some(auth.as_slice()), shared)
        .expand_multi_info(&[b"WebPush: info\0".as_slice(), browser, sender], &mut material)
        .ok()?;
    let derived = Hkdf::<Sha256>::new(Some(salt.as_slice()), &material);
    let mut keys = ContentKeys {
        key: [0; 16],
        nonce: [0; 12],
    };
    derived
        .expand(b"Content-Encoding: aes128gcm\0", &mut keys.key)
        .ok()?;
    derived
        .expand(b"Content-Encoding: nonce\0", &mut keys.nonce)
        .ok()?;
    Some(keys)
}

/// The one record that is to be encrypted: the text, its end, and padding. `None` for a text longer than [`TEXT_MAX`].
pub fn record(text: &str) -> Option<Vec<u8>> {
    if text.len() > TEXT_MAX {
        return None;
    }
    let mut record = text.as_bytes().to_vec();
    record.push(2);
    record.resize(record.len().next_multiple_of(PADDED_TO), 0);
    Some(record)
}

/// The body: the header of RFC 8188 section 2.1, with the sender's public key as key id, and the encrypted record.
pub fn body(salt: &[u8; SALT_BYTES], sender: &[u8; PUBLIC_KEY_BYTES], encrypted: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(SALT_BYTES + 5 + PUBLIC_KEY_BYTES + encrypted.len());
    body.extend_from_slice(salt);
    body.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    body.push(PUBLIC_KEY_BYTES as u8);
    body.extend_from_slice(sender);
    body.extend_from_slice(encrypted);
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
    }

    const SENDER: &str =
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

    #[test]
    fn keys_are_those_of_rfc_8291_appendix_a() {
        let shared: [u8; 32] = bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let browser =
            bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let (auth, salt) = (bytes("BTBZMqHH6r4Tts7J_aSIgg"), bytes("DGv6ra1nlYgDCS1FRnbzlw"));
        let keys = content_keys(&shared, &auth, &browser, &bytes(SENDER), &salt).unwrap();
        assert_eq!(keys.key, bytes::<16>("oIhVW04MRdy2XN9CiKLxTg"));
        assert_eq!(keys.nonce, bytes::<12>("4h_95klXJ5E_qnoN"));
    }

    #[test]
    fn the_header_is_that_of_rfc_8291_section_5() {
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw");
        let body = body(&salt, &bytes(SENDER), b"encrypted");
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
        assert_eq!(URL_SAFE_NO_PAD.encode(&body[..86]), expected);
        assert_eq!(&body[86..], b"encrypted");
    }

    #[test]
    fn records_tell_little_about_their_length() {
        let lengths: Vec<usize> = [0, 10, 255, 256, TEXT_MAX]
            .map(|length| record(&"x".repeat(length)).unwrap().len())
            .into();
        assert_eq!(lengths, [256, 256, 256, 512, 2304]);
        assert_eq!(record("{}").unwrap()[..4], *b"{}\x02\x00");
        assert!(record(&"x".repeat(TEXT_MAX + 1)).is_none());
    }
}
