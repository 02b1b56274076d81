//! What the configuration accepts, and how it says what it does not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod networks;
mod settings;
mod wrong;

use ponte_call_core::Timeouts;
use ponte_gateway::config::{
    Config, ConfigError, EXAMPLE, FeatureCodes, ForwardedBy, HoldSignal, NumberFormat, OwnNumbers, Problem,
};
use ponte_gateway::numbers::rule_text;
use ponte_sip::Transport;
use ponte_sip::digest::Algorithm;
use std::fs;
use std::path::Path;
use std::time::Duration;

const SMALLEST: &str = r#"
[site]
name = "milano"
country = "IT"

[[trunk]]
name = "carrier"
address = "sip.carrier.example"
"#;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/ponte/ponte.toml"), &|name| {
        (name == "SECRET").then(|| "from the environment".to_owned())
    })
}

fn problems(text: &str) -> Vec<Problem> {
    match parse(text) {
        Err(ConfigError::Invalid { problems, .. }) => problems,
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}

/// The problems as `line:column setting: reason`.
fn told(text: &str) -> Vec<String> {
    problems(text)
        .into_iter()
        .map(|problem| {
            format!(
                "{}:{} {}: {}",
                problem.line, problem.column, problem.setting, problem.reason
            )
        })
        .collect()
}

#[test]
fn the_smallest_file_has_sensible_defaults() {
    let config = parse(SMALLEST).unwrap();
    assert_eq!(config.site.country, "IT");
    assert_eq!(config.site.language, "it");
    assert_eq!(config.site.emergency_numbers, ["112", "113", "115", "118"]);
    let rules: Vec<_> = config.site.default_restrictions.iter().map(rule_text).collect();
    assert_eq!(rules, ["allow +39"]);
    assert_eq!(config.sip.udp, ["127.0.0.1:5060".parse().unwrap()]);
    assert_eq!(config.sip.tcp, config.sip.udp);
    assert_eq!(config.sip.session_expires, Some(Duration::from_mins(30)));
    assert!(config.media.bind_ip.is_loopback());
    assert_eq!(config.media.hold_music, ponte_media::HoldMusic::Own);
    assert_eq!(
        (config.media.ports.first, config.media.ports.last),
        (40_000, 49_999)
    );
    let trunk = &config.trunks[0];
    assert_eq!(
        (trunk.host.as_str(), trunk.port, trunk.transport),
        ("sip.carrier.example", 5060, Transport::Udp)
    );
    assert_eq!(trunk.from_domain, "sip.carrier.example");
    assert!(trunk.credentials.is_none() && trunk.register.is_none());
    assert_eq!(trunk.keep_alive, Some(Duration::from_secs(30)));
    assert_eq!(trunk.number_format, NumberFormat::E164);
    assert!(!trunk.passes_caller_id && !trunk.trusts_identity && trunk.dids.is_empty());
    assert_eq!(trunk.forwarded_by, ForwardedBy::Diversion);
    assert_eq!(
        (trunk.hold, config.registrar.hold),
        (HoldSignal::Played, HoldSignal::Played)
    );
    assert_eq!(config.registrar.realm, "milano");
    assert_eq!(config.registrar.digest, [Algorithm::Md5]);
    assert_eq!(
        (config.registrar.min_expires, config.registrar.max_expires),
        (Duration::from_mins(1), Duration::from_hours(1))
    );
    assert_eq!(
        (config.voicemail.quota_s, config.voicemail.quota_messages),
        (3_600, 200)
    );
    assert_eq!(config.voicemail.longest, Duration::from_mins(3));
    assert_eq!(config.voicemail.folder, config.store.data_folder);
    assert_eq!(config.features, FeatureCodes::default());
    assert!(config.edge.is_none() && config.metrics.is_none());
    assert_eq!(config.store.data_folder, Path::new("/etc/ponte/data"));
    assert_eq!(config.store.record_days, 400);
    assert_eq!(config.timeouts, Timeouts::default());
    assert!(!config.log.json);
}

#[test]
fn everything_that_can_be_set_is_read() {
    let key = "0123456789abcdef".repeat(4);
    let text = format!(
        r#"
[site]
name = "Torino"
country = "fr"
language = "en"
tone_country = "de"
own_numbers = ["+33140000000", "+33150000000..+33150000099", "+3316*"]
extensions = ["2xx", "3000"]
emergency_numbers = ["15", "17", "18", "112"]
default_restrictions = ["deny +33899", "allow +33"]
time_zone = "Europe/Paris"
[store]
data_folder = "/var/lib/ponte"
record_days = 30
[sip]
udp = ["0.0.0.0:5060", "[::1]:5070"]
tcp = []
advertised_ip = "203.0.113.10"
user_agent = "Centralino"
session_expires_s = 0
[media]
bind_ip = "0.0.0.0"
advertised_ip = "203.0.113.10"
ports = "20000-20999"
threads = 2
hold_music = "tone"
[[trunk]]
name = "first"
address = "[2001:db8::1]:5080"
transport = "tcp"
username = "milano"
password_env = "SECRET"
realm = "carrier"
from_domain = "example.org"
register = true
register_expires_s = 120
keep_alive_s = 0
max_legs = 30
number_format = "plain"
passes_caller_id = true
trusts_identity = true
forwarded_by = "history-info"
hold = "signalled"
dids = ["+33140000000 = 201", "+33140000001=202"]
[registrar]
realm = "ponte.example.org"
min_expires_s = 300
max_expires_s = 300
digest = ["sha-256", "md5"]
hold = "signalled"
[features]
log_on = "*51"
log_off = ""
leave = "*53"
account_code = "*55"
[voicemail]
quota_seconds = 600
quota_messages = 20
message_seconds = 60
folder = "/var/spool/ponte"
[[trunk]]
name = "second"
address = "192.0.2.1"
[edge]
url = "wss://ponte.example.org"
key = "{key}"
[metrics]
listen = "192.0.2.9:9090"
allow_remote = true
[timeouts]
confirm_ms = 15000
[log]
level = "warn,ponte_sip=debug"
format = "json"
"#
    );
    let config = parse(&text).unwrap();
    assert_eq!(config.site.name.as_str(), "torino");
    assert_eq!(config.site.country, "FR");
    assert_eq!(
        config.site.own_numbers,
        [
            OwnNumbers::Single("+33140000000".parse().unwrap()),
            OwnNumbers::Range {
                first: "+33150000000".parse().unwrap(),
                last: "+33150000099".parse().unwrap()
            },
            OwnNumbers::Prefix("+3316".to_owned()),
        ]
    );
    assert_eq!(config.store.data_folder, Path::new("/var/lib/ponte"));
    assert!(config.sip.tcp.is_empty() && config.sip.session_expires.is_none());
    assert_eq!(
        config.media.advertised_ip,
        "203.0.113.10".parse::<std::net::IpAddr>().unwrap()
    );
    assert_eq!(config.media.hold_music, ponte_media::HoldMusic::Tone);
    let names: Vec<_> = config.trunks.iter().map(|trunk| trunk.id.0.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    let first = &config.trunks[0];
    let credentials = first.credentials.as_ref().unwrap();
    assert_eq!(
        (
            credentials.username.as_str(),
            credentials.password.as_str(),
            credentials.realm.as_deref()
        ),
        ("milano", "from the environment", Some("carrier"))
    );
    assert_eq!((first.host.as_str(), first.port), ("2001:db8::1", 5080));
    assert_eq!(first.register.unwrap().expires, Duration::from_mins(2));
    assert_eq!((first.keep_alive, first.max_legs), (None, Some(30)));
    assert_eq!(first.switch_config().max_legs, Some(30));
    assert!(first.switch_config().passes_caller_id && first.trusts_identity);
    assert_eq!(first.forwarded_by, ForwardedBy::HistoryInfo);
    let holds = (first.hold, config.trunks[1].hold, config.registrar.hold);
    assert_eq!(
        holds,
        (HoldSignal::Signalled, HoldSignal::Played, HoldSignal::Signalled)
    );
    assert_eq!(config.site.time_zone.iana_name(), Some("Europe/Paris"));
    let dids: Vec<_> = first
        .dids
        .iter()
        .map(|did| (did.number.as_str(), did.extension.as_str(), did.trunk.as_ref()))
        .collect();
    assert_eq!(
        dids,
        [
            ("+33140000000", "201", Some(&first.id)),
            ("+33140000001", "202", Some(&first.id))
        ]
    );
    assert_eq!(config.registrar.realm, "ponte.example.org");
    assert_eq!(config.registrar.max_expires, Duration::from_mins(5));
    let accounts = config.registrar.accounts([7; 32]);
    assert_eq!(accounts.algorithms, [Algorithm::Sha256, Algorithm::Md5]);
    assert_eq!((accounts.min_expires, accounts.max_expires), (300, 300));
    let features = &config.features;
    assert_eq!(
        (
            features.log_on.as_deref(),
            &features.log_off,
            features.leave.as_deref(),
            features.voicemail.as_deref(),
            features.account_code.as_deref()
        ),
        (Some("*51"), &None, Some("*53"), Some("*97"), Some("*55"))
    );
    assert_eq!(config.voicemail.folder, Path::new("/var/spool/ponte"));
    assert_eq!((config.voicemail.quota_s, config.timeouts.message), (600, 60_000));
    assert_eq!(config.voicemail.quota_messages, 20);
    let edge = config.edge.unwrap();
    assert_eq!(edge.url, "wss://ponte.example.org/link");
    assert_eq!(edge.portal_url, "https://ponte.example.org");
    assert_eq!(hex::encode(edge.key.as_bytes()), key);
    assert_eq!(config.timeouts.confirm, 15_000);
    assert!(config.log.json);
}

#[test]
fn all_problems_are_told_at_once_with_line_column_and_reason() {
    let text = r#"[site]
name = "mi lano"
country = "UK"
colour = "red"

[sip]
udp = ["127.0.0.1:5060", "localhost"]

[[trunk]]
name = "carrier"
address = "sip.carrier.example:99999"
username = "milano"
password_file = "missing.password"
max_legs = "many"

[[trunk]]
name = "carrier"
address = "192.0.2.1"

[metrics]
listen = "0.0.0.0:9090"
"#;
    let told = told(text);
    let starts = [
        "2:8 site.name: a name has 1 to 64 characters",
        "3:11 site.country: the code of the United Kingdom is GB",
        "4:1 site.colour: is not known here; known are name, country, language",
        "7:26 sip.udp: 'localhost' is no address with a port",
        "11:11 trunk.carrier.address: '99999' is no port",
        "13:17 trunk.carrier.password_file: /etc/ponte/missing.password cannot be read: No such file",
        "14:12 trunk.carrier.max_legs: must be a whole number, not string",
        "17:8 trunk[2].name: there are two trunks named 'carrier'",
        "21:10 metrics.listen: is open to other machines",
    ];
    assert_eq!(told.len(), starts.len(), "{told:#?}");
    for (told, start) in told.iter().zip(starts) {
        assert!(told.starts_with(start), "{told}\n  should start with\n{start}");
    }
    let message = parse(text).unwrap_err().to_string();
    assert!(message.starts_with("/etc/ponte/ponte.toml:2:8: site.name: a name has"));
    assert_eq!(message.lines().count(), starts.len());
}

#[test]
fn broken_toml_names_the_line() {
    let told = told("[site]\nname = \"milano\ncountry = \"IT\"\n");
    assert!(told[0].starts_with("2:"), "{told:?}");
    let twice = problems("[site]\nname = \"a\"\nname = \"b\"\n");
    assert_eq!(twice[0].line, 3, "{twice:?}");
}

#[test]
fn an_empty_file_says_what_is_missing() {
    let told = told("");
    for setting in ["site.name", "site.country", "trunk"] {
        assert!(
            told.iter().any(|line| line.contains(setting)),
            "{setting}: {told:?}"
        );
    }
}

#[test]
fn a_password_file_is_read_without_its_line_end_and_must_be_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("carrier.password");
    fs::write(&path, "hunter 2\n").unwrap();
    let text = format!("{SMALLEST}username = \"a\"\npassword_file = \"carrier.password\"\n");
    let parse = || Config::parse(&text, &folder.path().join("ponte.toml"), &|_| None);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let open = parse().unwrap_err().to_string();
        assert!(open.contains("can be read by everybody"), "{open}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let config = parse().unwrap();
    assert_eq!(
        config.trunks[0].credentials.as_ref().unwrap().password,
        "hunter 2"
    );
}

#[test]
fn secrets_do_not_print() {
    let key = "ab".repeat(32);
    let text = format!(
        "{SMALLEST}username = \"a\"\npassword = \"hunter2\"\n[edge]\nurl = \"ws://127.0.0.1:8787\"\nkey = \"{key}\"\n"
    );
    let config = parse(&text).unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("171, 171") && !printed.contains(&key));
    assert_eq!(config.edge.unwrap().portal_url, "http://127.0.0.1:8787");
}

#[test]
fn the_example_is_right_and_its_comments_are_the_defaults() {
    let example = parse(EXAMPLE).unwrap();
    assert_eq!(example.metrics.unwrap().listen, "127.0.0.1:9090".parse().unwrap());
    // A section that is a comment as a whole has no default: it is off.
    let mut off = false;
    let stated = EXAMPLE
        .lines()
        .map(|line| {
            off = line.starts_with("#[") || (off && !line.starts_with('['));
            (line, off)
        })
        .map(|(line, off)| match line.strip_prefix('#').filter(|_| !off) {
            // What has no default, or depends on something else.
            Some(setting)
                if setting.contains(" = ")
                    && ![
                        "advertised_ip",
                        "username",
                        "password",
                        "realm",
                        "from_domain",
                        "max_legs",
                        "allow_remote",
                        "tls_",
                    ]
                    .iter()
                    .any(|key| setting.starts_with(key))
                    && ![
                        "url",
                        "portal_url",
                        "key_file",
                        "server",
                        "security",
                        "from = ",
                        "attach",
                    ]
                    .iter()
                    .any(|key| setting.starts_with(key)) =>
            {
                setting
            }
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
        // The default is the system's.
        .replace("time_zone = \"Europe/Rome\"", "");
    let stated = format!("{:?}", parse(&stated).unwrap());
    assert_eq!(stated, format!("{:?}", parse(EXAMPLE).unwrap()));
}

#[test]
fn browsers_come_by_tcp_on_the_port_of_udp_or_on_another_or_not_at_all() {
    let tcp = |setting: &str| {
        let listen = "listen = [\"127.0.0.1:3479\", \"[::1]:3480\"]";
        let config = parse(&format!("{SMALLEST}\n[webrtc]\n{listen}\n{setting}\n")).unwrap();
        let addresses = config.webrtc.unwrap().listen_tcp;
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(tcp(""), ["127.0.0.1:3479", "[::1]:3480"]);
    assert_eq!(tcp("tcp_port = 443"), ["127.0.0.1:443", "[::1]:443"]);
    assert!(tcp("tcp_port = 0").is_empty());
    let dtx = |setting: &str| {
        let webrtc = format!("[webrtc]\nlisten = [\"127.0.0.1:3479\"]\n{setting}\n");
        parse(&format!("{SMALLEST}\n{webrtc}"))
            .unwrap()
            .webrtc
            .unwrap()
            .dtx
    };
    assert!(dtx("") && !dtx("dtx = false"));
}

#[test]
fn the_example_knows_every_setting() {
    for section in [
        "site",
        "store",
        "sip",
        "media",
        "trunk",
        "registrar",
        "features",
        "voicemail",
        "email",
        "edge",
        "metrics",
        "timeouts",
        "log",
    ] {
        let text = if section == "trunk" {
            "[[trunk]]\nname = \"x\"\nnonsense = 1\n".to_owned()
        } else {
            format!("[{section}]\nnonsense = 1\n")
        };
        let found = problems(&text);
        let unknown = found
            .iter()
            .find(|problem| problem.setting.ends_with("nonsense"))
            .unwrap();
        let (_, known) = unknown.reason.split_once("known are ").unwrap();
        for key in known.split(", ").filter(|key| !["key", "key_env"].contains(key)) {
            assert!(
                EXAMPLE
                    .lines()
                    .any(|line| line.trim_start_matches('#').starts_with(&format!("{key} = "))),
                "{section}.{key}"
            );
        }
    }
}

#[test]
fn a_file_that_is_not_there_says_what_to_do() {
    let error = Config::load(Path::new("/nonexistent/ponte.toml")).unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }));
    assert!(error.to_string().contains("example-config"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", line in 0..40_usize) {
        let mut lines: Vec<&str> = EXAMPLE.lines().collect();
        lines.insert(line, &text);
        let _ = problems(&lines.join("\n"));
    }
}

#[test]
fn tls_is_served_with_a_certificate_and_a_private_key() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("sip.crt"), folder.path().join("sip.key"));
    let pair = rcgen::KeyPair::generate().unwrap();
    let signed = rcgen::CertificateParams::new(vec!["sip.example.org".into()])
        .unwrap()
        .self_signed(&pair)
        .unwrap();
    fs::write(&certificate, signed.pem()).unwrap();
    fs::write(&key, pair.serialize_pem()).unwrap();
    let text = |bind: &str| {
        format!(
            "{SMALLEST}[sip]\nudp = []\ntcp = []\ntls_bind = \"{bind}\"\ntls_certificate = \"sip.crt\"\n\
             tls_key = \"sip.key\"\n"
        )
    };
    let parse = |bind: &str| Config::parse(&text(bind), &folder.path().join("ponte.toml"), &|_| None);
    let told = |bind: &str| parse(bind).unwrap_err().to_string();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(told("127.0.0.1:5061").contains("can be read by everybody"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(told("127.0.0.1").contains("no address with a port"));
    assert!(told("127.0.0.1:0").contains("must name a port"));
    assert!(told("0.0.0.0:5061").contains("set advertised_ip"));
    let tls = parse("127.0.0.1:5061").unwrap().sip.tls.unwrap();
    assert_eq!(tls.bind, "127.0.0.1:5061".parse().unwrap());
    assert_eq!((tls.files.certificate, tls.files.key), (certificate, key));
}
