//! The whole of Ponte with a simulated carrier: ports, configuration, order of start.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::ports::{Ports, Slot};
use super::service::{Health, Service};
use crate::build::{self, gateway::Programs};
use crate::paths::Paths;
use crate::setup::{NodeFolder, Tools};
use crate::ui;

/// The site of the demo.
pub(crate) const SITE: &str = "demo";

/// Where each part listens, all on 127.0.0.1.
#[derive(Debug)]
pub(crate) struct Listens {
    pub(crate) edge: u16,
    pub(crate) inspector: u16,
    pub(crate) sip: u16,
    pub(crate) metrics: u16,
    pub(crate) trunk: u16,
    pub(crate) second_trunk: u16,
    pub(crate) carrier: u16,
    /// Audio of browsers.
    pub(crate) webrtc: u16,
    /// First of `MEDIA_PORTS` ports.
    pub(crate) media: u16,
    /// Keeps other stacks of this machine off these ports.
    slot: Slot,
}

/// Room for 100 legs, RTP and RTCP.
const MEDIA_PORTS: u16 = 200;

impl Listens {
    /// Takes the usual ports where they are free; `edge` is taken as given or refused.
    pub(crate) fn choose(edge: Option<u16>) -> Result<Self> {
        let slot = Slot::take(21_000, MEDIA_PORTS)?;
        let mut ports = Ports::after(slot.number());
        Ok(Self {
            edge: match edge {
                Some(port) => ports.exactly(port)?,
                None => ports.near(8787)?,
            },
            inspector: ports.near(9329)?,
            sip: ports.near(15_060)?,
            metrics: ports.near(19_090)?,
            trunk: ports.near(15_070)?,
            second_trunk: ports.near(15_080)?,
            carrier: ports.near(18_089)?,
            webrtc: ports.near(13_479)?,
            media: slot.first(),
            slot,
        })
    }

    /// The log of a service; each stack of this machine has its own.
    fn log(&self, paths: &Paths, service: &str) -> PathBuf {
        match self.slot.number() {
            0 => paths.log(&format!("demo-{service}")),
            number => paths.log(&format!("demo-{service}-{}", number + 1)),
        }
    }
}

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) listens: Listens,
    pub(crate) data: PathBuf,
    pub(crate) programs: Programs,
    services: Vec<Service>,
}

impl Stack {
    /// Writes the configuration into `data` and describes the services; nothing runs yet.
    pub(crate) fn prepare(
        paths: &Paths,
        tools: &Tools,
        programs: Programs,
        data: PathBuf,
        listens: Listens,
        push_service: Option<&str>,
    ) -> Result<Self> {
        fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
        let key = site_key(&data)?;
        fs::write(data.join("edge.env"), edge_variables(&key, push_service))?;
        fs::write(data.join("ponte.toml"), gateway_config(&listens))?;

        let carrier = carrier(paths, &programs, &listens)?;
        let edge = edge(paths, tools, &data, &listens)?;
        let gateway = gateway(paths, &programs, &data, &listens)?;
        Ok(Self {
            listens,
            data,
            programs,
            services: vec![carrier, edge, gateway],
        })
    }

    /// The address of the portal.
    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.listens.edge)
    }

    /// Starts everything in order; each is ready before the next one starts.
    pub(crate) fn start(&mut self) -> Result<()> {
        for service in &mut self.services {
            let started = std::time::Instant::now();
            service.start()?;
            ui::done(
                service.name,
                &format!("ready in {}", ui::duration(started.elapsed())),
            );
        }
        Ok(())
    }

    /// The service of this name.
    pub(crate) fn service(&mut self, name: &str) -> Result<&mut Service> {
        match self.services.iter_mut().find(|service| service.name == name) {
            Some(service) => Ok(service),
            None => bail!("there is no service `{name}`"),
        }
    }

    /// Fails if a service ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        for service in &mut self.services {
            if let Some(status) = service.ended()? {
                bail!("{} ended by itself ({status})\n{}", service.name, service.tail());
            }
        }
        Ok(())
    }

    /// Stops everything, last started first.
    pub(crate) fn stop(&mut self) {
        for service in self.services.iter_mut().rev() {
            service.stop();
        }
    }

    /// Each service's name and log.
    pub(crate) fn logs(&self) -> Vec<(&'static str, PathBuf)> {
        self.services
            .iter()
            .map(|service| (service.name, service.log.clone()))
            .collect()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.stop();
    }
}

