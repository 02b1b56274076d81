//! Transfer: blind, consulted, by REFER; what happens when nobody takes the party; what stays on record.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Effect, Event, LegId, PeerHold, SwitchCommand, SwitchTarget, Tone};
use ponte_protocol::{CallId, CallPhase, CauseReason, LegRole, Outcome, Refusal};
use ponte_testkit::site::{
    ABROAD, ANNA, BRUNO, BRUNO_HOME, COMPANY, CUSTOMER, DID_ANNA, HOME, MOBILE, OFFICE, SHOP,
};
use ponte_testkit::{Phone, Told, World, plan};

/// The customer has called Anna, who is at home, and they speak.
fn customer_on_the_line() -> (World, CallId) {
    let mut world = World::at_home();
    world.phone(BRUNO_HOME, Phone::answers_after(1_000));
    world.enter(BRUNO, BRUNO_HOME);
    world.phone(OFFICE, Phone::answers_after(1_000));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    (world, call)
}

fn caller(call: CallId) -> LegId {
    LegId { call, index: 0 }
}

fn dialled(number: &str) -> SwitchTarget {
    SwitchTarget::Dialled {
        typed: number.parse().unwrap(),
        dialled: plan::read(number),
    }
}

fn transfer(world: &mut World, call: CallId, to: SwitchTarget) -> Outcome {
    world.command(ANNA, SwitchCommand::Transfer { call, to })
}

fn calls(world: &World, user: &str) -> Vec<ponte_protocol::CallView> {
    world.switch().calls(&user.parse().unwrap())
}

/// The call of Anna that reaches the target.
fn made(world: &World, call: CallId) -> CallId {
    calls(world, ANNA)
        .into_iter()
        .find(|other| other.id != call)
        .unwrap()
        .id
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal }
}

#[test]
fn t06_a_call_transferred_to_an_extension_is_redirected_to_the_destination() {
    let (mut world, call) = customer_on_the_line();
    transfer(&mut world, call, dialled("202"));
    assert!(matches!(world.phase(call), CallPhase::Transferring { .. }));
    assert_eq!(
        world.plays_on(caller(call)),
        Some(Tone::Ringback),
        "the caller hears ringing"
    );
    let bruno = calls(&world, BRUNO)[0].id;
    assert_eq!(world.opened(bruno)[0].2, BRUNO_HOME, "rule T6");
    assert_eq!(
        world.shown(bruno).unwrap().leg(LegRole::Far).unwrap().number,
        CUSTOMER,
        "rule T7: who it is, not who transferred"
    );
    assert_eq!(
        world.callers_shown(bruno)[0].0.as_deref(),
        Some(CUSTOMER),
        "rule T16"
    );
    world.run_for(5_000);
    assert!(matches!(world.phase(bruno), CallPhase::Connected { .. }));
    let connected = world.connections();
    assert_eq!(connected.len(), 1);
    assert_eq!(connected[0].1, caller(call));
    assert_eq!(connected[0].0.call, bruno);
    assert!(calls(&world, ANNA).is_empty(), "the line is free");
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::Transferred);
    assert!(record.connected_at.is_some());
    // Rule T10: calls that are up go on, whatever Anna does.
    world.leave(ANNA);
    world.caller_hangs_up(call);
    world.run_for(1_000);
    let record = world.record(bruno);
    assert_eq!(record.number, CUSTOMER);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert!(
        record
            .legs
            .iter()
            .any(|line| line.number == CUSTOMER && line.answered_at.is_some())
    );
}

#[test]
fn t16_t18_a_call_transferred_to_a_number_goes_on_and_both_records_are_true() {
    let (mut world, call) = customer_on_the_line();
    transfer(&mut world, call, dialled(OFFICE));
    let other = made(&world, call);
    assert_eq!(
        world.callers_shown(other),
        [(Some(COMPANY.to_owned()), Some("Company".to_owned()))],
        "rule T16: the company's number, whoever calls"
    );
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Transferred { .. }));
    let office = LegId {
        call: other,
        index: 0,
    };
    assert_eq!(world.connections(), [(office, caller(call))]);
    let reached = world.record(other);
    assert_eq!(
        (reached.cause.reason, reached.number.as_str()),
        (CauseReason::Transferred, OFFICE)
    );
    // Anna's line is free for another call.
    let third = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert!(matches!(world.phase(third), CallPhase::Connected { .. }));
    world.phone_hangs_up(other, LegRole::Far);
    world.run_for(1_000);
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    let numbers: Vec<_> = record.legs.iter().map(|line| line.number.as_str()).collect();
    assert_eq!(numbers, [CUSTOMER, HOME, OFFICE]);
    assert!(matches!(world.phase(third), CallPhase::Connected { .. }));
    world.hang_up(ANNA, third);
    world.run_to_the_end();
}

