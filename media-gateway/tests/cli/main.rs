//! The command line, as a process.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod administration;
mod directory;
mod external_directory;
mod transfer;
mod treatment;

use ponte_gateway::store::{Store, StoreOptions, StoreUse};
use ponte_protocol::UnixMillis;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const CONFIG: &str = r#"
[site]
name = "milano"
country = "IT"
own_numbers = ["+390212345600..+390212345699"]
extensions = ["2xx"]

[[trunk]]
name = "carrier"
address = "192.0.2.1"

[edge]
url = "wss://ponte.example.org/link"
key_env = "SITE_KEY"
"#;

struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ponte.toml"), CONFIG).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ponte-gateway"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("SITE_KEY", "ab".repeat(32))
            .output()
            .unwrap()
    }

    /// A command that must succeed, with something on its standard input.
    fn told(&self, arguments: &[&str], input: &str) -> String {
        let output = self.with_input(arguments, input);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ponte-gateway"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("SITE_KEY", "ab".repeat(32))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Reads the store as a gateway would.
    fn store<T>(&self, read: impl AsyncFnOnce(&Store) -> T) -> T {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let store = Store::open(StoreOptions::new(self.path("data"), StoreUse::Gateway))
                .await
                .unwrap();
            let found = read(&store).await;
            store.close(Duration::from_secs(5)).await;
            found
        })
    }

    /// What a command that must succeed prints.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    /// The exit code and the message of a command that must fail.
    fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    fn add_anna(&self) {
        self.ok(&[
            "user",
            "add",
            "anna",
            "--extension",
            "201",
            "--caller-id",
            "+390212345600",
            "--display-name",
            "Anna Bianchi",
            "--telecommuter",
            "on",
            "--restriction",
            "deny +39899",
            "--restriction",
            "allow +44",
            "--no-answer-s",
            "25",
        ]);
    }
}

#[test]
fn check_config_says_ok_or_names_every_line_with_exit_code_2() {
    let site = Site::new();
    assert_eq!(site.ok(&["check-config"]), "ok\n");
    assert_eq!(site.ok(&["check-config", "ponte.toml"]), "ok\n");
    fs::write(
        site.path("bad.toml"),
        CONFIG.replace("\"IT\"", "\"Italy\"").replace("2xx", "x"),
    )
    .unwrap();
    let (code, message) = site.fails(&["check-config", "bad.toml"]);
    assert_eq!(code, 2);
    assert!(message.starts_with("bad.toml:4:11: site.country: "), "{message}");
    assert!(
        message.contains("\nbad.toml:6:15: site.extensions: "),
        "{message}"
    );
    let (code, message) = site.fails(&["check-config", "nowhere.toml"]);
    assert_eq!(code, 2);
    assert!(message.contains("example-config"), "{message}");
}

#[test]
fn the_example_configuration_checks() {
    let site = Site::new();
    fs::write(site.path("example.toml"), site.ok(&["example-config"])).unwrap();
    assert_eq!(site.ok(&["check-config", "example.toml"]), "ok\n");
}

#[test]
fn a_user_is_added_shown_changed_and_removed() {
    let site = Site::new();
    site.add_anna();
    let list = site.ok(&["user", "list"]);
    let mut lines = list.lines();
    assert!(lines.next().unwrap().starts_with("USER  EXTENSION"));
    assert_eq!(
        lines.next().unwrap().split_whitespace().collect::<Vec<_>>(),
        ["anna", "201", "Anna", "Bianchi", "+390212345600", "on"]
    );

    let anna = site.json(&["user", "show", "anna", "--json"]);
    assert_eq!(
        anna["restrictions"],
        serde_json::json!(["deny +39899", "allow +44"])
    );
    assert_eq!(
        (anna["no_answer_s"].as_u64(), anna["confirm"].as_str()),
        (Some(25), Some("mobiles"))
    );

    site.ok(&[
        "user",
        "set",
        "Anna",
        "--telecommuter",
        "off",
        "--restriction",
        "",
        "--confirm",
        "on",
    ]);
    let anna = site.json(&["user", "show", "anna", "--json"]);
    assert_eq!(anna["restrictions"], serde_json::json!([]));
    assert_eq!(
        (anna["telecommuter"].as_bool(), anna["confirm"].as_str()),
        (Some(false), Some("on"))
    );
    assert_eq!(anna["display_name"], "Anna Bianchi");
    assert_eq!(anna["no_answer_s"], 25);
    assert!(
        site.ok(&["user", "show", "anna"])
            .contains("rule of the site  allow +39")
    );

    site.ok(&["user", "remove", "anna"]);
    assert_eq!(site.json(&["user", "list", "--json"]), serde_json::json!([]));
}

