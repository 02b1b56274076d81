//! Structured header values, each borrowing the bytes it was read from.

use std::borrow::Cow;

use super::name::{Method, is_token_byte};
use super::uri::{cut, decimal, split_host_port};

/// Walks over the values of a comma-separated header; commas in quotes or angle brackets do not count.
#[derive(Clone, Debug)]
pub struct CommaSeparated<'a> {
    rest: &'a [u8],
}

impl<'a> CommaSeparated<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Self {
        Self { rest: value }
    }
}

impl<'a> Iterator for CommaSeparated<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let end = find_unquoted(self.rest, b',').unwrap_or(self.rest.len());
            let item = self.rest[..end].trim_ascii();
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            if !item.is_empty() {
                return Some(item);
            }
        }
        None
    }
}

/// Position of `wanted` outside quoted strings and angle brackets.
fn find_unquoted(text: &[u8], wanted: u8) -> Option<usize> {
    if !text.iter().any(|byte| *byte == b'"' || *byte == b'<') {
        return memchr::memchr(wanted, text);
    }
    let (mut quoted, mut escaped, mut bracket) = (false, false, false);
    for (at, byte) in text.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if quoted {
            match byte {
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
        } else if !bracket && *byte == wanted {
            return Some(at);
        } else {
            match byte {
                b'"' if !bracket => quoted = true,
                b'<' => bracket = true,
                b'>' => bracket = false,
                _ => {}
            }
        }
    }
    None
}

/// The value of parameter `name` in `a=1;b;c="x"`, unquoted, empty where it has none.
pub(crate) fn param<'a>(params: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = params;
    while !rest.is_empty() {
        let end = find_unquoted(rest, b';').unwrap_or(rest.len());
        let (key, value) = cut(&rest[..end], b'=');
        if key.trim_ascii().eq_ignore_ascii_case(name.as_bytes()) {
            return Some(strip_quotes(value.trim_ascii()));
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    None
}

/// The inside of a quoted string, or the text itself. Escapes inside stay.
pub(crate) fn strip_quotes(text: &[u8]) -> &[u8] {
    match text {
        [b'"', inner @ .., b'"'] => inner,
        _ => text,
    }
}

/// The topmost or any other Via value (RFC 3261 20.42).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    pub transport: &'a [u8],
    /// Host of sent-by as written, IPv6 in brackets.
    pub host: &'a [u8],
    pub port: Option<u16>,
    /// Everything behind the first semicolon.
    pub(crate) params: &'a [u8],
}

impl<'a> Via<'a> {
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let (head, params) = match find_unquoted(text, b';') {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, b"".as_slice()),
        };
        let (name, rest) = cut(head, b'/');
        let (version, rest) = cut(rest, b'/');
        if !name.trim_ascii().eq_ignore_ascii_case(b"SIP") || version.trim_ascii() != b"2.0" {
            return None;
        }
        let rest = rest.trim_ascii();
        let space = rest.iter().position(u8::is_ascii_whitespace)?;
        let (transport, sent_by) = rest.split_at(space);
        if !transport.iter().copied().all(is_token_byte) {
            return None;
        }
        let (host, port) = split_host_port(sent_by.trim_ascii())?;
        Some(Self {
            transport,
            host,
            port,
            params,
        })
    }

    /// The value of a parameter, empty if it has none.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        param(self.params, name)
    }

    pub fn branch(&self) -> Option<&'a [u8]> {
        self.param("branch").filter(|branch| !branch.is_empty())
    }
}

/// A name-addr or addr-spec with its header parameters (RFC 3261 20.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// Display name as written, quotes included; empty if none.
    raw_display: &'a [u8],
    pub uri: &'a [u8],
    pub(crate) params: &'a [u8],
    /// The value without its header parameters.
    pub(crate) without_params: &'a [u8],
}

impl<'a> NameAddr<'a> {
    /// Takes the value apart; `None` without a URI. The URI itself is not checked.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let open = if text.first() == Some(&b'"') {
            let close = closing_quote(text)?;
            let gap = text[close + 1..]
                .iter()
                .position(|byte| !byte.is_ascii_whitespace())?;
            let at = close + 1 + gap;
            if text[at] != b'<' {
                return None;
            }
            Some(at)
        } else {
            memchr::memchr(b'<', text)
        };
        if let Some(open) = open {
            let close = open + memchr::memchr(b'>', &text[open..])?;
            let params = text[close + 1..].trim_ascii();
            let params = match params.split_first() {
                None => params,
                Some((b';', rest)) => rest,
                Some(_) => return None,
            };
            let uri = text[open + 1..close].trim_ascii();
            return (!uri.is_empty()).then_some(Self {
                raw_display: text[..open].trim_ascii(),
                uri,
                params,
                without_params: &text[..=close],
            });
        }
        // Without brackets, what follows a semicolon belongs to the header (RFC 3261 20.10).
        let (uri, params) = cut(text, b';');
        let uri = uri.trim_ascii();
        (!uri.is_empty()).then_some(Self {
            raw_display: b"",
            uri,
            params,
            without_params: uri,
        })
    }

    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        param(self.params, name)
    }

    pub fn tag(&self) -> Option<&'a [u8]> {
        self.param("tag").filter(|tag| !tag.is_empty())
    }

    /// The display name, unquoted and unescaped; `None` if empty.
    pub fn display(&self) -> Option<Cow<'a, str>> {
        let inner = strip_quotes(self.raw_display);
        if inner.is_empty() {
            return None;
        }
        if memchr::memchr(b'\\', inner).is_none() {
            return Some(String::from_utf8_lossy(inner));
        }
        let mut out = Vec::with_capacity(inner.len());
        let mut bytes = inner.iter();
        while let Some(byte) = bytes.next() {
            out.push(if *byte == b'\\' {
                *bytes.next().unwrap_or(byte)
            } else {
                *byte
            });
        }
        Some(Cow::Owned(String::from_utf8_lossy(&out).into_owned()))
    }
}

fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().enumerate().skip(1).find_map(|(at, byte)| {
        if escaped {
            escaped = false;
            return None;
        }
        escaped = *byte == b'\\';
        (*byte == b'"').then_some(at)
    })
}

/// Sequence number and method of a `CSeq`. Numbers of 2³¹ and more are none (RFC 3261 8.1.1.5).
pub(crate) fn parse_cseq(value: &[u8]) -> Option<(u32, Method)> {
    let value = value.trim_ascii();
    let space = value.iter().position(u8::is_ascii_whitespace)?;
    let number: u32 = decimal(&value[..space])?;
    let method = Method::from_bytes(value[space..].trim_ascii())?;
    (number < 1 << 31).then_some((number, method))
}

/// `RSeq`, `CSeq` and method of a `RAck` (RFC 3262 7.2).
pub(crate) fn parse_rack(value: &[u8]) -> Option<(u32, u32, Method)> {
    let value = value.trim_ascii();
    let space = value.iter().position(u8::is_ascii_whitespace)?;
    let rseq = decimal(&value[..space])?;
    let (cseq, method) = parse_cseq(&value[space..])?;
    Some((rseq, cseq, method))
}

/// Who refreshes a session (RFC 4028).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresher {
    Uac,
    Uas,
}

/// Interval in seconds and refresher of a Session-Expires.
pub(crate) fn parse_session_expires(value: &[u8]) -> Option<(u32, Option<Refresher>)> {
    let (seconds, params) = cut(value, b';');
    let refresher = param(params, "refresher").and_then(|text| {
        if text.eq_ignore_ascii_case(b"uac") {
            Some(Refresher::Uac)
        } else {
            text.eq_ignore_ascii_case(b"uas").then_some(Refresher::Uas)
        }
    });
    Some((decimal(seconds.trim_ascii())?, refresher))
}

/// The number that opens a value such as `120;duration=5` or `120 (closed)`.
pub(crate) fn leading_number(value: &[u8]) -> Option<u32> {
    let value = value.trim_ascii();
    let end = value
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(value.len());
    decimal(&value[..end])
}

/// The type of a Content-Type, without its parameters, as written.
pub(crate) fn media_type(value: &[u8]) -> &[u8] {
    cut(value, b';').0.trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_split_only_outside_quotes_and_brackets() {
        let text = br#""A, \"B" <sip:a,b@h>;x="1,2" , <sip:c@h>,, sip:d@h"#;
        let values: Vec<_> = CommaSeparated::new(text).collect();
        assert_eq!(values.len(), 3);
        let first = NameAddr::parse(values[0]).unwrap();
        assert_eq!(first.display().unwrap(), "A, \"B");
        assert_eq!(first.uri, b"sip:a,b@h");
        assert_eq!(first.param("x"), Some(b"1,2".as_slice()));
        assert_eq!(NameAddr::parse(values[2]).unwrap().uri, b"sip:d@h");
    }

    #[test]
    fn via_with_odd_white_space_and_ipv6() {
        let via = Via::parse(b"SIP  / 2.0\t/ UDP  [2001:db8::1]:5061 ;branch = z9hG4bKx ; rport").unwrap();
        assert_eq!(via.host, b"[2001:db8::1]");
        assert_eq!(via.port, Some(5061));
        assert_eq!(via.branch(), Some(b"z9hG4bKx".as_slice()));
        assert_eq!(via.param("rport"), Some(b"".as_slice()));
        for bad in [
            "",
            "SIP/2.0/UDP",
            "SIP/3.0/UDP h",
            "SIP/2.0/UDP ;branch=x",
            "SIP/2.0/UDP h:0x",
            "SIP/2.0/UDP h h2",
        ] {
            assert_eq!(Via::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_semicolon_after_a_bare_uri_belongs_to_the_header() {
        let from = NameAddr::parse(b"sip:a@h;tag=7").unwrap();
        assert_eq!(
            (from.uri, from.tag()),
            (b"sip:a@h".as_slice(), Some(b"7".as_slice()))
        );
        assert_eq!(from.without_params, b"sip:a@h");
        for bad in [
            "",
            "\"open <sip:a@h>",
            "<sip:a@h",
            "<>",
            "\"x\" sip:a@h",
            "<sip:a@h> tail",
        ] {
            assert_eq!(NameAddr::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn numbers_have_their_limits() {
        assert_eq!(parse_cseq(b" 0009  INVITE "), Some((9, Method::Invite)));
        assert_eq!(parse_cseq(b"2147483648 INVITE"), None);
        assert_eq!(parse_cseq(b"-1 INVITE"), None);
        assert_eq!(parse_cseq(b"1"), None);
        assert_eq!(parse_rack(b"776656 1 INVITE"), Some((776_656, 1, Method::Invite)));
        assert_eq!(
            parse_session_expires(b"1800 ; refresher=UAS"),
            Some((1800, Some(Refresher::Uas)))
        );
        assert_eq!(leading_number(b"18 (in a meeting)"), Some(18));
    }
}
