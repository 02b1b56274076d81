//! Rule T2: a call that speaks a code proves a number.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Announcement, Event, Secret, SwitchCommand};
use ponte_protocol::{
    CallId, CallRecord, CauseReason, Direction, EventBody, LegRole, Outcome, Refusal, UserId,
};
use ponte_testkit::site::{ABROAD, ANNA, CUSTOMER, DID_ANNA, HOME, MOBILE, SHOP};
use ponte_testkit::{Hears, Phone, World, plan};

fn verify(world: &mut World, number: &str) -> Outcome {
    let command = SwitchCommand::Verify {
        dialled: plan::read(number),
        code: Secret(vec![4, 0, 7, 1, 1, 9]),
    };
    world.command(ANNA, command)
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal }
}

const PLACED: Outcome = Outcome::Accepted { call: None };

fn records(world: &World) -> Vec<CallRecord> {
    let record = |effect: &ponte_call_core::Effect| match effect {
        ponte_call_core::Effect::Record { record } => Some((**record).clone()),
        _ => None,
    };
    world
        .trace()
        .iter()
        .filter_map(|(_, effect)| record(effect))
        .collect()
}

#[test]
fn t02_the_code_is_spoken_three_times_and_the_call_is_on_record() {
    let mut world = World::default();
    world.phone(MOBILE, Phone::answers_after(1_000));
    assert_eq!(verify(&mut world, MOBILE), PLACED);
    world.run_to_the_end();
    let record = records(&world).pop().unwrap();
    assert_eq!(
        (record.direction, record.number.as_str()),
        (Direction::Outgoing, MOBILE)
    );
    assert_eq!(record.legs.len(), 1);
    assert_eq!(record.legs[0].role, LegRole::User);
    let words = [Announcement::VerificationCode]
        .into_iter()
        .chain([4, 0, 7, 1, 1, 9].map(Secret).map(Announcement::Digit))
        .collect();
    let once = Hears::Words(None, words);
    assert_eq!(world.sounds(record.id), [once.clone(), once.clone(), once]);
    let shown = world.trace().iter().any(|(_, effect)| {
        matches!(
            effect,
            ponte_call_core::Effect::Notify {
                body: EventBody::CallChanged { .. } | EventBody::CallEnded { .. },
                ..
            }
        )
    });
    assert!(!shown, "no portal shows it");
}

#[test]
fn t02_the_call_ends_when_the_code_comes_back() {
    let mut world = World::default();
    world.phone(MOBILE, Phone::answers_after(1_000));
    assert_eq!(verify(&mut world, MOBILE), PLACED);
    world.run_for(2_000);
    let user: UserId = ANNA.parse().unwrap();
    world.event(Event::NumberVerified { user: user.clone() });
    world.run_for(1_000);
    let record = records(&world).pop().unwrap();
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(world.sounds(record.id).len(), 1, "it is not spoken again");
    world.event(Event::NumberVerified { user });
    world.run_to_the_end();
    assert_eq!(records(&world).len(), 1);
}

#[test]
fn t02_a_verification_call_passes_the_checks_of_a_destination() {
    let mut world = World::default();
    for (number, refusal) in [
        ("112", Refusal::EmergencyNumber),
        (DID_ANNA, Refusal::OwnNumber),
        ("*98", Refusal::InvalidNumber),
        (ABROAD, Refusal::Restricted { rule: "+44".into() }),
    ] {
        assert_eq!(verify(&mut world, number), refused(refusal));
    }
    world.configure_trunks(vec![]);
    assert_eq!(verify(&mut world, MOBILE), refused(Refusal::NoTrunk));
}

#[test]
fn t02_one_verification_call_at_a_time_and_three_an_hour() {
    let mut world = World::default();
    world.phone(MOBILE, Phone::refuses(486));
    world.phone(HOME, Phone::rings_out());
    assert_eq!(verify(&mut world, HOME), PLACED);
    assert_eq!(verify(&mut world, MOBILE), refused(Refusal::CapReached));
    world.run_for(60_000);
    assert_eq!(verify(&mut world, MOBILE), PLACED);
    world.run_for(1_000);
    assert_eq!(verify(&mut world, MOBILE), PLACED);
    world.run_for(1_000);
    assert_eq!(verify(&mut world, MOBILE), refused(Refusal::CapReached));
    world.run_for(3_600_000);
    assert_eq!(verify(&mut world, MOBILE), PLACED);
    world.run_to_the_end();
    assert_eq!(records(&world).len(), 4);
}

#[test]
fn t02_it_needs_no_line_and_nobody_can_touch_it() {
    let mut world = World::at_home();
    world.phone(MOBILE, Phone::answers_after(1_000));
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert_eq!(verify(&mut world, MOBILE), PLACED);
    world.run_for(2_000);
    let anna = ANNA.parse().unwrap();
    assert_eq!(world.switch().calls(&anna).len(), 1);
    let waiting = world.call_in(DID_ANNA, CUSTOMER);
    assert!(world.shown(waiting).is_some());
    // Its id is that of the command before the caller came.
    let unseen = CallId(uuid::Uuid::from_u128(waiting.0.as_u128() - 1));
    assert_eq!(world.hang_up(ANNA, unseen), refused(Refusal::UnknownCall));
    assert_eq!(world.hang_up(ANNA, call), Outcome::Accepted { call: Some(call) });
}
