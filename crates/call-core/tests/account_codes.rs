//! Account codes: what a call is booked to, before, during and after it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::unnecessary_wraps)]

use ponte_call_core::{Announcement, Effect, Event, SwitchCommand, SwitchTarget};
use ponte_protocol::{
    AccountCodePolicy, BookedCode, CallId, CallPhase, EventBody, LegRole, Outcome, Refusal,
};
use ponte_testkit::site::{self, ANNA, BRUNO, BRUNO_HOME, CUSTOMER, DID_ANNA, OFFICE, SHOP};
use ponte_testkit::{Hears, Phone, World, plan};

const DESK: &str = "desk-201";

/// Anna at home, in a site with this policy and the list of [`site::account_codes`].
fn at_home(policy: AccountCodePolicy) -> World {
    let mut world = World::at_home();
    for name in [ANNA, BRUNO] {
        let mut config = site::user(name);
        config.profile.account_codes = policy;
        world.configure_user(config);
    }
    let codes = site::account_codes();
    world.event(Event::AccountCodesConfigured { codes });
    world.phone(OFFICE, Phone::answers_after(1_000));
    world
}

/// Anna at her desk telephone.
fn at_the_desk(policy: AccountCodePolicy) -> World {
    let mut world = at_home(policy);
    world.desk(DESK, Some(ANNA), false);
    world.leave(ANNA);
    world
}

fn rossi() -> Option<BookedCode> {
    booked("1042", "Rossi")
}

fn verdi() -> Option<BookedCode> {
    booked("2001", "Verdi")
}

fn booked(code: &str, name: &str) -> Option<BookedCode> {
    Some(BookedCode {
        code: code.parse().unwrap(),
        name: name.to_owned(),
    })
}

fn dial(world: &mut World, number: &str, code: Option<&str>) -> CallId {
    match world.try_dial_booked(ANNA, number, code) {
        Outcome::Accepted { call: Some(call) } => call,
        outcome => panic!("the dial was not accepted: {outcome:?}"),
    }
}

fn refused(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused { refusal } => refusal,
        outcome => panic!("it was not refused: {outcome:?}"),
    }
}

fn shown(world: &World, call: CallId) -> Option<BookedCode> {
    world.shown(call).expect("a call that is up").account_code
}

fn keys(world: &mut World, call: CallId, keys: &str) {
    for key in keys.chars() {
        world.phone_presses(call, LegRole::User, key);
        world.run_for(200);
    }
}

#[test]
fn t18_a_call_is_dialled_with_a_code_and_the_record_keeps_it() {
    let mut world = at_home(AccountCodePolicy::Optional);
    let call = dial(&mut world, SHOP, Some("1042"));
    assert_eq!(shown(&world, call), rossi(), "from the first moment on");
    world.run_for(10_000);
    // Whatever becomes of the list.
    world.event(Event::AccountCodesConfigured { codes: Vec::new() });
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert_eq!(world.record(call).account_code, rossi());
}

#[test]
fn t04_a_code_that_nobody_has_or_that_is_no_longer_in_use_is_refused() {
    let mut world = at_home(AccountCodePolicy::Optional);
    let outcome = world.try_dial_booked(ANNA, SHOP, Some("31"));
    assert_eq!(refused(outcome), Refusal::UnknownAccountCode);
    let outcome = world.try_dial_booked(ANNA, SHOP, Some("999"));
    assert_eq!(refused(outcome), Refusal::InactiveAccountCode);
    // Zeros in front count.
    let outcome = world.try_dial_booked(ANNA, SHOP, Some("01042"));
    assert_eq!(refused(outcome), Refusal::UnknownAccountCode);
    assert_eq!(world.switch().call_count(), 0, "no telephone rang");
}

#[test]
fn a_site_without_a_list_takes_every_code() {
    for policy in [AccountCodePolicy::Optional, AccountCodePolicy::Required] {
        let mut world = at_home(policy);
        world.event(Event::AccountCodesConfigured { codes: Vec::new() });
        let call = dial(&mut world, SHOP, Some("31"));
        assert_eq!(shown(&world, call), booked("31", ""));
        world.hang_up(ANNA, call);
        world.run_to_the_end();
    }
}

