//! Builds the parts, each into the place where the others look for it.

mod compress;
pub(crate) mod edge;
pub(crate) mod gateway;
pub(crate) mod portal;
pub(crate) mod split;
mod styles;
pub(crate) mod weight;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::paths::Paths;
use crate::ui;

/// Folders that hold output, not sources.
const OUTPUT: [&str; 6] = ["target", "node_modules", "build", "dist", ".wrangler", ".git"];

/// Builds a part unless it was built so (`mode`) after the last change of its `inputs` and its `output` is there.
pub(crate) fn unless_fresh(paths: &Paths, part: &Part<'_>, build: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = paths.root.join("target").join(format!("{}.built", part.name));
    let same = fs::read_to_string(&stamp).is_ok_and(|mode| mode == part.mode);
    if same && part.output.exists() && is_fresh(paths, &stamp, part.inputs) {
        ui::done(part.name, "up to date");
        return Ok(());
    }
    let started = SystemTime::now();
    // A build that fails may have removed part of the old one.
    let _ = fs::remove_file(&stamp);
    build()?;
    let mut file = File::create(&stamp).with_context(|| format!("cannot write {}", stamp.display()))?;
    file.write_all(part.mode.as_bytes())?;
    // What changed while the build ran counts as newer.
    file.set_modified(started)
        .context("cannot set the time of the stamp")
}

/// Something that is built.
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) mode: &'a str,
    pub(crate) output: &'a Path,
    /// Files and folders in the checkout.
    pub(crate) inputs: &'a [&'a str],
}

fn is_fresh(paths: &Paths, built: &Path, inputs: &[&str]) -> bool {
    let Some(built) = modified(built) else {
        return false;
    };
    inputs
        .iter()
        .all(|input| newest(&paths.root.join(input)).is_none_or(|changed| changed < built))
}

/// When something under `path` changed last. Folders count too: that is where a removed file shows.
pub(crate) fn newest(path: &Path) -> Option<SystemTime> {
    let mut latest = modified(path);
    if path.is_dir() {
        for entry in fs::read_dir(path).ok()?.flatten() {
            let name = entry.file_name();
            if OUTPUT.iter().any(|output| *output == name) {
                continue;
            }
            latest = latest.max(newest(&entry.path()));
        }
    }
    latest
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::newest;
    use std::fs;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_change_deep_in_a_folder_counts_and_output_does_not() {
        let root = std::env::temp_dir().join(format!("ponte-newest-{}", std::process::id()));
        fs::create_dir_all(root.join("src/deep")).unwrap();
        fs::create_dir_all(root.join("target")).unwrap();
        let later = SystemTime::now() + Duration::from_hours(1);
        let file = fs::File::create(root.join("src/deep/a.rs")).unwrap();
        file.set_modified(later).unwrap();
        let output = fs::File::create(root.join("target/b")).unwrap();
        output.set_modified(later + Duration::from_hours(1)).unwrap();
        assert_eq!(newest(&root), Some(later));
        fs::remove_dir_all(&root).unwrap();
    }
}
