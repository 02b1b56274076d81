//! Checkouts share one target folder, so that each compiles the registry's crates only once in all.
//!
//! Cargo names a workspace's crates by their place in the workspace and judges their age by the clock: what one checkout
//! built would count as fresh in another, with the first one's sources and paths inside. So a checkout that finds the
//! folder last used by another one drops that one's workspace crates, and nothing else. It waits until the other has no use
//! for them any more: what is dropped under a build that goes on makes it fail in ways that explain nothing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::stamp;
use crate::cargo;
use crate::paths::Paths;
use crate::ui;

/// Makes the shared target folders this checkout's own until the process ends. Others of this checkout share them.
pub(super) fn claim(paths: &Paths) -> Result<()> {
    let target = paths
        .native_target
        .parent()
        .context("the target folder has no parent")?;
    fs::create_dir_all(target)?;
    let lock = File::create(target.join("checkout.lock")).context("cannot lock the target folder")?;
    let file = target.join("checkout.stamp");
    let key = paths.root.to_string_lossy();
    loop {
        lock.lock_shared().context("cannot lock the target folder")?;
        if stamp::matches(&file, &key) {
            // For as long as the process lives.
            std::mem::forget(lock);
            return Ok(());
        }
        lock.unlock()?;
        if lock.try_lock().is_err() {
            let other = fs::read_to_string(&file).unwrap_or_default();
            ui::note(
                "builds",
                &format!("waiting for {other}, which uses the cache: PONTE_TARGET_DIR names another one"),
            );
            lock.lock().context("cannot lock the target folder")?;
        }
        if !stamp::matches(&file, &key) {
            take_over(paths, target, &file, &key)?;
        }
        // Between this and the next step another checkout may be quicker.
        lock.unlock()?;
    }
}

/// Drops what the checkout before has built of the workspace.
fn take_over(paths: &Paths, target: &Path, file: &Path, key: &str) -> Result<()> {
    let names = workspace_crates(paths)?;
    let mut dropped = 0;
    for profile in profile_folders(target) {
        dropped += drop_crates(&profile, &names)
            .with_context(|| format!("cannot clear old builds from {}", profile.display()))?;
    }
    if dropped > 0 {
        ui::note(
            "builds",
            "another checkout used the cache last: Ponte's own crates are built anew",
        );
    }
    stamp::write(file, key)
}

/// The names of the workspace's crates, as packages and as crates.
fn workspace_crates(paths: &Paths) -> Result<BTreeSet<String>> {
    let output = cargo::native(paths)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .context("cannot run cargo metadata")?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata told nothing to read")?;
    let mut names = BTreeSet::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        names.extend(package["name"].as_str().map(ToOwned::to_owned));
        for target in package["targets"].as_array().into_iter().flatten() {
            names.extend(target["name"].as_str().map(|name| name.replace('-', "_")));
        }
    }
    Ok(names)
}

/// Folders that hold `.fingerprint`, at most three levels down: `native/debug`, `wasm/wasm32-unknown-unknown/wasm`.
fn profile_folders(target: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut level = vec![target.to_path_buf()];
    for _ in 0..3 {
        level = level
            .iter()
            .filter_map(|dir| fs::read_dir(dir).ok())
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.is_dir())
            .collect();
        found.extend(
            level
                .iter()
                .filter(|dir| dir.join(".fingerprint").is_dir())
                .cloned(),
        );
    }
    found
}

/// Removes the crates' fingerprints and what was built of them; answers how many fingerprints there were.
fn drop_crates(profile: &Path, names: &BTreeSet<String>) -> Result<usize> {
    let mut dropped = 0;
    for entry in fs::read_dir(profile.join(".fingerprint"))? {
        let entry = entry?;
        if built_name(&entry.file_name().to_string_lossy()).is_some_and(|name| names.contains(name)) {
            fs::remove_dir_all(entry.path())?;
            dropped += 1;
        }
    }
    for folder in ["deps", "incremental"] {
        let Ok(entries) = fs::read_dir(profile.join(folder)) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            let file = path.file_stem().unwrap_or_default().to_string_lossy();
            let file = built_name(&file).unwrap_or_default();
            let ours =
                names.contains(file) || file.strip_prefix("lib").is_some_and(|name| names.contains(name));
            match (ours, path.is_dir()) {
                (true, true) => fs::remove_dir_all(path)?,
                (true, false) => fs::remove_file(path)?,
                (false, _) => {}
            }
        }
    }
    Ok(dropped)
}

/// `ponte-media` of `ponte-media-0a1b2c3d4e5f6071`.
fn built_name(file: &str) -> Option<&str> {
    file.rsplit_once('-').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::{built_name, drop_crates, profile_folders};
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn another_checkouts_crates_go_and_the_registrys_stay() {
        let target = std::env::temp_dir().join(format!("ponte-checkout-{}", std::process::id()));
        let profile = target.join("native/debug");
        for dir in [".fingerprint/ponte-media-00", ".fingerprint/serde-00", "deps"] {
            fs::create_dir_all(profile.join(dir)).unwrap();
        }
        for file in [
            "libponte_media-00.rlib",
            "libserde-00.rlib",
            "ponte_media-00",
            "ponte_media-00.d",
        ] {
            fs::write(profile.join("deps").join(file), "").unwrap();
        }
        assert_eq!(profile_folders(&target), std::slice::from_ref(&profile));
        let names = BTreeSet::from(["ponte-media".to_owned(), "ponte_media".to_owned()]);
        assert_eq!(drop_crates(&profile, &names).unwrap(), 1);
        assert_eq!(drop_crates(&profile, &names).unwrap(), 0);
        let mut left: Vec<_> = fs::read_dir(profile.join("deps"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["libserde-00.rlib"]);
        assert!(profile.join(".fingerprint/serde-00").is_dir());
        fs::remove_dir_all(&target).unwrap();
    }

    #[test]
    fn a_name_ends_at_the_last_dash() {
        assert_eq!(built_name("ponte-call-core-0a1b"), Some("ponte-call-core"));
        assert_eq!(built_name("CACHEDIR"), None);
    }
}
