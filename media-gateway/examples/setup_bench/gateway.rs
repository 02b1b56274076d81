//! The gateway as its own process, with its users in the store.

use crate::edge::SITE_KEY;
use crate::telephones::{Side, number};
use crate::{USERS, process};
use ponte_gateway::store::{Store, StoreOptions, StoreUse, UserRow};
use ponte_protocol::{CallerId, UserId};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The company's number that all users show.
const COMPANY: &str = "+390266600201";

pub fn user_id(user: usize) -> UserId {
    format!("user{user}").parse().unwrap()
}

pub struct Gateway {
    child: Child,
    sip: SocketAddr,
    folder: tempfile::TempDir,
}

impl Gateway {
    pub fn start(edge: SocketAddr, carrier: SocketAddr) -> Self {
        let binary = binary();
        let folder = tempfile::tempdir().unwrap();
        add_users(folder.path());
        let sip = free_address();
        let file = folder.path().join("ponte.toml");
        std::fs::write(&file, config(folder.path(), sip, edge, carrier)).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(binary)
            .args(["run", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("the gateway starts");
        Self { child, sip, folder }
    }

    pub fn cpu(&self) -> Duration {
        process::cpu(self.child.id())
    }

    pub fn rss_kb(&self) -> f64 {
        process::rss_kb(self.child.id())
    }

    /// Datagrams for the gateway that the kernel had no room for.
    pub fn drops(&self) -> u64 {
        process::udp_drops(self.sip)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// How many warnings and errors it logged.
    pub fn log_lines(&self) -> usize {
        self.log().lines().count()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        let log = self.log();
        for line in log.lines().take(20) {
            eprintln!("gateway: {line}");
        }
    }
}

/// The binary that `PONTE_GATEWAY` names, else the one of this program's build, which cargo brings up to date.
fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("PONTE_GATEWAY") {
        return path.into();
    }
    let program = std::env::current_exe().unwrap();
    let profile = program
        .parent()
        .and_then(Path::parent)
        .expect("examples lie in a build folder");
    assert!(
        profile.ends_with("release"),
        "only a release build says something about speed: run with --release"
    );
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--release",
            "-p",
            "ponte-gateway",
            "--bin",
            "ponte-gateway",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", profile.parent().unwrap())
        .stdout(Stdio::null())
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "cargo cannot build the gateway; name a binary in PONTE_GATEWAY instead"
    );
    profile.join("ponte-gateway")
}

fn add_users(folder: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(StoreOptions::new(folder, StoreUse::Tool))
            .await
            .unwrap();
        let written: Vec<_> = (0..USERS).map(|user| store.add_user(row(user))).collect();
        for written in written {
            written.await.unwrap();
        }
        store.close(Duration::from_secs(10)).await;
    });
}

fn row(user: usize) -> UserRow {
    UserRow {
        display_name: format!("User {user}"),
        telecommuter_allowed: true,
        caller_id: CallerId {
            number: COMPANY.parse().unwrap(),
            name: Some("Ponte".into()),
        },
        language: Some("en".into()),
        restrictions: Vec::new(),
        caps: ponte_call_core::Caps {
            dials_per_hour: 100_000,
            ..ponte_call_core::Caps::default()
        },
        user_no_answer_ms: 20_000,
        confirm: Some(false),
        ..UserRow::new(
            user_id(user),
            format!("2{user:04}").parse().unwrap(),
            COMPANY.parse().unwrap(),
        )
    }
}

fn config(folder: &Path, sip: SocketAddr, edge: SocketAddr, carrier: SocketAddr) -> String {
    format!(
        r#"
[site]
name = "test"
country = "IT"
own_numbers = ["{COMPANY}"]
extensions = ["2xxxx"]

[sip]
udp = ["{sip}"]
tcp = []

[media]
ports = "20000-29999"

[telecommuting]
verify_destinations = false

[store]
data_folder = "{}"

[edge]
url = "ws://{edge}/link"
key = "{SITE_KEY}"
portal_url = "http://localhost:8787"

[[trunk]]
name = "main"
address = "{carrier}"
max_legs = 100000
keep_alive_s = 0

[log]
level = "warn"
"#,
        folder.display(),
    )
}

/// A port that is free now.
fn free_address() -> SocketAddr {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

/// What a user calls.
pub fn far(user: usize) -> String {
    number(user, Side::Far)
}

/// Where a user is called.
pub fn home(user: usize) -> String {
    number(user, Side::Home)
}
