//! The portal: what a user of Ponte sees, compiled to WebAssembly.
//!
//! - [`logic`], [`format`], [`names`], [`words`] and most of [`state`] are pure: no browser, no clock; they are tested natively.
//! - [`api`] speaks HTTP with the edge, [`socket`] holds the WebSocket.
//! - [`components`] and [`pages`] show [`state::Portal`]; they show what they are told and guess no call state.

pub mod api;
pub mod app;
pub mod browser;
pub mod components;
pub mod design;
pub mod format;
pub mod i18n;
pub mod live;
pub mod logic;
pub mod names;
pub mod pages;
pub mod rtc;
pub mod socket;
pub mod start;
pub mod state;
pub mod text_parts;
pub mod theme;
pub mod words;
