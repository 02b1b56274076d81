//! A call goes on at another telephone of its user, make before break (ADR 21).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod calls;
mod common;
mod telephones;
