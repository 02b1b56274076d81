//! Rule T15: one leg stays up for the working day; calls are attached to it with a tone in the ear.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Caps, Event, LegEndKind, LegId, PeerHold, Timeouts, Tone, TrunkId, UserConfig};
use ponte_protocol::{
    CallId, CallPhase, CallSettings, CauseReason, EndedBy, LegRole, Mode, Outcome, PersistentLeg, Refusal,
};
use ponte_testkit::phone::Act;
use ponte_testkit::site::{
    ANNA, BRUNO, BRUNO_HOME, CUSTOMER, DID_ANNA, HOME, MOBILE, OFFICE, SHOP, rule, user,
};
use ponte_testkit::{Phone, Told, TrunkHabit, World};

const LOST: Act = Act::HangUp { q850: Some(41) };

/// Anna at home, without voicemail; one leg is up and stays.
fn standing() -> (World, CallId) {
    standing_with(Timeouts::default())
}

fn standing_with(timeouts: Timeouts) -> (World, CallId) {
    let mut world = World::at_home_with(timeouts);
    world.configure_user(anna());
    assert_eq!(world.stay(ANNA, true), Outcome::Accepted { call: None });
    let stays = call_of(&world);
    world.run_for(3_000);
    assert!(matches!(world.persistent(ANNA), PersistentLeg::Up { .. }));
    (world, stays)
}

fn anna() -> UserConfig {
    UserConfig {
        settings: CallSettings {
            voicemail: false,
            ..CallSettings::default()
        },
        ..user(ANNA)
    }
}

fn call_of(world: &World) -> CallId {
    match world.persistent(ANNA) {
        PersistentLeg::Calling { call }
        | PersistentLeg::Confirming { call, .. }
        | PersistentLeg::Up { call, .. }
        | PersistentLeg::Recalling { call, .. } => call,
        state => panic!("{state:?}"),
    }
}

fn is_up(world: &World) -> bool {
    matches!(world.persistent(ANNA), PersistentLeg::Up { .. })
}

fn leg(call: CallId, index: u16) -> LegId {
    LegId { call, index }
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal }
}

#[test]
fn t15_the_telephone_is_called_once_and_the_line_is_silent_but_alive() {
    let (world, stays) = standing();
    assert_eq!(world.opened(stays), [(LegRole::User, "a".into(), HOME.into())]);
    assert_eq!(world.plays_on(leg(stays, 0)), Some(Tone::Silence));
    let anna = ANNA.parse().unwrap();
    assert!(
        world.switch().calls(&anna).is_empty(),
        "it is no call with anybody"
    );
    assert!(world.switch().standing_call(&anna).is_some());
}

#[test]
fn t15_a_call_out_has_its_far_leg_at_once_and_leaves_the_leg_up() {
    let (mut world, stays) = standing();
    let call = world.dial(ANNA, SHOP);
    assert_eq!(world.opened(call), [(LegRole::Far, "a".into(), SHOP.into())]);
    world.run_for(4_000);
    assert_eq!(world.connections(), [(leg(stays, 0), leg(call, 0))]);
    assert!(is_up(&world));
    world.hang_up(ANNA, call);
    world.run_for(1_000);
    let record = world.record(call);
    assert_eq!(record.legs.len(), 2, "one line for each leg in it: {record:?}");
    assert_eq!(world.plays_on(leg(stays, 0)), Some(Tone::Silence));
    assert!(is_up(&world));
    // And the next.
    let next = world.dial(ANNA, OFFICE);
    world.run_for(40_000);
    assert!(
        world.shown(next).is_none(),
        "nobody is there, and the line is free again"
    );
    assert!(is_up(&world));
    assert_eq!(world.opened(stays).len(), 1);
}

#[test]
fn t15_a_call_that_comes_in_is_attached_after_a_tone_in_the_ear() {
    let (mut world, stays) = standing();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.told(call), [Told::Ringing]);
    assert_eq!(world.whispers(), 1);
    let CallPhase::Waiting { until } = world.phase(call) else {
        panic!("{:?}", world.phase(call))
    };
    assert_eq!(until.since(world.now()), 2_500);
    world.run_for(2_600);
    assert_eq!(world.told(call), [Told::Ringing, Told::Answered, Told::Connected]);
    assert!(world.opened(call).is_empty(), "nothing rings");
    assert_eq!(world.connections(), [(leg(stays, 0), leg(call, 0))]);
    let shown = world.shown(call).unwrap();
    assert_eq!(shown.leg(LegRole::User).unwrap().number, HOME);
    world.caller_hangs_up(call);
    world.run_for(1_000);
    assert!(is_up(&world));
    assert_eq!(world.beeps(), 1, "the end can be heard");
    let record = world.record(call);
    assert_eq!((record.legs.len(), record.is_missed()), (2, false), "{record:?}");
}

