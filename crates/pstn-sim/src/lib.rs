//! A small carrier on SIP with telephones behind its numbers, for Ponte's demo and end-to-end tests.
//!
//! It is a witness: it shares no code with the gateway, notes every message in the order of the wire, and tells which
//! frequencies each telephone heard. Start one in-process with [`Simulator::start`], or run the `pstn-sim` binary and ask
//! its control API.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use ponte_pstn_sim::{Behaviour, Config, Simulator};
//!
//! let simulator = Simulator::start(Config::for_tests()).await?;
//! simulator.set_number("+390698765401", Behaviour::Busy)?;
//! println!("trunk at {}", simulator.sip_addr());
//! for call in simulator.calls() {
//!     println!("{:?} heard {:?}", call.state, call.media.heard);
//! }
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod beep;
mod behaviour;
mod call;
mod caller;
mod clock;
mod config;
mod control;
mod digest;
mod directory;
mod dtmf;
mod ear;
mod leg;
mod media;
mod number;
mod place;
mod registrar;
mod script;
mod sdp;
mod simulator;
mod tape;
mod tone;
mod trunk;
mod wire;

pub use behaviour::{
    AfterAnnouncement, Answer, Behaviour, BehaviourError, Codec, EarlyMedia, Press, Refresher, Refuse,
    Reinvite, ReinviteMode, SessionTimer, Slow, Voicemail,
};
pub use call::{CallDirection, CallReport, CallState, EndedBy, Way, WireEvent};
pub use clock::Mark;
pub use config::{Algorithm, Config, ConfigError, Password, TrunkAuth, TrunkConfig, TrunkMode};
pub use control::{Health, TrunkReport};
pub use directory::{Directory, Entry, KeyError};
pub use dtmf::HeardDigit;
pub use ear::{HeardTone, Span};
pub use media::MediaReport;
pub use number::Masked;
pub use place::{CallerId, LeaveMessage, PlaceCall, PlaceError};
pub use registrar::Registration;
pub use simulator::{NumberError, Simulator, StartError};
pub use tone::tone_of;

pub(crate) use simulator::{Core, Shared};
