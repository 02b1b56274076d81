//! The telephone system as a library, so that tests can start it in their own process.

pub mod config;
pub mod driver;
pub mod link;
pub mod numbers;
pub mod sip;
pub mod store;
