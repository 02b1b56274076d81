//! Turns the keys of `locales/*.json` into one typed function a text, as the portal does.

#[path = "../app/build/catalogue.rs"]
mod catalogue;
#[path = "../app/build/write.rs"]
mod write;

use std::error::Error;

/// The languages of these pages; the second is compared with the first, which serves everybody else.
const LANGUAGES: [&str; 5] = ["en", "it", "de", "fr", "es"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../app/build");
    write::write(&LANGUAGES, "/admin/i18n/")
}
