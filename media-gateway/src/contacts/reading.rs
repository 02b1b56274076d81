//! What both formats have in common: an entry becomes a contact, or a problem, or both.

use super::{number_as_kept, table, vcard};
use crate::numbers::NumberingPlan;
use ponte_protocol::contact::{
    CONTACT_LABEL_MAX, CONTACT_NAME_MAX, CONTACT_NOTES_MAX, CONTACT_NUMBERS_MAX, CONTACTS_MAX,
    IMPORT_PROBLEMS_MAX,
};
use ponte_protocol::{
    Contact, ContactId, ContactNumber, DialString, ImportPreview, ImportProblem, ImportProblemKind,
};
use std::collections::{HashMap, HashSet};

/// The names that a preview shows.
const SAMPLE: usize = 5;
/// The most characters of the text that a problem is about.
const PROBLEM_TEXT: usize = 40;

/// An entry of a file, as it stands there.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub name: String,
    pub organisation: String,
    /// Labels and numbers.
    pub numbers: Vec<(String, String)>,
    pub favourite: bool,
    pub notes: String,
    /// The entry cannot be read at all.
    pub unreadable: bool,
}

/// What a file holds.
#[derive(Debug)]
pub struct Import {
    /// What would be added.
    pub contacts: Vec<Contact>,
    pub preview: ImportPreview,
}

/// Reads a file. `known` are the contacts that the user has.
pub fn read(text: &str, plan: &NumberingPlan, known: &[Contact]) -> Import {
    let text = text.trim_start_matches('\u{FEFF}');
    let is_vcard = text
        .trim_start()
        .get(..11)
        .is_some_and(|start| start.eq_ignore_ascii_case("BEGIN:VCARD"));
    let entries = if is_vcard {
        Some(vcard::read(text))
    } else {
        table::read(text)
    };
    let mut reading = Reading::new(plan, known);
    match entries {
        Some(entries) => entries.into_iter().for_each(|entry| reading.take(entry)),
        None => reading.problem(ImportProblemKind::Format, "", ""),
    }
    reading.finish()
}

struct Reading<'a> {
    plan: &'a NumberingPlan,
    /// The names that there are, each with its numbers.
    names: HashMap<String, HashSet<String>>,
    room: usize,
    /// Of the entry that is being read, from 1.
    entry: u32,
    contacts: Vec<Contact>,
    known: u32,
    faults: u32,
    problems: Vec<ImportProblem>,
}

impl<'a> Reading<'a> {
    fn new(plan: &'a NumberingPlan, known: &[Contact]) -> Self {
        let mut reading = Self {
            plan,
            names: HashMap::new(),
            room: CONTACTS_MAX.saturating_sub(known.len()),
            entry: 0,
            contacts: Vec::new(),
            known: 0,
            faults: 0,
            problems: Vec::new(),
        };
        for contact in known {
            reading.remember(contact);
        }
        reading
    }

    fn remember(&mut self, contact: &Contact) {
        let numbers = self.names.entry(contact.name.to_lowercase()).or_default();
        numbers.extend(
            contact
                .numbers
                .iter()
                .map(|number| number.number.as_str().to_owned()),
        );
    }

    fn is_known(&self, contact: &Contact) -> bool {
        let numbers = self.names.get(&contact.name.to_lowercase());
        numbers.is_some_and(|numbers| {
            contact
                .numbers
                .iter()
                .any(|number| numbers.contains(number.number.as_str()))
        })
    }

    fn problem(&mut self, kind: ImportProblemKind, name: &str, text: &str) {
        self.faults += 1;
        if self.problems.len() < IMPORT_PROBLEMS_MAX {
            self.problems.push(ImportProblem {
                entry: self.entry,
                name: one_line(name, CONTACT_NAME_MAX).0,
                kind,
                text: one_line(text, PROBLEM_TEXT).0,
            });
        }
    }

    fn take(&mut self, entry: Entry) {
        self.entry += 1;
        if entry.unreadable {
            return self.problem(ImportProblemKind::Unreadable, &entry.name, "");
        }
        let (organisation, organisation_cut) = one_line(&entry.organisation, CONTACT_NAME_MAX);
        let (mut name, mut cut) = one_line(&entry.name, CONTACT_NAME_MAX);
        if name.is_empty() {
            name.clone_from(&organisation);
        }
        cut |= organisation_cut;
        if name.is_empty() {
            let number = entry.numbers.first();
            return self.problem(
                ImportProblemKind::NoName,
                "",
                number.map_or("", |(_, number)| number),
            );
        }
        let numbers = self.numbers(&name, &entry.numbers);
        if numbers.is_empty() {
            // Where there were some, each has its own problem.
            if entry.numbers.is_empty() {
                self.problem(ImportProblemKind::NoNumber, &name, "");
            }
            return;
        }
        let (notes, notes_cut) = lines(&entry.notes);
        let contact = Contact {
            id: ContactId(uuid::Uuid::now_v7()),
            organisation: if organisation == name {
                String::new()
            } else {
                organisation
            },
            name,
            numbers,
            favourite: entry.favourite,
            notes,
        };
        if self.is_known(&contact) {
            self.known += 1;
            return;
        }
        if self.contacts.len() == self.room {
            return self.problem(ImportProblemKind::Full, &contact.name, "");
        }
        if cut || notes_cut {
            self.problem(ImportProblemKind::TooLong, &contact.name, "");
        }
        self.remember(&contact);
        self.contacts.push(contact);
    }

