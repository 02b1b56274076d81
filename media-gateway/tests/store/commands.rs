use super::{NOW, abandon, anna, open};
use ponte_gateway::store::{COMMAND_KEPT_MS, Claim, Invitation};
use ponte_protocol::{CommandId, Outcome, Refusal, Reply};
use std::collections::HashSet;
use uuid::Uuid;

fn id(n: u128) -> CommandId {
    CommandId(Uuid::from_u128(n))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_claimed_a_hundred_times_at_once_is_new_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let claims: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.claim_command(anna(), id(1), [7; 32], NOW).await.unwrap() })
        })
        .collect();
    let mut new = 0;
    for claim in claims {
        match claim.await.unwrap() {
            Claim::New => new += 1,
            Claim::Known { reply } => assert_eq!(reply, None),
            Claim::OtherContent => panic!("the content was the same"),
        }
    }
    assert_eq!(new, 1);
}

#[tokio::test]
async fn a_claimed_command_answers_with_its_reply_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let reply = Reply {
        id: id(1),
        outcome: Outcome::Accepted {
            call: Some(super::call_id(1)),
        },
    };
    assert_eq!(
        store.claim_command(anna(), id(1), [7; 32], NOW).await.unwrap(),
        Claim::New
    );
    assert_eq!(
        store.claim_command(anna(), id(2), [7; 32], NOW).await.unwrap(),
        Claim::New
    );
    store.store_reply(reply.clone()).await.unwrap();
    abandon(folder.path(), store).await;

    let store = open(folder.path()).await;
    let known = store.claim_command(anna(), id(1), [7; 32], NOW).await.unwrap();
    assert_eq!(known, Claim::Known { reply: Some(reply) });
    let unanswered = store.claim_command(anna(), id(2), [7; 32], NOW).await.unwrap();
    assert_eq!(unanswered, Claim::Known { reply: None });
}

#[tokio::test]
async fn an_id_used_with_other_content_or_by_another_user_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.claim_command(anna(), id(1), [7; 32], NOW).await.unwrap();
    store
        .store_reply(Reply::refused(id(1), Refusal::LineBusy))
        .await
        .unwrap();
    let other_content = store.claim_command(anna(), id(1), [8; 32], NOW).await.unwrap();
    assert_eq!(other_content, Claim::OtherContent);
    let bruno = "bruno".parse().unwrap();
    let other_user = store.claim_command(bruno, id(1), [7; 32], NOW).await.unwrap();
    assert_eq!(other_user, Claim::OtherContent);
}

#[tokio::test]
async fn pruning_forgets_what_is_past_its_time_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.add_user(super::user("anna", "201")).await.unwrap();
    let day = 24 * 60 * 60 * 1000;
    let now = NOW;
    for n in 0..5_000 {
        drop(store.claim_command(
            anna(),
            id(n),
            [0; 32],
            ponte_protocol::UnixMillis(now.0 - COMMAND_KEPT_MS - 1),
        ));
    }
    store
        .claim_command(
            anna(),
            id(9_999),
            [0; 32],
            ponte_protocol::UnixMillis(now.0 - COMMAND_KEPT_MS),
        )
        .await
        .unwrap();
    store
        .insert_record(super::record(
            1,
            &anna(),
            ponte_protocol::UnixMillis(now.0 - 400 * day - 1),
        ))
        .await
        .unwrap();
    store
        .insert_record(super::record(
            2,
            &anna(),
            ponte_protocol::UnixMillis(now.0 - 400 * day),
        ))
        .await
        .unwrap();
    store.add_user(super::user("bruno", "202")).await.unwrap();
    for (n, user, expires_at) in [(1, anna(), now), (2, "bruno".parse().unwrap(), now.plus(1))] {
        store
            .create_invitation(Invitation {
                user,
                token_hash: format!("{n:064x}"),
                expires_at,
            })
            .await
            .unwrap();
    }
    let pruned = store.prune(now, 400).await.unwrap();
    assert_eq!(
        (pruned.commands, pruned.records, pruned.invitations),
        (5_000, 1, 1)
    );
    let kept = store.records(&anna(), None, 10).await.unwrap();
    assert_eq!(
        kept.records
            .iter()
            .map(|record| record.id)
            .collect::<HashSet<_>>(),
        [super::call_id(2)].into()
    );
    assert_eq!(store.record(super::call_id(1)).await.unwrap(), None);
    let claim = store
        .claim_command(anna(), id(9_999), [0; 32], now)
        .await
        .unwrap();
    assert_eq!(claim, Claim::Known { reply: None });
    assert_eq!(
        store.claim_command(anna(), id(0), [0; 32], now).await.unwrap(),
        Claim::New
    );
}
