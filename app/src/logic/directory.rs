//! Searching people by name or number, and what is typed of a contact.

use ponte_protocol::contact::CONTACT_NUMBERS_MAX;
use ponte_protocol::{
    CallId, CallPhase, CallView, Colleague, Contact, ContactId, ContactNumber, DialString, ExternalPerson,
    NumberError,
};

/// What somebody looks for: words, or digits of a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<String>,
    digits: String,
}

impl Query {
    /// Reads what was typed. Blanks and dashes that people write between digits do not count.
    pub fn new(typed: &str) -> Self {
        let digits: String = typed
            .chars()
            .filter(|c| !c.is_whitespace() && !"-./()".contains(*c))
            .collect();
        let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || "+*#".contains(c));
        if is_number {
            return Self {
                words: Vec::new(),
                digits,
            };
        }
        Self {
            words: typed
                .to_lowercase()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            digits: String::new(),
        }
    }

    /// Whether everything fits.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.digits.is_empty()
    }

    /// Whether each word stands in `words`, or the digits in one of the numbers. A number may be typed as it is dialled
    /// in its own country, with a zero that it has nowhere else.
    pub fn fits<'a>(
        &self,
        words: impl FnOnce() -> String,
        numbers: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        if self.digits.is_empty() {
            if self.words.is_empty() {
                return true;
            }
            let words = words().to_lowercase();
            return self.words.iter().all(|word| words.contains(word.as_str()));
        }
        let national = self.digits.strip_prefix('0').filter(|rest| rest.len() > 2);
        numbers.into_iter().any(|number| {
            number.contains(&self.digits) || national.is_some_and(|national| number.contains(national))
        })
    }

    /// Whether it is this contact.
    pub fn fits_contact(&self, contact: &Contact) -> bool {
        self.fits(
            || format!("{} {}", contact.name, contact.organisation),
            contact.numbers.iter().map(|number| number.number.as_str()),
        )
    }

    /// Whether it is this colleague.
    pub fn fits_colleague(&self, colleague: &Colleague) -> bool {
        self.fits(|| colleague.name.clone(), [colleague.extension.as_str()])
    }
}

/// Somebody to be called, as the dial field offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub name: String,
    /// `mobile` and the like; empty for none.
    pub label: String,
    pub number: String,
}

/// Who may be meant by what stands in the dial field; nobody for fewer than two letters or three digits.
pub fn suggestions(
    typed: &str,
    contacts: &[Contact],
    colleagues: &[Colleague],
    most: usize,
) -> Vec<Suggestion> {
    let query = Query::new(typed);
    let letters: usize = query.words.iter().map(|word| word.chars().count()).sum();
    if letters < 2 && query.digits.len() < 3 {
        return Vec::new();
    }
    let of_contact = |contact: &Contact| -> Vec<Suggestion> {
        contact
            .numbers
            .iter()
            .filter(|number| query.fits(String::new, [number.number.as_str()]) || query.digits.is_empty())
            .map(|number| Suggestion {
                name: contact.name.clone(),
                label: number.label.clone(),
                number: number.number.as_str().to_owned(),
            })
            .collect()
    };
    let of_colleague = |colleague: &Colleague| Suggestion {
        name: colleague.name.clone(),
        label: String::new(),
        number: colleague.extension.as_str().to_owned(),
    };
    let contacts = contacts.iter().filter(|contact| query.fits_contact(contact));
    let colleagues = colleagues
        .iter()
        .filter(|colleague| query.fits_colleague(colleague));
    contacts
        .flat_map(of_contact)
        .chain(colleagues.map(of_colleague))
        // What stands there already is no suggestion.
        .filter(|suggestion| suggestion.number != query.digits)
        .take(most)
        .collect()
}

/// The call that can be handed over: the one that is up.
pub fn to_hand_over(calls: &[CallView]) -> Option<CallId> {
    let up =
        |call: &&CallView| matches!(call.phase, CallPhase::Connected { .. }) && call.conference.is_none();
    calls.iter().find(up).map(|call| call.id)
}

/// A contact as it is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub id: ContactId,
    pub name: String,
    pub organisation: String,
    /// Labels and numbers.
    pub numbers: Vec<(String, String)>,
    pub favourite: bool,
    pub notes: String,
}

/// Why a draft is no contact yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftError {
    NoName,
    NoNumber,
    Number(NumberError),
}

impl Draft {
    /// A contact that is new.
    pub fn empty(id: ContactId) -> Self {
        Self {
            id,
            name: String::new(),
            organisation: String::new(),
            numbers: vec![("mobile".to_owned(), String::new())],
            favourite: false,
            notes: String::new(),
        }
    }

    /// A contact that is to be changed.
    pub fn of(contact: &Contact) -> Self {
        let pair = |number: &ContactNumber| (number.label.clone(), number.number.as_str().to_owned());
        Self {
            id: contact.id,
            name: contact.name.clone(),
            organisation: contact.organisation.clone(),
            numbers: contact.numbers.iter().map(pair).collect(),
            favourite: contact.favourite,
            notes: contact.notes.clone(),
        }
    }

