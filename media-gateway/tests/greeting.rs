//! A greeting by the portal, proven by what a caller hears (rule T9): a file comes over the link in pieces, and its tone
//! stands before the beep.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use base64::Engine;
use ponte_media::analysis;
use ponte_protocol::{
    AudioPart, Availability, CommandBody, EdgeFrame, MessageId, Outcome, OwnSound, OwnSoundState, Refusal,
    Taken, UploadPiece,
};
use ponte_pstn_sim::{LeaveMessage, PlaceCall};
use std::io::Cursor;
use support::{ANNA, COMPANY, FAR, Options, World};
use uuid::Uuid;

const GREETING_HZ: f64 = 700.0;
const OTHER_HZ: f64 = 1510.0;

/// A tone as a WAV file, 16 bit.
fn tone(hz: f64, seconds: f64, sample_rate: u32, channels: u16) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels,
        sample_rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for n in 0..(seconds * f64::from(sample_rate)) as u32 {
        let turn = std::f64::consts::TAU * hz * f64::from(n) / f64::from(sample_rate);
        for _ in 0..channels {
            writer.write_sample((turn.sin() * 8000.0) as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

/// Callers reach voicemail at once.
async fn do_not_disturb(world: &World) {
    let presence = CommandBody::SetPresence {
        availability: Availability::DoNotDisturb,
        status: String::new(),
        status_until: None,
    };
    world.accepted(ANNA, presence).await;
}

fn own(world: &World, sound: OwnSound) -> OwnSoundState {
    world.edge.state(ANNA).unwrap().mailbox.own(sound)
}

/// A caller comes and hears this tone.
async fn heard_by_a_caller(world: &World, hz: f64) {
    let placed = world.place(PlaceCall::new(FAR, COMPANY));
    world
        .until("the caller hears the greeting", |world| {
            world.call(placed).media.has_heard(hz, 1000)
        })
        .await;
}

/// A user's own as the portal is given it.
async fn listen(world: &World, user: &str, own: OwnSound, offset: u64, length: u32) -> AudioPart {
    let request = Uuid::now_v7();
    world.edge.send(EdgeFrame::FetchAudio {
        request,
        user: user.parse().unwrap(),
        message: MessageId(Uuid::nil()),
        offset,
        length,
        own: Some(own),
    });
    world.edge.audio(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_an_uploaded_greeting_greets_callers_is_listened_to_removed_and_brought_back() {
    let mut world = World::start().await;
    do_not_disturb(&world).await;
    assert_eq!(own(&world, OwnSound::Greeting), OwnSoundState::default());
    // Of a studio: 44.1 kHz in stereo, eleven pieces.
    let file = tone(GREETING_HZ, 4.0, 44_100, 2);
    assert_eq!(
        world.edge.upload(ANNA, OwnSound::Greeting, &file).await,
        Taken::Kept
    );
    world
        .until("the portal shows it", |world| {
            own(world, OwnSound::Greeting).duration_ms == 4000
        })
        .await;
    heard_by_a_caller(&world, GREETING_HZ).await;

    // The portal hears what callers hear, from any place on.
    let AudioPart::Bytes { total, base64, .. } = listen(&world, ANNA, OwnSound::Greeting, 32_044, 1600).await
    else {
        panic!("no sound")
    };
    assert_eq!(total, 44 + 4 * 16_000);
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
    let samples: Vec<i16> = bytes
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    assert!(analysis::contains(&samples, GREETING_HZ, 15.0));
    assert_eq!(
        listen(&world, ANNA, OwnSound::Name, 0, 100).await,
        AudioPart::NotFound
    );

    // Another one takes its place, and the first comes back.
    let first = own(&world, OwnSound::Greeting);
    let other = tone(OTHER_HZ, 2.0, 8_000, 1);
    assert_eq!(
        world.edge.upload(ANNA, OwnSound::Greeting, &other).await,
        Taken::Kept
    );
    let restore = CommandBody::RestoreOwnSound {
        sound: OwnSound::Greeting,
    };
    world.accepted(ANNA, restore.clone()).await;
    world
        .until("the first is there again", |world| {
            let now = own(world, OwnSound::Greeting);
            now.duration_ms == 4000 && now.changed_at > first.changed_at
        })
        .await;
    world.accepted(ANNA, restore.clone()).await;
    world
        .until("and the other one again", |world| {
            own(world, OwnSound::Greeting).duration_ms == 2000
        })
        .await;
    heard_by_a_caller(&world, OTHER_HZ).await;

    // Removed, and brought back after a restart.
    let remove = CommandBody::RemoveOwnSound {
        sound: OwnSound::Greeting,
    };
    world.accepted(ANNA, remove.clone()).await;
    world
        .until("it is removed", |world| {
            own(world, OwnSound::Greeting).duration_ms == 0
        })
        .await;
    assert_eq!(
        world.edge.command(ANNA, remove).await,
        Outcome::Refused {
            refusal: Refusal::UnknownMessage
        }
    );
    world.stop_gateway().await;
    world.start_gateway().await;
    world
        .until("the box is told anew", |world| {
            own(world, OwnSound::Greeting).duration_ms == 0
        })
        .await;
    world.accepted(ANNA, restore).await;
    world
        .until("it is there again", |world| {
            own(world, OwnSound::Greeting).duration_ms == 2000
        })
        .await;
    heard_by_a_caller(&world, OTHER_HZ).await;
    let drafts: Vec<_> = std::fs::read_dir(world.folder.join("drafts")).unwrap().collect();
    assert!(drafts.is_empty(), "{drafts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_name_is_heard_before_the_default_words() {
    let world = World::start().await;
    do_not_disturb(&world).await;
    let file = tone(GREETING_HZ, 1.5, 16_000, 1);
    assert_eq!(world.edge.upload(ANNA, OwnSound::Name, &file).await, Taken::Kept);
    world
        .until("the portal shows it", |world| {
            own(world, OwnSound::Name).duration_ms == 1500
        })
        .await;
    heard_by_a_caller(&world, GREETING_HZ).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_what_is_no_greeting_is_refused_and_the_one_before_stays() {
    let world = World::start().await;
    let greeting = OwnSound::Greeting;
    let good = tone(GREETING_HZ, 1.0, 8_000, 1);
    assert_eq!(world.edge.upload(ANNA, greeting, &good).await, Taken::Kept);
    for (file, taken) in [
        (b"OggS this is something else".to_vec(), Taken::NotAudio),
        (Vec::new(), Taken::NotAudio),
        (good[..good.len() / 2].to_vec(), Taken::NotAudio),
        (tone(GREETING_HZ, 0.1, 8_000, 1), Taken::TooShort),
        (tone(GREETING_HZ, 121.0, 8_000, 1), Taken::TooLong),
    ] {
        let length = file.len();
        assert_eq!(
            world.edge.upload(ANNA, greeting, &file).await,
            taken,
            "{length} bytes"
        );
    }
    // Pieces of two files do not mix, and none is larger than the protocol allows.
    let piece = |upload, offset, bytes: &[u8]| UploadPiece {
        upload,
        user: ANNA.parse().unwrap(),
        sound: greeting,
        offset,
        last: false,
        base64: base64::engine::general_purpose::STANDARD.encode(bytes),
    };
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    for (sent, taken) in [
        (piece(one, 0, &[1; 10]), Taken::More),
        (piece(one, 11, &[1; 10]), Taken::OutOfOrder),
        (piece(one, 0, &[1; 10]), Taken::More),
        (piece(two, 0, &[1; 10]), Taken::More),
        (piece(one, 10, &[1; 10]), Taken::OutOfOrder),
        (piece(two, 10, &[1; 10]), Taken::More),
        (piece(two, 20, &vec![1; 70_000]), Taken::NotAudio),
    ] {
        let (upload, offset) = (sent.upload, sent.offset);
        world.edge.send(EdgeFrame::PutAudio(sent));
        assert_eq!(world.edge.taken(upload, offset).await, taken, "{offset}");
    }
    // Nobody else's, and none without voicemail.
    world.add_user("bruno", false).await;
    world
        .until("Bruno is known", |world| world.edge.state("bruno").is_some())
        .await;
    assert_eq!(
        listen(&world, "bruno", greeting, 0, 100).await,
        AudioPart::NotFound
    );
    world
        .change_user("bruno", |row| row.voicemail_allowed = false)
        .await;
    assert_eq!(
        world.edge.upload("bruno", greeting, &good).await,
        Taken::NotPermitted
    );
    assert_eq!(
        world.edge.upload("nobody", greeting, &good).await,
        Taken::NotPermitted
    );
    assert_eq!(
        own(&world, greeting).duration_ms,
        1000,
        "the one before is in force"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_full_disk_is_told_and_the_greeting_before_stays() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(Options::on_a_small_disk(folder.path())).await;
    let small = tone(GREETING_HZ, 1.0, 8_000, 1);
    assert_eq!(
        world.edge.upload(ANNA, OwnSound::Greeting, &small).await,
        Taken::Kept
    );
    let large = tone(OTHER_HZ, 10.0, 8_000, 1);
    assert_eq!(
        world.edge.upload(ANNA, OwnSound::Greeting, &large).await,
        Taken::DiskFull
    );
    // It takes no room any more.
    let again = tone(OTHER_HZ, 2.0, 8_000, 1);
    assert_eq!(
        world.edge.upload(ANNA, OwnSound::Greeting, &again).await,
        Taken::Kept
    );
    do_not_disturb(&world).await;
    heard_by_a_caller(&world, OTHER_HZ).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_greeting_that_is_replaced_and_removed_while_it_plays_is_heard_to_its_end() {
    let world = World::start().await;
    do_not_disturb(&world).await;
    let file = tone(GREETING_HZ, 6.0, 16_000, 1);
    assert_eq!(
        world.edge.upload(ANNA, OwnSound::Greeting, &file).await,
        Taken::Kept
    );
    let placed = world.place(PlaceCall {
        leave_message: Some(LeaveMessage::default()),
        ..PlaceCall::new(FAR, COMPANY)
    });
    world
        .until("the caller hears the greeting", |world| {
            world.call(placed).media.has_heard(GREETING_HZ, 200)
        })
        .await;
    let other = tone(OTHER_HZ, 1.0, 8_000, 1);
    assert_eq!(
        world.edge.upload(ANNA, OwnSound::Greeting, &other).await,
        Taken::Kept
    );
    let sound = OwnSound::Greeting;
    world.accepted(ANNA, CommandBody::RemoveOwnSound { sound }).await;
    // To the beep, after which the message is left.
    world
        .until("the message is in the box", |world| {
            world.edge.state(ANNA).unwrap().mailbox.total == 1
        })
        .await;
    let heard = world.call(placed).media;
    assert!(heard.has_heard(GREETING_HZ, 4000), "to its end");
    assert!(!heard.has_heard(OTHER_HZ, 200), "and nothing of the other");
    assert_eq!(own(&world, sound).duration_ms, 0);
}
