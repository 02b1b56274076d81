//! `cargo xtask …`: the only place that knows how to set up, build, run, test and measure everything.

mod cargo;
mod paths;
mod process;
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
    /// Run every test suite; the last line is `N passed, N failed`.
    Test(test::Options),
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
        Task::Test(options) => Ok(test::run(&paths, &options)),
    }
}
