//! `cargo xtask …`: the only place that knows how to set up, build, run, test and measure everything.

mod bench;
mod build;
mod cargo;
mod lint;
mod paths;
mod process;
mod run;
mod setup;
mod test;
mod ui;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use paths::Paths;

/// Sets up, builds, runs, tests and measures Ponte.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what building, running and testing need; quick when all is there.
    Setup,
    /// Build and run everything with a simulated carrier; print where to sign in. Ctrl-C stops it.
    Demo(run::demo::Options),
    /// Like `demo`, and rebuild what changes.
    Dev(run::demo::Options),
    /// Run every test suite; the last line is `N passed, N failed`.
    Test(test::Options),
    /// Measure, in release builds; results go to bench/results.
    Bench(bench::Options),
    /// Formatting, clippy, the rules for dependencies.
    Lint,
    /// Say how many tests hold each rule, at each level.
    Rules {
        /// Name them all.
        #[arg(long)]
        tests: bool,
    },
    /// Say what is here and what is missing; change nothing.
    Doctor,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(task: Task) -> Result<ExitCode> {
    let paths = Paths::discover()?;
    process::install_handler()?;
    match task {
        Task::Setup => setup::ensure(&paths, setup::Needs::ALL).map(|_| ExitCode::SUCCESS),
        Task::Bench(options) => bench::run(&paths, &options),
        Task::Demo(options) => run::demo::run(&paths, &options),
        Task::Dev(options) => run::dev::run(&paths, &options),
        Task::Lint => {
            let tools = setup::ensure(&paths, setup::Needs::LINT)?;
            let counts = lint::check(&paths, tools.wasm()?)?;
            Ok(if counts.failed == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Task::Rules { tests } => Ok(if test::rules::print(&paths, tests)? {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }),
        Task::Doctor => Ok(if setup::doctor(&paths)? {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }),
        Task::Test(options) => Ok(test::run(&paths, &options)),
    }
}
