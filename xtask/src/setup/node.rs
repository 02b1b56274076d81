//! Node, and the packages of each folder that has a package.json.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::stamp;
use super::tools::version_in;
use crate::paths::{self, Paths, which};
use crate::process;
use crate::ui::{self, Job};

/// wrangler and Playwright want this much.
const OLDEST: u32 = 20;
/// What is fetched from npm where the system's Node is older.
const FETCHED: &str = "22";

/// A folder with packages of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    /// wasm-opt.
    Build,
    /// wrangler with workerd, esbuild.
    Edge,
    /// Playwright, axe.
    E2e,
}

impl Folder {
    const ALL: [Self; 3] = [Self::Build, Self::Edge, Self::E2e];

    fn name(self) -> &'static str {
        match self {
            Self::Build => "xtask/node",
            Self::Edge => "edge",
            Self::E2e => "e2e",
        }
    }

    pub(crate) fn path(self, root: &Path) -> PathBuf {
        root.join(self.name())
    }
}

/// A Node that is new enough.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Set where it was fetched: goes first on the PATH.
    own: Option<PathBuf>,
}

impl Node {
    /// The folder to put on the PATH, where it is not there anyway.
    pub(crate) fn dir(&self) -> Option<PathBuf> {
        self.own.clone()
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.own
            .iter()
            .map(|dir| dir.join(name))
            .find(|file| paths::is_executable(file))
            .unwrap_or_else(|| name.into())
    }

    /// Sets what every Node program of ours gets: this Node first, no questions, no reports to anyone.
    pub(crate) fn prepare(&self, command: &mut Command) -> Result<()> {
        let front: Vec<PathBuf> = self.own.iter().cloned().collect();
        command
            .env("PATH", paths::path_with(&front)?)
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_SEND_ERROR_REPORTS", "false")
            .env("NO_UPDATE_NOTIFIER", "1")
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        Ok(())
    }

    /// `npm ci` where the lock file is not what was installed last.
    pub(crate) fn install(&self, paths: &Paths, folder: Folder) -> Result<()> {
        let name = format!("npm packages of {}", folder.name());
        let dir = folder.path(&paths.root);
        let lock = dir.join("package-lock.json");
        let Ok(key) = fs::read_to_string(&lock) else {
            bail!("{} is missing: it is part of the repository", paths.shown(&lock));
        };
        let installed = dir.join("node_modules/.ponte.stamp");
        if stamp::matches(&installed, &key) {
            ui::done(&name, "");
            return Ok(());
        }
        let mut command = Command::new(self.program("npm"));
        self.prepare(&mut command)?;
        command.args(["ci", "--no-audit", "--no-fund"]).current_dir(&dir);
        let log = format!("setup-npm-{}", folder.name().replace('/', "-"));
        let job = Job {
            name: &name,
            log: &log,
            timeout: Duration::from_mins(10),
        };
        ui::run(paths, &job, &mut command).with_context(|| format!("the {name} could not be fetched"))?;
        stamp::write(&installed, &key)
    }
}

/// The system's Node if it is new enough, else one from npm in the cache folder.
pub(crate) fn ensure(paths: &Paths) -> Result<Node> {
    if let Some(version) = version_of(Path::new("node"))
        && is_new_enough(&version)
        && which("npm").is_some()
    {
        ui::done("node", &version);
        return Ok(Node { own: None });
    }
    let home = paths.cache.join("node");
    let own = home.join("node_modules/.bin");
    if version_of(&own.join("node")).is_some_and(|version| is_new_enough(&version)) {
        ui::done("node", &own.display().to_string());
        return Ok(Node { own: Some(own) });
    }
    if which("npm").is_none() {
        bail!("Node {OLDEST} or newer with npm is needed: https://nodejs.org, or `apt-get install npm`");
    }
    fs::create_dir_all(&home)?;
    let mut command = Command::new("npm");
    command
        .args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"])
        .arg(&home)
        .arg(format!("node@{FETCHED}"))
        .arg("npm@10");
    let job = Job {
        name: "node from npm",
        log: "setup-node",
        timeout: Duration::from_mins(10),
    };
    ui::run(paths, &job, &mut command)
        .with_context(|| format!("Node is older than {OLDEST} and a newer one could not be fetched"))?;
    Ok(Node { own: Some(own) })
}

/// Prints Node's version and which folders have their packages.
pub(crate) fn report(paths: &Paths) -> bool {
    let version = version_of(Path::new("node"));
    let mut complete = version.as_deref().is_some_and(is_new_enough);
    match version {
        Some(version) => ui::done("node", &version),
        None => ui::failed("node", "missing"),
    }
    for folder in Folder::ALL {
        let dir = folder.path(&paths.root);
        let there = fs::read_to_string(dir.join("package-lock.json"))
            .is_ok_and(|key| stamp::matches(&dir.join("node_modules/.ponte.stamp"), &key));
        complete &= there;
        if there {
            ui::done(folder.name(), "");
        } else {
            ui::failed(folder.name(), "packages not installed");
        }
    }
    complete
}

fn version_of(node: &Path) -> Option<String> {
    let output = process::capture(Command::new(node).arg("--version"))?;
    version_in(&output).map(str::to_owned)
}

fn is_new_enough(version: &str) -> bool {
    version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|major| major >= OLDEST)
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn the_major_version_decides() {
        assert!(is_new_enough("20.20.2"));
        assert!(is_new_enough("26.1.0"));
        assert!(!is_new_enough("18.19.0"));
        assert!(!is_new_enough("lts"));
    }
}
