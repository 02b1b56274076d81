//! `cargo xtask dev`: the demo, rebuilt and restarted when a source changes. wrangler reloads the worker and the
//! portal's files by itself when their output changes.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::demo;
use crate::build::{self, Sources, portal::Mode};
use crate::paths::Paths;
use crate::process;
use crate::setup::{self, Needs};
use crate::ui;

const POLL: Duration = Duration::from_millis(700);

/// A part and the folders whose change rebuilds it.
struct Part {
    name: &'static str,
    inputs: &'static [&'static str],
}

const PORTAL: Part = Part {
    name: "portal",
    inputs: &[
        "app",
        "admin",
        "public",
        "crates/protocol",
        "crates/protocol-derive",
        "Trunk.toml",
    ],
};
const EDGE: Part = Part {
    name: "edge",
    inputs: &["edge", "crates/protocol", "crates/protocol-derive"],
};
const NATIVE: Part = Part {
    name: "gateway",
    inputs: &["media-gateway", "crates", "Cargo.toml"],
};

impl Part {
    fn sources(&self, paths: &Paths) -> Sources {
        Sources::of(self.inputs.iter().map(|input| paths.root.join(input)))
    }
}

/// Runs until Ctrl-C. A build that fails is shown; what ran before goes on running.
pub(crate) fn run(paths: &Paths, options: &demo::Options) -> Result<ExitCode> {
    let tools = setup::ensure(paths, Needs::DEMO)?;
    build::portal::build(paths, &tools, Mode::Dev)?;
    build::edge::build(paths, &tools)?;
    let mut running = demo::start(paths, &tools, options)?;
    let parts = [PORTAL, EDGE, NATIVE];
    let mut seen: Vec<Sources> = parts.iter().map(|part| part.sources(paths)).collect();
    ui::say("  Sources are watched: save a file and its part is rebuilt.");
    while !process::interrupted() {
        thread::sleep(POLL);
        for (part, seen) in parts.iter().zip(&mut seen) {
            let now = part.sources(paths);
            if now == *seen {
                continue;
            }
            *seen = now;
            let result = match part.name {
                "portal" => build::portal::build(paths, &tools, Mode::Dev),
                "edge" => build::edge::build(paths, &tools),
                _ => build::gateway::build(paths, options.release())
                    .and_then(|_| running.restart(&["carrier", "gateway"])),
            };
            if let Err(error) = result {
                ui::failed(part.name, &format!("{error:#}"));
            }
        }
    }
    ui::say("\nStopping …");
    Ok(ExitCode::SUCCESS)
}
