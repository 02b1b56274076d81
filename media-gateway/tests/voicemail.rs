//! Voicemail through the whole gateway: left by a telephone behind the carrier, found by frequency in the recording
//! (rules T9 and T18).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_media::analysis;
use ponte_protocol::{
    AudioPart, Availability, CallSettings, CauseReason, CommandBody, EdgeFrame, MessageId, Outcome, Refusal,
    VoiceMessage,
};
use ponte_pstn_sim::{Answer, Behaviour, LeaveMessage, PlaceCall};
use std::time::Duration;
use support::{ANNA, COMPANY, FAR, HOME, Options, World};
use uuid::Uuid;

const CALLER_HZ: f64 = 1130.0;

fn leaves(speak_ms: u64) -> PlaceCall {
    PlaceCall {
        telephone: Answer {
            tone_hz: Some(CALLER_HZ),
            ..Answer::default()
        },
        leave_message: Some(LeaveMessage {
            speak_ms,
            ..LeaveMessage::default()
        }),
        ..PlaceCall::new(FAR, COMPANY)
    }
}

/// Waits for the one message of the box.
async fn message(world: &World) -> VoiceMessage {
    world
        .until("the message is in the box", |world| world.mailbox().total == 1)
        .await;
    world.mailbox().messages.remove(0)
}

/// A piece of a message as the edge is given it.
async fn fetch(world: &World, user: &str, message: MessageId, offset: u64, length: u32) -> AudioPart {
    let request = Uuid::now_v7();
    world.edge.send(EdgeFrame::FetchAudio {
        request,
        user: user.parse().unwrap(),
        message,
        offset,
        length,
        own: None,
    });
    world.edge.audio(request).await
}

