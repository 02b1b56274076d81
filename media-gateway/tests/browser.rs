//! The browser as the user's telephone, through the whole gateway: a portal that asks over the link, str0m as the
//! browser, a carrier that shares no code with the gateway.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../crates/media/tests/support/browser.rs"]
mod browser;
mod support;
#[path = "support/tab.rs"]
mod tab;

use browser::{Browser, Speaks};
use ponte_media::analysis;
use ponte_protocol::{
    CallPhase, CauseReason, CommandBody, DestinationChoice, EdgeFrame, EndedBy, EventBody, LegRole, LegState,
    Outcome, Refusal, RtcRefusal, RtcRequest, RtcSignal, Sdp,
};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use std::time::{Duration, Instant};
use support::{ANNA, COMPANY, FAR, Options, World, free_port};
use tab::{BROWSER_HZ, Tab, Talking, live};
use uuid::Uuid;

const FAR_HZ: f64 = 1_130.0;

async fn world() -> World {
    World::with(Options {
        extra: format!("\n[webrtc]\nlisten = [\"127.0.0.1:{}\"]\n", free_port()),
        ..Options::default()
    })
    .await
}

async fn enter(world: &World) -> Outcome {
    let destination = DestinationChoice::Browser;
    world
        .edge
        .command(ANNA, CommandBody::EnterTelecommuter { destination })
        .await
}

/// Anna takes calls in a tab; the other party says a tone.
async fn in_the_browser() -> (World, Tab) {
    let world = world().await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.carrier.set_number(FAR, far()).unwrap();
    assert_eq!(enter(&world).await, Outcome::Accepted { call: None });
    let tab = Tab::new();
    tab.take_calls(&world, false);
    tab.is_here(&world).await;
    (world, tab)
}

fn far() -> Behaviour {
    far_at(FAR_HZ)
}

fn far_at(tone_hz: f64) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms: 100,
        tone_hz: Some(tone_hz),
        ..Answer::default()
    })
}

/// The other party calls the company's number of Anna.
fn caller() -> PlaceCall {
    PlaceCall {
        telephone: Answer {
            tone_hz: Some(FAR_HZ),
            ..Answer::default()
        },
        ..PlaceCall::new(FAR, COMPANY)
    }
}

