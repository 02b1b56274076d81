//! The administrator's pages: users, numbers, telephones, restrictions, trunks, the audit log and the import, compiled to
//! WebAssembly beside the portal, so that nobody else loads them (docs/adr/0018).
//!
//! - [`logic`] is pure and tested natively: forms, restrictions, CSV.
//! - [`site`] asks the gateway and keeps what it answered; nothing here is guessed.
//! - [`components`] and [`pages`] show it, with what the portal is made of (`ponte_app`).

pub mod app;
pub mod components;
pub mod i18n;
pub mod logic;
pub mod pages;
pub mod site;
pub mod words;
