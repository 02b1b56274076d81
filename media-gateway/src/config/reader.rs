//! Takes a TOML document apart setting by setting, and notes every problem with its place.
//!
//! Deserialising with serde would stop at the first one.

use super::Problem;
use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The problems found so far.
pub(super) struct Problems<'t> {
    text: &'t str,
    found: RefCell<Vec<(usize, Problem)>>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            found: RefCell::default(),
        }
    }

    /// Notes a problem at a byte of the text.
    pub(super) fn add(&self, at: usize, setting: &str, reason: impl Display) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let problem = Problem {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            setting: setting.to_owned(),
            reason: reason.to_string(),
        };
        self.found.borrow_mut().push((at, problem));
    }

    /// All of them, in the order of the file.
    pub(super) fn into_sorted(self) -> Vec<Problem> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// A value with its place, for checks that come later.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) at: usize,
    pub(super) setting: String,
}

impl<T> Found<T> {
    pub(super) fn problem(&self, problems: &Problems<'_>, reason: impl Display) {
        problems.add(self.at, &self.setting, reason);
    }

    /// The value read further; a problem where that fails.
    pub(super) fn read<U, E: Display>(
        self,
        problems: &Problems<'_>,
        read: impl FnOnce(&T) -> Result<U, E>,
    ) -> Option<Found<U>> {
        match read(&self.value) {
            Ok(value) => Some(Found {
                value,
                at: self.at,
                setting: self.setting,
            }),
            Err(reason) => {
                self.problem(problems, reason);
                None
            }
        }
    }
}

/// A table of the document. Settings are taken out of it; what is left at its end is not known.
pub(super) struct Section<'t, 'p> {
    problems: &'p Problems<'t>,
    name: String,
    at: usize,
    table: DeTable<'t>,
    asked: Vec<&'static str>,
}

impl<'t, 'p> Section<'t, 'p> {
    /// The whole document; `None` where it is no TOML.
    pub(super) fn document(text: &'t str, problems: &'p Problems<'t>) -> Option<Self> {
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            problems.add(at, "", error.message());
        }
        errors
            .is_empty()
            .then(|| Self::of(problems, String::new(), 0, document.into_inner()))
    }

    fn of(problems: &'p Problems<'t>, name: String, at: usize, table: DeTable<'t>) -> Self {
        Self {
            problems,
            name,
            at,
            table,
            asked: Vec::new(),
        }
    }

    pub(super) fn setting(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    /// Calls the section by another name in what follows, e.g. a trunk by its own.
    pub(super) fn rename(&mut self, name: String) {
        self.name = name;
    }

    /// Notes a problem with the section as a whole.
    pub(super) fn problem(&self, reason: impl Display) {
        self.problems.add(self.at, &self.name, reason);
    }

    pub(super) fn missing(&self, key: &str, reason: impl Display) {
        self.problems.add(self.at, &self.setting(key), reason);
    }

    fn take(&mut self, key: &'static str) -> Option<Found<DeValue<'t>>> {
        self.asked.push(key);
        let value = self.table.remove(key)?;
        Some(Found {
            at: value.span().start,
            value: value.into_inner(),
            setting: self.setting(key),
        })
    }

    fn wrong_type<T>(&self, found: &Found<DeValue<'t>>, wanted: &str) -> Option<T> {
        found.problem(
            self.problems,
            format_args!("must be {wanted}, not {}", found.value.type_str()),
        );
        None
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<Found<String>> {
        let found = self.take(key)?;
        let DeValue::String(text) = &found.value else {
            return self.wrong_type(&found, "a text in quotation marks");
        };
        Some(Found {
            value: text.clone().into_owned(),
            at: found.at,
            setting: found.setting,
        })
    }

    /// As [`Self::text`]; a problem where it is missing.
    pub(super) fn required_text(&mut self, key: &'static str, example: &str) -> Option<Found<String>> {
        if !self.table.contains_key(key) {
            self.asked.push(key);
            self.missing(key, format_args!("is missing, e.g. `{key} = \"{example}\"`"));
            return None;
        }
        self.text(key)
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<Found<bool>> {
        let found = self.take(key)?;
        match found.value {
            DeValue::Boolean(value) => Some(Found {
                value,
                at: found.at,
                setting: found.setting,
            }),
            _ => self.wrong_type(&found, "true or false"),
        }
    }

    /// A whole number within a range, both ends included.
    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<Found<u64>> {
        let found = self.take(key)?;
        let DeValue::Integer(integer) = &found.value else {
            return self.wrong_type(&found, "a whole number");
        };
        let value = u64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|value| range.contains(value));
        let Some(value) = value else {
            found.problem(
                self.problems,
                format_args!("must be from {} to {}", range.start(), range.end()),
            );
            return None;
        };
        Some(Found {
            value,
            at: found.at,
            setting: found.setting,
        })
    }

    /// A list of texts, each with its own place.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Found<Vec<Found<String>>>> {
        let found = self.take(key)?;
        let DeValue::Array(array) = &found.value else {
            return self.wrong_type(&found, "a list of texts, e.g. [\"…\", \"…\"]");
        };
        let mut texts = Vec::with_capacity(array.len());
        for item in array {
            match item.get_ref() {
                DeValue::String(text) => texts.push(Found {
                    value: text.clone().into_owned(),
                    at: item.span().start,
                    setting: found.setting.clone(),
                }),
                other => self.problems.add(
                    item.span().start,
                    &found.setting,
                    format_args!("must hold texts only, not {}", other.type_str()),
                ),
            }
        }
        Some(Found {
            value: texts,
            at: found.at,
            setting: found.setting,
        })
    }

    pub(super) fn section(&mut self, key: &'static str) -> Option<Self> {
        let found = self.take(key)?;
        let setting = found.setting.clone();
        match found.value {
            DeValue::Table(table) => Some(Self::of(self.problems, setting, found.at, table)),
            _ => self.wrong_type(&found, &format!("a section, [{key}]")),
        }
    }

    /// As [`Self::section`]; an empty one where it is missing.
    pub(super) fn section_or_empty(&mut self, key: &'static str) -> Self {
        let empty = Self::of(self.problems, self.setting(key), self.at, DeTable::new());
        if self.table.contains_key(key) {
            self.section(key).unwrap_or(empty)
        } else {
            self.asked.push(key);
            empty
        }
    }

    /// The sections of a list, `[[key]]`.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Self> {
        let Some(found) = self.take(key) else {
            return Vec::new();
        };
        let setting = found.setting.clone();
        let DeValue::Array(array) = found.value else {
            return self
                .wrong_type(&found, &format!("a list of sections, [[{key}]]"))
                .unwrap_or_default();
        };
        let mut sections = Vec::with_capacity(array.len());
        for (number, item) in array.into_iter().enumerate() {
            let at = item.span().start;
            let name = format!("{setting}[{}]", number + 1);
            match Spanned::into_inner(item) {
                DeValue::Table(table) => sections.push(Self::of(self.problems, name, at, table)),
                other => self.problems.add(
                    at,
                    &name,
                    format_args!("must be a section, [[{key}]], not {}", other.type_str()),
                ),
            }
        }
        sections
    }

    /// Notes every setting that nobody asked for.
    pub(super) fn finish(self) {
        for key in self.table.keys() {
            self.problems.add(
                key.span().start,
                &self.setting(key.get_ref()),
                format_args!("is not known here; known are {}", self.asked.join(", ")),
            );
        }
    }
}
