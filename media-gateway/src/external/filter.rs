//! Filters (RFC 4515) of what a user types, which is never more than the value of an attribute in them.

use ldap3::ldap_escape;
use ponte_protocol::E164;
use ponte_protocol::external::DirectorySettings;
use std::fmt::Write;

/// Words of what is typed that are looked for; servers take time for each.
const WORDS_MAX: usize = 5;
/// The fewest digits that are looked for among numbers.
const DIGITS_MIN: usize = 3;
/// The last digits of a number, which are the same however it is written.
const LAST_DIGITS: usize = 7;

/// Whether a server would understand it.
pub fn is_filter(text: &str) -> bool {
    text.starts_with('(') && ldap3::parse_filter(text).is_ok()
}

/// Everybody who counts in whom each word of the text is found.
pub(super) fn of_text(settings: &DirectorySettings, text: &str) -> String {
    let digits = digits(text);
    let words: Vec<&str> = match &digits {
        // One number, however it is grouped.
        Some(_) => vec![text.trim()],
        None => text.split_whitespace().take(WORDS_MAX).collect(),
    };
    let mut filter = format!("(&{}", settings.filter);
    for word in words {
        let word = ldap_escape(word);
        filter.push_str("(|");
        for attribute in &settings.search {
            // Writing to a string does not fail.
            let _ = write!(filter, "({attribute}=*{word}*)");
        }
        if let Some(digits) = &digits {
            for number in &settings.numbers {
                let _ = write!(filter, "({}=*{digits}*)", number.attribute);
            }
        }
        filter.push(')');
    }
    filter.push(')');
    filter
}

/// Everybody who counts whose number is written in one of its international forms.
pub(super) fn of_number(settings: &DirectorySettings, number: &E164) -> String {
    let digits = number.as_str().trim_start_matches('+');
    of_values(settings, &[&format!("+{digits}"), &format!("00{digits}"), digits])
}

/// Everybody who counts whose number ends as this one, however it is written: others among them.
pub(super) fn of_digits(settings: &DirectorySettings, number: &E164) -> String {
    let digits = number.as_str().trim_start_matches('+');
    let last = &digits[digits.len().saturating_sub(LAST_DIGITS)..];
    let mut spread = String::from("*");
    for digit in last.chars() {
        spread.push(digit);
        spread.push('*');
    }
    // Nothing but a closing bracket follows the last digit of a number.
    of_values(settings, &[&spread])
}

fn of_values(settings: &DirectorySettings, values: &[&str]) -> String {
    let mut filter = format!("(&{}(|", settings.filter);
    for number in &settings.numbers {
        for value in values {
            let _ = write!(filter, "({}={value})", number.attribute);
        }
    }
    filter.push_str("))");
    filter
}

/// The digits of what reads as a part of a telephone number.
fn digits(text: &str) -> Option<String> {
    let part = |c: char| c.is_ascii_digit() || " +-/.()".contains(c);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= DIGITS_MIN && text.chars().all(part)).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::external::NumberAttribute;
    use proptest::prelude::*;

    fn settings() -> DirectorySettings {
        DirectorySettings {
            filter: "(objectClass=person)".into(),
            search: vec!["cn".into(), "mail".into()],
            numbers: vec![NumberAttribute {
                attribute: "telephoneNumber".into(),
                label: "work".into(),
            }],
            ..DirectorySettings::default()
        }
    }

    #[test]
    fn each_word_must_be_found() {
        assert_eq!(
            of_text(&settings(), " nadia  neri "),
            "(&(objectClass=person)(|(cn=*nadia*)(mail=*nadia*))(|(cn=*neri*)(mail=*neri*)))"
        );
    }

    #[test]
    fn a_number_is_looked_for_among_numbers_too() {
        assert_eq!(
            of_text(&settings(), "02 98-76"),
            "(&(objectClass=person)(|(cn=*02 98-76*)(mail=*02 98-76*)(telephoneNumber=*029876*)))"
        );
    }

    #[test]
    fn what_is_typed_injects_nothing() {
        assert_eq!(
            of_text(&settings(), r"*)(uid=*))(|(\"),
            r"(&(objectClass=person)(|(cn=*\2a\29\28uid=\2a\29\29\28|\28\5c*)(mail=*\2a\29\28uid=\2a\29\29\28|\28\5c*)))"
        );
    }

    #[test]
    fn a_number_is_looked_for_however_it_is_written() {
        let number: E164 = "+390298765401".parse().unwrap();
        assert_eq!(
            of_number(&settings(), &number),
            "(&(objectClass=person)(|(telephoneNumber=+390298765401)(telephoneNumber=00390298765401)(telephoneNumber=390298765401)))"
        );
        assert_eq!(
            of_digits(&settings(), &number),
            "(&(objectClass=person)(|(telephoneNumber=*8*7*6*5*4*0*1*)))"
        );
    }

    #[test]
    fn what_a_filter_is() {
        for right in ["(objectClass=person)", "(&(a=b)(!(c=*)))", r"(cn=a\2ab)"] {
            assert!(is_filter(right), "{right}");
        }
        for wrong in ["", "objectClass=person", "(a=b", "(a=b))", "(a=b)(c=d)", "(|)("] {
            assert!(!is_filter(wrong), "{wrong}");
        }
    }

    proptest! {
        /// Whatever is typed, the filter has the same shape: one `&`, one `|` for each word, the attributes that are set.
        #[test]
        fn no_text_changes_the_shape_of_the_filter(text in "\\PC{2,64}") {
            let filter = of_text(&settings(), &text);
            prop_assert!(is_filter(&filter), "{filter}");
            let words = filter.matches("(|").count();
            prop_assert!(words <= WORDS_MAX);
            let numbers = filter.matches("(telephoneNumber=").count();
            let opened = filter.matches('(').count();
            prop_assert_eq!(opened, 2 + 3 * words + numbers, "{}", filter);
            prop_assert_eq!(opened, filter.matches(')').count(), "{}", filter);
        }
    }
}
