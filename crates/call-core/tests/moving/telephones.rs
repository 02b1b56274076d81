//! The new telephone: who must be there, what may be called, and what happens when nobody comes.

use crate::common::{
    HOTEL, accepted, ended, in_a_call, is_connected, leg, lines, move_to, moving, number, refused,
};
use ponte_call_core::{Effect, Event, SwitchCommand, SwitchDestination, TrunkConfig};
use ponte_protocol::{CallId, CauseReason, LegRole, LegState, Refusal};
use ponte_testkit::site::{ABROAD, ANNA, BRUNO, HOME, MOBILE, SHOP, trunk, user};
use ponte_testkit::{Phone, TrunkHabit, World};

#[test]
fn a_call_is_moved_to_another_telephone_make_before_break_and_t18_each_leg_has_its_line() {
    let (mut world, call) = in_a_call();
    let (old, new) = (leg(call, 0), leg(call, 2));
    let mode = world.mode(ANNA);
    assert_eq!(move_to(&mut world, call, number(HOTEL, None)), accepted(call));
    world.run_for(600);
    let shown = moving(&world, call).unwrap();
    assert_eq!((shown.leg.number.as_str(), shown.until), (HOTEL, None));
    assert_eq!(shown.leg.name.as_deref(), Some("Elsewhere"));
    assert_eq!(shown.leg.state, LegState::Early);
    is_connected(&world, call, old);

    world.run_for(800);
    assert_eq!(moving(&world, call), None);
    is_connected(&world, call, new);
    let shown = world.shown(call).unwrap();
    assert_eq!(shown.leg(LegRole::User).unwrap().number, HOTEL);
    assert_eq!(shown.leg(LegRole::User).unwrap().state, LegState::Confirmed);
    let closed = |world: &World| {
        let closes =
            |(_, effect): &(_, Effect)| matches!(effect, Effect::CloseLeg { leg, .. } if *leg == old);
        world.trace().iter().any(closes)
    };
    assert!(!closed(&world), "both overlap");
    world.run_for(1_000);
    assert!(closed(&world));
    is_connected(&world, call, new);
    assert_eq!(world.mode(ANNA), mode, "calls go on coming to where they came");

    let record = ended(&mut world, call);
    assert_eq!(
        lines(&record),
        [
            (HOME.to_owned(), CauseReason::Moved),
            (HOTEL.to_owned(), CauseReason::NormalClearing)
        ]
    );
    assert_eq!(record.legs.len(), 3);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
}

#[test]
fn t14_a_mobile_takes_the_call_only_when_a_person_presses_1_there() {
    let (mut world, call) = in_a_call();
    move_to(&mut world, call, number(MOBILE, None));
    world.run_for(3_000);
    is_connected(&world, call, leg(call, 0));
    assert!(moving(&world, call).unwrap().until.is_some());
    // A key on the present telephone says nothing about the new one.
    world.leg_presses(leg(call, 0), '1');
    world.run_for(100);
    is_connected(&world, call, leg(call, 0));
    world.leg_presses(leg(call, 2), '5');
    world.run_for(100);
    is_connected(&world, call, leg(call, 0));
    world.leg_presses(leg(call, 2), '1');
    world.run_for(100);
    is_connected(&world, call, leg(call, 2));
    assert_eq!(world.plays_on(leg(call, 2)), None);
    ended(&mut world, call);
}

#[test]
fn t14_the_portal_accepts_for_the_new_telephone() {
    let (mut world, call) = in_a_call();
    move_to(&mut world, call, number(MOBILE, None));
    world.run_for(3_000);
    assert_eq!(world.accept(ANNA, call), accepted(call));
    is_connected(&world, call, leg(call, 2));
    ended(&mut world, call);
}

#[test]
fn t14_a_mobile_s_voicemail_does_not_take_the_call() {
    let (mut world, call) = in_a_call();
    world.phone(MOBILE, Phone::voicemail());
    move_to(&mut world, call, number(MOBILE, None));
    world.run_for(30_000);
    is_connected(&world, call, leg(call, 0));
    let shown = moving(&world, call).unwrap().leg;
    assert_eq!(shown.state, LegState::Terminated);
    assert_eq!(shown.cause.unwrap().reason, CauseReason::NotConfirmed);
    let record = ended(&mut world, call);
    assert_eq!(lines(&record)[1], (MOBILE.to_owned(), CauseReason::NotConfirmed));
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
}

#[test]
fn t14_a_mobile_that_hangs_up_without_a_word_or_rejects_leaves_the_call_where_it_is() {
    for (key, reason) in [
        (None, CauseReason::NotConfirmed),
        (Some('2'), CauseReason::Rejected),
    ] {
        let (mut world, call) = in_a_call();
        move_to(&mut world, call, number(MOBILE, None));
        world.run_for(3_000);
        match key {
            Some(key) => world.leg_presses(leg(call, 2), key),
            None => world.leg_hangs_up(leg(call, 2)),
        }
        world.run_for(100);
        is_connected(&world, call, leg(call, 0));
        let record = ended(&mut world, call);
        assert_eq!(lines(&record)[1].1, reason);
    }
}

