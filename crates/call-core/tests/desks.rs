//! Desk telephones: rule T3 (entering logs off), T10 (leaving gives back), T11 (hot desking), T17 (emergency), and what
//! a desk telephone may dial (T4, T16).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Announcement, Effect, Event, LegId, PeerHold, SwitchCommand, UserConfig};
use ponte_protocol::{
    CallPhase, CallSettings, CauseReason, EndedBy, EventBody, LegRole, Mode, Outcome, Refusal, UserId,
};
use ponte_testkit::site::{
    ABROAD, ANNA, BRUNO, COMPANY, CUSTOMER, DID_ANNA, HOME, OFFICE, PREMIUM, SHOP, trunk, user,
};
use ponte_testkit::{Phone, Told, World};

/// Anna's own telephone, one in the corner for everybody, and no voicemail.
fn office() -> World {
    let mut world = World::default();
    world.desk("desk-201", Some(ANNA), false);
    world.desk("corner", None, true);
    world.phone("desk-201", Phone::answers_after(1_000));
    world.phone("corner", Phone::answers_after(1_000));
    world.phone(HOME, Phone::answers_after(1_000));
    world.phone(SHOP, Phone::answers_after(3_000));
    world.configure_user(UserConfig {
        settings: CallSettings {
            voicemail: false,
            ..CallSettings::default()
        },
        ..user(ANNA)
    });
    world
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal }
}

fn accepted() -> Outcome {
    Outcome::Accepted { call: None }
}

fn logons(world: &World) -> Vec<(String, Option<String>)> {
    let saved = |effect: &Effect| match effect {
        Effect::SaveLogon { device, user } => Some((
            device.as_str().to_owned(),
            user.as_ref().map(|user| user.as_str().to_owned()),
        )),
        _ => None,
    };
    world
        .trace()
        .iter()
        .filter_map(|(_, effect)| saved(effect))
        .collect()
}

#[test]
fn t03_entering_logs_the_user_off_the_telephone() {
    let mut world = office();
    assert_eq!(
        world.logged_on("desk-201").as_deref(),
        Some(ANNA),
        "a telephone starts with its owner"
    );
    world.enter(ANNA, HOME);
    assert_eq!(world.logged_on("desk-201"), None);
    assert_eq!(logons(&world), [("desk-201".to_owned(), None)]);
    let dialled = world.desk_dials("desk-201", SHOP);
    world.run_for(10_000);
    assert_eq!(
        world.told(dialled),
        [
            Told::EarlyMedia,
            Told::Words(vec![Announcement::StillAway, Announcement::LeaveByCode]),
            Told::Refused(403)
        ]
    );
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    assert_eq!(world.opened(call), [(LegRole::User, "a".into(), HOME.into())]);
}

