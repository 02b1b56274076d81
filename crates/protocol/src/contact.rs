//! The people of a user's own directory.

use crate::json::{FromJson, ToJson};
use crate::number::DialString;
use crate::{ContactId, Pii, Refusal};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most contacts of a user.
pub const CONTACTS_MAX: usize = 2_000;
/// The most numbers of a contact.
pub const CONTACT_NUMBERS_MAX: usize = 10;
/// The most characters of a contact's name, and of its organisation.
pub const CONTACT_NAME_MAX: usize = 64;
/// The most characters of a number's label.
pub const CONTACT_LABEL_MAX: usize = 20;
/// The most characters of a contact's notes.
pub const CONTACT_NOTES_MAX: usize = 500;
/// The most contacts of a page.
pub const CONTACT_PAGE_MAX: u16 = 500;
/// The largest file that is read as contacts, in bytes of UTF-8.
pub const IMPORT_MAX: usize = 2 * 1024 * 1024;
/// The most problems that a preview tells of; the others are counted.
pub const IMPORT_PROBLEMS_MAX: usize = 50;

/// A number of a contact.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct ContactNumber {
    /// `mobile`, `work`, `home`, or what the user calls it: at most [`CONTACT_LABEL_MAX`] characters; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// The gateway keeps a number of the public network in E.164.
    pub number: DialString,
}

/// Somebody in a user's own directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Contact {
    /// Made by whoever adds it.
    pub id: ContactId,
    /// 1 to [`CONTACT_NAME_MAX`] characters.
    pub name: String,
    /// At most [`CONTACT_NAME_MAX`] characters; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub organisation: String,
    /// 1 to [`CONTACT_NUMBERS_MAX`].
    pub numbers: Vec<ContactNumber>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub favourite: bool,
    /// At most [`CONTACT_NOTES_MAX`] characters, line breaks among them; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
}

impl fmt::Debug for Contact {
    // Names and numbers identify people, and `Debug` is what reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contact({}, {} numbers)", self.id, self.numbers.len())
    }
}

impl fmt::Debug for ContactNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactNumber({})", Pii(self.number.as_str()))
    }
}

/// One line of at most `max` characters without control characters.
fn is_line(text: &str, max: usize) -> bool {
    text.chars().count() <= max && !text.chars().any(char::is_control)
}

impl Contact {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] names what is wrong.
    pub fn validate(&self) -> Result<(), Refusal> {
        let wrong = if self.name.trim().is_empty() || !is_line(&self.name, CONTACT_NAME_MAX) {
            "name: 1 to 64 characters"
        } else if !is_line(&self.organisation, CONTACT_NAME_MAX) {
            "organisation: at most 64 characters"
        } else if self.numbers.is_empty() || self.numbers.len() > CONTACT_NUMBERS_MAX {
            "numbers: 1 to 10"
        } else if !self
            .numbers
            .iter()
            .all(|number| is_line(&number.label, CONTACT_LABEL_MAX))
        {
            "label: at most 20 characters"
        } else if self.notes.chars().count() > CONTACT_NOTES_MAX
            || self.notes.chars().any(|c| c.is_control() && c != '\n')
        {
            "notes: at most 500 characters"
        } else {
            return Ok(());
        };
        Err(Refusal::Malformed {
            detail: wrong.to_owned(),
        })
    }
}

/// What a state tells of a user's contacts; they themselves are fetched by page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct ContactBook {
    /// Rises by one with every change.
    pub version: u64,
    pub total: u32,
}

/// A page of contacts, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct ContactPage {
    /// The version that the page belongs to: pages of different versions are no whole.
    pub version: u64,
    pub contacts: Vec<Contact>,
    /// Whether there are further ones after the last.
    pub more: bool,
}

/// A piece of a file of contacts. It does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(transparent)]
pub struct ContactText(pub String);

impl fmt::Debug for ContactText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactText({} bytes)", self.0.len())
    }
}

