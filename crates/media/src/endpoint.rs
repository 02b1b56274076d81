//! One leg's sockets and all that is known about its peer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::audio::Library;
use crate::dtmf::inband::InbandDetector;
use crate::dtmf::{DtmfSender, EventDetector, Step};
use crate::mix::{Frame, NARROW, Seat};
use crate::outgoing::{Header, Incoming, OutStream};
use crate::overlay::{Ended, Overlay};
use crate::player::Player;
use crate::quality::{Carried, LOOK_EVERY, LossMeter, Seen, Told};
use crate::receive::ReceiveStats;
use crate::recording::{Recorder, Side};
use crate::rtcp::{REPORT_CAPACITY, RtcpSession};
use crate::sockets::Sockets;
use crate::source_lock::{Evidence, SourceLock};
use crate::stats::Counters;
use crate::{Codec, EndpointId, EndpointStats, MediaEvent, RemoteMedia, g711};

/// Samples in 20 ms.
const STEP: usize = NARROW;
/// Largest packet of ours: header and 60 ms.
const MAX_PACKET: usize = Header::LEN + 480;

/// Samples of a packet of so many milliseconds.
fn samples_of(ptime: u8) -> usize {
    8 * usize::from(if (10..=60).contains(&ptime) { ptime } else { 20 })
}

/// What the peer is, once offer and answer told.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) media: RemoteMedia,
    pub(crate) lock: SourceLock,
    /// Where the peer's RTCP really comes from.
    pub(crate) rtcp_from: Option<SocketAddr>,
}

/// Tells when a peer is not heard.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    /// When it was heard, or expected, last; `None` while nothing is expected.
    since: Option<Instant>,
    warnings: usize,
}

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) id: EndpointId,
    pub(crate) sockets: Sockets,
    /// Of its RTP socket; a browser's endpoint has none.
    pub(crate) port: Option<u16>,
    pub(crate) peer: Option<Peer>,
    /// Slot of the other endpoint of the bridge.
    pub(crate) partner: Option<usize>,
    /// Slot of whoever listens to this peer beside the partner, while one endpoint takes the place of another.
    pub(crate) listener: Option<usize>,
    /// Slot of the endpoint whose listener this one is.
    pub(crate) listens_to: Option<usize>,
    /// Slot of the endpoint whose place it takes with the first audio of its peer.
    pub(crate) succeeds: Option<usize>,
    pub(crate) out: OutStream,
    pub(crate) received: ReceiveStats,
    pub(crate) strangers: u64,
    pub(crate) heard: bool,
    pub(crate) events: EventDetector,
    pub(crate) inband: Option<Box<InbandDetector>>,
    /// Whether keys that this peer presses go to the partner.
    pub(crate) relays_keys: bool,
    /// Whether what this peer says is left out.
    pub(crate) muted: bool,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) player: Option<Player>,
    overlay: Option<Overlay>,
    /// Token of an overlay that ended, not yet told.
    pub(crate) overlay_ended: Option<u64>,
    /// Where it is a member of a room.
    pub(crate) seat: Option<Box<Seat>>,
    pub(crate) dtmf: DtmfSender,
    /// Samples due to the player's next packet.
    credit: usize,
    pub(crate) reports: RtcpSession,
    pub(crate) silence: Silence,
    loss: LossMeter,
    quality_told: Told,
    next_look: Instant,
    /// Whether this slot is on the list of those that get a tick.
    pub(crate) ticking: bool,
}

impl Endpoint {
    pub(crate) fn new(
        id: EndpointId,
        sockets: Sockets,
        port: Option<u16>,
        now: Instant,
        first_report: Instant,
    ) -> Self {
        Self {
            id,
            sockets,
            port,
            peer: None,
            partner: None,
            listener: None,
            listens_to: None,
            succeeds: None,
            out: OutStream::new(rand::random(), rand::random(), rand::random()),
            received: ReceiveStats::new(now),
            strangers: 0,
            heard: false,
            events: EventDetector::default(),
            inband: None,
            relays_keys: true,
            muted: false,
            recorder: None,
            player: None,
            overlay: None,
            overlay_ended: None,
            seat: None,
            dtmf: DtmfSender::new(),
            credit: 0,
            reports: RtcpSession::new(first_report, rand::random()),
            silence: Silence::default(),
            loss: LossMeter::default(),
            quality_told: Told::default(),
            next_look: now + LOOK_EVERY,
            ticking: false,
        }
    }

