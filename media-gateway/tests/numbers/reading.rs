//! How dialled numbers are read, in four countries.

use crate::common::{check, germany, italy, kingdom, read, site, states, text};
use ponte_call_core::{Dialled, FeatureCode, NumberClass, TrunkId};
use ponte_gateway::config::FeatureCodes;
use ponte_gateway::numbers::NumberingPlan;
use ponte_protocol::DialString;
use std::time::Instant;

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
