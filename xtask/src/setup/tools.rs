//! The cargo tools that build the portal and the worker, each at the one version that works with the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cargo;
use crate::paths::{self, Paths};
use crate::process;
use crate::ui::{self, Job};

/// A program from crates.io.
struct Tool {
    krate: &'static str,
    binary: &'static str,
    version: &'static str,
    locked: bool,
    features: &'static str,
}

const TOOLS: [Tool; 4] = [
    // Unlocked: one of its locked dependencies was withdrawn.
    Tool {
        krate: "wasm-bindgen-cli",
        binary: "wasm-bindgen",
        version: "0.2.129",
        locked: false,
        features: "",
    },
    Tool {
        krate: "worker-build",
        binary: "worker-build",
        version: "0.8.7",
        locked: true,
        features: "",
    },
    // Locked: with newer dependencies it does not compile.
    Tool {
        krate: "trunk",
        binary: "trunk",
        version: "0.21.14",
        locked: true,
        features: "",
    },
    // Its marks are those of the crate wasm_split_helpers.
    Tool {
        krate: "wasm_split_cli_support",
        binary: "wasm-split-cli",
        version: "0.2.3",
        locked: true,
        features: "build-binary",
    },
];

impl Tool {
    fn installed(&self, bin: &Path) -> Option<String> {
        let file = bin.join(self.binary);
        if let Some(output) = process::capture(Command::new(&file).arg("--version")) {
            return version_in(&output).map(str::to_owned);
        }
        // One that does not say its version.
        let list = fs::read_to_string(bin.parent()?.join(".crates.toml")).ok()?;
        paths::is_executable(&file)
            .then(|| listed(&list, self.krate))
            .flatten()
            .map(str::to_owned)
    }
}

/// Where `cargo install` puts programs.
pub(crate) fn cargo_bin() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(PathBuf::from(home).join("bin"));
    }
    Ok(PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cargo/bin"))
}

/// Installs the tools whose version differs.
pub(crate) fn ensure(paths: &Paths, bin: &Path) -> Result<()> {
    for tool in &TOOLS {
        let name = format!("{} {}", tool.krate, tool.version);
        if tool.installed(bin).as_deref() == Some(tool.version) {
            ui::done(&name, "");
            continue;
        }
        let mut command = cargo::native(paths);
        command
            .args(["install", "--force", "--version", tool.version, tool.krate])
            .env("CARGO_TARGET_DIR", paths.native_target.with_file_name("tools"))
            // They run for seconds a build and compile for minutes on a new machine.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "64")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false");
        if tool.locked {
            command.arg("--locked");
        }
        if !tool.features.is_empty() {
            command.args(["--features", tool.features]);
        }
        let log = format!("setup-{}", tool.binary);
        let job = Job {
            name: &name,
            log: &log,
            timeout: Duration::from_mins(30),
        };
        ui::run(paths, &job, &mut command).with_context(|| {
            format!("{name} could not be installed: it comes from crates.io and is compiled here")
        })?;
    }
    Ok(())
}

/// Prints which versions are here.
pub(crate) fn report(bin: &Path) -> bool {
    let mut complete = true;
    for tool in &TOOLS {
        match tool.installed(bin) {
            Some(version) if version == tool.version => ui::done(tool.krate, &version),
            found => {
                complete = false;
                let found = found.unwrap_or_else(|| "none".to_owned());
                ui::failed(tool.krate, &format!("found {found}, wanted {}", tool.version));
            }
        }
    }
    complete
}

/// The first word that looks like a version: `trunk 0.21.14`, `0.8.7`, `v20.20.2`.
pub(crate) fn version_in(output: &str) -> Option<&str> {
    output
        .split_whitespace()
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
}

/// The version of a crate in cargo's list of what it installed.
fn listed<'a>(list: &'a str, krate: &str) -> Option<&'a str> {
    list.lines().find_map(|line| {
        let (name, rest) = line.trim_start_matches('"').split_once(' ')?;
        (name == krate).then(|| rest.split(' ').next()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::{listed, version_in};

    #[test]
    fn versions_are_found_in_cargos_list() {
        let list = "[v1]\n\"trunk 0.21.14 (registry+https://example.com)\" = [\"trunk\"]\n\
            \"splitter 0.2.3 (registry+https://example.com)\" = [\"split\"]\n";
        assert_eq!(listed(list, "splitter"), Some("0.2.3"));
        assert_eq!(listed(list, "split"), None);
    }

    #[test]
    fn versions_are_found_in_what_tools_print() {
        assert_eq!(version_in("wasm-bindgen 0.2.129"), Some("0.2.129"));
        assert_eq!(version_in("0.8.7"), Some("0.8.7"));
        assert_eq!(version_in("v20.20.2"), Some("20.20.2"));
        assert_eq!(version_in("rustc 1.95.0 (59807616e 2026-04-14)"), Some("1.95.0"));
        assert_eq!(version_in("no version"), None);
    }
}
