//! `export` and `import`.

use super::Site;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row, SqlSafeStr};
use std::collections::BTreeMap;
use std::fs;

/// A site with something of everything.
fn furnished() -> Site {
    let site = Site::new();
    site.ok(&[
        "group",
        "add",
        "sales",
        "--restriction",
        "allow +44 Mon-Fri 09:00-18:00",
    ]);
    site.add_anna();
    site.told(
        &[
            "user",
            "set",
            "anna",
            "--group",
            "sales",
            "--email",
            "anna@example.org",
            "--voicemail-quota-s",
            "120",
            "--pin",
        ],
        "2580\n",
    );
    site.ok(&[
        "user",
        "add",
        "bruno",
        "--extension",
        "202",
        "--caller-id",
        "+390212345600",
    ]);
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
    site.ok(&["device", "add", "desk-201", "--owner", "anna", "--name", "Window"]);
    site.ok(&[
        "did",
        "add",
        "+390212345601",
        "--extension",
        "201",
        "--label",
        "Sales",
    ]);
    site
}

/// What [`furnished`] has, and everything else that can be set, each unlike what holds where nothing is set.
fn filled() -> Site {
    let site = furnished();
    site.ok(&[
        "site",
        "set",
        "--restriction",
        "allow +39",
        "--restriction",
        "allow +34",
        "--no-answer-s",
        "20",
        "--call-waiting",
        "off",
        "--voicemail-message-s",
        "60",
        "--voicemail-quota-s",
        "7000",
        "--call-recording",
        "permitted",
        "--time-zone",
        "America/New_York",
        "--account-codes",
        "required",
    ]);
    site.ok(&["account-code", "set", "1042", "--name", "Rossi"]);
    site.ok(&["account-code", "set", "999", "--name", "Neri", "--active", "off"]);
    site.ok(&[
        "user",
        "set",
        "anna",
        "--caller-name",
        "Bianchi SpA",
        "--call-waiting",
        "off",
        "--voicemail",
        "off",
        "--pick-up",
        "off",
        "--administrator",
        "on",
        "--language",
        "it",
        "--confirm",
        "on",
        "--dials-per-hour",
        "7",
        "--minutes-per-day",
        "90",
    ]);
    site.ok(&["device", "set", "desk-201", "--hot-desk", "on"]);
    site.ok(&[
        "did",
        "add",
        "+390212345602",
        "--extension",
        "202",
        "--trunk",
        "carrier",
    ]);
    super::external_directory::set(&site);
    treated(&site);
    site
}

/// What users set for themselves.
fn treated(site: &Site) {
    site.ok(&[
        "user",
        "calls",
        "set",
        "anna",
        "--no-answer-s",
        "25",
        "--voicemail",
        "off",
        "--call-waiting",
        "off",
        "--forward-always",
        "0287654322",
        "--forward-busy",
        "202",
        "--forward-no-answer",
        "0287654321",
        "--exception",
        "0299998888",
        "--exception",
        "202",
    ]);
    site.ok(&[
        "user",
        "profile",
        "set",
        "anna",
        "home",
        "--destination",
        "Home",
        "--confirm",
        "on",
        "--no-answer-s",
        "30",
        "--voicemail",
        "off",
        "--call-waiting",
        "off",
        "--do-not-disturb",
        "on",
        "--forward-always",
        "0287654322",
        "--forward-busy",
        "202",
        "--forward-no-answer",
        "0287654321",
    ]);
    site.ok(&[
        "user",
        "profile",
        "set",
        "anna",
        "on the train",
        "--place",
        "browser",
    ]);
    site.ok(&[
        "user",
        "schedule",
        "set",
        "anna",
        "--at",
        "Mon-Fri 09:00-18:00 home",
        "--at",
        "Fri,Sun 22:00-06:00 on the train",
    ]);
}

/// What an administrator can set, by table, without what says when and how often it was set.
const MOVED: [(&str, &[&str]); 12] = [
    ("account_codes", &[]),
    ("call_rules", &[]),
    ("call_settings", &[]),
    ("destinations", &["position"]),
    ("devices", &[]),
    ("dids", &[]),
    ("external_directory", &[]),
    ("groups", &[]),
    ("profiles", &[]),
    ("schedules", &["carried_out"]),
    ("site", &[]),
    ("users", &["treatment_version"]),
];
/// What becomes of a site by itself, what its users keep for themselves, and the store's own.
const KEPT: [&str; 18] = [
    "_sqlx_migrations",
    "audit",
    "bindings",
    "calls_up",
    "commands",
    "contact_books",
    "contacts",
    "destination_codes",
    "invitations",
    "legs_up",
    "logons",
    "messages",
    "meta",
    "modes",
    "presences",
    "probe",
    "record_legs",
    "records",
];

