//! Calls that are forwarded, to numbers and to colleagues, and who gets through to a user who wants no calls.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Effect, ForwardReason, ForwardTargets, LegId, SwitchCommand, UserConfig};
use ponte_protocol::{CallPhase, CallSettings, CauseReason, LegRole, Outcome, Refusal, UserId};
use ponte_testkit::site::{
    ABROAD, ANNA, BRUNO, BRUNO_HOME, CUSTOMER, DID_ANNA, HOME, MOBILE, OFFICE, SHOP, user,
};
use ponte_testkit::{Phone, Told, World, plan};

#[allow(clippy::unnecessary_wraps)] // As the settings hold it.
fn to(number: &str) -> Option<ponte_call_core::Dialled> {
    Some(plan::read(number))
}

/// Anna at home, whose calls are forwarded; Bruno at home.
fn forwarding(targets: ForwardTargets) -> World {
    let mut world = World::at_home();
    world.phone(BRUNO_HOME, Phone::answers_after(1_000));
    world.phone(OFFICE, Phone::answers_after(1_000));
    world.enter(BRUNO, BRUNO_HOME);
    set(&mut world, ANNA, targets);
    world
}

fn set(world: &mut World, name: &str, targets: ForwardTargets) {
    world.configure_user(UserConfig {
        forwarding: targets,
        settings: CallSettings {
            voicemail: false,
            call_waiting: false,
            ..CallSettings::default()
        },
        ..user(name)
    });
}

fn always(number: &str) -> ForwardTargets {
    ForwardTargets {
        always: to(number),
        ..ForwardTargets::default()
    }
}

fn records(world: &World, name: &str) -> Vec<ponte_protocol::CallRecord> {
    let name: UserId = name.parse().unwrap();
    let of = |effect: &Effect| match effect {
        Effect::Record { record } if record.user == name => Some(record.as_ref().clone()),
        _ => None,
    };
    world
        .trace()
        .iter()
        .filter_map(|(_, effect)| of(effect))
        .collect()
}

#[test]
fn t06_a_call_is_forwarded_to_a_number_and_the_line_stays_free() {
    let mut world = forwarding(always(OFFICE));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.told(call), [Told::Ringing]);
    assert_eq!(
        world.opened(call),
        [(LegRole::User, "a".to_owned(), OFFICE.to_owned())]
    );
    assert!(world.trace().iter().any(|(_, effect)| matches!(
        effect,
        Effect::OpenLeg {
            forwarded: Some(ForwardReason::Unconditional),
            ..
        }
    )));
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Transferred { .. }));
    // Anna can still call.
    let own = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert!(matches!(world.phase(own), CallPhase::Connected { .. }));
    assert!(matches!(world.phase(call), CallPhase::Transferred { .. }));
    world.caller_hangs_up(call);
    world.hang_up(ANNA, own);
    world.run_to_the_end();
    assert_eq!(world.record(call).cause.reason, CauseReason::NormalClearing);
}

#[test]
fn t04_the_restrictions_of_who_forwards_hold() {
    let mut world = forwarding(always(ABROAD));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    assert_eq!(world.opened(call)[0].2, HOME, "as if it were not forwarded");
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let anna = ANNA.parse().unwrap();
    assert!(matches!(
        world.switch().check_forwarding(&anna, &plan::read(ABROAD)),
        Err(Refusal::Restricted { .. })
    ));
    assert_eq!(
        world.switch().check_forwarding(&anna, &plan::read("201")),
        Err(Refusal::OwnNumber)
    );
    assert_eq!(
        world.switch().check_forwarding(&anna, &plan::read("112")),
        Err(Refusal::EmergencyNumber)
    );
    assert_eq!(world.switch().check_forwarding(&anna, &plan::read("202")), Ok(()));
}

