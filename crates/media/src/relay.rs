//! The way of a packet: received, decided and sent, without a lock or an allocation.

use std::net::SocketAddr;
use std::time::Instant;

use rtp_types::RtpPacket;
use slab::Slab;

use crate::dtmf::EventPayload;
use crate::endpoint::Endpoint;
use crate::g711;
use crate::outgoing::{Header, Incoming};
use crate::recording::Side;
use crate::source_lock::{Evidence, Verdict};
use crate::stats::Counters;
use crate::{Codec, MediaEvent, succession};

/// The second byte of RTCP on the RTP port (RFC 5761 section 4).
const RTCP_TYPES: std::ops::RangeInclusive<u8> = 192..=223;

/// What a payload is.
enum Kind {
    Audio(Codec),
    Event,
}

/// What is left to do after a datagram: all of it rare.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Aftermath {
    /// The peer was found at this address.
    pub(crate) learned: Option<SocketAddr>,
    /// This slot has something of its own to send from now on.
    pub(crate) playing: Option<usize>,
}

/// A datagram's way in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Of the endpoint it came to.
    pub(crate) slot: usize,
    pub(crate) from: SocketAddr,
    pub(crate) now: Instant,
}

/// Takes the datagram in `data` that came to an RTP socket. `tell` gets the rare events.
pub(crate) fn datagram(
    endpoints: &mut Slab<Endpoint>,
    arrival: Arrival,
    data: &mut [u8],
    counters: &mut Counters,
    tell: &mut impl FnMut(MediaEvent),
) -> Aftermath {
    let mut aftermath = Aftermath::default();
    aftermath.playing = take(endpoints, arrival, data, counters, tell, &mut aftermath.learned);
    aftermath
}

fn take(
    endpoints: &mut Slab<Endpoint>,
    Arrival { slot, from, now }: Arrival,
    data: &mut [u8],
    counters: &mut Counters,
    tell: &mut impl FnMut(MediaEvent),
    learned: &mut Option<SocketAddr>,
) -> Option<usize> {
    let endpoint = endpoints.get_mut(slot)?;
    counters.packets_in += 1;
    counters.bytes_in += data.len() as u64;
    if data.get(1).is_some_and(|kind| RTCP_TYPES.contains(kind)) {
        endpoint.read_report(data, from, now, counters);
        return None;
    }
    let Ok(packet) = RtpPacket::parse(data) else {
        counters.dropped_malformed += 1;
        return None;
    };
    let evidence = Evidence {
        ssrc: packet.ssrc(),
        sequence: packet.sequence_number(),
        timestamp: packet.timestamp(),
    };
    let (payload_type, marker) = (packet.payload_type(), packet.marker_bit());
    let (start, length) = (packet.payload_offset(), packet.payload_len());

    let id = endpoint.id;
    let verdict = endpoint
        .peer
        .as_mut()
        .map(|peer| peer.lock.judge(from, evidence, now));
    match verdict {
        Some(Verdict::Accept) => {}
        Some(Verdict::Learned) => {
            *learned = Some(from);
            if !std::mem::replace(&mut endpoint.heard, true) {
                tell(MediaEvent::FirstPacket { id });
            }
        }
        Some(Verdict::Stranger) | None => {
            counters.dropped_stranger += 1;
            endpoint.strangers += 1;
            return None;
        }
    }
    if endpoint.silence.broken(now) {
        tell(MediaEvent::RtpResumed { id });
    }
    let media = endpoint.peer.as_ref()?.media;
    let kind = if media.is_event(payload_type) {
        Some(Kind::Event)
    } else {
        Codec::from_payload_type(payload_type).map(Kind::Audio)
    };
    let timed = matches!(kind, Some(Kind::Audio(_)));
    endpoint.received.packet(evidence, data.len(), timed, now);
    let Some(kind) = kind else {
        counters.dropped_malformed += 1;
        // Comfort noise (RFC 3389) as a rule. To the partner it was never sent: no loss to conceal or to report.
        if let Some(partner) = endpoint.partner.and_then(|partner| endpoints.get_mut(partner)) {
            partner.pass_over();
        }
        return None;
    };
    if !media.direction.receives() || length == 0 {
        return None;
    }

    let payload = &mut data[start..start + length];
    let mut digit = None;
    match kind {
        Kind::Audio(codec) => {
            let mut is_key = false;
            if let Some(detector) = &mut endpoint.inband {
                let table = g711::linear_table(codec);
                let samples = payload.iter().map(|&byte| table[usize::from(byte)]);
                if let Some(digit) = detector.listen(samples) {
                    tell(MediaEvent::Dtmf { id, digit });
                }
                is_key = detector.is_pressed();
            }
            if endpoint.muted {
                payload.fill(g711::silence(codec));
            }
            if let Some(recorder) = endpoint.recorder.as_mut().filter(|_| !is_key) {
                recorder.audio(Side::Said, codec, evidence, payload, now);
            }
            if is_key && !endpoint.relays_keys {
                payload.fill(g711::silence(codec));
            }
        }
        Kind::Event => {
            let Some(event) = EventPayload::parse(payload) else {
                counters.dropped_malformed += 1;
                return None;
            };
            digit = endpoint.events.packet(evidence.ssrc, evidence.timestamp, event);
            if let Some(digit) = digit {
                tell(MediaEvent::Dtmf { id, digit });
            }
        }
    }

    if let Some(seat) = &mut endpoint.seat {
        if let Kind::Audio(codec) = kind {
            seat.receive(codec, evidence, payload);
        }
        return None;
    }
    if timed && endpoint.succeeds.is_some() {
        succession::succeed(endpoints, slot);
    }
    let endpoint = endpoints.get(slot)?;
    let (listener, partner_slot) = (endpoint.listener, endpoint.partner?);
    let withheld = matches!(kind, Kind::Event) && !endpoint.relays_keys;
    let incoming = Incoming {
        ssrc: evidence.ssrc,
        sequence: evidence.sequence,
        timestamp: evidence.timestamp,
        marker,
        samples: if timed { length as u32 } else { 0 },
    };
    if let (Some(listener), Kind::Audio(codec)) = (listener, &kind) {
        let payload = &data[start..start + length];
        succession::overhear(endpoints, listener, *codec, incoming, payload, now, counters);
    }
    let partner = endpoints.get_mut(partner_slot)?;
    if withheld {
        partner.pass_over();
        return None;
    }
    // The header goes right before the payload, over what CSRC and extension took.
    let packet = &mut data[start - Header::LEN..start + length];
    match kind {
        Kind::Audio(codec) => partner.relay_audio(codec, incoming, packet, now, counters),
        Kind::Event => partner.relay_event(digit, incoming, packet, now, counters),
    }
    (digit.is_some() && partner.is_playing()).then_some(partner_slot)
}
