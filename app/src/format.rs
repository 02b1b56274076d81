//! How durations and numbers are written.

/// `m:ss`, or `h:mm:ss` from one hour on.
pub fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// Whole seconds left until a deadline, rounded up, so that a countdown shows 1 until it is over.
pub fn seconds_left(millis: u64) -> u64 {
    millis.div_ceil(1000)
}

/// Length of the country code that these digits start with, after ITU-T E.164 annex A: zones 1 and 7 have one digit,
/// the countries listed have two, all others three.
fn country_code_length(digits: &str) -> usize {
    const TWO: [&str; 44] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
        "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
        "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
    ];
    match digits.get(..2) {
        _ if digits.starts_with(['1', '7']) => 1,
        Some(two) if TWO.contains(&two) => 2,
        _ => 3,
    }
}

/// A number in groups that an eye can hold: `+390212345678` as `+39 021 234 5678`. Short numbers, star codes and
/// what is no number stay as they are.
pub fn number(number: &str) -> String {
    let (prefix, rest) = match number.strip_prefix('+') {
        Some(digits) if digits.is_ascii() => {
            let code = country_code_length(digits).min(digits.len());
            (format!("+{}", &digits[..code]), &digits[code..])
        }
        _ => (String::new(), number),
    };
    if rest.len() < 7 || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return if prefix.is_empty() || rest.is_empty() {
            number.to_owned()
        } else {
            format!("{prefix} {rest}")
        };
    }
    let mut groups: Vec<&str> = Vec::new();
    let mut left = rest;
    // The end holds the groups of four, as most countries write it; never a lonely digit.
    while left.len() > 4 {
        let (group, tail) = left.split_at(3);
        groups.push(group);
        left = tail;
    }
    groups.push(left);
    let body = groups.join("\u{a0}");
    if prefix.is_empty() {
        body
    } else {
        format!("{prefix}\u{a0}{body}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_grow_an_hour_place() {
        for (millis, written) in [
            (0, "0:00"),
            (999, "0:00"),
            (61_000, "1:01"),
            (3_599_999, "59:59"),
            (3_600_000, "1:00:00"),
        ] {
            assert_eq!(duration(millis), written);
        }
    }

    #[test]
    fn a_countdown_shows_one_until_it_is_over() {
        assert_eq!([0, 1, 1000, 1001].map(seconds_left), [0, 1, 1, 2]);
    }

    #[test]
    fn numbers_are_grouped_after_their_country_code() {
        for (plain, written) in [
            ("+390212345678", "+39 021 234 5678"),
            ("+442079460018", "+44 207 946 0018"),
            ("+12025550143", "+1 202 555 0143"),
            ("+3531234567", "+353 123 4567"),
            ("0212345678", "021 234 5678"),
            ("201", "201"),
            ("*98", "*98"),
            ("+39", "+39"),
            ("anonymous", "anonymous"),
            ("+39112", "+39 112"),
            ("+ü", "+ü"),
        ] {
            assert_eq!(number(plain).replace('\u{a0}', " "), written, "{plain}");
        }
    }

    #[test]
    fn grouping_loses_no_digit() {
        for length in 0..20 {
            let digits: String = (0..length).map(|n| char::from(b'0' + (n % 10) as u8)).collect();
            for plain in [digits.clone(), format!("+{digits}")] {
                let kept: String = number(&plain)
                    .chars()
                    .filter(|c| c.is_ascii_digit() || *c == '+')
                    .collect();
                assert_eq!(kept, plain);
            }
        }
    }
}
