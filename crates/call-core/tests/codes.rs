//! Rule T13: while no portal is connected, codes keyed on the telephone control the call, and only then.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Announcement, Effect, Event, Tone};
use ponte_protocol::{CallId, CallPhase, CallView, CauseReason, EndedBy, LegRole, Mode};
use ponte_testkit::site::{ABROAD, ANNA, BRUNO, BRUNO_HOME, CUSTOMER, DID_ANNA, HOME, OFFICE, SHOP};
use ponte_testkit::{Hears, Phone, Told, World};

/// Anna at home speaks with the shop; nobody has a portal open.
fn in_a_call() -> (World, CallId) {
    let mut world = World::at_home();
    world.phone(OFFICE, Phone::answers_after(1_000));
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    (world, call)
}

fn portals(world: &mut World, portals: u32) {
    world.event(Event::PortalsChanged {
        user: ANNA.parse().unwrap(),
        portals,
    });
}

fn calls(world: &World) -> Vec<CallView> {
    world.switch().calls(&ANNA.parse().unwrap())
}

/// How many people are in the conference of a call.
fn members(world: &World, call: CallId) -> usize {
    let calls = calls(world);
    let view = calls
        .iter()
        .find(|view| view.id == call)
        .expect("a call that is up");
    view.conference.as_ref().map_or(0, |room| room.members.len())
}

fn keys(world: &mut World, call: CallId, keys: &str) {
    for key in keys.chars() {
        world.phone_presses(call, LegRole::User, key);
        world.run_for(200);
    }
}

/// What the far ends were made to hear, and whether the keys pass by themselves now.
fn passed(world: &World) -> (String, bool) {
    let mut digits = String::new();
    let mut relays = true;
    for (_, effect) in world.trace() {
        match effect {
            Effect::SendDtmf { digits: sent, .. } => digits.push_str(&sent.0),
            Effect::RelayKeys { relay, .. } => relays = *relay,
            _ => {}
        }
    }
    (digits, relays)
}

#[test]
fn t13_without_a_portal_keys_that_are_no_code_reach_the_far_end() {
    let (mut world, call) = in_a_call();
    assert_eq!(passed(&world), (String::new(), false));
    keys(&mut world, call, "12#*5**7");
    assert_eq!(passed(&world).0, "12#*5**7");
    keys(&mut world, call, "*");
    assert_eq!(passed(&world).0, "12#*5**7");
    world.run_for(3_000);
    assert_eq!(passed(&world).0, "12#*5**7*", "a star alone is not swallowed");
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t13_with_a_portal_keys_pass_untouched() {
    let (mut world, call) = in_a_call();
    portals(&mut world, 2);
    assert_eq!(passed(&world), (String::new(), true));
    keys(&mut world, call, "**0**9");
    assert_eq!(passed(&world), (String::new(), true));
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    // The link is lost.
    portals(&mut world, 0);
    keys(&mut world, call, "**9");
    assert_eq!(passed(&world), (String::new(), false));
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert_eq!(world.mode(ANNA), Mode::Office);
}

#[test]
fn t13_a_portal_that_comes_in_the_middle_of_a_code_lets_its_keys_go() {
    let (mut world, call) = in_a_call();
    keys(&mut world, call, "**");
    portals(&mut world, 1);
    assert_eq!(passed(&world), ("**".to_owned(), true));
    keys(&mut world, call, "0");
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t13_stars_0_lets_the_far_party_go_and_another_number_is_dialled_by_key() {
    let (mut world, call) = in_a_call();
    keys(&mut world, call, "**0");
    assert!(matches!(world.phase(call), CallPhase::FarFailed { .. }));
    assert_eq!(world.sounds(call).last(), Some(&Hears::Tone(Tone::Dial)));
    keys(&mut world, call, "0288880002#");
    assert_eq!(passed(&world).0, "", "no key of it reached anybody");
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.opened(call).last().unwrap().2, OFFICE);
    world.phone_hangs_up(call, LegRole::Far);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.number, OFFICE);
    assert_eq!(record.legs.len(), 3);
    assert_eq!(record.legs[1].cause.reason, CauseReason::NormalClearing);
}