#[test]
fn a_blind_transfer_that_nobody_takes_comes_back_to_the_user() {
    for back in [true, false] {
        let (mut world, call) = customer_on_the_line();
        world.phone(OFFICE, Phone::refuses(486));
        if !back {
            world.phone(HOME, Phone::rings_out());
        }
        transfer(&mut world, call, dialled(OFFICE));
        let other = made(&world, call);
        world.run_for(3_000);
        assert_eq!(
            world.record(other).cause.reason,
            CauseReason::Busy,
            "the cause is told"
        );
        assert_eq!(world.opened(call).len(), 2, "her telephone is called again");
        world.run_for(10_000);
        if back {
            assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
            assert_eq!(world.connections().len(), 1);
            world.caller_hangs_up(call);
            world.run_for(2_000);
            assert_eq!(world.record(call).cause.reason, CauseReason::NormalClearing);
        } else {
            // Rule T9: voicemail takes what she does not.
            world.run_for(30_000);
            assert!(world.told(call).contains(&Told::Greeting));
            world.caller_hangs_up(call);
            world.run_for(2_000);
            assert_eq!(world.record(call).cause.reason, CauseReason::Voicemail);
        }
    }
}

/// How her telephone is reached again, however often it was before.
fn comes_back_again_and_again(world: &mut World, call: CallId) {
    world.phone(OFFICE, Phone::refuses(486));
    for times in 2..5 {
        transfer(world, call, dialled(OFFICE));
        world.run_for(10_000);
        let user_legs = world
            .opened(call)
            .into_iter()
            .filter(|(role, ..)| *role == LegRole::User);
        assert_eq!(user_legs.count(), times, "her telephone is called again");
        assert!(
            matches!(world.phase(call), CallPhase::Connected { .. }),
            "{times}"
        );
    }
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn a_party_that_nobody_takes_comes_back_however_few_trunks_there_are() {
    let (mut world, call) = customer_on_the_line();
    comes_back_again_and_again(&mut world, call);
}

#[test]
fn a_party_that_nobody_takes_comes_back_to_the_desk_telephone() {
    let mut world = World::default();
    world.desk("desk-201", Some(ANNA), false);
    world.phone("desk-201", Phone::answers_after(1_000));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    comes_back_again_and_again(&mut world, call);
}

#[test]
fn a_party_comes_back_to_a_user_who_is_in_another_call_as_held() {
    let (mut world, call) = customer_on_the_line();
    world.phone(OFFICE, Phone::rings_out());
    transfer(&mut world, call, dialled(OFFICE));
    world.run_for(1_000);
    let second = world.dial(ANNA, SHOP);
    world.run_for(100_000);
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    assert!(matches!(world.phase(call), CallPhase::Held { .. }));
    world.command(ANNA, SwitchCommand::Retrieve { call });
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.hang_up(ANNA, call);
    world.run_for(1_000);
    world.hang_up(ANNA, second);
    world.run_to_the_end();
}

#[test]
fn t04_a_transfer_passes_the_restrictions_of_who_transfers() {
    let (mut world, call) = customer_on_the_line();
    assert!(matches!(
        transfer(&mut world, call, dialled(ABROAD)),
        Outcome::Refused {
            refusal: Refusal::Restricted { .. }
        }
    ));
    assert_eq!(
        transfer(&mut world, call, dialled("112")),
        refused(Refusal::EmergencyNumber)
    );
    assert_eq!(
        transfer(&mut world, call, dialled("201")),
        refused(Refusal::OwnNumber)
    );
    assert_eq!(
        transfer(&mut world, call, dialled("299")),
        refused(Refusal::InvalidNumber)
    );
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

#[test]
fn the_party_gives_up_while_the_target_rings() {
    let (mut world, call) = customer_on_the_line();
    world.phone(BRUNO_HOME, Phone::rings_out());
    transfer(&mut world, call, dialled("202"));
    world.run_for(2_000);
    let bruno = calls(&world, BRUNO)[0].id;
    world.caller_hangs_up(call);
    world.run_for(2_000);
    assert_eq!(world.record(bruno).cause.reason, CauseReason::Cancelled);
    assert!(world.record(bruno).is_missed());
    assert_eq!(world.record(call).cause.reason, CauseReason::NormalClearing);
    world.run_to_the_end();
}

#[test]
fn t09_a_call_transferred_to_a_box_leaves_its_message_there() {
    let (mut world, call) = customer_on_the_line();
    let to = SwitchTarget::Voicemail {
        extension: "202".parse().unwrap(),
    };
    transfer(&mut world, call, to);
    world.run_for(20_000);
    assert_eq!(
        &world.told(call)[3..],
        [Told::Tone(Tone::Ringback), Told::Greeting, Told::Recorded]
    );
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let records = world.records_of(BRUNO);
    assert_eq!(records[0].cause.reason, CauseReason::Voicemail);
    assert!(records[0].message.is_some() && records[0].is_missed());
    assert_eq!(records[0].number, CUSTOMER);
}

#[test]
fn a_consulted_transfer_puts_the_two_parties_through() {
    let (mut world, call) = customer_on_the_line();
    let second = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    let done = world.command(ANNA, SwitchCommand::TransferTo { call, with: second });
    assert_eq!(done, Outcome::Accepted { call: Some(call) });
    assert_eq!(
        world.connections(),
        [(
            LegId {
                call: second,
                index: 0
            },
            caller(call)
        )]
    );
    assert_eq!(world.plays_on(caller(call)), None);
    assert!(matches!(world.phase(call), CallPhase::Transferred { .. }));
    world.run_for(1_000);
    assert_eq!(world.record(second).cause.reason, CauseReason::Transferred);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn a_consulted_transfer_between_two_users_leaves_nothing_of_the_one_who_transferred() {
    let (mut world, call) = customer_on_the_line();
    let second = world.dial(ANNA, "202");
    world.run_for(5_000);
    let bruno = world.switch().joined(second).unwrap();
    world.command(ANNA, SwitchCommand::TransferTo { call, with: second });
    world.run_for(1_000);
    assert!(calls(&world, ANNA).is_empty());
    assert!(matches!(world.phase(bruno), CallPhase::Connected { .. }));
    assert_eq!(world.connections()[0].1, caller(call));
    // He holds the party that was given to him, and has it back.
    world.command(BRUNO, SwitchCommand::Hold { call: bruno });
    assert_eq!(world.plays_on(caller(call)), Some(Tone::Hold));
    world.command(BRUNO, SwitchCommand::Retrieve { call: bruno });
    assert_eq!(world.plays_on(caller(call)), None);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert_eq!(world.record(bruno).cause.reason, CauseReason::NormalClearing);
}

#[test]
fn a_colleague_is_put_through_to_another_party() {
    let (mut world, _) = customer_on_the_line();
    let to_bruno = world.dial(ANNA, "202");
    world.run_for(5_000);
    let bruno = world.switch().joined(to_bruno).unwrap();
    let office = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    world.command(
        ANNA,
        SwitchCommand::TransferTo {
            call: office,
            with: to_bruno,
        },
    );
    world.run_for(1_000);
    let view = world.shown(bruno).unwrap();
    assert_eq!(view.leg(LegRole::Far).unwrap().number, OFFICE);
    assert!(matches!(view.phase, CallPhase::Connected { .. }));
    assert_eq!(calls(&world, ANNA).len(), 1, "the customer is back at her ear");
    assert_eq!(world.connections().len(), 2);
}

#[test]
fn a_transfer_to_a_call_that_still_rings_goes_on_without_the_user() {
    let (mut world, call) = customer_on_the_line();
    let second = world.dial(ANNA, OFFICE);
    world.run_for(100);
    assert_eq!(world.phase(second), CallPhase::CallingFar);
    world.command(ANNA, SwitchCommand::TransferTo { call, with: second });
    assert!(matches!(world.phase(call), CallPhase::Transferring { .. }));
    world.run_for(5_000);
    assert_eq!(
        world.connections(),
        [(
            LegId {
                call: second,
                index: 0
            },
            caller(call)
        )]
    );
}

#[test]
fn t06_a_telephone_that_refers_is_told_what_comes_of_it() {
    for answers in [true, false] {
        let (mut world, call) = customer_on_the_line();
        if !answers {
            world.phone(OFFICE, Phone::refuses(603));
        }
        let leg = world.ear(call);
        let new = CallId(uuid::Uuid::from_u128(0xAFFE));
        world.event(Event::Referred {
            leg,
            call: new,
            to: dialled(OFFICE),
        });
        world.run_for(5_000);
        let told: Vec<u16> = world
            .trace()
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::ReferProgress { leg: of, status } if *of == leg => Some(*status),
                _ => None,
            })
            .collect();
        if answers {
            assert_eq!(told, [100, 200]);
            assert_eq!(
                world.connections(),
                [(LegId { call: new, index: 0 }, caller(call))]
            );
        } else {
            assert_eq!(told, [100, 603]);
            assert!(
                matches!(world.phase(call), CallPhase::Connected { .. }),
                "it never left her"
            );
            assert_eq!(world.connections().len(), 1);
        }
    }
}

#[test]
fn a_telephone_that_refers_and_hangs_up_leaves_the_transfer_going() {
    let (mut world, call) = customer_on_the_line();
    let leg = world.ear(call);
    let new = CallId(uuid::Uuid::from_u128(0xAFFE));
    world.event(Event::Referred {
        leg,
        call: new,
        to: dialled("202"),
    });
    world.phone_hangs_up(call, LegRole::User);
    world.run_for(5_000);
    assert!(matches!(
        calls(&world, BRUNO)[0].phase,
        CallPhase::Connected { .. }
    ));
    assert_eq!(world.connections()[0].1, caller(call));
}

#[test]
fn t14_a_party_that_comes_back_to_a_mobile_waits_for_the_confirmation() {
    let (mut world, call) = customer_on_the_line();
    world.phone(MOBILE, Phone::answers_after(500));
    world.enter(ANNA, MOBILE);
    world.phone(OFFICE, Phone::refuses(404));
    transfer(&mut world, call, dialled(OFFICE));
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Confirming { .. }));
    world.accept(ANNA, call);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

