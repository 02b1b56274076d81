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
}

/// One check: every rule has a test at every level that needs one.
pub(super) fn check(paths: &Paths) -> Result<Counts> {
    let missing = Table::read(&paths.root)?.missing();
    Ok(Counts::of_check(&missing.join("; "), missing.is_empty()))
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
    use super::{rules_of, test_name};

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
}
