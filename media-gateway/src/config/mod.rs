//! The configuration file, `ponte.toml`.
//!
//! [`Config::load`] reads and checks all of it at once, so that an administrator gets every problem in one go, each
//! with its line, its column and what is wrong. What it returns needs no further checks.

mod email;
mod error;
mod features;
mod load;
mod network;
mod reader;
mod registrar;
mod secret;
mod site;
mod trunk;
mod turn;
mod types;
mod voicemail;
mod webrtc;

pub use error::{ConfigError, Problem};
pub use features::FeatureCodes;
pub use site::time_zone;
pub use turn::TurnConfig;
pub use types::{
    Config, EdgeConfig, EmailConfig, EmailSecurity, ForwardedBy, HoldSignal, LogConfig, MediaSettings,
    MetricsConfig, NumberFormat, OwnNumbers, Register, RegistrarConfig, SipConfig, SiteConfig, SiteKey,
    StoreConfig, TelecommutingConfig, TlsListener, TrunkSettings, VoicemailConfig,
};

/// A configuration with every setting and what it means; `ponte-gateway example-config` prints it.
pub const EXAMPLE: &str = include_str!("example.toml");