/// How contacts are written into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum ContactFormat {
    /// vCard 3.0 (RFC 2426).
    Vcard,
    /// Comma-separated values (RFC 4180) with a line of headings.
    Csv,
    /// A format that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What a file holds, before anything of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct ImportPreview {
    /// Contacts that would be added.
    pub added: u32,
    /// Contacts that the user has already: the same name with one of the same numbers.
    pub known: u32,
    /// Entries and numbers that cannot be taken, or not as they are.
    pub faults: u32,
    /// The first of them, at most [`IMPORT_PROBLEMS_MAX`].
    pub problems: Vec<ImportProblem>,
    /// The names of the first contacts that would be added, so that a wrong encoding is seen; at most five.
    pub sample: Vec<String>,
}

/// What is wrong with an entry of a file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct ImportProblem {
    /// Which entry of the file, from 1.
    pub entry: u32,
    /// Its name, as far as it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub kind: ImportProblemKind,
    /// The text that the problem is about, at most 40 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl fmt::Debug for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportProblem({}, {:?})", self.entry, self.kind)
    }
}

/// Why an entry, or a part of it, cannot be taken as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(rename_all = "snake_case")]
pub enum ImportProblemKind {
    /// It is neither vCard nor CSV with headings that name a number; nothing is taken.
    Format,
    /// It cannot be read; it is left out.
    Unreadable,
    /// Neither name nor organisation; it is left out.
    NoName,
    /// No number at all; it is left out.
    NoNumber,
    /// This is no telephone number; the number is left out.
    BadNumber,
    /// More than [`CONTACT_NUMBERS_MAX`] numbers; the others are left out.
    TooManyNumbers,
    /// A text is cut.
    TooLong,
    /// The directory would have more than [`CONTACTS_MAX`] contacts; it is left out.
    Full,
    /// A problem that this version does not know.
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn nadia() -> Contact {
        Contact {
            id: ContactId(Uuid::from_u128(u128::MAX)),
            name: "Nadia Neri".into(),
            organisation: "Studio Neri".into(),
            numbers: vec![ContactNumber {
                label: "mobile".into(),
                number: "+393331234567".parse().unwrap(),
            }],
            favourite: true,
            notes: "Asks for Anna\nnot before ten".into(),
        }
    }

    #[test]
    fn what_a_contact_may_be() {
        assert_eq!(nadia().validate(), Ok(()));
        let wrong: [fn(&mut Contact); 8] = [
            |contact| contact.name = "  ".into(),
            |contact| contact.name = "x".repeat(65),
            |contact| contact.name = "a\u{7}b".into(),
            |contact| contact.organisation = "x\ny".into(),
            |contact| contact.numbers.clear(),
            |contact| contact.numbers = vec![contact.numbers[0].clone(); 11],
            |contact| contact.numbers[0].label = "x".repeat(21),
            |contact| contact.notes = "\u{0}".into(),
        ];
        for spoil in wrong {
            let mut contact = nadia();
            spoil(&mut contact);
            assert!(contact.validate().is_err(), "{}", contact.name);
        }
    }

    #[test]
    fn the_largest_contact_fits_a_portals_frame() {
        let mut contact = nadia();
        contact.name = "\u{1F4DE}".repeat(CONTACT_NAME_MAX);
        contact.organisation = contact.name.clone();
        contact.notes = "\u{1F4DE}".repeat(CONTACT_NOTES_MAX);
        contact.numbers = vec![
            ContactNumber {
                label: "\u{1F4DE}".repeat(CONTACT_LABEL_MAX),
                number: "1".repeat(32).parse().unwrap(),
            };
            CONTACT_NUMBERS_MAX
        ];
        assert_eq!(contact.validate(), Ok(()));
        let command = crate::Command {
            id: crate::CommandId(Uuid::from_u128(u128::MAX)),
            issued_at: crate::UnixMillis(9_999_999_999_999),
            expires_at: crate::UnixMillis(9_999_999_999_999),
            body: crate::CommandBody::SaveContact {
                contact: Box::new(contact),
            },
        };
        let frame = crate::ClientFrame::Command { command };
        let length = serde_json::to_string(&frame).unwrap().len();
        assert!(length <= crate::frames::CLIENT_FRAME_MAX, "{length}");
    }

    #[test]
    fn nobodys_name_or_number_prints() {
        let said = format!("{:?} {:?}", nadia(), nadia().numbers);
        assert!(!said.contains("Neri") && !said.contains("1234567"), "{said}");
        assert_eq!(
            format!("{:?}", ContactText("FN:Nadia".into())),
            "ContactText(8 bytes)"
        );
    }
}