#[test]
fn a_site_without_account_codes_takes_none() {
    let mut world = at_home(AccountCodePolicy::Off);
    let outcome = world.try_dial_booked(ANNA, SHOP, Some("1042"));
    assert_eq!(refused(outcome), Refusal::NotPermitted);
    let call = dial(&mut world, SHOP, None);
    assert_eq!(
        refused(world.book(ANNA, call, Some("1042"))),
        Refusal::NotPermitted
    );
    world.run_for(10_000);
    // The keys are the other party's.
    keys(&mut world, call, "**71042#");
    assert_eq!(shown(&world, call), None);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    let passed: String = world
        .trace()
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::SendDtmf { digits, .. } => Some(digits.0.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(passed, "**71042#");
}

#[test]
fn t04_where_codes_are_required_only_calls_to_outside_need_one() {
    let mut world = at_home(AccountCodePolicy::Required);
    assert_eq!(refused(world.try_dial(ANNA, SHOP)), Refusal::AccountCodeRequired);
    let inside = dial(&mut world, "202", None);
    world.run_for(1_000);
    world.hang_up(ANNA, inside);
    world.run_to_the_end();
    assert_eq!(world.record(inside).account_code, None);
    let outside = dial(&mut world, SHOP, Some("1042"));
    // It may be changed, but not taken away.
    assert_eq!(
        refused(world.book(ANNA, outside, None)),
        Refusal::AccountCodeRequired
    );
    assert!(matches!(
        world.book(ANNA, outside, Some("2001")),
        Outcome::Accepted { .. }
    ));
    assert_eq!(shown(&world, outside), verdi());
    world.hang_up(ANNA, outside);
    world.run_to_the_end();
}

#[test]
fn t17_an_emergency_call_needs_no_code_and_no_wrong_one_stops_it() {
    let mut world = at_the_desk(AccountCodePolicy::Required);
    for dialled in ["112", "*15999*112", "*1531*112"] {
        let call = world.desk_dials(DESK, dialled);
        world.run_for(1_000);
        assert_eq!(world.opened(call).last().unwrap().2, "112", "{dialled}");
        world.caller_hangs_up(call);
        world.run_to_the_end();
        assert_eq!(world.record(call).account_code, None);
    }
}

#[test]
fn a_call_is_booked_and_booked_otherwise_while_it_is_up() {
    let mut world = at_home(AccountCodePolicy::Optional);
    let call = dial(&mut world, SHOP, None);
    world.run_for(10_000);
    for (code, name) in [(Some("1042"), rossi()), (Some("2001"), verdi()), (None, None)] {
        assert!(matches!(world.book(ANNA, call, code), Outcome::Accepted { .. }));
        let told = world.trace().iter().rev().find_map(|(_, effect)| match effect {
            Effect::Notify {
                body: EventBody::CallChanged { call },
                ..
            } => Some(call.account_code.clone()),
            _ => None,
        });
        assert_eq!(told, Some(name), "every portal is told");
    }
    assert_eq!(
        refused(world.book(ANNA, call, Some("31"))),
        Refusal::UnknownAccountCode
    );
    assert_eq!(
        refused(world.book(BRUNO, call, Some("1042"))),
        Refusal::UnknownCall,
        "another's call is as unknown as one that is not there"
    );
    world.book(ANNA, call, Some("1042"));
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert_eq!(world.record(call).account_code, rossi());
}

#[test]
fn a_call_that_came_in_can_be_booked_too() {
    let mut world = at_home(AccountCodePolicy::Required);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(shown(&world, call), None, "nobody has to");
    world.book(ANNA, call, Some("1042"));
    world.book(ANNA, call, None);
    world.book(ANNA, call, Some("2001"));
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert_eq!(world.record(call).account_code, verdi());
}

#[test]
fn t13_without_a_portal_stars_7_books_the_call_by_key() {
    let mut world = at_home(AccountCodePolicy::Optional);
    let call = dial(&mut world, SHOP, None);
    world.run_for(10_000);
    let beeps = world.beeps();
    keys(&mut world, call, "**71042#");
    assert_eq!(shown(&world, call), rossi());
    assert_eq!(world.beeps(), beeps + 1, "it is acknowledged");
    // A pause ends it as well as #, and nobody hurries the digits.
    keys(&mut world, call, "**72");
    world.run_for(3_000);
    keys(&mut world, call, "001");
    assert_eq!(shown(&world, call), rossi());
    world.run_for(6_000);
    assert_eq!(shown(&world, call), verdi());
    for wrong in ["**731#", "**7999#", "**7#"] {
        keys(&mut world, call, wrong);
        assert_eq!(
            world.sounds(call).last(),
            Some(&Hears::Words(None, vec![Announcement::Wrong])),
            "{wrong}"
        );
        world.run_for(3_000);
    }
    assert_eq!(shown(&world, call), verdi());
    // With a portal the keys are the other party's again.
    world.event(Event::PortalsChanged {
        user: ANNA.parse().unwrap(),
        portals: 1,
    });
    keys(&mut world, call, "**71042#");
    assert_eq!(shown(&world, call), verdi());
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert_eq!(world.record(call).account_code, verdi());
}

#[test]
fn t04_a_desk_telephone_dials_the_code_before_the_number() {
    let mut world = at_the_desk(AccountCodePolicy::Required);
    let call = world.desk_dials(DESK, "*151042*0288880001");
    assert_eq!(shown(&world, call), rossi());
    world.run_for(5_000);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.account_code, rossi());
    assert_eq!(record.dialled.as_str(), "0288880001");
    assert_eq!(record.number, SHOP);
}