/// Every table of a store, every row of it with its columns.
fn tables(site: &Site) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let file = site.path("data").join("ponte.db");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let options = SqliteConnectOptions::new().filename(file);
        let mut connection = options.connect().await.unwrap();
        let names =
            sqlx::query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        let mut tables = BTreeMap::new();
        for name in names {
            let name: String = name.get(0);
            let columns = sqlx::query("SELECT name FROM pragma_table_info(?1)").bind(&name);
            let columns: Vec<String> = columns
                .fetch_all(&mut connection)
                .await
                .unwrap()
                .iter()
                .map(|row| row.get(0))
                .collect();
            let quoted: Vec<String> = columns
                .iter()
                .map(|column| format!("quote(\"{column}\")"))
                .collect();
            let statement = format!("SELECT {} FROM \"{name}\"", quoted.join(", "));
            let rows = sqlx::query(sqlx::AssertSqlSafe(statement).into_sql_str())
                .fetch_all(&mut connection)
                .await
                .unwrap();
            let fields = |row: &sqlx::sqlite::SqliteRow| {
                let values = (0..columns.len()).map(|place| row.get::<String, _>(place));
                columns.iter().cloned().zip(values).collect()
            };
            let mut rows: Vec<BTreeMap<String, String>> = rows.iter().map(fields).collect();
            rows.sort();
            tables.insert(name, rows);
        }
        connection.close().await.unwrap();
        tables
    })
}

#[test]
fn nothing_that_can_be_set_is_left_out() {
    let site = filled();
    let before = tables(&site);
    let known = |name: &str| MOVED.iter().any(|(moved, _)| *moved == name) || KEPT.contains(&name);
    for name in before.keys() {
        assert!(
            known(name),
            "is the table {name} part of the file? MOVED or KEPT says so"
        );
    }
    site.ok(&["export", "site.toml"]);
    let other = Site::new();
    fs::copy(site.path("site.toml"), other.path("site.toml")).unwrap();
    other.ok(&["import", "site.toml"]);
    let after = tables(&other);
    for (name, left_out) in MOVED {
        let rows = |tables: &BTreeMap<String, Vec<BTreeMap<String, String>>>| {
            let mut rows = tables[name].clone();
            for row in &mut rows {
                row.retain(|column, _| !left_out.contains(&column.as_str()));
            }
            rows
        };
        assert_eq!(rows(&after), rows(&before), "{name}");
        // What is set nowhere proves nothing.
        for column in rows(&before)[0].keys() {
            let set = rows(&before).iter().any(|row| row[column] != "NULL");
            assert!(set || column == "hold_music", "{name}.{column} is set in no row");
        }
    }
    assert_eq!(other.ok(&["export", "-"]), site.ok(&["export", "-"]));
    assert_eq!(
        other.ok(&["import", "site.toml", "--remove"]),
        "nothing is to be changed\n"
    );
}

