//! The demo's numbers are ones that a gateway would dial.

use ponte_pstn_sim::Directory;
use rlibphonenumber::PHONE_NUMBER_UTIL;

#[test]
fn every_demo_number_is_valid() {
    let mut checked = 0;
    for entry in Directory::demo() {
        if entry.number.ends_with('*') {
            continue;
        }
        let valid = PHONE_NUMBER_UTIL
            .parse(&entry.number, None)
            .is_ok_and(|number| PHONE_NUMBER_UTIL.is_valid_number(&number));
        assert!(valid, "{}: {}", entry.number, entry.note);
        checked += 1;
    }
    assert!(checked > 25);
}
