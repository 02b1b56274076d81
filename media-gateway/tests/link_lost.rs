//! The data link is cut in each state of a call (rule T13): the call goes on to what would have come next, and the portal is
//! shown the true state once the link is back.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallId, CallPhase, CallSettings, CommandBody, EndedBy};
use ponte_pstn_sim::{Answer, Behaviour, CallReport, LeaveMessage, PlaceCall, Press};
use std::time::Duration;
use support::{ANNA, COMPANY, FAR, HOME, World};

const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;
const SECOND: &str = "+390298765402";
const SECOND_HZ: f64 = 1510.0;
/// How long the link stays away; less than what a telephone takes here that is to answer meanwhile.
const CUT: Duration = Duration::from_secs(4);
const MEANWHILE_MS: u64 = 3_000;

fn answer(after_ms: u64, tone_hz: f64) -> Answer {
    Answer {
        after_ms,
        tone_hz: Some(tone_hz),
        ..Answer::default()
    }
}

/// A person who presses 1 while the link is away.
fn confirms() -> Behaviour {
    Behaviour::Answer(Answer {
        press: vec![Press {
            digits: "1".into(),
            at_ms: MEANWHILE_MS,
        }],
        ..answer(100, HOME_HZ)
    })
}

fn at_once(tone_hz: f64) -> Behaviour {
    Behaviour::Answer(answer(100, tone_hz))
}

fn meanwhile(tone_hz: f64) -> Behaviour {
    Behaviour::Answer(answer(MEANWHILE_MS, tone_hz))
}

/// The carrier's last call to a number.
fn last_to(world: &World, number: &str) -> Option<CallReport> {
    world.calls_to(number).pop()
}

fn hears(world: &World, number: &str, hz: f64, total_ms: u64) -> bool {
    last_to(world, number).is_some_and(|call| call.media.has_heard(hz, total_ms))
}

fn phase(world: &World, call: CallId) -> Option<CallPhase> {
    let state = world.edge.state(ANNA)?;
    let view = state.calls.into_iter().find(|view| view.id == call)?;
    Some(view.phase)
}

async fn shown(world: &World, call: CallId, what: &str, wanted: impl Fn(&CallPhase) -> bool) {
    world
        .until(what, |world| {
            phase(world, call).is_some_and(|phase| wanted(&phase))
        })
        .await;
}

fn is_connected(phase: &CallPhase) -> bool {
    matches!(phase, CallPhase::Connected { .. })
}

fn is_held(phase: &CallPhase) -> bool {
    matches!(phase, CallPhase::Held { .. })
}

/// Cuts the link, waits for something, and for the link.
async fn cut(world: &World, what: &str, holds: impl Fn(&World) -> bool) {
    world.edge.cut(CUT);
    world.edge.wait_unlinked().await;
    world.until(what, holds).await;
    world.edge.wait_linked().await;
}

/// Anna at home, called and asked as told; the other party as told.
async fn dial(world: &World, home: Behaviour, confirm: bool, far: Behaviour) -> CallId {
    world.carrier.set_number(HOME, home).unwrap();
    world.carrier.set_number(FAR, far).unwrap();
    world.enter(HOME, Some(confirm)).await;
    world.dial().await
}

