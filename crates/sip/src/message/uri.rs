//! SIP and tel URIs (RFC 3261 19.1, RFC 3966).

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use super::headers::param;
use super::name::is_token_byte;

/// The scheme of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
    /// A name, such as that of emergency services (RFC 5031): see [`Uri::service`].
    Urn,
    /// A scheme we cannot route: a request for it is answered 416.
    Other,
}

/// A URI taken apart, borrowing its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    pub scheme: Scheme,
    /// User part as written, still escaped, without password; for `tel:` the number.
    user: Option<&'a [u8]>,
    /// Host as written, IPv6 in brackets; empty for `tel:` and unknown schemes.
    host: &'a [u8],
    pub port: Option<u16>,
    params: &'a [u8],
    /// Behind the question mark; for a URN all of it.
    tail: &'a [u8],
}

impl<'a> Uri<'a> {
    /// Takes a URI apart; `None` where it is none, or holds white space or control characters.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let colon = memchr::memchr(b':', text)?;
        let (name, rest) = (&text[..colon], &text[colon + 1..]);
        if !name.first()?.is_ascii_alphabetic() || !name.iter().copied().all(is_token_byte) {
            return None;
        }
        if rest.is_empty()
            || rest
                .iter()
                .any(|byte| *byte <= b' ' || *byte == 0x7f || b"<>\"".contains(byte))
        {
            return None;
        }
        let scheme = if name.eq_ignore_ascii_case(b"sip") {
            Scheme::Sip
        } else if name.eq_ignore_ascii_case(b"sips") {
            Scheme::Sips
        } else if name.eq_ignore_ascii_case(b"tel") {
            Scheme::Tel
        } else if name.eq_ignore_ascii_case(b"urn") {
            Scheme::Urn
        } else {
            Scheme::Other
        };
        match scheme {
            Scheme::Sip | Scheme::Sips => Self::parse_sip(scheme, rest),
            Scheme::Tel => {
                let (number, params) = cut(rest, b';');
                (!number.is_empty()).then_some(Self {
                    scheme,
                    user: Some(number),
                    host: b"",
                    port: None,
                    params,
                    tail: b"",
                })
            }
            Scheme::Urn | Scheme::Other => Some(Self {
                scheme,
                user: None,
                host: b"",
                port: None,
                params: b"",
                tail: rest,
            }),
        }
    }

    fn parse_sip(scheme: Scheme, rest: &'a [u8]) -> Option<Self> {
        // A semicolon or question mark may stand in the user part, so the last @ before any header part
        // decides; the header part itself cannot hold a bare @.
        let (user, rest) = match memchr::memrchr(b'@', rest) {
            Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        let (before_headers, tail) = cut(rest, b'?');
        let (host_port, params) = cut(before_headers, b';');
        let (host, port) = split_host_port(host_port)?;
        let user = user.map(|user| cut(user, b':').0);
        Some(Self {
            scheme,
            user,
            host,
            port,
            params,
            tail,
        })
    }

    /// The user part with escapes decoded, without password; for `tel:` the number.
    pub fn user(&self) -> Option<Cow<'a, str>> {
        let raw = self.user?;
        if memchr::memchr(b'%', raw).is_none() {
            return Some(String::from_utf8_lossy(raw));
        }
        Some(Cow::Owned(String::from_utf8_lossy(&unescape(raw)).into_owned()))
    }

    /// The user part as written.
    pub fn raw_user(&self) -> Option<&'a [u8]> {
        self.user
    }

    /// The host as written, an IPv6 address in brackets.
    pub fn host(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.host)
    }

    /// The host where it is an IP address.
    pub fn ip(&self) -> Option<IpAddr> {
        parse_ip(self.host)
    }

    /// The service that a URN names, in small letters: `sos`, `sos.fire` (RFC 5031 section 4.1).
    pub fn service(&self) -> Option<String> {
        let (space, name) = cut(self.tail, b':');
        let named = self.scheme == Scheme::Urn && space.eq_ignore_ascii_case(b"service") && !name.is_empty();
        named.then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
    }

    /// Whether it asks for headers of the request that is made of it, which no Request-URI may (RFC 3261 section 19.1.1).
    pub(crate) fn has_headers(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips) && !self.tail.is_empty()
    }

    /// The value of a parameter, empty if it has none.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        param(self.params, name)
    }
}

/// Splits at the first `separator`, which belongs to neither half.
pub(super) fn cut(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    memchr::memchr(separator, text).map_or((text, b"".as_slice()), |at| (&text[..at], &text[at + 1..]))
}

