//! The user's own contacts as far as they are loaded, the users of the site, and files of contacts on their way.

use crate::browser;
use crate::i18n::text;
use crate::live::memo;
use crate::socket::Input;
use crate::state::Portal;
use crate::state::portal::new_id;
use crate::text_parts::parts;
use leptos::prelude::*;
use ponte_protocol::contact::CONTACT_PAGE_MAX;
use ponte_protocol::{
    Colleague, CommandBody, Contact, ContactBook, ContactFormat, ContactId, ContactPage, ContactText,
    ImportPreview, Refusal,
};
use std::sync::Arc;
use uuid::Uuid;

/// What a portal knows of the directory. Nothing is fetched before somebody looks for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directory {
    wanted: bool,
    /// What the state tells of the user's own contacts.
    book: ContactBook,
    /// What [`Self::contacts`] is a whole of.
    version: Option<u64>,
    contacts: Arc<Vec<Contact>>,
    /// Pages of a fetch that goes on.
    coming: Option<ContactPage>,
    fetching: bool,
    colleagues: Option<Arc<Vec<Colleague>>>,
    import: Option<FileImport>,
    export: Option<FileExport>,
}

/// A file of contacts on its way to the telephone system.
#[derive(Clone, Debug, PartialEq)]
pub struct FileImport {
    pub id: Uuid,
    parts: Vec<String>,
    sent: usize,
    /// What the file holds, once it was read.
    pub preview: Option<ImportPreview>,
    /// Why it was not read, or not added.
    pub failed: Option<Refusal>,
}

/// A file of contacts on its way from the telephone system.
#[derive(Clone, Debug, PartialEq)]
pub struct FileExport {
    pub format: ContactFormat,
    pub text: String,
    pub whole: bool,
}

impl FileImport {
    fn part(&self) -> Option<CommandBody> {
        let text = self.parts.get(self.sent)?;
        Some(CommandBody::ReadContacts {
            import: self.id,
            part: u16::try_from(self.sent).ok()?,
            last: self.sent + 1 == self.parts.len(),
            text: ContactText(text.clone()),
        })
    }
}

fn in_order(contacts: &mut [Contact]) {
    contacts.sort_by_cached_key(|contact| (!contact.favourite, contact.name.to_lowercase(), contact.id));
}

impl Directory {
    /// The contacts, favourites first, then by name.
    pub fn contacts(&self) -> Arc<Vec<Contact>> {
        Arc::clone(&self.contacts)
    }

    /// Whether all contacts are there.
    pub fn is_loaded(&self) -> bool {
        self.version.is_some()
    }

    /// The users of the site by name; `None` until they are told.
    pub fn colleagues(&self) -> Option<Arc<Vec<Colleague>>> {
        self.colleagues.clone()
    }

    /// The file that is being read.
    pub fn import(&self) -> Option<&FileImport> {
        self.import.as_ref()
    }

    fn fetch(&mut self) -> Option<CommandBody> {
        if !self.wanted || self.fetching || self.version == Some(self.book.version) {
            return None;
        }
        self.fetching = true;
        Some(CommandBody::FetchContacts {
            after: None,
            limit: CONTACT_PAGE_MAX,
        })
    }

    /// Somebody looks. What is to be asked for, if anything.
    pub fn want(&mut self) -> Option<CommandBody> {
        self.wanted = true;
        self.fetch()
    }

    /// The state was told anew. What is to be asked for, if anything.
    pub fn take_book(&mut self, book: ContactBook) -> Option<CommandBody> {
        self.book = book;
        self.fetch()
    }

    /// The contacts changed. What is to be asked for, if anything.
    pub fn take_change(
        &mut self,
        book: ContactBook,
        saved: Option<&Contact>,
        deleted: Option<ContactId>,
    ) -> Option<CommandBody> {
        let follows = self.version.is_some_and(|version| version + 1 == book.version);
        self.book = book;
        if follows && (saved.is_some() || deleted.is_some()) {
            let gone = deleted.or(saved.map(|contact| contact.id));
            let contacts = Arc::make_mut(&mut self.contacts);
            contacts.retain(|contact| Some(contact.id) != gone);
            contacts.extend(saved.cloned());
            in_order(contacts);
            self.version = Some(book.version);
        }
        self.fetch()
    }

    /// A page came. What is to be asked for, if anything.
    pub fn take_page(&mut self, after: Option<ContactId>, page: ContactPage) -> Option<CommandBody> {
        let (version, more) = (page.version, page.more);
        let coming = match self.coming.take() {
            Some(mut coming) if after.is_some() && coming.version == version => {
                coming.contacts.extend(page.contacts);
                coming
            }
            _ if after.is_none() => page,
            // The directory changed between two pages.
            _ => {
                self.fetching = false;
                return self.fetch();
            }
        };
        if let Some(last) = coming.contacts.last().filter(|_| more) {
            let after = Some(last.id);
            self.coming = Some(coming);
            return Some(CommandBody::FetchContacts {
                after,
                limit: CONTACT_PAGE_MAX,
            });
        }
        let mut contacts = coming.contacts;
        in_order(&mut contacts);
        self.contacts = Arc::new(contacts);
        self.version = Some(version);
        self.fetching = false;
        // An event may have come before its page.
        self.book.version = self.book.version.max(version);
        self.fetch()
    }

