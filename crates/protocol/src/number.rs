//! Numbers as people write them and as the network takes them.

use crate::json::{FromJson, ToJson};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a number was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("the number is empty")]
    Empty,
    #[error("the number is longer than {max} digits")]
    TooLong { max: usize },
    #[error("the number is shorter than {min} digits")]
    TooShort { min: usize },
    #[error("'{0}' does not belong in a telephone number")]
    BadCharacter(char),
    #[error("'+' stands only at the start of a number")]
    MisplacedPlus,
}

/// What a person dials: digits, `*`, `#`, and `+` at the start; 1 to 32 of them.
///
/// It reads a number in any format a person pastes: spaces, dashes, dots, slashes, brackets, `tel:` links (RFC 3966) and
/// the invisible marks that come with text copied from a page are dropped; full-width and Arabic-Indic digits are digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson, ToJson)]
#[serde(try_from = "String", into = "String")]
pub struct DialString(String);

impl DialString {
    /// The most digits a dial string may have.
    pub const MAX: usize = 32;

    /// The digits as dialled, e.g. `+390212345678`, `201`, `*98`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn ascii_digit(c: char) -> Option<char> {
    let base = match c {
        '0'..='9' => '0',
        '\u{0660}'..='\u{0669}' => '\u{0660}',
        '\u{06F0}'..='\u{06F9}' => '\u{06F0}',
        '\u{FF10}'..='\u{FF19}' => '\u{FF10}',
        _ => return None,
    };
    char::from_digit(c as u32 - base as u32, 10)
}

/// What may stand between the digits of a written number without being part of it.
fn is_punctuation(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '.' | '/' | '(' | ')' | '[' | ']' | '\u{00AD}' | '\u{FEFF}' | '\u{2212}'
        )
        || matches!(c, '\u{2010}'..='\u{2015}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
        || matches!(c, '\u{2060}'..='\u{2069}')
}

impl FromStr for DialString {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let text = text.trim();
        let text = match text.get(..4) {
            Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => text[4..]
                .split_once(';')
                .map_or(&text[4..], |(number, _parameters)| number),
            _ => text,
        };
        // "+39 (0)2 …" would read as +3902…, which is right in Italy and wrong nearly everywhere else; the gateway's
        // numbering plan decides, so the zero is kept here.
        let mut number = String::with_capacity(text.len().min(Self::MAX + 1));
        for c in text.chars() {
            match c {
                '+' | '\u{FF0B}' if number.is_empty() => number.push('+'),
                '+' | '\u{FF0B}' => return Err(NumberError::MisplacedPlus),
                '*' | '#' => number.push(c),
                _ if is_punctuation(c) => {}
                _ => number.push(ascii_digit(c).ok_or(NumberError::BadCharacter(c))?),
            }
            if number.len() > Self::MAX {
                return Err(NumberError::TooLong { max: Self::MAX });
            }
        }
        if number.is_empty() || number == "+" {
            return Err(NumberError::Empty);
        }
        Ok(Self(number))
    }
}

/// A number in the international form of ITU-T E.164: `+`, a country code that does not start with 0, 5 to 15 digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson, ToJson)]
#[serde(try_from = "String", into = "String")]
pub struct E164(String);

impl E164 {
    /// With the `+`, e.g. `+390212345678`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the `+`.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }
}

impl FromStr for E164 {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let digits = text.strip_prefix('+').ok_or(match text.chars().next() {
            None => NumberError::Empty,
            Some(c) => NumberError::BadCharacter(c),
        })?;
        if let Some(bad) = digits.chars().find(|c| !c.is_ascii_digit()) {
            return Err(NumberError::BadCharacter(bad));
        }
        if digits.starts_with('0') {
            return Err(NumberError::BadCharacter('0'));
        }
        match digits.len() {
            0..5 => Err(NumberError::TooShort { min: 5 }),
            5..=15 => Ok(Self(text.to_owned())),
            _ => Err(NumberError::TooLong { max: 15 }),
        }
    }
}

/// An internal extension: 2 to 8 digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson, ToJson)]
#[serde(try_from = "String", into = "String")]
pub struct Extension(String);

impl Extension {
    /// The digits, e.g. `201`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Extension {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_digit()) {
            return Err(NumberError::BadCharacter(bad));
        }
        match text.len() {
            0 => Err(NumberError::Empty),
            1 => Err(NumberError::TooShort { min: 2 }),
            2..=8 => Ok(Self(text.to_owned())),
            _ => Err(NumberError::TooLong { max: 8 }),
        }
    }
}

macro_rules! number_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = NumberError;

            fn try_from(text: String) -> Result<Self, NumberError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            // A number identifies a person, and `Debug` is what reaches logs.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), crate::Pii(&self.0))
            }
        }
    };
}

number_text!(DialString);
number_text!(E164);
number_text!(Extension);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dial_strings_read_any_format() {
        for (written, dialled) in [
            ("+39 02 1234-5678", "+390212345678"),
            ("(02) 12.34/56 78", "0212345678"),
            ("tel:+44-20-7946-0018;ext=5", "+442079460018"),
            ("TEL:201", "201"),
            ("*98#", "*98#"),
            ("\u{202A}+39\u{00A0}02\u{2011}1234\u{202C}", "+39021234"),
            ("\u{FF0B}\u{FF13}\u{FF19}02", "+3902"),
        ] {
            assert_eq!(
                written.parse::<DialString>().unwrap().as_str(),
                dialled,
                "{written:?}"
            );
        }
    }

    #[test]
    fn dial_strings_refuse_what_is_no_number() {
        for (written, error) in [
            ("", NumberError::Empty),
            ("  ", NumberError::Empty),
            ("+", NumberError::Empty),
            ("tel:", NumberError::Empty),
            ("02+39", NumberError::MisplacedPlus),
            ("++39", NumberError::MisplacedPlus),
            ("anna", NumberError::BadCharacter('a')),
            ("sip:1@x", NumberError::BadCharacter('s')),
            (&"1".repeat(33), NumberError::TooLong { max: 32 }),
        ] {
            assert_eq!(written.parse::<DialString>(), Err(error), "{written:?}");
        }
    }

    #[test]
    fn e164_is_strict() {
        assert_eq!("+390212345678".parse::<E164>().unwrap().digits(), "390212345678");
        for bad in [
            "",
            "39",
            "+",
            "+0391234",
            "+39 02",
            "+1234",
            "+1234567890123456",
            "+39a",
        ] {
            assert!(bad.parse::<E164>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_number_does_not_print_in_debug() {
        let number: E164 = "+390212345678".parse().unwrap();
        assert_eq!(format!("{number:?}"), "E164(…78)");
    }

    proptest::proptest! {
        #[test]
        fn dial_strings_never_panic_and_read_themselves(text in "\\PC*") {
            if let Ok(number) = text.parse::<DialString>() {
                proptest::prop_assert_eq!(number.as_str().parse::<DialString>(), Ok(number.clone()));
            }
            let _ = text.parse::<E164>();
            let _ = text.parse::<Extension>();
        }
    }
}
