//! One WebSocket to the edge: opening it, and its frames.

use super::driver::Ending;
use crate::api::{ApiError, SignedIn};
use crate::browser;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, WebSocketError};
use ponte_protocol::frames::{
    CLOSE_SIGNED_OUT, CLOSE_VERSION, Resume, SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX,
};
use ponte_protocol::version::VersionRange;
use ponte_protocol::{ClientFrame, ServerFrame, json};

/// How long a socket may take to open and to be greeted, in milliseconds.
pub const GREETING_MS: u32 = 8_000;

/// Why one link ended.
pub enum Lost {
    For(Ending),
    /// To be tried again, after at least so many milliseconds.
    Retry {
        after_ms: u64,
    },
    /// The browser lost its network.
    Offline,
}

impl Lost {
    pub const SOON: Self = Self::Retry { after_ms: 0 };
}

pub type Outgoing = SplitSink<WebSocket, Message>;
pub type Incoming = SplitStream<WebSocket>;

/// Opens a socket with a ticket of its own and says hello on it, as the `second` of a portal or as its first.
pub async fn open(
    api: &SignedIn,
    resume: Option<Resume>,
    second: bool,
) -> Result<(Outgoing, Incoming), Lost> {
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
    let (mut outgoing, incoming) = socket.split();
    let versions = VersionRange::OURS;
    let hello = ClientFrame::Hello {
        versions,
        resume,
        second,
    };
    send(&mut outgoing, &hello).await?;
    Ok((outgoing, incoming))
}

/// `None` for what is no frame of ours: another version's, or noise.
pub fn receive(message: Option<Result<Message, WebSocketError>>) -> Result<Option<ServerFrame>, Lost> {
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

pub async fn send(outgoing: &mut Outgoing, frame: &ClientFrame) -> Result<(), Lost> {
    let text = json::write(frame);
    outgoing.send(Message::Text(text)).await.map_err(|_| Lost::SOON)
}