#[test]
fn t15_accept_attaches_at_once_and_reject_sends_the_caller_away() {
    let (mut world, stays) = standing();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(500);
    assert_eq!(world.accept(ANNA, call), Outcome::Accepted { call: Some(call) });
    assert_eq!(world.connections(), [(leg(stays, 0), leg(call, 0))]);
    world.caller_hangs_up(call);
    world.run_for(500);
    let other = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(500);
    assert_eq!(world.reject(ANNA, other), Outcome::Accepted { call: Some(other) });
    world.run_for(500);
    assert_eq!(world.told(other).last(), Some(&Told::Refused(486)));
    assert!(is_up(&world));
    assert!(world.record(other).is_missed());
}

#[test]
fn t15_a_caller_who_hangs_up_during_the_tone_leaves_the_leg_alone() {
    let (mut world, _) = standing();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    world.caller_hangs_up(call);
    world.run_for(3_000);
    assert!(world.connections().is_empty() && is_up(&world));
    assert_eq!(world.record(call).cause.reason, CauseReason::Cancelled);
}

#[test]
fn t08_a_second_call_waits_as_ever_and_is_attached_when_the_first_is_over() {
    let (mut world, stays) = standing();
    let first = world.dial(ANNA, SHOP);
    world.run_for(4_000);
    let second = world.call_in(DID_ANNA, CUSTOMER);
    assert!(matches!(world.phase(second), CallPhase::Waiting { .. }));
    assert_eq!((world.beeps(), world.whispers()), (1, 0));
    let third = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.told(third), [Told::Refused(486)]);
    world.hang_up(ANNA, first);
    world.run_for(100);
    assert_eq!(world.whispers(), 1);
    world.run_for(3_000);
    assert_eq!(world.connections(), [(leg(stays, 0), leg(second, 0))]);
    // Swapped, and back.
    let another = world.dial(ANNA, SHOP);
    world.run_for(4_000);
    assert!(matches!(world.phase(second), CallPhase::Held { .. }));
    world.hang_up(ANNA, another);
    world.run_for(200);
    assert_eq!(world.connections(), [(leg(stays, 0), leg(second, 0))]);
    world.hang_up(ANNA, second);
    world.run_for(200);
    assert!(is_up(&world) && world.connections().is_empty());
}

#[test]
fn t15_a_drop_in_a_call_holds_the_far_party_and_the_leg_that_rejoins_stays_up() {
    let (mut world, stays) = standing();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(3_000);
    world.phone_act(leg(stays, 0), LOST);
    world.run_for(100);
    assert!(matches!(world.phase(call), CallPhase::Rejoining { .. }));
    assert_eq!(world.told(call).last(), Some(&Told::Tone(Tone::Hold)));
    assert!(matches!(world.persistent(ANNA), PersistentLeg::Recalling { .. }));
    assert_eq!(world.opened(call), [(LegRole::User, "a".into(), HOME.into())]);
    world.run_for(3_000);
    assert_eq!(world.connections(), [(leg(call, 1), leg(call, 0))]);
    assert!(is_up(&world), "it is up again, and lent");
    world.caller_hangs_up(call);
    world.run_for(1_000);
    assert!(is_up(&world));
    assert_eq!(world.plays_on(leg(call, 1)), Some(Tone::Silence));
    // The leg that rejoined serves what comes.
    let next = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(3_000);
    assert_eq!(world.connections(), [(leg(call, 1), leg(next, 0))]);
    world.caller_hangs_up(next);
    world.run_for(1_000);
    world.stay(ANNA, false);
    world.run_to_the_end();
    let record = world.record(stays);
    assert_eq!(record.legs.len(), 2, "one line for each leg: {record:?}");
    assert_eq!(record.legs[0].cause.q850, Some(41));
    assert_eq!(
        (record.cause.reason, record.ended_by),
        (CauseReason::NormalClearing, EndedBy::Portal)
    );
    assert_eq!(record.number, HOME);
}

