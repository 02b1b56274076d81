//! How dialled numbers are read, in four countries.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Dialled, FeatureCode, NumberClass, TrunkId};
use ponte_gateway::config::{Config, FeatureCodes, SiteConfig};
use ponte_gateway::numbers::{NumberingPlan, decide, explain, parse_rule, rule_text};
use ponte_gateway::store::{DidRow, GroupRow, RuleOwner, UserRow};
use ponte_protocol::{DialString, Refusal, UnixMillis};
use std::path::Path;
use std::time::Instant;

/// Monday, 2026-11-23, 09:30 in Milan.
const MORNING: UnixMillis = UnixMillis(1_795_422_600_000);
const HOUR: u64 = 3_600_000;

fn site(country: &str, own: &str) -> SiteConfig {
    let text = format!(
        "[site]\nname = \"x\"\ncountry = \"{country}\"\nextensions = [\"2xx\", \"91xx\"]\nown_numbers = [\"{own}\"]\n\
         [[trunk]]\nname = \"c\"\naddress = \"192.0.2.1\"\n"
    );
    Config::parse(&text, Path::new("ponte.toml"), &|_| None)
        .unwrap()
        .site
}

fn italy() -> NumberingPlan {
    NumberingPlan::new(&site("IT", "+390212345600..+390212345699"))
}

fn states() -> NumberingPlan {
    NumberingPlan::new(&site("US", "+12025550100..+12025550199"))
}

fn kingdom() -> NumberingPlan {
    NumberingPlan::new(&site("GB", "+442079460000*"))
}

fn germany() -> NumberingPlan {
    NumberingPlan::new(&site("DE", "+493012345600..+493012345699"))
}

fn read(plan: &NumberingPlan, dialled: &str) -> Dialled {
    plan.read(&dialled.parse().unwrap())
}

/// `number class`, or what else it is.
fn text(dialled: &Dialled) -> String {
    match dialled {
        Dialled::Emergency => "emergency".to_owned(),
        Dialled::Own {
            extension: Some(extension),
        } => format!("extension {}", extension.as_str()),
        Dialled::Own { extension: None } => "own".to_owned(),
        Dialled::External { number, class } => format!("{} {class:?}", number.as_str()),
        Dialled::FeatureCode(Some(code)) => format!("{code:?}"),
        Dialled::FeatureCode(None) => "feature".to_owned(),
        Dialled::Invalid => "invalid".to_owned(),
    }
}

