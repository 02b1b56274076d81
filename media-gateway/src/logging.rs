//! What is logged, and where to.
//!
//! Logs go to standard error, as lines of text or as JSON. Telephone numbers in them are
//! [`Pii`](ponte_protocol::Pii), which prints their last two digits at most.

use crate::config::LogConfig;
use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("RUST_LOG or log.level: '{level}' is no filter, e.g. info or info,ponte_sip=debug")]
    Filter { level: String },
    #[error("logging is set up already")]
    Twice(#[from] TryInitError),
}

/// Starts logging for the whole process. `RUST_LOG`, where it is set, goes before the configured level.
pub fn init(config: &LogConfig) -> Result<(), LogError> {
    let level = std::env::var("RUST_LOG").unwrap_or_else(|_| config.level.clone());
    let filter = EnvFilter::builder()
        .parse(&level)
        .map_err(|_| LogError::Filter { level })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    if config.json {
        builder.json().flatten_event(true).finish().try_init()?;
    } else {
        builder
            .with_ansi(io::stderr().is_terminal())
            .finish()
            .try_init()?;
    }
    Ok(())
}
