//! What the developer sees: one line a step with its time, a live line while it runs (on a terminal), the tail
//! of its log when it fails. Everything goes to stdout, in order; CI sees the same without the live lines.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::process::{self, Group};

static ON_STDERR: AtomicBool = AtomicBool::new(false);

const TICK: Duration = Duration::from_millis(200);
/// How often a step that is still running says so where there is no terminal.
const HEARTBEAT: Duration = Duration::from_mins(1);
/// How long output is still read after the leader of a step has ended.
const DRAIN: Duration = Duration::from_secs(2);
const TAIL_LINES: usize = 30;
const LIVE_WIDTH: usize = 100;

/// How a step ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Option<ExitStatus>,
    pub(crate) timed_out: bool,
    pub(crate) log: PathBuf,
    pub(crate) tail: Vec<String>,
    pub(crate) elapsed: Duration,
}

impl Outcome {
    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// "exit code 3", "ended by signal 9", "timed out".
    pub(crate) fn reason(&self) -> String {
        match self.status {
            _ if self.timed_out => format!("timed out after {}", duration(self.elapsed)),
            Some(status) => status.to_string(),
            None => "interrupted".to_owned(),
        }
    }
}

/// One command of a step.
pub(crate) struct Job<'a> {
    /// What the developer reads: "portal", "wasm-bindgen 0.2.129".
    pub(crate) name: &'a str,
    /// Name of the log file, without `.log`.
    pub(crate) log: &'a str,
    pub(crate) timeout: Duration,
}

/// Runs `command`, its output to the log; `observe` sees each line and may answer with the status to show.
pub(crate) fn run_observed(
    paths: &Paths,
    job: &Job<'_>,
    command: &mut Command,
    observe: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<Outcome> {
    let log = paths.log(job.log);
    let mut file = BufWriter::new(
        File::create(&log).with_context(|| format!("cannot write the log {}", log.display()))?,
    );
    writeln!(file, "$ {}", process::describe(command))?;
    file.flush()?;

    let started = Instant::now();
    let mut group = Group::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let (sender, lines) = mpsc::channel();
    if let Some(out) = group.child().stdout.take() {
        forward(out, sender.clone());
    }
    if let Some(err) = group.child().stderr.take() {
        forward(err, sender.clone());
    }
    drop(sender);

    let mut live = Live::new(job.name);
    let mut tail: VecDeque<String> = VecDeque::with_capacity(TAIL_LINES);
    let mut ended: Option<(ExitStatus, Instant)> = None;
    let mut timed_out = false;
    let mut open = true;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => {
                writeln!(file, "{line}")?;
                if let Some(status) = observe(&line) {
                    live.status = status;
                }
                if tail.len() == TAIL_LINES {
                    tail.pop_front();
                }
                tail.push_back(line);
                live.draw();
            }
            Err(RecvTimeoutError::Timeout) => live.draw(),
            Err(RecvTimeoutError::Disconnected) => {
                open = false;
                thread::sleep(Duration::from_millis(10));
            }
        }
        if ended.is_none() {
            ended = group.try_wait()?.map(|status| (status, Instant::now()));
        }
        match ended {
            Some((_, at)) if !open || at.elapsed() > DRAIN => break,
            None if process::interrupted() => break,
            None if started.elapsed() > job.timeout => {
                timed_out = true;
                break;
            }
            Some(_) | None => {}
        }
    }
    drop(group);
    live.clear();
    file.flush()?;
    if process::interrupted() && ended.is_none() {
        bail!("interrupted");
    }
    Ok(Outcome {
        status: ended.map(|(status, _)| status),
        timed_out,
        log,
        tail: tail.into(),
        elapsed: started.elapsed(),
    })
}

/// Runs a command that must succeed; says so with its time, or fails with the tail of its log.
pub(crate) fn run(paths: &Paths, job: &Job<'_>, command: &mut Command) -> Result<()> {
    let outcome = run_observed(paths, job, command, &mut |line| Some(line.trim().to_owned()))?;
    if outcome.success() {
        done(job.name, &duration(outcome.elapsed));
        return Ok(());
    }
    failed(job.name, &outcome.reason());
    print_tail(paths, &outcome.log, &outcome.tail);
    bail!("`{}` failed: {}", process::describe(command), outcome.reason())
}

fn forward(pipe: impl Read + Send + 'static, sender: Sender<String>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match reader.read_until(b'\n', &mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let line = String::from_utf8_lossy(&buffer);
                    if sender.send(line.trim_end().to_owned()).is_err() {
                        return;
                    }
                }
            }
        }
    });
}

/// A heading between groups of steps.
pub(crate) fn heading(text: &str) {
    say(&format!("\n{}", paint("1", text)));
}

