//! Sockets under the SIP layer: UDP, TCP and TLS, bounded on every side.

mod stream;
mod tcp;
mod tls;
mod udp;

pub use tls::{TlsError, TlsFiles};

use bytes::Bytes;
use ponte_sip::{Flow, Transport};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Messages that wait for the driver. UDP beyond it is dropped, as the network would; TCP is not read meanwhile.
const INBOUND_QUEUE: usize = 8192;

/// What the sockets tell the driver.
#[derive(Debug)]
pub enum Inbound {
    Message {
        flow: Flow,
        bytes: Bytes,
    },
    /// The flow broke, or could not be opened.
    Failed(Flow),
}

/// Why a SIP socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for SIP on {address} ({transport}): {source}. {}", advice(.source))]
pub struct BindError {
    pub address: SocketAddr,
    pub transport: &'static str,
    pub source: std::io::Error,
}

fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "Another program holds this port: stop it, or set another address in sip.udp, sip.tcp or sip.tls_bind"
        }
        std::io::ErrorKind::AddrNotAvailable => {
            "No interface of this machine has this address: correct sip.udp, sip.tcp or sip.tls_bind"
        }
        std::io::ErrorKind::PermissionDenied => {
            "Ports below 1024 need CAP_NET_BIND_SERVICE: choose a higher one"
        }
        std::io::ErrorKind::InvalidData => "Check sip.tls_certificate and sip.tls_key",
        _ => "Check sip.udp, sip.tcp and sip.tls_bind",
    }
}

/// The SIP sockets of a gateway.
#[derive(Debug)]
pub struct SipSockets {
    udp: udp::UdpSockets,
    tcp: tcp::TcpSockets,
    tls: tls::TlsSockets,
}

/// One address to listen on, and the one that peers are told.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    pub transport: Transport,
    pub bind: SocketAddr,
    /// Written into Via and Contact; its port 0 stands for the port that was bound.
    pub advertised: SocketAddr,
}

impl SipSockets {
    /// Binds every address and begins to read. TLS needs `tls_files`.
    ///
    /// # Errors
    /// [`BindError`] says which address, and what to do.
    pub async fn open(
        listens: &[Listen],
        tls_files: Option<&TlsFiles>,
    ) -> Result<(Self, mpsc::Receiver<Inbound>), BindError> {
        let (sender, receiver) = mpsc::channel(INBOUND_QUEUE);
        let mut sockets = Self {
            udp: udp::UdpSockets::default(),
            tcp: tcp::TcpSockets::new(sender.clone()),
            tls: tls::TlsSockets::new(sender.clone()),
        };
        for listen in listens {
            let failed = |transport| {
                move |source| BindError {
                    address: listen.bind,
                    transport,
                    source,
                }
            };
            match listen.transport {
                Transport::Udp => sockets.udp.bind(*listen, &sender).await.map_err(failed("UDP"))?,
                Transport::Tcp => sockets.tcp.listen(*listen).await.map_err(failed("TCP"))?,
                Transport::Tls => {
                    let files = tls_files
                        .cloned()
                        .ok_or_else(|| failed("TLS")(std::io::ErrorKind::InvalidData.into()))?;
                    sockets.tls.listen(*listen, files).await.map_err(failed("TLS"))?;
                }
            }
        }
        Ok((sockets, receiver))
    }

    /// The address to put into a flow towards `transport`, if the gateway listens on it.
    pub fn local(&self, transport: Transport) -> Option<SocketAddr> {
        match transport {
            Transport::Udp => self.udp.local(),
            Transport::Tcp => self.tcp.local(),
            Transport::Tls => self.tls.local(),
        }
    }

    /// Sends one message. It never waits; what cannot be sent over a stream comes back as [`Inbound::Failed`], over UDP
    /// it is lost, and the SIP layer repeats it.
    pub fn send(&self, flow: Flow, bytes: Bytes) {
        match flow.transport {
            Transport::Udp => self.udp.send(flow, &bytes),
            Transport::Tcp => self.tcp.send(flow, bytes),
            Transport::Tls => self.tls.send(flow, bytes),
        }
    }
}

/// Tells a bound port to those who are told `0`.
fn advertised(listen: Listen, bound: SocketAddr) -> SocketAddr {
    let mut address = listen.advertised;
    if address.port() == 0 {
        address.set_port(bound.port());
    }
    address
}

/// A queue into the driver that readers share.
type InboundSender = mpsc::Sender<Inbound>;
/// A socket that its reader and the driver share.
type SharedUdp = Arc<tokio::net::UdpSocket>;
