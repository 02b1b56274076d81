//! People of a directory elsewhere (LDAP, RFC 4511), whom the gateway looks up for its users.

use crate::contact::CONTACT_NAME_MAX;
use crate::json::{FromJson, ToJson};
use crate::{ContactNumber, Refusal};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The fewest characters that are searched for.
pub const SEARCH_MIN: usize = 2;
/// The most characters that are searched for.
pub const SEARCH_MAX: usize = 64;
/// The most characters of a text that the gateway tells of a person; more are cut.
pub const EXTERNAL_TEXT_MAX: usize = CONTACT_NAME_MAX;

/// What a user looks for. It does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(transparent)]
pub struct SearchText(pub String);

impl SearchText {
    /// Checks what the type cannot.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] names what is wrong.
    pub fn validate(&self) -> Result<(), Refusal> {
        let length = self.0.trim().chars().count();
        if (SEARCH_MIN..=SEARCH_MAX).contains(&length) && !self.0.chars().any(char::is_control) {
            return Ok(());
        }
        Err(Refusal::Malformed {
            detail: "find: 2 to 64 characters".to_owned(),
        })
    }
}

impl fmt::Debug for SearchText {
    // Names and numbers identify people, and `Debug` is what reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SearchText({} characters)", self.0.chars().count())
    }
}

/// Somebody in the external directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct ExternalPerson {
    /// 1 to [`EXTERNAL_TEXT_MAX`] characters.
    pub name: String,
    /// Empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub organisation: String,
    /// Empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// At most [`crate::contact::CONTACT_NUMBERS_MAX`]; those of the public network in E.164.
    pub numbers: Vec<ContactNumber>,
}

impl fmt::Debug for ExternalPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternalPerson({} numbers)", self.numbers.len())
    }
}

/// Who was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct ExternalPage {
    /// By name.
    pub people: Vec<ExternalPerson>,
    /// Whether there are more than the administrator lets be shown.
    pub more: bool,
}

/// Why the external directory gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryFault {
    #[error("its server cannot be reached")]
    Unreachable,
    #[error("its server did not answer in time")]
    TooSlow,
    /// The name and the password that the administrator set, or what they may read.
    #[error("its server refuses the name or the password it is asked with")]
    NotAuthorised,
    #[error("its server's certificate is not valid")]
    Untrusted,
    /// What was asked is not what the server understands: a base, a filter or an attribute that it does not have.
    #[error("its server cannot carry out the search")]
    Refused,
    /// Also a fault that this version does not know.
    #[error("its server gave no answer that can be read")]
    #[serde(other)]
    Failed,
}

#[cfg(feature = "admin")]
pub use settings::{DirectoryPassword, DirectorySettings, NumberAttribute};

#[cfg(feature = "admin")]
mod settings {
    use super::{Deserialize, FromJson, Serialize, ToJson, fmt};

    /// An attribute that holds telephone numbers.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
    pub struct NumberAttribute {
        /// Its name in the directory, e.g. `telephoneNumber`.
        pub attribute: String,
        /// What its numbers are: as [`crate::ContactNumber::label`].
        #[serde(default)]
        pub label: String,
    }

    /// How the external directory is asked, as an administrator sets it. The password is no part of it.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
    pub struct DirectorySettings {
        /// What the portal calls it, at most 40 characters; empty for its own word.
        #[serde(default)]
        pub name: String,
        /// `ldap://` or `ldaps://`, a host, and a port where it is not 389 or 636.
        pub url: String,
        /// Whether a connection to `ldap://` turns to TLS before anything is asked (RFC 4511 section 4.14).
        #[serde(default)]
        pub start_tls: bool,
        /// The certificates that the server's must lead to, in PEM, at most 4,000 characters; empty for those that the
        /// gateway's system trusts.
        #[serde(default)]
        pub ca: String,
        /// As whom the gateway asks, at most 255 characters; empty for nobody.
        #[serde(default)]
        pub bind_dn: String,
        /// Where the people are, at most 255 characters.
        pub base_dn: String,
        /// Who counts, at most 500 characters (RFC 4515).
        pub filter: String,
        /// Attributes in which what is typed is looked for, 1 to 10.
        pub search: Vec<String>,
        /// Attributes of the name: the first that has a value. 1 to 10.
        pub names: Vec<String>,
        /// Where the numbers are, 1 to 10, in the order in which they are shown.
        pub numbers: Vec<NumberAttribute>,
        /// The attribute of the e-mail address; empty for none.
        #[serde(default)]
        pub mail: String,
        /// The attribute of the organisation; empty for none.
        #[serde(default)]
        pub organisation: String,
        /// The most people that are shown, 1 to 100.
        pub limit: u16,
        /// How long a search may take, 500 to 10,000 milliseconds.
        pub timeout_ms: u64,
        /// Whether the names of callers are looked up.
        pub names_on_calls: bool,
    }

