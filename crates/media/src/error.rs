use std::io;

use crate::AudioError;

/// Why the media plane refused.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The configured range holds no even port followed by an odd one.
    #[error(
        "RTP port range {first}-{last} holds no even/odd pair; give at least two ports, the first one even"
    )]
    EmptyPortRange { first: u16, last: u16 },
    /// Every port pair is in use, or was freed too short a time ago.
    #[error("all {pairs} RTP port pairs are in use; widen the port range")]
    PortsExhausted { pairs: usize },
    /// No port of the range could be bound: the last error of the system.
    #[error("cannot bind an RTP port on {ip}: {source}")]
    Bind { ip: std::net::IpAddr, source: io::Error },
    /// The poll or a thread could not be created.
    #[error("cannot start a media thread: {0}")]
    Start(#[source] io::Error),
    /// A file of spoken prompts that is built in cannot be read.
    #[error("built-in prompt {name} is damaged: {source}")]
    Prompt { name: &'static str, source: AudioError },
    /// The WebRTC side could not be started, or is not configured.
    #[error("{0}")]
    WebRtc(#[from] crate::WebRtcError),
    /// The command queue of a media thread is full: the machine is overloaded.
    #[error("a media thread does not keep up; try again")]
    Overloaded,
}
