//! Every failure of either leg: what the user hears, what the portal says, what the record holds.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallPhase, CallRecord, CauseReason, CommandBody, EndedBy, EventBody, LegRole, Outcome};
use ponte_pstn_sim::{Answer, Behaviour, Refuse, TrunkConfig, TrunkMode};
use std::net::SocketAddr;
use std::time::Duration;
use support::{ANNA, FAR, HOME, Options, World};

const HOME_HZ: f64 = 700.0;

fn answers() -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms: 50,
        tone_hz: Some(HOME_HZ),
        ..Answer::default()
    })
}

/// Two trunks, the first in a mode of its own.
fn two_trunks(first: TrunkMode) -> ponte_pstn_sim::Config {
    let mut config = ponte_pstn_sim::Config::for_tests();
    config.trunks[0].mode = first;
    config
        .trunks
        .push(TrunkConfig::at("second", SocketAddr::from(([127, 0, 0, 1], 0))));
    config
}

async fn failure_of_the_far_leg(behaviour: Behaviour) -> (World, CallRecord, CauseReason) {
    let timeouts = "\n[timeouts]\nredial_ms = 1000\nfar_no_answer_ms = 5000\n".to_owned();
    let world = World::with(Options {
        extra: timeouts,
        ..Default::default()
    })
    .await;
    world.telephones(answers(), behaviour).await;
    let call = world.dial().await;
    let shown = world
        .edge
        .wait_event(|body| match body {
            EventBody::CallChanged { call } => matches!(call.phase, CallPhase::FarFailed { .. }),
            _ => false,
        })
        .await;
    let EventBody::CallChanged { call: view } = shown else {
        unreachable!()
    };
    let CallPhase::FarFailed { cause, .. } = view.phase else {
        unreachable!()
    };
    let record = world.ended(call).await;
    (world, record, cause.reason)
}

