//! vCard 2.1, 3.0 and 4.0, read; 3.0 written, which every telephone and mail program takes.

use super::reading::Entry;
use calcard::common::IanaType;
use calcard::vcard::{
    VCard, VCardEntry, VCardParameter, VCardParameterName, VCardProperty, VCardType, VCardValue, VCardVersion,
};
use calcard::{Entry as Component, Parser};
use ponte_protocol::{Contact, ContactNumber};

/// The category that marks a favourite.
const FAVOURITE: &str = "favourite";

/// All cards of a file.
pub(super) fn read(text: &str) -> Vec<Entry> {
    let mut parser = Parser::new(text);
    let mut entries = Vec::new();
    loop {
        match parser.entry() {
            Component::Eof => return entries,
            Component::VCard(card) => entries.push(entry(&card)),
            Component::InvalidLine(line) if line.trim().is_empty() => {}
            // A line between cards, or a card that does not end.
            _ => entries.push(Entry {
                unreadable: true,
                ..Entry::default()
            }),
        }
    }
}

fn text(entry: &VCardEntry) -> String {
    entry
        .values
        .first()
        .and_then(VCardValue::as_text)
        .unwrap_or_default()
        .to_owned()
}

/// All parts of a structured value.
fn parts(entry: &VCardEntry) -> Vec<String> {
    let part = |value: &VCardValue| match value {
        VCardValue::Component(parts) => parts.join(" "),
        value => value.as_text().unwrap_or_default().to_owned(),
    };
    entry.values.iter().map(part).collect()
}

fn entry(card: &VCard) -> Entry {
    let first = |property: &VCardProperty| card.property(property);
    let mut name = first(&VCardProperty::Fn).map(text).unwrap_or_default();
    if name.trim().is_empty()
        && let Some(structured) = first(&VCardProperty::N).map(parts)
    {
        let part = |at: usize| structured.get(at).map_or("", String::as_str);
        name = format!("{} {} {}", part(1), part(2), part(0));
    }
    let organisation = first(&VCardProperty::Org).map(parts).unwrap_or_default();
    let organisation: Vec<String> = organisation
        .into_iter()
        .filter(|part| !part.trim().is_empty())
        .collect();
    let favourite = |category: &VCardValue| {
        let category = category.as_text().unwrap_or_default().trim();
        [FAVOURITE, "favorite", "starred"]
            .iter()
            .any(|word| category.eq_ignore_ascii_case(word))
    };
    Entry {
        name,
        organisation: organisation.join(", "),
        numbers: card
            .properties(&VCardProperty::Tel)
            .map(|tel| (label(card, tel), text(tel)))
            .filter(|(_, number)| !number.trim().is_empty())
            .collect(),
        favourite: card
            .properties(&VCardProperty::Categories)
            .any(|categories| categories.values.iter().any(favourite)),
        notes: first(&VCardProperty::Note).map(text).unwrap_or_default(),
        unreadable: false,
    }
}

/// What a number is called: by the label of its group, as Apple's programs write it, else by its types.
fn label(card: &VCard, tel: &VCardEntry) -> String {
    if let Some(group) = &tel.group {
        let named = card.entries.iter().find(|entry| {
            entry.group.as_ref() == Some(group)
                && matches!(&entry.name, VCardProperty::Other(name) if name.eq_ignore_ascii_case("X-ABLABEL"))
        });
        if let Some(named) = named {
            return text(named)
                .trim_start_matches("_$!<")
                .trim_end_matches(">!$_")
                .to_lowercase();
        }
    }
    let types: Vec<VCardType> = tel
        .parameters(&VCardParameterName::Type)
        .filter_map(calcard::vcard::VCardParameterValue::as_type)
        .filter_map(|kind| match kind {
            IanaType::Iana(kind) => Some(kind.clone()),
            IanaType::Other(_) => None,
        })
        .collect();
    let words = [
        (VCardType::Fax, "fax"),
        (VCardType::Pager, "pager"),
        (VCardType::Cell, "mobile"),
        (VCardType::Work, "work"),
        (VCardType::Home, "home"),
    ];
    let word = words.iter().find(|(kind, _)| types.contains(kind));
    word.map_or_else(String::new, |(_, word)| (*word).to_owned())
}

/// Cards, one after the other.
pub(super) fn write(contacts: &[Contact]) -> String {
    let mut file = String::new();
    for contact in contacts {
        // A text takes whatever is written to it.
        let _ = card(contact).write_to(&mut file, VCardVersion::V3_0);
    }
    file
}

