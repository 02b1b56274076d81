//! Programs that come from the system's packages: Debian's are installed here, others are named.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Needs;
use crate::paths::{Paths, which};
use crate::process;
use crate::ui::{self, Job};

/// A program and where it comes from.
struct Program {
    /// Any of these will do.
    binaries: &'static [&'static str],
    package: &'static str,
    purpose: &'static str,
    used: Used,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Used {
    /// Nothing builds without it.
    Always,
    BrowserTests,
    SipTests,
}

const PROGRAMS: [Program; 7] = [
    Program {
        binaries: &["cc"],
        package: "build-essential",
        purpose: "links every program",
        used: Used::Always,
    },
    Program {
        binaries: &["cmake"],
        package: "cmake",
        purpose: "builds libopus and aws-lc",
        used: Used::Always,
    },
    Program {
        binaries: &["pkg-config"],
        package: "pkg-config",
        purpose: "finds system libraries",
        used: Used::Always,
    },
    Program {
        binaries: &["git"],
        package: "git",
        purpose: "lists the files of the checkout",
        used: Used::Always,
    },
    Program {
        binaries: &["chromium", "chromium-browser", "google-chrome"],
        package: "chromium",
        purpose: "runs the portal in tests",
        used: Used::BrowserTests,
    },
    Program {
        binaries: &["sipp"],
        package: "sip-tester",
        purpose: "SIP peer in tests",
        used: Used::SipTests,
    },
    Program {
        binaries: &["baresip"],
        package: "baresip-core",
        purpose: "SIP peer in tests",
        used: Used::SipTests,
    },
];

impl Program {
    fn found(&self) -> bool {
        self.binaries.iter().any(|name| which(name).is_some())
    }

    fn wanted(&self, needs: Needs) -> bool {
        match self.used {
            Used::Always => true,
            Used::BrowserTests => needs.browser,
            Used::SipTests => needs.sip_peers,
        }
    }
}

/// The browser that tests use: `PONTE_CHROMIUM`, or the first one on the PATH.
pub(crate) fn chromium() -> Option<std::path::PathBuf> {
    std::env::var_os("PONTE_CHROMIUM").map(Into::into).or_else(|| {
        ["chromium", "chromium-browser", "google-chrome"]
            .iter()
            .find_map(|name| which(name))
    })
}

/// Installs the missing programs that `needs` asks for.
pub(crate) fn ensure(paths: &Paths, needs: Needs) -> Result<()> {
    let missing: Vec<&Program> = PROGRAMS
        .iter()
        .filter(|program| program.wanted(needs) && !program.found())
        .collect();
    if missing.is_empty() {
        ui::done("system packages", "");
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|program| program.package).collect();
    match install(paths, &packages) {
        Ok(()) => {}
        Err(error) if missing.iter().any(|program| program.used == Used::Always) => return Err(error),
        // The suites that need these say so themselves.
        Err(error) => ui::note("system packages", &format!("{error:#}")),
    }
    Ok(())
}

/// Installs Debian packages, as root or through sudo that asks for no password.
pub(crate) fn install(paths: &Paths, packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if which("apt-get").is_none() {
        bail!("missing: {list} (Debian's names). Install them with this system's package manager");
    }
    if privileged("true").is_none() {
        bail!("missing: {list}. Run `sudo apt-get install {list}`, then the same command again");
    }
    let mut fresh = false;
    if !available(packages) {
        update(paths)?;
        fresh = true;
    }
    let name = format!("apt-get install {list}");
    let mut args = vec!["install", "-q", "-y", "--no-install-recommends"];
    args.extend(packages);
    let first = apt_get(paths, &name, "setup-apt-install", &args);
    if first.is_err() && !fresh {
        // Old package lists name files that the mirror no longer has.
        update(paths)?;
        return apt_get(paths, &name, "setup-apt-install", &args);
    }
    first
}

pub(super) fn update(paths: &Paths) -> Result<()> {
    apt_get(paths, "apt-get update", "setup-apt-update", &["update", "-q"])
}

pub(super) fn available(packages: &[&str]) -> bool {
    process::capture(
        Command::new("apt-cache")
            .args(["show", "--no-all-versions"])
            .args(packages),
    )
    .is_some()
}

fn apt_get(paths: &Paths, name: &str, log: &str, args: &[&str]) -> Result<()> {
    let Some(mut command) = privileged("apt-get") else {
        bail!("`{name}` needs root");
    };
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    ui::run(
        paths,
        &Job {
            name,
            log,
            timeout: Duration::from_mins(20),
        },
        &mut command,
    )
}

/// `program` with root's rights, or `None` where they cannot be had without a password.
pub(crate) fn privileged(program: &str) -> Option<Command> {
    if nix::unistd::geteuid().is_root() {
        return Some(Command::new(program));
    }
    which("sudo")?;
    process::capture(Command::new("sudo").args(["-n", "true"]))?;
    let mut command = Command::new("sudo");
    command.args(["-n", "--preserve-env=DEBIAN_FRONTEND", program]);
    Some(command)
}

/// Prints which programs are here.
pub(crate) fn report() -> bool {
    let mut complete = true;
    for program in &PROGRAMS {
        if let Some(path) = program.binaries.iter().find_map(|name| which(name)) {
            ui::done(program.package, &path.display().to_string());
        } else {
            complete = false;
            ui::failed(program.package, &format!("missing ({})", program.purpose));
        }
    }
    complete
}
