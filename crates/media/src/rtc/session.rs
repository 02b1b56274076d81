//! One browser: str0m's state, and the two ways of its audio.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::format::Codec as Format;
use str0m::media::Mid;
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Event, IceConnectionState, Input, Output, Rtc, RtcError};

use super::WebRtcError;
use super::downlink::Downlink;
use super::line::Line;
use super::negotiate::{self, Negotiated};
use super::uplink::{Kind, Packet, Uplink};
use crate::quality::{LossMeter, PeerReport, Seen, Told};
use crate::{Codec, EndpointId, MediaEvent};

/// From the answer to the first packet that is authentic.
const SET_UP: Duration = Duration::from_secs(15);
/// How long a browser may be unreachable before it counts as gone: a change of network and an ICE restart fit.
const UNREACHABLE: Duration = Duration::from_secs(12);

/// How a binding success response begins (RFC 8489 section 5).
const SUCCESS_RESPONSE: [u8; 2] = [0x01, 0x01];
/// Authentic packets in a row from another address than before that make it the browser's: one may have been under way
/// when the browser changed it.
const MOVED: u8 = 3;

/// An address with its protocol (RFC 8445 section 4). Of TCP it is the far end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TransportAddress {
    pub(super) protocol: Protocol,
    pub(super) address: SocketAddr,
}

/// What a session gives to its thread.
pub(super) trait World {
    fn send(&mut self, packet: &[u8], to: TransportAddress);
    fn tell(&mut self, event: MediaEvent);
}

/// A datagram that is being handled.
#[derive(Clone, Copy)]
struct Arriving {
    from: TransportAddress,
    /// It is a check that chooses its path (USE-CANDIDATE).
    nominates: bool,
    /// Only who holds the session's keys can have sent it.
    authentic: bool,
}

enum State {
    /// Until then it must be up.
    SettingUp {
        until: Instant,
    },
    Up,
    /// Unreachable since then.
    Away {
        since: Instant,
    },
    /// Told as lost: nothing is done until it is closed.
    Lost,
}

/// What is known of the quality of both ways.
#[derive(Default)]
struct Hearing {
    loss: LossMeter,
    /// Loss and jitter in milliseconds, of the last seconds.
    inbound: Option<(f64, f64)>,
    reported: Option<PeerReport>,
    round_trip: Option<Duration>,
    told: Told,
}

pub(super) struct Session {
    pub(super) id: EndpointId,
    rtc: Rtc,
    mid: Mid,
    line: Arc<Line>,
    /// What the payload types that were agreed mean, in the browser's order.
    types: Vec<(u8, Kind)>,
    uplink: Uplink,
    downlink: Downlink,
    state: State,
    /// When str0m wants to be called.
    timeout: Instant,
    /// Where its authentic packets came from by UDP.
    pub(super) sources: Vec<SocketAddr>,
    pub(super) user_name: String,
    /// The stream that its audio comes in.
    pub(super) ssrc: Option<u32>,
    arriving: Option<Arriving>,
    /// Where the browser is: what it chose last, or where its audio comes from.
    peer: Option<TransportAddress>,
    /// Authentic audio in a row that came from elsewhere.
    from_elsewhere: u8,
    newest: u64,
    hearing: Hearing,
}

impl Session {
    pub(super) fn new(
        id: EndpointId,
        line: Arc<Line>,
        negotiated: Negotiated,
        now: Instant,
    ) -> Result<Self, WebRtcError> {
        let Negotiated {
            mut rtc, mid, dtx, ..
        } = negotiated;
        let types = types(&rtc, mid);
        let failed = |error: opus::Error| WebRtcError::Description(error.to_string());
        let downlink = Downlink::new(&types, dtx)
            .map_err(failed)?
            .ok_or(WebRtcError::NoCommonCodec)?;
        let user_name = rtc.direct_api().local_ice_credentials().ufrag;
        Ok(Self {
            id,
            rtc,
            mid,
            line,
            types,
            uplink: Uplink::new().map_err(failed)?,
            downlink,
            state: State::SettingUp { until: now + SET_UP },
            timeout: now,
            sources: Vec::new(),
            user_name,
            ssrc: None,
            arriving: None,
            peer: None,
            from_elsewhere: 0,
            newest: 0,
            hearing: Hearing::default(),
        })
    }

    /// Takes a datagram that is for this session, with `nominates` for a check that chooses its path; whether it is authentic.
    pub(super) fn receive(
        &mut self,
        datagram: Receive<'_>,
        nominates: bool,
        now: Instant,
        world: &mut impl World,
    ) -> bool {
        self.arriving = Some(Arriving {
            from: TransportAddress {
                protocol: datagram.proto,
                address: datagram.source,
            },
            nominates,
            authentic: false,
        });
        let taken = self.rtc.handle_input(Input::Receive(now, datagram));
        self.go_on(taken, now, world);
        self.arriving.take().is_some_and(|arriving| arriving.authentic)
    }

