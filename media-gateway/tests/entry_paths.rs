//! Rule T6 on every way to the extension: the second trunk, a colleague's telephone, forwarding, transfer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{
    CallPhase, CallRules, CommandBody, Direction, EventBody, Extension, Forwarding, TransferTarget,
};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use support::baresip::{Baresip, Settings};
use support::{ANNA, COMPANY, FAR, HOME, Options, PASSWORD, World};

const BRUNO: &str = "bruno";
const DESK: &str = "desk-202";
const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;
const DESK_HZ: f64 = 1510.0;

fn two_trunks() -> ponte_pstn_sim::Config {
    let mut config = ponte_pstn_sim::Config::for_tests();
    let mut second = config.trunks[0].clone();
    second.name = "second".into();
    config.trunks.push(second);
    config
}

/// Anna telecommutes, Bruno does not.
async fn site() -> World {
    let world = World::with(Options {
        carrier: Some(two_trunks()),
        ..Options::default()
    })
    .await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.add_user(BRUNO, false).await;
    world
        .until("Bruno is known", |world| world.edge.state(BRUNO).is_some())
        .await;
    let at_home = Behaviour::Answer(Answer {
        after_ms: 300,
        tone_hz: Some(HOME_HZ),
        ..Answer::default()
    });
    world.carrier.set_number(HOME, at_home).unwrap();
    world.enter(HOME, Some(false)).await;
    world
}

/// Bruno's telephone, registered.
async fn desk(world: &World) -> Baresip {
    world.add_device(DESK, Some(BRUNO), false).await;
    world.station(BRUNO, DESK, |station| station.logged_on).await;
    let telephone = Baresip::start(&Settings::desk(DESK, (DESK, PASSWORD), world.sip, DESK_HZ)).await;
    telephone.registered().await;
    world.station(BRUNO, DESK, |station| station.registered).await;
    telephone
}

fn caller(to: &str) -> PlaceCall {
    PlaceCall {
        telephone: Answer {
            tone_hz: Some(FAR_HZ),
            ..Answer::default()
        },
        ..PlaceCall::new(FAR, to)
    }
}

/// Waits until a caller from outside and Anna's telephone at home hear each other.
async fn both_hear(world: &World, placed: u64) {
    world
        .until("the caller and Anna at home hear each other", |world| {
            world.call(placed).media.has_heard(HOME_HZ, 800)
                && world
                    .calls_to(HOME)
                    .first()
                    .is_some_and(|home| home.media.has_heard(FAR_HZ, 800))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_call_on_the_second_trunk_is_redirected() {
    let world = site().await;
    let placed = world.place(PlaceCall {
        trunk: Some("second".into()),
        ..caller(COMPANY)
    });
    let call = world.shown().await;
    world.connected(call.id).await;
    both_hear(&world, placed).await;
    world.hang_up(call.id).await;
    let record = world.ended(call.id).await;
    let trunks: Vec<_> = record.legs.iter().map(|leg| leg.trunk.as_str()).collect();
    assert_eq!(
        trunks,
        ["second", "main"],
        "it comes in on one and goes out on the other"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_call_by_another_extension_is_redirected() {
    let world = site().await;
    let telephone = desk(&world).await;
    telephone.dial("201").await;
    telephone.established(1).await;
    let call = world
        .shown_where(|call| matches!(call.phase, CallPhase::Connected { .. }))
        .await;
    assert_eq!(call.direction, Direction::Incoming);
    world
        .until("Anna at home hears Bruno", |world| {
            world.call_to(HOME).media.has_heard(DESK_HZ, 1500)
        })
        .await;
    // Inside the site a call has come one hop: from the telephone to here.
    assert_eq!(world.call_to(HOME).headers["Max-Forwards"], ["69"]);
    telephone.hang_up().await;
    telephone.closed(1).await;
    telephone.has_heard(HOME_HZ);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_call_that_a_colleague_forwards_is_redirected() {
    let world = site().await;
    let rules = CallRules {
        forwarding: Forwarding {
            always: Some("201".parse().unwrap()),
            ..Forwarding::default()
        },
        exceptions: Vec::new(),
    };
    world.accepted(BRUNO, CommandBody::SetCallRules { rules }).await;
    let placed = world.place(caller("202"));
    let call = world
        .shown_where(|call| matches!(call.phase, CallPhase::Connected { .. }))
        .await;
    both_hear(&world, placed).await;
    world.hang_up(call.id).await;
    world.ended(call.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_call_that_a_colleague_transfers_is_redirected() {
    let world = site().await;
    let telephone = desk(&world).await;
    let placed = world.place(caller("202"));
    telephone.rings(1).await;
    telephone.accept().await;
    telephone.established(1).await;
    let shown = world
        .edge
        .wait_event(|body| match body {
            EventBody::CallChanged { call } => matches!(call.phase, CallPhase::Connected { .. }),
            _ => false,
        })
        .await;
    let EventBody::CallChanged { call } = shown else {
        panic!("{shown:?}");
    };
    let extension: Extension = "201".parse().unwrap();
    let to = TransferTarget::Extension { extension };
    world
        .accepted(BRUNO, CommandBody::Transfer { call: call.id, to })
        .await;
    both_hear(&world, placed).await;
    telephone.closed(1).await;
}
