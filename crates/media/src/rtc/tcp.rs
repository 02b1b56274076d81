//! Browsers whose network lets no UDP through: the connections of ICE-TCP (RFC 6544) of one rtc thread.
//!
//! A connection must prove within seconds that a session wants it, by a connectivity check that the session answers. Until
//! then it is one of few, and the oldest of them make room for others: who opens ten thousand keeps nobody out. Nothing here
//! waits for a peer: what a slow reader does not take is lost in whole datagrams, as on the way of a UDP packet.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use slab::Slab;

use super::framing::{Inbox, Outbox};
use super::listen::Watched;
use crate::poller::Registry;

/// From the accept to the check that a session answers.
const PROOF: Duration = Duration::from_secs(5);
/// Connections without a proof, in all and of one network.
const UNPROVEN: usize = 256;
const UNPROVEN_OF_ONE: usize = 32;
/// Connections of one session: a browser has one, and for a while another after a change of network.
const OF_SESSION: usize = 4;
/// How long nothing may come. Browsers check a path that they keep in reserve every 25 seconds.
const SILENT: Duration = Duration::from_mins(1);
/// Accepts before the sessions have their turn.
const BATCH: usize = 32;
/// After an accept that failed, for want of file descriptors most likely.
const PAUSE: Duration = Duration::from_millis(200);

/// A listening socket and the address by which browsers know it.
#[derive(Debug)]
pub(super) struct Entrance {
    socket: TcpListener,
    pub(super) advertised: SocketAddr,
    /// When it is watched again.
    paused: Option<Instant>,
}

impl Entrance {
    pub(super) fn new(socket: TcpListener, advertised: SocketAddr) -> Self {
        Self {
            socket,
            advertised,
            paused: None,
        }
    }
}

/// Which session a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Unproven,
    /// The session's slot.
    Of(usize),
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    from: SocketAddr,
    /// What the browser knows as our address.
    to: SocketAddr,
    standing: Standing,
    opened: Instant,
    heard: Instant,
    inbox: Inbox,
    outbox: Outbox,
    /// A send failed.
    broken: bool,
}

/// What a read brought.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) inbox: Inbox,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Connections {
    entrances: Vec<Entrance>,
    table: Slab<Connection>,
    by_address: HashMap<SocketAddr, usize>,
    unproven: usize,
    /// Closed without a proof, since the start.
    pub(super) refused: u64,
}

