//! The frame of the pages before the portal: sign-in and invitation.

use crate::browser;
use crate::components::in_turn::InTurn;
use crate::components::switches::{LanguageSwitch, ThemeSwitch};
use crate::i18n::{I18n, Locale, text};
use leptos::prelude::*;

/// A card under the name of the product.
#[component]
pub fn Entrance(title: fn(Locale) -> &'static str, children: Children) -> impl IntoView {
    let i18n = I18n::expect();
    Effect::new(move || browser::set_title(&format!("{} · Ponte", title(i18n.locale()))));
    view! {
        <div class="entrance">
            <header class="entrance-tools">
                <InTurn><LanguageSwitch /><ThemeSwitch /></InTurn>
            </header>
            <main class="entrance-card">
                <Brand />
                <h1>{i18n.t(title)}</h1>
                {children()}
            </main>
        </div>
    }
}

/// What stands where nobody knows yet who is signed in: that of the entrance which needs no answer, as in shell.html.
#[component]
pub fn Waiting() -> impl IntoView {
    view! {
        <div class="entrance" aria-busy="true">
            <header class="entrance-tools"></header>
            <main class="entrance-card"><Brand /></main>
        </div>
    }
}

#[component]
fn Brand() -> impl IntoView {
    let i18n = I18n::expect();
    view! {
        <div class="entrance-brand">
            <svg class="brand-bridge" viewBox="0 0 240 64" aria-hidden="true" focusable="false">
                <path class="bridge-deck" d="M4 52 H236" />
                <path class="bridge-arch" d="M28 52 C 72 -6, 168 -6, 212 52" />
                <path class="bridge-hanger" d="M72 22 V52 M96 12 V52 M120 9 V52 M144 12 V52 M168 22 V52" />
                <circle class="bridge-end" cx="28" cy="52" r="7" />
                <circle class="bridge-end" cx="212" cy="52" r="7" />
            </svg>
            <p class="brand-name">"Ponte"</p>
            <p class="brand-line">{i18n.t(text::sign_in::tagline)}</p>
        </div>
    }
}
