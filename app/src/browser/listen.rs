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

/// Calls `run` in the next task, unless the component that asks, or what of it runs now, is gone by then. A browser paints
/// between tasks: what this one changes is seen before.
pub fn next_task(run: impl FnOnce() + 'static) {
    if let Ok(timer) = set_timeout_with_handle(run, Duration::ZERO) {
        on_cleanup(move || timer.clear());
    }
}

/// Follows what is typed, in a task of its own: a letter is painted before the list that it looks for, and what was
/// overtaken is not looked for.
pub fn a_task_later(typed: RwSignal<String>) -> RwSignal<String> {
    let sought = RwSignal::new(typed.get_untracked());
    Effect::new(move || {
        let typed = typed.get();
        if sought.with_untracked(|sought| *sought != typed) {
            next_task(move || sought.set(typed));
        }
    });
    sought
}

/// Calls `run` every `interval_ms` milliseconds, the first time after one of them.
pub fn every(interval_ms: u64, run: impl Fn() + 'static) {
    if let Ok(timer) = set_interval_with_handle(run, Duration::from_millis(interval_ms)) {
        on_cleanup(move || timer.clear());
    }
}