#[test]
fn t13_the_restrictions_hold_for_numbers_dialled_by_key() {
    let (mut world, call) = in_a_call();
    keys(&mut world, call, "**0");
    keys(&mut world, call, &ABROAD.replace('+', "00"));
    // Without # the pause ends the number.
    world.run_for(6_000);
    assert_eq!(
        world.sounds(call).last(),
        Some(&Hears::Words(None, vec![Announcement::NotAllowed]))
    );
    assert_eq!(world.opened(call).len(), 2);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(
        (record.cause.reason, record.ended_by),
        (CauseReason::NormalClearing, EndedBy::UserLeg)
    );
}

#[test]
fn t13_stars_0_ends_a_call_that_came_in() {
    let mut world = World::at_home();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    keys(&mut world, call, "**0");
    world.run_to_the_end();
    assert_eq!(world.record(call).ended_by, EndedBy::UserLeg);
}

#[test]
fn t13_codes_take_swap_and_refuse_a_second_call() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    keys(&mut world, first, "**2");
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    assert!(matches!(world.phase(first), CallPhase::Held { .. }));
    keys(&mut world, first, "**1");
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    assert!(matches!(world.phase(second), CallPhase::Held { .. }));
    // The held party is back when the other is let go.
    keys(&mut world, first, "**0");
    world.run_for(1_000);
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    assert_eq!(world.record(first).ended_by, EndedBy::UserLeg);
    let third = world.call_in(DID_ANNA, CUSTOMER);
    keys(&mut world, first, "**3");
    world.run_for(1_000);
    assert!(matches!(world.phase(third), CallPhase::Voicemail { .. }));
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    assert_eq!(passed(&world).0, "");
    world.caller_hangs_up(third);
    world.caller_hangs_up(second);
    world.run_to_the_end();
}

#[test]
fn t13_stars_1_holds_the_only_call_and_takes_it_up_again() {
    let (mut world, call) = in_a_call();
    keys(&mut world, call, "**1");
    assert!(matches!(world.phase(call), CallPhase::Held { .. }));
    // The held party hears nothing of the keys.
    keys(&mut world, call, "5");
    assert_eq!(passed(&world).0, "");
    keys(&mut world, call, "**1");
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    keys(&mut world, call, "5");
    assert_eq!(passed(&world).0, "5");
    keys(&mut world, call, "**1");
    keys(&mut world, call, "**0");
    world.run_for(1_000);
    assert!(!matches!(world.phase(call), CallPhase::Held { .. }));
    world.run_to_the_end();
    assert_eq!(world.record(call).ended_by, EndedBy::UserLeg);
}

#[test]
fn t13_stars_4_puts_both_parties_through_and_frees_the_line() {
    let (mut world, first) = in_a_call();
    keys(&mut world, first, "**4");
    assert_eq!(
        world.sounds(first).last(),
        Some(&Hears::Words(None, vec![Announcement::Wrong])),
        "there is only one"
    );
    world.run_for(5_000);
    let second = world.call_in(DID_ANNA, CUSTOMER);
    keys(&mut world, first, "**2");
    keys(&mut world, first, "**4");
    world.run_for(1_000);
    assert!(
        calls(&world)
            .iter()
            .all(|call| !matches!(call.phase, CallPhase::Connected { .. } | CallPhase::Held { .. }))
    );
    // Her line is free for another caller.
    let third = world.call_in(DID_ANNA, CUSTOMER);
    assert!(matches!(world.phase(third), CallPhase::Ringing));
    world.caller_hangs_up(third);
    world.caller_hangs_up(second);
    world.run_to_the_end();
}

#[test]
fn t13_stars_5_makes_a_conference_of_both_calls() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    keys(&mut world, first, "**2");
    keys(&mut world, first, "**5");
    for call in [first, second] {
        assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
        assert_eq!(members(&world, call), 2);
    }
    world.phone_hangs_up(first, LegRole::User);
    world.caller_hangs_up(second);
    world.run_to_the_end();
}

