//! Numbers and groups: what an administrator sets for the whole site.

use super::{anna, open, user};
use ponte_call_core::TrunkId;
use ponte_gateway::numbers::parse_rule;
use ponte_gateway::store::{DidRow, EmailAddress, GroupRow, PinHash, StoreError, UserRow};

fn did(number: &str, extension: &str) -> DidRow {
    DidRow {
        number: number.parse().unwrap(),
        extension: extension.parse().unwrap(),
        label: Some("Sales".to_owned()),
        trunk: Some(TrunkId("carrier".to_owned())),
    }
}

fn group(name: &str, rules: &[&str]) -> GroupRow {
    GroupRow {
        group: name.parse().unwrap(),
        restrictions: rules.iter().map(|rule| parse_rule(rule).unwrap()).collect(),
    }
}

#[tokio::test]
async fn a_number_reaches_one_extension_and_every_change_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let first = did("+390212345601", "201");
    let second = DidRow {
        label: None,
        trunk: None,
        ..did("+390212345602", "202")
    };
    store.add_did(second.clone()).await.unwrap();
    store.add_did(first.clone()).await.unwrap();
    assert_eq!(store.dids().await.unwrap(), [first.clone(), second.clone()]);
    let added = store.versions().await.unwrap();
    let taken = store.add_did(did("+390212345601", "203")).await;
    assert!(matches!(taken, Err(StoreError::DidTaken { extension, .. }) if extension.as_str() == "201"));
    assert_eq!(store.versions().await.unwrap(), added);

    store.set_did(did("+390212345601", "203")).await.unwrap();
    let changed = store.versions().await.unwrap();
    assert!(changed.dids > added.dids);
    store.remove_did(first.number.clone()).await.unwrap();
    assert!(store.versions().await.unwrap().dids > changed.dids);
    let gone = store.remove_did(first.number).await;
    assert!(matches!(gone, Err(StoreError::UnknownDid(_))));
    assert_eq!(store.dids().await.unwrap(), [second]);
}

#[tokio::test]
async fn a_user_brings_the_rules_of_the_group() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let sales = group("sales", &["deny +4419", "allow +44"]);
    let row = UserRow {
        group: Some(sales.clone()),
        ..user("anna", "201")
    };
    let stranger = store.add_user(row.clone()).await;
    assert!(matches!(stranger, Err(StoreError::UnknownGroup(name)) if name.as_str() == "sales"));
    store.add_group(sales.clone()).await.unwrap();
    store.add_group(group("interns", &[])).await.unwrap();
    let again = store.add_group(group("sales", &[])).await;
    assert!(matches!(again, Err(StoreError::GroupExists(_))));
    store.add_user(row.clone()).await.unwrap();
    assert_eq!(store.user(&anna()).await.unwrap(), Some(row.clone()));
    assert_eq!(
        store.groups().await.unwrap(),
        [group("interns", &[]), sales.clone()]
    );

    let before = store.versions().await.unwrap();
    let strict = group("sales", &["deny +"]);
    store.set_group(strict.clone()).await.unwrap();
    assert!(store.versions().await.unwrap().users > before.users);
    let read = store.user(&anna()).await.unwrap().unwrap();
    assert_eq!(read.group, Some(strict));
    assert_eq!(read.restrictions, row.restrictions);

    let used = store.remove_group(sales.group.clone()).await;
    assert!(matches!(used, Err(StoreError::GroupInUse { members, .. }) if members == [anna()]));
    store.set_user(user("anna", "201")).await.unwrap();
    store.remove_group(sales.group.clone()).await.unwrap();
    assert!(matches!(
        store.remove_group(sales.group.clone()).await,
        Err(StoreError::UnknownGroup(_))
    ));
    assert!(matches!(
        store.set_group(sales).await,
        Err(StoreError::UnknownGroup(_))
    ));
}

#[tokio::test]
async fn rights_pin_and_address_come_back_as_they_were_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let address: EmailAddress = "anna@example.org".parse().unwrap();
    let row = UserRow {
        call_waiting_allowed: false,
        voicemail_allowed: false,
        pick_up_allowed: false,
        administrator: true,
        pin: Some(PinHash::new("2580").unwrap()),
        email: Some(address),
        ..user("anna", "201")
    };
    store.add_user(row.clone()).await.unwrap();
    let read = store.user(&anna()).await.unwrap().unwrap();
    assert_eq!(read, row);
    assert!(PinHash::verify(read.pin.as_ref(), "2580"));
    let database = std::fs::read(folder.path().join("ponte.db-wal")).unwrap();
    assert!(!database.windows(5).any(|bytes| bytes == b"'2580"));
}