/// From now on stdout is for a program that reads [`answer`]s; people read stderr.
pub(crate) fn talk_on_stderr() {
    ON_STDERR.store(true, Ordering::Relaxed);
}

/// One line of JSON on stdout.
pub(crate) fn answer(value: &serde_json::Value) {
    let mut out = io::stdout().lock();
    // A reader that went away is seen as the end of its commands.
    let _ = writeln!(out, "{value}");
    let _ = out.flush();
}

/// A plain line.
pub(crate) fn say(text: &str) {
    // A closed stdout must not turn a finished build into a failed one.
    if ON_STDERR.load(Ordering::Relaxed) {
        let _ = writeln!(io::stderr().lock(), "{text}");
        return;
    }
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// "  ✓ name  detail".
pub(crate) fn done(name: &str, detail: &str) {
    say(&format!(
        "  {} {name:<34} {}",
        paint("32", "✓"),
        paint("2", detail)
    ));
}

/// "  ✗ name  detail".
pub(crate) fn failed(name: &str, detail: &str) {
    say(&format!("  {} {name:<34} {detail}", paint("31", "✗")));
}

/// "  ! name  detail": not as wished, but work goes on.
pub(crate) fn note(name: &str, detail: &str) {
    say(&format!("  {} {name:<34} {detail}", paint("33", "!")));
}

/// The last lines of a log and where the rest is.
pub(crate) fn print_tail(paths: &Paths, log: &Path, tail: &[String]) {
    for line in tail {
        say(&format!("      │ {line}"));
    }
    say(&format!("      └ whole log: {}", paths.shown(log)));
}

/// 0.4 s, 12 s, 3 min 05 s.
pub(crate) fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", elapsed.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

fn paint(code: &str, text: &str) -> String {
    if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// The line of a step that is running.
pub(crate) struct Live<'a> {
    name: &'a str,
    /// What it does.
    pub(crate) status: String,
    started: Instant,
    drawn: Instant,
    terminal: bool,
}

impl<'a> Live<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        let now = Instant::now();
        Self {
            name,
            status: String::new(),
            started: now,
            drawn: now,
            terminal: io::stdout().is_terminal() && !ON_STDERR.load(Ordering::Relaxed),
        }
    }

    /// Draws it, where it is time to.
    pub(crate) fn draw(&mut self) {
        let wait = if self.terminal { TICK } else { HEARTBEAT };
        if self.drawn.elapsed() < wait {
            return;
        }
        self.drawn = Instant::now();
        let text = format!(
            "  · {:<34} {}  {}",
            self.name,
            duration(self.started.elapsed()),
            self.status
        );
        let text: String = text
            .chars()
            .filter(|c| !c.is_control())
            .take(LIVE_WIDTH)
            .collect();
        if self.terminal {
            print!("\r\x1b[2K{text}");
            let _ = io::stdout().flush();
        } else {
            say(&text);
        }
    }

    /// Takes it off the terminal.
    pub(crate) fn clear(&self) {
        if self.terminal {
            print!("\r\x1b[2K");
            let _ = io::stdout().flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Job, Outcome, duration, run_observed};
    use crate::paths::Paths;
    use std::process::Command;
    use std::time::Duration;

    fn shell(log: &str, script: &str, timeout: Duration) -> (Outcome, Vec<String>) {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let job = Job {
            name: "shell",
            log,
            timeout,
        };
        let outcome = run_observed(&Paths::discover().unwrap(), &job, &mut command, &mut |line| {
            lines.push(line.to_owned());
            None
        })
        .unwrap();
        (outcome, lines)
    }

    #[test]
    fn both_streams_are_read_and_logged() {
        let (outcome, mut lines) = shell(
            "unit-streams",
            "echo out; echo err >&2; exit 3",
            Duration::from_secs(20),
        );
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
        assert!(!outcome.success());
        assert!(outcome.reason().contains('3'));
        let log = std::fs::read_to_string(&outcome.log).unwrap();
        assert!(log.contains("out\n") && log.contains("err\n"));
    }

    #[test]
    fn a_step_that_hangs_is_ended() {
        let (outcome, _) = shell("unit-hang", "sleep 1000", Duration::from_millis(300));
        assert!(outcome.timed_out);
        assert!(outcome.reason().starts_with("timed out"));
        assert!(outcome.elapsed < Duration::from_secs(20));
    }

    #[test]
    fn a_grandchild_that_keeps_the_pipe_does_not_hold_the_step() {
        let (outcome, lines) = shell("unit-orphan", "sleep 1000 & echo done", Duration::from_mins(2));
        assert!(outcome.success());
        assert_eq!(lines, ["done"]);
        assert!(outcome.elapsed < Duration::from_secs(30));
    }

    #[test]
    fn durations_read_like_a_person_would_say_them() {
        assert_eq!(duration(Duration::from_millis(420)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(12)), "12 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
    }
}
