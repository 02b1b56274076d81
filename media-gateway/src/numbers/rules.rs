//! Rules of a class of restriction as people write them: `allow +39`, `deny +39899`, `allow +44 Mon-Fri 09:00-18:00`.

use crate::hours::{Hours, HoursError};
use jiff::tz::TimeZone;
use ponte_call_core::RestrictionRule;
use ponte_protocol::UnixMillis;
use ponte_protocol::admin::Rule;

/// A rule of a class of restriction, and when it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedRule {
    pub allow: bool,
    /// `+` and digits, e.g. `+39`; `+` alone matches every number.
    pub prefix: String,
    /// `None`: always. At other times the rule is as if it were not there.
    pub hours: Option<Hours>,
}

impl TimedRule {
    /// Whether it holds at this moment.
    pub fn is_on(&self, at: UnixMillis, zone: &TimeZone) -> bool {
        self.hours.is_none_or(|hours| hours.is_on(at, zone))
    }

    /// As call control knows it.
    pub fn rule(&self) -> RestrictionRule {
        RestrictionRule {
            allow: self.allow,
            prefix: self.prefix.clone(),
        }
    }
}

/// Why a rule was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("a rule is `allow` or `deny` and a prefix, e.g. `allow +39` or `allow +44 Mon-Fri 09:00-18:00`")]
    Form,
    #[error("{0}")]
    Hours(#[from] HoursError),
    #[error("'{0}' is no prefix: '+' and up to 15 digits, e.g. `+39`, or `+` alone for every number")]
    Prefix(String),
}

/// Reads `allow +39` or `deny +39899`, with the time of the week at which the rule holds where there is one.
pub fn parse_rule(text: &str) -> Result<TimedRule, RuleError> {
    let mut words = text.split_whitespace();
    let (Some(verb), Some(prefix)) = (words.next(), words.next()) else {
        return Err(RuleError::Form);
    };
    let allow = match verb {
        "allow" => true,
        "deny" => false,
        _ => return Err(RuleError::Form),
    };
    let prefix = parse_prefix(prefix)?;
    let hours: Vec<&str> = words.collect();
    let hours = match hours.as_slice() {
        [] => None,
        [_, _] => Some(hours.join(" ").parse()?),
        _ => return Err(RuleError::Form),
    };
    Ok(TimedRule { allow, prefix, hours })
}

/// Reads a rule as administrators' pages have it.
pub fn read_rule(rule: &Rule) -> Result<TimedRule, RuleError> {
    Ok(TimedRule {
        allow: rule.allow,
        prefix: parse_prefix(&rule.prefix)?,
        hours: rule.hours.as_deref().map(str::parse).transpose()?,
    })
}

/// Reads `+39`, or `+` alone for every number.
fn parse_prefix(prefix: &str) -> Result<String, RuleError> {
    let valid = prefix.strip_prefix('+').is_some_and(|digits| {
        digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    });
    if !valid {
        return Err(RuleError::Prefix(prefix.to_owned()));
    }
    Ok(prefix.to_owned())
}

/// The rules as administrators' pages have them.
pub fn as_rules(rules: &[TimedRule]) -> Vec<Rule> {
    rules
        .iter()
        .map(|rule| Rule {
            allow: rule.allow,
            prefix: rule.prefix.clone(),
            hours: rule.hours.map(|hours| hours.to_string()),
        })
        .collect()
}

/// The rule as [`parse_rule`] reads it.
pub fn rule_text(rule: &TimedRule) -> String {
    let verb = if rule.allow { "allow" } else { "deny" };
    match &rule.hours {
        Some(hours) => format!("{verb} {} {hours}", rule.prefix),
        None => format!("{verb} {}", rule.prefix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_what_they_write() {
        for text in [
            "allow +39",
            "deny +39899",
            "allow +",
            "allow +44 Mon-Fri 09:00-18:00",
        ] {
            assert_eq!(rule_text(&parse_rule(text).unwrap()), text);
        }
        assert_eq!(parse_rule("  deny \t +1900 "), parse_rule("deny +1900"));
    }

    #[test]
    fn rules_refuse_what_is_no_rule() {
        for text in [
            "",
            "allow",
            "permit +39",
            "allow +39 +44",
            "Allow +39",
            "allow +39 Mon 09:00-18:00 x",
        ] {
            assert_eq!(parse_rule(text), Err(RuleError::Form), "{text:?}");
        }
        assert_eq!(
            parse_rule("allow +39 Mon 9-18"),
            Err(RuleError::Hours(HoursError::Time("9".into())))
        );
        for prefix in ["39", "+039", "+39a", "+1234567890123456", "*"] {
            let text = format!("deny {prefix}");
            assert_eq!(
                parse_rule(&text),
                Err(RuleError::Prefix(prefix.to_owned())),
                "{text:?}"
            );
        }
    }
}
