use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A packet's time: what plays has a gap after it.
const LATE: Duration = Duration::from_millis(20);

/// What one endpoint saw in its life.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EndpointStats {
    pub packets_in: u64,
    pub bytes_in: u64,
    pub packets_out: u64,
    pub bytes_out: u64,
    /// Packets that never came, by sequence number (RFC 3550 A.3). Negative never: duplicates do not count back.
    pub lost: u64,
    /// Interarrival jitter (RFC 3550 A.8), in milliseconds.
    pub jitter_ms: f64,
    /// How often the peer's SSRC changed after the first.
    pub ssrc_changes: u32,
    /// Packets from sources that are not the peer.
    pub strangers: u64,
    /// Round trip by the peer's last RTCP report, if it sent one.
    pub round_trip: Option<Duration>,
}

/// Counters of the whole plane since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatsSnapshot {
    pub packets_in: u64,
    pub bytes_in: u64,
    pub packets_out: u64,
    pub bytes_out: u64,
    /// RTP that was not of the peer.
    pub dropped_stranger: u64,
    /// What is no RTP, or of a payload type that was not agreed.
    pub dropped_malformed: u64,
    /// Packets that the kernel refused to send, or that a browser's TCP connection had no room for.
    pub send_errors: u64,
    /// TCP connections of browsers that are open now, those without a proof among them.
    pub tcp_connections: u64,
    /// TCP connections that proved to be no browser's of a call.
    pub tcp_refused: u64,
    /// Events that found their queue full.
    pub events_dropped: u64,
    /// Commands that found their queue full.
    pub commands_dropped: u64,
    /// Endpoints that are open now.
    pub active_endpoints: u64,
    /// Times that a media thread went on later than 20 ms, one packet, after it was due: the machine had no time for it.
    pub late_wakeups: u64,
    /// The longest time after it was due that a media thread went on.
    pub longest_lateness: Duration,
    /// Media threads that go before ordinary ones; see [`MediaConfig::preferred`](crate::MediaConfig::preferred).
    pub preferred_threads: u64,
}

/// Counters of one media thread: written by it alone, read by anyone.
#[derive(Debug, Default)]
pub(crate) struct SharedCounters {
    packets_in: AtomicU64,
    bytes_in: AtomicU64,
    packets_out: AtomicU64,
    bytes_out: AtomicU64,
    dropped_stranger: AtomicU64,
    dropped_malformed: AtomicU64,
    send_errors: AtomicU64,
    tcp_connections: AtomicU64,
    tcp_refused: AtomicU64,
    events_dropped: AtomicU64,
    active_endpoints: AtomicU64,
    late_wakeups: AtomicU64,
    longest_lateness_us: AtomicU64,
    preferred: AtomicU64,
}

/// The thread's own copy, published after each round: no atomic operation for a packet.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) packets_in: u64,
    pub(crate) bytes_in: u64,
    pub(crate) packets_out: u64,
    pub(crate) bytes_out: u64,
    pub(crate) dropped_stranger: u64,
    pub(crate) dropped_malformed: u64,
    pub(crate) send_errors: u64,
    pub(crate) tcp_connections: u64,
    pub(crate) tcp_refused: u64,
    pub(crate) events_dropped: u64,
    pub(crate) active_endpoints: u64,
    pub(crate) late_wakeups: u64,
    pub(crate) longest_lateness_us: u64,
    pub(crate) preferred: bool,
}

impl Counters {
    pub(crate) fn publish(&self, shared: &SharedCounters) {
        shared.packets_in.store(self.packets_in, Relaxed);
        shared.bytes_in.store(self.bytes_in, Relaxed);
        shared.packets_out.store(self.packets_out, Relaxed);
        shared.bytes_out.store(self.bytes_out, Relaxed);
        shared.dropped_stranger.store(self.dropped_stranger, Relaxed);
        shared.dropped_malformed.store(self.dropped_malformed, Relaxed);
        shared.send_errors.store(self.send_errors, Relaxed);
        shared.tcp_connections.store(self.tcp_connections, Relaxed);
        shared.tcp_refused.store(self.tcp_refused, Relaxed);
        shared.events_dropped.store(self.events_dropped, Relaxed);
        shared.active_endpoints.store(self.active_endpoints, Relaxed);
        shared.late_wakeups.store(self.late_wakeups, Relaxed);
        shared
            .longest_lateness_us
            .store(self.longest_lateness_us, Relaxed);
        shared.preferred.store(self.preferred.into(), Relaxed);
    }

    /// The thread went on so long after it was due.
    pub(crate) fn went_on(&mut self, late: Duration) {
        self.late_wakeups += u64::from(late > LATE);
        self.longest_lateness_us = self.longest_lateness_us.max(late.as_micros() as u64);
    }
}

impl SharedCounters {
    pub(crate) fn add_to(&self, total: &mut StatsSnapshot) {
        total.packets_in += self.packets_in.load(Relaxed);
        total.bytes_in += self.bytes_in.load(Relaxed);
        total.packets_out += self.packets_out.load(Relaxed);
        total.bytes_out += self.bytes_out.load(Relaxed);
        total.dropped_stranger += self.dropped_stranger.load(Relaxed);
        total.dropped_malformed += self.dropped_malformed.load(Relaxed);
        total.send_errors += self.send_errors.load(Relaxed);
        total.tcp_connections += self.tcp_connections.load(Relaxed);
        total.tcp_refused += self.tcp_refused.load(Relaxed);
        total.events_dropped += self.events_dropped.load(Relaxed);
        total.active_endpoints += self.active_endpoints.load(Relaxed);
        total.late_wakeups += self.late_wakeups.load(Relaxed);
        let lateness = Duration::from_micros(self.longest_lateness_us.load(Relaxed));
        total.longest_lateness = total.longest_lateness.max(lateness);
        total.preferred_threads += self.preferred.load(Relaxed);
    }
}
