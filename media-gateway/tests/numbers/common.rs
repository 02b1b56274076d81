//! Sites in four countries, and what they read.

use ponte_call_core::{Dialled, TrunkId};
use ponte_gateway::config::{Config, SiteConfig};
use ponte_gateway::numbers::NumberingPlan;
use ponte_gateway::store::DidRow;
use std::path::Path;

pub fn site(country: &str, own: &str) -> SiteConfig {
    let text = format!(
        "[site]\nname = \"x\"\ncountry = \"{country}\"\nextensions = [\"2xx\", \"91xx\"]\nown_numbers = [\"{own}\"]\n\
         [[trunk]]\nname = \"c\"\naddress = \"192.0.2.1\"\n"
    );
    Config::parse(&text, Path::new("ponte.toml"), &|_| None)
        .unwrap()
        .site
}

pub fn italy() -> NumberingPlan {
    NumberingPlan::new(&site("IT", "+390212345600..+390212345699"))
}

pub fn states() -> NumberingPlan {
    NumberingPlan::new(&site("US", "+12025550100..+12025550199"))
}

pub fn kingdom() -> NumberingPlan {
    NumberingPlan::new(&site("GB", "+442079460000*"))
}

pub fn germany() -> NumberingPlan {
    NumberingPlan::new(&site("DE", "+493012345600..+493012345699"))
}

pub fn read(plan: &NumberingPlan, dialled: &str) -> Dialled {
    plan.read(&dialled.parse().unwrap())
}

/// `number class`, or what else it is.
pub fn text(dialled: &Dialled) -> String {
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

pub fn check(plan: &NumberingPlan, cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(dialled, wanted)| {
            let got = text(&read(plan, dialled));
            (got != *wanted).then(|| format!("{dialled}: {got}, not {wanted}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

pub fn did(number: &str, extension: &str, trunk: Option<&str>) -> DidRow {
    DidRow {
        number: number.parse().unwrap(),
        extension: extension.parse().unwrap(),
        label: None,
        trunk: trunk.map(|trunk| TrunkId(trunk.to_owned())),
    }
}
