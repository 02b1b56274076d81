//! A field of a form with what belongs to it.

use crate::i18n::{I18n, Locale};
use crate::live::live;
use leptos::prelude::*;

/// The label over an input, a hint and what is wrong with what was typed under it. The input, which is the content, has the
/// `id`, and names `<id>-hint` and `<id>-error` as its description.
#[component]
pub fn Field(
    id: &'static str,
    label: fn(Locale) -> &'static str,
    #[prop(optional)] hint: Option<fn(Locale) -> &'static str>,
    #[prop(optional)] error: Option<Signal<Option<String>>>,
    children: Children,
) -> impl IntoView {
    let i18n = I18n::expect();
    view! {
        <div class="field">
            <label for=id>{i18n.t(label)}</label>
            {children()}
            {hint.map(|hint| view! { <p class="hint" id=format!("{id}-hint")>{i18n.t(hint)}</p> })}
            {error.map(|error| view! {
                <p class="field-error" id=format!("{id}-error") role="alert">{live(move || error.get())}</p>
            })}
        </div>
    }
}
