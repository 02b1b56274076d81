//! The call core and the protocol run anywhere: they build for wasm32, depend on nothing that reads a clock,
//! draws random numbers or does I/O, and call no such thing in the standard library. (The target alone proves
//! less: `Instant::now` compiles there and panics when called.)

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::SuiteResult;
use super::count::Counts;
use crate::cargo::{self, WASM_TARGET, WasmToolchain};
use crate::paths::Paths;
use crate::process;
use crate::ui::{self, Job};

/// A crate that must stay pure, its folder, and what its code may not name.
struct Pure {
    krate: &'static str,
    folder: &'static str,
    banned_code: &'static [&'static str],
    banned_crates: &'static [&'static str],
}

/// Wire types may make identifiers; the call core gets even these from outside.
const PURE: [Pure; 2] = [
    Pure {
        krate: "ponte-call-core",
        folder: "crates/call-core/src",
        banned_code: &[
            "Instant::now",
            "SystemTime",
            "std::net",
            "std::fs",
            "std::thread",
            "std::env",
            "std::process",
            "now_v7",
            "new_v4",
            "RandomState",
            "rand::",
            "getrandom",
            "println!",
        ],
        banned_crates: &["tokio", "rand", "getrandom", "chrono", "mio", "async-std"],
    },
    Pure {
        krate: "ponte-protocol",
        folder: "crates/protocol/src",
        banned_code: &[
            "Instant::now",
            "SystemTime::now",
            "std::net::Tcp",
            "std::fs",
            "std::thread",
        ],
        banned_crates: &["tokio", "mio", "chrono"],
    },
];

/// Three checks for each crate.
pub(crate) fn check(paths: &Paths, toolchain: &WasmToolchain) -> SuiteResult {
    let mut counts = Counts::default();
    for pure in &PURE {
        counts.add(builds(paths, toolchain, pure)?);
        let dependencies = banned_dependencies(paths, pure)?;
        counts.add(verdict(
            &format!("{} depends on {}", pure.krate, dependencies.join(", ")),
            &dependencies,
        ));
        let lines = banned_lines(&paths.root, pure)?;
        counts.add(verdict(
            &format!("{} is not pure: {}", pure.krate, lines.join("; ")),
            &lines,
        ));
    }
    Ok(counts)
}

fn verdict(name: &str, found: &[String]) -> Counts {
    if !found.is_empty() {
        ui::failed("purity", name);
    }
    Counts::of_check(name, found.is_empty())
}

fn builds(paths: &Paths, toolchain: &WasmToolchain, pure: &Pure) -> SuiteResult {
    let mut command = toolchain.cargo(paths)?;
    command.args(["build", "-p", pure.krate, "--target", WASM_TARGET]);
    let log = format!("test-purity-{}", pure.krate);
    let job = Job {
        name: pure.krate,
        log: &log,
        timeout: Duration::from_mins(15),
    };
    let outcome = ui::run_observed(paths, &job, &mut command, &mut |line| {
        Some(line.trim().to_owned())
    })?;
    if !outcome.success() {
        ui::failed(pure.krate, "does not build for wasm32");
        ui::print_tail(paths, &outcome.log, &outcome.tail);
    }
    Ok(Counts::of_check(
        &format!("{} does not build for wasm32", pure.krate),
        outcome.success(),
    ))
}

fn banned_dependencies(paths: &Paths, pure: &Pure) -> Result<Vec<String>> {
    let mut command = cargo::native(paths);
    command
        .args([
            "tree", "--quiet", "--edges", "normal", "--prefix", "none", "--format", "{p}",
        ])
        .args(["--target", WASM_TARGET, "-p", pure.krate]);
    let tree = process::output(&mut command)?;
    Ok(named_in(&tree, pure.banned_crates))
}

/// The `banned` crates that a `cargo tree` lists.
fn named_in(tree: &str, banned: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| banned.contains(name))
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

fn banned_lines(root: &Path, pure: &Pure) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![root.join(pure.folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = fs::read_to_string(&path)?;
                let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                found.extend(
                    banned_in(&text, pure.banned_code)
                        .into_iter()
                        .map(|(line, code)| format!("{shown}:{line} {code}")),
                );
            }
        }
    }
    Ok(found)
}

/// Line numbers and what was found there, outside comments and test modules.
fn banned_in<'a>(text: &str, banned: &[&'a str]) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        found.extend(
            banned
                .iter()
                .filter(|word| code.contains(**word))
                .map(|word| (number + 1, *word)),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{banned_in, named_in};

    #[test]
    fn code_counts_and_comments_and_tests_do_not() {
        let text = "\
use std::time::Instant; // not Instant::now
fn f() { Instant::now(); }
/// Never calls SystemTime.
#[cfg(test)]
mod tests { fn g() { Instant::now(); } }
";
        assert_eq!(
            banned_in(text, &["Instant::now", "SystemTime"]),
            [(2, "Instant::now")]
        );
    }

    #[test]
    fn a_tree_is_searched_by_whole_names() {
        let tree = "ponte-call-core v0.1.0 (/x)\nrand_core v0.9.0\ntokio v1.0.0 (*)\ntokio v1.0.0";
        assert_eq!(named_in(tree, &["tokio", "rand"]), ["tokio"]);
    }
}
