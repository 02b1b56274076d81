//! The page of the call log.

use crate::components::call_log::CallLogCard;
use crate::components::calls_now::CallsNow;
use crate::i18n::{I18n, text};
use leptos::prelude::*;

/// The page.
#[component]
pub fn LogPage() -> impl IntoView {
    let i18n = I18n::expect();
    view! {
        <main class="page">
            <h1 id="page-title" tabindex="-1">{i18n.t(text::page::log)}</h1>
            <CallsNow />
            <CallLogCard />
        </main>
    }
}
