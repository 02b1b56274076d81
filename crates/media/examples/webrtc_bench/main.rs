//! What browsers cost the media plane, and what they and their telephones hear when the network is bad.
//!
//! `cargo run --release -p ponte-media --example webrtc_bench -- [loss] [roam] [flood] [cost]`
//!
//! As root all but the cost is measured in a network namespace made for it, where the browser has an address of its own that
//! is taken away from it; else on loopback, where the address before stays. Prints one JSON object.

mod call;
mod cost;
mod flood;
mod loss;
mod path;
mod peer;
mod roam;
mod score;
mod sound;
#[path = "../support/mod.rs"]
mod support;

use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, ExitCode};

pub use support::Failure;

const INSIDE: &str = "--inside";
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 73, 0, 1);

fn main() -> Result<ExitCode, Failure> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--serve") {
        cost::serve()?;
        return Ok(ExitCode::SUCCESS);
    }
    let inside = arguments.first().is_some_and(|first| first == INSIDE);
    if inside {
        arguments.remove(0);
    } else if let Some(namespace) = Namespace::make() {
        return namespace.run(&arguments);
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    let (gateway, browser) = if inside {
        (IpAddr::V4(GATEWAY), address(0))
    } else {
        (
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V4(Ipv4Addr::new(127, 0, 1, 1)),
        )
    };
    let mut parts = vec![format!("\"network_namespace\":{inside}")];
    if wanted("loss") {
        eprintln!(
            "| codec | way | loss | jitter | tone whole | longest gap | segmental SNR | beside no loss |"
        );
        parts.push(format!("\"loss\":{}", loss::measure(gateway)?));
    }
    if wanted("roam") {
        let change = |round: usize| -> Result<IpAddr, Failure> {
            if !inside {
                return Ok(IpAddr::V4(Ipv4Addr::new(127, 0, 1, 2 + round as u8)));
            }
            ip(&["addr", "del", &format!("{}/32", address(round)), "dev", "lo"])?;
            let next = address(round + 1);
            ip(&["addr", "add", &format!("{next}/32"), "dev", "lo"])?;
            Ok(next)
        };
        parts.push(format!(
            "\"address_change\":{}",
            roam::measure(browser, gateway, &change)?
        ));
    }
    if wanted("flood") {
        let browser = if inside { gateway } else { browser };
        parts.push(format!("\"flood\":{}", flood::measure(browser, gateway)?));
    }
    if wanted("cost") {
        parts.push(format!("\"cost\":{}", cost::measure()?));
    }
    println!("{{{}}}", parts.join(","));
    Ok(ExitCode::SUCCESS)
}

/// The browser's address in a round.
fn address(round: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 73, 1, 1 + round as u8))
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    let output = Command::new("ip").args(arguments).output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "ip {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        )
        .into())
    }
}

/// A network namespace with a gateway's and a browser's address; gone with the value.
struct Namespace(String);

impl Namespace {
    /// `None` where this is not allowed.
    fn make() -> Option<Self> {
        let name = format!("ponte-bench-{}", std::process::id());
        ip(&["netns", "add", &name]).ok()?;
        let namespace = Self(name);
        let of_loopback = |address: IpAddr| {
            ip(&[
                "-n",
                &namespace.0,
                "addr",
                "add",
                &format!("{address}/32"),
                "dev",
                "lo",
            ])
        };
        ip(&["-n", &namespace.0, "link", "set", "lo", "up"]).ok()?;
        of_loopback(IpAddr::V4(GATEWAY)).ok()?;
        of_loopback(address(0)).ok()?;
        Some(namespace)
    }

    /// Runs this program in it.
    fn run(&self, arguments: &[String]) -> Result<ExitCode, Failure> {
        let status = Command::new("ip")
            .args(["netns", "exec", &self.0])
            .arg(std::env::current_exe()?)
            .arg(INSIDE)
            .args(arguments)
            .status()?;
        Ok(if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(ip(&["netns", "del", &self.0]));
    }
}
