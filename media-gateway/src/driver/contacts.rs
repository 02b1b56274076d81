//! Users' own directories: kept in the store, read from files, written into files.

use super::Driver;
use super::work::Done;
use crate::contacts::{AddressBook, Import, number_as_kept, read, write};
use crate::link::ToLink;
use crate::store::{Store, StoreError, Written};
use ponte_protocol::contact::{CONTACT_PAGE_MAX, CONTACTS_MAX, IMPORT_MAX};
use ponte_protocol::{
    CommandId, Contact, ContactFormat, ContactId, ContactText, EventBody, Outcome, Refusal, Reply, UserId,
};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Files that may be read at once in the whole site.
const IMPORTS_MAX: usize = 16;
/// How long a file that was read waits for the user's word.
const IMPORT_KEPT: Duration = Duration::from_mins(10);

/// A file of contacts on its way.
#[derive(Debug)]
struct Pending {
    import: Uuid,
    touched: Instant,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Coming {
        parts: u16,
        text: String,
    },
    /// The whole file is being read.
    Reading {
        parts: u16,
    },
    Read(Vec<Contact>),
}

/// The files that are being read, one a user.
#[derive(Debug, Default)]
pub(super) struct Imports(HashMap<UserId, Pending>);

/// What to do with a part of a file.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// It was taken, now or before.
    Part,
    /// It was the last one, and its answer is on the way.
    Answered,
    /// It was the last one; this is the file.
    Whole(String),
    Refused(Refusal),
}

impl Imports {
    fn take(&mut self, user: &UserId, import: Uuid, part: u16, last: bool, text: &str) -> Taken {
        let now = Instant::now();
        self.0
            .retain(|_, pending| now.duration_since(pending.touched) < IMPORT_KEPT);
        let known = self.0.get(user).is_some_and(|pending| pending.import == import);
        if part == 0 && !known {
            if self.0.len() >= IMPORTS_MAX && !self.0.contains_key(user) {
                return Taken::Refused(Refusal::TooFast {
                    retry_after_ms: 10_000,
                });
            }
            let stage = Stage::Coming {
                parts: 0,
                text: String::new(),
            };
            let touched = now;
            self.0.insert(
                user.clone(),
                Pending {
                    import,
                    touched,
                    stage,
                },
            );
        }
        let Some(pending) = self.0.get_mut(user).filter(|pending| pending.import == import) else {
            return Taken::Refused(Refusal::Expired);
        };
        pending.touched = now;
        let (parts, file) = match &mut pending.stage {
            Stage::Coming { parts, text } => (parts, text),
            Stage::Reading { parts } if part.checked_add(1) == Some(*parts) => return Taken::Answered,
            Stage::Reading { parts } if part < *parts => return Taken::Part,
            Stage::Reading { .. } | Stage::Read(_) => return Taken::Refused(Refusal::WrongState),
        };
        match part.cmp(parts) {
            std::cmp::Ordering::Less => return Taken::Part,
            std::cmp::Ordering::Greater => return Taken::Refused(Refusal::WrongState),
            std::cmp::Ordering::Equal => {}
        }
        if file.len() + text.len() > IMPORT_MAX {
            self.0.remove(user);
            return Taken::Refused(Refusal::Malformed {
                detail: "the file: at most 2 MiB".to_owned(),
            });
        }
        file.push_str(text);
        *parts = parts.saturating_add(1);
        if !last {
            return Taken::Part;
        }
        let (file, parts) = (std::mem::take(file), *parts);
        pending.stage = Stage::Reading { parts };
        Taken::Whole(file)
    }

    /// The file was read.
    fn keep(&mut self, user: &UserId, import: Uuid, contacts: Vec<Contact>) {
        if let Some(pending) = self.0.get_mut(user).filter(|pending| pending.import == import) {
            pending.touched = Instant::now();
            pending.stage = Stage::Read(contacts);
        }
    }

    /// What a file held, once.
    fn take_read(&mut self, user: &UserId, import: Uuid) -> Option<Vec<Contact>> {
        let pending = self.0.get(user).filter(|pending| pending.import == import)?;
        if !matches!(pending.stage, Stage::Read(_)) {
            return None;
        }
        match self.0.remove(user)?.stage {
            Stage::Read(contacts) => Some(contacts),
            Stage::Coming { .. } | Stage::Reading { .. } => None,
        }
    }
}

/// What a command did to a directory.
#[derive(Debug)]
pub(super) struct Changed {
    user: UserId,
    id: CommandId,
    /// Whether there was what the command was about, and the directory as it is.
    outcome: Result<Option<AddressBook>, StoreError>,
    saved: Option<Box<Contact>>,
    deleted: Option<ContactId>,
}

