//! `user calls`, `user profile`, `user schedule`.

use super::Site;
use serde_json::json;

#[test]
fn calls_to_a_user_are_treated_as_the_site_says_until_something_is_set() {
    let site = Site::new();
    site.add_anna();
    let shown = || site.json(&["user", "calls", "show", "anna", "--json"]);
    site.ok(&["site", "set", "--no-answer-s", "22"]);
    assert_eq!(
        shown(),
        json!({
            "settings": {"no_answer_ms": 22_000, "voicemail": true, "call_waiting": true},
            "rules": {"forwarding": {}, "exceptions": []},
        })
    );
    let set = ["user", "calls", "set", "anna"];
    site.ok(&[
        &set[..],
        &[
            "--voicemail",
            "off",
            "--forward-busy",
            "202",
            "--exception",
            "0287654321",
        ],
    ]
    .concat());
    site.ok(&[&set[..], &["--forward-no-answer", "0287654321"]].concat());
    assert_eq!(
        shown(),
        json!({
            "settings": {"no_answer_ms": 22_000, "voicemail": false, "call_waiting": true},
            "rules": {
                "forwarding": {"busy": "202", "no_answer": "0287654321"},
                "exceptions": ["0287654321"],
            },
        })
    );
    let text = site.ok(&["user", "calls", "show", "anna"]);
    assert!(text.contains("busy: 202, no answer: 0287654321"), "{text}");
    site.ok(&[&set[..], &["--exception", "", "--forward-busy", ""]].concat());
    assert_eq!(
        shown()["rules"],
        json!({"forwarding": {"no_answer": "0287654321"}, "exceptions": []})
    );
    // What is set nowhere else goes on following the site.
    site.ok(&["user", "calls", "reset", "anna"]);
    site.ok(&["site", "set", "--no-answer-s", "23"]);
    assert_eq!(shown()["settings"]["no_answer_ms"], 23_000);
    assert_eq!(shown()["rules"], json!({"forwarding": {}, "exceptions": []}));
}

#[test]
fn calls_are_forwarded_only_where_the_user_may_call() {
    let site = Site::new();
    site.add_anna();
    for (number, said) in [
        ("112", "emergency"),
        ("201", "this site"),
        ("0033140205050", "not allowed"),
        ("*11", "number"),
    ] {
        let (code, message) = site.fails(&["user", "calls", "set", "anna", "--forward-always", number]);
        assert!(code != 0 && message.contains("cannot be forwarded"), "{message}");
        assert!(
            message.to_lowercase().contains(said),
            "{message}\nshould say: {said}"
        );
    }
    assert_eq!(
        site.json(&["user", "calls", "show", "anna", "--json"])["rules"]["forwarding"],
        json!({})
    );
    let (code, message) = site.fails(&["user", "calls", "set", "carla", "--voicemail", "off"]);
    assert!(
        code == 2 && message.contains("there is no user carla"),
        "{message}"
    );
}

#[test]
fn profiles_and_a_schedule_of_them_are_set() {
    let site = Site::new();
    site.add_anna();
    site.ok(&[
        "user",
        "destination",
        "add",
        "anna",
        "--label",
        "Hut",
        "--number",
        "0287654321",
    ]);
    let profiles = || site.json(&["user", "profile", "list", "anna", "--json"]);
    assert_eq!(profiles().as_array().unwrap().len(), 3, "the built-in ones");
    site.ok(&[
        "user",
        "profile",
        "set",
        "anna",
        "home",
        "--destination",
        "Hut",
        "--no-answer-s",
        "40",
    ]);
    site.ok(&[
        "user",
        "profile",
        "set",
        "anna",
        "train",
        "--place",
        "browser",
        "--do-not-disturb",
        "on",
    ]);
    let list = profiles();
    assert_eq!(list[1]["name"], "home");
    assert_eq!(list[1]["place"]["type"], "telephone");
    assert!(list[1]["place"]["destination"].is_string());
    assert_eq!(list[1]["settings"]["no_answer_ms"], 40_000);
    assert_eq!(list[3]["place"], json!({"type": "browser"}));
    assert_eq!(list[3]["do_not_disturb"], true);
    let text = site.ok(&["user", "profile", "list", "anna"]);
    assert!(text.contains("Hut") && text.contains("browser"), "{text}");

    let (_, message) = site.fails(&["user", "profile", "set", "anna", "home", "--destination", "Barn"]);
    assert!(message.contains("no telephone 'Barn'"), "{message}");
    let (_, message) = site.fails(&[
        "user",
        "schedule",
        "set",
        "anna",
        "--at",
        "Mon-Fri 09:00-18:00 attic",
    ]);
    assert!(message.contains("there is no profile 'attic'"), "{message}");
    site.fails(&[
        "user",
        "schedule",
        "set",
        "anna",
        "--at",
        "Someday 09:00-18:00 home",
    ]);

    site.ok(&[
        "user",
        "schedule",
        "set",
        "anna",
        "--at",
        "Mon-Fri 09:00-18:00 home",
        "--at",
        "Sat 08:00-12:00 train",
    ]);
    let schedule = || site.json(&["user", "schedule", "show", "anna", "--json"]);
    assert_eq!(
        schedule(),
        json!(["Mon-Fri 09:00-18:00 home", "Sat 08:00-12:00 train"])
    );
    site.ok(&["user", "profile", "remove", "anna", "train"]);
    assert_eq!(
        schedule(),
        json!(["Mon-Fri 09:00-18:00 home"]),
        "nobody can be switched to it"
    );
    site.ok(&["user", "profile", "remove", "anna", "home"]);
    assert_eq!(
        profiles()[1]["place"],
        json!({"type": "telephone"}),
        "as at first"
    );
    assert_eq!(
        schedule(),
        json!(["Mon-Fri 09:00-18:00 home"]),
        "a built-in one stays"
    );
    site.ok(&["user", "schedule", "set", "anna", "--at", ""]);
    assert_eq!(schedule(), json!([]));
    site.fails(&["user", "profile", "remove", "anna", "train"]);
}
