//! Recording on demand: who may, that both are told before it begins, when it ends, and what the record says (rule T18).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Effect, Event, LegId, PeerHold, SwitchCommand, SwitchDestination, SwitchTarget};
use ponte_protocol::{CallId, CallPhase, LegRole, MessageId, Outcome, Refusal};
use ponte_testkit::site::{self, ANNA, BRUNO, BRUNO_HOME, DID_ANNA, OFFICE, SHOP};
use ponte_testkit::{Phone, World, plan};

fn in_a_call() -> (World, CallId) {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    (world, call)
}

fn record(world: &mut World, call: CallId, on: bool) -> Outcome {
    world.command(ANNA, SwitchCommand::Record { call, on })
}

fn accepted(call: CallId) -> Outcome {
    Outcome::Accepted { call: Some(call) }
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal }
}

fn is_shown(world: &World, call: CallId) -> bool {
    world.shown(call).unwrap().recorded_since.is_some()
}

/// Legs that were told, that a recording began on, and that one was stopped on.
fn history(world: &World) -> (Vec<LegId>, Vec<LegId>, Vec<LegId>) {
    let (mut told, mut began, mut stopped) = (Vec::new(), Vec::new(), Vec::new());
    for (_, effect) in world.trace() {
        match effect {
            Effect::TellRecorded { leg, .. } => told.push(*leg),
            Effect::RecordCall { leg, .. } => began.push(*leg),
            Effect::StopRecording { leg } => stopped.push(*leg),
            _ => {}
        }
    }
    (told, began, stopped)
}

fn messages(world: &World) -> Vec<MessageId> {
    let began = world.trace().iter().filter_map(|(_, effect)| match effect {
        Effect::RecordCall { message, .. } => Some(*message),
        _ => None,
    });
    began.collect()
}

#[test]
fn both_are_told_before_a_recording_begins_and_the_record_names_it() {
    let (mut world, call) = in_a_call();
    let (ear, far) = (LegId { call, index: 0 }, LegId { call, index: 1 });
    assert_eq!(record(&mut world, call, true), accepted(call));
    assert!(is_shown(&world, call));
    assert_eq!(history(&world), (vec![ear, far], vec![], vec![]));
    assert_eq!(
        record(&mut world, call, true),
        accepted(call),
        "once more does no harm"
    );
    world.run_for(10_000);
    assert_eq!(history(&world), (vec![ear, far], vec![ear], vec![]));
    assert_eq!(record(&mut world, call, false), accepted(call));
    assert!(!is_shown(&world, call));
    assert_eq!(record(&mut world, call, false), accepted(call));
    assert_eq!(history(&world).2, [ear]);
    // Another one of the same call, which ends with it.
    record(&mut world, call, true);
    world.run_for(10_000);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert_eq!(messages(&world).len(), 2);
    assert_eq!(world.record(call).recordings, messages(&world));
}

#[test]
fn given_up_while_the_other_is_told_nothing_is_recorded() {
    let (mut world, call) = in_a_call();
    record(&mut world, call, true);
    world.run_for(500);
    record(&mut world, call, false);
    world.run_for(10_000);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert!(history(&world).1.is_empty());
    assert!(world.record(call).recordings.is_empty());
}

#[test]
fn without_the_right_it_is_refused_and_a_right_taken_away_ends_it() {
    let (mut world, call) = in_a_call();
    record(&mut world, call, true);
    world.run_for(10_000);
    let mut config = site::user(ANNA);
    config.profile.recording_allowed = false;
    world.configure_user(config);
    assert!(!is_shown(&world, call));
    assert_eq!(history(&world).2.len(), 1);
    assert_eq!(record(&mut world, call, true), refused(Refusal::NotPermitted));
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn only_two_who_talk_are_recorded() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::rings_out());
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert_eq!(record(&mut world, call, true), refused(Refusal::WrongState));
    world.hang_up(ANNA, call);
    let other = CallId(uuid::Uuid::from_u128(77));
    assert_eq!(record(&mut world, other, true), refused(Refusal::UnknownCall));
    world.run_to_the_end();
}

#[test]
fn hold_another_call_a_transfer_and_a_conference_end_it() {
    type Change = fn(&mut World, CallId);
    // With a leg that is closed its recording ends by itself.
    let changes: [(&str, usize, Change); 5] = [
        ("hold", 1, |world, call| {
            world.command(ANNA, SwitchCommand::Hold { call });
        }),
        ("another call", 1, |world, _| {
            world.dial(ANNA, OFFICE);
        }),
        ("transfer", 0, |world, call| {
            let (typed, dialled) = (OFFICE.parse().unwrap(), plan::read(OFFICE));
            let to = SwitchTarget::Dialled { typed, dialled };
            world.command(ANNA, SwitchCommand::Transfer { call, to });
        }),
        ("parking", 0, |world, call| {
            world.command(ANNA, SwitchCommand::Park { call });
        }),
        ("conference", 1, |world, call| {
            let with = world.dial(ANNA, OFFICE);
            world.run_for(10_000);
            world.command(ANNA, SwitchCommand::Merge { call, with });
        }),
    ];
    for (what, stops, change) in changes {
        let (mut world, call) = in_a_call();
        world.phone(OFFICE, Phone::answers_after(1_000));
        record(&mut world, call, true);
        world.run_for(10_000);
        change(&mut world, call);
        assert_eq!(history(&world).2.len(), stops, "{what}");
        assert!(!is_shown(&world, call), "{what}");
        assert_eq!(
            record(&mut world, call, true),
            refused(Refusal::WrongState),
            "{what}"
        );
        world.run_for(10_000);
        assert_eq!(history(&world).1.len(), 1, "{what}");
    }
}

