//! Telephones, numbers, groups, rights, and telephones elsewhere.

use super::{CONFIG, Site};
use ponte_gateway::store::{DeviceSecret, PinHash};
use serde_json::json;
use std::fs;

#[test]
fn a_telephone_is_added_with_a_password_that_is_shown_once() {
    let site = Site::new();
    site.add_anna();
    let added = site.json(&[
        "device", "add", "Desk-201", "--owner", "anna", "--name", "Window", "--json",
    ]);
    let password = added["password"].as_str().unwrap().to_owned();
    assert_eq!(
        (added["username"].as_str(), added["realm"].as_str()),
        (Some("desk-201"), Some("milano"))
    );
    assert!(password.len() >= 20, "{password}");
    let device = "desk-201".parse().unwrap();
    let kept = site.store(async |store| store.device(&device).await.unwrap().unwrap());
    assert_eq!(kept.secret, DeviceSecret::new(&device, "milano", &password));
    assert!(kept.owner.is_some() && !kept.hot_desk);
    for path in fs::read_dir(site.path("data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let bytes = if path.is_file() {
            fs::read(path).unwrap()
        } else {
            Vec::new()
        };
        assert!(
            !bytes
                .windows(password.len())
                .any(|window| window == password.as_bytes())
        );
    }

    let text = site.ok(&["device", "add", "lobby", "--hot-desk", "on"]);
    assert!(
        text.starts_with("lobby is added\nuser name  lobby\npassword   "),
        "{text}"
    );
    let list = site.json(&["device", "list", "--json"]);
    assert!(
        !list.to_string().contains("ha1") && !list.to_string().contains("password\":"),
        "{list}"
    );
    assert_eq!(list[0]["logged_on"], "anna");
    assert_eq!(
        (&list[1]["owner"], &list[1]["hot_desk"]),
        (&json!(null), &json!(true))
    );
    assert!(site.ok(&["device", "list"]).contains("Window  anna   anna"));

    site.ok(&["device", "set", "desk-201", "--owner", "", "--hot-desk", "on"]);
    let changed = site.store(async |store| store.device(&device).await.unwrap().unwrap());
    assert!(changed.owner.is_none() && changed.hot_desk && changed.name == "Window");
    assert_eq!(changed.secret, kept.secret);
    let again = site.json(&["device", "set", "desk-201", "--new-password", "--json"]);
    assert_ne!(again["password"], added["password"]);
    site.ok(&["device", "remove", "desk-201"]);
    assert_eq!(
        site.json(&["device", "list", "--json"]).as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_password_may_come_from_standard_input_and_is_not_shown() {
    let site = Site::new();
    let told = site.told(&["device", "add", "lobby", "--password-stdin"], "correct horse\n");
    assert_eq!(told, "lobby is added\n");
    let device = "lobby".parse().unwrap();
    let kept = site.store(async |store| store.device(&device).await.unwrap().unwrap());
    assert_eq!(kept.secret, DeviceSecret::new(&device, "milano", "correct horse"));
    for weak in ["", "short\n", "naïve password\n"] {
        let output = site.with_input(&["device", "set", "lobby", "--password-stdin"], weak);
        assert_eq!(output.status.code(), Some(2), "{weak:?}");
    }
}

#[test]
fn passwords_of_another_realm_are_pointed_out() {
    let site = Site::new();
    site.ok(&["device", "add", "lobby"]);
    fs::write(
        site.path("ponte.toml"),
        format!("{CONFIG}\n[registrar]\nrealm = \"other\"\n"),
    )
    .unwrap();
    let output = site.command(&["device", "list"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("device set lobby --new-password"),
        "{said}"
    );
    assert_eq!(
        site.json(&["device", "list", "--json"])[0]["password_valid"],
        false
    );
}

#[test]
fn a_number_reaches_an_extension() {
    let site = Site::new();
    site.add_anna();
    let add =
        |number: &'static str, extension: &'static str| ["did", "add", number, "--extension", extension];
    assert_eq!(
        site.ok(&add("+390212345601", "201")),
        "+390212345601 reaches 201, anna\n"
    );
    assert!(
        site.ok(&add("+390212345602", "202"))
            .contains("which no user has yet")
    );
    site.ok(&[
        "did",
        "set",
        "+390212345602",
        "--extension",
        "203",
        "--label",
        "Sales",
        "--trunk",
        "carrier",
    ]);
    let list = site.json(&["did", "list", "--json"]);
    assert_eq!(
        (&list[0]["user"], &list[1]["user"]),
        (&json!("anna"), &json!(null))
    );
    assert_eq!(
        (&list[1]["label"], &list[1]["trunk"]),
        (&json!("Sales"), &json!("carrier"))
    );
    let explained = site.ok(&["explain", "--user", "anna", "--dial", "0212345601"]);
    assert!(explained.contains("the extension 201"), "{explained}");

    for (arguments, said) in [
        (add("+390212345601", "202").to_vec(), "reaches 201 already"),
        (add("+390212345603", "301").to_vec(), "none of site.extensions"),
        (add("0212345603", "201").to_vec(), "invalid value"),
        (vec!["did", "remove", "+390212345609"], "there is no number"),
        (
            vec!["did", "set", "+390212345609", "--extension", "201"],
            "there is no number",
        ),
        (
            vec![
                "did",
                "add",
                "+390212345604",
                "--extension",
                "201",
                "--trunk",
                "other",
            ],
            "the configuration has carrier",
        ),
    ] {
        let (code, message) = site.fails(&arguments);
        assert!(
            code == 2 && message.contains(said),
            "{message}\nshould say: {said}"
        );
    }
    site.ok(&["did", "remove", "+390212345602"]);
    assert_eq!(site.json(&["did", "list", "--json"]).as_array().unwrap().len(), 1);
}

#[test]
fn numbers_of_a_trunk_are_listed_and_the_stores_go_before() {
    let site = Site::new();
    let config = CONFIG.replace(
        "address = \"192.0.2.1\"",
        "address = \"192.0.2.1\"\ndids = [\"+390212345601 = 201\", \"+390212345602 = 202\"]",
    );
    fs::write(site.path("ponte.toml"), config).unwrap();
    site.ok(&["did", "add", "+390212345602", "--extension", "203"]);
    let list = site.json(&["did", "list", "--json"]);
    let shown: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["extension"].as_str().unwrap(), row["from"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [("201", "configuration"), ("203", "store")]);
    let (code, message) = {
        let bad = CONFIG.replace(
            "address = \"192.0.2.1\"",
            "address = \"192.0.2.1\"\ndids = [\"201\"]",
        );
        fs::write(site.path("bad.toml"), bad).unwrap();
        site.fails(&["check-config", "bad.toml"])
    };
    assert!(
        code == 2 && message.starts_with("bad.toml:11:9: trunk.carrier.dids: "),
        "{message}"
    );
}

#[test]
fn t04_the_rules_of_a_group_come_between_the_users_and_the_sites() {
    let site = Site::new();
    site.add_anna();
    site.ok(&[
        "group",
        "add",
        "sales",
        "--restriction",
        "deny +4420",
        "--restriction",
        "allow +1",
    ]);
    site.ok(&["user", "set", "anna", "--group", "sales"]);
    let explain = |dial: &str| {
        let told = site.json(&["explain", "--user", "anna", "--dial", dial, "--json"]);
        (
            told["allowed"].as_bool().unwrap(),
            told["rule_of"].as_str().map(str::to_owned),
        )
    };
    let of = |owner: &str| Some(owner.to_owned());
    assert_eq!(explain("+442079460018"), (true, of("user")));
    assert_eq!(explain("+12024561111"), (true, of("group")));
    assert_eq!(explain("0287654321"), (true, of("site")));
    assert_eq!(explain("+81312345678"), (false, None));
    site.ok(&["user", "set", "anna", "--restriction", ""]);
    assert_eq!(explain("+442079460018"), (false, of("group")));
    assert!(
        site.ok(&["user", "show", "anna"])
            .contains("rule of the group  deny +4420")
    );
    assert_eq!(
        site.json(&["group", "list", "--json"]),
        json!([{ "group": "sales", "restrictions": ["deny +4420", "allow +1"], "users": ["anna"] }])
    );

    let (code, message) = site.fails(&["group", "remove", "sales"]);
    assert!(code == 2 && message.contains("has users: anna"), "{message}");
    assert_eq!(site.fails(&["user", "set", "anna", "--group", "nobody"]).0, 2);
    assert_eq!(site.fails(&["group", "add", "sales"]).0, 2);
    assert_eq!(site.fails(&["group", "set", "nobody", "--restriction", ""]).0, 2);
    site.ok(&["group", "set", "sales", "--restriction", ""]);
    assert_eq!(explain("+12024561111"), (false, None));
    site.ok(&["user", "set", "anna", "--group", ""]);
    site.ok(&["group", "remove", "sales"]);
    assert_eq!(site.json(&["group", "list", "--json"]), json!([]));
}

#[test]
fn rights_pin_and_address_of_a_user_are_set() {
    let site = Site::new();
    site.add_anna();
    let show = || site.json(&["user", "show", "anna", "--json"]);
    let at_first = show();
    for (field, value) in [
        ("call_waiting", json!(true)),
        ("voicemail", json!(true)),
        ("administrator", json!(false)),
        ("pin", json!(false)),
        ("email", json!(null)),
    ] {
        assert_eq!(at_first[field], value, "{field}");
    }
    let told = site.told(
        &[
            "user",
            "set",
            "anna",
            "--call-waiting",
            "off",
            "--voicemail",
            "off",
            "--administrator",
            "on",
            "--email",
            "anna@example.org",
            "--pin",
        ],
        "2580\n",
    );
    assert_eq!(told, "anna is changed\n");
    let changed = show();
    assert_eq!(
        (&changed["call_waiting"], &changed["voicemail"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(
        (&changed["administrator"], &changed["pin"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(changed["email"], "anna@example.org");
    let anna = "anna".parse().unwrap();
    let row = site.store(async |store| store.user(&anna).await.unwrap().unwrap());
    assert!(PinHash::verify(row.pin.as_ref(), "2580"));

    for pin in ["1234\n", "12\n", "25a0\n", ""] {
        let output = site.with_input(&["user", "set", "anna", "--pin"], pin);
        assert_eq!(output.status.code(), Some(2), "{pin:?}");
    }
    assert_eq!(site.fails(&["user", "set", "anna", "--email", "anna"]).0, 2);
    assert_eq!(
        site.fails(&["user", "set", "anna", "--caller-name", "A\r\nB"]).0,
        2
    );
    site.ok(&["user", "set", "anna", "--no-pin", "--email", ""]);
    assert_eq!((&show()["pin"], &show()["email"]), (&json!(false), &json!(null)));
}

#[test]
fn t02_a_telephone_that_the_administrator_vouches_for_counts_as_verified() {
    let site = Site::new();
    site.add_anna();
    let anna = "anna".parse().unwrap();
    let before = site.store(async |store| store.versions().await.unwrap());
    let add = |number: &'static str| {
        [
            "user",
            "destination",
            "add",
            "anna",
            "--label",
            "Mobile",
            "--number",
            number,
        ]
    };
    assert_eq!(
        site.ok(&add("333 1234567")),
        "anna can be called at +393331234567\n"
    );
    let (after, saved) = site.store(async |store| {
        (
            store.versions().await.unwrap(),
            store.destinations(&anna).await.unwrap(),
        )
    });
    assert!(after.users > before.users, "a running gateway is told");
    assert!(saved[0].verified && saved[0].confirm, "{saved:?}");
    for (number, said) in [
        ("112", "emergency"),
        ("201", "belongs to this site"),
        ("+390212345601", "belongs to this site"),
        ("+81312345678", "explain --user anna --dial +81312345678"),
        ("*97", "no valid telephone number"),
    ] {
        let (code, message) = site.fails(&add(number));
        assert!(
            code == 2 && message.contains(said),
            "{message}\nshould say: {said}"
        );
    }
    let list = site.json(&["user", "destination", "list", "anna", "--json"]);
    let id = list[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(site.fails(&["user", "destination", "remove", "bruno", &id]).0, 2);
    site.ok(&["user", "destination", "remove", "anna", &id]);
    assert_eq!(
        site.json(&["user", "destination", "list", "anna", "--json"]),
        json!([])
    );
}

#[test]
fn a_pin_does_not_show_at_a_terminal() {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    let site = Site::new();
    site.ok(&[
        "user",
        "add",
        "anna",
        "--extension",
        "201",
        "--caller-id",
        "+390212345601",
    ]);
    // `script` (Debian: bsdutils) is the terminal.
    let gateway = env!("CARGO_BIN_EXE_ponte-gateway");
    let mut terminal = Command::new("script")
        .args(["-qec", &format!("{gateway} user set anna --pin"), "/dev/null"])
        .current_dir(site.path("."))
        .env("SITE_KEY", "ab".repeat(32))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut screen = terminal.stdout.take().unwrap();
    let mut shown = Vec::new();
    while !shown.ends_with(b"PIN: ") {
        let mut byte = [0];
        screen.read_exact(&mut byte).unwrap();
        shown.push(byte[0]);
    }
    // The prompt stands a moment before the echo is off; people are slower.
    std::thread::sleep(std::time::Duration::from_secs(1));
    terminal.stdin.as_mut().unwrap().write_all(b"2580\n").unwrap();
    screen.read_to_end(&mut shown).unwrap();
    assert!(terminal.wait().unwrap().success());
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("anna is changed"), "{shown}");
    assert!(!shown.contains("2580"), "{shown}");
    let anna = "anna".parse().unwrap();
    let row = site.store(async |store| store.user(&anna).await.unwrap().unwrap());
    assert!(PinHash::verify(row.pin.as_ref(), "2580"));
}
