//! Builds the parts, each into the place where the others look for it.

pub(crate) mod edge;
pub(crate) mod gateway;
pub(crate) mod portal;

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::paths::Paths;

/// Folders that hold output, not sources.
const OUTPUT: [&str; 6] = ["target", "node_modules", "build", "dist", ".wrangler", ".git"];

/// True if `output` is newer than every file and folder under `inputs` (paths in the checkout).
pub(crate) fn is_fresh(paths: &Paths, output: &Path, inputs: &[&str]) -> bool {
    let Some(built) = modified(output) else {
        return false;
    };
    inputs
        .iter()
        .all(|input| newest(&paths.root.join(input)).is_none_or(|changed| changed <= built))
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
