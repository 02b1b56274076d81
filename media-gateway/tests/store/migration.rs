use super::{NOW, anna, call_id, open};
use ponte_call_core::LegId;
use ponte_gateway::store::{Claim, Versions};
use ponte_protocol::{CauseReason, CommandId, Direction, Mode};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqlSafeStr};
use std::borrow::Cow;
use std::path::Path;

/// A database as the first version left it, with a row in every table.
async fn first_version(folder: &Path) {
    let mut connection = SqliteConnectOptions::new()
        .filename(folder.join("ponte.db"))
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    let initial = Migration::new(
        1,
        Cow::Borrowed("initial"),
        MigrationType::Simple,
        include_str!("../../migrations/0001_initial.sql").into_sql_str(),
        false,
    );
    Migrator::with_migrations(vec![initial])
        .run_direct(None, &mut connection, false)
        .await
        .unwrap();
    for statement in [
        "INSERT INTO users VALUES ('anna', 'Anna', '201', 1, '+390212345600', NULL, NULL, 'allow +44', 10, 60, 20000, 1)",
        "INSERT INTO invitations VALUES ('ab', 'anna', 1790000001000)",
        r#"INSERT INTO modes VALUES ('anna', '{"type":"office"}')"#,
        "INSERT INTO destinations VALUES (x'00000000000000000000000000000001', 'anna', 'Home', '+390299887766', 0, 1)",
        "INSERT INTO commands VALUES (x'00000000000000000000000000000007', 'anna', zeroblob(32), 1790000000000, NULL)",
        "INSERT INTO calls_up VALUES (x'00000000000000000000000000000001', 'anna', 'outgoing', '0287654321',
             '+390287654321', NULL, 1790000000000, NULL)",
        "INSERT INTO legs_up VALUES (x'00000000000000000000000000000001', 0, 'user', '+393331234567', 'first',
             1790000000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}')",
        "INSERT INTO records VALUES (x'00000000000000000000000000000002', 'anna', 'outgoing', '0287654321',
             '+390287654321', NULL, 1790000000000, NULL, 1790000005000, 'busy', 'user', 17, 486, 'far_leg')",
        "INSERT INTO record_legs VALUES (x'00000000000000000000000000000002', 0, 'user', '+393331234567', 'first',
             1790000000000, NULL, NULL, 1790000005000, 'busy', 'user', 17, 486)",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_the_first_version_goes_on_with_what_it_held() {
    let folder = tempfile::tempdir().unwrap();
    first_version(folder.path()).await;
    let store = open(folder.path()).await;

    let users = store.users().await.unwrap();
    let [user] = users.as_slice() else {
        panic!("{users:?}")
    };
    assert_eq!((&user.user, user.extension.as_str()), (&anna(), "201"));
    assert_eq!((user.caps.dials_per_hour, user.confirm), (10, Some(true)));
    assert!(user.telecommuter_allowed && user.call_waiting_allowed && user.voicemail_allowed);
    assert!(!user.administrator && user.pin.is_none() && user.email.is_none() && user.group.is_none());

    let destinations = store.destinations(&anna()).await.unwrap();
    assert!(
        destinations.len() == 1 && destinations[0].verified,
        "{destinations:?}"
    );
    assert_eq!(store.modes().await.unwrap(), [(anna(), Mode::Office)]);
    assert_eq!(store.pending_invitations(NOW).await.unwrap().len(), 1);
    let claim = store
        .claim_command(anna(), CommandId(call_id(7).0), [0; 32], NOW)
        .await;
    assert_eq!(claim.unwrap(), Claim::Known { reply: None });

    let up = store.calls_up().await.unwrap();
    let leg = &up[0].1[0];
    let first = LegId {
        call: call_id(1),
        index: 0,
    };
    assert_eq!(
        (leg.leg, leg.direction, &leg.device),
        (first, Direction::Outgoing, &None)
    );
    let record = store.record(call_id(2)).await.unwrap().unwrap();
    assert_eq!((record.cause.reason, record.message), (CauseReason::Busy, None));
    assert_eq!((record.legs.len(), &record.legs[0].device), (1, &None));

    let Versions {
        users, devices, dids, ..
    } = store.versions().await.unwrap();
    assert_eq!((users, devices, dids), (1, 0, 0));
}
