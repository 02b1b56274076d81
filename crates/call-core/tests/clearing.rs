//! Ends: who hangs up, in which state, what crosses on the way, what the record says (rules T4, T5, T18).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Effect, Event, LegEnd, LegEndKind, LegId, SwitchCommand};
use ponte_protocol::{CallId, CallPhase, CauseReason, EndedBy, EventBody, LegRole, Outcome, Refusal};
use ponte_testkit::site::{ANNA, HOME, MOBILE, SHOP};
use ponte_testkit::{Phone, World};

/// A world whose call has come to a state, by name.
fn call_in(state: &str) -> (World, CallId) {
    let mut world = World::on_the_mobile(Phone::answers_after(1_000));
    match state {
        "far failed" => world.phone(SHOP, Phone::refuses(486)),
        "early media" => world.phone(SHOP, Phone::early_media_after(100)),
        _ => {}
    }
    let call = world.dial(ANNA, SHOP);
    if state == "calling user" {
        world.run_for(500);
        return (world, call);
    }
    world.run_for(2_000);
    if state == "confirming" {
        return (world, call);
    }
    world.accept(ANNA, call);
    world.run_for(if state == "connected" { 10_000 } else { 1_000 });
    (world, call)
}

const STATES: [&str; 6] = [
    "calling user",
    "confirming",
    "calling far",
    "early media",
    "connected",
    "far failed",
];

#[test]
fn t18_hang_up_in_the_portal_in_each_state() {
    for state in STATES {
        let (mut world, call) = call_in(state);
        assert_eq!(
            world.hang_up(ANNA, call),
            Outcome::Accepted { call: Some(call) },
            "{state}"
        );
        assert_eq!(world.phase(call), CallPhase::Ending, "{state}");
        assert_eq!(
            world.hang_up(ANNA, call),
            Outcome::Accepted { call: Some(call) },
            "twice does no harm: {state}"
        );
        world.run_to_the_end();
        let record = world.record(call);
        let expected = match state {
            "connected" => (CauseReason::NormalClearing, EndedBy::Portal),
            "far failed" => (CauseReason::Busy, EndedBy::FarLeg),
            _ => (CauseReason::Cancelled, EndedBy::Portal),
        };
        assert_eq!((record.cause.reason, record.ended_by), expected, "{state}");
        assert_eq!(
            world.hang_up(ANNA, call),
            Outcome::Refused {
                refusal: Refusal::UnknownCall
            },
            "{state}"
        );
    }
}

#[test]
fn t18_the_user_hangs_up_in_each_state() {
    for state in &STATES[1..] {
        let (mut world, call) = call_in(state);
        world.phone_hangs_up(call, LegRole::User);
        world.run_to_the_end();
        let record = world.record(call);
        let expected = match *state {
            "confirming" => (CauseReason::NotConfirmed, EndedBy::UserLeg),
            "connected" => (CauseReason::NormalClearing, EndedBy::UserLeg),
            "far failed" => (CauseReason::Busy, EndedBy::FarLeg),
            _ => (CauseReason::Cancelled, EndedBy::UserLeg),
        };
        assert_eq!((record.cause.reason, record.ended_by), expected, "{state}");
        assert_eq!(
            record.legs[0].cause.reason,
            CauseReason::NormalClearing,
            "{state}"
        );
        if let "calling far" | "early media" = *state {
            assert_eq!(record.legs[1].cause.reason, CauseReason::Cancelled, "{state}");
            assert_eq!(record.legs[1].cause.sip, Some(487), "as the network told");
        }
    }
}

#[test]
fn t18_the_far_end_hangs_up_and_the_users_leg_is_released_at_once() {
    let (mut world, call) = call_in("connected");
    world.phone_hangs_up(call, LegRole::Far);
    world.run_for(100);
    assert!(world.shown(call).is_none());
    let record = world.record(call);
    assert_eq!(
        (record.cause.reason, record.ended_by),
        (CauseReason::NormalClearing, EndedBy::FarLeg)
    );
}

#[test]
fn t18_a_network_that_drops_the_call_is_told_from_a_person_who_hangs_up() {
    let mut world = World::at_home();
    world.phone(SHOP, Phone::answers_after(500).cleared_after(5_000, 41));
    let call = world.dial(ANNA, SHOP);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(
        (record.cause.reason, record.cause.q850),
        (CauseReason::Congestion, Some(41))
    );
    assert_eq!(record.legs[0].cause.reason, CauseReason::NormalClearing);
}

#[test]
fn t18_both_hang_up_at_the_same_moment() {
    let (mut world, call) = call_in("connected");
    world.phone_hangs_up(call, LegRole::Far);
    world.phone_hangs_up(call, LegRole::User);
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.ended_by, EndedBy::Portal, "it came first");
    assert_eq!(record.legs.len(), 2);
}