impl Connections {
    pub(super) fn new(entrances: Vec<Entrance>) -> Self {
        Self {
            entrances,
            table: Slab::new(),
            by_address: HashMap::new(),
            unproven: 0,
            refused: 0,
        }
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn listen(&self, registry: Registry<'_>) -> std::io::Result<()> {
        let mut entrances = self.entrances.iter().enumerate();
        entrances.try_for_each(|(number, entrance)| {
            registry.watch(&entrance.socket, Watched::Entrance(number).token())
        })
    }

    /// Whether [`look`](Self::look) has something to look at.
    pub(super) fn needs_looks(&self) -> bool {
        !self.table.is_empty() || self.entrances.iter().any(|entrance| entrance.paused.is_some())
    }

    /// Takes the connections that wait at a listening socket.
    pub(super) fn accept(&mut self, entrance: usize, registry: Registry<'_>, now: Instant) {
        for _ in 0..BATCH {
            let Some(listening) = self.entrances.get_mut(entrance) else {
                return;
            };
            match listening.socket.accept() {
                Ok((stream, from)) => {
                    let to = listening.advertised;
                    self.enter(stream, (from, to), registry, now);
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return,
                    // That one is gone already.
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {}
                    _ => {
                        tracing::warn!(%error, "a browser's connection cannot be accepted");
                        registry.forget(&listening.socket);
                        listening.paused = Some(now + PAUSE);
                        return;
                    }
                },
            }
        }
    }

    fn enter(
        &mut self,
        stream: TcpStream,
        (from, to): (SocketAddr, SocketAddr),
        registry: Registry<'_>,
        now: Instant,
    ) {
        self.make_room(from.ip());
        if stream.set_nonblocking(true).is_err() || stream.set_nodelay(true).is_err() {
            return;
        }
        let place = self.table.vacant_entry();
        if let Err(error) = registry.watch(&stream, Watched::Connection(place.key()).token()) {
            tracing::warn!(%error, "a browser's connection cannot be watched");
            return;
        }
        // Of two from one address the earlier is over, and its end was not read yet.
        self.by_address.insert(from, place.key());
        place.insert(Connection {
            stream,
            from,
            to,
            standing: Standing::Unproven,
            opened: now,
            heard: now,
            inbox: Inbox::new(),
            outbox: Outbox::default(),
            broken: false,
        });
        self.unproven += 1;
    }

    /// Closes the oldest connections without a proof where there are too many for one more.
    fn make_room(&mut self, of: IpAddr) {
        if self.unproven == 0 {
            return;
        }
        let network = network(of);
        let (mut oldest, mut oldest_of_one, mut of_one) = (None::<(Instant, usize)>, None, 0);
        for (key, connection) in &self.table {
            if connection.standing != Standing::Unproven {
                continue;
            }
            let age = Some((connection.opened, key));
            oldest = oldest.min(age).or(age);
            if self::network(connection.from.ip()) == network {
                of_one += 1;
                oldest_of_one = oldest_of_one.min(age).or(age);
            }
        }
        let leaves = if of_one >= UNPROVEN_OF_ONE {
            oldest_of_one
        } else if self.unproven >= UNPROVEN {
            oldest
        } else {
            None
        };
        if let Some((_, key)) = leaves {
            self.close(key);
        }
    }

    /// Reads once from a connection, and lends what came with what was left before; `None` where nothing did. A stream that
    /// ended is closed.
    pub(super) fn read(&mut self, key: usize, now: Instant) -> Option<Mail> {
        let connection = self.table.get_mut(key)?;
        match connection.inbox.fill(&mut &connection.stream) {
            Ok(length) if length > 0 => {
                connection.heard = now;
                return Some(Mail {
                    inbox: std::mem::take(&mut connection.inbox),
                    from: connection.from,
                    to: connection.to,
                });
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Ok(_) | Err(_) => self.close(key),
        }
        None
    }

    /// Gives back what [`read`](Self::read) lent.
    pub(super) fn give_back(&mut self, key: usize, inbox: Inbox) {
        if let Some(connection) = self.table.get_mut(key) {
            connection.inbox = inbox;
        }
    }

    /// `None` for a connection that is closed.
    pub(super) fn standing(&self, key: usize) -> Option<Standing> {
        self.table.get(key).map(|connection| connection.standing)
    }

    /// A session answered a check that came on the connection: it is the session's, in place of one too many.
    pub(super) fn prove(&mut self, key: usize, slot: usize) {
        let Some(connection) = self.table.get_mut(key) else {
            return;
        };
        if connection.standing != Standing::Unproven {
            return;
        }
        connection.standing = Standing::Of(slot);
        self.unproven -= 1;
        let others = self
            .table
            .iter()
            .filter(|&(other, connection)| connection.standing == Standing::Of(slot) && other != key);
        let (count, stalest) = others.fold((0, None), |(count, stalest), (other, connection)| {
            let age = Some((connection.heard, other));
            (count + 1, stalest.min(age).or(age))
        });
        if count >= OF_SESSION
            && let Some((_, stalest)) = stalest
        {
            self.close(stalest);
        }
    }

    /// Sends a datagram on the connection from this address; `false` where there is none, or no room.
    pub(super) fn send(&mut self, datagram: &[u8], to: SocketAddr) -> bool {
        let key = self.by_address.get(&to);
        let Some(connection) = key.and_then(|&key| self.table.get_mut(key)) else {
            return false;
        };
        if connection.broken {
            return false;
        }
        let sent = connection.outbox.send(datagram, &mut &connection.stream);
        connection.broken = sent.is_err();
        sent.unwrap_or(false)
    }

    /// Looks at the clock: sends what waits, closes what is broken, silent or without a proof for too long.
    pub(super) fn look(&mut self, registry: Registry<'_>, now: Instant) {
        for (number, entrance) in self.entrances.iter_mut().enumerate() {
            if entrance.paused.is_some_and(|until| now >= until) {
                let watched = registry.watch(&entrance.socket, Watched::Entrance(number).token());
                entrance.paused = watched.is_err().then_some(now + PAUSE);
            }
        }
        self.close_where(|connection| {
            let late = match connection.standing {
                Standing::Unproven => now.saturating_duration_since(connection.opened) >= PROOF,
                Standing::Of(_) => now.saturating_duration_since(connection.heard) >= SILENT,
            };
            late || connection.broken || connection.outbox.flush(&mut &connection.stream).is_err()
        });
    }

    /// Closes every connection of a session.
    pub(super) fn leave(&mut self, slot: usize) {
        self.close_where(|connection| connection.standing == Standing::Of(slot));
    }

    pub(super) fn close(&mut self, key: usize) {
        if let Some(connection) = self.table.try_remove(key) {
            self.closed(key, &connection);
        }
    }

    fn close_where(&mut self, mut over: impl FnMut(&mut Connection) -> bool) {
        let mut table = std::mem::take(&mut self.table);
        table.retain(|key, connection| {
            let stays = !over(connection);
            if !stays {
                self.closed(key, connection);
            }
            stays
        });
        self.table = table;
    }

    fn closed(&mut self, key: usize, connection: &Connection) {
        if self.by_address.get(&connection.from) == Some(&key) {
            self.by_address.remove(&connection.from);
        }
        if connection.standing == Standing::Unproven {
            self.unproven -= 1;
            self.refused += 1;
        }
    }
}

/// Who counts as one: an address of IPv4, a network of 64 bits of IPv6.
fn network(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_bits().into(),
        IpAddr::V6(ip) => ip.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::Ipv4Addr;

    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

    use super::*;
    use crate::poller::Poller;
    use crate::rtc::{WebRtcConfig, listen};

    struct World {
        poller: Poller,
        connections: Connections,
        to: SocketAddr,
        now: Instant,
    }

    fn world() -> World {
        let config = WebRtcConfig {
            listen: Vec::new(),
            listen_tcp: vec![(Ipv4Addr::LOCALHOST, 0).into()],
            advertised: Vec::new(),
            dtx: true,
            threads: 1,
        };
        let entrances = listen::open_tcp(&config, 0).unwrap();
        World {
            poller: Poller::new().unwrap().0,
            to: entrances[0].advertised,
            connections: Connections::new(entrances),
            now: Instant::now(),
        }
    }

    impl World {
        /// Lets all in that have connected.
        fn accept(&mut self) {
            self.now += Duration::from_millis(1);
            self.connections.accept(0, self.poller.registry(), self.now);
        }

        fn look_after(&mut self, time: Duration) {
            self.now += time;
            self.connections.look(self.poller.registry(), self.now);
        }

        /// A connection from some address of this machine.
        fn comes_from(&mut self, last: u8) -> TcpStream {
            let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
            bind(&socket, &SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
            connect(&socket, &self.to).unwrap();
            self.accept();
            socket.into()
        }

        fn is_in(&self, stream: &TcpStream) -> bool {
            let from = stream.local_addr().unwrap();
            self.connections.by_address.contains_key(&from)
        }

        fn prove(&mut self, stream: &TcpStream, slot: usize) {
            let key = self.connections.by_address[&stream.local_addr().unwrap()];
            self.connections.prove(key, slot);
        }
    }

    #[test]
    fn the_oldest_without_a_proof_make_room_first_those_of_the_same_address() {
        let mut world = world();
        let proven = world.comes_from(9);
        world.prove(&proven, 0);
        let first = world.comes_from(1);
        let others: Vec<TcpStream> = (0..40).map(|_| world.comes_from(2)).collect();
        assert_eq!(world.connections.unproven, 1 + UNPROVEN_OF_ONE);
        assert!(world.is_in(&first) && !world.is_in(&others[7]) && world.is_in(&others[8]));

        let crowd: Vec<TcpStream> = (10..=250).map(|last| world.comes_from(last)).collect();
        assert_eq!(world.connections.unproven, UNPROVEN);
        assert!(!world.is_in(&first) && world.is_in(&crowd[240]));
        assert!(world.is_in(&proven));

        world.look_after(PROOF);
        assert_eq!((world.connections.unproven, world.connections.len()), (0, 1));
        assert_eq!(world.connections.by_address.len(), 1);
        assert_eq!(world.connections.refused, 1 + 40 + 241);
    }

    #[test]
    fn a_session_has_few_connections_and_takes_them_along() {
        let mut world = world();
        let mut own = Vec::new();
        for _ in 0..=OF_SESSION {
            own.push(world.comes_from(1));
            let newest = own.last().unwrap().try_clone().unwrap();
            world.prove(&newest, 3);
        }
        let other = world.comes_from(1);
        world.prove(&other, 4);
        assert!(!world.is_in(&own[0]) && world.is_in(&own[1]));
        world.connections.leave(3);
        assert!(world.is_in(&other));
        world.look_after(SILENT);
        assert_eq!((world.connections.len(), world.connections.refused), (0, 0));
    }

    #[test]
    fn who_has_left_is_closed_by_what_is_sent_or_read() {
        let mut world = world();
        let mut gone = world.comes_from(1);
        world.prove(&gone, 0);
        let from = gone.local_addr().unwrap();
        let key = world.connections.by_address[&from];
        let left = world.comes_from(1);
        world.prove(&left, 1);
        let other = world.connections.by_address[&left.local_addr().unwrap()];
        assert!(world.connections.send(b"never read", from));
        gone.set_nonblocking(false).unwrap();
        gone.read_exact(&mut [0; 2]).unwrap();
        // Closed with something unread, so that the other side is told of a reset.
        drop(gone);
        drop(left);
        let begun = Instant::now();
        while world.connections.send(b"nobody there", from) {
            assert!(begun.elapsed() < Duration::from_secs(30));
        }
        world.look_after(Duration::ZERO);
        assert_eq!(world.connections.standing(key), None);
        while world.connections.standing(other).is_some() {
            assert!(world.connections.read(other, world.now).is_none());
            assert!(begun.elapsed() < Duration::from_secs(30));
        }
        assert_eq!(world.connections.len(), 0);
    }

    #[test]
    fn a_slow_reader_loses_whole_datagrams_and_keeps_nobody_waiting() {
        let mut world = world();
        let reader = world.comes_from(1);
        world.prove(&reader, 0);
        let from = reader.local_addr().unwrap();
        let begun = Instant::now();
        let datagram = |n: u16| [&n.to_be_bytes()[..], &[n as u8; 170]].concat();
        let sent: Vec<u16> = (0..60_000)
            .filter(|n| world.connections.send(&datagram(*n), from))
            .collect();
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert!(sent.len() > 100 && sent.len() < 50_000, "{} went", sent.len());

        let reads = std::thread::spawn(move || {
            let (mut inbox, mut heard) = (Inbox::new(), Vec::new());
            while inbox.fill(&mut &reader).unwrap() > 0 {
                inbox
                    .datagrams(|datagram| {
                        heard.push(datagram.to_vec());
                        true
                    })
                    .unwrap();
            }
            heard
        });
        while !world.connections.table[0].outbox.is_empty() {
            assert!(begun.elapsed() < Duration::from_mins(1));
            world.look_after(Duration::ZERO);
        }
        world.connections.leave(0);
        let heard = reads.join().unwrap();
        assert_eq!(heard, sent.into_iter().map(datagram).collect::<Vec<_>>());
    }
}
