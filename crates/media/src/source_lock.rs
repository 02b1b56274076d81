//! Whose packets count: symmetric RTP (RFC 4961) that a stranger cannot steal.
//!
//! The peer is where offer and answer say, or, behind a NAT, the first other source that proves itself: consecutive
//! packets of one SSRC over a stretch of real time. A source that fits the negotiation better (the very address, or at
//! least the host) may take over by the same proof; one that fits worse or equally never, while the peer is heard.
//! After a silence, the same SSRC going on from another address is the peer behind a NAT that forgot it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Consecutive packets that prove a source.
const PROOF_PACKETS: u8 = 4;
/// Time those packets must span: a burst proves nothing.
const PROOF_SPAN: Duration = Duration::from_millis(50);
/// A proof that takes longer starts over.
const PROOF_LIMIT: Duration = Duration::from_secs(2);
/// Silence after which the same SSRC may come from elsewhere.
const REBIND_SILENCE: Duration = Duration::from_millis(200);
/// Packets (with their span) that prove it then: SSRC and sequence are proof already.
const REBIND_PACKETS: u8 = 3;
const REBIND_SPAN: Duration = Duration::from_millis(20);
/// How far the sequence may have gone on meanwhile: a minute.
const REBIND_SEQUENCE: u16 = 3000;
/// Silence after which a source that was only learned is given up.
const LEARNED_SILENCE: Duration = Duration::from_secs(2);
/// Samples between consecutive packets, at most.
const MAX_TIMESTAMP_STEP: u32 = 8000;
const CANDIDATES: usize = 4;
/// A candidate not heard for so long gives its place away.
const CANDIDATE_IDLE: Duration = Duration::from_millis(200);

/// How well a source fits what was negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Unknown,
    SameHost,
    Exact,
}

#[derive(Debug, Clone, Copy)]
struct Locked {
    from: SocketAddr,
    fit: Fit,
    ssrc: u32,
    sequence: u16,
    heard: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    from: SocketAddr,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    packets: u8,
    since: Instant,
    heard: Instant,
}

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the peer's.
    Accept,
    /// It is the peer's, from an address that is new: send there from now on.
    Learned,
    /// Not the peer's, or not proven to be.
    Stranger,
}

/// What of a packet's header counts here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
}

#[derive(Debug)]
pub(crate) struct SourceLock {
    negotiated: SocketAddr,
    locked: Option<Locked>,
    candidates: [Option<Candidate>; CANDIDATES],
}

impl SourceLock {
    pub(crate) fn new(negotiated: SocketAddr) -> Self {
        Self {
            negotiated,
            locked: None,
            candidates: [None; CANDIDATES],
        }
    }

    /// What re-negotiation says; `true` if the peer moved, and is to be found anew.
    pub(crate) fn renegotiate(&mut self, negotiated: SocketAddr) -> bool {
        let moved = negotiated != self.negotiated;
        if moved {
            *self = Self::new(negotiated);
        }
        moved
    }

    /// Where to send.
    pub(crate) fn target(&self) -> SocketAddr {
        self.locked.map_or(self.negotiated, |locked| locked.from)
    }

    /// The host and SSRC of the peer, once it is known.
    pub(crate) fn peer(&self) -> Option<(SocketAddr, u32)> {
        self.locked.map(|locked| (locked.from, locked.ssrc))
    }

    pub(crate) fn judge(&mut self, from: SocketAddr, packet: Evidence, now: Instant) -> Verdict {
        if let Some(locked) = &mut self.locked {
            if locked.from == from {
                locked.ssrc = packet.ssrc;
                locked.sequence = packet.sequence;
                locked.heard = now;
                return Verdict::Accept;
            }
        } else if from == self.negotiated {
            return self.lock(from, packet, now);
        }
        self.judge_other(from, packet, now)
    }