#[test]
fn a_telephone_that_is_busy_or_does_not_answer_leaves_the_call_where_it_is() {
    for (phone, reason) in [
        (Phone::refuses(486), CauseReason::Busy),
        (Phone::rings_out(), CauseReason::NoAnswer),
        (Phone::rings_then_refuses(500, 603), CauseReason::Declined),
    ] {
        let (mut world, call) = in_a_call();
        world.phone(HOTEL, phone);
        move_to(&mut world, call, number(HOTEL, None));
        world.run_for(40_000);
        is_connected(&world, call, leg(call, 0));
        let shown = moving(&world, call).unwrap().leg;
        assert_eq!(shown.cause.unwrap().reason, reason);
        // And once more.
        world.phone(HOTEL, Phone::answers_after(100));
        assert_eq!(move_to(&mut world, call, number(HOTEL, None)), accepted(call));
        world.run_for(1_000);
        is_connected(&world, call, leg(call, 3));
        let record = ended(&mut world, call);
        let reasons: Vec<CauseReason> = lines(&record).iter().map(|line| line.1).collect();
        assert_eq!(reasons, [CauseReason::Moved, reason, CauseReason::NormalClearing]);
    }
}

#[test]
fn the_next_trunk_is_tried_when_one_fails() {
    let (mut world, call) = in_a_call();
    world.trunk("a", TrunkHabit::Silent);
    move_to(&mut world, call, number(HOTEL, None));
    world.run_for(8_000);
    is_connected(&world, call, leg(call, 3));
    let record = ended(&mut world, call);
    assert_eq!(record.legs[2].trunk, "a");
    assert_eq!(record.legs[3].trunk, "b");

    let (mut world, call) = in_a_call();
    world.trunk("a", TrunkHabit::Refuses(503));
    world.trunk("b", TrunkHabit::Refuses(503));
    move_to(&mut world, call, number(HOTEL, None));
    world.run_for(8_000);
    is_connected(&world, call, leg(call, 0));
    ended(&mut world, call);
}

#[test]
fn t01_t02_what_may_not_be_called_is_refused_and_the_call_goes_on() {
    let (mut world, call) = in_a_call();
    for (to, refusal) in [
        (
            number(ABROAD, None),
            Refusal::Restricted {
                rule: "+44".to_owned(),
            },
        ),
        (number("112", None), Refusal::EmergencyNumber),
        (number("202", None), Refusal::OwnNumber),
        (number("*98", None), Refusal::InvalidNumber),
        (number(HOME, None), Refusal::WrongState),
    ] {
        assert_eq!(move_to(&mut world, call, to), refused(refusal));
    }
    let stranger = CallId(uuid::Uuid::from_u128(99));
    assert_eq!(
        move_to(&mut world, stranger, number(HOTEL, None)),
        refused(Refusal::UnknownCall)
    );
    let theirs = world.command(
        BRUNO,
        SwitchCommand::Move {
            call,
            to: number(HOTEL, None),
        },
    );
    assert_eq!(theirs, refused(Refusal::UnknownCall));
    world.configure_user(user(ANNA));
    assert_eq!(
        move_to(&mut world, call, SwitchDestination::Browser),
        refused(Refusal::Unsupported)
    );
    let mut anna = user(ANNA);
    anna.profile.telecommuter_allowed = false;
    world.configure_user(anna);
    assert_eq!(
        move_to(&mut world, call, number(HOTEL, None)),
        refused(Refusal::NotPermitted)
    );
    is_connected(&world, call, leg(call, 0));
    ended(&mut world, call);
}

#[test]
fn a_move_needs_a_line_a_store_and_what_is_left_of_the_caps() {
    let (mut world, call) = in_a_call();
    world.event(Event::StoreState { writable: false });
    assert_eq!(
        move_to(&mut world, call, number(HOTEL, None)),
        refused(Refusal::StoreUnavailable)
    );
    world.event(Event::StoreState { writable: true });
    world.configure_trunks(vec![TrunkConfig {
        max_legs: Some(2),
        ..trunk("a")
    }]);
    assert_eq!(
        move_to(&mut world, call, number(HOTEL, None)),
        refused(Refusal::CapReached)
    );
    // A browser needs no trunk.
    assert_eq!(
        move_to(&mut world, call, SwitchDestination::Browser),
        accepted(call)
    );
    world.run_for(3_000);
    is_connected(&world, call, leg(call, 2));
    let mut anna = user(ANNA);
    anna.caps.dials_per_hour = 1;
    world.configure_user(anna);
    assert_eq!(
        move_to(&mut world, call, number(HOTEL, None)),
        refused(Refusal::CapReached)
    );
    ended(&mut world, call);
}

#[test]
fn a_call_that_is_not_up_or_moves_already_is_not_moved() {
    let mut world = World::at_home();
    world.phone(HOTEL, Phone::rings_out());
    let call = world.dial(ANNA, SHOP);
    world.run_for(500);
    assert_eq!(
        move_to(&mut world, call, number(HOTEL, None)),
        refused(Refusal::WrongState)
    );
    world.run_for(10_000);
    assert_eq!(
        world.command(ANNA, SwitchCommand::StopMove { call }),
        refused(Refusal::WrongState)
    );
    assert_eq!(move_to(&mut world, call, number(HOTEL, None)), accepted(call));
    assert_eq!(
        move_to(&mut world, call, number(MOBILE, None)),
        refused(Refusal::AlreadyMoving)
    );
    ended(&mut world, call);
}