async fn both_speak_then_end(world: &World, call: CallId) {
    shown(world, call, "the portal shows the two speaking", is_connected).await;
    world
        .until("each hears the other", |world| {
            hears(world, HOME, FAR_HZ, 300) && hears(world, FAR, HOME_HZ, 300)
        })
        .await;
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.ended_by, EndedBy::Portal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_a_cut_while_an_outgoing_call_is_set_up_holds_nothing_up() {
    let world = World::start().await;
    let speak = |world: &World| hears(world, HOME, FAR_HZ, 300);

    let call = dial(&world, meanwhile(HOME_HZ), false, at_once(FAR_HZ)).await;
    world
        .until("the own telephone rings", |world| {
            last_to(world, HOME).is_some_and(|call| call.ringing_at.is_some())
        })
        .await;
    cut(
        &world,
        "the own telephone is answered, and the other's called",
        speak,
    )
    .await;
    both_speak_then_end(&world, call).await;

    let call = dial(&world, confirms(), true, at_once(FAR_HZ)).await;
    shown(&world, call, "Anna is asked", |phase| {
        matches!(phase, CallPhase::Confirming { .. })
    })
    .await;
    cut(
        &world,
        "she presses 1, and the other's telephone is called",
        speak,
    )
    .await;
    both_speak_then_end(&world, call).await;

    let call = dial(&world, at_once(HOME_HZ), false, meanwhile(FAR_HZ)).await;
    shown(&world, call, "the other's telephone rings", |phase| {
        matches!(phase, CallPhase::CallingFar)
    })
    .await;
    cut(&world, "the other party answers", speak).await;
    both_speak_then_end(&world, call).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_a_cut_while_an_outgoing_call_is_up_held_or_failed_leaves_it_so() {
    let world = World::start().await;
    let call = dial(&world, at_once(HOME_HZ), false, at_once(FAR_HZ)).await;
    shown(&world, call, "they speak", is_connected).await;
    cut(&world, "they go on speaking", |world| {
        hears(world, HOME, FAR_HZ, 3_000) && hears(world, FAR, HOME_HZ, 3_000)
    })
    .await;
    shown(&world, call, "the portal shows it", is_connected).await;

    world.accepted(ANNA, CommandBody::Hold { call }).await;
    shown(&world, call, "the other party is held", is_held).await;
    cut(&world, "nobody has hung up", |world| {
        world.carrier.active_calls() == 2
    })
    .await;
    shown(&world, call, "the portal shows it held", is_held).await;
    world.accepted(ANNA, CommandBody::Retrieve { call }).await;
    both_speak_then_end(&world, call).await;

    let call = dial(&world, at_once(HOME_HZ), false, Behaviour::Busy).await;
    shown(&world, call, "the portal says busy", |phase| {
        matches!(phase, CallPhase::FarFailed { .. })
    })
    .await;
    let legs = world.calls_to(HOME).len();
    world.edge.cut(Duration::from_secs(1));
    world.edge.wait_unlinked().await;
    world.edge.wait_linked().await;
    // The line is still hers: another number is dialled on it.
    world.carrier.set_number(FAR, at_once(FAR_HZ)).unwrap();
    assert_eq!(world.dial().await, call);
    both_speak_then_end(&world, call).await;
    assert_eq!(world.calls_to(HOME).len(), legs, "her telephone was called again");

    let call = dial(&world, at_once(HOME_HZ), false, Behaviour::Busy).await;
    shown(&world, call, "the portal says busy again", |phase| {
        matches!(phase, CallPhase::FarFailed { .. })
    })
    .await;
    // Nobody dials: what was said of it is said after the link is back.
    world.edge.cut(Duration::from_secs(12));
    world.edge.wait_unlinked().await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
    while world.carrier.active_calls() > 0 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "her telephone is not released after ten seconds"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.edge.wait_linked().await;
    world.ended(call).await;
    assert!(world.edge.state(ANNA).unwrap().calls.is_empty());
}

/// Somebody calls Anna, who is at home.
async fn call_in(world: &World, home: Behaviour, confirm: bool) -> u64 {
    world.carrier.set_number(HOME, home).unwrap();
    world.enter(HOME, Some(confirm)).await;
    place(world, FAR, FAR_HZ)
}

fn place(world: &World, from: &str, tone_hz: f64) -> u64 {
    world.place(PlaceCall {
        telephone: answer(0, tone_hz),
        ..PlaceCall::new(from, COMPANY)
    })
}

/// The newest call that the portal shows.
async fn newest(world: &World, known: &[CallId]) -> CallId {
    let mut found = None;
    world
        .until("the portal shows the call", |world| {
            let calls = world
                .edge
                .state(ANNA)
                .map(|state| state.calls)
                .unwrap_or_default();
            found = calls
                .into_iter()
                .map(|call| call.id)
                .find(|call| !known.contains(call));
            found.is_some()
        })
        .await;
    found.unwrap()
}

async fn caller_speaks_then_end(world: &World, call: CallId, placed: u64) {
    shown(world, call, "the portal shows the two speaking", is_connected).await;
    world
        .until("each hears the other", |world| {
            hears(world, HOME, FAR_HZ, 300) && world.call(placed).media.has_heard(HOME_HZ, 300)
        })
        .await;
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.ended_by, EndedBy::Portal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_a_cut_while_an_incoming_call_rings_or_asks_holds_nothing_up() {
    let world = World::start().await;
    let placed = call_in(&world, meanwhile(HOME_HZ), false).await;
    let call = newest(&world, &[]).await;
    shown(&world, call, "it rings", |phase| {
        matches!(phase, CallPhase::Ringing)
    })
    .await;
    cut(&world, "Anna answers", |world| {
        world.call(placed).media.has_heard(HOME_HZ, 300)
    })
    .await;
    caller_speaks_then_end(&world, call, placed).await;

    let placed = call_in(&world, confirms(), true).await;
    let call = newest(&world, &[call]).await;
    shown(&world, call, "Anna is asked", |phase| {
        matches!(phase, CallPhase::Confirming { .. })
    })
    .await;
    assert!(world.call(placed).answered_at.is_none());
    cut(&world, "she presses 1, and the caller is answered", |world| {
        world.call(placed).media.has_heard(HOME_HZ, 300)
    })
    .await;
    caller_speaks_then_end(&world, call, placed).await;

    // One that comes while there is no link.
    world.carrier.set_number(HOME, at_once(HOME_HZ)).unwrap();
    world.enter(HOME, Some(false)).await;
    world.edge.cut(CUT);
    world.edge.wait_unlinked().await;
    let placed = place(&world, FAR, FAR_HZ);
    world
        .until("it is redirected all the same", |world| {
            world.call(placed).media.has_heard(HOME_HZ, 300)
        })
        .await;
    world.edge.wait_linked().await;
    let call = newest(&world, &[call]).await;
    caller_speaks_then_end(&world, call, placed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_a_cut_while_an_incoming_call_is_up_waits_or_is_held_leaves_it_so() {
    let world = World::start().await;
    let first = call_in(&world, at_once(HOME_HZ), false).await;
    let call = newest(&world, &[]).await;
    shown(&world, call, "they speak", is_connected).await;
    cut(&world, "they go on speaking", |world| {
        hears(world, HOME, FAR_HZ, 3_000) && world.call(first).media.has_heard(HOME_HZ, 3_000)
    })
    .await;
    shown(&world, call, "the portal shows it", is_connected).await;

    let second = place(&world, SECOND, SECOND_HZ);
    let waiting = newest(&world, &[call]).await;
    shown(&world, waiting, "the second one waits", |phase| {
        matches!(phase, CallPhase::Waiting { .. })
    })
    .await;
    cut(&world, "nobody has hung up", |world| {
        world.carrier.active_calls() == 3
    })
    .await;
    shown(&world, waiting, "the portal shows that it waits", |phase| {
        matches!(phase, CallPhase::Waiting { .. })
    })
    .await;
    world.accepted(ANNA, CommandBody::Accept { call: waiting }).await;
    shown(&world, call, "the first is held", is_held).await;
    cut(&world, "the second caller hears Anna", |world| {
        world.call(second).media.has_heard(HOME_HZ, 300)
    })
    .await;
    shown(&world, call, "the portal shows the first held", is_held).await;
    shown(&world, waiting, "and the second up", is_connected).await;
    world.hang_up(waiting).await;
    shown(&world, call, "the first is back", is_connected).await;
    world.hang_up(call).await;
    world.ended(call).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_a_cut_while_a_caller_is_at_the_voicemail_loses_no_message() {
    let world = World::start().await;
    let settings = CallSettings {
        no_answer_ms: 5_000,
        ..CallSettings::default()
    };
    world
        .accepted(ANNA, CommandBody::SetCallSettings { settings })
        .await;
    world.carrier.set_number(HOME, Behaviour::RingOut).unwrap();
    world.enter(HOME, Some(false)).await;
    world.place(PlaceCall {
        telephone: answer(0, FAR_HZ),
        leave_message: Some(LeaveMessage {
            speak_ms: 2_000,
            ..LeaveMessage::default()
        }),
        ..PlaceCall::new(FAR, COMPANY)
    });
    let call = newest(&world, &[]).await;
    shown(&world, call, "voicemail takes it", |phase| {
        matches!(phase, CallPhase::Voicemail { .. })
    })
    .await;
    cut(&world, "nothing", |_| true).await;
    world
        .until("the message is in the box", |world| {
            world
                .edge
                .state(ANNA)
                .is_some_and(|state| state.mailbox.total == 1 && state.calls.is_empty())
        })
        .await;
    assert!(world.ended(call).await.is_missed());
}
