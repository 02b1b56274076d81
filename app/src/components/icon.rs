//! Pictograms out of `/icons.svg`.

use leptos::prelude::*;

/// A pictogram; it says nothing to a screen reader, the words beside it do.
#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true" focusable="false">
            <use href=format!("/icons.svg#{name}")></use>
        </svg>
    }
}
