//! The one clock of the control plane.

use ponte_protocol::UnixMillis;
use std::time::{Duration, Instant, SystemTime};

/// Wall-clock time that never goes back: the system's clock at the start, and the time that passed since.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_at: u64,
}

impl Clock {
    /// A clock that shows the system's time now.
    pub fn start() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            started_at: since_epoch.as_millis() as u64,
        }
    }

    pub fn now(&self) -> UnixMillis {
        UnixMillis(self.started_at + self.started.elapsed().as_millis() as u64)
    }

    /// The time that the SIP layer counts in.
    pub fn sip_now(&self) -> ponte_sip::Timestamp {
        ponte_sip::Timestamp(self.started.elapsed())
    }

    /// The SIP layer's time at `at`; the start, if that was before.
    pub fn sip_timestamp(&self, at: UnixMillis) -> ponte_sip::Timestamp {
        ponte_sip::Timestamp(Duration::from_millis(at.0.saturating_sub(self.started_at)))
    }

    /// The time of day at the SIP layer's `at`.
    pub fn unix(&self, at: ponte_sip::Timestamp) -> UnixMillis {
        UnixMillis(self.started_at.saturating_add(at.0.as_millis() as u64))
    }

    /// When the SIP layer's `at` is.
    pub fn sip_instant(&self, at: ponte_sip::Timestamp) -> Instant {
        self.started + at.0
    }

    /// When `at` is; now, if it is over.
    pub fn instant(&self, at: UnixMillis) -> Instant {
        self.started + Duration::from_millis(at.0.saturating_sub(self.started_at))
    }
}
