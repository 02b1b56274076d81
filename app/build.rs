//! Turns `locales/*.json` into one typed function a text, so that a missing key, an extra key or a wrong placeholder
//! stops the build.

#[path = "build/catalogue.rs"]
mod catalogue;

use std::path::PathBuf;
use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=locales");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut catalogues = Vec::new();
    for language in catalogue::LANGUAGES {
        let file = root.join("locales").join(format!("{language}.json"));
        let text = fs::read_to_string(&file)?;
        let entries = catalogue::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        catalogues.push(entries);
    }
    let faults = catalogue::compare(&catalogues);
    if !faults.is_empty() {
        return Err(faults.join("\n").into());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?).join("text.rs");
    fs::write(out, catalogue::generate(&catalogues)?)?;
    Ok(())
}