#[test]
fn a_dry_run_shows_what_differs_of_every_kind() {
    let site = filled();
    site.ok(&["export", "site.toml"]);
    let exported = fs::read_to_string(site.path("site.toml")).unwrap();
    site.ok(&["site", "set", "--time-zone", "Europe/Rome"]);
    site.ok(&[
        "account-code",
        "set",
        "1042",
        "--name",
        "Rossi & Co",
        "--active",
        "off",
    ]);
    site.ok(&["account-code", "remove", "999"]);
    site.ok(&["account-code", "set", "2001", "--name", "Verdi"]);
    site.ok(&["group", "set", "sales", "--restriction", "allow +33"]);
    site.ok(&[
        "user",
        "calls",
        "set",
        "anna",
        "--no-answer-s",
        "5",
        "--forward-busy",
        "",
    ]);
    site.ok(&[
        "user",
        "profile",
        "set",
        "anna",
        "home",
        "--forward-busy",
        "",
        "--confirm",
        "destination",
    ]);
    site.ok(&["user", "profile", "remove", "anna", "on the train"]);
    site.ok(&["user", "schedule", "set", "anna", "--at", "Sat 10:00-12:00 home"]);
    site.ok(&["user", "calls", "set", "bruno", "--forward-always", "201"]);
    site.ok(&["device", "set", "desk-201", "--name", "Door"]);
    site.ok(&[
        "did",
        "set",
        "+390212345601",
        "--extension",
        "201",
        "--label",
        "Door",
    ]);
    let id = site.json(&["user", "destination", "list", "anna", "--json"])[0]["id"].clone();
    let id = id.as_str().unwrap();
    site.ok(&[
        "user",
        "destination",
        "set",
        "anna",
        id,
        "--label",
        "Hut",
        "--verified",
        "off",
    ]);
    let dry = site.ok(&["import", "site.toml", "--dry-run", "--remove"]);
    for said in [
        "~ settings of the site\n    time_zone: Europe/Rome -> America/New_York\n",
        "~ account code 1042\n    active: false -> true\n    name: Rossi & Co -> Rossi\n",
        "- account code 2001\n",
        "+ account code 999\n",
        "~ group sales\n    restrictions: allow +33 -> allow +44 Mon-Fri 09:00-18:00\n",
        "~ destination Home of anna\n    label: Hut -> Home\n    verified: false -> true\n",
        "~ call settings of anna\n    no_answer_ms: 5000 -> 25000\n",
        "~ forwarding of anna\n    busy: none -> 202\n",
        "- forwarding of bruno\n",
        "~ profile of anna home\n    busy: none -> 202\n    confirm: none -> true\n",
        "+ profile of anna on the train\n",
        "~ schedule of anna\n    entries: Sat 10:00-12:00 home -> Mon-Fri 09:00-18:00 home, \
         Fri,Sun 22:00-06:00 on the train\n",
        "~ telephone desk-201\n    name: Door -> Window\n",
        "~ number +390212345601\n    label: Door -> Sales\n",
        "14 changes to be made; nothing was changed\n",
    ] {
        assert!(dry.contains(said), "{dry}\nshould say: {said}");
    }
    site.ok(&["import", "site.toml", "--remove"]);
    assert_eq!(site.ok(&["export", "-"]), exported);
    let audit = site.json(&["audit", "--json"]).to_string();
    assert!(
        audit.contains("\"schedule\"") && !audit.contains("0287654321"),
        "{audit}"
    );
}

