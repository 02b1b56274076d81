use super::{NOW, abandon, anna, open, options, user};
use ponte_call_core::OwnRecording;
use ponte_gateway::store::{BIN_KEPT_MS, Store, StoreError, StoreOptions};
use ponte_protocol::message::STATE_MESSAGES_MAX;
use ponte_protocol::{MessageId, UnixMillis, UserId, VoiceMessage};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

fn id(n: u128) -> MessageId {
    MessageId(Uuid::from_u128(n))
}

fn message(n: u128, received_at: UnixMillis) -> VoiceMessage {
    VoiceMessage {
        id: id(n),
        number: "+390287654321".to_owned(),
        name: Some("Studio Bianchi".to_owned()),
        received_at,
        duration_ms: 60_500,
        heard: false,
        deleted_until: None,
        waveform: vec![0, 128, 255],
        call: None,
    }
}

async fn with_users(folder: &Path) -> Store {
    let store = open(folder).await;
    store.add_user(user("anna", "201")).await.unwrap();
    store.add_user(user("bruno", "202")).await.unwrap();
    store
}

/// A message with its recording, as the media plane leaves it.
async fn leave(store: &Store, n: u128, received_at: UnixMillis) {
    fs::write(store.recordings().message_part(id(n)), "RIFF").unwrap();
    store.recordings().keep_message(id(n)).unwrap();
    store
        .insert_message(anna(), message(n, received_at))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_message_comes_back_as_it_was_left_and_is_its_users_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_users(folder.path()).await;
    leave(&store, 1, NOW).await;
    store.insert_message(anna(), message(1, NOW)).await.unwrap();
    let stranger = store
        .insert_message("carla".parse().unwrap(), message(2, NOW))
        .await;
    assert!(matches!(stranger, Err(StoreError::UnknownUser(_))));
    abandon(folder.path(), store).await;

    let store = open(folder.path()).await;
    assert_eq!(
        store.message(&anna(), id(1)).await.unwrap(),
        Some(message(1, NOW))
    );
    assert!(store.recordings().message(id(1)).exists());
    let bruno: UserId = "bruno".parse().unwrap();
    assert_eq!(store.message(&bruno, id(1)).await.unwrap(), None);
    assert!(!store.mark_message(bruno.clone(), id(1), true).await.unwrap());
    assert!(!store.delete_message(bruno.clone(), id(1), NOW).await.unwrap());
    assert!(!store.restore_message(bruno, id(1)).await.unwrap());
    assert_eq!(
        store.message(&anna(), id(1)).await.unwrap(),
        Some(message(1, NOW))
    );
}

#[tokio::test]
async fn a_mailbox_counts_what_is_not_in_the_bin() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_users(folder.path()).await;
    let mailbox = store.mailbox(&anna(), 3_600).await.unwrap();
    assert_eq!(
        (mailbox.unheard, mailbox.total, mailbox.quota_left_s),
        (0, 0, 3_600)
    );
    for n in 1..=3 {
        leave(&store, n, NOW.plus(n as u64)).await;
    }
    assert!(store.mark_message(anna(), id(1), true).await.unwrap());
    assert!(store.delete_message(anna(), id(2), NOW).await.unwrap());
    let mailbox = store.mailbox(&anna(), 3_600).await.unwrap();
    assert_eq!((mailbox.unheard, mailbox.total), (1, 2));
    assert_eq!(mailbox.quota_left_s, 3_600 - 121);
    let shown: Vec<_> = mailbox
        .messages
        .iter()
        .map(|message| (message.id, message.heard, message.deleted_until))
        .collect();
    let until = Some(NOW.plus(BIN_KEPT_MS));
    assert_eq!(
        shown,
        [(id(3), false, None), (id(2), false, until), (id(1), true, None)]
    );

    assert!(store.restore_message(anna(), id(2)).await.unwrap());
    assert!(store.mark_message(anna(), id(1), false).await.unwrap());
    let mailbox = store.mailbox(&anna(), 120).await.unwrap();
    assert_eq!((mailbox.unheard, mailbox.total, mailbox.quota_left_s), (3, 3, 0));
}

