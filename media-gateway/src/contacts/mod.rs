//! Contacts in files: vCard (RFC 6350, RFC 2426 and what telephones write) and CSV (RFC 4180), read with an account of
//! what is wrong, and written.

mod address_book;
mod reading;
mod table;
mod vcard;

pub use address_book::{AddressBook, number_as_kept};
pub(crate) use reading::one_line;
pub use reading::{Import, read};

use ponte_protocol::{Contact, ContactFormat};

/// Contacts as a part of a file; the first part of CSV has the headings.
pub fn write(format: ContactFormat, contacts: &[Contact], first: bool) -> String {
    match format {
        ContactFormat::Csv => table::write(contacts, first),
        ContactFormat::Vcard | ContactFormat::Unknown => vcard::write(contacts),
    }
}