#[test]
fn t06_a_call_forwarded_from_another_user_is_redirected() {
    for targets in [
        always("202"),
        ForwardTargets {
            no_answer: to("202"),
            ..ForwardTargets::default()
        },
    ] {
        let mut world = forwarding(targets);
        world.phone(HOME, Phone::rings_out());
        let call = world.call_in(DID_ANNA, CUSTOMER);
        world.run_for(30_000);
        let bruno = world.switch().calls(&BRUNO.parse().unwrap());
        assert!(matches!(bruno[0].phase, CallPhase::Connected { .. }), "{bruno:?}");
        assert_eq!(bruno[0].leg(LegRole::User).unwrap().number, BRUNO_HOME);
        assert_eq!(bruno[0].leg(LegRole::Far).unwrap().number, CUSTOMER);
        assert_eq!(world.told(call)[..2], [Told::Ringing, Told::Answered]);
        let anna = world.record(call);
        assert_eq!(anna.cause.reason, CauseReason::Forwarded);
        assert!(anna.is_missed());
        world.caller_hangs_up(call);
        world.run_to_the_end();
        let record = &records(&world, BRUNO)[0];
        assert_eq!(record.cause.reason, CauseReason::NormalClearing);
        assert_eq!(record.legs.len(), 2);
    }
}

#[test]
fn t06_a_colleagues_call_is_forwarded_too() {
    let mut world = forwarding(always(OFFICE));
    let call = world.dial(BRUNO, "201");
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    let half = world.switch().joined(call).unwrap();
    assert_eq!(world.opened(half)[0].2, OFFICE);
    world.hang_up(BRUNO, call);
    world.run_to_the_end();
    // And on to a third, whose half it then is.
    let mut world = forwarding(always("203"));
    let mut carla = user("carla");
    carla.profile.extension = "203".parse().unwrap();
    world.configure_user(carla);
    world.phone(MOBILE, Phone::answers_after(1_000));
    world.enter_with("carla", MOBILE, Some(false));
    let call = world.dial(BRUNO, "201");
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    let half = world.switch().joined(call).unwrap();
    assert_eq!(
        world.shown(half).unwrap().leg(LegRole::User).unwrap().number,
        MOBILE
    );
    world.hang_up(BRUNO, call);
    world.run_to_the_end();
    assert_eq!(records(&world, ANNA)[0].cause.reason, CauseReason::Forwarded);
    assert_eq!(records(&world, "carla").len(), 1);
}

#[test]
fn t06_a_circle_of_users_ends() {
    let mut world = forwarding(always("202"));
    set(&mut world, BRUNO, always("201"));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(5_000);
    let bruno = world.switch().calls(&BRUNO.parse().unwrap());
    assert!(
        matches!(bruno[0].phase, CallPhase::Connected { .. }),
        "it does not go back to Anna: {bruno:?}"
    );
    world.caller_hangs_up(call);
    world.run_to_the_end();
    // To oneself is nowhere.
    let mut world = forwarding(always("201"));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t06_a_chain_of_users_is_followed_five_times() {
    let mut world = World::default();
    let names: Vec<String> = (0..8).map(|n| format!("user-{n}")).collect();
    for (place, name) in names.iter().enumerate() {
        let mut config = user(name);
        config.profile.extension = format!("22{place}").parse().unwrap();
        config.forwarding = always(&format!("22{}", place + 1));
        config.settings.voicemail = false;
        world.configure_user(config);
    }
    world.configure_user(UserConfig {
        forwarding: always("220"),
        ..user(ANNA)
    });
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_to_the_end();
    let forwarded: Vec<bool> = names
        .iter()
        .map(|name| !records(&world, name).is_empty())
        .collect();
    assert_eq!(forwarded, [true, true, true, true, true, false, false, false]);
    assert_eq!(
        world.told(call),
        [Told::Refused(486)],
        "the last of them is logged off"
    );
}

#[test]
fn t06_forwardings_elsewhere_count_too() {
    for (before, forwarded) in [(4, true), (5, false), (u32::MAX, false)] {
        let mut world = forwarding(always(OFFICE));
        world.forwarded_before(before);
        let call = world.call_in(DID_ANNA, CUSTOMER);
        assert_eq!(
            world.opened(call).iter().any(|leg| leg.2 == OFFICE),
            forwarded,
            "{before}"
        );
        world.caller_hangs_up(call);
        world.run_to_the_end();
    }
}

#[test]
fn t09_busy_and_no_answer_go_their_own_ways() {
    let targets = ForwardTargets {
        busy: to(OFFICE),
        no_answer: to("202"),
        ..ForwardTargets::default()
    };
    let mut world = forwarding(targets);
    let first = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    let second = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.opened(second)[0].2, OFFICE);
    world.run_for(5_000);
    assert!(matches!(world.phase(first), CallPhase::Connected { .. }));
    assert!(matches!(world.phase(second), CallPhase::Transferred { .. }));
    world.caller_hangs_up(second);
    world.hang_up(ANNA, first);
    world.run_for(1_000);
    // A refusal is the user's word: it goes to nobody else.
    let third = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(500);
    world.reject(ANNA, third);
    world.run_to_the_end();
    assert_eq!(world.told(third), [Told::Ringing, Told::Refused(486)]);
}

