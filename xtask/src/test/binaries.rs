//! Rust's test binaries, several at a time. `cargo test` runs one after the other, and most of ours wait for
//! telephones to ring: side by side they take a third of the time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::count::{Counts, Reader, Runner};
use crate::cargo;
use crate::paths::Paths;
use crate::process::{self, Group};
use crate::setup;
use crate::ui::{self, Job, Live};

const BUILD_TIMEOUT: Duration = Duration::from_mins(45);
/// The slowest takes about a minute on two idle cores.
const BINARY_TIMEOUT: Duration = Duration::from_mins(10);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A program that cargo built of one file of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binary {
    /// "ponte-gateway mailbox".
    name: String,
    executable: PathBuf,
    /// The crate's folder: where cargo runs its tests, and they look for their files.
    folder: PathBuf,
}

/// Where the compiler's own libraries are: tests of procedural macros need them.
fn compilers_libraries() -> Result<PathBuf> {
    let mut command = Command::new("rustc");
    cargo::forget_outer_cargo(&mut command);
    let folder = process::output(command.args(["--print", "target-libdir"]))?;
    Ok(PathBuf::from(folder))
}

/// What one binary said.
struct Said {
    index: usize,
    output: String,
    succeeded: bool,
}

/// Builds the tests of the native crates and runs them.
pub(crate) fn run(paths: &Paths, filter: Option<&str>) -> Result<Counts> {
    let mut binaries = build(paths)?;
    // The heaviest binaries hold the longest tests: begun last, they would run alone at the end.
    binaries.sort_by_cached_key(|binary| {
        std::cmp::Reverse(fs::metadata(&binary.executable).map_or(0, |data| data.len()))
    });
    let logs = paths.log("rust").with_extension("");
    fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
    let bench = Bench {
        logs,
        libraries: compilers_libraries()?,
        unpacked: setup::unpacked_folder(paths),
    };
    let mut counts = Counts::default();
    for said in side_by_side(&binaries, &bench, filter)? {
        let binary = &binaries[said.index];
        let (mut first, details) = read(binary, &said);
        if first.failed > 0 && !process::interrupted() {
            first = alone(binary, &bench, first)?;
        }
        if first.failed > 0 {
            ui::failed(&binary.name, "");
            ui::print_tail(paths, &bench.log_of(binary, "first"), &details);
        }
        counts.add(first);
    }
    if process::interrupted() {
        bail!("interrupted");
    }
    Ok(counts)
}

fn build(paths: &Paths) -> Result<Vec<Binary>> {
    let mut command = cargo::native(paths);
    command.args(["test", "--workspace", "--no-run"]);
    command.arg("--message-format=json-render-diagnostics");
    for name in cargo::WASM_CRATES {
        command.args(["--exclude", name]);
    }
    let job = Job {
        name: "rust (build)",
        log: "test-rust-build",
        timeout: BUILD_TIMEOUT,
    };
    let mut binaries = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let outcome = ui::run_observed(paths, &job, &mut command, &mut |line| {
        if line.starts_with('{') {
            binaries.extend(binary(line));
            return None;
        }
        words.push(line.to_owned());
        Some(line.trim().to_owned())
    })?;
    if !outcome.success() {
        let tail = words.len().saturating_sub(60);
        ui::print_tail(paths, &outcome.log, &words[tail..]);
        bail!("the tests do not build: {}", outcome.reason());
    }
    Ok(binaries)
}

/// One line of cargo's messages: a test binary, or something else.
fn binary(line: &str) -> Option<Binary> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let executable = PathBuf::from(message["executable"].as_str()?);
    let folder = Path::new(message["manifest_path"].as_str()?)
        .parent()?
        .to_path_buf();
    let krate = folder.file_name()?.to_string_lossy().into_owned();
    let target = message["target"]["name"].as_str()?;
    let kind = message["target"]["kind"][0].as_str().unwrap_or_default();
    let name = if kind == "test" {
        format!("{krate} {target}")
    } else {
        format!("{krate} ({kind} {target})")
    };
    Some(Binary {
        name,
        executable,
        folder,
    })
}

/// Two more than there are cores: they wait more than they work.
fn at_once() -> usize {
    thread::available_parallelism().map_or(2, usize::from) + 2
}

/// Runs them all; answers in the order they were given.
fn side_by_side(binaries: &[Binary], bench: &Bench, filter: Option<&str>) -> Result<Vec<Said>> {
    let next = AtomicUsize::new(0);
    let (sender, ended) = mpsc::channel();
    let mut said: Vec<Said> = Vec::with_capacity(binaries.len());
    let mut live = Live::new("rust");
    thread::scope(|scope| {
        for _ in 0..at_once() {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || worker(binaries, bench, filter, next, &sender));
        }
        drop(sender);
        loop {
            match ended.recv_timeout(LOOK_AGAIN) {
                Ok(one) => {
                    let one: Said = one?;
                    live.status = format!(
                        "{} of {} · {}",
                        said.len() + 1,
                        binaries.len(),
                        binaries[one.index].name
                    );
                    said.push(one);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            live.draw();
        }
        anyhow::Ok(())
    })?;
    live.clear();
    said.sort_by_key(|one| one.index);
    Ok(said)
}

fn worker(
    binaries: &[Binary],
    bench: &Bench,
    filter: Option<&str>,
    next: &AtomicUsize,
    ended: &Sender<Result<Said>>,
) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(binary) = binaries.get(index) else {
            return;
        };
        if process::interrupted() {
            return;
        }
        let one = bench
            .execute(binary, "first", filter.as_slice())
            .map(|(output, succeeded)| Said {
                index,
                output,
                succeeded,
            });
        if ended.send(one).is_err() {
            return;
        }
    }
}

