//! `export` and `import`.

use super::Site;
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

#[test]
fn a_whole_site_moves_to_an_empty_store_and_nothing_differs_then() {
    let site = furnished();
    let said = site.ok(&["export", "site.toml"]);
    assert_eq!(said, "site.toml: 2 users, 1 telephones, 1 numbers, 1 groups\n");
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
    fs::write(site.path("empty.toml"), "version = 1\n").unwrap();
    let done = site.ok(&["import", "empty.toml", "--remove"]);
    assert!(done.ends_with("6 changes made\n"), "{done}");
    let exported = site.ok(&["export", "-"]);
    assert!(
        exported.ends_with("group = []\nuser = []\ndestination = []\ndevice = []\ndid = []\n"),
        "{exported}"
    );
}

#[test]
fn a_file_with_a_mistake_changes_nothing_and_says_where() {
    let site = furnished();
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
