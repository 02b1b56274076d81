//! One telephone's audio: a socket, a voice that sends every 20 ms, an ear that listens.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};
use rtp_types::{RtpPacket, RtpPacketBuilder};
use serde::{Deserialize, Serialize};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::beep::BeepListener;
use crate::behaviour::Codec;
use crate::clock::Clock;
use crate::dtmf::{self, HeardDigit, InBand};
use crate::ear::{Ear, EarKit, HeardTone};
use crate::tape::Tape;
use crate::tone::{FRAME, Score, Singer};

/// What one telephone sent and heard.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MediaReport {
    /// Codec of the session.
    pub codec: Option<Codec>,
    /// Our RTP address.
    pub local: Option<SocketAddr>,
    /// The RTP address the other side described.
    pub remote: Option<SocketAddr>,
    /// RTP packets sent, telephone events among them.
    pub packets_sent: u64,
    /// RTP packets received in the session's codec, or as telephone events.
    pub packets_received: u64,
    /// Packets missing in the sequence numbers.
    pub packets_lost: u64,
    /// Packets that came after a later one, or twice.
    pub packets_late: u64,
    /// Packets of another payload type, or not RTP at all.
    pub packets_strange: u64,
    /// RTP packets that did not come from [`MediaReport::remote`].
    pub packets_from_elsewhere: u64,
    /// RTCP packets that came to the RTP port (RFC 5761).
    pub rtcp_packets: u64,
    /// When the first packet came, in milliseconds since the simulator started.
    pub first_packet_ms: Option<u64>,
    /// When the last packet came, in milliseconds since the simulator started.
    pub last_packet_ms: Option<u64>,
    /// The longest time between two packets, in milliseconds.
    pub longest_packet_gap_ms: u64,
    /// The longest time between two ticks of this telephone's own voice, in milliseconds: 20 and a little, unless the
    /// machine had no time for the telephone itself.
    pub longest_voice_gap_ms: u64,
    /// The longest silence after the first sound, in steps of 200 ms.
    pub longest_silence_ms: u64,
    /// Whether the other side does not want to receive (hold).
    pub held_by_peer: bool,
    /// The frequencies heard, in the order in which they were first heard.
    pub heard: Vec<HeardTone>,
    /// The digits heard (RFC 4733).
    pub dtmf: Vec<HeardDigit>,
    /// What was heard of `heard` before the call was answered: early media. Only of calls that a telephone placed.
    pub early: Vec<HeardTone>,
    /// When the first beep ended (one steady tone of 140 ms or more, then silence), in milliseconds since the simulator
    /// started.
    pub beep_ms: Option<u64>,
}

impl MediaReport {
    /// Whether a tone within 4 Hz of `hz` was heard for at least `total_ms`.
    pub fn has_heard(&self, hz: f64, total_ms: u64) -> bool {
        self.heard
            .iter()
            .any(|tone| (tone.hz - hz).abs() <= 4.0 && tone.total_ms >= total_ms)
    }

    /// The digits heard, as one string.
    pub fn digits(&self) -> String {
        self.dtmf.iter().map(|heard| heard.digit).collect()
    }
}

/// The session as negotiated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Negotiated {
    pub(crate) remote: SocketAddr,
    pub(crate) codec: Codec,
    pub(crate) payload_type: u8,
    pub(crate) events: Option<u8>,
    /// Whether the other side receives.
    pub(crate) sending: bool,
}

enum Command {
    Negotiated(Negotiated),
    Say(Score),
    Press(String),
    Answered,
    Mute,
}

/// The handle of a running stream. The stream ends with it.
pub(crate) struct Media {
    pub(crate) local: SocketAddr,
    commands: mpsc::Sender<Command>,
    _end: tokio_util::sync::DropGuard,
}

/// What all streams of a simulator share.
#[derive(Clone)]
pub(crate) struct MediaKit {
    pub(crate) ears: EarKit,
    pub(crate) clock: Arc<Clock>,
    pub(crate) tracker: TaskTracker,
    pub(crate) token: CancellationToken,
}

