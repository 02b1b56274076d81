//! `pstn-sim`: the simulator as a program.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use ponte_pstn_sim::{Config, Simulator};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};
use tracing_subscriber::EnvFilter;

/// A small carrier on SIP with telephones behind its numbers, for demos and tests. It serves this machine only.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// TOML file with trunks and numbers; the demo's telephones where it is not given.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Address of the first trunk, UDP and TCP.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Address of the second trunk, UDP and TCP.
    #[arg(long)]
    second_listen: Option<SocketAddr>,
    /// Address of the control API.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// SIP address of the gateway that telephones call where an order names nobody.
    #[arg(long)]
    gateway: Option<SocketAddr>,
}

impl Arguments {
    fn config(&self) -> anyhow::Result<Config> {
        let mut config = match &self.config {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        if let Some(control) = self.control {
            config.control = control;
        }
        config.gateway = self.gateway.or(config.gateway);
        for (place, listen) in [self.listen, self.second_listen].into_iter().enumerate() {
            if let Some(listen) = listen {
                config
                    .trunks
                    .get_mut(place)
                    .context("the configuration has no second trunk to listen for")?
                    .listen = listen;
            }
        }
        Ok(config)
    }
}

/// `RUST_LOG`, else `info`. The SIP stack logs whole messages, with numbers and credentials: only its errors pass.
fn filter() -> anyhow::Result<EnvFilter> {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(wanted).context("RUST_LOG")?;
    Ok(filter.add_directive("rsipstack=error".parse()?))
}

/// The telephones stand for machines of their own: this one's other work must not make gaps in what they say and hear.
/// Where the system forbids it they run like everything else.
fn prefer_this_thread() {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_start(prefer_this_thread)
        .build()?
        .block_on(run(arguments))
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(filter()?)
        .with_writer(std::io::stderr)
        .init();
    let config = arguments.config()?;
    let names: Vec<String> = config.trunks.iter().map(|trunk| trunk.name.clone()).collect();
    let simulator = Simulator::start(config).await?;
    let trunks: Vec<String> = names
        .iter()
        .filter_map(|name| Some(format!("{name} {}", simulator.trunk_addr(name)?)))
        .collect();
    println!(
        "pstn-sim ready: trunks {}; control http://{}",
        trunks.join(", "),
        simulator.control_addr()
    );
    stop_signal().await?;
    simulator.shutdown().await;
    Ok(())
}

async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