#[test]
fn t04_an_answer_that_crosses_the_hang_up_is_no_bridge() {
    for (state, role) in [("calling user", LegRole::User), ("calling far", LegRole::Far)] {
        let (mut world, call) = call_in(state);
        world.hang_up(ANNA, call);
        let index = u16::from(role == LegRole::Far);
        world.event(Event::LegAnswered {
            leg: LegId { call, index },
        });
        world.run_to_the_end();
        let record = world.record(call);
        assert_eq!(record.connected_at, None, "{state}");
        assert!(
            !world
                .trace()
                .iter()
                .any(|(_, effect)| matches!(effect, Effect::Connect { .. })),
            "{state}"
        );
    }
}

#[test]
fn t18_a_refusal_that_crosses_the_close_is_kept_on_its_line() {
    let (mut world, call) = call_in("calling far");
    world.hang_up(ANNA, call);
    world.event(Event::LegEnded {
        leg: LegId { call, index: 1 },
        end: LegEnd {
            kind: LegEndKind::Remote,
            sip: Some(486),
            q850: None,
        },
    });
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.cause.reason, CauseReason::Cancelled);
    assert_eq!(record.legs[1].cause.reason, CauseReason::Busy);
}

#[test]
fn t18_a_leg_that_never_says_that_it_ended_is_given_up() {
    for number in [MOBILE, SHOP] {
        let mut world = World::at_home();
        world.phone(number, Phone::answers_after(500).ignores_close());
        world.enter_with(ANNA, MOBILE, Some(false));
        if number == SHOP {
            world.phone(MOBILE, Phone::answers_after(500));
        }
        let call = world.dial(ANNA, SHOP);
        world.run_for(10_000);
        world.hang_up(ANNA, call);
        world.run_for(39_000);
        assert_eq!(world.phase(call), CallPhase::Ending);
        world.run_for(2_000);
        assert!(world.shown(call).is_none());
        let record = world.record(call);
        let given_up = &record.legs[usize::from(number == SHOP)];
        assert_eq!(given_up.cause.reason, CauseReason::InternalError);
        assert_eq!(record.cause.reason, CauseReason::NormalClearing);
        // The late end changes nothing.
        world.event(Event::LegEnded {
            leg: LegId {
                call,
                index: u16::from(number == SHOP),
            },
            end: LegEnd {
                kind: LegEndKind::Closed,
                sip: None,
                q850: None,
            },
        });
        world.run_to_the_end();
    }
}

#[test]
fn t18_the_record_is_stored_before_it_is_shown_and_only_once() {
    let (mut world, call) = call_in("connected");
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    let ends: Vec<_> = world
        .trace()
        .iter()
        .filter_map(|(_, effect)| match effect {
            Effect::Record { .. } => Some("record"),
            Effect::Notify {
                body: EventBody::CallEnded { .. },
                ..
            } => Some("ended"),
            _ => None,
        })
        .collect();
    assert_eq!(ends, ["record", "ended"]);
}

#[test]
fn t18_a_removed_users_calls_end_and_are_recorded() {
    for state in STATES {
        let (mut world, call) = call_in(state);
        world.event(Event::UserRemoved {
            user: ANNA.parse().unwrap(),
        });
        let command = SwitchCommand::HangUp { call };
        assert_eq!(
            world.command(ANNA, command),
            Outcome::Refused {
                refusal: Refusal::UnknownUser
            },
            "{state}"
        );
        world.run_to_the_end();
        let record = world.record(call);
        if state != "far failed" {
            assert_eq!(record.ended_by, EndedBy::System, "{state}");
        }
        assert!(world.switch().mode(&ANNA.parse().unwrap()).is_none(), "{state}");
    }
}

#[test]
fn t08_a_user_who_comes_back_waits_for_the_old_calls_telephone() {
    let mut world = World::at_home();
    world.phone(HOME, Phone::answers_after(100).ignores_close());
    let call = world.dial(ANNA, SHOP);
    world.run_for(5_000);
    world.event(Event::UserRemoved {
        user: ANNA.parse().unwrap(),
    });
    world.configure_user(ponte_testkit::site::user(ANNA));
    assert_eq!(
        world.try_dial(ANNA, SHOP),
        Outcome::Refused {
            refusal: Refusal::NotInTelecommuterMode
        }
    );
    world.enter(ANNA, HOME);
    assert_eq!(
        world.try_dial(ANNA, SHOP),
        Outcome::Refused {
            refusal: Refusal::LineBusy
        }
    );
    world.run_for(60_000);
    assert!(world.shown(call).is_none());
    world.dial(ANNA, SHOP);
}
