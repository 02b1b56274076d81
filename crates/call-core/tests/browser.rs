//! The browser itself as the destination (rules T2, T4, T6, T9 and T14).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{SwitchCommand, SwitchDestination, TrunkConfig, UserConfig};
use ponte_protocol::{CallPhase, CallSettings, CauseReason, Destination, LegRole, Mode, Outcome, Refusal};
use ponte_testkit::site::{ANNA, BROWSER, CUSTOMER, DID_ANNA, SHOP, trunk, user};
use ponte_testkit::{Phone, Told, World};

fn allowed() -> UserConfig {
    let mut config = user(ANNA);
    config.profile.browser_allowed = true;
    config.settings = CallSettings {
        voicemail: false,
        ..CallSettings::default()
    };
    config
}

fn enter(world: &mut World) -> Outcome {
    let destination = SwitchDestination::Browser;
    world.command(ANNA, SwitchCommand::EnterTelecommuter { destination })
}

/// Anna takes calls in her browser.
fn in_the_browser(browser: Phone) -> World {
    let mut world = World::default();
    world.configure_user(allowed());
    world.phone(BROWSER, browser);
    world.phone(SHOP, Phone::answers_after(3_000));
    assert_eq!(enter(&mut world), Outcome::Accepted { call: None });
    world
}

#[test]
fn t02_the_browser_needs_no_proof_and_is_entered_where_it_is_allowed() {
    let world = in_the_browser(Phone::answers_after(1_000));
    let Mode::Telecommuting { destination, .. } = world.mode(ANNA) else {
        panic!("{:?}", world.mode(ANNA))
    };
    assert_eq!(destination, Destination::Browser);

    let mut elsewhere = World::default();
    let refusal = Refusal::Unsupported;
    assert_eq!(enter(&mut elsewhere), Outcome::Refused { refusal });
    assert_eq!(elsewhere.mode(ANNA), Mode::Office);
}

#[test]
fn t04_the_far_leg_is_called_only_when_the_browser_has_answered() {
    let mut world = in_the_browser(Phone::answers_after(2_000));
    let call = world.dial(ANNA, SHOP);
    world.run_for(1_500);
    assert_eq!(
        world.opened(call),
        [(LegRole::User, String::new(), BROWSER.into())]
    );
    assert!(world.shown(call).unwrap().leg(LegRole::User).unwrap().browser);
    world.run_for(5_000);
    let opened = world.opened(call);
    assert_eq!(opened[1], (LegRole::Far, "a".into(), SHOP.into()));
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

#[test]
fn t04_a_trunk_with_one_line_is_enough_for_a_call_from_the_browser() {
    let mut world = in_the_browser(Phone::answers_after(500));
    world.configure_trunks(vec![TrunkConfig {
        max_legs: Some(1),
        ..trunk("a")
    }]);
    let call = world.dial(ANNA, SHOP);
    world.run_for(6_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

#[test]
fn t06_a_call_rings_in_the_browser_and_t14_its_answer_needs_no_confirmation() {
    let mut world = in_the_browser(Phone::answers_after(2_000));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    assert_eq!(world.told(call), [Told::Ringing]);
    assert_eq!(
        world.opened(call),
        [(LegRole::User, String::new(), BROWSER.into())]
    );
    world.run_for(2_000);
    assert_eq!(world.told(call), [Told::Ringing, Told::Answered, Told::Connected]);
}

#[test]
fn t09_without_a_portal_that_takes_calls_the_caller_is_sent_on_at_once() {
    let mut world = in_the_browser(Phone::refuses(480));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::Unavailable);
    assert!(record.is_missed());

    let mut config = allowed();
    config.settings.voicemail = true;
    world.configure_user(config);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    assert!(matches!(world.phase(call), CallPhase::Voicemail { .. }));
}

#[test]
fn t02_a_browser_that_is_no_longer_allowed_takes_no_calls() {
    let mut world = in_the_browser(Phone::answers_after(500));
    let mut config = allowed();
    config.profile.browser_allowed = false;
    world.configure_user(config);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_to_the_end();
    assert_eq!(world.opened(call), []);
    assert!(world.record(call).is_missed());
}
