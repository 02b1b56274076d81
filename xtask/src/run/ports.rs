//! Ports on loopback: the usual one if it is free, else the next that is.

use std::net::{TcpListener, UdpSocket};

use anyhow::{Context, Result, bail};

/// How many ports after the usual one are tried.
const TRIES: u16 = 200;

/// True if `port` is free on 127.0.0.1 for TCP and UDP.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
}

/// Hands out ports, none twice.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    taken: Vec<u16>,
}

impl Ports {
    /// The first free port from `usual` on.
    pub(crate) fn near(&mut self, usual: u16) -> Result<u16> {
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
    use super::Ports;
    use std::net::TcpListener;

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
