use std::time::Duration;

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
    /// Packets that the kernel refused to send.
    pub send_errors: u64,
    /// Events that found their queue full.
    pub events_dropped: u64,
    /// Commands that found their queue full.
    pub commands_dropped: u64,
    /// Endpoints that are open now.
    pub active_endpoints: u64,
}