impl Driver {
    /// Adds or replaces a contact; its numbers are kept as the numbering plan reads them.
    pub(super) fn save_contact(&mut self, user: UserId, id: CommandId, mut contact: Contact) {
        contact.name = String::from(contact.name.trim());
        for number in &mut contact.numbers {
            match number_as_kept(&self.plan, &number.number) {
                Some(kept) => number.number = kept,
                None => return self.answer(&user, Reply::refused(id, Refusal::InvalidNumber)),
            }
        }
        let written = self.store.save_contact(user.clone(), contact.clone());
        self.change_contacts(user, id, written, |()| true, Some(Box::new(contact)), None);
    }

    pub(super) fn delete_contact(&mut self, user: UserId, id: CommandId, contact: ContactId) {
        let written = self.store.delete_contact(user.clone(), contact);
        self.change_contacts(user, id, written, |found| found, None, Some(contact));
    }

    /// Adds what a file held.
    pub(super) fn import_contacts(&mut self, user: UserId, id: CommandId, import: Uuid) {
        let Some(contacts) = self.imports.take_read(&user, import) else {
            return self.answer(&user, Reply::refused(id, Refusal::Expired));
        };
        let written = self.store.add_contacts(user.clone(), contacts);
        self.change_contacts(user, id, written, |()| true, None, None);
    }

    /// The answer follows when the store has it.
    fn change_contacts<T: Send + 'static>(
        &mut self,
        user: UserId,
        id: CommandId,
        written: Written<T>,
        found: fn(T) -> bool,
        saved: Option<Box<Contact>>,
        deleted: Option<ContactId>,
    ) {
        let store = self.store.clone();
        self.work.push(async move {
            let outcome = match written.await.map(found) {
                Ok(true) => load_address_book(&store, &user).await.map(Some),
                Ok(false) => Ok(None),
                Err(error) => Err(error),
            };
            Done::ContactsChanged(Changed {
                user,
                id,
                outcome,
                saved,
                deleted,
            })
        });
    }

    pub(super) fn contacts_changed(&mut self, changed: Changed) {
        let Changed {
            user,
            id,
            outcome,
            saved,
            deleted,
        } = changed;
        let refusal = match outcome {
            Ok(Some(contacts)) => {
                let book = contacts.book;
                if let Some(entry) = self.users.get_mut(&user) {
                    // Two changes may be told in the order in which they were read again.
                    if book.version > entry.contacts.book.version {
                        entry.contacts = contacts;
                    }
                    let body = EventBody::ContactsChanged { book, saved, deleted };
                    self.send_event(user.clone(), body);
                }
                let outcome = Outcome::Accepted { call: None };
                return self.answer(&user, Reply { id, outcome });
            }
            Ok(None) => Refusal::UnknownContact,
            Err(StoreError::DirectoryFull) => Refusal::DirectoryFull {
                max: CONTACTS_MAX as u32,
            },
            Err(error) => {
                tracing::error!(%user, %error, "a directory could not be changed");
                Refusal::StoreUnavailable
            }
        };
        self.answer(&user, Reply::refused(id, refusal));
    }

    pub(super) fn fetch_contacts(&self, user: UserId, id: CommandId, after: Option<ContactId>, limit: u16) {
        let store = self.store.clone();
        self.answer_query(user.clone(), id, async move {
            store.contacts(&user, after, limit).await.map(Outcome::Contacts)
        });
    }

    pub(super) fn export_contacts(
        &self,
        user: UserId,
        id: CommandId,
        format: ContactFormat,
        after: Option<ContactId>,
    ) {
        let store = self.store.clone();
        self.answer_query(user.clone(), id, async move {
            let page = store.contacts(&user, after, CONTACT_PAGE_MAX).await?;
            Ok(Outcome::ContactsText {
                text: ContactText(write(format, &page.contacts, after.is_none())),
                next: page.contacts.last().map(|last| last.id).filter(|_| page.more),
            })
        });
    }

    /// Answers what changes nothing; no ledger keeps it.
    fn answer_query(
        &self,
        user: UserId,
        id: CommandId,
        read: impl Future<Output = Result<Outcome, StoreError>> + Send + 'static,
    ) {
        let Some(link) = self.link.clone() else { return };
        tokio::spawn(async move {
            let outcome = read.await.unwrap_or_else(|error| {
                tracing::error!(%error, "contacts could not be read");
                Outcome::Refused {
                    refusal: Refusal::StoreUnavailable,
                }
            });
            let reply = Reply { id, outcome };
            link.send(ToLink::Reply { user, reply });
        });
    }

    /// A part of a file came. The whole is read beside the driver: a file may be large, and hostile.
    pub(super) fn read_contacts(
        &mut self,
        user: &UserId,
        id: CommandId,
        import: Uuid,
        (part, last): (u16, bool),
        text: &ContactText,
    ) {
        let file = match self.imports.take(user, import, part, last, &text.0) {
            Taken::Whole(file) => file,
            Taken::Answered => return,
            Taken::Part => {
                let outcome = Outcome::Accepted { call: None };
                return self.send_reply(user, Reply { id, outcome });
            }
            Taken::Refused(refusal) => return self.send_reply(user, Reply::refused(id, refusal)),
        };
        let (store, plan, user) = (self.store.clone(), self.plan.clone(), user.clone());
        self.work.push(async move {
            let found = match store.all_contacts(&user).await {
                Ok(known) => {
                    let reading = tokio::task::spawn_blocking(move || read(&file, &plan, &known));
                    reading.await.map_err(|error| {
                        tracing::error!(%error, "a file of contacts could not be read");
                        Refusal::Internal
                    })
                }
                Err(error) => {
                    tracing::error!(%error, "contacts could not be read");
                    Err(Refusal::StoreUnavailable)
                }
            };
            Done::ContactsRead {
                user,
                id,
                import,
                found,
            }
        });
    }

    pub(super) fn contacts_read(
        &mut self,
        user: &UserId,
        id: CommandId,
        import: Uuid,
        found: Result<Import, Refusal>,
    ) {
        let reply = match found {
            Ok(Import { contacts, preview }) => {
                self.imports.keep(user, import, contacts);
                let outcome = Outcome::ContactsRead(preview);
                Reply { id, outcome }
            }
            Err(refusal) => Reply::refused(id, refusal),
        };
        self.send_reply(user, reply);
    }
}

