//! Child processes in groups of their own, so that a stop reaches grandchildren too (wrangler's workerd,
//! Playwright's Chromium), and one flag that Ctrl-C sets.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static GROUPS: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// How long a group may take to end after SIGTERM before it gets SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// Makes Ctrl-C, SIGTERM and SIGHUP set the flag of [`interrupted`]; a second one ends everything at once.
pub(crate) fn install_handler() -> Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            for group in groups() {
                signal_group(group, Signal::SIGKILL);
            }
            std::process::exit(130);
        }
    })
    .context("cannot install the Ctrl-C handler")
}

/// True once the user asked to stop.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

fn groups() -> Vec<i32> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn signal_group(group: i32, signal: Signal) {
    // The group may be gone already: nothing to do then.
    let _ = killpg(Pid::from_raw(group), signal);
}

fn group_alive(group: i32) -> bool {
    killpg(Pid::from_raw(group), None).is_ok()
}

/// A child that leads its own process group. Dropping it ends the whole group.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    id: i32,
    /// Value of [`MARK`] in the environment of all descendants, also of those that left the group.
    mark: String,
}

/// Test runners start servers in groups of their own, and forget them when they are interrupted.
const MARK: &str = "PONTE_XTASK_GROUP";
static NEXT_MARK: AtomicU32 = AtomicU32::new(0);

impl Group {
    /// Starts `command` with no stdin, in a new process group.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let shown = describe(command);
        let mark = format!(
            "{}-{}",
            std::process::id(),
            NEXT_MARK.fetch_add(1, Ordering::Relaxed)
        );
        let child = command
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start `{shown}`"))?;
        let id = i32::try_from(child.id()).context("process id out of range")?;
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        Ok(Self { child, id, mark })
    }

    /// The child itself, to take its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The status of the leader if it has ended.
    pub(crate) fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot wait for a child process")
    }

    /// Ends the whole group at once, and what came of it.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }

    /// Asks the whole group to end, then makes it.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            // Reaping the leader is what lets the group id die.
            let _ = self.child.try_wait();
            if !self.anything_left() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        self.kill();
    }

    fn signal(&self, signal: Signal) {
        signal_group(self.id, signal);
        for process in marked(&self.mark) {
            // It may be gone already: nothing to do then.
            let _ = kill(Pid::from_raw(process), signal);
        }
    }

    fn anything_left(&self) -> bool {
        group_alive(self.id) || !marked(&self.mark).is_empty()
    }
}

/// Processes of this user whose environment carries the mark. None where there is no /proc.
fn marked(mark: &str) -> Vec<i32> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|id| {
            std::fs::read(format!("/proc/{id}/environ")).is_ok_and(|environ| {
                environ
                    .split(|byte| *byte == 0)
                    .any(|pair| pair == wanted.as_bytes())
            })
        })
        .collect()
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.anything_left() {
            self.stop();
        }
        GROUPS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|id| *id != self.id);
    }
}

/// The command line as one would type it, without its environment.
pub(crate) fn describe(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a short command wrote to stdout, trimmed; what it wrote to stderr, where it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", describe(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed: {}",
            describe(command),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The same, for a command that reads `input`.
pub(crate) fn output_with(command: &mut Command, input: &str) -> Result<String> {
    let shown = describe(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends without reading says why on its own.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!(
            "`{shown}` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What a short command wrote to stdout, trimmed; `None` if it could not run or failed.
pub(crate) fn capture(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Group, group_alive, marked};
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    /// A shell that starts a grandchild, says so, and waits.
    fn family() -> Group {
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 1000 & echo up; wait"])
            .stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let mut line = String::new();
        BufReader::new(group.child().stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "up\n");
        group
    }

    #[test]
    fn stopping_reaches_grandchildren() {
        let mut group = family();
        assert!(group_alive(group.id));
        group.stop();
        assert!(!group_alive(group.id));
    }

    #[test]
    fn stopping_reaches_those_who_left_the_group_and_lost_their_parent() {
        let mut command = Command::new("sh");
        command
            .args(["-c", "setsid sleep 1000 & echo up"])
            .stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let mut line = String::new();
        BufReader::new(group.child().stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        group.child().wait().unwrap();
        assert_eq!(marked(&group.mark).len(), 1);
        let mark = group.mark.clone();
        drop(group);
        assert!(marked(&mark).is_empty());
    }

    #[test]
    fn dropping_stops() {
        let group = family();
        let id = group.id;
        drop(group);
        assert!(!group_alive(id));
    }
}
