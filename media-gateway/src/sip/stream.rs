//! SIP over streams: what TCP and TLS have in common. Connections are known by the peer's address.

use super::{Inbound, InboundSender};
use bytes::Bytes;
use ponte_sip::framer::Frame;
use ponte_sip::{Flow, StreamFramer, Transport};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

/// Connections of one transport.
const CONNECTIONS_MAX: usize = 4096;
/// Connections of one address: an office behind a NAT, but not the whole table.
const CONNECTIONS_PER_ADDRESS: usize = 512;
const WRITE_QUEUE: usize = 256;
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The first message of an accepted connection comes within this time, or nobody speaks SIP there.
const FIRST_MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longer than any registration, which the connection carries: a telephone that neither refreshes it nor sends
/// keep-alives is gone.
const IDLE_TIMEOUT: Duration = Duration::from_hours(25);
/// Probes on a silent connection, so that one whose telephone lost its power ends long before.
const PROBE_AFTER: Duration = Duration::from_mins(1);
const PROBE_EVERY: Duration = Duration::from_secs(20);
/// How long a connection whose next message cannot be found stays open, for the answer to the one that is at fault.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// Above what the user agent takes, so that it can answer 513 and the connection goes on.
const MESSAGE_MAX: usize = 128 * 1024;

/// One connection, as its senders see it.
#[derive(Clone, Debug)]
struct Connection {
    queue: mpsc::Sender<Bytes>,
    close: Arc<Notify>,
}

/// The open connections of one transport. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    transport: Transport,
    label: &'static str,
    open: Arc<Mutex<HashMap<SocketAddr, Connection>>>,
    inbound: InboundSender,
}

/// A place in the table, for the task that serves the connection. Its end takes the place away and tells the driver.
pub(super) struct Slot {
    connections: Connections,
    flow: Flow,
    own: Connection,
    queue: mpsc::Receiver<Bytes>,
}

