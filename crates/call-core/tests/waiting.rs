//! Rule T8: the destination is one line. A second call waits, is taken, held and swapped behind the one leg at the ear.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{LegId, Tone, UserConfig};
use ponte_protocol::{CallId, CallPhase, CallSettings, CauseReason, EndedBy, LegRole, Outcome, Refusal};
use ponte_testkit::site::{ANNA, BRUNO, BRUNO_HOME, CUSTOMER, DID_ANNA, HOME, OFFICE, SHOP, user};
use ponte_testkit::{Hears, Phone, Told, World};

/// Anna at home, without voicemail, speaks with the shop.
fn in_a_call() -> (World, CallId) {
    let mut world = World::at_home();
    settings(&mut world, true, true);
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    (world, call)
}

fn settings(world: &mut World, allowed: bool, wanted: bool) {
    let mut config = UserConfig {
        settings: CallSettings {
            voicemail: false,
            call_waiting: wanted,
            ..CallSettings::default()
        },
        ..user(ANNA)
    };
    config.profile.call_waiting_allowed = allowed;
    world.configure_user(config);
}

fn accepted(call: CallId) -> Outcome {
    Outcome::Accepted { call: Some(call) }
}

fn ear(call: CallId) -> LegId {
    LegId { call, index: 0 }
}

fn hears(world: &World, ear: LegId) -> Option<LegId> {
    world
        .connections()
        .into_iter()
        .find_map(|(a, b)| (a == ear).then_some(b))
}

#[test]
fn t08_a_second_call_beeps_and_waits() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    assert!(matches!(world.phase(second), CallPhase::Waiting { .. }));
    assert_eq!(world.told(second), [Told::Ringing]);
    assert_eq!(world.beeps(), 1);
    world.run_for(11_000);
    assert_eq!(world.beeps(), 3, "now and every 5 s");
    assert!(
        world.opened(second).is_empty(),
        "no second line at the user's end"
    );
    world.run_for(10_000);
    assert_eq!(world.told(second), [Told::Ringing, Told::Refused(486)]);
    assert_eq!(world.beeps(), 4);
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    world.hang_up(ANNA, first);
    world.run_to_the_end();
    assert!(world.record(second).is_missed());
}

#[test]
fn t08_accept_holds_the_first_and_connects_the_second() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(2_000);
    assert_eq!(world.accept(ANNA, second), accepted(second));
    assert!(matches!(world.phase(first), CallPhase::Held { .. }));
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    assert_eq!(
        world.told(second),
        [Told::Ringing, Told::Answered, Told::Connected]
    );
    assert_eq!(hears(&world, ear(first)), Some(ear(second)));
    assert_eq!(
        world.shown(second).unwrap().leg(LegRole::User).unwrap().number,
        HOME
    );
    // And back.
    world.run_for(2_000);
    assert_eq!(world.accept(ANNA, first), accepted(first));
    assert!(matches!(world.phase(second), CallPhase::Held { .. }));
    assert_eq!(world.told(second).last(), Some(&Told::Tone(Tone::Hold)));
    let CallPhase::Connected { since } = world.phase(first) else {
        panic!()
    };
    assert!(
        world.now().since(since) > 5_000,
        "it is connected since the first answer"
    );
    assert_eq!(world.accept(ANNA, second), accepted(second));
    // The user's hang-up ends both.
    world.phone_hangs_up(first, LegRole::User);
    world.run_to_the_end();
    for call in [first, second] {
        let record = world.record(call);
        assert_eq!(
            (record.cause.reason, record.ended_by),
            (CauseReason::NormalClearing, EndedBy::UserLeg)
        );
        assert_eq!(record.legs.len(), 2, "{record:?}");
        assert!(record.connected_at.is_some());
    }
}

#[test]
fn t08_the_held_party_is_back_when_the_other_hangs_up() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    world.accept(ANNA, second);
    world.run_for(5_000);
    world.caller_hangs_up(second);
    world.run_for(100);
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    assert_eq!(hears(&world, ear(first)).map(|far| far.call), Some(first));
    assert_eq!(world.record(second).ended_by, EndedBy::FarLeg);
    world.run_for(5_000);
    world.hang_up(ANNA, first);
    world.run_to_the_end();
}

#[test]
fn t08_the_ear_outlives_the_call_that_opened_it() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    world.accept(ANNA, second);
    world.run_for(1_000);
    world.phone_hangs_up(first, LegRole::Far);
    world.run_for(1_000);
    assert_eq!(world.record(first).ended_by, EndedBy::FarLeg);
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    assert_eq!(hears(&world, ear(first)), Some(ear(second)));
    world.phone_hangs_up(first, LegRole::User);
    world.run_to_the_end();
    assert_eq!(world.record(second).ended_by, EndedBy::UserLeg);
}

