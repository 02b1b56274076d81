//! What each suite runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::count::{Counts, Reader, Runner};
use super::{Suite, SuiteResult, binaries, docs, purity, rules};
use crate::build::{self, portal::Mode};
use crate::cargo;
use crate::lint;
use crate::paths::Paths;
use crate::setup::{self, Needs, NodeFolder, Tools};
use crate::ui::{self, Job};

const SUITE_TIMEOUT: Duration = Duration::from_mins(20);

/// What the suites share: folders and what set-up found.
pub(crate) struct Context<'a> {
    paths: &'a Paths,
    filter: Option<&'a str>,
    tools: Option<Tools>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(paths: &'a Paths, filter: Option<&'a str>) -> Self {
        Self {
            paths,
            filter,
            tools: None,
        }
    }

    /// Installs what the chosen suites need.
    pub(crate) fn prepare(&mut self, chosen: &[Suite]) -> Result<()> {
        let needs = chosen
            .iter()
            .map(|suite| needs_of(*suite))
            .fold(Needs::default(), Needs::and);
        self.tools = Some(setup::ensure(self.paths, needs)?);
        Ok(())
    }

    pub(crate) fn run(&mut self, suite: Suite) -> SuiteResult {
        match suite {
            Suite::Docs => {
                let mut counts = docs::check(self.paths)?;
                counts.add(rules::check(self.paths)?);
                Ok(counts)
            }
            Suite::Lint => lint::check(self.paths, self.tools()?.wasm()?),
            Suite::Rust => self.rust(),
            Suite::Purity => purity::check(self.paths, self.tools()?.wasm()?),
            Suite::App => self.app(),
            Suite::Edge => self.edge(),
            Suite::E2e => self.e2e(),
        }
    }

    fn tools(&self) -> Result<&Tools> {
        self.tools.as_ref().context("set-up failed, see above")
    }

    /// Unit and integration tests side by side, then the examples of the docstrings.
    fn rust(&self) -> SuiteResult {
        let mut counts = binaries::run(self.paths, self.filter)?;
        let mut command = cargo::native(self.paths);
        command.args(["test", "--workspace", "--no-fail-fast", "--doc"]);
        for name in cargo::WASM_CRATES {
            command.args(["--exclude", name]);
        }
        self.filter_cargo(&mut command);
        counts.add(self.counted("rust (doc)", Runner::Cargo, SUITE_TIMEOUT, &mut command)?);
        Ok(counts)
    }

    /// The portal's logic natively; what needs a browser in headless Chromium.
    fn app(&self) -> SuiteResult {
        let folder = self.paths.root.join("app");
        let mut counts = Counts::default();
        if folder.join("src/lib.rs").exists() {
            let mut command = cargo::native(self.paths);
            command.args(["test", "--no-fail-fast", "-p", "ponte-app", "-p", "ponte-admin"]);
            self.filter_cargo(&mut command);
            counts.add(self.counted("app", Runner::Cargo, SUITE_TIMEOUT, &mut command)?);
        }
        Ok(counts)
    }

    /// The edge's pure modules natively, then the built worker in workerd.
    fn edge(&self) -> SuiteResult {
        let mut command = cargo::native(self.paths);
        command.args(["test", "--no-fail-fast", "-p", "ponte-edge", "--lib"]);
        self.filter_cargo(&mut command);
        let mut counts = self.counted("edge (native)", Runner::Cargo, SUITE_TIMEOUT, &mut command)?;

        let tools = self.tools()?;
        // The worker serves the portal's files: its tests see the real ones.
        build::portal::build(self.paths, tools, Mode::Release)?;
        counts.add(weight(self.paths, tools)?);
        build::edge::build(self.paths, tools)?;
        let tests = test_files(&build::edge::folder(self.paths).join("tests"))?;
        if tests.is_empty() {
            bail!("no *.test.mjs in edge/tests");
        }
        let mut command = tools.node()?;
        // Each file has a worker of its own and waits more than it works.
        command.args(["--test", "--test-concurrency=2", "--test-reporter=spec"]);
        if let Some(filter) = self.filter {
            command.arg(format!("--test-name-pattern={filter}"));
        }
        command.args(tests).current_dir(build::edge::folder(self.paths));
        counts.add(self.counted("edge (workerd)", Runner::Node, SUITE_TIMEOUT, &mut command)?);
        Ok(counts)
    }

    fn e2e(&self) -> SuiteResult {
        let tools = self.tools()?;
        let chromium =
            setup::chromium().context("Chromium is missing: `cargo xtask doctor` says what to do")?;
        build::portal::build(self.paths, tools, Mode::Release)?;
        build::edge::build(self.paths, tools)?;
        build::gateway::build(self.paths, false)?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let run = |name: &str, arguments: &[&str]| {
            let mut command = tools.node_command(NodeFolder::E2e, "playwright")?;
            command
                .args(["test", "--reporter=list"])
                .args(arguments)
                .env("PONTE_CHROMIUM", &chromium)
                .env("PONTE_XTASK", &program)
                .env("PONTE_UNPACKED", setup::unpacked_folder(self.paths))
                .env("PONTE_ROOT", &self.paths.root);
            self.counted(name, Runner::Playwright, Duration::from_mins(30), &mut command)
        };
        if let Some(filter) = self.filter {
            return run("e2e", &["--grep", filter]);
        }
        let mut counts = run("e2e", &["--grep-invert", QUIET])?;
        counts.add(run("e2e (quiet)", &["--grep", QUIET, "--workers=1"])?);
        Ok(counts)
    }

    fn filter_cargo(&self, command: &mut Command) {
        if let Some(filter) = self.filter {
            command.args(["--", filter]);
        }
    }

    /// Runs one test command and reads its totals; shows what failed, or the end of its log.
    fn counted(&self, name: &str, runner: Runner, timeout: Duration, command: &mut Command) -> SuiteResult {
        let log = format!("test-{}", name.replace([' ', '('], "-").replace(['(', ')'], ""));
        let mut reader = Reader::new(runner);
        let job = Job {
            name,
            log: &log,
            timeout,
        };
        let outcome = ui::run_observed(self.paths, &job, command, &mut |line| reader.line(line))
            .with_context(|| format!("{name} did not run"))?;
        if !outcome.success() {
            ui::failed(name, &outcome.reason());
            let shown = if reader.details().is_empty() {
                &outcome.tail
            } else {
                reader.details()
            };
            ui::print_tail(self.paths, &outcome.log, shown);
        }
        Ok(reader.finish(name, outcome.success()))
    }
}

