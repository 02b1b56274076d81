use super::{NOW, abandon, anna, open, user};
use ponte_gateway::store::{CODE_LIFETIME_MS, CODE_TRIES, CodeOutcome, Store, code_hash};
use ponte_protocol::{DestinationId, SavedDestination, UserId};
use std::path::Path;
use uuid::Uuid;

const HOME: DestinationId = DestinationId(Uuid::from_u128(1));

fn hash(code: &str) -> [u8; 32] {
    code_hash(HOME, code)
}

async fn with_destination(folder: &Path) -> Store {
    let store = open(folder).await;
    store.add_user(user("anna", "201")).await.unwrap();
    store.add_user(user("bruno", "202")).await.unwrap();
    let home = SavedDestination {
        id: HOME,
        label: "Home".to_owned(),
        number: "+390299887766".parse().unwrap(),
        confirm: false,
        verified: false,
    };
    store.save_destination(anna(), home).await.unwrap();
    store
}

async fn verified(store: &Store) -> bool {
    store.destinations(&anna()).await.unwrap()[0].verified
}

#[tokio::test]
async fn t02_the_right_code_verifies_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_destination(folder.path()).await;
    let attempt = |code: &str| store.try_code(anna(), HOME, hash(code), NOW);
    assert_eq!(attempt("123456").await.unwrap(), CodeOutcome::NoCode);
    assert!(!verified(&store).await);
    let until = NOW.plus(CODE_LIFETIME_MS);
    assert!(
        store
            .save_code(anna(), HOME, hash("111111"), until)
            .await
            .unwrap()
    );
    assert!(
        store
            .save_code(anna(), HOME, hash("123456"), until)
            .await
            .unwrap()
    );
    assert_eq!(
        attempt("111111").await.unwrap(),
        CodeOutcome::Wrong {
            tries_left: CODE_TRIES - 1
        },
        "a new code takes the place of the one before"
    );
    assert_eq!(attempt("123456").await.unwrap(), CodeOutcome::Verified);
    assert!(verified(&store).await);
    assert_eq!(attempt("123456").await.unwrap(), CodeOutcome::NoCode);
    assert!(verified(&store).await);
}

#[tokio::test]
async fn t02_a_code_is_the_users_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_destination(folder.path()).await;
    let bruno: UserId = "bruno".parse().unwrap();
    let until = NOW.plus(CODE_LIFETIME_MS);
    assert!(
        !store
            .save_code(bruno.clone(), HOME, hash("123456"), until)
            .await
            .unwrap()
    );
    assert!(
        store
            .save_code(anna(), HOME, hash("123456"), until)
            .await
            .unwrap()
    );
    let stolen = store.try_code(bruno, HOME, hash("123456"), NOW).await.unwrap();
    assert_eq!(stolen, CodeOutcome::UnknownDestination);
    assert!(!verified(&store).await);
    assert_ne!(
        code_hash(HOME, "123456"),
        code_hash(DestinationId(Uuid::nil()), "123456")
    );
    assert!(store.delete_destination(anna(), HOME).await.unwrap());
    let gone = store.try_code(anna(), HOME, hash("123456"), NOW).await.unwrap();
    assert_eq!(gone, CodeOutcome::UnknownDestination);
}

#[tokio::test]
async fn t02_a_code_holds_for_ten_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_destination(folder.path()).await;
    let until = NOW.plus(CODE_LIFETIME_MS);
    store
        .save_code(anna(), HOME, hash("123456"), until)
        .await
        .unwrap();
    let late = store.try_code(anna(), HOME, hash("123456"), until).await.unwrap();
    assert_eq!(late, CodeOutcome::NoCode);
    assert!(!verified(&store).await);
}

/// Tries that come at once each count: no two read the same number of tries that are left.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t02_five_tries_are_five_however_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_destination(folder.path()).await;
    let until = NOW.plus(CODE_LIFETIME_MS);
    store
        .save_code(anna(), HOME, hash("123456"), until)
        .await
        .unwrap();
    let tries: Vec<_> = (0..20)
        .map(|n| {
            let store = store.clone();
            let code = format!("{n:06}");
            tokio::spawn(async move { store.try_code(anna(), HOME, hash(&code), NOW).await.unwrap() })
        })
        .collect();
    let mut left = Vec::new();
    for attempt in tries {
        match attempt.await.unwrap() {
            CodeOutcome::Wrong { tries_left } => left.push(tries_left),
            outcome => assert_eq!(outcome, CodeOutcome::NoCode),
        }
    }
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
    let right = store.try_code(anna(), HOME, hash("123456"), NOW).await.unwrap();
    assert_eq!(right, CodeOutcome::NoCode);
    assert!(!verified(&store).await);
}

#[tokio::test]
async fn t02_a_restart_gives_no_tries_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = with_destination(folder.path()).await;
    let until = NOW.plus(CODE_LIFETIME_MS);
    store
        .save_code(anna(), HOME, hash("123456"), until)
        .await
        .unwrap();
    for tries_left in (0..CODE_TRIES).rev() {
        let outcome = store.try_code(anna(), HOME, hash("000000"), NOW).await.unwrap();
        assert_eq!(outcome, CodeOutcome::Wrong { tries_left });
        abandon(folder.path(), store).await;
        store = open(folder.path()).await;
    }
    let outcome = store.try_code(anna(), HOME, hash("123456"), NOW).await.unwrap();
    assert_eq!(outcome, CodeOutcome::NoCode);
}