#[test]
fn t04_a_desk_telephone_that_dials_without_a_code_is_asked_for_it() {
    let mut world = at_the_desk(AccountCodePolicy::Required);
    let call = world.desk_dials(DESK, "0288880001");
    world.run_for(1_000);
    assert_eq!(world.switch().call_count(), 0, "nobody is called yet");
    world.caller_keys(call, "31#");
    world.run_for(1_000);
    world.caller_keys(call, "1042#");
    assert_eq!(shown(&world, call), rossi());
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.account_code, rossi());
    assert_eq!(record.number, SHOP);
    assert_eq!(
        said(&world),
        [
            vec![Announcement::EnterAccountCode],
            vec![Announcement::Wrong, Announcement::EnterAccountCode],
        ]
    );
}

/// What was said to whoever was asked.
fn said(world: &World) -> Vec<Vec<Announcement>> {
    let playbacks = world.trace().iter().filter_map(|(_, effect)| match effect {
        Effect::Play {
            playback: ponte_call_core::Playback::Announcements { announcements, .. },
            ..
        } => Some(announcements.clone()),
        _ => None,
    });
    playbacks
        .filter(|words| words.contains(&Announcement::EnterAccountCode))
        .collect()
}

#[test]
fn t04_a_desk_telephone_that_never_says_the_code_calls_nobody() {
    let mut world = at_the_desk(AccountCodePolicy::Required);
    let silent = world.desk_dials(DESK, "0288880001");
    world.run_to_the_end();
    let wrong = world.desk_dials(DESK, "*15999*0288880001");
    world.run_for(1_000);
    for _ in 0..3 {
        world.caller_keys(wrong, "999#");
        world.run_for(1_000);
    }
    world.run_to_the_end();
    for call in [silent, wrong] {
        assert!(world.opened(call).is_empty());
    }
    assert!(world.records_of(ANNA).is_empty());
}

#[test]
fn a_desk_telephone_of_a_site_without_codes_is_refused_what_it_dials_with_one() {
    let mut world = at_the_desk(AccountCodePolicy::Off);
    let call = world.desk_dials(DESK, "*151042*0288880001");
    world.run_to_the_end();
    assert!(world.opened(call).is_empty());
    assert!(
        world.trace().iter().any(
            |(_, effect)| matches!(effect, Effect::RejectLeg { leg, status: 403, .. } if leg.call == call)
        )
    );
}

