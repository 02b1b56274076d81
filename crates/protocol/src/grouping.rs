//! How telephone numbers are written for people: on every page, and in what is told while no page is open.

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

/// Digits of the area code in a national number, for the countries whose plan says it in a few words; 0: not known.
fn area_length(country: &str, national: &str) -> usize {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| national.starts_with(prefix));
    match country {
        // Landlines keep their 0; the third digit tells three from four (Piano nazionale di numerazione).
        "39" if starts(&["02", "06"]) => 2,
        "39" if starts(&["0"]) => match national.as_bytes().get(2) {
            Some(b'0' | b'1' | b'5' | b'9') => 3,
            _ => 4,
        },
        "44" if starts(&["2"]) => 2,
        "44" if starts(&["7"]) => 4,
        "44" if starts(&["1"]) && !starts(&["11"]) && national.as_bytes().get(2) != Some(&b'1') => 4,
        "33" => 1,
        "49" if starts(&["30", "40", "69", "89"]) => 2,
        "1" | "39" | "44" => 3,
        _ => 0,
    }
}

/// Cuts digits into groups of three and four; a French number into pairs.
fn group<'a>(country: &str, mut left: &'a str, groups: &mut Vec<&'a str>) {
    while !left.is_empty() {
        let take = match left.len() {
            _ if country == "33" => 2,
            0..=4 => left.len(),
            8 => 4,
            5 => 2,
            _ => 3,
        };
        let (head, tail) = left.split_at(take.min(left.len()));
        groups.push(head);
        left = tail;
    }
}

/// A number in groups that an eye can hold: `+390212345678` as `+39 02 1234 5678`. Short numbers, star codes and
/// what is no number stay as they are.
pub fn grouped(number: &str) -> String {
    let (country, rest) = match number.strip_prefix('+') {
        Some(digits) if digits.is_ascii() && !digits.is_empty() => {
            digits.split_at(country_code_length(digits).min(digits.len()))
        }
        _ => ("", number),
    };
    let mut groups: Vec<&str> = Vec::new();
    if rest.len() < 7 || !rest.bytes().all(|b| b.is_ascii_digit()) {
        groups.push(rest);
    } else {
        let (area, subscriber) = rest.split_at(area_length(country, rest));
        groups.extend(Some(area).filter(|area| !area.is_empty()));
        group(country, subscriber, &mut groups);
    }
    let body = groups.join("\u{a0}");
    match (country, body.as_str()) {
        ("", _) => body,
        (country, "") => format!("+{country}"),
        (country, body) => format!("+{country}\u{a0}{body}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_as_their_country_does() {
        for (plain, written) in [
            ("+390212345678", "+39 02 1234 5678"),
            ("+390698765401", "+39 06 9876 5401"),
            ("+390511234567", "+39 051 123 4567"),
            ("+390365123456", "+39 0365 123 456"),
            ("+393331234567", "+39 333 123 4567"),
            ("+447700900123", "+44 7700 900 123"),
            ("+441632960123", "+44 1632 960 123"),
            ("+441211234567", "+44 121 123 4567"),
            ("+33123456789", "+33 1 23 45 67 89"),
            ("+493012345678", "+49 30 1234 5678"),
            ("+442079460018", "+44 20 7946 0018"),
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
            assert_eq!(grouped(plain).replace('\u{a0}', " "), written, "{plain}");
        }
    }

    #[test]
    fn grouping_loses_no_digit() {
        for length in 0..20 {
            let digits: String = (0..length).map(|n| char::from(b'0' + (n % 10) as u8)).collect();
            for plain in [digits.clone(), format!("+{digits}")] {
                let kept: String = grouped(&plain)
                    .chars()
                    .filter(|c| c.is_ascii_digit() || *c == '+')
                    .collect();
                assert_eq!(kept, plain);
            }
        }
    }
}
