//! The loop that keeps the socket open.

use super::backoff::Backoff;
use super::loss::Loss;
use super::spare::{Heard, Spare};
use super::watchdog::{Verdict, Watchdog};
use super::wire::{self, GREETING_MS, Incoming, Lost, Outgoing};
use super::{Input, Link};
use crate::api::SignedIn;
use crate::browser;
use crate::state::Portal;
use crate::state::store::Notice;
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::{FutureExt, StreamExt, select_biased};
use gloo_net::websocket::{Message, WebSocketError};
use gloo_timers::future::TimeoutFuture;
use ponte_protocol::{ClientFrame, ServerFrame, UnixMillis};

/// How often the watchdog looks, in milliseconds.
const LOOK_MS: u32 = 1_000;
/// How soon one ping follows another while the way is not known, in milliseconds.
const SOUNDING_MS: u32 = 200;
/// How long after the second socket was lost another is tried, in milliseconds.
const SPARE_AGAIN_MS: u64 = 1_000;

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

/// Keeps the socket open until the page goes away or the session ends.
///
/// Every wait hears the page first: once it has said `Stop`, the portal's signals are gone and must not be touched.
pub async fn run(portal: Portal, api: SignedIn, mut inbox: UnboundedReceiver<Input>) -> Ending {
    let mut backoff = Backoff::default();
    loop {
        portal.set_link(Link::Connecting);
        let lost = match connect(portal, &api, &mut inbox).await {
            Ok(link) => {
                backoff.reset();
                hold(portal, &api, link, &mut inbox).await
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
                Some(Input::RetryNow | Input::Doubt | Input::Online | Input::Visible) => return Ok(()),
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
    let (outgoing, mut incoming) = wire::open(api, portal.position(), false).await?;
    loop {
        let frame = wire::receive(incoming.next().await)?;
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

/// A link that is up: its first socket, what is known of its way, and the second socket while it loses packets.
struct Held<'a> {
    portal: Portal,
    api: &'a SignedIn,
    outgoing: Outgoing,
    watchdog: Watchdog,
    loss: Loss,
    spare: Option<Spare>,
    /// No second socket is tried before; by the local clock.
    spare_from: UnixMillis,
}

async fn hold(
    portal: Portal,
    api: &SignedIn,
    (outgoing, incoming): (Outgoing, Incoming),
    inbox: &mut UnboundedReceiver<Input>,
) -> Lost {
    let mut incoming = incoming.fuse();
    let mut held = Held {
        portal,
        api,
        outgoing,
        watchdog: Watchdog::new(browser::now()),
        loss: Loss::default(),
        spare: None,
        spare_from: UnixMillis(0),
    };
    portal.set_link(Link::Connected);
    if let Err(lost) = held.begin().await {
        return lost;
    }
    loop {
        let look_ms = if held.loss.wants_sounding() {
            SOUNDING_MS
        } else {
            LOOK_MS
        };
        let mut timer = TimeoutFuture::new(look_ms).fuse();
        let step = select_biased! {
            input = inbox.next() => held.told(input).await,
            message = incoming.next() => held.heard(message),
            heard = heard_twice(&mut held.spare).fuse() => held.heard_there(heard),
            () = timer => held.sound().await,
        };
        let step = match step {
            Ok(()) => held.look().await,
            Err(lost) => Err(lost),
        };
        if let Err(lost) = step {
            return lost;
        }
    }
}

/// What the second socket hears; for ever nothing where there is none.
async fn heard_twice(spare: &mut Option<Spare>) -> Option<Heard> {
    match spare {
        Some(spare) => spare.heard.next().await,
        None => std::future::pending().await,
    }
}

impl Held<'_> {
    /// Asks for what the page watches, and again for what has no answer.
    async fn begin(&mut self) -> Result<(), Lost> {
        if self.portal.watches_company() {
            self.send(&ClientFrame::WatchCompany).await?;
        }
        let unanswered = self.portal.unanswered();
        let asks = !unanswered.is_empty();
        for command in unanswered {
            self.send(&ClientFrame::Command { command }).await?;
        }
        if asks || self.loss.wants_sounding() {
            self.probe().await?;
        }
        Ok(())
    }

    /// Takes a frame from the edge.
    fn heard(&mut self, message: Option<Result<Message, WebSocketError>>) -> Result<(), Lost> {
        let now = browser::now();
        let frame = wire::receive(message)?;
        self.watchdog.hear(now);
        match frame {
            Some(ServerFrame::Pong { n, at }) => {
                if let Some(sent) = self.watchdog.pong(n) {
                    self.loss.answered(now.since(sent), now);
                    self.portal.pong(at, sent, now);
                }
                Ok(())
            }
            Some(frame) => {
                // It begins anew elsewhere in the log, and the second socket would go on where it was.
                if matches!(frame, ServerFrame::Snapshot { .. }) {
                    self.spare = None;
                }
                take(self.portal, frame)
            }
            None => Ok(()),
        }
    }

    /// Takes what the second socket heard; what came on the first already counts for nothing.
    fn heard_there(&mut self, heard: Option<Heard>) -> Result<(), Lost> {
        match heard {
            Some(Heard::Frame(frame)) => take(self.portal, frame),
            Some(Heard::Answered { took_ms }) => {
                self.loss.answered(took_ms, browser::now());
                Ok(())
            }
            None => {
                self.spare = None;
                self.spare_from = browser::now().plus(SPARE_AGAIN_MS);
                Ok(())
            }
        }
    }

    /// Does what the page says.
    async fn told(&mut self, input: Option<Input>) -> Result<(), Lost> {
        match input {
            Some(Input::Send(command)) => {
                if let Some(spare) = &self.spare {
                    spare.send(&command);
                }
                self.send(&ClientFrame::Command { command }).await?;
                self.probe().await
            }
            Some(Input::Rtc(request)) => {
                self.send(&ClientFrame::Rtc { request }).await?;
                self.probe().await
            }
            Some(Input::WatchCompany) => self.send(&ClientFrame::WatchCompany).await,
            Some(Input::Doubt | Input::Visible | Input::Online | Input::RetryNow) => self.probe().await,
            Some(Input::Offline) => Err(Lost::Offline),
            Some(Input::Stop) | None => Err(Lost::For(Ending::Stopped)),
        }
    }

    /// While little is known of the way, pings follow one another.
    async fn sound(&mut self) -> Result<(), Lost> {
        if self.loss.wants_sounding() {
            self.probe().await?;
        }
        Ok(())
    }

    /// The regular look at the way, and what follows from it.
    async fn look(&mut self) -> Result<(), Lost> {
        let now = browser::now();
        match self.watchdog.look(now, self.portal.in_call()) {
            Verdict::Fine => {}
            Verdict::Ping(n) => self.send(&ClientFrame::Ping { n }).await?,
            Verdict::Dead => return Err(Lost::SOON),
        }
        if !self.loss.loses(now) {
            self.spare = None;
        } else if self.spare.is_none() && now >= self.spare_from {
            let unanswered = self.portal.unanswered();
            self.spare = Some(Spare::open(self.api.clone(), self.portal.position(), unanswered));
        }
        Ok(())
    }

    /// Asks at once whether the link lives, unless it is being asked.
    async fn probe(&mut self) -> Result<(), Lost> {
        match self.watchdog.probe(browser::now()) {
            Some(n) => self.send(&ClientFrame::Ping { n }).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, frame: &ClientFrame) -> Result<(), Lost> {
        wire::send(&mut self.outgoing, frame).await
    }
}

fn take(portal: Portal, frame: ServerFrame) -> Result<(), Lost> {
    match portal.receive(frame) {
        Some(Notice::SignedOut) => Err(Lost::For(Ending::SignedOut)),
        Some(Notice::Outdated) => Err(Lost::For(Ending::Outdated)),
        _ => Ok(()),
    }
}