    /// A page will not come.
    pub fn give_up_page(&mut self) {
        self.fetching = false;
        self.coming = None;
    }

    /// Users of the site, all of them or those that changed.
    pub fn take_company(&mut self, whole: bool, told: Vec<Colleague>) {
        let mut all = match &mut self.colleagues {
            Some(known) if !whole => std::mem::take(Arc::make_mut(known)),
            _ => Vec::new(),
        };
        all.retain(|known| told.iter().all(|colleague| colleague.user != known.user));
        all.extend(told);
        all.sort_by_cached_key(|colleague| (colleague.name.to_lowercase(), colleague.user.clone()));
        self.colleagues = Some(Arc::new(all));
    }

    /// A part of a file was taken: the next, if there is one.
    pub fn part_taken(&mut self, import: Uuid, part: u16) -> Option<CommandBody> {
        let ours = self.import.as_mut().filter(|ours| ours.id == import)?;
        if usize::from(part) != ours.sent || ours.failed.is_some() {
            return None;
        }
        ours.sent += 1;
        ours.part()
    }

    /// The file was read.
    pub fn take_preview(&mut self, import: Uuid, preview: ImportPreview) {
        if let Some(ours) = self.import.as_mut().filter(|ours| ours.id == import) {
            ours.parts.clear();
            ours.preview = Some(preview);
        }
    }

    /// The file was not taken.
    pub fn fail_import(&mut self, import: Uuid, refusal: &Refusal) {
        if let Some(ours) = self.import.as_mut().filter(|ours| ours.id == import) {
            ours.parts.clear();
            ours.failed = Some(refusal.clone());
        }
    }

    /// The file was added, or is not wanted.
    pub fn end_import(&mut self) {
        self.import = None;
    }

    /// A part of the file that is asked for. What is to be asked for next, if anything.
    pub fn take_text(&mut self, text: &str, next: Option<ContactId>) -> Option<CommandBody> {
        let export = self.export.as_mut().filter(|export| !export.whole)?;
        export.text.push_str(text);
        export.whole = next.is_none();
        let format = export.format;
        next.map(|after| CommandBody::ExportContacts {
            format,
            after: Some(after),
        })
    }

    /// The file will not come.
    pub fn give_up_export(&mut self) {
        self.export = None;
    }
}

impl Portal {
    fn with_directory<T>(self, read: impl FnOnce(&Directory) -> T) -> T {
        self.store().with(|store| read(&store.directory))
    }

    /// Asks for what follows from a change of the directory.
    fn change_directory(self, change: impl FnOnce(&mut Directory) -> Option<CommandBody>) {
        let wish = self.store().try_update(|store| change(&mut store.directory));
        if let Some(Some(body)) = wish {
            self.ask(body);
        }
    }

    /// Somebody looks into the directory: it is loaded, and followed from here on.
    pub fn want_directory(self) {
        if self.store().with_untracked(|store| store.directory.wanted) {
            return;
        }
        self.change_directory(Directory::want);
        self.tell(Input::WatchCompany);
    }

    /// Whether the users of the site are to be watched over a new connection.
    pub(crate) fn watches_company(self) -> bool {
        self.store().with_untracked(|store| store.directory.wanted)
    }

    /// The user's own contacts, favourites first, then by name.
    pub fn contacts(self) -> Memo<Arc<Vec<Contact>>> {
        memo(move || self.with_directory(Directory::contacts))
    }

    /// Whether the user's own contacts are there.
    pub fn has_contacts(self) -> Memo<bool> {
        memo(move || self.with_directory(Directory::is_loaded))
    }

    /// The users of the site by name; `None` until they are told.
    pub fn colleagues(self) -> Memo<Option<Arc<Vec<Colleague>>>> {
        memo(move || self.with_directory(Directory::colleagues))
    }

    /// The file that is being read.
    pub fn import(self) -> Memo<Option<FileImport>> {
        memo(move || self.with_directory(|directory| directory.import.clone()))
    }

    /// The id of a contact that is new.
    #[allow(clippy::unused_self)]
    pub fn new_contact(self) -> ContactId {
        ContactId(new_id(browser::now()))
    }

    /// Has a file read; nothing of it is kept before [`Self::add_import`].
    pub fn read_file(self, text: &str) {
        let id = new_id(browser::now());
        self.change_directory(|directory| {
            let import = FileImport {
                id,
                parts: parts(text),
                sent: 0,
                preview: None,
                failed: None,
            };
            let first = import.part();
            directory.import = Some(import);
            first
        });
    }

    /// Adds what the file held.
    pub fn add_import(self) {
        let import = self
            .store()
            .with_untracked(|store| store.directory.import.clone());
        if let Some(FileImport { id: import, .. }) = import {
            self.ask(CommandBody::ImportContacts { import });
        }
    }

    /// The file is not wanted.
    pub fn drop_import(self) {
        self.store().update(|store| store.directory.end_import());
    }

