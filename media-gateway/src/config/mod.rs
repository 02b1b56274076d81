//! The configuration file, `ponte.toml`.
//!
//! [`Config::load`] reads and checks all of it at once, so that an administrator gets every problem in one go, each
//! with its line, its column and what is wrong. What it returns needs no further checks.

mod types;

pub use types::{
    Config, EdgeConfig, LogConfig, MediaSettings, MetricsConfig, NumberFormat, OwnNumbers, Register,
    SipConfig, SiteConfig, SiteKey, StoreConfig, TrunkSettings,
};
