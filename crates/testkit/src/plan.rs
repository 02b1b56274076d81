//! A numbering plan for tests: enough of Italy to tell the classes of numbers apart.

use ponte_call_core::{Dialled, NumberClass};

/// Reads what was typed. `112` and `911` are emergency numbers, other short numbers and `+3902123456xx` belong to the
/// site, `+393…` are mobiles, `+39899…` is premium.
pub fn read(typed: &str) -> Dialled {
    if typed.contains(['*', '#']) {
        return Dialled::FeatureCode(None);
    }
    if typed == "112" || typed == "911" {
        return Dialled::Emergency;
    }
    if (2..=4).contains(&typed.len()) && !typed.starts_with('+') {
        return Dialled::Own {
            extension: typed.parse().ok(),
        };
    }
    if typed.starts_with("+3902123456") && typed.len() == 13 {
        return Dialled::Own { extension: None };
    }
    let class = if typed.starts_with("+39899") {
        NumberClass::Premium
    } else if typed.starts_with("+393") {
        NumberClass::Mobile
    } else {
        NumberClass::Fixed
    };
    match typed.parse() {
        Ok(number) => Dialled::External { number, class },
        Err(_) => Dialled::Invalid,
    }
}
