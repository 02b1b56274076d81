//! What the portal knows, and what it has asked for.

pub mod address;
mod booking;
pub mod clock;
pub mod commands;
pub mod directory;
pub mod log;
pub mod mailbox;
mod palette;
pub mod portal;
pub mod preferences;
#[cfg(test)]
pub(crate) mod sample;
pub mod session;
pub mod store;
mod telling;
pub mod toasts;
pub mod verification;

pub use address::Address;
pub use portal::Portal;
pub use preferences::Preferences;
pub use session::{Session, SessionContext};
pub use toasts::Toasts;
