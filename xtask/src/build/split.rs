//! Takes a program of pages apart: what is loaded at the start, and what is loaded when it is first shown
//! (docs/adr/0030).
//!
//! trunk knows nothing of parts. It builds a page whose program is whole; this puts the program that cargo left in its
//! target folder in parts, and these into the page in the place of the whole.

use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cargo::WASM_TARGET;
use crate::paths::Paths;
use crate::setup::{NodeFolder, Tools};
use crate::ui::{self, Job};

/// What is loaded later, as its file's name ends.
pub(crate) const LATER: &str = "-later.wasm";

/// The part's name in `wasm_split` of app/src/components/later.rs.
const PART: &str = "later";

/// Little is inlined or folded, because what repeats compresses better: the file is larger, its download smaller. The
/// administrators' pages have the same, in admin/index.html.
const WASM_OPT: [&str; 7] = [
    "-Os",
    "--flexible-inline-max-function-size=1",
    "--one-caller-inline-max-function-size=1",
    "--always-inline-max-function-size=1",
    "--skip-pass=local-cse",
    "--skip-pass=simplify-locals",
    "--skip-pass=merge-blocks",
];

/// Puts `program`, which cargo has built with its relocations, in parts into the page in `dist`.
pub(crate) fn apart(paths: &Paths, tools: &Tools, program: &str, dist: &Path) -> Result<()> {
    let whole = (tools.wasm()?.target_dir(paths))
        .join(WASM_TARGET)
        .join("wasm")
        .join(format!("{program}.wasm"));
    let work = paths.root.join("target/split");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let out = work.join("out");
    fs::create_dir_all(&out)?;

    let run = |name: &str, command: &mut Command| -> Result<()> {
        let job = Job {
            name,
            log: name,
            timeout: Duration::from_mins(10),
        };
        ui::run(paths, &job, command)
    };
    let mut split = tools.wasm_command(paths, "wasm-split-cli")?;
    split.args([&whole, &work]).args(["--out-name", program]);
    run("portal-parts", &mut split)?;
    let mut bindings = tools.wasm_command(paths, "wasm-bindgen")?;
    bindings
        .arg(work.join(format!("{program}.wasm")))
        .args(["--target=web", "--no-typescript", "--omit-default-module-path"])
        // The other part stands on its memory and its table of functions.
        .arg("--keep-lld-exports")
        .args(["--out-name", program, "--out-dir"])
        .arg(&out);
    run("portal-bindings", &mut bindings)?;
    for (from, to) in [
        (out.join(format!("{program}_bg.wasm")), work.join("first.wasm")),
        (work.join(format!("split_{PART}.wasm")), work.join("later.wasm")),
    ] {
        let mut shrink = tools.node_command(NodeFolder::Build, "wasm-opt")?;
        shrink
            .args(WASM_OPT)
            .args([from.as_os_str(), OsStr::new("-o"), to.as_os_str()]);
        run("portal-wasm-opt", &mut shrink)?;
    }

    let parts = Parts {
        first: fs::read(work.join("first.wasm"))?,
        later: fs::read(work.join("later.wasm"))?,
        bindings: fs::read_to_string(out.join(format!("{program}.js")))?,
        loader: fs::read_to_string(work.join("__wasm_split.js"))?,
    };
    put(&parts, program, dist)
}

/// The files of a program in parts, as its tools left them.
struct Parts {
    first: Vec<u8>,
    later: Vec<u8>,
    bindings: String,
    loader: String,
}

/// Writes the parts beside the page, under names that change with their content, and names them in it.
fn put(parts: &Parts, program: &str, dist: &Path) -> Result<()> {
    let page_file = dist.join("index.html");
    let page =
        fs::read_to_string(&page_file).with_context(|| format!("no page at {}", page_file.display()))?;
    let whole = whole_in(&page, program)?;

    // One for all of them: each fits these others only.
    let mut hasher = DefaultHasher::new();
    (&parts.first, &parts.later, &parts.bindings, &parts.loader).hash(&mut hasher);
    let name = format!("{program}-{:016x}", hasher.finish());
    // Where it is imported only: the program itself goes on asking for what it imports under the first name.
    let bindings = renamed(
        &parts.bindings,
        "from \"./__wasm_split.js\"",
        &format!("from \"./{name}-loader.js\""),
    )?;
    let loader = renamed(&parts.loader, &format!("./{program}.js"), &format!("./{name}.js"))?;
    let loader = renamed(
        &loader,
        &format!("./split_{PART}.wasm"),
        &format!("./{name}{LATER}"),
    )?;
    if loader.contains("/chunk_") {
        bail!("the program fell into more parts than it has marks for");
    }
    fs::write(dist.join(format!("{name}.js")), bindings)?;
    fs::write(dist.join(format!("{name}-loader.js")), loader)?;
    fs::write(dist.join(format!("{name}_bg.wasm")), &parts.first)?;
    fs::write(dist.join(format!("{name}{LATER}")), &parts.later)?;

    let mut page = page.replace(&whole, &name);
    let script = "<script type=\"module\" src=\"/start.js\"";
    let place = page.find(script).context("the page does not start its program")?;
    page.insert_str(place + script.len(), &format!(" data-later=\"/{name}{LATER}\""));
    let place = page
        .find("<link rel=\"modulepreload\"")
        .context("the page preloads nothing")?;
    page.insert_str(
        place,
        &format!("<link rel=\"modulepreload\" href=\"/{name}-loader.js\">"),
    );
    fs::write(&page_file, page)?;
    for file in [format!("{whole}.js"), format!("{whole}_bg.wasm")] {
        fs::remove_file(dist.join(file))?;
    }
    Ok(())
}

