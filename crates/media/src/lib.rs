//! The media plane: everything that touches audio, on threads of its own.
//!
//! The control side (an async host) opens [`EndpointId`]s, one for each leg, tells them where the peer is, joins
//! them two by two or in [rooms](MediaPlane::create_room), and plays into them. The media side receives, decides and sends each RTP packet on one thread, without a
//! lock, an allocation or an async task on the way.
//!
//! ```text
//!   host ── MediaPlane::{open, set_remote, bridge, play, …} ──▶ bounded queue ──▶ media thread 0..N
//!   host ◀── MediaPlane::next_event() ◀── bounded queue ◀── MediaEvent        (sockets, sessions, 20 ms tick)
//! ```
//!
//! Media never waits for control: an event that finds its queue full is dropped and counted
//! ([`StatsSnapshot::events_dropped`]). Nor does it wait for a disk: two further threads write what is
//! [recorded](MediaPlane::record) and load what is played [from a file](FileSource).
//!
//! Beside it: [`sdp`] (offer and answer), [`g711`], and [`analysis`] (which frequencies are in this audio), which
//! tests of every crate use to prove that audio really flows.

pub mod analysis;
mod audio;
mod background;
mod config;
mod convert;
mod dtmf;
mod endpoint;
mod error;
mod events;
pub mod g711;
mod loader;
mod mix;
mod music;
mod outgoing;
mod overlay;
mod plane;
mod player;
mod poller;
mod ports;
mod priority;
mod prompts;
mod quality;
mod receive;
mod recording;
mod relay;
mod resample;
mod rtc;
mod rtcp;
pub mod sdp;
mod sockets;
mod source_lock;
mod stats;
mod succession;
mod tones;
mod transit;
mod types;
mod wav;
mod worker;

pub use config::{HoldMusic, MediaConfig, PortRange};
pub use convert::{ConvertError, convert, duration};
pub use error::MediaError;
pub use plane::MediaPlane;
pub use prompts::{Language, Prompt};
pub use quality::Quality;
pub use recording::{Recording, RecordingError, Tracks, rescue};
pub use rtc::{WebRtcConfig, WebRtcError};
pub use stats::{EndpointStats, StatsSnapshot};
pub use tones::{Country, Segment, Tone, cadence};
pub use types::{
    Codec, Direction, EndpointId, FileSource, MediaEvent, PlayMode, RemoteMedia, Role, RoomId, Source,
};
pub use wav::{Audio, AudioError};
