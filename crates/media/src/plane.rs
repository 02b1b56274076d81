use std::net::SocketAddr;

use crate::{EndpointId, MediaConfig, MediaError, MediaEvent, PlayMode, RemoteMedia, Source, StatsSnapshot};

/// The media threads, seen from the control side. Every method returns at once; dropping it ends the threads.
///
/// A command to an endpoint that is closed already has no effect: the two sides race, and that is normal.
#[derive(Debug)]
pub struct MediaPlane {
    _config: MediaConfig,
}

impl MediaPlane {
    /// Starts the threads. `wake` is called on a media thread after it queued events, and must not block:
    /// let it notify a task that then drains [`MediaPlane::next_event`].
    pub fn start(config: MediaConfig, wake: impl Fn() + Send + Sync + 'static) -> Result<Self, MediaError> {
        let _ = wake;
        Ok(Self { _config: config })
    }

    /// Binds an RTP and an RTCP port, on the thread of `group` (the legs of one call share a group).
    /// Returns the address for SDP; RTCP is on the next port.
    pub fn open(&self, group: u64) -> Result<(EndpointId, SocketAddr), MediaError> {
        let _ = group;
        Err(MediaError::Overloaded)
    }

    /// Says what was agreed with the peer; again after each re-negotiation. Unlocks the source if the address changed.
    pub fn set_remote(&self, id: EndpointId, remote: RemoteMedia) {
        let _ = (id, remote);
    }

    /// Relays audio and DTMF both ways between two endpoints of one group, until
    /// [`unbridge`](Self::unbridge). Replaces the bridges that either was in.
    pub fn bridge(&self, a: EndpointId, b: EndpointId) -> Result<(), MediaError> {
        let _ = (a, b);
        Ok(())
    }

    /// Takes an endpoint, and so its partner, out of their bridge.
    pub fn unbridge(&self, a: EndpointId) {
        let _ = a;
    }

    /// Plays towards the peer of `id`, in place of what plays now. Bridged audio towards it is muted meanwhile.
    pub fn play(&self, id: EndpointId, source: Source, mode: PlayMode) {
        let _ = (id, source, mode);
    }

    /// Stops what plays; bridged audio is heard again.
    pub fn stop(&self, id: EndpointId) {
        let _ = id;
    }

    /// Sends keys (`0`–`9`, `*`, `#`, `A`–`D`, `,` for a pause of half a second; others are left out) after those still being
    /// sent: RFC 4733 events, or tones where the peer takes no events. At most 64 wait.
    pub fn send_dtmf(&self, id: EndpointId, digits: &str) {
        let _ = (id, digits);
    }

    /// Says RTCP BYE and frees the ports. [`MediaEvent::Closed`] follows.
    pub fn close(&self, id: EndpointId) {
        let _ = id;
    }

    /// The oldest event not yet taken.
    pub fn next_event(&self) -> Option<MediaEvent> {
        None
    }

    /// Counters for metrics; at most 20 ms old.
    pub fn stats(&self) -> StatsSnapshot {
        StatsSnapshot::default()
    }
}