/// The tag of tests that listen to what a browser sends without a pause: beside others it pauses by itself.
const QUIET: &str = "@quiet";

fn needs_of(suite: Suite) -> Needs {
    match suite {
        Suite::Docs | Suite::App => Needs::default(),
        Suite::Lint => Needs::LINT,
        Suite::Rust => Needs {
            sip_peers: true,
            servers: true,
            ..Needs::default()
        },
        Suite::Purity => Needs {
            wasm: true,
            ..Needs::default()
        },
        Suite::Edge => Needs {
            wasm: true,
            edge: true,
            ..Needs::default()
        },
        Suite::E2e => Needs::ALL,
    }
}

/// Whether the portal is as light as it must be.
fn weight(paths: &Paths, tools: &Tools) -> SuiteResult {
    let weights = build::weight::of_pages(paths, tools)?;
    let (weight, later, roof) = (
        build::weight::portal_wasm(&weights),
        build::weight::portal_later(&weights),
        build::weight::PORTAL_WASM_BROTLI_MAX,
    );
    let found = format!(
        "the portal starts with {weight} bytes of WebAssembly in Brotli, of {roof} at most; {later} are loaded later"
    );
    if weight > roof {
        ui::failed("weight", &found);
    } else {
        ui::done("weight", &found);
    }
    Ok(Counts::of_check(&found, weight <= roof))
}

fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    Ok(files)
}
