//! The link cut, the gateway stopped or crashed, commands repeated.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{
    CallPhase, CauseReason, CommandBody, EdgeFrame, EndedBy, EventBody, Mode, Outcome, Refusal, UnixMillis,
};
use ponte_pstn_sim::{Answer, Behaviour};
use std::time::{Duration, Instant};
use support::edge::new_command;
use support::{ANNA, FAR, HOME, World};

fn answer(tone_hz: f64) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms: 50,
        tone_hz: Some(tone_hz),
        ..Answer::default()
    })
}

async fn call_up(world: &World) -> ponte_protocol::CallId {
    world.telephones(answer(700.0), answer(1130.0)).await;
    let call = world.dial().await;
    world.connected(call).await;
    call
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_sent_100_times_makes_one_call() {
    let world = World::start().await;
    world.telephones(answer(700.0), answer(1130.0)).await;
    let command = new_command(CommandBody::Dial {
        number: FAR.parse().unwrap(),
        account_code: None,
    });
    for _ in 0..100 {
        world.edge.send(EdgeFrame::Command {
            user: ANNA.parse().unwrap(),
            command: command.clone(),
        });
    }
    world
        .until("every sending is answered", |world| {
            world.edge.replies(command.id).len() == 100
        })
        .await;
    let replies = world.edge.replies(command.id);
    assert!(
        replies
            .iter()
            .all(|reply| matches!(reply.outcome, Outcome::Accepted { call: Some(_) })),
        "{replies:?}"
    );
    world
        .until("the far party answers", |world| {
            world.calls_to(FAR).iter().any(|call| call.acked_at.is_some())
        })
        .await;
    assert_eq!((world.calls_to(HOME).len(), world.calls_to(FAR).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_id_with_two_contents_is_refused() {
    let world = World::start().await;
    world.telephones(answer(700.0), answer(1130.0)).await;
    let first = new_command(CommandBody::LeaveTelecommuter);
    let mut second = first.clone();
    second.body = CommandBody::Dial {
        number: FAR.parse().unwrap(),
        account_code: None,
    };
    for command in [&first, &second] {
        world.edge.send(EdgeFrame::Command {
            user: ANNA.parse().unwrap(),
            command: command.clone(),
        });
    }
    world
        .until("both are answered", |world| {
            world.edge.replies(first.id).len() == 2
        })
        .await;
    assert_eq!(
        world.edge.replies(first.id)[1].outcome,
        Outcome::Refused {
            refusal: Refusal::DuplicateId
        }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_click_rings_nobody() {
    let world = World::start().await;
    world.telephones(answer(700.0), answer(1130.0)).await;
    let mut command = new_command(CommandBody::Dial {
        number: FAR.parse().unwrap(),
        account_code: None,
    });
    command.expires_at = UnixMillis(command.expires_at.0 - 20_000);
    world.edge.send(EdgeFrame::Command {
        user: ANNA.parse().unwrap(),
        command: command.clone(),
    });
    let reply = world.edge.reply(command.id).await;
    assert_eq!(
        reply.outcome,
        Outcome::Refused {
            refusal: Refusal::Expired
        }
    );
    assert!(world.carrier.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_the_call_goes_on_while_the_link_is_down() {
    let world = World::start().await;
    let call = call_up(&world).await;
    world.edge.cut(Duration::from_secs(2));
    world.edge.wait_unlinked().await;
    let cut = Instant::now();
    world.edge.wait_linked().await;
    assert!(
        cut.elapsed() < Duration::from_secs(2 + 3),
        "the gateway took {:?} to come back",
        cut.elapsed()
    );
    world.hang_up(call).await;
    world.ended(call).await;
    let own = [HOME, FAR].map(|number| world.call_to(number).media.longest_voice_gap_ms);
    let own = own.into_iter().max().unwrap_or_default();
    for number in [HOME, FAR] {
        let media = world.call_to(number).media;
        // The telephones share the machine: what they themselves waited is not the gateway's.
        assert!(
            media.longest_packet_gap_ms < 200 + own,
            "a gap of {} ms, of which the telephones made up to {own}",
            media.longest_packet_gap_ms
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_while_the_link_is_down_is_told_afterwards() {
    let world = World::start().await;
    let call = call_up(&world).await;
    world.edge.cut(Duration::from_secs(2));
    world.edge.wait_unlinked().await;
    let far = world.call_to(FAR).id;
    let client = format!("http://{}/calls/{far}/hangup", world.carrier.control_addr());
    assert!(support::post(&client).await);
    let record = world.ended(call).await;
    assert_eq!(record.ended_by, EndedBy::FarLeg);
    assert!(world.edge.state(ANNA).unwrap().calls.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_stop_ends_calls_and_keeps_records_and_modes() {
    let mut world = World::start().await;
    let call = call_up(&world).await;
    world.stop_gateway().await;
    world
        .until("both telephones are released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
    world.start_gateway().await;
    world
        .until("the state is told anew", |world| {
            world
                .edge
                .state(ANNA)
                .is_some_and(|state| state.log.iter().any(|record| record.id == call))
        })
        .await;
    let state = world.edge.state(ANNA).unwrap();
    assert!(
        matches!(state.mode, Mode::Telecommuting { .. }),
        "{:?}",
        state.mode
    );
    assert!(state.calls.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_leaves_no_leg_without_an_owner_and_no_call_without_a_record() {
    let mut world = World::start().await;
    let call = call_up(&world).await;
    // What was said of the call is on disk within moments; the process dies without a word.
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.crash_gateway().await;
    assert_eq!(world.carrier.active_calls(), 2);
    let restart = Instant::now();
    world.start_gateway().await;
    world
        .until("both telephones are released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
    assert!(restart.elapsed() < Duration::from_secs(5));
    world
        .until("the record is there", |world| {
            world.edge.state(ANNA).is_some_and(|state| {
                state
                    .log
                    .iter()
                    .any(|record| record.id == call && record.cause.reason == CauseReason::GatewayRestarted)
            })
        })
        .await;
    let state = world.edge.state(ANNA).unwrap();
    assert!(state.calls.is_empty());
    assert!(matches!(state.mode, Mode::Telecommuting { .. }));
    // And the line is free for the next call.
    let next = world.dial().await;
    world.connected(next).await;
    world.hang_up(next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_audio_is_shown_and_ends_the_call_in_time() {
    let timeouts = "\n[timeouts]\nno_audio_warning_ms = 1000\nno_audio_end_ms = 5000\n".to_owned();
    let world = World::with(support::Options {
        extra: timeouts,
        ..Default::default()
    })
    .await;
    let silent = Behaviour::NoRtp(Answer {
        after_ms: 50,
        ..Answer::default()
    });
    world.telephones(answer(700.0), silent).await;
    let call = world.dial().await;
    world
        .edge
        .wait_event(|body| match body {
            EventBody::CallChanged { call } => {
                matches!(call.phase, CallPhase::Connected { .. }) && call.legs.iter().any(|leg| leg.no_audio)
            }
            _ => false,
        })
        .await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::MediaTimeout);
}
