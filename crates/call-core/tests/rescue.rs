//! A user's leg that is lost is replaced while the far party waits (rules T15, T13 and T18).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{LegEndKind, LegId, Timeouts, Tone};
use ponte_protocol::{CallId, CallPhase, CauseReason, EndedBy, LegRole, LegState};
use ponte_testkit::phone::Act;
use ponte_testkit::site::{
    ANNA, BROWSER, BRUNO, BRUNO_HOME, CUSTOMER, DID_ANNA, HOME, MOBILE, OFFICE, SHOP, user,
};
use ponte_testkit::{Phone, Told, TrunkHabit, World};

/// Anna at home speaks with the shop.
fn in_a_call() -> (World, CallId) {
    in_a_call_with(Timeouts::default())
}

fn in_a_call_with(timeouts: Timeouts) -> (World, CallId) {
    let mut world = World::at_home_with(timeouts);
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    (world, call)
}

fn leg(call: CallId, index: u16) -> LegId {
    LegId { call, index }
}

/// The network loses the user's leg: Q.850 cause 41, temporary failure.
const LOST: Act = Act::HangUp { q850: Some(41) };

fn lose(world: &mut World, leg: LegId) {
    world.phone_act(leg, LOST);
    world.run_for(100);
}

fn rejoining(world: &World, call: CallId) -> bool {
    matches!(world.phase(call), CallPhase::Rejoining { .. })
}

#[test]
fn t15_a_lost_leg_is_called_again_and_rejoins_while_the_far_party_hears_a_tone() {
    let (mut world, call) = in_a_call();
    let CallPhase::Connected { since } = world.phase(call) else {
        panic!()
    };
    lose(&mut world, leg(call, 0));
    assert!(rejoining(&world, call));
    assert_eq!(world.plays_on(leg(call, 1)), Some(Tone::Hold));
    assert_eq!(world.opened(call)[2], (LegRole::User, "a".into(), HOME.into()));
    world.run_for(3_000);
    assert_eq!(world.phase(call), CallPhase::Connected { since });
    assert_eq!(world.plays_on(leg(call, 1)), None);
    assert_eq!(world.connections(), [(leg(call, 2), leg(call, 1))]);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(record.legs.len(), 3, "one line a leg: {record:?}");
    assert_eq!(record.legs[0].cause.q850, Some(41), "{record:?}");
}

#[test]
fn t15_what_counts_as_lost_and_what_as_hung_up() {
    for (act, lost) in [
        (Act::HangUp { q850: None }, false),
        (Act::HangUp { q850: Some(16) }, false),
        (Act::HangUp { q850: Some(27) }, true),
        (Act::Fail(LegEndKind::Timeout), true),
        (Act::Fail(LegEndKind::Transport), true),
    ] {
        let (mut world, call) = in_a_call();
        world.phone_act(leg(call, 0), act);
        world.run_for(100);
        let up = world
            .shown(call)
            .is_some_and(|view| view.phase != CallPhase::Ending);
        assert_eq!(up, lost, "{act:?}");
        if lost {
            world.run_for(5_000);
            world.hang_up(ANNA, call);
        }
        world.run_to_the_end();
    }
}

#[test]
fn t15_a_telephone_that_fell_silent_did_not_hang_up() {
    let (mut world, call) = in_a_call();
    world.phone_act(leg(call, 0), Act::FallSilent);
    world.run_for(8_000);
    world.phone_act(leg(call, 0), Act::HangUp { q850: None });
    world.run_for(100);
    assert!(rejoining(&world, call));
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t15_no_audio_for_a_minute_is_a_loss_and_a_telephone_that_is_never_heard_is_given_up() {
    let (mut world, call) = in_a_call();
    world.phone(HOME, Phone::answers_after(1_000).falls_silent_after(0));
    world.phone_act(leg(call, 0), Act::FallSilent);
    world.run_for(62_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.opened(call).len(), 3);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::MediaTimeout);
    assert_eq!(world.opened(call).len(), 8, "six times and no more: {record:?}");
}

