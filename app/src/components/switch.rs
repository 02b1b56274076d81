//! A setting that is on or off.

use crate::i18n::{I18n, Locale};
use crate::live::{barred, live};
use leptos::prelude::*;

/// A switch with its words and a hint below. It shows `on` as it is told; a click only asks.
#[component]
pub fn Switch(
    testid: &'static str,
    label: fn(Locale) -> &'static str,
    hint: Signal<&'static str>,
    on: Signal<bool>,
    disabled: Signal<bool>,
    ask: Callback<bool>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let hint_id = format!("{testid}-hint");
    view! {
        <div class="setting">
            <label class="switch">
                <span class="switch-words">{i18n.t(label)}</span>
                <input
                    type="checkbox" role="switch" data-testid=testid aria-describedby=hint_id.clone()
                    prop:checked=live(move || on.get()) aria-disabled=barred(move || disabled.get())
                    on:change:target=move |event| {
                        let wanted = event.target().checked();
                        event.target().set_checked(on.get_untracked());
                        ask.run(wanted);
                    }
                />
            </label>
            <p class="hint" id=hint_id>{live(move || hint.get())}</p>
        </div>
    }
}
