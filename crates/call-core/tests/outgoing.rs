//! The call back as it should go, and what the user hears on the way (rules T4, T5, T16).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Announcement, Effect, LegEndKind, Timeouts, Tone};
use ponte_protocol::{CallPhase, CauseReason, EndedBy, LegRole, LegState, Outcome};
use ponte_testkit::site::{ANNA, COMPANY, HOME, OFFICE, SHOP};
use ponte_testkit::{Hears, Phone, TrunkHabit, World};

#[test]
fn t04_the_user_leg_first_then_the_far_leg_then_both_talk() {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    assert_eq!(world.opened(call), [(LegRole::User, "a".into(), HOME.into())]);
    assert_eq!(world.phase(call), CallPhase::CallingUser);

    world.run_for(1_000);
    let view = world.shown(call).unwrap();
    assert_eq!(view.leg(LegRole::User).unwrap().state, LegState::Early);

    world.run_until("the far leg is called", |world| world.opened(call).len() == 2);
    assert_eq!(world.opened(call)[1], (LegRole::Far, "a".into(), SHOP.into()));
    assert_eq!(world.phase(call), CallPhase::CallingFar);

    world.run_until("both are on the line", |world| {
        matches!(world.phase(call), CallPhase::Connected { .. })
    });
    world.run_for(60_000);
    world.hang_up(ANNA, call);
    world.run_to_the_end();

    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(record.ended_by, EndedBy::Portal);
    assert!((60_000..60_100).contains(&record.talk_millis()));
}

#[test]
fn t04_the_far_leg_waits_however_long_the_user_leg_rings() {
    let mut world = World::at_home();
    world.phone(HOME, Phone::answers_after(24_000));
    let call = world.dial(ANNA, SHOP);
    world.run_for(24_000);
    assert_eq!(world.opened(call).len(), 1);
    world.run_for(500);
    assert_eq!(world.opened(call).len(), 2);
}

#[test]
fn t04_ringing_starts_the_time_to_answer() {
    let mut world = World::at_home();
    // 20 s until it rings, 20 s of ringing: neither is longer than 25 s.
    world.phone(
        HOME,
        Phone::trying()
            .progress_after(20_000, 180)
            .then_answers_after(20_000),
    );
    let call = world.dial(ANNA, SHOP);
    world.run_for(41_000);
    assert_eq!(world.opened(call).len(), 2);
}

