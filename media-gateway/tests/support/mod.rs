//! A gateway as its own process, with a carrier and an edge that belong to the test.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc
)]

pub mod administrator;
pub mod baresip;
pub mod edge;
pub mod hearing;
pub mod mailbox;
pub mod party;
pub mod sipp;
pub mod slapd;
pub mod voice;
pub mod wire;

use edge::{Edge, SITE_KEY};
use ponte_gateway::store::{DeviceRow, DeviceSecret, Store, StoreOptions, StoreUse, UserRow};
use ponte_protocol::{
    CallId, CallPhase, CallView, CommandBody, DestinationChoice, DeviceId, Direction, EventBody, Outcome,
    Refusal, StationView,
};
use ponte_pstn_sim::{Behaviour, CallReport, PlaceCall, Simulator};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The user's telephone in most tests.
pub const HOME: &str = "+390212345601";
/// The other party in most tests.
pub const FAR: &str = "+390298765401";
/// The company's number that the user shows.
pub const COMPANY: &str = "+390266600201";
/// What the telephones of a test prove themselves for, and by: the site's name is the realm.
pub const REALM: &str = "test";
pub const PASSWORD: &str = "desk-secret";
/// The user.
pub const ANNA: &str = "anna";

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that runs.
pub struct World {
    pub carrier: Simulator,
    pub edge: Edge,
    pub folder: PathBuf,
    /// Where the gateway speaks SIP.
    pub sip: std::net::SocketAddr,
    config: String,
    gateway: Option<Child>,
    wrapper: Option<String>,
}

/// What a test wants different.
#[derive(Default)]
pub struct Options {
    pub carrier: Option<ponte_pstn_sim::Config>,
    /// Further TOML: sections `timeouts` and the like.
    pub extra: String,
    /// Further settings of the section `site`.
    pub site: String,
    /// Further settings of every trunk.
    pub trunk: String,
    /// Whether numbers are to be proven before they are entered.
    pub verify: bool,
    /// A command that starts the gateway in a world of its own: it execs the command that follows it.
    pub wrapper: Option<String>,
}

impl Options {
    /// Recordings go to `folder`, a disk of its own of 128 kB: eight seconds of sound. It goes away with the gateway. Who may
    /// not mount may do so in a user namespace, which nobody can have in a chroot.
    pub fn on_a_small_disk(folder: &Path) -> Self {
        let path = folder.display();
        Self {
            extra: format!("\n[voicemail]\nfolder = \"{path}\"\n"),
            wrapper: Some(format!(
                "unshare --mount $(unshare --mount true 2>/dev/null || echo --map-root-user) \
                 sh -c 'mount -t tmpfs -o size=128k tmpfs {path} && exec \"$@\"' --"
            )),
            ..Self::default()
        }
    }
}

