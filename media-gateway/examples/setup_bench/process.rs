//! What Linux tells of processes and sockets.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

/// `utime` and `stime` count hundredths of a second on every Linux that matters (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// CPU that a process used so far, the kernel's part included.
pub fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the gateway runs");
    // The name before may hold spaces and brackets.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: u32 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u32>().unwrap())
        .sum();
    TICK * ticks
}

/// Resident memory of a process, in kB.
pub fn rss_kb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the gateway runs");
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .trim()
                .strip_suffix("kB")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap()
}

/// CPU that this thread used so far.
pub fn thread_cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// Datagrams that the kernel dropped because the socket's buffer was full.
pub fn udp_drops(address: SocketAddr) -> u64 {
    let wanted = format!(":{:04X}", address.port());
    fs::read_to_string("/proc/net/udp")
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields.get(1).is_some_and(|local| local.ends_with(&wanted)))
        .filter_map(|fields| fields.last()?.parse::<u64>().ok())
        .sum()
}