#[test]
fn t16_both_legs_show_the_companys_number() {
    let mut world = World::at_home();
    world.dial(ANNA, SHOP);
    world.run_for(10_000);
    let shown: Vec<_> = world
        .trace()
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::OpenLeg { caller, .. } => caller.number.as_ref().map(|number| number.as_str().to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(shown, [COMPANY, COMPANY]);
}

#[test]
fn t05_progress_then_ringback_then_the_far_end() {
    let mut world = World::at_home();
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert_eq!(
        world.sounds(call),
        [
            Hears::Tone(Tone::Progress),
            Hears::Tone(Tone::Ringback),
            Hears::FarEnd
        ]
    );
}

#[test]
fn t05_provisional_answers_that_do_not_ring_keep_the_progress_tone() {
    for status in [100, 181, 182, 183, 199] {
        let mut world = World::at_home();
        world.phone(SHOP, Phone::trying().progress_after(100, status));
        let call = world.dial(ANNA, SHOP);
        world.run_for(10_000);
        assert_eq!(world.sounds(call), [Hears::Tone(Tone::Progress)], "{status}");
        let far = world.shown(call).unwrap().leg(LegRole::Far).unwrap().state;
        assert_eq!(far, LegState::Proceeding, "{status}");
    }
}

#[test]
fn t05_early_media_is_heard_and_a_later_180_does_not_cover_it() {
    let mut world = World::at_home();
    world.phone(
        SHOP,
        Phone::early_media_after(300)
            .progress_after(500, 180)
            .then_answers_after(2_000),
    );
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert_eq!(world.sounds(call), [Hears::Tone(Tone::Progress), Hears::FarEnd]);
    let connects = world
        .trace()
        .iter()
        .filter(|(_, effect)| matches!(effect, Effect::Connect { .. }))
        .count();
    assert_eq!(connects, 1, "the answer finds them connected");
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

#[test]
fn t05_early_media_after_ringback_replaces_it() {
    let mut world = World::at_home();
    let mut phone = Phone::rings_out();
    phone = phone.progress_after(500, 180);
    world.phone(SHOP, phone);
    let call = world.dial(ANNA, SHOP);
    world.run_for(3_500);
    assert_eq!(
        world.sounds(call),
        [Hears::Tone(Tone::Progress), Hears::Tone(Tone::Ringback)],
        "180 twice plays one tone"
    );
}

/// A tone, the reason in words, and the invitation to dial again.
fn told(tone: Tone, reason: Announcement) -> Hears {
    Hears::Words(Some(tone), vec![reason, Announcement::DialAgain])
}

#[test]
fn t05_each_failure_has_its_tone_its_words_and_its_true_cause() {
    use Announcement as A;
    use CauseReason as R;
    for (phone, reason, tone, words) in [
        (Phone::refuses(486), R::Busy, Tone::Busy, A::Busy),
        (Phone::refuses(600), R::Busy, Tone::Busy, A::Busy),
        (
            Phone::rings_then_refuses(900, 603),
            R::Declined,
            Tone::Busy,
            A::Declined,
        ),
        (
            Phone::rings_then_refuses(900, 408),
            R::NoAnswer,
            Tone::Busy,
            A::NoAnswer,
        ),
        (Phone::refuses_with(480, 19), R::NoAnswer, Tone::Busy, A::NoAnswer),
        (
            Phone::refuses(404),
            R::NoSuchNumber,
            Tone::SpecialInformation,
            A::NoSuchNumber,
        ),
        (
            Phone::refuses(410),
            R::NoSuchNumber,
            Tone::SpecialInformation,
            A::NoSuchNumber,
        ),
        (
            Phone::refuses(484),
            R::NoSuchNumber,
            Tone::SpecialInformation,
            A::NoSuchNumber,
        ),
        (
            Phone::refuses_with(500, 1),
            R::NoSuchNumber,
            Tone::SpecialInformation,
            A::NoSuchNumber,
        ),
        (
            Phone::refuses(480),
            R::Unavailable,
            Tone::SpecialInformation,
            A::Unavailable,
        ),
        (
            Phone::refuses(403),
            R::Forbidden,
            Tone::SpecialInformation,
            A::NotAllowed,
        ),
        (
            Phone::refuses(488),
            R::IncompatibleMedia,
            Tone::SpecialInformation,
            A::Unavailable,
        ),
        (
            Phone::refuses(503),
            R::TrunkFailure,
            Tone::Congestion,
            A::Congestion,
        ),
        (
            Phone::fails(50, LegEndKind::Internal),
            R::InternalError,
            Tone::Congestion,
            A::Congestion,
        ),
    ] {
        let mut world = World::at_home();
        world.phone(SHOP, phone.clone());
        let call = world.dial(ANNA, SHOP);
        world.run_until("the failure is told", |world| {
            matches!(world.phase(call), CallPhase::FarFailed { .. })
        });
        let CallPhase::FarFailed { cause, .. } = world.phase(call) else {
            unreachable!()
        };
        assert_eq!(cause.reason, reason, "{phone:?}");
        assert_eq!(
            world.sounds(call).last().unwrap(),
            &told(tone, words),
            "{phone:?}"
        );
        world.run_to_the_end();
        assert_eq!(world.record(call).cause, cause, "{phone:?}");
    }
}

#[test]
fn t05_nobody_answers_the_far_telephone() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::rings_out());
    let call = world.dial(ANNA, SHOP);
    world.run_until("the failure is told", |world| {
        matches!(world.phase(call), CallPhase::FarFailed { .. })
    });
    assert_eq!(
        world.sounds(call).last().unwrap(),
        &told(Tone::Busy, Announcement::NoAnswer)
    );
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::NoAnswer);
    assert_eq!((record.cause.q850, record.cause.sip), (Some(19), None));
    assert_eq!(record.ended_by, EndedBy::System);
    let far = &record.legs[1];
    let rang_for = far.ended_at.since(far.ringing_at.unwrap());
    assert!((90_000..90_200).contains(&rang_for), "rang for {rang_for} ms");
}

#[test]
fn t05_ours_is_told_after_the_carriers_own_announcement() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::early_media_after(200).then_refuses_after(4_000, 404));
    let call = world.dial(ANNA, SHOP);
    world.run_for(8_000);
    assert_eq!(
        world.sounds(call),
        [
            Hears::Tone(Tone::Progress),
            Hears::FarEnd,
            Hears::Nothing,
            told(Tone::SpecialInformation, Announcement::NoSuchNumber)
        ]
    );
}

#[test]
fn t05_early_media_that_nobody_answers_ends_in_words() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::early_media_after(200));
    let call = world.dial(ANNA, SHOP);
    world.run_until("the failure is told", |world| {
        matches!(world.phase(call), CallPhase::FarFailed { .. })
    });
    assert_eq!(
        world.sounds(call)[1..],
        [
            Hears::FarEnd,
            Hears::Nothing,
            told(Tone::Busy, Announcement::NoAnswer)
        ]
    );
    world.run_to_the_end();
}

#[test]
fn t05_ten_whole_seconds_to_dial_again_begin_when_the_words_end() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::refuses(486));
    let call = world.dial(ANNA, SHOP);
    world.run_until("the failure is told", |world| {
        matches!(world.phase(call), CallPhase::FarFailed { .. })
    });
    let CallPhase::FarFailed { until: first, .. } = world.phase(call) else {
        unreachable!()
    };
    world.run_until(
        "the words are over",
        |world| matches!(world.phase(call), CallPhase::FarFailed { until, .. } if until != first),
    );
    let CallPhase::FarFailed { until, .. } = world.phase(call) else {
        unreachable!()
    };
    let left = until.since(world.now());
    assert!((9_980..=10_000).contains(&left), "{left} ms are left");
    assert_eq!(world.sounds(call).last().unwrap(), &Hears::Tone(Tone::Progress));
    world.run_for(left - 10);
    assert!(matches!(world.phase(call), CallPhase::FarFailed { .. }));
    world.run_for(100);
    assert!(world.shown(call).is_none(), "the user's leg is released");
    assert_eq!(world.record(call).ended_by, EndedBy::FarLeg);
}