#[test]
fn mistakes_are_named_with_exit_code_2() {
    let site = Site::new();
    site.add_anna();
    let add = |name: &'static str, extension: &'static str, number: &'static str| {
        site.fails(&[
            "user",
            "add",
            name,
            "--extension",
            extension,
            "--caller-id",
            number,
        ])
    };
    for (arguments, said) in [
        (
            add("anna", "202", "+390212345600"),
            "there is a user anna already",
        ),
        (add("bruno", "201", "+390212345600"), "belongs to anna"),
        (
            add("bruno", "301", "+390212345600"),
            "fits none of site.extensions (2xx)",
        ),
        (add("bruno", "202", "+390299999999"), "none of site.own_numbers"),
        (add("bruno", "202", "0212345600"), "invalid value"),
        (add("bru no", "202", "+390212345600"), "invalid value"),
        (site.fails(&["user", "add", "bruno"]), "needs --extension"),
        (
            site.fails(&["user", "set", "bruno", "--telecommuter", "on"]),
            "there is no user bruno",
        ),
        (site.fails(&["user", "show", "bruno"]), "there is no user bruno"),
        (site.fails(&["user", "remove", "bruno"]), "there is no user bruno"),
        (
            site.fails(&["user", "set", "anna", "--restriction", "allow 44"]),
            "no prefix",
        ),
        (site.fails(&["user", "fire", "anna"]), "unrecognized subcommand"),
    ] {
        let (code, message) = arguments;
        assert_eq!(code, 2, "{message}");
        assert!(message.contains(said), "{message}\nshould say: {said}");
    }
}

#[test]
fn t17_an_emergency_number_is_nobodys_extension() {
    let site = Site::new();
    fs::write(site.path("ponte.toml"), CONFIG.replace("2xx", "1xx")).unwrap();
    let (code, message) = site.fails(&[
        "user",
        "add",
        "anna",
        "--extension",
        "112",
        "--caller-id",
        "+390212345600",
    ]);
    assert_eq!(code, 2);
    assert!(message.contains("is an emergency number"), "{message}");
}

#[test]
fn a_folder_that_cannot_be_used_says_what_to_do_with_exit_code_1() {
    let site = Site::new();
    fs::write(site.path("data"), "a file in its place").unwrap();
    let (code, message) = site.fails(&["user", "list"]);
    assert_eq!(code, 1);
    assert!(message.contains("store.data_folder"), "{message}");
}

#[test]
fn a_port_in_use_stops_the_start_with_its_setting_and_exit_code_1() {
    let site = Site::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config = format!("{CONFIG}\n[metrics]\nlisten = \"{address}\"\n");
    fs::write(site.path("ponte.toml"), config).unwrap();
    let (code, message) = site.fails(&["run"]);
    assert_eq!(code, 1);
    assert!(
        message.contains("metrics.listen") && message.contains(&address.to_string()),
        "{message}"
    );
    assert_eq!(message.matches("in use").count(), 1, "{message}");
}

#[test]
fn an_invitation_is_a_link_whose_token_is_stored_as_a_hash_only() {
    let site = Site::new();
    site.add_anna();
    let first = site.ok(&["user", "invite", "anna"]);
    let link = site.ok(&["user", "invite", "anna"]);
    assert_ne!(link, first);
    let token = link
        .trim_end()
        .strip_prefix("https://ponte.example.org/invite#")
        .unwrap();
    assert_eq!(hex::decode(token).unwrap().len(), 32);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pending = runtime.block_on(async {
        let store = Store::open(StoreOptions::new(site.path("data"), StoreUse::Gateway))
            .await
            .unwrap();
        let pending = store.pending_invitations(UnixMillis(0)).await.unwrap();
        store.close(Duration::from_secs(5)).await;
        pending
    });
    assert_eq!(pending.len(), 1, "the one before is void");
    let hash = hex::encode(Sha256::digest(token.as_bytes()));
    assert!(pending.iter().any(|invitation| invitation.token_hash == hash));
    for entry in fs::read_dir(site.path("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let bytes = fs::read(path).unwrap();
        assert!(
            !bytes
                .windows(token.len())
                .any(|window| window == token.as_bytes())
        );
    }
    assert_eq!(site.fails(&["user", "invite", "bruno"]).0, 2);
}

#[test]
fn users_are_managed_while_a_gateway_runs() {
    let site = Site::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(StoreOptions::new(site.path("data"), StoreUse::Gateway))
            .await
            .unwrap();
        let before = store.versions().await.unwrap();
        site.add_anna();
        assert!(store.versions().await.unwrap().users > before.users);
        assert_eq!(store.users().await.unwrap()[0].extension.as_str(), "201");
    });
}

