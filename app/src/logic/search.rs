//! Search as you type over the loaded call log.

use crate::i18n::Locale;
use crate::words;
use ponte_protocol::CallRecord;

/// Whether a record fits the words typed: each must be found in the name, a number, or the label of the outcome. Digits
/// are compared without the blanks and dashes that people write.
pub fn matches(locale: Locale, record: &CallRecord, query: &str) -> bool {
    let (party, outcome) = (
        words::record_party(locale, record),
        words::outcome(locale, record),
    );
    let words = format!("{party} {outcome}").to_lowercase();
    let numbers = [record.dialled.as_str(), &record.number];
    let digits: String = query
        .chars()
        .filter(|c| !c.is_whitespace() && !"-./()".contains(*c))
        .collect();
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || "+*#".contains(c)) {
        return numbers.iter().any(|number| number.contains(&digits));
    }
    query
        .to_lowercase()
        .split_whitespace()
        .all(|word| words.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample;

    #[test]
    fn names_and_numbers_are_found_as_people_write_them() {
        let record = CallRecord {
            name: Some("Carlo Rossi".into()),
            ..sample::record(1)
        };
        for query in ["", "  ", "ross", "ROSSI carlo", "02 1234", "+39-02", "not ans"] {
            assert!(matches(Locale::En, &record, query), "{query}");
        }
        for query in ["bianchi", "rossi bianchi", "999"] {
            assert!(!matches(Locale::En, &record, query), "{query}");
        }
    }
}
