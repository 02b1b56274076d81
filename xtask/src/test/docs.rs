//! Links in the Markdown files lead to files that exist.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::count::Counts;
use crate::paths::Paths;
use crate::process;

/// One check for each Markdown file under version control.
pub(crate) fn check(paths: &Paths) -> Result<Counts> {
    let mut counts = Counts::default();
    for file in markdown_files(paths)? {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let folder = file.parent().unwrap_or(&paths.root);
        let broken: Vec<String> = local_links(&text)
            .into_iter()
            .filter(|link| !exists(&paths.root, folder, link))
            .collect();
        let shown = paths.shown(&file);
        let name = format!("{shown}: no such file: {}", broken.join(", "));
        counts.add(Counts::of_check(&name, broken.is_empty()));
    }
    Ok(counts)
}

fn markdown_files(paths: &Paths) -> Result<Vec<PathBuf>> {
    let list = process::capture(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.md"])
            .current_dir(&paths.root),
    )
    .context("`git ls-files` does not work here: tests run in a git checkout")?;
    Ok(list.lines().map(|line| paths.root.join(line)).collect())
}

fn exists(root: &Path, folder: &Path, link: &str) -> bool {
    match link.strip_prefix('/') {
        Some(from_root) => root.join(from_root).exists(),
        None => folder.join(link).exists(),
    }
}

/// Targets of `[text](target)` outside code, without web addresses, anchors and titles.
fn local_links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        for part in prose.split("](").skip(1) {
            let Some((target, _)) = part.split_once(')') else {
                continue;
            };
            let target = target.split_whitespace().next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !target.is_empty() && !elsewhere {
                links.push(target.to_owned());
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::local_links;

    #[test]
    fn only_local_targets_outside_code_count() {
        let text = "\
See [the guide](docs/a.md#part), ![shot](x.png \"title\") and [site](https://example.org/b.md).
[here](#top) `[code](no.md)` [mail](mailto:a@example.org)
```
[fenced](no.md)
```
[after](c.md)
";
        assert_eq!(local_links(text), ["docs/a.md", "x.png", "c.md"]);
    }
}