#[test]
fn t13_a_code_that_does_nothing_now_is_said_to_be_wrong() {
    let (mut world, call) = in_a_call();
    keys(&mut world, call, "**2");
    assert_eq!(
        world.sounds(call).last(),
        Some(&Hears::Words(None, vec![Announcement::Wrong]))
    );
    assert_eq!(passed(&world).0, "");
    world.run_for(5_000);
    keys(&mut world, call, "4");
    assert_eq!(passed(&world).0, "4");
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t13_stars_9_leaves_with_the_last_call() {
    let (mut world, call) = in_a_call();
    world.desk("desk-201", Some(ANNA), false);
    world.registered("desk-201", true);
    keys(&mut world, call, "**9");
    assert!(matches!(world.mode(ANNA), Mode::Telecommuting { .. }));
    assert_eq!(world.beeps(), 1);
    world.phone_hangs_up(call, LegRole::Far);
    world.run_for(1_000);
    assert_eq!(world.mode(ANNA), Mode::Office);
    assert_eq!(world.logged_on("desk-201").as_deref(), Some(ANNA));
    world.run_to_the_end();
}

#[test]
fn t13_between_two_users_each_keys_for_the_own_side() {
    let mut world = World::at_home();
    world.phone(BRUNO_HOME, Phone::answers_after(1_000));
    world.enter(BRUNO, BRUNO_HOME);
    let call = world.dial(ANNA, "202");
    world.run_for(10_000);
    let half = world.switch().joined(call).expect("Bruno's half");
    keys(&mut world, half, "5");
    let (sent, to) = world
        .trace()
        .iter()
        .find_map(|(_, effect)| match effect {
            Effect::SendDtmf { leg, digits } => Some((digits.0.clone(), leg.call)),
            _ => None,
        })
        .expect("the key is passed on");
    assert_eq!((sent.as_str(), to), ("5", call));
    keys(&mut world, half, "**0");
    world.run_to_the_end();
    assert_eq!(world.record(half).ended_by, EndedBy::UserLeg);
    assert_eq!(world.told(half), Vec::<Told>::new());
    assert_eq!(world.opened(half)[0].2, BRUNO_HOME);
    assert_eq!(world.opened(call)[0].2, HOME);
}

#[test]
fn t13_digits_of_a_number_that_was_given_up_are_no_part_of_the_next() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::refuses(486));
    world.phone(OFFICE, Phone::answers_after(1_000));
    let call = world.dial(ANNA, SHOP);
    world.run_for(5_000);
    keys(&mut world, call, "0277");
    world.phone_hangs_up(call, LegRole::User);
    world.run_for(60_000);
    let call = world.dial(ANNA, SHOP);
    world.run_for(5_000);
    keys(&mut world, call, "0288880002#");
    world.run_for(5_000);
    assert_eq!(world.opened(call).last().unwrap().2, OFFICE);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

#[test]
fn t13_stars_0_in_a_conference_lets_whoever_was_called_last_go() {
    let (mut world, first) = in_a_call();
    let second = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    keys(&mut world, first, "**5");
    assert_eq!(members(&world, first), 2);
    keys(&mut world, first, "**0");
    world.run_for(1_000);
    assert!(world.shown(second).is_none());
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    assert_eq!(world.connections().len(), 1);
    keys(&mut world, first, "**0");
    assert!(
        matches!(world.phase(first), CallPhase::FarFailed { .. }),
        "as ever"
    );
    world.run_to_the_end();
}

#[test]
fn t13_stars_1_leaves_a_conference_and_comes_back_to_it() {
    let (mut world, first) = in_a_call();
    world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    keys(&mut world, first, "**5");
    let host = |world: &World| world.shown(first).unwrap().conference.unwrap().host;
    for in_it in [false, true, false, true] {
        keys(&mut world, first, "**1");
        assert_eq!(host(&world), in_it);
    }
}
