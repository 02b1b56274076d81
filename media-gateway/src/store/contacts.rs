//! Users' own directories.

use super::codec::{Columns, json};
use super::write::{Applied, DONE, Outcome, user_exists};
use super::{Store, StoreError, Written};
use ponte_protocol::contact::CONTACTS_MAX;
use ponte_protocol::{Contact, ContactBook, ContactId, ContactNumber, ContactPage, UserId};
use sqlx::SqliteConnection;

/// A page of contacts is not begun beyond this many bytes of names, numbers and notes: it must fit a frame of the link.
const PAGE_BYTES: usize = 384 * 1024;

#[derive(Debug)]
pub(super) enum ContactWrite {
    Save(UserId, Box<Contact>),
    /// All of them, or none where they are too many.
    Add(UserId, Vec<Contact>),
    Delete(UserId, ContactId),
}

impl ContactWrite {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Save(..) => "contact",
            Self::Add(..) => "contacts",
            Self::Delete(..) => "delete_contact",
        }
    }

    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Applied {
        let (user, contacts) = match self {
            Self::Save(user, contact) => (user, std::slice::from_ref(&**contact)),
            Self::Add(user, contacts) => (user, contacts.as_slice()),
            Self::Delete(user, contact) => return delete(connection, user, *contact).await,
        };
        if !user_exists(connection, user).await? {
            return Ok(Err(StoreError::UnknownUser(user.clone())));
        }
        let others = count_without(connection, user, contacts).await?;
        let total = usize::try_from(others)
            .unwrap_or(usize::MAX)
            .saturating_add(contacts.len());
        if total > CONTACTS_MAX {
            return Ok(Err(StoreError::DirectoryFull));
        }
        // Before anything is written: a write is made whole, or not at all.
        let numbers = contacts.iter().map(|contact| json("contacts", &contact.numbers));
        let numbers: Vec<String> = match numbers.collect() {
            Ok(numbers) => numbers,
            Err(error) => return Ok(Err(error)),
        };
        for (contact, numbers) in contacts.iter().zip(&numbers) {
            put(connection, user, contact, numbers).await?;
        }
        count_change(connection, user).await?;
        DONE
    }
}

/// How many contacts the user has beside these.
async fn count_without(
    connection: &mut SqliteConnection,
    user: &UserId,
    contacts: &[Contact],
) -> Result<i64, sqlx::Error> {
    let mut others: i64 = sqlx::query_scalar("SELECT count(*) FROM contacts WHERE user = ?1")
        .bind(user.as_str())
        .fetch_one(&mut *connection)
        .await?;
    for contact in contacts {
        let known: i64 = sqlx::query_scalar("SELECT count(*) FROM contacts WHERE user = ?1 AND id = ?2")
            .bind(user.as_str())
            .bind(contact.id.0.as_bytes().as_slice())
            .fetch_one(&mut *connection)
            .await?;
        others -= known;
    }
    Ok(others)
}

async fn put(
    connection: &mut SqliteConnection,
    user: &UserId,
    contact: &Contact,
    numbers: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO contacts (user, id, name, organisation, numbers, favourite, notes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (user, id) DO UPDATE SET name = ?3, organisation = ?4, numbers = ?5, favourite = ?6, notes = ?7",
    )
    .bind(user.as_str())
    .bind(contact.id.0.as_bytes().as_slice())
    .bind(&contact.name)
    .bind(&contact.organisation)
    .bind(numbers)
    .bind(contact.favourite)
    .bind(&contact.notes)
    .execute(connection)
    .await?;
    Ok(())
}

async fn delete(connection: &mut SqliteConnection, user: &UserId, contact: ContactId) -> Applied {
    let deleted = sqlx::query("DELETE FROM contacts WHERE user = ?1 AND id = ?2")
        .bind(user.as_str())
        .bind(contact.0.as_bytes().as_slice())
        .execute(&mut *connection)
        .await?;
    let found = deleted.rows_affected() > 0;
    if found {
        count_change(connection, user).await?;
    }
    Ok(Ok(Outcome::Found(found)))
}

