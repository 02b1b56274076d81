//! `[sip]`, `[media]`, `[edge]` and `[metrics]`: addresses and ports.

use super::reader::{Found, Problems, Section};
use super::secret::{self, Environment, Secret};
use super::{EdgeConfig, MediaSettings, MetricsConfig, SipConfig, SiteKey, TlsListener};
use crate::sip::{TlsError, TlsFiles};
use ponte_media::{Audio, HoldMusic, PortRange};
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use tokio_tungstenite::tungstenite::http::Uri;

const SIP_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5060);
const PORTS_DEFAULT: PortRange = PortRange {
    first: 40_000,
    last: 49_999,
};
const NEEDS_ADVERTISED: &str = "is no address that peers can reach; set advertised_ip to the one they can";

fn unreachable(ip: IpAddr) -> bool {
    ip.is_unspecified() || ip.is_multicast()
}

fn listeners(
    section: &mut Section<'_, '_>,
    problems: &Problems<'_>,
    key: &'static str,
) -> Vec<Found<SocketAddr>> {
    let Some(texts) = section.texts(key) else {
        return vec![Found {
            value: SIP_DEFAULT,
            at: 0,
            setting: section.setting(key),
        }];
    };
    let mut seen = HashSet::new();
    let mut addresses = Vec::new();
    for text in texts.value {
        let Some(address) = text.read(problems, |text| {
            text.parse::<SocketAddr>().map_err(|_| {
                format!("'{text}' is no address with a port, e.g. 192.0.2.10:5060 or [2001:db8::1]:5060")
            })
        }) else {
            continue;
        };
        if address.value.port() == 0 {
            address.problem(problems, "must name a port, 1 to 65535");
        } else if !seen.insert(address.value) {
            address.problem(problems, format_args!("{} stands here twice", address.value));
        } else {
            addresses.push(address);
        }
    }
    addresses
}

fn advertised(section: &mut Section<'_, '_>, problems: &Problems<'_>) -> Option<Found<IpAddr>> {
    let found = section.text("advertised_ip")?.read(problems, |text| {
        text.parse::<IpAddr>()
            .map_err(|_| format!("'{text}' is no IP address"))
    })?;
    if unreachable(found.value) {
        found.problem(problems, "is no address that peers can reach");
        return None;
    }
    Some(found)
}

/// The TLS listener, whose three settings stand together or not at all.
fn tls(section: &mut Section<'_, '_>, problems: &Problems<'_>, folder: &Path) -> Option<Found<TlsListener>> {
    let bind = section.text("tls_bind");
    let certificate = section.text("tls_certificate");
    let key = section.text("tls_key");
    let (bind, certificate, key) = match (bind, certificate, key) {
        (None, None, None) => return None,
        (Some(bind), Some(certificate), Some(key)) => (bind, certificate, key),
        (bind, certificate, key) => {
            for (name, given) in [
                ("tls_bind", bind.is_some()),
                ("tls_certificate", certificate.is_some()),
                ("tls_key", key.is_some()),
            ] {
                if !given {
                    section.missing(
                        name,
                        "is missing: tls_bind, tls_certificate and tls_key go together",
                    );
                }
            }
            return None;
        }
    };
    let files = TlsFiles {
        certificate: folder.join(&certificate.value),
        key: folder.join(&key.value),
    };
    if let Err(error) = files.load() {
        let wrong = match &error {
            TlsError::Read { path, .. } if *path == files.key => &key,
            _ => &certificate,
        };
        wrong.problem(problems, error);
        return None;
    }
    if let Err(reason) = secret::check_private(&files.key) {
        key.problem(problems, reason);
        return None;
    }
    bind.read(problems, |text| match text.parse::<SocketAddr>() {
        Ok(address) if address.port() == 0 => Err("must name a port, 1 to 65535".to_owned()),
        Ok(bind) => Ok(TlsListener { bind, files }),
        Err(_) => Err(format!(
            "'{text}' is no address with a port, e.g. 192.0.2.10:5061 or [2001:db8::1]:5061"
        )),
    })
}

