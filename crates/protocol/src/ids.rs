//! Identifiers and time.

use crate::json::{FromJson, ToJson};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    FromJson,
    ToJson,
)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// This time, `millis` later.
    #[must_use]
    pub const fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this time; 0 when `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson, ToJson)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

uuid_id! {
    /// The identifier of a command, made by the client (`UUIDv7`), so that a command sent twice is known to be the same.
    CommandId
}
uuid_id! {
    /// The identifier of a call. An outgoing call has the identifier of the `dial` command that asked for it.
    CallId
}
uuid_id! {
    /// The identifier of a saved destination.
    DestinationId
}
uuid_id! {
    /// The identifier of a contact.
    ContactId
}
uuid_id! {
    /// The identifier of a voicemail message: that of the call in which it was left.
    MessageId
}

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to 64 characters out of a-z, 0-9, '.', '_', '-' and '@', and starts with a letter or a digit"
)]
pub struct NameError;

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson, ToJson)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name, lower case.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let name = text.trim().to_ascii_lowercase();
                let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-@".contains(&b);
                let first = name.as_bytes().first().copied().ok_or(NameError)?;
                let starts_well = first.is_ascii_lowercase() || first.is_ascii_digit();
                if name.len() > 64 || !starts_well || !name.bytes().all(allowed) {
                    return Err(NameError);
                }
                Ok(Self(name))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_id! {
    /// A user's sign-in name, unique in the site: 1 to 64 characters, lower case, e.g. `anna` or `anna@example.org`.
    UserId
}
name_id! {
    /// The name of a site, e.g. `milano`.
    SiteId
}
name_id! {
    /// The name of a desk telephone, unique in the site; it is the user name of its SIP account, e.g. `desk-201`.
    DeviceId
}

name_id! {
    /// The name of a group of users that share restrictions, e.g. `sales`.
    GroupId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_bounded() {
        assert_eq!(
            "  Anna.Rossi@Example.org ".parse::<UserId>().unwrap().as_str(),
            "anna.rossi@example.org"
        );
        for bad in ["", " ", ".anna", "an na", "an\nna", "ànna", &"a".repeat(65)] {
            assert_eq!(bad.parse::<UserId>(), Err(NameError), "{bad:?}");
        }
    }
}
