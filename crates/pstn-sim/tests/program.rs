//! The `pstn-sim` program: what it prints, what it keeps to itself, how it starts and stops.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::process::Stdio;
use std::time::Duration;

use support::{Caller, http};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

fn program(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_pstn-sim"))
        .args(arguments)
        .env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn outcome(arguments: &[&str]) -> (bool, String) {
    let output = program(arguments).wait_with_output().await.unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn numbers_and_credentials_stay_out_of_the_log_and_sigterm_ends_it_well() {
    let any = "127.0.0.1:0";
    let mut child = program(&["--listen", any, "--second-listen", any, "--control", any]);
    let mut ready = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut ready).await.unwrap();
    let address = |after: &str| {
        let rest = ready.split_once(after).unwrap().1;
        let end = rest.find([',', ';', '\n']).unwrap();
        rest[..end].parse().unwrap()
    };
    let (sip, control) = (address("main "), address("http://"));
    assert_eq!(http(control, "GET", "/health", "").await.0, 200);
    let body = r#"{"kind":"answer","after_ms":0}"#;
    let path = "/numbers/+390698760077";
    assert_eq!(http(control, "PUT", path, body).await.0, 200);
    let mut caller = Caller::new(sip, "+390698760077").await;
    caller.extra = "Authorization: Digest username=\"u\", response=\"5ec7e7\"\r\n".to_owned();
    caller.establish().await;
    caller.bye().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let id = i32::try_from(child.id().unwrap()).unwrap();
    let killed = Command::new("kill")
        .args(["-TERM", &id.to_string()])
        .status()
        .await
        .unwrap();
    assert!(killed.success());
    let status = tokio::time::timeout(Duration::from_secs(5), child.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success());
    let mut log = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut log).await.unwrap();
    assert!(log.contains("…77"), "{log}");
    for secret in ["0698760077", "390212345699", "5ec7e7", "INVITE sip:"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn mistakes_stop_the_start_with_a_reason() {
    let folder = std::env::temp_dir().join(format!("pstn-sim-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("wrong.toml");
    std::fs::write(&file, "control = \"127.0.0.1:0\"\nkontrol = 1\n").unwrap();
    let (ok, log) = outcome(&["--config", file.to_str().unwrap()]).await;
    assert!(!ok && log.contains("line 2"), "{log}");
    let (ok, log) = outcome(&["--config", "/does/not/exist.toml"]).await;
    assert!(!ok && log.contains("/does/not/exist.toml"), "{log}");
    let (ok, log) = outcome(&["--listen", "0.0.0.0:5070"]).await;
    assert!(!ok && log.contains("loopback"), "{log}");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (ok, log) = outcome(&["--control", "127.0.0.1:0", "--listen", &addr]).await;
    assert!(!ok && log.contains(&addr), "{log}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn the_example_configuration_starts() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/pstn-sim.example.toml");
    let any = "127.0.0.1:0";
    let mut child = program(&[
        "--config",
        example,
        "--listen",
        any,
        "--second-listen",
        any,
        "--control",
        any,
    ]);
    let mut ready = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut ready).await.unwrap();
    assert!(ready.starts_with("pstn-sim ready"), "{ready}");
    child.kill().await.unwrap();
}
