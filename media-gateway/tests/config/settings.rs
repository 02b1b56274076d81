//! One wrong setting at a time.

use super::{SMALLEST, problems};

/// A file whose `[section]` is the smallest one's with other lines, and the setting and the reason that must be told.
#[test]
fn each_setting_is_checked() {
    let cases = [
        ("site", "language = \"fr\"", "site.language", "no prompts in 'fr'"),
        (
            "site",
            "tone_country = \"fr\"",
            "site.tone_country",
            "no tones of 'fr'",
        ),
        ("site", "country = \"XX\"", "site.country", "'XX' is no country"),
        (
            "site",
            "country = \"FR\"",
            "site.country",
            "set site.emergency_numbers too",
        ),
        (
            "site",
            "country = \"FR\"",
            "site.country",
            "set site.tone_country too",
        ),
        (
            "site",
            "own_numbers = [\"0212345600\"]",
            "site.own_numbers",
            "write it as +390212345600",
        ),
        (
            "site",
            "own_numbers = [\"+390212345699..+390212345600\"]",
            "site.own_numbers",
            "must come after",
        ),
        (
            "site",
            "own_numbers = [\"+39021234560..+390212345699\"]",
            "site.own_numbers",
            "as many digits",
        ),
        (
            "site",
            "own_numbers = [\"+3*\"]",
            "site.own_numbers",
            "a prefix is",
        ),
        ("site", "extensions = [\"2\"]", "site.extensions", "no pattern"),
        (
            "site",
            "extensions = [\"2xx\", \"2xx\"]",
            "site.extensions",
            "stands here twice",
        ),
        (
            "site",
            "extensions = [200]",
            "site.extensions",
            "must hold texts only",
        ),
        (
            "site",
            "emergency_numbers = []",
            "site.emergency_numbers",
            "must not be empty",
        ),
        (
            "site",
            "emergency_numbers = [\"1 1 2\"]",
            "site.emergency_numbers",
            "no emergency number",
        ),
        (
            "site",
            "default_restrictions = [\"allow 39\"]",
            "site.default_restrictions",
            "'39' is no prefix",
        ),
        (
            "site",
            "default_restrictions = [\"maybe +39\"]",
            "site.default_restrictions",
            "`allow` or `deny`",
        ),
        (
            "site",
            "default_restrictions = [\"allow +39 Mon-Fri 9-18\"]",
            "site.default_restrictions",
            "'9' is no time",
        ),
        (
            "site",
            "time_zone = \"Europe/Atlantis\"",
            "site.time_zone",
            "'Europe/Atlantis' is no time zone",
        ),
        (
            "site",
            "time_zone = \"../../etc/passwd\"",
            "site.time_zone",
            "is no time zone",
        ),
        (
            "site",
            "account_codes = \"always\"",
            "site.account_codes",
            "none of off, optional, required",
        ),
        (
            "features",
            "account_code = \"*11\"",
            "features.account_code",
            "means something else",
        ),
        (
            "features",
            "leave = \"*12\"",
            "features.leave",
            "means something else",
        ),
        (
            "store",
            "record_days = 0",
            "store.record_days",
            "must be from 1 to 3650",
        ),
        (
            "store",
            "record_days = 3.5",
            "store.record_days",
            "must be a whole number",
        ),
        (
            "store",
            "data_folder = \"\"",
            "store.data_folder",
            "must not be empty",
        ),
        ("sip", "udp = []\ntcp = []", "sip", "listens nowhere"),
        ("sip", "udp = [\"0.0.0.0:5060\"]", "sip.udp", "set advertised_ip"),
        ("sip", "udp = [\"127.0.0.1:0\"]", "sip.udp", "must name a port"),
        (
            "sip",
            "tcp = [\"127.0.0.1:5060\", \"127.0.0.1:5060\"]",
            "sip.tcp",
            "stands here twice",
        ),
        (
            "sip",
            "advertised_ip = \"0.0.0.0\"",
            "sip.advertised_ip",
            "no address that peers",
        ),
        (
            "sip",
            "tls_bind = \"127.0.0.1:5061\"",
            "sip.tls_certificate",
            "go together",
        ),
        (
            "sip",
            "tls_certificate = \"sip.crt\"",
            "sip.tls_bind",
            "go together",
        ),
        (
            "sip",
            "tls_bind = \"127.0.0.1:5061\"\ntls_certificate = \"no.crt\"\ntls_key = \"no.key\"",
            "sip.tls_certificate",
            "no.crt cannot be read",
        ),
        (
            "sip",
            "session_expires_s = 30",
            "sip.session_expires_s",
            "must be 90 or more",
        ),
        (
            "sip",
            "user_agent = \"a\\r\\nVia: b\"",
            "sip.user_agent",
            "printable",
        ),
        (
            "media",
            "bind_ip = \"0.0.0.0\"",
            "media.bind_ip",
            "set advertised_ip",
        ),
        ("media", "ports = \"40000\"", "media.ports", "no range of ports"),
        ("media", "ports = \"40000-39999\"", "media.ports", "four ports"),
        (
            "media",
            "hold_music = \"nowhere.wav\"",
            "media.hold_music",
            "cannot be played",
        ),
        ("media", "ports = \"80-90\"", "media.ports", "below 1024"),
        ("media", "ports = \"5000-5999\"", "media.ports", "holds port 5060"),
        (
            "media",
            "ports = \"40000-70000\"",
            "media.ports",
            "no range of ports",
        ),
        ("trunk", "name = \"my carrier\"", "trunk[1].name", "out of a-z"),
        (
            "trunk",
            "address = \"sip:carrier\"",
            "trunk.carrier.address",
            "no port",
        ),
        (
            "trunk",
            "address = \"a b\"",
            "trunk.carrier.address",
            "no address",
        ),
        (
            "trunk",
            "address = \"300.1.1.1\"",
            "trunk.carrier.address",
            "no address",
        ),
        (
            "trunk",
            "address = \"[::1\"",
            "trunk.carrier.address",
            "no address",
        ),
        (
            "trunk",
            "transport = \"tls\"",
            "trunk.carrier.transport",
            "udp or tcp",
        ),
        (
            "trunk",
            "username = \"a\"",
            "trunk.carrier.username",
            "has no password",
        ),
        (
            "trunk",
            "password = \"a\"",
            "trunk.carrier.password",
            "has no username",
        ),
        ("trunk", "realm = \"a\"", "trunk.carrier.realm", "has no username"),
        (
            "trunk",
            "username = \"a\"\npassword = \"\"",
            "trunk.carrier.password",
            "is empty",
        ),
        (
            "trunk",
            "username = \"a\"\npassword_env = \"NOPE\"",
            "trunk.carrier.password_env",
            "no variable NOPE",
        ),
        (
            "trunk",
            "username = \"a\"\npassword = \"b\"\npassword_env = \"SECRET\"",
            "trunk.carrier.password_env",
            "stands beside another secret",
        ),
        (
            "trunk",
            "register = true",
            "trunk.carrier.register",
            "needs a username",
        ),
        (
            "trunk",
            "keep_alive_s = 1",
            "trunk.carrier.keep_alive_s",
            "5 or more",
        ),
        (
            "trunk",
            "max_legs = 0",
            "trunk.carrier.max_legs",
            "must be from 1",
        ),
        (
            "trunk",
            "max_legs = -1",
            "trunk.carrier.max_legs",
            "must be from 1",
        ),
        (
            "trunk",
            "number_format = \"local\"",
            "trunk.carrier.number_format",
            "no format",
        ),
        (
            "edge",
            "url = \"https://a\"",
            "edge.url",
            "must start with wss://",
        ),
        (
            "edge",
            "url = \"ws://a/link\"",
            "edge.url",
            "for an edge on this machine",
        ),
        (
            "edge",
            "url = \"wss://a/link?key=1\"",
            "edge.url",
            "nothing after '?'",
        ),
        ("edge", "url = \"wss://u:p@a/link\"", "edge.url", "no password"),
        ("edge", "url = \"wss://a\"", "edge.key_file", "is missing"),
        (
            "edge",
            "url = \"wss://a\"\nkey = \"abc\"",
            "edge.key",
            "64 hexadecimal digits",
        ),
        ("edge", "key = \"abc\"", "edge.url", "is missing"),
        (
            "edge",
            "portal_url = \"ponte\"",
            "edge.portal_url",
            "no address of a portal",
        ),
        (
            "metrics",
            "listen = \"9090\"",
            "metrics.listen",
            "no address with a port",
        ),
        (
            "timeouts",
            "confirm_ms = 1",
            "timeouts.confirm_ms",
            "must be from 3000 to 120000",
        ),
        (
            "timeouts",
            "no_audio_end_ms = 5000\nno_audio_warning_ms = 6000",
            "timeouts.no_audio_end_ms",
            "must not be less",
        ),
        (
            "trunk",
            "dids = [\"+390212345601\"]",
            "trunk.carrier.dids",
            "a number and an extension",
        ),
        (
            "trunk",
            "dids = [\"0212345601 = 201\"]",
            "trunk.carrier.dids",
            "write it as +390212345601",
        ),
        (
            "trunk",
            "dids = [\"+390212345601 = anna\"]",
            "trunk.carrier.dids",
            "'anna' is no extension",
        ),
        (
            "trunk",
            "dids = [\"+390212345601 = 201\", \"+390212345601=202\"]",
            "trunk.carrier.dids",
            "stands here twice",
        ),
        (
            "trunk",
            "forwarded_by = \"x\"",
            "trunk.carrier.forwarded_by",
            "'x' is no header; diversion, history-info, both or none",
        ),
        (
            "trunk",
            "hold = \"sent\"",
            "trunk.carrier.hold",
            "'sent' is no way to hold; played or signalled",
        ),
        (
            "trunk",
            "passes_caller_id = \"yes\"",
            "trunk.carrier.passes_caller_id",
            "true or false",
        ),
        (
            "registrar",
            "realm = \"a\\\"b\"",
            "registrar.realm",
            "without quotation marks",
        ),
        ("webrtc", "listen = []", "webrtc.listen", "names no address"),
        ("webrtc", "threads = 2", "webrtc.listen", "names no address"),
        (
            "webrtc",
            "listen = [\"127.0.0.1\"]",
            "webrtc.listen",
            "no address with a port",
        ),
        (
            "webrtc",
            "listen = [\"127.0.0.1:0\"]",
            "webrtc.listen",
            "must name a port",
        ),
        (
            "webrtc",
            "listen = [\"127.0.0.1:3479\", \"127.0.0.1:3480\"]",
            "webrtc.listen",
            "second address of its family",
        ),
        (
            "webrtc",
            "listen = [\"0.0.0.0:3479\"]",
            "webrtc.listen",
            "set webrtc.advertised",
        ),
        (
            "webrtc",
            "listen = [\"0.0.0.0:3479\"]\nadvertised = [\"2001:db8::1\"]",
            "webrtc.listen",
            "set webrtc.advertised",
        ),
        (
            "webrtc",
            "listen = [\"127.0.0.1:3479\"]\nadvertised = [\"0.0.0.0\"]",
            "webrtc.advertised",
            "no address that browsers can reach",
        ),
        (
            "webrtc",
            "listen = [\"127.0.0.1:3479\"]\nadvertised = [\"sip.example\"]",
            "webrtc.advertised",
            "no IP address",
        ),
        (
            "webrtc",
            "listen = [\"127.0.0.1:3479\"]\nthreads = 65",
            "webrtc.threads",
            "1 to 64",
        ),
        (
            "webrtc",
            "listen = [\"127.0.0.1:3479\"]\ntcp_port = 65536",
            "webrtc.tcp_port",
            "0 to 65535",
        ),
        ("registrar", "realm = \"\"", "registrar.realm", "1 to 100"),
        ("registrar", "digest = []", "registrar.digest", "offers nothing"),
        (
            "registrar",
            "hold = \"\"",
            "registrar.hold",
            "played or signalled",
        ),
        (
            "registrar",
            "digest = [\"SHA-512-256\"]",
            "registrar.digest",
            "neither SHA-256 nor MD5",
        ),
        (
            "registrar",
            "digest = [\"MD5\", \"md5\"]",
            "registrar.digest",
            "stands here twice",
        ),
        (
            "registrar",
            "min_expires_s = 29",
            "registrar.min_expires_s",
            "from 30 to 3600",
        ),
        (
            "registrar",
            "min_expires_s = 120\nmax_expires_s = 90",
            "registrar.max_expires_s",
            "must not be less than min_expires_s, 120",
        ),
        (
            "features",
            "log_on = \"11\"",
            "features.log_on",
            "'11' is no code",
        ),
        ("features", "log_on = \"*1#\"", "features.log_on", "is no code"),
        (
            "features",
            "log_off = \"*123456\"",
            "features.log_off",
            "1 to 5 digits",
        ),
        (
            "features",
            "voicemail = \"*11\"",
            "features.voicemail",
            "means something else already",
        ),
        (
            "voicemail",
            "quota_seconds = 0",
            "voicemail.quota_seconds",
            "from 60",
        ),
        (
            "email",
            "server = \"smtp example\"",
            "email.server",
            "is no server",
        ),
        (
            "email",
            "server = \"smtp.example.org\"\nsecurity = \"ssl\"",
            "email.security",
            "neither starttls, tls nor none",
        ),
        (
            "email",
            "server = \"smtp.example.org\"\nsecurity = \"none\"",
            "email.security",
            "on this machine only",
        ),
        ("email", "from = \"Ponte\"", "email.from", "is no sender"),
        (
            "email",
            "username = \"ponte\"",
            "email.username",
            "has no password",
        ),
        ("email", "password = \"x\"", "email.password", "has no username"),
        (
            "voicemail",
            "message_seconds = 3601",
            "voicemail.message_seconds",
            "from 5 to 3600",
        ),
        (
            "voicemail",
            "folder = \"\"",
            "voicemail.folder",
            "must not be empty",
        ),
        (
            "timeouts",
            "waiting_ms = 1",
            "timeouts.waiting_ms",
            "from 3000 to 120000",
        ),
        ("log", "level = \"=x=\"", "log.level", "no filter"),
        ("log", "format = \"xml\"", "log.format", "text or json"),
        ("dog", "x = 1", "dog", "is not known here"),
    ];
    for (section, lines, setting, reason) in cases {
        let header = if section == "trunk" {
            "[[trunk]]".to_owned()
        } else {
            format!("[{section}]")
        };
        let keys: Vec<&str> = lines.lines().filter_map(|line| line.split(" =").next()).collect();
        let mut text = String::new();
        let mut placed = false;
        for line in SMALLEST.lines() {
            // The case's own line takes the place of the smallest file's.
            if placed && keys.iter().any(|key| line.starts_with(&format!("{key} ="))) {
                continue;
            }
            placed = if line.starts_with('[') { false } else { placed };
            text.push_str(line);
            text.push('\n');
            if line == header {
                text.push_str(lines);
                text.push('\n');
                placed = true;
            }
        }
        if !SMALLEST.contains(&header) {
            text = format!("{text}{header}\n{lines}\n");
        }
        let found = problems(&text);
        let Some(problem) = found
            .iter()
            .find(|problem| problem.setting == setting && problem.reason.contains(reason))
        else {
            panic!("{section}: {lines}\n{found:#?}");
        };
        let line = text.lines().nth(problem.line - 1).unwrap();
        let key = setting.rsplit('.').next().unwrap();
        assert!(
            line == header || line.starts_with(&format!("{key} = ")),
            "{problem:?} points at {line}"
        );
    }
}
