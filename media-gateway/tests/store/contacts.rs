use super::{abandon, anna, open, user};
use ponte_gateway::store::{Store, StoreError};
use ponte_protocol::contact::{CONTACT_NOTES_MAX, CONTACTS_MAX};
use ponte_protocol::{Contact, ContactBook, ContactId, ContactNumber, UserId};
use uuid::Uuid;

fn contact(n: usize) -> Contact {
    Contact {
        id: ContactId(Uuid::from_u128(n as u128)),
        name: format!("Persona nº {n}"),
        organisation: "Studio «Neri»".into(),
        numbers: vec![ContactNumber {
            label: "mobile".into(),
            number: format!("+3902{:07}", 1_000_000 + n).parse().unwrap(),
        }],
        favourite: n.is_multiple_of(2),
        notes: "one\ntwo".into(),
    }
}

async fn store(folder: &std::path::Path) -> Store {
    let store = open(folder).await;
    store.add_user(user("anna", "201")).await.unwrap();
    store.add_user(user("bruno", "202")).await.unwrap();
    store
}

fn bruno() -> UserId {
    "bruno".parse().unwrap()
}

async fn book(store: &Store) -> (u64, u32) {
    let ContactBook { version, total } = store.contact_book(&anna()).await.unwrap();
    (version, total)
}

#[tokio::test]
async fn contacts_survive_change_and_go_with_their_user() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    assert_eq!(book(&store).await, (0, 0));
    store.save_contact(anna(), contact(1)).await.unwrap();
    let mut changed = contact(1);
    changed.name = "Nadia Neri".into();
    store.save_contact(anna(), changed.clone()).await.unwrap();
    // The same id in another directory is another contact.
    store.save_contact(bruno(), contact(1)).await.unwrap();
    assert_eq!(book(&store).await, (2, 1));
    let stranger = store.save_contact("carla".parse().unwrap(), contact(1)).await;
    assert!(matches!(stranger, Err(StoreError::UnknownUser(_))));
    abandon(folder.path(), store).await;

    let store = open(folder.path()).await;
    assert_eq!(store.all_contacts(&anna()).await.unwrap(), [changed]);
    assert_eq!(
        store.contact_names(&anna()).await.unwrap(),
        [("Nadia Neri".to_owned(), contact(1).numbers)]
    );
    assert!(!store.delete_contact(anna(), contact(2).id).await.unwrap());
    assert!(store.delete_contact(anna(), contact(1).id).await.unwrap());
    assert_eq!(
        book(&store).await,
        (3, 0),
        "what changed nothing is no new version"
    );
    store.remove_user(bruno()).await.unwrap();
    assert_eq!(store.all_contacts(&bruno()).await.unwrap(), []);
}

#[tokio::test]
async fn a_directory_has_its_limit_and_an_import_is_whole_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let most: Vec<Contact> = (1..=CONTACTS_MAX).map(contact).collect();
    store.add_contacts(anna(), most).await.unwrap();
    assert_eq!(book(&store).await, (1, 2000));
    let over = store.save_contact(anna(), contact(CONTACTS_MAX + 1)).await;
    assert!(matches!(over, Err(StoreError::DirectoryFull)));
    store.save_contact(anna(), contact(7)).await.unwrap();
    store.delete_contact(anna(), contact(8).id).await.unwrap();
    let two = vec![contact(CONTACTS_MAX + 1), contact(CONTACTS_MAX + 2)];
    let over = store.add_contacts(anna(), two).await;
    assert!(matches!(over, Err(StoreError::DirectoryFull)));
    assert_eq!(book(&store).await, (3, 1999));
}

#[tokio::test]
async fn pages_hold_all_contacts_once_and_fit_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let long = |n: usize| Contact {
        notes: "\u{1F4DE}".repeat(CONTACT_NOTES_MAX),
        ..contact(n)
    };
    let all: Vec<Contact> = (1..=600).map(long).collect();
    store.add_contacts(anna(), all.clone()).await.unwrap();
    let mut read = Vec::new();
    let mut pages = 0;
    loop {
        let after = read.last().map(|contact: &Contact| contact.id);
        let page = store.contacts(&anna(), after, 500).await.unwrap();
        let bytes = serde_json::to_string(&page).unwrap().len();
        assert!(bytes < ponte_protocol::link::LINK_FRAME_MAX * 3 / 4, "{bytes}");
        assert_eq!(page.version, 1);
        read.extend(page.contacts);
        pages += 1;
        if !page.more {
            break;
        }
    }
    assert!(pages > 2, "{pages} pages");
    assert_eq!(read, all);
}
