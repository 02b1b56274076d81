//! The portal: trunk builds app/ into dist/, which the edge serves.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::is_fresh;
use crate::paths::Paths;
use crate::setup::Tools;
use crate::ui::{self, Job};

const INPUTS: [&str; 7] = [
    "app",
    "public",
    "crates/protocol",
    "Trunk.toml",
    "Cargo.toml",
    "Cargo.lock",
    "xtask/node",
];

/// What the portal is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Small: profile `wasm`, wasm-opt.
    Release,
    /// Quick to build.
    Dev,
}

/// The folder with the built portal.
pub(crate) fn dist(paths: &Paths) -> PathBuf {
    paths.root.join("dist")
}

/// Builds the portal unless it is newer than its sources.
pub(crate) fn build(paths: &Paths, tools: &Tools) -> Result<()> {
    if is_fresh(paths, &dist(paths).join("index.html"), &INPUTS) {
        ui::done("portal", "up to date");
        return Ok(());
    }
    let mut command = trunk(paths, tools, "build", Mode::Release)?;
    ui::run(
        paths,
        &Job {
            name: "portal",
            log: "build-portal",
            timeout: Duration::from_mins(30),
        },
        &mut command,
    )
}

/// `trunk build` or `trunk watch`, without a download.
pub(crate) fn trunk(paths: &Paths, tools: &Tools, verb: &str, mode: Mode) -> Result<Command> {
    let mut command = tools.wasm_command(paths, "trunk")?;
    command.args([verb, "--offline", "--skip-version-check"]);
    if mode == Mode::Release {
        command.args(["--release", "--cargo-profile", "wasm"]);
    }
    // trunk reads NO_COLOR as a boolean and refuses the customary `1`.
    command.env_remove("NO_COLOR");
    Ok(command)
}
