//! SIP over UDP.

use super::{Inbound, InboundSender, Listen, SharedUdp, advertised};
use bytes::Bytes;
use ponte_sip::{Flow, Transport};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;

/// The largest UDP payload there is.
const DATAGRAM_MAX: usize = 65_535;

#[derive(Debug, Default)]
pub(super) struct UdpSockets {
    /// By the address that peers are told.
    sockets: Vec<(SocketAddr, SharedUdp)>,
}

impl UdpSockets {
    pub(super) async fn bind(&mut self, listen: Listen, sender: &InboundSender) -> std::io::Result<()> {
        let socket = Arc::new(UdpSocket::bind(listen.bind).await?);
        let local = advertised(listen, socket.local_addr()?);
        tokio::spawn(read(Arc::clone(&socket), local, sender.clone()));
        self.sockets.push((local, socket));
        Ok(())
    }

    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.sockets.first().map(|(local, _)| *local)
    }

    pub(super) fn send(&self, flow: Flow, bytes: &Bytes) {
        let socket = self
            .sockets
            .iter()
            .find(|(local, _)| *local == flow.local)
            .or(self.sockets.first());
        if let Some((_, socket)) = socket
            && let Err(error) = socket.try_send_to(bytes, flow.remote)
        {
            metrics::counter!("ponte_sip_send_errors_total", "transport" => "udp").increment(1);
            tracing::debug!(%error, remote = %flow.remote, "a SIP datagram was not sent");
        }
    }
}

async fn read(socket: SharedUdp, local: SocketAddr, sender: InboundSender) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, remote)) => {
                let flow = Flow {
                    transport: Transport::Udp,
                    local,
                    remote,
                };
                let message = Inbound::Message {
                    flow,
                    bytes: Bytes::copy_from_slice(&buffer[..length]),
                };
                match sender.try_send(message) {
                    Ok(()) => {}
                    Err(tokio::sync::mpsc::error::TrySendError::Full(_)) => {
                        metrics::counter!("ponte_sip_dropped_total", "transport" => "udp").increment(1);
                    }
                    Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => return,
                }
            }
            // An ICMP error of an earlier send; the socket itself is well.
            Err(error) => {
                tracing::debug!(%error, "SIP over UDP");
                if sender.is_closed() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    }
}
