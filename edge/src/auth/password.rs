//! Passwords: which are taken, how they are kept, how they are checked.

use crate::crypto::{self, NoRandomness};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use ponte_protocol::UserId;
use serde::Serialize;

/// The shortest password that is taken, in characters.
pub const SHORTEST: usize = 10;
/// The longest password that is taken, in characters.
pub const LONGEST: usize = 256;

/// OWASP's first recommendation for Argon2id: 19 MiB, two passes, one lane.
pub const MEMORY_KIB: u32 = 19_456;
/// Passes over the memory.
pub const PASSES: u32 = 2;
/// Lanes.
pub const LANES: u32 = 1;

/// The hash of a password that nobody has, so that an unknown name costs the same work as a known one.
pub const DUMMY_PHC: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$cG9udGUtbm9ib2R5LTAwMQ$J6P0Oxx5Ilrn/QshRG1ZpkB6gP0hpn9WJ4c9ZBeg12E";

/// Why a new password was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Weakness {
    #[error("a password has at least {SHORTEST} characters")]
    TooShort,
    #[error("a password has at most {LONGEST} characters")]
    TooLong,
    #[error("the password is the user's name")]
    UserName,
    #[error("the password is among those tried first")]
    Common,
}

/// Why a password could not be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("the password could not be hashed")]
    Failed,
}

/// Passwords of ten characters and more that every list of leaked passwords starts with.
const COMMON: [&str; 44] = [
    "0123456789",
    "0987654321",
    "1029384756",
    "1122334455",
    "1234509876",
    "12345678910",
    "1234567890",
    "123456789a",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "9876543210",
    "a123456789",
    "abcd123456",
    "abcdefghij",
    "administrator",
    "bismillah1",
    "changeme123",
    "football123",
    "iloveyou123",
    "internet123",
    "letmein123",
    "liverpool1",
    "manchester",
    "motdepasse",
    "newpassword",
    "p@ssw0rd123",
    "passw0rd123",
    "password01",
    "password10",
    "password12",
    "password123",
    "password1234",
    "passwordpassword",
    "princess123",
    "q1w2e3r4t5",
    "qwerty12345",
    "qwerty123456",
    "qwertyuiop",
    "qwertyuiop123",
    "superman123",
    "telephone123",
    "welcome123",
    "zaq12wsxcde",
];

/// Checks a new password of `user`.
///
/// # Errors
/// The first weakness found.
pub fn check_new(user: &UserId, password: &str) -> Result<(), Weakness> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(Weakness::TooShort);
    }
    if length > LONGEST {
        return Err(Weakness::TooLong);
    }
    let folded = password.trim().to_lowercase();
    let name = user.as_str();
    let local = name.split('@').next().unwrap_or(name);
    let around = |part: &str| {
        let rest = folded.replace(part, "");
        rest.len() < folded.len() && rest.chars().count() < 4
    };
    if folded == name || around(name) || around(local) {
        return Err(Weakness::UserName);
    }
    let mut distinct: Vec<char> = folded.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 4 || COMMON.contains(&folded.as_str()) {
        return Err(Weakness::Common);
    }
    Ok(())
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a password with Argon2id into a PHC string.
///
/// # Errors
/// When the runtime gives no salt or no memory.
pub fn hash(password: &str) -> Result<String, HashError> {
    let random = crypto::random_bytes()?;
    let salt = random.first_chunk::<16>().ok_or(HashError::Failed)?;
    let hash: PasswordHash = argon2()
        .ok_or(HashError::Failed)?
        .hash_password_with_salt(password.as_bytes(), salt)
        .map_err(|_| HashError::Failed)?;
    Ok(hash.to_string())
}

/// Whether a password is the one kept in `phc`; for no account at all the same work is done, and the answer is no.
pub fn verify(phc: Option<&str>, password: &str) -> bool {
    let work = PasswordHash::new(phc.unwrap_or(DUMMY_PHC)).ok().zip(argon2());
    let matched =
        work.is_some_and(|(hash, argon2)| argon2.verify_password(password.as_bytes(), &hash).is_ok());
    matched && phc.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> UserId {
        "anna.rossi@example.org".parse().unwrap()
    }

    #[test]
    fn a_hash_is_argon2id_with_owasps_parameters_and_verifies() {
        let phc = hash("correct horse battery").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify(Some(&phc), "correct horse battery"));
        assert!(!verify(Some(&phc), "correct horse batterz"));
        assert_ne!(hash("correct horse battery").unwrap(), phc);
    }

    #[test]
    fn an_unknown_user_costs_the_work_of_a_known_one() {
        let known = hash("correct horse battery").unwrap();
        let (known, dummy) = (
            PasswordHash::new(&known).unwrap(),
            PasswordHash::new(DUMMY_PHC).unwrap(),
        );
        assert_eq!(
            (known.algorithm, known.version, known.params.as_str()),
            (dummy.algorithm, dummy.version, dummy.params.as_str())
        );
        let lengths = |hash: &PasswordHash| (hash.salt.unwrap().len(), hash.hash.unwrap().len());
        assert_eq!(lengths(&known), lengths(&dummy));
        assert!(!verify(None, "correct horse battery"));
    }

    #[test]
    fn a_broken_hash_lets_nobody_in() {
        for broken in [
            "",
            "x",
            "$argon2id$",
            "$argon2id$v=19$m=19456,t=2,p=1$",
            "$2b$10$abcdefghijklmnopqrstuv",
        ] {
            assert!(!verify(Some(broken), ""), "{broken}");
        }
    }

    #[test]
    fn weak_passwords_are_named() {
        for (password, weakness) in [
            ("short", Weakness::TooShort),
            ("ninechars", Weakness::TooShort),
            ("anna.rossi@example.org", Weakness::UserName),
            ("Anna.Rossi1", Weakness::UserName),
            ("anna.rossi!!", Weakness::UserName),
            ("Password123", Weakness::Common),
            ("aaaaaaaaaaaa", Weakness::Common),
            ("1212121212", Weakness::Common),
        ] {
            assert_eq!(check_new(&anna(), password), Err(weakness), "{password}");
        }
        assert_eq!(check_new(&anna(), &"aé".repeat(200)), Err(Weakness::TooLong));
    }

    #[test]
    fn good_passwords_are_taken_whatever_their_letters() {
        for password in [
            "correct horse battery",
            "pässwörd-ñ-漢字-x",
            "anna.rossi likes tea",
            &"abcdefgh".repeat(32),
        ] {
            assert_eq!(check_new(&anna(), password), Ok(()), "{password}");
        }
    }
}
