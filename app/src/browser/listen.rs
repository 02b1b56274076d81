//! Listens to the page and to the clock for as long as the component stands that asks for it.

use leptos::ev::EventDescriptor;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsCast;

/// Calls `heard` for each event that reaches the window; those of the document bubble up to it.
pub fn on_window<E>(event: E, heard: impl Fn(E::EventType) + 'static)
where
    E: EventDescriptor + 'static,
    E::EventType: JsCast,
{
    let listener = window_event_listener(event, heard);
    on_cleanup(move || listener.remove());
}

/// Calls `run` every `interval_ms` milliseconds, the first time after one of them.
pub fn every(interval_ms: u64, run: impl Fn() + 'static) {
    if let Ok(timer) = set_interval_with_handle(run, Duration::from_millis(interval_ms)) {
        on_cleanup(move || timer.clear());
    }
}
