//! Turns the keys of `locales/*.json` into one typed function a text, so that a missing key, an extra key or a wrong
//! placeholder stops the build.

#[path = "build/catalogue.rs"]
mod catalogue;
#[path = "build/write.rs"]
mod write;

use std::error::Error;

/// The portal's languages; the others are compared with the first.
const LANGUAGES: [&str; 5] = ["en", "it", "de", "fr", "es"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    if std::env::var_os("CARGO_FEATURE_SPLIT").is_some() {
        // By its relocations the program is taken apart.
        println!("cargo::rustc-link-arg-bins=--emit-relocs");
    }
    write::write(&LANGUAGES, "/i18n/")
}
