//! Small files that remember what a step was done for, so that it is done again only when that changes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// True if `file` says that the step was done for exactly this `key`.
pub(crate) fn matches(file: &Path, key: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text == key)
}

/// Remembers that the step was done for `key`. Written whole or not at all.
pub(crate) fn write(file: &Path, key: &str) -> Result<()> {
    let new = file.with_extension("new");
    fs::write(&new, key).with_context(|| format!("cannot write {}", new.display()))?;
    fs::rename(&new, file).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::{matches, write};

    #[test]
    fn a_stamp_holds_for_its_key_only() {
        let dir = std::env::temp_dir().join(format!("ponte-stamp-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("step.stamp");
        assert!(!matches(&file, "1"));
        write(&file, "1").unwrap();
        assert!(matches(&file, "1"));
        assert!(!matches(&file, "2"));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
