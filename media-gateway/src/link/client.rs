//! The connection: handshake, both directions, reconnection.

use super::handshake::{LinkKey, Nonces};
use super::outbox::{Outbox, Resume};
use super::retry::{Failure, Retry};
use super::{FromLink, LinkHandle, ToLink};
use futures_util::{SinkExt, StreamExt};
use ponte_protocol::link::{LINK_FRAME_MAX, LINK_IDLE_MS, LinkError, StreamPosition};
use ponte_protocol::version::VersionRange;
use ponte_protocol::{EdgeFrame, GatewayFrame, SiteId};
use rand::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// For one address of the edge to answer: enough for a lost SYN, and short enough that after a cut of the network a new
/// one is soon on its way.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// What was sent and not acknowledged for so long went into a dead link; TCP would go on trying for a quarter of an hour.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
const QUEUE: usize = 65_536;
const OUTBOX: usize = 16_384;

/// Where the edge is and how the site proves itself.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// `wss://host[:port]/link`; `ws://` only to a loopback address.
    pub url: String,
    pub site: SiteId,
    pub key: LinkKey,
}

/// Why the link could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LinkConfigError {
    #[error("edge.url must be wss://…, or ws:// to a loopback address: {0}")]
    Url(String),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Socket(#[from] tokio_tungstenite::tungstenite::Error),
    #[error("the edge cannot be reached: {0}")]
    Unreachable(std::io::Error),
    #[error("the edge did not answer in time")]
    Silent,
    #[error("the edge closed the connection")]
    Closed,
    #[error("the edge broke the protocol: {0}")]
    Protocol(&'static str),
    #[error("the edge could not prove the site's key")]
    EdgeNotAuthentic,
    #[error("{0}")]
    Refused(LinkError),
    #[error("the gateway is stopping")]
    Stopping,
}

/// Starts the link's task. It ends when every [`LinkHandle`] is dropped.
///
/// # Errors
/// [`LinkConfigError`] names what is wrong with the address.
pub fn start(config: LinkConfig, to_driver: mpsc::Sender<FromLink>) -> Result<LinkHandle, LinkConfigError> {
    let address = address(&config)?;
    let host = host(&address).ok_or_else(|| LinkConfigError::Url(config.url.clone()))?;
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (handle, queue, overflowed) = LinkHandle::channel(QUEUE);
    let link = Link {
        config,
        address,
        host,
        tls: Connector::Rustls(Arc::new(tls)),
        queue,
        overflowed,
        outbox: Outbox::new(Uuid::now_v7(), OUTBOX),
        to_driver,
    };
    tokio::spawn(link.run());
    Ok(handle)
}

fn address(config: &LinkConfig) -> Result<String, LinkConfigError> {
    let url = config.url.as_str();
    let secure = url.starts_with("wss://");
    let loopback = url.strip_prefix("ws://").is_some_and(|authority| {
        ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
            authority
                .strip_prefix(host)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        })
    });
    if !secure && !loopback {
        return Err(LinkConfigError::Url(config.url.clone()));
    }
    Ok(format!("{url}?site={}", config.site))
}

/// Where to connect to: a name or an address without brackets, and the port.
fn host(address: &str) -> Option<(String, u16)> {
    let uri: Uri = address.parse().ok()?;
    let default = if uri.scheme_str() == Some("wss") { 443 } else { 80 };
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), uri.port_u16().unwrap_or(default)))
}

struct Link {
    config: LinkConfig,
    address: String,
    host: (String, u16),
    tls: Connector,
    queue: mpsc::Receiver<ToLink>,
    overflowed: Arc<AtomicBool>,
    outbox: Outbox,
    to_driver: mpsc::Sender<FromLink>,
}

