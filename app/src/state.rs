//! What the portal knows, and what it has asked for.

pub mod clock;
pub mod commands;
pub mod log;
pub mod portal;
#[cfg(test)]
pub(crate) mod sample;
pub mod session;
pub mod store;
pub mod toasts;

pub use portal::Portal;
pub use session::{Session, SessionContext};
pub use toasts::Toasts;
