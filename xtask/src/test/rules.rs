//! Which test holds which rule of telecommuting (T1 to T18), at each level where it can break.
//!
//! Tests carry the rules in their names: `fn t06_t09_…` in Rust, `test('t06 t09 …'` in the browser's suite.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::count::Counts;
use crate::paths::Paths;
use crate::ui;

/// Rules T1 to T18.
const RULES: u8 = 18;
/// Rules that ARCHITECTURE.md lists as to come.
const TO_COME: [u8; 0] = [];
/// The page that names telling tests of each rule, level by level.
const PAGE: &str = "docs/rules.md";

/// A level at which rules are tested.
struct Level {
    name: &'static str,
    folders: &'static [&'static str],
    /// Whether every rule needs a test here.
    whole: bool,
}

const LEVELS: [Level; 4] = [
    Level {
        name: "core, simulated",
        folders: &["crates/call-core"],
        whole: true,
    },
    Level {
        name: "gateway, SIP and audio",
        folders: &["media-gateway", "crates/sip", "crates/media"],
        whole: true,
    },
    Level {
        name: "edge and portal alone",
        folders: &["edge/tests", "edge/src", "app/src"],
        whole: false,
    },
    Level {
        name: "browser, end to end",
        folders: &["e2e/tests"],
        whole: true,
    },
];

/// The tests of every level, rule by rule.
struct Table {
    /// For each level, pairs of rule and test.
    levels: Vec<BTreeSet<(u8, String)>>,
}

impl Table {
    fn read(root: &Path) -> Result<Self> {
        let mut levels = Vec::new();
        for level in &LEVELS {
            let mut tests = BTreeSet::new();
            for folder in level.folders {
                collect(&root.join(folder), &mut tests)?;
            }
            levels.push(tests);
        }
        Ok(Self { levels })
    }

    fn of(&self, level: usize, rule: u8) -> Vec<&str> {
        let tests = self.levels.get(level).into_iter().flatten();
        let of_rule = tests.filter(|(held, _)| *held == rule);
        of_rule.map(|(_, name)| name.as_str()).collect()
    }

    /// Rules that lack a test at a level that needs one.
    fn missing(&self) -> Vec<String> {
        (1..=RULES)
            .flat_map(|rule| {
                LEVELS
                    .iter()
                    .enumerate()
                    .map(move |(at, level)| (rule, at, level))
            })
            .filter(|(rule, ..)| !TO_COME.contains(rule))
            .filter(|(rule, at, level)| level.whole && self.of(*at, *rule).is_empty())
            .map(|(rule, _, level)| format!("T{rule} has no test at the level: {}", level.name))
            .collect()
    }

    /// What is wrong with the page: a rule without a row or without a test that it needs, a name that is no test's.
    fn wrong_on(&self, page: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut told = BTreeSet::new();
        for line in page.lines() {
            let Some((rule, cells)) = row(line) else {
                let unknown = named(line).into_iter().filter(|name| !self.has(name));
                wrong.extend(unknown.map(|name| format!("there is no test `{name}`")));
                continue;
            };
            told.insert(rule);
            for (at, (cell, level)) in cells.iter().zip(&LEVELS).enumerate() {
                let (names, known) = (named(cell), self.of(at, rule));
                if names.is_empty() && level.whole {
                    wrong.push(format!("T{rule} has no test at the level: {}", level.name));
                }
                let unknown = names.into_iter().filter(|name| !known.contains(name));
                wrong.extend(
                    unknown.map(|name| format!("T{rule} has no test `{name}` at the level: {}", level.name)),
                );
            }
        }
        wrong.extend(
            (1..=RULES)
                .filter(|rule| !told.contains(rule))
                .map(|rule| format!("T{rule} has no row")),
        );
        wrong
    }

    /// Whether a test has this name, at any level.
    fn has(&self, name: &str) -> bool {
        self.levels.iter().flatten().any(|(_, test)| test == name)
    }
}

/// The rule of a row of the page's table and a cell for each level.
fn row(line: &str) -> Option<(u8, Vec<&str>)> {
    let cells: Vec<&str> = line
        .trim()
        .strip_prefix('|')?
        .strip_suffix('|')?
        .split('|')
        .map(str::trim)
        .collect();
    let (first, cells) = cells.split_first()?;
    let rule = first.split(' ').next()?.strip_prefix('T')?.parse().ok()?;
    (cells.len() == LEVELS.len()).then(|| (rule, cells.to_vec()))
}

/// The tests of rules that a text names, between backticks.
fn named(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| !rules_of(name).is_empty()).collect()
}

