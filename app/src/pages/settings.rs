//! The page of settings.

use crate::components::browser_settings::BrowserSettingsCard;
use crate::components::call_settings::CallSettingsCard;
use crate::components::calls_now::CallsNow;
use crate::components::forwarding_card::ForwardingCard;
use crate::components::stations_card::StationsCard;
use crate::i18n::{I18n, text};
use leptos::prelude::*;

/// The page.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let i18n = I18n::expect();
    view! {
        <main class="page">
            <h1 id="page-title" tabindex="-1">{i18n.t(text::page::settings)}</h1>
            <CallsNow />
            <CallSettingsCard />
            <ForwardingCard />
            <StationsCard />
            <BrowserSettingsCard />
        </main>
    }
}