#[test]
fn t08_hanging_up_a_call_in_the_portal_leads_back_to_the_other() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    world.accept(ANNA, second);
    assert_eq!(world.hang_up(ANNA, second), accepted(second));
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    let third = world.call_in(DID_ANNA, OFFICE);
    world.accept(ANNA, third);
    assert_eq!(world.hang_up(ANNA, first), accepted(first), "the held one");
    world.run_for(1_000);
    assert!(matches!(world.phase(third), CallPhase::Connected { .. }));
    assert_eq!(world.told(second).last(), Some(&Told::HungUp));
    world.hang_up(ANNA, third);
    world.run_to_the_end();
}

#[test]
fn t08_a_third_call_is_busy() {
    let (mut world, _) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    let third = world.call_in(DID_ANNA, OFFICE);
    assert_eq!(world.told(third), [Told::Refused(486)]);
    world.accept(ANNA, second);
    let fourth = world.call_in(DID_ANNA, OFFICE);
    assert_eq!(world.told(fourth), [Told::Refused(486)]);
    world.run_for(1_000);
    assert_eq!(world.record(fourth).cause.reason, CauseReason::Busy);
}

#[test]
fn t08_no_call_waits_where_it_is_not_allowed_or_not_wanted_or_the_first_is_not_connected() {
    for (allowed, wanted) in [(false, true), (true, false)] {
        let (mut world, _) = in_a_call();
        settings(&mut world, allowed, wanted);
        let second = world.call_in(DID_ANNA, CUSTOMER);
        assert_eq!(world.told(second), [Told::Refused(486)]);
    }
    let mut world = World::at_home();
    settings(&mut world, true, true);
    world.dial(ANNA, SHOP);
    world.run_for(500);
    let second = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.told(second), [Told::Refused(486)]);
}

#[test]
fn t08_a_waiting_caller_is_rejected_or_gives_up() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.reject(ANNA, second), accepted(second));
    assert_eq!(world.told(second), [Told::Ringing, Told::Refused(486)]);
    world.run_for(1_000);
    assert_eq!(world.record(second).cause.reason, CauseReason::Rejected);
    let third = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    world.caller_hangs_up(third);
    world.run_for(1_000);
    assert_eq!(world.record(third).cause.reason, CauseReason::Cancelled);
    let beeps = world.beeps();
    world.run_for(20_000);
    assert_eq!(world.beeps(), beeps);
    assert_eq!(
        world.accept(ANNA, third),
        Outcome::Refused {
            refusal: Refusal::UnknownCall
        }
    );
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
}

#[test]
fn t08_a_waiting_caller_is_offered_on_the_same_leg_when_the_first_party_hangs_up() {
    for key in [true, false] {
        let (mut world, first) = in_a_call();
        let second = world.call_in(DID_ANNA, CUSTOMER);
        world.run_for(1_000);
        world.phone_hangs_up(first, LegRole::Far);
        world.run_for(1_000);
        assert!(world.opened(second).is_empty());
        assert!(matches!(world.phase(second), CallPhase::Confirming { .. }));
        if key {
            world.phone_presses(first, LegRole::User, '1');
            world.run_for(100);
        } else {
            assert_eq!(world.accept(ANNA, second), accepted(second));
        }
        assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
        assert_eq!(hears(&world, ear(first)), Some(ear(second)));
        world.caller_hangs_up(second);
        world.run_to_the_end();
        assert_eq!(world.record(first).cause.reason, CauseReason::NormalClearing);
    }
}

#[test]
fn t08_a_waiting_caller_rings_the_telephone_anew_when_the_user_hangs_up() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    world.phone_hangs_up(first, LegRole::User);
    world.run_for(1_000);
    assert_eq!(world.phase(second), CallPhase::Ringing);
    assert_eq!(world.opened(second).len(), 1);
    world.run_for(5_000);
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    assert_eq!(
        world.told(second),
        [Told::Ringing, Told::Answered, Told::Connected]
    );
}

#[test]
fn t08_a_waiting_caller_reaches_voicemail_when_time_is_up() {
    let (mut world, first) = in_a_call();
    world.configure_user(user(ANNA));
    let second = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(30_000);
    assert_eq!(
        world.told(second),
        [Told::Ringing, Told::Answered, Told::Greeting, Told::Recorded]
    );
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    let third = world.call_in(DID_ANNA, OFFICE);
    assert!(
        matches!(world.phase(third), CallPhase::Waiting { .. }),
        "voicemail takes no line"
    );
}