/// Anna's desk telephone in a call that she dialled and holds, and in a second one of its own.
fn asked_at_the_desk() -> (World, CallId, CallId) {
    let mut world = World::default();
    world.desk("desk-201", Some(ANNA), false);
    world.phone(SHOP, Phone::answers_after(500));
    world.phone(OFFICE, Phone::answers_after(500));
    let first = world.desk_dials("desk-201", SHOP);
    world.run_for(3_000);
    holds(&mut world, first, PeerHold::SendOnly);
    let second = world.desk_dials("desk-201", OFFICE);
    world.run_for(3_000);
    assert!(matches!(world.phase(first), CallPhase::Held { .. }));
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    (world, first, second)
}

fn holds(world: &mut World, call: CallId, hold: PeerHold) {
    let leg = LegId { call, index: 0 };
    world.event(Event::LegHeld { leg, hold });
    world.run_for(100);
}

#[test]
fn t08_a_desk_telephone_asks_before_it_puts_its_two_calls_through() {
    let (mut world, first, second) = asked_at_the_desk();
    let ears = [first, second].map(|call| LegId { call, index: 0 });
    world.event(Event::ReferredTo {
        leg: ears[0],
        with: ears[1],
    });
    let order: Vec<_> = world
        .trace()
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::ReferProgress { leg, status } => Some((*leg, *status)),
            Effect::CloseLeg { leg, .. } => Some((*leg, 0)),
            _ => None,
        })
        .collect();
    assert_eq!(order[0], (ears[0], 200), "told while its leg is there: {order:?}");
    assert!(
        order.contains(&(ears[0], 0)) && order.contains(&(ears[1], 0)),
        "{order:?}"
    );
    world.run_for(3_000);
    let fars = [first, second].map(|call| LegId { call, index: 1 });
    assert_eq!(world.connections(), [(fars[1], fars[0])]);
    // Her telephone is free for the next.
    let third = world.desk_dials("desk-201", SHOP);
    world.run_for(3_000);
    assert!(matches!(world.phase(third), CallPhase::Connected { .. }));
}

