//! What a first visit to built pages loads, in bytes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::{portal, split};
use crate::paths::Paths;
use crate::process;
use crate::setup::Tools;

/// The most that the WebAssembly which the portal loads at the start may weigh as Brotli carries it: what was saved is soon
/// eaten up where nobody looks.
pub(crate) const PORTAL_WASM_BROTLI_MAX: u64 = 300_000;

/// Prints `[[raw, brotli], …]` of the files it is called with.
const SCRIPT: &str = "const {readFileSync}=require('fs'),z=require('zlib'),c=z.constants;\
    console.log(JSON.stringify(process.argv.slice(1).map(f=>{const b=readFileSync(f);\
    return [b.length,z.brotliCompressSync(b,{params:{[c.BROTLI_PARAM_QUALITY]:11,\
    [c.BROTLI_PARAM_SIZE_HINT]:b.length}}).length]})))";

/// Of the portal and of the administrator's pages: `{ "portal": { "wasm": { "raw", "brotli" }, "js", "css", "texts" } }`,
/// and `later`, what the portal loads when it is first shown. Of the texts one language counts, English.
pub(crate) fn of_pages(paths: &Paths, tools: &Tools) -> Result<Value> {
    let dist = portal::dist(paths);
    Ok(json!({
        "portal": weigh(tools, &loaded(&dist)?)?,
        "administration": weigh(tools, &loaded(&dist.join("admin"))?)?,
    }))
}

/// Bytes of the WebAssembly that the portal loads at the start, as Brotli carries it.
pub(crate) fn portal_wasm(weights: &Value) -> u64 {
    weights["portal"]["wasm"]["brotli"].as_u64().unwrap_or(u64::MAX)
}

/// Bytes of the WebAssembly that the portal loads later.
pub(crate) fn portal_later(weights: &Value) -> u64 {
    weights["portal"]["later"]["brotli"].as_u64().unwrap_or(0)
}

fn loaded(dist: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in [dist.to_owned(), dist.join("assets")] {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("no built pages in {}", folder.display()))?
        {
            let path = entry?.path();
            if kind(&path).is_some() {
                files.push(path);
            }
        }
    }
    files.push(dist.join("i18n/en.json"));
    files.sort();
    Ok(files)
}

fn kind(file: &Path) -> Option<&'static str> {
    if file.to_str()?.ends_with(split::LATER) {
        return Some("later");
    }
    match file.extension()?.to_str()? {
        "wasm" => Some("wasm"),
        "js" => Some("js"),
        "css" => Some("css"),
        "json" => Some("texts"),
        _ => None,
    }
}

fn weigh(tools: &Tools, files: &[PathBuf]) -> Result<Value> {
    let mut node = tools.node()?;
    node.args(["-e", SCRIPT]).args(files);
    let sizes: Vec<(u64, u64)> = serde_json::from_str(
        &process::capture(&mut node).context("node could not compress the pages' files")?,
    )?;
    let mut sums = Map::new();
    for (file, (raw, brotli)) in files.iter().zip(sizes) {
        let sum = sums
            .entry(kind(file).unwrap_or("other"))
            .or_insert_with(|| json!({ "raw": 0, "brotli": 0 }));
        sum["raw"] = json!(sum["raw"].as_u64().unwrap_or(0) + raw);
        sum["brotli"] = json!(sum["brotli"].as_u64().unwrap_or(0) + brotli);
    }
    Ok(Value::Object(sums))
}

#[cfg(test)]
mod tests {
    use super::{kind, portal_later, portal_wasm};
    use serde_json::json;
    use std::path::Path;

    #[test]
    fn what_is_loaded_later_counts_apart_and_what_not_every_visit_loads_not_at_all() {
        assert_eq!(kind(Path::new("ponte-app-1_bg.wasm")), Some("wasm"));
        assert_eq!(kind(Path::new("ponte-app-1-later.wasm")), Some("later"));
        assert_eq!(kind(Path::new("icon-512.png")), None);
        assert_eq!(kind(Path::new("_headers")), None);
    }

    #[test]
    fn a_portal_that_was_not_weighed_is_too_heavy() {
        let weights =
            json!({ "portal": { "wasm": { "raw": 9, "brotli": 4 }, "later": { "raw": 5, "brotli": 2 } } });
        assert_eq!(portal_wasm(&weights), 4);
        assert_eq!(portal_later(&weights), 2);
        assert_eq!(portal_wasm(&json!({})), u64::MAX);
    }
}
