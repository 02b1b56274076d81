//! The audit log, and what holds for the whole site.

use super::Site;
use serde_json::{Value, json};

fn entries(site: &Site) -> Vec<(String, String, Value)> {
    let log = site.json(&["audit", "--limit", "100", "--json"]);
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    log.as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                text(entry, "action"),
                text(entry, "subject"),
                entry["fields"].clone(),
            )
        })
        .collect()
}

#[test]
fn every_change_is_in_the_audit_log_without_secrets() {
    let site = Site::new();
    site.add_anna();
    site.ok(&[
        "user",
        "set",
        "anna",
        "--voicemail",
        "off",
        "--dials-per-hour",
        "7",
    ]);
    site.ok(&["user", "set", "anna", "--voicemail", "off"]);
    site.told(&["user", "set", "anna", "--pin"], "2580\n");
    let password = site.json(&["device", "add", "lobby", "--json"])["password"].clone();
    site.ok(&["device", "set", "lobby", "--name", "Lobby", "--new-password"]);
    site.ok(&["did", "add", "+390212345601", "--extension", "201"]);
    site.ok(&["group", "add", "sales", "--restriction", "allow +44"]);
    site.ok(&[
        "user",
        "destination",
        "add",
        "anna",
        "--label",
        "Home",
        "--number",
        "0287654321",
    ]);
    site.ok(&["device", "remove", "lobby"]);
    let said = entries(&site);
    let wanted = [
        ("device_removed", "lobby", json!([])),
        ("destination_added", "anna", json!(["destinations"])),
        ("group_added", "sales", json!([])),
        ("number_added", "+390212345601", json!([])),
        ("device_changed", "lobby", json!(["name", "password"])),
        ("device_added", "lobby", json!([])),
        ("user_changed", "anna", json!(["pin"])),
        (
            "user_changed",
            "anna",
            json!(["dials_per_hour", "voicemail_allowed"]),
        ),
        ("user_added", "anna", json!([])),
    ];
    let wanted: Vec<_> = wanted
        .into_iter()
        .map(|(action, subject, fields)| (action.to_owned(), subject.to_owned(), fields))
        .collect();
    assert_eq!(said, wanted);
    let text = site.ok(&["audit", "--limit", "100"]);
    assert!(text.contains("command line  device_changed"), "{text}");
    for secret in [password.as_str().unwrap(), "2580", "87654321"] {
        assert!(!text.contains(secret), "{text}");
    }
    let page = site.json(&["audit", "--limit", "1", "--before", "3", "--json"]);
    assert_eq!(page[0]["id"], 2);
    assert_eq!(page[0]["by"], Value::Null);
}

#[test]
fn the_last_administrator_stays() {
    let site = Site::new();
    site.add_anna();
    site.ok(&["user", "set", "anna", "--administrator", "on"]);
    for arguments in [
        vec!["user", "set", "anna", "--administrator", "off"],
        vec!["user", "remove", "anna"],
    ] {
        let (code, message) = site.fails(&arguments);
        assert!(code == 2 && message.contains("administrator"), "{message}");
    }
    assert_eq!(site.json(&["user", "list", "--json"])[0]["administrator"], true);
}

