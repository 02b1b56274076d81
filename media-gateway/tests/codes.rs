//! Rule T13 through the whole gateway: keys of a real telephone (RFC 4733) while no portal is connected, and while one is.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallPhase, EdgeFrame, EndedBy, EventBody, Mode};
use ponte_pstn_sim::{Answer, Behaviour, Press};
use support::{ANNA, FAR, HOME, World};

const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;
const SECOND: &str = "+390298765402";

fn answer(tone_hz: f64, press: &[(&str, u64)]) -> Behaviour {
    let press = press.iter().map(|(digits, at_ms)| Press {
        digits: (*digits).to_owned(),
        at_ms: *at_ms,
    });
    Behaviour::Answer(Answer {
        after_ms: 100,
        tone_hz: Some(tone_hz),
        press: press.collect(),
        ..Answer::default()
    })
}

fn portals(world: &World, portals: u32) {
    world.edge.send(EdgeFrame::Presence {
        user: ANNA.parse().unwrap(),
        portals,
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_the_far_end_hears_other_keys_and_never_a_code() {
    let world = World::start().await;
    world.carrier.set_number(SECOND, answer(900.0, &[])).unwrap();
    // A key for a menu, then: let go, and dial another number.
    world
        .telephones(
            answer(HOME_HZ, &[("4*2", 2_500), ("**0", 6_000), ("0298765402#", 8_500)]),
            answer(FAR_HZ, &[]),
        )
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    world
        .until("the keys for the menu arrive", |world| {
            world.call_to(FAR).media.digits() == "4*2"
        })
        .await;
    world
        .until("the other number is called", |world| {
            world.calls_to(SECOND).len() == 1
        })
        .await;
    world
        .until("both hear each other", |world| {
            world.call_to(HOME).media.has_heard(900.0, 300)
                && world.call_to(SECOND).media.has_heard(HOME_HZ, 300)
        })
        .await;
    assert_eq!(world.call_to(FAR).media.digits(), "4*2", "the code leaked");
    assert_eq!(world.call_to(SECOND).media.digits(), "", "the number leaked");
    assert!(
        world.call_to(HOME).media.has_heard(425.0, 300),
        "no dial tone was heard"
    );
    world.hang_up(call).await;
    let record = world.ended(call).await;
    assert_eq!(record.number, SECOND);
    assert_eq!(record.legs.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_with_a_portal_every_key_passes_and_a_cut_link_is_no_portal() {
    let world = World::start().await;
    portals(&world, 1);
    world
        .telephones(
            answer(HOME_HZ, &[("**0", 2_500), ("**9**0", 9_000)]),
            answer(FAR_HZ, &[]),
        )
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    world
        .until("the keys arrive", |world| {
            world.call_to(FAR).media.digits() == "**0"
        })
        .await;
    // The data link is lost before the next keys: they are codes.
    world.edge.cut(std::time::Duration::from_secs(2));
    world.edge.wait_unlinked().await;
    world.edge.wait_linked().await;
    world
        .edge
        .wait_event(|body| {
            matches!(body, EventBody::CallChanged { call: view }
                if view.id == call && matches!(view.phase, CallPhase::FarFailed { .. }))
        })
        .await;
    assert_eq!(world.call_to(FAR).media.digits(), "**0", "the code leaked");
    let record = world.ended(call).await;
    assert_eq!(record.ended_by, EndedBy::UserLeg);
    world
        .edge
        .wait_event(|body| matches!(body, EventBody::ModeChanged { mode: Mode::Office }))
        .await;
}
