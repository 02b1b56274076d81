//! The next trunk: when it is tried, and when never.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Effect, Event, LegEndKind, Timeouts, TrunkConfig, TrunkId};
use ponte_protocol::{CallId, CallPhase, CauseReason, LegRole};
use ponte_testkit::site::{ANNA, HOME, SHOP};
use ponte_testkit::{Phone, TrunkHabit, World};

fn trunks(world: &World, call: CallId, role: LegRole) -> Vec<String> {
    world
        .opened(call)
        .into_iter()
        .filter(|(of, ..)| *of == role)
        .map(|(_, trunk, _)| trunk)
        .collect()
}

#[test]
fn t04_a_trunk_that_fails_is_followed_by_the_next_for_both_legs() {
    for habit in [
        TrunkHabit::Refuses(500),
        TrunkHabit::Refuses(502),
        TrunkHabit::Refuses(503),
        TrunkHabit::Refuses(504),
        TrunkHabit::Refuses(408),
        TrunkHabit::Fails(LegEndKind::Timeout),
        TrunkHabit::Fails(LegEndKind::Transport),
        TrunkHabit::Silent,
    ] {
        let mut world = World::at_home();
        world.trunk("a", habit);
        let call = world.dial(ANNA, SHOP);
        world.run_for(20_000);
        assert_eq!(trunks(&world, call, LegRole::User), ["a", "b"], "{habit:?}");
        assert_eq!(trunks(&world, call, LegRole::Far), ["a", "b"], "{habit:?}");
        assert!(
            matches!(world.phase(call), CallPhase::Connected { .. }),
            "{habit:?}"
        );
        world.hang_up(ANNA, call);
        world.run_to_the_end();
        assert_eq!(world.record(call).legs.len(), 4, "each attempt has its line");
    }
}

#[test]
fn t04_an_answer_about_the_number_or_the_person_is_final() {
    for status in [
        400, 401, 403, 404, 407, 410, 480, 484, 486, 488, 501, 505, 580, 600, 603, 604, 606,
    ] {
        let mut world = World::at_home();
        world.phone(SHOP, Phone::refuses(status));
        let call = world.dial(ANNA, SHOP);
        world.run_to_the_end();
        assert_eq!(trunks(&world, call, LegRole::Far), ["a"], "{status}");
    }
}

#[test]
fn t04_a_5xx_that_names_the_person_in_its_reason_is_final() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::refuses_with(503, 17));
    let call = world.dial(ANNA, SHOP);
    world.run_to_the_end();
    assert_eq!(trunks(&world, call, LegRole::Far), ["a"]);
    assert_eq!(world.record(call).cause.reason, CauseReason::Busy);
}

#[test]
fn t04_after_ringing_or_early_media_no_other_trunk_is_tried() {
    for phone in [
        Phone::rings_then_refuses(500, 503),
        Phone::early_media_after(300).then_refuses_after(500, 503),
        Phone::trying()
            .progress_after(100, 183)
            .then_refuses_after(500, 503),
        Phone::rings_out().then_fails_after(500, LegEndKind::Timeout),
    ] {
        let mut world = World::at_home();
        world.phone(SHOP, phone.clone());
        let call = world.dial(ANNA, SHOP);
        world.run_to_the_end();
        assert_eq!(trunks(&world, call, LegRole::Far), ["a"], "{phone:?}");
    }
}

#[test]
fn t04_a_trunk_that_said_100_and_no_more_is_given_its_time_and_then_left() {
    let mut world = World::at_home();
    world.phone(
        SHOP,
        Phone::trying()
            .progress_after(3_000, 100)
            .progress_after(3_000, 100),
    );
    let call = world.dial(ANNA, SHOP);
    world.run_until("the far number is called", |world| {
        !trunks(world, call, LegRole::Far).is_empty()
    });
    world.run_for(9_900);
    assert_eq!(trunks(&world, call, LegRole::Far), ["a"]);
    world.run_for(200);
    assert_eq!(trunks(&world, call, LegRole::Far), ["a", "b"]);
    // There is no third: the second may take as long as a telephone may ring.
    world.run_for(60_000);
    assert_eq!(trunks(&world, call, LegRole::Far), ["a", "b"]);
    assert_eq!(world.phase(call), CallPhase::CallingFar);
    world.run_to_the_end();
    assert_eq!(world.record(call).cause.reason, CauseReason::NoAnswer);
}

