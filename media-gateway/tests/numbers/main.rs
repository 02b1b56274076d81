//! Numbers: how dialled ones are read in four countries, whom an incoming one reaches, and which rule decides.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
mod incoming;
mod reading;
mod rules;