fn bytes(part: &AudioPart) -> (u64, Vec<u8>) {
    use base64::Engine;
    match part {
        AudioPart::Bytes { total, base64, .. } => {
            let engine = base64::engine::general_purpose::STANDARD;
            (*total, engine.decode(base64).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_nobody_answers_and_the_caller_leaves_a_message() {
    let world = World::start().await;
    world.carrier.set_number(HOME, Behaviour::RingOut).unwrap();
    world.enter(HOME, Some(false)).await;
    let settings = CallSettings {
        no_answer_ms: 5_000,
        ..CallSettings::default()
    };
    world
        .accepted(ANNA, CommandBody::SetCallSettings { settings })
        .await;
    world.place(leaves(3_000));
    let call = world.shown().await;
    let record = world.ended(call.id).await;
    assert!(record.is_missed());
    assert_eq!(record.cause.reason, CauseReason::Voicemail);
    world
        .until("the user's telephone stops ringing", |world| {
            world.call_to(HOME).cancelled_at.is_some()
        })
        .await;

    let message = message(&world).await;
    assert_eq!(record.message, Some(message.id));
    assert_eq!((message.number.as_str(), message.heard), (FAR, false));
    assert!((2_000..6_000).contains(&message.duration_ms), "{message:?}");
    assert!((1..=100).contains(&message.waveform.len()));
    assert_eq!(world.mailbox().unheard, 1);

    // The portal's audio is the caller's voice, piece by piece.
    let (total, first) = bytes(&fetch(&world, ANNA, message.id, 0, 20_000).await);
    let mut file = first;
    while (file.len() as u64) < total {
        let (_, more) = bytes(&fetch(&world, ANNA, message.id, file.len() as u64, 20_000).await);
        assert!(!more.is_empty());
        file.extend(more);
    }
    let reader = hound::WavReader::new(std::io::Cursor::new(file)).unwrap();
    let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
    let middle = &samples[samples.len() / 2..][..2400];
    assert!(
        analysis::contains(middle, CALLER_HZ, 5.0),
        "the message holds {:?}",
        analysis::partials(middle, 4)
    );
    // Nobody else hears it.
    world.add_user("bruno", false).await;
    world
        .until("Bruno is known", |world| world.edge.state("bruno").is_some())
        .await;
    assert_eq!(
        fetch(&world, "bruno", message.id, 0, 100).await,
        AudioPart::NotFound
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_who_wants_no_calls_finds_messages_and_can_bin_and_restore_them() {
    let mut world = World::start().await;
    let presence = |availability| CommandBody::SetPresence {
        availability,
        status: "In a meeting".into(),
        status_until: None,
    };
    world.accepted(ANNA, presence(Availability::DoNotDisturb)).await;
    world.place(leaves(2_000));
    let call = world.shown().await;
    world.ended(call.id).await;
    let id = message(&world).await.id;
    assert!(world.calls_to(HOME).is_empty());

    world
        .accepted(
            ANNA,
            CommandBody::MarkMessage {
                message: id,
                heard: true,
            },
        )
        .await;
    world
        .until("it is heard", |world| world.mailbox().unheard == 0)
        .await;
    world
        .accepted(ANNA, CommandBody::DeleteMessage { message: id })
        .await;
    world
        .until("it is in the bin", |world| {
            let mailbox = world.mailbox();
            mailbox.total == 0 && mailbox.messages[0].deleted_until.is_some()
        })
        .await;
    world
        .accepted(ANNA, CommandBody::RestoreMessage { message: id })
        .await;
    message(&world).await;
    let body = CommandBody::FetchMessages {
        before: None,
        limit: 10,
    };
    match world.edge.command(ANNA, body).await {
        Outcome::Messages(page) => assert_eq!((page.messages.len(), page.more), (1, false)),
        other => panic!("{other:?}"),
    }
    let other = CommandBody::DeleteMessage {
        message: MessageId(Uuid::now_v7()),
    };
    assert_eq!(
        world.edge.command(ANNA, other).await,
        Outcome::Refused {
            refusal: Refusal::UnknownMessage
        }
    );

    // Box, presence and all are there after a restart.
    world.stop_gateway().await;
    world.start_gateway().await;
    world
        .until("the state is told anew", |world| {
            world.edge.state(ANNA).is_some_and(|state| {
                state.mailbox.total == 1
                    && state.presence.availability == Availability::DoNotDisturb
                    && state.presence.status == "In a meeting"
            })
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_caller_who_says_nothing_leaves_no_message() {
    let world = World::start().await;
    world
        .accepted(
            ANNA,
            CommandBody::SetPresence {
                availability: Availability::DoNotDisturb,
                status: String::new(),
                status_until: None,
            },
        )
        .await;
    // Who hangs up during the greeting has not even heard the beep.
    world.place(PlaceCall {
        leave_message: Some(LeaveMessage {
            patience_ms: 200,
            ..LeaveMessage::default()
        }),
        ..leaves(100)
    });
    let call = world.shown().await;
    assert_eq!(world.ended(call.id).await.message, None);
    assert_eq!(world.mailbox().total, 0);
    // Who does so right after the beep neither, however long a busy machine takes to notice: less than a second is no message,
    // and what the record names is in the box.
    world.place(leaves(100));
    let call = world.shown_where(|again| again.id != call.id).await;
    let record = world.ended(call.id).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let files = || {
        let files = std::fs::read_dir(world.folder.join("messages")).unwrap();
        files.map(|file| file.unwrap().file_name()).collect::<Vec<_>>()
    };
    if record.message.is_some() {
        let message = message(&world).await;
        assert_eq!(record.message, Some(message.id));
        assert!(message.duration_ms >= 900, "{message:?}");
        assert_eq!(files(), [format!("{}.wav", message.id).as_str()]);
    } else {
        assert_eq!(world.mailbox().total, 0);
        assert!(files().is_empty(), "{:?}", files());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_the_longest_message_ends_by_itself() {
    let world = World::with(Options {
        extra: "\n[voicemail]\nquota_seconds = 60\nmessage_seconds = 5\n".into(),
        ..Options::default()
    })
    .await;
    let dnd = CommandBody::SetPresence {
        availability: Availability::DoNotDisturb,
        status: String::new(),
        status_until: None,
    };
    world.accepted(ANNA, dnd).await;
    assert_eq!(world.mailbox().quota_left_s, 60);
    // The user's own goes before the site's.
    for (own, left) in [(Some(90), 90), (None, 60)] {
        world.change_user(ANNA, |row| row.voicemail_quota_s = own).await;
        world
            .until("the quota is another", |world| {
                world.mailbox().quota_left_s == left
            })
            .await;
    }
    // The longest message ends by itself, and is kept.
    world.place(leaves(20_000));
    let call = world.shown().await;
    world.ended(call.id).await;
    let message = message(&world).await;
    assert!((4_000..7_000).contains(&message.duration_ms), "{message:?}");
    assert!(world.mailbox().quota_left_s <= 56);
}

async fn do_not_disturb(world: &World) {
    let dnd = CommandBody::SetPresence {
        availability: Availability::DoNotDisturb,
        status: String::new(),
        status_until: None,
    };
    world.accepted(ANNA, dnd).await;
}

/// The sound of a message as the portal is given it.
async fn sound(world: &World, message: MessageId) -> Vec<i16> {
    let (total, mut file) = bytes(&fetch(world, ANNA, message, 0, 200_000).await);
    while (file.len() as u64) < total {
        let (_, more) = bytes(&fetch(world, ANNA, message, file.len() as u64, 200_000).await);
        assert!(!more.is_empty());
        file.extend(more);
    }
    let reader = hound::WavReader::new(std::io::Cursor::new(file)).unwrap();
    reader.into_samples().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_message_that_a_crash_cuts_is_there_after_the_next_start() {
    let mut world = World::start().await;
    do_not_disturb(&world).await;
    world.place(leaves(20_000));
    let messages = world.folder.join("messages");
    let grown = |size: u64| {
        let entries = std::fs::read_dir(&messages).unwrap().flatten();
        let parts = entries.filter(|entry| entry.path().extension().is_some_and(|is| is == "part"));
        parts
            .filter_map(|part| part.metadata().ok())
            .any(|part| part.len() > size)
    };
    world
        .until("three seconds are on the disk", |_| grown(3 * 16_000))
        .await;
    world.crash_gateway().await;
    world.start_gateway().await;
    let message = message(&world).await;
    assert_eq!((message.number.as_str(), message.heard), (FAR, false));
    let samples = sound(&world, message.id).await;
    assert_eq!(
        message.duration_ms,
        samples.len() as u64 / 8,
        "the length is true"
    );
    assert!((3_000..12_000).contains(&message.duration_ms), "{message:?}");
    assert!(
        analysis::contains(&samples[samples.len() - 2400..], CALLER_HZ, 5.0),
        "the end of what was on the disk is not there"
    );
    let left: Vec<_> = std::fs::read_dir(&messages).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    // Nothing comes twice.
    world.stop_gateway().await;
    world.start_gateway().await;
    world
        .until("the box is told anew", |world| world.edge.state(ANNA).is_some())
        .await;
    assert_eq!(world.mailbox().total, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_full_box_is_told_to_the_caller_and_the_record_says_busy() {
    let world = World::with(Options {
        extra: "\n[voicemail]\nquota_messages = 1\n".into(),
        ..Options::default()
    })
    .await;
    do_not_disturb(&world).await;
    world.place(leaves(2_000));
    let call = world.shown().await;
    world.ended(call.id).await;
    let first = message(&world).await.id;
    let placed = world.place(PlaceCall::new(FAR, COMPANY));
    let refused = world.shown_where(|again| again.id != call.id).await;
    let record = world.ended(refused.id).await;
    assert_eq!((record.cause.reason, record.message), (CauseReason::Busy, None));
    assert!(record.is_missed());
    // It was answered, and heard words and no beep to speak after.
    let heard = world.call(placed);
    assert!(heard.answered_at.is_some());
    assert_eq!(world.mailbox().total, 1);
    // A message in the bin makes room at once.
    world
        .accepted(ANNA, CommandBody::DeleteMessage { message: first })
        .await;
    world
        .until("there is room", |world| world.mailbox().total == 0)
        .await;
    world.place(leaves(2_000));
    message(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_full_disk_keeps_what_was_said_tells_the_caller_and_calls_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(Options::on_a_small_disk(folder.path())).await;
    do_not_disturb(&world).await;
    world.place(leaves(60_000));
    let call = world.shown().await;
    let cut = |times| move |world: &World| world.log().matches("a message is not whole").count() == times;
    world.until("the disk is full", cut(1)).await;
    let record = world.ended(call.id).await;
    // The gateway hung up, long before the caller had said all.
    assert_eq!(record.ended_by, ponte_protocol::EndedBy::System);
    let message = message(&world).await;
    assert_eq!(record.message, Some(message.id));
    assert!((1_000..9_000).contains(&message.duration_ms), "{message:?}");
    let samples = sound(&world, message.id).await;
    assert_eq!(message.duration_ms, samples.len() as u64 / 8);
    // On a busy machine the caller may hear the beep late, and speak late.
    let spoken = |window: &[i16]| analysis::contains(window, CALLER_HZ, 5.0);
    assert!(samples.chunks_exact(2400).any(spoken), "{message:?}");
    assert!(
        world.log().contains("the disk is full"),
        "the administrator is warned"
    );
    // The next one cannot even begin: told, and on record as busy.
    world.place(leaves(60_000));
    let second = world.shown_where(|again| again.id != call.id).await;
    world.until("the disk is still full", cut(2)).await;
    let record = world.ended(second.id).await;
    assert_eq!((record.cause.reason, record.message), (CauseReason::Busy, None));
    assert_eq!(world.mailbox().total, 1);
    // Calls go on.
    world
        .telephones(
            Behaviour::Answer(Answer::default()),
            Behaviour::Answer(Answer::default()),
        )
        .await;
    let call = world.dial().await;
    world.connected(call).await;
}
