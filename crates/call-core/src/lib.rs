//! Call control as a pure state machine: no tokio, no clock, no randomness, no I/O.
//!
//! A host feeds [`Event`]s with the time at which they happened into a [`Switch`], then drains [`Switch::poll_effect`]
//! and asks [`Switch::poll_timeout`] when to come back. Identifiers come in with the events, so a trace of a production
//! system replays exactly.
//!
//! ```text
//!  portal          Switch            user's telephone        far telephone
//!    │ ── Dial ──▶   │
//!    │               │ ── OpenLeg ─────▶ │
//!    │               │ ◀─ LegAnswered ── │
//!    │               │   (key 1 or Accept, where confirmation is on)
//!    │               │ ── OpenLeg ───────────────────────────▶ │
//!    │               │ ◀─ LegAnswered ──────────────────────── │
//!    │               │ ── Connect ─────▶ ◀───────────────────▶ │
//! ```

mod account;
mod call;
pub mod cause;
mod clearing;
mod codes;
mod commands;
mod conference;
pub mod config;
mod confirm;
mod context;
mod desk;
mod devices;
mod dial;
pub mod effect;
pub mod event;
mod failover;
pub mod forward;
mod hold;
mod incoming;
mod join;
mod leave;
mod leg;
mod line;
mod mailbox;
mod moving;
mod mute;
mod opening;
mod parking;
mod party;
mod persistent;
mod progress;
mod recording;
mod replaces;
mod rescue;
mod restriction;
mod ringing;
mod secret;
mod service;
mod setup;
mod sound;
mod switch;
mod timers;
mod transfer;
mod trunks;
mod user;
mod verify;
mod view;
mod voicemail;

pub use account::ListedCode;
pub use config::{
    Caps, DeviceConfig, Dialled, FeatureCode, NumberClass, RestrictionRule, Timeouts, TrunkConfig, TrunkId,
    UserConfig,
};
pub use desk::NOBODYS;
pub use effect::{Announcement, Effect, LegTarget, Pin, Playback, PlaybackToken, RoomLeg, Tone};
pub use event::{
    CallSource, Caller, CallerNumber, Event, LegEnd, LegEndKind, LegId, PeerHold, Replaced, SwitchCommand,
    SwitchDestination, SwitchTarget, Takeable,
};
pub use forward::{ForwardReason, ForwardTargets};
pub use mailbox::{BoxWords, ListedMessage, OwnRecording, ReceivedDay};
pub use secret::Secret;
pub use switch::Switch;
pub use timers::TimerKind;