async fn count_change(connection: &mut SqliteConnection, user: &UserId) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO contact_books (user, version) VALUES (?1, 1)
         ON CONFLICT (user) DO UPDATE SET version = version + 1",
    )
    .bind(user.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

impl Columns<'_> {
    fn contact(&self) -> Result<Contact, StoreError> {
        Ok(Contact {
            id: ContactId(self.uuid("id")?),
            name: self.text("name")?,
            organisation: self.text("organisation")?,
            numbers: self.json("numbers")?,
            favourite: self.flag("favourite")?,
            notes: self.text("notes")?,
        })
    }
}

fn weight(contact: &Contact) -> usize {
    // What a contact takes beside its texts on the wire.
    const FRAME: usize = 96;
    let numbers = contact
        .numbers
        .iter()
        .map(|number| number.label.len() + number.number.as_str().len() + 32);
    FRAME + contact.name.len() + contact.organisation.len() + contact.notes.len() * 2 + numbers.sum::<usize>()
}

impl Store {
    /// Adds a contact, or replaces the user's own one with its id; [`StoreError::DirectoryFull`] beyond
    /// [`CONTACTS_MAX`].
    pub fn save_contact(&self, user: UserId, contact: Contact) -> Written<()> {
        self.write_done(ContactWrite::Save(user, Box::new(contact)).into())
    }

    /// Adds contacts as one change; none of them where they would be more than [`CONTACTS_MAX`].
    pub fn add_contacts(&self, user: UserId, contacts: Vec<Contact>) -> Written<()> {
        self.write_done(ContactWrite::Add(user, contacts).into())
    }

    /// Whether the user had such a contact.
    pub fn delete_contact(&self, user: UserId, contact: ContactId) -> Written<bool> {
        self.write_found(ContactWrite::Delete(user, contact).into())
    }

    /// How often a user's directory has changed, and how many contacts it has.
    pub async fn contact_book(&self, user: &UserId) -> Result<ContactBook, StoreError> {
        let row = sqlx::query(
            "SELECT coalesce((SELECT version FROM contact_books WHERE user = ?1), 0) AS version,
                 (SELECT count(*) FROM contacts WHERE user = ?1) AS total",
        )
        .bind(user.as_str())
        .fetch_one(self.readers())
        .await?;
        let columns = Columns::of("contact_books", &row);
        Ok(ContactBook {
            version: columns.number("version")?,
            total: columns.narrow("total")?,
        })
    }

    /// A page of a user's contacts, by id: at most `limit`, and fewer where they are long.
    pub async fn contacts(
        &self,
        user: &UserId,
        after: Option<ContactId>,
        limit: u16,
    ) -> Result<ContactPage, StoreError> {
        // One transaction: a page is of one version.
        let mut transaction = self.readers().begin().await?;
        let version: Option<i64> = sqlx::query_scalar("SELECT version FROM contact_books WHERE user = ?1")
            .bind(user.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        let rows = sqlx::query(
            "SELECT * FROM contacts WHERE user = ?1 AND (?2 IS NULL OR id > ?2) ORDER BY id LIMIT ?3",
        )
        .bind(user.as_str())
        .bind(after.map(|after| after.0.as_bytes().to_vec()))
        .bind(i64::from(limit) + 1)
        .fetch_all(&mut *transaction)
        .await?;
        let mut page = ContactPage {
            version: version
                .and_then(|version| u64::try_from(version).ok())
                .unwrap_or(0),
            contacts: Vec::new(),
            more: false,
        };
        let mut bytes = 0;
        for row in &rows {
            if page.contacts.len() == usize::from(limit) || bytes > PAGE_BYTES {
                page.more = true;
                break;
            }
            let contact = Columns::of("contacts", row).contact()?;
            bytes += weight(&contact);
            page.contacts.push(contact);
        }
        Ok(page)
    }

    /// All contacts of a user, by id.
    pub async fn all_contacts(&self, user: &UserId) -> Result<Vec<Contact>, StoreError> {
        let rows = sqlx::query("SELECT * FROM contacts WHERE user = ?1 ORDER BY id")
            .bind(user.as_str())
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| Columns::of("contacts", row).contact())
            .collect()
    }

    /// The names of a user's contacts with their numbers.
    pub async fn contact_names(
        &self,
        user: &UserId,
    ) -> Result<Vec<(String, Vec<ContactNumber>)>, StoreError> {
        let rows = sqlx::query("SELECT name, numbers FROM contacts WHERE user = ?1 ORDER BY id")
            .bind(user.as_str())
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns::of("contacts", row);
                Ok((columns.text("name")?, columns.json("numbers")?))
            })
            .collect()
    }
}
