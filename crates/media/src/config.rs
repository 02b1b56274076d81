use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use crate::Country;

/// The UDP ports of RTP, both ends included. An endpoint takes an even port and the odd one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

/// What parties on hold hear.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HoldMusic {
    /// A piece of the system's own.
    #[default]
    Own,
    /// WAV, 8 or 16 kHz, mono, 16 bit, at most 10 minutes. Where it cannot be read, [`HoldMusic::Own`].
    File(PathBuf),
    /// [`Tone::Hold`](crate::Tone::Hold).
    Tone,
}

/// How a [`MediaPlane`](crate::MediaPlane) is set up.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// Media threads; 0 means one for each core.
    pub threads: usize,
    /// Address that sockets bind to. May be the unspecified address.
    pub bind_ip: IpAddr,
    /// Address that goes into SDP: the public one behind a 1:1 NAT, else equal to `bind_ip`.
    pub advertised_ip: IpAddr,
    pub ports: PortRange,
    /// How long a closed port stays unused, so that late packets of its last call reach nobody.
    pub port_hold: Duration,
    /// Whose tones are played.
    pub tone_country: Country,
    /// What [`Source::HoldMusic`](crate::Source::HoldMusic) plays.
    pub hold_music: HoldMusic,
    /// When [`MediaEvent::NoRtp`](crate::MediaEvent::NoRtp) is told: first warning, then the final one.
    pub no_rtp_after: [Duration; 2],
    /// Time between two RTCP reports.
    pub rtcp_interval: Duration,
    /// Whether media threads ask to go before ordinary threads: `SCHED_RR`, else a niceness of −11, else nothing.
    pub preferred: bool,
    /// Where browsers reach the gateway; `None`: no browser can be called.
    pub webrtc: Option<crate::WebRtcConfig>,
    /// Capacity of the command queue of each thread and of the event queue.
    pub queue_capacity: usize,
}

impl Default for MediaConfig {
    /// Loopback, ports 20000–29999, one preferred thread a core, Italian tones.
    fn default() -> Self {
        Self {
            threads: 0,
            bind_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            advertised_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: PortRange {
                first: 20_000,
                last: 29_999,
            },
            port_hold: Duration::from_secs(5),
            tone_country: Country::It,
            hold_music: HoldMusic::Own,
            no_rtp_after: [Duration::from_secs(5), Duration::from_mins(1)],
            rtcp_interval: Duration::from_secs(5),
            preferred: true,
            webrtc: None,
            queue_capacity: 8192,
        }
    }
}
