//! The edge: a Cloudflare Worker that signs people in, and a Durable Object for each site that carries commands and
//! events between the site's portals and its gateway.
//!
//! What decides is plain Rust that knows neither sockets nor storage and is tested on the host. What touches the
//! Workers runtime is built for wasm32 only.

pub mod assets;
pub mod audio;
pub mod auth;
pub mod crypto;
pub mod headers;
pub mod limits;
pub mod link;
pub mod push;
pub mod site;

#[cfg(target_arch = "wasm32")]
mod routes;
