//! The voicemail box on the telephone, proven by what is heard: a message is the tone that its caller left, a greeting is
//! the tone of the telephone that recorded it (rules T4 and T9). baresip is the telephone on the desk.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_gateway::store::PinHash;
use ponte_media::analysis;
use ponte_protocol::{Availability, CallPhase, CommandBody, EventBody};
use ponte_pstn_sim::{Answer, Behaviour, LeaveMessage, PlaceCall, Press};
use std::time::Duration;
use support::baresip::{Baresip, Settings};
use support::{ANNA, COMPANY, FAR, HOME, Options, PASSWORD, World};

const DESK: &str = "desk-201";
const PIN: &str = "4711";
const DESK_HZ: f64 = 700.0;
const CALLER_HZ: f64 = 1130.0;

/// Anna with PIN and telephone; callers reach her voicemail at once, whatever telephone is there.
async fn office() -> (World, Baresip) {
    let world = World::with(Options::default()).await;
    world
        .change_user(ANNA, |row| row.pin = Some(PinHash::new(PIN).unwrap()))
        .await;
    world.add_device(DESK, Some(ANNA), false).await;
    world
        .station(ANNA, DESK, |station| station.own && station.logged_on)
        .await;
    let settings = Settings::desk(DESK, (DESK, PASSWORD), world.sip, DESK_HZ);
    let desk = Baresip::start(&settings).await;
    desk.registered().await;
    do_not_disturb(&world).await;
    (world, desk)
}

async fn do_not_disturb(world: &World) {
    let presence = CommandBody::SetPresence {
        availability: Availability::DoNotDisturb,
        status: String::new(),
        status_until: None,
    };
    world.accepted(ANNA, presence).await;
}

/// Somebody outside leaves a message of three seconds.
async fn leave_message(world: &World) {
    let before = world.mailbox().total;
    world.place(PlaceCall {
        telephone: Answer {
            tone_hz: Some(CALLER_HZ),
            ..Answer::default()
        },
        leave_message: Some(LeaveMessage {
            speak_ms: 3_000,
            ..LeaveMessage::default()
        }),
        ..PlaceCall::new(FAR, COMPANY)
    });
    world
        .until("the message is in the box", |world| {
            world.mailbox().total == before + 1
        })
        .await;
}

/// Whether a tone sounds for 300 ms anywhere.
fn sounds(samples: &[i16], hz: f64) -> bool {
    samples
        .chunks_exact(2400)
        .any(|window| analysis::contains(window, hz, 5.0))
}

