//! CSV with headings: as Ponte writes it, and as Google, Outlook and others do.

use super::reading::Entry;
use ponte_protocol::Contact;
use ponte_protocol::contact::CONTACT_NUMBERS_MAX;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Name,
    Given,
    Family,
    Organisation,
    Notes,
    Favourite,
    /// A number; the label is that of its heading, unless the column of this place says another.
    Number {
        label: &'static str,
        label_at: Option<usize>,
    },
    Other,
}

/// Between several numbers in one field, as Google writes them.
const SEPARATOR: &str = ":::";

/// All rows; `None` where the headings name no number.
pub(super) fn read(text: &str) -> Option<Vec<Entry>> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text.lines().next()?))
        .flexible(true)
        .from_reader(text.as_bytes());
    let headings: Vec<String> = reader
        .headers()
        .ok()?
        .iter()
        .map(|heading| heading.trim().to_lowercase())
        .collect();
    let columns = columns(&headings);
    let named = columns.iter().any(|column| {
        matches!(
            column,
            Column::Name | Column::Given | Column::Family | Column::Organisation
        )
    });
    let numbered = columns
        .iter()
        .any(|column| matches!(column, Column::Number { .. }));
    if !named || !numbered {
        return None;
    }
    let entry = |record: Result<csv::StringRecord, csv::Error>| match record {
        Ok(record) => entry(&columns, &record),
        Err(_) => Entry {
            unreadable: true,
            ..Entry::default()
        },
    };
    Some(reader.records().map(entry).collect())
}

/// The character that stands most often between headings.
fn delimiter(line: &str) -> u8 {
    let count = |delimiter: u8| line.bytes().filter(|byte| *byte == delimiter).count();
    let most = [b';', b'\t', b',']
        .into_iter()
        .max_by_key(|delimiter| count(*delimiter));
    most.unwrap_or(b',')
}

fn columns(headings: &[String]) -> Vec<Column> {
    headings.iter().map(|heading| column(heading, headings)).collect()
}

fn column(heading: &str, headings: &[String]) -> Column {
    match heading {
        "name" | "full name" | "display name" | "nome completo" | "nominativo" | "contact" | "contatto" => {
            return Column::Name;
        }
        "first name" | "given name" | "nome" => return Column::Given,
        "last name" | "family name" | "surname" | "cognome" => return Column::Family,
        "organisation"
        | "organization"
        | "company"
        | "organization name"
        | "organization 1 - name"
        | "società"
        | "azienda" => return Column::Organisation,
        "notes" | "note" => return Column::Notes,
        "favourite" | "favorite" | "preferito" => return Column::Favourite,
        _ => {}
    }
    let has = |words: &[&str]| words.iter().any(|word| heading.contains(word));
    let is_number = has(&[
        "phone",
        "telefono",
        "mobile",
        "cellulare",
        "number",
        "numero",
        "abitazione",
        "ufficio",
    ]);
    if !is_number || has(&["type", "label", "tipo", "etichetta", "street", "address", "via "]) {
        return Column::Other;
    }
    let label = if has(&["fax"]) {
        "fax"
    } else if has(&["mobile", "cell"]) {
        "mobile"
    } else if has(&["home", "abitazione", "casa"]) {
        "home"
    } else if has(&["work", "business", "office", "company", "ufficio"]) {
        "work"
    } else {
        ""
    };
    // "Phone 1 - Value" has its label in "Phone 1 - Label" or "Phone 1 - Type"; "number 1" in "label 1".
    let partners = [
        heading.replace("value", "label"),
        heading.replace("value", "type"),
        heading.replace("number", "label"),
    ];
    let label_at = headings
        .iter()
        .position(|other| other != heading && partners.contains(other));
    Column::Number { label, label_at }
}

fn entry(columns: &[Column], record: &csv::StringRecord) -> Entry {
    let mut entry = Entry::default();
    let (mut given, mut family) = ("", "");
    for (column, field) in columns.iter().zip(record) {
        let field = field.trim();
        match column {
            Column::Name => field.clone_into(&mut entry.name),
            Column::Given => given = field,
            Column::Family => family = field,
            Column::Organisation => field.clone_into(&mut entry.organisation),
            Column::Notes => field.clone_into(&mut entry.notes),
            Column::Favourite => {
                entry.favourite =
                    ["1", "true", "yes", "sì", "si", "x"].contains(&field.to_lowercase().as_str());
            }
            Column::Number { label, label_at } => {
                let own = label_at.and_then(|at| record.get(at)).map(str::trim);
                let label = own
                    .filter(|own| !own.is_empty())
                    .map_or((*label).to_owned(), known_label);
                let numbers = field
                    .split(SEPARATOR)
                    .map(str::trim)
                    .filter(|number| !number.is_empty());
                entry
                    .numbers
                    .extend(numbers.map(|number| (label.clone(), number.to_owned())));
            }
            Column::Other => {}
        }
    }
    if entry.name.is_empty() {
        format!("{given} {family}").trim().clone_into(&mut entry.name);
    }
    entry
}

