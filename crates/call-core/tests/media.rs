//! Keys and audio.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Effect, Secret, SwitchCommand};
use ponte_protocol::{CallId, CallPhase, CauseReason, EndedBy, LegRole, Outcome, Refusal};
use ponte_testkit::site::{ANNA, HOME, SHOP};
use ponte_testkit::{Phone, World};

fn send(world: &mut World, call: CallId, digits: &str) -> Outcome {
    let digits = Secret(digits.to_owned());
    world.command(ANNA, SwitchCommand::SendDtmf { call, digits })
}

fn wrong_state() -> Outcome {
    Outcome::Refused {
        refusal: Refusal::WrongState,
    }
}

#[test]
fn digits_reach_the_far_end_once_it_is_heard() {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    assert_eq!(
        send(&mut world, call, "1"),
        wrong_state(),
        "the user's telephone rings"
    );
    world.run_for(3_000);
    assert_eq!(
        send(&mut world, call, "1"),
        wrong_state(),
        "the far telephone rings"
    );
    world.run_for(5_000);
    assert_eq!(
        send(&mut world, call, "12*#"),
        Outcome::Accepted { call: Some(call) }
    );
    let sent: Vec<_> = world
        .trace()
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::SendDtmf { leg, digits } => Some((leg.index, digits.0.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [(1, "12*#".to_owned())]);
    for bad in ["", "x", "1 2", &"1".repeat(33)] {
        let outcome = send(&mut world, call, bad);
        assert!(
            matches!(
                outcome,
                Outcome::Refused {
                    refusal: Refusal::Malformed { .. }
                }
            ),
            "{bad:?}"
        );
    }
    world.hang_up(ANNA, call);
    assert_eq!(
        send(&mut world, call, "1"),
        wrong_state(),
        "it is being taken down"
    );
}

#[test]
fn digits_reach_a_menu_that_speaks_as_early_media() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::early_media_after(100));
    let call = world.dial(ANNA, SHOP);
    world.run_for(4_000);
    assert_eq!(
        send(&mut world, call, "2"),
        Outcome::Accepted { call: Some(call) }
    );
}

#[test]
fn no_audio_is_shown_and_goes_away_when_it_comes_back() {
    for (number, role) in [(HOME, LegRole::User), (SHOP, LegRole::Far)] {
        let mut world = World::at_home();
        world.phone(
            number,
            Phone::answers_after(1_000)
                .falls_silent_after(5_000)
                .speaks_after(20_000),
        );
        let call = world.dial(ANNA, SHOP);
        let silent = |world: &World| {
            world
                .shown(call)
                .unwrap()
                .leg(role)
                .is_some_and(|leg| leg.no_audio)
        };
        world.run_until("the portal is warned", silent);
        world.run_until("the warning goes away", |world| !silent(world));
        assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    }
}

#[test]
fn a_call_without_audio_is_ended_and_the_leg_that_fell_silent_is_named() {
    for (number, place) in [(HOME, 0), (SHOP, 1)] {
        let mut world = World::at_home();
        world.phone(number, Phone::answers_after(1_000).falls_silent_after(5_000));
        let call = world.dial(ANNA, SHOP);
        world.run_for(62_000);
        assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
        world.run_to_the_end();
        let record = world.record(call);
        assert_eq!(
            (record.cause.reason, record.ended_by),
            (CauseReason::MediaTimeout, EndedBy::System)
        );
        assert_eq!(record.legs[place].cause.reason, CauseReason::MediaTimeout);
        assert_eq!(record.legs[1 - place].cause.reason, CauseReason::NormalClearing);
    }
}

#[test]
fn silence_while_the_reason_of_a_failure_is_told_keeps_that_reason() {
    let mut world = World::at_home();
    world.phone(HOME, Phone::answers_after(1_000).falls_silent_after(0));
    world.phone(SHOP, Phone::rings_then_refuses(58_000, 486));
    let call = world.dial(ANNA, SHOP);
    world.run_to_the_end();
    assert_eq!(world.record(call).cause.reason, CauseReason::Busy);
}