/// A user's directory as the names on calls need it.
pub(super) async fn load_address_book(store: &Store, user: &UserId) -> Result<AddressBook, StoreError> {
    // The version first: a change in between makes the book newer than it says, and is told again.
    let book = store.contact_book(user).await?;
    let names = if book.total == 0 {
        Vec::new()
    } else {
        store.contact_names(user).await?
    };
    Ok(AddressBook::new(book, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> UserId {
        "anna".parse().unwrap()
    }

    #[test]
    fn a_file_comes_in_parts_each_once() {
        let mut imports = Imports::default();
        let import = Uuid::from_u128(1);
        assert_eq!(imports.take(&anna(), import, 0, false, "BEGIN:"), Taken::Part);
        assert_eq!(
            imports.take(&anna(), import, 0, false, "BEGIN:"),
            Taken::Part,
            "again"
        );
        let skipped = imports.take(&anna(), import, 2, true, "x");
        assert_eq!(skipped, Taken::Refused(Refusal::WrongState));
        let whole = imports.take(&anna(), import, 1, true, "VCARD");
        assert_eq!(whole, Taken::Whole("BEGIN:VCARD".into()));
        assert!(imports.take_read(&anna(), import).is_none(), "it is being read");
        let again = imports.take(&anna(), import, 1, true, "VCARD");
        assert_eq!(again, Taken::Answered);
        imports.keep(&anna(), import, Vec::new());
        assert!(imports.take_read(&anna(), import).is_some());
        assert!(imports.take_read(&anna(), import).is_none(), "once");
    }

    #[test]
    fn another_file_takes_the_place_of_the_one_before() {
        let mut imports = Imports::default();
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        imports.take(&anna(), first, 0, false, "a");
        imports.take(&anna(), second, 0, false, "b");
        let late = imports.take(&anna(), first, 1, true, "c");
        assert_eq!(late, Taken::Refused(Refusal::Expired));
    }

    #[test]
    fn files_are_bounded_in_size_and_number() {
        let mut imports = Imports::default();
        let import = Uuid::from_u128(1);
        let large = "x".repeat(IMPORT_MAX);
        imports.take(&anna(), import, 0, false, &large);
        assert!(matches!(
            imports.take(&anna(), import, 1, true, "x"),
            Taken::Refused(Refusal::Malformed { .. })
        ));
        for n in 0..IMPORTS_MAX {
            let user = format!("user{n}").parse().unwrap();
            assert_eq!(imports.take(&user, import, 0, false, "x"), Taken::Part);
        }
        assert!(matches!(
            imports.take(&anna(), import, 0, false, "x"),
            Taken::Refused(Refusal::TooFast { .. })
        ));
    }
}
