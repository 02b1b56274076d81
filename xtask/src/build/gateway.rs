//! The native programs: the gateway and the simulated carrier.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::cargo;
use crate::paths::Paths;
use crate::ui::{self, Job};

/// Where the programs are after a build.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) gateway: PathBuf,
    pub(crate) pstn_sim: PathBuf,
}

/// Builds both. The dev profile is the default, because tests have built most of it already; a demo carries a
/// handful of calls, which unoptimised code does with ease. Figures are for `release` only.
pub(crate) fn build(paths: &Paths, release: bool) -> Result<Programs> {
    let mut command = cargo::native(paths);
    command.args(["build", "-p", "ponte-gateway", "-p", "ponte-pstn-sim", "--bins"]);
    if release {
        command.arg("--release");
    }
    let name = if release {
        "gateway, pstn-sim (release)"
    } else {
        "gateway, pstn-sim"
    };
    ui::run(
        paths,
        &Job {
            name,
            log: "build-native",
            timeout: Duration::from_mins(40),
        },
        &mut command,
    )?;
    let dir = paths
        .native_target
        .join(if release { "release" } else { "debug" });
    Ok(Programs {
        gateway: dir.join("ponte-gateway"),
        pstn_sim: dir.join("pstn-sim"),
    })
}
