//! Whom a number reaches that a trunk or the site itself calls.

use crate::common::{check, did, italy, kingdom, states, text};
use ponte_call_core::TrunkId;
use ponte_gateway::config::Config;
use ponte_gateway::numbers::NumberingPlan;
use std::path::Path;

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
