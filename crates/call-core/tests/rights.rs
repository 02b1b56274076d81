//! Who may do what: the gate, destinations, restrictions, caps, one line, emergency numbers (rules T1, T2, T4, T8, T17).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{
    Caps, Effect, Event, Secret, SwitchCommand, SwitchDestination, TrunkConfig, TrunkId, UserConfig,
};
use ponte_protocol::{
    CallPhase, Destination, EventBody, LegRole, Mode, Outcome, Refusal, UnixMillis, UserId,
};
use ponte_testkit::site::{
    ABROAD, ANNA, BRUNO, BRUNO_HOME, COMPANY, HOME, MOBILE, OFFICE, PREMIUM, SHOP, rule, user,
};
use ponte_testkit::{Phone, World, plan};

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal }
}

fn denied(rule: &str) -> Outcome {
    refused(Refusal::Restricted {
        rule: rule.to_owned(),
    })
}

#[test]
fn t01_only_users_who_may_enter_telecommuter_mode() {
    let mut world = World::default();
    let mut config = user(ANNA);
    config.profile.telecommuter_allowed = false;
    world.configure_user(config);
    assert_eq!(world.enter(ANNA, HOME), refused(Refusal::NotPermitted));
    assert_eq!(world.mode(ANNA), Mode::Office);
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::NotPermitted));
    assert_eq!(world.enter("nobody", HOME), refused(Refusal::UnknownUser));
}

#[test]
fn t01_a_right_that_is_taken_away_ends_the_mode_but_not_the_call() {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    let mut config = user(ANNA);
    config.profile.telecommuter_allowed = false;
    world.configure_user(config);
    assert_eq!(world.mode(ANNA), Mode::Office);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert!(world.trace().iter().any(|(_, effect)| matches!(
        effect,
        Effect::SaveMode {
            mode: Mode::Office,
            ..
        }
    )));
}

#[test]
fn t02_a_destination_passes_the_restrictions_of_any_number_dialled() {
    let mut world = World::default();
    for (number, outcome) in [
        ("112", refused(Refusal::EmergencyNumber)),
        ("911", refused(Refusal::EmergencyNumber)),
        ("201", refused(Refusal::OwnNumber)),
        (COMPANY, refused(Refusal::OwnNumber)),
        ("*98", refused(Refusal::InvalidNumber)),
        ("0212", refused(Refusal::OwnNumber)),
        ("+39", refused(Refusal::InvalidNumber)),
        (ABROAD, denied("+44")),
        (PREMIUM, denied("")),
        ("+33140000000", denied("")),
    ] {
        assert_eq!(world.enter(ANNA, number), outcome, "{number}");
        assert_eq!(world.mode(ANNA), Mode::Office, "{number}");
        let anna: UserId = ANNA.parse().unwrap();
        let asked = world.switch().check_destination(&anna, &plan::read(number));
        assert_eq!(asked.map_err(refused), Err(outcome), "{number}");
    }
    assert_eq!(world.enter(ANNA, HOME), Outcome::Accepted { call: None });
    let destination = SwitchDestination::Browser;
    assert_eq!(
        world.command(ANNA, SwitchCommand::EnterTelecommuter { destination }),
        refused(Refusal::Unsupported)
    );
}

#[test]
fn t02_the_mode_is_stored_then_shown_then_confirmed() {
    let mut world = World::default();
    let before = world.trace().len();
    world.enter(ANNA, HOME);
    let effects: Vec<_> = world.trace()[before..].iter().map(|(_, effect)| effect).collect();
    assert!(
        matches!(
            effects[..],
            [
                Effect::SaveMode { .. },
                Effect::Notify {
                    body: EventBody::ModeChanged { .. },
                    ..
                },
                Effect::Reply { .. }
            ]
        ),
        "{effects:?}"
    );
}

#[test]
fn t02_entering_again_moves_future_calls_only() {
    let mut world = World::at_home();
    world.phone(MOBILE, Phone::answers_after(1_000));
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    let Mode::Telecommuting { since, .. } = world.mode(ANNA) else {
        panic!("not telecommuting")
    };
    assert_eq!(
        world.enter_with(ANNA, MOBILE, Some(false)),
        Outcome::Accepted { call: None }
    );
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert!(matches!(world.mode(ANNA), Mode::Telecommuting { since: kept, .. } if kept == since));
    world.hang_up(ANNA, call);
    world.run_for(1_000);
    let second = world.dial(ANNA, SHOP);
    assert_eq!(world.opened(second)[0].2, MOBILE);
}