    pub(crate) fn set_remote(&mut self, media: RemoteMedia, now: Instant) {
        if let Some(peer) = &mut self.peer {
            if peer.lock.renegotiate(media.rtp) {
                self.sockets.disconnect();
            }
            if peer.media.rtcp != media.rtcp {
                peer.rtcp_from = None;
            }
            peer.media = media;
        } else {
            let lock = SourceLock::new(media.rtp);
            self.peer = Some(Peer {
                media,
                lock,
                rtcp_from: None,
            });
        }
        self.inband = match (media.telephone_event_in, self.inband.take()) {
            (Some(_), _) => None,
            (None, Some(detector)) => Some(detector),
            (None, None) => Some(Box::new(InbandDetector::new())),
        };
        self.silence.expect(media.direction.receives(), now);
    }

    /// Whether the peer may be sent audio now.
    fn target(&self) -> Option<(SocketAddr, &RemoteMedia)> {
        let peer = self.peer.as_ref()?;
        let to = peer.lock.target();
        let open = peer.media.direction.sends() && !to.ip().is_unspecified() && to.port() != 0;
        open.then_some((to, &peer.media))
    }

    /// Whether something of our own replaces what the partner says.
    pub(crate) fn is_playing(&self) -> bool {
        self.player.is_some() || !self.dtmf.is_idle()
    }

    /// A packet of the partner's is not for this peer, whose numbering goes on as if it had never been. What is played to it
    /// meanwhile, such as keys of our own, has its own numbering.
    pub(crate) fn pass_over(&mut self) {
        if !self.is_playing() {
            self.out.cut();
        }
    }

    /// Whether 20 ms must not go by unnoticed.
    pub(crate) fn needs_ticks(&self) -> bool {
        self.is_playing() || self.overlay.is_some() || self.overlay_ended.is_some()
    }

    /// Lays something over what the peer hears; `told` if its end is to be told. Whatever is not gives way to what is.
    pub(crate) fn overlay(&mut self, player: Player, told: bool, now: Instant) {
        if !told && self.overlay.as_ref().is_some_and(Overlay::is_told) {
            return;
        }
        let carried = self.seat.as_ref().map(|_| now).or(self.out.relayed_at());
        self.overlay = Some(Overlay::new(player, told, carried));
    }

    /// Lays the next piece of the overlay over a payload.
    fn mix(&mut self, codec: Codec, payload: &mut [u8]) {
        if let Some(ended) = self
            .overlay
            .as_mut()
            .and_then(|overlay| overlay.mix(codec, payload))
        {
            self.overlay = None;
            if let Ended::Told(token) = ended {
                self.overlay_ended = Some(token);
            }
        }
    }

    /// Sends `packet`, whose first bytes are reserved for the header.
    fn transmit(
        &mut self,
        to: SocketAddr,
        header: Header,
        packet: &mut [u8],
        now: Instant,
        counters: &mut Counters,
    ) {
        packet[..Header::LEN].copy_from_slice(&header.to_bytes());
        if let Some(recorder) = &mut self.recorder
            && let Some(codec) = Codec::from_payload_type(header.payload_type)
        {
            let sent = Evidence {
                ssrc: header.ssrc,
                sequence: header.sequence,
                timestamp: header.timestamp,
            };
            recorder.audio(Side::Heard, codec, sent, &packet[Header::LEN..], now);
        }
        match self.sockets.send(packet, to) {
            Ok(_) => {
                self.out.count(packet.len());
                counters.packets_out += 1;
                counters.bytes_out += packet.len() as u64;
            }
            Err(_) => counters.send_errors += 1,
        }
    }

    /// Relays audio of the partner. `packet` has room for the header before the payload.
    pub(crate) fn relay_audio(
        &mut self,
        from: Codec,
        incoming: Incoming,
        packet: &mut [u8],
        now: Instant,
        counters: &mut Counters,
    ) {
        if self.is_playing() {
            return;
        }
        let Some((to, media)) = self.target() else { return };
        let codec = media.codec;
        let Some(header) = self.out.relayed(now, codec.payload_type(), incoming) else {
            return;
        };
        g711::transcode(from, codec, &mut packet[Header::LEN..]);
        if let Some(overlay) = &mut self.overlay {
            overlay.carried(now);
            self.mix(codec, &mut packet[Header::LEN..]);
        }
        self.transmit(to, header, packet, now, counters);
    }