    /// The numbers of an entry, each once.
    fn numbers(&mut self, name: &str, written: &[(String, String)]) -> Vec<ContactNumber> {
        let mut numbers: Vec<ContactNumber> = Vec::new();
        for (label, text) in written {
            let read = text.parse::<DialString>().ok();
            let Some(number) = read.and_then(|number| number_as_kept(self.plan, &number)) else {
                self.problem(ImportProblemKind::BadNumber, name, text);
                continue;
            };
            if numbers.iter().any(|known| known.number == number) {
                continue;
            }
            if numbers.len() == CONTACT_NUMBERS_MAX {
                self.problem(ImportProblemKind::TooManyNumbers, name, text);
                break;
            }
            numbers.push(ContactNumber {
                label: one_line(label, CONTACT_LABEL_MAX).0,
                number,
            });
        }
        numbers
    }

    fn finish(self) -> Import {
        let sample = self.contacts.iter().take(SAMPLE);
        let preview = ImportPreview {
            added: u32::try_from(self.contacts.len()).unwrap_or(u32::MAX),
            known: self.known,
            faults: self.faults,
            sample: sample.map(|contact| contact.name.clone()).collect(),
            problems: self.problems,
        };
        Import {
            contacts: self.contacts,
            preview,
        }
    }
}

/// Marks that turn the text around them have no place in what others read beside it.
fn turns(c: char) -> bool {
    matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// At most `max` characters on one line, and whether something was cut.
pub(crate) fn one_line(text: &str, max: usize) -> (String, bool) {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !turns(*c))
        .collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&clean, max)
}

/// Notes keep their lines.
fn lines(text: &str) -> (String, bool) {
    let clean: String = text
        .replace("\r\n", "\n")
        .chars()
        .filter(|c| *c == '\n' || !(c.is_control() || turns(*c)))
        .collect();
    cut(clean.trim(), CONTACT_NOTES_MAX)
}

fn cut(text: &str, max: usize) -> (String, bool) {
    match text.char_indices().nth(max) {
        Some((end, _)) => (text[..end].trim_end().to_owned(), true),
        None => (text.to_owned(), false),
    }
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

    fn kinds(import: &Import) -> Vec<(u32, ImportProblemKind)> {
        let problems = import.preview.problems.iter();
        problems.map(|problem| (problem.entry, problem.kind)).collect()
    }

    #[test]
    fn what_cannot_be_taken_is_told_by_entry_and_nothing_else_is_lost() {
        let text = "name,mobile,phone\nNadia Neri,333 1234567,02 98765401\n,02 98765402,\nOtto,,\n\
            Piero,not a number,201\nNadia Neri,+39 333 123 4567,\n";
        let import = read(text, &plan(), &[]);
        assert_eq!(
            kinds(&import),
            [
                (2, ImportProblemKind::NoName),
                (3, ImportProblemKind::NoNumber),
                (4, ImportProblemKind::BadNumber),
            ]
        );
        assert_eq!((import.preview.added, import.preview.known), (2, 1));
        assert_eq!(import.preview.sample, ["Nadia Neri", "Piero"]);
        let numbers: Vec<_> = import.contacts[0]
            .numbers
            .iter()
            .map(|number| (number.label.as_str(), number.number.as_str()))
            .collect();
        assert_eq!(numbers, [("mobile", "+393331234567"), ("", "+390298765401")]);
        assert!(import.contacts.iter().all(|contact| contact.validate().is_ok()));
    }

    #[test]
    fn the_same_file_again_adds_nothing() {
        let text = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Nadia Neri\r\nTEL:+393331234567\r\nEND:VCARD\r\n";
        let first = read(text, &plan(), &[]);
        assert_eq!(first.preview.added, 1);
        let again = read(text, &plan(), &first.contacts);
        assert_eq!((again.preview.added, again.preview.known), (0, 1));
    }

    #[test]
    fn a_full_directory_takes_no_more() {
        let lines: Vec<String> = (0..CONTACTS_MAX + 2)
            .map(|n| format!("Person {n},+3902{:07}\n", 1_000_000 + n))
            .collect();
        let text = lines.concat();
        let import = read(&format!("name,number\n{text}"), &plan(), &[]);
        assert_eq!(import.contacts.len(), CONTACTS_MAX);
        assert_eq!(
            kinds(&import),
            [(2001, ImportProblemKind::Full), (2002, ImportProblemKind::Full)]
        );
    }

    #[test]
    fn what_is_no_such_file_is_told_as_that() {
        for text in ["", "hello", "%PDF-1.4", "a,b\n1,2\n"] {
            let import = read(text, &plan(), &[]);
            assert_eq!(kinds(&import), [(0, ImportProblemKind::Format)], "{text}");
            assert!(import.contacts.is_empty());
        }
    }

    #[test]
    fn long_and_turned_texts_are_cut_and_cleaned() {
        let long = "x".repeat(100);
        let text = format!(
            "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:\u{202E}{long}\r\nNOTE:one\\ntwo\r\nTEL:201\r\nEND:VCARD\r\n"
        );
        let import = read(&text, &plan(), &[]);
        assert_eq!(kinds(&import), [(1, ImportProblemKind::TooLong)]);
        assert_eq!(import.contacts[0].name, "x".repeat(CONTACT_NAME_MAX));
        assert_eq!(import.contacts[0].notes, "one\ntwo");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            let _ = read(&text, &plan(), &[]);
            let _ = read(&format!("BEGIN:VCARD\r\n{text}"), &plan(), &[]);
            let _ = read(&format!("name,phone\n{text}"), &plan(), &[]);
        }
    }
}