#[test]
fn t15_a_drop_while_idle_is_called_again_and_a_caller_meanwhile_is_rung_as_ever() {
    let (mut world, stays) = standing();
    world.phone_act(leg(stays, 0), Act::Fail(LegEndKind::Timeout));
    world.run_for(100);
    assert!(matches!(world.persistent(ANNA), PersistentLeg::Recalling { .. }));
    world.run_for(5_000);
    assert!(is_up(&world));
    assert_eq!(world.opened(stays).len(), 2);
    // Once more; this time somebody calls first.
    world.phone_act(leg(stays, 1), LOST);
    world.run_for(100);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.opened(call), [(LegRole::User, "a".into(), HOME.into())]);
    world.run_for(3_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert!(is_up(&world), "that leg stays");
    world.caller_hangs_up(call);
    world.run_for(20_000);
    assert!(is_up(&world));
    assert_eq!(world.opened(stays).len(), 2);
}

#[test]
fn t15_a_caller_waits_for_a_leg_that_is_being_called() {
    let (mut world, stays) = standing();
    world.phone_act(leg(stays, 0), LOST);
    world.run_for(2_500);
    assert!(matches!(world.persistent(ANNA), PersistentLeg::Calling { .. }));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.told(call), [Told::Ringing]);
    assert!(world.opened(call).is_empty());
    world.run_for(2_000);
    assert_eq!(world.whispers(), 1);
    world.run_for(3_000);
    assert_eq!(world.connections(), [(leg(stays, 1), leg(call, 0))]);
    world.caller_hangs_up(call);
    world.run_for(1_000);
    // Or is rung, when it cannot be reached.
    world.phone(HOME, Phone::rings_then_refuses(1_000, 480));
    world.phone_act(leg(stays, 1), LOST);
    world.run_for(16_000);
    let other = world.call_in(DID_ANNA, CUSTOMER);
    world.phone(HOME, Phone::answers_after(1_000));
    world.run_for(3_000);
    assert!(
        matches!(world.phase(other), CallPhase::Connected { .. }),
        "{:?}",
        world.phase(other)
    );
    world.caller_hangs_up(other);
    world.run_for(1_000);
    assert!(is_up(&world));
}

#[test]
fn t15_after_three_tries_it_is_down_and_calls_ring_as_before() {
    let (mut world, stays) = standing();
    world.phone(HOME, Phone::refuses(480));
    world.phone_act(leg(stays, 0), LOST);
    world.run_for(5 * 60_000);
    let PersistentLeg::Down { cause } = world.persistent(ANNA) else {
        panic!("{:?}", world.persistent(ANNA))
    };
    assert_eq!(cause.reason, CauseReason::Unavailable);
    assert_eq!(world.opened(stays).len(), 4, "once and three times");
    let record = world.record(stays);
    assert_eq!(record.cause, cause);
    world.phone(HOME, Phone::answers_after(2_000));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.opened(call).len(), 1);
    world.run_for(3_000);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    // The user asks for it again.
    world.stay(ANNA, true);
    world.run_for(3_000);
    assert!(is_up(&world));
}

#[test]
fn t15_a_leg_that_keeps_dropping_is_given_up() {
    let (mut world, stays) = standing();
    world.phone(HOME, Phone::answers_after(1_000).cleared_after(5_000, 41));
    world.phone_act(leg(stays, 0), LOST);
    world.run_to_the_end();
    assert!(matches!(world.persistent(ANNA), PersistentLeg::Down { .. }));
    assert_eq!(world.opened(stays).len(), 4);
}

#[test]
fn t15_hanging_up_ends_it_in_a_call_and_while_idle() {
    for in_call in [false, true] {
        let (mut world, stays) = standing();
        let call = in_call.then(|| world.dial(ANNA, SHOP));
        world.run_for(5_000);
        world.phone_hangs_up(stays, LegRole::User);
        world.run_to_the_end();
        let PersistentLeg::Down { cause } = world.persistent(ANNA) else {
            panic!("{:?}", world.persistent(ANNA))
        };
        assert_eq!(cause.reason, CauseReason::NormalClearing);
        for call in call.into_iter().chain([stays]) {
            let record = world.record(call);
            assert_eq!(
                (record.cause.reason, record.ended_by),
                (CauseReason::NormalClearing, EndedBy::UserLeg)
            );
        }
    }
}

#[test]
fn t10_leaving_releases_it_and_a_call_that_is_up_goes_on() {
    let (mut world, stays) = standing();
    world.leave(ANNA);
    assert_eq!(world.persistent(ANNA), PersistentLeg::Off);
    world.run_to_the_end();
    assert_eq!(world.record(stays).legs.len(), 1);

    let (mut world, stays) = standing();
    let call = world.dial(ANNA, SHOP);
    world.run_for(5_000);
    world.leave(ANNA);
    assert_eq!(world.persistent(ANNA), PersistentLeg::Off);
    assert_eq!(world.connections(), [(leg(stays, 0), leg(call, 0))]);
    assert!(world.record(stays).connected_at.is_some());
    world.run_for(5_000);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert_eq!(world.mode(ANNA), Mode::Office);
}

