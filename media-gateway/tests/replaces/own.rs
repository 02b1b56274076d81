//! The user's own call is taken over at the desk: one that is up, and one that rings elsewhere.

use crate::office::{CALLER_HZ, OTHER_HZ, Office, TAKER_HZ, Taking, notified, watches};
use crate::support::voice::Voice;
use crate::support::wire::{Call, SDP, Wire, field, status};
use crate::support::{ANNA, COMPANY, FAR, HOME};
use ponte_protocol::{CallPhase, CauseReason, CommandBody, LegRole};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};

const HOME_HZ: f64 = 750.0;
/// What the other party may miss of the sound, in milliseconds.
const LONGEST_GAP_MS: usize = 40;

/// The longest stretch without sound, in milliseconds.
fn longest_silence(samples: &[i16]) -> usize {
    let quiet = |sample: &i16| sample.unsigned_abs() < 200;
    let stretches = samples.chunk_by(|a, b| quiet(a) == quiet(b));
    let silent = stretches.filter(|stretch| stretch.first().is_some_and(quiet));
    silent.map(<[i16]>::len).max().unwrap_or_default() / 8
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_t18_the_users_own_call_goes_on_at_the_desk_without_a_gap() {
    let office = Office::open().await;
    let world = &office.world;
    let at_home = Behaviour::Answer(Answer {
        after_ms: 50,
        tone_hz: Some(HOME_HZ),
        ..Answer::default()
    });
    world.carrier.set_number(HOME, at_home).unwrap();
    world.enter(HOME, Some(false)).await;
    let placed = world.place(PlaceCall {
        telephone: Answer {
            tone_hz: Some(CALLER_HZ),
            record: true,
            ..Answer::default()
        },
        ..PlaceCall::new(FAR, COMPANY)
    });
    office.caller_hears(placed, HOME_HZ).await;
    let shown = world
        .shown_where(|call| matches!(call.phase, CallPhase::Connected { .. }))
        .await;
    // While she telecommutes, the ordinary telephone takes nothing (T3).
    let watch = watches(&office.anna, world, "201").await;
    let told = notified(&office.anna, &watch, |text| text.contains("confirmed")).await;
    assert_eq!(Taking::of(&told, "confirmed", false), None, "{told}");

    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    let told = notified(&office.anna, &watch, |text| text.contains("call-id")).await;
    let taking = Taking::of(&told, "confirmed", false).unwrap();
    let (_, colleague) = taking.by(&office.bruno, SDP).await;
    assert_eq!(status(&colleague), 403, "{colleague}");

    let voice = Voice::new(TAKER_HZ).await;
    let (mut call, answer) = taking.by(&office.anna, &voice.sdp(1, "sendrecv")).await;
    assert_eq!(status(&answer), 200, "{answer}");
    voice.speaks_to(&answer);
    voice.hears_tone(CALLER_HZ).await;
    office.caller_hears(placed, TAKER_HZ).await;
    world
        .until("the telephone at home is let go", |world| {
            world.carrier.active_calls() == 1
        })
        .await;
    assert_eq!(world.carrier.calls().len(), 2, "nobody is called again");
    let tape = world.carrier.audio(placed).unwrap();
    let loud = |sample: &i16| sample.unsigned_abs() > 2_000;
    let begins = tape.iter().position(loud).unwrap();
    let ends = tape.iter().rposition(loud).unwrap();
    let silence = longest_silence(&tape[begins..ends]);
    assert!(
        silence < LONGEST_GAP_MS,
        "the caller hears nothing for {silence} ms"
    );
    voice.hears_tone(CALLER_HZ).await;
    assert_eq!(status(&office.anna.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    let record = world.ended(shown.id).await;
    let mine: Vec<_> = record
        .legs
        .iter()
        .filter(|leg| leg.role == LegRole::User)
        .map(|leg| (leg.device.as_ref().map(ToString::to_string), leg.cause.reason))
        .collect();
    assert_eq!(
        mine,
        [
            (None, CauseReason::Moved),
            (Some("desk-201".to_owned()), CauseReason::NormalClearing)
        ]
    );
    assert_eq!(office.records(ANNA).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_telephone_of_the_account_takes_the_dialog_of_the_first_and_a_colleague_does_not() {
    let office = Office::open().await;
    let world = &office.world;
    let far = Behaviour::Answer(Answer {
        after_ms: 50,
        tone_hz: Some(CALLER_HZ),
        ..Answer::default()
    });
    world.carrier.set_number(FAR, far).unwrap();
    let mut first = Call::new(format!("sip:{FAR}@{}", world.sip));
    let before = Voice::new(OTHER_HZ).await;
    let answer = office
        .anna
        .calls(&mut first, "", &before.sdp(1, "sendrecv"))
        .await;
    assert_eq!(status(&answer), 200, "{answer}");
    before.speaks_to(&answer);
    before.hears_tone(CALLER_HZ).await;
    world
        .until("the other party hears the first telephone", |world| {
            world.call_to(FAR).media.has_heard(OTHER_HZ, 600)
        })
        .await;

    let replaces = |early_only: &str| {
        format!(
            "Replaces: {};to-tag={};from-tag={}{early_only}\r\n",
            first.id, first.to_tag, first.tag
        )
    };
    let second = Wire::telephone("desk-201", world.sip).await;
    for (telephone, headers, wanted) in [
        (&office.bruno, replaces(""), 403),
        (&second, replaces(";early-only"), 486),
        (
            &second,
            "Replaces: nobody;to-tag=a;from-tag=b\r\n".to_owned(),
            481,
        ),
    ] {
        let mut call = Call::new(first.uri.clone());
        let answer = telephone.calls(&mut call, &headers, SDP).await;
        assert_eq!(status(&answer), wanted, "{headers}: {answer}");
    }
    let mut call = Call::new(format!("sip:{}", world.sip));
    let answer = office.trunk.calls(&mut call, &replaces(""), SDP).await;
    assert_eq!(status(&answer), 603, "{answer}");
    before.hears_tone(CALLER_HZ).await;

    let voice = Voice::new(TAKER_HZ).await;
    let mut taken = Call::new(first.uri.clone());
    let answer = second
        .calls(&mut taken, &replaces(""), &voice.sdp(1, "sendrecv"))
        .await;
    assert_eq!(status(&answer), 200, "{answer}");
    voice.speaks_to(&answer);
    let bye = office.anna.next("BYE").await;
    assert_eq!(field(&bye, "Call-ID"), first.id);
    office.anna.replies(&bye, 200, "", "").await;
    voice.hears_tone(CALLER_HZ).await;
    world
        .until("the other party hears the second telephone", |world| {
            world.call_to(FAR).media.has_heard(TAKER_HZ, 600)
        })
        .await;
    // What the first one would still hear.
    let silent = before.heard();
    voice.hears_tone(CALLER_HZ).await;
    assert_eq!(
        before.heard(),
        silent,
        "the first telephone hears nothing any more"
    );
    assert_eq!(status(&second.asks(&mut taken, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    let [record] = &office.records(ANNA).await[..] else {
        panic!("one record")
    };
    assert_eq!(record.legs.len(), 3, "{record:?}");
}

/// Somebody calls Anna, whose telephone at home rings.
async fn rings_at_home(office: &Office) -> u64 {
    let world = &office.world;
    world.carrier.set_number(HOME, Behaviour::RingOut).unwrap();
    world.enter(HOME, Some(false)).await;
    let placed = world.place(PlaceCall {
        telephone: Answer {
            tone_hz: Some(CALLER_HZ),
            ..Answer::default()
        },
        ..PlaceCall::new(FAR, COMPANY)
    });
    world
        .until("the telephone at home rings", |world| {
            let calls = world.calls_to(HOME);
            calls.first().is_some_and(|call| call.ringing_at.is_some())
        })
        .await;
    placed
}

/// The telephone at home stops ringing; the two talk.
async fn talks_at_the_desk(office: &Office, placed: u64, voice: &Voice) {
    let world = &office.world;
    voice.hears_tone(CALLER_HZ).await;
    office.caller_hears(placed, TAKER_HZ).await;
    world
        .until("the telephone at home stops ringing", |world| {
            world.call_to(HOME).cancelled_at.is_some()
        })
        .await;
    assert_eq!(world.carrier.calls().len(), 2, "nobody is called again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_call_that_rings_at_a_telecommuters_home_is_picked_up_in_the_office() {
    let office = Office::open().await;
    let watch = watches(&office.bruno, &office.world, "201").await;
    let placed = rings_at_home(&office).await;
    let told = notified(&office.bruno, &watch, |text| text.contains("early")).await;
    let taking = Taking::of(&told, "early", true).unwrap();
    let voice = Voice::new(TAKER_HZ).await;
    let (mut call, answer) = taking.by(&office.bruno, &voice.sdp(1, "sendrecv")).await;
    assert_eq!(status(&answer), 200, "{answer}");
    voice.speaks_to(&answer);
    talks_at_the_desk(&office, placed, &voice).await;
    assert_eq!(status(&office.bruno.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    assert_eq!(
        office.records(ANNA).await[0].cause.reason,
        CauseReason::AnsweredElsewhere
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_a_call_that_still_rings_at_home_is_answered_at_the_desk() {
    let office = Office::open().await;
    let world = &office.world;
    let watch = watches(&office.anna, world, "201").await;
    let placed = rings_at_home(&office).await;
    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    let told = notified(&office.anna, &watch, |text| text.contains("call-id")).await;
    let taking = Taking::of(&told, "early", true).unwrap();
    let voice = Voice::new(TAKER_HZ).await;
    let (mut call, answer) = taking.by(&office.anna, &voice.sdp(1, "sendrecv")).await;
    assert_eq!(status(&answer), 200, "{answer}");
    voice.speaks_to(&answer);
    talks_at_the_desk(&office, placed, &voice).await;
    assert_eq!(status(&office.anna.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    let [record] = &office.records(ANNA).await[..] else {
        panic!("one record")
    };
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(record.legs.len(), 3, "{record:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t17_a_call_for_help_is_no_taking_over_whatever_it_names() {
    let office = Office::open().await;
    let world = &office.world;
    let mut call = Call::new(format!("sip:112@{}", world.sip));
    let named = "Replaces: somebody;to-tag=a;from-tag=b\r\nRequire: replaces\r\n";
    let answer = office.anna.calls(&mut call, named, SDP).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(world.calls_to("112").len(), 1);
    assert_eq!(status(&office.anna.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
}
