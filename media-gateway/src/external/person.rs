//! An entry of the directory as a person.

use crate::contacts::{number_as_kept, one_line};
use crate::numbers::NumberingPlan;
use ldap3::SearchEntry;
use ponte_protocol::contact::CONTACT_NUMBERS_MAX;
use ponte_protocol::external::{DirectorySettings, EXTERNAL_TEXT_MAX};
use ponte_protocol::{ContactNumber, DialString, ExternalPerson};
use std::collections::HashMap;

/// The attributes that a person is read from.
pub(super) fn attributes(settings: &DirectorySettings) -> Vec<&str> {
    let numbers = settings.numbers.iter().map(|number| number.attribute.as_str());
    let texts = [settings.mail.as_str(), settings.organisation.as_str()];
    let names = settings.names.iter().map(String::as_str);
    let mut all: Vec<&str> = names.chain(numbers).chain(texts).collect();
    all.retain(|attribute| !attribute.is_empty());
    all
}

/// `None` for an entry without a name.
pub(super) fn read(
    settings: &DirectorySettings,
    plan: &NumberingPlan,
    entry: SearchEntry,
) -> Option<ExternalPerson> {
    let values = Values::of(entry);
    let name = settings
        .names
        .iter()
        .find_map(|attribute| values.text(attribute))?;
    let mut numbers: Vec<ContactNumber> = Vec::new();
    for kind in &settings.numbers {
        for written in values.all(&kind.attribute) {
            let read = written.parse::<DialString>().ok();
            let Some(number) = read.and_then(|number| number_as_kept(plan, &number)) else {
                continue;
            };
            // The same one may stand under two attributes.
            if numbers.len() < CONTACT_NUMBERS_MAX && numbers.iter().all(|known| known.number != number) {
                numbers.push(ContactNumber {
                    label: kind.label.clone(),
                    number,
                });
            }
        }
    }
    Some(ExternalPerson {
        name,
        organisation: values.text(&settings.organisation).unwrap_or_default(),
        email: values.text(&settings.mail).unwrap_or_default(),
        numbers,
    })
}

/// Values by the attribute's name in lower case (RFC 4512 section 2.5), without its options.
struct Values(HashMap<String, Vec<String>>);

impl Values {
    fn of(entry: SearchEntry) -> Self {
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        for (attribute, found) in entry.attrs {
            values.entry(plain(&attribute)).or_default().extend(found);
        }
        Self(values)
    }

    fn all(&self, attribute: &str) -> &[String] {
        self.0.get(&plain(attribute)).map_or(&[], Vec::as_slice)
    }

    /// The first value, as it is shown.
    fn text(&self, attribute: &str) -> Option<String> {
        let (text, _) = one_line(self.all(attribute).first()?, EXTERNAL_TEXT_MAX);
        (!text.is_empty()).then_some(text)
    }
}

fn plain(attribute: &str) -> String {
    let name = attribute.split(';').next().unwrap_or_default();
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    fn plan() -> NumberingPlan {
        let text = "[site]\nname = \"x\"\ncountry = \"IT\"\nextensions = [\"2xx\"]\n\
                    [[trunk]]\nname = \"c\"\naddress = \"192.0.2.1\"\n";
        let config = Config::parse(text, Path::new("ponte.toml"), &|_| None).unwrap();
        NumberingPlan::new(&config.site)
    }

    fn entry(attrs: &[(&str, &[&str])]) -> SearchEntry {
        let values = |values: &&[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        SearchEntry {
            dn: "cn=x".into(),
            attrs: attrs
                .iter()
                .map(|(name, all)| ((*name).to_owned(), values(all)))
                .collect(),
            bin_attrs: HashMap::new(),
        }
    }

    #[test]
    fn numbers_are_kept_as_the_numbering_plan_reads_them() {
        let found = entry(&[
            ("CN", &["Nadia\u{202E} Neri\n"]),
            (
                "telephoneNumber",
                &["+39 02 9876-5401", "none", "02 98765401", "201"],
            ),
            ("mobile;x-private", &["333 123 4567"]),
            ("mail", &["nadia@example.com", "neri@example.com"]),
        ]);
        let person = read(&DirectorySettings::default(), &plan(), found).unwrap();
        let numbers: Vec<_> = person
            .numbers
            .iter()
            .map(|number| (number.label.as_str(), number.number.as_str()))
            .collect();
        assert_eq!(person.name, "Nadia Neri");
        assert_eq!(person.email, "nadia@example.com");
        assert_eq!(person.organisation, "");
        let wanted = [
            ("work", "+390298765401"),
            ("work", "201"),
            ("mobile", "+393331234567"),
        ];
        assert_eq!(numbers, wanted);
    }

    #[test]
    fn who_has_no_name_is_nobody_and_long_names_are_cut() {
        assert!(read(&DirectorySettings::default(), &plan(), entry(&[("cn", &[" "])])).is_none());
        let long = "x".repeat(500);
        let person = read(&DirectorySettings::default(), &plan(), entry(&[("cn", &[&long])]));
        assert_eq!(person.unwrap().name.len(), EXTERNAL_TEXT_MAX);
    }
}
