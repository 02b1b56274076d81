//! The link to the gateway: who may open it, which events are new, and whether it still lives.

pub mod handshake;
pub mod keys;
pub mod liveness;
pub mod position;
pub mod unreadable;
