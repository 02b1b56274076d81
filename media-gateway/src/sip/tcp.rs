//! SIP over TCP: connections accepted, and opened on demand.

use super::stream::{self, Connections, Slot};
use super::{InboundSender, Listen, advertised};
use bytes::Bytes;
use ponte_sip::{Flow, Transport};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct TcpSockets {
    local: Option<SocketAddr>,
    connections: Connections,
}

impl TcpSockets {
    pub(super) fn new(inbound: InboundSender) -> Self {
        Self {
            local: None,
            connections: Connections::new(Transport::Tcp, "tcp", inbound),
        }
    }

    pub(super) async fn listen(&mut self, listen: Listen) -> std::io::Result<()> {
        let listener = TcpListener::bind(listen.bind).await?;
        let local = advertised(listen, listener.local_addr()?);
        self.local.get_or_insert(local);
        tokio::spawn(stream::accept(
            listener,
            local,
            self.connections.clone(),
            |stream, slot| {
                tokio::spawn(slot.serve(stream, true));
            },
        ));
        Ok(())
    }

    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    pub(super) fn send(&self, flow: Flow, bytes: Bytes) {
        self.connections.send(
            flow,
            bytes,
            Some(|slot| {
                tokio::spawn(connect(slot));
            }),
        );
    }
}

async fn connect(slot: Slot) {
    match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(slot.remote())).await {
        Ok(Ok(stream)) => {
            stream::prepare(&stream);
            slot.serve(stream, false).await;
        }
        failed => {
            tracing::debug!(remote = %slot.remote(), timed_out = failed.is_err(), "a SIP connection failed");
            slot.end().await;
        }
    }
}
