//! Reads, compares and compiles the portal's texts.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The languages, in the order of `Locale`'s variants; the first is the one the others are compared with.
pub const LANGUAGES: [&str; 2] = ["en", "it"];

/// A text in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Plain(String),
    /// Chosen by the placeholder `count`.
    Plural {
        one: String,
        other: String,
    },
}

/// The texts of one language by their dotted key.
pub type Catalogue = BTreeMap<String, Entry>;

/// Reads a catalogue: nested objects whose leaves are strings, or `{"one": …, "other": …}` for plurals.
///
/// # Errors
/// Names the key that is no text, is empty, or has an unbalanced brace.
pub fn parse(json: &str) -> Result<Catalogue, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut catalogue = Catalogue::new();
    flatten("", &value, &mut catalogue)?;
    for (key, entry) in &catalogue {
        for text in variants(entry) {
            if text.trim().is_empty() {
                return Err(format!("{key}: empty"));
            }
            placeholders(text).map_err(|error| format!("{key}: {error}"))?;
        }
    }
    Ok(catalogue)
}

fn flatten(prefix: &str, value: &Value, into: &mut Catalogue) -> Result<(), String> {
    match value {
        Value::String(text) => {
            into.insert(prefix.to_owned(), Entry::Plain(text.clone()));
            Ok(())
        }
        Value::Object(map) => {
            if let (2, Some(Value::String(one)), Some(Value::String(other))) =
                (map.len(), map.get("one"), map.get("other"))
            {
                let (one, other) = (one.clone(), other.clone());
                into.insert(prefix.to_owned(), Entry::Plural { one, other });
                return Ok(());
            }
            map.iter().try_for_each(|(name, child)| {
                let valid = name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
                if !valid || name.is_empty() {
                    return Err(format!("{prefix}.{name}: a name has a-z, 0-9 and _ only"));
                }
                let key = if prefix.is_empty() {
                    name.clone()
                } else {
                    format!("{prefix}.{name}")
                };
                flatten(&key, child, into)
            })
        }
        _ => Err(format!("{prefix}: neither a text nor a group of texts")),
    }
}

fn variants(entry: &Entry) -> Vec<&str> {
    match entry {
        Entry::Plain(text) => vec![text],
        Entry::Plural { one, other } => vec![one, other],
    }
}

/// The names in braces, each once.
fn placeholders(text: &str) -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let tail = &rest[start + 1..];
        let end = tail.find('}').ok_or("a brace is not closed")?;
        names.insert(tail[..end].to_owned());
        rest = &tail[end + 1..];
    }
    Ok(names)
}

fn arguments(entry: &Entry) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = variants(entry)
        .into_iter()
        .filter_map(|text| placeholders(text).ok())
        .flatten()
        .collect();
    if matches!(entry, Entry::Plural { .. }) {
        names.insert("count".to_owned());
    }
    names
}

/// What differs between the first catalogue and each other one; empty when nothing does.
pub fn compare(catalogues: &[Catalogue]) -> Vec<String> {
    let mut faults = Vec::new();
    let Some((first, others)) = catalogues.split_first() else {
        return faults;
    };
    for (language, other) in LANGUAGES.iter().skip(1).zip(others) {
        for (key, entry) in first {
            match other.get(key) {
                None => faults.push(format!("{language}: {key} is missing")),
                Some(theirs) if arguments(theirs) != arguments(entry) => {
                    faults.push(format!("{language}: {key} has other placeholders"));
                }
                Some(theirs) if variants(theirs).len() != variants(entry).len() => {
                    faults.push(format!("{language}: {key} is a plural in one language only"));
                }
                Some(_) => {}
            }
        }
        for key in other.keys().filter(|key| !first.contains_key(*key)) {
            faults.push(format!("{language}: {key} is not in {}", LANGUAGES[0]));
        }
    }
    faults
}

/// Writes the Rust source: a module a group, a function a text.
///
/// # Errors
/// Never in practice: writing to a `String` does not fail.
pub fn generate(catalogues: &[Catalogue]) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let mut open: Vec<String> = Vec::new();
    let Some(first) = catalogues.first() else {
        return Ok(out);
    };
    for (key, entry) in first {
        let mut groups: Vec<String> = key.split('.').map(str::to_owned).collect();
        let name = groups.pop().unwrap_or_default();
        let common = open.iter().zip(&groups).take_while(|(a, b)| a == b).count();
        while open.len() > common {
            open.pop();
            out.push_str("}\n");
        }
        for group in groups.into_iter().skip(common) {
            writeln!(
                out,
                "pub mod {group} {{\n#[allow(unused_imports)]\nuse crate::i18n::Locale;"
            )?;
            open.push(group);
        }
        let names = arguments(entry);
        let plural = matches!(entry, Entry::Plural { .. });
        let parameters: String = names
            .iter()
            .map(|name| match name.as_str() {
                "count" if plural => ", count: u64".to_owned(),
                _ => format!(", {name}: impl std::fmt::Display"),
            })
            .collect();
        let result = if names.is_empty() {
            "&'static str"
        } else {
            "String"
        };
        writeln!(
            out,
            "pub fn {name}(locale: Locale{parameters}) -> {result} {{\nmatch locale {{"
        )?;
        for (language, catalogue) in LANGUAGES.iter().zip(catalogues) {
            let variant = format!("Locale::{}{}", language[..1].to_uppercase(), &language[1..]);
            let expression = match catalogue.get(key).unwrap_or(entry) {
                Entry::Plain(text) if names.is_empty() => format!("{text:?}"),
                Entry::Plain(text) => format!("format!({text:?})"),
                Entry::Plural { one, other } => {
                    format!("if count == 1 {{ format!({one:?}) }} else {{ format!({other:?}) }}")
                }
            };
            writeln!(out, "{variant} => {expression},")?;
        }
        out.push_str("}\n}\n");
    }
    out.push_str(&"}\n".repeat(open.len()));
    Ok(out)
}
