//! Programs of Debian's packages that are fetched and unpacked into the cache, not installed: a package that starts a
//! server for all the world when it is installed serves the tests as well from a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{apt, stamp};
use crate::paths::{self, Paths, which};
use crate::ui::{self, Job};

/// A package whose scripts must not run.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    /// What it is fetched for, from the folder it is unpacked to.
    pub(crate) program: &'static str,
    pub(crate) purpose: &'static str,
}

/// What the suites of the native crates and of the browser run.
pub(crate) const SERVERS: [Package; 2] = [
    Package {
        name: "slapd",
        program: "usr/sbin/slapd",
        purpose: "LDAP server in tests",
    },
    Package {
        name: "coturn",
        program: "usr/bin/turnserver",
        purpose: "TURN relay in tests",
    },
];

/// The folder of all of them: `PONTE_UNPACKED` of the tests, each package in a folder of its name.
pub(crate) fn folder(paths: &Paths) -> PathBuf {
    paths.cache.join("unpacked")
}

/// Fetches what is missing. Where that fails the tests that need it fail, and say so.
pub(super) fn ensure(paths: &Paths) {
    for package in &SERVERS {
        match unpacked(paths, package) {
            Ok(_) => ui::done(package.name, ""),
            Err(error) => ui::note(package.name, &format!("{error:#}")),
        }
    }
}

/// The folder that `package` and those of its dependencies that this system lacks are unpacked to, as their files would
/// lie under `/`. Its libraries are found by `LD_LIBRARY_PATH`. None of the packages' scripts are run, and nothing of the
/// system is changed but the package lists, where they are missing or old.
///
/// # Errors
/// Where this is not a Debian or a relative, a mirror cannot be reached, or the package does not hold its program.
pub(crate) fn unpacked(paths: &Paths, package: &Package) -> Result<PathBuf> {
    let name = package.name;
    let root = folder(paths).join(name);
    let made_for = root.with_extension("stamp");
    let key = key();
    if stamp::matches(&made_for, &key) && paths::is_executable(&root.join(package.program)) {
        return Ok(root);
    }
    for tool in ["apt-get", "dpkg-deb"] {
        if which(tool).is_none() {
            bail!(
                "{name} is missing ({}), and without {tool} it cannot be fetched: unpack it to {}",
                package.purpose,
                root.display()
            );
        }
    }
    let archives = folder(paths).join(format!("{name}.archives"));
    empty(&archives)?;
    // apt does not make it where it is told another place for its archives.
    fs::create_dir_all(archives.join("partial"))?;
    fetch(paths, name, &archives).with_context(|| format!("{name} could not be fetched"))?;
    // Whole or not at all: a run that is interrupted leaves no half of a package.
    let new = folder(paths).join(format!("{name}.new"));
    empty(&new)?;
    for archive in archives_in(&archives)? {
        unpack(paths, name, &archive, &new)?;
    }
    if !paths::is_executable(&new.join(package.program)) {
        bail!("Debian's package {name} holds no {}", package.program);
    }
    remove(&root)?;
    fs::rename(&new, &root).with_context(|| format!("cannot write {}", root.display()))?;
    stamp::write(&made_for, &key)?;
    remove(&archives)?;
    Ok(root)
}

/// Prints which are here.
pub(super) fn report(paths: &Paths) -> bool {
    let mut complete = true;
    for package in &SERVERS {
        let program = folder(paths).join(package.name).join(package.program);
        if paths::is_executable(&program) {
            ui::done(package.name, &program.display().to_string());
        } else {
            complete = false;
            ui::failed(package.name, &format!("missing ({})", package.purpose));
        }
    }
    complete
}

/// Libraries of one release do not serve the programs of another.
fn key() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let version = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .unwrap_or("unknown");
    format!("{version} {}", std::env::consts::ARCH)
}

/// Fetches the package, installed or not, and the dependencies that are not installed, into `archives`. It takes no lock
/// and no right of root's: nothing of the system is touched.
fn fetch(paths: &Paths, name: &str, archives: &Path) -> Result<()> {
    let mut place = std::ffi::OsString::from("Dir::Cache::archives=");
    place.push(archives);
    let download = || {
        let mut command = Command::new("apt-get");
        command
            .args(["install", "-q", "-y", "--download-only", "--reinstall"])
            .args(["--no-install-recommends", "-o", "Debug::NoLocking=true", "-o"])
            .arg(&place)
            // Apt's own user may not write into a home.
            .args(["-o", "APT::Sandbox::User=root", name])
            .env("DEBIAN_FRONTEND", "noninteractive");
        let job = Job {
            name: &format!("{name} (fetched, not installed)"),
            log: &format!("setup-unpacked-{name}"),
            timeout: Duration::from_mins(10),
        };
        ui::run(paths, &job, &mut command)
    };
    let known = apt::available(&[name]);
    if known && download().is_ok() {
        return Ok(());
    }
    // There are no package lists, or they name files that the mirror no longer has.
    apt::update(paths)
        .context("the package lists are missing or old: run `sudo apt-get update`, then again")?;
    download()
}

fn unpack(paths: &Paths, name: &str, archive: &Path, into: &Path) -> Result<()> {
    let file = archive.file_name().unwrap_or_default().to_string_lossy();
    let job = Job {
        name: &file,
        log: &format!("setup-unpacked-{name}-files"),
        timeout: Duration::from_mins(2),
    };
    let mut command = Command::new("dpkg-deb");
    command.arg("--extract").arg(archive).arg(into);
    ui::run(paths, &job, &mut command)
}

fn archives_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .collect();
    found.sort();
    Ok(found)
}

fn empty(folder: &Path) -> Result<()> {
    remove(folder)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