impl Media {
    /// Binds a port on `ip` and starts to listen. Nothing is sent before [`Media::negotiated`].
    pub(crate) async fn open(
        kit: &MediaKit,
        ip: IpAddr,
        report: Arc<Mutex<MediaReport>>,
        tape: Option<Arc<Tape>>,
    ) -> io::Result<Self> {
        let socket = bind_even(ip).await?;
        let local = socket.local_addr()?;
        lock(&report).local = Some(local);
        let (commands, receiver) = mpsc::channel(16);
        let token = kit.token.child_token();
        let stream = Stream {
            socket,
            commands: receiver,
            session: None,
            muted: false,
            singer: Singer::new(Score::silence()),
            digits: Vec::new(),
            in_band: None,
            pause: 0,
            sender: Sender::new(),
            spoke_ms: None,
            hearing: Hearing {
                ear: kit.ears.ear(),
                beep: BeepListener::default(),
                tape,
                digits: dtmf::Receiver::default(),
                last_seq: None,
                report,
                clock: Arc::clone(&kit.clock),
            },
        };
        kit.tracker.spawn(stream.run(token.clone()));
        Ok(Self {
            local,
            commands,
            _end: token.drop_guard(),
        })
    }

    pub(crate) async fn negotiated(&self, session: Negotiated) {
        let _ = self.commands.send(Command::Negotiated(session)).await;
    }

    pub(crate) async fn say(&self, score: Score) {
        let _ = self.commands.send(Command::Say(score)).await;
    }

    /// What was heard so far was early media.
    pub(crate) async fn answered(&self) {
        let _ = self.commands.send(Command::Answered).await;
    }

    pub(crate) async fn press(&self, digits: String) {
        let _ = self.commands.send(Command::Press(digits)).await;
    }

    /// Never sends a packet again.
    pub(crate) async fn mute(&self) {
        let _ = self.commands.send(Command::Mute).await;
    }
}

