use super::{NOW, abandon, anna, call_id, call_up, cause, leg_up, open, record};
use ponte_gateway::store::{AuditNote, CallUp, LegUp};
use ponte_protocol::{BookedCode, CauseReason, EndedBy, UnixMillis, UserId};
use std::time::Instant;

#[tokio::test]
async fn t18_a_record_comes_back_with_all_its_legs() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.insert_record(record(1, &anna(), NOW)).await.unwrap();
    abandon(folder.path(), store).await;
    let store = open(folder.path()).await;
    assert_eq!(
        store.record(call_id(1)).await.unwrap(),
        Some(record(1, &anna(), NOW))
    );
    let page = store.records(&anna(), None, 50).await.unwrap();
    assert_eq!(page.records, [record(1, &anna(), NOW)]);
    assert!(!page.more);
}

#[tokio::test]
async fn t18_a_call_has_one_record_whatever_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.insert_record(record(1, &anna(), NOW)).await.unwrap();
    let mut other = record(1, &anna(), NOW);
    other.ended_by = EndedBy::System;
    other.legs.pop();
    store.insert_record(other).await.unwrap();
    let page = store.records(&anna(), None, 50).await.unwrap();
    assert_eq!(page.records, [record(1, &anna(), NOW)]);
}

#[tokio::test]
async fn t18_calls_that_were_up_in_a_crash_are_found_and_get_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let failed = LegUp {
        ringing_at: Some(NOW.plus(300)),
        ended: Some((NOW.plus(4_000), cause(CauseReason::Busy))),
        ..leg_up(1, 1)
    };
    let answered = LegUp {
        answered_at: Some(NOW.plus(2_000)),
        ..leg_up(1, 0)
    };
    let connected = CallUp {
        connected_at: Some(NOW.plus(9_000)),
        ..call_up(1)
    };
    drop(store.save_call(call_up(1)));
    drop(store.save_leg(leg_up(1, 0)));
    drop(store.save_leg(answered.clone()));
    drop(store.save_leg(leg_up(1, 1)));
    drop(store.save_leg(failed.clone()));
    drop(store.save_leg(leg_up(1, 2)));
    drop(store.save_call(connected.clone()));
    drop(store.save_call(call_up(2)));
    store.save_leg(leg_up(2, 0)).await.unwrap();
    store.insert_record(record(2, &anna(), NOW)).await.unwrap();
    abandon(folder.path(), store).await;

    let store = open(folder.path()).await;
    let mut up = store.calls_up().await.unwrap();
    assert_eq!(
        up,
        [(
            connected.clone(),
            vec![answered.clone(), failed.clone(), leg_up(1, 2)]
        )]
    );
    let (call, legs) = up.remove(0);
    let crash = cause(CauseReason::GatewayRestarted);
    let ended_at = NOW.plus(60_000);
    let record = call.into_record(legs, ended_at, crash, EndedBy::System);
    assert_eq!(record.connected_at, connected.connected_at);
    assert_eq!(
        record
            .legs
            .iter()
            .map(|leg| (leg.ended_at, leg.cause.reason))
            .collect::<Vec<_>>(),
        [
            (ended_at, CauseReason::GatewayRestarted),
            (NOW.plus(4_000), CauseReason::Busy),
            (ended_at, CauseReason::GatewayRestarted),
        ]
    );
    store.insert_record(record.clone()).await.unwrap();
    assert_eq!(store.calls_up().await.unwrap(), []);
    assert_eq!(store.record(call_id(1)).await.unwrap(), Some(record));
}

#[tokio::test]
async fn a_late_change_does_not_bring_an_ended_call_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.insert_record(record(1, &anna(), NOW)).await.unwrap();
    store.save_leg(leg_up(1, 0)).await.unwrap();
    store.save_call(call_up(1)).await.unwrap();
    assert_eq!(store.calls_up().await.unwrap(), []);
}