impl Link {
    async fn run(mut self) {
        let mut retry = Retry::default();
        loop {
            let mut was_up = false;
            let fault = match self.connect_and_serve(&mut was_up).await {
                Ok(()) | Err(Fault::Stopping) => return,
                Err(fault) => fault,
            };
            if was_up {
                retry.reset();
                if self.to_driver.send(FromLink::Down).await.is_err() {
                    return;
                }
            }
            let failure = match fault {
                Fault::Refused(LinkError::NotAuthentic) | Fault::EdgeNotAuthentic => Failure::Refused,
                _ => Failure::Away,
            };
            let wait = retry.next(failure, rand::rng().random_range(0.0..1.0));
            if retry.is_news(&fault.to_string()) {
                tracing::warn!(%fault, retry_ms = wait.as_millis() as u64, "the link to the edge is down");
            } else {
                tracing::debug!(%fault, retry_ms = wait.as_millis() as u64, "the link to the edge is still down");
            }
            if self.wait_collecting(wait).await.is_err() {
                return;
            }
        }
    }

    /// Lets `wait` pass while the driver's events go into the outbox.
    async fn wait_collecting(&mut self, wait: Duration) -> Result<(), Fault> {
        let until = Instant::now() + wait;
        loop {
            match tokio::time::timeout_at(until, self.queue.recv()).await {
                Err(_) => return Ok(()),
                Ok(None) => return Err(Fault::Stopping),
                Ok(Some(ToLink::Event { user, at, body })) => drop(self.outbox.push(user, at, body)),
                // A reply is given again when the command comes again; users and invitations follow a welcome.
                Ok(Some(_)) => {}
            }
        }
    }

    async fn connect_and_serve(&mut self, was_up: &mut bool) -> Result<(), Fault> {
        let limits = WebSocketConfig::default()
            .max_message_size(Some(LINK_FRAME_MAX))
            .max_frame_size(Some(LINK_FRAME_MAX));
        let stream = self.reach().await?;
        let connect = tokio_tungstenite::client_async_tls_with_config(
            &self.address,
            stream,
            Some(limits),
            Some(self.tls.clone()),
        );
        let (mut socket, _) = timeout(HANDSHAKE_TIMEOUT, connect)
            .await
            .map_err(|_| Fault::Silent)??;
        let last = timeout(HANDSHAKE_TIMEOUT, self.authenticate(&mut socket))
            .await
            .map_err(|_| Fault::Silent)??;
        *was_up = true;
        if self.overflowed.swap(false, Ordering::Relaxed) {
            self.outbox.mark_incomplete();
        }
        let states = self.outbox.resume(last) == Resume::StateAnew;
        tracing::info!(states, "the link to the edge is up");
        for event in self.outbox.waiting() {
            let frame = GatewayFrame::Event { event: event.clone() };
            socket.feed(text(&frame)?).await?;
        }
        socket.flush().await?;
        self.to_driver
            .send(FromLink::Up { states })
            .await
            .map_err(|_| Fault::Stopping)?;
        self.serve(socket).await
    }

