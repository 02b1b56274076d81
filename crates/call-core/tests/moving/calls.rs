//! The call: who may hang up meanwhile, and what goes along with it.

use crate::common::{
    HOTEL, accepted, ended, far, in_a_call, is_connected, leg, lines, move_to, moving, number, refused,
};
use ponte_call_core::{Event, LegId, PeerHold, SwitchCommand, SwitchDestination, Tone};
use ponte_protocol::{CallPhase, CauseReason, EndedBy, LegRole, Refusal};
use ponte_testkit::site::{ANNA, BRUNO, BRUNO_HOME, CUSTOMER, DID_ANNA, HOME, MOBILE, OFFICE, SHOP};
use ponte_testkit::{Phone, World};

#[test]
fn a_call_moves_from_telephone_to_browser_and_back_and_to_another_browser() {
    let (mut world, call) = in_a_call();
    move_to(&mut world, call, SwitchDestination::Browser);
    world.run_for(3_000);
    is_connected(&world, call, leg(call, 2));
    assert!(world.shown(call).unwrap().leg(LegRole::User).unwrap().browser);
    move_to(&mut world, call, SwitchDestination::Browser);
    world.run_for(3_000);
    is_connected(&world, call, leg(call, 3));
    move_to(&mut world, call, number(HOME, None));
    world.run_for(5_000);
    is_connected(&world, call, leg(call, 4));
    let record = ended(&mut world, call);
    assert_eq!(record.legs.len(), 5);
    let moved = lines(&record)
        .iter()
        .filter(|line| line.1 == CauseReason::Moved)
        .count();
    assert_eq!(moved, 3);
}

#[test]
fn whoever_hangs_up_before_the_new_telephone_answers_goes_on_there() {
    let (mut world, call) = in_a_call();
    move_to(&mut world, call, number(HOTEL, None));
    world.run_for(500);
    world.leg_hangs_up(leg(call, 0));
    world.run_for(100);
    assert!(matches!(world.phase(call), CallPhase::Held { .. }));
    assert_eq!(world.plays_on(far(call)), Some(Tone::Hold));
    assert!(moving(&world, call).is_some());
    world.run_for(2_000);
    is_connected(&world, call, leg(call, 2));
    assert_eq!(world.plays_on(far(call)), None);
    let record = ended(&mut world, call);
    assert_eq!(lines(&record)[0], (HOME.to_owned(), CauseReason::NormalClearing));
}

#[test]
fn whoever_hangs_up_and_is_not_reached_at_the_new_telephone_has_ended_the_call() {
    let (mut world, call) = in_a_call();
    world.phone(HOTEL, Phone::rings_out());
    move_to(&mut world, call, number(HOTEL, None));
    world.run_for(500);
    world.leg_hangs_up(leg(call, 0));
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(record.ended_by, EndedBy::UserLeg);
    assert_eq!(lines(&record)[1].1, CauseReason::NoAnswer);
}

#[test]
fn the_other_party_that_hangs_up_ends_the_move_with_the_call() {
    for after in [500, 3_000] {
        let (mut world, call) = in_a_call();
        move_to(&mut world, call, number(MOBILE, None));
        world.run_for(after);
        world.leg_hangs_up(far(call));
        world.run_to_the_end();
        let record = world.record(call);
        assert_eq!(record.ended_by, EndedBy::FarLeg);
        assert_eq!(record.legs.len(), 3);
    }
}

#[test]
fn a_telephone_that_takes_the_call_and_hangs_up_during_the_overlap_ends_it() {
    let (mut world, call) = in_a_call();
    move_to(&mut world, call, number(HOTEL, None));
    world.run_until("it has moved", |world| moving(world, call).is_none());
    world.leg_hangs_up(leg(call, 2));
    world.run_to_the_end();
    assert_eq!(world.record(call).ended_by, EndedBy::UserLeg);
    assert_eq!(world.record(call).legs.len(), 3);
}

