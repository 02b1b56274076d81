//! The simulated world for tests of call control.
//!
//! ```text
//!    test ── commands ──▶ ┌───────┐ ── events ──▶ ┌────────────┐ ── events ──▶ ┌────────┐
//!         ◀─ questions ── │ World │               │ Supervised │               │ Switch │
//!                         └───────┘ ◀─ effects ── └────────────┘ ◀─ effects ── └────────┘
//!         telephones, trunks, clock              invariants
//! ```
//!
//! [`World`] is the carrier with its telephones, the portals and the clock: nothing in it happens in real time, so a
//! test of a working day takes milliseconds. Each telephone has a habit ([`Phone`]): it answers, is busy, rings out, goes
//! to voicemail. [`Supervised`] stands between the world and the switch and panics when an invariant breaks, so that
//! every test checks all of them. [`Reference`] is a second, smaller description of what the switch must do, for tests
//! with random histories ([`RandomHistory`]); [`Callers`] is one for those who call in.

// Test code may say `expect`: a broken expectation is what a test reports.
#![allow(clippy::expect_used)]

pub mod callers;
pub mod history;
pub mod phone;
pub mod plan;
pub mod reference;
pub mod rng;
pub mod site;
pub mod supervised;
pub mod trace;
pub mod world;

pub use callers::Callers;
pub use history::RandomHistory;
pub use phone::{Phone, TrunkHabit};
pub use reference::Reference;
pub use rng::Rng;
pub use supervised::Supervised;
pub use trace::{Input, TellSeed, Trace};
pub use world::{Hears, Told, World};
