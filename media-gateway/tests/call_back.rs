//! The outgoing call back through the whole gateway, with a carrier that shares none of its code.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{
    CallPhase, CauseReason, CommandBody, EndedBy, EventBody, FailureClass, LegRole, LegState, Outcome,
    Refusal,
};
use ponte_pstn_sim::{AfterAnnouncement, Answer, Behaviour, Codec, EarlyMedia, Press, Voicemail};
use std::time::Duration;
use support::{ANNA, COMPANY, FAR, HOME, World};

const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;

fn answer(tone_hz: f64) -> Answer {
    Answer {
        after_ms: 100,
        tone_hz: Some(tone_hz),
        ..Answer::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t04_the_far_leg_is_called_only_after_the_user_leg_is_confirmed() {
    let world = World::start().await;
    world
        .telephones(
            Behaviour::Answer(answer(HOME_HZ)),
            Behaviour::Answer(answer(FAR_HZ)),
        )
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    let (user, far) = (world.call_to(HOME), world.call_to(FAR));
    assert!(
        user.acked_at.unwrap().order < far.invite_at.order,
        "the far INVITE left too early"
    );

    world.hang_up(call).await;
    let record = world.ended(call).await;
    assert_eq!(record.ended_by, EndedBy::Portal);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(record.cause.class, FailureClass::Success);
    assert_eq!(record.number, FAR);
    let roles: Vec<LegRole> = record.legs.iter().map(|leg| leg.role).collect();
    assert_eq!(roles, [LegRole::User, LegRole::Far]);
    assert!(record.legs.iter().all(|leg| leg.answered_at.is_some()));
    world
        .until("both telephones are released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_both_hear_each_other_through_different_codecs() {
    let world = World::start().await;
    let home = Answer {
        codecs: vec![Codec::Pcma],
        ..answer(HOME_HZ)
    };
    let far = Answer {
        codecs: vec![Codec::Pcmu],
        ..answer(FAR_HZ)
    };
    world
        .telephones(Behaviour::Answer(home), Behaviour::Answer(far))
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    tokio::time::sleep(Duration::from_millis(1800)).await;
    world.hang_up(call).await;
    world.ended(call).await;
    let (user, far) = (world.call_to(HOME).media, world.call_to(FAR).media);
    assert_eq!((user.codec, far.codec), (Some(Codec::Pcma), Some(Codec::Pcmu)));
    assert!(user.has_heard(FAR_HZ, 1000), "the user heard {:?}", user.heard);
    assert!(
        far.has_heard(HOME_HZ, 1000),
        "the far party heard {:?}",
        far.heard
    );
    assert!(
        !user.has_heard(HOME_HZ, 200),
        "the user hears an echo: {:?}",
        user.heard
    );
    assert!(
        !far.has_heard(FAR_HZ, 200),
        "the far party hears an echo: {:?}",
        far.heard
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t16_both_legs_show_a_number_of_the_company() {
    let world = World::start().await;
    world
        .telephones(
            Behaviour::Answer(answer(HOME_HZ)),
            Behaviour::Answer(answer(FAR_HZ)),
        )
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    for number in [HOME, FAR] {
        let report = world.call_to(number);
        assert_eq!(report.from, COMPANY);
        assert!(report.p_asserted_identity.unwrap().contains(COMPANY));
    }
    world.hang_up(call).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_the_user_hears_ringback_while_the_far_telephone_rings() {
    let world = World::start().await;
    let far = Answer {
        after_ms: 4000,
        ..answer(FAR_HZ)
    };
    world
        .telephones(Behaviour::Answer(answer(HOME_HZ)), Behaviour::Answer(far))
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    // The Italian ringback tone is 425 Hz (ITU-T E.180 supplement 2).
    let heard = world.call_to(HOME).media;
    assert!(heard.has_heard(425.0, 400), "the user heard {:?}", heard.heard);
    world.hang_up(call).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_early_media_of_the_far_side_reaches_the_user() {
    let world = World::start().await;
    let far = EarlyMedia {
        announcement_hz: 900.0,
        announcement_ms: 1500,
        then: AfterAnnouncement::Answer(Answer {
            after_ms: 0,
            ..answer(FAR_HZ)
        }),
    };
    world
        .telephones(Behaviour::Answer(answer(HOME_HZ)), Behaviour::EarlyMedia(far))
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    let heard = world.call_to(HOME).media;
    assert!(heard.has_heard(900.0, 800), "the user heard {:?}", heard.heard);
    world.hang_up(call).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_the_key_1_confirms_that_a_person_answered() {
    let world = World::start().await;
    let press = vec![Press {
        digits: "1".into(),
        at_ms: 1200,
    }];
    let home = Answer {
        press,
        ..answer(HOME_HZ)
    };
    world
        .telephones(Behaviour::Answer(home), Behaviour::Answer(answer(FAR_HZ)))
        .await;
    world.enter(HOME, Some(true)).await;
    let call = world.dial().await;
    world.connected(call).await;
    let (user, far) = (world.call_to(HOME), world.call_to(FAR));
    let answered = user.answered_at.unwrap().ms;
    assert!(
        far.invite_at.ms >= answered + 1000,
        "the far leg did not wait for the key"
    );
    world.hang_up(call).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_accept_in_the_portal_confirms_too() {
    let world = World::start().await;
    world
        .telephones(
            Behaviour::Answer(answer(HOME_HZ)),
            Behaviour::Answer(answer(FAR_HZ)),
        )
        .await;
    world.enter(HOME, Some(true)).await;
    let call = world.dial().await;
    world
        .edge
        .wait_event(|body| match body {
            EventBody::CallChanged { call } => matches!(call.phase, CallPhase::Confirming { .. }),
            _ => false,
        })
        .await;
    assert!(world.calls_to(FAR).is_empty());
    let outcome = world.edge.command(ANNA, CommandBody::Accept { call }).await;
    assert_eq!(outcome, Outcome::Accepted { call: Some(call) });
    world.connected(call).await;
    world.hang_up(call).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_a_voicemail_on_the_user_leg_reaches_nobody() {
    let timeouts = "\n[timeouts]\nconfirm_ms = 3000\n".to_owned();
    let world = World::with(support::Options {
        extra: timeouts,
        ..Default::default()
    })
    .await;
    let mailbox = Voicemail {
        after_ms: 100,
        greeting_ms: 1000,
        record_ms: 60_000,
    };
    world
        .telephones(Behaviour::Voicemail(mailbox), Behaviour::Answer(answer(FAR_HZ)))
        .await;
    world.enter(HOME, Some(true)).await;
    let call = world.dial().await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::NotConfirmed);
    assert!(
        world.calls_to(FAR).is_empty(),
        "the far party was called for a mailbox"
    );
    world
        .until("the mailbox is released", |world| {
            world.carrier.active_calls() == 0
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dtmf_of_the_portal_and_of_the_telephone_reach_the_far_party() {
    let world = World::start().await;
    let press = vec![Press {
        digits: "42".into(),
        at_ms: 1500,
    }];
    let home = Answer {
        press,
        ..answer(HOME_HZ)
    };
    world
        .telephones(Behaviour::Answer(home), Behaviour::Answer(answer(FAR_HZ)))
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    let digits = |world: &World| -> String {
        world
            .call_to(FAR)
            .media
            .dtmf
            .iter()
            .map(|heard| heard.digit)
            .collect()
    };
    world
        .until("the telephone's keys arrive", |world| digits(world) == "42")
        .await;
    let body = CommandBody::SendDtmf {
        call,
        digits: "19#".into(),
    };
    assert!(matches!(
        world.edge.command(ANNA, body).await,
        Outcome::Accepted { .. }
    ));
    world
        .until("the portal's keys arrive", |world| digits(world) == "4219#")
        .await;
    world.hang_up(call).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t07_the_portal_sees_each_leg_in_its_own_state() {
    let world = World::start().await;
    world
        .telephones(
            Behaviour::Answer(answer(HOME_HZ)),
            Behaviour::Answer(answer(FAR_HZ)),
        )
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    world.hang_up(call).await;
    world.ended(call).await;
    let mut seen = Vec::new();
    for event in world.edge.events() {
        if let EventBody::CallChanged { call } = event.body {
            let states = (
                call.leg(LegRole::User).map(|leg| leg.state),
                call.leg(LegRole::Far).map(|leg| leg.state),
            );
            if seen.last() != Some(&states) {
                seen.push(states);
            }
        }
    }
    let confirmed = Some(LegState::Confirmed);
    for wanted in [
        (Some(LegState::Early), None),
        (confirmed, Some(LegState::Trying)),
        (confirmed, Some(LegState::Early)),
        (confirmed, confirmed),
    ] {
        assert!(seen.contains(&wanted), "{wanted:?} was never shown: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t01_t02_t17_what_may_not_be_dialled_rings_nobody() {
    let world = World::start().await;
    assert_eq!(world.refused(FAR).await, Refusal::NotInTelecommuterMode);
    world
        .telephones(
            Behaviour::Answer(answer(HOME_HZ)),
            Behaviour::Answer(answer(FAR_HZ)),
        )
        .await;
    assert_eq!(world.refused("112").await, Refusal::EmergencyNumber);
    assert!(matches!(
        world.refused("+882991234567").await,
        Refusal::Restricted { .. } | Refusal::InvalidNumber
    ));
    assert!(matches!(
        world.refused("+442079460018").await,
        Refusal::Restricted { .. }
    ));
    assert_eq!(world.refused("*99").await, Refusal::InvalidNumber);
    world.add_user("bruno", false).await;
    world
        .until("the new user is known", |world| {
            world.edge.state("bruno").is_some()
        })
        .await;
    let dial = CommandBody::Dial {
        number: FAR.parse().unwrap(),
        account_code: None,
    };
    let outcome = world.edge.command("bruno", dial).await;
    assert_eq!(
        outcome,
        Outcome::Refused {
            refusal: Refusal::NotPermitted
        }
    );
    assert!(world.carrier.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_call_that_is_being_set_up_keeps_the_line() {
    let world = World::start().await;
    world
        .telephones(
            Behaviour::Answer(answer(HOME_HZ)),
            Behaviour::Answer(answer(FAR_HZ)),
        )
        .await;
    let call = world.dial().await;
    assert_eq!(world.refused("0298765499").await, Refusal::LineBusy);
    world.connected(call).await;
    world.hang_up(call).await;
}