async fn check_far(behaviour: Behaviour, reason: CauseReason, sip: Option<u16>) {
    let (world, record, shown) = failure_of_the_far_leg(behaviour.clone()).await;
    assert_eq!(shown, reason, "the portal, for {behaviour:?}");
    assert_eq!(record.cause.reason, reason, "the record, for {behaviour:?}");
    let far = record.legs.iter().rfind(|leg| leg.role == LegRole::Far).unwrap();
    assert_eq!(far.cause.reason, reason);
    assert_eq!(far.cause.sip, sip);
    // A tone of the network, then a voice: the user never sits in silence.
    let heard = world.call_to(HOME).media;
    let tones = heard.heard.iter().filter(|tone| tone.total_ms >= 200).count();
    assert!(tones > 0, "the user heard nothing for {behaviour:?}: {heard:?}");
    assert!(
        heard.packets_received > 100,
        "the user was sent only {} packets",
        heard.packets_received
    );
    world
        .until("the user's telephone is released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_a_busy_far_party_is_heard_and_shown() {
    check_far(Behaviour::Busy, CauseReason::Busy, Some(486)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_a_decline_is_heard_and_shown() {
    check_far(Behaviour::Decline, CauseReason::Declined, Some(603)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_a_number_that_does_not_exist_is_heard_and_shown() {
    check_far(Behaviour::NoSuchNumber, CauseReason::NoSuchNumber, Some(404)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_a_telephone_out_of_reach_is_heard_and_shown() {
    check_far(Behaviour::Unavailable, CauseReason::Unavailable, Some(480)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_a_forbidden_number_is_heard_and_shown() {
    let refuse = Behaviour::Refuse(Refuse {
        status: 403,
        after_ms: 0,
    });
    check_far(refuse, CauseReason::Forbidden, Some(403)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_nobody_answering_is_heard_and_shown() {
    let (world, record, shown) = failure_of_the_far_leg(Behaviour::RingOut).await;
    assert_eq!(
        (shown, record.cause.reason),
        (CauseReason::NoAnswer, CauseReason::NoAnswer)
    );
    assert!(world.call_to(FAR).cancelled_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_another_number_can_be_dialled_on_the_same_leg() {
    let world = World::start().await;
    world.telephones(answers(), Behaviour::Busy).await;
    let call = world.dial().await;
    world
        .edge
        .wait_event(|body| match body {
            EventBody::CallChanged { call } => matches!(call.phase, CallPhase::FarFailed { .. }),
            _ => false,
        })
        .await;
    let other = "+390298765402";
    world.carrier.set_number(other, answers()).unwrap();
    let outcome = world
        .edge
        .command(
            ANNA,
            CommandBody::Dial {
                number: other.parse().unwrap(),
                account_code: None,
            },
        )
        .await;
    assert_eq!(outcome, Outcome::Accepted { call: Some(call) });
    world.connected(call).await;
    assert_eq!(
        world.calls_to(HOME).len(),
        1,
        "the user's telephone was called again"
    );
    world.hang_up(call).await;
    let record = world.ended(call).await;
    assert_eq!(record.number, other);
    assert_eq!(record.legs.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t04_a_user_leg_that_fails_calls_nobody() {
    for (behaviour, reason) in [
        (Behaviour::Busy, CauseReason::Busy),
        (Behaviour::Decline, CauseReason::Declined),
        (Behaviour::NoSuchNumber, CauseReason::NoSuchNumber),
        (Behaviour::Unavailable, CauseReason::Unavailable),
    ] {
        let world = World::start().await;
        world.telephones(behaviour.clone(), answers()).await;
        let call = world.dial().await;
        let record = world.ended(call).await;
        assert_eq!(record.cause.reason, reason, "{behaviour:?}");
        assert!(world.calls_to(FAR).is_empty(), "{behaviour:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_trunk_takes_over_where_the_first_is_out_of_order() {
    for mode in [
        TrunkMode::ServiceUnavailable,
        TrunkMode::ServerError,
        TrunkMode::Silent,
    ] {
        let timeouts = "\n[timeouts]\ntrunk_response_ms = 1000\n".to_owned();
        let carrier = Some(two_trunks(TrunkMode::Ok));
        let world = World::with(Options {
            carrier,
            extra: timeouts,
            ..Default::default()
        })
        .await;
        // Only after the first keep-alive, so that the trunk still counts as up.
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.carrier.set_trunk_mode("main", mode);
        world.telephones(answers(), answers()).await;
        let call = world.dial().await;
        world.connected(call).await;
        world.hang_up(call).await;
        let record = world.ended(call).await;
        let trunks: Vec<&str> = record.legs.iter().map(|leg| leg.trunk.as_str()).collect();
        assert!(
            trunks.contains(&"main") && trunks.contains(&"second"),
            "{mode:?}: {trunks:?}"
        );
        assert_eq!(record.cause.reason, CauseReason::NormalClearing, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_trunk_is_not_tried_after_a_telephone_refused() {
    for behaviour in [Behaviour::Busy, Behaviour::NoSuchNumber, Behaviour::Decline] {
        let carrier = Some(two_trunks(TrunkMode::Ok));
        let world = World::with(Options {
            carrier,
            ..Default::default()
        })
        .await;
        world.telephones(behaviour, answers()).await;
        let call = world.dial().await;
        let record = world.ended(call).await;
        assert_eq!(record.legs.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hangs_up_the_other_leg_is_released_and_the_record_says_who() {
    let leaves = |after_ms| {
        Behaviour::Answer(Answer {
            after_ms: 50,
            hang_up_after_ms: Some(after_ms),
            ..Answer::default()
        })
    };
    for (home, far, by) in [
        (leaves(1500), answers(), EndedBy::UserLeg),
        (answers(), leaves(800), EndedBy::FarLeg),
    ] {
        let world = World::start().await;
        world.telephones(home, far).await;
        let call = world.dial().await;
        let record = world.ended(call).await;
        assert_eq!(record.ended_by, by);
        assert_eq!(record.cause.reason, CauseReason::NormalClearing);
        world
            .until("both are released", |world| world.carrier.active_calls() == 0)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_up_in_the_portal_ends_the_call_in_every_state() {
    let slow = || {
        Behaviour::Answer(Answer {
            after_ms: 3000,
            ..Answer::default()
        })
    };
    for (home, far, wanted) in [
        (slow(), answers(), "calling_user"),
        (answers(), slow(), "calling_far"),
        (answers(), Behaviour::Busy, "far_failed"),
        (answers(), answers(), "connected"),
    ] {
        let world = World::start().await;
        world.telephones(home, far).await;
        let call = world.dial().await;
        world
            .edge
            .wait_event(|body| match body {
                EventBody::CallChanged { call } => {
                    serde_json::to_value(call.phase).unwrap()["type"] == wanted
                }
                _ => false,
            })
            .await;
        world.hang_up(call).await;
        let record = world.ended(call).await;
        // Where the far party was not reached, that stays what the record tells.
        let by = if wanted == "far_failed" {
            EndedBy::FarLeg
        } else {
            EndedBy::Portal
        };
        assert_eq!(record.ended_by, by, "{wanted}");
        world
            .until("nothing is left", |world| world.carrier.active_calls() == 0)
            .await;
    }
}
