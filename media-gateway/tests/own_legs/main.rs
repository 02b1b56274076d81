//! What a user can do in a call, whatever the user's own leg is: a telephone behind the carrier, the telephone on the desk, a
//! browser. Who hears whom is told by frequency before, during and after.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../crates/media/tests/support/browser.rs"]
mod browser;
mod controls;
mod own;
mod pick_up;
mod recording;
mod redial;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tab.rs"]
mod tab;
mod waiting;