    /// A connection to the first of the edge's addresses that answers.
    async fn reach(&self) -> Result<TcpStream, Fault> {
        let (host, port) = &self.host;
        let addresses = timeout(HANDSHAKE_TIMEOUT, lookup_host((host.as_str(), *port)))
            .await
            .map_err(|_| Fault::Silent)?
            .map_err(Fault::Unreachable)?;
        let mut fault = Fault::Silent;
        for address in addresses {
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(Fault::Unreachable)?;
                    // Not every system has it; the pings of an idle link find the same, later.
                    #[cfg(target_os = "linux")]
                    let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED));
                    return Ok(stream);
                }
                Ok(Err(error)) => fault = Fault::Unreachable(error),
                Err(_) => fault = Fault::Silent,
            }
        }
        Err(fault)
    }

    async fn authenticate(&self, socket: &mut Socket) -> Result<Option<StreamPosition>, Fault> {
        let EdgeFrame::Challenge {
            versions,
            nonce: edge_nonce,
        } = next(socket).await?
        else {
            return Err(Fault::Protocol("no challenge"));
        };
        if VersionRange::OURS.common(versions).is_none() {
            return Err(Fault::Refused(LinkError::UnsupportedVersion));
        }
        let nonce = hex::encode(rand::rng().random::<[u8; 32]>());
        let nonces = Nonces {
            edge: &edge_nonce,
            gateway: &nonce,
        };
        let frame = GatewayFrame::Authenticate {
            site: self.config.site.clone(),
            versions: VersionRange::OURS,
            nonce: nonce.clone(),
            proof: self.config.key.prove(&self.config.site, nonces),
        };
        socket.send(text(&frame)?).await?;
        match next(socket).await? {
            EdgeFrame::Welcome { proof, last, .. } => {
                if !self.config.key.verify_edge(&self.config.site, nonces, &proof) {
                    return Err(Fault::EdgeNotAuthentic);
                }
                Ok(last)
            }
            EdgeFrame::Error { error } => Err(Fault::Refused(error)),
            _ => Err(Fault::Protocol("no welcome")),
        }
    }

    async fn serve(&mut self, socket: Socket) -> Result<(), Fault> {
        let (mut sink, mut stream) = socket.split();
        let idle = Duration::from_millis(LINK_IDLE_MS);
        let mut tick = tokio::time::interval(idle / 3);
        let mut heard = Instant::now();
        let mut pings = 0;
        loop {
            tokio::select! {
                message = self.queue.recv() => {
                    // Everything that waits goes out in one write.
                    let mut next = Some(message.ok_or(Fault::Stopping)?);
                    while let Some(message) = next {
                        let frame = self.frame(message);
                        sink.feed(text(&frame)?).await?;
                        next = self.queue.try_recv().ok();
                    }
                    sink.flush().await?;
                    if self.overflowed.swap(false, Ordering::Relaxed) {
                        self.outbox.mark_incomplete();
                        let states = self.outbox.resume(None) == Resume::StateAnew;
                        self.to_driver.send(FromLink::Up { states }).await.map_err(|_| Fault::Stopping)?;
                    }
                }
                message = stream.next() => {
                    let message = message.ok_or(Fault::Closed)??;
                    heard = Instant::now();
                    let Some(frame) = parse(&message)? else { continue };
                    if let Some(answer) = self.handle(frame).await? {
                        sink.send(text(&answer)?).await?;
                    }
                }
                _ = tick.tick() => {
                    let silence = heard.elapsed();
                    if silence >= idle * 2 {
                        return Err(Fault::Silent);
                    }
                    if silence >= idle {
                        pings += 1;
                        sink.send(text(&GatewayFrame::Ping { n: pings })?).await?;
                    }
                }
            }
        }
    }

    fn frame(&mut self, message: ToLink) -> GatewayFrame {
        match message {
            ToLink::Event { user, at, body } => GatewayFrame::Event {
                event: self.outbox.push(user, at, body).clone(),
            },
            ToLink::Reply { user, reply } => GatewayFrame::Reply { user, reply },
            ToLink::Users(users) => GatewayFrame::Users { users },
            ToLink::Invitation {
                user,
                token_hash,
                expires_at,
            } => GatewayFrame::Invitation {
                user,
                token_hash,
                expires_at,
            },
            ToLink::Rtc { user, portal, signal } => GatewayFrame::Rtc { user, portal, signal },
            ToLink::Company {
                portal,
                whole,
                colleagues,
            } => GatewayFrame::Company {
                portal,
                whole,
                colleagues,
            },
            ToLink::Audio { request, part } => GatewayFrame::Audio { request, part },
            ToLink::AudioTaken {
                upload,
                offset,
                taken,
            } => GatewayFrame::AudioTaken {
                upload,
                offset,
                taken,
            },
        }
    }

    async fn handle(&mut self, frame: EdgeFrame) -> Result<Option<GatewayFrame>, Fault> {
        let message = match frame {
            EdgeFrame::Ack { position } => {
                self.outbox.acknowledge(position);
                return Ok(None);
            }
            EdgeFrame::Ping { n } => return Ok(Some(GatewayFrame::Pong { n })),
            EdgeFrame::Error { error } => return Err(Fault::Refused(error)),
            EdgeFrame::Pong { .. } | EdgeFrame::Unknown => return Ok(None),
            EdgeFrame::Challenge { .. } | EdgeFrame::Welcome { .. } => {
                return Err(Fault::Protocol("a handshake frame after the handshake"));
            }
            EdgeFrame::Command { user, command } => FromLink::Command { user, command },
            EdgeFrame::NeedState { user } => FromLink::NeedState { user },
            EdgeFrame::Presence { user, portals } => FromLink::Presence { user, portals },
            EdgeFrame::Rtc {
                user,
                portal,
                request,
            } => FromLink::Rtc {
                user,
                portal,
                request,
            },
            EdgeFrame::WatchCompany { user, portal } => FromLink::WatchCompany { user, portal },
            EdgeFrame::PortalClosed { user, portal } => FromLink::PortalClosed { user, portal },
            EdgeFrame::FetchAudio {
                request,
                user,
                message,
                offset,
                length,
                own,
            } => FromLink::FetchAudio {
                request,
                user,
                message,
                offset,
                length,
                own,
            },
            EdgeFrame::PutAudio(piece) => FromLink::PutAudio(piece),
        };
        self.to_driver.send(message).await.map_err(|_| Fault::Stopping)?;
        Ok(None)
    }
}