#[test]
fn what_holds_for_the_site_is_changed_exported_and_reset() {
    let site = Site::new();
    let before = site.json(&["site", "show", "--json"]);
    assert_eq!(
        (&before["call_waiting"], &before["no_answer_ms"]),
        (&json!(true), &json!(18_000))
    );
    site.ok(&[
        "site",
        "set",
        "--call-waiting",
        "off",
        "--no-answer-s",
        "25",
        "--restriction",
        "allow +44",
        "--voicemail-quota-s",
        "600",
    ]);
    let shown = site.ok(&["site", "show"]);
    for line in [
        "rings for        25 s",
        "call waiting     off",
        "rule             allow +44",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    for (arguments, said) in [
        (["site", "set", "--no-answer-s", "1"], "no_answer_ms"),
        (
            ["site", "set", "--voicemail-message-s", "4"],
            "voicemail_message_s",
        ),
    ] {
        let (code, message) = site.fails(&arguments);
        assert!(code == 2 && message.contains(said), "{message}");
    }
    site.add_anna();
    let explained = site.ok(&["explain", "--user", "anna", "--dial", "3331234567"]);
    assert!(explained.contains("denied: no rule allows it"), "{explained}");
    site.ok(&["export", "all.toml"]);
    let text = std::fs::read_to_string(site.path("all.toml")).unwrap();
    assert!(
        text.contains("[site]\nrestrictions = [\"allow +44\"]\nno_answer_ms = 25000\n"),
        "{text}"
    );
    assert!(!text.contains("voicemail_message_s"), "only what differs: {text}");

    site.ok(&["site", "reset"]);
    assert_eq!(site.json(&["site", "show", "--json"]), before);
    let dry = site.ok(&["import", "all.toml", "--dry-run"]);
    assert!(dry.starts_with("+ settings of the site\n"), "{dry}");
    site.ok(&["import", "all.toml"]);
    assert_eq!(site.json(&["site", "show", "--json"])["no_answer_ms"], 25_000);
    let said: Vec<String> = entries(&site).into_iter().map(|(action, ..)| action).collect();
    assert_eq!(
        said,
        ["site_changed", "site_changed", "user_added", "site_changed"]
    );
    std::fs::write(site.path("bad.toml"), text.replace("25000", "1")).unwrap();
    let (code, message) = site.fails(&["import", "bad.toml"]);
    assert!(code == 2 && message.contains("site: no_answer_ms"), "{message}");
    std::fs::write(site.path("none.toml"), "version = 1\n").unwrap();
    site.ok(&["import", "none.toml", "--remove"]);
    assert_eq!(site.json(&["site", "show", "--json"]), before);
}

#[test]
fn users_come_out_of_a_csv_file_all_or_none() {
    let site = Site::new();
    site.add_anna();
    let file = |text: &str| std::fs::write(site.path("users.csv"), text).unwrap();
    file(
        "user,display_name,extension,caller_id,telecommuter\n\
         bruno,Bruno,202,+390212345600,on\n\
         carla,Carla,201,+390212345600,on\n\
         dario,Dario,203,+390212345600,perhaps\n\
         elena,Elena,304,+390299999999,off\n",
    );
    for arguments in [
        &["import-users", "users.csv"][..],
        &["import-users", "users.csv", "--dry-run"],
    ] {
        let (code, message) = site.fails(arguments);
        assert_eq!(code, 2);
        for line in [
            "users.csv:3: the extension 201 belongs to anna already",
            "users.csv:4: telecommuter: cannot be understood",
            "users.csv:5: the caller ID +390299999999 is none of site.own_numbers",
            "users.csv:5: the extension 304 fits none of site.extensions",
            "nothing was changed",
        ] {
            assert!(message.contains(line), "{message}");
        }
    }
    assert_eq!(
        site.json(&["user", "list", "--json"]).as_array().unwrap().len(),
        1
    );
    file("user;extension;caller_id;voicemail\nanna;201;+390212345600;no\nbruno;202;+390212345600;yes\n");
    assert_eq!(
        site.ok(&["import-users", "users.csv", "--dry-run"]),
        "1 users are new, 1 are changed; nothing was done\n"
    );
    assert_eq!(
        site.ok(&["import-users", "users.csv"]),
        "1 users are new, 1 are changed\n"
    );
    let users = site.json(&["user", "list", "--json"]);
    assert_eq!(
        (&users[0]["voicemail"], &users[0]["telecommuter"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        (&users[1]["user"], &users[1]["extension"]),
        (&json!("bruno"), &json!("202"))
    );
    let said: Vec<_> = entries(&site)
        .into_iter()
        .map(|(action, subject, _)| (action, subject))
        .collect();
    assert_eq!(said[0], ("user_added".to_owned(), "bruno".to_owned()));
    assert_eq!(said[1], ("user_changed".to_owned(), "anna".to_owned()));
}
