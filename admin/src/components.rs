//! The parts that several pages are made of.

pub mod dialog;
pub mod field;
pub mod loaded;
pub mod rules_editor;
pub mod secret;
