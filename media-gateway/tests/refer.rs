//! The transfer key of a desk telephone: baresip sends REFER (rules T6, T17).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CommandBody, DestinationChoice};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use support::baresip::{Baresip, Settings};
use support::{ANNA, COMPANY, FAR, HOME, Options, PASSWORD, World};

const DESK: &str = "desk-201";
const BRUNO: &str = "bruno";
const DESK_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;
const HOME_HZ: f64 = 1510.0;

/// Anna at her desk in a call from outside; Bruno telecommutes.
async fn in_a_call() -> (World, Baresip, u64) {
    let world = World::with(Options::default()).await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.add_device(DESK, Some(ANNA), false).await;
    world
        .station(ANNA, DESK, |station| station.own && station.logged_on)
        .await;
    let settings = Settings::desk(DESK, (DESK, PASSWORD), world.sip, DESK_HZ);
    let desk = Baresip::start(&settings).await;
    desk.registered().await;
    world.station(ANNA, DESK, |station| station.registered).await;
    world.add_user(BRUNO, true).await;
    world
        .until("Bruno is known", |world| world.edge.state(BRUNO).is_some())
        .await;
    let at_home = Behaviour::Answer(Answer {
        after_ms: 1500,
        tone_hz: Some(HOME_HZ),
        ..Answer::default()
    });
    world.carrier.set_number(HOME, at_home).unwrap();
    let destination = DestinationChoice::Number {
        number: HOME.parse().unwrap(),
        confirm: Some(false),
    };
    world
        .accepted(BRUNO, CommandBody::EnterTelecommuter { destination })
        .await;

    let placed = world.place(PlaceCall {
        telephone: Answer {
            tone_hz: Some(FAR_HZ),
            ..Answer::default()
        },
        ..PlaceCall::new(FAR, COMPANY)
    });
    desk.rings(1).await;
    desk.accept().await;
    desk.established(1).await;
    world
        .until("the caller hears the telephone", |world| {
            world.call(placed).media.has_heard(DESK_HZ, 500)
        })
        .await;
    (world, desk, placed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_transfer_by_a_telephone_is_redirected() {
    let (world, desk, placed) = in_a_call().await;
    desk.transfer(&format!("sip:202@{}", world.sip)).await;
    world
        .until("the caller and Bruno at home hear each other", |world| {
            world.calls_to(HOME).first().is_some_and(|home| {
                home.media.has_heard(FAR_HZ, 1500) && world.call(placed).media.has_heard(HOME_HZ, 1500)
            })
        })
        .await;
    assert_eq!(desk.closed(1).await, "Call transfered");
    world.line_is_free(ANNA).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t17_a_telephone_cannot_transfer_to_an_emergency_number() {
    let (world, desk, _placed) = in_a_call().await;
    desk.transfer(&format!("sip:112@{}", world.sip)).await;
    // baresip then ends its call by itself.
    assert!(desk.transfer_failed(1).await.contains("403"));
    world
        .until("the call is over", |world| world.carrier.active_calls() == 0)
        .await;
    assert_eq!(world.carrier.calls().len(), 1, "somebody was called");
}