#[tokio::test]
async fn pages_hold_every_message_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_users(folder.path()).await;
    for n in 0..130_u128 {
        // Two in each millisecond.
        let written = store.insert_message(anna(), message(n, NOW.plus(n as u64 / 2)));
        if n == 129 {
            written.await.unwrap();
        }
    }
    let mailbox = store.mailbox(&anna(), 3_600).await.unwrap();
    assert_eq!((mailbox.messages.len(), mailbox.total), (STATE_MESSAGES_MAX, 130));
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.messages(&anna(), before, 25).await.unwrap();
        assert!((25..=26).contains(&page.messages.len()) || !page.more);
        seen.extend(page.messages.iter().map(|message| message.id));
        before = page.messages.last().map(|message| message.received_at);
        if !page.more {
            break;
        }
    }
    let newest_first: Vec<_> = (0..130).rev().map(id).collect();
    assert_eq!(seen, newest_first);
    let end = store.messages(&anna(), before, 25).await.unwrap();
    assert!(end.messages.is_empty() && !end.more);
}

#[tokio::test]
async fn the_bin_is_emptied_after_a_day_with_its_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_users(folder.path()).await;
    leave(&store, 1, NOW).await;
    leave(&store, 2, NOW).await;
    assert!(store.delete_message(anna(), id(1), NOW).await.unwrap());
    let early = store.prune(NOW.plus(BIN_KEPT_MS - 1), 400).await.unwrap();
    assert_eq!(early.messages, 0);
    let pruned = store.prune(NOW.plus(BIN_KEPT_MS), 400).await.unwrap();
    assert_eq!(pruned.messages, 1);
    assert_eq!(store.message(&anna(), id(1)).await.unwrap(), None);
    assert!(!store.recordings().message(id(1)).exists());
    assert!(!store.restore_message(anna(), id(1)).await.unwrap());
    assert!(store.recordings().message(id(2)).exists());
}

#[tokio::test]
async fn recordings_that_belong_to_nobody_are_removed_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_users(folder.path()).await;
    leave(&store, 1, NOW).await;
    let recordings = store.recordings().clone();
    let carla: UserId = "carla".parse().unwrap();
    for path in [
        recordings.message(id(2)),
        recordings.message_part(id(3)),
        recordings.own(&carla, OwnRecording::Greeting),
        recordings.own_part(&anna(), OwnRecording::Greeting),
    ] {
        fs::write(path, "RIFF").unwrap();
    }
    fs::write(recordings.own_part(&anna(), OwnRecording::Greeting), "RIFF").unwrap();
    recordings.keep_own(&anna(), OwnRecording::Greeting).unwrap();
    fs::write(recordings.own_part(&anna(), OwnRecording::Greeting), "RIFF").unwrap();
    let foreign = folder.path().join("messages").join("README");
    fs::write(&foreign, "somebody's").unwrap();
    abandon(folder.path(), store).await;
    // Files are told from those of a recording that begins now by their time, in the steps of the file system's clock.
    tokio::time::sleep(Duration::from_millis(50)).await;

    let store = open(folder.path()).await;
    assert!(
        recordings.message(id(1)).exists()
            && recordings.own(&anna(), OwnRecording::Greeting).exists()
            && foreign.exists()
    );
    for path in [
        recordings.message(id(2)),
        recordings.message_part(id(3)),
        recordings.own(&carla, OwnRecording::Greeting),
        recordings.own_part(&anna(), OwnRecording::Greeting),
    ] {
        assert!(!path.exists(), "{}", path.display());
    }
    recordings.remove_own(&anna(), OwnRecording::Greeting).unwrap();
    recordings.remove_own(&anna(), OwnRecording::Greeting).unwrap();
    assert!(!recordings.own(&anna(), OwnRecording::Greeting).exists());
    drop(store);
}

