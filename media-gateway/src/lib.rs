//! The telephone system as a library, so that tests can start it in their own process.

pub mod admin;
pub mod cli;
pub mod config;
mod contacts;
pub mod driver;
mod external;
pub mod hours;
pub mod link;
pub mod logging;
pub mod mail;
pub mod metrics;
pub mod numbers;
pub mod run;
pub mod sip;
pub mod store;
mod turn;