/// Opens the box on the desk telephone: the PIN is taken, the menu is spoken.
async fn open_box(world: &World, desk: &Baresip, code: &str, nth: usize) {
    desk.dial(code).await;
    desk.established(nth).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    desk.press(&format!("{PIN}#")).await;
    world
        .until("the PIN is taken", |world| {
            world.log().matches("the box is open").count() == nth
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_message_is_heard_back_at_its_frequency_deleted_and_restored_by_key() {
    let (world, desk) = office().await;
    leave_message(&world).await;
    open_box(&world, &desk, "*97", 1).await;
    desk.press("1").await;
    world
        .until("it was heard to its end", |world| world.mailbox().unheard == 0)
        .await;
    desk.press("3").await;
    world
        .until("it is in the bin", |world| {
            let mailbox = world.mailbox();
            mailbox.total == 0 && mailbox.messages[0].deleted_until.is_some()
        })
        .await;
    desk.hang_up().await;
    desk.closed(1).await;
    let heard = desk.heard();
    assert!(
        sounds(&heard, CALLER_HZ),
        "{} samples without the message",
        heard.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t11_wrong_pins_are_slowed_down_as_at_logging_on() {
    let (world, desk) = office().await;
    leave_message(&world).await;
    desk.dial("*97").await;
    desk.established(1).await;
    for wrong in 1..=3 {
        desk.press("9999#").await;
        world
            .until("the PIN is refused", |world| {
                world.log().matches("a wrong PIN was keyed in").count() == wrong
            })
            .await;
        // "That was not right. Please enter your PIN."
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    desk.closed(1).await;
    desk.dial("*97").await;
    desk.established(2).await;
    desk.press("9999#").await;
    world
        .until("the PIN is refused", |world| {
            world.log().matches("a wrong PIN was keyed in").count() == 4
        })
        .await;
    // The right one comes too early now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    desk.press(&format!("{PIN}#")).await;
    world
        .until("the right PIN is refused too", |world| {
            world.log().matches("a wrong PIN was keyed in").count() == 5
        })
        .await;
    assert_eq!(world.mailbox().unheard, 1);
    assert!(!world.log().contains("9999") && !world.log().contains(PIN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_greeting_recorded_by_telephone_greets_the_next_caller() {
    let (world, desk) = office().await;
    // The own extension opens the box as the code does.
    open_box(&world, &desk, "201", 1).await;
    desk.press("22").await;
    let drafts = world.folder.join("drafts");
    world
        .until("the greeting is being recorded", |_| {
            std::fs::read_dir(&drafts).unwrap().count() == 1
        })
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    desk.press("#").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    desk.press("1").await;
    let greeting = world.folder.join("greetings").join("anna.wav");
    world.until("it is kept", |_| greeting.exists()).await;
    desk.hang_up().await;
    desk.closed(1).await;
    let kept: Vec<i16> = hound::WavReader::open(&greeting)
        .unwrap()
        .into_samples()
        .map(Result::unwrap)
        .collect();
    assert!(sounds(&kept, DESK_HZ));
    let placed = world.place(PlaceCall::new(FAR, COMPANY));
    world
        .until("the caller hears it", |world| {
            world.call(placed).media.has_heard(DESK_HZ, 1000)
        })
        .await;
    // Deleted by telephone, the default one is spoken again.
    open_box(&world, &desk, "*97", 2).await;
    desk.press("23").await;
    world.until("it is deleted", |_| !greeting.exists()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_from_any_telephone_star_and_pin_open_the_box() {
    let (world, _desk) = office().await;
    leave_message(&world).await;
    let press = |digits: &str, at_ms| Press {
        digits: digits.to_owned(),
        at_ms,
    };
    let placed = world.place(PlaceCall {
        telephone: Answer {
            press: vec![press("*", 1_000), press("4711#", 2_500), press("1", 6_000)],
            ..Answer::default()
        },
        ..PlaceCall::new(HOME, COMPANY)
    });
    world
        .until("the message is heard far away", |world| {
            world.call(placed).media.has_heard(CALLER_HZ, 1000)
        })
        .await;
    world
        .until("it counts as heard", |world| world.mailbox().unheard == 0)
        .await;
    assert_eq!(world.mailbox().total, 1, "no message was left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t04_a_telecommuter_listens_on_the_own_telephone_and_calls_back() {
    let world = World::start().await;
    do_not_disturb(&world).await;
    leave_message(&world).await;
    let press = |digits: &str, at_ms| Press {
        digits: digits.to_owned(),
        at_ms,
    };
    let home = Answer {
        after_ms: 100,
        press: vec![press("1", 1_500), press("5", 13_000)],
        ..Answer::default()
    };
    let far = Answer {
        after_ms: 100,
        tone_hz: Some(1510.0),
        ..Answer::default()
    };
    world
        .telephones(Behaviour::Answer(home), Behaviour::Answer(far))
        .await;
    let number = "*97".parse().unwrap();
    world
        .accepted(
            ANNA,
            CommandBody::Dial {
                number,
                account_code: None,
            },
        )
        .await;
    world
        .until("the message is heard at home", |world| {
            world
                .calls_to(HOME)
                .first()
                .is_some_and(|call| call.media.has_heard(CALLER_HZ, 1000))
        })
        .await;
    // Key 5: whoever left it is called with the extension's rights, and heard.
    world
        .edge
        .wait_event(|body| match body {
            EventBody::CallChanged { call } => {
                matches!(call.phase, CallPhase::Connected { .. })
                    && call.legs.iter().any(|leg| leg.number == FAR)
            }
            _ => false,
        })
        .await;
    world
        .until("they hear each other", |world| {
            world.call_to(HOME).media.has_heard(1510.0, 500)
        })
        .await;
    assert_eq!(world.calls_to(FAR).last().unwrap().from, COMPANY);
}