#[test]
fn t09_where_the_number_does_not_answer_voicemail_does() {
    let mut world = forwarding(ForwardTargets::default());
    world.phone(OFFICE, Phone::refuses(486));
    world.configure_user(UserConfig {
        forwarding: always(OFFICE),
        ..user(ANNA)
    });
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(2_000);
    assert!(matches!(world.phase(call), CallPhase::Voicemail { .. }));
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t12_exceptions_get_through_to_a_user_who_wants_no_calls() {
    let mut world = forwarding(ForwardTargets::default());
    let boss = ponte_call_core::CallerNumber::E164(CUSTOMER.parse().unwrap());
    let colleague = ponte_call_core::CallerNumber::Extension("202".parse().unwrap());
    let mut config = user(ANNA);
    config.do_not_disturb = true;
    config.settings.voicemail = false;
    config.exceptions = vec![boss, colleague];
    world.configure_user(config);
    let stranger = world.call_in(DID_ANNA, SHOP);
    assert_eq!(world.told(stranger), [Told::Refused(486)]);
    let excepted = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.told(excepted), [Told::Ringing]);
    world.caller_hangs_up(excepted);
    world.run_for(1_000);
    let call = world.dial(BRUNO, "201");
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.hang_up(BRUNO, call);
    world.run_to_the_end();
}

#[test]
fn t04_a_telephone_that_never_confirms_is_called_five_times_an_hour() {
    let mut world = World::on_the_mobile(Phone::voicemail());
    for _ in 0..5 {
        world.dial(ANNA, SHOP);
        world.run_for(60_000);
    }
    let refused = Outcome::Refused {
        refusal: Refusal::Unconfirmed,
    };
    assert_eq!(world.try_dial(ANNA, SHOP), refused);
    // Nor for callers, who are served as if the telephone did not answer.
    let call = world.call_in(DID_ANNA, CUSTOMER);
    assert!(world.opened(call).is_empty());
    assert!(matches!(world.phase(call), CallPhase::Voicemail { .. }));
    world.caller_hangs_up(call);
    world.run_for(60 * 60_000);
    world.phone(
        MOBILE,
        Phone::answers_after(1_000)
            .presses_after(1_000, '1')
            .hangs_up_after(5_000),
    );
    world.dial(ANNA, SHOP);
    world.run_for(60_000);
    // Somebody has confirmed: from now on it is the user's.
    world.phone(MOBILE, Phone::voicemail());
    for _ in 0..7 {
        world.dial(ANNA, SHOP);
        world.run_for(60_000);
    }
    world.run_to_the_end();
}

