//! The switches of language and theme.

use crate::components::icon::Icon;
use crate::i18n::{I18n, Locale, text};
use crate::live::live;
use crate::theme::{Theme, ThemeContext};
use leptos::prelude::*;

/// Chooses the language; each is called by its own name.
#[component]
pub fn LanguageSwitch() -> impl IntoView {
    let i18n = I18n::expect();
    let options = Locale::ALL.map(|locale| {
        view! {
            <option value=locale.tag() lang=locale.tag() selected=live(move || i18n.locale() == locale)>
                {locale.name()}
            </option>
        }
    });
    view! {
        <label class="language">
            <span class="language-letters" aria-hidden="true">{live(move || i18n.locale().tag().to_uppercase())}</span>
            <select
                data-testid="language-switch" aria-label=i18n.t(text::theme::language) title=i18n.t(text::theme::language)
                prop:value=live(move || i18n.locale().tag())
                on:change:target=move |event| {
                    if let Some(locale) = Locale::from_tag(&event.target().value()) {
                        i18n.choose(locale);
                    }
                }
            >
                {options.into_iter().collect_view()}
            </select>
        </label>
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
