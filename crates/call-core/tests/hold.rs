//! Hold, retrieve, a second call on the same user leg, and telephones that hold by themselves (rule T8).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Event, LegId, PeerHold, SwitchCommand, Tone};
use ponte_protocol::{CallId, CallPhase, CauseReason, LegRole, Outcome, Refusal};
use ponte_testkit::site::{ANNA, BRUNO, BRUNO_HOME, CUSTOMER, DID_ANNA, HOME, OFFICE, SHOP};
use ponte_testkit::{Hears, Phone, Told, World};

fn in_a_call() -> (World, CallId) {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    (world, call)
}

fn ear(call: CallId) -> LegId {
    LegId { call, index: 0 }
}

fn far(call: CallId) -> LegId {
    LegId { call, index: 1 }
}

fn accepted(call: CallId) -> Outcome {
    Outcome::Accepted { call: Some(call) }
}

const WRONG: Outcome = Outcome::Refused {
    refusal: Refusal::WrongState,
};

fn hold(world: &mut World, call: CallId) -> Outcome {
    world.command(ANNA, SwitchCommand::Hold { call })
}

fn retrieve(world: &mut World, call: CallId) -> Outcome {
    world.command(ANNA, SwitchCommand::Retrieve { call })
}

#[test]
fn t08_a_held_party_hears_the_hold_tone_and_is_back_after_it() {
    let (mut world, call) = in_a_call();
    assert_eq!(hold(&mut world, call), accepted(call));
    assert!(matches!(world.phase(call), CallPhase::Held { .. }));
    assert_eq!(world.plays_on(far(call)), Some(Tone::Hold));
    assert_eq!(world.plays_on(ear(call)), Some(Tone::Progress), "never silence");
    assert!(world.connections().is_empty());
    assert_eq!(hold(&mut world, call), accepted(call), "once more does no harm");
    assert_eq!(retrieve(&mut world, call), accepted(call));
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.plays_on(far(call)), None);
    assert_eq!(world.plays_on(ear(call)), None);
    assert_eq!(world.connections(), [(ear(call), far(call))]);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t08_a_second_call_uses_the_same_leg_and_the_first_is_held() {
    let (mut world, first) = in_a_call();
    world.phone(OFFICE, Phone::answers_after(1_000));
    let second = world.dial(ANNA, OFFICE);
    assert!(matches!(world.phase(first), CallPhase::Held { .. }));
    assert_eq!(world.phase(second), CallPhase::CallingFar);
    assert_eq!(
        world.opened(second),
        [(LegRole::Far, "a".to_owned(), OFFICE.to_owned())]
    );
    assert_eq!(world.plays_on(far(first)), Some(Tone::Hold));
    world.run_for(10_000);
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    // Swap, and back.
    assert_eq!(retrieve(&mut world, first), accepted(first));
    assert!(matches!(world.phase(second), CallPhase::Held { .. }));
    assert_eq!(world.connections(), [(ear(first), far(first))]);
    assert_eq!(world.accept(ANNA, second), accepted(second));
    assert!(matches!(world.phase(first), CallPhase::Held { .. }));
    world.phone_hangs_up(second, LegRole::Far);
    world.run_for(1_000);
    assert!(
        matches!(world.phase(first), CallPhase::Connected { .. }),
        "the held one is back"
    );
    world.hang_up(ANNA, first);
    world.run_to_the_end();
    for call in [first, second] {
        assert_eq!(world.record(call).cause.reason, CauseReason::NormalClearing);
    }
}

#[test]
fn t08_a_second_call_that_fails_tells_why_and_leads_back() {
    let (mut world, first) = in_a_call();
    world.phone(OFFICE, Phone::refuses(486));
    let second = world.dial(ANNA, OFFICE);
    world.run_for(2_000);
    assert!(matches!(world.phase(second), CallPhase::FarFailed { .. }));
    assert_eq!(retrieve(&mut world, first), accepted(first));
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    world.run_for(1_000);
    assert_eq!(world.record(second).cause.reason, CauseReason::Busy);
    world.hang_up(ANNA, first);
    world.run_to_the_end();
}

