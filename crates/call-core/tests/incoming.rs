//! Rule T6: a call to the extension reaches the user where the user is, and its caller hears ringing until a person has
//! really answered. Rule T9: nobody takes it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Announcement, Tone, UserConfig};
use ponte_protocol::{CallPhase, CallSettings, CauseReason, Direction, EndedBy, LegRole, Outcome, Refusal};
use ponte_testkit::phone::TrunkHabit;
use ponte_testkit::site::{
    ANNA, BRUNO, BRUNO_HOME, COMPANY, CUSTOMER, DID_ANNA, DID_BRUNO, HOME, MOBILE, trunk, user,
};
use ponte_testkit::{Hears, Phone, Told, World};

fn without_voicemail(world: &mut World, name: &str) {
    world.configure_user(UserConfig {
        settings: CallSettings {
            voicemail: false,
            ..CallSettings::default()
        },
        ..user(name)
    });
}

/// Anna on her desk telephone, which she answers after two seconds.
fn at_the_desk() -> World {
    let mut world = World::default();
    world.desk("desk-201", Some(ANNA), false);
    world.phone("desk-201", Phone::answers_after(2_000));
    without_voicemail(&mut world, ANNA);
    world
}

#[test]
fn t06_a_did_call_is_redirected_to_the_destination() {
    let mut world = World::at_home();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    assert_eq!(
        world.told(call),
        [Told::Ringing],
        "ringing until a person has answered"
    );
    assert_eq!(world.phase(call), CallPhase::Ringing);
    let view = world.shown(call).unwrap();
    assert_eq!(view.direction, Direction::Incoming);
    assert_eq!(view.leg(LegRole::Far).unwrap().number, CUSTOMER);
    assert_eq!(view.dialled.as_str(), DID_ANNA);
    assert_eq!(world.opened(call), [(LegRole::User, "a".into(), HOME.into())]);
    world.run_for(3_000);
    assert_eq!(world.told(call), [Told::Ringing, Told::Answered, Told::Connected]);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.run_for(20_000);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(
        (record.direction, record.ended_by),
        (Direction::Incoming, EndedBy::FarLeg)
    );
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(record.number, CUSTOMER);
    assert!(!record.is_missed() && record.talk_millis() > 20_000);
    assert_eq!(record.legs.len(), 2);
}

#[test]
fn t06_a_did_call_rings_the_desk_telephone_in_the_office() {
    let mut world = at_the_desk();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(5_000);
    assert_eq!(
        world.opened(call),
        [(LegRole::User, String::new(), "desk-201".into())]
    );
    assert_eq!(world.callers_shown(call), [(Some(CUSTOMER.into()), None)]);
    assert_eq!(world.told(call), [Told::Ringing, Told::Answered, Told::Connected]);
    world.phone_hangs_up(call, LegRole::User);
    world.run_to_the_end();
    assert_eq!(world.record(call).ended_by, EndedBy::UserLeg);
}

#[test]
fn t06_nobody_outside_dials_through() {
    let mut world = World::at_home();
    for dialled in ["+390288880001", "112", "*11", COMPANY, "999", "0"] {
        let call = world.call_in(dialled, CUSTOMER);
        assert_eq!(world.told(call), [Told::Refused(404)], "{dialled}");
        assert!(world.opened(call).is_empty());
    }
    world.run_to_the_end();
}

