//! Who somebody is: passwords, sessions, and what keeps guessers away.

pub mod backoff;
pub mod cookie;
pub mod network;
pub mod origin;
pub mod password;
pub mod session;
