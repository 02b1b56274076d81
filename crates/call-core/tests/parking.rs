//! Calls that change hands: parked and fetched, come back, picked up.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{LegId, SwitchCommand, Tone};
use ponte_protocol::{CallId, CallPhase, CauseReason, Outcome, Refusal};
use ponte_testkit::site::{ANNA, BRUNO, BRUNO_HOME, CUSTOMER, DID_ANNA, HOME, user};
use ponte_testkit::{Phone, Told, World};

fn customer_calls() -> (World, CallId) {
    let mut world = World::at_home();
    world.phone(BRUNO_HOME, Phone::answers_after(1_000));
    world.enter(BRUNO, BRUNO_HOME);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    (world, call)
}

fn caller(call: CallId) -> LegId {
    LegId { call, index: 0 }
}

#[test]
fn a_parked_call_is_fetched_by_a_colleague() {
    let (mut world, call) = customer_calls();
    world.run_for(5_000);
    world.command(ANNA, SwitchCommand::Park { call });
    assert!(matches!(world.phase(call), CallPhase::Parked { slot: 1, .. }));
    assert_eq!(world.plays_on(caller(call)), Some(Tone::Hold));
    let parked = world.switch().parked();
    assert_eq!((parked[0].slot, parked[0].number.as_str()), (1, CUSTOMER));
    let fetched = match world.command(BRUNO, SwitchCommand::Fetch { slot: 1 }) {
        Outcome::Accepted { call: Some(call) } => call,
        other => panic!("{other:?}"),
    };
    assert!(world.switch().parked().is_empty());
    world.run_for(5_000);
    assert!(matches!(world.phase(fetched), CallPhase::Connected { .. }));
    assert_eq!(world.connections().len(), 1);
    assert_eq!(world.record(call).cause.reason, CauseReason::Transferred);
    let again = world.command(BRUNO, SwitchCommand::Fetch { slot: 1 });
    assert_eq!(
        again,
        Outcome::Refused {
            refusal: Refusal::UnknownCall
        }
    );
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn a_parked_call_that_nobody_fetches_comes_back() {
    let (mut world, call) = customer_calls();
    world.run_for(5_000);
    world.command(ANNA, SwitchCommand::Park { call });
    world.run_for(121_000);
    assert_eq!(world.opened(call).len(), 2, "her telephone is called again");
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert!(world.switch().parked().is_empty());
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn a_call_that_is_parked_again_and_again_comes_back_each_time() {
    for at_desk in [true, false] {
        let (mut world, call) = if at_desk {
            let mut world = World::default();
            world.desk("desk-201", Some(ANNA), false);
            world.phone("desk-201", Phone::answers_after(1_000));
            let call = world.call_in(DID_ANNA, CUSTOMER);
            (world, call)
        } else {
            customer_calls()
        };
        world.run_for(5_000);
        for times in 2..5 {
            world.command(ANNA, SwitchCommand::Park { call });
            world.run_for(126_000);
            assert_eq!(world.opened(call).len(), times, "her telephone is called again");
            assert!(
                matches!(world.phase(call), CallPhase::Connected { .. }),
                "{times}"
            );
        }
        world.caller_hangs_up(call);
        world.run_to_the_end();
    }
}

#[test]
fn a_colleagues_ringing_call_is_picked_up() {
    let (mut world, call) = customer_calls();
    world.phone(HOME, Phone::rings_out());
    world.run_for(1_000);
    let picked = match world.command(
        BRUNO,
        SwitchCommand::PickUp {
            extension: "201".parse().unwrap(),
        },
    ) {
        Outcome::Accepted { call: Some(call) } => call,
        other => panic!("{other:?}"),
    };
    assert!(
        !world.told(call).contains(&Told::Answered),
        "ringing until a person is there"
    );
    world.run_for(5_000);
    assert!(world.told(call).contains(&Told::Answered));
    assert!(matches!(world.phase(picked), CallPhase::Connected { .. }));
    assert_eq!(world.record(call).cause.reason, CauseReason::AnsweredElsewhere);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert_eq!(world.record(picked).number, CUSTOMER);
}

#[test]
fn only_who_may_picks_up_a_colleagues_call() {
    let (mut world, call) = customer_calls();
    world.phone(HOME, Phone::rings_out());
    let mut config = user(BRUNO);
    config.profile.pick_up_allowed = false;
    world.configure_user(config);
    world.run_for(1_000);
    let refused = world.command(
        BRUNO,
        SwitchCommand::PickUp {
            extension: "201".parse().unwrap(),
        },
    );
    let refusal = Refusal::NotPermitted;
    assert_eq!(refused, Outcome::Refused { refusal });
    assert!(matches!(world.phase(call), CallPhase::Ringing));
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

fn take(world: &mut World, command: SwitchCommand) -> CallId {
    match world.command(BRUNO, command) {
        Outcome::Accepted { call: Some(call) } => call,
        other => panic!("{other:?}"),
    }
}

fn pick_up() -> SwitchCommand {
    SwitchCommand::PickUp {
        extension: "201".parse().unwrap(),
    }
}

#[test]
fn who_has_no_telephone_takes_nobodys_call_away() {
    let (mut world, call) = customer_calls();
    world.phone(HOME, Phone::answers_after(5_000));
    world.leave(BRUNO);
    let refusal = Refusal::DeviceOffline;
    world.run_for(1_000);
    assert_eq!(world.command(BRUNO, pick_up()), Outcome::Refused { refusal });
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.command(ANNA, SwitchCommand::Park { call });
    let refusal = Refusal::DeviceOffline;
    let fetched = world.command(BRUNO, SwitchCommand::Fetch { slot: 1 });
    assert_eq!(fetched, Outcome::Refused { refusal });
    // Who parked it and has no telephone any more fetches it as little.
    world.leave(ANNA);
    world.run_for(1_000);
    let refusal = Refusal::DeviceOffline;
    let fetched = world.command(ANNA, SwitchCommand::Fetch { slot: 1 });
    assert_eq!(fetched, Outcome::Refused { refusal });
    assert!(matches!(world.phase(call), CallPhase::Parked { slot: 1, .. }));
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t09_a_call_that_is_picked_up_and_not_answered_goes_to_the_voicemail_of_who_picked_it_up() {
    let (mut world, call) = customer_calls();
    world.phone(HOME, Phone::rings_out());
    world.phone(BRUNO_HOME, Phone::rings_out());
    world.run_for(1_000);
    let picked = take(&mut world, pick_up());
    world.run_for(30_000);
    assert!(matches!(world.phase(picked), CallPhase::Voicemail { .. }));
    assert!(world.told(call).contains(&Told::Greeting));
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert!(world.record(picked).is_missed());
}

#[test]
fn a_call_that_nobody_is_there_to_fetch_is_parked_again_and_t18_was_not_taken() {
    let (mut world, call) = customer_calls();
    world.run_for(5_000);
    world.command(ANNA, SwitchCommand::Park { call });
    world.phone(BRUNO_HOME, Phone::rings_out());
    let fetched = take(&mut world, SwitchCommand::Fetch { slot: 1 });
    world.run_for(1_000);
    assert_eq!(world.phase(fetched), CallPhase::Ringing);
    world.run_for(30_000);
    assert!(matches!(world.phase(fetched), CallPhase::Parked { slot: 1, .. }));
    assert_eq!(world.plays_on(caller(call)), Some(Tone::Hold));
    assert_eq!(world.switch().parked().len(), 1);
    let again = match world.command(ANNA, SwitchCommand::Fetch { slot: 1 }) {
        Outcome::Accepted { call: Some(call) } => call,
        other => panic!("{other:?}"),
    };
    world.run_for(5_000);
    assert!(matches!(world.phase(again), CallPhase::Connected { .. }));
    assert_eq!(world.plays_on(caller(call)), None);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert!(world.record(fetched).is_missed(), "nobody spoke to Bruno");
}

#[test]
fn a_colleague_who_was_parked_is_fetched_by_another() {
    let (mut world, _) = customer_calls();
    world.desk("corner", None, true);
    world.run_for(5_000);
    let bruno = world.dial(BRUNO, "201");
    world.run_for(2_000);
    let anna = world.switch().joined(bruno).unwrap();
    world.accept(ANNA, anna);
    world.run_for(2_000);
    world.command(ANNA, SwitchCommand::Park { call: anna });
    world.run_for(1_000);
    assert!(world.shown(bruno).unwrap().held_by_far);
    let again = world.command(ANNA, SwitchCommand::Fetch { slot: 1 });
    assert_eq!(again, Outcome::Accepted { call: Some(anna) });
    world.run_for(1_000);
    assert!(matches!(world.phase(anna), CallPhase::Connected { .. }));
    assert!(!world.shown(bruno).unwrap().held_by_far);
    assert_eq!(world.connections().len(), 1);
}

#[test]
fn t09_a_parked_call_of_who_has_gone_home_reaches_the_voicemail() {
    let (mut world, call) = customer_calls();
    world.run_for(5_000);
    world.command(ANNA, SwitchCommand::Park { call });
    world.leave(ANNA);
    world.run_for(121_000);
    assert!(matches!(world.phase(call), CallPhase::Voicemail { .. }));
    world.run_for(5_000);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert!(world.record(call).message.is_some());
}

#[test]
fn a_parked_call_comes_back_although_the_telephone_rings_for_another() {
    let (mut world, call) = customer_calls();
    world.run_for(5_000);
    world.command(ANNA, SwitchCommand::Park { call });
    world.run_for(119_000);
    // Her telephone rings for another when the time is over.
    let second = world.call_in(DID_ANNA, "+390277770009");
    world.run_for(1_500);
    assert!(matches!(world.phase(call), CallPhase::Parked { .. }));
    world.run_for(4_000);
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    assert!(matches!(world.phase(call), CallPhase::Held { .. }));
    world.caller_hangs_up(second);
    world.run_for(1_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.caller_hangs_up(call);
    world.run_to_the_end();
}