impl World {
    /// A gateway with the user Anna, in telecommuter mode at [`HOME`] without confirmation.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let carrier = options.carrier.unwrap_or_else(ponte_pstn_sim::Config::for_tests);
        let carrier = Simulator::start(carrier).await.unwrap();
        let edge = Edge::start().await;
        let folder = tempfile::tempdir().unwrap().keep();
        let sip_port = free_port();
        let mut config = format!(
            r#"
[site]
name = "test"
country = "IT"
own_numbers = ["{COMPANY}"]
extensions = ["2xx"]
{site}
[sip]
udp = ["127.0.0.1:{sip_port}"]
tcp = ["127.0.0.1:{sip_port}"]

[media]
ports = "20000-29999"

[telecommuting]
verify_destinations = {verify}

[store]
data_folder = "{}"

[edge]
url = "ws://{}/link"
key = "{SITE_KEY}"
portal_url = "http://localhost:8787"

[log]
level = "info,ponte_gateway=debug"
"#,
            folder.display(),
            edge.address(),
            verify = options.verify,
            site = options.site,
        );
        for trunk in ["main", "second"] {
            if let Some(address) = carrier.trunk_addr(trunk) {
                let settings =
                    format!("name = \"{trunk}\"\naddress = \"{address}\"\ndids = [\"{COMPANY} = 201\"]\n");
                config.push_str("\n[[trunk]]\n");
                config.push_str(&settings);
                config.push_str(&options.trunk);
            }
        }
        config += &options.extra;
        let sip = std::net::SocketAddr::from(([127, 0, 0, 1], sip_port));
        let mut world = Self {
            carrier,
            edge,
            folder,
            sip,
            config,
            gateway: None,
            wrapper: options.wrapper,
        };
        world.add_user(ANNA, true).await;
        world.start_gateway().await;
        world
    }

    pub async fn add_user(&self, user: &str, telecommuter: bool) {
        let store = Store::open(StoreOptions::new(&self.folder, StoreUse::Tool))
            .await
            .unwrap();
        store.add_user(edge::user_row(user, telecommuter)).await.unwrap();
        store.close(Duration::from_secs(5)).await;
    }

    /// A user with an extension of their own, who may not telecommute.
    pub async fn add_user_at(&self, user: &str, extension: &str) {
        let store = Store::open(StoreOptions::new(&self.folder, StoreUse::Tool))
            .await
            .unwrap();
        let row = UserRow {
            extension: extension.parse().unwrap(),
            ..edge::user_row(user, false)
        };
        store.add_user(row).await.unwrap();
        store.close(Duration::from_secs(5)).await;
    }

    pub async fn start_gateway(&mut self) {
        let file = self.folder.join("ponte.toml");
        std::fs::write(&file, &self.config).unwrap();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let binary = env!("CARGO_BIN_EXE_ponte-gateway");
        let mut command = match &self.wrapper {
            None => Command::new(binary),
            Some(wrapper) => {
                let mut command = Command::new("sh");
                command.args(["-c", &format!("exec {wrapper} \"$@\""), "sh", binary]);
                command
            }
        };
        let child = command
            .args(["run", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.gateway = Some(child);
        self.edge.wait_linked().await;
    }

    /// What the gateway logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Stops the gateway by SIGTERM.
    pub async fn stop_gateway(&mut self) {
        let mut child = self.gateway.take().unwrap();
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = tokio::task::spawn_blocking(move || child.wait().unwrap())
            .await
            .unwrap();
        assert!(
            status.success(),
            "the gateway ended with {status}; {}",
            self.log()
        );
        self.edge.wait_unlinked().await;
    }

    /// Ends the gateway without a word, as a crash does: SIGKILL.
    pub async fn crash_gateway(&mut self) {
        let mut child = self.gateway.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        self.edge.wait_unlinked().await;
    }

    /// Anna's telephone and the other party's do as told; Anna enters the mode.
    pub async fn telephones(&self, home: Behaviour, far: Behaviour) {
        self.carrier.set_number(HOME, home).unwrap();
        self.carrier.set_number(FAR, far).unwrap();
        self.enter(HOME, Some(false)).await;
    }

    pub async fn enter(&self, number: &str, confirm: Option<bool>) {
        let destination = DestinationChoice::Number {
            number: number.parse().unwrap(),
            confirm,
        };
        let outcome = self
            .edge
            .command(ANNA, CommandBody::EnterTelecommuter { destination })
            .await;
        assert_eq!(outcome, Outcome::Accepted { call: None });
    }

    /// Dials [`FAR`]; the call.
    pub async fn dial(&self) -> CallId {
        self.dial_number(FAR).await
    }

    /// Anna dials this; the call.
    pub async fn dial_number(&self, number: &str) -> CallId {
        let number = number.parse().unwrap();
        let account_code = None;
        self.begins(ANNA, CommandBody::Dial { number, account_code })
            .await
    }

    /// A command that must be accepted and lead to a call; the call.
    pub async fn begins(&self, user: &str, body: CommandBody) -> CallId {
        match self.edge.command(user, body).await {
            Outcome::Accepted { call: Some(call) } => call,
            other => panic!("no call came of it: {other:?}"),
        }
    }

    /// Dials a number that must be refused.
    pub async fn refused(&self, number: &str) -> Refusal {
        match self
            .edge
            .command(
                ANNA,
                CommandBody::Dial {
                    number: number.parse().unwrap(),
                    account_code: None,
                },
            )
            .await
        {
            Outcome::Refused { refusal } => refusal,
            other => panic!("the dial was not refused: {other:?}"),
        }
    }

    pub async fn hang_up(&self, call: CallId) {
        let outcome = self.edge.command(ANNA, CommandBody::HangUp { call }).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }

    /// Waits until both are on the line.
    pub async fn connected(&self, call: CallId) {
        self.edge
            .wait_event(|body| match body {
                EventBody::CallChanged { call: view } => {
                    view.id == call && matches!(view.phase, CallPhase::Connected { .. })
                }
                _ => false,
            })
            .await;
    }

    /// Waits until the call is over; its record.
    pub async fn ended(&self, call: CallId) -> ponte_protocol::CallRecord {
        let body = self
            .edge
            .wait_event(|body| matches!(body, EventBody::CallEnded { call: ended, .. } if *ended == call))
            .await;
        match body {
            EventBody::CallEnded { record, .. } => record,
            other => panic!("{other:?}"),
        }
    }

    /// A telephone behind the carrier calls a number of the site; the carrier's name of the call.
    pub fn place(&self, order: PlaceCall) -> u64 {
        let order = PlaceCall {
            via: Some(self.sip),
            ..order
        };
        self.carrier.place(order).unwrap().id
    }

    /// What the carrier tells of one call.
    pub fn call(&self, id: u64) -> CallReport {
        let mut calls = self.carrier.calls();
        calls.retain(|call| call.id == id);
        calls.remove(0)
    }

    /// The first incoming call that a portal is shown.
    pub async fn shown(&self) -> CallView {
        self.shown_where(|_| true).await
    }

    /// An incoming call as a portal is shown it, once it is as wanted.
    pub async fn shown_where(&self, wanted: impl Fn(&CallView) -> bool) -> CallView {
        let body = self
            .edge
            .wait_event(|body| match body {
                EventBody::CallChanged { call } => call.direction == Direction::Incoming && wanted(call),
                _ => false,
            })
            .await;
        match body {
            EventBody::CallChanged { call } => call,
            other => panic!("{other:?}"),
        }
    }

    /// A command that must be accepted.
    pub async fn accepted(&self, user: &str, body: CommandBody) {
        let outcome = self.edge.command(user, body).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }

    /// A desk telephone's account, as an administrator adds it.
    pub async fn add_device(&self, device: &str, owner: Option<&str>, hot_desk: bool) {
        let store = Store::open(StoreOptions::new(&self.folder, StoreUse::Tool))
            .await
            .unwrap();
        let device: DeviceId = device.parse().unwrap();
        let row = DeviceRow {
            secret: DeviceSecret::new(&device, REALM, PASSWORD),
            name: device.to_string(),
            device,
            owner: owner.map(|owner| owner.parse().unwrap()),
            hot_desk,
        };
        store.add_device(row).await.unwrap();
        store.close(Duration::from_secs(5)).await;
    }

    /// Waits until a telephone is as wanted in a user's portal.
    pub async fn station(&self, user: &str, device: &str, wanted: impl Fn(&StationView) -> bool) {
        let device: DeviceId = device.parse().unwrap();
        self.until("the portal shows the telephone so", |world| {
            world.edge.state(user).is_some_and(|state| {
                state
                    .stations
                    .iter()
                    .any(|station| station.device == device && wanted(station))
            })
        })
        .await;
    }

    /// Changes what is stored of a user, and waits until the gateway knows.
    pub async fn change_user(&self, user: &str, change: impl FnOnce(&mut UserRow)) {
        let store = Store::open(StoreOptions::new(&self.folder, StoreUse::Tool))
            .await
            .unwrap();
        let mut row = store.user(&user.parse().unwrap()).await.unwrap().unwrap();
        change(&mut row);
        let profile = (row.voicemail_allowed, row.call_waiting_allowed);
        store.set_user(row).await.unwrap();
        store.close(Duration::from_secs(5)).await;
        self.until("the gateway sees the change", |world| {
            world.edge.state(user).is_some_and(|state| {
                (
                    state.profile.voicemail_allowed,
                    state.profile.call_waiting_allowed,
                ) == profile
            })
        })
        .await;
    }

    /// The carrier's calls to a number, oldest first.
    pub fn calls_to(&self, number: &str) -> Vec<CallReport> {
        let digits = number.trim_start_matches('+');
        let mut calls = self.carrier.calls();
        calls.retain(|call| call.number.trim_start_matches('+') == digits);
        calls.sort_by_key(|call| call.id);
        calls
    }

    /// The carrier's one call to a number.
    pub fn call_to(&self, number: &str) -> CallReport {
        let mut calls = self.calls_to(number);
        assert_eq!(calls.len(), 1, "one call to the number");
        calls.remove(0)
    }

    /// Whether the user's portals are told that no call is up.
    pub fn has_free_line(&self, user: &str) -> bool {
        let state = self.edge.state(user);
        state.is_some_and(|state| !state.presence.on_call)
    }

    pub async fn line_is_free(&self, user: &str) {
        self.until("the user's line is free", |world| world.has_free_line(user))
            .await;
    }

    /// Waits until a condition on the world holds.
    pub async fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut child) = self.gateway.take() {
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            eprintln!("the gateway's log:\n{}", self.log());
        }
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A port whose successor is free as well: baresip takes that for TLS, wanted or not.
#[allow(dead_code)] // Not every test has a desk telephone.
pub fn free_pair() -> u16 {
    loop {
        let port = free_port();
        let next = port
            .checked_add(1)
            .map(|next| std::net::TcpListener::bind(("127.0.0.1", next)));
        if matches!(next, Some(Ok(_))) {
            return port;
        }
    }
}

/// A port that is free for UDP and TCP now; a gateway that is started again wants the same one.
pub fn free_port() -> u16 {
    loop {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        if std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// An HTTP POST without a body; whether it was taken.
pub async fn post(url: &str) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request =
        format!("POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response.starts_with("HTTP/1.1 2")
}
