//! A compiler with a standard library for wasm32: rustup's where rustup can fetch it, else Debian's rustc-web,
//! for which the standard library is built here from Debian's own source package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{apt, stamp};
use crate::cargo::{WASM_TARGET, WasmToolchain, forget_outer_cargo};
use crate::paths::{self, Paths, which};
use crate::process;
use crate::ui::{self, Job};

const DEBIAN_BIN: &str = "/usr/bin";
const DEBIAN_LIB: &str = "/usr/lib/rustlib";
/// lld-22 holds the program that `/usr/bin/rust-lld` is a link to.
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
/// Lints what is compiled for wasm32 only; its version goes with the compiler's.
const DEBIAN_CLIPPY: &str = "rust-web-clippy";
const RUSTUP_TIMEOUT: Duration = Duration::from_mins(3);

/// Finds or installs it. What is here already wins over what could be fetched.
pub(crate) fn ensure(paths: &Paths) -> Result<WasmToolchain> {
    let wish = std::env::var("PONTE_WASM_TOOLCHAIN").ok();
    let toolchain = match wish.as_deref() {
        Some("rustup") => rustup(paths)?.context("rustup cannot add the wasm32 target: see the log")?,
        Some("debian") => debian(paths)?,
        Some(other) => bail!("PONTE_WASM_TOOLCHAIN is `{other}`: it may be `rustup` or `debian`"),
        None => match installed(paths) {
            Some(toolchain) => toolchain,
            None => match rustup(paths)? {
                Some(toolchain) => toolchain,
                None => debian(paths)?,
            },
        },
    };
    ui::done("wasm32 target", toolchain.name());
    Ok(toolchain)
}

/// Installs clippy for it where it is missing and can be had; the lint suite says what it does without.
pub(crate) fn ensure_clippy(paths: &Paths, toolchain: &WasmToolchain) {
    if !toolchain.has_clippy()
        && matches!(toolchain, WasmToolchain::Debian { .. })
        && let Err(error) = apt::install(paths, &[DEBIAN_CLIPPY])
    {
        ui::note("clippy for wasm32", &format!("{error:#}"));
    }
}

/// Prints which compiler would be used.
pub(crate) fn report(paths: &Paths) -> bool {
    match installed(paths) {
        Some(toolchain) => ui::done("wasm32 target", toolchain.name()),
        None => ui::failed("wasm32 target", "missing"),
    }
    installed(paths).is_some()
}

fn installed(paths: &Paths) -> Option<WasmToolchain> {
    if rustup_has_target() {
        return Some(WasmToolchain::Rustup);
    }
    debian_works(paths).then(debian_toolchain)
}

fn rustup_has_target() -> bool {
    process::capture(Command::new("rustup").args(["target", "list", "--installed"]))
        .is_some_and(|list| list.lines().any(|line| line == WASM_TARGET))
}

fn rustup(paths: &Paths) -> Result<Option<WasmToolchain>> {
    if which("rustup").is_none() {
        return Ok(None);
    }
    if rustup_has_target() {
        return Ok(Some(WasmToolchain::Rustup));
    }
    let mut command = Command::new("rustup");
    // One try: a machine without a way to rustup's server shall not wait through all its retries.
    command
        .args(["target", "add", WASM_TARGET])
        .env("RUSTUP_MAX_RETRIES", "1");
    let job = Job {
        name: "rustup target add",
        log: "setup-rustup",
        timeout: RUSTUP_TIMEOUT,
    };
    let outcome = ui::run_observed(paths, &job, &mut command, &mut |line| Some(line.to_owned()))?;
    if outcome.success() && rustup_has_target() {
        return Ok(Some(WasmToolchain::Rustup));
    }
    ui::note(
        "rustup target add",
        &format!("{}: Debian's way instead", outcome.reason()),
    );
    Ok(None)
}

fn debian_toolchain() -> WasmToolchain {
    WasmToolchain::Debian {
        bin: PathBuf::from(DEBIAN_BIN),
    }
}

fn debian_rustc() -> PathBuf {
    Path::new(DEBIAN_BIN).join("rustc")
}