#[test]
fn t15_nobody_is_reached_and_the_far_party_is_let_go_with_the_true_cause() {
    for phone in [Phone::refuses(480), Phone::rings_out(), Phone::silent()] {
        let (mut world, call) = in_a_call();
        world.phone(HOME, phone);
        lose(&mut world, leg(call, 0));
        world.run_for(46_000);
        assert_ne!(
            world
                .shown(call)
                .map(|view| view.leg(LegRole::Far).unwrap().state),
            Some(LegState::Confirmed)
        );
        world.run_to_the_end();
        let record = world.record(call);
        assert_eq!(record.legs[0].cause, record.cause, "{record:?}");
        let tries = record.legs.iter().filter(|leg| leg.role == LegRole::User).count();
        // Three times, each on both trunks where nothing is heard of the first.
        assert!((2..=7).contains(&tries), "{record:?}");
    }
}

#[test]
fn t15_the_user_lets_the_other_party_go_instead() {
    let (mut world, call) = in_a_call();
    world.phone(HOME, Phone::rings_out());
    lose(&mut world, leg(call, 0));
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(
        (record.cause.reason, record.ended_by),
        (CauseReason::NormalClearing, EndedBy::Portal)
    );
}

#[test]
fn t15_the_far_party_hangs_up_while_the_user_is_called_again() {
    let (mut world, call) = in_a_call();
    world.phone(HOME, Phone::rings_out());
    lose(&mut world, leg(call, 0));
    world.phone_hangs_up(call, LegRole::Far);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.ended_by, EndedBy::FarLeg);
    assert_eq!(record.legs[2].cause.reason, CauseReason::Cancelled);
}

#[test]
fn t15_browser_and_telephone_are_called_together_and_the_first_that_answers_rejoins() {
    for (home, browser, winner) in [
        (Phone::answers_after(2_000), Phone::rings_out(), HOME),
        (Phone::rings_out(), Phone::answers_after(3_000), BROWSER),
        (Phone::answers_after(2_000), Phone::refuses(480), HOME),
        (Phone::refuses(486), Phone::answers_after(3_000), BROWSER),
    ] {
        let (mut world, call) = in_a_call();
        let mut config = user(ANNA);
        config.profile.browser_allowed = true;
        world.configure_user(config);
        world.phone(HOME, home);
        world.phone(BROWSER, browser);
        lose(&mut world, leg(call, 0));
        let opened = world.opened(call);
        let called: Vec<&str> = opened[2..].iter().map(|(_, _, number)| number.as_str()).collect();
        assert_eq!(called, [BROWSER, HOME]);
        world.run_for(5_000);
        assert!(
            matches!(world.phase(call), CallPhase::Connected { .. }),
            "{winner}"
        );
        let view = world.shown(call).unwrap();
        assert_eq!(view.leg(LegRole::User).unwrap().browser, winner == BROWSER);
        let place = if winner == BROWSER { 2 } else { 3 };
        assert_eq!(world.connections(), [(leg(call, place), leg(call, 1))]);
        world.hang_up(ANNA, call);
        world.run_to_the_end();
        assert_eq!(world.record(call).legs.len(), 4);
    }
}

