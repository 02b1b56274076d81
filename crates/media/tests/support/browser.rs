//! A browser for the tests of the media plane: str0m on a real socket, with a voice of known frequencies.
#![allow(dead_code, unreachable_pub)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use audio_codec::g722::{G722Decoder, G722Encoder};
use audio_codec::{Decoder as _, Encoder as _};
use opus::{Application, Channels, Decoder, Encoder};
use ponte_media::{Codec, analysis};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::{Codec as Format, FormatParams};
use str0m::media::{Direction, Frequency, MediaKind, Mid};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// What the browser offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    Opus,
    /// At 16 kHz, as browsers do.
    G722,
    G711(Codec),
}

/// A TCP connection to the gateway, with what came of a datagram that is not whole yet.
struct Connection {
    stream: TcpStream,
    came: Vec<u8>,
    /// A check was answered on it: until then nothing but checks is sent (RFC 6544 section 7.1).
    checked: bool,
}

impl Connection {
    fn to(gateway: SocketAddr) -> Self {
        let stream = TcpStream::connect(gateway).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            came: Vec::new(),
            checked: false,
        }
    }

    fn send(&mut self, datagram: &[u8]) {
        if !self.checked && datagram[0] >= 4 {
            return;
        }
        let length = (datagram.len() as u16).to_be_bytes();
        // A connection that is gone takes nothing, as a network does that is gone.
        drop(self.stream.write_all(&[&length, datagram].concat()));
    }

    /// The next datagram within that time.
    fn receive(&mut self, within: Duration) -> Option<Vec<u8>> {
        loop {
            if let Some((length, rest)) = self.came.split_first_chunk()
                && let Some(datagram) = rest.get(..usize::from(u16::from_be_bytes(*length)))
            {
                let datagram = datagram.to_vec();
                self.came.drain(..2 + datagram.len());
                self.checked |= datagram.starts_with(&[1, 1]);
                return Some(datagram);
            }
            self.stream.set_read_timeout(Some(within)).unwrap();
            let mut buffer = [0; 2048];
            match self.stream.read(&mut buffer) {
                Ok(length) if length > 0 => self.came.extend(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Ok(_) | Err(_) => {
                    std::thread::sleep(within);
                    return None;
                }
            }
        }
    }
}

pub struct Browser {
    pub rtc: Rtc,
    pub socket: UdpSocket,
    /// Where its network lets no UDP through.
    tcp: Option<Connection>,
    /// What ICE knows as its own address.
    local: SocketAddr,
    /// The gateway's TCP address; the browser goes by it once it is known.
    gateway: Option<SocketAddr>,
    only_tcp: bool,
    /// What the gateway calls itself in checks.
    pub gateways_user_name: String,
    speaks: Speaks,
    mid: Mid,
    pending: Option<SdpPendingOffer>,
    encoder: Encoder,
    decoder: Decoder,
    wide: (G722Encoder, G722Decoder),
    /// What it says; nothing if empty.
    pub voice: Vec<f64>,
    said: usize,
    sequence: u64,
    time: u32,
    pub connected: bool,
    pub closed: bool,
    /// Heard since the last look, at 8 kHz.
    pub heard: Vec<i16>,
    /// Event packets heard: event, end bit, duration.
    pub keys: Vec<(u8, bool, u16)>,
    /// Sends nothing in pauses (DTX), as browsers do that are asked for it.
    pauses: bool,
    in_pause: bool,
    /// Audio packets sent.
    pub sent: usize,
    /// Audio packets heard: RTP timestamp, and samples at 8 kHz; nothing for one that tells of a pause.
    pub packets: Vec<(u32, Vec<i16>)>,
    /// Every n-th packet of its voice is lost on the way.
    pub loses: Option<usize>,
}

impl Browser {
    pub fn new(speaks: Speaks) -> Self {
        Self::by_udp(Self::without_network(speaks, false))
    }

    /// One that speaks Opus, sends nothing in pauses where it is asked for that, and asks for it.
    pub fn with_pauses() -> Self {
        Self::by_udp(Self::without_network(Speaks::Opus, true))
    }

