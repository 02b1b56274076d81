//! Where callers end when a user has left the mode (rule T10): the telephone that is free again, or voicemail, or busy where
//! it is not registered, somebody else is on it, or it is there no more.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_gateway::store::{Store, StoreOptions, StoreUse};
use ponte_protocol::{CallPhase, CommandBody, LegRole};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use std::time::Duration;
use support::baresip::{Baresip, Settings};
use support::{ANNA, COMPANY, FAR, HOME, PASSWORD, World};

const DESK: &str = "desk-201";
const BRUNO: &str = "bruno";

fn caller() -> PlaceCall {
    PlaceCall {
        telephone: Answer {
            tone_hz: Some(1_130.0),
            ..Answer::default()
        },
        ..PlaceCall::new(FAR, COMPANY)
    }
}

/// Anna works at home; her telephone is on the desk, where others may log on to it.
async fn away(registered: bool) -> (World, Option<Baresip>) {
    let world = World::start().await;
    let home = Behaviour::Answer(Answer::default());
    world.carrier.set_number(HOME, home).unwrap();
    world.add_user(BRUNO, true).await;
    world.add_device(DESK, Some(ANNA), true).await;
    world.station(ANNA, DESK, |station| station.logged_on).await;
    let desk = if registered {
        let settings = Settings::desk(DESK, (DESK, PASSWORD), world.sip, 700.0);
        let desk = Baresip::start(&settings).await;
        desk.registered().await;
        world.station(ANNA, DESK, |station| station.registered).await;
        Some(desk)
    } else {
        None
    };
    world.enter(HOME, Some(false)).await;
    world.station(ANNA, DESK, |station| !station.logged_on).await;
    (world, desk)
}

/// A caller reaches voicemail while Anna has it, and hears busy when she has none; nobody's telephone rings.
async fn caller_finds_nobody(world: &World, desk: Option<&Baresip>) {
    let placed = world.place(caller());
    let call = world
        .shown_where(|call| matches!(call.phase, CallPhase::Voicemail { .. }))
        .await;
    let lines = call.legs.iter().filter(|leg| leg.role == LegRole::User);
    assert_eq!(lines.count(), 0, "a telephone was called");
    world
        .until("the greeting is heard", |world| {
            world.call(placed).answered_at.is_some()
        })
        .await;
    world.hang_up(call.id).await;
    world.ended(call.id).await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    let placed = world.place(caller());
    world
        .until("the caller hears busy", |world| {
            world.call(placed).status == Some(486)
        })
        .await;
    assert!(world.calls_to(HOME).is_empty());
    assert_eq!(desk.map_or(0, Baresip::rang), 0, "the telephone on the desk rang");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_a_telephone_that_is_free_rings_again() {
    let (world, desk) = away(true).await;
    let desk = desk.unwrap();
    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    world.station(ANNA, DESK, |station| station.logged_on).await;
    world.place(caller());
    desk.rings(1).await;
    desk.accept().await;
    let call = world
        .shown_where(|call| matches!(call.phase, CallPhase::Connected { .. }))
        .await;
    assert!(world.calls_to(HOME).is_empty());
    world.hang_up(call.id).await;
    world.ended(call.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_a_telephone_that_is_not_registered_leaves_callers_to_voicemail_or_busy() {
    let (world, _) = away(false).await;
    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    caller_finds_nobody(&world, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_a_telephone_that_another_is_logged_on_to_leaves_callers_to_voicemail_or_busy() {
    let (world, desk) = away(true).await;
    let device = DESK.parse().unwrap();
    world.accepted(BRUNO, CommandBody::LogOn { device }).await;
    world.station(BRUNO, DESK, |station| station.logged_on).await;
    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    caller_finds_nobody(&world, desk.as_ref()).await;
    // It is Bruno's until he logs off it.
    world.station(BRUNO, DESK, |station| station.logged_on).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_a_telephone_that_was_removed_leaves_callers_to_voicemail_or_busy() {
    let (world, desk) = away(true).await;
    let store = Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
        .await
        .unwrap();
    store.remove_device(DESK.parse().unwrap()).await.unwrap();
    store.close(Duration::from_secs(5)).await;
    world
        .until("the portal shows it no more", |world| {
            world.edge.state(ANNA).is_some_and(|state| {
                state
                    .stations
                    .iter()
                    .all(|station| station.device.as_str() != DESK)
            })
        })
        .await;
    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    caller_finds_nobody(&world, desk.as_ref()).await;
}
