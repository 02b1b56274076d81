//! How much of something there is.

use crate::i18n::{I18n, Locale};
use crate::live::live;
use leptos::prelude::*;

/// A bar that is filled as far as `level` says, from 0 to 1.
#[component]
pub fn Meter(
    label: fn(Locale) -> &'static str,
    #[prop(into)] level: Signal<f64>,
    #[prop(optional)] testid: Option<&'static str>,
) -> impl IntoView {
    let i18n = I18n::expect();
    view! {
        <meter class="level" data-testid=testid min="0" max="1" aria-label=i18n.t(label)
            prop:value=live(move || level.get())></meter>
    }
}
