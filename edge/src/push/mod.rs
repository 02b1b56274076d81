//! Web Push: calls told to browsers in which no portal is open. RFC 8030 (the message), RFC 8291 (its encryption),
//! RFC 8292 (who sends it).

pub mod calls;
pub mod endpoint;
pub mod message;
pub mod queue;
pub mod subscription;
pub mod vapid;

#[cfg(target_arch = "wasm32")]
pub(crate) mod delivery;
#[cfg(target_arch = "wasm32")]
pub(crate) mod webcrypto;