#[test]
fn t06_the_next_trunk_carries_the_redirected_call() {
    let mut world = World::at_home();
    world.trunk("a", TrunkHabit::Refuses(503));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(6_000);
    assert_eq!(world.opened(call).len(), 2);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

#[test]
fn t06_a_call_from_another_extension_is_redirected() {
    let mut world = World::at_home();
    world.desk("desk-202", Some(BRUNO), false);
    let dialled = world.desk_dials("desk-202", "201");
    world.run_for(1_000);
    assert_eq!(world.told(dialled), [Told::Ringing]);
    world.run_for(3_000);
    assert_eq!(
        world.told(dialled),
        [Told::Ringing, Told::Answered, Told::Connected]
    );
    assert_eq!(world.connections().len(), 1);
}

#[test]
fn t14_a_mobiles_voicemail_never_takes_a_call() {
    let mut world = World::on_the_mobile(Phone::voicemail());
    without_voicemail(&mut world, ANNA);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(4_000);
    assert!(matches!(world.phase(call), CallPhase::Confirming { .. }));
    assert_eq!(world.told(call), [Told::Ringing]);
    world.run_to_the_end();
    assert_eq!(world.told(call), [Told::Ringing, Told::Refused(480)]);
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::NotConfirmed);
    assert!(record.is_missed());
    assert_eq!(
        record.ended_at.since(record.started_at),
        18_000,
        "ringing and confirming together"
    );
}

#[test]
fn t14_key_1_and_accept_both_answer_the_caller() {
    for key in [true, false] {
        let mut world = World::on_the_mobile(Phone::answers_after(1_000));
        let call = world.call_in(DID_ANNA, CUSTOMER);
        world.run_for(2_000);
        assert_eq!(
            world.sounds(call),
            [Hears::Words(None, vec![Announcement::ConfirmPressOne])]
        );
        if key {
            world.phone_presses(call, LegRole::User, '1');
        } else {
            assert_eq!(world.accept(ANNA, call), Outcome::Accepted { call: Some(call) });
        }
        world.run_for(500);
        assert_eq!(world.told(call), [Told::Ringing, Told::Answered, Told::Connected]);
        assert_eq!(world.sounds(call).last(), Some(&Hears::FarEnd));
    }
}

#[test]
fn t14_accept_while_the_telephone_rings_is_too_early() {
    let mut world = World::on_the_mobile(Phone::rings_out());
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(2_000);
    let refusal = Refusal::WrongState;
    assert_eq!(world.accept(ANNA, call), Outcome::Refused { refusal });
    assert_eq!(world.told(call), [Told::Ringing]);
}

#[test]
fn t14_who_confirms_too_late_is_told() {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000));
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(3_000);
    world.caller_hangs_up(call);
    world.run_for(1_000);
    assert_eq!(
        world.sounds(call).last(),
        Some(&Hears::Words(None, vec![Announcement::TooLate]))
    );
    world.phone_presses(call, LegRole::User, '1');
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(
        (record.cause.reason, record.ended_by),
        (CauseReason::Cancelled, EndedBy::FarLeg)
    );
    assert!(record.is_missed());
    assert_eq!(world.told(call), [Told::Ringing]);
}

#[test]
fn t06_the_telephone_stops_ringing_when_the_caller_gives_up() {
    let mut world = at_the_desk();
    world.phone("desk-201", Phone::rings_out());
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(3_000);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::Cancelled);
    assert!(record.is_missed());
    assert_eq!(record.legs[1].cause.reason, CauseReason::Cancelled);
}

#[test]
fn t09_no_answer_busy_decline_and_reject_are_told_truly() {
    for (phone, status, reason) in [
        (Phone::rings_out(), 480, CauseReason::NoAnswer),
        (Phone::refuses(486), 486, CauseReason::Busy),
        (Phone::rings_then_refuses(1_000, 603), 603, CauseReason::Declined),
        (Phone::refuses(404), 404, CauseReason::NoSuchNumber),
    ] {
        let mut world = at_the_desk();
        world.phone("desk-201", phone);
        let call = world.call_in(DID_ANNA, CUSTOMER);
        world.run_to_the_end();
        assert_eq!(world.told(call), [Told::Ringing, Told::Refused(status)]);
        assert_eq!(world.record(call).cause.reason, reason);
    }
    let mut world = at_the_desk();
    world.phone("desk-201", Phone::rings_out());
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(2_000);
    assert_eq!(
        world.reject(BRUNO, call),
        Outcome::Refused {
            refusal: Refusal::UnknownCall
        }
    );
    assert_eq!(world.reject(ANNA, call), Outcome::Accepted { call: Some(call) });
    world.run_to_the_end();
    assert_eq!(world.told(call), [Told::Ringing, Told::Refused(486)]);
    let record = world.record(call);
    assert_eq!(
        (record.cause.reason, record.ended_by),
        (CauseReason::Rejected, EndedBy::Portal)
    );
}