    /// Takes a later offer: an ICE restart.
    pub(super) fn restart(&mut self, offer: &str, now: Instant, world: &mut impl World) {
        let answer = negotiate::answer_again(&mut self.rtc, offer);
        self.user_name = self.rtc.direct_api().local_ice_credentials().ufrag;
        world.tell(MediaEvent::BrowserAnswer {
            id: self.id,
            answer: answer.map(Into::into).map_err(|error| error.to_string().into()),
        });
        self.drive(now, world);
    }

    /// Sends what the endpoint has for the browser.
    pub(super) fn carry(&mut self, now: Instant, world: &mut impl World) {
        self.line.answer_doorbell();
        let mut wrote = false;
        while let Some(frame) = self.line.take() {
            if !matches!(self.state, State::Up | State::Away { .. }) {
                continue;
            }
            let mut direct = self.rtc.direct_api();
            let Some(stream) = direct.stream_tx_by_mid(self.mid, None) else {
                continue;
            };
            self.downlink.take(frame.bytes(), &mut |out| {
                let packet = RtpWrite::new(
                    out.payload_type.into(),
                    out.sequence.into(),
                    out.time,
                    now,
                    out.payload,
                );
                stream.write_rtp(packet.marker(out.marker));
                wrote = true;
            });
        }
        if wrote {
            self.drive(now, world);
        }
    }

    /// Looks at the clock; to be called every few milliseconds.
    pub(super) fn look(&mut self, now: Instant, world: &mut impl World) {
        let line = &self.line;
        self.uplink.release(now, &mut |frame| {
            line.give(frame);
        });
        match self.state {
            State::SettingUp { until } if now >= until => self.lose(false, world),
            State::Away { since } if now.saturating_duration_since(since) >= UNREACHABLE => {
                self.lose(false, world);
            }
            _ => {}
        }
        if now >= self.timeout {
            let taken = self.rtc.handle_input(Input::Timeout(now));
            self.go_on(taken, now, world);
        }
    }

    /// Says good-bye.
    pub(super) fn close(&mut self, now: Instant, world: &mut impl World) {
        self.state = State::Lost;
        if self.rtc.close().is_ok() {
            self.drive(now, world);
        }
    }

    fn lose(&mut self, closed: bool, world: &mut impl World) {
        if !matches!(self.state, State::Lost) {
            self.state = State::Lost;
            world.tell(MediaEvent::BrowserLost { id: self.id, closed });
        }
    }

    fn go_on(&mut self, taken: Result<(), RtcError>, now: Instant, world: &mut impl World) {
        if let Err(error) = taken {
            // What one datagram may cause: a forged one must not end a call.
            tracing::debug!(%error, "a datagram was of no use to a browser's session");
        }
        self.drive(now, world);
    }