#[test]
fn t04_attempts_survive_a_restart() {
    let mut world = World::on_the_mobile(Phone::voicemail());
    let user: UserId = ANNA.parse().unwrap();
    let number: ponte_protocol::E164 = MOBILE.parse().unwrap();
    let attempts = vec![(number.clone(), world.now()); 5];
    world.event(ponte_call_core::Event::AttemptsRestored {
        user: user.clone(),
        confirmed: vec![],
        attempts: attempts.clone(),
    });
    assert!(matches!(
        world.try_dial(ANNA, SHOP),
        Outcome::Refused {
            refusal: Refusal::Unconfirmed
        }
    ));
    world.event(ponte_call_core::Event::AttemptsRestored {
        user,
        confirmed: vec![number],
        attempts,
    });
    world.dial(ANNA, SHOP);
    world.run_to_the_end();
}

#[test]
fn t10_the_mode_ends_by_itself_and_calls_go_on() {
    use ponte_call_core::SwitchCommand;
    use ponte_protocol::Mode;
    let mut world = World::at_home();
    world.desk("desk-201", Some(ANNA), false);
    world.registered("desk-201", true);
    let at = Some(world.now().plus(60_000));
    let accepted = Outcome::Accepted { call: None };
    assert_eq!(world.command(ANNA, SwitchCommand::LeaveAt { at }), accepted);
    assert!(matches!(world.mode(ANNA), Mode::Telecommuting { until, .. } if until == at));
    let call = world.dial(ANNA, SHOP);
    world.run_for(59_000);
    assert!(matches!(world.mode(ANNA), Mode::Telecommuting { .. }));
    world.run_for(1_000);
    assert_eq!(world.mode(ANNA), Mode::Office);
    assert_eq!(world.logged_on("desk-201").as_deref(), Some(ANNA));
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(
        world.command(ANNA, SwitchCommand::LeaveAt { at }),
        Outcome::Refused {
            refusal: Refusal::NotInTelecommuterMode
        }
    );
    world.hang_up(ANNA, call);
    // Entering anew, or leaving, takes the end away.
    world.enter(ANNA, HOME);
    let at = Some(world.now().plus(60_000));
    world.command(ANNA, SwitchCommand::LeaveAt { at });
    world.enter(ANNA, HOME);
    world.run_for(120_000);
    assert!(matches!(
        world.mode(ANNA),
        Mode::Telecommuting { until: None, .. }
    ));
    world.run_to_the_end();
}

#[test]
fn t09_who_comes_back_from_the_park_and_is_forwarded_hears_who_answers() {
    let mut world = forwarding(ForwardTargets {
        no_answer: to("202"),
        ..ForwardTargets::default()
    });
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(5_000);
    world.command(ANNA, SwitchCommand::Park { call });
    world.phone(HOME, Phone::rings_out());
    world.run_for(121_000 + 25_000);
    assert_eq!(world.record(call).cause.reason, CauseReason::Forwarded);
    let bruno = world.calls_of(BRUNO)[0];
    world.run_for(3_000);
    assert!(matches!(world.phase(bruno), CallPhase::Connected { .. }));
    assert_eq!(world.connections().len(), 1);
    assert_eq!(
        world.plays_on(LegId { call, index: 0 }),
        None,
        "no tone covers it"
    );
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t09_a_colleague_who_comes_back_from_the_park_and_is_forwarded_hears_who_answers() {
    let mut world = forwarding(ForwardTargets {
        no_answer: to(OFFICE),
        ..ForwardTargets::default()
    });
    let bruno = world.dial(BRUNO, "201");
    world.run_for(5_000);
    let call = world.switch().joined(bruno).unwrap();
    world.command(ANNA, SwitchCommand::Park { call });
    world.phone(HOME, Phone::rings_out());
    world.run_for(121_000 + 25_000);
    world.run_for(3_000);
    assert_eq!(world.connections().len(), 1);
    assert_eq!(world.plays_on(world.ear(bruno)), None, "no tone covers it");
    world.hang_up(BRUNO, bruno);
    world.run_to_the_end();
}