#[test]
fn t10_leaving_lets_the_call_go_on_and_refuses_the_next() {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    let leave = || SwitchCommand::LeaveTelecommuter;
    assert_eq!(world.command(ANNA, leave()), Outcome::Accepted { call: None });
    assert_eq!(world.command(ANNA, leave()), Outcome::Accepted { call: None });
    assert_eq!(world.mode(ANNA), Mode::Office);
    world.run_for(60_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(
        world.try_dial(ANNA, SHOP),
        refused(Refusal::NotInTelecommuterMode)
    );
}

#[test]
fn t04_the_number_is_checked_before_anybodys_telephone_rings() {
    let mut world = World::at_home();
    for (number, outcome) in [
        ("112", refused(Refusal::EmergencyNumber)),
        (COMPANY, refused(Refusal::OwnNumber)),
        ("*98", refused(Refusal::InvalidNumber)),
        ("02123456789012345", refused(Refusal::InvalidNumber)),
        (ABROAD, denied("+44")),
        (PREMIUM, denied("")),
    ] {
        assert_eq!(world.try_dial(ANNA, number), outcome, "{number}");
    }
    assert_eq!(world.switch().call_count(), 0);
}

#[test]
fn t04_a_premium_number_is_dialled_where_a_rule_names_it() {
    let mut world = World::at_home();
    world.configure_user(UserConfig {
        restrictions: vec![rule("allow +39899"), rule("allow +39")],
        ..user(ANNA)
    });
    world.dial(ANNA, PREMIUM);
}

#[test]
fn t04_a_destination_that_was_restricted_meanwhile_is_not_called() {
    let mut world = World::at_home();
    world.configure_user(UserConfig {
        restrictions: vec![rule("deny +390299"), rule("allow +39")],
        ..user(ANNA)
    });
    assert_eq!(world.try_dial(ANNA, SHOP), denied("+390299"));
}

#[test]
fn t04_a_premium_destination_needs_its_rule_at_every_dial() {
    let mut world = World::at_home();
    let named = vec![rule("allow +39899"), rule("allow +39")];
    world.configure_user(UserConfig {
        restrictions: named,
        ..user(ANNA)
    });
    assert_eq!(world.enter(ANNA, PREMIUM), Outcome::Accepted { call: None });
    world.configure_user(user(ANNA));
    assert_eq!(world.try_dial(ANNA, SHOP), denied(""));
}

#[test]
fn t04_a_mode_restored_after_a_restart_is_dialled_from() {
    let mut world = World::default();
    world.phone(HOME, Phone::answers_after(100));
    world.event(Event::ModeRestored {
        user: ANNA.parse().unwrap(),
        mode: Mode::Telecommuting {
            destination: Destination::Number {
                number: HOME.parse().unwrap(),
                label: None,
                confirm: false,
            },
            since: UnixMillis(5),
            until: None,
        },
    });
    assert!(
        !world
            .trace()
            .iter()
            .any(|(_, effect)| matches!(effect, Effect::SaveMode { .. })),
        "what comes from the store does not go back"
    );
    let call = world.dial(ANNA, SHOP);
    assert_eq!(world.opened(call)[0].2, HOME);
}

#[test]
fn t04_attempts_an_hour_are_capped() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::refuses(486));
    world.configure_user(UserConfig {
        caps: Caps {
            dials_per_hour: 3,
            ..Caps::default()
        },
        ..user(ANNA)
    });
    let call = world.dial(ANNA, SHOP);
    world.run_for(5_000);
    // Dialling again on the same leg counts too; what is refused does not.
    world.try_dial(ANNA, SHOP);
    world.run_for(1_000);
    assert_eq!(world.try_dial(ANNA, "112"), refused(Refusal::EmergencyNumber));
    world.try_dial(ANNA, SHOP);
    world.run_for(1_000);
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::CapReached));
    world.hang_up(ANNA, call);
    world.run_for(60 * 60_000 - 8_000);
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::CapReached));
    world.run_for(8_000);
    world.dial(ANNA, SHOP);
}

#[test]
fn t04_minutes_a_day_are_capped_and_a_call_is_not_cut_by_it() {
    let mut world = World::at_home();
    world.configure_user(UserConfig {
        caps: Caps {
            minutes_per_day: 10,
            ..Caps::default()
        },
        ..user(ANNA)
    });
    let call = world.dial(ANNA, SHOP);
    world.run_for(15 * 60_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.hang_up(ANNA, call);
    world.run_for(1_000);
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::CapReached));
    // Fifteen minutes talked: five of them must be a day old.
    world.run_for(24 * 60 * 60_000 - 10 * 60_000 + 10_000);
    world.dial(ANNA, SHOP);
}

#[test]
fn t04_caps_hold_over_a_restart() {
    let mut world = World::at_home();
    let now = world.now();
    world.configure_user(UserConfig {
        caps: Caps {
            dials_per_hour: 2,
            minutes_per_day: 10,
        },
        ..user(ANNA)
    });
    let ago = |minutes: u64| UnixMillis(now.0 - minutes * 60_000);
    let anna: UserId = ANNA.parse().unwrap();
    world.event(Event::UsageRestored {
        user: anna.clone(),
        dials: vec![ago(5), ago(10)],
        talks: vec![],
    });
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::CapReached));
    world.event(Event::UsageRestored {
        user: anna.clone(),
        dials: vec![ago(70), ago(10)],
        talks: vec![(ago(60), ago(49))],
    });
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::CapReached));
    world.event(Event::UsageRestored {
        user: anna,
        dials: vec![ago(10)],
        talks: vec![(ago(60), ago(55))],
    });
    world.dial(ANNA, SHOP);
}