#[test]
fn only_the_callers_half_of_a_call_between_two_users_is_booked() {
    let mut world = at_home(AccountCodePolicy::Optional);
    world.enter(BRUNO, BRUNO_HOME);
    let call = dial(&mut world, "202", Some("1042"));
    world.run_for(15_000);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert_eq!(world.record(call).account_code, rossi());
    let half = &world.records_of(BRUNO)[0];
    assert_eq!(half.account_code, None, "Bruno books his half, or does not");
}

#[test]
fn t08_a_second_call_has_a_code_of_its_own() {
    let mut world = at_home(AccountCodePolicy::Required);
    let first = dial(&mut world, SHOP, Some("1042"));
    world.run_for(10_000);
    assert_eq!(
        refused(world.try_dial(ANNA, OFFICE)),
        Refusal::AccountCodeRequired
    );
    let second = dial(&mut world, OFFICE, Some("2001"));
    world.run_for(5_000);
    assert_eq!((shown(&world, first), shown(&world, second)), (rossi(), verdi()));
    world.command(
        ANNA,
        SwitchCommand::Merge {
            call: first,
            with: second,
        },
    );
    world.run_for(1_000);
    world.book(ANNA, first, Some("2001"));
    assert_eq!((shown(&world, first), shown(&world, second)), (verdi(), verdi()));
    world.book(ANNA, second, Some("1042"));
    world.command(ANNA, SwitchCommand::EndConference { call: first });
    world.run_to_the_end();
    assert_eq!(world.record(first).account_code, verdi());
    assert_eq!(world.record(second).account_code, rossi());
}

#[test]
fn a_call_that_is_made_for_a_transfer_is_booked_as_the_one_that_is_given() {
    let mut world = at_home(AccountCodePolicy::Required);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(10_000);
    let to_office = || SwitchCommand::Transfer {
        call,
        to: SwitchTarget::Dialled {
            typed: OFFICE.parse().unwrap(),
            dialled: plan::read(OFFICE),
        },
    };
    // It costs money too, and nobody knows yet whose.
    assert_eq!(
        refused(world.command(ANNA, to_office())),
        Refusal::AccountCodeRequired
    );
    world.book(ANNA, call, Some("1042"));
    assert!(matches!(
        world.command(ANNA, to_office()),
        Outcome::Accepted { .. }
    ));
    world.run_for(10_000);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let records = world.records_of(ANNA);
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.account_code == rossi()));
}

#[test]
fn t05_another_number_on_the_same_leg_keeps_the_code_until_another_is_given() {
    let mut world = at_home(AccountCodePolicy::Required);
    world.phone(SHOP, Phone::refuses(486));
    let call = dial(&mut world, SHOP, Some("1042"));
    world.run_until("the shop is busy", |world| {
        matches!(world.phase(call), CallPhase::FarFailed { .. })
    });
    assert_eq!(dial(&mut world, OFFICE, None), call);
    assert_eq!(shown(&world, call), rossi());
    world.run_for(3_000);
    world.phone_hangs_up(call, LegRole::Far);
    world.run_to_the_end();
    assert_eq!(world.record(call).account_code, rossi());
    let call = dial(&mut world, SHOP, Some("1042"));
    world.run_until("the shop is busy", |world| {
        matches!(world.phase(call), CallPhase::FarFailed { .. })
    });
    assert_eq!(dial(&mut world, OFFICE, Some("2001")), call);
    assert_eq!(shown(&world, call), verdi());
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}

#[test]
fn t06_a_forwarded_call_needs_no_code() {
    let mut world = at_home(AccountCodePolicy::Required);
    let mut config = site::user(ANNA);
    config.profile.account_codes = AccountCodePolicy::Required;
    config.forwarding.always = Some(plan::read(OFFICE));
    world.configure_user(config);
    let call = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(5_000);
    assert_eq!(world.opened(call).last().unwrap().2, OFFICE);
    world.caller_hangs_up(call);
    world.run_to_the_end();
}
