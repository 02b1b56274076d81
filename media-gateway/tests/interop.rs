//! What carriers do: digest, TCP, reliable provisional responses, re-INVITE, session timers, early fail-over.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::CauseReason;
use ponte_pstn_sim::{
    Algorithm, Answer, Behaviour, Password, Refresher, Reinvite, ReinviteMode, SessionTimer, TrunkAuth,
};
use std::time::Duration;
use support::{FAR, HOME, Options, World};

const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;

fn answer(tone_hz: f64) -> Answer {
    Answer {
        after_ms: 50,
        tone_hz: Some(tone_hz),
        ..Answer::default()
    }
}

/// Both hear each other for a second, then the portal hangs up.
async fn talks(world: &World, home: Behaviour, far: Behaviour) {
    world.telephones(home, far).await;
    let call = world.dial().await;
    world.connected(call).await;
    world
        .until("each hears the other", |world| {
            world.call_to(HOME).media.has_heard(FAR_HZ, 800)
                && world.call_to(FAR).media.has_heard(HOME_HZ, 800)
        })
        .await;
    world.hang_up(call).await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    world
        .until("both are released", |world| world.carrier.active_calls() == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_may_ask_for_credentials() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let mut carrier = ponte_pstn_sim::Config::for_tests();
        carrier.trunks[0].auth = Some(TrunkAuth {
            username: "ponte".into(),
            password: Password::new("a carrier's secret"),
            realm: "carrier.example".into(),
            algorithm,
            challenge: 407,
            invites: true,
        });
        let trunk = "username = \"ponte\"\npassword = \"a carrier's secret\"\nregister = true\n";
        let world = World::with(Options {
            carrier: Some(carrier),
            trunk: trunk.into(),
            ..Options::default()
        })
        .await;
        talks(
            &world,
            Behaviour::Answer(answer(HOME_HZ)),
            Behaviour::Answer(answer(FAR_HZ)),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_may_be_reached_over_tcp() {
    let world = World::with(Options {
        trunk: "transport = \"tcp\"\n".into(),
        ..Options::default()
    })
    .await;
    talks(
        &world,
        Behaviour::Answer(answer(HOME_HZ)),
        Behaviour::Answer(answer(FAR_HZ)),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_may_demand_reliable_provisional_responses() {
    let world = World::start().await;
    let reliable = |hz| Behaviour::Require100Rel(answer(hz));
    talks(&world, reliable(HOME_HZ), reliable(FAR_HZ)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_re_invite_without_offer_leaves_the_audio_as_it_is() {
    let world = World::start().await;
    let far = Reinvite {
        at_ms: 500,
        mode: ReinviteMode::Offerless,
        answer: answer(FAR_HZ),
    };
    talks(
        &world,
        Behaviour::Answer(answer(HOME_HZ)),
        Behaviour::Reinvite(far),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_is_answered_and_the_call_goes_on() {
    let world = World::start().await;
    let far = Reinvite {
        at_ms: 1500,
        mode: ReinviteMode::Hold,
        answer: answer(FAR_HZ),
    };
    world
        .telephones(Behaviour::Answer(answer(HOME_HZ)), Behaviour::Reinvite(far))
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    tokio::time::sleep(Duration::from_millis(3500)).await;
    let far = world.call_to(FAR);
    let answered = far
        .wire
        .iter()
        .any(|event| event.what.contains("200 INVITE") && event.at > far.acked_at.unwrap());
    assert!(answered, "the hold was not answered: {:?}", far.wire);
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.cause.reason, CauseReason::NormalClearing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_timer_is_kept_whoever_refreshes() {
    for refresher in [Refresher::Uac, Refresher::Uas] {
        let world = World::start().await;
        let far = SessionTimer {
            interval_s: 4,
            refresher,
            answer: answer(FAR_HZ),
        };
        world
            .telephones(Behaviour::Answer(answer(HOME_HZ)), Behaviour::SessionTimer(far))
            .await;
        let call = world.dial().await;
        world.connected(call).await;
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert_eq!(
            world.carrier.active_calls(),
            2,
            "{refresher:?}: the session ran out"
        );
        world.hang_up(call).await;
        assert_eq!(
            world.ended(call).await.cause.reason,
            CauseReason::NormalClearing,
            "{refresher:?}"
        );
    }
}
