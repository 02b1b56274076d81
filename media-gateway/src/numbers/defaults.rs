//! What a country brings with it.

use super::TimedRule;
use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};

/// Area codes of country code 1 outside the United States and Canada. They look like domestic numbers, are billed as
/// international ones, and are where call-back fraud lives.
const ISLANDS: [&str; 21] = [
    "242", "246", "264", "268", "284", "345", "441", "473", "649", "658", "664", "721", "758", "767", "784",
    "809", "829", "849", "868", "869", "876",
];

/// The region of a country's ISO 3166 code, upper case.
pub(super) fn region(country: &str) -> Option<Region> {
    let region = country.parse::<Region>().ok()?;
    PHONE_NUMBER_UTIL
        .get_country_code_for_region(region)
        .map(|_| region)
}

/// The country calling code, e.g. 39.
pub(super) fn calling_code(country: &str) -> Option<i32> {
    PHONE_NUMBER_UTIL.get_country_code_for_region(region(country)?)
}

/// Whether this is a country, by its ISO 3166 code in upper case, whose numbers can be read.
pub fn is_country(code: &str) -> bool {
    code.len() == 2 && region(code).is_some()
}

/// What everybody may dial where nothing else is configured: the site's country. Premium numbers are not part of that
/// (see the class of restriction in call control), nor are islands that share the country's code.
pub fn default_rules(country: &str) -> Vec<TimedRule> {
    let Some(code) = calling_code(country) else {
        return Vec::new();
    };
    let mut rules = Vec::new();
    if code == 1 {
        rules.extend(ISLANDS.iter().map(|area| TimedRule {
            allow: false,
            prefix: format!("+1{area}"),
            hours: None,
        }));
    }
    rules.push(TimedRule {
        allow: true,
        prefix: format!("+{code}"),
        hours: None,
    });
    rules
}
