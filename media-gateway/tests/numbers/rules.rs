//! Which rule decides about a number, and when.

use crate::common::{did, read, site};
use ponte_call_core::Dialled;
use ponte_gateway::numbers::{NumberingPlan, decide, explain, parse_rule, rule_text};
use ponte_gateway::store::{GroupRow, RuleOwner, UserRow};
use ponte_protocol::{Refusal, UnixMillis};

/// Monday, 2026-11-23, 09:30 in Milan.
const MORNING: UnixMillis = UnixMillis(1_795_422_600_000);
const HOUR: u64 = 3_600_000;

#[test]
fn t04_an_explanation_says_whose_rule_decides() {
    let site = site("IT", "+390212345600..+390212345699");
    let plan = NumberingPlan::new(&site).with_dids(&[did("+390212345601", "201", None)]);
    let mut anna = user(&["deny +3906"]);
    anna.group = Some(GroupRow {
        group: "sales".parse().unwrap(),
        restrictions: vec![
            parse_rule("allow +3906").unwrap(),
            parse_rule("deny +44").unwrap(),
        ],
    });
    let told = |dialled: &str| {
        let told = explain(&anna, &site, &read(&plan, dialled), MORNING);
        let number = told.number.map(|number| number.as_str().to_owned());
        (number.unwrap_or_default(), told.refusal, told.rule, told.from)
    };
    let case = |number: &str, refusal, rule: &str, from: &str| {
        (number.to_owned(), refusal, rule.to_owned(), from.to_owned())
    };
    let restricted = |rule: &str| {
        Some(Refusal::Restricted {
            rule: rule.to_owned(),
        })
    };
    assert_eq!(
        told("0687654321"),
        case("+390687654321", restricted("+3906"), "+3906", "user")
    );
    assert_eq!(
        told("+442079460018"),
        case("+442079460018", restricted("+44"), "+44", "group")
    );
    assert_eq!(told("0287654321"), case("+390287654321", None, "+39", "site"));
    assert_eq!(told("+12024561111"), case("+12024561111", restricted(""), "", ""));
    assert_eq!(told("0212345601"), case("", None, "", ""));
    assert_eq!(told("201"), case("", None, "", ""));
    assert_eq!(told("*97"), case("", None, "", ""));
    assert_eq!(told("*98"), case("", Some(Refusal::InvalidNumber), "", ""));
    assert_eq!(told("112"), case("", Some(Refusal::EmergencyNumber), "", ""));
    let owners: Vec<_> = anna.rules(&site).map(|(owner, _)| owner).collect();
    assert_eq!(
        owners,
        [
            RuleOwner::User,
            RuleOwner::Group,
            RuleOwner::Group,
            RuleOwner::Site
        ]
    );
}

fn user(rules: &[&str]) -> UserRow {
    UserRow {
        restrictions: rules.iter().map(|rule| parse_rule(rule).unwrap()).collect(),
        ..UserRow::new(
            "anna".parse().unwrap(),
            "201".parse().unwrap(),
            "+390212345600".parse().unwrap(),
        )
    }
}

#[test]
fn explain_names_the_rule_that_decides() {
    let site = site("IT", "+390212345600");
    let plan = NumberingPlan::new(&site);
    let user = user(&["deny +3902", "allow +4420"]);
    let decide = |dialled: &str| {
        let verdict = decide(&user, &site, &read(&plan, dialled), MORNING);
        let rule = verdict.rule.map(|(_, rule)| rule_text(&rule));
        (verdict.refusal.is_none(), rule)
    };
    let rule = |text: &str| Some(text.to_owned());
    assert_eq!(decide("0287654321"), (false, rule("deny +3902")));
    assert_eq!(decide("3331234567"), (true, rule("allow +39")));
    assert_eq!(decide("+442071234567"), (true, rule("allow +4420")));
    assert_eq!(decide("+441612345678"), (false, None));
    assert_eq!(decide("899123456"), (false, None));
    assert_eq!(decide("112"), (false, None));
    let emergency = explain(&user, &site, &Dialled::Emergency, MORNING);
    assert_eq!(emergency.refusal, Some(Refusal::EmergencyNumber));
}

#[test]
fn t04_a_rule_holds_at_its_times_by_the_clock_of_the_site() {
    let mut site = site("IT", "+390212345600");
    site.time_zone = jiff::tz::TimeZone::get("Europe/Rome").unwrap();
    let plan = NumberingPlan::new(&site);
    let user = user(&[
        "deny +4420 Mon 12:00-14:00",
        "allow +44 Mon-Fri 09:00-18:00",
        "allow +44 Sat,Sun 00:00-24:00",
    ]);
    let decide = |hours: u64, dialled: &str| {
        let told = explain(&user, &site, &read(&plan, dialled), MORNING.plus(hours * HOUR));
        (told.refusal.is_none(), told.rule, told.hours.unwrap_or_default())
    };
    let case = |allowed: bool, rule: &str, hours: &str| (allowed, rule.to_owned(), hours.to_owned());
    let london = "+442071234567";
    assert_eq!(decide(0, london), case(true, "+44", "Mon-Fri 09:00-18:00"));
    assert_eq!(decide(3, london), case(false, "+4420", "Mon 12:00-14:00"));
    assert_eq!(
        decide(9, london),
        case(false, "", ""),
        "half past six in the evening"
    );
    assert_eq!(decide(24 + 3, london), case(true, "+44", "Mon-Fri 09:00-18:00"));
    assert_eq!(
        decide(5 * 24 + 10, london),
        case(true, "+44", "Sat,Sun 00:00-24:00")
    );
    assert_eq!(decide(9, "0287654321"), case(true, "+39", ""));
    // In Kiribati it is the evening of that Monday.
    site.time_zone = jiff::tz::TimeZone::get("Pacific/Kiritimati").unwrap();
    let far = explain(&user, &site, &read(&plan, london), MORNING);
    assert!(far.refusal.is_some());
}

#[test]
fn by_default_a_site_calls_its_country_without_premium_numbers_and_nothing_else() {
    let decide = |country: &str, dialled: &str| {
        let site = site(country, "+390212345600");
        let dialled = read(&NumberingPlan::new(&site), dialled);
        assert!(matches!(dialled, Dialled::External { .. }), "{dialled:?}");
        explain(&user(&[]), &site, &dialled, MORNING).refusal.is_none()
    };
    assert!(decide("IT", "0287654321"));
    assert!(decide("IT", "800123456"));
    assert!(!decide("IT", "899123456"));
    assert!(!decide("IT", "+442071234567"));
    assert!(decide("US", "(212) 456-7890"));
    assert!(!decide("US", "876 926 1234"), "Jamaica shares the country code");
    assert!(!decide("US", "1 900 456 7890"));
    assert!(decide("GB", "07400 123456"));
    assert!(!decide("GB", "0909 123 4567"));
    assert!(decide("DE", "030 901820"));
}
