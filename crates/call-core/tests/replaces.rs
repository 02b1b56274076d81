//! A desk telephone takes a call over by Replaces (RFC 3891, ADR 41): a colleague's that rings, the user's own that rings
//! or is up; and everything that it may not take, which goes on.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{
    Announcement, Effect, Event, LegId, PeerHold, Replaced, SwitchCommand, Takeable, Tone,
};
use ponte_protocol::{CallId, CallPhase, CauseReason, LegRole};
use ponte_testkit::site::{ANNA, BRUNO, COMPANY, CUSTOMER, DID_ANNA, HOME, OFFICE, SHOP, user};
use ponte_testkit::{Phone, Told, World};

const CARLA: &str = "carla";

/// Anna, Bruno and Carla, each with a telephone on the desk; Anna's rings and nobody is there.
fn office() -> World {
    let mut world = World::default();
    let mut carla = user(CARLA);
    carla.profile.extension = "203".parse().unwrap();
    world.configure_user(carla);
    for (desk, owner) in [("desk-201", ANNA), ("desk-202", BRUNO), ("desk-203", CARLA)] {
        world.desk(desk, Some(owner), false);
        world.phone(desk, Phone::rings_out());
    }
    for number in [HOME, SHOP, OFFICE] {
        world.phone(number, Phone::answers_after(1_000));
    }
    world
}

fn first(call: CallId) -> LegId {
    LegId { call, index: 0 }
}

fn leg(call: CallId, index: u16) -> LegId {
    LegId { call, index }
}

fn opened(world: &World) -> usize {
    let opens = |(_, effect): &&(_, Effect)| matches!(effect, Effect::OpenLeg { .. });
    world.trace().iter().filter(opens).count()
}

fn refused(world: &World, call: CallId) -> Option<u16> {
    match world.told(call).last() {
        Some(Told::Refused(status)) => Some(*status),
        _ => None,
    }
}

/// The causes with which a leg was told to close.
fn closed(world: &World, leg: LegId) -> Vec<CauseReason> {
    let closes = |(_, effect): &(_, Effect)| match effect {
        Effect::CloseLeg { leg: told, cause } if *told == leg => Some(cause.reason),
        _ => None,
    };
    world.trace().iter().filter_map(closes).collect()
}

/// A customer calls Anna, whose telephone rings.
fn rings_for_anna() -> (World, CallId) {
    let mut world = office();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(2_000);
    assert!(matches!(world.phase(call), CallPhase::Ringing));
    (world, call)
}

#[test]
fn t06_t18_a_colleagues_call_that_rings_is_taken_by_the_telephone_that_asks() {
    for early_only in [true, false] {
        let (mut world, call) = rings_for_anna();
        let before = opened(&world);
        assert_eq!(world.switch().takeable(call), Some(Takeable::ByColleagues));
        let taken = world.takes_over("desk-202", Replaced::Call(call), early_only);
        assert!(world.told(taken).contains(&Told::Answered));
        assert!(world.told(call).contains(&Told::Answered));
        assert_eq!(world.connections(), [(first(taken), first(call))]);
        assert_eq!(closed(&world, leg(call, 1)), [CauseReason::AnsweredElsewhere]);
        assert_eq!(opened(&world), before, "nobody is called again");
        world.run_for(30_000);
        assert!(matches!(world.phase(taken), CallPhase::Connected { .. }));
        let record = world.record(call);
        assert_eq!(record.cause.reason, CauseReason::AnsweredElsewhere);
        let rang = record
            .legs
            .iter()
            .find(|line| line.role == LegRole::User)
            .unwrap();
        assert_eq!(rang.cause.reason, CauseReason::AnsweredElsewhere);

        world.caller_hangs_up(call);
        world.run_to_the_end();
        let record = world.record(taken);
        assert_eq!((record.user.as_str(), record.number.as_str()), (BRUNO, CUSTOMER));
        assert_eq!(record.cause.reason, CauseReason::NormalClearing);
        assert_eq!(record.legs.len(), 2, "one line for each leg: {record:?}");
        assert_eq!(world.records_of(BRUNO).len(), 1);
        assert_eq!(world.records_of(ANNA).len(), 1);
    }
}