fn carrier(paths: &Paths, programs: &Programs, listens: &Listens) -> Result<Service> {
    let mut command = Command::new(&programs.pstn_sim);
    command
        .args(["--listen", &loopback(listens.trunk)])
        .args(["--second-listen", &loopback(listens.second_trunk)])
        .args(["--control", &loopback(listens.carrier)])
        .args(["--gateway", &loopback(listens.sip)]);
    Service::new(
        "carrier",
        &command,
        listens.log(paths, "carrier"),
        Health {
            port: listens.carrier,
            path: "/health",
        },
    )
}

fn edge(paths: &Paths, tools: &Tools, data: &Path, listens: &Listens) -> Result<Service> {
    let mut command = tools.node_command(NodeFolder::Edge, "wrangler")?;
    command
        .args([
            "dev",
            "--local",
            "--show-interactive-dev-session=false",
            "--ip",
            "127.0.0.1",
        ])
        .args(["--port", &listens.edge.to_string()])
        .args(["--inspector-port", &listens.inspector.to_string()])
        .arg("--persist-to")
        .arg(data.join("edge"))
        .arg("--env-file")
        .arg(data.join("edge.env"))
        .env("CI", "1")
        .current_dir(build::edge::folder(paths));
    Service::new(
        "edge",
        &command,
        listens.log(paths, "edge"),
        Health {
            port: listens.edge,
            path: "/api/health",
        },
    )
}

fn gateway(paths: &Paths, programs: &Programs, data: &Path, listens: &Listens) -> Result<Service> {
    let mut command = Command::new(&programs.gateway);
    command
        .arg("--config")
        .arg(data.join("ponte.toml"))
        .arg("run")
        .current_dir(data);
    Service::new(
        "gateway",
        &command,
        listens.log(paths, "gateway"),
        Health {
            port: listens.metrics,
            path: "/health",
        },
    )
}

fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// The site's key: made once for each data folder, 32 bytes in hexadecimal.
fn site_key(data: &Path) -> Result<String> {
    let file = data.join("site.key");
    if let Ok(key) = fs::read_to_string(&file) {
        return Ok(key.trim().to_owned());
    }
    let mut bytes = [0_u8; 32];
    let mut random = fs::File::open("/dev/urandom").context("no /dev/urandom")?;
    std::io::Read::read_exact(&mut random, &mut bytes)?;
    let key = bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        // Writing into a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut file| file.write_all(key.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(key)
}

fn edge_variables(key: &str, push_service: Option<&str>) -> String {
    let keys = format!("LINK_KEYS='{{\"{SITE}\":\"{key}\"}}'\n");
    let exempt = push_service.map(|origin| format!("PUSH_TEST_ORIGIN='{origin}'\n"));
    keys + &exempt.unwrap_or_default()
}

fn gateway_config(listens: &Listens) -> String {
    let Listens {
        edge,
        sip,
        metrics,
        trunk,
        second_trunk,
        webrtc,
        media,
        ..
    } = listens;
    let last = media + MEDIA_PORTS - 1;
    format!(
        "# Written by `cargo xtask demo` at each start.
[site]
name = \"{SITE}\"
country = \"IT\"
language = \"en\"
own_numbers = [\"+390212345200..+390212345299\"]
extensions = [\"2xx\"]
# Paris is left out, to show what a refusal looks like.
default_restrictions = [\"allow +39\", \"allow +44\", \"allow +49\", \"allow +1\"]

[sip]
udp = [\"127.0.0.1:{sip}\"]
tcp = [\"127.0.0.1:{sip}\"]

[media]
bind_ip = \"127.0.0.1\"
ports = \"{media}-{last}\"

[webrtc]
listen = [\"127.0.0.1:{webrtc}\"]

[[trunk]]
name = \"main\"
address = \"127.0.0.1:{trunk}\"

[[trunk]]
name = \"second\"
address = \"127.0.0.1:{second_trunk}\"

[edge]
url = \"ws://127.0.0.1:{edge}/link\"
portal_url = \"http://localhost:{edge}\"
key_file = \"site.key\"

[metrics]
listen = \"127.0.0.1:{metrics}\"

[store]
data_folder = \"gateway\"
"
    )
}
