//! The administrator's texts: every key in every language, and none that nobody reads.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../app/build/catalogue.rs"]
#[allow(dead_code)]
mod catalogue;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(language: &'static str) -> (&'static str, catalogue::Catalogue) {
    let file = root().join("locales").join(format!("{language}.json"));
    (
        language,
        catalogue::parse(&fs::read_to_string(file).unwrap()).unwrap(),
    )
}

fn sources(folder: &Path) -> String {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                fs::read_to_string(path).unwrap()
            }
        })
        .collect()
}

#[test]
fn every_text_stands_in_every_language() {
    let catalogues = ["en", "it", "de", "fr", "es"].map(read);
    assert_eq!(catalogue::compare(&catalogues), Vec::<String>::new());
    assert!(catalogues[0].1.len() > 100, "the catalogue was not read");
}

#[test]
fn every_text_is_read_somewhere() {
    let source = sources(&root().join("src"));
    let (_, texts) = read("en");
    let is_read = |key: &str| {
        let path = format!("text::{}", key.replace('.', "::"));
        source
            .match_indices(&path)
            .any(|(at, _)| !source[at + path.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let unread: Vec<_> = texts.keys().filter(|key| !is_read(key)).collect();
    assert_eq!(unread, Vec::<&String>::new());
}