#[test]
fn explain_says_how_a_number_is_read_and_which_rule_decides() {
    let site = Site::new();
    site.add_anna();
    let explain = |number: &str| site.ok(&["explain", "--user", "anna", "--dial", number]);
    assert_eq!(
        explain("899 123456"),
        "899123456 is read as +39899123456 (premium)\ndenied: the user's rule `deny +39899` decides\n"
    );
    assert_eq!(
        explain("+44 (0)20 7123 4567"),
        "+4402071234567 is read as +442071234567 (fixed)\nallowed: the user's rule `allow +44` decides\n"
    );
    assert_eq!(
        explain("333 1234567"),
        "3331234567 is read as +393331234567 (mobile)\nallowed: the site's rule `allow +39` decides\n"
    );
    assert_eq!(
        explain("0033 1 40 20 50 50"),
        "0033140205050 is read as +33140205050 (fixed)\ndenied: no rule allows it\n"
    );
    assert!(explain("112").contains("an emergency number\ndenied: "));
    assert!(explain("201").contains("the extension 201\nallowed: it stays within the site"));
    let json = site.json(&["explain", "--user", "anna", "--dial", "3331234567", "--json"]);
    assert_eq!(
        (json["allowed"].as_bool(), json["rule_of"].as_str()),
        (Some(true), Some("site"))
    );
}

#[test]
fn t04_explain_says_what_holds_at_another_time() {
    let site = Site::new();
    site.add_anna();
    site.ok(&[
        "user",
        "set",
        "anna",
        "--restriction",
        "allow +33 Mon-Fri 09:00-18:00",
    ]);
    assert!(
        site.ok(&["user", "show", "anna"])
            .contains("allow +33 Mon-Fri 09:00-18:00")
    );
    let explain = |at: &str| {
        let dial = ["explain", "--user", "anna", "--dial", "0033140205050", "--at", at];
        site.ok(&dial)
    };
    let noon = explain("2026-11-23T12:00");
    assert!(
        noon.contains("allowed: the user's rule `allow +33 Mon-Fri 09:00-18:00` decides (Mon 12:00, "),
        "{noon}"
    );
    let sunday = explain("2026-11-22T12:00");
    assert!(
        sunday.contains("denied: no rule allows it (Sun 12:00, "),
        "{sunday}"
    );
}

#[test]
fn records_are_printed_newest_first() {
    let site = Site::new();
    let record = |n: u128, started_at: u64| {
        serde_json::from_value(serde_json::json!({
            "id": uuid::Uuid::from_u128(n),
            "user": "anna",
            "direction": "outgoing",
            "dialled": "0287654321",
            "number": "+390287654321",
            "started_at": started_at,
            "connected_at": started_at + 5_000,
            "ended_at": started_at + 70_000,
            "cause": { "reason": "no_answer", "class": "user", "sip": 480 },
            "ended_by": "portal",
            "account_code": (n == 2).then(|| serde_json::json!({ "code": "1042", "name": "Rossi" })),
            "legs": [],
        }))
        .unwrap()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(StoreOptions::new(site.path("data"), StoreUse::Gateway))
            .await
            .unwrap();
        store.insert_record(record(1, 1_790_000_000_000)).await.unwrap();
        store.insert_record(record(2, 1_790_000_060_000)).await.unwrap();
        store.close(Duration::from_secs(5)).await;
    });
    let text = site.ok(&["records", "--user", "anna"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[1].starts_with("2026-09-21 14:14:20  anna  out"), "{text}");
    assert!(
        lines[1].ends_with("0:01:05  0     1042  no answer (SIP 480)"),
        "{text}"
    );
    let booked = site.ok(&["records", "--account-code", "1042"]);
    assert_eq!(booked.lines().collect::<Vec<_>>(), lines[..2], "{booked}");
    assert_eq!(site.ok(&["records", "--account-code", "2001"]).lines().count(), 1);
    let page = site.json(&["records", "--user", "anna", "--limit", "1", "--json"]);
    assert_eq!(page["records"][0]["started_at"], 1_790_000_060_000_u64);
    assert_eq!(page["more"], true);
}