/// True if Debian's compiler links a program for wasm32; remembered for each compiler version.
fn debian_works(paths: &Paths) -> bool {
    let lib = Path::new(DEBIAN_LIB).join(WASM_TARGET).join("lib");
    let Some(version) = process::capture(Command::new(debian_rustc()).arg("-vV")) else {
        return false;
    };
    let Ok(entries) = fs::read_dir(&lib) else {
        return false;
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let key = format!("{version}\n{}", names.join("\n"));
    let file = paths.cache.join("wasm-std.stamp");
    if stamp::matches(&file, &key) {
        return true;
    }
    let works = compiles(paths).is_ok_and(|()| stamp::write(&file, &key).is_ok());
    if !works {
        let _ = fs::remove_file(&file);
    }
    works
}

fn compiles(paths: &Paths) -> Result<()> {
    let dir = paths.cache.join("wasm-probe");
    fs::create_dir_all(&dir)?;
    let source = dir.join("probe.rs");
    fs::write(
        &source,
        "#[unsafe(no_mangle)] pub extern \"C\" fn n() -> usize { vec![1, 2].len() }\n",
    )?;
    let mut rustc = Command::new(debian_rustc());
    forget_outer_cargo(&mut rustc);
    rustc
        .args([
            "--edition=2024",
            "--crate-type=cdylib",
            "--target",
            WASM_TARGET,
            "-Copt-level=1",
            "-o",
        ])
        .arg(dir.join("probe.wasm"))
        .arg(&source);
    process::capture(&mut rustc)
        .map(|_| ())
        .context("Debian's rustc does not link for wasm32")
}

fn debian(paths: &Paths) -> Result<WasmToolchain> {
    if !debian_packages_there() {
        apt::install(paths, &DEBIAN_PACKAGES).context(
            "no wasm32 target: rustup could not fetch it (`rustup target add wasm32-unknown-unknown` where \
             its server can be reached), and Debian's compiler could not be installed",
        )?;
    }
    if !debian_works(paths) {
        build_std(paths)?;
        if !debian_works(paths) {
            bail!("the standard library for wasm32 was built, but Debian's rustc does not link with it");
        }
    }
    Ok(debian_toolchain())
}

fn debian_packages_there() -> bool {
    ["rustc", "cargo", "rust-lld"]
        .iter()
        .all(|name| paths::is_executable(&Path::new(DEBIAN_BIN).join(name)))
        && Path::new(DEBIAN_LIB)
            .join("src/rust/library/std/Cargo.toml")
            .exists()
}

/// Builds the standard library from an empty crate and puts its parts where rustc looks for them.
fn build_std(paths: &Paths) -> Result<()> {
    let dir = paths.cache.join("wasm-std");
    let target = dir.join("target");
    // Parts of an older build would be copied with the new ones.
    let _ = fs::remove_dir_all(&target);
    fs::create_dir_all(dir.join("src"))?;
    fs::write(dir.join("src/lib.rs"), "")?;
    fs::write(
        dir.join("Cargo.toml"),
        "[package]\nname = \"ponte-empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[lib]\n\n\
         [profile.release]\npanic = \"abort\"\n\n[workspace]\n",
    )?;
    let mut cargo = debian_toolchain().cargo(paths)?;
    cargo
        .current_dir(&dir)
        .args([
            "build",
            "--release",
            "-Zbuild-std=std,panic_abort,proc_macro",
            "--target",
            WASM_TARGET,
        ])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode a later build with LTO fails.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes");
    let job = Job {
        name: "standard library for wasm32",
        log: "setup-wasm-std",
        timeout: Duration::from_mins(20),
    };
    ui::run(paths, &job, &mut cargo)?;
    install_std(&target.join(WASM_TARGET).join("release/deps"))?;
    fs::remove_dir_all(&target).context("cannot remove the build of the standard library")
}

/// Puts the new folder beside the old one and swaps them: a compiler never sees parts of two builds.
fn install_std(deps: &Path) -> Result<()> {
    let parts: Vec<PathBuf> = fs::read_dir(deps)
        .with_context(|| format!("no build in {}", deps.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_std_part(path))
        .collect();
    if parts.is_empty() {
        bail!(
            "the build of the standard library left no .rlib in {}",
            deps.display()
        );
    }
    let place = Path::new(DEBIAN_LIB).join(WASM_TARGET);
    let new = Path::new(DEBIAN_LIB).join(format!(".{WASM_TARGET}.new"));
    let old = Path::new(DEBIAN_LIB).join(format!(".{WASM_TARGET}.old"));
    as_root("rm", &["-rf".as_ref(), new.as_ref(), old.as_ref()])?;
    as_root("mkdir", &["-p".as_ref(), new.join("lib").as_ref()])?;
    let lib = new.join("lib");
    let mut copy: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
    copy.push(&lib);
    as_root("cp", &copy)?;
    if place.exists() {
        as_root("mv", &[&place, &old])?;
    }
    as_root("mv", &[&new, &place])?;
    as_root("rm", &["-rf".as_ref(), old.as_ref()])
}

fn is_std_part(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.extension().is_some_and(|ext| ext == "rlib") && !name.contains("ponte_empty")
}

fn as_root(program: &str, args: &[&Path]) -> Result<()> {
    let mut command = apt::privileged(program)
        .with_context(|| format!("{DEBIAN_LIB} can be written by root only: run once as root"))?;
    process::capture(command.args(args))
        .map(|_| ())
        .with_context(|| format!("`{}` failed", process::describe(&command)))
}

#[cfg(test)]
mod tests {
    use super::is_std_part;
    use std::path::Path;

    #[test]
    fn only_the_library_itself_is_copied() {
        assert!(is_std_part(Path::new("/d/libcore-1f.rlib")));
        assert!(!is_std_part(Path::new("/d/libponte_empty-1f.rlib")));
        assert!(!is_std_part(Path::new("/d/libcore-1f.rmeta")));
    }
}
