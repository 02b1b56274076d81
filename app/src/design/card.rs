//! A part of a page with a title of its own.

use crate::i18n::{I18n, Locale};
use leptos::prelude::*;

/// A card. `id` names it among those of its page; `class` says how its content is laid out.
#[component]
pub fn Card(
    id: &'static str,
    title: fn(Locale) -> &'static str,
    #[prop(default = "card")] class: &'static str,
    children: Children,
) -> impl IntoView {
    let i18n = I18n::expect();
    let title_id = format!("{id}-title");
    view! {
        <section class=class aria-labelledby=title_id.clone()>
            <h2 id=title_id.clone()>{i18n.t(title)}</h2>
            {children()}
        </section>
    }
}