    impl Default for DirectorySettings {
        fn default() -> Self {
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let number = |(attribute, label): (&str, &str)| NumberAttribute {
                attribute: attribute.to_owned(),
                label: label.to_owned(),
            };
            let numbers = [
                ("telephoneNumber", "work"),
                ("mobile", "mobile"),
                ("homePhone", "home"),
            ];
            Self {
                name: String::new(),
                url: String::new(),
                start_tls: false,
                ca: String::new(),
                bind_dn: String::new(),
                base_dn: String::new(),
                filter: "(objectClass=person)".to_owned(),
                search: names(&["cn", "sn", "givenName", "mail"]),
                names: names(&["displayName", "cn"]),
                numbers: numbers.map(number).into(),
                mail: "mail".to_owned(),
                organisation: "o".to_owned(),
                limit: 50,
                timeout_ms: 2_000,
                names_on_calls: true,
            }
        }
    }

    /// The password that the gateway asks with. It does not print.
    #[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
    #[serde(transparent)]
    pub struct DirectoryPassword(pub String);

    impl fmt::Debug for DirectoryPassword {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("DirectoryPassword")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_looked_for() {
        for right in ["an", "é¨", "*()\\", " ab ", &"x".repeat(SEARCH_MAX)] {
            assert_eq!(SearchText(right.to_owned()).validate(), Ok(()), "{right}");
        }
        for wrong in ["", "a", " a ", "a\u{0}b", "a\nb", &"x".repeat(SEARCH_MAX + 1)] {
            assert!(SearchText(wrong.to_owned()).validate().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn nobodys_name_or_number_prints() {
        let person = ExternalPerson {
            name: "Nadia Neri".into(),
            organisation: String::new(),
            email: "nadia@example.com".into(),
            numbers: Vec::new(),
        };
        let said = format!("{person:?} {:?}", SearchText("Neri".into()));
        assert!(!said.contains("Neri") && !said.contains("nadia"), "{said}");
    }

    #[test]
    fn a_fault_of_a_later_version_is_read() {
        let fault: DirectoryFault = serde_json::from_str(r#""on_fire""#).unwrap();
        assert_eq!(fault, DirectoryFault::Failed);
    }

    #[cfg(feature = "admin")]
    #[test]
    fn the_largest_settings_fit_a_portals_frame_and_the_password_does_not_print() {
        use crate::admin::AdminChange;
        let attribute = || "a".repeat(64);
        let settings = DirectorySettings {
            name: "\u{1F4DE}".repeat(40),
            url: format!("ldaps://{}:65535", "h".repeat(240)),
            ca: "x".repeat(4_000),
            bind_dn: "d".repeat(255),
            base_dn: "d".repeat(255),
            filter: "f".repeat(500),
            search: vec!["a".repeat(40); 10],
            names: vec!["a".repeat(40); 10],
            numbers: vec![
                NumberAttribute {
                    attribute: "a".repeat(40),
                    label: "l".repeat(20),
                };
                10
            ],
            mail: attribute(),
            organisation: attribute(),
            ..DirectorySettings::default()
        };
        let change = AdminChange::PutDirectory {
            settings: Box::new(settings),
            password: Some(DirectoryPassword("secret".repeat(20))),
        };
        assert!(!format!("{change:?}").contains("secret"));
        let command = crate::Command {
            id: crate::CommandId(uuid::Uuid::from_u128(u128::MAX)),
            issued_at: crate::UnixMillis(9_999_999_999_999),
            expires_at: crate::UnixMillis(9_999_999_999_999),
            body: crate::CommandBody::AdminChange { change },
        };
        let frame = crate::ClientFrame::Command { command };
        let length = serde_json::to_string(&frame).unwrap().len();
        assert!(length <= crate::frames::CLIENT_FRAME_MAX, "{length}");
    }
}