#[test]
fn a_colleague_is_told_too_and_what_the_colleague_does_ends_it() {
    let mut world = World::at_home();
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    world.phone(OFFICE, Phone::answers_after(500));
    world.enter(BRUNO, BRUNO_HOME);
    let call = world.dial(ANNA, "202");
    world.run_for(10_000);
    let half = world.switch().joined(call).unwrap();
    record(&mut world, call, true);
    world.run_for(10_000);
    let (told, began, _) = history(&world);
    assert_eq!(told[1].call, half, "Bruno's own telephone");
    assert_eq!(began, [LegId { call, index: 0 }], "at Anna's ear");
    assert!(
        world.shown(half).unwrap().recorded_since.is_none(),
        "it is Anna's recording"
    );
    // He puts her on hold: she would record music, and whoever comes next.
    world.command(BRUNO, SwitchCommand::Hold { call: half });
    assert_eq!(history(&world).2.len(), 1);
    assert!(!is_shown(&world, call));
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn a_full_disk_ends_it_and_what_is_not_kept_is_not_named() {
    for (kept, named) in [(true, 1), (false, 0)] {
        let mut world = World::at_home();
        world.call_in(DID_ANNA, SHOP);
        world.run_for(10_000);
        let call = world.switch().calls(&ANNA.parse().unwrap())[0].id;
        assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
        assert_eq!(record(&mut world, call, true), accepted(call));
        world.run_for(10_000);
        let (_, began, _) = history(&world);
        world.event(Event::NoRoom { leg: began[0], kept });
        assert!(!is_shown(&world, call));
        assert!(
            matches!(world.phase(call), CallPhase::Connected { .. }),
            "the call goes on"
        );
        world.phone_hangs_up(call, LegRole::User);
        world.run_to_the_end();
        assert_eq!(world.record(call).recordings.len(), named);
    }
}

#[test]
fn a_party_that_hears_nothing_is_not_told_and_so_not_recorded() {
    let (mut world, call) = in_a_call();
    let far = LegId { call, index: 1 };
    let holds = |world: &mut World, hold| world.event(Event::LegHeld { leg: far, hold });
    holds(&mut world, PeerHold::SendOnly);
    assert_eq!(record(&mut world, call, true), refused(Refusal::WrongState));
    holds(&mut world, PeerHold::No);
    // It goes on hold while it is told.
    assert_eq!(record(&mut world, call, true), accepted(call));
    world.run_for(500);
    holds(&mut world, PeerHold::SendOnly);
    assert!(!is_shown(&world, call));
    world.run_for(10_000);
    assert!(history(&world).1.is_empty());
    // Who was told may come and go.
    holds(&mut world, PeerHold::No);
    record(&mut world, call, true);
    world.run_for(10_000);
    holds(&mut world, PeerHold::SendOnly);
    assert!(is_shown(&world, call));
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert_eq!(world.record(call).recordings.len(), 1);
}

#[test]
fn words_whose_end_never_comes_are_given_up() {
    let (mut world, call) = in_a_call();
    world.loses_words();
    assert_eq!(record(&mut world, call, true), accepted(call));
    world.run_for(14_000);
    assert!(is_shown(&world, call));
    world.run_for(2_000);
    assert!(!is_shown(&world, call), "nobody is told for ever");
    assert!(history(&world).1.is_empty());
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert!(world.record(call).recordings.is_empty());
}

#[test]
fn a_move_to_another_telephone_ends_it() {
    let (mut world, call) = in_a_call();
    world.phone(OFFICE, Phone::answers_after(1_000));
    record(&mut world, call, true);
    world.run_for(10_000);
    let to = SwitchDestination::Number {
        dialled: plan::read(OFFICE),
        label: None,
        confirm: None,
    };
    let outcome = world.command(ANNA, SwitchCommand::Move { call, to });
    assert_eq!(outcome, accepted(call));
    world.run_for(10_000);
    assert!(!is_shown(&world, call));
    // At the new telephone it may be begun again, and is told again.
    assert_eq!(record(&mut world, call, true), accepted(call));
    world.run_for(10_000);
    assert_eq!(history(&world).1.len(), 2);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert_eq!(world.record(call).recordings.len(), 2);
}
