use super::{NOW, abandon, anna, open, user};
use ponte_gateway::store::{BindingsRow, DeviceRow, DeviceSecret, Store, StoreError, StoreOptions, StoreUse};
use ponte_protocol::{DeviceId, UserId};
use ponte_sip::digest::{Algorithm, ha1};

fn id(name: &str) -> DeviceId {
    name.parse().unwrap()
}

fn device(name: &str, owner: Option<UserId>) -> DeviceRow {
    DeviceRow {
        device: id(name),
        name: format!("Telephone {name}"),
        owner,
        hot_desk: true,
        secret: DeviceSecret::new(&id(name), "milano", "correct horse"),
    }
}

fn bindings(name: &str, json: &str) -> BindingsRow {
    BindingsRow {
        device: id(name),
        json: json.to_owned(),
        expires_at: NOW.plus(3_600_000),
    }
}

#[tokio::test]
async fn a_telephone_comes_back_as_it_was_stored_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.add_user(user("anna", "201")).await.unwrap();
    let own = device("desk-201", Some(anna()));
    let mut shared = device("lobby", None);
    shared.hot_desk = false;
    store.add_device(shared.clone()).await.unwrap();
    store.add_device(own.clone()).await.unwrap();
    assert_eq!(store.devices().await.unwrap(), [own.clone(), shared.clone()]);
    assert_eq!(store.device(&id("lobby")).await.unwrap(), Some(shared));
    assert_eq!(store.device(&id("attic")).await.unwrap(), None);

    let account = own.account();
    assert_eq!(account.name, "desk-201");
    let md5 = ha1(Algorithm::Md5, "desk-201", "milano", "correct horse");
    let sha256 = ha1(Algorithm::Sha256, "desk-201", "milano", "correct horse");
    assert_eq!(
        (account.ha1_md5, account.ha1_sha256),
        (Some(md5.clone()), Some(sha256))
    );
    let printed = format!("{own:?}");
    assert!(!printed.contains(&md5), "{printed}");
}

#[tokio::test]
async fn a_telephone_has_one_name_and_an_owner_who_exists() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.add_device(device("lobby", None)).await.unwrap();
    let again = store.add_device(device("lobby", None)).await;
    assert!(matches!(again, Err(StoreError::DeviceExists(name)) if name == id("lobby")));
    let nobody = store.set_device(device("lobby", Some(anna()))).await;
    assert!(matches!(nobody, Err(StoreError::UnknownUser(name)) if name == anna()));
    let unknown = store.set_device(device("attic", None)).await;
    assert!(matches!(unknown, Err(StoreError::UnknownDevice(_))));
    assert!(matches!(
        store.remove_device(id("attic")).await,
        Err(StoreError::UnknownDevice(_))
    ));
    store.add_user(user("anna", "201")).await.unwrap();
    store.set_device(device("lobby", Some(anna()))).await.unwrap();
    store.remove_user(anna()).await.unwrap();
    assert_eq!(store.devices().await.unwrap(), [device("lobby", None)]);
}

#[tokio::test]
async fn a_gateway_sees_telephones_and_owners_that_another_process_changed() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = open(folder.path()).await;
    let tool = Store::open(StoreOptions::new(folder.path(), StoreUse::Tool))
        .await
        .unwrap();
    let mut seen = gateway.versions().await.unwrap().devices;
    let mut rose = async |what: &str| {
        let devices = gateway.versions().await.unwrap().devices;
        assert!(devices > seen, "{what}");
        seen = devices;
    };
    tool.add_user(user("anna", "201")).await.unwrap();
    tool.add_device(device("lobby", Some(anna()))).await.unwrap();
    rose("added").await;
    tool.set_device(DeviceRow {
        hot_desk: false,
        ..device("lobby", Some(anna()))
    })
    .await
    .unwrap();
    rose("changed").await;
    tool.remove_user(anna()).await.unwrap();
    rose("lost its owner").await;
    tool.remove_device(id("lobby")).await.unwrap();
    rose("removed").await;
    gateway.save_bindings(bindings("lobby", "[]")).await.unwrap_err();
}

#[tokio::test]
async fn t11_who_is_logged_on_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.add_user(user("anna", "201")).await.unwrap();
    store.add_device(device("lobby", None)).await.unwrap();
    store.add_device(device("desk-201", Some(anna()))).await.unwrap();
    assert_eq!(store.logons().await.unwrap(), []);
    store.save_logon(id("lobby"), Some(anna())).await.unwrap();
    store.save_logon(id("desk-201"), Some(anna())).await.unwrap();
    store.save_logon(id("desk-201"), None).await.unwrap();
    let stranger = store
        .save_logon(id("lobby"), Some("carla".parse().unwrap()))
        .await;
    assert!(matches!(stranger, Err(StoreError::UnknownUser(_))));
    let nowhere = store.save_logon(id("attic"), Some(anna())).await;
    assert!(matches!(nowhere, Err(StoreError::UnknownDevice(_))));
    abandon(folder.path(), store).await;

    let store = open(folder.path()).await;
    assert_eq!(
        store.logons().await.unwrap(),
        [(id("desk-201"), None), (id("lobby"), Some(anna()))]
    );
    store.remove_device(id("desk-201")).await.unwrap();
    store.remove_user(anna()).await.unwrap();
    assert_eq!(store.logons().await.unwrap(), [(id("lobby"), None)]);
}

#[tokio::test]
async fn registrations_survive_a_restart_until_they_expire() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for name in ["lobby", "attic", "cellar"] {
        store.add_device(device(name, None)).await.unwrap();
    }
    drop(store.save_bindings(bindings("lobby", "[1]")));
    drop(store.save_bindings(bindings("attic", "[2]")));
    drop(store.forget_bindings(id("attic")));
    drop(store.save_bindings(bindings("cellar", "[3]")));
    store.save_bindings(bindings("lobby", "[4]")).await.unwrap();
    abandon(folder.path(), store).await;

    let store = open(folder.path()).await;
    let kept = [bindings("cellar", "[3]"), bindings("lobby", "[4]")];
    assert_eq!(store.bindings(NOW).await.unwrap(), kept);
    assert_eq!(store.bindings(kept[0].expires_at).await.unwrap(), []);
    store.remove_device(id("cellar")).await.unwrap();
    assert_eq!(store.bindings(NOW).await.unwrap(), [bindings("lobby", "[4]")]);
}
