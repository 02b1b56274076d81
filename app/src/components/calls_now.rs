//! The calls that are up, on every page; the one that ended last; those that anybody can fetch.

use crate::components::call_card::CallCard;
use crate::components::ended_card::EndedCard;
use crate::components::parked_card::ParkedCard;
use crate::i18n::{I18n, text};
use crate::state::Portal;
use leptos::prelude::*;

/// The cards, side by side where two calls are up.
#[component]
pub fn CallsNow() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    view! {
        <section class="calls" aria-label=i18n.t(text::home::calls)>
            <For each=move || portal.calls().get() key=|id| *id let:id>
                <CallCard id />
            </For>
            <EndedCard />
            <ParkedCard />
        </section>
    }
}