#[test]
fn the_leg_that_rings_names_its_call() {
    let (mut world, call) = rings_for_anna();
    let taken = world.takes_over("desk-202", Replaced::Leg(leg(call, 1)), true);
    assert_eq!(world.connections(), [(first(taken), first(call))]);
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn a_call_of_a_third_colleague_is_taken_and_the_two_hear_each_other() {
    let mut world = office();
    let out = world.desk_dials("desk-203", "201");
    world.run_for(2_000);
    let half = world.switch().joined(out).unwrap();
    // Who calls does not pick the own call up.
    let own = world.takes_over("desk-203", Replaced::Call(half), false);
    assert_eq!(refused(&world, own), Some(486), "her line is taken by the call");
    let taken = world.takes_over("desk-202", Replaced::Call(half), true);
    world.run_for(1_000);
    assert!(matches!(world.phase(out), CallPhase::Connected { .. }));
    assert_eq!(world.connections().len(), 1);
    let pair = world.connections()[0];
    assert!(
        [pair, (pair.1, pair.0)].contains(&(first(taken), first(out))),
        "{pair:?}"
    );
    assert_eq!(world.record(half).cause.reason, CauseReason::AnsweredElsewhere);
    world.caller_hangs_up(taken);
    world.run_to_the_end();
}

#[test]
fn t03_who_telecommutes_takes_nothing_at_the_ordinary_telephone() {
    let (mut world, call) = rings_for_anna();
    world.enter(BRUNO, HOME);
    let taken = world.takes_over("desk-202", Replaced::Call(call), false);
    world.run_for(10_000);
    assert_eq!(
        world.told(taken),
        [
            Told::EarlyMedia,
            Told::Words(vec![Announcement::StillAway, Announcement::LeaveByCode]),
            Told::Refused(403)
        ]
    );
    assert!(matches!(world.phase(call), CallPhase::Ringing));
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn only_who_may_pick_up_takes_a_colleagues_call_and_none_that_is_answered() {
    let (mut world, call) = rings_for_anna();
    let mut bruno = user(BRUNO);
    bruno.profile.pick_up_allowed = false;
    world.configure_user(bruno);
    let taken = world.takes_over("desk-202", Replaced::Call(call), true);
    assert_eq!(refused(&world, taken), Some(403));
    let taken = world.takes_over("nobodys", Replaced::Call(call), true);
    assert_eq!(refused(&world, taken), Some(403));
    // The other party's telephone is not what rings.
    let taken = world.takes_over("desk-203", Replaced::Leg(first(call)), true);
    assert_eq!(refused(&world, taken), Some(403));
    assert!(matches!(world.phase(call), CallPhase::Ringing));

    // She answers in the same moment.
    world.event(Event::LegAnswered { leg: leg(call, 1) });
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.switch().takeable(call), Some(Takeable::ByUser));
    for (of, early_only, status) in [
        (Replaced::Call(call), true, 486),
        (Replaced::Leg(leg(call, 1)), true, 486),
        (Replaced::Call(call), false, 403),
        (Replaced::Leg(leg(call, 1)), false, 403),
    ] {
        let taken = world.takes_over("desk-203", of, early_only);
        assert_eq!(refused(&world, taken), Some(status), "{of:?} {early_only}");
    }
    assert_eq!(world.connections(), [(leg(call, 1), first(call))]);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert_eq!(world.record(call).cause.reason, CauseReason::NormalClearing);
}

#[test]
fn of_two_who_take_one_wins_and_a_call_that_is_over_is_not_taken() {
    let (mut world, call) = rings_for_anna();
    let won = world.takes_over("desk-202", Replaced::Call(call), false);
    let lost = world.takes_over("desk-203", Replaced::Call(call), false);
    assert_eq!(refused(&world, lost), Some(481));
    assert_eq!(world.connections(), [(first(won), first(call))]);
    world.caller_hangs_up(call);
    world.run_for(1_000);
    for of in [
        Replaced::Call(won),
        Replaced::Leg(first(won)),
        Replaced::Leg(leg(call, 1)),
        Replaced::Call(lost),
    ] {
        let late = world.takes_over("desk-203", of, false);
        assert_eq!(refused(&world, late), Some(481), "{of:?}");
    }
    world.run_to_the_end();

    let (mut world, call) = rings_for_anna();
    world.caller_hangs_up(call);
    world.run_for(200);
    let late = world.takes_over("desk-202", Replaced::Call(call), true);
    assert_eq!(refused(&world, late), Some(481));
    world.run_to_the_end();
    assert_eq!(world.record(call).cause.reason, CauseReason::Cancelled);
}

#[test]
fn t10_t18_a_call_goes_on_at_the_desk_after_leaving() {
    let mut world = office();
    world.enter(ANNA, HOME);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(3_000);
    world.leave(ANNA);
    let home = leg(call, 1);
    assert_eq!(world.connections(), [(home, first(call))]);
    assert_eq!(world.switch().takeable(call), Some(Takeable::ByUser));
    let before = opened(&world);
    let taken = world.takes_over("desk-201", Replaced::Call(call), false);
    assert_eq!(
        opened(&world),
        before,
        "the caller is not rung again, nor anybody"
    );
    assert_eq!(world.connections(), [(first(taken), first(call))]);
    assert!(closed(&world, home).is_empty(), "both overlap");
    world.run_for(2_000);
    assert_eq!(closed(&world, home), [CauseReason::Moved]);
    let shown = world.shown(call).unwrap();
    let ear = shown.leg(LegRole::User).unwrap();
    assert_eq!(ear.device.as_ref().unwrap().as_str(), "desk-201");

    // Back to the mobile by **Move** it goes as ever.
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let record = world.record(call);
    let lines: Vec<_> = record
        .legs
        .iter()
        .filter(|line| line.role == LegRole::User)
        .map(|line| (line.number.as_str(), line.cause.reason))
        .collect();
    assert_eq!(
        lines,
        [(HOME, CauseReason::Moved), ("201", CauseReason::NormalClearing)]
    );
    assert_eq!(world.records_of(ANNA).len(), 1, "one record of the call");
}

#[test]
fn t10_a_call_that_still_rings_elsewhere_is_answered_at_the_desk() {
    let mut world = office();
    world.phone(HOME, Phone::rings_out());
    world.enter(ANNA, HOME);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(2_000);
    world.leave(ANNA);
    let taken = world.takes_over("desk-201", Replaced::Call(call), true);
    assert_eq!(world.connections(), [(first(taken), first(call))]);
    assert_eq!(closed(&world, leg(call, 1)), [CauseReason::AnsweredElsewhere]);
    world.run_for(60_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.caller_hangs_up(taken);
    world.run_to_the_end();
    assert_eq!(world.record(call).cause.reason, CauseReason::NormalClearing);
    assert_eq!(world.records_of(ANNA).len(), 1);
}

/// Anna talks to the shop at her desk.
fn at_the_desk() -> (World, CallId) {
    let mut world = office();
    let call = world.desk_dials("desk-201", SHOP);
    world.run_for(3_000);
    (world, call)
}

#[test]
fn a_call_moves_to_a_second_telephone_of_the_same_account_also_by_its_leg() {
    for held in [false, true] {
        let (mut world, call) = at_the_desk();
        let shop = leg(call, 1);
        if held {
            world.command(ANNA, SwitchCommand::Hold { call });
            assert_eq!(world.plays_on(shop), Some(Tone::Hold));
        }
        let of = Replaced::Leg(first(call));
        let early = world.takes_over("desk-201", of, true);
        assert_eq!(refused(&world, early), Some(486), "it is not early any more");
        let taken = world.takes_over("desk-201", of, false);
        assert_eq!(world.connections(), [(first(taken), shop)], "{held}");
        assert_eq!(world.plays_on(shop), None);
        world.run_for(2_000);
        assert_eq!(closed(&world, first(call)), [CauseReason::Moved]);
        // And once more, to a third; the leg before is over.
        let over = world.takes_over("desk-201", Replaced::Leg(first(call)), false);
        assert_eq!(refused(&world, over), Some(481));
        let third = world.takes_over("desk-201", Replaced::Leg(first(taken)), false);
        world.run_for(2_000);
        assert_eq!(world.connections(), [(first(third), shop)]);
        world.caller_hangs_up(third);
        world.run_to_the_end();
        assert_eq!(world.records_of(ANNA).len(), 1);
        assert_eq!(world.record(call).legs.len(), 4);
    }
}

#[test]
fn t08_whose_line_is_taken_holds_it_by_the_telephones_own_key_to_take_another() {
    let (mut world, call) = at_the_desk();
    let other = world.call_in(COMPANY, CUSTOMER);
    assert_eq!(refused(&world, other), Some(404));
    let other = world.call_in(ponte_testkit::site::DID_BRUNO, CUSTOMER);
    world.run_for(1_000);
    let busy = world.takes_over("desk-201", Replaced::Call(other), true);
    assert_eq!(refused(&world, busy), Some(486));
    world.event(Event::LegHeld {
        leg: first(call),
        hold: PeerHold::SendOnly,
    });
    let taken = world.takes_over("desk-201", Replaced::Call(other), true);
    assert_eq!(world.connections(), [(first(taken), first(other))]);
    assert_eq!(world.plays_on(leg(call, 1)), Some(Tone::Hold));
    world.caller_hangs_up(taken);
    world.run_for(1_000);
    world.event(Event::LegHeld {
        leg: first(call),
        hold: PeerHold::No,
    });
    assert_eq!(world.connections(), [(first(call), leg(call, 1))]);
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t08_a_call_that_waits_is_taken_beside_the_line_by_the_same_key() {
    let (mut world, call) = at_the_desk();
    let waits = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    assert!(matches!(world.phase(waits), CallPhase::Waiting { .. }));
    let busy = world.takes_over("desk-201", Replaced::Call(waits), true);
    assert_eq!(refused(&world, busy), Some(486));
    world.event(Event::LegHeld {
        leg: first(call),
        hold: PeerHold::SendOnly,
    });
    let taken = world.takes_over("desk-201", Replaced::Call(waits), true);
    assert_eq!(world.connections(), [(first(taken), first(waits))]);
    world.run_for(120_000);
    assert!(matches!(world.phase(waits), CallPhase::Connected { .. }));
    world.caller_hangs_up(waits);
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t17_an_emergency_call_is_not_taken_from_its_telephone() {
    let mut world = office();
    world.phone("112", Phone::answers_after(500));
    let call = world.desk_dials("desk-201", "112");
    world.run_for(3_000);
    for desk in ["desk-201", "desk-202"] {
        let taken = world.takes_over(desk, Replaced::Call(call), false);
        let status = refused(&world, taken).unwrap();
        assert!(matches!(status, 403 | 603), "{desk}: {status}");
    }
    assert_eq!(world.switch().takeable(call), None);
    assert_eq!(world.connections(), [(first(call), leg(call, 1))]);
    world.caller_hangs_up(call);
    world.run_to_the_end();
}
