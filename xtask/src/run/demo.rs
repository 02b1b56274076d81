//! `cargo xtask demo`: everything runs on this machine, with a simulated carrier and a person to sign in as.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::people::{self, PEOPLE};
use super::stack::{Listens, Stack};
use super::{control, hints};
use crate::build::{self, portal::Mode};
use crate::paths::Paths;
use crate::process;
use crate::setup::{self, Needs, Tools};
use crate::ui;

/// How the demo runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Port of the portal; the usual one, or the next that is free, where it is not given.
    #[arg(long)]
    port: Option<u16>,
    /// Start with an empty store in a temporary folder that is removed at the end.
    #[arg(long)]
    fresh: bool,
    /// Build the gateway with optimisation: for measuring, not needed to try it.
    #[arg(long)]
    release: bool,
    /// For programs: JSON on stdout, commands on stdin (see docs/development.md).
    #[arg(long)]
    json: bool,
    /// For tests: a push service on this machine, `http://127.0.0.1:PORT`, that the edge may tell of calls beside the
    /// browsers' own.
    #[arg(long, value_name = "ORIGIN", value_parser = on_this_machine)]
    push_service: Option<String>,
}

fn on_this_machine(origin: &str) -> Result<String, String> {
    let port = origin.strip_prefix("http://127.0.0.1:");
    match port.map(str::parse::<u16>) {
        Some(Ok(_)) => Ok(origin.to_owned()),
        _ => Err("http://127.0.0.1:PORT".to_owned()),
    }
}

impl Options {
    /// True if the native programs are built with optimisation.
    pub(crate) fn release(&self) -> bool {
        self.release
    }
}

/// A stack that is up, and who can sign in.
pub(crate) struct Running {
    stack: Stack,
    people: Vec<Value>,
    /// Removed, where it is temporary, after the stack was stopped.
    _data: DataFolder,
}

impl Running {
    /// Stops these services and starts them again with what was built since.
    pub(crate) fn restart(&mut self, names: &[&str]) -> Result<()> {
        for name in names {
            let service = self.stack.service(name)?;
            service.stop();
            service.start()?;
            ui::done(name, "restarted");
        }
        Ok(())
    }
}

/// Builds, starts, waits for Ctrl-C, stops.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<ExitCode> {
    if options.json {
        ui::talk_on_stderr();
    }
    ui::heading("Set-up");
    let tools = setup::ensure(paths, Needs::DEMO)?;
    ui::heading("Build");
    build::portal::build(paths, &tools, Mode::Release)?;
    build::edge::build(paths, &tools)?;
    let mut running = start(paths, &tools, options)?;

    if options.json {
        let ready = description(&running.stack, &running.people);
        control::serve(&mut running.stack, &ready);
    } else {
        hints::introduce(&running.stack);
        while !process::interrupted() {
            running.stack.check()?;
            thread::sleep(Duration::from_millis(300));
        }
    }
    ui::say("\nStopping …");
    drop(running);
    ui::say("Stopped.");
    Ok(ExitCode::SUCCESS)
}

/// Builds the native programs and brings everything up; portal and edge are built.
pub(crate) fn start(paths: &Paths, tools: &Tools, options: &Options) -> Result<Running> {
    let programs = build::gateway::build(paths, options.release)?;
    ui::heading("Start");
    let listens = Listens::choose(options.port)?;
    let data = DataFolder::choose(paths, options.fresh);
    let push_service = options.push_service.as_deref();
    let mut stack = Stack::prepare(paths, tools, programs, data.path.clone(), listens, push_service)?;
    people::add(&stack).context("the demo's people could not be added")?;
    stack.start()?;
    let people = PEOPLE
        .iter()
        .map(|person| person.enrol(&stack))
        .collect::<Result<_>>()
        .context("the demo's people could not be invited")?;
    Ok(Running {
        stack,
        people,
        _data: data,
    })
}

/// What a driving program is told.
fn description(stack: &Stack, people: &[Value]) -> Value {
    let listens = &stack.listens;
    let logs: serde_json::Map<String, Value> = stack
        .logs()
        .into_iter()
        .map(|(name, log)| (name.to_owned(), Value::from(log.display().to_string())))
        .collect();
    json!({
        "ready": true,
        "url": stack.url(),
        "carrier": format!("http://127.0.0.1:{}", listens.carrier),
        "metrics": format!("http://127.0.0.1:{}/metrics", listens.metrics),
        "sip": format!("127.0.0.1:{}", listens.sip),
        "trunks": [format!("127.0.0.1:{}", listens.trunk), format!("127.0.0.1:{}", listens.second_trunk)],
        "data": stack.data.display().to_string(),
        "people": people,
        "programs": { "gateway": stack.programs.gateway.display().to_string() },
        "logs": logs,
    })
}

/// The demo's data: kept in the checkout, or temporary.
struct DataFolder {
    path: PathBuf,
    temporary: bool,
}

impl DataFolder {
    fn choose(paths: &Paths, fresh: bool) -> Self {
        if fresh {
            let path = std::env::temp_dir().join(format!("ponte-demo-{}", std::process::id()));
            Self {
                path,
                temporary: true,
            }
        } else {
            Self {
                path: paths.root.join("demo-data"),
                temporary: false,
            }
        }
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed stays in the temporary folder: the system clears that.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
