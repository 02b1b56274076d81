//! Calls to the extension, from the carrier, through the whole gateway (rules T6, T8, T9, T14, T16).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallPhase, CauseReason, CommandBody, Direction, EndedBy, LegRole};
use ponte_pstn_sim::{Answer, Behaviour, CallerId, PlaceCall, Press, Voicemail};
use support::{ANNA, COMPANY, FAR, HOME, World};

const HOME_HZ: f64 = 700.0;
const CALLER_HZ: f64 = 1130.0;
const SECOND: &str = "+390298765402";
const SECOND_HZ: f64 = 1510.0;

fn answer(tone_hz: f64) -> Answer {
    Answer {
        after_ms: 300,
        tone_hz: Some(tone_hz),
        ..Answer::default()
    }
}

fn from(number: &str, tone_hz: f64) -> PlaceCall {
    PlaceCall {
        telephone: answer(tone_hz),
        ..PlaceCall::new(number, COMPANY)
    }
}

/// A gateway whose user is at home, and voicemail takes no calls.
async fn at_home(home: Behaviour, confirm: bool) -> World {
    let world = World::start().await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.carrier.set_number(HOME, home).unwrap();
    world.enter(HOME, Some(confirm)).await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_did_call_is_redirected_and_both_hear_each_other() {
    let world = at_home(Behaviour::Answer(answer(HOME_HZ)), false).await;
    let placed = world.place(from(FAR, CALLER_HZ));
    let call = world.shown().await;
    assert_eq!(call.dialled.as_str(), COMPANY);
    assert_eq!(call.leg(LegRole::Far).unwrap().number, FAR);
    world.connected(call.id).await;
    world
        .until("the caller is answered", |world| {
            world.call(placed).answered_at.is_some()
        })
        .await;
    let (home, caller) = (world.call_to(HOME), world.call(placed));
    assert!(
        home.acked_at.unwrap().order < caller.answered_at.unwrap().order,
        "the caller was answered before the user"
    );
    assert!(caller.ringing_at.is_some(), "the caller heard no ringing");
    world
        .until("each hears the other", |world| {
            world.call_to(HOME).media.has_heard(CALLER_HZ, 1000)
                && world.call(placed).media.has_heard(HOME_HZ, 1000)
        })
        .await;
    world.hang_up(call.id).await;
    let record = world.ended(call.id).await;
    assert_eq!(record.direction, Direction::Incoming);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(record.ended_by, EndedBy::Portal);
    assert_eq!(record.number, FAR);
    assert!(!record.is_missed());
    world
        .until("both telephones are released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_caller_who_gives_up_stops_the_ringing() {
    let world = at_home(Behaviour::RingOut, false).await;
    let placed = world.place(PlaceCall {
        give_up_after_ms: Some(1500),
        ..from(FAR, CALLER_HZ)
    });
    let call = world.shown().await;
    let record = world.ended(call.id).await;
    assert!(record.is_missed());
    assert_eq!(record.cause.reason, CauseReason::Cancelled);
    assert_eq!(record.ended_by, EndedBy::FarLeg);
    world
        .until("the user's telephone stops ringing", |world| {
            world.call_to(HOME).cancelled_at.is_some() && world.carrier.active_calls() == 0
        })
        .await;
    assert_eq!(world.call(placed).status, Some(487));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_number_of_nobody_is_not_found_and_nobody_dials_through() {
    let world = at_home(Behaviour::Answer(answer(HOME_HZ)), false).await;
    for number in ["+390266600299", HOME, "299", "*11"] {
        let placed = world.place(PlaceCall {
            to: number.into(),
            ..from(FAR, CALLER_HZ)
        });
        world
            .until("the carrier hears no", |world| {
                world.call(placed).status == Some(404)
            })
            .await;
    }
    assert!(
        world.calls_to(HOME).is_empty(),
        "somebody dialled through the gateway"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_rejected_call_is_told_to_be_busy() {
    let world = at_home(Behaviour::RingOut, false).await;
    let placed = world.place(from(FAR, CALLER_HZ));
    let call = world.shown().await;
    world.accepted(ANNA, CommandBody::Reject { call: call.id }).await;
    let record = world.ended(call.id).await;
    assert_eq!(record.cause.reason, CauseReason::Rejected);
    assert!(record.is_missed());
    world
        .until("both telephones are released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
    assert_eq!(world.call(placed).status, Some(486));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_the_caller_is_answered_only_when_the_key_1_says_that_a_person_is_there() {
    let home = Answer {
        press: vec![Press {
            digits: "1".into(),
            at_ms: 1500,
        }],
        ..answer(HOME_HZ)
    };
    let world = at_home(Behaviour::Answer(home), true).await;
    let placed = world.place(from(FAR, CALLER_HZ));
    let call = world
        .shown_where(|call| matches!(call.phase, CallPhase::Confirming { .. }))
        .await;
    assert!(world.call(placed).answered_at.is_none());
    world.connected(call.id).await;
    world
        .until("each hears the other", |world| {
            world.call_to(HOME).media.has_heard(CALLER_HZ, 800)
                && world.call(placed).media.has_heard(HOME_HZ, 800)
        })
        .await;
    world.hang_up(call.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_a_mobiles_voicemail_never_takes_the_call() {
    let mailbox = Voicemail {
        after_ms: 200,
        greeting_ms: 1500,
        record_ms: 60_000,
    };
    let world = at_home(Behaviour::Voicemail(mailbox), true).await;
    world.accepted(ANNA, settings(5_000)).await;
    let placed = world.place(from(FAR, CALLER_HZ));
    let call = world.shown().await;
    let record = world.ended(call.id).await;
    assert_eq!(record.cause.reason, CauseReason::NotConfirmed);
    world
        .until("both telephones are released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
    let caller = world.call(placed);
    assert!(
        caller.answered_at.is_none(),
        "the caller was given to the mailbox"
    );
    assert!(caller.status.is_some_and(|status| status >= 480));
}

fn settings(no_answer_ms: u64) -> CommandBody {
    CommandBody::SetCallSettings {
        settings: ponte_protocol::CallSettings {
            no_answer_ms,
            ..Default::default()
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_second_caller_waits_and_is_taken_on_the_same_leg() {
    let world = at_home(Behaviour::Answer(answer(HOME_HZ)), false).await;
    let first = world.place(from(FAR, CALLER_HZ));
    let one = world.shown().await;
    world.connected(one.id).await;
    world
        .until("the first caller hears the user", |world| {
            world.call(first).media.has_heard(HOME_HZ, 200)
        })
        .await;
    let second = world.place(from(SECOND, SECOND_HZ));
    let two = world
        .shown_where(|call| call.id != one.id && matches!(call.phase, CallPhase::Waiting { .. }))
        .await;
    assert_eq!(two.leg(LegRole::Far).unwrap().number, SECOND);
    world.accepted(ANNA, CommandBody::Accept { call: two.id }).await;
    world.connected(two.id).await;
    world
        .shown_where(|call| call.id == one.id && matches!(call.phase, CallPhase::Held { .. }))
        .await;
    world
        .until("the user and the second caller hear each other", |world| {
            world.call_to(HOME).media.has_heard(SECOND_HZ, 800)
                && world.call(second).media.has_heard(HOME_HZ, 800)
        })
        .await;
    assert_eq!(world.calls_to(HOME).len(), 1, "a second line was used");
    world.hang_up(two.id).await;
    world.ended(two.id).await;
    world.hang_up(one.id).await;
    world.ended(one.id).await;
    world
        .until("everybody is released", |world| world.carrier.active_calls() == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_third_caller_finds_the_line_busy() {
    let world = at_home(Behaviour::Answer(answer(HOME_HZ)), false).await;
    world.place(from(FAR, CALLER_HZ));
    let one = world.shown().await;
    world.connected(one.id).await;
    world.place(from(SECOND, SECOND_HZ));
    world
        .shown_where(|call| matches!(call.phase, CallPhase::Waiting { .. }))
        .await;
    let third = world.place(from("+390298765403", 1810.0));
    world
        .until("the third is told", |world| world.call(third).status == Some(486))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t16_a_withheld_number_stays_withheld() {
    let world = at_home(Behaviour::Answer(answer(HOME_HZ)), false).await;
    let mut before = Vec::new();
    for caller_id in [CallerId::Withheld, CallerId::Restricted] {
        let placed = world.place(PlaceCall {
            caller_id,
            ..from(FAR, CALLER_HZ)
        });
        let call = world.shown_where(|call| !before.contains(&call.id)).await;
        before.push(call.id);
        assert_eq!(call.leg(LegRole::Far).unwrap().number, "", "{caller_id:?}");
        world.connected(call.id).await;
        world.hang_up(call.id).await;
        world.ended(call.id).await;
        world
            .until("the caller is released", |world| {
                world.call(placed).ended_at.is_some()
            })
            .await;
    }
    for report in world.calls_to(HOME) {
        assert_eq!(report.from, COMPANY);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_crash_ends_the_legs_of_an_incoming_call_and_keeps_its_record() {
    let mut world = at_home(Behaviour::Answer(answer(HOME_HZ)), false).await;
    let placed = world.place(from(FAR, CALLER_HZ));
    let call = world.shown().await;
    world.connected(call.id).await;
    world
        .until("the caller is on the line", |world| {
            world.call(placed).media.has_heard(HOME_HZ, 400)
        })
        .await;
    world.crash_gateway().await;
    world.start_gateway().await;
    world
        .until("both telephones are released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
    world
        .until("the record is there", |world| {
            world.edge.state(ANNA).is_some_and(|state| {
                state.log.iter().any(|record| {
                    record.id == call.id
                        && record.direction == Direction::Incoming
                        && record.cause.reason == CauseReason::GatewayRestarted
                })
            })
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_crash_while_it_rings_stops_the_ringing_and_tells_the_caller() {
    let mut world = at_home(Behaviour::RingOut, false).await;
    let placed = world.place(from(FAR, CALLER_HZ));
    let call = world.shown().await;
    world
        .until("it rings at both ends", |world| {
            world.call(placed).ringing_at.is_some()
                && world
                    .calls_to(HOME)
                    .first()
                    .is_some_and(|call| call.ringing_at.is_some())
        })
        .await;
    // The store is told within moments; the process dies without a word.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    world.crash_gateway().await;
    world.start_gateway().await;
    world
        .until("nobody rings, nobody waits", |world| {
            world.call_to(HOME).cancelled_at.is_some() && world.call(placed).status == Some(503)
        })
        .await;
    world
        .until("the record is there", |world| {
            world.edge.state(ANNA).is_some_and(|state| {
                state
                    .log
                    .iter()
                    .any(|record| record.id == call.id && record.is_missed())
            })
        })
        .await;
}
