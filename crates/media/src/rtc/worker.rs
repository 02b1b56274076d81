//! One rtc thread: its ports and the sessions that share them.

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
use super::listen::{Listener, Watched, same_family};
use super::negotiate::Negotiated;
use super::session::{Session, TransportAddress, World};
use super::tcp::{Connections, Entrance, Standing};
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

/// Where browsers come in.
pub(super) struct Doors {
    pub(super) listeners: Vec<Listener>,
    pub(super) entrances: Vec<Entrance>,
}

/// The world as sessions see it.
struct Outside {
    listeners: Vec<Listener>,
    connections: Connections,
    events: EventSender,
    counters: Counters,
    told: bool,
}

impl World for Outside {
    fn send(&mut self, packet: &[u8], to: TransportAddress) {
        let TransportAddress { protocol, address } = to;
        let sent = if protocol == Protocol::Udp {
            let mut listeners = self.listeners.iter();
            let listener = listeners.find(|listener| same_family(listener.advertised.ip(), address.ip()));
            listener.is_some_and(|listener| listener.socket.send_to(packet, address).is_ok())
        } else {
            self.connections.send(packet, address)
        };
        self.counters.send_errors += u64::from(!sent);
    }

    fn tell(&mut self, event: MediaEvent) {
        match self.events.queue.push(event) {
            Ok(()) => self.told = true,
            Err(_) => self.counters.events_dropped += 1,
        }
    }
}

/// Whom a datagram names.
enum Named {
    /// It is no STUN message, or one without a user name.
    Nobody,
    /// A session, by its slot, with whether it is a check that chooses its path.
    Known(usize, bool),
    /// Somebody who is not here.
    Unknown,
}

impl Outside {
    fn publish(&mut self, shared: &SharedCounters) {
        self.counters.tcp_connections = self.connections.len() as u64;
        self.counters.tcp_refused = self.connections.refused;
        self.counters.publish(shared);
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
        doors: Doors,
        events: EventSender,
        preferred: bool,
    ) -> std::io::Result<Self> {
        let Doors { listeners, entrances } = doors;
        for (number, listener) in listeners.iter().enumerate() {
            let token = Watched::Datagrams(number).token();
            poller.registry().watch(&listener.socket, token)?;
        }
        let connections = Connections::new(entrances);
        connections.listen(poller.registry())?;
        Ok(Self {
            poller,
            link,
            outside: Outside {
                listeners,
                connections,
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
            let looks = !self.sessions.is_empty() || self.outside.connections.needs_looks();
            let until = looks.then_some(self.next_look);
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
                match Watched::of(token) {
                    Watched::Datagrams(listener) => self.read(listener, &mut buffer),
                    Watched::Entrance(entrance) => self.accept(entrance),
                    Watched::Connection(key) => self.read_connection(key),
                }
            }
            self.look();
            self.outside.publish(&self.link.counters);
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

    fn accept(&mut self, entrance: usize) {
        let registry = self.poller.registry();
        self.outside
            .connections
            .accept(entrance, registry, Instant::now());
    }

    fn read_connection(&mut self, key: usize) {
        let now = Instant::now();
        let Some(mut mail) = self.outside.connections.read(key, now) else {
            return;
        };
        let mut stays = true;
        let whole = mail.inbox.datagrams(|data| {
            stays = self.on_connection(key, data, (mail.from, mail.to), now);
            stays
        });
        if stays && whole.is_ok() {
            self.outside.connections.give_back(key, mail.inbox);
        } else {
            self.outside.connections.close(key);
        }
    }

    /// Takes a datagram of a connection; `false` if it shows that the connection has no business here.
    fn on_connection(
        &mut self,
        key: usize,
        data: &[u8],
        (from, to): (SocketAddr, SocketAddr),
        now: Instant,
    ) -> bool {
        let Some(standing) = self.outside.connections.standing(key) else {
            return false;
        };
        let (slot, nominates) = match (standing, self.named(data)) {
            (Standing::Unproven, Named::Nobody) => return false,
            (Standing::Unproven, Named::Known(slot, nominates)) => (slot, nominates),
            (Standing::Of(slot), Named::Nobody) => (slot, false),
            (Standing::Of(slot), Named::Known(named, nominates)) if named == slot => (slot, nominates),
            // A check by the name before an ICE restart may come first.
            (_, Named::Unknown | Named::Known(..)) => {
                self.outside.counters.dropped_stranger += 1;
                return true;
            }
        };
        let authentic = self.hand_over(slot, Protocol::Tcp, data, (from, to), nominates, now);
        if authentic && standing == Standing::Unproven {
            self.outside.connections.prove(key, slot);
        }
        true
    }

    fn datagram(&mut self, data: &[u8], from: SocketAddr, to: SocketAddr, now: Instant) {
        let Some((slot, nominates)) = self.whose(data, from) else {
            self.outside.counters.dropped_stranger += 1;
            return;
        };
        let authentic = self.hand_over(slot, Protocol::Udp, data, (from, to), nominates, now);
        let Some(session) = self.sessions.get_mut(slot) else {
            return;
        };
        // An address stays its first session's: a forged request cannot lead another's audio away.
        if authentic && !self.by_source.contains_key(&from) {
            if session.sources.len() >= SOURCES {
                self.by_source.remove(&session.sources.remove(0));
            }
            session.sources.push(from);
            self.by_source.insert(from, slot);
        }
    }

    /// Gives a datagram to its session; whether it is authentic.
    fn hand_over(
        &mut self,
        slot: usize,
        protocol: Protocol,
        data: &[u8],
        (from, to): (SocketAddr, SocketAddr),
        nominates: bool,
        now: Instant,
    ) -> bool {
        let Ok(datagram) = Receive::new(protocol, from, to, data) else {
            self.outside.counters.dropped_malformed += 1;
            return false;
        };
        let Some(session) = self.sessions.get_mut(slot) else {
            return false;
        };
        let before = session.ssrc;
        let authentic = session.receive(datagram, nominates, now, &mut self.outside);
        if session.ssrc != before {
            before.map(|before| self.by_ssrc.remove(&before));
            session.ssrc.map(|ssrc| self.by_ssrc.insert(ssrc, slot));
        }
        authentic
    }

    /// Whom a datagram names, before any cryptography.
    fn named(&self, data: &[u8]) -> Named {
        if data.first().is_none_or(|first| *first >= 4) {
            return Named::Nobody;
        }
        let Ok(message) = StunMessage::parse(data) else {
            return Named::Nobody;
        };
        let Some((ours, _)) = message.split_username() else {
            return Named::Nobody;
        };
        self.by_user_name.get(ours).map_or(Named::Unknown, |&slot| {
            Named::Known(slot, message.use_candidate())
        })
    }

    /// The session a datagram is for, before any cryptography: STUN by its user name, all else by where it comes from
    /// (RFC 7983), audio from an unknown address by its stream. With it, whether it is a check that chooses its path.
    fn whose(&self, data: &[u8], from: SocketAddr) -> Option<(usize, bool)> {
        let known = || self.by_source.get(&from).map(|&slot| (slot, false));
        match self.named(data) {
            Named::Known(slot, nominates) => return Some((slot, nominates)),
            Named::Unknown => return None,
            Named::Nobody => {}
        }
        match data.first()? {
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
        self.outside.connections.look(self.poller.registry(), now);
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
        self.outside.connections.leave(slot);
        self.by_user_name.remove(&session.user_name);
        self.by_source.retain(|_, of| *of != slot);
        self.by_ssrc.retain(|_, of| *of != slot);
    }
}
