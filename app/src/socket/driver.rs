//! The loop that keeps the socket open.

use super::backoff::Backoff;
use super::watchdog::{Verdict, Watchdog};
use super::{Input, Link};
use crate::api::{ApiError, SignedIn};
use crate::browser;
use crate::state::Portal;
use crate::state::store::Notice;
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt, select_biased};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, WebSocketError};
use gloo_timers::future::TimeoutFuture;
use ponte_protocol::frames::{CLOSE_SIGNED_OUT, CLOSE_VERSION, SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX};
use ponte_protocol::version::VersionRange;
use ponte_protocol::{ClientFrame, ServerFrame, json};

/// How long a socket may take to open and to be greeted, in milliseconds.
const GREETING_MS: u32 = 8_000;
/// How often the watchdog looks, in milliseconds.
const LOOK_MS: u32 = 1_000;

/// Why the loop ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The page went away.
    Stopped,
    /// The session is over.
    SignedOut,
    /// This build does not fit the edge.
    Outdated,
}

/// Why one link ended.
enum Lost {
    For(Ending),
    /// To be tried again, after at least so many milliseconds.
    Retry {
        after_ms: u64,
    },
    /// The browser lost its network.
    Offline,
}

impl Lost {
    const SOON: Self = Self::Retry { after_ms: 0 };
}

type Outgoing = SplitSink<WebSocket, Message>;
type Incoming = SplitStream<WebSocket>;

/// Keeps the socket open until the page goes away or the session ends.
///
/// Every wait hears the page first: once it has said `Stop`, the portal's signals are gone and must not be touched.
pub async fn run(portal: Portal, api: SignedIn, mut inbox: UnboundedReceiver<Input>) -> Ending {
    let mut backoff = Backoff::default();
    loop {
        portal.set_link(Link::Connecting);
        let lost = match connect(portal, &api, &mut inbox).await {
            Ok((outgoing, incoming)) => {
                backoff.reset();
                hold(portal, outgoing, incoming, &mut inbox).await
            }
            Err(lost) => lost,
        };
        let at_least = match lost {
            Lost::For(ending) => return ending,
            Lost::Retry { after_ms } => after_ms,
            Lost::Offline => 0,
        };
        let wait = backoff.next(browser::random(), portal.in_call()).max(at_least);
        // The browser may be wrong about the network, so offline is shown, but attempts go on.
        let link = if browser::is_online() {
            Link::Waiting {
                retry_at: browser::now().plus(wait),
            }
        } else {
            Link::Offline
        };
        portal.set_link(link);
        if pause(portal, wait, &mut inbox).await.is_err() {
            return Ending::Stopped;
        }
    }
}

/// The page went away.
struct Gone;

async fn pause(portal: Portal, wait_ms: u64, inbox: &mut UnboundedReceiver<Input>) -> Result<(), Gone> {
    let mut timer = TimeoutFuture::new(u32::try_from(wait_ms).unwrap_or(u32::MAX)).fuse();
    loop {
        select_biased! {
            input = inbox.next() => match input {
                Some(Input::RetryNow | Input::Online | Input::Visible) => return Ok(()),
                Some(Input::Offline) => portal.set_link(Link::Offline),
                Some(Input::Send(_) | Input::Rtc(_) | Input::WatchCompany) => {}
                Some(Input::Stop) | None => return Err(Gone),
            },
            () = timer => return Ok(()),
        }
    }
}

async fn connect(
    portal: Portal,
    api: &SignedIn,
    inbox: &mut UnboundedReceiver<Input>,
) -> Result<(Outgoing, Incoming), Lost> {
    let mut greeted = Box::pin(greet(portal, api).fuse());
    let mut timer = TimeoutFuture::new(GREETING_MS).fuse();
    loop {
        select_biased! {
            input = inbox.next() => match input {
                Some(Input::Stop) | None => return Err(Lost::For(Ending::Stopped)),
                Some(Input::Offline) => return Err(Lost::Offline),
                Some(_) => {}
            },
            outcome = greeted => return outcome,
            () = timer => return Err(Lost::SOON),
        }
    }
}

async fn greet(portal: Portal, api: &SignedIn) -> Result<(Outgoing, Incoming), Lost> {
    let ticket = api.ticket().await.map_err(|error| match error {
        ApiError::NotSignedIn => Lost::For(Ending::SignedOut),
        ApiError::TooMany { seconds } => Lost::Retry {
            after_ms: u64::from(seconds) * 1_000,
        },
        _ => Lost::SOON,
    })?;
    let address = browser::socket_address("/api/socket").ok_or(Lost::SOON)?;
    let protocols = [
        SUBPROTOCOL.to_owned(),
        format!("{TICKET_SUBPROTOCOL_PREFIX}{ticket}"),
    ];
    let socket = WebSocket::open_with_protocols(&address, &protocols).map_err(|_| Lost::SOON)?;
    let (mut outgoing, mut incoming) = socket.split();
    send(
        &mut outgoing,
        &ClientFrame::Hello {
            versions: VersionRange::OURS,
            resume: portal.position(),
        },
    )
    .await?;
    loop {
        let frame = receive(incoming.next().await)?;
        let greeting = matches!(
            frame,
            Some(ServerFrame::Snapshot { .. } | ServerFrame::Resumed { .. })
        );
        if let Some(frame) = frame {
            take(portal, frame)?;
        }
        if greeting {
            return Ok((outgoing, incoming));
        }
    }
}

