//! The portal: trunk builds app/ into dist/, which the edge serves.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::{Part, unless_fresh};
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
pub(crate) fn build(paths: &Paths, tools: &Tools, mode: Mode) -> Result<()> {
    let part = Part {
        name: "portal",
        mode: if mode == Mode::Release { "release" } else { "dev" },
        output: &dist(paths).join("index.html"),
        inputs: &INPUTS,
    };
    unless_fresh(paths, &part, || {
        let job = Job {
            name: "portal",
            log: "build-portal",
            timeout: Duration::from_mins(30),
        };
        ui::run(paths, &job, &mut trunk(paths, tools, mode)?)
    })
}

/// `trunk build`, without a download.
fn trunk(paths: &Paths, tools: &Tools, mode: Mode) -> Result<Command> {
    let mut command = tools.wasm_command(paths, "trunk")?;
    command.args(["build", "--offline", "--skip-version-check"]);
    if mode == Mode::Release {
        command.args(["--release", "--cargo-profile", "wasm"]);
    }
    // trunk reads NO_COLOR as a boolean and refuses the customary `1`.
    command.env_remove("NO_COLOR");
    Ok(command)
}