#[test]
fn t03_a_call_that_is_up_on_the_telephone_goes_on() {
    let mut world = office();
    let call = world.desk_dials("desk-201", SHOP);
    world.run_for(5_000);
    world.enter(ANNA, HOME);
    world.run_for(5_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

#[test]
fn t10_leaving_gives_the_telephone_back() {
    let mut world = office();
    world.enter(ANNA, HOME);
    world.leave(ANNA);
    assert_eq!(world.logged_on("desk-201").as_deref(), Some(ANNA));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(3_000);
    assert_eq!(world.opened(call)[0].2, "desk-201");
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

/// What portals were told of the desk since the world began: the telephone, or that the offer is put away.
fn offers(world: &World) -> Vec<Option<String>> {
    let offer = |effect: &Effect| match effect {
        Effect::Notify {
            body: EventBody::DeskUsed { used },
            ..
        } => Some(used.as_ref().map(|used| used.device.as_str().to_owned())),
        _ => None,
    };
    world
        .trace()
        .iter()
        .filter_map(|(_, effect)| offer(effect))
        .collect()
}

#[test]
fn t03_a_telephone_that_is_tried_offers_to_leave_until_the_user_answers() {
    let desk = || Some("desk-201".to_owned());
    let mut world = office();
    world.enter(ANNA, HOME);
    assert_eq!(offers(&world), []);
    world.desk_dials("desk-201", SHOP);
    world.run_for(10_000);
    world.desk_dials("desk-201", SHOP);
    world.run_for(60_000);
    assert_eq!(offers(&world), [desk()], "once a minute is enough");
    world.desk_dials("desk-201", "202");
    assert_eq!(offers(&world), [desk(), desk()]);
    let stay = SwitchCommand::Stay;
    assert_eq!(world.command(ANNA, stay.clone()), accepted());
    assert_eq!(world.command(ANNA, stay), accepted());
    assert_eq!(offers(&world), [desk(), desk(), None], "it is put away once");
    assert!(matches!(world.mode(ANNA), Mode::Telecommuting { .. }));
    world.run_to_the_end();
    // Nobody else's telephone is hers.
    let corner = world.desk_dials("corner", SHOP);
    assert_eq!(world.told(corner), [Told::Refused(403)]);
    assert_eq!(offers(&world).len(), 3);
}

#[test]
fn t03_who_hangs_up_hears_no_more_of_it() {
    let mut world = office();
    world.enter(ANNA, HOME);
    let call = world.desk_dials("desk-201", SHOP);
    world.run_for(100);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert!(!world.told(call).contains(&Told::Refused(403)));
}

#[test]
fn t17_emergency_numbers_are_dialled_and_nothing_is_offered() {
    let mut world = office();
    world.phone("112", Phone::answers_after(500));
    world.enter(ANNA, HOME);
    let call = world.desk_dials("desk-201", "112");
    world.run_for(2_000);
    assert_eq!(world.told(call), [Told::Ringing, Told::Answered, Told::Connected]);
    assert_eq!(offers(&world), []);
}

#[test]
fn t10_the_code_for_leaving_gives_the_telephone_back() {
    let mut world = office();
    world.enter(ANNA, HOME);
    let call = world.desk_dials("desk-201", "*13");
    world.run_to_the_end();
    assert_eq!(
        world.told(call),
        [
            Told::Answered,
            Told::Words(vec![Announcement::LoggedOn]),
            Told::HungUp
        ]
    );
    assert_eq!(world.mode(ANNA), Mode::Office);
    assert_eq!(world.logged_on("desk-201").as_deref(), Some(ANNA));
    // There is nothing to leave now, and at a telephone of nobody never was.
    for (device, word) in [
        ("desk-201", Announcement::LoggedOn),
        ("corner", Announcement::Wrong),
    ] {
        let call = world.desk_dials(device, "*13");
        world.run_to_the_end();
        assert!(world.told(call).contains(&Told::Words(vec![word])), "{device}");
    }
}

#[test]
fn t10_the_code_for_leaving_does_nothing_to_another_who_is_logged_on() {
    let mut world = office();
    world.desk("desk-201", Some(ANNA), true);
    world.enter(ANNA, HOME);
    assert_eq!(world.log_on(BRUNO, "desk-201"), accepted());
    world.desk_dials("desk-201", "*13");
    world.run_to_the_end();
    assert!(matches!(world.mode(ANNA), Mode::Telecommuting { .. }));
    assert_eq!(world.logged_on("desk-201").as_deref(), Some(BRUNO));
    // While nothing can be kept, the mode stays as it is.
    let mut world = office();
    world.enter(ANNA, HOME);
    world.event(Event::StoreState { writable: false });
    let call = world.desk_dials("desk-201", "*13");
    world.run_to_the_end();
    assert!(
        world
            .told(call)
            .contains(&Told::Words(vec![Announcement::Unavailable]))
    );
    assert!(matches!(world.mode(ANNA), Mode::Telecommuting { .. }));
}

#[test]
fn t10_unregistered_taken_or_removed_the_user_is_logged_off() {
    for exit in ["unregistered", "taken", "removed"] {
        let mut world = office();
        if exit == "taken" {
            world.desk("desk-201", Some(ANNA), true);
        }
        world.enter(ANNA, HOME);
        match exit {
            "unregistered" => world.registered("desk-201", false),
            "taken" => assert_eq!(world.log_on(BRUNO, "desk-201"), accepted()),
            _ => world.event(Event::DeviceRemoved {
                device: "desk-201".parse().unwrap(),
            }),
        }
        world.leave(ANNA);
        assert_ne!(world.logged_on("desk-201").as_deref(), Some(ANNA), "{exit}");
        let call = world.call_in(DID_ANNA, CUSTOMER);
        world.run_for(1_000);
        assert_eq!(world.told(call), [Told::Refused(486)], "{exit}");
        assert_eq!(world.record(call).cause.reason, CauseReason::LoggedOff);
        world.configure_user(user(ANNA));
        let call = world.call_in(DID_ANNA, CUSTOMER);
        assert_eq!(
            world.told(call),
            [Told::Answered, Told::Greeting],
            "{exit}: voicemail"
        );
    }
}

#[test]
fn t10_the_telephone_that_was_the_users_is_remembered() {
    let mut world = office();
    assert_eq!(world.log_on(BRUNO, "corner"), accepted());
    world.enter(BRUNO, HOME);
    assert_eq!(world.logged_on("corner"), None);
    world.leave(BRUNO);
    assert_eq!(world.logged_on("corner").as_deref(), Some(BRUNO));
}

#[test]
fn t10_a_restart_remembers_who_is_where() {
    let mut world = office();
    let anna: UserId = ANNA.parse().unwrap();
    world.event(Event::LogonRestored {
        device: "corner".parse().unwrap(),
        user: Some(anna.clone()),
    });
    assert_eq!(world.logged_on("corner").as_deref(), Some(ANNA));
    assert_eq!(world.logged_on("desk-201"), None);
    world.event(Event::LogonRestored {
        device: "corner".parse().unwrap(),
        user: None,
    });
    assert_eq!(world.logged_on("corner"), None);
    assert!(logons(&world).is_empty(), "what was restored is stored");

    let mut world = office();
    let mode = Mode::Telecommuting {
        destination: ponte_protocol::Destination::Number {
            number: HOME.parse().unwrap(),
            label: None,
            confirm: false,
        },
        since: world.now(),
        until: None,
    };
    world.event(Event::ModeRestored { user: anna, mode });
    assert_eq!(world.logged_on("desk-201"), None, "the mode says where she is");
    world.leave(ANNA);
    assert_eq!(world.logged_on("desk-201").as_deref(), Some(ANNA));
}

#[test]
fn t11_log_on_from_the_portal() {
    let mut world = office();
    assert_eq!(world.log_on(BRUNO, "nowhere"), refused(Refusal::UnknownDevice));
    assert_eq!(world.log_on(BRUNO, "desk-201"), refused(Refusal::NotPermitted));
    world.registered("corner", false);
    assert_eq!(world.log_on(BRUNO, "corner"), refused(Refusal::DeviceOffline));
    world.registered("corner", true);
    world.event(Event::StoreState { writable: false });
    assert_eq!(world.log_on(BRUNO, "corner"), refused(Refusal::StoreUnavailable));
    world.event(Event::StoreState { writable: true });
    assert_eq!(world.log_on(BRUNO, "corner"), accepted());
    // Whoever was on it is logged off it, and the one who logs on leaves the other telephone.
    assert_eq!(world.log_on(ANNA, "corner"), accepted());
    assert_eq!(world.logged_on("corner").as_deref(), Some(ANNA));
    assert_eq!(world.logged_on("desk-201"), None);
    let anna: UserId = ANNA.parse().unwrap();
    let stations = world.switch().stations(&anna);
    let of = |name: &str| {
        stations
            .iter()
            .find(|station| station.device.as_str() == name)
            .unwrap()
    };
    assert!(of("desk-201").own && !of("desk-201").logged_on && of("corner").logged_on);
    let bruno: UserId = BRUNO.parse().unwrap();
    assert_eq!(world.switch().stations(&bruno)[0].taken_by.as_deref(), Some(ANNA));
    let off = ponte_call_core::SwitchCommand::LogOff;
    assert_eq!(world.command(ANNA, off), accepted());
    assert_eq!(world.logged_on("corner"), None);
}

#[test]
fn t11_logging_on_leaves_telecommuter_mode() {
    let mut world = office();
    world.enter(ANNA, HOME);
    assert_eq!(world.log_on(ANNA, "corner"), accepted());
    assert_eq!(world.mode(ANNA), Mode::Office);
    assert_eq!(world.logged_on("corner").as_deref(), Some(ANNA));
    assert_eq!(world.logged_on("desk-201"), None, "one telephone a user");
}

#[test]
fn t11_log_on_by_feature_code() {
    let mut world = office();
    world.pin("202", "4711");
    let call = world.desk_dials("corner", "*11");
    world.run_for(3_000);
    let asked = |words: &[Announcement]| Told::Words(words.to_vec());
    assert_eq!(
        world.told(call),
        [Told::Answered, asked(&[Announcement::EnterExtension])]
    );
    world.caller_keys(call, "202#");
    world.run_for(500);
    assert_eq!(world.told(call).last(), Some(&asked(&[Announcement::EnterPin])));
    world.caller_keys(call, "4711");
    // No #: the pause ends it.
    world.run_for(6_000);
    assert_eq!(world.logged_on("corner").as_deref(), Some(BRUNO));
    world.run_for(5_000);
    assert_eq!(
        world.told(call)[3..],
        [asked(&[Announcement::LoggedOn]), Told::HungUp]
    );
    assert_eq!(logons(&world), [("corner".to_owned(), Some(BRUNO.to_owned()))]);
    let off = world.desk_dials("corner", "*12");
    world.run_for(5_000);
    assert_eq!(
        world.told(off),
        [Told::Answered, asked(&[Announcement::LoggedOff]), Told::HungUp]
    );
    assert_eq!(world.logged_on("corner"), None);
    world.run_to_the_end();
}

#[test]
fn t11_three_wrong_pins_end_the_dialogue_and_no_pin_prints() {
    let mut world = office();
    world.pin("202", "4711");
    let call = world.desk_dials("corner", "*11");
    for (extension, pin) in [("202", "9999"), ("299", "4711"), ("202", "")] {
        world.run_for(1_000);
        world.caller_keys(call, &format!("{extension}#"));
        world.run_for(1_000);
        world.caller_keys(call, &format!("{pin}#"));
        assert!(!format!("{:?}", world.switch()).contains(pin) || pin.is_empty());
        world.run_for(1_000);
    }
    assert_eq!(
        world.told(call).last(),
        Some(&Told::Words(vec![Announcement::Wrong, Announcement::Goodbye]))
    );
    assert_eq!(world.logged_on("corner"), None);
    assert!(!format!("{:?}", world.trace()).contains("9999"));
    world.run_to_the_end();
    assert_eq!(world.told(call).last(), Some(&Told::HungUp));
}

#[test]
fn t11_nobody_logs_on_to_a_telephone_that_is_not_theirs() {
    let mut world = office();
    world.pin("202", "4711");
    let call = world.desk_dials("desk-201", "*11");
    world.run_for(1_000);
    world.caller_keys(call, "202#4711#");
    world.run_for(1_000);
    assert_eq!(world.logged_on("desk-201").as_deref(), Some(ANNA));
    assert_eq!(
        world.told(call).last(),
        Some(&Told::Words(vec![Announcement::NotAllowed]))
    );
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t04_a_desk_telephone_dials_with_the_users_rights() {
    let mut world = office();
    for (number, status) in [
        (ABROAD, 403),
        (PREMIUM, 403),
        ("201", 486),
        ("299", 404),
        (COMPANY, 486),
        ("+39", 484),
        ("*98", 404),
    ] {
        let call = world.desk_dials("desk-201", number);
        assert_eq!(world.told(call), [Told::Refused(status)], "{number}");
    }
    world.configure_trunks(vec![]);
    let call = world.desk_dials("desk-201", SHOP);
    assert_eq!(world.told(call), [Told::Refused(503)]);
    assert_eq!(world.switch().call_count(), 0);
}

#[test]
fn t05_a_desk_telephone_hears_the_far_end_and_its_true_failure() {
    let mut world = office();
    world.phone(SHOP, Phone::early_media_after(500).then_answers_after(2_000));
    let call = world.desk_dials("desk-201", SHOP);
    world.run_for(1_000);
    assert_eq!(world.told(call), [Told::EarlyMedia, Told::Connected]);
    assert_eq!(world.callers_shown(call)[0].0.as_deref(), Some(COMPANY), "T16");
    world.run_for(3_000);
    assert_eq!(
        world.told(call),
        [Told::EarlyMedia, Told::Connected, Told::Answered]
    );
    world.caller_hangs_up(call);
    world.run_for(1_000);
    assert_eq!(world.record(call).ended_by, EndedBy::UserLeg);
    for (phone, status, reason) in [
        (Phone::refuses(486), 486, CauseReason::Busy),
        (Phone::refuses(404), 404, CauseReason::NoSuchNumber),
        (Phone::refuses_with(480, 17), 480, CauseReason::Busy),
        (Phone::refuses(503), 503, CauseReason::TrunkFailure),
        (Phone::rings_then_refuses(500, 603), 603, CauseReason::Declined),
    ] {
        world.phone(SHOP, phone);
        let call = world.desk_dials("desk-201", SHOP);
        world.run_for(5_000);
        assert_eq!(world.told(call).last(), Some(&Told::Refused(status)));
        let record = world.record(call);
        assert_eq!(record.cause.reason, reason);
        assert_eq!(record.legs[0].cause.reason, reason);
    }
    world.phone(SHOP, Phone::rings_out());
    let call = world.desk_dials("desk-201", SHOP);
    world.run_for(1_000);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert_eq!(world.record(call).cause.reason, CauseReason::Cancelled);
}

#[test]
fn t05_another_number_is_dialled_on_the_leg_of_a_desk_telephone_that_is_up() {
    let mut world = office();
    world.phone(OFFICE, Phone::refuses(486));
    world.phone(CUSTOMER, Phone::answers_after(1_000));
    let first = world.desk_dials("desk-201", SHOP);
    world.run_for(5_000);
    let second = world.dial(ANNA, OFFICE);
    world.run_for(500);
    assert!(matches!(world.phase(second), CallPhase::FarFailed { .. }));
    assert!(matches!(world.phase(first), CallPhase::Held { .. }));
    let again = world.dial(ANNA, CUSTOMER);
    assert_eq!(again, second, "on the same leg");
    world.run_for(500);
    assert!(matches!(world.phase(second), CallPhase::CallingFar));
    world.run_for(1_500);
    assert!(matches!(world.phase(second), CallPhase::Connected { .. }));
    world.hang_up(ANNA, second);
    world.hang_up(ANNA, first);
    world.run_to_the_end();
    // Without a leg that is up there is nothing to dial on: the mode is not entered.
    let refusal = Refusal::NotInTelecommuterMode;
    assert_eq!(world.try_dial(ANNA, SHOP), refused(refusal));
}

#[test]
fn t17_emergency_numbers_are_dialled_whatever_the_state() {
    let mut world = office();
    world.phone("112", Phone::answers_after(500));
    world.enter(ANNA, HOME);
    world.event(Event::StoreState { writable: false });
    let call = world.desk_dials("desk-201", "112");
    world.run_for(2_000);
    assert_eq!(world.told(call), [Told::Ringing, Told::Answered, Told::Connected]);
    assert_eq!(world.opened(call), [(LegRole::Far, "a".into(), "112".into())]);
    assert_eq!(world.callers_shown(call)[0].0.as_deref(), Some(COMPANY));
    // Her line is at home, and free.
    let rings = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(3_000);
    assert!(matches!(world.phase(rings), CallPhase::Connected { .. }));
    world.caller_hangs_up(call);
    world.caller_hangs_up(rings);
    world.run_to_the_end();
    assert_eq!(world.record(call).user.as_str(), ANNA);
}

#[test]
fn t17_a_telephone_of_nobody_reaches_them_too_and_no_trunk_is_given_up() {
    let mut world = office();
    let mut only = trunk("a");
    only.max_legs = Some(0);
    world.configure_trunks(vec![only]);
    world.event(Event::TrunkState {
        trunk: trunk("a").id,
        up: false,
    });
    world.phone("112", Phone::answers_after(500));
    let call = world.desk_dials("corner", "112");
    world.run_for(2_000);
    assert_eq!(world.told(call), [Told::Ringing, Told::Answered, Told::Connected]);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(
        (record.user.as_str(), record.number.as_str()),
        ("corner@telephone", "112")
    );
}

#[test]
fn t17_no_second_call_beeps_into_an_emergency_call() {
    let mut world = office();
    world.phone("112", Phone::answers_after(500));
    world.desk_dials("desk-201", "112");
    world.run_for(2_000);
    let second = world.call_in(DID_ANNA, CUSTOMER);
    assert_eq!(world.told(second), [Told::Refused(486)]);
    assert_eq!(world.beeps(), 0);
}

#[test]
fn t17_an_emergency_call_is_not_ended_because_nothing_is_heard() {
    let mut world = office();
    world.phone("112", Phone::answers_after(500));
    let call = world.desk_dials("desk-201", "112");
    world.run_for(2_000);
    for index in [0, 1] {
        let leg = LegId { call, index };
        let since_ms = 60_000;
        world.event(Event::AudioMissing { leg, since_ms });
    }
    world.run_for(1_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.connections().len(), 1);
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t08_a_call_made_beside_the_line_is_the_one_on_it_when_it_is_left_alone() {
    let mut world = office();
    world.phone(SHOP, Phone::answers_after(500));
    world.phone(OFFICE, Phone::answers_after(500));
    let first = world.desk_dials("desk-201", SHOP);
    world.run_for(2_000);
    let hold = PeerHold::SendOnly;
    world.event(Event::LegHeld {
        leg: LegId {
            call: first,
            index: 0,
        },
        hold,
    });
    let second = world.desk_dials("desk-201", OFFICE);
    world.run_for(2_000);
    world.phone_hangs_up(first, LegRole::Far);
    world.run_for(1_000);
    // Her telephone is in a call: the next one beeps, and rings nothing.
    let third = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    assert!(matches!(world.phase(third), CallPhase::Waiting { .. }));
    assert!(world.opened(third).is_empty());
    let held = world.command(ANNA, SwitchCommand::Hold { call: second });
    assert_eq!(held, Outcome::Accepted { call: Some(second) });
    world.caller_hangs_up(third);
    world.caller_hangs_up(second);
    world.run_to_the_end();
}
