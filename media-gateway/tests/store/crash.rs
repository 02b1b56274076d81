use super::{NOW, anna, call_id, call_up, leg_up, open, record, user};
use ponte_gateway::store::Claim;
use ponte_protocol::{CommandId, MessageId, Presence, VoiceMessage};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const FOLDER: &str = "PONTE_TEST_CRASH_FOLDER";

fn message(n: u128) -> VoiceMessage {
    VoiceMessage {
        id: MessageId(call_id(n).0),
        number: String::new(),
        name: None,
        received_at: NOW.plus(n as u64),
        duration_ms: 2_000,
        heard: false,
        deleted_until: None,
        waveform: vec![9; 100],
        call: None,
    }
}

/// The process that [`t18_what_was_committed_survives_a_kill`] kills. Without its folder it is an ordinary test run, and
/// has nothing to do.
#[tokio::test]
async fn a_process_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let store = open(&folder).await;
    store.add_user(user("anna", "201")).await.unwrap();
    for n in 0_u128.. {
        let command = CommandId(call_id(n).0);
        store.claim_command(anna(), command, [0; 32], NOW).await.unwrap();
        drop(store.save_call(call_up(n)));
        store.save_leg(leg_up(n, 0)).await.unwrap();
        if n % 2 == 0 {
            store.insert_record(record(n, &anna(), NOW)).await.unwrap();
        }
        drop(store.insert_message(anna(), message(n)));
        let presence = Presence {
            since: NOW.plus(n as u64),
            ..Presence::default()
        };
        store.save_presence(anna(), presence).await.unwrap();
        println!("\ncommitted {n}");
    }
}

#[tokio::test]
async fn t18_what_was_committed_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::a_process_that_writes_until_it_is_killed",
            "--nocapture",
        ])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut committed = lines
        .by_ref()
        .filter_map(|line| line.unwrap().strip_prefix("committed ")?.parse().ok());
    assert!(committed.any(|n: u128| n == 40));
    child.kill().unwrap();
    // Nothing is lost between the last line that was read and the kill either.
    let last = committed.last().unwrap_or(40);
    child.wait().unwrap();

    let store = open(folder.path()).await;
    let up = store.calls_up().await.unwrap();
    for n in 0..=last {
        let command = CommandId(call_id(n).0);
        let known = store.claim_command(anna(), command, [0; 32], NOW).await.unwrap();
        assert_eq!(known, Claim::Known { reply: None }, "{n}");
        let recorded = store.record(call_id(n)).await.unwrap().is_some();
        let legs = up
            .iter()
            .find(|(call, _)| call.call == call_id(n))
            .map(|(_, legs)| legs.len());
        let wanted = if n % 2 == 0 {
            (true, None)
        } else {
            (false, Some(1))
        };
        assert_eq!((recorded, legs), wanted, "{n}");
        let kept = store.message(&anna(), message(n).id).await.unwrap();
        assert_eq!(kept, Some(message(n)));
    }
    let presence = &store.presences().await.unwrap()[0].1;
    assert!(presence.since >= NOW.plus(last as u64), "{presence:?}");
}
