//! One long-running program of the stack: how to start it, when it is ready, how it is stopped.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::http;
use crate::process::{self, Group};

const POLL: Duration = Duration::from_millis(100);
const READY_TIMEOUT: Duration = Duration::from_mins(2);
const TAIL_LINES: usize = 20;

/// How one sees that a service works: this path on loopback answers with 200.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    pub(crate) port: u16,
    pub(crate) path: &'static str,
}

/// A service that can be started again and again.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    folder: Option<PathBuf>,
    pub(crate) log: PathBuf,
    health: Health,
    group: Option<Group>,
}

impl Service {
    /// Takes program, arguments, environment and folder from `command`. The log starts empty.
    pub(crate) fn new(name: &'static str, command: &Command, log: PathBuf, health: Health) -> Result<Self> {
        fs::write(&log, "").with_context(|| format!("cannot write the log {}", log.display()))?;
        Ok(Self {
            name,
            program: command.get_program().to_owned(),
            args: command.get_args().map(ToOwned::to_owned).collect(),
            env: command
                .get_envs()
                .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
                .collect(),
            folder: command.get_current_dir().map(Path::to_path_buf),
            log,
            health,
            group: None,
        })
    }

    /// Starts it, if it does not run, and waits until it is ready.
    pub(crate) fn start(&mut self) -> Result<()> {
        if self.group.is_some() {
            return Ok(());
        }
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.log)
            .with_context(|| format!("cannot write the log {}", self.log.display()))?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdout(log.try_clone()?).stderr(log);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        self.group = Some(Group::spawn(&mut command)?);
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_TIMEOUT;
        loop {
            if let Some(status) = self.ended()? {
                bail!("{} ended at its start ({status})\n{}", self.name, self.tail());
            }
            if answers(&self.health) {
                return Ok(());
            }
            if process::interrupted() {
                bail!("interrupted");
            }
            if Instant::now() > deadline {
                bail!(
                    "{} does not answer at http://127.0.0.1:{}{}\n{}",
                    self.name,
                    self.health.port,
                    self.health.path,
                    self.tail()
                );
            }
            thread::sleep(POLL);
        }
    }

    /// The status, if it ended by itself.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        match &mut self.group {
            Some(group) => group.try_wait(),
            None => Ok(None),
        }
    }

    /// Ends it in an orderly way, grandchildren included.
    pub(crate) fn stop(&mut self) {
        if let Some(mut group) = self.group.take() {
            group.stop();
        }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut group) = self.group.take() {
            group.kill();
        }
    }

    /// The end of its log.
    pub(crate) fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let first = lines.len().saturating_sub(TAIL_LINES);
        let shown: Vec<String> = lines
            .iter()
            .skip(first)
            .map(|line| format!("      │ {line}"))
            .collect();
        format!("{}\n      └ whole log: {}", shown.join("\n"), self.log.display())
    }
}

fn answers(health: &Health) -> bool {
    http::get(health.port, health.path).is_ok_and(|status| status == 200)
}
