//! The texts themselves: every key in every language, with the same placeholders, and none that nobody reads.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../build/catalogue.rs"]
mod catalogue;

use catalogue::{Catalogue, Entry, compare, generate, parse};
use ponte_app::i18n::Locale;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn catalogues() -> Vec<(&'static str, Catalogue)> {
    let read = |locale: Locale| {
        let file = root().join("locales").join(format!("{}.json", locale.tag()));
        (locale.tag(), parse(&fs::read_to_string(file).unwrap()).unwrap())
    };
    Locale::ALL.map(read).into()
}

#[test]
fn every_text_stands_in_every_language() {
    let catalogues = catalogues();
    assert_eq!(compare(&catalogues), Vec::<String>::new());
    assert!(catalogues[0].1.len() > 150, "the catalogue was not read");
    let files = fs::read_dir(root().join("locales")).unwrap().count();
    assert_eq!(files, catalogues.len(), "a language that nobody can choose");
}

fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push_str(&sources(&path));
        } else {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    all
}

#[test]
fn every_text_is_read_somewhere() {
    let source = sources(&root().join("src"));
    let unread: Vec<_> = catalogues()[0]
        .1
        .keys()
        .filter(|key| {
            let path = format!("text::{}", key.replace('.', "::"));
            let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            !source
                .match_indices(&path)
                .any(|(at, _)| ends(&source[at + path.len()..]))
        })
        .cloned()
        .collect();
    assert_eq!(unread, Vec::<String>::new());
}

fn words(text: &str) -> usize {
    text.split_whitespace()
        .filter(|word| word.contains(char::is_alphabetic))
        .count()
}

#[test]
fn no_text_is_a_copy_of_a_long_english_one() {
    let catalogues = catalogues();
    let (_, en) = &catalogues[0];
    for (language, theirs) in &catalogues[1..] {
        let copies: Vec<_> = en
            .iter()
            .filter(|(key, entry)| theirs[*key] == **entry)
            .filter(|(_, entry)| matches!(entry, Entry::Plain(text) if words(text) > 2))
            .map(|(key, _)| key)
            .collect();
        assert!(copies.is_empty(), "not translated to {language}: {copies:?}");
    }
}

#[test]
fn a_missing_an_extra_and_a_different_key_are_found() {
    let en = parse(r#"{"a":{"x":"X {n}","y":"Y"},"b":"B"}"#).unwrap();
    let it = parse(r#"{"a":{"x":"X {m}","z":"Z"},"b":"B"}"#).unwrap();
    assert_eq!(
        compare(&[("en", en), ("it", it)]),
        [
            "it: a.x has other placeholders",
            "it: a.y is missing",
            "it: a.z is not in en"
        ]
    );
}

#[test]
fn what_is_no_text_is_refused_by_its_key() {
    for (json, fault) in [
        (r#"{"a":{"b":1}}"#, "a.b: neither a text nor a group of texts"),
        (r#"{"a":" "}"#, "a: empty"),
        (r#"{"a":"x {n"}"#, "a: a brace is not closed"),
        (r#"{"A":"x"}"#, ".A: a name has a-z, 0-9 and _ only"),
    ] {
        assert_eq!(parse(json), Err(fault.to_owned()), "{json}");
    }
}

#[test]
fn a_plural_takes_a_count() {
    let catalogue = parse(r#"{"calls":{"one":"one call","other":"{count} calls"}}"#).unwrap();
    let source = generate(&catalogue, "/i18n/", &[]).unwrap();
    assert!(
        source.contains("pub fn calls(locale: Locale, count: u64) -> String"),
        "{source}"
    );
    assert!(source.contains(r#"["calls.one", "calls.other"]"#), "{source}");
}

/// Or it would jump when the portal takes its place.
#[test]
fn the_page_before_the_portal_says_what_the_portal_says() {
    let page = fs::read_to_string(root().join("shell.html")).unwrap();
    for (language, texts) in catalogues() {
        let Entry::Plain(line) = &texts["sign_in.tagline"] else {
            panic!("one text");
        };
        let shown = format!("<p class=\"brand-line\" lang=\"{language}\">{line}</p>");
        assert!(page.contains(&shown), "{shown}");
    }
    let brand = fs::read_to_string(root().join("src/components/entrance.rs")).unwrap();
    let drawn = |source: &str| {
        let lines = source.lines().map(str::trim);
        let shapes = lines.filter(|line| line.starts_with("<path") || line.starts_with("<circle"));
        shapes.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(drawn(&page), drawn(&brand));
}
