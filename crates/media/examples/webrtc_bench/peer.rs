//! A browser: str0m on a socket, which says what it is given and keeps what it hears with the time of its arrival.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec as Format;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::Failure;
use crate::score::Arrived;

/// What the browser offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    Opus,
    Pcmu,
}

impl Speaks {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Pcmu => "pcmu",
        }
    }

    /// Units of the RTP clock in 20 ms.
    pub const fn step(self) -> u32 {
        match self {
            Self::Opus => 960,
            Self::Pcmu => 160,
        }
    }

    const fn format(self) -> Format {
        match self {
            Self::Opus => Format::Opus,
            Self::Pcmu => Format::PCMU,
        }
    }
}

pub struct Peer {
    rtc: Rtc,
    pub socket: UdpSocket,
    /// What ICE knows as its own address.
    local: SocketAddr,
    speaks: Speaks,
    mid: Mid,
    pending: Option<SdpPendingOffer>,
    sequence: u64,
    time: u32,
    pub connected: bool,
    pub heard: Vec<Arrived>,
    /// The first DTLS record that it sent: a `ClientHello` or the answer to one.
    pub first_dtls: Option<Vec<u8>>,
    /// The header of the RTP packet that it sent last.
    pub last_header: Arc<Mutex<[u8; 12]>>,
}

impl Peer {
    pub fn new(speaks: Speaks, at: SocketAddr) -> Result<Self, Failure> {
        let mut config = RtcConfig::new()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .clear_codecs();
        let codecs = config.codec_config();
        match speaks {
            Speaks::Opus => codecs.enable_opus(true, false),
            Speaks::Pcmu => codecs.enable_pcmu(true, false),
        }
        let mut rtc = config.build(Instant::now());
        let socket = UdpSocket::bind(at)?;
        let local = socket.local_addr()?;
        rtc.add_local_candidate(Candidate::host(local, "udp")?);
        Ok(Self {
            rtc,
            socket,
            local,
            speaks,
            mid: "0".into(),
            pending: None,
            sequence: 1_000,
            time: 48_000,
            connected: false,
            heard: Vec::new(),
            first_dtls: None,
            last_header: Arc::default(),
        })
    }

    pub fn offer(&mut self) -> Result<String, Failure> {
        let mut change = self.rtc.sdp_api();
        self.mid = change.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        let (offer, pending) = change.apply().ok_or("nothing to offer")?;
        self.pending = Some(pending);
        Ok(offer.to_sdp_string())
    }

    /// Binds another address, as after a change of network, and offers an ICE restart.
    pub fn move_to(&mut self, at: SocketAddr) -> Result<String, Failure> {
        let old = Candidate::host(self.local, "udp")?;
        self.socket = UdpSocket::bind(at)?;
        self.local = self.socket.local_addr()?;
        self.rtc.direct_api().invalidate_candidate(&old);
        self.rtc.add_local_candidate(Candidate::host(self.local, "udp")?);
        let mut change = self.rtc.sdp_api();
        change.ice_restart(true);
        let (offer, pending) = change.apply().ok_or("nothing to offer")?;
        self.pending = Some(pending);
        Ok(offer.to_sdp_string())
    }

    pub fn answer(&mut self, answer: &str) -> Result<(), Failure> {
        let answer = SdpAnswer::from_sdp_string(answer)?;
        let pending = self.pending.take().ok_or("no offer is open")?;
        self.rtc.sdp_api().accept_answer(pending, answer)?;
        Ok(())
    }

    /// Sends 20 ms.
    pub fn speak(&mut self, payload: &[u8]) {
        let formats = self.rtc.codec_config();
        let Some(number) = formats
            .find(|format| format.spec().codec == self.speaks.format())
            .map(str0m::format::PayloadParams::pt)
        else {
            return;
        };
        let mut direct = self.rtc.direct_api();
        if let Some(stream) = direct.stream_tx_by_mid(self.mid, None) {
            let now = Instant::now();
            stream.write_rtp(RtpWrite::new(
                number,
                self.sequence.into(),
                self.time,
                now,
                payload.to_vec(),
            ));
        }
        self.sequence += 1;
        self.time = self.time.wrapping_add(self.speaks.step());
        self.drive();
    }

    /// Handles what came and what is due, until then.
    pub fn live(&mut self, until: Instant) -> Result<(), Failure> {
        let mut buffer = [0; 2048];
        loop {
            self.drive();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let wait = left.clamp(Duration::from_micros(200), Duration::from_millis(5));
            self.socket.set_read_timeout(Some(wait))?;
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => self.take(&buffer[..length], from),
                Err(_) => drop(self.rtc.handle_input(Input::Timeout(Instant::now()))),
            }
        }
    }

    /// Handles what has come, without waiting, and what is due.
    pub fn glance(&mut self, buffer: &mut [u8]) {
        while let Ok((length, from)) = self.socket.recv_from(buffer) {
            self.take(&buffer[..length], from);
            self.drive();
        }
        drop(self.rtc.handle_input(Input::Timeout(Instant::now())));
        self.drive();
    }

    fn take(&mut self, data: &[u8], from: SocketAddr) {
        if let Ok(datagram) = Receive::new(Protocol::Udp, from, self.local, data) {
            drop(self.rtc.handle_input(Input::Receive(Instant::now(), datagram)));
        }
    }

    fn drive(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(_)) | Err(_) => return,
                Ok(Output::Transmit(packet)) => {
                    if self.first_dtls.is_none() && packet.contents.first() == Some(&22) {
                        self.first_dtls = Some(packet.contents.to_vec());
                    }
                    // Not RTCP (RFC 5761 section 4).
                    if let Some(header) = packet
                        .contents
                        .first_chunk::<12>()
                        .filter(|header| (128..192).contains(&header[0]) && !(192..224).contains(&header[1]))
                    {
                        *self.last_header.lock().unwrap_or_else(PoisonError::into_inner) = *header;
                    }
                    // Where there is no address any more, nothing can be sent.
                    drop(self.socket.send_to(&packet.contents, packet.destination));
                }
                Ok(Output::Event(Event::Connected)) => self.connected = true,
                Ok(Output::Event(Event::RtpPacket(packet))) => self.heard.push(Arrived {
                    at: Instant::now(),
                    time: packet.header.timestamp,
                    payload: packet.payload.to_vec(),
                }),
                Ok(Output::Event(_)) => {}
            }
        }
    }
}