impl Connections {
    pub(super) fn new(transport: Transport, label: &'static str, inbound: InboundSender) -> Self {
        Self {
            transport,
            label,
            open: Arc::default(),
            inbound,
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<SocketAddr, Connection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a message on the connection to `flow.remote`. Where there is none, `connect` may begin one with the slot
    /// it is given; without it the flow has failed.
    pub(super) fn send(&self, flow: Flow, bytes: Bytes, connect: Option<impl FnOnce(Slot)>) {
        let (connection, slot) = {
            let mut open = self.table();
            match (open.get(&flow.remote), connect) {
                (Some(connection), _) if !connection.queue.is_closed() => (connection.clone(), None),
                (_, Some(connect)) if open.len() < CONNECTIONS_MAX => {
                    let slot = self.slot(&mut open, flow);
                    (slot.own.clone(), Some((slot, connect)))
                }
                _ => return self.failed(flow),
            }
        };
        if let Some((slot, connect)) = slot {
            connect(slot);
        }
        if connection.queue.try_send(bytes).is_err() {
            // A peer that reads so slowly is as good as gone. It may connect again.
            connection.close.notify_one();
            self.failed(flow);
        }
    }

    /// A place for a connection that was accepted; `None` where there are too many.
    pub(super) fn accepted(&self, local: SocketAddr, remote: SocketAddr) -> Option<Slot> {
        let mut open = self.table();
        let of_address = |ip: IpAddr| open.keys().filter(|address| address.ip() == ip).count();
        if open.len() >= CONNECTIONS_MAX || of_address(remote.ip()) >= CONNECTIONS_PER_ADDRESS {
            metrics::counter!("ponte_sip_dropped_total", "transport" => self.label).increment(1);
            return None;
        }
        let flow = Flow {
            transport: self.transport,
            local,
            remote,
        };
        Some(self.slot(&mut open, flow))
    }

    fn slot(&self, open: &mut HashMap<SocketAddr, Connection>, flow: Flow) -> Slot {
        let (sender, queue) = mpsc::channel(WRITE_QUEUE);
        let own = Connection {
            queue: sender,
            close: Arc::default(),
        };
        open.insert(flow.remote, own.clone());
        Slot {
            connections: self.clone(),
            flow,
            own,
            queue,
        }
    }

    fn failed(&self, flow: Flow) {
        metrics::counter!("ponte_sip_send_errors_total", "transport" => self.label).increment(1);
        let inbound = self.inbound.clone();
        tokio::spawn(async move { inbound.send(Inbound::Failed(flow)).await });
    }
}

impl Slot {
    pub(super) fn remote(&self) -> SocketAddr {
        self.flow.remote
    }

    /// Serves the connection to its end. One that was `accepted` has to speak soon.
    pub(super) async fn serve<S>(mut self, stream: S, accepted: bool)
    where
        S: AsyncRead + AsyncWrite,
    {
        let (read_half, write_half) = tokio::io::split(stream);
        let close = Arc::clone(&self.own.close);
        tokio::select! {
            () = read(read_half, self.flow, &self.own.queue, &self.connections.inbound, accepted) => {}
            () = write(write_half, &mut self.queue) => {}
            () = close.notified() => {}
        }
        self.end().await;
    }

    /// Gives the place back; what waits for an answer over this connection fails.
    pub(super) async fn end(self) {
        let Self {
            connections,
            flow,
            own,
            queue,
        } = self;
        drop(queue);
        {
            // Not a newer connection to the same address.
            let mut open = connections.table();
            if open
                .get(&flow.remote)
                .is_some_and(|connection| connection.queue.same_channel(&own.queue))
            {
                open.remove(&flow.remote);
            }
        }
        drop(connections.inbound.send(Inbound::Failed(flow)).await);
    }
}

/// Accepts connections and hands each with its place to `serve`, until the driver is gone.
pub(super) async fn accept(
    listener: TcpListener,
    local: SocketAddr,
    connections: Connections,
    serve: impl Fn(TcpStream, Slot),
) {
    while !connections.inbound.is_closed() {
        match listener.accept().await {
            Ok((stream, remote)) => {
                prepare(&stream);
                if let Some(slot) = connections.accepted(local, remote) {
                    serve(stream, slot);
                }
            }
            Err(error) => {
                // Out of file descriptors, as a rule: give others time to close theirs.
                tracing::warn!(%error, "a SIP connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Sets what every SIP connection wants of its socket. What the system refuses is done without.
pub(super) fn prepare(stream: &TcpStream) {
    drop(stream.set_nodelay(true));
    let probes = socket2::TcpKeepalive::new()
        .with_time(PROBE_AFTER)
        .with_interval(PROBE_EVERY);
    drop(socket2::SockRef::from(stream).set_tcp_keepalive(&probes));
}

async fn read(
    mut stream: impl AsyncRead + Unpin,
    flow: Flow,
    pongs: &mpsc::Sender<Bytes>,
    inbound: &InboundSender,
    accepted: bool,
) {
    let mut framer = StreamFramer::new(MESSAGE_MAX);
    let mut buffer = vec![0; 16 * 1024];
    let mut silent = accepted;
    let deadline = tokio::time::Instant::now() + FIRST_MESSAGE_TIMEOUT;
    loop {
        let until = if silent {
            deadline
        } else {
            tokio::time::Instant::now() + IDLE_TIMEOUT
        };
        let length = match tokio::time::timeout_at(until, stream.read(&mut buffer)).await {
            Ok(Ok(length)) if length > 0 => length,
            _ => return,
        };
        framer.push(&buffer[..length]);
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(bytes))) => {
                    silent = false;
                    if inbound.send(Inbound::Message { flow, bytes }).await.is_err() {
                        return;
                    }
                }
                Ok(Some(Frame::Ping)) => drop(pongs.try_send(Bytes::from_static(b"\r\n"))),
                Ok(None) => break,
                // Nothing after a broken frame can be told apart (RFC 3261 section 18.3).
                Err(error) => {
                    tracing::debug!(%error, remote = %flow.remote, "a SIP stream could not be framed");
                    if let Some(bytes) = framer.take_unframed()
                        && inbound.send(Inbound::Message { flow, bytes }).await.is_ok()
                    {
                        tokio::time::sleep(ANSWER_TIME).await;
                    }
                    return;
                }
            }
        }
    }
}

async fn write(mut stream: impl AsyncWrite + Unpin, queue: &mut mpsc::Receiver<Bytes>) {
    while let Some(bytes) = queue.recv().await {
        let sent = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        match tokio::time::timeout(WRITE_TIMEOUT, sent).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}
