//! One media thread: its poll, its sockets, its sessions, its clock.

use std::collections::HashMap;
use std::io;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use crossbeam_queue::{ArrayQueue, SegQueue};
use slab::Slab;

use crate::audio::{Library, Playlist};
use crate::endpoint::Endpoint;
use crate::events::EventSender;
use crate::mix::{Room, Seat};
use crate::player::Player;
use crate::poller::{Poller, Ready, Waker};
use crate::ports::FreedPorts;
use crate::priority::{self, Granted};
use crate::recording::Recorder;
use crate::relay::{self, Arrival};
use crate::rtc::Line;
use crate::sockets::{Kind, Sockets};
use crate::stats::{Counters, SharedCounters};
use crate::transit::{Arrival as Arriving, LaidDown, Transit};
use crate::{EndpointId, MediaEvent, PlayMode, RoomId, succession};

mod command;
mod rooms;

pub(crate) use command::Command;

/// A tick serves every fourth endpoint, so that packets that are played leave spread over 20 ms.
const TICK: Duration = Duration::from_millis(5);
const PHASES: usize = 4;
/// Ticks that are made up for after a stall; older ones are let go.
const MAX_CATCH_UP: Duration = Duration::from_millis(100);
/// How often silence and reports are looked after.
const HOUSEKEEPING: Duration = Duration::from_millis(100);
/// More than any packet of telephone audio; a longer one is cut and then refused.
const DATAGRAM: usize = 2048;

/// What both sides of one thread share.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) commands: ArrayQueue<Command>,
    /// Closes that found the queue full: an endpoint must never be left open.
    pub(crate) late_closes: SegQueue<EndpointId>,
    pub(crate) waker: Waker,
    pub(crate) counters: SharedCounters,
    pub(crate) shutdown: AtomicBool,
}

/// What all threads share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) events: EventSender,
    pub(crate) library: Arc<Library>,
    pub(crate) freed: FreedPorts,
    pub(crate) no_rtp_after: [Duration; 2],
    pub(crate) rtcp_interval: Duration,
    /// Whether threads ask to go before ordinary ones.
    pub(crate) preferred: bool,
}

/// Events on their way to the control side.
struct Outbox {
    shared: Shared,
    pushed: bool,
    dropped: u64,
}

impl Outbox {
    fn push(&mut self, event: MediaEvent) {
        match self.shared.events.queue.push(event) {
            Ok(()) => self.pushed = true,
            Err(_) => self.dropped += 1,
        }
    }
}

pub(crate) struct Worker {
    poller: Poller,
    link: Arc<Link>,
    outbox: Outbox,
    endpoints: Slab<Endpoint>,
    slots: HashMap<EndpointId, usize>,
    /// Endpoints on their way from another thread.
    arriving: Vec<Arriving>,
    rooms: Slab<Room>,
    room_slots: HashMap<RoomId, usize>,
    /// Members of all rooms.
    seats: usize,
    /// Slots that get ticks.
    ticking: Vec<usize>,
    next_tick: Instant,
    phase: usize,
    next_housekeeping: Instant,
    counters: Counters,
}

impl Worker {
    pub(crate) fn new(queue_capacity: usize, shared: Shared) -> io::Result<(Self, Arc<Link>)> {
        let (poller, waker) = Poller::new()?;
        let link = Arc::new(Link {
            commands: ArrayQueue::new(queue_capacity.max(16)),
            late_closes: SegQueue::new(),
            waker,
            counters: SharedCounters::default(),
            shutdown: AtomicBool::new(false),
        });
        let now = Instant::now();
        let worker = Self {
            poller,
            link: link.clone(),
            outbox: Outbox {
                shared,
                pushed: false,
                dropped: 0,
            },
            endpoints: Slab::new(),
            slots: HashMap::new(),
            arriving: Vec::new(),
            rooms: Slab::new(),
            room_slots: HashMap::new(),
            seats: 0,
            ticking: Vec::new(),
            next_tick: now,
            phase: 0,
            next_housekeeping: now,
            counters: Counters::default(),
        };
        Ok((worker, link))
    }

