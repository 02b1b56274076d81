//! What belongs to a user's account beside the names: PIN, e-mail address, group.

use crate::numbers::TimedRule;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use ponte_protocol::GroupId;
use std::fmt;
use std::str::FromStr;

/// OWASP's parameters for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Verified in the place of a PIN that was never set, so that the time does not tell.
const NO_PIN: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$cG9udGUtbm9ib2R5LTAwMQ$J6P0Oxx5Ilrn/QshRG1ZpkB6gP0hpn9WJ4c9ZBeg12E";

/// Restrictions that several users share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    pub group: GroupId,
    /// After each user's own rules, before those of the site.
    pub restrictions: Vec<TimedRule>,
}

/// Why something is no PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    #[error("a PIN has 4 to 10 digits")]
    Form,
    #[error("a PIN of one digit repeated, or of digits in a row, is guessed at once")]
    Guessable,
    #[error("the system gives no randomness or no memory to hash a PIN")]
    System,
}

/// The Argon2id hash of the PIN that a user types on a telephone (rule T11, voicemail).
#[derive(Clone, PartialEq, Eq)]
pub struct PinHash(String);

impl PinHash {
    /// Hashes a PIN of 4 to 10 digits. It takes tens of milliseconds: not for the control task.
    ///
    /// # Errors
    /// [`PinError`] says why it is none.
    pub fn new(pin: &str) -> Result<Self, PinError> {
        if !(4..=10).contains(&pin.len()) || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PinError::Form);
        }
        let steps = |step: i16| {
            pin.as_bytes()
                .windows(2)
                .all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == step)
        };
        if steps(0) || steps(1) || steps(-1) {
            return Err(PinError::Guessable);
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| PinError::System)?;
        let hash: PasswordHash = argon2()
            .ok_or(PinError::System)?
            .hash_password_with_salt(pin.as_bytes(), &salt)
            .map_err(|_| PinError::System)?;
        Ok(Self(hash.to_string()))
    }

    /// Whether the PIN is the user's; never for a user who has none. It takes tens of milliseconds: not for the control
    /// task.
    pub fn verify(hash: Option<&Self>, pin: &str) -> bool {
        let kept = hash.map_or(NO_PIN, |hash| hash.0.as_str());
        let right = PasswordHash::new(kept)
            .ok()
            .zip(argon2())
            .is_some_and(|(kept, argon2)| argon2.verify_password(pin.as_bytes(), &kept).is_ok());
        right && hash.is_some()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A hash in the PHC string format.
impl FromStr for PinHash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match PasswordHash::new(text) {
            Ok(_) if text.starts_with("$argon2id$") => Ok(Self(text.to_owned())),
            _ => Err("no Argon2id hash in PHC format"),
        }
    }
}

impl fmt::Debug for PinHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinHash(…)")
    }
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Where a user's messages are sent to: a mailbox of RFC 5321, without comments or quoted parts.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// E.g. `anna@example.org`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "an e-mail address looks like anna@example.org";
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(WRONG)?;
        let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c);
        let local_fits = (1..=64).contains(&local.len())
            && local
                .split('.')
                .all(|part| !part.is_empty() && part.chars().all(atom));
        let label = |part: &str| {
            !part.is_empty()
                && part.len() <= 63
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        if !local_fits || domain.len() > 253 || !domain.split('.').all(label) {
            return Err(WRONG);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for EmailAddress {
    // It identifies a person, and `Debug` is what reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_known_again_and_does_not_print() {
        let hash = PinHash::new("2580").unwrap();
        assert!(PinHash::verify(Some(&hash), "2580"));
        assert!(!PinHash::verify(Some(&hash), "2581"));
        assert!(!PinHash::verify(Some(&hash), ""));
        assert!(!PinHash::verify(None, "2580"));
        assert_eq!(hash.as_str().parse::<PinHash>().as_ref(), Ok(&hash));
        assert_eq!(format!("{hash:?}"), "PinHash(…)");
        assert!("2580".parse::<PinHash>().is_err());
    }

    #[test]
    fn a_pin_that_is_guessed_at_once_is_refused() {
        for pin in ["", "123", "12345678901", "12a4", "١٢٣٤"] {
            assert_eq!(PinHash::new(pin), Err(PinError::Form), "{pin}");
        }
        for pin in ["0000", "1234", "9876", "5555555"] {
            assert_eq!(PinHash::new(pin), Err(PinError::Guessable), "{pin}");
        }
    }

    #[test]
    fn addresses_are_read_and_do_not_print() {
        for good in [
            "anna@example.org",
            " anna.rossi+fax@mail.example.org ",
            "a@localhost",
        ] {
            assert!(good.parse::<EmailAddress>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "anna",
            "@example.org",
            "anna@",
            "anna@example..org",
            "an na@example.org",
            "anna@example.org\r\nBcc: all@example.org",
            "anna@-example.org",
            "<anna@example.org>",
        ] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
        let address: EmailAddress = "anna@example.org".parse().unwrap();
        assert_eq!(format!("{address:?}"), "EmailAddress(…)");
    }
}