#[test]
fn t08_two_users_hold_and_resume_each_other() {
    let mut world = World::at_home();
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    world.enter(BRUNO, BRUNO_HOME);
    let anna = world.dial(ANNA, "202");
    world.run_for(5_000);
    let bruno = world.switch().joined(anna).unwrap();
    let bruno_ear = LegId {
        call: bruno,
        index: 1,
    };
    assert_eq!(hears(&world, bruno_ear), Some(ear(anna)));
    let customer = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    world.accept(ANNA, customer);
    assert!(
        matches!(world.phase(bruno), CallPhase::Connected { .. }),
        "he is held, his call is up"
    );
    assert_eq!(world.sounds(bruno).last(), Some(&Hears::Tone(Tone::Hold)));
    assert_eq!(hears(&world, ear(anna)), Some(ear(customer)));
    world.run_for(1_000);
    world.caller_hangs_up(customer);
    world.run_for(1_000);
    assert!(matches!(world.phase(anna), CallPhase::Connected { .. }));
    assert_eq!(world.connections().len(), 1);
    world.phone_hangs_up(anna, LegRole::User);
    world.run_to_the_end();
    assert_eq!(world.record(bruno).ended_by, EndedBy::FarLeg);
}

#[test]
fn t08_two_users_who_hold_each_other_find_together_again() {
    let mut world = World::at_home();
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    world.enter(BRUNO, BRUNO_HOME);
    let anna = world.dial(ANNA, "202");
    world.run_for(5_000);
    let bruno = world.switch().joined(anna).unwrap();
    let to_anna = world.call_in(DID_ANNA, CUSTOMER);
    let to_bruno = world.call_in("202", OFFICE);
    world.accept(ANNA, to_anna);
    world.accept(BRUNO, to_bruno);
    assert_eq!(world.connections().len(), 2);
    world.accept(ANNA, anna);
    assert_eq!(
        world.sounds(anna).last(),
        Some(&Hears::Tone(Tone::Hold)),
        "he holds her"
    );
    world.accept(BRUNO, bruno);
    let bruno_ear = LegId {
        call: bruno,
        index: 1,
    };
    assert!(
        world
            .connections()
            .iter()
            .any(|&(a, b)| { [a, b].contains(&bruno_ear) && [a, b].contains(&ear(anna)) })
    );
    world.hang_up(ANNA, anna);
    world.run_for(1_000);
    assert!(matches!(world.phase(to_anna), CallPhase::Connected { .. }));
    assert!(matches!(world.phase(to_bruno), CallPhase::Connected { .. }));
}

#[test]
fn t08_a_desk_telephone_has_one_line_too() {
    let mut world = World::default();
    world.desk("desk-201", Some(ANNA), false);
    world.phone(SHOP, Phone::answers_after(1_000));
    settings(&mut world, true, true);
    let call = world.desk_dials("desk-201", SHOP);
    world.run_for(3_000);
    assert_eq!(world.told(call), [Told::Ringing, Told::Answered, Told::Connected]);
    let waits = world.call_in(DID_ANNA, CUSTOMER);
    assert!(matches!(world.phase(waits), CallPhase::Waiting { .. }));
    let again = world.desk_dials("desk-201", OFFICE);
    assert_eq!(world.told(again), [Told::Refused(486)]);
    world.accept(ANNA, waits);
    assert!(matches!(world.phase(call), CallPhase::Held { .. }));
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert_eq!(world.record(waits).ended_by, EndedBy::UserLeg);
}

#[test]
fn t08_while_a_party_is_held_its_silence_is_no_fault() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    world.accept(ANNA, second);
    let leg = LegId {
        call: first,
        index: 1,
    };
    let since_ms = 120_000;
    world.event(ponte_call_core::Event::AudioMissing { leg, since_ms });
    assert!(matches!(world.phase(first), CallPhase::Held { .. }));
}

#[test]
fn t08_who_hangs_up_after_the_first_party_did_is_rung_anew_for_the_one_who_waits() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    world.phone_hangs_up(first, LegRole::Far);
    world.run_for(1_000);
    assert!(matches!(world.phase(second), CallPhase::Confirming { .. }));
    world.phone_hangs_up(first, LegRole::User);
    world.run_for(500);
    assert_eq!(world.phase(second), CallPhase::Ringing);
    world.run_for(5_000);
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    world.caller_hangs_up(second);
    world.run_to_the_end();
}