    fn by_udp(mut browser: Self) -> Self {
        let candidate = Candidate::host(browser.local, "udp").unwrap();
        browser.rtc.add_local_candidate(candidate);
        browser
    }

    /// One whose network lets no UDP through.
    pub fn by_tcp(speaks: Speaks) -> Self {
        Self {
            only_tcp: true,
            ..Self::without_network(speaks, false)
        }
    }

    fn without_network(speaks: Speaks, pauses: bool) -> Self {
        let crypto = std::sync::Arc::new(str0m::crypto::from_feature_flags());
        let mut config = RtcConfig::new()
            .set_crypto_provider(crypto)
            .set_rtp_mode(true)
            .clear_codecs();
        let codecs = config.codec_config();
        match speaks {
            Speaks::Opus => {
                let format = FormatParams {
                    min_p_time: Some(10),
                    use_inband_fec: Some(true),
                    use_dtx: pauses.then_some(true),
                    ..FormatParams::default()
                };
                let clock = Frequency::FORTY_EIGHT_KHZ;
                codecs.add_config(111.into(), None, Format::Opus, clock, Some(2), format);
            }
            Speaks::G722 => {
                let (clock, plain) = (Frequency::SIXTEEN_KHZ, FormatParams::default());
                codecs.add_config(9.into(), None, Format::G722, clock, None, plain);
            }
            Speaks::G711(Codec::Pcma) => codecs.enable_pcma(true, false),
            Speaks::G711(Codec::Pcmu) => codecs.enable_pcmu(true, false),
        }
        let clock = match speaks {
            Speaks::Opus => Frequency::FORTY_EIGHT_KHZ,
            Speaks::G722 | Speaks::G711(_) => Frequency::EIGHT_KHZ,
        };
        // Numbers that are not the gateway's own: the answer must take them over.
        let events = FormatParams::parse_line("0-15");
        codecs.add_config(97.into(), None, Format::Tele, clock, None, events);
        let rtc = config.build(Instant::now());
        let mut encoder = Encoder::new(8_000, Channels::Mono, Application::Voip).unwrap();
        // As browsers do where `useinbandfec=1` was agreed.
        encoder.set_inband_fec(true).unwrap();
        encoder.set_packet_loss_perc(10).unwrap();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let local = socket.local_addr().unwrap();
        Self {
            rtc,
            socket,
            tcp: None,
            local,
            gateway: None,
            only_tcp: false,
            gateways_user_name: String::new(),
            speaks,
            mid: "0".into(),
            pending: None,
            encoder,
            decoder: Decoder::new(8_000, Channels::Mono).unwrap(),
            wide: (G722Encoder::new(), G722Decoder::new()),
            voice: Vec::new(),
            said: 0,
            sequence: 100,
            time: 5_000,
            connected: false,
            closed: false,
            heard: Vec::new(),
            keys: Vec::new(),
            pauses,
            in_pause: false,
            sent: 0,
            packets: Vec::new(),
            loses: None,
        }
    }