#[test]
fn a_telephone_that_was_left_may_be_hung_up_at_once() {
    let (mut world, call) = in_a_call();
    move_to(&mut world, call, number(HOTEL, None));
    world.run_until("it has moved", |world| moving(world, call).is_none());
    world.leg_hangs_up(leg(call, 0));
    world.run_for(5_000);
    is_connected(&world, call, leg(call, 2));
    ended(&mut world, call);
}

#[test]
fn a_move_that_is_stopped_frees_the_new_telephone_and_an_answer_on_the_way_changes_nothing() {
    let (mut world, call) = in_a_call();
    move_to(&mut world, call, number(HOTEL, None));
    world.run_for(500);
    assert_eq!(
        world.command(ANNA, SwitchCommand::StopMove { call }),
        accepted(call)
    );
    assert_eq!(moving(&world, call), None);
    world.event(Event::LegAnswered { leg: leg(call, 2) });
    world.run_for(3_000);
    is_connected(&world, call, leg(call, 0));
    let record = ended(&mut world, call);
    assert_eq!(lines(&record)[1], (HOTEL.to_owned(), CauseReason::Cancelled));
}

#[test]
fn t08_a_held_call_moves_and_is_still_held() {
    let (mut world, call) = in_a_call();
    world.command(ANNA, SwitchCommand::Hold { call });
    assert_eq!(move_to(&mut world, call, number(HOTEL, None)), accepted(call));
    world.run_for(4_000);
    assert!(matches!(world.phase(call), CallPhase::Held { .. }));
    assert_eq!(
        world.plays_on(leg(call, 2)),
        Some(Tone::Progress),
        "never silence"
    );
    assert_eq!(world.plays_on(far(call)), Some(Tone::Hold));
    world.command(ANNA, SwitchCommand::Retrieve { call });
    is_connected(&world, call, leg(call, 2));
    ended(&mut world, call);
}

#[test]
fn t08_held_calls_go_along_and_only_the_one_at_the_ear_is_moved() {
    let (mut world, first) = in_a_call();
    let second = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    assert_eq!(
        move_to(&mut world, first, number(HOTEL, None)),
        refused(Refusal::WrongState)
    );
    assert_eq!(move_to(&mut world, second, number(HOTEL, None)), accepted(second));
    world.run_for(4_000);
    let new = world.ear(second);
    assert_eq!(world.connections(), [(new, leg(second, 0))]);
    world.command(ANNA, SwitchCommand::Retrieve { call: first });
    assert_eq!(world.connections(), [(new, far(first))]);
    world.hang_up(ANNA, first);
    world.run_for(1_000);
    assert_eq!(world.connections(), [(new, leg(second, 0))]);
    world.leg_hangs_up(new);
    world.run_to_the_end();
    let record = world.record(first);
    assert_eq!(lines(&record)[0].1, CauseReason::Moved);
    assert_eq!(lines(&record)[1].0, HOTEL);
}

#[test]
fn what_takes_the_call_from_the_ear_ends_the_move() {
    let (mut world, first) = in_a_call();
    let second = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    move_to(&mut world, second, number(HOTEL, None));
    world.run_for(500);
    world.command(ANNA, SwitchCommand::Retrieve { call: first });
    assert_eq!(moving(&world, second), None);
    world.run_for(4_000);
    assert_eq!(world.connections(), [(leg(first, 0), far(first))]);
    world.hang_up(ANNA, first);
    world.run_for(100);

    move_to(&mut world, second, number(HOTEL, None));
    world.run_for(500);
    world.command(ANNA, SwitchCommand::Park { call: second });
    world.run_for(1_000);
    assert!(matches!(world.phase(second), CallPhase::Parked { .. }));
    assert_eq!(
        move_to(&mut world, second, number(HOTEL, None)),
        refused(Refusal::WrongState)
    );
    ended(&mut world, second);
}

