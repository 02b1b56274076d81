//! One word about something.

use leptos::prelude::*;

/// A word or two on an item of a list: of what is good or in force (`on`), of what is not, or of what is neither.
#[component]
pub fn Tag(#[prop(optional)] on: Option<bool>, children: Children) -> impl IntoView {
    let class = match on {
        None => "tag",
        Some(true) => "tag on",
        Some(false) => "tag off",
    };
    view! { <span class=class>{children()}</span> }
}
