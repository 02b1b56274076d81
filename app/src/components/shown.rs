//! Parts that are there while a condition holds.

use crate::live::memo;
use leptos::prelude::*;

/// Like `Show` of Leptos, but compiled once instead of once for each condition and each part.
#[component]
pub fn Shown(when: Signal<bool>, children: ChildrenFn) -> impl IntoView {
    let holds = memo(move || when.get());
    move || holds.get().then(|| children())
}