    /// Relays an event packet of the partner; `digit` is the key, when it is a new press.
    pub(crate) fn relay_event(
        &mut self,
        digit: Option<char>,
        incoming: Incoming,
        packet: &mut [u8],
        now: Instant,
        counters: &mut Counters,
    ) {
        let Some((to, media)) = self.target() else { return };
        let Some(payload_type) = media.telephone_event else {
            if let Some(digit) = digit {
                self.dtmf.push(digit.encode_utf8(&mut [0; 4]));
            }
            return;
        };
        if self.is_playing() {
            return;
        }
        if let Some(header) = self.out.relayed(now, payload_type, incoming) {
            self.transmit(to, header, packet, now, counters);
        }
    }

    /// Sends 20 ms of what the other members of its room say.
    pub(crate) fn send_mixed(&mut self, mixed: &mut Frame, now: Instant, counters: &mut Counters) {
        let Some(mut seat) = self.seat.take() else { return };
        seat.hand_over(mixed);
        let target = self
            .target()
            .map(|(to, media)| (to, media.codec, samples_of(media.ptime)));
        match target.filter(|_| !self.is_playing()) {
            None => seat.forget(),
            Some((to, codec, samples)) => {
                let mut packet = [0u8; MAX_PACKET];
                while let Some(audio) = seat.packet(samples) {
                    let packet = &mut packet[..Header::LEN + samples];
                    g711::encode_into(codec, audio, &mut packet[Header::LEN..]);
                    seat.sent(samples);
                    if let Some(overlay) = &mut self.overlay {
                        overlay.carried(now);
                        self.mix(codec, &mut packet[Header::LEN..]);
                    }
                    let header = self.out.own(now, codec.payload_type(), samples as u32);
                    self.transmit(to, header, packet, now, counters);
                }
            }
        }
        self.seat = Some(seat);
    }

    /// 20 ms went by: sends what is played. Tells the token of a play that ended.
    pub(crate) fn tick(&mut self, now: Instant, library: &Library, counters: &mut Counters) -> Option<u64> {
        let mut packet = [0u8; MAX_PACKET];
        let target = self.target().map(|(to, media)| (to, *media));
        let media = target
            .map(|(_, media)| media)
            .or(self.peer.as_ref().map(|peer| peer.media));
        let codec = media.map_or(Codec::Pcma, |media| media.codec);

        let event_type = media.and_then(|media| media.telephone_event);
        match self.dtmf.step(event_type.is_some(), library) {
            Step::Idle => {}
            // What plays waits for the keys.
            Step::Pause => return None,
            Step::Event { payload, first } => {
                if let (Some((to, _)), Some(payload_type)) = (target, event_type) {
                    let header = self
                        .out
                        .event(now, payload_type, first, u32::from(payload.duration));
                    let length = Header::LEN + payload.to_bytes().len();
                    packet[Header::LEN..length].copy_from_slice(&payload.to_bytes());
                    self.transmit(to, header, &mut packet[..length], now, counters);
                }
                return None;
            }
            Step::Tone { clip, from } => {
                let audio = clip.bytes(codec).get(from..from + STEP);
                if let (Some((to, _)), Some(audio)) = (target, audio) {
                    packet[Header::LEN..Header::LEN + STEP].copy_from_slice(audio);
                    let header = self.out.own(now, codec.payload_type(), STEP as u32);
                    self.transmit(to, header, &mut packet[..Header::LEN + STEP], now, counters);
                }
                return None;
            }
        }

        if self.player.is_none()
            && self
                .overlay
                .as_ref()
                .is_none_or(|overlay| overlay.is_carried(now))
        {
            self.credit = 0;
            return None;
        }
        let samples = samples_of(media.map_or(20, |media| media.ptime));
        self.credit += STEP;
        while self.credit >= samples {
            self.credit -= samples;
            let payload = &mut packet[Header::LEN..Header::LEN + samples];
            let finished = if let Some(player) = &mut self.player {
                player.read(codec, payload)
            } else {
                payload.fill(g711::silence(codec));
                None
            };
            self.mix(codec, payload);
            if let Some((to, _)) = target {
                let header = self.out.own(now, codec.payload_type(), samples as u32);
                self.transmit(to, header, &mut packet[..Header::LEN + samples], now, counters);
            }
            if finished.is_some() {
                self.stop();
                return finished;
            }
            if !self.needs_ticks() {
                break;
            }
        }
        None
    }