#[test]
fn t15_releasing_it_while_a_caller_hears_ringing_asks_the_user() {
    let (mut world, stays) = standing();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.stay(ANNA, false);
    assert!(matches!(world.phase(call), CallPhase::Confirming { .. }));
    world.phone_act(leg(stays, 0), Act::Press('1'));
    world.run_for(100);
    assert_eq!(world.connections(), [(leg(stays, 0), leg(call, 0))]);
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t15_it_moves_with_the_destination() {
    let (mut world, stays) = standing();
    world.phone(BRUNO_HOME, Phone::answers_after(1_000));
    world.enter(ANNA, BRUNO_HOME);
    world.run_for(5_000);
    assert!(is_up(&world));
    assert_eq!(world.opened(stays)[1].2, BRUNO_HOME);
    // In a call the leg stays where it is, and the next one is elsewhere.
    let call = world.dial(ANNA, SHOP);
    world.run_for(4_000);
    world.enter(ANNA, HOME);
    world.run_for(4_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.opened(stays).len(), 2);
    world.hang_up(ANNA, call);
    world.run_for(5_000);
    assert_eq!(world.opened(stays)[2].2, HOME);
    assert!(is_up(&world));
}

#[test]
fn t15_a_call_that_is_up_lends_its_leg_when_it_is_asked_for() {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    world.stay(ANNA, true);
    assert!(is_up(&world));
    let stays = call_of(&world);
    world.hang_up(ANNA, call);
    world.run_for(1_000);
    assert!(is_up(&world));
    assert!(world.opened(stays).is_empty(), "the telephone rang once");
    world.stay(ANNA, false);
    world.run_to_the_end();
    assert_eq!(world.record(stays).legs.len(), 1);
}

#[test]
fn t14_on_a_mobile_a_person_confirms_once_for_the_day() {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000));
    world.stay(ANNA, true);
    world.run_for(2_000);
    let PersistentLeg::Confirming { call: stays, .. } = world.persistent(ANNA) else {
        panic!("{:?}", world.persistent(ANNA))
    };
    assert_eq!(world.accept(ANNA, stays), Outcome::Accepted { call: Some(stays) });
    assert!(is_up(&world));
    let call = world.dial(ANNA, SHOP);
    world.run_for(4_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.hang_up(ANNA, call);
    world.stay(ANNA, false);
    world.run_to_the_end();
    // A voicemail never is there for the day.
    world.phone(MOBILE, Phone::voicemail());
    world.stay(ANNA, true);
    world.run_to_the_end();
    let PersistentLeg::Down { cause } = world.persistent(ANNA) else {
        panic!("{:?}", world.persistent(ANNA))
    };
    assert_eq!(cause.reason, CauseReason::NotConfirmed);
}

#[test]
fn t15_gives_the_right_to_nobody_who_has_it_not() {
    let mut world = World::default();
    world.phone(HOME, Phone::answers_after(2_000));
    assert_eq!(world.stay(ANNA, true), refused(Refusal::NotInTelecommuterMode));
    world.enter(ANNA, HOME);
    let mut config = anna();
    config.restrictions = vec![rule("deny +39")];
    world.configure_user(config);
    assert!(matches!(
        world.stay(ANNA, true),
        Outcome::Refused {
            refusal: Refusal::Restricted { .. }
        }
    ));
    let mut config = anna();
    config.caps = Caps {
        minutes_per_day: 0,
        ..Caps::default()
    };
    world.configure_user(config);
    assert_eq!(world.stay(ANNA, true), refused(Refusal::CapReached));
    world.configure_user(anna());
    world.event(Event::StoreState { writable: false });
    assert_eq!(world.stay(ANNA, true), refused(Refusal::StoreUnavailable));
    world.event(Event::StoreState { writable: true });
    for trunk in ["a", "b"] {
        let trunk = TrunkId(trunk.to_owned());
        world.event(Event::TrunkState { trunk, up: false });
    }
    assert_eq!(world.stay(ANNA, true), refused(Refusal::NoTrunk));
}

#[test]
fn t01_t02_a_right_that_is_taken_away_ends_it() {
    let (mut world, stays) = standing();
    let mut config = anna();
    config.restrictions = vec![rule("deny +39")];
    world.configure_user(config);
    world.run_to_the_end();
    assert!(matches!(world.persistent(ANNA), PersistentLeg::Down { .. }));
    assert_eq!(world.record(stays).cause.reason, CauseReason::Forbidden);

    let (mut world, _) = standing();
    let mut config = anna();
    config.profile.telecommuter_allowed = false;
    world.configure_user(config);
    world.run_to_the_end();
    assert_eq!(world.persistent(ANNA), PersistentLeg::Off);
}

