//! `cargo xtask lint`: formatting, clippy with warnings denied, the rules for dependencies.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::cargo::{self, WASM_CRATES, WASM_TARGET, WasmToolchain};
use crate::paths::{Paths, which};
use crate::test::Counts;
use crate::ui::{self, Job};

/// One check each, all of them run.
pub(crate) fn check(paths: &Paths, wasm: Option<&WasmToolchain>) -> Result<Counts> {
    let mut counts = Counts::default();

    let mut format = cargo::native(paths);
    format.args(["fmt", "--all", "--check"]);
    counts.add(one(paths, "cargo fmt --check", "lint-fmt", &mut format)?);

    let mut native = cargo::native(paths);
    native.args(["clippy", "--workspace", "--all-targets"]);
    for name in WASM_CRATES {
        native.args(["--exclude", name]);
    }
    native.args(["--", "-D", "warnings"]);
    counts.add(one(paths, "clippy", "lint-clippy", &mut native)?);

    // Debian's compiler for wasm32 has no clippy: the native one reads the same sources.
    let mut browser = match wasm {
        Some(toolchain) if toolchain.has_clippy() => {
            let mut command = toolchain.cargo(paths)?;
            command.args(["clippy", "--target", WASM_TARGET]);
            command
        }
        _ => {
            let mut command = cargo::native(paths);
            command.args(["clippy", "--all-targets"]);
            command
        }
    };
    for name in WASM_CRATES {
        browser.args(["-p", name]);
    }
    browser.args(["--", "-D", "warnings"]);
    counts.add(one(
        paths,
        "clippy of portal and edge",
        "lint-clippy-wasm",
        &mut browser,
    )?);

    if which("cargo-deny").is_some() {
        let mut deny = cargo::native(paths);
        // Advisories come from a database that is fetched; the rest needs no network.
        deny.args([
            "deny",
            "--workspace",
            "--offline",
            "check",
            "bans",
            "licenses",
            "sources",
        ]);
        counts.add(one(paths, "cargo deny", "lint-deny", &mut deny)?);
    } else {
        ui::note(
            "cargo deny",
            "not installed, left out: `cargo install --locked cargo-deny`",
        );
    }
    Ok(counts)
}

fn one(paths: &Paths, name: &str, log: &str, command: &mut Command) -> Result<Counts> {
    let job = Job {
        name,
        log,
        timeout: Duration::from_mins(30),
    };
    let outcome = ui::run_observed(paths, &job, command, &mut |line| Some(line.trim().to_owned()))?;
    if outcome.success() {
        ui::done(name, &ui::duration(outcome.elapsed));
    } else {
        ui::failed(name, &outcome.reason());
        ui::print_tail(paths, &outcome.log, &outcome.tail);
    }
    Ok(Counts::of_check(name, outcome.success()))
}