#[test]
fn t08_a_desk_telephone_turns_from_one_call_to_the_other_and_back() {
    let (mut world, first, second) = asked_at_the_desk();
    holds(&mut world, second, PeerHold::SendOnly);
    assert!(matches!(world.phase(second), CallPhase::Held { .. }));
    holds(&mut world, first, PeerHold::No);
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    holds(&mut world, first, PeerHold::Inactive);
    holds(&mut world, second, PeerHold::No);
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    // Whoever she asked hangs up; the first waits for her as before.
    world.phone_hangs_up(second, LegRole::Far);
    world.run_for(1_000);
    assert!(matches!(world.phase(first), CallPhase::Held { .. }));
    holds(&mut world, first, PeerHold::No);
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    world.phone_hangs_up(first, LegRole::User);
    world.run_to_the_end();
}

#[test]
fn t08_a_desk_telephone_makes_no_second_call_without_holding_and_no_third() {
    let (mut world, first, second) = asked_at_the_desk();
    let third = world.desk_dials("desk-201", SHOP);
    assert_eq!(world.told(third), [Told::Refused(486)]);
    world.phone_hangs_up(second, LegRole::User);
    world.run_for(1_000);
    holds(&mut world, first, PeerHold::No);
    let fourth = world.desk_dials("desk-201", OFFICE);
    assert_eq!(world.told(fourth), [Told::Refused(486)]);
    // The one on the line ends first: the other goes on beside it.
    holds(&mut world, first, PeerHold::SendOnly);
    let fifth = world.desk_dials("desk-201", OFFICE);
    world.run_for(3_000);
    world.phone_hangs_up(first, LegRole::User);
    world.run_for(1_000);
    assert!(matches!(world.phase(fifth), CallPhase::Connected { .. }));
    world.phone_hangs_up(fifth, LegRole::Far);
    world.run_to_the_end();
}