#[test]
fn t05_an_announcement_that_takes_long_is_waited_for_but_not_for_ever() {
    let mut world = World::at_home_with(Timeouts {
        redial: 1_000,
        ..Timeouts::default()
    });
    world.phone(SHOP, Phone::refuses(486));
    let call = world.dial(ANNA, SHOP);
    world.run_until("the failure is told", |world| {
        matches!(world.phase(call), CallPhase::FarFailed { .. })
    });
    // The words take 7 s; the second to dial again is put off twice.
    world.run_for(2_900);
    assert!(matches!(world.phase(call), CallPhase::FarFailed { .. }));
    world.run_for(200);
    assert!(world.shown(call).is_none());
}

#[test]
fn t05_another_number_is_dialled_on_the_same_user_leg() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::refuses(486));
    world.phone(OFFICE, Phone::answers_after(2_000));
    let call = world.dial(ANNA, SHOP);
    world.run_until("the failure is told", |world| {
        matches!(world.phase(call), CallPhase::FarFailed { .. })
    });
    world.run_for(3_000);
    assert_eq!(
        world.try_dial(ANNA, OFFICE),
        Outcome::Accepted { call: Some(call) },
        "the call keeps the identifier of its first dial"
    );
    assert_eq!(world.phase(call), CallPhase::CallingFar);
    assert_eq!(world.shown(call).unwrap().dialled.as_str(), OFFICE);
    world.run_for(20_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.phone_hangs_up(call, LegRole::Far);
    world.run_to_the_end();

    let record = world.record(call);
    let lines: Vec<_> = record
        .legs
        .iter()
        .map(|leg| (leg.role, leg.number.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (LegRole::User, HOME),
            (LegRole::Far, SHOP),
            (LegRole::Far, OFFICE)
        ]
    );
    assert_eq!(record.dialled.as_str(), OFFICE);
    assert_eq!(record.number, OFFICE);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(record.legs[1].cause.reason, CauseReason::Busy);
}

#[test]
fn t05_dialling_again_tries_every_trunk_anew() {
    let mut world = World::at_home();
    world.phone(OFFICE, Phone::answers_after(1_000));
    let call = world.dial(ANNA, SHOP);
    world.run_until("the user answers", |world| world.opened(call).len() == 2);
    world.trunk("a", TrunkHabit::Refuses(503));
    world.trunk("b", TrunkHabit::Refuses(503));
    world.run_for(1_000);
    // The far leg was opened before the trunks failed: take it down by its telephone.
    world.phone_hangs_up(call, LegRole::Far);
    world.run_for(1_000);
    world.try_dial(ANNA, OFFICE);
    world.run_for(2_000);
    let far: Vec<_> = world.opened(call)[1..]
        .iter()
        .map(|(_, trunk, _)| trunk.clone())
        .collect();
    assert_eq!(far, ["a", "a", "b"]);
    assert!(
        matches!(world.phase(call), CallPhase::FarFailed { cause, .. } if cause.reason == CauseReason::TrunkFailure)
    );
    world.trunk("b", TrunkHabit::Carries);
    world.try_dial(ANNA, OFFICE);
    world.run_for(3_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
}

#[test]
fn t04_the_users_telephone_is_not_reached() {
    for (phone, reason, by) in [
        (Phone::refuses(486), CauseReason::Busy, EndedBy::UserLeg),
        (
            Phone::rings_then_refuses(500, 603),
            CauseReason::Declined,
            EndedBy::UserLeg,
        ),
        (Phone::refuses(404), CauseReason::NoSuchNumber, EndedBy::UserLeg),
        (Phone::rings_out(), CauseReason::NoAnswer, EndedBy::System),
        (Phone::trying(), CauseReason::NoAnswer, EndedBy::System),
        (Phone::silent(), CauseReason::TrunkFailure, EndedBy::System),
        (
            Phone::fails(10, LegEndKind::Transport),
            CauseReason::TrunkFailure,
            EndedBy::System,
        ),
        (
            Phone::fails(10, LegEndKind::IncompatibleMedia),
            CauseReason::IncompatibleMedia,
            EndedBy::UserLeg,
        ),
    ] {
        let mut world = World::at_home();
        world.phone(HOME, phone.clone());
        let call = world.dial(ANNA, SHOP);
        world.run_to_the_end();
        let record = world.record(call);
        assert_eq!((record.cause.reason, record.ended_by), (reason, by), "{phone:?}");
        assert!(
            record.legs.iter().all(|leg| leg.role == LegRole::User),
            "the far telephone was called: {phone:?}"
        );
    }
}
