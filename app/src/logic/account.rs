//! Account codes as they are typed, offered and remembered.

use ponte_protocol::account_code::AccountCodeError;
use ponte_protocol::{AccountCode, BookedCode, Refusal};

/// What stands in a field for an account code; `None` for nothing.
///
/// # Errors
/// [`AccountCodeError`] for anything else, such as the beginning of a client's name.
pub fn read(typed: &str) -> Result<Option<AccountCode>, AccountCodeError> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    typed.parse().map(Some)
}

/// What is offered: what the telephone system has found, and before it, where nothing is typed, the code that was used last.
pub fn offered(typed: &str, found: &[BookedCode], last: Option<BookedCode>) -> Vec<BookedCode> {
    let last = last.filter(|_| typed.trim().is_empty());
    let others = found
        .iter()
        .filter(|known| last.as_ref().is_none_or(|last| last.code != known.code));
    last.iter().chain(others).cloned().collect()
}

/// A code with its name, as it is shown.
pub fn shown(booked: &BookedCode) -> String {
    if booked.name.is_empty() {
        booked.code.as_str().to_owned()
    } else {
        format!("{} · {}", booked.code, booked.name)
    }
}

/// How the code that was used last is kept.
pub fn kept(booked: &BookedCode) -> String {
    format!("{} {}", booked.code, booked.name)
}

/// What [`kept`] has written.
pub fn of_kept(text: &str) -> Option<BookedCode> {
    let (code, name) = text.split_once(' ')?;
    Some(BookedCode {
        code: code.parse().ok()?,
        name: name.to_owned(),
    })
}

/// Whether it is the account code that a call was refused for, and not the number.
pub fn is_about_code(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::AccountCodeRequired | Refusal::UnknownAccountCode | Refusal::InactiveAccountCode
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn booked(code: &str, name: &str) -> BookedCode {
        BookedCode {
            code: code.parse().unwrap(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_field_holds_a_code_or_nothing_or_what_is_looked_for() {
        assert_eq!(read("  "), Ok(None));
        assert_eq!(read(" 0042 "), Ok("0042".parse().ok()));
        assert!(read("Rossi").is_err());
        assert!(read("12345678901234567").is_err());
    }

    #[test]
    fn the_code_that_was_used_last_is_offered_first_and_once() {
        let found = [booked("1042", "Rossi"), booked("2001", "Verdi")];
        let last = || Some(booked("2001", "Verdi"));
        let codes = |offered: Vec<BookedCode>| -> Vec<String> {
            offered.iter().map(|known| known.code.to_string()).collect()
        };
        assert_eq!(codes(offered("", &found, last())), ["2001", "1042"]);
        assert_eq!(codes(offered("ross", &found[..1], last())), ["1042"]);
        assert_eq!(codes(offered("", &found, None)), ["1042", "2001"]);
        assert_eq!(codes(offered("", &[], last())), ["2001"]);
    }

    #[test]
    fn a_code_is_kept_and_shown_with_its_name() {
        let rossi = booked("1042", "Rossi v. Bianchi");
        assert_eq!(of_kept(&kept(&rossi)), Some(rossi.clone()));
        assert_eq!(of_kept("nonsense"), None);
        assert_eq!(of_kept("x y"), None);
        assert_eq!(shown(&rossi), "1042 · Rossi v. Bianchi");
        assert_eq!(shown(&booked("31", "")), "31");
    }

    #[test]
    fn t04_a_refusal_is_said_at_the_field_that_it_is_about() {
        assert!(is_about_code(&Refusal::AccountCodeRequired));
        assert!(is_about_code(&Refusal::InactiveAccountCode));
        assert!(!is_about_code(&Refusal::InvalidNumber));
    }
}
