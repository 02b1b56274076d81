//! `[[trunk]]`: the carriers, in the order in which they are tried.

use super::reader::{Problems, Section};
use super::secret::{self, Environment, Secret};
use super::{ForwardedBy, HoldSignal, NumberFormat, Register, TrunkSettings};
use crate::store::DidRow;
use ponte_call_core::TrunkId;
use ponte_sip::{Credentials, Transport};
use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

const SIP_PORT: u16 = 5060;
const REGISTER_DEFAULT_S: u64 = 600;
const KEEP_ALIVE_DEFAULT_S: u64 = 30;

pub(super) fn read_all(
    sections: Vec<Section<'_, '_>>,
    problems: &Problems<'_>,
    folder: &Path,
    environment: Environment<'_>,
) -> Vec<TrunkSettings> {
    let mut names = HashSet::new();
    sections
        .into_iter()
        .filter_map(|section| read(section, &mut names, problems, folder, environment))
        .collect()
}

fn read(
    mut section: Section<'_, '_>,
    names: &mut HashSet<String>,
    problems: &Problems<'_>,
    folder: &Path,
    environment: Environment<'_>,
) -> Option<TrunkSettings> {
    let name = section
        .required_text("name", "carrier")
        .and_then(|name| name.read(problems, |text| check_name(text)));
    if let Some(name) = &name {
        section.rename(format!("trunk.{}", name.value));
        if !names.insert(name.value.clone()) {
            name.problem(
                problems,
                format_args!("there are two trunks named '{}'", name.value),
            );
        }
    }
    let address = section
        .required_text("address", "sip.carrier.example:5060")
        .and_then(|address| address.read(problems, |text| host_and_port(text)));
    let transport = section.text("transport").and_then(|text| {
        text.read(problems, |text| match text.as_str() {
            "udp" => Ok(Transport::Udp),
            "tcp" => Ok(Transport::Tcp),
            _ => Err(format!("'{text}' is no transport; udp or tcp")),
        })
    });
    let username = section.text("username");
    let realm = section.text("realm");
    let password = secret::read(&mut section, &secret::PASSWORD, problems, folder, environment);
    if let (None, Secret::Absent, Some(realm)) = (&username, &password, &realm) {
        realm.problem(problems, "has no username beside it");
    }
    let credentials = password
        .account(username, problems)
        .map(|(username, password)| Credentials {
            username,
            password,
            realm: realm.map(|realm| realm.value),
        });
    let from_domain = section.text("from_domain").and_then(|text| {
        text.read(problems, |text| {
            if is_host(text) {
                Ok(text.clone())
            } else {
                Err(format!("'{text}' is no domain"))
            }
        })
    });
    let register = section.flag("register");
    let expires = section.number("register_expires_s", 60..=86_400);
    if let Some(register) = register
        .as_ref()
        .filter(|register| register.value && credentials.is_none())
    {
        register.problem(problems, "needs a username and a password");
    }
    let keep_alive = section.number("keep_alive_s", 0..=3_600);
    if let Some(keep_alive) = keep_alive.as_ref().filter(|found| (1..5).contains(&found.value)) {
        keep_alive.problem(problems, "must be 5 or more, or 0 for none");
    }
    let max_legs = section.number("max_legs", 1..=1_000_000);
    let number_format = section.text("number_format").and_then(|text| {
        text.read(problems, |text| match text.as_str() {
            "e164" => Ok(NumberFormat::E164),
            "plain" => Ok(NumberFormat::Plain),
            _ => Err(format!(
                "'{text}' is no format; e164 (+390212345678) or plain (390212345678)"
            )),
        })
    });
    let trusts_identity = section.flag("trusts_identity");
    let passes_caller_id = section.flag("passes_caller_id");
    let forwarded_by = section.text("forwarded_by").and_then(|text| {
        text.read(problems, |text| match text.as_str() {
            "diversion" => Ok(ForwardedBy::Diversion),
            "history-info" => Ok(ForwardedBy::HistoryInfo),
            "both" => Ok(ForwardedBy::Both),
            "none" => Ok(ForwardedBy::Nothing),
            _ => Err(format!(
                "'{text}' is no header; diversion, history-info, both or none"
            )),
        })
    });
    let hold = hold(&mut section, problems);
    let dids = dids(
        &mut section,
        problems,
        name.as_ref().map(|name| name.value.as_str()),
    );
    section.finish();
    let (host, port) = address?.value;
    Some(TrunkSettings {
        id: TrunkId(name?.value),
        from_domain: from_domain.map_or_else(|| host.clone(), |found| found.value),
        host,
        port,
        transport: transport.map_or(Transport::Udp, |found| found.value),
        credentials,
        register: register.filter(|register| register.value).map(|_| Register {
            expires: Duration::from_secs(expires.map_or(REGISTER_DEFAULT_S, |found| found.value)),
        }),
        keep_alive: match keep_alive.map_or(KEEP_ALIVE_DEFAULT_S, |found| found.value) {
            0 => None,
            seconds => Some(Duration::from_secs(seconds)),
        },
        max_legs: max_legs.and_then(|found| u32::try_from(found.value).ok()),
        number_format: number_format.map_or(NumberFormat::E164, |found| found.value),
        trusts_identity: trusts_identity.is_some_and(|found| found.value),
        passes_caller_id: passes_caller_id.is_some_and(|found| found.value),
        forwarded_by: forwarded_by.map_or(ForwardedBy::Diversion, |found| found.value),
        hold,
        dids,
    })
}

