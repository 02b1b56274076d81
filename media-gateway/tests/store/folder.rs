use super::{NOW, anna, open, options, record};
use ponte_gateway::store::{Store, StoreError, StoreOptions, StoreUse};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use std::time::Duration;

#[cfg(unix)]
#[tokio::test]
async fn nobody_but_the_owner_reads_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new").join("data");
    let store = open(&folder).await;
    store.insert_record(record(1, &anna(), NOW)).await.unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), wanted, "{}", path.display());
    }
    store.close(Duration::from_secs(5)).await;

    let database = folder.join("ponte.db");
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = open(&folder).await;
    assert_eq!(mode(&database), 0o600);
    drop(store);
}

#[tokio::test]
async fn one_gateway_at_a_time_and_tools_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = open(folder.path()).await;
    let second = Store::open(options(folder.path())).await;
    assert!(matches!(second, Err(StoreError::InUse { .. })));
    let tool = Store::open(StoreOptions::new(folder.path(), StoreUse::Tool))
        .await
        .unwrap();
    assert_eq!(tool.users().await.unwrap(), []);
    tool.close(Duration::from_secs(5)).await;
    let held_by_a_task = gateway.clone();
    gateway.close(Duration::from_secs(5)).await;
    open(folder.path()).await;
    drop(held_by_a_task);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tools_that_start_at_once_make_one_schema() {
    let folder = tempfile::tempdir().unwrap();
    let opened: Vec<_> = (0..8)
        .map(|_| {
            let options = StoreOptions::new(folder.path(), StoreUse::Tool);
            tokio::spawn(Store::open(options))
        })
        .collect();
    for store in opened {
        assert_eq!(store.await.unwrap().unwrap().users().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_says_what_to_do() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(options(&file.join("data"))).await.err().unwrap();
    assert!(matches!(error, StoreError::Folder { .. }));
    let message = error.to_string();
    assert!(message.contains("store.data_folder"), "{message}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await.close(Duration::from_secs(5)).await;
    let path = folder.path().join("ponte.db");
    let mut connection = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'from the future', 1, x'00', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    drop(connection);
    let error = Store::open(options(folder.path())).await.err().unwrap();
    assert!(
        matches!(
            error,
            StoreError::Newer {
                found: 99,
                known: 11,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ponte.db");
    let text = "not a database, but somebody's only copy of a letter\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = Store::open(options(folder.path())).await.err().unwrap();
    assert!(matches!(error, StoreError::NotOurs { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}
