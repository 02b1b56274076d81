//! Builds the parts, each into the place where the others look for it.

mod compress;
pub(crate) mod edge;
pub(crate) mod gateway;
pub(crate) mod portal;
pub(crate) mod split;
mod styles;
pub(crate) mod weight;

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::paths::Paths;
use crate::ui;

/// Folders that hold output, not sources.
const OUTPUT: [&str; 6] = ["target", "node_modules", "build", "dist", ".wrangler", ".git"];

/// Builds a part unless it was built so (`mode`) after the last change of its `inputs` and its `output` is there.
pub(crate) fn unless_fresh(paths: &Paths, part: &Part<'_>, build: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = paths.root.join("target").join(format!("{}.built", part.name));
    let sources = Sources::of(part.inputs.iter().map(|input| paths.root.join(input)));
    let key = format!("{} {:016x}", part.mode, sources.names);
    let same = fs::read_to_string(&stamp).is_ok_and(|built| built == key);
    if same && part.output.exists() && sources.are_older_than(&stamp) {
        ui::done(part.name, "up to date");
        return Ok(());
    }
    let started = SystemTime::now();
    // A build that fails may have removed part of the old one.
    let _ = fs::remove_file(&stamp);
    build()?;
    let mut file = File::create(&stamp).with_context(|| format!("cannot write {}", stamp.display()))?;
    file.write_all(key.as_bytes())?;
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

/// The files that something is built of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sources {
    /// When one of them changed last.
    newest: Option<SystemTime>,
    /// Which files there are. That a folder has changed says less: it does so too when the build puts its output there.
    names: u64,
}

impl Sources {
    pub(crate) fn of(inputs: impl Iterator<Item = PathBuf>) -> Self {
        let mut files = Vec::new();
        for input in inputs {
            collect(&input, &mut files);
        }
        files.sort();
        let mut hasher = DefaultHasher::new();
        files.hash(&mut hasher);
        Self {
            newest: files.iter().filter_map(|file| modified(file)).max(),
            names: hasher.finish(),
        }
    }

    fn are_older_than(&self, built: &Path) -> bool {
        modified(built).is_some_and(|built| self.newest.is_none_or(|changed| changed < built))
    }
}

/// The files under `path`, or itself.
fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(path) else {
        files.push(path.to_owned());
        return;
    };
    for entry in entries.flatten() {
        if !OUTPUT.iter().any(|output| *output == entry.file_name()) {
            collect(&entry.path(), files);
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::Sources;
    use std::fs;
    use std::time::{Duration, SystemTime};

    #[test]
    fn what_changes_comes_or_goes_deep_in_a_folder_counts_and_output_does_not() {
        let root = std::env::temp_dir().join(format!("ponte-sources-{}", std::process::id()));
        fs::create_dir_all(root.join("src/deep")).unwrap();
        let sources = || Sources::of(std::iter::once(root.clone()));
        let later = SystemTime::now() + Duration::from_hours(1);
        let file = fs::File::create(root.join("src/deep/a.rs")).unwrap();
        file.set_modified(later).unwrap();
        let before = sources();
        assert_eq!(before.newest, Some(later));

        fs::create_dir_all(root.join("build")).unwrap();
        let output = fs::File::create(root.join("build/b")).unwrap();
        output.set_modified(later + Duration::from_hours(1)).unwrap();
        assert_eq!(sources(), before, "a build leaves its output beside its sources");

        let stamp = root.join("build/stamp");
        let built = fs::File::create(&stamp).unwrap();
        built.set_modified(later + Duration::from_secs(1)).unwrap();
        assert!(before.are_older_than(&stamp));
        file.set_modified(later + Duration::from_secs(2)).unwrap();
        assert!(!sources().are_older_than(&stamp));

        fs::write(root.join("src/c.rs"), "").unwrap();
        assert_ne!(sources().names, before.names);
        fs::remove_file(root.join("src/c.rs")).unwrap();
        assert_eq!(sources().names, before.names);
        fs::remove_dir_all(&root).unwrap();
    }
}