/// `hold`, of a trunk or of all telephones.
pub(super) fn hold(section: &mut Section<'_, '_>, problems: &Problems<'_>) -> HoldSignal {
    let hold = section.text("hold").and_then(|text| {
        text.read(problems, |text| match text.as_str() {
            "played" => Ok(HoldSignal::Played),
            "signalled" => Ok(HoldSignal::Signalled),
            _ => Err(format!("'{text}' is no way to hold; played or signalled")),
        })
    });
    hold.map_or_else(HoldSignal::default, |found| found.value)
}

/// `+390212345601 = 201`, each number once.
fn dids(section: &mut Section<'_, '_>, problems: &Problems<'_>, trunk: Option<&str>) -> Vec<DidRow> {
    let Some(texts) = section.texts("dids") else {
        return Vec::new();
    };
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for text in texts.value {
        let Some(found) = text.read(problems, |text| did(text, trunk)) else {
            continue;
        };
        if !seen.insert(found.value.number.clone()) {
            found.problem(
                problems,
                format_args!("{} stands here twice", found.value.number.as_str()),
            );
        }
        rows.push(found.value);
    }
    rows
}

fn did(text: &str, trunk: Option<&str>) -> Result<DidRow, String> {
    let (number, extension) = text
        .split_once('=')
        .ok_or_else(|| format!("'{text}' must be a number and an extension, e.g. +390212345601 = 201"))?;
    let number = number.trim();
    let extension = extension.trim();
    Ok(DidRow {
        number: number
            .parse()
            .map_err(|error| format!("'{number}': {error}; write it as +390212345601"))?,
        extension: extension
            .parse()
            .map_err(|error| format!("'{extension}' is no extension: {error}"))?,
        label: None,
        trunk: trunk.map(|trunk| TrunkId(trunk.to_owned())),
    })
}

fn check_name(text: &str) -> Result<String, &'static str> {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if text.is_empty() || text.len() > 32 || !text.bytes().all(valid) {
        return Err("a trunk's name has 1 to 32 characters out of a-z, 0-9, '-' and '_'");
    }
    Ok(text.to_owned())
}

/// A name of the DNS or an IP address without brackets.
fn is_host(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() {
        return true;
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let numeric_end = name
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= 253 && !numeric_end && name.split('.').all(label)
}

fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let wrong =
        || format!("'{text}' is no address, e.g. sip.carrier.example:5060, 192.0.2.1 or [2001:db8::1]:5060");
    let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or_else(wrong)?;
        host.parse::<Ipv6Addr>().map_err(|_| wrong())?;
        match rest {
            "" => (host, None),
            _ => (host, Some(rest.strip_prefix(':').ok_or_else(wrong)?)),
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let port = match port {
        None => SIP_PORT,
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| format!("'{port}' is no port, 1 to 65535"))?,
    };
    if !is_host(host) {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}
