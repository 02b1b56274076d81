//! Administrators in the portal: who may, what is checked, what it does at once, what is kept of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod users;