#[test]
fn t08_retrieving_gives_up_a_call_that_is_being_set_up() {
    let (mut world, first) = in_a_call();
    world.phone(OFFICE, Phone::rings_out());
    let second = world.dial(ANNA, OFFICE);
    world.run_for(2_000);
    assert_eq!(retrieve(&mut world, first), accepted(first));
    assert_eq!(world.connections(), [(ear(first), far(first))]);
    world.run_for(2_000);
    assert_eq!(world.record(second).cause.reason, CauseReason::Cancelled);
    world.hang_up(ANNA, first);
    world.run_to_the_end();
}

#[test]
fn t08_several_calls_are_held_and_each_comes_back() {
    let (mut world, first) = in_a_call();
    world.phone(OFFICE, Phone::answers_after(500));
    let second = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    world.enter(BRUNO, BRUNO_HOME);
    let third = world.dial(ANNA, "202");
    world.run_for(5_000);
    for (call, phase) in [(first, "held"), (second, "held"), (third, "up")] {
        let held = matches!(world.phase(call), CallPhase::Held { .. });
        assert_eq!(held, phase == "held");
    }
    retrieve(&mut world, first);
    let bruno = world.switch().joined(third).unwrap();
    assert_eq!(world.sounds(bruno).last(), Some(&Hears::Tone(Tone::Hold)));
    assert!(world.shown(bruno).unwrap().held_by_far, "his portal says so");
    retrieve(&mut world, third);
    assert!(!world.shown(bruno).unwrap().held_by_far);
    assert!(matches!(world.phase(second), CallPhase::Held { .. }));
    world.phone_hangs_up(first, LegRole::User);
    world.run_to_the_end();
}

#[test]
fn t08_with_a_held_call_a_caller_waits_and_with_two_calls_finds_the_line_busy() {
    let (mut world, first) = in_a_call();
    hold(&mut world, first);
    let waits = world.call_in(DID_ANNA, CUSTOMER);
    assert!(matches!(world.phase(waits), CallPhase::Waiting { .. }));
    world.accept(ANNA, waits);
    assert!(matches!(world.phase(waits), CallPhase::Connected { .. }));
    let third = world.call_in(DID_ANNA, OFFICE);
    assert!(!world.told(third).contains(&Told::Ringing));
}

#[test]
fn t08_a_desk_telephone_that_holds_by_itself_gives_the_other_the_hold_tone() {
    let (mut world, call) = in_a_call();
    let leg = ear(call);
    world.event(Event::LegHeld {
        leg,
        hold: PeerHold::SendOnly,
    });
    assert!(matches!(world.phase(call), CallPhase::Held { .. }));
    assert_eq!(world.plays_on(far(call)), Some(Tone::Hold));
    world.event(Event::LegHeld {
        leg,
        hold: PeerHold::No,
    });
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.connections(), [(ear(call), far(call))]);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t08_a_far_party_that_holds_is_shown_and_is_never_silence() {
    let (mut world, call) = in_a_call();
    let leg = far(call);
    world.event(Event::LegHeld {
        leg,
        hold: PeerHold::Inactive,
    });
    assert!(world.shown(call).unwrap().held_by_far);
    assert_eq!(world.plays_on(ear(call)), Some(Tone::Hold));
    world.event(Event::LegHeld {
        leg,
        hold: PeerHold::No,
    });
    assert!(!world.shown(call).unwrap().held_by_far);
    assert_eq!(world.plays_on(ear(call)), None);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t05_a_party_that_holds_too_is_never_silence_when_the_user_comes_back() {
    let (mut world, call) = in_a_call();
    let leg = far(call);
    for there_first in [true, false] {
        if there_first {
            let hold = PeerHold::Inactive;
            world.event(Event::LegHeld { leg, hold });
        }
        hold(&mut world, call);
        if !there_first {
            let hold = PeerHold::Inactive;
            world.event(Event::LegHeld { leg, hold });
        }
        assert_eq!(world.plays_on(far(call)), Some(Tone::Hold));
        retrieve(&mut world, call);
        assert_eq!(world.plays_on(ear(call)), Some(Tone::Hold));
        assert_eq!(world.connections(), [(ear(call), far(call))]);
        let hold = PeerHold::No;
        world.event(Event::LegHeld { leg, hold });
        assert_eq!(world.plays_on(ear(call)), None);
    }
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn a_call_that_is_not_up_cannot_be_held() {
    let mut world = World::at_home();
    world.phone(HOME, Phone::rings_out());
    let call = world.dial(ANNA, SHOP);
    world.run_for(500);
    assert_eq!(hold(&mut world, call), WRONG);
    assert_eq!(retrieve(&mut world, call), WRONG);
}