fn text(frame: &GatewayFrame) -> Result<Message, Fault> {
    let json = serde_json::to_string(frame).map_err(|_| Fault::Protocol("a frame cannot be written"))?;
    Ok(Message::text(json))
}

fn parse(message: &Message) -> Result<Option<EdgeFrame>, Fault> {
    match message {
        Message::Text(json) => match serde_json::from_str(json) {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => {
                // A newer edge may send what we cannot read; the connection goes on without it.
                tracing::warn!(
                    line = error.line(),
                    column = error.column(),
                    "a frame of the edge was not understood"
                );
                Ok(None)
            }
        },
        Message::Close(_) => Err(Fault::Closed),
        _ => Ok(None),
    }
}

async fn next(socket: &mut Socket) -> Result<EdgeFrame, Fault> {
    loop {
        let message = socket.next().await.ok_or(Fault::Closed)??;
        if let Some(frame) = parse(&message)? {
            return Ok(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> LinkConfig {
        LinkConfig {
            url: url.to_owned(),
            site: "milano".parse().unwrap(),
            key: LinkKey::new([0; 32]),
        }
    }

    #[test]
    fn an_address_names_host_and_port() {
        for (address, expected) in [
            ("wss://ponte.example/link?site=a", Some(("ponte.example", 443))),
            (
                "wss://ponte.example:8443/link?site=a",
                Some(("ponte.example", 8443)),
            ),
            ("ws://[::1]:8787/link?site=a", Some(("::1", 8787))),
            ("ws://127.0.0.1/link?site=a", Some(("127.0.0.1", 80))),
            ("wss://", None),
        ] {
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(host(address), expected, "{address}");
        }
    }

    #[test]
    fn plain_websockets_stay_on_this_machine() {
        assert_eq!(
            address(&config("wss://ponte.example/link")).unwrap(),
            "wss://ponte.example/link?site=milano"
        );
        assert_eq!(
            address(&config("ws://127.0.0.1:8787/link")).unwrap(),
            "ws://127.0.0.1:8787/link?site=milano"
        );
        for bad in [
            "ws://ponte.example",
            "ws://127.0.0.1.evil.example",
            "http://localhost",
            "ws://localhost.evil",
        ] {
            assert!(address(&config(bad)).is_err(), "{bad}");
        }
    }
}