/// What trunk called the program: its name with a hash.
fn whole_in(page: &str, program: &str) -> Result<String> {
    let (_, rest) = page
        .split_once(&format!("data-js=\"/{program}-"))
        .with_context(|| format!("the page does not name {program}"))?;
    let (hash, _) = rest.split_once(".js\"").context("the page names no script")?;
    Ok(format!("{program}-{hash}"))
}

fn renamed(text: &str, from: &str, to: &str) -> Result<String> {
    if !text.contains(from) {
        bail!("a part of the program does not name {from}");
    }
    Ok(text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::{LATER, Parts, put};
    use std::fs;

    #[test]
    fn the_parts_take_the_place_of_the_whole() {
        let dist = std::env::temp_dir().join(format!("ponte-parts-{}", std::process::id()));
        fs::create_dir_all(&dist).unwrap();
        let page = "<head><link rel=\"modulepreload\" href=\"/x-1.js\">\
            <script type=\"module\" src=\"/start.js\" data-js=\"/x-1.js\" data-wasm=\"/x-1_bg.wasm\"></script></head>";
        fs::write(dist.join("index.html"), page).unwrap();
        fs::write(dist.join("x-1.js"), "").unwrap();
        fs::write(dist.join("x-1_bg.wasm"), "").unwrap();
        let parts = Parts {
            first: vec![1],
            later: vec![2],
            bindings: "import * as import1 from \"./__wasm_split.js\"\n\"./__wasm_split.js\": import1,"
                .to_owned(),
            loader: "import { initSync } from \"./x.js\"; fetch(\"./split_later.wasm\")".to_owned(),
        };
        put(&parts, "x", &dist).unwrap();

        let page = fs::read_to_string(dist.join("index.html")).unwrap();
        let (_, rest) = page.split_once("data-js=\"/").unwrap();
        let name = rest.split_once(".js").unwrap().0;
        assert!(!page.contains("x-1"), "{page}");
        for named in [
            format!("<link rel=\"modulepreload\" href=\"/{name}-loader.js\">"),
            format!("data-later=\"/{name}{LATER}\""),
            format!("data-wasm=\"/{name}_bg.wasm\""),
        ] {
            assert!(page.contains(&named), "{named} in {page}");
        }
        assert_eq!(fs::read(dist.join(format!("{name}_bg.wasm"))).unwrap(), [1]);
        assert_eq!(fs::read(dist.join(format!("{name}{LATER}"))).unwrap(), [2]);
        let script = |end: &str| fs::read_to_string(dist.join(format!("{name}{end}"))).unwrap();
        assert_eq!(
            script(".js"),
            format!("import * as import1 from \"./{name}-loader.js\"\n\"./__wasm_split.js\": import1,")
        );
        assert!(script("-loader.js").contains(&format!("./{name}.js")));
        assert!(script("-loader.js").contains(&format!("./{name}{LATER}")));
        assert_eq!(fs::read_dir(&dist).unwrap().count(), 5);
        fs::remove_dir_all(&dist).unwrap();
    }

    #[test]
    fn a_page_that_names_no_program_stops_the_build() {
        let dist = std::env::temp_dir().join(format!("ponte-no-parts-{}", std::process::id()));
        fs::create_dir_all(&dist).unwrap();
        fs::write(dist.join("index.html"), "<head></head>").unwrap();
        let parts = Parts {
            first: Vec::new(),
            later: Vec::new(),
            bindings: String::new(),
            loader: String::new(),
        };
        assert!(put(&parts, "x", &dist).is_err());
        fs::remove_dir_all(&dist).unwrap();
    }
}