/// Two checks: every rule has a test at every level that needs one, and the page names tests that exist.
pub(super) fn check(paths: &Paths) -> Result<Counts> {
    let table = Table::read(&paths.root)?;
    let missing = table.missing();
    let mut counts = Counts::of_check(&missing.join("; "), missing.is_empty());
    let page = fs::read_to_string(paths.root.join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let wrong = table.wrong_on(&page);
    let found = format!("{PAGE}: {}", wrong.join("; "));
    counts.add(Counts::of_check(&found, wrong.is_empty()));
    Ok(counts)
}

/// Prints the table; with `names`, every test in it. True if nothing is missing.
pub(crate) fn print(paths: &Paths, names: bool) -> Result<bool> {
    let table = Table::read(&paths.root)?;
    let heads: Vec<&str> = LEVELS.iter().map(|level| level.name).collect();
    println!("| rule | {} |", heads.join(" | "));
    println!("| --- |{}", " --- |".repeat(heads.len()));
    for rule in 1..=RULES {
        let counts: Vec<String> = (0..LEVELS.len())
            .map(|level| table.of(level, rule).len().to_string())
            .collect();
        println!("| T{rule} | {} |", counts.join(" | "));
    }
    for rule in (1..=RULES).filter(|_| names) {
        ui::heading(&format!("T{rule}"));
        for (at, level) in LEVELS.iter().enumerate() {
            for name in table.of(at, rule) {
                println!("  {}: {name}", level.name);
            }
        }
    }
    let missing = table.missing();
    for one in &missing {
        ui::failed("rules", one);
    }
    Ok(missing.is_empty())
}

fn collect(folder: &Path, tests: &mut BTreeSet<(u8, String)>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !matches!(&*name, "node_modules" | "target" | "build") {
                collect(&path, tests)?;
            }
        } else if [".rs", ".ts", ".mjs"].iter().any(|end| name.ends_with(end)) {
            for line in fs::read_to_string(&path)?.lines() {
                if let Some(test) = test_name(line) {
                    tests.extend(rules_of(test).into_iter().map(|rule| (rule, test.to_owned())));
                }
            }
        }
    }
    Ok(())
}

/// The name of a test that begins on this line.
fn test_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("async ").unwrap_or(line);
    if let Some(rest) = line.strip_prefix("fn ") {
        return rest.split_once('(').map(|(name, _)| name);
    }
    let line = ["test(", "it(", "describe("]
        .iter()
        .find_map(|call| {
            line.strip_prefix(call)
                .or_else(|| line.split_once(&format!(".{call}")).map(|(_, rest)| rest))
        })
        .unwrap_or(line);
    let quote = line.chars().next().filter(|first| "'\"`".contains(*first))?;
    line[1..].split_once(quote).map(|(name, _)| name)
}

/// `[6, 9]` of `t06_t09_a_call…` and of `t06 t09 a call…`.
fn rules_of(test: &str) -> Vec<u8> {
    test.split(['_', ' '])
        .map_while(|word| {
            let number = word.strip_prefix('t').filter(|digits| digits.len() == 2)?;
            number.parse().ok().filter(|rule| (1..=RULES).contains(rule))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{LEVELS, RULES, Table, named, rules_of, test_name};
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    #[test]
    fn a_test_is_found_by_its_name() {
        assert_eq!(test_name("async fn t06_a_call() {"), Some("t06_a_call"));
        assert_eq!(
            test_name("  test('t06 t09 a call', async () => {"),
            Some("t06 t09 a call")
        );
        assert_eq!(test_name("test(\"t12 two\", { tag: 1 }, f);"), Some("t12 two"));
        assert_eq!(test_name("  test(`t05 ${what}`, f);"), Some("t05 ${what}"));
        assert_eq!(test_name("let t06 = 1;"), None);
    }

    #[test]
    fn a_name_begins_with_its_rules() {
        assert_eq!(rules_of("t06_t09_a_call_of_t10"), [6, 9]);
        assert_eq!(rules_of("t13 the edge"), [13]);
        assert_eq!(rules_of("two_t06"), [0_u8; 0]);
        assert_eq!(rules_of("t19_no_such_rule"), [0_u8; 0]);
    }

    /// Every rule has the one test `tNN_holds` at each level.
    fn table() -> Table {
        let tests: BTreeSet<_> = (1..=RULES)
            .map(|rule| (rule, format!("t{rule:02}_holds")))
            .collect();
        Table {
            levels: LEVELS.iter().map(|_| tests.clone()).collect(),
        }
    }

    fn page() -> String {
        let mut page = "| rule | a | b | c | d |\n| --- | --- | --- | --- | --- |\n".to_owned();
        for rule in 1..=RULES {
            let cell = format!("`t{rule:02}_holds`");
            writeln!(page, "| T{rule} name | {cell} | {cell} | — | {cell} |").unwrap();
        }
        page
    }

    #[test]
    fn a_page_names_tests_that_exist_where_they_are_needed() {
        let table = table();
        assert_eq!(table.wrong_on(&page()), [""; 0]);
        let wrong = |from: &str, to: &str| {
            let page = page();
            assert!(page.contains(from), "{from}");
            table.wrong_on(&page.replacen(from, to, 1)).join("; ")
        };
        let renamed = wrong("`t07_holds`", "`t07_held`");
        assert!(renamed.contains("T7 has no test `t07_held`"), "{renamed}");
        let other = wrong("`t07_holds`", "`t08_holds`");
        assert!(other.contains("T7 has no test `t08_holds`"), "{other}");
        let empty = wrong("`t18_holds`", "—");
        assert!(empty.contains("T18 has no test at the level"), "{empty}");
        let gone = wrong("| T9 name |", "| Tnine |");
        assert_eq!(gone, "T9 has no row");
        let elsewhere = table.wrong_on(&format!("{}| a case | `t10_nothing`, `code` |\n", page()));
        assert_eq!(elsewhere, ["there is no test `t10_nothing`"]);
    }

    #[test]
    fn names_stand_between_backticks() {
        assert_eq!(
            named("`t06 a call`<br>`t13_it` `tNN_…` and `cargo`"),
            ["t06 a call", "t13_it"]
        );
    }
}