#[tokio::test]
async fn a_removed_users_recordings_go_and_one_that_is_made_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_users(folder.path()).await;
    leave(&store, 1, NOW).await;
    fs::write(store.recordings().message_part(id(2)), "RIFF").unwrap();
    store.remove_user(anna()).await.unwrap();
    let recording = fs::File::options()
        .write(true)
        .open(store.recordings().message(id(1)))
        .unwrap();
    let old = SystemTime::now() - Duration::from_hours(2);
    recording.set_modified(old).unwrap();
    store.prune(NOW, 400).await.unwrap();
    assert!(!store.recordings().message(id(1)).exists());
    assert!(store.recordings().message_part(id(2)).exists());
    store.recordings().discard_message(id(2)).unwrap();
    assert!(!store.recordings().message_part(id(2)).exists());
}

#[tokio::test]
async fn recordings_may_have_a_folder_of_their_own() {
    let (folder, sound) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let elsewhere = sound.path().join("voicemail");
    let store = Store::open(StoreOptions {
        recordings: elsewhere.clone(),
        ..options(folder.path())
    })
    .await
    .unwrap();
    assert!(elsewhere.join("messages").is_dir() && elsewhere.join("greetings").is_dir());
    assert!(store.recordings().message(id(1)).starts_with(&elsewhere));
    assert!(!folder.path().join("messages").exists());

    let file = sound.path().join("file");
    fs::write(&file, "").unwrap();
    let blocked = Store::open(StoreOptions {
        recordings: file,
        ..options(tempfile::tempdir().unwrap().path())
    })
    .await;
    let error = blocked.err().unwrap();
    assert!(error.to_string().contains("voicemail.folder"), "{error}");
}

/// Samples of one value, 8 kHz.
fn flat(value: i16, samples: usize) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for _ in 0..samples {
        writer.write_sample(value).unwrap();
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn greetings_that_come_at_once_by_telephone_and_portal_leave_whole_ones() {
    const GREETING: OwnRecording = OwnRecording::Greeting;
    let folder = tempfile::tempdir().unwrap();
    let store = with_users(folder.path()).await;
    let recordings = store.recordings();
    let samples = |n: i16| 8_000 + 800 * n as usize;
    let longest = Duration::from_mins(2);
    std::thread::scope(|threads| {
        for n in 1..=12 {
            threads.spawn(move || {
                let file = flat(100 * n, samples(n));
                let unique = Uuid::now_v7();
                if n % 3 == 0 {
                    let call = ponte_protocol::CallId(unique);
                    fs::write(recordings.draft(call), file).unwrap();
                    recordings.keep_draft(call, &anna(), GREETING).unwrap();
                } else {
                    assert!(recordings.receive_upload(unique, 0, &file).unwrap());
                    recordings
                        .keep_upload(unique, &anna(), GREETING, longest)
                        .unwrap();
                    recordings.drop_upload(unique);
                }
                if n % 4 == 0 {
                    recordings.restore_own(&anna(), GREETING).unwrap();
                }
            });
        }
    });
    // The one in force and the one before, each as somebody made it.
    let whole = || {
        let file = hound::WavReader::open(recordings.own(&anna(), GREETING)).unwrap();
        let heard: Vec<i16> = file.into_samples().map(Result::unwrap).collect();
        let n = heard[0] / 100;
        assert!(heard.iter().all(|sample| *sample == heard[0]));
        assert_eq!(heard.len(), samples(n));
        n
    };
    let present = whole();
    assert!(recordings.restore_own(&anna(), GREETING).unwrap());
    assert_ne!(whole(), present);
    let drafts = fs::read_dir(folder.path().join("drafts")).unwrap();
    assert_eq!(drafts.count(), 0);
}
