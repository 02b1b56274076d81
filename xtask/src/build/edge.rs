//! The worker: worker-build turns edge/ into edge/build, which wrangler runs and deploys.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::{Part, unless_fresh};
use crate::paths::Paths;
use crate::setup::Tools;
use crate::ui::{self, Job};

const INPUTS: [&str; 6] = [
    "edge",
    "docs/openapi.json",
    "crates/protocol",
    "crates/protocol-derive",
    "Cargo.toml",
    "Cargo.lock",
];

/// The worker's crate.
pub(crate) fn folder(paths: &Paths) -> PathBuf {
    paths.root.join("edge")
}

/// Builds the worker unless it is newer than its sources.
pub(crate) fn build(paths: &Paths, tools: &Tools) -> Result<()> {
    let part = Part {
        name: "edge",
        mode: "release",
        output: &folder(paths).join("build/index.js"),
        inputs: &INPUTS,
    };
    unless_fresh(paths, &part, || {
        let mut command = tools.wasm_command(paths, "worker-build")?;
        command.args(["--profile", "wasm"]).current_dir(folder(paths));
        let job = Job {
            name: "edge",
            log: "build-edge",
            timeout: Duration::from_mins(30),
        };
        ui::run(paths, &job, &mut command)
    })
}