fn hears_far(browser: &mut Browser) {
    browser.heard.clear();
    live(browser, "hearing the other party", |browser| {
        let heard = &browser.heard;
        heard.len() > 4_000 && analysis::level_of(&heard[heard.len() - 4_000..], FAR_HZ) > -20.0
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t04_a_call_from_the_browser_reaches_a_telephone_and_both_hear_each_other() {
    let (world, tab) = in_the_browser().await;
    let profile = world.edge.state(ANNA).unwrap().profile;
    assert!(profile.browser_allowed);
    let call = world.dial().await;
    assert_eq!(tab.rings(&world).await, call);
    assert_eq!(world.calls_to(FAR).len(), 0, "the far leg before the user leg");
    let mut browser = tab.accept(&world, call).await;
    world.connected(call).await;
    hears_far(&mut browser);
    live(&mut browser, "heard by the other party", |_| {
        world.call_to(FAR).media.has_heard(BROWSER_HZ, 500)
    });
    let shown = world.edge.state(ANNA).unwrap().calls.remove(0);
    let leg = shown.leg(LegRole::User).unwrap();
    assert!(leg.browser && leg.state == LegState::Confirmed, "{leg:?}");

    world.hang_up(call).await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert!(record.legs.iter().all(|leg| leg.answered_at.is_some()));
    tab.told(&world, |signal| *signal == RtcSignal::Over { call })
        .await;
    live(&mut browser, "told of the end", |browser| browser.closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_that_is_there_is_told_how_well_a_call_is_heard() {
    let (world, tab) = in_the_browser().await;
    let portals = |portals| {
        let user = ANNA.parse().unwrap();
        world.edge.send(EdgeFrame::Presence { user, portals });
    };
    portals(0);
    let call = world.dial().await;
    tab.rings(&world).await;
    let mut browser = tab.accept(&world, call).await;
    world.connected(call).await;
    browser.loses = Some(8);
    let connected = Instant::now();
    live(&mut browser, "on the line for a while", |_| {
        connected.elapsed() > Duration::from_secs(11)
    });
    let told = || world.edge.state(ANNA).unwrap().quality;
    assert_eq!(told(), []);

    portals(1);
    live(&mut browser, "judged", |_| {
        told().first().is_some_and(|quality| {
            let user = quality.leg(LegRole::User).and_then(|leg| leg.from_telephone);
            let far = quality.leg(LegRole::Far).and_then(|leg| leg.from_telephone);
            let lossy = user.is_some_and(|user| (90..=160).contains(&user.loss_per_mille) && user.is_poor());
            quality.call == call && lossy && far.is_some_and(|far| !far.is_poor())
        })
    });
    world.hang_up(call).await;
    world.ended(call).await;
    assert_eq!(told(), []);
    let times: Vec<u64> = world
        .edge
        .events()
        .into_iter()
        .filter(|event| matches!(event.body, EventBody::QualityChanged { .. }))
        .map(|event| event.at.0)
        .collect();
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] >= 4_900),
        "{times:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_call_to_the_extension_rings_in_the_tab_and_the_tab_ends_it() {
    let (world, tab) = in_the_browser().await;
    world.place(caller());
    let call = tab.rings(&world).await;
    let mut browser = tab.accept(&world, call).await;
    world.connected(call).await;
    hears_far(&mut browser);
    browser.rtc.close().unwrap();
    live(&mut browser, "closed", |browser| !browser.rtc.is_alive());
    let record = world.ended(call).await;
    assert_eq!(record.ended_by, EndedBy::UserLeg);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_tab_that_goes_away_while_it_rings_sends_the_caller_on() {
    let (world, tab) = in_the_browser().await;
    world.place(caller());
    let call = tab.rings(&world).await;
    world.edge.send(EdgeFrame::PortalClosed {
        user: ANNA.parse().unwrap(),
        portal: tab.portal,
    });
    let record = world.ended(call).await;
    assert!(record.is_missed());
    assert_eq!(record.cause.reason, CauseReason::Unavailable);

    // Nobody takes calls any more.
    world.place(caller());
    let ended = world
        .edge
        .wait_event(|body| matches!(body, EventBody::CallEnded { call: other, .. } if *other != call))
        .await;
    let EventBody::CallEnded { record, .. } = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(record.cause.reason, CauseReason::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_a_call_goes_on_without_the_portal_s_socket_and_the_tab_finds_it_again() {
    let (world, tab) = in_the_browser().await;
    let call = world.dial().await;
    tab.rings(&world).await;
    let mut browser = tab.accept(&world, call).await;
    world.connected(call).await;
    world.edge.send(EdgeFrame::PortalClosed {
        user: ANNA.parse().unwrap(),
        portal: tab.portal,
    });
    hears_far(&mut browser);

    // The tab comes back over another socket, from another network.
    let tab = Tab {
        portal: Uuid::now_v7(),
        ..tab
    };
    tab.take_calls(&world, false);
    tab.is_here(&world).await;
    let sdp = Sdp(browser.move_to_another_network());
    tab.ask(&world, RtcRequest::Offer { call, sdp });
    let answer = tab
        .told(&world, |signal| matches!(signal, RtcSignal::Answer { .. }))
        .await;
    let RtcSignal::Answer { sdp, .. } = answer else {
        panic!("{answer:?}")
    };
    browser.answer(&sdp.0);
    hears_far(&mut browser);
    world.hang_up(call).await;
    world.ended(call).await;
}

fn presses(browser: &mut Browser, keys: &str) {
    for key in keys.chars() {
        let event = match key {
            '*' => 10,
            '#' => 11,
            digit => u8::try_from(digit.to_digit(10).unwrap()).unwrap(),
        };
        browser.press(event);
        let pressed = Instant::now();
        live(browser, "silent for a moment", |_| {
            pressed.elapsed() > Duration::from_millis(200)
        });
    }
}

fn portals(world: &World, portals: u32) {
    let user = ANNA.parse().unwrap();
    world.edge.send(EdgeFrame::Presence { user, portals });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_keys_in_the_browser_are_codes_only_while_its_portal_is_cut_off() {
    let (world, tab) = in_the_browser().await;
    world.carrier.set_number(HOTEL, far_at(HOTEL_HZ)).unwrap();
    portals(&world, 1);
    let call = world.dial().await;
    tab.rings(&world).await;
    let mut browser = tab.accept(&world, call).await;
    world.connected(call).await;
    hears_far(&mut browser);
    presses(&mut browser, "**0");
    live(&mut browser, "heard with every key", |_| {
        world.call_to(FAR).media.digits() == "**0"
    });

    // The socket is gone, the sound is not: the keys are codes as on a telephone.
    world.edge.send(EdgeFrame::PortalClosed {
        user: ANNA.parse().unwrap(),
        portal: tab.portal,
    });
    portals(&world, 0);
    hears_far(&mut browser);
    presses(&mut browser, "4**0");
    live(&mut browser, "let go by the other party", |_| {
        let shown = world.edge.state(ANNA).unwrap().calls;
        shown
            .first()
            .is_some_and(|call| matches!(call.phase, CallPhase::FarFailed { .. }))
    });
    assert_eq!(world.call_to(FAR).media.digits(), "**04", "the code leaked");
    presses(&mut browser, "0298765409#");
    live(&mut browser, "heard at the other number", |_| {
        let calls = world.calls_to(HOTEL);
        calls
            .first()
            .is_some_and(|call| call.media.has_heard(BROWSER_HZ, 300))
    });
    assert_eq!(world.call_to(HOTEL).media.digits(), "", "the number leaked");

    // A portal is back: every key passes.
    portals(&world, 1);
    let back = Instant::now();
    live(&mut browser, "silent for a moment", |_| {
        back.elapsed() > Duration::from_secs(1)
    });
    presses(&mut browser, "**9");
    live(&mut browser, "heard with every key again", |_| {
        world.call_to(HOTEL).media.digits() == "**9"
    });
    world.hang_up(call).await;
    let record = world.ended(call).await;
    assert_eq!(record.number, HOTEL);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tab_takes_the_calls_and_another_takes_over_when_told() {
    let (world, first) = in_the_browser().await;
    let second = Tab::new();
    second.take_calls(&world, false);
    second
        .told(&world, |signal| *signal == RtcSignal::Elsewhere)
        .await;
    let call = world.dial().await;
    first.rings(&world).await;

    // An offer of the tab that does not ring is refused.
    let sdp = Sdp(Browser::new(Speaks::Opus).offer());
    second.ask(&world, RtcRequest::Offer { call, sdp });
    let reason = RtcRefusal::NotRinging;
    second
        .told(&world, |signal| *signal == RtcSignal::Refused { call, reason })
        .await;

    second.take_calls(&world, true);
    second.is_here(&world).await;
    first.told(&world, |signal| *signal == RtcSignal::Elsewhere).await;
    first
        .told(&world, |signal| *signal == RtcSignal::Over { call })
        .await;
    assert_eq!(second.rings(&world).await, call);
    let mut browser = second.accept(&world, call).await;
    world.connected(call).await;
    hears_far(&mut browser);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_is_none_ends_the_leg() {
    let (world, tab) = in_the_browser().await;
    let call = world.dial().await;
    tab.rings(&world).await;
    let sdp = Sdp("v=0\r\n".into());
    tab.ask(&world, RtcRequest::Offer { call, sdp });
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::IncompatibleMedia);
    assert_eq!(world.calls_to(FAR).len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t01_without_configuration_the_browser_is_not_offered_and_refused() {
    let world = World::start().await;
    world
        .until("the state is told", |world| world.edge.state(ANNA).is_some())
        .await;
    assert!(!world.edge.state(ANNA).unwrap().profile.browser_allowed);
    let refusal = Refusal::Unsupported;
    assert_eq!(enter(&world).await, Outcome::Refused { refusal });
}

const HOTEL: &str = "+390298765409";
const HOTEL_HZ: f64 = 1_520.0;

async fn far_hears(world: &World, hz: f64, total_ms: u64) {
    world
        .until(&format!("the other party hears {hz} Hz"), |world| {
            world.call_to(FAR).media.has_heard(hz, total_ms)
        })
        .await;
}

/// Milliseconds without sound on the tape of the other party, between the first and the last of it.
fn longest_silence(world: &World) -> u64 {
    let tape = world.carrier.audio(world.call_to(FAR).id).unwrap();
    let loud = |sample: &i16| sample.unsigned_abs() > 2_000;
    let (begins, ends) = (tape.iter().position(loud), tape.iter().rposition(loud));
    let (mut longest, mut silent) = (0, 0);
    for sample in &tape[begins.unwrap()..ends.unwrap()] {
        silent = if sample.unsigned_abs() < 200 {
            silent + 1
        } else {
            0
        };
        longest = longest.max(silent);
    }
    longest / 8
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_moves_from_browser_to_telephone_to_browser_and_to_another_browser_without_a_gap() {
    let (world, first) = in_the_browser().await;
    let records = |hz| {
        Behaviour::Answer(Answer {
            after_ms: 100,
            tone_hz: Some(hz),
            record: true,
            ..Answer::default()
        })
    };
    world.carrier.set_number(FAR, records(FAR_HZ)).unwrap();
    world.carrier.set_number(HOTEL, records(HOTEL_HZ)).unwrap();
    let call = world.dial().await;
    first.rings(&world).await;
    let browser = first.accept(&world, call).await;
    let talking = Talking::start(browser);
    world.connected(call).await;
    far_hears(&world, BROWSER_HZ, 600).await;

    let to = DestinationChoice::Number {
        number: HOTEL.parse().unwrap(),
        confirm: Some(false),
    };
    world.accepted(ANNA, CommandBody::Move { call, to }).await;
    far_hears(&world, HOTEL_HZ, 600).await;
    first
        .told(&world, |signal| *signal == RtcSignal::Over { call })
        .await;
    talking.stop();

    // Back into a tab that is open anew, and into another one.
    let (second, third) = (Tab::new(), Tab::new());
    let mut before: Option<Talking> = None;
    for (tab, hz) in [(second, 600.0), (third, 2_000.0)] {
        tab.take_calls(&world, true);
        tab.is_here(&world).await;
        let to = DestinationChoice::Browser;
        world.accepted(ANNA, CommandBody::Move { call, to }).await;
        assert_eq!(tab.rings(&world).await, call);
        let mut browser = tab.accept(&world, call).await;
        browser.voice = vec![hz];
        let talking = Talking::start(browser);
        far_hears(&world, hz, 600).await;
        if let Some(before) = before.replace(talking) {
            second
                .told(&world, |signal| *signal == RtcSignal::Over { call })
                .await;
            before.stop();
        }
    }
    let silence = longest_silence(&world);
    let far = world.call_to(FAR).media;
    let stalled = far.longest_voice_gap_ms.saturating_sub(20);
    let gap = far.longest_packet_gap_ms.saturating_sub(20);
    eprintln!("silence on the tape {silence} ms; packets {gap} ms late, telephone {stalled} ms");
    assert!(silence < 40, "{silence} ms of silence");
    assert!(
        gap < 40 + stalled,
        "packets {gap} ms late, telephone {stalled} ms"
    );

    let mut browser = before.unwrap().stop();
    hears_far(&mut browser);
    world.hang_up(call).await;
    let record = world.ended(call).await;
    let moved = record
        .legs
        .iter()
        .filter(|line| line.cause.reason == CauseReason::Moved)
        .count();
    assert_eq!((moved, record.legs.len()), (3, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_to_the_browser_where_no_tab_takes_calls_leaves_the_call_where_it_is() {
    let (world, tab) = in_the_browser().await;
    let call = world.dial().await;
    tab.rings(&world).await;
    let mut browser = tab.accept(&world, call).await;
    world.connected(call).await;
    // The tab has the call already.
    let to = DestinationChoice::Browser;
    world.accepted(ANNA, CommandBody::Move { call, to }).await;
    world
        .until("the portal says why", |world| {
            let calls = world.edge.state(ANNA).unwrap().calls;
            let moving = calls.first().and_then(|call| call.moving.as_ref());
            moving
                .and_then(|moving| moving.leg.cause)
                .is_some_and(|cause| cause.reason == CauseReason::Unavailable)
        })
        .await;
    hears_far(&mut browser);
    world.hang_up(call).await;
    world.ended(call).await;
}
