//! The pages.

pub mod directory;
pub mod home;
pub mod invite;
pub mod messages;
pub mod settings;
pub mod shell;
pub mod sign_in;
