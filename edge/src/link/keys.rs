//! The sites' keys.

use crate::crypto::{self, SECRET_BYTES};
use ponte_protocol::SiteId;
use std::collections::BTreeMap;

/// Why the configured keys cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    #[error("LINK_KEYS is no JSON object of site names and keys")]
    NotAnObject,
    #[error("a site's name in LINK_KEYS is not valid")]
    BadSite,
    #[error("a key in LINK_KEYS is not 32 bytes in hexadecimal")]
    BadKey,
}

/// Each site's key.
#[derive(Clone, Default)]
pub struct LinkKeys(BTreeMap<SiteId, [u8; SECRET_BYTES]>);

impl LinkKeys {
    /// Reads `{"milano": "<64 hexadecimal digits>", …}`.
    ///
    /// # Errors
    /// Names what is wrong, never a key.
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let map: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| KeysError::NotAnObject)?;
        map.into_iter()
            .map(|(site, key)| {
                let site = site.parse().map_err(|_| KeysError::BadSite)?;
                Ok((site, crypto::unhex32(&key).ok_or(KeysError::BadKey)?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The key of a site, if it is known.
    pub fn get(&self, site: &SiteId) -> Option<&[u8; SECRET_BYTES]> {
        self.0.get(site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_faults_named() {
        let key = "0a".repeat(32);
        let keys = LinkKeys::parse(&format!(r#"{{"demo":"{key}"}}"#)).unwrap();
        assert_eq!(keys.get(&"demo".parse().unwrap()), Some(&[0x0a; 32]));
        assert_eq!(keys.get(&"other".parse().unwrap()), None);
        for (bad, error) in [
            ("", KeysError::NotAnObject),
            ("[]", KeysError::NotAnObject),
            (r#"{"demo":7}"#, KeysError::NotAnObject),
            (r#"{"demo":"00"}"#, KeysError::BadKey),
            (r#"{"de mo":"00"}"#, KeysError::BadSite),
        ] {
            assert_eq!(LinkKeys::parse(bad).err(), Some(error), "{bad}");
        }
    }
}