#[test]
fn t04_no_trunk_no_call() {
    let mut world = World::at_home();
    for id in ["a", "b"] {
        world.event(Event::TrunkState {
            trunk: TrunkId(id.into()),
            up: false,
        });
    }
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::NoTrunk));
    world.configure_trunks(vec![]);
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::NoTrunk));
    world.configure_trunks(vec![TrunkConfig {
        id: TrunkId("c".into()),
        max_legs: Some(1),
        passes_caller_id: true,
    }]);
    assert_eq!(
        world.try_dial(ANNA, SHOP),
        refused(Refusal::CapReached),
        "two legs do not fit"
    );
}

#[test]
fn t18_while_records_cannot_be_written_nothing_new_is_dialled_and_calls_go_on() {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    world.event(Event::StoreState { writable: false });
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.hang_up(ANNA, call);
    world.run_for(1_000);
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::StoreUnavailable));
    assert_eq!(world.enter(ANNA, MOBILE), refused(Refusal::StoreUnavailable));
    assert_eq!(
        world.enter(ANNA, HOME),
        Outcome::Accepted { call: None },
        "nothing to store"
    );
    world.event(Event::StoreState { writable: true });
    world.dial(ANNA, SHOP);
}

#[test]
fn t08_a_second_dial_is_refused_until_the_first_call_is_up() {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000));
    let call = world.dial(ANNA, SHOP);
    let busy = refused(Refusal::LineBusy);
    assert_eq!(world.try_dial(ANNA, OFFICE), busy, "calling the user");
    world.run_for(2_000);
    assert_eq!(world.try_dial(ANNA, OFFICE), busy, "confirming");
    world.accept(ANNA, call);
    world.run_for(1_000);
    assert_eq!(world.try_dial(ANNA, OFFICE), busy, "calling the far end");
    world.run_for(10_000);
    world.hang_up(ANNA, call);
    assert_eq!(
        world.try_dial(ANNA, OFFICE),
        busy,
        "the user's telephone is being hung up"
    );
    world.run_for(1_000);
    world.dial(ANNA, OFFICE);
}

#[test]
fn t08_the_line_is_free_once_the_users_telephone_is_though_the_far_end_lingers() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::answers_after(1_000).ignores_close());
    let first = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    world.hang_up(ANNA, first);
    world.run_for(1_000);
    assert_eq!(world.phase(first), CallPhase::Ending);
    let second = world.dial(ANNA, OFFICE);
    let anna: UserId = ANNA.parse().unwrap();
    let shown: Vec<_> = world.switch().calls(&anna).iter().map(|call| call.id).collect();
    assert_eq!(shown, [first, second]);
    world.run_to_the_end();
}

#[test]
fn t08_the_lines_of_two_users_are_two() {
    let mut world = World::at_home();
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    world.enter(BRUNO, BRUNO_HOME);
    let hers = world.dial(ANNA, SHOP);
    let his = world.dial(BRUNO, SHOP);
    world.run_for(10_000);
    for command in [
        SwitchCommand::HangUp { call: hers },
        SwitchCommand::Accept { call: hers },
        SwitchCommand::SendDtmf {
            call: hers,
            digits: Secret("1".into()),
        },
    ] {
        assert_eq!(world.command(BRUNO, command), refused(Refusal::UnknownCall));
    }
    world.phone_hangs_up(his, LegRole::User);
    world.run_for(1_000);
    assert!(matches!(world.phase(hers), CallPhase::Connected { .. }));
}

#[test]
fn t17_an_emergency_number_is_never_called_back() {
    let mut world = World::at_home();
    assert_eq!(world.try_dial(ANNA, "112"), refused(Refusal::EmergencyNumber));
    world.phone(SHOP, Phone::refuses(486));
    let call = world.dial(ANNA, SHOP);
    world.run_for(5_000);
    assert_eq!(
        world.try_dial(ANNA, "112"),
        refused(Refusal::EmergencyNumber),
        "nor on a leg that is up"
    );
    assert!(matches!(world.phase(call), CallPhase::FarFailed { .. }));
    assert_eq!(world.enter(ANNA, "112"), refused(Refusal::EmergencyNumber));
}

#[test]
fn t04_calls_that_are_up_count_towards_the_minutes_of_the_day() {
    let mut world = World::at_home();
    world.phone(OFFICE, Phone::answers_after(500));
    world.configure_user(UserConfig {
        caps: Caps {
            minutes_per_day: 10,
            ..Caps::default()
        },
        ..user(ANNA)
    });
    // Two numbers outside talk to each other, and leave the line free.
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    let with = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    world.command(ANNA, SwitchCommand::TransferTo { call, with });
    world.run_for(8 * 60_000);
    let next = world.dial(ANNA, SHOP);
    world.hang_up(ANNA, next);
    world.run_for(3 * 60_000);
    assert_eq!(world.try_dial(ANNA, SHOP), refused(Refusal::CapReached));
    assert_eq!(world.connections().len(), 1, "no call is cut by it");
}
