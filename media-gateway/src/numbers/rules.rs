//! Rules of a class of restriction as people write them: `allow +39`, `deny +39899`.

use ponte_call_core::RestrictionRule;
use ponte_protocol::admin::Rule;

/// Why a rule was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("a rule is `allow` or `deny` and a prefix, e.g. `allow +39`")]
    Form,
    #[error("'{0}' is no prefix: '+' and up to 15 digits, e.g. `+39`, or `+` alone for every number")]
    Prefix(String),
}

/// Reads `allow +39` or `deny +39899`.
pub fn parse_rule(text: &str) -> Result<RestrictionRule, RuleError> {
    let mut words = text.split_whitespace();
    let (Some(verb), Some(prefix), None) = (words.next(), words.next(), words.next()) else {
        return Err(RuleError::Form);
    };
    let allow = match verb {
        "allow" => true,
        "deny" => false,
        _ => return Err(RuleError::Form),
    };
    Ok(RestrictionRule {
        allow,
        prefix: parse_prefix(prefix)?,
    })
}

/// Reads `+39`, or `+` alone for every number.
pub fn parse_prefix(prefix: &str) -> Result<String, RuleError> {
    let valid = prefix.strip_prefix('+').is_some_and(|digits| {
        digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    });
    if !valid {
        return Err(RuleError::Prefix(prefix.to_owned()));
    }
    Ok(prefix.to_owned())
}

/// The rules as administrators' pages have them.
pub fn as_rules(rules: &[RestrictionRule]) -> Vec<Rule> {
    rules
        .iter()
        .map(|rule| Rule {
            allow: rule.allow,
            prefix: rule.prefix.clone(),
        })
        .collect()
}

/// The rule as [`parse_rule`] reads it.
pub fn rule_text(rule: &RestrictionRule) -> String {
    let verb = if rule.allow { "allow" } else { "deny" };
    format!("{verb} {}", rule.prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_what_they_write() {
        for text in ["allow +39", "deny +39899", "allow +"] {
            assert_eq!(rule_text(&parse_rule(text).unwrap()), text);
        }
        assert_eq!(parse_rule("  deny \t +1900 "), parse_rule("deny +1900"));
    }

    #[test]
    fn rules_refuse_what_is_no_rule() {
        for text in ["", "allow", "permit +39", "allow +39 +44", "Allow +39"] {
            assert_eq!(parse_rule(text), Err(RuleError::Form), "{text:?}");
        }
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
