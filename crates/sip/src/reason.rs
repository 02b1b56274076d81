//! The Reason header (RFC 3326) and the two directions between SIP status and Q.850 cause (RFC 3398).

use crate::message::{HeaderName, Message, decimal, param, strip_quotes};
use crate::types::{Reason, ReasonProtocol};

/// Reason values accepted of one message.
const MAX_REASONS: usize = 8;

/// Reads every Reason value of a message.
pub(crate) fn parse_reasons(message: &Message) -> Vec<Reason> {
    message
        .values(HeaderName::Reason)
        .take(MAX_REASONS)
        .filter_map(parse_reason)
        .collect()
}

fn parse_reason(value: &[u8]) -> Option<Reason> {
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    let name = value[..end].trim_ascii();
    let params = value.get(end + 1..).unwrap_or_default();
    let protocol = if name.eq_ignore_ascii_case(b"SIP") {
        ReasonProtocol::Sip
    } else if name.eq_ignore_ascii_case(b"Q.850") {
        ReasonProtocol::Q850
    } else if name.is_empty() {
        return None;
    } else {
        ReasonProtocol::Other(String::from_utf8_lossy(name).into_owned())
    };
    Some(Reason {
        protocol,
        cause: param(params, "cause").and_then(decimal),
        text: param(params, "text")
            .map(|text| String::from_utf8_lossy(strip_quotes(text)).into_owned())
            .filter(|text| !text.is_empty()),
    })
}

/// The header value of a reason. Line ends and quotes in its text are dropped.
pub(crate) fn format_reason(reason: &Reason) -> String {
    let mut value = match &reason.protocol {
        ReasonProtocol::Sip => "SIP".to_owned(),
        ReasonProtocol::Q850 => "Q.850".to_owned(),
        ReasonProtocol::Other(name) => name.chars().filter(char::is_ascii_alphanumeric).collect(),
    };
    if let Some(cause) = reason.cause {
        value.push_str(";cause=");
        value.push_str(&cause.to_string());
    }
    if let Some(text) = &reason.text {
        value.push_str(";text=\"");
        value.extend(
            text.chars()
                .filter(|letter| !letter.is_control() && !matches!(letter, '"' | '\\')),
        );
        value.push('"');
    }
    value
}

/// The Q.850 cause of an end: the one the peer named, else that of the status, else normal clearing.
pub(crate) fn q850_of(status: Option<u16>, reasons: &[Reason]) -> u8 {
    let named = |protocol: &ReasonProtocol| {
        reasons
            .iter()
            .find(|reason| reason.protocol == *protocol)
            .and_then(|reason| reason.cause)
    };
    named(&ReasonProtocol::Q850)
        .and_then(|cause| u8::try_from(cause).ok())
        .filter(|cause| (1..=127).contains(cause))
        .or_else(|| {
            status
                .or_else(|| named(&ReasonProtocol::Sip))
                .map(q850_from_status)
        })
        .unwrap_or(16)
}

/// The Q.850 cause that a final status stands for (RFC 3398 8.2.6.1).
pub fn q850_from_status(status: u16) -> u8 {
    match status {
        200..300 | 487 => 16,
        404 | 485 | 604 => 1,
        486 | 600 => 17,
        480 => 18,
        401..=403 | 407 | 603 => 21,
        410 => 22,
        482 | 483 => 25,
        484 => 28,
        502 => 38,
        400 | 481 | 500 | 503 => 41,
        405 => 63,
        488 | 606 => 65,
        406 | 415 | 501 => 79,
        408 | 504 => 102,
        413 | 414 | 416 | 420 | 421 | 423 | 505 | 513 => 127,
        _ => 31,
    }
}

/// The status that refuses a call for a Q.850 cause (RFC 3398 7.2.4.1).
pub fn status_from_q850(cause: u8) -> u16 {
    match cause {
        1..=3 | 26 => 404,
        17 => 486,
        18 => 408,
        21 | 55 | 57 | 87 => 403,
        22 | 23 => 410,
        27 => 502,
        28 => 484,
        29 | 69 | 79 => 501,
        34 | 38 | 41 | 42 | 47 | 58 | 88 => 503,
        65 | 70 => 488,
        102 => 504,
        111 | 127 => 500,
        _ => 480,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_survives_the_way_out_and_in() {
        for reason in [
            Reason::q850(17, "User busy"),
            Reason::sip(200, "Call completed elsewhere"),
            Reason {
                protocol: ReasonProtocol::Other("X".into()),
                cause: None,
                text: None,
            },
        ] {
            assert_eq!(parse_reason(format_reason(&reason).as_bytes()), Some(reason));
        }
        let evil = Reason::sip(486, "a\"\r\nEvil: 1");
        assert_eq!(format_reason(&evil), "SIP;cause=486;text=\"aEvil: 1\"");
        assert_eq!(parse_reason(b" q.850 ; cause=34 "), Some(Reason::q850(34, "")));
    }

    #[test]
    fn the_peers_own_cause_goes_before_the_mapped_one() {
        assert_eq!(q850_of(Some(503), &[Reason::q850(34, "")]), 34);
        assert_eq!(q850_of(Some(486), &[Reason::q850(0, "")]), 17);
        assert_eq!(q850_of(None, &[Reason::sip(404, "")]), 1);
        assert_eq!(q850_of(None, &[]), 16);
        assert_eq!(status_from_q850(17), 486);
    }
}
