//! A call recorded on demand: who may, that both parties hear it told, that the file holds both voices, and what log and box
//! say (rule T18).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_gateway::store::{Store, StoreOptions, StoreUse};
use ponte_media::analysis;
use ponte_protocol::admin::CallRecording;
use ponte_protocol::{CallId, CallPhase, CommandBody, MessageId, Outcome, Refusal, VoiceMessage};
use ponte_pstn_sim::{Answer, Behaviour};
use std::time::Duration;
use support::{ANNA, FAR, HOME, Options, World};
use uuid::Uuid;

const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1510.0;
/// The beep after the words that the call is recorded.
const BEEP_HZ: f64 = 1000.0;

async fn world(who: &str) -> World {
    let world = World::administered(Options {
        site: format!("call_recording = \"{who}\""),
        ..Options::default()
    })
    .await;
    let speaks = |hz| {
        Behaviour::Answer(Answer {
            after_ms: 100,
            tone_hz: Some(hz),
            ..Answer::default()
        })
    };
    world.telephones(speaks(HOME_HZ), speaks(FAR_HZ)).await;
    world
}

async fn connected(world: &World) -> CallId {
    let call = world.dial().await;
    world.connected(call).await;
    call
}

fn record(call: CallId, on: bool) -> CommandBody {
    CommandBody::Record { call, on }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_recording_holds_both_voices_and_both_were_told_before() {
    let world = world("everyone").await;
    let call = connected(&world).await;
    world.accepted(ANNA, record(call, true)).await;
    for number in [HOME, FAR] {
        world
            .until("both hear the beep", |world| {
                world.call_to(number).media.has_heard(BEEP_HZ, 150)
            })
            .await;
    }
    assert!(world.is_recorded(call));
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.accepted(ANNA, record(call, false)).await;
    world
        .until("the portal shows no recording", |world| !world.is_recorded(call))
        .await;
    let recording = world.kept(1).await.remove(0);
    assert_eq!(recording.call, Some(call));
    assert_eq!(recording.number, FAR);
    assert!(recording.heard, "it is no news");
    assert_eq!(world.mailbox().unheard, 0);
    let samples = world.sound(recording.id).await;
    let both =
        |window: &[i16]| analysis::contains(window, HOME_HZ, 5.0) && analysis::contains(window, FAR_HZ, 5.0);
    assert!(
        samples.chunks_exact(2400).filter(|window| both(window)).count() >= 3,
        "{} samples without both voices",
        samples.len()
    );
    // The call goes on, and its record names the file; so does the log after a restart.
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.recordings, [recording.id]);
    let body = CommandBody::FetchLog {
        before: None,
        limit: 10,
    };
    match world.edge.command(ANNA, body).await {
        Outcome::Log(page) => assert_eq!(page.records[0].recordings, [recording.id]),
        other => panic!("{other:?}"),
    }
    // It is deleted like a message, and makes room.
    let delete = CommandBody::DeleteMessage {
        message: recording.id,
    };
    world.accepted(ANNA, delete).await;
    world.kept(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_without_the_switch_or_the_right_it_is_refused_and_hold_ends_it() {
    let refused = |refusal| Outcome::Refused { refusal };
    {
        let world = world("never").await;
        let call = connected(&world).await;
        let outcome = world.edge.command(ANNA, record(call, true)).await;
        assert_eq!(outcome, refused(Refusal::NotPermitted));
    }
    let world = world("permitted").await;
    let call = connected(&world).await;
    let outcome = world.edge.command(ANNA, record(call, true)).await;
    assert_eq!(outcome, refused(Refusal::NotPermitted));
    world.change_user(ANNA, |row| row.recording_allowed = true).await;
    world
        .until("the portal offers it", |world| {
            world.edge.state(ANNA).unwrap().profile.recording_allowed
        })
        .await;
    world.accepted(ANNA, record(call, true)).await;
    world
        .until("the other party was told", |world| {
            world.log().contains("a call is recorded")
        })
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.accepted(ANNA, CommandBody::Hold { call }).await;
    world.kept(1).await;
    assert!(!world.is_recorded(call));
    // While it is held there is nobody to record.
    let outcome = world.edge.command(ANNA, record(call, true)).await;
    assert_eq!(outcome, refused(Refusal::WrongState));
    // Begun again, it ends with the call.
    world.accepted(ANNA, CommandBody::Retrieve { call }).await;
    world.accepted(ANNA, record(call, true)).await;
    world
        .until("the other party was told again", |world| {
            world.log().matches("a call is recorded").count() == 2
        })
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.recordings.len(), 2);
    world.kept(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_recording_that_a_crash_cuts_is_there_after_the_next_start() {
    let mut world = world("everyone").await;
    let call = connected(&world).await;
    world.accepted(ANNA, record(call, true)).await;
    let messages = world.folder.join("messages");
    world
        .until("three seconds are on the disk", |_| {
            let mut entries = std::fs::read_dir(&messages).unwrap().flatten();
            entries.any(|entry| entry.metadata().is_ok_and(|file| file.len() > 3 * 16_000))
        })
        .await;
    world.crash_gateway().await;
    world.start_gateway().await;
    let recording = world.kept(1).await.remove(0);
    assert_eq!((recording.call, recording.heard), (Some(call), true));
    assert!(recording.duration_ms >= 2_000, "{recording:?}");
    let body = CommandBody::FetchLog {
        before: None,
        limit: 10,
    };
    match world.edge.command(ANNA, body).await {
        Outcome::Log(page) => assert_eq!(page.records[0].recordings, [recording.id]),
        other => panic!("{other:?}"),
    }
}

fn is_connected(world: &World, call: CallId) -> bool {
    let state = world.edge.state(ANNA).unwrap();
    let view = state.calls.iter().find(|known| known.id == call);
    view.is_some_and(|call| matches!(call.phase, CallPhase::Connected { .. }))
}

async fn recorded_for(world: &World, times: usize) {
    world
        .until("the other party was told", |world| {
            world.log().matches("a call is recorded").count() == times
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_the_legal_switch_and_a_full_box_end_a_recording_and_the_call_goes_on() {
    let refused = |refusal| Outcome::Refused { refusal };
    let world = world("everyone").await;
    let call = connected(&world).await;
    world.accepted(ANNA, record(call, true)).await;
    recorded_for(&world, 1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.may_record(CallRecording::Never).await;
    let first = world.kept(1).await.remove(0);
    assert!(!world.is_recorded(call));
    assert!(is_connected(&world, call));
    let outcome = world.edge.command(ANNA, record(call, true)).await;
    assert_eq!(outcome, refused(Refusal::NotPermitted));

    // Allowed again, with room for a few seconds.
    world.may_record(CallRecording::Everyone).await;
    let store = Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
        .await
        .unwrap();
    let first_id = first.id;
    let large = VoiceMessage {
        id: MessageId(Uuid::now_v7()),
        duration_ms: 56_000 - first.duration_ms,
        call: None,
        ..first
    };
    store.insert_message(ANNA.parse().unwrap(), large).await.unwrap();
    store.close(Duration::from_secs(5)).await;
    world
        .change_user(ANNA, |row| row.voicemail_quota_s = Some(60))
        .await;
    world
        .until("there is room for four seconds", |world| {
            world.mailbox().quota_left_s == 4
        })
        .await;
    world.accepted(ANNA, record(call, true)).await;
    recorded_for(&world, 2).await;
    let last = world.kept(3).await.remove(0);
    assert!((3_900..4_100).contains(&last.duration_ms), "{last:?}");
    world
        .until("the portal shows no recording", |world| !world.is_recorded(call))
        .await;
    assert!(is_connected(&world, call), "the call goes on");
    world
        .until("there is no room", |world| world.mailbox().quota_left_s == 0)
        .await;
    let outcome = world.edge.command(ANNA, record(call, true)).await;
    assert_eq!(outcome, refused(Refusal::CapReached), "nobody is told in vain");
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.recordings, [first_id, last.id]);
}
