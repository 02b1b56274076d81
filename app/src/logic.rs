//! Decisions of the portal that need no browser.

pub mod call;
pub mod dial;
pub mod password;
pub mod search;
