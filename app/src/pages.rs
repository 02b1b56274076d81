//! The pages.

pub mod home;
pub mod invite;
pub mod sign_in;
