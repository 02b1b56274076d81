//! `cargo xtask bench`: runs the release programs that measure, and keeps what they say with the date, the machine
//! and the commit. A bench program prints one JSON object on stdout and words for people on stderr; to add one, add
//! a line to [`PROGRAMS`].

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::build::{self, portal::Mode};
use crate::cargo;
use crate::paths::Paths;
use crate::process;
use crate::setup::{self, Needs};
use crate::ui::{self, Job};

/// A program that measures.
struct Program {
    name: &'static str,
    krate: &'static str,
    example: &'static str,
    about: &'static str,
}

const PROGRAMS: [Program; 4] = [
    Program {
        name: "setup",
        krate: "ponte-gateway",
        example: "setup_bench",
        about: "Call backs set up: time from the command to both legs acknowledged, CPU and memory a call",
    },
    Program {
        name: "relay",
        krate: "ponte-media",
        example: "relay_bench",
        about: "RTP relayed: CPU a million packets beside a plain loop in the same run, added latency",
    },
    Program {
        name: "mixer",
        krate: "ponte-media",
        example: "mixer_bench",
        about: "Conferences: CPU for each member and second, beside the plain relay of as many endpoints in the same run",
    },
    Program {
        name: "webrtc",
        krate: "ponte-media",
        example: "webrtc_bench",
        about: "Browsers: audio under loss and jitter, a changed address, floods on the media port, CPU and memory a session",
    },
];

/// The size of the portal is measured by xtask itself.
const SIZE: &str = "size";

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// `setup`, `relay`, `mixer`, `webrtc`, `size`; all of them where none is given.
    names: Vec<String>,
    /// Do not write bench/results.
    #[arg(long)]
    no_save: bool,
    /// Passed on to the bench program.
    #[arg(last = true)]
    args: Vec<String>,
}

/// Runs the chosen benches one after the other.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<ExitCode> {
    let known: Vec<&str> = PROGRAMS
        .iter()
        .map(|program| program.name)
        .chain([SIZE])
        .collect();
    if let Some(name) = options.names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no bench `{name}`: choose from {}", known.join(", "));
    }
    let machine = machine(paths);
    for name in known {
        if !options.names.is_empty() && !options.names.iter().any(|chosen| chosen == name) {
            continue;
        }
        ui::heading(name);
        let result = match PROGRAMS.iter().find(|program| program.name == name) {
            Some(program) => measure(paths, program, &options.args)?,
            None => portal_size(paths)?,
        };
        let about = PROGRAMS.iter().find(|program| program.name == name).map_or(
            "What a first visit loads of the portal and of the administrator's pages, bytes",
            |program| program.about,
        );
        let report = markdown(name, about, &machine, &result);
        ui::say(&report);
        if !options.no_save {
            save(paths, name, &machine, &result, &report)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(paths: &Paths, program: &Program, args: &[String]) -> Result<Value> {
    let mut build = cargo::native(paths);
    build.args([
        "build",
        "--release",
        "-p",
        program.krate,
        "--example",
        program.example,
    ]);
    let job = Job {
        name: program.example,
        log: "bench-build",
        timeout: Duration::from_mins(40),
    };
    ui::run(paths, &job, &mut build)?;
    let binary = paths.native_target.join("release/examples").join(program.example);
    let mut command = Command::new(binary);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let output = command
        .output()
        .with_context(|| format!("cannot start `{}`", process::describe(&command)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", process::describe(&command), output.status);
    }
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{} did not print one JSON object", program.example))
}

/// Bytes of what a first visit loads, raw and as the network carries it.
fn portal_size(paths: &Paths) -> Result<Value> {
    let tools = setup::ensure(paths, Needs::DEMO)?;
    build::portal::build(paths, &tools, Mode::Release)?;
    build::weight::of_pages(paths, &tools)
}

/// What a reader needs to weigh the figures.
fn machine(paths: &Paths) -> Value {
    let shell = |program: &str, args: &[&str]| {
        process::capture(Command::new(program).args(args).current_dir(&paths.root)).unwrap_or_default()
    };
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    let dirty = !shell("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    json!({
        "date": shell("date", &["-u", "+%Y-%m-%d"]),
        "time": shell("date", &["-u", "+%H:%M:%SZ"]),
        "commit": format!("{}{}", shell("git", &["rev-parse", "--short", "HEAD"]), if dirty { " + changes" } else { "" }),
        "cpu": model,
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "kernel": shell("uname", &["-sr"]),
        "rustc": shell("rustc", &["--version"]),
        "load_before": load.split_whitespace().next().unwrap_or_default(),
    })
}

fn save(paths: &Paths, name: &str, machine: &Value, result: &Value, report: &str) -> Result<()> {
    let dir = paths.root.join("bench/results");
    fs::create_dir_all(&dir)?;
    let date = machine["date"].as_str().unwrap_or("undated");
    let base = free_name(&dir, &format!("{date}-{name}"));
    let whole = json!({ "bench": name, "machine": machine, "result": result });
    fs::write(dir.join(format!("{base}.json")), format!("{whole:#}\n"))?;
    fs::write(dir.join(format!("{base}.md")), report)?;
    ui::done("saved", &paths.shown(&dir.join(format!("{base}.md"))));
    Ok(())
}

/// `base`, or `base-2`, `base-3` … where that exists: no result is overwritten.
fn free_name(dir: &Path, base: &str) -> String {
    let taken = |name: &str| dir.join(format!("{name}.json")).exists();
    (1..1000_u32)
        .map(|number| {
            if number == 1 {
                base.to_owned()
            } else {
                format!("{base}-{number}")
            }
        })
        .find(|name| !taken(name))
        .unwrap_or_else(|| base.to_owned())
}

fn markdown(name: &str, about: &str, machine: &Value, result: &Value) -> String {
    let text = |key: &str| plain(&machine[key]);
    let mut out = format!(
        "# {name}, {}\n\n{about}.\n\n{} × {}, {}, {}; commit {}; load before: {}.\n\n",
        text("date"),
        text("cores"),
        text("cpu"),
        text("kernel"),
        text("rustc"),
        text("commit"),
        text("load_before"),
    );
    let mut rows = Vec::new();
    flatten("", result, &mut rows);
    out.push_str("| figure | value |\n| --- | --- |\n");
    let rows: Vec<String> = rows
        .into_iter()
        .map(|(key, value)| format!("| {key} | {value} |\n"))
        .collect();
    out + &rows.concat()
}

/// Nested objects and lists as rows `a.b`, `a[0].b`.
fn flatten(prefix: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let name = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&name, value, rows);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                flatten(&format!("{prefix}[{index}]"), value, rows);
            }
        }
        other => rows.push((prefix.to_owned(), plain(other))),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::flatten;
    use serde_json::json;

    #[test]
    fn nested_results_become_rows() {
        let mut rows = Vec::new();
        flatten(
            "",
            &json!({ "a": { "p50": 1.5 }, "steps": [{ "calls": 10 }] }),
            &mut rows,
        );
        assert_eq!(
            rows,
            [
                ("a.p50".to_owned(), "1.5".to_owned()),
                ("steps[0].calls".to_owned(), "10".to_owned())
            ]
        );
    }
}
