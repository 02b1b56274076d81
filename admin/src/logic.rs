//! What needs neither browser nor clock.

pub mod directory;
pub mod form;
pub mod preview;
