//! `directory …`: how a directory elsewhere is asked, and its password, which is shown nowhere.

use super::Site;
use std::fs;

const SECRET: &str = "directory-secret";

/// Sets everything that can be set, each unlike what holds where nothing is.
pub fn set(site: &Site) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["ldap.example.com".into()]).unwrap();
    fs::write(site.path("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    site.told(
        &[
            "directory",
            "set",
            "--password",
            "--name",
            "Clients",
            "--url",
            "ldap://ldap.example.com:3389",
            "--start-tls",
            "on",
            "--ca-file",
            "ca.pem",
            "--bind-dn",
            "cn=ponte,dc=example,dc=com",
            "--base-dn",
            "ou=people,dc=example,dc=com",
            "--filter",
            "(objectClass=inetOrgPerson)",
            "--search",
            "cn,o",
            "--names",
            "cn",
            "--numbers",
            "telephoneNumber=work,pager",
            "--mail",
            "rfc822Mailbox",
            "--organisation",
            "company",
            "--limit",
            "20",
            "--timeout-ms",
            "1500",
            "--names-on-calls",
            "off",
        ],
        &format!("{SECRET}\n"),
    );
}

#[test]
fn what_is_set_is_shown_and_the_password_is_not() {
    let site = Site::new();
    assert_eq!(
        site.ok(&["directory", "show"]),
        "there is no external directory\n"
    );
    set(&site);
    let shown = site.ok(&["directory", "show"]);
    for part in [
        "ldap://ldap.example.com:3389",
        "telephoneNumber=work,pager",
        "1 of its own",
        "1500 ms",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json = site.json(&["directory", "show", "--json"]);
    assert_eq!(json["numbers"][1]["attribute"], "pager");
    site.ok(&["directory", "set", "--limit", "30"]);
    let audit = site.ok(&["audit"]);
    assert!(
        audit.contains("directory_added") && audit.contains("limit"),
        "{audit}"
    );
    for told in [shown, json.to_string(), audit] {
        assert!(!told.contains(SECRET), "{told}");
    }
    site.ok(&["directory", "remove"]);
    assert_eq!(
        site.ok(&["directory", "show"]),
        "there is no external directory\n"
    );
}

#[test]
fn a_password_goes_to_no_other_server_and_mistakes_change_nothing() {
    let site = Site::new();
    set(&site);
    let before = site.ok(&["export", "-"]);
    for (arguments, reason) in [
        (["--url", "ldap://elsewhere.example.com"], "password"),
        (["--bind-dn", "cn=other"], "password"),
        (["--start-tls", "off"], "password"),
        (["--url", "http://ldap.example.com"], "password"),
        (["--filter", "(cn=*"], "filter"),
        (["--limit", "0"], "limit"),
        (["--names", "cn)(uid"], "names"),
    ] {
        let mut command = vec!["directory", "set"];
        command.extend(arguments);
        let (_, said) = site.fails(&command);
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
    assert_eq!(site.ok(&["export", "-"]), before);
    let url = [
        "directory",
        "set",
        "--password",
        "--url",
        "ldap://elsewhere.example.com",
    ];
    site.told(&url, "another-secret\n");
    site.told(&["directory", "set", "--no-password", "--bind-dn", ""], "");
    assert!(!site.ok(&["export", "-"]).contains("secret"));
}

#[test]
fn a_dry_run_names_what_differs_and_not_the_password() {
    let site = Site::new();
    set(&site);
    site.ok(&["export", "site.toml"]);
    let text = fs::read_to_string(site.path("site.toml")).unwrap();
    let other = text
        .replace(SECRET, "another-secret")
        .replace("limit = 20", "limit = 21");
    fs::write(site.path("site.toml"), other).unwrap();
    let said = site.ok(&["import", "site.toml", "--dry-run"]);
    assert!(
        said.contains("~ external directory") && said.contains("limit: 20 -> 21"),
        "{said}"
    );
    assert!(
        said.contains("bind_password: another") && !said.contains("secret"),
        "{said}"
    );
    site.ok(&["import", "site.toml"]);
    assert!(site.ok(&["export", "-"]).contains("another-secret"));
    assert!(!site.ok(&["audit"]).contains("another-secret"));
    let wrong = text.replace("limit = 20", "limit = 0");
    fs::write(site.path("site.toml"), wrong).unwrap();
    let (code, said) = site.fails(&["import", "site.toml"]);
    assert!(code != 0 && said.contains("limit"), "{said}");
}
