//! What the build scripts of all pages do with their texts.

use crate::catalogue;
use std::path::PathBuf;
use std::{env, error::Error, fs};

/// Reads `locales/<language>.json` of the crate that is built, compares, and writes `text.rs` for it.
///
/// # Errors
/// Every text that is missing, superfluous or different in one language.
pub fn write(languages: &[&'static str], folder: &str) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=locales");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut catalogues = Vec::new();
    let mut files = Vec::new();
    for language in languages {
        let file = root.join("locales").join(format!("{language}.json"));
        let text = fs::read_to_string(&file)?;
        let entries = catalogue::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        catalogues.push((*language, entries));
        files.push((*language, file.display().to_string()));
    }
    let faults = catalogue::compare(&catalogues);
    if !faults.is_empty() {
        return Err(faults.join("\n").into());
    }
    let Some((_, model)) = catalogues.first() else {
        return Err("no language".into());
    };
    let out = PathBuf::from(env::var("OUT_DIR")?).join("text.rs");
    fs::write(out, catalogue::generate(model, folder, &files)?)?;
    Ok(())
}
