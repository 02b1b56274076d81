//! baresip, a telephone program that shares no code with the gateway: at the far end of a trunk, and on its own against
//! the simulated carrier, which proves the helper itself.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CauseReason, LegRole};
use ponte_pstn_sim::{
    Algorithm, Answer, Behaviour, CallDirection, CallReport, CallState, Config, Password, PlaceCall,
    Simulator, TrunkAuth,
};
use std::time::Duration;
use support::baresip::{Baresip, Settings};
use support::{FAR, HOME, Options, PATIENCE, World};

const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_baresip_and_the_users_telephone_hear_each_other() {
    let baresip = Baresip::start(&Settings::far(FAR, FAR_HZ)).await;
    // The carrier has no capacity for the far number, so it goes to the next trunk, which is baresip.
    let trunk = format!(
        "\n[[trunk]]\nname = \"baresip\"\naddress = \"{}\"\n",
        baresip.address
    );
    let world = World::with(Options {
        extra: trunk,
        ..Options::default()
    })
    .await;
    let home = Answer {
        after_ms: 50,
        tone_hz: Some(HOME_HZ),
        ..Answer::default()
    };
    world
        .telephones(Behaviour::Answer(home), Behaviour::ServiceUnavailable)
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    world
        .until("the user hears baresip", |world| {
            world.call_to(HOME).media.has_heard(FAR_HZ, 1500)
        })
        .await;
    world.hang_up(call).await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    let far = record.legs.iter().rfind(|leg| leg.role == LegRole::Far).unwrap();
    assert_eq!(far.trunk, "baresip");
    baresip.closed(1).await;
    baresip.has_heard(HOME_HZ);
}

/// A carrier that wants credentials of whoever registers or calls.
async fn registrar() -> Simulator {
    let mut config = Config::for_tests();
    config.trunks[0].auth = Some(TrunkAuth {
        username: "desk-201".into(),
        password: Password::new("a-telephones-secret"),
        realm: "carrier.example".into(),
        algorithm: Algorithm::Md5,
        challenge: 407,
        invites: true,
    });
    Simulator::start(config).await.unwrap()
}

async fn until(simulator: &Simulator, what: &str, holds: impl Fn(&CallReport) -> bool) -> CallReport {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(call) = simulator.calls().into_iter().find(&holds) {
            return call;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "waited in vain: {what}: {:#?}",
            simulator.calls()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn baresip_registers_dials_presses_keys_and_is_heard_over_udp_and_tcp() {
    for tcp in [false, true] {
        let carrier = registrar().await;
        let far = Answer {
            after_ms: 100,
            tone_hz: Some(FAR_HZ),
            ..Answer::default()
        };
        carrier.set_number(FAR, Behaviour::Answer(far)).unwrap();
        let credentials = ("desk-201", "a-telephones-secret");
        let desk = Baresip::start(&Settings {
            tcp,
            ..Settings::desk("201", credentials, carrier.sip_addr(), HOME_HZ)
        })
        .await;
        desk.registered().await;
        desk.dial(FAR).await;
        desk.established(1).await;
        desk.press("4#").await;
        let heard = until(&carrier, "the carrier hears the tone and the keys", |call| {
            call.media.has_heard(HOME_HZ, 1000) && call.media.digits() == "4#"
        })
        .await;
        assert_eq!(heard.headers["Via"][0].contains("/TCP"), tcp);
        desk.hang_up().await;
        desk.closed(1).await;
        desk.has_heard(FAR_HZ);
        carrier.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn baresip_rings_is_answered_on_command_and_refuses_on_command() {
    let carrier = Simulator::start(Config::for_tests()).await.unwrap();
    let desk = Baresip::start(&Settings {
        answers: false,
        ..Settings::far("201", HOME_HZ)
    })
    .await;
    let order = PlaceCall {
        via: Some(desk.address),
        telephone: Answer {
            tone_hz: Some(FAR_HZ),
            ..Answer::default()
        },
        ..PlaceCall::new(HOME, "201")
    };
    carrier.place(order.clone()).unwrap();
    let caller = desk.rings(1).await;
    assert!(caller.contains(HOME), "{caller}");
    assert!(
        carrier.calls()[0].answered_at.is_none(),
        "it rings until somebody accepts"
    );
    desk.accept().await;
    desk.established(1).await;
    until(&carrier, "the caller hears the telephone", |call| {
        call.media.has_heard(HOME_HZ, 1000)
    })
    .await;
    let placed = carrier.calls().remove(0);
    assert_eq!(placed.direction, CallDirection::FromTelephone);
    desk.hang_up().await;
    desk.closed(1).await;
    desk.has_heard(FAR_HZ);

    carrier.clear_calls();
    carrier.place(order).unwrap();
    desk.rings(2).await;
    desk.hang_up().await;
    let refused = until(&carrier, "the refusal", |call| {
        call.state == CallState::Ended && call.status != Some(200)
    })
    .await;
    assert!(
        matches!(refused.status, Some(486 | 603 | 480)),
        "{:?}",
        refused.status
    );
    assert_eq!(desk.rang(), 2);
    carrier.shutdown().await;
}
