//! What a page says while it knows nothing, and when it could not be told.

use crate::i18n::{I18n, text};
use crate::site::{Fault, Part};
use crate::words;
use leptos::prelude::*;
use ponte_app::design::{Notice, Tone};
use ponte_app::live::live;

/// Whether a part of the site is being waited for, could not be had, or is empty; nothing else.
#[component]
pub fn Loaded<T: Clone + PartialEq + Send + Sync + 'static>(
    part: RwSignal<Part<T>>,
    empty: fn(&T) -> bool,
    words_empty: fn(crate::i18n::Locale) -> &'static str,
) -> impl IntoView {
    let i18n = I18n::expect();
    let state: Memo<(Option<Fault>, Option<bool>)> =
        Memo::new(move |_| part.with(|part| (part.fault.clone(), part.value.as_ref().map(empty))));
    live(move || {
        let locale = i18n.locale();
        match state.get() {
            (Some(fault), _) => view! {
                <Notice tone=Tone::Error testid="admin-fault">{words::fault(locale, &fault)}</Notice>
            }
            .into_any(),
            (None, None) => {
                view! { <p class="empty" role="status">{text::page::loading(locale)}</p> }.into_any()
            }
            (None, Some(true)) => {
                view! { <p class="empty" role="status">{words_empty(locale)}</p> }.into_any()
            }
            (None, Some(false)) => ().into_any(),
        }
    })
}
