//! What an administrator changes in the store while the gateway runs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_gateway::numbers::parse_rule;
use ponte_gateway::store::{GroupRow, Store, StoreOptions, StoreUse, UserRow};
use ponte_protocol::{CommandBody, DestinationId, EventBody, Outcome, Refusal, SavedDestination};
use std::time::{Duration, Instant};
use support::{ANNA, World};

async fn tool(world: &World) -> Store {
    Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn t02_a_destination_of_the_administrator_reaches_the_portals() {
    let world = World::start().await;
    let store = tool(&world).await;
    let home = SavedDestination {
        id: DestinationId(uuid::Uuid::from_u128(1)),
        label: "Lake house".to_owned(),
        number: "+390298765432".parse().unwrap(),
        confirm: false,
        verified: true,
    };
    store
        .save_destination(ANNA.parse().unwrap(), home.clone())
        .await
        .unwrap();
    store.announce_users().await.unwrap();
    world
        .edge
        .wait_event(|body| match body {
            EventBody::DestinationsChanged { destinations } => *destinations == [home.clone()],
            _ => false,
        })
        .await;
    store
        .delete_destination(ANNA.parse().unwrap(), home.id)
        .await
        .unwrap();
    store.announce_users().await.unwrap();
    world
        .edge
        .wait_event(|body| match body {
            EventBody::DestinationsChanged { destinations } => destinations.is_empty(),
            _ => false,
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t04_a_groups_new_rule_holds_in_a_running_gateway() {
    let world = World::start().await;
    let store = tool(&world).await;
    let sales = |rules: &[&str]| GroupRow {
        group: "sales".parse().unwrap(),
        restrictions: rules.iter().map(|rule| parse_rule(rule).unwrap()).collect(),
    };
    store.add_group(sales(&[])).await.unwrap();
    let anna = store.user(&ANNA.parse().unwrap()).await.unwrap().unwrap();
    let grouped = UserRow {
        group: Some(sales(&[])),
        ..anna
    };
    store.set_user(grouped).await.unwrap();
    store.set_group(sales(&["deny +3906"])).await.unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let save = CommandBody::SaveDestination {
            label: "Rome".to_owned(),
            number: "0687654321".parse().unwrap(),
            confirm: None,
        };
        match world.edge.command(ANNA, save).await {
            Outcome::Refused { refusal } => {
                let rule = "+3906".to_owned();
                assert_eq!(refusal, Refusal::Restricted { rule });
                break;
            }
            outcome => assert!(Instant::now() < until, "{outcome:?}"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
