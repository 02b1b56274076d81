//! The class of restriction: which numbers a user may reach.

use crate::{NumberClass, RestrictionRule};
use ponte_protocol::{E164, Refusal};

/// Decides by the first rule that speaks of the number; a number that none speaks of is denied.
///
/// A rule that allows a whole country, or everything, does not speak of that country's premium numbers: those need a
/// rule that names their prefix.
pub(crate) fn check(rules: &[RestrictionRule], number: &E164, class: NumberClass) -> Result<(), Refusal> {
    let country = 1 + country_code_digits(number);
    let speaks = |rule: &&RestrictionRule| {
        let names_premium = rule.prefix.len() > country;
        rule.prefix.starts_with('+')
            && number.as_str().starts_with(&rule.prefix)
            && (class != NumberClass::Premium || !rule.allow || names_premium)
    };
    match rules.iter().find(speaks) {
        Some(rule) if rule.allow => Ok(()),
        Some(rule) => Err(Refusal::Restricted {
            rule: rule.prefix.clone(),
        }),
        None => Err(Refusal::Restricted { rule: String::new() }),
    }
}

/// How many digits the country code has: zones 1 and 7 are one digit, the rest are two where ITU-T E.164's list of
/// assigned codes says so, else three.
fn country_code_digits(number: &E164) -> usize {
    let digits = number.digits().as_bytes();
    match (digits.first(), digits.get(1)) {
        (Some(b'1' | b'7'), _) => 1,
        (Some(b'2'), Some(b'0' | b'7'))
        | (Some(b'3'), Some(b'0'..=b'4' | b'6' | b'9'))
        | (Some(b'4'), Some(b'0' | b'1' | b'3'..=b'9'))
        | (Some(b'5'), Some(b'1'..=b'8'))
        | (Some(b'6'), Some(b'0'..=b'6'))
        | (Some(b'8'), Some(b'1' | b'2' | b'4' | b'6'))
        | (Some(b'9'), Some(b'0'..=b'5' | b'8')) => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &[&str]) -> Vec<RestrictionRule> {
        text.iter()
            .map(|rule| RestrictionRule {
                allow: rule.starts_with("allow"),
                prefix: rule.split(' ').nth(1).unwrap().to_owned(),
            })
            .collect()
    }

    fn decide(text: &[&str], number: &str, class: NumberClass) -> Result<(), String> {
        match check(&rules(text), &number.parse().unwrap(), class) {
            Ok(()) => Ok(()),
            Err(Refusal::Restricted { rule }) => Err(rule),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn t04_the_first_matching_rule_decides_and_the_default_is_to_deny() {
        let italy = ["deny +39178", "allow +39", "deny +"];
        assert_eq!(decide(&italy, "+390212345678", NumberClass::Fixed), Ok(()));
        assert_eq!(
            decide(&italy, "+391781234567", NumberClass::Other),
            Err("+39178".into())
        );
        assert_eq!(
            decide(&italy, "+442079460018", NumberClass::Fixed),
            Err("+".into())
        );
        assert_eq!(
            decide(&italy[..2], "+442079460018", NumberClass::Fixed),
            Err(String::new())
        );
        assert_eq!(
            decide(&[], "+390212345678", NumberClass::Fixed),
            Err(String::new())
        );
        assert_eq!(decide(&["allow +"], "+97212345678", NumberClass::Mobile), Ok(()));
    }

    #[test]
    fn t04_premium_numbers_need_a_rule_that_names_them() {
        let premium = NumberClass::Premium;
        assert_eq!(decide(&["allow +"], "+39899123456", premium), Err(String::new()));
        assert_eq!(
            decide(&["allow +39"], "+39899123456", premium),
            Err(String::new())
        );
        assert_eq!(
            decide(&["allow +39", "allow +39899"], "+39899123456", premium),
            Ok(())
        );
        assert_eq!(
            decide(&["deny +39", "allow +39899"], "+39899123456", premium),
            Err("+39".into())
        );
        assert_eq!(decide(&["allow +1"], "+19005551234", premium), Err(String::new()));
        assert_eq!(decide(&["allow +1900"], "+19005551234", premium), Ok(()));
        assert_eq!(
            decide(&["allow +353"], "+3531590123456", premium),
            Err(String::new())
        );
        assert_eq!(decide(&["allow +3531590"], "+3531590123456", premium), Ok(()));
    }

    #[test]
    fn a_prefix_without_plus_matches_nothing() {
        assert_eq!(
            decide(&["allow 39"], "+390212345678", NumberClass::Fixed),
            Err(String::new())
        );
        assert_eq!(
            decide(&["allow "], "+390212345678", NumberClass::Fixed),
            Err(String::new())
        );
    }
}
