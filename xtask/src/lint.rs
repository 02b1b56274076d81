//! `cargo xtask lint`: formatting, clippy with warnings denied, the rules for dependencies.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::cargo::{self, WASM_CRATES, WASM_TARGET, WasmToolchain};
use crate::paths::{Paths, which};
use crate::test::Counts;
use crate::ui::{self, Job, Outcome};

const TIMEOUT: Duration = Duration::from_mins(30);

/// One check each, all of them run.
pub(crate) fn check(paths: &Paths, wasm: &WasmToolchain) -> Result<Counts> {
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

    // Their logic and its tests, on the host.
    let mut host = cargo::native(paths);
    host.args(["clippy", "--all-targets"]);
    for name in WASM_CRATES {
        host.args(["-p", name]);
    }
    host.args(["--", "-D", "warnings"]);
    counts.add(one(
        paths,
        "clippy of portal and edge",
        "lint-clippy-host",
        &mut host,
    )?);
    counts.add(for_wasm(paths, wasm)?);

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

/// What is compiled for wasm32 only. Without clippy for that compiler, the compiler's own warnings.
fn for_wasm(paths: &Paths, wasm: &WasmToolchain) -> Result<Counts> {
    let mut command = wasm.cargo(paths)?;
    let clippy = wasm.has_clippy();
    command.args([if clippy { "clippy" } else { "check" }, "--target", WASM_TARGET]);
    for name in WASM_CRATES {
        command.args(["-p", name]);
    }
    if clippy {
        command.args(["--", "-D", "warnings"]);
        return one(paths, "clippy for wasm32", "lint-clippy-wasm", &mut command);
    }
    ui::note(
        "clippy for wasm32",
        "not installed: the compiler's own warnings only",
    );
    let job = Job {
        name: "warnings for wasm32",
        log: "lint-check-wasm",
        timeout: TIMEOUT,
    };
    let mut warned = false;
    // `-D warnings` in RUSTFLAGS would stand in for the flags of .cargo/config.toml and build every dependency anew.
    let outcome = ui::run_observed(paths, &job, &mut command, &mut |line| {
        warned |= is_warning_summary(line);
        Some(line.trim().to_owned())
    })?;
    Ok(told(paths, job.name, &outcome, outcome.success() && !warned))
}

/// Cargo's last word on a crate of ours that compiled with warnings.
fn is_warning_summary(line: &str) -> bool {
    WASM_CRATES
        .iter()
        .any(|name| line.starts_with(&format!("warning: `{name}` ")) && line.contains(" generated "))
}

fn one(paths: &Paths, name: &str, log: &str, command: &mut Command) -> Result<Counts> {
    let job = Job {
        name,
        log,
        timeout: TIMEOUT,
    };
    let outcome = ui::run_observed(paths, &job, command, &mut |line| Some(line.trim().to_owned()))?;
    Ok(told(paths, name, &outcome, outcome.success()))
}

fn told(paths: &Paths, name: &str, outcome: &Outcome, passed: bool) -> Counts {
    if passed {
        ui::done(name, &ui::duration(outcome.elapsed));
    } else {
        ui::failed(name, &outcome.reason());
        ui::print_tail(paths, &outcome.log, &outcome.tail);
    }
    Counts::of_check(name, passed)
}

#[cfg(test)]
mod tests {
    use super::is_warning_summary;

    #[test]
    fn only_warnings_of_our_own_crates_count() {
        assert!(is_warning_summary(
            "warning: `ponte-edge` (lib) generated 1 warning (run `cargo fix` to apply 1 suggestion)"
        ));
        assert!(is_warning_summary(
            "warning: `ponte-app` (bin \"ponte-app\") generated 3 warnings"
        ));
        assert!(!is_warning_summary("warning: unused manifest key: lib.strip"));
        assert!(!is_warning_summary("warning: `worker` (lib) generated 1 warning"));
    }
}