    /// Off the path of every packet: the source is not the one we know.
    #[cold]
    fn judge_other(&mut self, from: SocketAddr, packet: Evidence, now: Instant) -> Verdict {
        let fit = self.fit(from);
        let (packets, span) = match &self.locked {
            None => (PROOF_PACKETS, PROOF_SPAN),
            Some(locked) => {
                let silence = now.saturating_duration_since(locked.heard);
                let ahead = packet.sequence.wrapping_sub(locked.sequence);
                let goes_on = packet.ssrc == locked.ssrc && (1..REBIND_SEQUENCE).contains(&ahead);
                if silence >= REBIND_SILENCE && goes_on {
                    (REBIND_PACKETS, REBIND_SPAN)
                } else if fit > locked.fit || (locked.fit < Fit::Exact && silence >= LEARNED_SILENCE) {
                    (PROOF_PACKETS, PROOF_SPAN)
                } else {
                    return Verdict::Stranger;
                }
            }
        };
        let Some(candidate) = self.candidate(from, fit, packet, now) else {
            return Verdict::Stranger;
        };
        let proven = candidate.packets >= packets && now.saturating_duration_since(candidate.since) >= span;
        if proven {
            self.lock(from, packet, now)
        } else {
            Verdict::Stranger
        }
    }

    fn lock(&mut self, from: SocketAddr, packet: Evidence, now: Instant) -> Verdict {
        let fit = self.fit(from);
        self.locked = Some(Locked {
            from,
            fit,
            ssrc: packet.ssrc,
            sequence: packet.sequence,
            heard: now,
        });
        self.candidates = [None; CANDIDATES];
        Verdict::Learned
    }

    fn fit(&self, from: SocketAddr) -> Fit {
        if from == self.negotiated {
            Fit::Exact
        } else if from.ip() == self.negotiated.ip() {
            Fit::SameHost
        } else {
            Fit::Unknown
        }
    }