async fn hold(
    portal: Portal,
    mut outgoing: Outgoing,
    incoming: Incoming,
    inbox: &mut UnboundedReceiver<Input>,
) -> Lost {
    let mut incoming = incoming.fuse();
    let mut watchdog = Watchdog::new(browser::now());
    portal.set_link(Link::Connected);
    if portal.watches_company()
        && let Err(lost) = send(&mut outgoing, &ClientFrame::WatchCompany).await
    {
        return lost;
    }
    let unanswered = portal.unanswered();
    let asks = !unanswered.is_empty();
    for command in unanswered {
        if let Err(lost) = send(&mut outgoing, &ClientFrame::Command { command }).await {
            return lost;
        }
    }
    if let Some(n) = asks.then(|| watchdog.probe(browser::now())).flatten()
        && let Err(lost) = send(&mut outgoing, &ClientFrame::Ping { n }).await
    {
        return lost;
    }
    loop {
        let mut timer = TimeoutFuture::new(LOOK_MS).fuse();
        let step = select_biased! {
            input = inbox.next() => told(&mut outgoing, &mut watchdog, input).await,
            message = incoming.next() => heard(portal, &mut watchdog, message),
            () = timer => Ok(None),
        };
        let step = match step {
            Ok(ping @ Some(_)) => Ok(ping),
            Ok(None) => match watchdog.look(browser::now(), portal.in_call()) {
                Verdict::Fine => Ok(None),
                Verdict::Ping(n) => Ok(Some(n)),
                Verdict::Dead => Err(Lost::SOON),
            },
            Err(lost) => Err(lost),
        };
        let sent = match step {
            Ok(Some(n)) => send(&mut outgoing, &ClientFrame::Ping { n }).await,
            Ok(None) => Ok(()),
            Err(lost) => Err(lost),
        };
        if let Err(lost) = sent {
            return lost;
        }
    }
}

/// Takes a frame from the edge. The number of a ping to send, if one is due.
fn heard(
    portal: Portal,
    watchdog: &mut Watchdog,
    message: Option<Result<Message, WebSocketError>>,
) -> Result<Option<u64>, Lost> {
    let now = browser::now();
    let frame = receive(message)?;
    watchdog.hear(now);
    match frame {
        Some(ServerFrame::Pong { n, at }) => {
            if let Some(sent) = watchdog.pong(n) {
                portal.pong(at, sent, now);
            }
        }
        Some(frame) => take(portal, frame)?,
        None => {}
    }
    Ok(None)
}

/// Does what the page says. The number of a ping to send, if one is due.
async fn told(
    outgoing: &mut Outgoing,
    watchdog: &mut Watchdog,
    input: Option<Input>,
) -> Result<Option<u64>, Lost> {
    match input {
        Some(Input::Send(command)) => {
            send(outgoing, &ClientFrame::Command { command }).await?;
            Ok(watchdog.probe(browser::now()))
        }
        Some(Input::Rtc(request)) => {
            send(outgoing, &ClientFrame::Rtc { request }).await?;
            Ok(watchdog.probe(browser::now()))
        }
        Some(Input::WatchCompany) => {
            send(outgoing, &ClientFrame::WatchCompany).await?;
            Ok(None)
        }
        Some(Input::Visible | Input::Online | Input::RetryNow) => Ok(watchdog.probe(browser::now())),
        Some(Input::Offline) => Err(Lost::Offline),
        Some(Input::Stop) | None => Err(Lost::For(Ending::Stopped)),
    }
}

/// `None` for what is no frame of ours: another version's, or noise.
fn receive(message: Option<Result<Message, WebSocketError>>) -> Result<Option<ServerFrame>, Lost> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(json::read(&text).ok()),
        Some(Ok(Message::Bytes(_))) => Ok(None),
        Some(Err(WebSocketError::ConnectionClose(close))) => Err(match close.code {
            CLOSE_SIGNED_OUT => Lost::For(Ending::SignedOut),
            CLOSE_VERSION => Lost::For(Ending::Outdated),
            _ => Lost::SOON,
        }),
        Some(Err(_)) | None => Err(Lost::SOON),
    }
}

fn take(portal: Portal, frame: ServerFrame) -> Result<(), Lost> {
    match portal.receive(frame) {
        Some(Notice::SignedOut) => Err(Lost::For(Ending::SignedOut)),
        Some(Notice::Outdated) => Err(Lost::For(Ending::Outdated)),
        _ => Ok(()),
    }
}

async fn send(outgoing: &mut Outgoing, frame: &ClientFrame) -> Result<(), Lost> {
    let text = json::write(frame);
    outgoing.send(Message::Text(text)).await.map_err(|_| Lost::SOON)
}