/// RTP ports are even (RFC 3550 §11), and an even one never receives its neighbour's RTCP.
async fn bind_even(ip: IpAddr) -> io::Result<UdpSocket> {
    let mut odd = Vec::new();
    for _ in 0..32 {
        let socket = UdpSocket::bind((ip, 0)).await?;
        if socket.local_addr()?.port() % 2 == 0 {
            return Ok(socket);
        }
        // Kept open until an even one is found, else the system may give the same port again.
        odd.push(socket);
    }
    odd.pop()
        .ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Stream {
    socket: UdpSocket,
    commands: mpsc::Receiver<Command>,
    session: Option<Negotiated>,
    muted: bool,
    singer: Singer,
    digits: Vec<u8>,
    in_band: Option<InBand>,
    pause: u32,
    sender: Sender,
    spoke_ms: Option<u64>,
    hearing: Hearing,
}

impl Stream {
    async fn run(mut self, token: CancellationToken) {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut buffer = [0_u8; 2048];
        loop {
            tokio::select! {
                () = token.cancelled() => break,
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => break,
                },
                _ = tick.tick() => {
                    self.hearing.passes();
                    self.voice_gap();
                    self.speak();
                }
                received = self.socket.recv_from(&mut buffer) => {
                    // A refused datagram of ours shows up as an error of the next receive.
                    if let Ok((length, from)) = received {
                        self.hearing.packet(&buffer[..length], from, self.session.as_ref());
                    }
                }
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Negotiated(session) => {
                self.session = Some(session);
                let mut report = lock(&self.hearing.report);
                report.codec = Some(session.codec);
                report.remote = Some(session.remote);
                report.held_by_peer = !session.sending;
            }
            Command::Say(score) => self.singer = Singer::new(score),
            Command::Press(digits) => {
                // Reversed: the next digit is popped from the end.
                let codes = digits.chars().filter_map(dtmf::event_of).rev();
                self.digits.splice(0..0, codes);
            }
            Command::Answered => {
                let mut report = lock(&self.hearing.report);
                let heard = report.heard.clone();
                report.early = heard;
            }
            Command::Mute => self.muted = true,
        }
    }

    fn voice_gap(&mut self) {
        let now = self.hearing.clock.now_ms();
        if let Some(last) = self.spoke_ms.replace(now) {
            let mut report = lock(&self.hearing.report);
            report.longest_voice_gap_ms = report.longest_voice_gap_ms.max(now.saturating_sub(last));
        }
    }

    fn speak(&mut self) {
        let Some(session) = self.session else {
            return;
        };
        let mut frame = [0; FRAME];
        self.singer.fill(&mut frame);
        if self.muted || !session.sending {
            self.sender.skip();
            return;
        }
        if session.events.is_none() {
            self.sing_digits(&mut frame);
        }
        let sent = match session.events {
            Some(payload_type) if self.pause == 0 && self.sender.digit_or(&mut self.digits) => {
                let sent = self.sender.event(&self.socket, &session, payload_type);
                if !self.sender.pressing() {
                    self.pause = dtmf::PAUSE_FRAMES;
                }
                sent
            }
            _ => {
                self.pause = self.pause.saturating_sub(1);
                self.sender.audio(&self.socket, &session, &frame)
            }
        };
        lock(&self.hearing.report).packets_sent += sent;
    }

    /// Puts the digit that is being pressed into the voice, with a pause after it.
    fn sing_digits(&mut self, frame: &mut [i16; FRAME]) {
        if self.in_band.is_none() && self.pause == 0 {
            self.in_band = self.digits.pop().map(InBand::new);
        }
        let Some(digit) = &mut self.in_band else {
            return;
        };
        if !digit.fill(frame) {
            self.in_band = None;
            self.pause = dtmf::PAUSE_FRAMES;
        }
    }
}

/// The sending half: sequence, timestamp and the digit that is being pressed.
struct Sender {
    ssrc: u32,
    seq: u16,
    timestamp: u32,
    fresh: bool,
    digit: Option<Pressed>,
}

struct Pressed {
    event: u8,
    start: u32,
    duration: u16,
}

impl Sender {
    fn new() -> Self {
        Self {
            ssrc: rand::random(),
            seq: rand::random(),
            timestamp: rand::random(),
            fresh: true,
            digit: None,
        }
    }

    fn skip(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        self.fresh = true;
    }

    fn pressing(&self) -> bool {
        self.digit.is_some()
    }

    /// Whether a digit is being pressed, or can be started from `waiting`.
    fn digit_or(&mut self, waiting: &mut Vec<u8>) -> bool {
        if self.digit.is_none() {
            self.digit = waiting.pop().map(|event| Pressed {
                event,
                start: self.timestamp,
                duration: 0,
            });
        }
        self.digit.is_some()
    }

    fn audio(&mut self, socket: &UdpSocket, session: &Negotiated, frame: &[i16; FRAME]) -> u64 {
        let mut payload = [0_u8; FRAME];
        for (byte, sample) in payload.iter_mut().zip(frame) {
            *byte = match session.codec {
                Codec::Pcma => encode_alaw(*sample),
                Codec::Pcmu => encode_ulaw(*sample),
            };
        }
        let marker = std::mem::take(&mut self.fresh);
        let timestamp = self.timestamp;
        self.timestamp = timestamp.wrapping_add(FRAME as u32);
        self.packet(
            socket,
            session.remote,
            session.payload_type,
            marker,
            timestamp,
            &payload,
        )
    }

    /// One packet of the digit being pressed; its last one three times (RFC 4733 §2.5.1.4).
    fn event(&mut self, socket: &UdpSocket, session: &Negotiated, payload_type: u8) -> u64 {
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        let Some(mut digit) = self.digit.take() else {
            return 0;
        };
        let marker = digit.duration == 0;
        digit.duration += FRAME as u16;
        let end = digit.duration >= dtmf::DIGIT_SAMPLES;
        let payload = dtmf::payload(digit.event, digit.duration, end);
        let start = digit.start;
        if !end {
            self.digit = Some(digit);
        }
        (0..if end { 3 } else { 1 })
            .map(|_| self.packet(socket, session.remote, payload_type, marker, start, &payload))
            .sum()
    }

    fn packet(
        &mut self,
        socket: &UdpSocket,
        remote: SocketAddr,
        payload_type: u8,
        marker: bool,
        timestamp: u32,
        payload: &[u8],
    ) -> u64 {
        let mut buffer = [0_u8; 12 + FRAME];
        let written = RtpPacketBuilder::<&[u8], &[u8]>::new()
            .payload_type(payload_type)
            .marker_bit(marker)
            .sequence_number(self.seq)
            .timestamp(timestamp)
            .ssrc(self.ssrc)
            .payload(payload)
            .write_into(&mut buffer);
        self.seq = self.seq.wrapping_add(1);
        match written {
            // A full send buffer loses the packet, as a network would.
            Ok(length) => u64::from(socket.try_send_to(&buffer[..length], remote).is_ok()),
            Err(_) => 0,
        }
    }
}

/// The receiving half.
struct Hearing {
    ear: Ear,
    beep: BeepListener,
    tape: Option<Arc<Tape>>,
    digits: dtmf::Receiver,
    last_seq: Option<u16>,
    report: Arc<Mutex<MediaReport>>,
    clock: Arc<Clock>,
}

impl Hearing {
    /// Time passes, with or without packets.
    fn passes(&mut self) {
        if let Some(beep_ms) = self.beep.beep_ms(self.clock.now_ms()) {
            lock(&self.report).beep_ms = Some(beep_ms);
        }
    }

    fn packet(&mut self, data: &[u8], from: SocketAddr, session: Option<&Negotiated>) {
        let now_ms = self.clock.now_ms();
        let mut report = lock(&self.report);
        // RFC 5761 §4: these second octets are RTCP.
        if data.get(1).is_some_and(|octet| (192..=223).contains(octet)) {
            report.rtcp_packets += 1;
            return;
        }
        let (Some(session), Ok(packet)) = (session, RtpPacket::parse(data)) else {
            report.packets_strange += 1;
            return;
        };
        let event = session.events == Some(packet.payload_type());
        if !event && packet.payload_type() != session.payload_type {
            report.packets_strange += 1;
            return;
        }
        if from != session.remote {
            report.packets_from_elsewhere += 1;
        }
        report.packets_received += 1;
        report.first_packet_ms.get_or_insert(now_ms);
        if let Some(last) = report.last_packet_ms.replace(now_ms) {
            let gap = now_ms.saturating_sub(last);
            report.longest_packet_gap_ms = report.longest_packet_gap_ms.max(gap);
        }
        let step = self
            .last_seq
            .map_or(1, |last| packet.sequence_number().wrapping_sub(last));
        match step {
            0 | 0x8000.. => {
                report.packets_late += 1;
                return;
            }
            // A jump is a new stream, not a loss of thousands.
            2..=100 => report.packets_lost += u64::from(step) - 1,
            _ => {}
        }
        self.last_seq = Some(packet.sequence_number());
        if event {
            self.digits
                .push(packet.timestamp(), packet.payload(), now_ms, &mut report.dtmf);
            return;
        }
        let decode = match session.codec {
            Codec::Pcma => decode_alaw,
            Codec::Pcmu => decode_ulaw,
        };
        let samples = || packet.payload().iter().map(|byte| decode(*byte));
        self.ear.push(samples(), now_ms);
        self.beep.push(samples(), now_ms);
        if let Some(tape) = &self.tape {
            tape.push(samples());
        }
        if report.heard.as_slice() != self.ear.tones() {
            report.heard = self.ear.tones().to_vec();
        }
        report.longest_silence_ms = self.ear.longest_silence_ms();
    }
}
