//! Account codes: the client or the matter that a call is booked to.

use crate::Pii;
use crate::json::{FromJson, ToJson};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The most digits of an account code.
pub const ACCOUNT_CODE_MAX: usize = 16;
/// The most characters of an account code's name.
pub const ACCOUNT_NAME_MAX: usize = 64;
/// The most codes that a search answers with.
pub const ACCOUNT_CODES_FOUND_MAX: usize = 20;
/// The most characters of a search.
pub const ACCOUNT_FIND_MAX: usize = 64;

/// Why a text is no account code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account code has 1 to {ACCOUNT_CODE_MAX} digits")]
pub struct AccountCodeError;

/// 1 to 16 digits, as they can be keyed on any telephone; zeros in front count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson, ToJson)]
#[serde(try_from = "String", into = "String")]
pub struct AccountCode(String);

impl AccountCode {
    /// The digits, e.g. `1042`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountCode {
    type Err = AccountCodeError;

    fn from_str(text: &str) -> Result<Self, AccountCodeError> {
        let code = text.trim();
        let fits = (1..=ACCOUNT_CODE_MAX).contains(&code.len());
        if !fits || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(AccountCodeError);
        }
        Ok(Self(code.to_owned()))
    }
}

impl TryFrom<String> for AccountCode {
    type Error = AccountCodeError;

    fn try_from(text: String) -> Result<Self, AccountCodeError> {
        text.parse()
    }
}

impl From<AccountCode> for String {
    fn from(code: AccountCode) -> Self {
        code.0
    }
}

impl fmt::Display for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether calls are booked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum AccountCodePolicy {
    /// A call may have a code.
    Optional,
    /// A call that a user dials to outside needs one; emergency calls and calls within the site never do.
    Required,
    /// There are no codes; also for what this version does not know.
    #[default]
    #[serde(other)]
    Off,
}

impl AccountCodePolicy {
    /// Whether calls can have a code.
    pub fn is_on(self) -> bool {
        self != Self::Off
    }
}

/// What a call is booked to.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson, ToJson)]
pub struct BookedCode {
    pub code: AccountCode,
    /// Of the client or the matter when the call was booked; empty where the site keeps no list of codes. At most
    /// [`ACCOUNT_NAME_MAX`] characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl fmt::Debug for BookedCode {
    // Who a client is, is confidential, and `Debug` is what reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BookedCode")
            .field("code", &self.code)
            .field("name", &Pii(&self.name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_one_to_sixteen_digits() {
        assert_eq!(" 0042 ".parse::<AccountCode>().unwrap().as_str(), "0042");
        assert!("1".repeat(16).parse::<AccountCode>().is_ok());
        for bad in ["", " ", "12a", "1 2", "-1", "１２", &"1".repeat(17)] {
            assert_eq!(bad.parse::<AccountCode>(), Err(AccountCodeError), "{bad:?}");
        }
    }

    #[test]
    fn a_policy_of_a_newer_neighbour_is_off() {
        let policy: AccountCodePolicy = serde_json::from_str(r#""by_department""#).unwrap();
        assert_eq!(policy, AccountCodePolicy::Off);
        assert!(!policy.is_on());
    }

    #[test]
    fn a_clients_name_does_not_print() {
        let booked = BookedCode {
            code: "1042".parse().unwrap(),
            name: "Rossi v. Bianchi".to_owned(),
        };
        assert!(!format!("{booked:?}").contains("Rossi"));
    }
}
