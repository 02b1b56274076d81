//! What each suite runs.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::count::{Counts, Reader, Runner};
use super::{Suite, SuiteResult, docs};
use crate::cargo;
use crate::paths::Paths;
use crate::ui::{self, Job};

const RUST_TIMEOUT: Duration = Duration::from_mins(45);

/// What the suites share: folders and what set-up found.
pub(crate) struct Context<'a> {
    paths: &'a Paths,
    filter: Option<&'a str>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(paths: &'a Paths, filter: Option<&'a str>) -> Self {
        Self { paths, filter }
    }

    /// Installs what the chosen suites need.
    pub(crate) fn prepare(&mut self, _chosen: &[Suite]) -> Result<()> {
        Ok(())
    }

    pub(crate) fn run(&mut self, suite: Suite) -> SuiteResult {
        match suite {
            Suite::Docs => docs::check(self.paths),
            Suite::Rust => self.rust(),
            _ => Ok(Counts::default()),
        }
    }

    fn rust(&self) -> SuiteResult {
        let mut command = cargo::native(self.paths);
        command.args(["test", "--workspace", "--no-fail-fast"]);
        for name in cargo::WASM_CRATES {
            command.args(["--exclude", name]);
        }
        if let Some(filter) = self.filter {
            command.args(["--", filter]);
        }
        self.counted("rust", Runner::Cargo, RUST_TIMEOUT, &mut command)
    }

    /// Runs one test command and reads its totals; shows the end of its log when it fails.
    fn counted(&self, name: &str, runner: Runner, timeout: Duration, command: &mut Command) -> SuiteResult {
        let mut reader = Reader::new(runner);
        let job = Job {
            name,
            log: &format!("test-{name}"),
            timeout,
        };
        let outcome = ui::run_observed(self.paths, &job, command, &mut |line| reader.line(line))
            .with_context(|| format!("{name} did not run"))?;
        if !outcome.success() {
            ui::failed(name, &outcome.reason());
            ui::print_tail(self.paths, &outcome.log, &outcome.tail);
        }
        Ok(reader.finish(name, outcome.success()))
    }
}