    /// Runs until it is told to end.
    pub(crate) fn run(mut self) {
        if self.outbox.shared.preferred {
            let granted = priority::prefer_this_thread();
            self.counters.preferred = granted != Granted::Nothing;
            self.counters.publish(&self.link.counters);
            tell_once(granted);
        }
        let mut ready = Ready::new();
        let mut buffer = vec![0u8; DATAGRAM];
        while !self.link.shutdown.load(Ordering::Acquire) {
            let until = self.next_deadline();
            if let Err(error) = self.poller.wait(&mut ready, until, Instant::now()) {
                tracing::error!(%error, "a media thread cannot wait for its sockets");
                std::thread::sleep(TICK);
            }
            let now = Instant::now();
            if let Some(until) = until {
                self.counters.went_on(now.saturating_duration_since(until));
            }
            while let Some(command) = self.link.commands.pop() {
                self.execute(command, now);
            }
            self.welcome(now);
            for token in ready.tokens() {
                self.read(token, &mut buffer, now);
            }
            self.tick(now);
            self.housekeeping(now);
            self.counters.events_dropped = self.outbox.dropped;
            self.counters.publish(&self.link.counters);
            if std::mem::take(&mut self.outbox.pushed) {
                (self.outbox.shared.events.wake)();
            }
        }
        let now = Instant::now();
        for (_, endpoint) in &mut self.endpoints {
            endpoint.report(now, true);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        if self.endpoints.is_empty() {
            return None;
        }
        let playing = self.has_ticks().then_some(self.next_tick);
        Some(playing.map_or(self.next_housekeeping, |tick| tick.min(self.next_housekeeping)))
    }

    /// Reads one datagram: a socket that holds more is told again, after the others had their turn.
    fn read(&mut self, token: u64, buffer: &mut [u8], now: Instant) {
        let (slot, kind) = Kind::of(token);
        let Some(endpoint) = self.endpoints.get_mut(slot) else {
            return;
        };
        // Nothing there, or the ICMP answer to an earlier packet.
        let Ok((length, from)) = endpoint.sockets.receive(kind, buffer) else {
            return;
        };
        if length == buffer.len() {
            self.counters.dropped_malformed += 1;
            return;
        }
        if kind == Kind::Rtcp {
            endpoint.read_report(&buffer[..length], from, now, &mut self.counters);
            return;
        }
        let outbox = &mut self.outbox;
        let aftermath = relay::datagram(
            &mut self.endpoints,
            Arrival { slot, from, now },
            &mut buffer[..length],
            &mut self.counters,
            &mut |event| outbox.push(event),
        );
        if let Some(peer) = aftermath.learned
            && let Some(endpoint) = self.endpoints.get_mut(slot)
        {
            endpoint.sockets.connect(peer, self.poller.registry(), slot);
        }
        if let Some(partner) = aftermath.playing {
            self.start_ticking(partner, now);
        }
    }

    fn has_ticks(&self) -> bool {
        !self.ticking.is_empty() || self.seats > 0
    }

    fn tick(&mut self, now: Instant) {
        if !self.has_ticks() {
            return;
        }
        if now.saturating_duration_since(self.next_tick) > MAX_CATCH_UP {
            self.next_tick = now;
        }
        while self.next_tick <= now {
            self.next_tick += TICK;
            self.phase = (self.phase + 1) % PHASES;
            self.mix(now);
            let mut index = 0;
            while let Some(&slot) = self.ticking.get(index) {
                if slot % PHASES != self.phase {
                    index += 1;
                    continue;
                }
                let Some(endpoint) = self.endpoints.get_mut(slot) else {
                    self.ticking.swap_remove(index);
                    continue;
                };
                let laid_over = endpoint.overlay_ended.take();
                let played = endpoint.tick(now, &self.outbox.shared.library, &mut self.counters);
                for token in laid_over.into_iter().chain(played) {
                    self.outbox.push(MediaEvent::PlayFinished {
                        id: endpoint.id,
                        token,
                    });
                }
                if endpoint.needs_ticks() {
                    index += 1;
                } else {
                    endpoint.ticking = false;
                    self.ticking.swap_remove(index);
                }
            }
        }
    }

    fn start_ticking(&mut self, slot: usize, now: Instant) {
        let Some(endpoint) = self.endpoints.get_mut(slot) else {
            return;
        };
        if !std::mem::replace(&mut endpoint.ticking, true) {
            if !self.has_ticks() {
                self.next_tick = now;
            }
            self.ticking.push(slot);
        }
    }

    fn housekeeping(&mut self, now: Instant) {
        if now < self.next_housekeeping {
            return;
        }
        self.next_housekeeping = now + HOUSEKEEPING;
        while let Some(id) = self.link.late_closes.pop() {
            self.execute(Command::Close(id), now);
        }
        let interval = self.outbox.shared.rtcp_interval;
        for (_, endpoint) in &mut self.endpoints {
            let limits = &self.outbox.shared.no_rtp_after;
            if let Some(event) = endpoint.silence.check(endpoint.id, limits, now) {
                self.outbox.push(event);
            }
            if let Some(event) = endpoint.quality(now) {
                self.outbox.push(event);
            }
            if endpoint
                .recorder
                .as_ref()
                .is_some_and(|recorder| recorder.is_full(now))
            {
                endpoint.recorder = None;
                self.outbox.push(MediaEvent::RecordingFull { id: endpoint.id });
            }
            if now >= endpoint.reports.next_report {
                endpoint.reports.next_report = now + interval.mul_f64(rand::random_range(0.5..1.5));
                endpoint.report(now, false);
            }
        }
    }

    fn execute(&mut self, command: Command, now: Instant) {
        let awaited = self
            .arriving
            .iter_mut()
            .find(|arriving| command.concerns(arriving.id));
        if let Some(arriving) = awaited {
            arriving.waiting.push(command);
            return;
        }
        match command {
            Command::Arrive(id, transit) => self.arriving.push(Arriving {
                id,
                transit,
                waiting: Vec::new(),
            }),
            Command::Depart(id, transit) => self.depart(id, &transit),
            Command::Open { id, port, rtp, rtcp } => self.open(id, port, rtp, rtcp, now),
            Command::OpenLine(id, line) => self.open_line(id, line, now),
            Command::SetRemote(id, media) => {
                if let Some(endpoint) = self.endpoint(id) {
                    endpoint.set_remote(media, now);
                }
            }
            Command::Bridge(a, b) => self.bridge(a, b),
            Command::TakePlace(new, of, seat) => self.take_place(new, of, seat, now),
            Command::Unbridge(id) => {
                if let Some(&slot) = self.slots.get(&id) {
                    self.unbridge(slot);
                }
            }
            Command::Play(id, clips, mode) => self.play(id, clips, mode, now),
            Command::Stop(id) => {
                if let Some(endpoint) = self.endpoint(id) {
                    endpoint.stop();
                }
            }
            Command::Overlay(id, clips, token) => self.overlay(id, clips, token, now),
            Command::Record(id, tape, tracks, max) => match self.endpoint(id) {
                Some(endpoint) => endpoint.recorder = Some(Recorder::new(tape, tracks, max, now)),
                None => tape.end(0),
            },
            Command::StopRecording(id) => {
                if let Some(endpoint) = self.endpoint(id) {
                    endpoint.recorder = None;
                }
            }
            Command::RelayKeys(id, relays_keys) => {
                if let Some(endpoint) = self.endpoint(id) {
                    endpoint.relays_keys = relays_keys;
                }
            }
            Command::Silence(id, muted) => {
                if let Some(endpoint) = self.endpoint(id) {
                    endpoint.muted = muted;
                }
            }
            Command::SendDtmf(id, digits) => {
                if let Some(&slot) = self.slots.get(&id) {
                    self.endpoints[slot].dtmf.push(&digits);
                    self.start_ticking(slot, now);
                }
            }
            Command::Close(id) => self.close(id, now),
            Command::CreateRoom { id, tones } => self.create_room(id, tones),
            Command::DestroyRoom(id) => self.destroy_room(id),
            Command::Join(room, id, seat) => self.join(room, id, seat, now),
            Command::Leave(id) => {
                if let Some(&slot) = self.slots.get(&id) {
                    self.leave(slot);
                }
            }
            Command::Mute(id, muted) => {
                if let Some(seat) = self.endpoint(id).and_then(|endpoint| endpoint.seat.as_mut()) {
                    seat.muted = muted;
                }
            }
            Command::PlayRoom(id, clips, mode) => self.play_room(id, clips, mode),
        }
    }

    /// Lets an endpoint go to another thread, out of its bridge.
    fn depart(&mut self, id: EndpointId, transit: &Transit) {
        let Some(slot) = self.slots.remove(&id) else {
            transit.lay_down(LaidDown::Nothing);
            return;
        };
        self.unbridge(slot);
        self.leave(slot);
        let mut endpoint = self.endpoints.remove(slot);
        self.ticking.retain(|&other| other != slot);
        endpoint.ticking = false;
        endpoint.sockets.leave(self.poller.registry());
        self.counters.active_endpoints -= 1;
        transit.lay_down(LaidDown::Endpoint(Box::new(endpoint)));
    }

    /// Takes in the endpoints that have come from other threads.
    fn welcome(&mut self, now: Instant) {
        let mut index = 0;
        while let Some(arriving) = self.arriving.get(index) {
            let Some(laid_down) = arriving.transit.take() else {
                index += 1;
                continue;
            };
            let arriving = self.arriving.swap_remove(index);
            if let LaidDown::Endpoint(endpoint) = laid_down {
                self.adopt(*endpoint, now);
            }
            for command in arriving.waiting {
                self.execute(command, now);
            }
            // What was carried out may have changed the list.
            index = 0;
        }
    }

    fn adopt(&mut self, endpoint: Endpoint, now: Instant) {
        let entry = self.endpoints.vacant_entry();
        let slot = entry.key();
        let id = endpoint.id;
        if let Err(error) = endpoint.sockets.enter(self.poller.registry(), slot) {
            tracing::error!(%error, "an RTP socket cannot be watched");
            let (port, stats) = (endpoint.port, endpoint.stats());
            drop(endpoint);
            self.free(port, now);
            self.outbox.push(MediaEvent::Closed { id, stats });
            return;
        }
        let ticks = endpoint.needs_ticks();
        entry.insert(endpoint);
        self.slots.insert(id, slot);
        self.counters.active_endpoints += 1;
        if ticks {
            self.start_ticking(slot, now);
        }
    }

    fn endpoint(&mut self, id: EndpointId) -> Option<&mut Endpoint> {
        self.slots.get(&id).and_then(|&slot| self.endpoints.get_mut(slot))
    }

    fn open(&mut self, id: EndpointId, port: u16, rtp: UdpSocket, rtcp: UdpSocket, now: Instant) {
        let slot = self.endpoints.vacant_key();
        let sockets = Sockets::new(rtp, rtcp, self.poller.registry(), slot);
        self.open_with(id, sockets, Some(port), now);
    }

    fn open_line(&mut self, id: EndpointId, line: Arc<Line>, now: Instant) {
        let slot = self.endpoints.vacant_key();
        let sockets = Sockets::of_line(line, self.poller.registry(), slot);
        self.open_with(id, sockets, None, now);
    }

    /// Puts an endpoint into the vacant slot its sockets are watched under.
    fn open_with(&mut self, id: EndpointId, sockets: io::Result<Sockets>, port: Option<u16>, now: Instant) {
        let sockets = match sockets {
            Ok(sockets) => sockets,
            Err(error) => {
                tracing::error!(%error, "an RTP socket cannot be watched");
                self.free(port, now);
                self.outbox.push(MediaEvent::Closed {
                    id,
                    stats: crate::EndpointStats::default(),
                });
                return;
            }
        };
        let interval = self.outbox.shared.rtcp_interval;
        let first_report = now + interval.mul_f64(rand::random_range(0.25..0.75));
        let slot = self
            .endpoints
            .insert(Endpoint::new(id, sockets, port, now, first_report));
        self.slots.insert(id, slot);
        self.counters.active_endpoints += 1;
    }

    fn bridge(&mut self, a: EndpointId, b: EndpointId) {
        let (Some(&a), Some(&b)) = (self.slots.get(&a), self.slots.get(&b)) else {
            return;
        };
        if a == b || self.endpoints[a].partner == Some(b) {
            return;
        }
        for slot in [a, b] {
            self.unbridge(slot);
            self.leave(slot);
        }
        self.endpoints[a].partner = Some(b);
        self.endpoints[b].partner = Some(a);
    }

    /// `new` takes the place of `of`, in its bridge with the first audio of its peer, in its room at once.
    fn take_place(&mut self, new: EndpointId, of: EndpointId, seat: Box<Seat>, now: Instant) {
        let (Some(&new), Some(&of)) = (self.slots.get(&new), self.slots.get(&of)) else {
            return;
        };
        if new == of {
            return;
        }
        for slot in [new, of] {
            succession::settle(&mut self.endpoints, slot);
        }
        self.unbridge(new);
        self.leave(new);
        if self.endpoints[of].seat.is_some() {
            self.sit_beside(new, of, seat, now);
        } else {
            succession::announce(&mut self.endpoints, new, of);
        }
    }

    fn unbridge(&mut self, slot: usize) {
        succession::settle(&mut self.endpoints, slot);
        let Some(partner) = self.endpoints[slot].partner.take() else {
            return;
        };
        self.endpoints[slot].out.cut();
        if let Some(partner) = self.endpoints.get_mut(partner) {
            partner.partner = None;
            partner.out.cut();
        }
    }

    fn play(&mut self, id: EndpointId, clips: Playlist, mode: PlayMode, now: Instant) {
        let Some(&slot) = self.slots.get(&id) else { return };
        let player = Player::new(clips, mode);
        if let (None, PlayMode::Once(token)) = (&player, mode) {
            self.outbox.push(MediaEvent::PlayFinished { id, token });
        }
        self.endpoints[slot].play(player);
        self.start_ticking(slot, now);
    }

    fn overlay(&mut self, id: EndpointId, clips: Playlist, token: Option<u64>, now: Instant) {
        let Some(&slot) = self.slots.get(&id) else { return };
        match Player::new(clips, PlayMode::Once(token.unwrap_or_default())) {
            Some(player) => {
                self.endpoints[slot].overlay(player, token.is_some(), now);
                self.start_ticking(slot, now);
            }
            None => {
                if let Some(token) = token {
                    self.outbox.push(MediaEvent::PlayFinished { id, token });
                }
            }
        }
    }

    fn close(&mut self, id: EndpointId, now: Instant) {
        let Some(slot) = self.slots.remove(&id) else {
            return;
        };
        self.unbridge(slot);
        self.leave(slot);
        let mut endpoint = self.endpoints.remove(slot);
        endpoint.report(now, true);
        self.ticking.retain(|&other| other != slot);
        let (port, stats) = (endpoint.port, endpoint.stats());
        // The descriptors leave the poll as they are closed.
        drop(endpoint);
        self.free(port, now);
        self.counters.active_endpoints -= 1;
        self.outbox.push(MediaEvent::Closed { id, stats });
    }

    fn free(&self, port: Option<u16>, now: Instant) {
        if let Some(port) = port {
            // As long as the pool: it cannot be full.
            let _ = self.outbox.shared.freed.push((port, now));
        }
    }
}

/// Says what the threads of this process were granted: the same for all of them.
fn tell_once(granted: Granted) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| match granted {
        Granted::Realtime => tracing::debug!("media threads have real-time priority"),
        Granted::Nice => {
            tracing::info!("media threads have a niceness of -11; real-time priority was refused");
        }
        Granted::Nothing => {
            tracing::warn!("media threads have ordinary priority: on a busy machine calls will have gaps");
        }
    });
}