#[test]
fn t15_it_ends_by_itself_after_the_longest_stay_and_by_the_cap_on_minutes() {
    let hour = 3_600_000;
    let (mut world, stays) = standing_with(Timeouts {
        stay: hour,
        ..Timeouts::default()
    });
    world.run_for(hour);
    assert!(matches!(world.persistent(ANNA), PersistentLeg::Down { .. }));
    world.run_to_the_end();
    assert_eq!(world.record(stays).ended_by, EndedBy::System);

    let mut world = World::at_home();
    let mut config = anna();
    config.caps.minutes_per_day = 10;
    world.configure_user(config);
    world.stay(ANNA, true);
    world.run_for(9 * 60_000);
    assert!(is_up(&world));
    world.run_for(61_000);
    assert!(matches!(world.persistent(ANNA), PersistentLeg::Down { .. }));
}

#[test]
fn t15_asked_twice_and_released_twice_is_as_once() {
    let (mut world, stays) = standing();
    assert_eq!(world.stay(ANNA, true), Outcome::Accepted { call: None });
    assert_eq!(call_of(&world), stays);
    world.stay(ANNA, false);
    world.stay(ANNA, false);
    assert_eq!(world.persistent(ANNA), PersistentLeg::Off);
    world.run_to_the_end();
}

#[test]
fn t15_a_telephone_that_holds_the_leg_takes_no_calls_by_it() {
    let (mut world, stays) = standing();
    let hold = |hold| Event::LegHeld {
        leg: leg(stays, 0),
        hold,
    };
    world.event(hold(PeerHold::SendOnly));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.told(call), [Told::Refused(486)]);
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::LineBusy));
    world.event(hold(PeerHold::No));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(3_000);
    assert_eq!(world.connections(), [(leg(stays, 0), leg(call, 0))]);
}

#[test]
fn t15_a_trunk_that_is_lost_takes_the_leg_with_it_and_the_next_carries_it() {
    let (mut world, stays) = standing();
    world.trunk("a", TrunkHabit::Refuses(503));
    world.phone_act(leg(stays, 0), Act::Fail(LegEndKind::Transport));
    world.run_for(6_000);
    assert!(is_up(&world));
    assert_eq!(world.opened(stays).last().unwrap().1, "b");
}

#[test]
fn t05_a_far_party_who_is_not_reached_is_told_and_the_leg_stays() {
    let (mut world, stays) = standing();
    world.phone(SHOP, Phone::refuses(486));
    let call = world.dial(ANNA, SHOP);
    world.run_for(3_000);
    assert!(matches!(world.phase(call), CallPhase::FarFailed { .. }));
    world.phone(OFFICE, Phone::answers_after(1_000));
    assert_eq!(world.dial(ANNA, OFFICE), call, "on the same leg");
    world.run_for(2_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.hang_up(ANNA, call);
    world.run_for(1_000);
    assert!(is_up(&world));
    assert_eq!(world.opened(stays).len(), 1);
}

#[test]
fn t15_a_transfer_that_nobody_takes_comes_back_to_the_leg() {
    let (mut world, stays) = standing();
    world.phone(BRUNO_HOME, Phone::answers_after(1_000));
    world.enter(BRUNO, BRUNO_HOME);
    let call = world.dial(ANNA, "202");
    world.run_for(8_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.command(ANNA, ponte_call_core::SwitchCommand::Park { call });
    world.run_for(1_000);
    assert!(matches!(world.phase(call), CallPhase::Parked { .. }));
    assert_eq!(world.plays_on(leg(stays, 0)), Some(Tone::Silence));
    world.run_for(120_000);
    assert_eq!(world.whispers(), 1);
    world.run_for(3_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.hang_up(ANNA, call);
    world.run_for(1_000);
    assert!(is_up(&world));
}

#[test]
fn t15_after_a_restart_nothing_is_taken_for_up() {
    let (world, _) = standing();
    let mut later = World::default();
    later.event(Event::ModeRestored {
        user: ANNA.parse().unwrap(),
        mode: world.mode(ANNA),
    });
    assert_eq!(later.persistent(ANNA), PersistentLeg::Off);
    later.phone(HOME, Phone::answers_after(1_000));
    let call = later.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(later.opened(call).len(), 1, "calls ring as before");
}