#[test]
fn t09_key_2_sends_the_caller_away() {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000).presses_after(2_000, '2'));
    without_voicemail(&mut world, ANNA);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_to_the_end();
    assert_eq!(world.told(call), [Told::Ringing, Told::Refused(486)]);
    assert_eq!(world.record(call).cause.reason, CauseReason::Rejected);
}

#[test]
fn t09_voicemail_takes_what_the_user_does_not() {
    for phone in [Phone::rings_out(), Phone::refuses(486), Phone::answers_after(500)] {
        let mut world = World::on_the_mobile(phone);
        let call = world.call_in(DID_ANNA, CUSTOMER);
        world.run_for(30_000);
        assert_eq!(
            world.told(call),
            [Told::Ringing, Told::Answered, Told::Greeting, Told::Recorded]
        );
        assert!(matches!(world.phase(call), CallPhase::Voicemail { .. }));
        world.caller_hangs_up(call);
        world.run_to_the_end();
        let record = world.record(call);
        assert_eq!(record.cause.reason, CauseReason::Voicemail);
        assert!(record.is_missed(), "T18: it is a missed call");
        assert_eq!(record.message.unwrap().0, call.0);
    }
}

#[test]
fn t09_a_caller_who_hangs_up_in_the_greeting_leaves_no_message() {
    let mut world = World::default();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(1_000);
    assert_eq!(
        world.told(call),
        [Told::Answered, Told::Greeting],
        "logged off: at once"
    );
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(
        (record.cause.reason, record.message),
        (CauseReason::Voicemail, None)
    );
}

#[test]
fn t09_a_message_that_is_full_ends_the_call() {
    let mut world = World::default();
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(10_000);
    let leg = ponte_call_core::LegId { call, index: 0 };
    world.event(ponte_call_core::Event::RecordingFull { leg });
    assert_eq!(world.told(call).last(), Some(&Told::HungUp));
    world.run_to_the_end();
    assert!(world.record(call).message.is_some());
}

#[test]
fn t10_who_is_logged_off_and_has_no_voicemail_is_busy_to_callers() {
    let mut world = World::default();
    without_voicemail(&mut world, ANNA);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_to_the_end();
    assert_eq!(world.told(call), [Told::Refused(486)]);
    assert_eq!(world.record(call).cause.reason, CauseReason::LoggedOff);
}

#[test]
fn t12_do_not_disturb_is_as_rejected_at_once() {
    let mut world = at_the_desk();
    let mut config = user(ANNA);
    config.do_not_disturb = true;
    config.settings.voicemail = false;
    world.configure_user(config);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_to_the_end();
    assert_eq!(world.told(call), [Told::Refused(486)]);
    assert_eq!(world.record(call).cause.reason, CauseReason::DoNotDisturb);
}

#[test]
fn t16_the_destination_sees_the_real_caller_where_the_trunk_passes_it() {
    for (passes, caller, shown) in [
        (true, CUSTOMER, Some(CUSTOMER)),
        (false, CUSTOMER, Some(COMPANY)),
        (true, "anonymous", None),
        (false, "anonymous", Some(COMPANY)),
    ] {
        let mut world = World::at_home();
        let mut config = trunk("a");
        config.passes_caller_id = passes;
        world.configure_trunks(vec![config]);
        let call = world.call_in(DID_ANNA, caller);
        world.run_for(1_000);
        assert_eq!(world.callers_shown(call)[0].0.as_deref(), shown);
        let view = world.shown(call).unwrap();
        let number = if caller == CUSTOMER { CUSTOMER } else { "" };
        assert_eq!(
            view.leg(LegRole::Far).unwrap().number,
            number,
            "the portal shows the real one"
        );
    }
}

