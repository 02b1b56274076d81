//! The texts themselves: every key in every language, with the same placeholders.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../build/catalogue.rs"]
mod catalogue;

use catalogue::{Entry, compare, generate, parse};

const EN: &str = include_str!("../locales/en.json");
const IT: &str = include_str!("../locales/it.json");

#[test]
fn every_text_stands_in_both_languages() {
    let catalogues = [parse(EN).unwrap(), parse(IT).unwrap()];
    assert_eq!(compare(&catalogues), Vec::<String>::new());
    assert!(catalogues[0].len() > 150, "the catalogue was not read");
}

fn words(text: &str) -> usize {
    text.split_whitespace()
        .filter(|word| word.contains(char::is_alphabetic))
        .count()
}

#[test]
fn no_italian_text_is_a_copy_of_a_long_english_one() {
    let (en, it) = (parse(EN).unwrap(), parse(IT).unwrap());
    let copies: Vec<_> = en
        .iter()
        .filter(|(key, entry)| it[*key] == **entry)
        .filter(|(_, entry)| matches!(entry, Entry::Plain(text) if words(text) > 2))
        .map(|(key, _)| key)
        .collect();
    assert!(copies.is_empty(), "not translated: {copies:?}");
}

#[test]
fn a_missing_an_extra_and_a_different_key_are_found() {
    let en = parse(r#"{"a":{"x":"X {n}","y":"Y"},"b":"B"}"#).unwrap();
    let it = parse(r#"{"a":{"x":"X {m}","z":"Z"},"b":"B"}"#).unwrap();
    assert_eq!(
        compare(&[en, it]),
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
    let source = generate(&[catalogue.clone(), catalogue]).unwrap();
    assert!(
        source.contains("pub fn calls(locale: Locale, count: u64) -> String"),
        "{source}"
    );
}