    /// Counts a packet for its source; `None` if all places are taken by better or live ones.
    fn candidate(&mut self, from: SocketAddr, fit: Fit, packet: Evidence, now: Instant) -> Option<Candidate> {
        let fresh = Candidate {
            from,
            ssrc: packet.ssrc,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            packets: 1,
            since: now,
            heard: now,
        };
        if let Some(known) = self.candidates.iter_mut().flatten().find(|c| c.from == from) {
            let step = packet.timestamp.wrapping_sub(known.timestamp);
            let in_sequence = packet.ssrc == known.ssrc
                && packet.sequence == known.sequence.wrapping_add(1)
                && step <= MAX_TIMESTAMP_STEP
                && now.saturating_duration_since(known.since) <= PROOF_LIMIT;
            let (packets, since) = if in_sequence {
                (known.packets.saturating_add(1), known.since)
            } else {
                (1, now)
            };
            *known = Candidate {
                packets,
                since,
                ..fresh
            };
            return Some(*known);
        }
        let negotiated = self.negotiated;
        let place = self.candidates.iter_mut().find(|place| {
            place.is_none_or(|c| {
                let worse = c.from.ip() != negotiated.ip() && fit > Fit::Unknown;
                worse || now.saturating_duration_since(c.heard) >= CANDIDATE_IDLE
            })
        })?;
        *place = Some(fresh);
        Some(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "192.0.2.1:4000";
    const NAT: &str = "198.51.100.7:61000";
    const STRANGER: &str = "203.0.113.9:5000";

    struct World {
        lock: SourceLock,
        start: Instant,
    }

    impl World {
        fn new() -> Self {
            Self {
                lock: SourceLock::new(PEER.parse().unwrap()),
                start: Instant::now(),
            }
        }

        /// One packet; `n` gives sequence and timestamp.
        fn send(&mut self, from: &str, ssrc: u32, n: u16, ms: u64) -> Verdict {
            let packet = Evidence {
                ssrc,
                sequence: n,
                timestamp: u32::from(n) * 160,
            };
            self.lock.judge(
                from.parse().unwrap(),
                packet,
                self.start + Duration::from_millis(ms),
            )
        }

        fn target(&self) -> String {
            self.lock.target().to_string()
        }
    }

    #[test]
    fn the_negotiated_source_is_taken_at_once_and_strangers_never() {
        let mut world = World::new();
        assert_eq!(world.send(PEER, 1, 0, 0), Verdict::Learned);
        for n in 1..500u16 {
            let ms = u64::from(n) * 20;
            assert_eq!(world.send(STRANGER, 2, n, ms), Verdict::Stranger);
            assert_eq!(world.send("192.0.2.1:4002", 3, n, ms), Verdict::Stranger);
            assert_eq!(world.send(PEER, 1, n, ms), Verdict::Accept);
        }
    }

    #[test]
    fn behind_a_nat_a_source_proves_itself_in_under_100_ms() {
        let mut world = World::new();
        for n in 0..3u16 {
            assert_eq!(world.send(NAT, 1, n, u64::from(n) * 20), Verdict::Stranger);
        }
        assert_eq!(world.send(NAT, 1, 3, 60), Verdict::Learned);
        assert_eq!(world.target(), NAT);
    }

    #[test]
    fn a_burst_or_a_spray_of_sequence_numbers_proves_nothing() {
        let mut world = World::new();
        for n in 0..1000u16 {
            assert_eq!(
                world.send(STRANGER, 2, n, u64::from(n) / 25),
                Verdict::Stranger,
                "burst"
            );
        }
        let mut world = World::new();
        for n in 0..1000u16 {
            let verdict = world.send(STRANGER, 2, n.wrapping_mul(7919), u64::from(n) * 20);
            assert_eq!(verdict, Verdict::Stranger, "spray");
        }
    }

    #[test]
    fn the_true_peer_takes_the_stream_back_from_a_faster_stranger() {
        for stranger in [STRANGER, "192.0.2.1:4002"] {
            let mut world = World::new();
            for n in 0..100 {
                world.send(stranger, 2, n, u64::from(n) * 20);
            }
            assert_eq!(world.target(), stranger);
            for n in 0..4u16 {
                world.send(stranger, 2, 100 + n, 2000 + u64::from(n) * 20);
                world.send(PEER, 1, n, 2000 + u64::from(n) * 20);
            }
            assert_eq!(world.target(), PEER);
            for n in 0..100u16 {
                let verdict = world.send(stranger, 2, 104 + n, 2080 + u64::from(n) * 20);
                assert_eq!(verdict, Verdict::Stranger);
                assert_eq!(
                    world.send(PEER, 1, 4 + n, 2080 + u64::from(n) * 20),
                    Verdict::Accept
                );
            }
        }
    }

    #[test]
    fn the_same_ssrc_from_a_new_address_is_learned_after_a_silence() {
        let mut world = World::new();
        for n in 0..50u16 {
            world.send(PEER, 1, n, u64::from(n) * 20);
        }
        // 980 ms was the last; packets 50 to 54 were lost while the NAT changed its mind.
        let mut verdicts = Vec::new();
        for n in 55..100u16 {
            let ms = u64::from(n) * 20;
            assert_eq!(world.send(STRANGER, 2, n, ms), Verdict::Stranger);
            verdicts.push(world.send("192.0.2.1:9999", 1, n, ms));
        }
        let learned = verdicts.iter().position(|&v| v == Verdict::Learned).unwrap();
        assert!((55 + learned) * 20 - 980 < 500, "after {learned} packets");
        assert_eq!(world.target(), "192.0.2.1:9999");
    }

    #[test]
    fn a_guessed_ssrc_without_the_sequence_is_a_stranger() {
        let mut world = World::new();
        for n in 0..50u16 {
            world.send(PEER, 1, n, u64::from(n) * 20);
        }
        for n in 0..500u16 {
            let ms = 980 + u64::from(n) * 20;
            assert_eq!(world.send(STRANGER, 1, 40_000 + n, ms), Verdict::Stranger);
        }
        assert_eq!(world.target(), PEER);
    }

    #[test]
    fn candidates_of_a_flood_do_not_keep_the_negotiated_host_out() {
        let mut world = World::new();
        for n in 0..4u16 {
            for flood in 0..50u16 {
                let from = format!("203.0.113.{flood}:7000");
                world.send(&from, 5, n.wrapping_mul(3), u64::from(n) * 20);
            }
            world.send("192.0.2.1:9999", 1, n, u64::from(n) * 20);
        }
        assert_eq!(world.target(), "192.0.2.1:9999");
    }

    #[test]
    fn renegotiation_to_another_address_forgets_and_to_the_same_keeps() {
        let mut world = World::new();
        for n in 0..4 {
            world.send(NAT, 1, n, u64::from(n) * 20);
        }
        world.lock.renegotiate(PEER.parse().unwrap());
        assert_eq!(world.target(), NAT);
        world.lock.renegotiate("192.0.2.1:4444".parse().unwrap());
        assert_eq!(world.target(), "192.0.2.1:4444");
    }
}
