//! `[site]`: the company and its numbers.

use super::reader::{Found, Problems, Section};
use super::{OwnNumbers, SiteConfig};
use crate::numbers::{self, parse_rule};
use jiff::tz::TimeZone;
use ponte_media::Country;
use ponte_protocol::admin::CallRecording;
use ponte_protocol::{AccountCodePolicy, CallSettings, E164, SiteId};
use std::collections::HashSet;

/// What holds where a country's own choice is not made.
struct CountryDefaults {
    tones: Country,
    language: &'static str,
    emergency: &'static [&'static str],
}

fn country_defaults(country: &str) -> Option<CountryDefaults> {
    let (tones, language, emergency): (_, _, &[&str]) = match country {
        "IT" => (Country::It, "it", &["112", "113", "115", "118"]),
        "US" => (Country::Us, "en", &["911", "933"]),
        "GB" => (Country::Uk, "en", &["999", "112"]),
        "DE" => (Country::De, "en", &["110", "112"]),
        _ => return None,
    };
    Some(CountryDefaults {
        tones,
        language,
        emergency,
    })
}

pub(super) fn read(mut section: Section<'_, '_>, problems: &Problems<'_>) -> Option<SiteConfig> {
    let name = section
        .required_text("name", "milano")
        .and_then(|name| name.read(problems, |name| name.parse::<SiteId>()));
    let country = section
        .required_text("country", "IT")
        .and_then(|country| country.read(problems, |code| check_country(code)));
    let defaults = country
        .as_ref()
        .and_then(|country| country_defaults(&country.value));

    let language = section
        .text("language")
        .and_then(|language| language.read(problems, |code| check_language(code)));
    let tones = section
        .text("tone_country")
        .and_then(|tones| tones.read(problems, |code| check_tones(code)));
    let time_zone = section
        .text("time_zone")
        .and_then(|name| name.read(problems, |name| self::time_zone(name)));
    let no_answer = section.number("no_answer_seconds", 5..=120);
    let call_waiting = section.flag("call_waiting");
    let call_recording = section
        .text("call_recording")
        .and_then(|found| found.read(problems, |text| check_recording(text)));
    let account_codes = section
        .text("account_codes")
        .and_then(|found| found.read(problems, |text| check_policy(text)));
    let own_numbers = list(&mut section, problems, "own_numbers", parse_own_numbers);
    let extensions = list(&mut section, problems, "extensions", check_pattern);
    let rules = section.texts("default_restrictions").map(|rules| {
        let rules = rules.value.into_iter();
        rules
            .filter_map(|rule| rule.read(problems, |text| parse_rule(text)))
            .map(|rule| rule.value)
            .collect::<Vec<_>>()
    });
    let emergency = section.texts("emergency_numbers");
    let emergency_given = emergency
        .as_ref()
        .is_some_and(|numbers| !numbers.value.is_empty());
    if let Some(empty) = emergency.as_ref().filter(|numbers| numbers.value.is_empty()) {
        empty.problem(
            problems,
            "must not be empty: emergency calls would be taken for others",
        );
    }
    let emergency: Vec<String> = emergency.map_or_else(Vec::new, |numbers| {
        let numbers = numbers.value.into_iter();
        numbers
            .filter_map(|number| number.read(problems, |text| check_emergency(text)))
            .map(|number| number.value)
            .collect()
    });

    if let Some(country) = country.as_ref().filter(|_| defaults.is_none()) {
        let needs = |given: bool, key: &str| {
            if !given {
                country.problem(
                    problems,
                    format_args!("has no defaults for {}; set site.{key} too", country.value),
                );
            }
        };
        needs(tones.is_some(), "tone_country");
        needs(emergency_given, "emergency_numbers");
    }
    section.finish();

    let country = country?.value;
    let emergency_numbers = match &defaults {
        Some(defaults) if !emergency_given => defaults.emergency.iter().map(ToString::to_string).collect(),
        _ => emergency,
    };
    Some(SiteConfig {
        name: name?.value,
        language: language.map_or_else(
            || {
                defaults
                    .as_ref()
                    .map_or("en", |defaults| defaults.language)
                    .to_owned()
            },
            |language| language.value,
        ),
        tone_country: tones
            .map(|tones| tones.value)
            .or(defaults.map(|defaults| defaults.tones))?,
        browser_calls: false,
        own_numbers,
        extensions,
        emergency_numbers,
        default_restrictions: rules.unwrap_or_else(|| numbers::default_rules(&country)),
        no_answer_ms: no_answer.map_or_else(
            || CallSettings::default().no_answer_ms,
            |found| found.value * 1000,
        ),
        call_waiting: call_waiting.is_none_or(|found| found.value),
        call_recording: call_recording.map_or(CallRecording::Never, |found| found.value),
        account_codes: account_codes.map_or(AccountCodePolicy::Off, |found| found.value),
        time_zone: time_zone.map_or_else(TimeZone::system, |found| found.value),
        external_directory: None,
        country,
    })
}