#[test]
fn t04_a_telephone_that_rings_is_not_left_for_another_trunk() {
    for phone in [
        Phone::rings_out(),
        Phone::trying().progress_after(100, 183),
        Phone::trying()
            .progress_after(9_000, 180)
            .progress_after(100, 100),
        Phone::early_media_after(9_000),
    ] {
        let mut world = World::at_home();
        world.phone(SHOP, phone.clone());
        let call = world.dial(ANNA, SHOP);
        world.run_for(60_000);
        assert_eq!(trunks(&world, call, LegRole::Far), ["a"], "{phone:?}");
    }
}

#[test]
fn t04_the_silent_attempt_is_closed_before_the_next_is_made() {
    let mut world = World::at_home();
    world.trunk("a", TrunkHabit::Silent);
    let call = world.dial(ANNA, SHOP);
    world.run_for(4_000);
    let order: Vec<_> = world
        .trace()
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::OpenLeg { leg, .. } => Some(("open", leg.index)),
            Effect::CloseLeg { leg, .. } => Some(("close", leg.index)),
            _ => None,
        })
        .collect();
    assert_eq!(order, [("open", 0), ("close", 0), ("open", 1)]);
    world.run_for(30_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

#[test]
fn t04_an_answer_that_crosses_the_close_does_not_come_back_to_life() {
    let mut world = World::at_home_with(Timeouts {
        trunk_response: 1_000,
        ..Timeouts::default()
    });
    // It answers when the switch has just given it up.
    world.phone(HOME, Phone::silent().then_answers_after(970));
    let call = world.dial(ANNA, SHOP);
    world.run_for(5_000);
    assert_eq!(trunks(&world, call, LegRole::User), ["a", "b"]);
    world.run_to_the_end();
    let record = world.record(call);
    assert!(record.legs.iter().all(|leg| leg.role == LegRole::User));
    assert_eq!(record.cause.reason, CauseReason::TrunkFailure);
}

#[test]
fn t04_trunks_that_are_down_or_full_are_passed_over() {
    let mut world = World::at_home();
    let trunk = |id: &str, max_legs| TrunkConfig {
        id: TrunkId(id.into()),
        max_legs,
        passes_caller_id: true,
    };
    world.configure_trunks(vec![trunk("a", None), trunk("b", Some(1)), trunk("c", None)]);
    world.event(Event::TrunkState {
        trunk: TrunkId("a".into()),
        up: false,
    });
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert_eq!(trunks(&world, call, LegRole::User), ["b"]);
    assert_eq!(trunks(&world, call, LegRole::Far), ["c"]);
    world.hang_up(ANNA, call);
    world.run_for(1_000);
    let call = world.dial(ANNA, SHOP);
    assert_eq!(
        trunks(&world, call, LegRole::User),
        ["b"],
        "the place is free again"
    );
}

#[test]
fn t05_trunks_that_went_down_while_the_user_answered() {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    for id in ["a", "b"] {
        world.event(Event::TrunkState {
            trunk: TrunkId(id.into()),
            up: false,
        });
    }
    world.run_for(5_000);
    let CallPhase::FarFailed { cause, .. } = world.phase(call) else {
        panic!("{:?}", world.phase(call))
    };
    assert_eq!(cause.reason, CauseReason::TrunkFailure);
    world.run_to_the_end();
    assert_eq!(world.record(call).legs.len(), 1);
}

#[test]
fn t18_the_record_tells_the_most_telling_of_the_failures() {
    let mut world = World::at_home();
    world.phone(HOME, Phone::answers_after(500));
    let call = world.dial(ANNA, SHOP);
    world.run_until("the user has answered", |world| world.opened(call).len() == 2);
    world.hang_up(ANNA, call);
    world.run_for(1_000);

    world.trunk("a", TrunkHabit::Refuses(503));
    world.trunk("b", TrunkHabit::Silent);
    let call = world.dial(ANNA, SHOP);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(
        (record.cause.reason, record.cause.sip),
        (CauseReason::TrunkFailure, Some(503))
    );
    let legs: Vec<_> = record
        .legs
        .iter()
        .map(|leg| (leg.trunk.as_str(), leg.cause.reason))
        .collect();
    assert_eq!(
        legs,
        [("a", CauseReason::Congestion), ("b", CauseReason::TrunkFailure)]
    );
}