/// Splits `host[:port]`; `None` where either is impossible.
pub(super) fn split_host_port(text: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let host_end = if text.first() == Some(&b'[') {
        memchr::memchr(b']', text)? + 1
    } else {
        memchr::memchr(b':', text).unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(host_end);
    if !is_host(host) {
        return None;
    }
    let port = match rest.trim_ascii().split_first() {
        None => None,
        Some((b':', digits)) => Some(decimal(digits.trim_ascii())?),
        Some(_) => return None,
    };
    Some((host.trim_ascii(), port))
}

fn is_host(host: &[u8]) -> bool {
    let host = host.trim_ascii();
    match host.first() {
        None => false,
        Some(b'[') => parse_ip(host).is_some(),
        // Underscores are not allowed in host names, but are seen in the wild.
        Some(_) => host
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte)),
    }
}

/// An IP address, IPv6 with or without brackets.
pub(crate) fn parse_ip(host: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(host).ok()?;
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    text.parse().ok()
}

/// A number written in decimal digits and nothing else.
pub(crate) fn decimal<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Decodes `%hh`; a percent sign without two hex digits stays as it is.
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let pair = (text[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let byte = pair.and_then(|pair| {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        });
        if let Some(byte) = byte {
            out.push(byte);
            at += 3;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

/// Escapes what may not stand in the user part of a SIP URI (RFC 3261 25.1). Give it unescaped text.
pub fn escape_user(user: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_apart_what_is_seen_in_the_wild() {
        type Row = (
            &'static str,
            Scheme,
            Option<&'static str>,
            &'static str,
            Option<u16>,
        );
        let rows: [Row; 9] = [
            (
                "sip:alice@example.com",
                Scheme::Sip,
                Some("alice"),
                "example.com",
                None,
            ),
            (
                "SIP:alice:secret@example.com:5070;transport=tcp?Subject=x",
                Scheme::Sip,
                Some("alice"),
                "example.com",
                Some(5070),
            ),
            (
                "sip:[2001:db8::9:1]:5060",
                Scheme::Sip,
                None,
                "[2001:db8::9:1]",
                Some(5060),
            ),
            ("sip:%2339@h", Scheme::Sip, Some("#39"), "h", None),
            (
                "sip:+39;phone-context=x@h;user=phone",
                Scheme::Sip,
                Some("+39;phone-context=x"),
                "h",
                None,
            ),
            ("tel:+39-06-12;ext=3", Scheme::Tel, Some("+39-06-12"), "", None),
            ("sips:h", Scheme::Sips, None, "h", None),
            ("urn:service:sos", Scheme::Urn, None, "", None),
            ("sip:a%zz@h", Scheme::Sip, Some("a%zz"), "h", None),
        ];
        for (text, scheme, user, host, port) in rows {
            let uri = Uri::parse(text.as_bytes()).expect(text);
            assert_eq!(uri.scheme, scheme, "{text}");
            assert_eq!(uri.user().as_deref(), user, "{text}");
            assert_eq!(uri.host(), host, "{text}");
            assert_eq!(uri.port, port, "{text}");
        }
        let service = |text: &'static str| Uri::parse(text.as_bytes()).unwrap().service();
        assert_eq!(service("URN:Service:SOS.fire").as_deref(), Some("sos.fire"));
        assert_eq!(service("urn:uuid:f81d4fae"), None);
        assert_eq!(service("sip:service:sos@h"), None);
        assert!(Uri::parse(b"sip:a@h?Subject=x").unwrap().has_headers());
        assert!(!Uri::parse(b"sip:a?b@h").unwrap().has_headers());
        let uri = Uri::parse(b"sip:h;lr;transport=TCP").unwrap();
        assert_eq!(uri.param("lr"), Some(b"".as_slice()));
        assert_eq!(uri.param("Transport"), Some(b"TCP".as_slice()));
        assert_eq!(uri.param("maddr"), None);
    }

    #[test]
    fn refuses_what_is_no_uri() {
        for text in [
            "",
            "sip:",
            "sip:@",
            "alice",
            "sip:a b@h",
            "sip:a@h:99999",
            "sip:a@h:-1",
            "sip:a@[::g]",
            "sip:a@h\r\nX: y",
            "<sip:a@h>",
            "1sip:a@h",
        ] {
            assert_eq!(Uri::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn escaping_a_user_is_undone_by_decoding_it() {
        let raw = "#31#+39 06@π%";
        assert_eq!(unescape(escape_user(raw).as_bytes()), raw.as_bytes());
        assert_eq!(escape_user("*72"), "*72");
    }
}