fn card(contact: &Contact) -> VCard {
    let of = |property, value: &str| VCardEntry::new(property).with_value(VCardValue::Text(value.to_owned()));
    let (given, family) = contact.name.rsplit_once(' ').unwrap_or((&contact.name, ""));
    let name = [family, given, "", "", ""].map(|part| VCardValue::Text(part.to_owned()));
    let mut entries = vec![
        VCardEntry::new(VCardProperty::N).with_values(name.into()),
        of(VCardProperty::Fn, &contact.name),
    ];
    if !contact.organisation.is_empty() {
        entries.push(of(VCardProperty::Org, &contact.organisation));
    }
    for (at, number) in contact.numbers.iter().enumerate() {
        entries.extend(tel(at, number));
    }
    if contact.favourite {
        entries.push(of(VCardProperty::Categories, FAVOURITE));
    }
    if !contact.notes.is_empty() {
        entries.push(of(VCardProperty::Note, &contact.notes));
    }
    VCard { entries }
}

fn tel(at: usize, number: &ContactNumber) -> Vec<VCardEntry> {
    let tel =
        VCardEntry::new(VCardProperty::Tel).with_value(VCardValue::Text(number.number.as_str().to_owned()));
    let kind = match number.label.as_str() {
        "" => return vec![tel],
        "mobile" => VCardType::Cell,
        "work" => VCardType::Work,
        "home" => VCardType::Home,
        "fax" => VCardType::Fax,
        "pager" => VCardType::Pager,
        own => {
            let group = Some(format!("item{}", at + 1));
            let label = VCardEntry::new(VCardProperty::Other("X-ABLabel".to_owned()))
                .with_value(VCardValue::Text(own.to_owned()));
            return vec![tel.with_group(group.clone()), label.with_group(group)];
        }
    };
    vec![tel.with_param(VCardParameter::typ(kind))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::ContactId;

    fn only(text: &str) -> Entry {
        let mut entries = read(text);
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries.remove(0)
    }

    #[test]
    fn cards_of_every_version_are_read() {
        let v4 = only(
            "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Nadia Neri\r\nORG:Studio Neri;Milano\r\n\
             TEL;VALUE=uri;TYPE=\"voice,cell\":tel:+39-333-1234567;ext=1\r\nCATEGORIES:work,favourite\r\n\
             NOTE:one\\ntwo\\, three\r\nEND:VCARD\r\n",
        );
        assert_eq!(
            (v4.name.as_str(), v4.organisation.as_str()),
            ("Nadia Neri", "Studio Neri, Milano")
        );
        assert_eq!(
            v4.numbers,
            [("mobile".to_owned(), "tel:+39-333-1234567;ext=1".to_owned())]
        );
        assert_eq!((v4.notes.as_str(), v4.favourite), ("one\ntwo, three", true));
        let v3 = only(
            "BEGIN:VCARD\nVERSION:3.0\nN:Rossi;Carlo;;;\nitem1.TEL:02 98765401\nitem1.X-ABLabel:_$!<Desk>!$_\n\
             TEL;type=WORK;type=pref:201\nEND:VCARD\n",
        );
        assert_eq!(v3.name.split_whitespace().collect::<Vec<_>>(), ["Carlo", "Rossi"]);
        let labels: Vec<_> = v3.numbers.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(labels, ["desk", "work"]);
        let v21 = only(
            "BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Jos=C3=A9 =C3=96z\r\n\
             TEL;CELL:3331234567\r\nEND:VCARD\r\n",
        );
        assert_eq!(v21.name, "José Öz");
        assert_eq!(v21.numbers[0].0, "mobile");
    }

    #[test]
    fn folded_lines_and_photographs_do_no_harm() {
        let photo = "QUJD".repeat(40);
        let card = only(&format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Nadia Lu\r\n cia Neri\r\nPHOTO;ENCODING=b;TYPE=JPEG:{photo}\r\n {photo}\r\n\
             TEL:201\r\nEND:VCARD\r\n"
        ));
        assert_eq!(card.name, "Nadia Lucia Neri");
        assert_eq!(card.numbers.len(), 1);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let contact = Contact {
            id: ContactId(uuid::Uuid::nil()),
            name: "Ada; Öz, \"the\" Neri".into(),
            organisation: "Neri; Figli".into(),
            numbers: [
                ("mobile", "+393331234567"),
                ("", "201"),
                ("summer house", "+390298765401"),
            ]
            .map(|(label, number)| ContactNumber {
                label: label.into(),
                number: number.parse().unwrap(),
            })
            .into(),
            favourite: true,
            notes: "first line\nsecond, with a comma; and \\ more".repeat(3),
        };
        let read = only(&write(std::slice::from_ref(&contact)));
        assert_eq!(read.name, contact.name);
        assert_eq!(read.organisation, contact.organisation);
        assert_eq!((read.notes, read.favourite), (contact.notes, true));
        let numbers: Vec<_> = contact
            .numbers
            .iter()
            .map(|number| (number.label.clone(), number.number.as_str().to_owned()))
            .collect();
        assert_eq!(read.numbers, numbers);
    }
}