#[test]
fn a_party_that_nobody_takes_waits_while_the_users_telephone_rings_for_another() {
    let (mut world, call) = customer_on_the_line();
    world.phone(OFFICE, Phone::rings_then_refuses(1_000, 486));
    transfer(&mut world, call, dialled(OFFICE));
    world.run_for(300);
    // She goes on with her work: her telephone rings when the target turns out to be busy.
    let next = world.dial(ANNA, SHOP);
    world.run_for(1_200);
    assert_eq!(world.phase(next), CallPhase::CallingUser);
    assert!(matches!(world.phase(call), CallPhase::Transferring { .. }));
    assert_eq!(world.plays_on(caller(call)), Some(Tone::Ringback));
    world.run_for(10_000);
    assert!(matches!(world.phase(next), CallPhase::Connected { .. }));
    assert!(matches!(world.phase(call), CallPhase::Held { .. }));
    world.hang_up(ANNA, next);
    world.run_for(1_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t05_of_two_who_were_put_through_each_may_hold_and_neither_is_left_in_silence() {
    let (mut world, call) = customer_on_the_line();
    let second = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    let (customer, office) = (
        caller(call),
        LegId {
            call: second,
            index: 0,
        },
    );
    // One holds already while she puts them through.
    world.event(Event::LegHeld {
        leg: customer,
        hold: PeerHold::Inactive,
    });
    let with = second;
    world.command(ANNA, SwitchCommand::TransferTo { call, with });
    world.run_for(1_000);
    assert_eq!(world.connections().len(), 1);
    assert_eq!(world.plays_on(office), Some(Tone::Hold));
    world.event(Event::AudioMissing {
        leg: customer,
        since_ms: 60_000,
    });
    assert!(world.shown(call).is_some(), "who holds has nothing to send");
    // Both hold, then the one who began is back.
    world.event(Event::LegHeld {
        leg: office,
        hold: PeerHold::Inactive,
    });
    assert_eq!(world.plays_on(customer), Some(Tone::Hold));
    for (leg, other, still_held) in [(customer, office, true), (office, customer, false)] {
        let hold = PeerHold::No;
        world.event(Event::LegHeld { leg, hold });
        assert_eq!(world.plays_on(other), None);
        assert_eq!(world.shown(call).unwrap().held_by_far, still_held);
    }
    world.caller_hangs_up(call);
    world.run_to_the_end();
}
