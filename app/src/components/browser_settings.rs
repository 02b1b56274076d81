//! What a user sets for this browser alone: sound, notifications, links to telephone numbers.

use crate::browser;
use crate::browser::notify::Permission;
use crate::components::push_switch::PushSwitch;
use crate::components::switch::Switch;
use crate::design::Card;
use crate::i18n::{I18n, text};
use crate::live::{derived, live};
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
    let refused = RwSignal::new(false);
    let links_hint = move || {
        let hint = if refused.get() {
            text::settings::tel_links_missing
        } else {
            text::settings::tel_links_hint
        };
        hint(i18n.locale())
    };
    view! {
        <Card id="browser-settings" title=text::settings::browser class="card settings">
            <Switch
                testid="setting-ring" label=text::settings::ring
                hint=Signal::derive(i18n.t(text::settings::ring_hint))
                on=derived(move || preferences.ring()) disabled=Signal::derive(|| false)
                ask=Callback::new(move |on| preferences.set_ring(on))
            />
            <Switch
                testid="setting-notify" label=text::settings::notify hint=Signal::derive(notify_hint)
                on=derived(move || preferences.notify()) disabled=Signal::derive(barred)
                ask=Callback::new(move |on| preferences.set_notify(on))
            />
            <PushSwitch />
            <div class="setting">
                <button
                    type="button" class="button" data-testid="setting-tel" aria-describedby="setting-tel-hint"
                    on:click=move |_| refused.set(!browser::take_telephone_links())
                >
                    {i18n.t(text::settings::tel_links)}
                </button>
                <p class="hint" id="setting-tel-hint" role="status">{live(links_hint)}</p>
            </div>
        </Card>
    }
}