#[tokio::test]
async fn pages_of_the_log_hold_every_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let bruno = "bruno".parse().unwrap();
    // Three start in each millisecond, so page borders fall between them.
    for n in 0..40_u128 {
        let started_at = UnixMillis(NOW.0 + n as u64 / 3);
        drop(store.insert_record(record(n, &anna(), started_at)));
    }
    store.insert_record(record(100, &bruno, NOW)).await.unwrap();
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = store.records(&anna(), before, 7).await.unwrap();
        assert!(page.records.len() <= 9, "{}", page.records.len());
        assert!(page.records.iter().all(|record| record.legs.len() == 2));
        before = page.records.last().map(|record| record.started_at);
        seen.extend(page.records);
        if !page.more {
            break;
        }
    }
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].started_at >= pair[1].started_at)
    );
    let mut ids: Vec<_> = seen.iter().map(|record| record.id).collect();
    ids.sort();
    assert_eq!(ids, (0..40).map(call_id).collect::<Vec<_>>());
    let nobody = store.records(&"carla".parse().unwrap(), None, 7).await.unwrap();
    assert!(nobody.records.is_empty() && !nobody.more);
}

/// The writes of a call back that is set up, talks and ends. What the store takes is printed; the mark it must hold is
/// kept low enough for a busy machine, as it guards against a commit for each write, which is a hundred times slower.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_a_transaction() {
    const CALLS: u128 = 500;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let begun = Instant::now();
    let calls: Vec<_> = (0..CALLS)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = ponte_protocol::CommandId(call_id(n).0);
                store.claim_command(anna(), id, [0; 32], NOW).await.unwrap();
                drop(store.save_call(call_up(n)));
                store.save_leg(leg_up(n, 0)).await.unwrap();
                store.save_leg(leg_up(n, 1)).await.unwrap();
                store.insert_record(record(n, &anna(), NOW)).await.unwrap();
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let rate = CALLS as f64 / begun.elapsed().as_secs_f64();
    println!("{rate:.0} calls a second");
    assert!(rate > 50.0, "{rate:.0} calls a second");
    assert_eq!(store.waiting(), 0);
    assert_eq!(store.calls_up().await.unwrap(), []);
}

#[tokio::test]
async fn t18_a_record_is_booked_afterwards_with_a_note_of_who_did_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.insert_record(record(1, &anna(), NOW)).await.unwrap();
    store
        .insert_record(record(2, &anna(), NOW.plus(1)))
        .await
        .unwrap();
    let verdi = BookedCode {
        code: "2001".parse().unwrap(),
        name: "Verdi".to_owned(),
    };
    let note = || AuditNote {
        at: NOW,
        by: Some(anna()),
        action: "record_booked",
        subject: call_id(1).to_string(),
        fields: vec!["account_code".to_owned()],
    };
    let bruno: UserId = "bruno".parse().unwrap();
    let booked = store.book_record(bruno, call_id(1), Some(verdi.clone()), note());
    assert!(!booked.await.unwrap(), "it is not Bruno's");
    assert!(!store.book_record(anna(), call_id(9), None, note()).await.unwrap());
    assert!(store.audit(None, 10).await.unwrap().0.is_empty());
    let booked = store.book_record(anna(), call_id(1), Some(verdi.clone()), note());
    assert!(booked.await.unwrap());
    assert_eq!(
        store.record(call_id(1)).await.unwrap().unwrap().account_code,
        Some(verdi.clone())
    );
    assert_eq!(store.audit(None, 10).await.unwrap().0[0].by, Some(anna()));
    let page = store.booked_records(&verdi.code, None, None, 50).await.unwrap();
    assert_eq!(page.records.len(), 1);
    assert_eq!(page.records[0].id, call_id(1));
    let rossi = "1042".parse().unwrap();
    let page = store
        .booked_records(&rossi, Some(&anna()), None, 50)
        .await
        .unwrap();
    assert_eq!((page.records.len(), page.more), (1, false));
    // What a call that is up is booked to does not undo what came after it.
    store.book_call(call_id(1), None).await.unwrap();
    assert_eq!(
        store.record(call_id(1)).await.unwrap().unwrap().account_code,
        Some(verdi)
    );
    store.save_call(call_up(3)).await.unwrap();
    store.book_call(call_id(3), None).await.unwrap();
    assert_eq!(store.calls_up().await.unwrap()[0].0.account_code, None);
}
