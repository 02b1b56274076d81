//! Lays each lasting file of the built pages beside itself in the codings that browsers take: compressed once as well as can
//! be, not each time as quickly as must be (docs/adr/0034). The worker chooses between them, edge/src/assets.rs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;
use crate::setup::Tools;

/// Writes `FILE.br` and `FILE.gz` beside each file that it is called with.
const SCRIPT: &str = "const {readFileSync,writeFileSync}=require('fs'),z=require('zlib'),c=z.constants;\
    for(const f of process.argv.slice(1)){const b=readFileSync(f);\
    writeFileSync(f+'.br',z.brotliCompressSync(b,{params:{[c.BROTLI_PARAM_QUALITY]:11,\
    [c.BROTLI_PARAM_SIZE_HINT]:b.length}}));\
    writeFileSync(f+'.gz',z.gzipSync(b,{level:9}))}";

/// Compresses what was built into `dist`.
pub(crate) fn lasting(tools: &Tools, dist: &Path) -> Result<()> {
    let mut files = in_folder(dist)?
        .into_iter()
        .filter(|file| is_program(file))
        .collect::<Vec<_>>();
    files.extend(in_folder(&dist.join("assets"))?);
    files.retain(|file| is_compressed(file));
    let mut node = tools.node()?;
    node.args(["-e", SCRIPT]).args(&files);
    process::capture(&mut node).context("node could not compress the pages' files")?;
    Ok(())
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("no built pages in {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Whether its name changes with its content: those of `public/` keep theirs.
fn is_program(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("ponte-"))
}

/// As `compressed_type` of edge/src/assets.rs says.
fn is_compressed(file: &Path) -> bool {
    let end = file.extension().and_then(|end| end.to_str());
    matches!(end, Some("css" | "js" | "wasm"))
}

#[cfg(test)]
mod tests {
    use super::{is_compressed, is_program};
    use std::path::Path;

    #[test]
    fn what_browsers_keep_is_compressed_and_nothing_twice() {
        for (file, compressed) in [
            ("dist/ponte-app-1_bg.wasm", true),
            ("dist/ponte-app-1.js", true),
            ("dist/admin/ponte-admin-1.js", true),
            ("dist/ponte-app-1.js.br", false),
            ("dist/start.js", false),
            ("dist/index.html", false),
            ("dist/icon-512.png", false),
        ] {
            let file = Path::new(file);
            assert_eq!(
                is_program(file) && is_compressed(file),
                compressed,
                "{}",
                file.display()
            );
        }
        assert!(is_compressed(Path::new("dist/assets/styles-1.css")));
    }
}