    pub(crate) fn play(&mut self, player: Option<Player>) {
        self.player = player;
        self.credit = 0;
    }

    pub(crate) fn stop(&mut self) {
        self.play(None);
    }

    /// Sends a report, with `bye` the last one.
    pub(crate) fn report(&mut self, now: Instant, bye: bool) {
        let Some(peer) = &self.peer else { return };
        let mut buffer = [0; REPORT_CAPACITY];
        let written = self
            .reports
            .write(&self.out, &mut self.received, now, bye, &mut buffer);
        let Ok(length) = written else { return };
        let mux = peer.media.rtcp == peer.media.rtp;
        let to = if mux {
            peer.lock.target()
        } else {
            peer.rtcp_from.unwrap_or(peer.media.rtcp)
        };
        if to.ip().is_unspecified() || to.port() == 0 {
            return;
        }
        let report = &buffer[..length];
        // A report that is lost is followed by the next.
        let _ = if mux {
            self.sockets.send(report, to)
        } else {
            self.sockets.send_report(report, to)
        };
    }

    /// How well the peer is heard and hears, when it is time to look and this is news. A browser's session looks itself.
    pub(crate) fn quality(&mut self, now: Instant) -> Option<MediaEvent> {
        if now < self.next_look || matches!(self.sockets, Sockets::Line(_)) {
            return None;
        }
        self.next_look = now + LOOK_EVERY;
        let seen = |loss: f64, jitter_ms: f64, round_trip: Option<Duration>| {
            let carried = Carried::G711;
            Seen {
                carried,
                loss,
                jitter_ms,
                round_trip,
            }
            .quality()
        };
        let round_trip = self.reports.round_trip;
        let loss = self.loss.look(self.received.packets, self.received.lost());
        let inbound = loss.map(|loss| seen(loss, self.received.jitter_ms(), round_trip));
        let report = self.reports.peer_report.filter(|report| report.counts(now));
        let outbound = report.map(|report| seen(report.loss, report.jitter_ms, round_trip));
        let id = self.id;
        let changes = self.quality_told.changes(inbound, outbound);
        changes.then_some(MediaEvent::Quality {
            id,
            inbound,
            outbound,
        })
    }

    /// Takes a report of the peer; what comes from another host than its RTP is a stranger's.
    pub(crate) fn read_report(
        &mut self,
        data: &[u8],
        from: SocketAddr,
        now: Instant,
        counters: &mut Counters,
    ) {
        let Some(peer) = &mut self.peer else { return };
        let host = peer.lock.target().ip();
        if from.ip() != host && from != peer.media.rtcp {
            counters.dropped_stranger += 1;
            return;
        }
        if !self.reports.read(data, self.out.ssrc(), now) {
            counters.dropped_malformed += 1;
        } else if peer.lock.peer().is_some() {
            peer.rtcp_from = Some(from);
        }
    }

    pub(crate) fn stats(&self) -> EndpointStats {
        EndpointStats {
            packets_in: self.received.packets,
            bytes_in: self.received.bytes,
            packets_out: self.out.packets,
            bytes_out: self.out.bytes,
            lost: self.received.lost(),
            jitter_ms: self.received.jitter_ms(),
            ssrc_changes: self.received.ssrc_changes,
            strangers: self.strangers,
            round_trip: self.reports.round_trip,
        }
    }
}

impl Silence {
    fn expect(&mut self, expected: bool, now: Instant) {
        if !expected {
            *self = Self::default();
        } else if self.since.is_none() {
            self.since = Some(now);
        }
    }

    /// A packet came; `true` if that ends a silence that was told.
    pub(crate) fn broken(&mut self, now: Instant) -> bool {
        if let Some(since) = &mut self.since {
            *since = now;
        }
        std::mem::take(&mut self.warnings) > 0
    }

    pub(crate) fn check(
        &mut self,
        id: EndpointId,
        limits: &[Duration; 2],
        now: Instant,
    ) -> Option<MediaEvent> {
        let silent_for = now.saturating_duration_since(self.since?);
        let limit = limits.get(self.warnings)?;
        if silent_for < *limit {
            return None;
        }
        self.warnings += 1;
        Some(MediaEvent::NoRtp { id, silent_for })
    }
}
