//! Texts that are loaded when a page starts, so that nobody loads the languages of others.

use super::Locale;
use ponte_protocol::json::{self, Json, JsonError, Unfit};
use std::fmt::{Display, Write};
use std::sync::OnceLock;

/// The texts of one program in every language it speaks. The build script makes it and the functions that read it.
pub struct Catalogue {
    folder: &'static str,
    /// By their tags; the first serves those whose language the program does not speak.
    languages: &'static [&'static str],
    /// Dotted keys, ascending.
    keys: &'static [&'static str],
    #[cfg(not(target_arch = "wasm32"))]
    compiled: &'static [&'static str],
    /// By the place of the language in [`Locale::ALL`]; each as long as `keys`.
    tables: [OnceLock<Table>; Locale::ALL.len()],
}

type Table = Box<[String]>;

/// Why a file is of no use as a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    #[error("the texts are no JSON of texts: {0}")]
    Syntax(#[from] JsonError),
    #[error("the text {0} is missing")]
    Missing(&'static str),
}

impl Catalogue {
    /// No texts yet; the build script calls this.
    pub const fn new(
        folder: &'static str,
        languages: &'static [&'static str],
        keys: &'static [&'static str],
        #[cfg(not(target_arch = "wasm32"))] compiled: &'static [&'static str],
    ) -> Self {
        Self {
            folder,
            languages,
            keys,
            #[cfg(not(target_arch = "wasm32"))]
            compiled,
            tables: [const { OnceLock::new() }; Locale::ALL.len()],
        }
    }

    /// Where the texts for readers of a language are; `None` once they are here.
    pub fn wanted(&self, locale: Locale) -> Option<String> {
        let table = &self.tables[locale as usize];
        table
            .get()
            .is_none()
            .then(|| format!("{}{}.json", self.folder, self.spoken(locale)))
    }

    /// Takes the texts for readers of a language. What is here already stays.
    ///
    /// # Errors
    /// [`CatalogueError`]; then nothing is taken.
    pub fn take(&self, locale: Locale, json: &str) -> Result<(), CatalogueError> {
        let table = read(self.keys, json)?;
        // Set in the meantime: by the same file.
        let _ = self.tables[locale as usize].set(table);
        Ok(())
    }

    /// A text without placeholders; empty where its language was not loaded.
    pub fn plain(&'static self, locale: Locale, place: usize) -> &'static str {
        self.template(locale, place)
    }

    /// A text with its placeholders filled in.
    pub fn filled(&'static self, locale: Locale, place: usize, values: &[(&str, &dyn Display)]) -> String {
        let mut rest = self.template(locale, place);
        let mut out = String::with_capacity(rest.len() + 16);
        while let Some((before, tail)) = rest.split_once('{') {
            out.push_str(before);
            let (name, after) = tail.split_once('}').unwrap_or((tail, ""));
            if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
                // Writing to a `String` does not fail.
                let _ = write!(out, "{value}");
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// A text that depends on a number: its two forms stand at `place` and behind.
    pub fn plural(
        &'static self,
        locale: Locale,
        place: usize,
        count: u64,
        values: &[(&str, &dyn Display)],
    ) -> String {
        let place = place + usize::from(!locale.is_singular(count));
        self.filled(locale, place, values)
    }

    fn template(&'static self, locale: Locale, place: usize) -> &'static str {
        #[cfg(not(target_arch = "wasm32"))]
        self.take_compiled(locale);
        self.tables[locale as usize]
            .get()
            .and_then(|table| table.get(place))
            .map_or("", String::as_str)
    }

    /// The tag of the language that readers of `locale` are served.
    fn spoken(&self, locale: Locale) -> &'static str {
        let tags = self.languages;
        tags.iter()
            .find(|tag| **tag == locale.tag())
            .or(tags.first())
            .copied()
            .unwrap_or_default()
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn take_compiled(&self, locale: Locale) {
        if self.wanted(locale).is_none() {
            return;
        }
        let tag = self.spoken(locale);
        let json = self
            .languages
            .iter()
            .zip(self.compiled)
            .find(|(known, _)| **known == tag);
        if let Some((_, json)) = json {
            // The build script has read the same file.
            let _ = self.take(locale, json);
        }
    }
}

fn flatten(prefix: &str, node: Json, into: &mut Vec<(String, String)>) -> Result<(), Unfit> {
    match node {
        Json::Text(text) => into.push((prefix.to_owned(), text)),
        Json::Object(group) => {
            for (name, child) in group {
                let key = if prefix.is_empty() {
                    name
                } else {
                    [prefix, ".", &name].concat()
                };
                flatten(&key, child, into)?;
            }
        }
        _ => return Err(Unfit),
    }
    Ok(())
}

fn read(keys: &[&'static str], json: &str) -> Result<Table, CatalogueError> {
    let mut found = Vec::new();
    flatten("", json::parse(json)?, &mut found).map_err(JsonError::from)?;
    found.sort_unstable();
    keys.iter()
        .map(|key| {
            found
                .binary_search_by(|(known, _)| known.as_str().cmp(key))
                .ok()
                .and_then(|place| found.get_mut(place))
                .map(|(_, text)| std::mem::take(text))
                .ok_or(CatalogueError::Missing(key))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    static SAMPLE: Catalogue = Catalogue::new(
        "/i18n/",
        &["en"],
        &["a.calls.one", "a.calls.other", "a.hello", "b"],
        &[
            r#"{"b":"B","a":{"hello":"{who}, it is {hour}.","calls":{"one":"one call","other":"{count} calls"}}}"#,
        ],
    );

    #[test]
    fn texts_are_found_by_their_keys_and_filled() {
        assert_eq!(SAMPLE.plain(Locale::En, 3), "B");
        let values: [(&str, &dyn Display); 2] = [("who", &"Anna"), ("hour", &3)];
        assert_eq!(SAMPLE.filled(Locale::En, 2, &values), "Anna, it is 3.");
        assert_eq!(SAMPLE.plural(Locale::En, 0, 1, &[("count", &1)]), "one call");
        assert_eq!(SAMPLE.plural(Locale::En, 0, 2, &[("count", &2)]), "2 calls");
    }

    #[test]
    fn a_language_that_is_not_spoken_is_served_the_first() {
        static EMPTY: Catalogue = Catalogue::new("/i18n/", &["en"], &[], &[]);
        assert_eq!(EMPTY.wanted(Locale::It).as_deref(), Some("/i18n/en.json"));
        assert_eq!(SAMPLE.plain(Locale::It, 3), "B");
        assert_eq!(SAMPLE.wanted(Locale::It), None);
    }

    #[test]
    fn what_is_no_catalogue_is_refused() {
        let missing = read(&["a", "b"], r#"{"a":"A"}"#);
        assert_eq!(missing, Err(CatalogueError::Missing("b")));
        assert!(matches!(read(&["a"], "<html>"), Err(CatalogueError::Syntax(_))));
        assert!(matches!(
            read(&["a"], r#"{"a":1}"#),
            Err(CatalogueError::Syntax(_))
        ));
    }

    #[test]
    fn a_value_may_hold_braces() {
        assert_eq!(
            SAMPLE.filled(Locale::En, 2, &[("who", &"{hour}"), ("hour", &3)]),
            "{hour}, it is 3."
        );
    }
}
