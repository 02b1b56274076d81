use super::{NOW, anna, call_id, call_up, leg_up, open, record};
use ponte_gateway::store::Claim;
use ponte_protocol::CommandId;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const FOLDER: &str = "PONTE_TEST_CRASH_FOLDER";

/// The process that [`t18_what_was_committed_survives_a_kill`] kills. Without its folder it is an ordinary test run, and
/// has nothing to do.
#[tokio::test]
async fn a_process_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let store = open(&folder).await;
    for n in 0_u128.. {
        let command = CommandId(call_id(n).0);
        store.claim_command(anna(), command, [0; 32], NOW).await.unwrap();
        drop(store.save_call(call_up(n)));
        store.save_leg(leg_up(n, 0)).await.unwrap();
        if n % 2 == 0 {
            store.insert_record(record(n, &anna(), NOW)).await.unwrap();
        }
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
    }
}