/// A label in the words that are used here.
fn known_label(label: &str) -> String {
    match label.trim_start_matches('*').trim().to_lowercase().as_str() {
        "cell" | "cellulare" => "mobile".to_owned(),
        other => other.to_owned(),
    }
}

/// Rows, with headings where they are the first.
pub(super) fn write(contacts: &[Contact], first: bool) -> String {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // What is written to is in memory.
    if first {
        let fixed = ["name", "organisation", "favourite", "notes"].map(str::to_owned);
        let numbers = (1..=CONTACT_NUMBERS_MAX).flat_map(|n| [format!("label {n}"), format!("number {n}")]);
        let _ = writer.write_record(fixed.into_iter().chain(numbers));
    }
    for contact in contacts {
        let favourite = if contact.favourite { "yes" } else { "" };
        let fixed = [&*contact.name, &contact.organisation, favourite, &contact.notes];
        let numbers = contact
            .numbers
            .iter()
            .flat_map(|number| [number.label.as_str(), number.number.as_str()]);
        let fields = fixed.into_iter().chain(numbers).chain(std::iter::repeat(""));
        let _ = writer.write_record(fields.take(4 + 2 * CONTACT_NUMBERS_MAX));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::{ContactId, ContactNumber};

    fn numbers(entry: &Entry) -> Vec<(&str, &str)> {
        let pairs = entry.numbers.iter();
        pairs
            .map(|(label, number)| (label.as_str(), number.as_str()))
            .collect()
    }

    #[test]
    fn the_tables_of_others_are_read() {
        let google = "First Name,Last Name,Organization Name,Notes,Phone 1 - Label,Phone 1 - Value\n\
            Nadia,Neri,Studio Neri,\"a, b\",Mobile,333 1234567 ::: 02 98765401\n";
        let entries = read(google).unwrap();
        assert_eq!(entries[0].name, "Nadia Neri");
        assert_eq!(
            numbers(&entries[0]),
            [("mobile", "333 1234567"), ("mobile", "02 98765401")]
        );
        assert_eq!(entries[0].notes, "a, b");
        let outlook = "First Name;Last Name;Company;Business Phone;Business Fax;Home Phone;Mobile Phone;Business Street\n\
            Carlo;Rossi;Rossi SpA;02 1;02 2;02 3;333 4;Via Roma 1\n";
        let entries = read(outlook).unwrap();
        assert_eq!(entries[0].organisation, "Rossi SpA");
        assert_eq!(
            numbers(&entries[0]),
            [("work", "02 1"), ("home", "02 3"), ("mobile", "333 4")]
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let contact = Contact {
            id: ContactId(uuid::Uuid::nil()),
            name: "Ada, \"the\" Neri".into(),
            organisation: String::new(),
            numbers: [("mobile", "+393331234567"), ("", "201")]
                .map(|(label, number)| ContactNumber {
                    label: label.into(),
                    number: number.parse().unwrap(),
                })
                .into(),
            favourite: true,
            notes: "one\ntwo".into(),
        };
        let contacts = [contact];
        let file = write(&contacts, true) + &write(&contacts, false);
        let entries = read(&file).unwrap();
        assert_eq!(entries.len(), 2);
        for entry in &entries {
            assert_eq!(
                (entry.name.as_str(), entry.favourite),
                ("Ada, \"the\" Neri", true)
            );
            assert_eq!(entry.notes, "one\ntwo");
            assert_eq!(numbers(entry), [("mobile", "+393331234567"), ("", "201")]);
        }
    }

    #[test]
    fn a_table_without_names_or_numbers_is_none() {
        assert!(read("a,b\n1,2\n").is_none());
        assert!(read("name,e-mail\nNadia,n@example.org\n").is_none());
        assert!(read("phone\n201\n").is_none());
    }
}