#[test]
fn t16_a_colleague_is_shown_by_extension_on_a_desk_and_by_the_company_outside() {
    let mut world = at_the_desk();
    world.enter(BRUNO, BRUNO_HOME);
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    let call = world.dial(BRUNO, "201");
    world.run_for(2_000);
    let half = world.switch().joined(call).unwrap();
    assert_eq!(
        world.callers_shown(half),
        [(Some("202".into()), Some(BRUNO.into()))]
    );
    let view = world.shown(half).unwrap();
    let far = view.leg(LegRole::Far).unwrap();
    assert_eq!((far.number.as_str(), far.name.as_deref()), ("202", Some(BRUNO)));

    let mut world = at_the_desk();
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    world.enter(BRUNO, BRUNO_HOME);
    let call = world.desk_dials("desk-201", "202");
    world.run_for(2_000);
    let half = world.switch().joined(call).unwrap();
    assert_eq!(
        world.callers_shown(half),
        [(Some(COMPANY.into()), Some(ANNA.into()))]
    );
}

#[test]
fn t18_two_users_have_a_record_each() {
    let mut world = at_the_desk();
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    world.enter(BRUNO, BRUNO_HOME);
    let call = world.dial(BRUNO, "201");
    world.run_for(1_500);
    let half = world.switch().joined(call).unwrap();
    assert_eq!(world.phase(half), CallPhase::Ringing);
    assert_eq!(
        world.sounds(call)[..2],
        [Hears::Tone(Tone::Progress), Hears::Tone(Tone::Ringback)]
    );
    world.run_for(3_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert!(matches!(world.phase(half), CallPhase::Connected { .. }));
    world.phone_hangs_up(half, LegRole::User);
    world.run_to_the_end();
    let (bruno, anna) = (world.record(call), world.record(half));
    assert_eq!((bruno.user.as_str(), bruno.number.as_str()), (BRUNO, "201"));
    assert_eq!((anna.user.as_str(), anna.number.as_str()), (ANNA, "202"));
    assert_eq!(
        (bruno.ended_by, anna.ended_by),
        (EndedBy::FarLeg, EndedBy::UserLeg)
    );
    assert_eq!((bruno.legs.len(), anna.legs.len()), (2, 2));
    assert_eq!(bruno.connected_at, anna.connected_at);
}

#[test]
fn t09_a_colleague_reaches_voicemail_too() {
    let mut world = World::default();
    world.desk("desk-201", Some(ANNA), false);
    let call = world.desk_dials("desk-201", "202");
    world.run_for(10_000);
    assert_eq!(world.told(call), [Told::Answered, Told::Greeting, Told::Recorded]);
    let half = world.switch().joined(call).unwrap();
    assert!(matches!(world.phase(half), CallPhase::Voicemail { .. }));
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let missed = world.record(half);
    assert_eq!(
        (missed.user.as_str(), missed.cause.reason),
        (BRUNO, CauseReason::Voicemail)
    );
    assert!(missed.message.is_some());
    assert_eq!(world.record(call).cause.reason, CauseReason::NormalClearing);
}

#[test]
fn t05_a_colleague_who_is_not_reached_leaves_the_line_for_another_number() {
    let mut world = World::at_home();
    without_voicemail(&mut world, BRUNO);
    let call = world.dial(ANNA, DID_BRUNO);
    world.run_for(4_000);
    assert!(matches!(
        world.phase(call),
        CallPhase::FarFailed { cause, .. } if cause.reason == CauseReason::Unavailable
    ));
    assert!(matches!(
        world.sounds(call).last(),
        Some(Hears::Words(Some(Tone::SpecialInformation), words)) if words[0] == Announcement::Unavailable
    ));
    world.desk("desk-202", Some(BRUNO), false);
    world.phone("desk-202", Phone::answers_after(500));
    world.dial(ANNA, "202");
    world.run_for(3_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.phone(MOBILE, Phone::silent());
    assert_eq!(world.hang_up(ANNA, call), Outcome::Accepted { call: Some(call) });
    world.run_to_the_end();
    assert_eq!(world.record(call).legs.len(), 3);
}
