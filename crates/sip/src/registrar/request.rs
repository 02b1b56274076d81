//! What a REGISTER asks for.

use super::Refusal;
use crate::message::{CommaSeparated, HeaderName, Message, NameAddr, Scheme, Uri, decimal, leading_number};

/// Contacts of one REGISTER that are read; more are refused.
const MAX_CONTACTS: usize = 16;
/// Bytes of a Contact URI or an instance.
const MAX_TEXT: usize = 512;

/// One Contact of a REGISTER.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish<'a> {
    pub(super) uri: &'a str,
    /// Seconds; 0 removes the binding.
    pub(super) expires: u32,
    pub(super) q: u16,
    pub(super) instance: Option<&'a str>,
    pub(super) reg_id: Option<u32>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wishes<'a> {
    Query,
    RemoveAll,
    Contacts(Vec<Wish<'a>>),
}

/// Reads the Contacts of a REGISTER (RFC 3261 10.3, steps 6 and 7).
pub(super) fn read(request: &Message, min: u32, max: u32) -> Result<Wishes<'_>, Refusal> {
    let default = request.header(HeaderName::Expires).and_then(leading_number);
    let contacts: Vec<&[u8]> = request
        .lines(HeaderName::Contact)
        .flat_map(CommaSeparated::new)
        .take(MAX_CONTACTS + 1)
        .collect();
    if contacts.is_empty() {
        return Ok(Wishes::Query);
    }
    if contacts.contains(&b"*".as_slice()) {
        return if contacts.len() == 1 && default == Some(0) {
            Ok(Wishes::RemoveAll)
        } else {
            Err(Refusal::new(400, "Bad Use of Contact *"))
        };
    }
    if contacts.len() > MAX_CONTACTS {
        return Err(Refusal::new(403, "Too Many Contacts"));
    }
    let wishes = contacts
        .into_iter()
        .map(|contact| wish(contact, default, min, max))
        .collect::<Result<_, _>>()?;
    Ok(Wishes::Contacts(wishes))
}

fn wish(contact: &[u8], default: Option<u32>, min: u32, max: u32) -> Result<Wish<'_>, Refusal> {
    const BAD: Refusal = Refusal::new(400, "Bad Contact");
    let contact = NameAddr::parse(contact).ok_or(BAD)?;
    let uri = std::str::from_utf8(contact.uri)
        .ok()
        .filter(|uri| uri.len() <= MAX_TEXT)
        .ok_or(BAD)?;
    // It becomes the Request-URI of calls: no headers in it.
    Uri::parse(contact.uri)
        .filter(|uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips) && !uri.has_headers())
        .ok_or(BAD)?;
    // A malformed value counts as one that is not there (RFC 3261 20.10).
    let named = contact.param("expires").and_then(seconds).or(default);
    let expires = named.unwrap_or(max).min(max);
    if (1..min).contains(&expires) {
        return Err(Refusal {
            min_expires: Some(min),
            ..Refusal::new(423, "")
        });
    }
    let instance = contact
        .param("+sip.instance")
        .filter(|text| !text.is_empty() && text.len() <= MAX_TEXT)
        .and_then(|text| std::str::from_utf8(text).ok())
        .filter(|text| !text.contains(['"', '\\']));
    Ok(Wish {
        uri,
        expires,
        q: contact.param("q").and_then(thousandths).unwrap_or(1000),
        instance,
        reg_id: instance.and_then(|_| contact.param("reg-id")).and_then(decimal),
    })
}

/// A number of seconds; one too large for our type is as large as can be.
fn seconds(text: &[u8]) -> Option<u32> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| decimal(text).unwrap_or(u32::MAX))
}

/// A `qvalue` (RFC 3261 25.1).
fn thousandths(text: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(text).ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let q: f32 = text.parse().ok().filter(|_| plain)?;
    (0.0..=1.0).contains(&q).then_some((q * 1000.0).round() as u16)
}

/// Whether two Contact URIs are one (RFC 3261 19.1.4, 10.2.4).
pub(super) fn same_contact(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (Some(a), Some(b)) = (Uri::parse(a.as_bytes()), Uri::parse(b.as_bytes())) else {
        return false;
    };
    let same_param = |name: &str| match (a.param(name), b.param(name)) {
        (None, None) => true,
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => false,
    };
    a.scheme == b.scheme
        && a.user() == b.user()
        && a.host().eq_ignore_ascii_case(&b.host())
        && a.port == b.port
        && ["transport", "user", "ttl", "method", "maddr"]
            .into_iter()
            .all(same_param)
}

/// Whether the telephone keeps its flow alive by RFC 5626: it says so, and no proxy stands between.
pub(crate) fn is_outbound(request: &Message) -> bool {
    let direct = request.values(HeaderName::Via).nth(1).is_none();
    let has_reg_id = request
        .values(HeaderName::Contact)
        .filter_map(NameAddr::parse)
        .any(|contact| contact.param("reg-id").is_some() && contact.param("+sip.instance").is_some());
    direct && has_reg_id && request.has_token(HeaderName::Supported, "outbound")
}
