//! Rule T14: a person must say "it is me" before the far telephone is called.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Announcement, Tone};
use ponte_protocol::{CallPhase, CauseReason, Destination, EndedBy, LegRole, Mode, Outcome, Refusal};
use ponte_testkit::site::{ANNA, BRUNO, HOME, MOBILE, SHOP};
use ponte_testkit::{Hears, Phone, World};

fn prompt() -> Hears {
    Hears::Words(None, vec![Announcement::ConfirmPressOne])
}

#[test]
fn t14_mobiles_are_confirmed_by_default_other_telephones_are_not() {
    for (number, asked, expected) in [
        (MOBILE, None, true),
        (HOME, None, false),
        (MOBILE, Some(false), false),
        (HOME, Some(true), true),
    ] {
        let mut world = World::default();
        world.enter_with(ANNA, number, asked);
        let Mode::Telecommuting {
            destination: Destination::Number { confirm, .. },
            ..
        } = world.mode(ANNA)
        else {
            panic!("not telecommuting")
        };
        assert_eq!(confirm, expected, "{number} {asked:?}");
    }
}

#[test]
fn t14_the_key_1_calls_the_far_telephone() {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000).presses_after(3_000, '1'));
    let call = world.dial(ANNA, SHOP);
    world.run_for(4_000);
    assert!(matches!(world.phase(call), CallPhase::Confirming { .. }));
    assert_eq!(world.opened(call).len(), 1);
    world.run_for(500);
    assert_eq!(world.opened(call).len(), 2);
    assert_eq!(world.sounds(call)[..2], [prompt(), Hears::Tone(Tone::Progress)]);
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

#[test]
fn t14_accept_in_the_portal_calls_the_far_telephone() {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000));
    let call = world.dial(ANNA, SHOP);
    assert_eq!(
        world.accept(ANNA, call),
        Outcome::Refused {
            refusal: Refusal::WrongState
        },
        "the telephone still rings"
    );
    world.run_for(2_000);
    assert_eq!(world.opened(call).len(), 1);
    assert_eq!(
        world.accept(BRUNO, call),
        Outcome::Refused {
            refusal: Refusal::UnknownCall
        }
    );
    assert_eq!(world.accept(ANNA, call), Outcome::Accepted { call: Some(call) });
    assert_eq!(world.opened(call).len(), 2);
    assert_eq!(world.accept(ANNA, call), Outcome::Accepted { call: Some(call) });
    world.run_for(10_000);
    assert_eq!(world.accept(ANNA, call), Outcome::Accepted { call: Some(call) });
    assert_eq!(world.opened(call).len(), 2, "accepting again does no harm");
}

#[test]
fn t14_other_keys_do_not_confirm() {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000));
    let call = world.dial(ANNA, SHOP);
    world.run_for(2_000);
    for key in "023456789*#ABCD".chars() {
        world.phone_presses(call, LegRole::User, key);
    }
    world.run_for(1_000);
    assert_eq!(world.opened(call).len(), 1);
}

#[test]
fn t14_a_key_pressed_before_the_answer_does_not_confirm() {
    let mut world = World::on_the_mobile(Phone::rings_out().presses_after(500, '1').then_answers_after(500));
    let call = world.dial(ANNA, SHOP);
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Confirming { .. }));
}

#[test]
fn t14_the_prompt_is_repeated_until_time_is_up() {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000));
    let call = world.dial(ANNA, SHOP);
    world.run_to_the_end();
    // 20 s: spoken in 2.5 s, paused for 4 s, and so on.
    assert_eq!(world.sounds(call), [prompt(), prompt(), prompt(), prompt()]);
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::NotConfirmed);
    assert_eq!((record.cause.q850, record.ended_by), (None, EndedBy::System));
    assert_eq!(record.legs.len(), 1);
    assert_eq!(record.legs[0].cause.reason, CauseReason::NotConfirmed);
    let up = record.ended_at.since(record.legs[0].answered_at.unwrap());
    assert_eq!(up, 20_000);
}

#[test]
fn t14_a_voicemail_is_refused_and_the_far_telephone_never_rings() {
    let mut world = World::on_the_mobile(Phone::voicemail());
    let call = world.dial(ANNA, SHOP);
    world.run_to_the_end();
    assert_eq!(world.opened(call).len(), 1);
    assert_eq!(world.record(call).cause.reason, CauseReason::NotConfirmed);
}

#[test]
fn t14_a_voicemail_that_hangs_up_by_itself_was_no_person_either() {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000).hangs_up_after(6_000));
    let call = world.dial(ANNA, SHOP);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::NotConfirmed);
    assert_eq!(record.ended_by, EndedBy::UserLeg);
    assert_eq!(record.legs[0].cause.reason, CauseReason::NormalClearing);
}

#[test]
fn t14_dialling_again_does_not_ask_again() {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000).presses_after(1_000, '1'));
    world.phone(SHOP, Phone::refuses(486));
    let call = world.dial(ANNA, SHOP);
    world.run_for(6_000);
    assert!(matches!(world.phase(call), CallPhase::FarFailed { .. }));
    world.phone(SHOP, Phone::answers_after(500));
    world.try_dial(ANNA, SHOP);
    world.run_for(2_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}
