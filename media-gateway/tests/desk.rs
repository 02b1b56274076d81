//! Desk telephones at the gateway: baresip registers, calls and is called (rules T3, T6, T10, T11, T17).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallPhase, CauseReason, CommandBody, Direction, EndedBy, LegRole};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use support::baresip::{Baresip, Settings};
use support::{ANNA, COMPANY, FAR, HOME, Options, PASSWORD, World};

const DESK: &str = "desk-201";
const DESK_HZ: f64 = 700.0;
const OTHER_HZ: f64 = 1130.0;
const BRUNO: &str = "bruno";

fn answer(tone_hz: f64) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms: 200,
        tone_hz: Some(tone_hz),
        ..Answer::default()
    })
}

fn call_in() -> PlaceCall {
    PlaceCall {
        telephone: Answer {
            tone_hz: Some(OTHER_HZ),
            ..Answer::default()
        },
        ..PlaceCall::new(FAR, COMPANY)
    }
}

async fn telephone(world: &World, device: &str, tone_hz: f64) -> Baresip {
    let settings = Settings::desk(device, (device, PASSWORD), world.sip, tone_hz);
    let telephone = Baresip::start(&settings).await;
    telephone.registered().await;
    telephone
}

/// Anna with her telephone on the desk, registered; voicemail takes no calls.
async fn office() -> (World, Baresip) {
    let world = World::with(Options::default()).await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.add_device(DESK, Some(ANNA), false).await;
    world
        .station(ANNA, DESK, |station| station.own && station.logged_on)
        .await;
    let desk = telephone(&world, DESK, DESK_HZ).await;
    world.station(ANNA, DESK, |station| station.registered).await;
    (world, desk)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_call_to_the_extension_rings_the_desk_telephone() {
    let (world, desk) = office().await;
    let placed = world.place(call_in());
    assert!(desk.rings(1).await.contains(FAR));
    world
        .until("the caller hears ringing", |world| {
            world.call(placed).ringing_at.is_some()
        })
        .await;
    desk.accept().await;
    let call = world.shown().await;
    world.connected(call.id).await;
    world
        .until("the caller hears the telephone", |world| {
            world.call(placed).media.has_heard(DESK_HZ, 1500)
        })
        .await;
    desk.hang_up().await;
    let record = world.ended(call.id).await;
    assert_eq!(record.ended_by, EndedBy::UserLeg);
    assert_eq!(
        record.legs.iter().find_map(|leg| leg.device.clone()),
        Some(DESK.parse().unwrap())
    );
    desk.closed(1).await;
    desk.has_heard(OTHER_HZ);
    world
        .until("the caller is released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t04_a_desk_telephone_calls_out_as_its_user() {
    let (world, desk) = office().await;
    world.carrier.set_number(FAR, answer(OTHER_HZ)).unwrap();
    desk.dial(FAR).await;
    desk.established(1).await;
    world
        .until("the far party hears the telephone", |world| {
            world
                .calls_to(FAR)
                .first()
                .is_some_and(|call| call.media.has_heard(DESK_HZ, 1500))
        })
        .await;
    assert_eq!(world.call_to(FAR).from, COMPANY);
    let state = world.edge.state(ANNA).unwrap();
    assert_eq!(state.calls[0].direction, Direction::Outgoing);
    assert!(state.presence.on_call, "being on a call is not shown");
    desk.hang_up().await;
    desk.closed(1).await;
    desk.has_heard(OTHER_HZ);
    world
        .until("the far party is released and the portal knows", |world| {
            world.carrier.active_calls() == 0 && world.has_free_line(ANNA)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t03_t10_telecommuting_takes_the_telephone_away_and_gives_it_back() {
    let (world, desk) = office().await;
    world.carrier.set_number(HOME, answer(1510.0)).unwrap();
    world.enter(HOME, Some(false)).await;
    world.station(ANNA, DESK, |station| !station.logged_on).await;
    // Calls from it are refused, and it does not ring.
    desk.dial(FAR).await;
    assert!(desk.closed(1).await.contains("403"));
    // The portals ask whether the user is back, and no longer once they are told.
    let offered = |world: &World| world.edge.state(ANNA).and_then(|state| state.desk_used);
    world
        .until("the portals offer to leave", |world| {
            offered(world).is_some_and(|used| used.device.as_str() == DESK)
        })
        .await;
    world.accepted(ANNA, CommandBody::Stay).await;
    world
        .until("the offer is put away", |world| offered(world).is_none())
        .await;
    world.place(call_in());
    let call = world.shown().await;
    world.connected(call.id).await;
    assert_eq!(desk.rang(), 0);
    world.hang_up(call.id).await;
    world.ended(call.id).await;

    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    world.station(ANNA, DESK, |station| station.logged_on).await;
    world.place(call_in());
    desk.rings(1).await;
    desk.accept().await;
    let back = world
        .shown_where(|again| again.id != call.id && matches!(again.phase, CallPhase::Connected { .. }))
        .await;
    world.hang_up(back.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_a_code_at_the_own_telephone_leaves_the_mode() {
    let (world, desk) = office().await;
    world.carrier.set_number(HOME, answer(1510.0)).unwrap();
    world.enter(HOME, Some(false)).await;
    world.station(ANNA, DESK, |station| !station.logged_on).await;
    desk.dial("*13").await;
    desk.established(1).await;
    world.station(ANNA, DESK, |station| station.logged_on).await;
    desk.closed(1).await;
    assert!(!desk.heard().is_empty(), "nothing was said");
    world.place(call_in());
    desk.rings(1).await;
    assert!(world.calls_to(HOME).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_without_a_telephone_the_user_is_logged_off() {
    let (world, desk) = office().await;
    world.carrier.set_number(HOME, answer(1510.0)).unwrap();
    world.enter(HOME, Some(false)).await;
    drop(desk);
    world
        .change_user(ANNA, |row| row.call_waiting_allowed = false)
        .await;
    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    let placed = world.place(call_in());
    world
        .until("the caller is told", |world| {
            world.call(placed).status.is_some_and(|status| status >= 480)
        })
        .await;
    assert!(world.calls_to(HOME).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_desk_telephones_call_each_other() {
    let (world, anna) = office().await;
    world.add_user(BRUNO, false).await;
    world
        .until("Bruno is known", |world| world.edge.state(BRUNO).is_some())
        .await;
    world
        .change_user(BRUNO, |row| row.voicemail_allowed = false)
        .await;
    world.add_device("desk-202", Some(BRUNO), false).await;
    world
        .station(BRUNO, "desk-202", |station| station.logged_on)
        .await;
    let bruno = telephone(&world, "desk-202", OTHER_HZ).await;
    world
        .station(BRUNO, "desk-202", |station| station.registered)
        .await;

    anna.dial("202").await;
    assert!(bruno.rings(1).await.contains("201"));
    bruno.accept().await;
    anna.established(1).await;
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    anna.hang_up().await;
    anna.closed(1).await;
    bruno.closed(1).await;
    anna.has_heard(OTHER_HZ);
    bruno.has_heard(DESK_HZ);
    for (user, direction) in [(ANNA, Direction::Outgoing), (BRUNO, Direction::Incoming)] {
        world
            .until("each has a record", |world| {
                world.edge.state(user).is_some_and(|state| {
                    state
                        .log
                        .first()
                        .is_some_and(|record| record.direction == direction)
                })
            })
            .await;
        let record = world.edge.state(user).unwrap().log[0].clone();
        assert_eq!(record.cause.reason, CauseReason::NormalClearing);
        assert!(
            record
                .legs
                .iter()
                .any(|leg| leg.role == LegRole::User && leg.device.is_some())
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t11_a_user_logs_on_to_a_free_telephone_by_extension_and_pin() {
    let (world, _own) = office().await;
    world
        .change_user(ANNA, |row| {
            row.pin = Some(ponte_gateway::store::PinHash::new("4711").unwrap());
        })
        .await;
    world.add_device("hot-1", None, true).await;
    world.station(ANNA, "hot-1", |station| !station.logged_on).await;
    let hot = telephone(&world, "hot-1", OTHER_HZ).await;
    hot.dial(FAR).await;
    assert!(hot.closed(1).await.contains("403"), "nobody is logged on");
    hot.dial("*11").await;
    hot.established(1).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    hot.press("201#").await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    hot.press("4711#").await;
    world.station(ANNA, "hot-1", |station| station.logged_on).await;
    world.station(ANNA, DESK, |station| !station.logged_on).await;
    hot.closed(2).await;
    world.place(call_in());
    hot.rings(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registrations_and_log_ons_survive_a_restart() {
    let (mut world, desk) = office().await;
    world.stop_gateway().await;
    world.start_gateway().await;
    // No word of the telephone is needed.
    world
        .station(ANNA, DESK, |station| station.registered && station.logged_on)
        .await;
    world.place(call_in());
    desk.rings(1).await;
    world.crash_gateway().await;
    world.start_gateway().await;
    world
        .station(ANNA, DESK, |station| station.registered && station.logged_on)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_with_a_wrong_password_neither_registers_nor_calls() {
    let (world, _desk) = office().await;
    let settings = Settings::desk(DESK, (DESK, "guess"), world.sip, OTHER_HZ);
    let thief = Baresip::start(&settings).await;
    thief.dial(FAR).await;
    // Guesses are answered 401, then not at all.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(!thief.log().contains(" binding"), "{}", thief.log());
    assert!(world.carrier.calls().is_empty());
}
