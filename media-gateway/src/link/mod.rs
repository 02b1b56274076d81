//! The link to the edge: the gateway dials out, so that the telephone system needs no open HTTP port.
//!
//! One task owns the connection. It comes back by itself, with jitter; while it is away the driver's events wait in
//! the [`outbox`], and commands wait at the edge until they are answered or expire.

mod client;
mod handshake;
mod outbox;
mod retry;

pub use client::{LinkConfig, LinkConfigError, start};
pub use handshake::LinkKey;

use ponte_protocol::link::LinkUser;
use ponte_protocol::{
    AudioPart, Colleague, Command, EventBody, MessageId, OwnSound, Reply, RtcRequest, RtcSignal, Taken,
    UnixMillis, UploadPiece, UserId,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use uuid::Uuid;

/// From the driver to the edge.
#[derive(Debug)]
pub enum ToLink {
    Event {
        user: UserId,
        at: UnixMillis,
        body: EventBody,
    },
    Reply {
        user: UserId,
        reply: Reply,
    },
    /// Everybody who may sign in.
    Users(Vec<LinkUser>),
    Invitation {
        user: UserId,
        token_hash: String,
        expires_at: UnixMillis,
    },
    /// To one portal of the user, if it is still there.
    Rtc {
        user: UserId,
        portal: Uuid,
        signal: RtcSignal,
    },
    /// Users of the site, for one portal or for all that watch.
    Company {
        portal: Option<Uuid>,
        whole: bool,
        colleagues: Vec<Colleague>,
    },
    /// The answer to [`FromLink::FetchAudio`].
    Audio {
        request: Uuid,
        part: AudioPart,
    },
    /// The answer to [`FromLink::PutAudio`].
    AudioTaken {
        upload: Uuid,
        offset: u64,
        taken: Taken,
    },
}

/// From the edge to the driver.
#[derive(Debug)]
pub enum FromLink {
    /// Connected and proven. The driver sends the users and the invitations; where `states` is set, every state too.
    Up {
        states: bool,
    },
    Down,
    Command {
        user: UserId,
        command: Command,
    },
    NeedState {
        user: UserId,
    },
    Presence {
        user: UserId,
        portals: u32,
    },
    /// From one portal of the user.
    Rtc {
        user: UserId,
        portal: Uuid,
        request: RtcRequest,
    },
    /// A portal of this user wants to see the users of the site.
    WatchCompany {
        user: UserId,
        portal: Uuid,
    },
    /// A portal from which an [`Self::Rtc`] came is gone.
    PortalClosed {
        user: UserId,
        portal: Uuid,
    },
    /// A piece of a message of this user.
    FetchAudio {
        request: Uuid,
        user: UserId,
        message: MessageId,
        offset: u64,
        length: u32,
        /// The user's own greeting or name, in the place of the message.
        own: Option<OwnSound>,
    },
    /// A piece of a greeting or a name from a portal.
    PutAudio(UploadPiece),
}

/// The driver's end of the link. Sending never waits.
#[derive(Clone, Debug)]
pub struct LinkHandle {
    queue: mpsc::Sender<ToLink>,
    overflowed: Arc<AtomicBool>,
}

impl LinkHandle {
    /// A handle and what the link's task reads.
    pub(crate) fn channel(capacity: usize) -> (Self, mpsc::Receiver<ToLink>, Arc<AtomicBool>) {
        let (queue, receiver) = mpsc::channel(capacity);
        let overflowed = Arc::new(AtomicBool::new(false));
        (
            Self {
                queue,
                overflowed: Arc::clone(&overflowed),
            },
            receiver,
            overflowed,
        )
    }

    /// Hands something to the link. When the queue is full it is dropped, and the edge is given every state anew.
    pub fn send(&self, message: ToLink) {
        if self.queue.try_send(message).is_err() {
            self.overflowed.store(true, Ordering::Relaxed);
        }
    }
}