    /// Somebody of the directory elsewhere, as a contact of the user's own.
    pub fn of_external(id: ContactId, person: &ExternalPerson) -> Self {
        let pair = |number: &ContactNumber| (number.label.clone(), number.number.as_str().to_owned());
        Self {
            name: person.name.clone(),
            organisation: person.organisation.clone(),
            numbers: person.numbers.iter().map(pair).collect(),
            notes: person.email.clone(),
            ..Self::empty(id)
        }
    }

    /// Whether one more number may be typed.
    pub fn has_room(&self) -> bool {
        self.numbers.len() < CONTACT_NUMBERS_MAX
    }

    /// The contact; fields of numbers that were left empty do not count.
    ///
    /// # Errors
    /// [`DraftError`], for the first that is wrong.
    pub fn read(&self) -> Result<Contact, DraftError> {
        let name = self.name.trim();
        if name.is_empty() {
            return Err(DraftError::NoName);
        }
        let mut numbers = Vec::new();
        for (label, number) in &self.numbers {
            match number.parse::<DialString>() {
                Ok(number) => numbers.push(ContactNumber {
                    label: label.trim().to_owned(),
                    number,
                }),
                Err(NumberError::Empty) => {}
                Err(error) => return Err(DraftError::Number(error)),
            }
        }
        if numbers.is_empty() {
            return Err(DraftError::NoNumber);
        }
        Ok(Contact {
            id: self.id,
            name: name.to_owned(),
            organisation: self.organisation.trim().to_owned(),
            numbers,
            favourite: self.favourite,
            notes: self.notes.trim().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::paging::{PAGE, cut};
    use crate::state::sample;
    use uuid::Uuid;

    fn nadia() -> Contact {
        let mut contact = sample::contact(1);
        contact.name = "Nadia Neri".into();
        contact.organisation = "Studio Neri".into();
        contact.numbers[0].number = "+393331234567".parse().unwrap();
        contact
    }

    #[test]
    fn people_are_found_by_name_and_number_as_they_are_written() {
        for typed in [
            "",
            "  ",
            "ner",
            "NADIA studio",
            "333 123",
            "0333-1234567",
            "+39 333",
        ] {
            assert!(Query::new(typed).fits_contact(&nadia()), "{typed}");
        }
        for typed in ["rossi", "nadia rossi", "334", "03341"] {
            assert!(!Query::new(typed).fits_contact(&nadia()), "{typed}");
        }
        let carla = sample::colleague("carla");
        assert!(Query::new("carl").fits_colleague(&carla) && Query::new("20").fits_colleague(&carla));
    }

    #[test]
    fn a_search_builds_no_more_than_a_page() {
        let contacts: Vec<Contact> = (0..2_000).map(sample::contact).collect();
        let found = |typed: &str, from: usize| {
            let query = Query::new(typed);
            let (found, page) = cut(contacts.iter().filter(|one| query.fits_contact(one)), from);
            (found.len(), page.total)
        };
        assert_eq!(found("person", 0), (PAGE, 2_000));
        assert_eq!(found("person", 1_950), (PAGE, 2_000));
        assert_eq!(found("person 1999", 0), (1, 1));
    }

    #[test]
    fn the_dial_field_offers_numbers_of_people() {
        let contacts = [nadia()];
        let colleagues = [sample::colleague("nando")];
        let offered = |typed: &str| -> Vec<String> {
            let found = suggestions(typed, &contacts, &colleagues, 6);
            found.into_iter().map(|one| one.number).collect()
        };
        assert_eq!(offered("na"), ["+393331234567", "202"]);
        assert_eq!(offered("3331"), ["+393331234567"]);
        for typed in ["", "n", "33", "+393331234567", "zz"] {
            assert!(offered(typed).is_empty(), "{typed}");
        }
    }

    #[test]
    fn the_call_that_is_up_is_the_one_to_hand_over() {
        let mut up = sample::call(1);
        assert_eq!(to_hand_over(std::slice::from_ref(&up)), None);
        up.phase = CallPhase::Connected {
            since: ponte_protocol::UnixMillis(1),
        };
        assert_eq!(to_hand_over(std::slice::from_ref(&up)), Some(up.id));
    }

    #[test]
    fn what_is_typed_becomes_a_contact_or_says_why_not() {
        let mut draft = Draft::empty(ContactId(Uuid::nil()));
        assert_eq!(draft.read(), Err(DraftError::NoName));
        draft.name = " Nadia ".into();
        assert_eq!(draft.read(), Err(DraftError::NoNumber));
        draft.numbers[0].1 = "33x".into();
        assert!(matches!(draft.read(), Err(DraftError::Number(_))));
        draft.numbers[0].1 = "333 1234567".into();
        draft.numbers.push((String::new(), " ".into()));
        let contact = draft.read().unwrap();
        assert_eq!((contact.name.as_str(), contact.numbers.len()), ("Nadia", 1));
        assert_eq!(contact.validate(), Ok(()));
        assert_eq!(Draft::of(&contact).read(), Ok(contact));
    }
}
