//! One rtc thread: its UDP port and the sessions that share it.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_queue::{ArrayQueue, SegQueue};
use slab::Slab;
use str0m::ice::StunMessage;
use str0m::net::{Protocol, Receive};

use super::line::{Doorbell, Line};
use super::listen::{Listener, same_family};
use super::negotiate::Negotiated;
use super::session::{Session, World};
use crate::events::EventSender;
use crate::poller::{Poller, Ready};
use crate::priority;
use crate::stats::{Counters, SharedCounters};
use crate::{EndpointId, MediaEvent};

/// How often every session looks at the clock.
const LOOK: Duration = Duration::from_millis(5);
/// Datagrams that are read before the sessions have their turn.
const BATCH: usize = 64;
/// More than a datagram of ours may have.
const DATAGRAM: usize = 2_048;
/// Source addresses one session is known by: a telephone that walks through networks has few.
const SOURCES: usize = 16;

/// What the control side asks of a thread.
pub(super) enum Command {
    Start(Box<NewSession>),
    Restart(EndpointId, Box<str>),
    Close(EndpointId),
}

pub(super) struct NewSession {
    pub(super) id: EndpointId,
    pub(super) line: Arc<Line>,
    pub(super) negotiated: Negotiated,
}

/// What both sides of one thread share.
pub(super) struct Link {
    pub(super) commands: ArrayQueue<Command>,
    /// Closes that found the queue full.
    pub(super) late_closes: SegQueue<EndpointId>,
    pub(super) doorbell: Arc<Doorbell>,
    pub(super) counters: SharedCounters,
    pub(super) shutdown: AtomicBool,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// The world as sessions see it.
struct Outside {
    listeners: Vec<Listener>,
    events: EventSender,
    counters: Counters,
    told: bool,
}

impl World for Outside {
    fn send(&mut self, packet: &[u8], to: SocketAddr) {
        let listener = self
            .listeners
            .iter()
            .find(|listener| same_family(listener.advertised.ip(), to.ip()));
        match listener.map(|listener| listener.socket.send_to(packet, to)) {
            Some(Ok(_)) => {}
            Some(Err(_)) | None => self.counters.send_errors += 1,
        }
    }

    fn tell(&mut self, event: MediaEvent) {
        match self.events.queue.push(event) {
            Ok(()) => self.told = true,
            Err(_) => self.counters.events_dropped += 1,
        }
    }
}

pub(super) struct Worker {
    poller: Poller,
    link: Arc<Link>,
    outside: Outside,
    preferred: bool,
    sessions: Slab<Session>,
    slots: HashMap<EndpointId, usize>,
    by_user_name: HashMap<String, usize>,
    by_source: HashMap<SocketAddr, usize>,
    by_ssrc: HashMap<u32, usize>,
    next_look: Instant,
}

impl Worker {
    pub(super) fn new(
        poller: Poller,
        link: Arc<Link>,
        listeners: Vec<Listener>,
        events: EventSender,
        preferred: bool,
    ) -> std::io::Result<Self> {
        for (token, listener) in listeners.iter().enumerate() {
            poller.registry().watch(&listener.socket, token as u64)?;
        }
        Ok(Self {
            poller,
            link,
            outside: Outside {
                listeners,
                events,
                counters: Counters::default(),
                told: false,
            },
            preferred,
            sessions: Slab::new(),
            slots: HashMap::new(),
            by_user_name: HashMap::new(),
            by_source: HashMap::new(),
            by_ssrc: HashMap::new(),
            next_look: Instant::now(),
        })
    }

    /// Runs until it is told to end.
    pub(super) fn run(mut self) {
        if self.preferred {
            priority::prefer_this_thread();
        }
        let mut ready = Ready::new();
        let mut buffer = vec![0u8; DATAGRAM];
        while !self.link.shutdown.load(Ordering::Acquire) {
            let until = (!self.sessions.is_empty()).then_some(self.next_look);
            if let Err(error) = self.poller.wait(&mut ready, until, Instant::now()) {
                tracing::error!(%error, "an rtc thread cannot wait for its sockets");
                std::thread::sleep(LOOK);
            }
            let now = Instant::now();
            while let Some(command) = self.link.commands.pop() {
                self.execute(command, now);
            }
            while let Some(id) = self.link.late_closes.pop() {
                self.close(id, now);
            }
            while let Some(id) = self.link.doorbell.rung.pop() {
                if let Some(session) = self.slots.get(&id).and_then(|&slot| self.sessions.get_mut(slot)) {
                    session.carry(now, &mut self.outside);
                }
            }
            for token in ready.tokens() {
                self.read(token as usize, &mut buffer);
            }
            self.look();
            self.outside.counters.publish(&self.link.counters);
            if std::mem::take(&mut self.outside.told) {
                (self.outside.events.wake)();
            }
        }
        let now = Instant::now();
        for (_, session) in &mut self.sessions {
            session.close(now, &mut self.outside);
        }
    }