fn check(plan: &NumberingPlan, cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(dialled, wanted)| {
            let got = text(&read(plan, dialled));
            (got != *wanted).then(|| format!("{dialled}: {got}, not {wanted}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn italian_numbers_keep_their_zero() {
    check(
        &italy(),
        &[
            ("02 87654321", "+390287654321 Fixed"),
            ("+39 02 8765 4321", "+390287654321 Fixed"),
            ("0039 02 87654321", "+390287654321 Fixed"),
            ("+39 (0)2 87654321", "+390287654321 Fixed"),
            ("tel:+39-02-87654321", "+390287654321 Fixed"),
            ("333 123 4567", "+393331234567 Mobile"),
            ("+39 333 1234567", "+393331234567 Mobile"),
            ("0039 3331234567", "+393331234567 Mobile"),
            ("800 123456", "+39800123456 Other"),
            ("899 123456", "+39899123456 Premium"),
            ("199 123456", "+39199123456 Premium"),
            ("848 123456", "+39848123456 Premium"),
            ("+44 20 7946 0018", "+442079460018 Fixed"),
            ("0044 20 7946 0018", "+442079460018 Fixed"),
            ("+44 (0)20 7946 0018", "+442079460018 Fixed"),
            ("001 202 456 1111", "+12024561111 Mobile"),
            ("+49 30 123456", "+4930123456 Fixed"),
            ("+800 1234 5678", "+80012345678 Other"),
        ],
    );
}

#[test]
fn italian_digits_that_are_no_number() {
    check(
        &italy(),
        &[
            ("1", "invalid"),
            ("12", "invalid"),
            ("0", "invalid"),
            ("00", "invalid"),
            ("0000000000", "invalid"),
            ("+39", "invalid"),
            ("+390", "invalid"),
            ("+999123456789", "invalid"),
            ("+0391234567", "invalid"),
            ("33312345678901", "invalid"),
            ("02*12345678", "invalid"),
            ("0287654321#5", "invalid"),
            ("12345678901234567890123456789012", "invalid"),
        ],
    );
}

#[test]
fn american_numbers() {
    check(
        &states(),
        &[
            ("(212) 456-7890", "+12124567890 Mobile"),
            ("212-456-7890", "+12124567890 Mobile"),
            ("1 212 456 7890", "+12124567890 Mobile"),
            ("+1 212 456 7890", "+12124567890 Mobile"),
            ("800 456 7890", "+18004567890 Other"),
            ("1 900 456 7890", "+19004567890 Premium"),
            ("011 39 02 87654321", "+390287654321 Fixed"),
            ("011 44 20 7946 0018", "+442079460018 Fixed"),
            ("876 926 1234", "+18769261234 Fixed"),
            ("456 7890", "invalid"),
            ("112 456 7890", "invalid"),
        ],
    );
}

#[test]
fn british_numbers() {
    check(
        &kingdom(),
        &[
            ("020 7123 4567", "+442071234567 Fixed"),
            ("+44 20 7123 4567", "+442071234567 Fixed"),
            ("+44 (0)20 7123 4567", "+442071234567 Fixed"),
            ("0044 20 7123 4567", "+442071234567 Fixed"),
            ("07400 123456", "+447400123456 Mobile"),
            ("070 1234 5678", "+447012345678 Premium"),
            ("0844 123 4567", "+448441234567 Premium"),
            ("0909 123 4567", "+449091234567 Premium"),
            ("0808 157 0192", "+448081570192 Other"),
            ("0345 600 0723", "+443456000723 Other"),
            ("00 39 02 87654321", "+390287654321 Fixed"),
        ],
    );
}

#[test]
fn german_numbers() {
    check(
        &germany(),
        &[
            ("030 901820", "+4930901820 Fixed"),
            ("+49 30 901820", "+4930901820 Fixed"),
            ("+49 (0)30 901820", "+4930901820 Fixed"),
            ("0049 30 901820", "+4930901820 Fixed"),
            ("0151 23456789", "+4915123456789 Mobile"),
            ("0900 1 234567", "+499001234567 Premium"),
            ("0180 5 123456", "+491805123456 Premium"),
            ("0800 1234567", "+498001234567 Other"),
            ("00 39 333 1234567", "+393331234567 Mobile"),
        ],
    );
}

#[test]
fn t02_numbers_of_the_site_are_known_in_every_written_form() {
    check(
        &italy(),
        &[
            ("201", "extension 201"),
            ("9112", "extension 9112"),
            ("+390212345600", "own"),
            ("+39 02 123456-99", "own"),
            ("0039 02 12345650", "own"),
            ("02 12345650", "own"),
            ("tel:+39-02-12345650", "own"),
            ("(02) 12.34.56.50", "own"),
            ("+390212345700", "+390212345700 Fixed"),
            ("0212345599", "+390212345599 Fixed"),
        ],
    );
    check(&states(), &[("202 555 0123", "own"), ("1-202-555-0199", "own")]);
    check(
        &kingdom(),
        &[("020 7946 0000", "own"), ("+44 (0)20 7946 0000", "own")],
    );
    check(
        &germany(),
        &[("030 12345650", "own"), ("0049 30 12345650", "own")],
    );
}

#[test]
fn t17_emergency_numbers_are_recognised_in_any_dress() {
    for dialled in [
        "112",
        "113",
        "115",
        "118",
        "1 1 2",
        "1-1-2",
        "tel:112",
        "+39112",
        "0039112",
        "+39 (0)112",
        "39112",
        "0112",
        "00112",
        "+112",
        "0 0039 112",
        "*31#112",
        "#31#112",
        "112#",
        "911",
        "999",
        "0911",
    ] {
        assert_eq!(text(&read(&italy(), dialled)), "emergency", "{dialled}");
    }
    let bare = |dialled: &str| {
        let dialled: DialString = dialled.parse().unwrap();
        italy().bare_emergency(&dialled).to_owned()
    };
    for dialled in [
        "112",
        "0112",
        "00112",
        "+112",
        "+39112",
        "+39 (0)112",
        "0 0039 112",
        "#31#112",
        "112#",
    ] {
        assert_eq!(bare(dialled), "112", "{dialled}");
    }
    assert_eq!((bare("+39118").as_str(), bare("0911").as_str()), ("118", "911"));
    for dialled in [
        "911",
        "933",
        "1911",
        "+1911",
        "9911",
        "91911",
        "011911",
        "011 1 911",
        "112",
        "*67#911",
    ] {
        assert_eq!(text(&read(&states(), dialled)), "emergency", "{dialled}");
    }
    for dialled in [
        "999", "112", "9999", "0999", "+44999", "0044112", "911", "#31#999",
    ] {
        assert_eq!(text(&read(&kingdom(), dialled)), "emergency", "{dialled}");
    }
    for dialled in ["110", "112", "0110", "0112", "+49110", "0049112", "0 110"] {
        assert_eq!(text(&read(&germany(), dialled)), "emergency", "{dialled}");
    }
}

#[test]
fn t17_other_numbers_are_not_taken_for_emergencies() {
    check(
        &italy(),
        &[
            ("9112", "extension 9112"),
            ("011 2345678", "+390112345678 Fixed"),
            ("0112 345678", "+390112345678 Fixed"),
            ("114", "invalid"),
            ("*112", "feature"),
        ],
    );
    check(
        &states(),
        &[
            ("911 456 7890", "invalid"),
            ("(912) 456-7890", "+19124567890 Mobile"),
        ],
    );
    check(&germany(), &[("0911 1234567", "+499111234567 Fixed")]);
}

#[test]
fn feature_codes_are_told_apart() {
    check(
        &italy(),
        &[
            ("*98", "feature"),
            ("*98#", "feature"),
            ("#31#0287654321", "feature"),
            ("**", "feature"),
            ("#", "feature"),
        ],
    );
}

#[test]
fn the_site_may_name_other_emergency_numbers_and_they_go_before_extensions() {
    let mut site = site("IT", "+390212345600");
    site.emergency_numbers = vec!["222".to_owned()];
    let plan = NumberingPlan::new(&site);
    check(
        &plan,
        &[
            ("222", "emergency"),
            ("221", "extension 221"),
            ("118", "invalid"),
            ("112", "emergency"),
        ],
    );
}

fn did(number: &str, extension: &str, trunk: Option<&str>) -> DidRow {
    DidRow {
        number: number.parse().unwrap(),
        extension: extension.parse().unwrap(),
        label: None,
        trunk: trunk.map(|trunk| TrunkId(trunk.to_owned())),
    }
}

fn check_incoming(plan: &NumberingPlan, trunk: &str, cases: &[(&str, &str)]) {
    let trunk = TrunkId(trunk.to_owned());
    for (called, wanted) in cases {
        let read = plan.read_incoming(&called.parse().unwrap(), &trunk);
        assert_eq!(text(&read), *wanted, "{called} on {trunk:?}");
    }
}

#[test]
fn t06_a_did_is_its_extension_however_a_trunk_writes_it() {
    let italy = italy().with_dids(&[
        did("+390212345601", "201", None),
        did("+390212345602", "202", Some("carrier")),
        did("+390687654321", "203", None),
    ]);
    check_incoming(
        &italy,
        "carrier",
        &[
            ("+390212345601", "extension 201"),
            ("390212345601", "extension 201"),
            ("0212345601", "extension 201"),
            ("00390212345601", "extension 201"),
            ("+390212345602", "extension 202"),
            ("+390687654321", "extension 203"),
            ("+390212345699", "own"),
            ("201", "extension 201"),
        ],
    );
    check_incoming(
        &italy,
        "other",
        &[("0212345601", "extension 201"), ("0212345602", "own")],
    );
    let kingdom = kingdom().with_dids(&[did("+442079460000", "201", None)]);
    check_incoming(
        &kingdom,
        "carrier",
        &[
            ("02079460000", "extension 201"),
            ("442079460000", "extension 201"),
            ("+442079460000", "extension 201"),
        ],
    );
    let states = states().with_dids(&[did("+12025550100", "201", None)]);
    check_incoming(
        &states,
        "carrier",
        &[
            ("2025550100", "extension 201"),
            ("12025550100", "extension 201"),
            ("+12025550100", "extension 201"),
            ("01112025550100", "extension 201"),
        ],
    );
}

#[test]
fn t06_a_did_may_come_in_on_several_trunks() {
    let several = italy().with_dids(&[
        did("+390212345601", "201", Some("first")),
        did("+390212345601", "201", Some("second")),
        did("+390212345602", "202", Some("first")),
        did("+390212345602", "203", Some("second")),
    ]);
    for (trunk, other) in [("first", "extension 202"), ("second", "extension 203")] {
        check_incoming(
            &several,
            trunk,
            &[("0212345601", "extension 201"), ("0212345602", other)],
        );
    }
    check_incoming(&several, "third", &[("0212345601", "own")]);
}

#[test]
fn t06_a_number_that_an_administrator_moved_is_nowhere_else() {
    let text = "[site]\nname = \"x\"\ncountry = \"IT\"\nextensions = [\"2xx\"]\nown_numbers = [\"+3902123456*\"]\n\
                [[trunk]]\nname = \"first\"\naddress = \"192.0.2.1\"\ndids = [\"+390212345601 = 201\"]\n\
                [[trunk]]\nname = \"second\"\naddress = \"192.0.2.2\"\ndids = [\"+390212345601 = 201\"]\n";
    let config = Config::parse(text, Path::new("ponte.toml"), &|_| None).unwrap();
    let both = config.numbering_plan(&[]);
    let moved = config.numbering_plan(&[did("+390212345601", "202", Some("second"))]);
    check_incoming(&both, "first", &[("0212345601", "extension 201")]);
    check_incoming(&both, "second", &[("0212345601", "extension 201")]);
    check_incoming(&moved, "first", &[("0212345601", "own")]);
    check_incoming(&moved, "second", &[("0212345601", "extension 202")]);
}

#[test]
fn a_strangers_call_leads_nowhere_but_into_the_site() {
    let italy = italy().with_dids(&[did("+390212345601", "201", None)]);
    for called in [
        "112",
        "*97",
        "*11",
        "+442079460018",
        "0287654321",
        "899123456",
        "301",
        "1",
        "#",
    ] {
        check_incoming(&italy, "carrier", &[(called, "invalid")]);
    }
}

#[test]
fn a_did_dialled_within_the_site_is_the_extension() {
    let italy = italy();
    check(
        &italy,
        &[("0212345601", "own"), ("0687654321", "+390687654321 Fixed")],
    );
    let with = italy.with_dids(&[
        did("+390212345601", "201", Some("carrier")),
        did("+390687654321", "203", None),
    ]);
    check(
        &with,
        &[
            ("0212345601", "extension 201"),
            ("+39 02 1234 5601", "extension 201"),
            ("0687654321", "extension 203"),
            ("0212345602", "own"),
        ],
    );
    assert!(with.is_own(&"+390687654321".parse().unwrap()));
    check(
        &with.with_dids(&[]),
        &[("0212345601", "own"), ("0687654321", "+390687654321 Fixed")],
    );
}

/// What is dialled, how it is read, and the account code.
fn read_booked(plan: &NumberingPlan, typed: &str) -> (String, String, Option<String>) {
    let (dialled, read, code) = plan.read_booked(typed.parse().unwrap());
    let code = code.map(|code| code.to_string());
    (dialled.as_str().to_owned(), text(&read), code)
}

#[test]
fn t17_an_account_code_is_read_before_a_number_and_never_in_the_way_of_an_emergency_call() {
    let far = "+390687654321 Fixed";
    for (typed, dialled, read, code) in [
        ("*151042*0687654321", "0687654321", far, Some("1042")),
        ("*150042*00390687654321", "00390687654321", far, Some("0042")),
        ("0687654321", "0687654321", far, None),
        ("*151042*201", "201", "extension 201", Some("1042")),
        ("*151042*112", "112", "emergency", None),
        ("*15*112", "112", "emergency", None),
        ("*1512345678901234567*112", "112", "emergency", None),
        (
            "*1512345678901234567*0687654321",
            "*1512345678901234567*0687654321",
            "invalid",
            None,
        ),
        ("*15*0687654321", "*15*0687654321", "invalid", None),
        ("*151042*", "*151042*", "invalid", None),
        ("*151042", "*151042", "feature", None),
        ("*31#112", "*31#112", "emergency", None),
    ] {
        let expected = (dialled.to_owned(), read.to_owned(), code.map(str::to_owned));
        assert_eq!(read_booked(&italy(), typed), expected, "{typed}");
    }
    let none = italy().with_features(&FeatureCodes {
        account_code: None,
        ..FeatureCodes::default()
    });
    assert_eq!(read_booked(&none, "*151042*0687654321").1, "feature");
}

#[test]
fn feature_codes_are_those_of_the_configuration() {
    check(
        &italy(),
        &[
            ("*11", "LogOn"),
            ("*12", "LogOff"),
            ("*97", "Voicemail"),
            ("*97#", "Voicemail"),
            ("*98", "feature"),
            ("*1", "feature"),
            ("*110", "feature"),
        ],
    );
    let other = italy().with_features(&FeatureCodes {
        log_on: Some("*51".to_owned()),
        log_off: None,
        leave: None,
        voicemail: Some("*11".to_owned()),
        account_code: None,
    });
    check(
        &other,
        &[
            ("*51", "LogOn"),
            ("*12", "feature"),
            ("*11", "Voicemail"),
            ("*31#112", "emergency"),
        ],
    );
    assert_eq!(
        read(&other, "*51"),
        Dialled::FeatureCode(Some(FeatureCode::LogOn))
    );
}

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

/// A number is read for each dial and each saved destination; a cache would pay only if this took milliseconds.
#[test]
fn reading_a_number_is_quick() {
    let plan = italy();
    let dialled = "+39 02 87654321".parse().unwrap();
    plan.read(&dialled);
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert!(matches!(
            plan.read(&dialled),
            Dialled::External {
                class: NumberClass::Fixed,
                ..
            }
        ));
    }
    let micros = begun.elapsed().as_micros() / 1_000;
    println!("{micros} µs a number");
    assert!(micros < 2_000, "{micros} µs a number");
}

proptest::proptest! {
    #[test]
    fn no_dial_string_makes_it_panic(text in "[+*#0-9]{1,32}") {
        if let Ok(dialled) = text.parse() {
            for plan in [italy(), states()] {
                let _ = plan.read(&dialled);
                let _ = plan.read_incoming(&dialled, &TrunkId("carrier".to_owned()));
            }
        }
    }

    #[test]
    fn t17_an_emergency_number_is_never_external(prefix in "(0|9|\\+|00|\\+39|0039|\\+390|39|0039|\\*31#|#31#)?", number in "(112|113|115|118)") {
        let read = read(&italy(), &format!("{prefix}{number}"));
        let external = matches!(read, Dialled::External { .. });
        proptest::prop_assert!(!external);
    }
}
