use super::{NOW, anna, open, user};
use ponte_gateway::store::{Invitation, Store, StoreError, StoreOptions, StoreUse};
use ponte_protocol::{Destination, DestinationId, Mode, SavedDestination};
use uuid::Uuid;

#[tokio::test]
async fn a_user_comes_back_as_it_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut plain = user("bruno", "202");
    plain.language = None;
    plain.confirm = None;
    plain.restrictions.clear();
    plain.caller_id.name = None;
    plain.telecommuter_allowed = false;
    store.add_user(user("anna", "201")).await.unwrap();
    store.add_user(plain.clone()).await.unwrap();
    assert_eq!(store.users().await.unwrap(), [user("anna", "201"), plain.clone()]);
    assert_eq!(store.user(&plain.user).await.unwrap(), Some(plain));
    assert_eq!(store.user(&"carla".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn names_and_extensions_belong_to_one_user() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.add_user(user("anna", "201")).await.unwrap();
    store.add_user(user("bruno", "202")).await.unwrap();
    let again = store.add_user(user("anna", "203")).await;
    assert!(matches!(again, Err(StoreError::UserExists(name)) if name == anna()));
    let taken = store.add_user(user("carla", "201")).await;
    assert!(matches!(taken, Err(StoreError::ExtensionTaken { by, .. }) if by == anna()));
    let moved = store.set_user(user("bruno", "201")).await;
    assert!(matches!(moved, Err(StoreError::ExtensionTaken { by, .. }) if by == anna()));
    let stranger = store.set_user(user("carla", "203")).await;
    assert!(matches!(stranger, Err(StoreError::UnknownUser(_))));
    store.set_user(user("bruno", "203")).await.unwrap();
    assert_eq!(
        store.user(&"bruno".parse().unwrap()).await.unwrap(),
        Some(user("bruno", "203"))
    );
}

#[tokio::test]
async fn a_gateway_sees_what_another_process_changed() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = open(folder.path()).await;
    let tool = Store::open(StoreOptions::new(folder.path(), StoreUse::Tool))
        .await
        .unwrap();
    let at_first = gateway.versions().await.unwrap();
    tool.add_user(user("anna", "201")).await.unwrap();
    let after_add = gateway.versions().await.unwrap();
    assert!(after_add.users > at_first.users);
    assert_eq!(after_add.invitations, at_first.invitations);
    let invitation = Invitation {
        user: anna(),
        token_hash: "ab".repeat(32),
        expires_at: NOW.plus(1_000),
    };
    tool.create_invitation(invitation.clone()).await.unwrap();
    let after_invitation = gateway.versions().await.unwrap();
    assert!(after_invitation.invitations > after_add.invitations);
    assert_eq!(
        gateway.pending_invitations(NOW).await.unwrap(),
        std::slice::from_ref(&invitation)
    );
    assert_eq!(
        gateway.pending_invitations(invitation.expires_at).await.unwrap(),
        []
    );
    tool.remove_user(anna()).await.unwrap();
    assert!(gateway.versions().await.unwrap().users > after_invitation.users);
    assert_eq!(gateway.pending_invitations(NOW).await.unwrap(), []);
}

#[tokio::test]
async fn an_invitation_needs_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let invitation = Invitation {
        user: anna(),
        token_hash: "ab".repeat(32),
        expires_at: NOW,
    };
    let stranger = store.create_invitation(invitation).await;
    assert!(matches!(stranger, Err(StoreError::UnknownUser(_))));
}

#[tokio::test]
async fn modes_and_destinations_go_with_their_user() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.add_user(user("anna", "201")).await.unwrap();
    store.add_user(user("bruno", "202")).await.unwrap();
    let home = SavedDestination {
        id: DestinationId(Uuid::from_u128(1)),
        label: "Home".to_owned(),
        number: "+390299887766".parse().unwrap(),
        confirm: false,
        verified: true,
    };
    let mobile = SavedDestination {
        id: DestinationId(Uuid::from_u128(0)),
        label: "Mobile".to_owned(),
        number: "+393331234567".parse().unwrap(),
        confirm: true,
        verified: true,
    };
    let telecommuting = Mode::Telecommuting {
        destination: Destination::Number {
            number: home.number.clone(),
            label: Some("Home".to_owned()),
            confirm: false,
        },
        since: NOW,
        until: Some(NOW.plus(1)),
    };
    store.save_mode(anna(), Mode::Office).await.unwrap();
    store.save_mode(anna(), telecommuting.clone()).await.unwrap();
    store.save_destination(anna(), home.clone()).await.unwrap();
    store.save_destination(anna(), mobile.clone()).await.unwrap();
    assert_eq!(store.modes().await.unwrap(), [(anna(), telecommuting)]);
    assert_eq!(
        store.destinations(&anna()).await.unwrap(),
        [home.clone(), mobile.clone()]
    );

    let renamed = SavedDestination {
        label: "Lake house".to_owned(),
        ..home.clone()
    };
    store.save_destination(anna(), renamed.clone()).await.unwrap();
    assert_eq!(
        store.destinations(&anna()).await.unwrap(),
        [renamed.clone(), mobile.clone()]
    );

    let bruno: ponte_protocol::UserId = "bruno".parse().unwrap();
    assert!(!store.delete_destination(bruno.clone(), home.id).await.unwrap());
    store.save_destination(bruno.clone(), home.clone()).await.unwrap();
    assert_eq!(store.destinations(&bruno).await.unwrap(), []);
    assert_eq!(
        store.destinations(&anna()).await.unwrap(),
        [renamed, mobile.clone()]
    );
    assert!(store.delete_destination(anna(), home.id).await.unwrap());
    assert!(!store.delete_destination(anna(), home.id).await.unwrap());

    store.remove_user(anna()).await.unwrap();
    assert_eq!(store.modes().await.unwrap(), []);
    assert_eq!(store.destinations(&anna()).await.unwrap(), []);
    let gone = store.save_mode(anna(), Mode::Office).await;
    assert!(matches!(gone, Err(StoreError::UnknownUser(_))));
}

#[tokio::test]
async fn values_are_kept_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    assert_eq!(store.meta("site").await.unwrap(), None);
    store.set_meta("site", "milano").await.unwrap();
    store.set_meta("site", "torino").await.unwrap();
    assert_eq!(store.meta("site").await.unwrap().as_deref(), Some("torino"));
}
