use super::{NOW, anna, call_id, options, record, user};
use ponte_gateway::store::{Claim, Store, StoreError, StoreOptions};
use ponte_protocol::CommandId;
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(20);

async fn other_process(folder: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(folder.join("ponte.db"))
        .busy_timeout(SOON)
        .connect()
        .await
        .unwrap()
}

async fn run(connection: &mut SqliteConnection, statement: &'static str) {
    sqlx::query(statement).execute(connection).await.unwrap();
}

async fn until(writable: &mut watch::Receiver<bool>, wanted: bool) {
    timeout(SOON, writable.wait_for(|now| *now == wanted))
        .await
        .expect("the store's state changes in time")
        .unwrap();
}

fn command(n: u128) -> CommandId {
    CommandId(Uuid::from_u128(n))
}

#[tokio::test]
async fn t18_records_wait_while_the_database_is_locked_and_are_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(options(folder.path())).await.unwrap();
    let mut writable = store.writable();
    assert!(*writable.borrow());
    let mut other = other_process(folder.path()).await;
    run(&mut other, "BEGIN IMMEDIATE").await;

    let records: Vec<_> = (0..200)
        .map(|n| store.insert_record(record(n, &anna(), NOW.plus(n as u64))))
        .collect();
    until(&mut writable, false).await;
    let refused = timeout(SOON, store.claim_command(anna(), command(1), [0; 32], NOW))
        .await
        .unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    assert_eq!(store.records(&anna(), None, 10).await.unwrap().records, []);
    assert_eq!(store.waiting(), 200);

    run(&mut other, "ROLLBACK").await;
    for record in records {
        timeout(SOON, record).await.unwrap().unwrap();
    }
    until(&mut writable, true).await;
    assert_eq!(store.waiting(), 0);
    assert_eq!(
        store.records(&anna(), None, 500).await.unwrap().records.len(),
        200
    );
    let claim = store
        .claim_command(anna(), command(1), [0; 32], NOW)
        .await
        .unwrap();
    assert_eq!(claim, Claim::New);
}

#[tokio::test]
async fn a_lock_that_is_let_go_in_time_is_not_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        busy_timeout: SOON,
        ..options(folder.path())
    };
    let store = Store::open(options).await.unwrap();
    let mut other = other_process(folder.path()).await;
    run(&mut other, "BEGIN IMMEDIATE").await;
    let claim = tokio::spawn(store.claim_command(anna(), command(1), [0; 32], NOW));
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!claim.is_finished());
    run(&mut other, "COMMIT").await;
    assert_eq!(claim.await.unwrap().unwrap(), Claim::New);
    assert!(*store.writable().borrow());
}

#[tokio::test]
async fn t18_records_wait_while_the_disk_is_full_and_are_written_later() {
    let folder = tempfile::tempdir().unwrap();
    // A quarter of what the records need: SQLite then fails as it does on a full disk (SQLITE_FULL).
    let small = StoreOptions {
        max_pages: Some(120),
        ..options(folder.path())
    };
    let store = Store::open(small).await.unwrap();
    let mut writable = store.writable();
    let mut written = 0_u128;
    let mut last = None;
    for n in 0..2_000_u128 {
        let mut record = record(n, &anna(), NOW.plus(n as u64));
        record.name = Some("a name that takes room ".repeat(8));
        last = Some(store.insert_record(record));
        written = n + 1;
    }
    until(&mut writable, false).await;
    let refused = timeout(SOON, store.claim_command(anna(), command(1), [0; 32], NOW))
        .await
        .unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    assert!(store.waiting() > 0);

    // Somebody makes room, by taking away what is not needed.
    let mut other = other_process(folder.path()).await;
    run(&mut other, "DELETE FROM record_legs").await;
    run(&mut other, "DELETE FROM records").await;
    let given_up = store.close(Duration::from_millis(1)).await;
    assert!(given_up > 0, "a quarter of the room does not hold all of them");
    let stopped = timeout(SOON, last.unwrap()).await.unwrap();
    assert!(matches!(stopped, Err(StoreError::Closed)));

    let store = Store::open(options(folder.path())).await.unwrap();
    for n in 0..written {
        drop(store.insert_record(record(n, &anna(), NOW.plus(n as u64))));
    }
    assert_eq!(store.close(SOON).await, 0);
    let store = Store::open(options(folder.path())).await.unwrap();
    assert!(store.record(call_id(written - 1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_full_disk_that_gets_room_takes_up_again_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions {
        max_pages: Some(120),
        ..options(folder.path())
    })
    .await
    .unwrap();
    let mut writable = store.writable();
    let mut other = other_process(folder.path()).await;
    run(&mut other, "CREATE TABLE ballast (filler BLOB)").await;
    run(&mut other, "INSERT INTO ballast VALUES (zeroblob(600000))").await;
    let waiting = store.insert_record(record(1, &anna(), NOW));
    let fill: Vec<_> = (2..400)
        .map(|n| store.insert_record(record(n, &anna(), NOW)))
        .collect();
    until(&mut writable, false).await;
    run(&mut other, "DELETE FROM ballast").await;
    timeout(SOON, waiting).await.unwrap().unwrap();
    for record in fill {
        timeout(SOON, record).await.unwrap().unwrap();
    }
    until(&mut writable, true).await;
}

#[tokio::test]
async fn the_spool_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions {
        spool_max: 10,
        ..options(folder.path())
    })
    .await
    .unwrap();
    let mut other = other_process(folder.path()).await;
    run(&mut other, "BEGIN IMMEDIATE").await;
    let kept: Vec<_> = (0..10)
        .map(|n| store.insert_record(record(n, &anna(), NOW)))
        .collect();
    let one_more = store.insert_record(record(10, &anna(), NOW)).await;
    assert!(matches!(one_more, Err(StoreError::QueueFull)));
    run(&mut other, "ROLLBACK").await;
    for record in kept {
        timeout(SOON, record).await.unwrap().unwrap();
    }
    store.insert_record(record(10, &anna(), NOW)).await.unwrap();
}

#[tokio::test]
async fn closing_waits_for_what_is_queued() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(options(folder.path())).await.unwrap();
    for n in 0..1_500 {
        drop(store.insert_record(record(n, &anna(), NOW)));
    }
    let clone = store.clone();
    assert_eq!(store.close(SOON).await, 0);
    let late = clone.insert_record(record(9_999, &anna(), NOW)).await;
    assert!(matches!(late, Err(StoreError::Closed)));
    drop(clone);
    let store = Store::open(options(folder.path())).await.unwrap();
    for n in [0, 749, 1_499] {
        assert!(store.record(call_id(n)).await.unwrap().is_some(), "{n}");
    }
}

#[tokio::test]
async fn a_write_that_is_refused_harms_no_other_of_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(options(folder.path())).await.unwrap();
    let mut other = other_process(folder.path()).await;
    run(
        &mut other,
        "CREATE TRIGGER picky BEFORE INSERT ON records WHEN NEW.number = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    let mut bad = record(2, &anna(), NOW);
    bad.number = "bad".to_owned();
    let added = store.add_user(user("anna", "201"));
    let first = store.insert_record(record(1, &anna(), NOW));
    let refused = store.insert_record(bad);
    let third = store.insert_record(record(3, &anna(), NOW));
    added.await.unwrap();
    first.await.unwrap();
    assert!(matches!(refused.await, Err(StoreError::Refused { .. })));
    third.await.unwrap();
    assert!(*store.writable().borrow());
    assert_eq!(store.records(&anna(), None, 10).await.unwrap().records.len(), 2);
}
