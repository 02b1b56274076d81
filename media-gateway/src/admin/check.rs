//! What may be set, apart from what the store holds.

use super::{LABEL_MAX, NAME_MAX};
use crate::config::{Config, SiteConfig};
use crate::numbers::{NumberingPlan, TimedRule, read_rule};
use crate::store::{DidRow, UserRow};
use ponte_call_core::Dialled;
use ponte_protocol::admin::{Problem, ProblemKind, RULES_MAX, Rule};
use ponte_protocol::settings::NO_ANSWER_MS;
use ponte_protocol::{DialString, Extension};
use std::ops::RangeInclusive;

/// The range of [`ponte_protocol::admin::UserSettings::dials_per_hour`] and its neighbour.
const CAPS: RangeInclusive<u32> = 1..=100_000;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// As [`Problem::field`].
    pub field: String,
    pub kind: ProblemKind,
    /// In words, for the command line.
    pub reason: String,
}

impl Wrong {
    pub fn new(field: impl Into<String>, kind: ProblemKind, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            kind,
            reason: reason.into(),
        }
    }

    pub fn malformed(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(field, ProblemKind::Malformed, reason)
    }

    /// For the portal.
    pub fn problem(self) -> Problem {
        Problem {
            field: self.field,
            kind: self.kind,
        }
    }
}

/// A name without space around it.
///
/// # Errors
/// In words, where it is empty, longer than `longest` characters or has control characters.
pub fn check_name(text: &str, longest: usize) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > longest || name.chars().any(char::is_control) {
        return Err(format!("a name has 1 to {longest} characters"));
    }
    Ok(name.to_owned())
}

/// What a voicemail box may hold, in seconds.
pub(super) const QUOTA_S: RangeInclusive<u32> = 60..=1_000_000;

/// Rules as an administrator wrote them.
///
/// # Errors
/// Every rule that is none, by its place.
pub fn check_rules(rules: &[Rule]) -> Result<Vec<TimedRule>, Vec<Wrong>> {
    let mut wrong: Vec<Wrong> = rule_count(rules.len()).into_iter().collect();
    let mut read = Vec::with_capacity(rules.len().min(RULES_MAX));
    for (place, rule) in rules.iter().enumerate().take(RULES_MAX) {
        match read_rule(rule) {
            Ok(rule) => read.push(rule),
            Err(error) => wrong.push(Wrong::malformed(format!("rules.{place}"), error.to_string())),
        }
    }
    if wrong.is_empty() { Ok(read) } else { Err(wrong) }
}

pub(super) fn rule_count(count: usize) -> Option<Wrong> {
    (count > RULES_MAX).then(|| {
        Wrong::new(
            "rules",
            ProblemKind::OutOfRange,
            format!("there are {count} rules; at most {RULES_MAX}"),
        )
    })
}

pub(super) fn in_range<T: PartialOrd + std::fmt::Display>(
    field: &str,
    value: &T,
    range: &RangeInclusive<T>,
) -> Option<Wrong> {
    (!range.contains(value)).then(|| {
        let (least, most) = (range.start(), range.end());
        Wrong::new(
            field,
            ProblemKind::OutOfRange,
            format!("{field}: {value} is not {least} to {most}"),
        )
    })
}

pub(super) fn language(code: &str) -> Option<Wrong> {
    (!["en", "it"].contains(&code))
        .then(|| Wrong::malformed("language", format!("language: '{code}' is not en or it")))
}

/// Everything that is wrong with a user, apart from what others have.
pub fn check_user(row: &UserRow, config: &Config) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let name = |field: &str, text: &str| {
        check_name(text, NAME_MAX)
            .err()
            .map(|reason| Wrong::malformed(field, format!("{field}: {reason}")))
    };
    if row.user.as_str().ends_with(ponte_call_core::NOBODYS) {
        wrong.push(Wrong::new(
            "user",
            ProblemKind::Forbidden,
            format!(
                "no user is called …{}: so are telephones that belong to nobody",
                ponte_call_core::NOBODYS
            ),
        ));
    }
    wrong.extend(name("display_name", &row.display_name));
    wrong.extend(
        row.caller_id
            .name
            .as_ref()
            .and_then(|text| name("caller_id", text)),
    );
    wrong.extend(row.language.as_deref().and_then(language));
    wrong.extend(rule_count(row.restrictions.len()));
    wrong.extend(in_range("dials_per_hour", &row.caps.dials_per_hour, &CAPS));
    wrong.extend(in_range("minutes_per_day", &row.caps.minutes_per_day, &CAPS));
    wrong.extend(in_range("no_answer_ms", &row.user_no_answer_ms, &NO_ANSWER_MS));
    wrong.extend(
        row.voicemail_quota_s
            .and_then(|seconds| in_range("voicemail_quota_s", &seconds, &QUOTA_S)),
    );
    wrong.extend(user_extension(&row.extension, &config.site));
    if !config.site.own_numbers.is_empty() && !NumberingPlan::new(&config.site).is_own(&row.caller_id.number)
    {
        wrong.push(Wrong::new(
            "caller_id",
            ProblemKind::Forbidden,
            format!(
                "the caller ID {} is none of site.own_numbers; a user may show a number of the company only",
                row.caller_id.number.as_str()
            ),
        ));
    }
    wrong
}

fn read_extension(extension: &Extension, site: &SiteConfig) -> Dialled {
    extension
        .as_str()
        .parse::<DialString>()
        .map_or(Dialled::Invalid, |dialled| {
            NumberingPlan::new(site).read(&dialled)
        })
}

fn user_extension(extension: &Extension, site: &SiteConfig) -> Option<Wrong> {
    let text = extension.as_str();
    match read_extension(extension, site) {
        Dialled::Own { extension: Some(_) } => None,
        Dialled::Emergency => Some(Wrong::new(
            "extension",
            ProblemKind::Forbidden,
            format!("the extension {text} is an emergency number"),
        )),
        _ => Some(Wrong::new(
            "extension",
            ProblemKind::OutOfRange,
            format!(
                "the extension {text} fits none of site.extensions ({}); add its pattern there, e.g. \"{}\"",
                site.extensions.join(", "),
                pattern_like(text)
            ),
        )),
    }
}

fn pattern_like(extension: &str) -> String {
    extension
        .char_indices()
        .map(|(place, digit)| if place == 0 { digit } else { 'x' })
        .collect()
}

/// Everything that is wrong with a number of the site.
pub fn check_did(row: &DidRow, config: &Config) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    if let Some(reason) = row
        .label
        .as_ref()
        .and_then(|label| check_name(label, LABEL_MAX).err())
    {
        wrong.push(Wrong::malformed("label", format!("label: {reason}")));
    }
    if !matches!(
        read_extension(&row.extension, &config.site),
        Dialled::Own { extension: Some(_) }
    ) {
        wrong.push(Wrong::new(
            "extension",
            ProblemKind::OutOfRange,
            format!(
                "{} is none of site.extensions ({})",
                row.extension.as_str(),
                config.site.extensions.join(", ")
            ),
        ));
    }
    if let Some(trunk) = &row.trunk
        && !config.trunks.iter().any(|known| known.id == *trunk)
    {
        let known: Vec<&str> = config.trunks.iter().map(|trunk| trunk.id.0.as_str()).collect();
        wrong.push(Wrong::new(
            "trunk",
            ProblemKind::NotFound,
            format!(
                "there is no trunk '{}'; the configuration has {}",
                trunk.0,
                known.join(", ")
            ),
        ));
    }
    wrong
}