#[test]
fn the_host_moves_and_the_conference_goes_on() {
    let (mut world, shop) = in_a_call();
    let office = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    world.command(
        ANNA,
        SwitchCommand::Merge {
            call: office,
            with: shop,
        },
    );
    // Any of its calls names the conference.
    assert_eq!(move_to(&mut world, shop, number(HOTEL, None)), accepted(office));
    world.run_for(4_000);
    let new = world.ear(office);
    let room: Vec<LegId> = world.room(office).into_iter().map(|(leg, _)| leg).collect();
    assert_eq!(room, [new, leg(office, 0), far(shop)]);
    assert!(world.shown(office).unwrap().conference.unwrap().host);

    // The host hangs up while the next one is called: the members talk on.
    move_to(&mut world, office, number(MOBILE, Some(false)));
    world.run_for(500);
    world.leg_hangs_up(new);
    world.run_for(100);
    assert!(!world.shown(office).unwrap().conference.unwrap().host);
    assert_eq!(world.room(office).len(), 2);
    world.run_for(3_000);
    assert_eq!(world.room(office).len(), 3);
    let ear = world.ear(office);
    world.leg_hangs_up(ear);
    world.run_to_the_end();
}

#[test]
fn both_of_two_users_move_at_once() {
    let mut world = World::at_home();
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    world.phone(HOTEL, Phone::answers_after(700));
    world.phone(OFFICE, Phone::answers_after(700));
    world.enter(BRUNO, BRUNO_HOME);
    let call = world.dial(ANNA, "202");
    world.run_for(10_000);
    let half = world.switch().joined(call).unwrap();
    let to = number(OFFICE, None);
    world.command(BRUNO, SwitchCommand::Move { call: half, to });
    move_to(&mut world, call, number(HOTEL, None));
    world.run_for(4_000);
    assert_eq!(world.connections(), [(world.ear(half), world.ear(call))]);
    // One who hangs up meanwhile: the other hears that it is held.
    move_to(&mut world, call, number(HOME, None));
    world.run_for(500);
    let before = leg(call, 2);
    world.leg_hangs_up(before);
    world.run_for(100);
    assert_eq!(world.plays_on(world.ear(half)), Some(Tone::Hold));
    assert!(world.shown(half).unwrap().held_by_far);
    world.run_for(4_000);
    assert_eq!(world.plays_on(world.ear(half)), None);
    assert_eq!(world.connections().len(), 1);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t03_a_call_moves_to_the_desk_of_whoever_comes_to_the_office_while_the_mode_stays() {
    let (mut world, call) = in_a_call();
    let to = SwitchDestination::Desk;
    assert_eq!(
        move_to(&mut world, call, to.clone()),
        refused(Refusal::UnknownDevice)
    );
    world.desk("desk-201", Some(ANNA), false);
    world.phone("desk-201", Phone::answers_after(1_000));
    let mode = world.mode(ANNA);
    world.registered("desk-201", false);
    assert_eq!(
        move_to(&mut world, call, to.clone()),
        refused(Refusal::DeviceOffline)
    );
    world.registered("desk-201", true);
    assert_eq!(move_to(&mut world, call, to.clone()), accepted(call));
    world.run_for(5_000);
    let new = leg(call, 2);
    is_connected(&world, call, new);
    let shown = world.shown(call).unwrap();
    let device = shown.leg(LegRole::User).unwrap().device.clone();
    assert_eq!(device.unwrap().as_str(), "desk-201");
    assert_eq!(world.mode(ANNA), mode);
    // It is there already; and a mode is no call.
    assert_eq!(
        move_to(&mut world, call, to.clone()),
        refused(Refusal::WrongState)
    );
    let enter = SwitchCommand::EnterTelecommuter { destination: to };
    assert_eq!(world.command(ANNA, enter), refused(Refusal::Unsupported));
    assert_eq!(move_to(&mut world, call, number(HOTEL, None)), accepted(call));
    world.run_for(5_000);
    is_connected(&world, call, leg(call, 3));
    let record = ended(&mut world, call);
    assert_eq!(
        lines(&record),
        [
            (HOME.to_owned(), CauseReason::Moved),
            ("201".to_owned(), CauseReason::Moved),
            (HOTEL.to_owned(), CauseReason::NormalClearing)
        ]
    );
}

#[test]
fn t03_a_call_at_the_desk_moves_to_the_mobile_of_whoever_leaves_the_office() {
    let mut world = World::default();
    world.desk("desk-201", Some(ANNA), false);
    world.phone(SHOP, Phone::answers_after(500));
    world.phone(MOBILE, Phone::answers_after(500));
    let call = world.desk_dials("desk-201", SHOP);
    world.run_for(3_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(
        move_to(&mut world, call, number(MOBILE, Some(false))),
        accepted(call)
    );
    world.run_for(5_000);
    assert_eq!(world.connections(), [(world.ear(call), far(call))]);
    let record = ended(&mut world, call);
    assert_eq!(
        lines(&record).iter().map(|line| line.1).collect::<Vec<_>>(),
        [CauseReason::Moved, CauseReason::NormalClearing]
    );
}

#[test]
fn an_incoming_call_moves_and_the_new_telephone_is_shown_the_caller() {
    let (mut world, call) = in_a_call();
    ended(&mut world, call);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(4_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.phone(
        HOTEL,
        Phone::trying()
            .progress_after(3_000, 180)
            .then_answers_after(20_000),
    );
    move_to(&mut world, call, number(HOTEL, None));
    world.run_for(24_000);
    assert_eq!(world.connections(), [(world.ear(call), leg(call, 0))]);
    let shown = world.callers_shown(call);
    assert_eq!(shown.last().unwrap().0.as_deref(), Some(CUSTOMER));
    ended(&mut world, call);
}

#[test]
fn what_the_other_party_s_hold_plays_goes_along() {
    let (mut world, call) = in_a_call();
    world.event(Event::LegHeld {
        leg: far(call),
        hold: PeerHold::Inactive,
    });
    move_to(&mut world, call, number(HOTEL, None));
    world.run_for(4_000);
    assert_eq!(world.plays_on(leg(call, 2)), Some(Tone::Hold));
    world.event(Event::LegHeld {
        leg: far(call),
        hold: PeerHold::No,
    });
    assert_eq!(world.plays_on(leg(call, 2)), None);
    is_connected(&world, call, leg(call, 2));
    ended(&mut world, call);
}

#[test]
fn silence_at_a_telephone_that_is_not_at_the_ear_ends_nothing() {
    let (mut world, call) = in_a_call();
    world.phone(MOBILE, Phone::answers_after(500).falls_silent_after(0));
    move_to(&mut world, call, number(MOBILE, None));
    world.run_for(15_000);
    is_connected(&world, call, leg(call, 0));
    assert!(!world.shown(call).unwrap().leg(LegRole::User).unwrap().no_audio);
    ended(&mut world, call);
}

#[test]
fn whoever_hangs_up_and_parks_the_call_instead_of_moving_it_leaves_it_parked() {
    for with_another in [false, true] {
        let (mut world, call) = in_a_call();
        let other = with_another.then(|| {
            let held = world.dial(ANNA, OFFICE);
            world.run_for(3_000);
            held
        });
        let call = other.map_or(call, |held| {
            assert!(matches!(world.phase(call), CallPhase::Held { .. }));
            held
        });
        world.phone(HOTEL, Phone::rings_out());
        move_to(&mut world, call, number(HOTEL, None));
        world.run_for(500);
        world.leg_hangs_up(leg(world.calls_of(ANNA)[0], 0));
        world.run_for(100);
        let park = SwitchCommand::Park { call };
        assert_eq!(world.command(ANNA, park), accepted(call));
        world.run_for(5_000);
        assert!(matches!(world.phase(call), CallPhase::Parked { .. }));
        if with_another {
            // Her telephone is called for the one who was held.
            let first = world.calls_of(ANNA)[0];
            assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
            world.hang_up(ANNA, first);
        }
        world.hang_up(ANNA, call);
        world.run_to_the_end();
    }
}