pub(super) fn sip(mut section: Section<'_, '_>, problems: &Problems<'_>, folder: &Path) -> SipConfig {
    let udp = listeners(&mut section, problems, "udp");
    let tcp = listeners(&mut section, problems, "tcp");
    let tls = tls(&mut section, problems, folder);
    if udp.is_empty() && tcp.is_empty() && tls.is_none() {
        section.problem("listens nowhere; give an address under udp or tcp");
    }
    let advertised_ip = advertised(&mut section, problems);
    if advertised_ip.is_none() {
        for listener in udp.iter().chain(&tcp) {
            if unreachable(listener.value.ip()) {
                listener.problem(
                    problems,
                    format_args!("{} {NEEDS_ADVERTISED}", listener.value.ip()),
                );
            }
        }
        if let Some(tls) = tls.as_ref().filter(|tls| unreachable(tls.value.bind.ip())) {
            tls.problem(
                problems,
                format_args!("{} {NEEDS_ADVERTISED}", tls.value.bind.ip()),
            );
        }
    }
    let user_agent = section.text("user_agent").and_then(|text| {
        text.read(problems, |text| {
            let printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            if text.is_empty() || text.len() > 100 || !printable {
                return Err("must be 1 to 100 printable ASCII characters");
            }
            Ok(text.clone())
        })
    });
    let session = section.number("session_expires_s", 0..=86_400);
    if let Some(session) = session
        .as_ref()
        .filter(|session| (1..90).contains(&session.value))
    {
        session.problem(
            problems,
            "must be 90 or more (RFC 4028), or 0 for no session timer",
        );
    }
    section.finish();
    SipConfig {
        udp: udp.into_iter().map(|found| found.value).collect(),
        tcp: tcp.into_iter().map(|found| found.value).collect(),
        tls: tls.map(|found| found.value),
        advertised_ip: advertised_ip.map(|found| found.value),
        user_agent: user_agent.map_or_else(
            || concat!("Ponte/", env!("CARGO_PKG_VERSION")).to_owned(),
            |found| found.value,
        ),
        session_expires: match session.map_or(1_800, |found| found.value) {
            0 => None,
            seconds => Some(Duration::from_secs(seconds)),
        },
    }
}

fn port_range(text: &str) -> Result<PortRange, String> {
    let ports = text.split_once('-').and_then(|(first, last)| {
        Some(PortRange {
            first: first.trim().parse().ok()?,
            last: last.trim().parse().ok()?,
        })
    });
    let Some(ports) = ports else {
        return Err(format!("'{text}' is no range of ports, e.g. \"40000-49999\""));
    };
    if ports.first < 1_024 {
        return Err("ports below 1024 belong to the system".to_owned());
    }
    // A call has two legs, and each takes an even port and the odd one after it.
    let first_even = u32::from(ports.first) + u32::from(ports.first % 2);
    if u32::from(ports.last) < first_even + 3 {
        return Err("must hold four ports or more from an even one on: a call takes four".to_owned());
    }
    Ok(ports)
}

/// `folder` is that of the configuration.
pub(super) fn media(
    mut section: Section<'_, '_>,
    problems: &Problems<'_>,
    folder: &Path,
    sip: &SipConfig,
) -> MediaSettings {
    let bind = section.text("bind_ip").and_then(|text| {
        text.read(problems, |text| {
            text.parse::<IpAddr>()
                .map_err(|_| format!("'{text}' is no IP address"))
        })
    });
    let advertised_ip = advertised(&mut section, problems).map(|found| found.value);
    let ports = section
        .text("ports")
        .and_then(|text| text.read(problems, |text| port_range(text)));
    let threads = section.number("threads", 0..=256);
    let hold_music = section
        .text("hold_music")
        .map(|found| match found.value.as_str() {
            "own" => HoldMusic::Own,
            "tone" => HoldMusic::Tone,
            file => {
                let path = folder.join(file);
                if let Err(error) = Audio::load(&path) {
                    found.problem(problems, format_args!("cannot be played: {error}"));
                }
                HoldMusic::File(path)
            }
        });
    if let Some(bind) = bind
        .as_ref()
        .filter(|bind| unreachable(bind.value) && advertised_ip.is_none())
    {
        bind.problem(problems, format_args!("{} {NEEDS_ADVERTISED}", bind.value));
    }
    if let Some(ports) = &ports {
        let range = ports.value.first..=ports.value.last;
        if let Some(taken) = sip.udp.iter().find(|listener| range.contains(&listener.port())) {
            ports.problem(
                problems,
                format_args!("holds port {}, which SIP listens on", taken.port()),
            );
        }
    }
    section.finish();
    let bind_ip = bind.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |found| found.value);
    MediaSettings {
        bind_ip,
        advertised_ip: advertised_ip.unwrap_or(bind_ip),
        ports: ports.map_or(PORTS_DEFAULT, |found| found.value),
        threads: threads.map_or(0, |found| usize::try_from(found.value).unwrap_or(0)),
        hold_music: hold_music.unwrap_or_default(),
    }
}