#[test]
fn t14_a_mobile_that_was_lost_must_confirm_again_and_the_browser_beside_it_need_not() {
    let mut world = World::on_the_mobile(Phone::answers_after(2_000).presses_after(500, '1'));
    let mut config = user(ANNA);
    config.profile.browser_allowed = true;
    world.configure_user(config);
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    world.phone(MOBILE, Phone::voicemail());
    world.phone(BROWSER, Phone::answers_after(20_000));
    lose(&mut world, leg(call, 0));
    world.run_for(15_000);
    assert!(
        matches!(world.phase(call), CallPhase::Confirming { .. }),
        "its voicemail is nobody: {:?}",
        world.phase(call)
    );
    assert_eq!(world.plays_on(leg(call, 1)), Some(Tone::Hold));
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.connections(), [(leg(call, 2), leg(call, 1))]);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t15_the_next_trunk_is_tried_when_that_of_the_leg_is_lost_with_it() {
    let (mut world, call) = in_a_call();
    world.trunk("a", TrunkHabit::Refuses(503));
    lose(&mut world, leg(call, 0));
    world.run_for(4_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.opened(call)[3].1, "b");
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t15_the_user_is_called_where_the_user_is_then() {
    let (mut world, call) = in_a_call();
    world.phone(BRUNO_HOME, Phone::answers_after(1_000));
    world.enter(ANNA, BRUNO_HOME);
    lose(&mut world, leg(call, 0));
    world.run_for(3_000);
    assert_eq!(world.opened(call)[2].2, BRUNO_HOME);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    // Who has left the mode is called nowhere.
    world.leave(ANNA);
    lose(&mut world, leg(call, 2));
    world.run_to_the_end();
    assert_eq!(world.record(call).cause.q850, Some(41));
}

#[test]
fn t15_the_caller_of_an_incoming_call_waits_too() {
    let mut world = World::at_home();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(5_000);
    lose(&mut world, leg(call, 1));
    assert_eq!(world.told(call).last(), Some(&Told::Tone(Tone::Hold)));
    world.run_for(3_000);
    assert_eq!(world.told(call).last(), Some(&Told::Connected));
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert!(!world.record(call).is_missed());
}

#[test]
fn t15_a_colleague_waits_for_a_user_who_was_lost() {
    let mut world = World::at_home();
    world.phone(BRUNO_HOME, Phone::answers_after(1_000));
    world.enter(BRUNO, BRUNO_HOME);
    let call = world.dial(BRUNO, "201");
    world.run_for(8_000);
    let half = world.switch().joined(call).expect("Anna's half");
    assert!(matches!(world.phase(half), CallPhase::Connected { .. }));
    lose(&mut world, leg(half, 1));
    assert_eq!(world.plays_on(leg(call, 0)), Some(Tone::Hold));
    assert!(world.shown(call).unwrap().held_by_far);
    world.run_for(4_000);
    assert!(matches!(world.phase(half), CallPhase::Connected { .. }));
    assert!(!world.shown(call).unwrap().held_by_far);
    assert_eq!(world.connections().len(), 1);
    world.hang_up(BRUNO, call);
    world.run_to_the_end();
}

#[test]
fn t08_a_held_call_stays_held_while_the_leg_is_replaced() {
    let (mut world, first) = in_a_call();
    let second = world.call_in(DID_ANNA, CUSTOMER);
    world.accept(ANNA, second);
    world.run_for(1_000);
    lose(&mut world, leg(first, 0));
    assert!(rejoining(&world, second));
    assert!(matches!(world.phase(first), CallPhase::Held { .. }));
    world.run_for(4_000);
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    world.caller_hangs_up(second);
    world.run_for(200);
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    world.hang_up(ANNA, first);
    world.run_to_the_end();
}

#[test]
fn t15_where_it_is_turned_off_a_lost_leg_ends_the_call() {
    let (mut world, call) = in_a_call_with(Timeouts {
        rescue: 0,
        ..Timeouts::default()
    });
    lose(&mut world, leg(call, 0));
    world.run_to_the_end();
    assert_eq!(world.record(call).legs.len(), 2);
}

#[test]
fn t15_who_is_held_while_the_leg_is_lost_in_a_second_call_that_is_set_up_waits_for_the_user() {
    let (mut world, first) = in_a_call();
    world.phone(OFFICE, Phone::rings_out());
    let second = world.dial(ANNA, OFFICE);
    world.run_for(1_000);
    assert_eq!(world.phase(second), CallPhase::CallingFar);
    lose(&mut world, leg(first, 0));
    assert!(rejoining(&world, first), "{:?}", world.phase(first));
    assert_eq!(world.plays_on(leg(first, 1)), Some(Tone::Hold));
    world.run_for(5_000);
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    assert!(world.shown(second).is_none());
    world.hang_up(ANNA, first);
    world.run_to_the_end();
}

#[test]
fn t08_who_hangs_up_in_a_second_call_that_is_set_up_lets_all_go() {
    let (mut world, first) = in_a_call();
    world.phone(OFFICE, Phone::rings_out());
    world.dial(ANNA, OFFICE);
    world.run_for(1_000);
    world.leg_hangs_up(leg(first, 0));
    world.run_to_the_end();
    assert_eq!(world.record(first).cause.reason, CauseReason::Cancelled);
}
