//! A second socket beside the first, while the link loses packets (docs/adr/0038).
//!
//! A socket delivers in order, so one lost packet holds up everything behind it. What goes over two sockets is held up only
//! where both lose. Commands carry ids and events numbers, so whatever comes twice counts once.

use super::watchdog::{Verdict, Watchdog};
use super::wire::{self, GREETING_MS, Lost};
use crate::api::SignedIn;
use crate::browser;
use futures_channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use futures_util::{FutureExt, StreamExt, select_biased};
use gloo_timers::future::TimeoutFuture;
use ponte_protocol::frames::Resume;
use ponte_protocol::{ClientFrame, Command, CommandBody, ServerFrame};

/// How often the watchdog looks, in milliseconds.
const LOOK_MS: u32 = 1_000;

/// What the second socket hears.
// Nearly all of them are frames, so a box would cost an allocation each and save nothing.
#[allow(clippy::large_enum_variant)]
pub enum Heard {
    /// An event or an answer.
    Frame(ServerFrame),
    /// A ping came back after so many milliseconds.
    Answered { took_ms: u64 },
}

/// The second socket. It closes when this is dropped; `heard` ends when the edge is not reached this way any more.
pub struct Spare {
    commands: UnboundedSender<Command>,
    pub heard: UnboundedReceiver<Heard>,
}

impl Spare {
    /// Opens it from `resume` on, and sends `unanswered` on it first.
    pub fn open(api: SignedIn, resume: Option<Resume>, unanswered: Vec<Command>) -> Self {
        let (commands, inbox) = mpsc::unbounded();
        let (outbox, heard) = mpsc::unbounded();
        let spare = Self { commands, heard };
        for command in &unanswered {
            spare.send(command);
        }
        wasm_bindgen_futures::spawn_local(async move {
            // Why it ended does not matter: the first socket learns for itself what concerns the portal.
            let _ = run(api, resume, inbox, outbox).await;
        });
        spare
    }

    /// Sends a command here too, if it may come twice.
    pub fn send(&self, command: &Command) {
        if may_come_twice(&command.body) {
            let _ = self.commands.unbounded_send(command.clone());
        }
    }
}

/// Whether a command is done once however often it comes, and answered alike. What is refused for its rate is judged anew
/// when it comes again, so nothing that rings a telephone is sent twice unasked; and reading twice is work for nothing.
fn may_come_twice(body: &CommandBody) -> bool {
    !body.is_query() && !body.makes_ring()
}

async fn run(
    api: SignedIn,
    resume: Option<Resume>,
    mut inbox: UnboundedReceiver<Command>,
    outbox: UnboundedSender<Heard>,
) -> Result<(), Lost> {
    let opened = {
        let mut opening = Box::pin(wire::open(&api, resume, true).fuse());
        let mut timer = TimeoutFuture::new(GREETING_MS).fuse();
        select_biased! {
            opened = opening => opened?,
            () = timer => return Err(Lost::SOON),
        }
    };
    let (mut outgoing, incoming) = opened;
    let mut incoming = incoming.fuse();
    let mut watchdog = Watchdog::new(browser::now());
    loop {
        let mut timer = TimeoutFuture::new(LOOK_MS).fuse();
        let frame = select_biased! {
            command = inbox.next() => match command {
                Some(command) => Some(ClientFrame::Command { command }),
                None => return Ok(()),
            },
            message = incoming.next() => {
                let now = browser::now();
                watchdog.hear(now);
                match wire::receive(message)? {
                    Some(ServerFrame::Pong { n, .. }) => {
                        if let Some(sent) = watchdog.pong(n) {
                            let took_ms = now.since(sent);
                            pass(&outbox, Heard::Answered { took_ms })?;
                        }
                    }
                    Some(frame @ (ServerFrame::Event { .. } | ServerFrame::Reply { .. })) => {
                        pass(&outbox, Heard::Frame(frame))?;
                    }
                    // It missed more than the edge could tell it: only the first socket may begin anew.
                    Some(ServerFrame::Snapshot { .. } | ServerFrame::SignedOut) => return Err(Lost::SOON),
                    _ => {}
                }
                None
            },
            () = timer => None,
        };
        if let Some(frame) = frame {
            wire::send(&mut outgoing, &frame).await?;
        }
        match watchdog.look(browser::now(), true) {
            Verdict::Fine => {}
            Verdict::Ping(n) => wire::send(&mut outgoing, &ClientFrame::Ping { n }).await?,
            Verdict::Dead => return Err(Lost::SOON),
        }
    }
}

fn pass(outbox: &UnboundedSender<Heard>, heard: Heard) -> Result<(), Lost> {
    outbox.unbounded_send(heard).map_err(|_| Lost::SOON)
}
