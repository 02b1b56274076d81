//! What every portal of the user is told of a call (rule T7).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::Effect;
use ponte_protocol::{CallId, CallPhase, CallView, CauseReason, EventBody, LegRole, LegState, UnixMillis};
use ponte_testkit::site::{ANNA, CUSTOMER, DID_ANNA, HOME, SHOP};
use ponte_testkit::{Phone, World};

/// What the user was told of the call, and when.
fn told(world: &World, call: CallId) -> Vec<(UnixMillis, CallView)> {
    let view = |effect: &Effect| match effect {
        Effect::Notify {
            body: EventBody::CallChanged { call: view },
            ..
        } if view.id == call => Some(view.clone()),
        _ => None,
    };
    let trace = world.trace().iter();
    trace
        .filter_map(|(at, effect)| Some((*at, view(effect)?)))
        .collect()
}

/// When the user was first told that the leg is in this state.
fn told_at(told: &[(UnixMillis, CallView)], role: LegRole, state: LegState) -> (UnixMillis, UnixMillis) {
    let (at, leg) = told
        .iter()
        .find_map(|(at, view)| Some((*at, view.leg(role).filter(|leg| leg.state == state)?)))
        .unwrap_or_else(|| panic!("nobody was told that {role:?} is {state:?}"));
    (at, leg.since)
}

#[test]
fn t07_each_state_of_either_leg_is_told_in_the_moment_it_begins() {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    world.run_for(60_000);
    let told = told(&world, call);
    for role in [LegRole::User, LegRole::Far] {
        for state in [LegState::Trying, LegState::Early, LegState::Confirmed] {
            let (at, since) = told_at(&told, role, state);
            assert_eq!(at, since, "{role:?} {state:?}");
        }
    }
    let (_, last) = told.last().unwrap();
    assert_eq!(last.dialled.as_str(), SHOP);
    assert_eq!(last.leg(LegRole::User).unwrap().number, HOME);
    assert_eq!(last.leg(LegRole::Far).unwrap().number, SHOP);
    let CallPhase::Connected { since } = last.phase else {
        panic!("{:?}", last.phase)
    };
    assert_eq!(
        since,
        last.leg(LegRole::Far).unwrap().since,
        "the duration counts from the answer"
    );
}

#[test]
fn t07_an_incoming_call_is_told_with_the_number_that_called_and_the_one_that_was_dialled() {
    let mut world = World::at_home();
    world.phone(HOME, Phone::answers_after(5_000));
    let before = world.now();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    let first = told(&world, call).first().cloned().unwrap();
    assert_eq!(first.0, before, "at once");
    assert_eq!(first.1.dialled.as_str(), DID_ANNA);
    assert_eq!(first.1.leg(LegRole::Far).unwrap().number, CUSTOMER);
}

#[test]
fn t07_the_cause_of_the_end_is_told_with_the_record() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::refuses(486));
    let call = world.dial(ANNA, SHOP);
    world.run_to_the_end();
    let reason = told(&world, call).iter().find_map(|(_, view)| match view.phase {
        CallPhase::FarFailed { cause, .. } => Some(cause.reason),
        _ => None,
    });
    assert_eq!(reason, Some(CauseReason::Busy));
    let ended = world.trace().iter().any(|(_, effect)| {
        matches!(effect, Effect::Notify { body: EventBody::CallEnded { call: ended, record }, .. }
            if *ended == call && *record == world.record(call))
    });
    assert!(ended, "the record is told as it is kept");
}