/// The link's address, and where people open the portal unless it is said.
fn edge_url(text: &str) -> Result<(String, String), String> {
    let uri: Uri = text
        .parse()
        .map_err(|_| format!("'{text}' is no address, e.g. wss://ponte.example.org/link"))?;
    let (Some(scheme), Some(authority), Some(host)) = (uri.scheme_str(), uri.authority(), uri.host()) else {
        return Err(format!(
            "'{text}' is no address, e.g. wss://ponte.example.org/link"
        ));
    };
    if authority.as_str().contains('@') || uri.query().is_some() {
        return Err("must hold no user, no password and nothing after '?'".to_owned());
    }
    let ip = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    let loopback = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
    let web = match scheme {
        "wss" => "https",
        "ws" if loopback => "http",
        "ws" => return Err("must start with wss://; ws:// is for an edge on this machine".to_owned()),
        _ => return Err("must start with wss://".to_owned()),
    };
    let path = match uri.path() {
        "" | "/" => "/link",
        path => path,
    };
    Ok((
        format!("{scheme}://{authority}{path}"),
        format!("{web}://{authority}"),
    ))
}

fn portal_url(text: &str) -> Result<String, String> {
    let wrong = || format!("'{text}' is no address of a portal, e.g. https://ponte.example.org");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    if !matches!(uri.scheme_str(), Some("https" | "http")) || uri.host().is_none() || uri.query().is_some() {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

pub(super) fn edge(
    mut section: Section<'_, '_>,
    problems: &Problems<'_>,
    folder: &Path,
    environment: Environment<'_>,
) -> Option<EdgeConfig> {
    let url = section
        .required_text("url", "wss://ponte.example.org/link")
        .and_then(|url| url.read(problems, |text| edge_url(text)));
    let portal = section
        .text("portal_url")
        .and_then(|url| url.read(problems, |text| portal_url(text)));
    let key = match secret::read(&mut section, &secret::KEY, problems, folder, environment) {
        Secret::Given(key) => key.read(problems, |text| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text.trim(), &mut bytes)
                .map(|()| SiteKey(bytes))
                .map_err(|_| "the key must be 64 hexadecimal digits, e.g. from `openssl rand -hex 32`")
        }),
        Secret::Unusable => None,
        Secret::Absent => {
            section.missing(
                "key_file",
                "is missing: the file with the key that the edge has too",
            );
            None
        }
    };
    section.finish();
    let (url, derived_portal) = url?.value;
    Some(EdgeConfig {
        url,
        key: key?.value,
        portal_url: portal.map_or(derived_portal, |found| found.value),
    })
}

pub(super) fn metrics(mut section: Section<'_, '_>, problems: &Problems<'_>) -> Option<MetricsConfig> {
    let listen = section
        .required_text("listen", "127.0.0.1:9090")
        .and_then(|text| {
            text.read(problems, |text| {
                text.parse::<SocketAddr>()
                    .map_err(|_| format!("'{text}' is no address with a port, e.g. 127.0.0.1:9090"))
            })
        });
    let allow_remote = section.flag("allow_remote").is_some_and(|flag| flag.value);
    section.finish();
    let listen = listen?;
    if !listen.value.ip().is_loopback() && !allow_remote {
        listen.problem(
            problems,
            "is open to other machines, and metrics have no password; use 127.0.0.1, or set allow_remote = true",
        );
        return None;
    }
    Some(MetricsConfig { listen: listen.value })
}
