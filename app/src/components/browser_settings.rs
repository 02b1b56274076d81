//! What a user sets for this browser alone: sound and notifications.

use crate::browser::notify::Permission;
use crate::components::switch::Switch;
use crate::i18n::{I18n, text};
use crate::state::Preferences;
use leptos::prelude::*;

/// The card.
#[component]
pub fn BrowserSettingsCard() -> impl IntoView {
    let i18n = I18n::expect();
    let preferences = Preferences::expect();
    let barred = move || matches!(preferences.permission(), Permission::Denied | Permission::Missing);
    let notify_hint = move || {
        let locale = i18n.locale();
        match preferences.permission() {
            Permission::Denied => text::settings::notify_denied(locale),
            Permission::Missing => text::settings::notify_missing(locale),
            Permission::Granted | Permission::Unasked => text::settings::notify_hint(locale),
        }
    };
    view! {
        <section class="card settings" aria-labelledby="browser-settings-title">
            <h2 id="browser-settings-title">{i18n.t(text::settings::browser)}</h2>
            <Switch
                testid="setting-ring" label=text::settings::ring
                hint=Signal::derive(i18n.t(text::settings::ring_hint))
                on=Signal::derive(move || preferences.ring()) disabled=Signal::derive(|| false)
                ask=Callback::new(move |on| preferences.set_ring(on))
            />
            <Switch
                testid="setting-notify" label=text::settings::notify hint=Signal::derive(notify_hint)
                on=Signal::derive(move || preferences.notify()) disabled=Signal::derive(barred)
                ask=Callback::new(move |on| preferences.set_notify(on))
            />
        </section>
    }
}
