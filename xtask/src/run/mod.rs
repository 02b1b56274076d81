//! Running the whole of Ponte on this machine.

mod control;
pub(crate) mod demo;
pub(crate) mod dev;
mod hints;
mod http;
mod people;
mod ports;
mod service;
mod stack;