/// What every binary is run with.
struct Bench {
    /// Each has a log of its own there.
    logs: PathBuf,
    libraries: PathBuf,
    /// Servers that are not installed.
    unpacked: PathBuf,
}

impl Bench {
    /// Runs a binary to its end; what it said, and whether it was content.
    fn execute(&self, binary: &Binary, which: &str, arguments: &[&str]) -> Result<(String, bool)> {
        let log = self.log_of(binary, which);
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let err = out.try_clone().context("cannot share a log")?;
        let mut command = Command::new(&binary.executable);
        cargo::forget_outer_cargo(&mut command);
        command
            .args(arguments)
            .current_dir(&binary.folder)
            .env("CARGO_MANIFEST_DIR", &binary.folder)
            .env("LD_LIBRARY_PATH", &self.libraries)
            .env("PONTE_UNPACKED", &self.unpacked)
            .stdout(out)
            .stderr(err);
        let started = Instant::now();
        let mut group = Group::spawn(&mut command)?;
        let status = loop {
            if let Some(status) = group.try_wait()? {
                break Some(status);
            }
            if process::interrupted() || started.elapsed() > BINARY_TIMEOUT {
                break None;
            }
            thread::sleep(LOOK_AGAIN);
        };
        drop(group);
        let output = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        let mut output = String::from_utf8_lossy(&output).into_owned();
        if status.is_none() && !process::interrupted() {
            output.push_str("\nerror: timed out\n");
        }
        Ok((output, status.is_some_and(|status| status.success())))
    }

    fn log_of(&self, binary: &Binary, which: &str) -> PathBuf {
        let name: String = binary
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        self.logs.join(format!("{name}.{which}.log"))
    }
}

/// What a binary's output comes to, and what it printed of its failures.
fn read(binary: &Binary, said: &Said) -> (Counts, Vec<String>) {
    let mut reader = Reader::new(Runner::Cargo);
    for line in said.output.lines() {
        reader.line(line);
    }
    let details = reader.details().to_vec();
    (reader.finish(&binary.name, said.succeeded), details)
}

/// A shared machine may stall for seconds: what failed in company runs once more alone. What passes then is counted as
/// passed and named as flaky.
fn alone(binary: &Binary, bench: &Bench, first: Counts) -> Result<Counts> {
    let names: BTreeSet<&str> = first.failures.iter().map(String::as_str).collect();
    if u64::try_from(names.len()).ok() != Some(first.failed) || names.iter().any(|name| name.contains(": ")) {
        return Ok(first);
    }
    let mut arguments = vec!["--exact", "--test-threads=1"];
    arguments.extend(&names);
    let (output, succeeded) = bench.execute(binary, "again", &arguments)?;
    let said = Said {
        index: 0,
        output,
        succeeded,
    };
    let (second, _) = read(binary, &said);
    Ok(merged(&first, second))
}

fn merged(first: &Counts, second: Counts) -> Counts {
    if second.passed + second.failed != first.failed {
        return first.clone();
    }
    let flaky = first
        .failures
        .iter()
        .filter(|name| !second.failures.contains(name))
        .map(|name| format!("{name} (flaky: passed alone)"));
    Counts {
        passed: first.passed + second.passed,
        failed: second.failed,
        skipped: first.skipped,
        failures: second.failures.iter().cloned().chain(flaky).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Binary, Said, binary, merged, read};
    use crate::test::Counts;
    use std::path::PathBuf;

    fn counts(passed: u64, failures: &[&str]) -> Counts {
        Counts {
            passed,
            failed: u64::try_from(failures.len()).unwrap(),
            skipped: 0,
            failures: failures.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn only_test_binaries_are_taken_from_cargos_messages() {
        let line = |test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/p/media-gateway/Cargo.toml","target":{{"kind":["test"],"name":"mailbox"}},"profile":{{"test":{test}}},"executable":"/t/mailbox-1"}}"#
            )
        };
        assert_eq!(binary(&line(false)), None);
        assert_eq!(binary(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(
            binary(&line(true)),
            Some(Binary {
                name: "media-gateway mailbox".into(),
                executable: PathBuf::from("/t/mailbox-1"),
                folder: PathBuf::from("/p/media-gateway"),
            })
        );
    }

    #[test]
    fn what_passes_alone_is_passed_and_named() {
        let both = merged(&counts(5, &["a", "b"]), counts(1, &["b"]));
        assert_eq!((both.passed, both.failed), (6, 1));
        assert_eq!(both.failures, ["b", "a (flaky: passed alone)"]);
    }

    #[test]
    fn a_second_run_that_ran_something_else_proves_nothing() {
        let first = counts(5, &["a", "b"]);
        assert_eq!(merged(&first, counts(1, &[])), first);
    }

    #[test]
    fn a_binary_that_dies_is_a_failure() {
        let dead = Binary {
            name: "x y".into(),
            executable: PathBuf::new(),
            folder: PathBuf::new(),
        };
        let said = Said {
            index: 0,
            output: "running 3 tests\ntest a ... ok\n".into(),
            succeeded: false,
        };
        assert_eq!(read(&dead, &said).0.failed, 1);
    }
}
