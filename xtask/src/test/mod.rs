//! `cargo xtask test`: every suite, its output in a log, its own counts added up on the last line.

mod binaries;
mod count;
mod docs;
mod purity;
pub(crate) mod rules;
mod suites;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;

use crate::paths::Paths;
use crate::{process, ui};

pub(crate) use count::Counts;

/// A group of tests with a runner of its own, in the order they run: what fails fastest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Links in the Markdown files lead to files that exist; every rule has its tests.
    Docs,
    /// Formatting and clippy, warnings denied.
    Lint,
    /// Unit, integration and doc tests of the native crates.
    Rust,
    /// The call core and the protocol build for wasm32, without clock, randomness or I/O.
    Purity,
    /// The portal's logic.
    App,
    /// The edge: its pure modules, and the built worker in workerd.
    Edge,
    /// A real browser, the real edge, the real gateway, real SIP, real audio.
    E2e,
}

impl Suite {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Docs => "docs",
            Self::Lint => "lint",
            Self::Rust => "rust",
            Self::Purity => "purity",
            Self::App => "app",
            Self::Edge => "edge",
            Self::E2e => "e2e",
        }
    }
}

/// Which suites to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run only this suite (repeatable).
    #[arg(long, value_enum)]
    suite: Vec<Suite>,
    /// Leave this suite out (repeatable).
    #[arg(long, value_enum)]
    skip: Vec<Suite>,
    /// Only tests whose name contains this, in the suites whose runner can filter.
    #[arg(long)]
    filter: Option<String>,
}

impl Options {
    fn chosen(&self) -> Vec<Suite> {
        Suite::value_variants()
            .iter()
            .copied()
            .filter(|suite| self.suite.is_empty() || self.suite.contains(suite))
            .filter(|suite| !self.skip.contains(suite))
            .collect()
    }
}

/// Runs the suites; the last line of stdout is `N passed, N failed`.
pub(crate) fn run(paths: &Paths, options: &Options) -> ExitCode {
    let started = Instant::now();
    let chosen = options.chosen();
    let mut total = Counts::default();
    let mut context = suites::Context::new(paths, options.filter.as_deref());

    ui::heading("Set-up");
    if let Err(error) = context.prepare(&chosen) {
        ui::failed("set-up", &format!("{error:#}"));
        total.add(Counts::of_check("set-up", false));
    }

    ui::heading("Tests");
    for suite in chosen {
        if process::interrupted() {
            total.add(Counts::of_check("interrupted", false));
            break;
        }
        let counts = run_suite(&mut context, suite);
        total.add(counts);
    }
    report(&total, started);
    ui::say(&format!("{} passed, {} failed", total.passed, total.failed));
    if total.failed == 0 && total.passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run_suite(context: &mut suites::Context<'_>, suite: Suite) -> Counts {
    let started = Instant::now();
    let counts = match context.run(suite) {
        Ok(counts) => counts,
        Err(error) => {
            ui::failed(suite.name(), &format!("cannot run: {error:#}"));
            return Counts::of_check(&format!("{}: {error:#}", suite.name()), false);
        }
    };
    let skipped = if counts.skipped == 0 {
        String::new()
    } else {
        format!(", {} skipped", counts.skipped)
    };
    let detail = format!(
        "{} passed, {} failed{skipped}  {}",
        counts.passed,
        counts.failed,
        ui::duration(started.elapsed())
    );
    if counts.failed == 0 {
        ui::done(suite.name(), &detail);
    } else {
        ui::failed(suite.name(), &detail);
    }
    counts
}

fn report(total: &Counts, started: Instant) {
    if !total.failures.is_empty() {
        ui::heading("Failed");
        for name in &total.failures {
            ui::say(&format!("  {name}"));
        }
    }
    let skipped = if total.skipped == 0 {
        String::new()
    } else {
        format!(", {} skipped", total.skipped)
    };
    ui::say(&format!("\nin {}{skipped}", ui::duration(started.elapsed())));
}

/// The result of a suite, or why it could not run.
pub(crate) type SuiteResult = Result<Counts>;
