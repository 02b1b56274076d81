//! Running the whole of Ponte on this machine.

mod control;
pub(crate) mod demo;
pub(crate) mod dev;
mod http;
mod ports;
mod service;
mod stack;
