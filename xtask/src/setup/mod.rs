//! Gets what the builds and tests need onto this machine. Every step checks first and is quick when all is there.

mod apt;
mod checkout;
mod node;
mod stamp;
mod tools;
mod unpacked;
mod wasm_target;

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::WasmToolchain;
use crate::paths::{self, Paths};
use crate::ui;

pub(crate) use apt::chromium;
pub(crate) use node::Folder as NodeFolder;
pub(crate) use unpacked::folder as unpacked_folder;

/// What a task needs; the less it asks for, the sooner it starts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Needs {
    /// The wasm32 target and the tools that build the portal and the worker.
    pub(crate) wasm: bool,
    /// The wasm32 target and clippy for it.
    pub(crate) lint: bool,
    /// Node with the edge's packages: wrangler, workerd, esbuild.
    pub(crate) edge: bool,
    /// sipp and baresip.
    pub(crate) sip_peers: bool,
    /// Servers that are unpacked, not installed: slapd and coturn.
    pub(crate) servers: bool,
    /// Chromium and Playwright.
    pub(crate) browser: bool,
}

impl Needs {
    pub(crate) const ALL: Self = Self {
        wasm: true,
        lint: true,
        edge: true,
        sip_peers: true,
        servers: true,
        browser: true,
    };
    pub(crate) const LINT: Self = Self {
        wasm: false,
        lint: true,
        edge: false,
        sip_peers: false,
        servers: false,
        browser: false,
    };
    pub(crate) const DEMO: Self = Self {
        wasm: true,
        lint: false,
        edge: true,
        sip_peers: false,
        servers: false,
        browser: false,
    };

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            wasm: self.wasm || other.wasm,
            lint: self.lint || other.lint,
            edge: self.edge || other.edge,
            sip_peers: self.sip_peers || other.sip_peers,
            servers: self.servers || other.servers,
            browser: self.browser || other.browser,
        }
    }
}

/// What set-up found or installed.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    wasm: Option<WasmToolchain>,
    node: Option<node::Node>,
    cargo_bin: PathBuf,
    root: PathBuf,
}

impl Tools {
    /// The compiler for wasm32.
    pub(crate) fn wasm(&self) -> Result<&WasmToolchain> {
        self.wasm.as_ref().context("the wasm32 target was not set up")
    }

    /// trunk, worker-build and what they call, with every helper named so that nothing is downloaded.
    pub(crate) fn wasm_command(&self, paths: &Paths, program: &str) -> Result<Command> {
        let mut front = vec![self.bin_of(NodeFolder::Build)];
        front.extend(self.node.iter().filter_map(node::Node::dir));
        let mut command = self.wasm()?.tool(paths, program, &front)?;
        let own = self.cargo_bin.join(program);
        if paths::is_executable(&own) {
            // Only the program changes: environment and folder were set above.
            command = replace_program(&command, &own);
        }
        command
            .env("WASM_BINDGEN_BIN", self.cargo_bin.join("wasm-bindgen"))
            .env("WASM_OPT_BIN", self.bin_of(NodeFolder::Build).join("wasm-opt"))
            .env("ESBUILD_BIN", self.bin_of(NodeFolder::Edge).join("esbuild"));
        Ok(command)
    }

    /// A program out of the `node_modules` of `folder`.
    pub(crate) fn node_command(&self, folder: NodeFolder, program: &str) -> Result<Command> {
        let node = self.node.as_ref().context("Node was not set up")?;
        let mut command = Command::new(self.bin_of(folder).join(program));
        node.prepare(&mut command)?;
        command.current_dir(folder.path(&self.root));
        Ok(command)
    }

    /// Node itself.
    pub(crate) fn node(&self) -> Result<Command> {
        let node = self.node.as_ref().context("Node was not set up")?;
        let mut command = Command::new(node.program("node"));
        node.prepare(&mut command)?;
        command.current_dir(&self.root);
        Ok(command)
    }

    fn bin_of(&self, folder: NodeFolder) -> PathBuf {
        folder.path(&self.root).join("node_modules/.bin")
    }
}

fn replace_program(command: &Command, program: &std::path::Path) -> Command {
    let mut new = Command::new(program);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => new.env(name, value),
            None => new.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        new.current_dir(dir);
    }
    new
}

/// Installs what is missing. Two runs at once wait for each other.
pub(crate) fn ensure(paths: &Paths, needs: Needs) -> Result<Tools> {
    // Before the other lock: whoever is waited for may have to set up something yet.
    checkout::claim(paths)?;
    let lock_path = paths.cache.join("setup.lock");
    let lock = File::create(&lock_path).with_context(|| format!("cannot write {}", lock_path.display()))?;
    if lock.try_lock().is_err() {
        ui::note("set-up", "another run is setting up: waiting for it");
        lock.lock().context("cannot lock the cache folder")?;
    }
    apt::ensure(paths, needs)?;
    if needs.servers {
        unpacked::ensure(paths);
    }
    let node = if needs.wasm || needs.edge || needs.browser {
        Some(node::ensure(paths)?)
    } else {
        None
    };
    let wasm = if needs.wasm || needs.lint {
        Some(wasm_target::ensure(paths)?)
    } else {
        None
    };
    if let Some(toolchain) = wasm.as_ref().filter(|_| needs.lint) {
        wasm_target::ensure_clippy(paths, toolchain);
    }
    let cargo_bin = tools::cargo_bin()?;
    if needs.wasm {
        tools::ensure(paths, &cargo_bin)?;
    }
    if let Some(node) = &node {
        if needs.wasm {
            node.install(paths, NodeFolder::Build)?;
        }
        if needs.wasm || needs.edge {
            node.install(paths, NodeFolder::Edge)?;
        }
        if needs.browser {
            node.install(paths, NodeFolder::E2e)?;
        }
    }
    Ok(Tools {
        wasm,
        node,
        cargo_bin,
        root: paths.root.clone(),
    })
}

/// `cargo xtask doctor`: what is here, what is missing, nothing installed. True if nothing is missing.
pub(crate) fn doctor(paths: &Paths) -> Result<bool> {
    ui::heading("Programs");
    let mut complete = apt::report();
    complete &= unpacked::report(paths);
    ui::heading("WebAssembly");
    complete &= wasm_target::report(paths);
    complete &= tools::report(&tools::cargo_bin()?);
    ui::heading("Node");
    complete &= node::report(paths);
    ui::heading("Folders");
    ui::done("cache", &paths.cache.display().to_string());
    ui::done("native builds", &paths.native_target.display().to_string());
    ui::done("logs", &paths.shown(&paths.logs));
    Ok(complete)
}