    /// Asks for all contacts as a file.
    pub fn export_contacts(self, format: ContactFormat) {
        self.change_directory(|directory| {
            directory.export = Some(FileExport {
                format,
                text: String::new(),
                whole: false,
            });
            Some(CommandBody::ExportContacts { format, after: None })
        });
    }

    /// A file that was asked for and is whole, tracked.
    pub fn exported(self) -> Memo<bool> {
        memo(move || {
            self.with_directory(|directory| directory.export.as_ref().is_some_and(|export| export.whole))
        })
    }

    /// Takes the file.
    pub fn take_export(self) -> Option<FileExport> {
        self.store()
            .try_update(|store| store.directory.export.take())
            .flatten()
    }

    /// Deletes a contact and offers to bring it back.
    pub fn delete_contact(self, contact: &Contact) {
        self.ask(CommandBody::DeleteContact { contact: contact.id });
        let undo = CommandBody::SaveContact {
            contact: Box::new(contact.clone()),
        };
        let said = text::toast::deleted(self.i18n().locale_now(), &contact.name);
        self.toasts().show_with_undo(said, undo);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample::contact;

    fn book(version: u64) -> ContactBook {
        ContactBook { version, total: 1 }
    }

    fn page(version: u64, contacts: &[u64], more: bool) -> ContactPage {
        ContactPage {
            version,
            contacts: contacts.iter().map(|n| contact(*n)).collect(),
            more,
        }
    }

    fn names(directory: &Directory) -> Vec<String> {
        let contacts = directory.contacts();
        contacts.iter().map(|contact| contact.name.clone()).collect()
    }

    /// Whether a page is asked for, and after which contact.
    #[allow(clippy::option_option)]
    fn asks(wish: Option<CommandBody>) -> Option<Option<ContactId>> {
        match wish? {
            CommandBody::FetchContacts { after, .. } => Some(after),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_is_fetched_before_somebody_looks_and_then_every_page() {
        let mut directory = Directory::default();
        assert_eq!(directory.take_book(book(3)), None);
        assert_eq!(asks(directory.want()), Some(None));
        assert_eq!(directory.want(), None, "it is on its way");
        let next = directory.take_page(None, page(3, &[2], true));
        assert_eq!(asks(next), Some(Some(contact(2).id)));
        assert!(!directory.is_loaded());
        assert_eq!(
            directory.take_page(Some(contact(2).id), page(3, &[1], false)),
            None
        );
        assert_eq!(names(&directory), ["Person 1", "Person 2"]);
    }

    #[test]
    fn a_change_between_two_pages_begins_anew() {
        let mut directory = Directory::default();
        directory.take_book(book(3));
        directory.want();
        directory.take_page(None, page(3, &[1], true));
        let anew = directory.take_page(Some(contact(1).id), page(4, &[2], false));
        assert_eq!(asks(anew), Some(None));
        assert_eq!(directory.take_page(None, page(4, &[1, 2], false)), None);
        assert_eq!(names(&directory).len(), 2);
    }

    #[test]
    fn one_change_is_taken_as_told_and_a_gap_is_fetched() {
        let mut directory = Directory::default();
        directory.take_book(book(1));
        directory.want();
        directory.take_page(None, page(1, &[1], false));
        let mut star = contact(2);
        star.favourite = true;
        assert_eq!(directory.take_change(book(2), Some(&star), None), None);
        assert_eq!(
            names(&directory),
            ["Person 2", "Person 1"],
            "a favourite is first"
        );
        assert_eq!(directory.take_change(book(3), None, Some(star.id)), None);
        assert_eq!(names(&directory), ["Person 1"]);
        assert_eq!(
            asks(directory.take_change(book(5), Some(&star), None)),
            Some(None)
        );
    }

    #[test]
    fn colleagues_change_one_by_one_or_all() {
        let mut directory = Directory::default();
        let told = |name: &str| crate::state::sample::colleague(name);
        directory.take_company(true, vec![told("carla"), told("bruno")]);
        let mut carla = told("carla");
        carla.status = "Back at three".into();
        directory.take_company(false, vec![carla.clone()]);
        let all = directory.colleagues().unwrap();
        assert_eq!((all.len(), &all[1]), (2, &carla));
        directory.take_company(true, vec![told("bruno")]);
        assert_eq!(directory.colleagues().unwrap().len(), 1);
    }

    #[test]
    fn a_file_goes_part_by_part() {
        let mut directory = Directory {
            import: Some(FileImport {
                id: Uuid::nil(),
                parts: vec!["a".into(), "b".into()],
                sent: 0,
                preview: None,
                failed: None,
            }),
            ..Directory::default()
        };
        let next = directory.part_taken(Uuid::nil(), 0);
        assert!(matches!(
            next,
            Some(CommandBody::ReadContacts {
                part: 1,
                last: true,
                ..
            })
        ));
        assert_eq!(directory.part_taken(Uuid::nil(), 0), None, "told twice");
        assert_eq!(directory.part_taken(Uuid::from_u128(9), 1), None);
    }
}
