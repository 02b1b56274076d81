//! Desk telephones take calls over by INVITE with Replaces (RFC 3891, ADR 41), with what the lamp of an extension tells
//! them (RFC 4235). The telephones are made by hand.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod colleagues;
mod office;
mod own;
#[path = "../support/mod.rs"]
mod support;