    /// Drains what str0m wants done.
    fn drive(&mut self, now: Instant, world: &mut impl World) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.timeout = at;
                    return;
                }
                Ok(Output::Transmit(packet)) => self.transmit(&packet, world),
                Ok(Output::Event(event)) => self.event(event, now, world),
                Err(error) => {
                    tracing::info!(%error, "a browser's session failed");
                    self.timeout = now + SET_UP;
                    self.lose(false, world);
                    return;
                }
            }
        }
    }

    /// Sends a packet to where the browser is.
    ///
    /// str0m keeps to the path of the highest priority until no checks have come on it for 15 seconds, and a browser that
    /// changed its address has one of no higher priority: the way that it chose last is taken (RFC 8445 section 7.3.1.5).
    fn transmit(&mut self, packet: &Transmit, world: &mut impl World) {
        let contents = &packet.contents[..];
        let to = TransportAddress {
            protocol: packet.proto,
            address: packet.destination,
        };
        let is_check = contents.first().is_some_and(|first| *first < 4);
        if !is_check {
            return world.send(contents, self.peer.unwrap_or(to));
        }
        // Only an authentic check has a success response.
        if contents.starts_with(&SUCCESS_RESPONSE)
            && let Some(arriving) = self.arriving.as_mut().filter(|arriving| arriving.from == to)
        {
            arriving.authentic = true;
            if arriving.nominates {
                self.peer = Some(to);
                self.from_elsewhere = 0;
            }
        }
        world.send(contents, to);
    }

    /// Authentic audio came: where it comes from, the browser is. Its checks are seconds apart.
    fn follow(&mut self, ssrc: u32, sequence: u64) {
        let Some(arriving) = &mut self.arriving else {
            return;
        };
        arriving.authentic = true;
        self.ssrc = Some(ssrc);
        if sequence <= self.newest {
            return;
        }
        self.newest = sequence;
        if self.peer.is_none_or(|peer| peer == arriving.from) {
            self.from_elsewhere = 0;
            return;
        }
        self.from_elsewhere += 1;
        if self.from_elsewhere >= MOVED {
            self.from_elsewhere = 0;
            self.peer = Some(arriving.from);
        }
    }

    fn event(&mut self, event: Event, now: Instant, world: &mut impl World) {
        match event {
            Event::RtpPacket(packet) => {
                self.follow(*packet.header.ssrc, *packet.seq_no);
                self.audio(&packet, now);
            }
            Event::MediaIngressStats(stats) if stats.mid == self.mid => {
                let jitter = f64::from(stats.jitter) / self.downlink.clock_khz();
                let loss = self.hearing.loss.look(self.uplink.packets, self.uplink.lost);
                // Too few packets in a pause say nothing against what was known before.
                if loss.is_some() || !self.uplink.is_in_pause() {
                    self.hearing.inbound = loss.map(|loss| (loss, jitter));
                }
                self.tell_quality(now, world);
            }
            Event::MediaEgressStats(stats) if stats.mid == self.mid => {
                self.hearing.round_trip = stats.rtt.or(self.hearing.round_trip);
                if let (Some(loss), Some(remote)) = (stats.loss, &stats.remote) {
                    self.hearing.reported = Some(PeerReport {
                        at: now,
                        loss: f64::from(loss),
                        jitter_ms: f64::from(remote.jitter) / self.downlink.clock_khz(),
                    });
                }
                self.tell_quality(now, world);
            }
            Event::Connected => {
                if matches!(self.state, State::SettingUp { .. }) {
                    self.state = State::Up;
                    world.tell(MediaEvent::BrowserConnected { id: self.id });
                }
            }
            Event::IceConnectionStateChange(state) => match (state, &self.state) {
                (IceConnectionState::Disconnected, State::Up) => self.state = State::Away { since: now },
                (IceConnectionState::Connected | IceConnectionState::Completed, State::Away { .. }) => {
                    self.state = State::Up;
                }
                _ => {}
            },
            Event::Closed => self.lose(true, world),
            _ => {}
        }
    }

    fn tell_quality(&mut self, now: Instant, world: &mut impl World) {
        let (carried, hearing) = (self.downlink.carried(), &mut self.hearing);
        let round_trip = hearing.round_trip;
        let seen = |(loss, jitter_ms): (f64, f64)| {
            let seen = Seen {
                carried,
                loss,
                jitter_ms,
                round_trip,
            };
            seen.quality()
        };
        let inbound = hearing.inbound.map(seen);
        let report = hearing.reported.filter(|report| report.counts(now));
        let outbound = report.map(|report| seen((report.loss, report.jitter_ms)));
        if hearing.told.changes(inbound, outbound) {
            let id = self.id;
            world.tell(MediaEvent::Quality {
                id,
                inbound,
                outbound,
            });
        }
    }

    fn audio(&mut self, packet: &RtpPacket, now: Instant) {
        let number = *packet.header.payload_type;
        let Some(&(_, kind)) = self.types.iter().find(|(known, _)| *known == number) else {
            return;
        };
        let line = &self.line;
        let packet = Packet {
            sequence: *packet.seq_no,
            time: packet.time.numer(),
            marker: packet.header.marker,
            kind,
            payload: packet.payload.clone(),
            at: now,
        };
        self.uplink.take(packet, &mut |frame| {
            line.give(frame);
        });
    }
}

/// What the payload types of an audio stream mean.
fn types(rtc: &Rtc, mid: Mid) -> Vec<(u8, Kind)> {
    let Some(media) = rtc.media(mid) else {
        return Vec::new();
    };
    let agreed = media.remote_pts().iter().filter_map(|number| {
        let format = rtc.codec_config().find(|format| format.pt() == *number)?.spec();
        let kind = match format.codec {
            Format::Opus => Kind::Opus,
            Format::G722 => Kind::G722,
            Format::PCMA => Kind::G711(Codec::Pcma),
            Format::PCMU => Kind::G711(Codec::Pcmu),
            Format::Tele => Kind::Event {
                per_sample: u64::from(format.clock_rate.get() / 8_000),
            },
            _ => return None,
        };
        Some((**number, kind))
    });
    agreed.collect()
}
