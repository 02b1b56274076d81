//! Search as you type over the loaded call log.

use crate::i18n::Locale;
use crate::logic::directory::Query;
use crate::words;
use ponte_protocol::CallRecord;

/// Whether a record fits: each word must be found in the name, a number, the label of the outcome, or what it is booked to.
pub fn matches(locale: Locale, record: &CallRecord, query: &Query) -> bool {
    let said = || {
        let (party, outcome) = (
            words::record_party(locale, record),
            words::outcome(locale, record),
        );
        let account = record.account_code.as_ref();
        let account = account.map_or("", |booked| booked.name.as_str());
        format!("{party} {outcome} {account}")
    };
    let account = record.account_code.as_ref();
    let account = account.map_or("", |booked| booked.code.as_str());
    query.fits(said, [record.dialled.as_str(), record.number.as_str(), account])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample;
    use ponte_protocol::BookedCode;

    #[test]
    fn names_and_numbers_are_found_as_people_write_them() {
        let record = CallRecord {
            name: Some("Carlo Rossi".into()),
            account_code: Some(BookedCode {
                code: "1042".parse().unwrap(),
                name: "Müller GmbH".into(),
            }),
            ..sample::record(1)
        };
        for query in [
            "",
            "  ",
            "ross",
            "ROSSI carlo",
            "02 1234",
            "+39-02",
            "not ans",
            "1042",
            "müller",
        ] {
            assert!(matches(Locale::En, &record, &Query::new(query)), "{query}");
        }
        for query in ["bianchi", "rossi bianchi", "999"] {
            assert!(!matches(Locale::En, &record, &Query::new(query)), "{query}");
        }
    }
}
