//! Ports on loopback: the usual one if it is free, else the next that is.

use std::fs::File;
use std::net::{TcpListener, UdpSocket};

use anyhow::{Context, Result, bail};

/// How many ports after the usual one are tried.
const TRIES: u16 = 200;

/// True if `port` is free on 127.0.0.1 for TCP and UDP.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
}

/// How many stacks may be up at once on one machine.
const SLOTS: u16 = 20;

/// A range of ports for one stack, which no other stack takes while this one lives: audio ports are free until a call
/// is up, so that a look at them would not tell.
#[derive(Debug)]
pub(crate) struct Slot {
    number: u16,
    first: u16,
    _lock: File,
}

impl Slot {
    /// The first free range of `length` ports from `first` on.
    pub(crate) fn take(first: u16, length: u16) -> Result<Self> {
        for number in 0..SLOTS {
            let first = first + number * length;
            let path = std::env::temp_dir().join(format!("ponte-ports-{first}.lock"));
            // One of another user cannot be opened: its range is taken.
            let Ok(lock) = File::create(&path) else {
                continue;
            };
            if lock.try_lock().is_ok() && (first..first + length).all(is_free) {
                return Ok(Self {
                    number,
                    first,
                    _lock: lock,
                });
            }
        }
        bail!("no {length} free ports from {first} on: other stacks or programs use them (`ss -lnup`)")
    }

    /// Which of the ranges it is, from 0.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// The first port of the range.
    pub(crate) fn first(&self) -> u16 {
        self.first
    }
}

/// Hands out ports, none twice.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    taken: Vec<u16>,
    /// Added to every usual port, so that two stacks that start at the same moment do not choose the same.
    offset: u16,
}

impl Ports {
    /// For the stack in this slot.
    pub(crate) fn after(slot: u16) -> Self {
        Self {
            taken: Vec::new(),
            offset: slot,
        }
    }

    /// The first free port from `usual` on.
    pub(crate) fn near(&mut self, usual: u16) -> Result<u16> {
        let usual = usual + self.offset;
        let port = (usual..usual.saturating_add(TRIES))
            .find(|port| !self.taken.contains(port) && is_free(*port))
            .with_context(|| format!("no free port on 127.0.0.1 from {usual} on"))?;
        self.taken.push(port);
        Ok(port)
    }

    /// Exactly this port, because the user asked for it.
    pub(crate) fn exactly(&mut self, port: u16) -> Result<u16> {
        if !is_free(port) {
            bail!("port {port} is in use: stop what listens there (`ss -ltnup`), or give another --port");
        }
        self.taken.push(port);
        Ok(port)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ports, Slot};
    use std::net::TcpListener;

    #[test]
    fn two_stacks_have_ranges_of_their_own() {
        let first = Slot::take(28_600, 10).unwrap();
        let second = Slot::take(28_600, 10).unwrap();
        assert!(second.first() >= first.first() + 10);
        assert_ne!(first.number(), second.number());
        let freed = first.first();
        drop(first);
        assert_eq!(Slot::take(28_600, 10).unwrap().first(), freed);
    }

    #[test]
    fn a_port_in_use_is_passed_over_or_refused() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let used = listener.local_addr().unwrap().port();
        assert!(Ports::default().exactly(used).is_err());
        if let Ok(port) = Ports::default().near(used) {
            assert_ne!(port, used);
        }
    }

    #[test]
    fn no_port_is_handed_out_twice() {
        let mut ports = Ports::default();
        let first = ports.near(28_500).unwrap();
        let second = ports.near(28_500).unwrap();
        assert_ne!(first, second);
    }
}
