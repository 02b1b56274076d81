//! Decisions of the portal that need no browser.

pub mod dial;
pub mod password;
pub mod search;
