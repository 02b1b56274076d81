//! Reads and compares the texts of the pages, and writes the functions that find them.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

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

/// What differs between the first catalogue and each other one; empty when nothing does. Each comes with its language.
pub fn compare(catalogues: &[(&str, Catalogue)]) -> Vec<String> {
    let mut faults = Vec::new();
    let Some(((model, first), others)) = catalogues.split_first() else {
        return faults;
    };
    for (language, other) in others {
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
            faults.push(format!("{language}: {key} is not in {model}"));
        }
    }
    faults
}

/// Writes the Rust source: the keys in their order, a module a group, a function a text. The texts themselves are loaded
/// when the page starts; native builds, which are for tests, have them compiled in.
///
/// `folder` is where the pages find `<language>.json`, `files` the languages with the files they come from.
///
/// # Errors
/// Never in practice: writing to a `String` does not fail.
pub fn generate(
    catalogue: &Catalogue,
    folder: &str,
    files: &[(&str, String)],
) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let mut keys = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for (key, entry) in catalogue {
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
                "pub mod {group} {{\n#[allow(unused_imports)]\nuse crate::i18n::{{Locale, text::TEXTS}};"
            )?;
            open.push(group);
        }
        let place = keys.len();
        let names = arguments(entry);
        let plural = matches!(entry, Entry::Plural { .. });
        if plural {
            keys.extend([format!("{key}.one"), format!("{key}.other")]);
        } else {
            keys.push(key.clone());
        }
        let parameters: String = names
            .iter()
            .map(|name| match name.as_str() {
                "count" if plural => ", count: u64".to_owned(),
                _ => format!(", {name}: impl std::fmt::Display"),
            })
            .collect();
        let values: Vec<String> = names
            .iter()
            .map(|name| format!("(\"{name}\", &{name})"))
            .collect();
        let values = values.join(", ");
        let (result, body) = match entry {
            Entry::Plain(_) if names.is_empty() => ("&'static str", format!("TEXTS.plain(locale, {place})")),
            Entry::Plain(_) => ("String", format!("TEXTS.filled(locale, {place}, &[{values}])")),
            Entry::Plural { .. } => (
                "String",
                format!("TEXTS.plural(locale, {place}, count, &[{values}])"),
            ),
        };
        writeln!(
            out,
            "pub fn {name}(locale: Locale{parameters}) -> {result} {{ {body} }}"
        )?;
    }
    out.push_str(&"}\n".repeat(open.len()));
    let languages: Vec<_> = files.iter().map(|(language, _)| *language).collect();
    let compiled: Vec<String> = files
        .iter()
        .map(|(_, file)| format!("include_str!({file:?})"))
        .collect();
    let compiled = compiled.join(", ");
    writeln!(
        out,
        "/// The texts, in the order of their keys.\n\
         pub static TEXTS: crate::i18n::Catalogue = crate::i18n::Catalogue::new({folder:?}, &{languages:?}, &{keys:?}, \
         #[cfg(not(target_arch = \"wasm32\"))] &[{compiled}]);"
    )?;
    Ok(out)
}
