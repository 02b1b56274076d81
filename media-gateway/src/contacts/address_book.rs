//! Who has which number, for the names on calls.

use crate::numbers::NumberingPlan;
use ponte_call_core::Dialled;
use ponte_protocol::{ContactBook, ContactNumber, DialString};
use std::collections::HashMap;
use std::sync::Arc;

/// The names of a user's contacts by their numbers.
#[derive(Debug, Default)]
pub struct AddressBook {
    pub book: ContactBook,
    names: HashMap<u64, Arc<str>>,
}

impl AddressBook {
    /// The book of these contacts; the first of several with one number gives it its name.
    pub fn new(book: ContactBook, contacts: Vec<(String, Vec<ContactNumber>)>) -> Self {
        let mut names = HashMap::new();
        for (name, numbers) in contacts {
            let name: Arc<str> = name.into();
            for key in numbers.iter().filter_map(|number| key(number.number.as_str())) {
                names.entry(key).or_insert_with(|| Arc::clone(&name));
            }
        }
        Self { book, names }
    }

    /// The name under which the user knows a number: one in E.164, or an extension.
    pub fn name(&self, number: &str) -> Option<&str> {
        self.names.get(&key(number)?).map(|name| &**name)
    }
}

/// A number in eight bytes. What is dialled without a `+` is no number in E.164, so that a digit in front tells the two
/// apart and keeps zeros.
fn key(number: &str) -> Option<u64> {
    let (digits, kind) = match number.strip_prefix('+') {
        Some(digits) => (digits, 2),
        None => (number, 1),
    };
    let plain = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| {
        digits
            .bytes()
            .fold(kind, |key: u64, digit| key * 10 + u64::from(digit - b'0'))
    })
}

/// A contact's number as it is kept: one of the public network in E.164, an extension or a code as it is dialled; `None`
/// for what the numbering plan takes for no number.
pub fn number_as_kept(plan: &NumberingPlan, number: &DialString) -> Option<DialString> {
    match plan.read(number) {
        Dialled::External { number, .. } => number.as_str().parse().ok(),
        Dialled::Own { .. } | Dialled::Emergency | Dialled::FeatureCode(_) => Some(number.clone()),
        Dialled::Invalid => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(numbers: &[&str]) -> Vec<ContactNumber> {
        let number = |number: &&str| ContactNumber {
            label: String::new(),
            number: number.parse().unwrap(),
        };
        numbers.iter().map(number).collect()
    }

    #[test]
    fn t07_a_number_has_the_name_of_its_first_contact() {
        let contacts = vec![
            ("Nadia".to_owned(), numbers(&["+390298765401", "201"])),
            (
                "Her brother".to_owned(),
                numbers(&["+390298765401", "+201234567"]),
            ),
        ];
        let book = AddressBook::new(ContactBook::default(), contacts);
        assert_eq!(book.name("+390298765401"), Some("Nadia"));
        assert_eq!(book.name("201"), Some("Nadia"));
        assert_eq!(book.name("+201234567"), Some("Her brother"));
        for stranger in ["", "+", "+201", "0201", "390298765401", "anonymous", "*98"] {
            assert_eq!(book.name(stranger), None, "{stranger}");
        }
    }
}
