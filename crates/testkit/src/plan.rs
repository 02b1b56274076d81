//! A numbering plan for tests: enough of Italy to tell the classes of numbers apart.

use crate::site::{DID_ANNA, DID_BRUNO};
use ponte_call_core::{Dialled, FeatureCode, NumberClass};
use ponte_protocol::AccountCode;

/// What a desk telephone has dialled: `*15`, an account code, `*` and a number are both, anything else is a number.
pub fn split(typed: &str) -> (Option<AccountCode>, &str) {
    typed
        .strip_prefix("*15")
        .and_then(|rest| rest.split_once('*'))
        .map_or((None, typed), |(code, number)| (code.parse().ok(), number))
}

/// Reads what was typed, with `00` and `0` for the international and the national prefix. `*11` logs on, `*12` logs off,
/// `*13` leaves telecommuter mode, `*97` is voicemail. `112` and `911` are emergency numbers, other short numbers and `+3902123456xx` belong to the
/// site, `+393…` are mobiles, `+39899…` is premium.
pub fn read(typed: &str) -> Dialled {
    match typed {
        "*11" => return Dialled::FeatureCode(Some(FeatureCode::LogOn)),
        "*12" => return Dialled::FeatureCode(Some(FeatureCode::LogOff)),
        "*13" => return Dialled::FeatureCode(Some(FeatureCode::Leave)),
        "*97" => return Dialled::FeatureCode(Some(FeatureCode::Voicemail)),
        _ => {}
    }
    if typed.contains(['*', '#']) {
        return Dialled::FeatureCode(None);
    }
    if typed == "112" || typed == "911" {
        return Dialled::Emergency;
    }
    if (2..=4).contains(&typed.len()) && !typed.starts_with('+') {
        return Dialled::Own {
            extension: typed.parse().ok(),
        };
    }
    // Zones with a leading 0 in the national number keep it.
    let written = match typed.strip_prefix("00") {
        Some(abroad) => format!("+{abroad}"),
        None if typed.starts_with('0') => format!("+39{typed}"),
        None => typed.to_owned(),
    };
    let typed = written.as_str();
    if typed.starts_with("+3902123456") && typed.len() == 13 {
        let extension = match typed {
            DID_ANNA => "201".parse().ok(),
            DID_BRUNO => "202".parse().ok(),
            _ => None,
        };
        return Dialled::Own { extension };
    }
    let class = if typed.starts_with("+39899") {
        NumberClass::Premium
    } else if typed.starts_with("+393") {
        NumberClass::Mobile
    } else {
        NumberClass::Fixed
    };
    match typed.parse() {
        Ok(number) => Dialled::External { number, class },
        Err(_) => Dialled::Invalid,
    }
}
