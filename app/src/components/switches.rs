//! The switches of language and theme.

use crate::components::icon::Icon;
use crate::i18n::{I18n, text};
use crate::live::live;
use crate::theme::{Theme, ThemeContext};
use leptos::prelude::*;

/// Goes to the other language; it is labelled in that language, with the letters shown first so that voice control
/// finds it by them.
#[component]
pub fn LanguageSwitch() -> impl IntoView {
    let i18n = I18n::expect();
    let next = move || i18n.locale().next();
    let letters = move || next().tag().to_uppercase();
    view! {
        <button
            type="button" class="button quiet language" data-testid="language-switch"
            lang=live(move || next().tag())
            aria-label=live(move || format!("{}, {}", letters(), next().name()))
            title=live(move || next().name())
            on:click=move |_| i18n.choose(i18n.locale_now().next())
        >
            {live(letters)}
        </button>
    }
}

/// Goes round system, light and dark.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let i18n = I18n::expect();
    let theme = ThemeContext::expect();
    let label = move || {
        let locale = i18n.locale();
        match theme.get() {
            Theme::Auto => text::theme::auto(locale),
            Theme::Light => text::theme::light(locale),
            Theme::Dark => text::theme::dark(locale),
        }
    };
    view! {
        <button
            type="button" class="button icon-only quiet" data-testid="theme-switch"
            data-theme-choice=live(move || theme.get().name())
            aria-label=live(label) title=live(label)
            on:click=move |_| theme.advance()
        >
            {live(move || match theme.get() {
                Theme::Auto => view! { <Icon name="theme-auto" /> },
                Theme::Light => view! { <Icon name="sun" /> },
                Theme::Dark => view! { <Icon name="moon" /> },
            })}
        </button>
    }
}