    pub fn offer(&mut self) -> String {
        let mut change = self.rtc.sdp_api();
        self.mid = change.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        let (offer, pending) = change.apply().unwrap();
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    /// Another socket, as after a change of network, and the offer of an ICE restart.
    pub fn move_to_another_network(&mut self) -> String {
        let before = self.local;
        if self.only_tcp {
            self.rtc.direct_api().invalidate_candidate(&active(before));
            self.connect();
            return self.restart();
        }
        self.socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = self.socket.local_addr().unwrap();
        self.local = address;
        let old = Candidate::host(before, "udp").unwrap();
        self.rtc.direct_api().invalidate_candidate(&old);
        self.rtc
            .add_local_candidate(Candidate::host(address, "udp").unwrap());
        self.restart()
    }

    fn restart(&mut self) -> String {
        let mut change = self.rtc.sdp_api();
        change.ice_restart(true);
        let (offer, pending) = change.apply().unwrap();
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    /// The gateway sees another address from here on, and the browser does not know: what a NAT does that forgot it.
    pub fn rebind(&mut self) {
        self.socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    }

    /// Its TCP connection is lost, and it makes another, which is the same path to it.
    pub fn reconnect(&mut self) {
        self.tcp = Some(Connection::to(self.gateway.unwrap()));
    }

    fn connect(&mut self) {
        let connection = Connection::to(self.gateway.unwrap());
        self.local = connection.stream.local_addr().unwrap();
        self.tcp = Some(connection);
        self.rtc.add_local_candidate(active(self.local));
    }

    /// SSRC of its voice.
    pub fn ssrc(&mut self) -> u32 {
        let mid = self.mid;
        let mut direct = self.rtc.direct_api();
        *direct.stream_tx_by_mid(mid, None).unwrap().ssrc()
    }

    /// The sequence number that its voice has next.
    pub fn next_sequence(&self) -> u16 {
        self.sequence as u16
    }

    pub fn answer(&mut self, answer: &str) {
        self.pauses &= answer.contains("usedtx=1");
        self.encoder.set_dtx(self.pauses).unwrap();
        if self.only_tcp && self.gateway.is_none() {
            self.gateway = Some(passive(answer).expect("the answer names no TCP address"));
            self.connect();
        }
        let mut user_name = answer
            .lines()
            .filter_map(|line| line.strip_prefix("a=ice-ufrag:"));
        user_name.next().unwrap().clone_into(&mut self.gateways_user_name);
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        let pending = self.pending.take().unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
    }

    fn payload_type(&self, wanted: Format) -> u8 {
        let formats = self.rtc.codec_config();
        *formats.find(|format| format.spec().codec == wanted).unwrap().pt()
    }

    fn clock(&self) -> u32 {
        if self.speaks == Speaks::Opus { 6 } else { 1 }
    }

    /// Sends 20 ms of its voice.
    pub fn speak(&mut self) {
        let all = analysis::sines(&self.voice, -13.0, (self.said + 160) as f64 / 8000.0);
        let samples = &all[self.said..];
        self.said = (self.said + 160) % 1600;
        let (format, payload) = match self.speaks {
            Speaks::Opus => (Format::Opus, self.encoder.encode_vec(samples, 400).unwrap()),
            Speaks::G722 => {
                // Each sample twice: what that adds lies above 4 kHz.
                let wide: Vec<i16> = samples.iter().flat_map(|&sample| [sample; 2]).collect();
                let mut payload = vec![0; samples.len()];
                self.wide.0.encode_into(&wide, &mut payload).unwrap();
                (Format::G722, payload)
            }
            Speaks::G711(Codec::Pcma) => (Format::PCMA, analysis::encode(Codec::Pcma, samples)),
            Speaks::G711(Codec::Pcmu) => (Format::PCMU, analysis::encode(Codec::Pcmu, samples)),
        };
        let time = self.time;
        self.time = time.wrapping_add(160 * self.clock());
        // libopus makes one or two bytes of what need not be sent; the first of them tells of the pause.
        let quiet = self.pauses && payload.len() <= 2;
        if std::mem::replace(&mut self.in_pause, quiet) && quiet {
            return;
        }
        self.sent += 1;
        if self
            .loses
            .is_some_and(|nth| (self.sequence as usize).is_multiple_of(nth))
        {
            self.sequence += 1;
        } else {
            let number = self.payload_type(format);
            self.write(number, time, &payload);
        }
    }

    /// Presses a key for 100 ms: every packet of it at once.
    pub fn press(&mut self, event: u8) {
        let number = self.payload_type(Format::Tele);
        let time = self.time;
        for (step, end) in [(1, false), (3, false), (5, true), (5, true), (5, true)] {
            let duration = (step * 160 * self.clock()) as u16;
            let [high, low] = duration.to_be_bytes();
            self.write(number, time, &[event, u8::from(end) << 7 | 0x0A, high, low]);
        }
        self.time = time.wrapping_add(5 * 160 * self.clock());
    }

    fn write(&mut self, number: u8, time: u32, payload: &[u8]) {
        let mid = self.mid;
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_tx_by_mid(mid, None).unwrap();
        stream.write_rtp(RtpWrite::new(
            number.into(),
            self.sequence.into(),
            time,
            Instant::now(),
            payload,
        ));
        self.sequence += 1;
        self.drive();
    }

    /// Handles what came and what is due, for at most so long.
    pub fn live(&mut self, duration: Duration) {
        let until = Instant::now() + duration;
        let mut buffer = [0; 2048];
        loop {
            self.drive();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let within = left.min(Duration::from_millis(5));
            let taken = if let Some(connection) = &mut self.tcp {
                let from = self.gateway.unwrap();
                let datagram = connection.receive(within);
                datagram.map(|datagram| self.take(Protocol::Tcp, &datagram, from))
            } else {
                self.socket.set_read_timeout(Some(within)).unwrap();
                let datagram = self.socket.recv_from(&mut buffer).ok();
                datagram.map(|(length, from)| self.take(Protocol::Udp, &buffer[..length], from))
            };
            if taken.is_none() {
                drop(self.rtc.handle_input(Input::Timeout(Instant::now())));
            }
        }
    }

    fn take(&mut self, protocol: Protocol, data: &[u8], from: SocketAddr) {
        if let Ok(datagram) = Receive::new(protocol, from, self.local, data) {
            drop(self.rtc.handle_input(Input::Receive(Instant::now(), datagram)));
        }
    }

    fn drive(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(_)) | Err(_) => return,
                Ok(Output::Transmit(packet)) => match &mut self.tcp {
                    Some(connection) if packet.source == self.local => connection.send(&packet.contents),
                    // From the network before.
                    Some(_) => {}
                    None => drop(self.socket.send_to(&packet.contents, packet.destination)),
                },
                Ok(Output::Event(Event::Connected)) => self.connected = true,
                Ok(Output::Event(Event::Closed)) => self.closed = true,
                Ok(Output::Event(Event::RtpPacket(packet))) => {
                    let header = &packet.header;
                    self.hear(*header.payload_type, header.timestamp, &packet.payload);
                }
                Ok(Output::Event(_)) => {}
            }
        }
    }

    fn hear(&mut self, number: u8, time: u32, payload: &[u8]) {
        if number == self.payload_type(Format::Tele) {
            let &[event, flags, high, low] = payload.first_chunk().unwrap();
            let duration = u16::from_be_bytes([high, low]);
            self.keys.push((event, flags & 0x80 != 0, duration));
            return;
        }
        match self.speaks {
            Speaks::Opus => {
                let mut audio = [0; 960];
                if payload.len() <= 2 {
                    self.packets.push((time, Vec::new()));
                    return;
                }
                let length = self.decoder.decode(payload, &mut audio, false).unwrap();
                self.heard.extend(&audio[..length]);
                self.packets.push((time, audio[..length].to_vec()));
            }
            Speaks::G722 => {
                let mut wide = vec![0; 2 * payload.len()];
                self.wide.1.decode_into(payload, &mut wide).unwrap();
                self.heard.extend(wide.iter().step_by(2));
            }
            Speaks::G711(codec) => self.heard.extend(analysis::decode(codec, payload)),
        }
    }
}

/// A browser's own end of a TCP connection (RFC 6544 section 4.1).
fn active(address: SocketAddr) -> Candidate {
    let candidate = Candidate::builder().tcp().host(address);
    candidate.tcptype(TcpType::Active).build().unwrap()
}

/// The TCP address that an answer names.
fn passive(answer: &str) -> Option<SocketAddr> {
    let mut candidates = answer
        .lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"));
    candidates.find_map(|candidate| {
        let words: Vec<&str> = candidate.split(' ').collect();
        let [_, _, "tcp", _, ip, port, "typ", "host", "tcptype", "passive", ..] = words[..] else {
            return None;
        };
        Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
    })
}