#[test]
fn a_whole_site_moves_to_an_empty_store_and_nothing_differs_then() {
    let site = furnished();
    let said = site.ok(&["export", "site.toml"]);
    assert_eq!(
        said,
        "site.toml: 2 users, 1 telephones, 1 numbers, 1 groups, 0 account codes\n"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(site.path("site.toml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let exported = fs::read_to_string(site.path("site.toml")).unwrap();
    assert!(exported.contains("voicemail_quota_s = 120"), "{exported}");
    assert_eq!(site.ok(&["export", "-"]), exported);
    assert_eq!(site.ok(&["import", "site.toml"]), "nothing is to be changed\n");

    let other = Site::new();
    fs::write(other.path("site.toml"), &exported).unwrap();
    let dry = other.ok(&["import", "site.toml", "--dry-run"]);
    assert!(
        dry.contains("+ user anna\n+ user bruno\n+ destination Home of anna\n"),
        "{dry}"
    );
    assert!(
        dry.ends_with("6 changes to be made; nothing was changed\n"),
        "{dry}"
    );
    assert_eq!(
        other.json(&["user", "list", "--json"]).as_array().unwrap().len(),
        0
    );
    let done = other.ok(&["import", "site.toml"]);
    assert!(done.ends_with("6 changes made\n"), "{done}");
    assert_eq!(other.ok(&["export", "-"]), exported);
}

#[test]
fn a_difference_is_named_field_by_field_without_secrets() {
    let site = furnished();
    site.ok(&["export", "site.toml"]);
    site.ok(&[
        "user",
        "set",
        "anna",
        "--telecommuter",
        "off",
        "--group",
        "",
        "--no-pin",
    ]);
    site.ok(&["device", "set", "desk-201", "--new-password"]);
    site.ok(&["did", "remove", "+390212345601"]);
    site.ok(&[
        "user",
        "add",
        "carla",
        "--extension",
        "203",
        "--caller-id",
        "+390212345600",
    ]);
    let dry = site.ok(&["import", "site.toml", "--dry-run"]);
    assert_eq!(
        dry,
        "~ user anna\n    group: none -> sales\n    pin_hash: another\n    telecommuter: false -> true\n  \
         user carla is not in the file, and is kept\n~ telephone desk-201\n    ha1_md5: another\n    \
         ha1_sha256: another\n+ number +390212345601\n3 changes to be made; nothing was changed\n"
    );
    site.ok(&["import", "site.toml"]);
    let left = site.ok(&["import", "site.toml", "--remove", "--dry-run"]);
    assert_eq!(left, "- user carla\n1 change to be made; nothing was changed\n");
    site.ok(&["import", "site.toml", "--remove"]);
    let exported = fs::read_to_string(site.path("site.toml")).unwrap();
    assert_eq!(site.ok(&["export", "-"]), exported);
}

#[test]
fn everything_may_be_removed_in_one_go() {
    let site = furnished();
    treated(&site);
    fs::write(site.path("empty.toml"), "version = 1\n").unwrap();
    let done = site.ok(&["import", "empty.toml", "--remove"]);
    assert!(done.ends_with("11 changes made\n"), "{done}");
    let exported = site.ok(&["export", "-"]);
    assert!(
        exported.ends_with(
            "group = []\nuser = []\ndestination = []\ncalls = []\nforwarding = []\nprofile = []\nschedule = []\n\
             device = []\ndid = []\n"
        ),
        "{exported}"
    );
}

#[test]
fn a_file_with_a_mistake_changes_nothing_and_says_where() {
    let site = furnished();
    treated(&site);
    site.ok(&["export", "site.toml"]);
    let good = fs::read_to_string(site.path("site.toml")).unwrap();
    let before = site.ok(&["export", "-"]);
    for (from, to, said) in [
        (
            "extension = \"202\"",
            "extension = \"201\"",
            "belongs to anna already",
        ),
        (
            "extension = \"202\"",
            "extension = \"901\"",
            "bruno: the extension 901 fits none of site.extensions",
        ),
        (
            "extension = \"202\"",
            "extention = \"202\"",
            "unknown field `extention`",
        ),
        ("version = 1", "version = 2", "has the form 2"),
        (
            "allow +44",
            "permit +44",
            "restrictions: a rule is `allow` or `deny`",
        ),
        (
            "group = \"sales\"\nrestrictions = [\"deny",
            "group = \"none\"\nrestrictions = [\"deny",
            "the file has no group none",
        ),
        ("owner = \"anna\"", "owner = \"carla\"", "there is no user carla"),
        ("user = \"bruno\"", "user = \"anna\"", "stands here twice"),
        (
            "ha1_md5 = \"",
            "ha1_md5 = \"X",
            "32 lower-case hexadecimal digits",
        ),
        (
            "email = \"anna@example.org\"",
            "email = \"anna\"",
            "anna: email: an e-mail address",
        ),
        (
            "no_answer_ms = 30000",
            "no_answer_ms = 3",
            "no_answer_ms: 5000 to 120000",
        ),
        (
            "place = \"browser\"",
            "place = \"moon\"",
            "unknown variant `moon`",
        ),
        ("-18:00 home", "-18:00 attic", "anna: there is no profile 'attic'"),
        ("Mon-Fri 09:00-18:00 home", "Mon-Fri home", "anna: entries: "),
        ("busy = \"202\"", "busy = \"nobody\"", "TOML parse error"),
    ] {
        assert!(good.contains(from), "{from}\n{good}");
        // Something else differs too, and must not be changed alone.
        let bad = good.replace(from, to).replace("Window", "Door");
        fs::write(site.path("bad.toml"), bad).unwrap();
        let (code, message) = site.fails(&["import", "bad.toml"]);
        assert!(
            code == 2 && message.contains(said),
            "{message}\nshould say: {said}"
        );
        assert_eq!(site.ok(&["export", "-"]), before, "{said}");
    }
    fs::write(site.path("bad.toml"), format!("{good}\nthis is no TOML")).unwrap();
    let (code, message) = site.fails(&["import", "bad.toml"]);
    assert!(
        code == 2 && message.starts_with("bad.toml: TOML parse error at line "),
        "{message}"
    );
    assert_eq!(site.fails(&["import", "nowhere.toml"]).0, 2);
}
