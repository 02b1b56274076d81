//! SIP over TCP: connections by the peer's address, opened on demand.

use super::{Inbound, InboundSender, Listen, advertised};
use bytes::Bytes;
use ponte_sip::{Flow, StreamFramer, Transport};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const CONNECTIONS_MAX: usize = 1024;
const WRITE_QUEUE: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that keeps a connection sends something, if only a keep-alive (RFC 5626 section 4.4.1), within this time.
const IDLE_TIMEOUT: Duration = Duration::from_mins(15);
const MESSAGE_MAX: usize = 65_535;

type Writers = Arc<Mutex<HashMap<SocketAddr, mpsc::Sender<Bytes>>>>;

#[derive(Debug)]
pub(super) struct TcpConnections {
    local: Option<SocketAddr>,
    writers: Writers,
    sender: InboundSender,
}

impl TcpConnections {
    pub(super) fn new(sender: InboundSender) -> Self {
        Self {
            local: None,
            writers: Writers::default(),
            sender,
        }
    }

    pub(super) async fn listen(&mut self, listen: Listen) -> std::io::Result<()> {
        let listener = TcpListener::bind(listen.bind).await?;
        let local = advertised(listen, listener.local_addr()?);
        self.local.get_or_insert(local);
        tokio::spawn(accept(
            listener,
            local,
            Arc::clone(&self.writers),
            self.sender.clone(),
        ));
        Ok(())
    }

    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    pub(super) fn send(&self, flow: Flow, bytes: Bytes) {
        let writer = {
            let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
            match writers.get(&flow.remote) {
                Some(writer) if !writer.is_closed() => writer.clone(),
                _ if writers.len() >= CONNECTIONS_MAX => return self.failed(flow),
                _ => {
                    let (writer, queue) = mpsc::channel(WRITE_QUEUE);
                    writers.insert(flow.remote, writer.clone());
                    tokio::spawn(connect(
                        flow,
                        queue,
                        Arc::clone(&self.writers),
                        self.sender.clone(),
                    ));
                    writer
                }
            }
        };
        if writer.try_send(bytes).is_err() {
            self.failed(flow);
        }
    }

    fn failed(&self, flow: Flow) {
        metrics::counter!("ponte_sip_send_errors_total", "transport" => "tcp").increment(1);
        let sender = self.sender.clone();
        tokio::spawn(async move { sender.send(Inbound::Failed(flow)).await });
    }
}

async fn accept(listener: TcpListener, local: SocketAddr, writers: Writers, sender: InboundSender) {
    while !sender.is_closed() {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, as a rule: give others time to close theirs.
                tracing::warn!(%error, "a SIP connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let (writer, queue) = mpsc::channel(WRITE_QUEUE);
        {
            let mut open = writers.lock().unwrap_or_else(PoisonError::into_inner);
            if open.len() >= CONNECTIONS_MAX {
                metrics::counter!("ponte_sip_dropped_total", "transport" => "tcp").increment(1);
                continue;
            }
            open.insert(remote, writer.clone());
        }
        let flow = Flow {
            transport: Transport::Tcp,
            local,
            remote,
        };
        tokio::spawn(serve(
            stream,
            flow,
            writer,
            queue,
            Arc::clone(&writers),
            sender.clone(),
        ));
    }
}

async fn connect(flow: Flow, queue: mpsc::Receiver<Bytes>, writers: Writers, sender: InboundSender) {
    match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(flow.remote)).await {
        Ok(Ok(stream)) => {
            let own = writers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&flow.remote)
                .cloned();
            if let Some(own) = own {
                serve(stream, flow, own, queue, writers, sender).await;
            }
        }
        failed => {
            tracing::debug!(remote = %flow.remote, timed_out = failed.is_err(), "a SIP connection failed");
            drop(queue);
            remove_closed(&writers, flow.remote);
            drop(sender.send(Inbound::Failed(flow)).await);
        }
    }
}

/// Serves one connection to its end; `pongs` answers keep-alives through the same queue as everything else.
async fn serve(
    stream: TcpStream,
    flow: Flow,
    pongs: mpsc::Sender<Bytes>,
    queue: mpsc::Receiver<Bytes>,
    writers: Writers,
    sender: InboundSender,
) {
    drop(stream.set_nodelay(true));
    let (read_half, write_half) = stream.into_split();
    tokio::select! {
        () = read(read_half, flow, &pongs, &sender) => {}
        () = write(write_half, queue) => {}
    }
    drop(pongs);
    remove_closed(&writers, flow.remote);
    drop(sender.send(Inbound::Failed(flow)).await);
}

/// Removes the writer whose connection is over, but not a newer one to the same address.
fn remove_closed(writers: &Writers, remote: SocketAddr) {
    let mut writers = writers.lock().unwrap_or_else(PoisonError::into_inner);
    if writers.get(&remote).is_some_and(mpsc::Sender::is_closed) {
        writers.remove(&remote);
    }
}

async fn read(mut stream: OwnedReadHalf, flow: Flow, pongs: &mpsc::Sender<Bytes>, sender: &InboundSender) {
    let mut framer = StreamFramer::new(MESSAGE_MAX);
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = match tokio::time::timeout(IDLE_TIMEOUT, stream.read(&mut buffer)).await {
            Ok(Ok(length)) if length > 0 => length,
            _ => return,
        };
        framer.push(&buffer[..length]);
        loop {
            match framer.next_frame() {
                Ok(Some(ponte_sip::framer::Frame::Message(bytes))) => {
                    if sender.send(Inbound::Message { flow, bytes }).await.is_err() {
                        return;
                    }
                }
                Ok(Some(ponte_sip::framer::Frame::Ping)) => drop(pongs.try_send(Bytes::from_static(b"\r\n"))),
                Ok(None) => break,
                // Nothing after a broken frame can be told apart (RFC 3261 section 18.3).
                Err(error) => {
                    tracing::debug!(%error, remote = %flow.remote, "a SIP stream could not be framed");
                    return;
                }
            }
        }
    }
}

async fn write(mut stream: OwnedWriteHalf, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = queue.recv().await {
        match tokio::time::timeout(WRITE_TIMEOUT, stream.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}
