//! What stands where there is nothing to list.

use crate::components::shown::Shown;
use crate::live::{derived, live};
use leptos::prelude::*;

/// The words for an empty list, and for one that is not here yet; nothing while there is something.
#[component]
pub fn Empty(words: Signal<Option<&'static str>>) -> impl IntoView {
    view! {
        <Shown when=derived(move || words.get().is_some())>
            <p class="empty" role="status">{live(move || words.get())}</p>
        </Shown>
    }
}
