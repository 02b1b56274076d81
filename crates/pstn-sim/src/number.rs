//! Telephone numbers as a carrier takes them from a request URI.

use std::fmt;

/// Reads the user part of a request URI as a number in E.164 with its `+`.
///
/// Accepts percent escapes, visual separators (RFC 3966 §5.1.1), the prefix `00` and digits without a `+`; drops
/// parameters after `;`. `None` when what remains is not 3 to 15 digits.
pub(crate) fn from_user_part(user: &str) -> Option<String> {
    let decoded = unescape(user)?;
    let plain: String = decoded
        .split(';')
        .next()?
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
        .collect();
    let digits = plain
        .strip_prefix('+')
        .or_else(|| plain.strip_prefix("00"))
        .unwrap_or(&plain);
    let valid = (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| format!("+{digits}"))
}

fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// A number as logs may show it: its last two digits.
#[derive(Debug, Clone, Copy)]
pub struct Masked<'a>(pub &'a str);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tail: Vec<char> = self.0.chars().rev().take(2).collect();
        tail.reverse();
        write!(f, "…{}", tail.into_iter().collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_spelling_is_the_same_number() {
        for spelling in [
            "+390212345601",
            "00390212345601",
            "390212345601",
            "%2B39%200212345601",
            "+39-02-12345601",
            "+390212345601;phone-context=example.com",
        ] {
            assert_eq!(
                from_user_part(spelling).as_deref(),
                Some("+390212345601"),
                "{spelling}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for spelling in ["", "+", "alice", "12", "+1234567890123456", "%2", "%zz", "+39é"] {
            assert_eq!(from_user_part(spelling), None, "{spelling}");
        }
    }

    #[test]
    fn logs_show_two_digits_only() {
        assert_eq!(Masked("+390212345601").to_string(), "…01");
        assert_eq!(Masked("").to_string(), "…");
    }

    proptest::proptest! {
        #[test]
        fn a_number_read_again_is_the_same(user in "[ -~]{0,40}") {
            if let Some(number) = from_user_part(&user) {
                proptest::prop_assert_eq!(from_user_part(&number), Some(number));
            }
        }
    }
}
