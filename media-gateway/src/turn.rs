//! Passwords for the relay of browsers, made of the secret that the gateway shares with it: nobody need keep accounts there,
//! and one that leaks is of no use a day later.
//!
//! The user name is when the password ends, in seconds since 1970, and whose it is; the password is the HMAC-SHA1 of that
//! (draft-uberti-behave-turn-rest, which coturn carries out as `use-auth-secret`).

use crate::config::TurnConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use ponte_protocol::{Relay, UnixMillis};
use sha1::Sha1;

/// How long a password is good, in seconds: longer than a call, whose path is renewed with it every few minutes.
const GOOD_FOR: u64 = 24 * 60 * 60;

/// What a browser needs to use the relay. `name` tells its sessions apart in the relay's log.
pub fn relay(config: &TurnConfig, now: UnixMillis, name: &str) -> Relay {
    let username = format!("{}:{name}", now.0 / 1000 + GOOD_FOR);
    // A key of any length is good for HMAC.
    let credential = Hmac::<Sha1>::new_from_slice(config.secret.as_bytes())
        .map(|mac| STANDARD.encode(mac.chain_update(&username).finalize().into_bytes()))
        .unwrap_or_default();
    Relay {
        urls: config.urls.clone(),
        username,
        credential,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_one_that_the_relay_expects() {
        let config = TurnConfig {
            urls: vec!["turn:turn.example.org".into()],
            secret: "north".into(),
        };
        let relay = relay(&config, UnixMillis(1_500_000_000_123), "call");
        assert_eq!(relay.username, "1500086400:call");
        // printf 1500086400:call | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(relay.credential, "pfyjdI6DtUiVb9OHiuHkBTOW/hE=");
        assert!(!format!("{relay:?} {config:?}").contains("north"));
        assert!(!format!("{relay:?}").contains(&relay.credential));
    }
}