    fn read(&mut self, listener: usize, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            let Some(listener) = self.outside.listeners.get(listener) else {
                return;
            };
            // Nothing there, or the ICMP answer to an earlier packet.
            let Ok((length, from)) = listener.socket.recv_from(buffer) else {
                return;
            };
            let to = listener.advertised;
            self.datagram(&buffer[..length], from, to, Instant::now());
        }
    }

    fn datagram(&mut self, data: &[u8], from: SocketAddr, to: SocketAddr, now: Instant) {
        let Some((slot, nominates)) = self.whose(data, from) else {
            self.outside.counters.dropped_stranger += 1;
            return;
        };
        let Ok(datagram) = Receive::new(Protocol::Udp, from, to, data) else {
            self.outside.counters.dropped_malformed += 1;
            return;
        };
        let Some(session) = self.sessions.get_mut(slot) else {
            return;
        };
        let before = session.ssrc;
        let authentic = session.receive(datagram, nominates, now, &mut self.outside);
        if session.ssrc != before {
            before.map(|before| self.by_ssrc.remove(&before));
            session.ssrc.map(|ssrc| self.by_ssrc.insert(ssrc, slot));
        }
        // An address stays its first session's: a forged request cannot lead another's audio away.
        if authentic && !self.by_source.contains_key(&from) {
            if session.sources.len() >= SOURCES {
                self.by_source.remove(&session.sources.remove(0));
            }
            session.sources.push(from);
            self.by_source.insert(from, slot);
        }
    }

    /// The session a datagram is for, before any cryptography: STUN by its user name, all else by where it comes from
    /// (RFC 7983), audio from an unknown address by its stream. With it, whether it is a check that chooses its path.
    fn whose(&self, data: &[u8], from: SocketAddr) -> Option<(usize, bool)> {
        let known = || self.by_source.get(&from).map(|&slot| (slot, false));
        match data.first()? {
            0..4 => {
                let message = StunMessage::parse(data).ok()?;
                let Some((ours, _)) = message.split_username() else {
                    return known();
                };
                let slot = *self.by_user_name.get(ours)?;
                Some((slot, message.use_candidate()))
            }
            128..192 => known().or_else(|| {
                let ssrc = u32::from_be_bytes(*data.get(8..12)?.first_chunk()?);
                self.by_ssrc.get(&ssrc).map(|&slot| (slot, false))
            }),
            _ => known(),
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK;
        for (_, session) in &mut self.sessions {
            session.look(now, &mut self.outside);
        }
    }

    fn execute(&mut self, command: Command, now: Instant) {
        match command {
            Command::Start(new) => self.start(*new, now),
            Command::Restart(id, offer) => {
                let Some(&slot) = self.slots.get(&id) else { return };
                let Some(session) = self.sessions.get_mut(slot) else {
                    return;
                };
                let before = session.user_name.clone();
                session.restart(&offer, now, &mut self.outside);
                self.by_user_name.remove(&before);
                self.by_user_name.insert(session.user_name.clone(), slot);
            }
            Command::Close(id) => self.close(id, now),
        }
    }

    fn start(&mut self, new: NewSession, now: Instant) {
        let NewSession { id, line, negotiated } = new;
        match Session::new(id, line, negotiated, now) {
            Ok(session) => {
                let user_name = session.user_name.clone();
                let slot = self.sessions.insert(session);
                self.slots.insert(id, slot);
                self.by_user_name.insert(user_name, slot);
            }
            Err(error) => {
                tracing::warn!(%error, "a browser's session could not be started");
                self.outside.tell(MediaEvent::BrowserLost { id, closed: false });
            }
        }
    }

    fn close(&mut self, id: EndpointId, now: Instant) {
        let Some(slot) = self.slots.remove(&id) else {
            return;
        };
        let mut session = self.sessions.remove(slot);
        session.close(now, &mut self.outside);
        self.by_user_name.remove(&session.user_name);
        self.by_source.retain(|_, of| *of != slot);
        self.by_ssrc.retain(|_, of| *of != slot);
    }
}
