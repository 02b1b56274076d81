//! What needs neither browser nor clock.

pub mod form;
pub mod preview;
