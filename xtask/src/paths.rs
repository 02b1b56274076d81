//! Where things lie: the checkout, the caches that checkouts share, the logs of the last run.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders every other module works in.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// Shared by all checkouts of this user: stamps, node modules of the tools, target folders.
    pub(crate) cache: PathBuf,
    /// Target folder of the native compiler.
    pub(crate) native_target: PathBuf,
    /// Target folder of wasm builds. Two compilers in one folder would rebuild each other's work.
    pub(crate) wasm_target: PathBuf,
    /// The output of every step, one file a step, overwritten by the next run.
    pub(crate) logs: PathBuf,
}

impl Paths {
    /// Reads `PONTE_CACHE` (default `~/.cache/ponte`) and `PONTE_TARGET_DIR` (default `<cache>/target`).
    pub(crate) fn discover() -> Result<Self> {
        // Asked at run time: a target folder that two checkouts share may hold the other one's binary.
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir
            .parent()
            .context("xtask has no parent folder")?
            .to_path_buf();
        let cache = match env::var_os("PONTE_CACHE") {
            Some(dir) => absolute(Path::new(&dir))?,
            None => default_cache()?,
        };
        let target = match env::var_os("PONTE_TARGET_DIR") {
            Some(dir) => absolute(Path::new(&dir))?,
            None => cache.join("target"),
        };
        let logs = root.join("target/logs");
        for dir in [&cache, &target, &logs] {
            std::fs::create_dir_all(dir).with_context(|| {
                format!(
                    "cannot create {}: set PONTE_CACHE to a folder you can write to",
                    dir.display()
                )
            })?;
        }
        Ok(Self {
            native_target: target.join("native"),
            wasm_target: target.join("wasm"),
            root,
            cache,
            logs,
        })
    }

    /// The file a step's output goes to.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// `path` as the developer would type it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display()))
}

fn default_cache() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME") {
        Some(dir) if !dir.is_empty() => PathBuf::from(dir),
        _ => {
            PathBuf::from(env::var_os("HOME").context("neither PONTE_CACHE nor HOME is set")?).join(".cache")
        }
    };
    Ok(base.join("ponte"))
}

/// The first file called `name` in the folders of PATH.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|dir| dir.join(name))
        .find(|file| is_executable(file))
}

/// True for a regular file (or a link to one) with an execute bit.
pub(crate) fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// PATH with `first` in front of it, in that order.
pub(crate) fn path_with(first: &[PathBuf]) -> Result<std::ffi::OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let all = first.iter().cloned().chain(env::split_paths(&rest));
    env::join_paths(all).context("a folder of PATH holds a colon")
}
