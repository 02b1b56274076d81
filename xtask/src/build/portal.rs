//! The portal: trunk builds app/ into dist/ and admin/ into dist/admin/, which the edge serves.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::{Part, compress, split, styles, unless_fresh};
use crate::paths::Paths;
use crate::setup::Tools;
use crate::ui::{self, Job};

const INPUTS: [&str; 12] = [
    "app",
    "admin",
    "public",
    "crates/protocol",
    "crates/protocol-derive",
    "crates/roster",
    "Trunk.toml",
    "Cargo.toml",
    "Cargo.lock",
    "xtask/node",
    "xtask/src/build/compress.rs",
    "xtask/src/build/split.rs",
];

/// What the portal is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Small: profile `wasm`, wasm-opt, in parts.
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
        output: &dist(paths).join("admin/index.html"),
        inputs: &INPUTS,
    };
    unless_fresh(paths, &part, || {
        // In this order: trunk empties the folder that it builds into.
        for pages in PAGES {
            let job = Job {
                name: pages.name,
                log: pages.log,
                timeout: Duration::from_mins(30),
            };
            ui::run(paths, &job, &mut trunk(paths, tools, mode, &pages)?)?;
            let dist = paths.root.join(pages.dist);
            if let (Mode::Release, Some(program)) = (mode, pages.in_parts) {
                split::apart(paths, tools, program, &dist)?;
            }
            styles::join(&dist, pages.address)?;
            if mode == Mode::Release {
                compress::lasting(tools, &dist)?;
            }
        }
        Ok(())
    })
}

/// A program of pages.
struct Pages {
    name: &'static str,
    log: &'static str,
    source: &'static str,
    dist: &'static str,
    /// Where the edge serves it.
    address: &'static str,
    /// The program's crate, where what is not shown at once is loaded later.
    in_parts: Option<&'static str>,
}

const PAGES: [Pages; 2] = [
    Pages {
        name: "portal",
        log: "build-portal",
        source: "app/index.html",
        dist: "dist",
        address: "/",
        in_parts: Some("ponte-app"),
    },
    // A program of its own, so that only administrators load it.
    Pages {
        name: "administration",
        log: "build-admin",
        source: "admin/index.html",
        dist: "dist/admin",
        address: "/admin/",
        in_parts: None,
    },
];

/// `trunk build`, without a download.
fn trunk(paths: &Paths, tools: &Tools, mode: Mode, pages: &Pages) -> Result<Command> {
    let mut command = tools.wasm_command(paths, "trunk")?;
    command
        .args(["build", "--offline", "--skip-version-check"])
        .args(["--dist", pages.dist, "--public-url", pages.address]);
    if mode == Mode::Release {
        command.args(["--release", "--cargo-profile", "wasm"]);
        if pages.in_parts.is_some() {
            command.args(["--features", "split"]);
        }
    }
    command.arg(pages.source);
    // trunk reads NO_COLOR as a boolean and refuses the customary `1`.
    command.env_remove("NO_COLOR");
    Ok(command)
}
