//! Cargo as the builds call it: the native one, and the one that builds for wasm32.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::paths::{self, Paths};

/// The target of the portal, the worker and the purity check.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// Crates that are built for wasm32 only.
pub(crate) const WASM_CRATES: [&str; 3] = ["ponte-app", "ponte-admin", "ponte-edge"];

/// Native cargo in the checkout, with the shared target folder.
pub(crate) fn native(paths: &Paths) -> Command {
    let mut command = Command::new("cargo");
    forget_outer_cargo(&mut command);
    command
        .current_dir(&paths.root)
        .env("CARGO_TARGET_DIR", &paths.native_target);
    command
}

/// The compiler that has a standard library for wasm32.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WasmToolchain {
    /// rustup's toolchain with the target added.
    Rustup,
    /// Debian's rustc-web in this folder (`/usr/bin`), with the standard library set-up built for it.
    Debian { bin: PathBuf },
}

impl WasmToolchain {
    /// How the toolchain is called in messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Rustup => "rustup's toolchain",
            Self::Debian { .. } => "Debian's rustc-web",
        }
    }

    /// True if `cargo clippy` exists for it.
    pub(crate) fn has_clippy(&self) -> bool {
        match self {
            Self::Rustup => paths::which("cargo-clippy").is_some(),
            Self::Debian { bin } => ["cargo-clippy", "clippy-driver"]
                .iter()
                .all(|name| paths::is_executable(&bin.join(name))),
        }
    }

    /// Cargo itself.
    pub(crate) fn cargo(&self, paths: &Paths) -> Result<Command> {
        self.tool(paths, "cargo", &[])
    }

    /// A program that calls cargo and rustc by name: `front` goes before everything else on its PATH.
    pub(crate) fn tool(&self, paths: &Paths, program: &str, front: &[PathBuf]) -> Result<Command> {
        let mut first: Vec<PathBuf> = front.to_vec();
        let mut command = match self {
            Self::Rustup => Command::new(program),
            Self::Debian { bin } => {
                first.push(bin.clone());
                let own = bin.join(program);
                let chosen: OsString = if paths::is_executable(&own) {
                    own.into_os_string()
                } else {
                    program.into()
                };
                let mut command = Command::new(chosen);
                command.env("RUSTC", bin.join("rustc"));
                command
            }
        };
        forget_outer_cargo(&mut command);
        command
            .current_dir(&paths.root)
            .env("PATH", paths::path_with(&first)?)
            .env("CARGO_TARGET_DIR", self.target_dir(paths));
        Ok(command)
    }

    /// The two compilers keep apart: each would rebuild the other's work.
    pub(crate) fn target_dir(&self, paths: &Paths) -> PathBuf {
        match self {
            Self::Rustup => paths.wasm_target.with_file_name("wasm-rustup"),
            Self::Debian { .. } => paths.wasm_target.clone(),
        }
    }
}

/// `cargo run` and rustup leave variables behind that would reach build scripts and a second compiler.
pub(crate) fn forget_outer_cargo(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "CARGO"
            || text == "LD_LIBRARY_PATH"
            || text == "CARGO_CRATE_NAME"
            || text == "CARGO_BIN_NAME"
            || text == "CARGO_PRIMARY_PACKAGE"
            || text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
        {
            command.env_remove(name);
        }
    }
}
