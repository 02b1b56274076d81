//! What is measured runs in a child process, so that its CPU time is its own.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::time::{ClockId, clock_gettime};

pub type Failure = Box<dyn std::error::Error>;

/// This program once more, as `--serve KIND`: it answers each line with numbers.
pub struct Served {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Served {
    pub fn start(kind: &str) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--serve", kind])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().ok_or("no stdin")?;
        let output = BufReader::new(process.stdout.take().ok_or("no stdout")?);
        Ok(Self {
            process,
            input,
            output,
        })
    }

    pub fn ask_text(&mut self, line: &str) -> Result<String, Failure> {
        writeln!(self.input, "{line}")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        Ok(answer.trim_end_matches('\n').to_owned())
    }

    pub fn ask(&mut self, line: &str) -> Result<Vec<u64>, Failure> {
        Ok(self
            .ask_text(line)?
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// CPU time of this process, in nanoseconds.
pub fn cpu_time() -> i64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