/// A list whose entries must be read, and must differ.
fn list<T>(
    section: &mut Section<'_, '_>,
    problems: &Problems<'_>,
    key: &'static str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Vec<T> {
    let Some(texts) = section.texts(key) else {
        return Vec::new();
    };
    let mut seen = HashSet::new();
    let mut values = Vec::new();
    for text in texts.value {
        if !seen.insert(text.value.clone()) {
            text.problem(problems, format_args!("'{}' stands here twice", text.value));
            continue;
        }
        if let Some(Found { value, .. }) = text.read(problems, |text| read(text)) {
            values.push(value);
        }
    }
    values
}

fn check_country(code: &str) -> Result<String, String> {
    let upper = code.to_ascii_uppercase();
    if numbers::is_country(&upper) {
        return Ok(upper);
    }
    Err(if upper == "UK" {
        "the code of the United Kingdom is GB (ISO 3166)".to_owned()
    } else {
        format!("'{code}' is no country; two letters as in ISO 3166, e.g. IT, US, GB, DE")
    })
}

fn check_recording(text: &str) -> Result<CallRecording, String> {
    match text {
        "never" => Ok(CallRecording::Never),
        "everyone" => Ok(CallRecording::Everyone),
        "permitted" => Ok(CallRecording::Permitted),
        _ => Err(format!("'{text}' is none of never, everyone, permitted")),
    }
}

fn check_policy(text: &str) -> Result<AccountCodePolicy, String> {
    match text {
        "off" => Ok(AccountCodePolicy::Off),
        "optional" => Ok(AccountCodePolicy::Optional),
        "required" => Ok(AccountCodePolicy::Required),
        _ => Err(format!("'{text}' is none of off, optional, required")),
    }
}

fn check_language(code: &str) -> Result<String, String> {
    match code {
        "en" | "it" => Ok(code.to_owned()),
        _ => Err(format!("there are no prompts in '{code}'; en or it")),
    }
}

fn check_tones(code: &str) -> Result<Country, String> {
    match code.to_ascii_lowercase().as_str() {
        "it" => Ok(Country::It),
        "us" => Ok(Country::Us),
        "uk" | "gb" => Ok(Country::Uk),
        "de" => Ok(Country::De),
        _ => Err(format!("there are no tones of '{code}'; it, us, uk or de")),
    }
}

/// The time zone of this name of the IANA, e.g. `Europe/Rome`.
///
/// # Errors
/// In words, where the machine knows none of this name.
pub fn time_zone(name: &str) -> Result<TimeZone, String> {
    let unknown = || {
        format!(
            "'{name}' is no time zone that this machine knows; a name of the IANA, e.g. Europe/Rome (Debian: tzdata)"
        )
    };
    // The database would read other things too, such as the rule of a zone.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
    if !name.bytes().all(plain) {
        return Err(unknown());
    }
    TimeZone::get(name).map_err(|_| unknown())
}

fn check_pattern(text: &str) -> Result<String, String> {
    let characters = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'x');
    if !characters || !(2..=8).contains(&text.len()) {
        return Err(format!(
            "'{text}' is no pattern of extensions; 2 to 8 digits, with x for any digit, e.g. 2xx"
        ));
    }
    Ok(text.to_owned())
}

fn check_emergency(text: &str) -> Result<String, String> {
    if (2..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "'{text}' is no emergency number; 2 to 6 digits, e.g. 112"
    ))
}

/// `+390212345600`, `+390212345600..+390212345699` or `+3902123456*`.
fn parse_own_numbers(text: &str) -> Result<OwnNumbers, String> {
    let number = |text: &str| {
        text.trim()
            .parse::<E164>()
            .map_err(|error| format!("'{text}': {error}; write it as +390212345600"))
    };
    if let Some((first, last)) = text.split_once("..") {
        let (first, last) = (number(first)?, number(last)?);
        if first.as_str().len() != last.as_str().len() || first > last {
            return Err(format!(
                "'{text}': the last number must come after the first, with as many digits"
            ));
        }
        return Ok(OwnNumbers::Range { first, last });
    }
    if let Some(prefix) = text.strip_suffix('*') {
        let valid = prefix.strip_prefix('+').is_some_and(|digits| {
            (4..15).contains(&digits.len())
                && !digits.starts_with('0')
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        return if valid {
            Ok(OwnNumbers::Prefix(prefix.to_owned()))
        } else {
            Err(format!(
                "'{text}': a prefix is '+', 4 to 14 digits and '*', e.g. +3902123456*"
            ))
        };
    }
    number(text).map(OwnNumbers::Single)
}
